/* Batches that wait for the server: a ring of files on disk, oldest first, bounded; when it is
 * full the oldest go and are counted. It knows bytes, not what they mean.
 *
 * What spool_put returned OK for survives kill -9; after spool_sync also a power cut. When the
 * disk refuses, batches wait in memory, up to SPOOL_MEMORY_BYTES, until it takes them again. One
 * thread.
 *
 * A file holds records of 16 bytes of head and a body:
 *     u32 magic   u32 body length   u32 CRC-32C of length and body   u8 done   u8 zero[3]
 * little-endian. A batch that was delivered is marked done in place; a file whose records are
 * all done is removed. What follows a damaged record in its file is given up and counted: a torn
 * tail after a crash, in the newest file. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum {
    SPOOL_HEAD_BYTES = 16,
    SPOOL_RECORD_MAX_BYTES = 8 << 20,
    SPOOL_MEMORY_BYTES = 8 << 20,
};

struct spool;

/* Opens or creates the ring in dir. On failure *out is a spool in memory alone, with the reason
 * in err: the caller tells it and goes on. */
enum status spool_open(const char *dir, uint64_t max_bytes, struct spool **out, struct err *err);
void spool_close(struct spool *s); /* NULL is fine */

/* Appends. FULL: larger than a record may be. IO_FAILED etc.: the disk refused, it waits in
 * memory. */
enum status spool_put(struct spool *s, struct span batch, struct err *err);
void spool_sync(struct spool *s);

size_t spool_count(const struct spool *s);
uint64_t spool_bytes(const struct spool *s);
uint64_t spool_lost(const struct spool *s); /* batches dropped or damaged since spool_open */
/* Batches that have left the front since spool_open, delivered or dropped because the ring was
 * full: tells how many of those that a caller has under way are still the oldest. */
uint64_t spool_gone(const struct spool *s);

/* Walks the oldest batches: for (struct spool_cursor c = {0}; spool_next(s, &c, &out); ...).
 * out is replaced. Nothing else may be called during the walk. */
struct spool_cursor {
    size_t file, at, memory;
    uint64_t offset;
    bool begun, disk;
};
bool spool_next(struct spool *s, struct spool_cursor *c, struct buf *out);
/* The n oldest are delivered. */
void spool_drop(struct spool *s, size_t n);
