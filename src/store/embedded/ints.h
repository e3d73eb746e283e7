/* Sequences of small non-negative integers, each below 2^INTS_MAX_BITS, in few bits.
 *
 *   packed  all in the same width; the few that need more carry their high bits as patches.
 *           Fast to read: for recent data.
 *   Rice    quotient in unary, remainder in k bits; optionally one bit in front says "zero".
 *           A tenth smaller: for compacted data. */
#pragma once

#include "store/embedded/bits.h"

enum { INTS_MAX_BITS = 56 };

enum ints_coding { INTS_ZERO, INTS_PACKED, INTS_RICE, INTS_RICE_ZEROS, INTS_CODINGS };

/* Upper bound of what encoding n integers writes, slack included. */
#define INTS_MAX_BYTES(n) ((n)*12 + 48)

/* Chooses a coding (packed only, unless rice) and appends it at *out, which advances. */
enum ints_coding ints_encode(const uint64_t *z, size_t n, bool rice, uint8_t **out);
/* Reads n integers; false when the bytes cannot be that. */
bool ints_decode(enum ints_coding coding, struct bytes_in *in, uint64_t *z, size_t n);

/* The same for some sequences that have nothing to do with each other: Rice codes are read side
 * by side, as each alone would mostly wait for its own last number. */
enum { INTS_AT_ONCE = 4 };
struct ints_job {
    enum ints_coding coding;
    struct bytes_in in;
    uint64_t *z;
    size_t n;
    bool ok; /* out */
};
void ints_decode_many(struct ints_job *jobs, size_t n); /* n <= INTS_AT_ONCE */
extern bool ints_plain; /* for tests: without code for special processors */
