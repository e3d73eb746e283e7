/* What the log holds of samples. A row is what one request brought for the series of one host:
 *
 *   row     := ROW, flags, chain, runs, times, bitmap, values
 *   runs    := number of series, (step to the first id, how many in sequence)...
 *   times   := with SHARED: how many samples each series has, then their times
 *              else: for each series how many, then their times
 *   bitmap  := a bit for each sample, series after series: the value is not the one before
 *   values  := for each of these a varint: difference of integers << 1 (zigzag), both values
 *              times 10^decimals of the series; or code << 1 | 1: new decimals and the integer,
 *              or the bits of the double
 *
 * The value before is the one of the series' last row in the same gen, 0 when there is none or
 * the row is a key. A host's rows are numbered (chain): when one is missing because the disk
 * damaged it, the host's series are unknown until the next key, every ROW_KEY_EVERY rows.
 *
 *   late    := LATE, (id, time, bits of the value)...          in any order
 *   define  := DEFINE, id, labels as in remote write
 *   defines := DEFINES, bytes unpacked, zstd of (length, define)... */
#pragma once

#include "store/embedded/head.h"

#include "base/buf.h"

enum { ROW_KEY_EVERY = 32, DEFINES_MAX_BYTES = 64 << 20, DEFINES_LEVEL = 3 };
enum row_kind { ROW_ROW = 1, ROW_LATE = 2, ROW_DEFINE = 3, ROW_DEFINES = 4 };
#define ROW_LOST UINT32_MAX

/* Samples on their way into the head: of each series some, in ascending order. */
struct row {
    struct series **series;
    uint32_t *counts;
    struct sample *samples;
    size_t n, size, samples_n, samples_size;
    struct buf runs, times, values, payload;
    uint8_t *bitmap;
    size_t bitmap_size;
};

void row_free(struct row *r);
void row_clear(struct row *r);
void row_add_series(struct row *r, struct series *s); /* the samples added next are its */
void row_add_sample(struct row *r, struct sample sample);

/* The payload, valid until the next call, of a row with that number. Reads last_v, decimals and
 * log_gen of the series as they were before the row. */
struct span row_encode(struct row *r, uint64_t gen, uint32_t chain);
/* Puts the samples into the head (after it was encoded: changes what that reads). */
void row_apply(struct row *r, struct head *h, uint64_t gen);

void late_encode(struct buf *out, const struct series *s, struct sample sample);
void define_encode(struct buf *out, uint32_t id, struct span raw);
/* Several: gathered with define_gather, packed at the end. */
void define_gather(struct buf *gathered, uint32_t id, struct span raw);
void defines_encode(struct buf *out, struct span gathered);

/* Reading back, without locks: false when the payload makes no sense. *lost counts
 * samples that cannot be known because something before them is missing. */
struct row_reader {
    struct head *head;
    uint64_t samples, lost;
    struct series **series;
    uint32_t *counts;
    int64_t *times;
    size_t series_size, times_size;
};

bool row_replay(struct row_reader *reader, uint64_t gen, struct span payload);
/* The number of the host that a row speaks of, 0 when none of its series is known. False: it is
 * not a row. */
bool row_group(const struct head *h, struct span payload, uint32_t *number);
bool define_replay(void *reader, uint64_t gen, struct span payload);
void row_reader_free(struct row_reader *r);
