/* The compressions of request bodies. A few bytes can claim to unpack to gigabytes: the claim
 * is compared with the ceiling before memory is taken, and where there is no claim memory
 * grows with what really came out. */
#include "series/remote_write.h"

#include "series/snappy.h"

#include <zlib.h>
#include <zstd.h>

enum {
    ZSTD_LEVEL = 1,
    ZSTD_WINDOW_LOG_MAX = 23, /* 8 MiB, what RFC 8878 wants every reader to take */
    SNAPPY_RATIO_MAX = 22,    /* 3 bytes copy at most 64 */
    GZIP_WINDOW_BITS = 15 + 16,
    UNPACK_STEP_BYTES = 64 << 10,
};

static const char *const names[] = {
    [COMPRESSION_NONE] = "",
    [COMPRESSION_SNAPPY] = "snappy",
    [COMPRESSION_ZSTD] = "zstd",
    [COMPRESSION_GZIP] = "gzip",
};

bool compression_of(struct span name, enum compression *out)
{
    struct span text = span_trim(name);
    for (size_t i = 0; i < COUNT(names); i++) {
        if (span_eq_nocase(text, span_of(names[i]))) {
            *out = (enum compression)i;
            return true;
        }
    }
    return false;
}

const char *compression_name(enum compression c)
{
    return names[c];
}

static enum status too_large(enum compression c, size_t max, struct err *err)
{
    return err_set(err, FULL, "the %s data unpacks to more than %zu bytes", names[c], max);
}

static enum status damaged(enum compression c, const char *why, struct err *err)
{
    return err_set(err, INVALID, "the %s data is damaged: %s", names[c], why);
}

static enum status unpack_none(struct span packed, size_t max, struct buf *out, struct err *err)
{
    if (packed.len <= max)
        buf_span(out, packed);
    if (packed.len > max || out->failed)
        return err_set(err, FULL, "the data is longer than %zu bytes", max);
    return OK;
}

static enum status unpack_snappy(struct span packed, size_t max, struct buf *out, struct err *err)
{
    size_t len = 0;
    if (!snappy_length(packed, &len))
        return damaged(COMPRESSION_SNAPPY, "no length (is it the framed format?)", err);
    if (len > max)
        return too_large(COMPRESSION_SNAPPY, max, err);
    if (len / SNAPPY_RATIO_MAX > packed.len)
        return damaged(COMPRESSION_SNAPPY, "its length cannot be true", err);
    char *to = buf_reserve(out, len);
    if (!to)
        return too_large(COMPRESSION_SNAPPY, max, err);
    if (!snappy_unpack(packed, to, len))
        return damaged(COMPRESSION_SNAPPY, "it does not unpack", err);
    out->len += len;
    return OK;
}

/* Where the next unpacked bytes go: room in out, or, once max bytes came out, one byte that
 * shows whether there are more. */
struct landing {
    struct buf *out;
    size_t start, max;
    char over;
};

static char *land(struct landing *l, size_t *room)
{
    size_t done = l->out->len - l->start;
    if (done >= l->max) {
        *room = 1;
        return &l->over;
    }
    *room = MIN(l->max - done, MAX(done, (size_t)UNPACK_STEP_BYTES));
    return buf_reserve(l->out, *room);
}

/* False when the ceiling is passed. */
static bool landed(struct landing *l, const char *at, size_t n)
{
    if (at == &l->over)
        return n == 0;
    l->out->len += n;
    return true;
}

static enum status inflate_zstd(ZSTD_DCtx *z, struct span packed, size_t max, struct buf *out,
                                struct err *err)
{
    struct landing l = {.out = out, .start = out->len, .max = max};
    ZSTD_inBuffer in = {packed.at, packed.len, 0};
    size_t wanted = 1;
    for (bool more = packed.len > 0; more;) {
        size_t room;
        char *to = land(&l, &room);
        if (!to)
            return too_large(COMPRESSION_ZSTD, max, err);
        ZSTD_outBuffer piece = {to, room, 0};
        wanted = ZSTD_decompressStream(z, &piece, &in);
        if (ZSTD_isError(wanted))
            return damaged(COMPRESSION_ZSTD, ZSTD_getErrorName(wanted), err);
        if (!landed(&l, to, piece.pos))
            return too_large(COMPRESSION_ZSTD, max, err);
        /* A full piece may have more behind it though all input is taken. */
        more = in.pos < in.size || (wanted && piece.pos == piece.size);
    }
    return wanted ? damaged(COMPRESSION_ZSTD, "it ends early", err) : OK;
}

static enum status unpack_zstd(struct span packed, size_t max, struct buf *out, struct err *err)
{
    unsigned long long claim = ZSTD_getFrameContentSize(packed.at, packed.len);
    bool known = claim != ZSTD_CONTENTSIZE_UNKNOWN && claim != ZSTD_CONTENTSIZE_ERROR;
    if (known && claim > max)
        return too_large(COMPRESSION_ZSTD, max, err);
    ZSTD_DCtx *z = ZSTD_createDCtx();
    if (!z)
        return err_set(err, AGAIN, "no memory to unpack zstd data");
    ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    enum status st = inflate_zstd(z, packed, max, out, err);
    ZSTD_freeDCtx(z);
    return st;
}

static enum status inflate_gzip(z_stream *z, size_t max, struct buf *out, struct err *err)
{
    struct landing l = {.out = out, .start = out->len, .max = max};
    for (;;) {
        size_t room;
        char *to = land(&l, &room);
        if (!to)
            return too_large(COMPRESSION_GZIP, max, err);
        z->next_out = (Bytef *)to;
        z->avail_out = (uInt)room;
        int result = inflate(z, Z_NO_FLUSH);
        if (!landed(&l, to, room - z->avail_out))
            return too_large(COMPRESSION_GZIP, max, err);
        if (result == Z_STREAM_END && z->avail_in == 0)
            return OK;
        if (result == Z_STREAM_END) /* the next member */
            result = inflateReset(z);
        if (result == Z_BUF_ERROR)
            return damaged(COMPRESSION_GZIP, "it ends early", err);
        if (result != Z_OK)
            return damaged(COMPRESSION_GZIP, z->msg ? z->msg : "it does not unpack", err);
    }
}

static enum status unpack_gzip(struct span packed, size_t max, struct buf *out, struct err *err)
{
    if (packed.len > WRITE_MESSAGE_MAX_BYTES)
        return too_large(COMPRESSION_GZIP, max, err);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.at, .avail_in = (uInt)packed.len};
    if (inflateInit2(&z, GZIP_WINDOW_BITS) != Z_OK)
        return err_set(err, AGAIN, "no memory to unpack gzip data");
    enum status st = inflate_gzip(&z, max, out, err);
    inflateEnd(&z);
    return st;
}

enum status unpack(enum compression c, struct span packed, size_t max, struct buf *out,
                   struct err *err)
{
    size_t before = out->len;
    enum status st = OK;
    switch (c) {
    case COMPRESSION_NONE:
        st = unpack_none(packed, max, out, err);
        break;
    case COMPRESSION_SNAPPY:
        st = unpack_snappy(packed, max, out, err);
        break;
    case COMPRESSION_ZSTD:
        st = unpack_zstd(packed, max, out, err);
        break;
    case COMPRESSION_GZIP:
        st = unpack_gzip(packed, max, out, err);
        break;
    }
    if (st)
        out->len = before;
    return st;
}

static bool pack_gzip(struct span plain, char *to, size_t room, size_t *len)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)plain.at,
                  .avail_in = (uInt)plain.len,
                  .next_out = (Bytef *)to,
                  .avail_out = (uInt)room};
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY))
        return false;
    bool ok = deflate(&z, Z_FINISH) == Z_STREAM_END;
    *len = z.total_out;
    deflateEnd(&z);
    return ok;
}

static size_t packed_bound(enum compression c, size_t plain)
{
    switch (c) {
    case COMPRESSION_SNAPPY:
        return snappy_bound(plain);
    case COMPRESSION_ZSTD:
        return ZSTD_compressBound(plain);
    case COMPRESSION_GZIP:
        return compressBound(plain) + 32; /* gzip's own head and tail */
    default:
        return plain;
    }
}

enum status pack(enum compression c, struct span plain, struct buf *out, struct err *err)
{
    if (plain.len > BUF_DEFAULT_MAX_BYTES)
        return err_set(err, FULL, "%zu bytes are too many to pack at once", plain.len);
    size_t len = packed_bound(c, plain.len);
    char *to = buf_reserve(out, len);
    if (!to)
        return err_set(err, FULL, "no room for %zu packed bytes", len);
    bool ok = true;
    if (c == COMPRESSION_SNAPPY) {
        len = snappy_pack(plain, to);
    } else if (c == COMPRESSION_ZSTD) {
        len = ZSTD_compress(to, len, plain.at, plain.len, ZSTD_LEVEL);
        ok = !ZSTD_isError(len);
    } else if (c == COMPRESSION_GZIP) {
        ok = pack_gzip(plain, to, len, &len);
    } else if (len) {
        memcpy(to, plain.at, len);
    }
    if (!ok)
        return err_set(err, AGAIN, "no memory to pack %zu bytes with %s", plain.len, names[c]);
    out->len += len;
    return OK;
}

/* A piece packed on its own refers to nothing before it, so without its length it can follow
 * others. */
enum status snappy_piece(struct span plain, struct buf *out, struct err *err)
{
    size_t before = out->len, skip = 0;
    char *to = buf_reserve(out, snappy_bound(plain.len));
    if (!to || plain.len > SNAPPY_PIECE_BYTES)
        return err_set(err, FULL, "a piece of %zu bytes cannot be packed with snappy", plain.len);
    size_t len = snappy_pack(plain, to);
    while ((unsigned char)to[skip] & 0x80)
        skip++;
    skip++;
    memmove(to, to + skip, len - skip);
    out->len = before + len - skip;
    return OK;
}
