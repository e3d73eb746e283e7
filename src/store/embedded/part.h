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
enum { ENTRY_WHOLE = 1, ENTRY_CONSTANT = 2 }; /* what an entry is */

/* Samples are cut into chunks of nearly the same size. */
static inline size_t part_chunks(size_t samples)
{
    return (samples + CHUNK_MAX_SAMPLES - 1) / CHUNK_MAX_SAMPLES;
}

static inline size_t part_chunk_start(size_t samples, size_t chunks, size_t i)
{
    return i * (samples / chunks) + MIN(i, samples % chunks);
}

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

/* ---- reading: part_read.c ---- */

/* A series of a part; small, as many are kept. */
struct part_entry {
    union {
        struct {
            uint32_t section, bytes; /* after the head */
        };
        uint32_t value[2]; /* constant: the bits of a double */
    };
    /* runs: where its clock and runs stand in the head; 0: it has all of clock 0 */
    uint32_t runs : 31, constant : 1;
};

struct part_clock_in {
    int64_t *t;
    size_t n;
};

struct part_head {
    struct span text;
    struct part_clock_in *clocks;
    struct part_entry *entries;
    size_t clocks_n, n;
};

/* In the arena; the text must live as long. False when it is damaged. */
bool part_parse(struct span head, uint32_t number, struct arena *arena, struct part_head *out);
/* How many samples it has. */
size_t part_samples(const struct part_head *h, const struct part_entry *e);
/* In one piece of memory of its own, no larger than it must be: what *out points to, the text
 * left out when no entry looks into it. The caller frees *memory. */
size_t part_head_copy(const struct part_head *h, struct part_head *out, void **memory);
/* Whether it has samples in start..end, judged by its first and last. */
bool part_entry_in(const struct part_head *h, const struct part_entry *e, int64_t start,
                   int64_t end);
/* Which part it is; block: whatever tells blocks apart. */
struct part_name {
    const void *block;
    uint32_t part;
};
/* Which of a series' samples lie in start..end. */
struct part_piece {
    struct times_piece times; /* n is 0: none of them */
    const int64_t *t;         /* of the first of them */
    size_t from, all;         /* the first of them, among the series' own; how many these are */
};
/* The arena is for times that are no stretch of a clock. */
struct part_piece part_piece(const struct part_head *h, const struct part_entry *e,
                             struct part_name name, int64_t start, int64_t end,
                             struct arena *arena);
/* Room behind what is there; the times are put, the values are for the caller to fill. */
void part_put_times(const struct part_piece *p, struct samples *out);

/* Chunks that wait to be decoded side by side: each takes longest on its own. */
enum { BATCH_CHUNKS = 64 };
struct part_batch {
    struct arena *arena; /* for chunks of which not every value is wanted */
    size_t n;
    struct batch_chunk {
        struct chunk_job job;
        double *to; /* take values from skip on are wanted here */
        uint32_t skip, take;
        struct samples *of; /* which learns what its values are like */
    } at[BATCH_CHUNKS];
};
/* Puts the values of a piece at v, or will when the batch is decoded; the section, empty for a
 * constant, must stay until then. False when something is damaged, maybe what was there. */
bool part_queue(const struct part_entry *e, struct span section, const struct part_piece *p,
                double *v, struct samples *of, struct part_batch *batch);
bool part_decode(struct part_batch *batch);

/* Appends the samples in start..end; section is empty for a constant. */
bool part_read(const struct part_head *h, const struct part_entry *e, struct part_name name,
               struct span section, int64_t start, int64_t end, struct samples *out);
