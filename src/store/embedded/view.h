/* A view of the store (view.c) and its reading ahead (ahead.c). */
#pragma once

#include "store/embedded/block_file.h"
#include "store/embedded/embedded.h"

struct place {
    struct place *next;
    uint32_t block;
    struct block_place at;
};

/* A selected series and where its samples are. */
struct found {
    struct series *series; /* of the head, or NULL */
    struct place *first, **end;
    struct labels labels;
    uint64_t hash;
};

struct range {
    int64_t start, end;
};

/* Queries read the series of a selection one after the other, and a host's series stand side by
 * side: they are read together, so that their chunks are decoded together. */
enum { AHEAD_SERIES = 16, AHEAD_SAMPLES = 1 << 15 };
struct ahead {
    const struct selected *list; /* the last selection */
    size_t list_n;
    size_t first, n; /* those that are read; nothing else has been since */
    size_t alone;    /* those before it are to be read one by one */
    struct range range;
    struct arena arena;
    struct samples at[AHEAD_SERIES];
    struct part_batch batch;
    struct buf *rooms; /* bytes that the batch decodes */
    size_t rooms_n, rooms_used;
};

struct view {
    struct source face;
    struct store *store;
    struct version *version;
    unsigned parts;                /* of the head */
    struct block_cursor **cursors; /* by block; opened when first needed */
    struct times times;            /* of the series that was read last */
    struct ahead ahead;
};

struct block_cursor *view_cursor(struct view *v, uint32_t block);
/* Whether the head may have samples of a series in the range. */
bool view_in_head(const struct view *v, const struct series *s, struct range r);
/* About how many samples the series has in the blocks, so that they need not be moved. */
size_t view_expects(const struct view *v, const struct found *f, struct range r);

/* Fills in the samples of a series of the last selection, which are valid until the next read,
 * and reads those that follow it. False when it must be read by itself. */
bool ahead_read(struct view *v, struct selected *series, struct range r);
void ahead_free(struct ahead *a);
