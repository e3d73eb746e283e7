/* What was deleted and may still lie in blocks. A deletion holds for blocks up to a gen (the head
 * is flushed before), so what comes later with the same times is not touched by it. Kept in
 * DIR/deleted.db until the blocks are rewritten without it. */
#pragma once

#include "store/embedded/disk.h"

#include "series/matcher.h"

struct tombstone {
    int64_t id;
    uint64_t gen;
    int64_t start_ms, end_ms;
    struct matcher *matchers;
    size_t n;
};

/* Never changed once made; held by the versions that use it. */
struct tombstones;

void tombstones_hold(struct tombstones *t);
void tombstones_release(struct tombstones *t); /* NULL is fine */
const struct tombstone *tombstones_list(const struct tombstones *t, size_t *n);

/* Reads DIR/deleted.db; none when it does not exist. Held once. */
MUST_USE enum status tombstones_load(struct disk *d, const char *dir, struct tombstones **out,
                                     struct err *err);
/* Adds one, or removes those whose id is in gone, durably; *out is the new set, held once. */
MUST_USE enum status tombstones_add(struct disk *d, const char *dir, const struct tombstone *added,
                                    struct tombstones **out, struct err *err);
MUST_USE enum status tombstones_drop(struct disk *d, const char *dir, const int64_t *gone, size_t n,
                                     struct tombstones **out, struct err *err);
