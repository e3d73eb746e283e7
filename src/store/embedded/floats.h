/* Doubles that are not decimal, as bits.
 *
 *   window  exclusive-or with the value before; only the bits between the leading and trailing
 *           zeros, in the last window as long as they fit (as Gorilla does)
 *   tops    the leading bits from a dictionary of at most eight, the others as they are: noise
 *           has the same sign and a few exponents, and nothing else to save */
#pragma once

#include "store/embedded/bits.h"

#include "series/sample.h"

enum { TOPS_MAX = 8 };

struct tops {
    unsigned low;  /* bits of a value that are written as they are */
    unsigned drop; /* trailing bits that are zero in every value */
    unsigned code; /* bits of a dictionary code */
    unsigned n;
    uint64_t top[TOPS_MAX];
};

size_t window_bits(double base, const double *v, size_t n);
uint8_t *window_put(double base, const double *v, size_t n, uint8_t *out);
bool window_get(struct bytes_in *in, double base, double *v, size_t n);

/* The best dictionary and how many bits the values need with it; false when there is none. */
bool tops_of(const double *v, size_t n, struct tops *out, size_t *bits);
uint8_t *tops_put(const struct tops *t, const double *v, size_t n, uint8_t *out);
bool tops_get(struct bytes_in *in, double *v, size_t n);
