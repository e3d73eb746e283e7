/* What protects the data from a clock that is wrong (base/steady.h) and from a disk that
 * becomes full: below a floor of free space nothing is taken any more, so that flushes,
 * compaction and the server's own records still find room. Any thread. */
#pragma once

#include "base/steady.h"
#include "store/embedded/disk.h"

#include <pthread.h>

enum {
    GUARD_SPACE_LOOK_MS = 1000, /* so long a look at the free space holds */
    GUARD_SMALL_PART = 4,       /* of a small file system at most one of so many is kept free */
};
/* However large the file system, its share of free space is not asked to be more. */
#define GUARD_SHARE_MAX_BYTES (UINT64_C(16) << 30)

struct guard {
    struct disk *disk;
    const char *dir;
    int64_t (*wall_ms)(void);
    int64_t (*mono_ms)(void);
    uint64_t free_min_bytes;
    unsigned free_min_percent;

    pthread_mutex_t lock; /* guards what follows */
    struct steady clock;
    int64_t looked_mono_ms;
    uint64_t free_bytes, floor_bytes;
    bool looked, low;
};

struct guard_times {
    int64_t early, late; /* steady.h */
    int64_t mono;
};

void guard_init(struct guard *g);
void guard_free(struct guard *g);
/* The newest time in the blocks; INT64_MIN: none. Before the first look. */
void guard_begin(struct guard *g, int64_t newest_ms);
struct guard_times guard_clock(struct guard *g);
/* FULL while less is free than must be. */
MUST_USE enum status guard_space(struct guard *g, struct err *err);
/* The fields of the statistics that are the guard's. */
struct store_stats;
void guard_state(struct guard *g, struct store_stats *out);
/* For waits with a deadline: a wall clock that is set must not make them longer. */
void cond_init_mono(pthread_cond_t *cond);
/* How much must stay free of a file system of that size. */
uint64_t guard_floor(uint64_t total_bytes, uint64_t min_bytes, unsigned min_percent);
