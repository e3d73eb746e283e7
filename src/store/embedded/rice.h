/* One number of a Rice code (ints.h). */
#pragma once

#include "store/embedded/ints.h"

enum { RICE_ESCAPE = 24, RICE_MAX_K = 48 };
/* A number with this k, flag included, fits 57 bits unless escaped. */
enum { RICE_SHORT_K = 30, RICE_SHORT_BITS = RICE_ESCAPE + RICE_SHORT_K + 2 };

static inline uint64_t rice_get_one(struct bits_in *bits, unsigned k)
{
    uint64_t w = bits_peek(bits);
    unsigned q = (unsigned)__builtin_ctzll(~w | UINT64_C(1) << RICE_ESCAPE);
    if (q < RICE_ESCAPE) {
        if (q + 1 + k <= 56) {
            bits_skip(bits, q + 1 + k);
            return (uint64_t)q << k | (w >> (q + 1) & ((UINT64_C(1) << k) - 1));
        }
        bits_skip(bits, q + 1);
        return (uint64_t)q << k | bits_get(bits, k);
    }
    bits_skip(bits, RICE_ESCAPE);
    unsigned width = (unsigned)bits_get(bits, 6);
    if (width > INTS_MAX_BITS) {
        bits->bad = true;
        return 0;
    }
    return bits_get(bits, width);
}
