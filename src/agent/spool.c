/* See spool.h for the format. */
#include "agent/spool.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "base/file.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAGIC = 0x31505347, /* "GSP1" */
    FILES_WANTED = 32,  /* the ring's limit is kept by removing whole files */
    FILE_MIN_BYTES = 64 << 10,
    FILE_MAX_BYTES_WANTED = 8 << 20,
    DONE_OFFSET = 12,
};

struct head {
    uint32_t magic, len, crc;
    uint8_t done, zero[3];
};
_Static_assert(sizeof(struct head) == SPOOL_HEAD_BYTES, "the head as it lies on disk");

/* Files in order of age. Records before first are done. */
struct file {
    uint64_t id, bytes, first;
    size_t waiting;
};

struct waiting {
    struct waiting *next;
    size_t len;
    char bytes[];
};

struct spool {
    char *dir; /* NULL: memory only */
    uint64_t max_bytes, file_bytes;
    struct file *files;
    size_t n, size;
    uint64_t next_id;
    int fd; /* of the newest file, open for appending; -1 */
    bool dirty;
    int read_fd;
    uint64_t read_id; /* of read_fd */
    struct waiting *memory, **memory_end;
    size_t memory_n, memory_bytes;
    uint64_t lost, gone;
    int lock_fd;
};

static uint32_t crc_of(uint32_t len, const void *body)
{
    uint32_t le = htole32(len);
    return crc32c(crc32c(0, &le, sizeof le), body, len);
}

static void path_of(const struct spool *s, uint64_t id, struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%s/%016llx.spool", s->dir, (unsigned long long)id);
}

static int open_file(const struct spool *s, uint64_t id, int flags)
{
    auto_buf path = {0};
    path_of(s, id, &path);
    return open(buf_text(&path), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* ---- reading ---- */

static bool read_exactly(int fd, void *to, size_t n, uint64_t offset)
{
    return fd_pread_all(fd, to, n, (int64_t)offset, NULL) == OK;
}

/* Head at offset; false when what is there is no record that ends within the file. */
static bool read_head(int fd, uint64_t offset, uint64_t file_bytes, struct head *h)
{
    if (offset + SPOOL_HEAD_BYTES > file_bytes || !read_exactly(fd, h, sizeof *h, offset))
        return false;
    h->len = le32toh(h->len);
    h->crc = le32toh(h->crc);
    return le32toh(h->magic) == MAGIC && h->len <= SPOOL_RECORD_MAX_BYTES &&
           offset + SPOOL_HEAD_BYTES + h->len <= file_bytes;
}

static bool read_body(int fd, uint64_t offset, const struct head *h, struct buf *out)
{
    buf_clear(out);
    char *to = buf_reserve(out, h->len);
    if (!to || !read_exactly(fd, to, h->len, offset + SPOOL_HEAD_BYTES))
        return false;
    out->len = h->len;
    return crc_of(h->len, to) == h->crc;
}

static int read_fd_of(struct spool *s, uint64_t id)
{
    if (s->read_fd < 0 || s->read_id != id) {
        fd_close(&s->read_fd);
        s->read_fd = open_file(s, id, O_RDWR);
        s->read_id = id;
    }
    return s->read_fd;
}

/* ---- files ---- */

static void remove_file(struct spool *s, size_t i)
{
    auto_buf path = {0};
    path_of(s, s->files[i].id, &path);
    unlink(buf_text(&path));
    if (s->read_id == s->files[i].id)
        fd_close(&s->read_fd);
    if (i == s->n - 1)
        fd_close(&s->fd);
    memmove(&s->files[i], &s->files[i + 1], (s->n - i - 1) * sizeof *s->files);
    s->n--;
}

/* Counts what waits in a file that an earlier process left. What follows damage is cut. */
static void scan_file(struct spool *s, struct file *f)
{
    auto_fd fd = open_file(s, f->id, O_RDWR);
    auto_buf body = {.max = SPOOL_RECORD_MAX_BYTES};
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return;
    uint64_t size = (uint64_t)st.st_size, at = 0;
    bool seen = false;
    struct head h;
    while (read_head(fd, at, size, &h) && read_body(fd, at, &h, &body)) {
        if (!h.done) {
            f->first = seen ? f->first : at;
            seen = true;
            f->waiting++;
        }
        at += SPOOL_HEAD_BYTES + h.len;
    }
    f->bytes = at;
    if (at == size)
        return;
    s->lost++;
    if (ftruncate(fd, (off_t)at) != 0)
        f->bytes = at; /* read-only: the tail stays, and is not looked at */
}

static bool id_of(const char *name, uint64_t *id)
{
    struct span s = span_of(name);
    return s.len == 16 + strlen(".spool") && span_ends(s, SPAN(".spool")) &&
           span_hex((struct span){s.at, 16}, id);
}

static int compare_files(const void *a, const void *b)
{
    const struct file *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void add_file(struct spool *s, uint64_t id)
{
    if (s->n == s->size) {
        s->size = s->size ? 2 * s->size : 16;
        s->files = mem_grow(s->files, s->size * sizeof *s->files);
    }
    s->files[s->n++] = (struct file){.id = id};
}

static enum status find_files(struct spool *s, struct err *err)
{
    DIR *dir = opendir(s->dir);
    if (!dir)
        return err_errno(err, "spool directory %s", s->dir);
    for (struct dirent *e; (e = readdir(dir));) {
        uint64_t id;
        if (id_of(e->d_name, &id))
            add_file(s, id);
    }
    closedir(dir);
    if (s->n)
        qsort(s->files, s->n, sizeof *s->files, compare_files);
    for (size_t i = 0; i < s->n; i++)
        scan_file(s, &s->files[i]);
    s->next_id = s->n ? s->files[s->n - 1].id + 1 : 1;
    for (size_t i = s->n; i-- > 0;)
        if (s->files[i].waiting == 0)
            remove_file(s, i);
    return OK;
}

/* Two processes on one ring would destroy it. */
static enum status take_lock(struct spool *s, struct err *err)
{
    auto_buf path = {0};
    buf_printf(&path, "%s/lock", s->dir);
    s->lock_fd = open(buf_text(&path), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return err_errno(err, "write to the spool directory %s", s->dir);
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return err_set(err, AGAIN, "the spool directory %s is in use by another agent", s->dir);
    return OK;
}

enum status spool_open(const char *dir, uint64_t max_bytes, struct spool **out, struct err *err)
{
    struct spool *s = mem_zero(1, sizeof *s);
    s->fd = s->read_fd = s->lock_fd = -1;
    s->memory_end = &s->memory;
    s->max_bytes = max_bytes;
    s->file_bytes = MIN(MAX(max_bytes / FILES_WANTED, FILE_MIN_BYTES), FILE_MAX_BYTES_WANTED);
    s->dir = mem_dup(dir);
    *out = s;
    enum status st = dir_make(dir, 0700, err);
    if (!st)
        st = take_lock(s, err);
    if (!st)
        st = find_files(s, err);
    if (st) {
        free(s->dir);
        s->dir = NULL;
    }
    return st;
}

void spool_close(struct spool *s)
{
    if (!s)
        return;
    spool_sync(s);
    fd_close(&s->fd);
    fd_close(&s->read_fd);
    fd_close(&s->lock_fd);
    while (s->memory) {
        struct waiting *w = s->memory;
        s->memory = w->next;
        free(w);
    }
    free(s->files);
    free(s->dir);
    free(s);
}

/* ---- appending ---- */

static uint64_t disk_bytes(const struct spool *s)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->n; i++)
        bytes += s->files[i].bytes;
    return bytes;
}

static void make_room(struct spool *s, uint64_t wanted)
{
    while (s->n && disk_bytes(s) + wanted > s->max_bytes) {
        s->lost += s->files[0].waiting;
        s->gone += s->files[0].waiting;
        remove_file(s, 0);
    }
}

static enum status newest_file(struct spool *s, uint64_t wanted, struct err *err)
{
    if (s->fd >= 0 && s->files[s->n - 1].bytes + wanted > s->file_bytes) {
        spool_sync(s);
        fd_close(&s->fd);
    }
    if (s->fd >= 0)
        return OK;
    s->fd = open_file(s, s->next_id, O_WRONLY | O_CREAT | O_EXCL);
    if (s->fd < 0)
        return err_errno(err, "create a file in the spool %s", s->dir);
    add_file(s, s->next_id++);
    return OK;
}

static enum status put_on_disk(struct spool *s, struct span batch, struct err *err)
{
    uint64_t whole = SPOOL_HEAD_BYTES + batch.len;
    make_room(s, whole);
    enum status st = newest_file(s, whole, err);
    if (st)
        return st;
    struct file *f = &s->files[s->n - 1];
    struct head h = {.magic = htole32(MAGIC),
                     .len = htole32((uint32_t)batch.len),
                     .crc = htole32(crc_of((uint32_t)batch.len, batch.at))};
    auto_buf record = {0};
    buf_put(&record, &h, sizeof h);
    buf_span(&record, batch);
    st = fd_pwrite_all(s->fd, record.at, record.len, (int64_t)f->bytes, err);
    if (st) {
        /* half a record would hide all that follow */
        if (ftruncate(s->fd, (off_t)f->bytes) != 0)
            fd_close(&s->fd);
        return err_prefix(err, "spool %s", s->dir);
    }
    if (f->waiting == 0)
        f->first = f->bytes;
    f->waiting++;
    f->bytes += whole;
    s->dirty = true;
    return OK;
}

static size_t disk_waiting(const struct spool *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += s->files[i].waiting;
    return n;
}

static void drop_memory(struct spool *s)
{
    struct waiting *w = s->memory;
    s->memory = w->next;
    if (!s->memory)
        s->memory_end = &s->memory;
    s->memory_n--;
    s->memory_bytes -= w->len;
    free(w);
}

static void put_in_memory(struct spool *s, struct span batch)
{
    while (s->memory && s->memory_bytes + batch.len > SPOOL_MEMORY_BYTES) {
        drop_memory(s);
        s->lost++;
        s->gone += disk_waiting(s) == 0;
    }
    struct waiting *w = mem_alloc(sizeof *w + batch.len);
    w->next = NULL;
    w->len = batch.len;
    memcpy(w->bytes, batch.at, batch.len);
    *s->memory_end = w;
    s->memory_end = &w->next;
    s->memory_n++;
    s->memory_bytes += batch.len;
}

static enum status flush_memory(struct spool *s, struct err *err)
{
    while (s->memory) {
        enum status st = put_on_disk(s, span_from(s->memory->bytes, s->memory->len), err);
        if (st)
            return st;
        drop_memory(s);
    }
    return OK;
}

enum status spool_put(struct spool *s, struct span batch, struct err *err)
{
    if (batch.len > SPOOL_RECORD_MAX_BYTES)
        return err_set(err, FULL, "a batch of %zu bytes is larger than a spool record may be",
                       batch.len);
    if (!s->dir) {
        put_in_memory(s, batch);
        return OK;
    }
    enum status st = flush_memory(s, err);
    if (!st)
        st = put_on_disk(s, batch, err);
    if (st)
        put_in_memory(s, batch);
    return st;
}

void spool_sync(struct spool *s)
{
    if (s->dirty && s->fd >= 0)
        fdatasync(s->fd);
    s->dirty = false;
}

/* ---- the oldest ---- */

size_t spool_count(const struct spool *s)
{
    return disk_waiting(s) + s->memory_n;
}

uint64_t spool_bytes(const struct spool *s)
{
    return disk_bytes(s) + s->memory_bytes;
}

uint64_t spool_lost(const struct spool *s)
{
    return s->lost;
}

uint64_t spool_gone(const struct spool *s)
{
    return s->gone;
}

/* The rest of a file cannot be read; new records may follow here. */
static void give_up(struct spool *s, struct file *f, int fd, uint64_t offset, size_t left)
{
    s->lost += left;
    f->waiting -= left;
    if (fd >= 0 && ftruncate(fd, (off_t)offset) == 0)
        f->bytes = offset;
    else if (s->fd >= 0 && f == &s->files[s->n - 1])
        fd_close(&s->fd);
}

static bool next_in_file(struct spool *s, struct spool_cursor *c, struct buf *out)
{
    struct file *f = &s->files[c->file];
    if (!c->begun) {
        c->begun = true;
        c->offset = f->first;
        c->at = 0;
    }
    int fd = read_fd_of(s, f->id);
    struct head h;
    while (c->at < f->waiting) {
        bool good = fd >= 0 && read_head(fd, c->offset, f->bytes, &h) &&
                    (h.done || read_body(fd, c->offset, &h, out));
        if (!good) {
            give_up(s, f, fd, c->offset, f->waiting - c->at);
            return false;
        }
        c->offset += SPOOL_HEAD_BYTES + h.len;
        if (!h.done) {
            c->at++;
            return true;
        }
    }
    return false;
}

/* What waits in memory is younger than all on disk, and never given out together with it: so
 * that what leaves memory when that is full is not among what is under way from disk. */
static bool next_in_memory(struct spool *s, struct spool_cursor *c, struct buf *out)
{
    struct waiting *w = s->memory;
    for (size_t i = 0; w && i < c->memory; i++)
        w = w->next;
    if (!w)
        return false;
    c->memory++;
    buf_clear(out);
    buf_put(out, w->bytes, w->len);
    return true;
}

bool spool_next(struct spool *s, struct spool_cursor *c, struct buf *out)
{
    for (; c->file < s->n; c->file++, c->begun = false) {
        if (next_in_file(s, c, out)) {
            c->disk = true;
            return true;
        }
    }
    return !c->disk && next_in_memory(s, c, out);
}

/* Marks the oldest of a file done. A mark that cannot be written costs a batch sent twice after
 * the next start, nothing worse. */
static void drop_first(struct spool *s, struct file *f)
{
    static const char done = 1;
    struct head h;
    int fd = read_fd_of(s, f->id);
    bool found = false;
    while (!found && fd >= 0 && read_head(fd, f->first, f->bytes, &h)) {
        found = !h.done;
        if (found)
            (void)!pwrite(fd, &done, 1, (off_t)(f->first + DONE_OFFSET));
        f->first += SPOOL_HEAD_BYTES + h.len;
    }
    f->waiting--;
}

void spool_drop(struct spool *s, size_t n)
{
    while (n && s->n) {
        if (s->files[0].waiting) {
            drop_first(s, &s->files[0]);
            s->gone++;
            n--;
        }
        if (s->files[0].waiting == 0)
            remove_file(s, 0);
    }
    for (; n && s->memory; n--) {
        drop_memory(s);
        s->gone++;
    }
}
