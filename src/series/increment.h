/* Remote write in small, between Galen's agent and server (docs/PROTOCOL.md, "Increments"): both
 * sides remember the series and values of the message before, and only what changed is sent. A
 * message stands for one remote-write message in which all samples have one time; reading it
 * gives that message back, sample for sample and bit for bit.
 *
 *   message  = kind stream seq time [common] new runs changed values crc
 *   kind     = 1 whole: nothing is remembered from before | 2 increment
 *   stream   = varint, a random number that a whole message sets; seq = varint, 0, 1, 2, ...
 *   time     = zigzag varint of milliseconds, in an increment since the message before
 *   common   = (whole only) varint length, bytes: a label field that most series have (instance)
 *   new      = varint count, then for each: varint shared with the one before, varint length,
 *              bytes, varint place of the common field + 1 or 0: added at the end
 *   runs     = varint lengths, in turn of series with a sample and without, over all series
 *   changed  = a bit for each sample, lowest first, padded to a byte: the value is another
 *   values   = for each changed: varint of zigzag(difference) * 4 + scale; scale 0: of whole
 *              numbers, 1: of hundredths, 2: of ten-thousandths, 3: eight bytes follow, IEEE 754
 *   crc      = CRC-32C of all values after this message, 4 bytes
 *
 * All little-endian. A series whose value is a stale marker is forgotten after the message. */
#pragma once

#include "series/collection.h"
#include "series/remote_write.h"

enum {
    INCREMENT_SERIES_MAX = 60000,
    INCREMENT_LABELS_MAX_BYTES = 16 << 10, /* of one series */
    INCREMENT_ALL_MAX_BYTES = 16 << 20,    /* labels of all series of one sender */
};

#define INCREMENT_TYPE "application/x-galen-increment"

/* ---- writing ---- */

struct increment_writer;

struct increment_writer *increment_writer_open(void);
void increment_writer_close(struct increment_writer *w); /* NULL is fine */
/* The next message is whole: the receiver may not have the last one, or is another. */
void increment_writer_reset(struct increment_writer *w);
/* Appends the message to out; *whole says which kind it became. UNSUPPORTED: it has nothing, in
 * an increment a series twice, or more than can be: send it as it is; the next is whole. Remembers
 * series by their id, so all collections must be of one owner. */
MUST_USE enum status increment_write(struct increment_writer *w, const struct collection *c,
                                     struct buf *out, bool *whole, struct err *err);

/* ---- reading ---- */

/* Labels that many readers share: hosts have mostly the same series. One thread. */
struct increment_labels;
struct increment_labels *increment_labels_open(void);
void increment_labels_close(struct increment_labels *l); /* after its readers; NULL is fine */
size_t increment_labels_count(const struct increment_labels *l);

struct increment_reader;
struct increment_reader *increment_reader_open(struct increment_labels *l);
void increment_reader_close(struct increment_reader *r); /* NULL is fine */
/* Appends the remote-write message to out. NOT_FOUND: it does not follow the last one that was
 * read here, the sender must send a whole one; INVALID: it is damaged; FULL: out is too small.
 * After a failure only a whole one is read. */
MUST_USE enum status increment_read(struct increment_reader *r, struct span bytes, struct buf *out,
                                    struct err *err);
