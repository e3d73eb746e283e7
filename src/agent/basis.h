/* How batches are packed in the spool. Those of one machine resemble each other: most are packed
 * against an earlier one, the basis, that lies beside the ring, and so take 40 % of what they take
 * alone. It knows nothing of the ring but its folder. One thread.
 *
 * A record is a zstd frame (packed alone, as all were before there were bases) or
 *     u32 magic   u32 CRC-32C of the basis   u64 number of the basis   zstd frame
 * little-endian; the frame's prefix (ZSTD_CCtx_refPrefix) is the basis. A basis is a file
 * NUMBER.basis, the batch as a zstd frame, on the disk before the first record that needs it. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum {
    BASIS_HEAD_BYTES = 16,
    /* Then what has changed since begins to cost more than a new basis. */
    BASIS_BATCHES_MAX = 512,
};

struct basis;

/* dir: the spool's folder, which need not be there yet. */
struct basis *basis_open(const char *dir);
void basis_close(struct basis *b); /* NULL is fine */
/* Appends the record. Where no basis can be written the batch is packed alone. */
MUST_USE enum status basis_pack(struct basis *b, struct span batch, struct buf *record,
                                struct err *err);
/* Appends the batch, of at most max bytes. NOT_FOUND: its basis is not there; INVALID: the record
 * or the basis is damaged. */
MUST_USE enum status basis_unpack(struct basis *b, struct span record, size_t max,
                                  struct buf *batch, struct err *err);
/* Removes the bases that neither the oldest record nor a later one needs: all if it is empty, since
 * then nothing waits. */
void basis_forget(struct basis *b, struct span oldest);
