/* The durable log: what was acknowledged and is not in a block yet.
 *
 *   DIR/log/series-N.log     definitions of the series that are alive (rows name them by number)
 *   DIR/log/N-GEN.log        rows of samples in order (rows.h), preallocated
 *   DIR/log/spare-N.log      a segment that waits to be used again
 *
 * Appenders put encoded records into the batch that is being filled; one thread writes a batch,
 * syncs it and calls done for each ticket in it: however many came meanwhile share one flush.
 *
 * Records belong to a gen. A flush begins a new one (log_rotate), and when all that was in the
 * head is in blocks, the segments of the gens before are used again (log_recycle).
 *
 * When a write or sync fails, the batch is kept and tried again until it works; meanwhile those
 * who wait are told, and nothing new is taken. So whatever is in the head is in the log, or
 * will be before the next acknowledgement. */
#pragma once

#include "store/embedded/disk.h"
#include "store/embedded/frame.h"
#include "store/store.h"

struct log;

enum {
    LOG_SEGMENT_BYTES = 8 << 20,
    LOG_BATCH_MAX_BYTES = 32 << 20,
    LOG_WAITING_MAX = 4096, /* tickets */
    LOG_SPARES = 2,
    LOG_RETRY_FIRST_MS = 5, /* after a failure; doubled each time */
    LOG_RETRY_MOST_MS = 200,
    SERIES_LOG_MAX_BYTES = 1 << 30,
};

struct log_ticket {
    store_done_fn done;
    void *arg;
    struct append_result result;
};

/* What reading found. */
struct log_health {
    uint64_t segments, records;
    uint64_t damaged, lost; /* places with damage; records that are missing there */
    uint64_t lost_samples;  /* that only the missing records could tell */
    uint64_t torn_bytes;    /* of an unfinished write at the end: never acknowledged */
};

/* Called while opening; false when the payload makes no sense. */
struct log_replay {
    bool (*define)(void *arg, uint64_t gen, struct span payload);
    bool (*row)(void *arg, uint64_t gen, struct span payload);
    void *define_arg, *row_arg;
    int64_t progress_ms; /* how far it is is logged so often; 0: every second; < 0: each segment */
};

/* last_gen: gens up to it are taken, blocks have them. */
MUST_USE enum status log_open(struct disk *d, const char *dir, size_t segment_bytes,
                              uint64_t last_gen, const struct log_replay *replay, struct log **out,
                              struct log_health *health, struct err *err);
/* After everything is durable, or cannot be made so. empty: all of it is in blocks, remove the
 * segments. NULL is fine. */
void log_close(struct log *l, bool empty);

/* OK, or why nothing can be written: the reason of the last write's failure. */
MUST_USE enum status log_works(struct log *l, struct err *err);
/* AGAIN: too much waits, or the last write failed; FULL: no space. Both are tried again. */
MUST_USE enum status log_admit(struct log *l, struct err *err);
uint64_t log_gen(struct log *l);
/* A new series; before the first row that names it. */
void log_define(struct log *l, struct span payload);
/* A row encoded for that gen. False: a new gen has begun, encode again. */
MUST_USE bool log_put(struct log *l, uint64_t gen, struct span payload);
/* Calls ticket->done when all that was put so far is durable. */
void log_ticket(struct log *l, const struct log_ticket *ticket);

/* Begins a new gen and waits until what was put before, in gens up to *before, is durable; who
 * puts does not wait. FULL or AGAIN: writing fails at the moment. */
MUST_USE enum status log_rotate(struct log *l, uint64_t *before, struct err *err);
/* The segments of gens up to this one are not needed any more. */
MUST_USE enum status log_recycle(struct log *l, uint64_t gen, struct err *err);
/* Replaces all definitions. Many may be added and synced while others define; from the last
 * addition on the caller sees to it that nobody does, and that all that was defined before is
 * among them and durable (log_drain). _end, also when it fails, and _abandon give d back. One
 * thread. */
struct log_definitions;
MUST_USE enum status log_definitions_begin(struct log *l, struct log_definitions **out,
                                           struct err *err);
MUST_USE enum status log_definitions_add(struct log *l, struct log_definitions *d,
                                         struct span payload, struct err *err);
MUST_USE enum status log_definitions_sync(struct log *l, struct log_definitions *d,
                                          struct err *err);
void log_definitions_abandon(struct log *l, struct log_definitions *d); /* NULL is fine */
MUST_USE enum status log_definitions_end(struct log *l, struct log_definitions *d, struct err *err);
uint64_t log_series_bytes(struct log *l);
uint64_t log_bytes(struct log *l); /* on disk */
uint64_t log_commits(struct log *l);
/* Waits until all that was put is durable; the last failure when it cannot be. */
MUST_USE enum status log_drain(struct log *l, struct err *err);
