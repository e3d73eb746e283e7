/* Files of /proc and /sys: opened once, read at offset 0 again and again. */
#include "collect/tick.h"

#include "base/file.h"
#include "base/log.h"
#include "collect/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    FIRST_READ_BYTES = 32 << 10,
    /* A seq_file stops early only when its next record does not fit into the page it fills, and
     * no record of a /proc file that lists records is as long as this. So a read that left so
     * much of the smallest page was the last, and needs no second one to see the end. */
    RECORD_MAX_BYTES = 1 << 10,
    PAGE_MIN_BYTES = 4 << 10,
    HOST_PATH_MAX = 256,
};

static enum status open_file(const struct collect *c, const char *path, int *fd, struct err *err)
{
    char other[HOST_PATH_MAX];
    const char *host = namespaces_path(&c->namespaces, path, other, sizeof other);
    if (!host)
        return err_set(err, NOT_FOUND, "%s of the host cannot be seen from this container", path);
    *fd = openat(c->root_fd, host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return *fd < 0 ? err_errno(err, "open %s", host) : OK;
}

static enum status kfile_open(struct collect *c, struct kfile *f, const char *path, struct err *err)
{
    if (f->fd_plus_1)
        return OK;
    if (c->mono_ms < f->retry_ms)
        return NOT_FOUND;
    int fd = -1;
    enum status st = open_file(c, path, &fd, err);
    if (st) {
        f->retry_ms = c->mono_ms + RETRY_MISSING_MS;
        return st;
    }
    f->fd_plus_1 = fd + 1;
    if (!f->known) {
        f->known = true;
        f->next = c->files;
        c->files = f;
    }
    return OK;
}

void kfile_close(struct kfile *f)
{
    if (f->fd_plus_1)
        close(f->fd_plus_1 - 1);
    f->fd_plus_1 = 0;
}

static bool at_end(size_t total, size_t asked, ssize_t got)
{
    if (got == 0)
        return true;
    return (size_t)got < asked && total <= PAGE_MIN_BYTES - RECORD_MAX_BYTES;
}

static enum status read_all(int fd, struct buf *text, const char *path, struct err *err)
{
    buf_clear(text);
    for (;;) {
        size_t room = text->size - text->len;
        if (room < FIRST_READ_BYTES / 2) {
            if (!buf_reserve(text, MAX(text->size, FIRST_READ_BYTES)))
                return err_set(err, FULL, "%s is larger than %zu bytes", path, text->max);
            room = text->size - text->len;
        }
        ssize_t got = pread(fd, text->at + text->len, room, (off_t)text->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, "read %s", path);
        text->len += (size_t)got;
        if (at_end(text->len, room, got))
            return OK;
    }
}

/* A file of /proc/sys or /sys that only root may read. */
static void note_denied(struct tick *t, enum status st)
{
    if (st == DENIED)
        tick_denied(t, "root");
}

/* A recorded machine may change under our feet: its files are opened anew each time. */
static void done_with(struct collect *c, struct kfile *f, enum status st)
{
    if (st || !c->live)
        kfile_close(f);
}

enum status tick_read(struct tick *t, struct kfile *f, const char *path, struct span *out,
                      struct err *err)
{
    struct collect *c = t->c;
    enum status st = kfile_open(c, f, path, err);
    note_denied(t, st);
    if (st)
        return st;
    st = read_all(f->fd_plus_1 - 1, &c->text, path, err);
    done_with(c, f, st);
    *out = buf_view(&c->text);
    return st;
}

enum status tick_read_small(struct tick *t, struct kfile *f, const char *path, struct span *out,
                            struct err *err)
{
    struct collect *c = t->c;
    enum status st = kfile_open(c, f, path, err);
    note_denied(t, st);
    if (st)
        return st;
    buf_clear(&c->text);
    char *at = buf_reserve(&c->text, SMALL_READ_BYTES);
    ssize_t got = pread(f->fd_plus_1 - 1, at, SMALL_READ_BYTES, 0);
    if (got < 0)
        st = err_errno(err, "read %s", path);
    done_with(c, f, st);
    *out = span_from(at, got < 0 ? 0 : (size_t)got);
    return st;
}

enum status tick_read_once(struct tick *t, const char *path, struct span *out, struct err *err)
{
    struct collect *c = t->c;
    auto_fd fd = -1;
    enum status st = open_file(c, path, &fd, err);
    if (!st)
        st = read_all(fd, &c->text, path, err);
    note_denied(t, st);
    *out = buf_view(&c->text);
    return st;
}

enum status tick_number(struct tick *t, struct kfile *file, const char *path,
                        const struct metric *m, struct err *err)
{
    struct span text;
    uint64_t v;
    enum status st = tick_read_small(t, file, path, &text, err);
    if (st)
        return st;
    if (!parse_u64(text, &v))
        return err_set(err, INVALID, "%s is not a number", path);
    emit(t, m, (double)v);
    return OK;
}

void tick_odd(struct tick *t, const char *path, struct span line)
{
    struct active *a = t->a;
    a->faults++;
    if (a->odd_told)
        return;
    a->odd_told = true;
    line.len = MIN(line.len, 80);
    log_warn("%s: \"%.*s\" is not understood and left out", path, SPAN_ARG(line));
}

struct arena *tick_arena(struct tick *t)
{
    return &t->c->arena;
}

bool pick(struct tick *t, struct picker *p, size_t position, struct span group, struct span name,
          pick_fn wanted)
{
    if (position < p->n && p->at[position].len == name.len &&
        memcmp(p->at[position].name, name.at, name.len) == 0)
        return p->at[position].wanted;
    if (position >= p->n) {
        size_t n = MAX(2 * p->n, position + 256);
        p->at = arena_grow(&t->c->arena, p->at, p->n * sizeof *p->at, n * sizeof *p->at);
        memset(p->at + p->n, 0, (n - p->n) * sizeof *p->at);
        p->n = n;
    }
    p->at[position].name = arena_dup_span(&t->c->arena, name);
    p->at[position].len = (uint32_t)name.len;
    p->at[position].wanted = wanted(group, name);
    return p->at[position].wanted;
}
