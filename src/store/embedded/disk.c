#include "store/embedded/disk.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int posix_open(struct disk *d, const char *path, int flags)
{
    (void)d;
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? -errno : fd;
}

static int posix_write(struct disk *d, int fd, const void *bytes, size_t n, int64_t at)
{
    (void)d;
    for (size_t done = 0; done < n;) {
        ssize_t wrote = pwrite(fd, (const char *)bytes + done, n - done, at + (int64_t)done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return wrote < 0 ? -errno : -EIO;
        done += (size_t)wrote;
    }
    return 0;
}

static int posix_sync(struct disk *d, int fd)
{
    (void)d;
    return fdatasync(fd) ? -errno : 0;
}

static int posix_resize(struct disk *d, int fd, int64_t size)
{
    (void)d;
    return ftruncate(fd, size) ? -errno : 0;
}

static int posix_reserve(struct disk *d, int fd, int64_t size)
{
    (void)d;
    return -posix_fallocate(fd, 0, size);
}

static int posix_rename(struct disk *d, const char *from, const char *to)
{
    (void)d;
    return rename(from, to) ? -errno : 0;
}

static int posix_unlink(struct disk *d, const char *path)
{
    (void)d;
    return unlink(path) ? -errno : 0;
}

static int posix_sync_dir(struct disk *d, const char *path)
{
    (void)d;
    auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) ? -errno : 0;
}

static void posix_close(struct disk *d, int fd)
{
    (void)d;
    close(fd);
}

static int posix_space(struct disk *d, const char *path, uint64_t *free_bytes,
                       uint64_t *total_bytes)
{
    (void)d;
    struct statvfs info;
    if (statvfs(path, &info))
        return -errno;
    *free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    *total_bytes = (uint64_t)info.f_blocks * info.f_frsize;
    return 0;
}

struct disk disk_posix = {
    .open = posix_open,
    .write = posix_write,
    .sync = posix_sync,
    .resize = posix_resize,
    .reserve = posix_reserve,
    .rename = posix_rename,
    .unlink = posix_unlink,
    .sync_dir = posix_sync_dir,
    .close = posix_close,
    .space = posix_space,
};

static enum status said(int result, const char *verb, const char *path, struct err *err)
{
    if (result >= 0)
        return OK;
    errno = -result;
    return err_errno(err, "%s %s", verb, path);
}

enum status disk_open(struct disk *d, const char *path, int flags, int *fd, struct err *err)
{
    int result = d->open(d, path, flags);
    *fd = result < 0 ? -1 : result;
    return said(result, "open", path, err);
}

enum status disk_write(struct disk *d, int fd, const void *bytes, size_t n, int64_t at,
                       const char *path, struct err *err)
{
    return said(d->write(d, fd, bytes, n, at), "write", path, err);
}

enum status disk_sync(struct disk *d, int fd, const char *path, struct err *err)
{
    return said(d->sync(d, fd), "sync", path, err);
}

enum status disk_rename(struct disk *d, const char *from, const char *to, struct err *err)
{
    return said(d->rename(d, from, to), "rename to", to, err);
}

enum status disk_unlink(struct disk *d, const char *path, struct err *err)
{
    return said(d->unlink(d, path), "remove", path, err);
}

enum status disk_sync_dir(struct disk *d, const char *path, struct err *err)
{
    return said(d->sync_dir(d, path), "sync", path, err);
}
