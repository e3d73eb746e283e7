/* A backup of what is in the store at one moment: the head goes to blocks, and blocks never
 * change, so links to them are enough. */
#include "store/embedded/embedded.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 20 };

static enum status copy_file(const char *from, const char *to, struct err *err)
{
    auto_fd in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    auto_fd out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (in < 0)
        return err_errno(err, "open %s", from);
    if (out < 0)
        return err_errno(err, "open %s", to);
    auto_free char *bytes = mem_alloc(COPY_BYTES);
    ssize_t n;
    enum status st = OK;
    while (!st && (n = read(in, bytes, COPY_BYTES)) > 0)
        st = fd_write_all(out, bytes, (size_t)n, err);
    if (!st && n < 0)
        st = err_errno(err, "read %s", from);
    if (!st && fsync(out))
        st = err_errno(err, "sync %s", to);
    return st ? err_prefix(err, "%s", to) : OK;
}

/* The same file under another name where that is possible: no bytes are copied. */
static enum status link_file(const char *from, const char *to, struct err *err)
{
    if (link(from, to) == 0)
        return OK;
    return errno == EXDEV || errno == EPERM || errno == EMLINK ? copy_file(from, to, err)
                                                               : err_errno(err, "link %s", to);
}

static enum status link_blocks(struct store *s, const char *dir, struct store_backup *out,
                               struct err *err)
{
    enum status st = OK;
    struct version *v = version_hold(&s->versions);
    for (size_t i = 0; !st && i < v->n; i++) {
        char to[BLOCK_PATH_MAX];
        const char *name = strrchr(v->blocks[i]->path, '/');
        snprintf(to, sizeof to, "%s/blocks%s", dir, name);
        st = link_file(v->blocks[i]->path, to, err);
        out->files++;
        out->bytes += v->blocks[i]->bytes;
        out->samples += v->blocks[i]->samples;
    }
    version_release(&s->versions, v);
    return st;
}

static enum status copy_deletions(struct store *s, const char *dir, struct store_backup *out,
                                  struct err *err)
{
    char from[BLOCK_PATH_MAX], to[BLOCK_PATH_MAX];
    struct stat info;
    snprintf(from, sizeof from, "%s/deleted.db", s->dir);
    snprintf(to, sizeof to, "%s/deleted.db", dir);
    if (stat(from, &info))
        return OK; /* nothing was ever deleted */
    out->files++;
    out->bytes += (uint64_t)info.st_size;
    return copy_file(from, to, err);
}

enum status store_backup(struct store *s, const char *dir, struct store_backup *out,
                         struct err *err)
{
    char part[BLOCK_PATH_MAX];
    *out = (struct store_backup){.at_ms = s->guard.wall_ms()};
    if (strlen(dir) > BLOCK_PATH_MAX / 2)
        return err_set(err, INVALID, "the name of the backup's directory is too long");
    snprintf(part, sizeof part, "%s/blocks", dir);
    enum status st = dir_make(part, 0700, err);
    pthread_mutex_lock(&s->maintaining); /* nobody changes blocks or deletions meanwhile */
    if (!st)
        st = flush_head(s, err);
    if (!st)
        st = link_blocks(s, dir, out, err);
    if (!st)
        st = copy_deletions(s, dir, out, err);
    pthread_mutex_unlock(&s->maintaining);
    if (!st)
        st = dir_sync(part, err);
    return st ? st : dir_sync(dir, err);
}

const char *store_dir(const struct store *s)
{
    return s->dir;
}
