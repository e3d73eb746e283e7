/* The log's rows back into the head when the store opens. Rows lie in the log in the order in
 * which they came, host after host; read so, every sample would find its series outside the
 * processor's caches. So some megabytes of rows are gathered, put into the order of their hosts
 * and read by several threads, each host by one. */
#pragma once

#include "base/buf.h"
#include "store/embedded/rows.h"

enum { REPLAY_READERS_MAX = 4, REPLAY_BATCH_BYTES = 16 << 20 };

struct replay_row;

struct replay {
    struct row_reader readers[REPLAY_READERS_MAX];
    size_t readers_n;
    struct buf content;
    struct replay_row *rows;
    size_t n, size;
    uint64_t bad; /* rows that made no sense */
};

void replay_init(struct replay *r, struct head *head);
void replay_free(struct replay *r);
/* log.h: a row; false when it makes no sense. */
bool replay_take(void *replay, uint64_t gen, struct span payload);
/* What was gathered goes into the head. */
void replay_end(struct replay *r);
uint64_t replay_samples(const struct replay *r);
uint64_t replay_lost(const struct replay *r);
