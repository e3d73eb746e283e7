/* Rice codes of up to eight chunks of decimals, from their bits to their values in one go: each
 * chunk is a lane of a vector register, so that neither the bits' places nor the running sums of
 * one wait for another. For processors with AVX-512. */
#pragma once

#include "store/embedded/ints.h"

enum { LANES = 8 };

struct lane_job {
    struct bytes_in in; /* at the code's k */
    bool zeros;         /* INTS_RICE_ZEROS */
    bool second;        /* numbers are differences of differences */
    unsigned shift;     /* of differences */
    double by;          /* what integers are divided by */
    uint64_t x, step;   /* the last integer and, shifted, the last difference before the code */
    double *v;          /* n values */
    size_t n;
    bool ok, falls; /* out; falls: a difference was negative */
};

bool lanes_there(void);
void lanes_decode(struct lane_job *jobs, size_t n); /* n <= LANES, only when they are there */
