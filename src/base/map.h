/* A hash map from bytes to a pointer. Keys belong to the caller and must outlive the entry
 * (usually they lie inside the value). Open addressing, at most 3/4 full. */
#pragma once

#include "base/span.h"

struct map_slot {
    struct span key; /* key.at NULL: never used */
    uint64_t hash;
    void *value; /* NULL: deleted */
};

/* {0} is a valid empty map. Not thread-safe. */
struct map {
    struct map_slot *slots;
    size_t size, used /* with the deleted */, count;
};

/* NULL when absent. */
void *map_get(const struct map *m, struct span key);
/* Adds or replaces; value must not be NULL. Returns the value that was there, or NULL. */
void *map_put(struct map *m, struct span key, void *value);
/* Returns the value that was there, or NULL. */
void *map_remove(struct map *m, struct span key);
/* for (size_t at = 0; (slot = map_next(m, &at));) — any order; removing is allowed, adding
 * is not. */
struct map_slot *map_next(const struct map *m, size_t *at);
void map_free(struct map *m); /* the slots, not keys or values */
