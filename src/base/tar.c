#include "base/tar.h"

#include <stdio.h>

/* Where the fields of a header lie. */
enum {
    AT_MODE = 100,
    AT_SIZE = 124,
    SIZE_BYTES = 12,
    AT_MTIME = 136,
    AT_CHECKSUM = 148,
    CHECKSUM_BYTES = 8,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    SIZE_OCTAL_MAX = 11, /* digits */
};

static unsigned checksum(const char *block)
{
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        bool own = i >= AT_CHECKSUM && i < AT_CHECKSUM + CHECKSUM_BYTES;
        sum += own ? ' ' : (unsigned char)block[i];
    }
    return sum;
}

/* Octal digits, or from 8 GiB on the number itself, as all programs have it that know it. */
static void put_number(char *at, uint64_t n)
{
    if (n >> (3 * SIZE_OCTAL_MAX)) {
        at[0] = (char)0x80;
        for (size_t i = SIZE_BYTES - 1; i > SIZE_BYTES - 1 - sizeof n; i--, n >>= 8)
            at[i] = (char)(n & 0xff);
        return;
    }
    for (size_t i = SIZE_OCTAL_MAX; i-- > 0; n >>= 3)
        at[i] = (char)('0' + (n & 7));
}

void tar_begin(struct buf *out, const char *name, uint64_t size, int64_t mtime_s)
{
    char block[TAR_BLOCK] = {0};
    snprintf(block, TAR_NAME_MAX_BYTES, "%s", name);
    memcpy(block + AT_MODE, "0000600", 8);
    memcpy(block + AT_MODE + 8, "0000000", 8);
    memcpy(block + AT_MODE + 16, "0000000", 8);
    put_number(block + AT_SIZE, size);
    put_number(block + AT_MTIME, mtime_s > 0 ? (uint64_t)mtime_s : 0);
    block[AT_TYPE] = '0';
    static const char magic[8] = {'u', 's', 't', 'a', 'r', 0, '0', '0'};
    memcpy(block + AT_MAGIC, magic, sizeof magic);
    snprintf(block + AT_CHECKSUM, CHECKSUM_BYTES, "%06o", checksum(block));
    block[AT_CHECKSUM + 7] = ' ';
    buf_put(out, block, sizeof block);
}

void tar_pad(struct buf *out, uint64_t size)
{
    buf_fill(out, 0, (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK));
}

void tar_end(struct buf *out)
{
    buf_fill(out, 0, (size_t)2 * TAR_BLOCK);
}

/* ---- reading ---- */

static bool octal(const char *at, size_t n, uint64_t *out)
{
    size_t i = 0;
    *out = 0;
    for (; i < n && at[i] >= '0' && at[i] <= '7'; i++)
        *out = *out * 8 + (uint64_t)(at[i] - '0');
    return i > 0 && (i == n || at[i] == 0 || at[i] == ' ');
}

static bool size_of(const char *at, uint64_t *out)
{
    if ((unsigned char)at[0] != 0x80)
        return octal(at, SIZE_BYTES, out);
    *out = 0;
    for (size_t i = SIZE_BYTES - sizeof *out; i < SIZE_BYTES; i++)
        *out = *out << 8 | (unsigned char)at[i];
    return *out <= INT64_MAX;
}

static enum status take_header(struct tar_reader *r, struct err *err)
{
    static const char zeros[TAR_BLOCK];
    uint64_t size, sum;
    char name[TAR_NAME_MAX_BYTES + 1];
    if (memcmp(r->block, zeros, TAR_BLOCK) == 0) {
        r->ended = true;
        return OK;
    }
    if (memcmp(r->block + AT_MAGIC, "ustar", 5) != 0 || !size_of(r->block + AT_SIZE, &size) ||
        !octal(r->block + AT_CHECKSUM, CHECKSUM_BYTES, &sum) || sum != checksum(r->block))
        return err_set(err, INVALID, "this is no tar, or it is damaged");
    memcpy(name, r->block, TAR_NAME_MAX_BYTES);
    name[TAR_NAME_MAX_BYTES] = 0;
    if (r->block[AT_TYPE] != '0' && r->block[AT_TYPE] != 0)
        return err_set(err, INVALID, "%s in the tar is no plain file", name);
    enum status st = r->begin(r->arg, name, size, err);
    r->left = size;
    r->pad = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
    r->in_file = size > 0;
    return st || size ? st : r->end(r->arg, err);
}

static enum status take_bytes(struct tar_reader *r, struct span *bytes, struct err *err)
{
    size_t n = r->left < bytes->len ? (size_t)r->left : bytes->len;
    enum status st = r->bytes(r->arg, span_from(bytes->at, n), err);
    *bytes = span_from(bytes->at + n, bytes->len - n);
    r->left -= n;
    if (st || r->left)
        return st;
    r->in_file = false;
    return r->end(r->arg, err);
}

enum status tar_feed(struct tar_reader *r, struct span bytes, struct err *err)
{
    enum status st = OK;
    while (!st && bytes.len && !r->ended) {
        if (r->in_file) {
            st = take_bytes(r, &bytes, err);
            continue;
        }
        size_t want = r->pad ? (size_t)r->pad : TAR_BLOCK - r->have, n = MIN(want, bytes.len);
        if (r->pad) {
            r->pad -= n;
        } else {
            memcpy(r->block + r->have, bytes.at, n);
            r->have += n;
        }
        bytes = span_from(bytes.at + n, bytes.len - n);
        if (r->have == TAR_BLOCK) {
            r->have = 0;
            st = take_header(r, err);
        }
    }
    return st;
}

enum status tar_finish(struct tar_reader *r, struct err *err)
{
    return r->ended ? OK : err_set(err, INVALID, "the tar is cut off: its end is missing");
}
