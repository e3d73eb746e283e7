/* See basis.h for the format. */
#include "agent/basis.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "base/file.h"
#include "series/remote_write.h"

#include <dirent.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

enum {
    MAGIC = 0x31534247, /* "GBS1" */
    LEVEL = 3,
    WINDOW_LOG_MIN = 17,
    WINDOW_LOG_MAX = 26, /* basis and batch at their largest */
};

struct head {
    uint32_t magic, crc;
    uint64_t id;
};
_Static_assert(sizeof(struct head) == BASIS_HEAD_BYTES, "the head as it lies on disk");

/* A basis in memory. */
struct held {
    uint64_t id; /* 0: none */
    uint32_t crc;
    struct buf bytes;
};

struct basis {
    char *dir;
    uint64_t next_id;
    size_t files;
    struct held write, read;
    unsigned batches; /* packed against write */
};

static void hold_nothing(struct held *h)
{
    buf_free(&h->bytes);
    *h = (struct held){0};
}

static void path_of(const struct basis *b, uint64_t id, struct buf *out)
{
    buf_printf(out, "%s/%016llx.basis", b->dir, (unsigned long long)id);
}

static bool id_of(const char *name, uint64_t *id)
{
    struct span s = span_of(name);
    return s.len == 16 + strlen(".basis") && span_ends(s, SPAN(".basis")) &&
           span_hex((struct span){s.at, 16}, id);
}

/* Removes the files with lower numbers; counts the others. */
static void remove_before(struct basis *b, uint64_t first)
{
    DIR *dir = opendir(b->dir);
    b->files = 0;
    if (!dir)
        return;
    for (const struct dirent *e; (e = readdir(dir));) {
        uint64_t id;
        if (!id_of(e->d_name, &id))
            continue;
        b->next_id = MAX(b->next_id, id + 1);
        if (id >= first || unlinkat(dirfd(dir), e->d_name, 0) != 0)
            b->files++;
    }
    closedir(dir);
}

struct basis *basis_open(const char *dir)
{
    struct basis *b = mem_zero(1, sizeof *b);
    b->dir = mem_dup(dir);
    b->next_id = 1;
    remove_before(b, 0);
    return b;
}

void basis_close(struct basis *b)
{
    if (!b)
        return;
    hold_nothing(&b->write);
    hold_nothing(&b->read);
    free(b->dir);
    free(b);
}

/* ---- packing ---- */

/* One with more series than the basis makes a better one. */
static bool is_due(const struct basis *b, struct span batch)
{
    return !b->write.id || b->batches >= BASIS_BATCHES_MAX ||
           batch.len > b->write.bytes.len + b->write.bytes.len / 4;
}

static void renew(struct basis *b, struct span batch)
{
    auto_buf path = {0}, packed = {0};
    hold_nothing(&b->write);
    b->batches = 0;
    path_of(b, b->next_id, &path);
    if (pack(COMPRESSION_ZSTD, batch, &packed, NULL) ||
        file_write_atomic(buf_text(&path), buf_view(&packed), 0600, NULL))
        return;
    buf_span(&b->write.bytes, batch);
    b->write.crc = crc32c(0, batch.at, batch.len);
    b->write.id = b->next_id++;
    b->files++;
}

/* Both must lie within the window. */
static int window_log(size_t bytes)
{
    int log = WINDOW_LOG_MIN;
    while (log < WINDOW_LOG_MAX && (size_t)1 << log < bytes)
        log++;
    return log;
}

static size_t pack_after(struct span basis, struct span batch, char *to, size_t room)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    if (!c)
        return 0;
    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log(basis.len + batch.len));
    ZSTD_CCtx_refPrefix(c, basis.at, basis.len);
    size_t n = ZSTD_compress2(c, to, room, batch.at, batch.len);
    ZSTD_freeCCtx(c);
    return ZSTD_isError(n) ? 0 : n;
}

enum status basis_pack(struct basis *b, struct span batch, struct buf *record, struct err *err)
{
    if (is_due(b, batch))
        renew(b, batch);
    if (!b->write.id)
        return pack(COMPRESSION_ZSTD, batch, record, err);
    struct head h = {htole32(MAGIC), htole32(b->write.crc), htole64(b->write.id)};
    size_t before = record->len, room = ZSTD_compressBound(batch.len);
    buf_put(record, &h, sizeof h);
    char *to = buf_reserve(record, room);
    size_t n = to ? pack_after(buf_view(&b->write.bytes), batch, to, room) : 0;
    if (!n) {
        record->len = before;
        return err_set(err, FULL, "no room to pack %zu bytes", batch.len);
    }
    record->len += n;
    b->batches++;
    return OK;
}

/* ---- unpacking ---- */

static bool head_of(struct span record, struct head *h)
{
    if (record.len < sizeof *h)
        return false;
    memcpy(h, record.at, sizeof *h);
    *h = (struct head){le32toh(h->magic), le32toh(h->crc), le64toh(h->id)};
    return h->magic == MAGIC;
}

static enum status find_basis(struct basis *b, const struct head *h, struct err *err)
{
    struct held *r = &b->read;
    if (r->id == h->id && r->crc == h->crc)
        return OK;
    hold_nothing(r);
    auto_buf path = {0}, packed = {.max = WRITE_MESSAGE_MAX_BYTES};
    path_of(b, h->id, &path);
    enum status st = file_read(buf_text(&path), &packed, err);
    if (!st)
        st = unpack(COMPRESSION_ZSTD, buf_view(&packed), WRITE_MESSAGE_MAX_BYTES, &r->bytes, err);
    if (!st && crc32c(0, r->bytes.at, r->bytes.len) != h->crc)
        st = err_set(err, INVALID, "it is another than that of the batch");
    if (st) {
        hold_nothing(r);
        return err_prefix(err, "basis %s", buf_text(&path));
    }
    r->id = h->id;
    r->crc = h->crc;
    return OK;
}

static bool unpack_after(struct span basis, struct span frame, char *to, size_t n)
{
    ZSTD_DCtx *d = ZSTD_createDCtx();
    if (!d)
        return false;
    ZSTD_DCtx_refPrefix(d, basis.at, basis.len);
    size_t got = ZSTD_decompressDCtx(d, to, n, frame.at, frame.len);
    ZSTD_freeDCtx(d);
    return got == n;
}

enum status basis_unpack(struct basis *b, struct span record, size_t max, struct buf *batch,
                         struct err *err)
{
    struct head h;
    if (!head_of(record, &h))
        return unpack(COMPRESSION_ZSTD, record, max, batch, err);
    enum status st = find_basis(b, &h, err);
    if (st)
        return st;
    struct span frame = {record.at + sizeof h, record.len - sizeof h};
    unsigned long long n = ZSTD_getFrameContentSize(frame.at, frame.len);
    if (n > max) /* what says an error is larger still */
        return err_set(err, INVALID, "a record of the spool has no frame of at most %zu bytes",
                       max);
    char *to = buf_reserve(batch, (size_t)n);
    if (!to || !unpack_after(buf_view(&b->read.bytes), frame, to, (size_t)n))
        return err_set(err, INVALID, "a record of the spool cannot be unpacked");
    batch->len += (size_t)n;
    return OK;
}

void basis_forget(struct basis *b, struct span oldest)
{
    struct head h = {0};
    if (!b->files)
        return;
    if (oldest.len && !head_of(oldest, &h))
        return; /* packed alone: what follows it may need all */
    remove_before(b, oldest.len ? h.id : UINT64_MAX);
    if (oldest.len)
        return;
    hold_nothing(&b->write);
    hold_nothing(&b->read);
}
