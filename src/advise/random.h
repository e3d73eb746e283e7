/* A seeded stream of random numbers that is the same on every machine (PCG-XSH-RR 64/32). For
 * training and tests, never for secrets. Private to advise/. */
#pragma once

#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint32_t random_u32(struct random *r)
{
    uint64_t old = r->state;
    r->state = old * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint32_t mixed = (uint32_t)(((old >> 18) ^ old) >> 27);
    uint32_t turn = (uint32_t)(old >> 59);
    return (mixed >> turn) | (mixed << ((32 - turn) & 31));
}

static inline struct random random_of(uint64_t seed)
{
    struct random r = {.state = seed + UINT64_C(1442695040888963407)};
    random_u32(&r);
    r.state += seed;
    random_u32(&r);
    return r;
}

/* 0..n-1; n is small, so the bias of the simple product does not show. */
static inline uint32_t random_below(struct random *r, uint32_t n)
{
    return (uint32_t)(((uint64_t)random_u32(r) * n) >> 32);
}

/* In [-1, 1). */
static inline float random_float(struct random *r)
{
    return (float)((int32_t)random_u32(r) >> 8) * 0x1p-23F;
}
