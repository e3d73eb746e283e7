/* A run of values of one series as bytes, and back, bit for bit.
 *
 * Most metrics are decimal: with the least e in 0..8 for which every v * 10^e is an integer
 * that gives the same bits when divided again, the chunk is a sequence of integers; their
 * differences (or differences of differences) lose their common trailing zero bits and go
 * through ints.h. What is not decimal (ratios in full precision, -0, NaN payloads, infinities,
 * stale markers) is kept as the bits of the doubles: exclusive-or with the value before, or a
 * small dictionary of the leading bits, whichever is shorter.
 *
 * A chunk continues from a value that its reader knows (0 when there is none). How many values
 * there are is not in the chunk. */
#pragma once

#include "store/embedded/ints.h"

#include "series/sample.h"

enum chunk_style { CHUNK_RECENT /* quick to read */, CHUNK_COMPACT /* small */ };

enum { CHUNK_MAX_SAMPLES = 512, CHUNK_MAX_DECIMALS = 8 };
/* Upper bound for n values, slack included. */
#define CHUNK_MAX_BYTES(n) (INTS_MAX_BYTES(n) + 64)

/* 10^e; division by it is correctly rounded, so v * 10^e / 10^e says whether v is decimal. */
extern const double decimal_power[CHUNK_MAX_DECIMALS + 1];

/* v as an integer times 10^-e; false when that is not exact to the bit. */
static inline bool decimal_of(double v, unsigned e, int64_t *out)
{
    double scaled = v * decimal_power[e];
    if (!(scaled > -0x1p53 && scaled < 0x1p53))
        return false;
    int64_t i = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
    *out = i;
    return i < INT64_C(1) << 53 && i > -(INT64_C(1) << 53) &&
           double_bits((double)i / decimal_power[e]) == double_bits(v);
}

/* 1 <= n <= CHUNK_MAX_SAMPLES. Returns how many bytes it is. */
size_t chunk_encode(enum chunk_style style, double base, const double *v, size_t n, uint8_t *out);
/* Takes one chunk from the front; false when the bytes cannot be one. */
bool chunk_decode(struct bytes_in *in, double base, double *v, size_t n);

/* The same for some chunks of which nothing depends on another; quicker than one by one. */
struct chunk_job {
    struct bytes_in in;
    double base, *v;
    size_t n;
    bool numbers; /* out: there is no NaN among the values */
    bool rising;  /* out: none is less than the one before; both may be false all the same */
};
enum { CHUNKS_AT_ONCE = 8 };
bool chunks_decode(struct chunk_job *jobs, size_t n); /* n <= CHUNKS_AT_ONCE */

/* What a long range can do with instead of the values. Stale markers are not counted, other
 * NaNs neither; without any number all fields but first and last are NaN. */
struct chunk_summary {
    double first, last, min, max;
    double increase; /* of a counter: a fall counts as a restart from zero */
};

void chunk_summarise(const double *v, size_t n, struct chunk_summary *out);
/* As bytes after the value before the chunk (0 when there is none). */
enum { SUMMARY_MAX_BYTES = 64 };
size_t summary_encode(const struct chunk_summary *s, double base, uint8_t *out);
bool summary_decode(struct bytes_in *in, double base, struct chunk_summary *out);
