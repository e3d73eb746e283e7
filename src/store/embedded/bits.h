/* Bits in and out, least significant first, and LEB128 numbers. A writer stores eight bytes at
 * once: its buffer needs BITS_SLACK_BYTES behind the last byte. A reader never looks beyond
 * its end and answers zeros there, with .bad set. */
#pragma once

#include "base/span.h"

enum { BITS_SLACK_BYTES = 16, VARINT_MAX_BYTES = 10 };

struct bits_out {
    uint8_t *at;
    uint64_t held;
    unsigned n; /* bits held, less than 8 between calls */
};

/* v < 2^n, n <= 56 */
static inline void bits_put(struct bits_out *b, uint64_t v, unsigned n)
{
    b->held |= v << b->n;
    b->n += n;
    memcpy(b->at, &b->held, 8);
    b->at += b->n >> 3;
    b->held >>= b->n & ~7u;
    b->n &= 7;
}

static inline void bits_put_long(struct bits_out *b, uint64_t v, unsigned n) /* n <= 64 */
{
    if (n > 32) {
        bits_put(b, v & 0xffffffff, 32);
        v >>= 32;
        n -= 32;
    }
    bits_put(b, v, n);
}

/* Fills the last byte; returns the first byte behind. */
static inline uint8_t *bits_end(struct bits_out *b)
{
    if (b->n)
        *b->at++ = (uint8_t)b->held;
    b->held = b->n = 0;
    return b->at;
}

struct bits_in {
    const uint8_t *at;
    size_t len; /* bytes */
    size_t bit; /* next */
    bool bad;
};

/* The next 57 or more bits without taking them; zeros behind the end. */
static inline uint64_t bits_peek(const struct bits_in *b)
{
    size_t byte = b->bit >> 3;
    uint64_t w = 0;
    if (byte + 8 <= b->len)
        memcpy(&w, b->at + byte, 8);
    else if (byte < b->len)
        memcpy(&w, b->at + byte, b->len - byte);
    return w >> (b->bit & 7);
}

static inline void bits_skip(struct bits_in *b, size_t n)
{
    b->bit += n;
    if (b->bit > b->len * 8)
        b->bad = true;
}

static inline uint64_t bits_get(struct bits_in *b, unsigned n) /* n <= 56 */
{
    uint64_t w = bits_peek(b) & ((UINT64_C(1) << n) - 1);
    bits_skip(b, n);
    return w;
}

static inline uint64_t bits_get_long(struct bits_in *b, unsigned n) /* n <= 64 */
{
    if (n <= 32)
        return bits_get(b, n);
    uint64_t low = bits_get(b, 32);
    return low | bits_get(b, n - 32) << 32;
}

static inline uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t unzigzag(uint64_t z)
{
    return (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
}

static inline uint8_t *varint_put(uint8_t *at, uint64_t v)
{
    for (; v > 127; v >>= 7)
        *at++ = (uint8_t)(v | 128);
    *at++ = (uint8_t)v;
    return at;
}

static inline size_t varint_size(uint64_t v)
{
    return v ? (size_t)(70 - __builtin_clzll(v)) / 7 : 1;
}

/* Bytes being read from the front; .at NULL once something was missing or wrong. */
struct bytes_in {
    const uint8_t *at, *end;
};

static inline struct bytes_in bytes_of(struct span s)
{
    const uint8_t *at = (const uint8_t *)s.at;
    return (struct bytes_in){at, at ? at + s.len : NULL};
}

static inline size_t bytes_left(const struct bytes_in *b)
{
    return b->at ? (size_t)(b->end - b->at) : 0;
}

static inline uint64_t varint_get(struct bytes_in *b)
{
    uint64_t v = 0;
    for (unsigned shift = 0; b->at && shift < 64; shift += 7) {
        if (b->at == b->end)
            break;
        uint8_t c = *b->at++;
        v |= (uint64_t)(c & 127) << shift;
        if (c < 128)
            return v;
    }
    b->at = NULL;
    return 0;
}

/* The next n bytes; NULL and bad when there are fewer. */
static inline const uint8_t *bytes_get(struct bytes_in *b, size_t n)
{
    if (!b->at || bytes_left(b) < n)
        return b->at = NULL;
    const uint8_t *at = b->at;
    b->at += n;
    return at;
}

static inline uint8_t byte_get(struct bytes_in *b)
{
    const uint8_t *at = bytes_get(b, 1);
    return at ? *at : 0;
}

static inline uint64_t word_get(struct bytes_in *b) /* 8 bytes */
{
    uint64_t w = 0;
    const uint8_t *at = bytes_get(b, 8);
    if (at)
        memcpy(&w, at, 8);
    return w;
}
