/* The samples of a host in a block, or of up to PART_MAX_SERIES series of it:
 *
 *   part    := head, section...
 *   head    := CRC-32C of the rest of the head (u32), series, clocks, entries
 *   clocks  := how many, then for each: how many times, the first, then differences of
 *              differences in pieces of CHUNK_MAX_SAMPLES: coding u8, ints.h
 *   entry   := what it is, [clock, runs, (gap, length)...], its chunk of one value, or the
 *              bytes of its section
 *   section := CRC-32C of the rest (u32), (summary, bytes of the chunk)..., chunk...
 *
 * A series' samples lie at runs of places on one clock; most have all of clock 0, and nothing
 * to say about it. A constant has no section. Samples are cut evenly into as few chunks as may
 * be; each continues from the first value in its summary, a summary from the last value of the
 * one before. A CRC begins with the number of the part, so that none can stand for another. */
#pragma once

#include "store/embedded/directory.h"
#include "store/embedded/head.h"

enum { PART_MAX_TIMES = 1 << 26 };

/* ---- writing ---- */

struct part_builder {
    enum chunk_style style;
    struct part_clock *clocks;
    size_t clocks_n, clocks_size;
    struct buf entries, sections;
    size_t series, samples;
    int64_t min_t, max_t;
};

/* n > 0, ascending. */
void part_add(struct part_builder *p, uint32_t number, const int64_t *t, const double *v, size_t n);
/* Appends the part; *head_bytes is how long its head is. Empty again afterwards. */
void part_finish(struct part_builder *p, uint32_t number, struct buf *out, size_t *head_bytes);
void part_builder_free(struct part_builder *p);

/* ---- reading ---- */

struct part_entry {
    uint32_t clock, runs_n;
    struct bytes_in runs; /* at the pairs; not used when whole */
    size_t samples;
    bool whole, constant;
    double value;                  /* constant */
    size_t section, section_bytes; /* after the head */
};

struct part_clock_in {
    int64_t *t;
    size_t n;
};

struct part_head {
    struct part_clock_in *clocks;
    struct part_entry *entries;
    size_t clocks_n, n;
};

/* In the arena; bytes must outlive it. False when they are damaged. */
bool part_parse(struct span head, uint32_t number, struct arena *arena, struct part_head *out);
/* Whether it has samples in start..end, judged by its first and last. */
bool part_entry_in(const struct part_head *h, const struct part_entry *e, int64_t start,
                   int64_t end);
/* Appends the samples in start..end; section is empty for a constant. */
bool part_read(const struct part_head *h, const struct part_entry *e, uint32_t number,
               struct span section, int64_t start, int64_t end, struct samples *out);
