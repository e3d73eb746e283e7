/* One reading: when and what. */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct sample {
    int64_t t_ms;
    double v;
};

/* Prometheus's marks among the NaNs. A stale marker says "this series has ended here"; compare
 * bits, never values. */
#define STALE_NAN_BITS UINT64_C(0x7ff0000000000002)
#define NORMAL_NAN_BITS UINT64_C(0x7ff8000000000001)

static inline uint64_t double_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static inline double bits_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline bool is_stale(double v)
{
    return double_bits(v) == STALE_NAN_BITS;
}
