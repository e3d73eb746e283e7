/* See snappy.h. The packer finds matches by a hash of four bytes, within blocks of 64 KiB, so that
 * an offset fits two bytes; where nothing matches it looks at ever fewer places. */
#include "series/snappy.h"

#include <endian.h>

enum {
    BLOCK_BYTES = 1 << 16,
    HASH_BITS = 13,
    MATCH_MIN = 4,
    COPY_MAX = 64,   /* of one copy element */
    TAIL_BYTES = 16, /* at a block's end nothing is looked for */

    TAG_LITERAL = 0,
    TAG_COPY1 = 1, /* length 4..11, offset below 2048 */
    TAG_COPY2 = 2, /* length 1..64, offset of two bytes */
    TAG_COPY4 = 3,
};

size_t snappy_bound(size_t n)
{
    return 32 + n + n / 6;
}

static uint32_t load32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t hash_of(uint32_t v)
{
    return (le32toh(v) * UINT32_C(0x1e35a7bd)) >> (32 - HASH_BITS);
}

static char *put_literal(char *to, const char *from, size_t n)
{
    size_t less = n - 1;
    if (!n)
        return to;
    if (less < 60) {
        *to++ = (char)(less << 2 | TAG_LITERAL);
    } else if (less < 256) {
        *to++ = (char)(60 << 2 | TAG_LITERAL);
        *to++ = (char)less;
    } else { /* a block has 65536 bytes at most */
        *to++ = (char)(61 << 2 | TAG_LITERAL);
        *to++ = (char)less;
        *to++ = (char)(less >> 8);
    }
    memcpy(to, from, n);
    return to + n;
}

static char *put_copy(char *to, size_t offset, size_t n)
{
    while (n) {
        /* 64 + 4 would leave too little for the last one: its shortest is 4. */
        size_t piece = n > COPY_MAX + MATCH_MIN ? COPY_MAX : n > COPY_MAX ? n - MATCH_MIN : n;
        if (piece < 12 && piece >= 4 && offset < 2048) {
            *to++ = (char)(offset >> 8 << 5 | (piece - 4) << 2 | TAG_COPY1);
            *to++ = (char)offset;
        } else {
            *to++ = (char)((piece - 1) << 2 | TAG_COPY2);
            *to++ = (char)offset;
            *to++ = (char)(offset >> 8);
        }
        n -= piece;
    }
    return to;
}

static size_t match_length(const char *a, const char *b, const char *end)
{
    size_t n = 0;
    while (b + n < end && a[n] == b[n])
        n++;
    return n;
}

static char *pack_block(const char *from, size_t n, char *to)
{
    uint16_t seen[1 << HASH_BITS];
    const char *at = from + 1, *end = from + n, *literal = from;
    if (n < TAIL_BYTES)
        return put_literal(to, from, n);
    memset(seen, 0, sizeof seen);
    const char *last = end - TAIL_BYTES;
    for (size_t misses = 0; at < last;) {
        uint32_t v = load32(at);
        uint16_t *slot = &seen[hash_of(v)];
        const char *before = from + *slot;
        *slot = (uint16_t)(at - from);
        if (load32(before) != v) {
            at += 1 + (misses++ >> 5);
            continue;
        }
        size_t len = match_length(before, at, end);
        to = put_literal(to, literal, (size_t)(at - literal));
        to = put_copy(to, (size_t)(at - before), len);
        at += len;
        literal = at;
        misses = 0;
    }
    return put_literal(to, literal, (size_t)(end - literal));
}

size_t snappy_pack(struct span plain, char *to)
{
    char *start = to;
    size_t n = plain.len;
    for (; n >= 0x80; n >>= 7)
        *to++ = (char)(n | 0x80);
    *to++ = (char)n;
    for (size_t at = 0; at < plain.len; at += BLOCK_BYTES)
        to = pack_block(plain.at + at, MIN(plain.len - at, (size_t)BLOCK_BYTES), to);
    return (size_t)(to - start);
}

/* ---- unpacking ---- */

static size_t head_bytes(struct span packed, uint64_t *len)
{
    *len = 0;
    for (unsigned i = 0; i < 5 && i < packed.len; i++) {
        unsigned char byte = (unsigned char)packed.at[i];
        *len |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return *len <= UINT32_MAX ? i + 1 : 0;
    }
    return 0;
}

bool snappy_length(struct span packed, size_t *out)
{
    uint64_t len;
    bool good = head_bytes(packed, &len) > 0;
    if (good)
        *out = (size_t)len;
    return good;
}

/* Cuts n bytes, little-endian. */
static bool cut(const unsigned char **p, const unsigned char *end, size_t n, size_t *out)
{
    if ((size_t)(end - *p) < n)
        return false;
    *out = 0;
    for (size_t i = 0; i < n; i++)
        *out |= (size_t) * (*p)++ << (8 * i);
    return true;
}

/* Source and target may overlap: then what was just written is read. */
static void copy_back(char *to, size_t offset, size_t n)
{
    const char *from = to - (ptrdiff_t)offset;
    if (offset >= n) {
        memcpy(to, from, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
}

bool snappy_unpack(struct span packed, char *to, size_t len)
{
    uint64_t claim;
    size_t head = head_bytes(packed, &claim);
    if (!head || claim != len)
        return false;
    const unsigned char *p = (const unsigned char *)packed.at + head;
    const unsigned char *end = (const unsigned char *)packed.at + packed.len;
    size_t done = 0, n, offset;
    while (p < end) {
        unsigned tag = *p++;
        if ((tag & 3) == TAG_LITERAL) {
            n = tag >> 2;
            if (n >= 60 && !cut(&p, end, n - 59, &n))
                return false;
            if (++n > (size_t)(end - p) || n > len - done)
                return false;
            memcpy(to + done, p, n);
            p += n;
        } else {
            n = (tag & 3) == TAG_COPY1 ? (tag >> 2 & 7) + 4 : (tag >> 2) + 1;
            size_t bytes = (tag & 3) == TAG_COPY1 ? 1 : (tag & 3) == TAG_COPY2 ? 2 : 4;
            if (!cut(&p, end, bytes, &offset))
                return false;
            if ((tag & 3) == TAG_COPY1)
                offset |= (size_t)(tag >> 5) << 8;
            if (!offset || offset > done || n > len - done)
                return false;
            copy_back(to + done, offset, n);
        }
        done += n;
    }
    return done == len;
}
