/* Repeatable randomness for property tests, and doubles that codecs stumble over. */
#pragma once

#include "series/sample.h"

#include <stddef.h>

struct dice {
    uint64_t state;
};

static inline struct dice dice_of(uint64_t seed)
{
    return (struct dice){seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
}

static inline uint64_t roll(struct dice *d)
{
    uint64_t x = (d->state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline size_t roll_below(struct dice *d, size_t n)
{
    return (size_t)(roll(d) % n);
}

/* Fills v with one of a dozen kinds of behaviour. */
void random_values(struct dice *d, double *v, size_t n);
