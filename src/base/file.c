#include "base/file.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_STEP_BYTES = 16 << 10, SECRET_MAX_BYTES = 4096, PATH_MAX_BYTES = 4096 };

void fd_close(int *fd)
{
    if (*fd < 0)
        return;
    int kept = errno;
    close(*fd);
    errno = kept;
    *fd = -1;
}

enum status file_read_at(int dir, const char *path, struct buf *out, struct err *err)
{
    auto_fd fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "open %s", path);
    for (;;) {
        /* The size that stat tells is a guess only: /proc files say 0. */
        size_t max = out->max ? out->max : BUF_DEFAULT_MAX_BYTES;
        size_t room = MIN((size_t)READ_STEP_BYTES, max - MIN(max, out->len));
        char over;
        char *to = room ? buf_reserve(out, room) : &over;
        if (!to)
            return err_set(err, FULL, "%s is larger than %zu bytes", path, max);
        ssize_t n = read(fd, to, room ? room : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, "read %s", path);
        if (n == 0)
            return OK;
        if (!room)
            return err_set(err, FULL, "%s is larger than %zu bytes", path, max);
        out->len += (size_t)n;
    }
}

enum status file_read(const char *path, struct buf *out, struct err *err)
{
    return file_read_at(AT_FDCWD, path, out, err);
}

enum status fd_write_all(int fd, const void *bytes, size_t n, struct err *err)
{
    const char *p = bytes;
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_errno(err, "write");
        p += done;
        n -= (size_t)done;
    }
    return OK;
}

enum status fd_pwrite_all(int fd, const void *bytes, size_t n, int64_t offset, struct err *err)
{
    const char *p = bytes;
    while (n) {
        ssize_t done = pwrite(fd, p, n, offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_errno(err, "write at %lld", (long long)offset);
        p += done;
        n -= (size_t)done;
        offset += done;
    }
    return OK;
}

enum status fd_pread_all(int fd, void *bytes, size_t n, int64_t offset, struct err *err)
{
    char *p = bytes;
    while (n) {
        ssize_t done = pread(fd, p, n, offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_errno(err, "read at %lld", (long long)offset);
        if (done == 0)
            return err_set(err, CORRUPT, "the file ends at %lld, %zu bytes early",
                           (long long)offset, n);
        p += done;
        n -= (size_t)done;
        offset += done;
    }
    return OK;
}

/* The directory that path lies in, into dir[PATH_MAX_BYTES]. */
static bool parent_of(const char *path, char *dir)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? MAX((size_t)(slash - path), (size_t)1) : 1;
    if (n >= PATH_MAX_BYTES)
        return false;
    memcpy(dir, slash ? path : ".", n);
    dir[n] = 0;
    return true;
}

enum status dir_sync(const char *path, struct err *err)
{
    auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "open %s", path);
    return fsync(fd) ? err_errno(err, "fsync %s", path) : OK;
}

static enum status write_and_sync(const char *path, struct span content, mode_t mode,
                                  struct err *err)
{
    auto_fd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_errno(err, "create %s", path);
    enum status st = fd_write_all(fd, content.at, content.len, err);
    if (st)
        return err_prefix(err, "%s", path);
    return fsync(fd) ? err_errno(err, "fsync %s", path) : OK;
}

enum status file_write_atomic(const char *path, struct span content, mode_t mode, struct err *err)
{
    char temporary[PATH_MAX_BYTES], dir[PATH_MAX_BYTES];
    int n = snprintf(temporary, sizeof temporary, "%s.%d.new", path, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof temporary || !parent_of(path, dir))
        return err_set(err, INVALID, "%.100s...: the path is too long", path);
    enum status st = write_and_sync(temporary, content, mode, err);
    if (!st && rename(temporary, path))
        st = err_errno(err, "rename %s to %s", temporary, path);
    if (st) {
        unlink(temporary);
        return st;
    }
    return dir_sync(dir, err);
}

enum status dir_make(const char *path, mode_t mode, struct err *err)
{
    char step[PATH_MAX_BYTES];
    size_t n = strlen(path);
    if (!n || n >= sizeof step)
        return err_set(err, INVALID, "%.100s: not a usable directory name", path);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && path[i] != '/')
            continue;
        memcpy(step, path, i);
        step[i] = 0;
        if (mkdir(step, mode) && errno != EEXIST)
            return err_errno(err, "create directory %s", step);
    }
    struct stat info;
    if (stat(path, &info) || !S_ISDIR(info.st_mode))
        return err_set(err, INVALID, "%s exists and is not a directory", path);
    return OK;
}

enum status file_read_secret(const char *path, char **out, struct err *err)
{
    auto_buf text = {.max = SECRET_MAX_BYTES};
    enum status st = file_read(path, &text, err);
    if (st)
        return st;
    struct span secret = span_trim(buf_view(&text));
    if (!secret.len)
        return err_set(err, INVALID, "%s is empty; it should hold a secret on one line", path);
    if (memchr(secret.at, '\n', secret.len))
        return err_set(err, INVALID, "%s has several lines; it should hold one secret", path);
    *out = mem_dup_span(secret);
    if (text.at)
        explicit_bzero(text.at, text.len);
    return OK;
}
