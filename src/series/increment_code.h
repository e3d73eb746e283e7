/* Shared by the two sides of increment.h. Private to series/. */
#pragma once

#include "series/increment.h"

#include <math.h>

enum { INCREMENT_WHOLE = 1, INCREMENT_NEXT = 2, SCALES = 3, SCALE_RAW = 3 };

static inline uint64_t zigzag(int64_t n)
{
    return ((uint64_t)n << 1) ^ (uint64_t)(n >> 63);
}

static inline int64_t unzigzag(uint64_t n)
{
    return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

static inline double scale_of(unsigned scale)
{
    static const double factors[SCALES] = {1, 100, 10000};
    return factors[scale];
}

/* The nearest whole number of the scale; 0 where it is beyond what a double holds exactly. Both
 * sides compute it from the value before, so it must be a function of the bits alone. */
static inline int64_t scaled(double v, unsigned scale)
{
    double x = v * scale_of(scale);
    return fabs(x) < 0x1p53 ? llround(x) : 0; /* false for NaN */
}
