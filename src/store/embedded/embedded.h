/* The embedded store: head (head.h) and log (log.h) take what comes, blocks (block.h) keep it.
 *
 *   append.c    a remote-write message into head and log
 *   flush.c     what the head holds into new blocks, one for each day
 *   sweep.c     series without samples leave the head
 *   compact.c   several blocks of a day into one; deleted and expired samples leave
 *   version.c   which blocks there are; a query keeps the version with which it began
 *   guard.c     wrong clocks and full disks
 *   check.c     is it what was written?
 *   backup.c    links to the blocks of a moment
 *   delete.c    what people take out, and the space that comes back
 *   view.c      the face that queries see: head and blocks as one
 *   store.c     opening, closing, statistics
 *
 *   DIR/lock           the process that has the directory open
 *   DIR/log/           log.h
 *   DIR/blocks/        block.h
 *   DIR/deleted.db     tombstone.h */
#pragma once

#include "store/embedded/guard.h"
#include "store/embedded/head.h"
#include "store/embedded/log.h"
#include "store/embedded/replay.h"
#include "store/embedded/rows.h"
#include "store/embedded/version.h"

enum {
    STORE_RETENTION_DAYS = 30,
    STORE_FUTURE_MAX_MS = 10 * 60 * 1000,
    STORE_MAINTAIN_MS = 60 * 1000,
    STORE_FLUSH_AGE_MS = 2 * 3600 * 1000,  /* since the first sample came into the head */
    STORE_IDLE_MS = 2 * 3600 * 1000,       /* a series without samples leaves the head */
    STORE_FLUSH_SAMPLES = 4 * 1000 * 1000, /* at least, unless old */
    STORE_FLUSH_PER_SERIES = 64,
    STORE_SWEEP_PART = 10,               /* the sweep waits until one of so many has gone */
    STORE_DAY_GRACE_MS = 30 * 60 * 1000, /* after midnight: what comes late joins the same block */
    COMPACT_BLOCKS = 4,                  /* small blocks of a day that is not over */
    COMPACT_MAX_BLOCKS = 64,
    STORE_HEAD_FULL_TIMES = 4, /* this many times what makes a flush due: refuse until it is done */
};

/* What tests change. */
struct store_tuning {
    struct disk *disk;      /* NULL: the real one */
    size_t segment_bytes;   /* 0: LOG_SEGMENT_BYTES */
    uint64_t flush_samples; /* 0: STORE_FLUSH_SAMPLES */
    uint64_t flush_per_series;
    size_t compact_blocks; /* 0: COMPACT_BLOCKS */
    bool no_thread;        /* only store_maintain maintains */
    int64_t progress_ms;   /* log.h */
};

struct store {
    char *dir;
    int lock_fd;
    int64_t retention_ms, future_max_ms;
    uint64_t retention_bytes;
    struct guard guard;
    struct store_tuning tuning;

    struct head head;
    struct log *log;
    struct log_health health;
    struct versions versions;
    bool frozen;                     /* a flush has begun and its blocks are not there yet */
    uint64_t frozen_gen;             /* with the log up to this gen */
    _Atomic uint64_t frozen_samples; /* until blocks hold them */
    _Atomic uint64_t appended, duplicates, refused;

    pthread_mutex_t maintaining; /* one at a time flushes, compacts, deletes; guards frozen */
    pthread_mutex_t wake_lock;
    pthread_cond_t wake;
    bool stop, wanted; /* guarded by wake_lock */
    bool has_thread;
    pthread_t thread;
};

MUST_USE enum status store_open_tuned(const struct store_config *config,
                                      const struct store_tuning *tuning, struct store **out,
                                      struct err *err);
/* As after a crash, as far as a living process can: what is not synced stays unsynced, nothing
 * is flushed. For tests. */
void store_abandon(struct store *s);

/* Whether a day's block takes its last form now. */
static inline bool day_is_over(int64_t day, int64_t now)
{
    return now >= (day + 1) * DAY_MS + STORE_DAY_GRACE_MS;
}
/* Samples that only memory and log hold. */
static inline uint64_t samples_in_head(const struct store *s)
{
    return s->head.samples + s->frozen_samples;
}
/* How many samples make a flush due. */
uint64_t flush_due_at(const struct store *s);
/* Samples before this are not taken any more. */
int64_t store_oldest_ms(const struct store *s, int64_t now);
void store_wake(struct store *s);
/* DIR/blocks; text has BLOCK_PATH_MAX places. */
void store_blocks_dir(const struct store *s, char *text);
/* Puts the blocks in the place of those (by pointer) in the current version; the new ones
 * change hands. The files of those replaced are removed. */
void store_replace_blocks(struct store *s, struct block *const *gone, size_t gone_n,
                          struct block *const *added, size_t added_n, bool frozen);
/* What is stored of a series in start..end, head and blocks; its shard is locked. Not sorted. */
void stored_samples(struct store *s, const struct series *series, int64_t start, int64_t end,
                    struct samples *out);

void store_replace_tombstones(struct store *s, struct tombstones *t);

/* Whether a deletion has something to say about a block. */
static inline bool tombstone_applies(const struct tombstone *t, const struct block *b)
{
    return b->id.last <= t->gen && b->deletions < t->id && b->min_t <= t->end_ms &&
           b->max_t >= t->start_ms;
}
/* Takes out of what was appended from the index from on what the version's deletions hide. */
void samples_bury(const struct version *v, const struct block *b, struct labels labels, size_t from,
                  struct samples *out);

/* Everything in the head into blocks. maintaining held. */
MUST_USE enum status flush_head(struct store *s, struct err *err);
/* Series that are gone leave head and log; the definitions are packed. maintaining held. */
MUST_USE enum status sweep_head(struct store *s, struct err *err);
/* Compacts what is due; all: every day into one block. maintaining held. */
MUST_USE enum status compact_blocks(struct store *s, bool all, struct err *err);
/* Drops days that are too old or too many. maintaining held. */
MUST_USE enum status retain_blocks(struct store *s, struct err *err);
