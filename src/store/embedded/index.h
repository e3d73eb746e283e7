/* Labels of the head: every pair of name and value once, with the series that carry it. Series
 * are known by number here; numbers are only ever added in ascending order. The head's lock
 * guards all of it. */
#pragma once

#include "store/embedded/idmap.h"

#include "base/err.h"
#include "series/matcher.h"

struct label_key;

struct pair {
    struct label_key *key;
    struct span value;
    uint64_t hash;      /* of name and value */
    uint32_t id, place; /* place among the key's pairs */
    uint32_t *series;   /* ascending */
    uint32_t n, size;
};

struct label_key {
    struct span name;
    struct pair **pairs; /* in no order */
    uint32_t id, n, size;
};

struct index {
    struct pair **pairs;     /* by id; [0] and removed ones are NULL */
    struct label_key **keys; /* by id, as pairs */
    uint32_t pairs_end, pairs_size, keys_end, keys_size;
    struct idmap by_pair, by_name;
    uint32_t *series; /* all, ascending */
    uint32_t n, size;
};

/* Pointers that somebody may still look at: freed later, all at once. */
struct graveyard {
    void **at;
    size_t n, size;
};

void bury(struct graveyard *g, void *p); /* NULL is fine */
void graveyard_free(struct graveyard *g);

/* Hashes of this process; a sender cannot know the seed. */
uint64_t seeded_hash(struct span s);
/* The hash of a label set is the sum of these over its labels. */
uint64_t pair_hash(struct span name, struct span value);

/* The pair's number; a new one when it was not known. */
uint32_t index_intern(struct index *ix, struct span name, struct span value);
const struct pair *index_pair(const struct index *ix, struct span name, struct span value);
const struct label_key *index_key(const struct index *ix, struct span name);
void index_add(struct index *ix, uint32_t series, const uint32_t *pairs, size_t n);
/* Takes away every series that gone says; pairs and names without series are buried. */
void index_sweep(struct index *ix, bool (*gone)(void *arg, uint32_t series), void *arg,
                 struct graveyard *g);
void index_free(struct index *ix);

/* The numbers of the series that match, ascending, in the arena. pairs_of gives the pairs of a
 * series. */
typedef const uint32_t *(*index_pairs_fn)(void *arg, uint32_t series, size_t *n);
size_t index_select(const struct index *ix, const struct matcher *matchers, size_t n,
                    index_pairs_fn pairs_of, void *arg, struct arena *arena, uint32_t **out);
