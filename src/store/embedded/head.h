/* The head: the series that are alive, in the order in which they arrived, and their samples
 * that are not in a block yet.
 *
 * Series of one host (the value of the label instance) form a group. They come in one request
 * with one time, so the times are kept once for the group: a clock is an ascending list of
 * times, and a series' samples are runs of places on it. The newest samples of a series lie
 * unpacked in its stage; a full stage becomes a chunk at the end of its packed bytes:
 *
 *   packed := entry...      entry := head, [clock, place: when NEW_RUN], chunk (chunk.h)
 *   head   := samples - 1 in the low 4 bits, NEW_RUN
 *
 * A chunk continues from the value before it (0 at the start of the packed bytes).
 *
 * Who may touch what; locks are taken in this order:
 *   table   read: whoever holds series without a version (version.h); write: the sweep
 *   index   labels, postings, the maps, the list of groups; write: new series
 *   shard   all that changes in a group and its series with their samples
 * A series' id, raw labels and pairs never change while it lives. */
#pragma once

#include "store/embedded/chunk.h"
#include "store/embedded/index.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    HEAD_STAGE = 12, /* samples, at most 16: more are packed in less, fewer lie here unpacked */
    HEAD_SHARDS = 64,
    HEAD_PAGE = 256, /* series */
    HEAD_TOP = 4096, /* pages */
    HEAD_TOPS = 4096,
    HEAD_NEW_RUN = 16,
    HEAD_CLOCKS_LOOKED_AT = 8,
    HEAD_SERIES_MAX = 50 * 1000 * 1000, /* alive */
    HEAD_TEXT_BLOCK =
        2048, /* a page of series takes some 30 KB of text: little of the last is wasted */
};

#define GROUP_LABEL "instance"

struct clock {
    int64_t base, last;
    uint32_t *after; /* milliseconds after base, ascending */
    uint32_t n, size;
};

struct late { /* older than the series' last; ascending */
    uint32_t n, size;
    struct sample at[];
};

struct series {
    const uint8_t *raw; /* labels as sent, in canonical order; then the pairs. NULL: not alive */
    struct group *group;
    uint32_t id;
    _Atomic uint32_t next; /* the series that came after it last time, 0 for none */
    uint32_t raw_len;
    uint16_t pairs_n;
    uint8_t staged;
    uint8_t decimals;            /* of the last value that the log holds as an integer */
    bool in_row;                 /* of the request being taken: append.c */
    uint32_t log_gen;            /* of its last row, low bits; ROW_LOST: see rows.h */
    int64_t last_t;              /* what is not after it goes the slow way */
    double last_v, packed_v;     /* the last logged one; the last packed one */
    uint32_t clock, end;         /* place behind the last sample */
    uint32_t run_clock, run_end; /* the same of the packed bytes */
    uint8_t *packed, *frozen;
    uint32_t packed_len, frozen_len;
    struct late **late; /* NULL, or [0] of now and [1] frozen */
    double stage[HEAD_STAGE];
};

struct group {
    char *instance; /* "" where the label is missing */
    pthread_mutex_t *shard;
    struct series **series; /* in order of arrival */
    uint32_t number, series_n, series_size;
    struct clock *clocks, *frozen_clocks;
    uint32_t clocks_n, frozen_clocks_n, last_clock;
    uint32_t chain;       /* number of its next row in the log: rows.h */
    uint64_t gen;         /* of its last row, while the log is read */
    bool sorted;          /* series are in the order of their labels (for the flush) */
    int64_t blocks_max_t; /* blocks have nothing of this host after it */
};

struct series_page {
    _Atomic uint32_t alive;
    struct text_block *text;
    struct series at[HEAD_PAGE];
};

struct series_top {
    _Atomic(struct series_page *) page[HEAD_TOP];
};

struct head {
    pthread_rwlock_t table, index_lock;
    pthread_mutex_t shards[HEAD_SHARDS];
    _Atomic(struct series_top *) tops[HEAD_TOPS];
    _Atomic uint32_t series_end; /* the first number never used; from 1 */
    _Atomic uint32_t alive;
    struct index index;
    struct idmap by_raw, by_instance;
    struct group **groups; /* by number, from 1 */
    uint32_t groups_end, groups_size;
    _Atomic uint64_t samples; /* not frozen */
    _Atomic uint64_t bytes;   /* of packed chunks, about */
    _Atomic int64_t since_ms; /* monotonic: when the first of these came; 0: none */
    /* The newest time that blocks have of a host, asked when it appears; may be NULL. */
    int64_t (*stored_until)(void *arg, struct span instance);
    void *stored_arg;
};

void head_init(struct head *h);
void head_free(struct head *h);

/* NULL when it is not, or no longer, alive. */
static inline struct series *head_series(const struct head *h, uint32_t id)
{
    if (id >= h->series_end)
        return NULL;
    struct series_top *top = h->tops[id / (HEAD_PAGE * HEAD_TOP)];
    struct series_page *page = top ? top->page[id / HEAD_PAGE % HEAD_TOP] : NULL;
    struct series *s = page ? &page->at[id % HEAD_PAGE] : NULL;
    return s && s->raw ? s : NULL;
}

static inline const uint32_t *series_pairs(const struct series *s)
{
    return (const uint32_t *)(const void *)(s->raw + ((s->raw_len + 3) & ~3u));
}

/* Asks for the memory that a sample will touch; NULL is fine. */
static inline void series_prefetch(const struct series *s)
{
    if (!s)
        return;
    __builtin_prefetch(s, 1);
    __builtin_prefetch((const char *)s + 64, 1);
    __builtin_prefetch((const char *)s + 128, 1);
    __builtin_prefetch((const char *)s + 192, 1);
}

static inline struct span series_raw(const struct series *s)
{
    return span_from(s->raw, s->raw_len);
}

/* What the next two want to know of raw labels: taken once, without a lock. */
static inline uint32_t raw_hash(struct span raw)
{
    return (uint32_t)seeded_hash(raw);
}
/* index_lock held for reading; NULL when there is none. */
struct series *head_find(const struct head *h, struct span raw, uint32_t hash);
struct group *head_group(const struct head *h, struct span instance);
/* index_lock held for writing. raw is canonical: what write_labels_raw makes of the sorted
 * labels. id 0 takes the next one. NULL: no room. */
struct series *head_create(struct head *h, uint32_t id, struct labels labels, struct span raw,
                           uint32_t hash);
/* Its labels with the head's texts; at has LABELS_MAX places. index_lock held. */
struct labels head_labels(const struct head *h, const struct series *s, struct label *at);
uint64_t head_labels_hash(const struct head *h, const struct series *s);
/* Removes these series (ascending; table and index_lock held for writing) and groups that are
 * empty then. */
void head_sweep(struct head *h, const uint32_t *ids, size_t n, struct graveyard *g);
/* All groups, in an array that is the caller's. */
struct group **head_groups(struct head *h, size_t *n);

/* ---- samples: stage.c; the group's shard held ---- */

/* t is after s->last_t. */
void series_push_slow(struct head *h, struct series *s, int64_t t, double v);
void series_pack(struct head *h, struct series *s);

static inline void series_push(struct head *h, struct series *s, int64_t t, double v)
{
    struct group *g = s->group;
    struct clock *c = s->clock < g->clocks_n ? &g->clocks[s->clock] : NULL;
    /* the next place: made by a neighbour in the same request */
    if (!c || s->end >= c->n || c->base + c->after[s->end] != t) {
        series_push_slow(h, s, t, v);
        return;
    }
    s->stage[s->staged++] = v;
    s->end++;
    s->last_t = t;
    s->last_v = v;
    if (s->staged == HEAD_STAGE)
        series_pack(h, s);
}

/* Keeps a sample that is not after last_t, unless one with that time came late already. */
enum late_result { LATE_TAKEN, LATE_SAME /* value */, LATE_OTHER };
enum late_result series_push_late(struct head *h, struct series *s, struct sample sample);
/* Moves everything aside for a flush; readers still see it until group_thaw. */
void group_freeze(struct head *h, struct group *g);
void group_thaw(struct group *g);

/* Series of one host have the same times: those of the series that was read last, for the next
 * one. Pieces of blocks are compared by where they come from. */
struct times_piece {
    const void *block; /* NULL: anything */
    uint32_t part, clock;
    size_t from, n;
};

struct times {
    int64_t *t;
    size_t n, size; /* n: of the last read */
    struct times_piece *pieces;
    size_t pieces_n, pieces_size;
    uint64_t id; /* another one when the times are others; never 0 after the first read */
    /* of the read at hand */
    size_t at;    /* pieces so far */
    bool changed; /* they differ from the last read's */
    bool moved;   /* they are not as they were where they come from */
};

void times_begin(struct times *t);
/* After n samples. */
void times_end(struct times *t, size_t n);
/* Whether the next piece is what it was last time, and so are all before. */
bool times_known(struct times *t, const struct times_piece *p);
void times_free(struct times *t);

/* Samples collected by a reader: pieces one after the other. */
struct samples {
    struct arena *arena;
    struct times *times; /* whose t is used; NULL: in the arena as v */
    int64_t *t;
    double *v;
    size_t n, size;
    bool mixed;       /* not ascending: samples_sort puts that right */
    bool nans, falls; /* values may be NaN; may be less than the one before */
};

void samples_room(struct samples *out, size_t more);
/* To be told by who changes times that are there already. */
void samples_moved(struct samples *out);
static inline void samples_put(struct samples *out, int64_t t, double v)
{
    if (out->n == out->size)
        samples_room(out, 1);
    out->mixed |= out->n && t <= out->t[out->n - 1];
    if (out->times && (out->n >= out->times->n || out->t[out->n] != t))
        out->times->changed = true;
    out->nans |= isnan(v);
    out->falls |= out->n && v < out->v[out->n - 1];
    out->t[out->n] = t;
    out->v[out->n++] = v;
}
/* Ascending, one for each time: of several the first that was put. */
void samples_sort(struct samples *s);

enum head_part { HEAD_NOW = 1, HEAD_FROZEN = 2 };
/* Appends what the series has in start..end. False when packed bytes are damaged. */
bool series_read(const struct series *s, unsigned parts, int64_t start, int64_t end,
                 struct samples *out);
/* Whether it may have any; first and last are those it certainly lies between. */
bool series_range(const struct series *s, unsigned parts, int64_t *first, int64_t *last);
/* How many samples lie in the parts. */
size_t series_count(const struct series *s, unsigned parts);
