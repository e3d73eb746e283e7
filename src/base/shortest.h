/* The shortest decimal number that reads back as the same double; of several the one nearest to
 * it. Raffaello Giulietti, "The Schubfach way to render doubles" (2021): a double's neighbours
 * halfway are scaled by a power of ten kept to 128 bits, rounded to odd, and compared as
 * integers. */
#pragma once

#include <stdint.h>

struct decimal {
    uint64_t digits; /* at most 17 of them, the last one not 0 */
    int exponent;    /* digits * 10^exponent */
};

/* v > 0 and finite. Any thread. */
struct decimal decimal_shortest(double v);
