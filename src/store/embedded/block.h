/* A block: the samples of one day that one flush or compaction wrote, as a SQLite file that
 * never changes. docs/STORE.md shows how to look inside.
 *
 *   DIR/blocks/DAY-FIRST-LAST-REVISION.db    day: 20261121 (UTC); gens FIRST to LAST (log.h)
 *
 *   block   one row: what the file is, and a checksum over the table part
 *   part    a host (the value of the label instance), or at most PART_MAX_SERIES series of one:
 *           its series are those of a label directory, in that order
 *   labels  label directories (directory.h), each once however many hosts have the same
 *   data    the samples of a part (part.h)
 *
 * Of two blocks of a day the one whose gens include the other's replaces it. */
#pragma once

#include "store/embedded/directory.h"
#include "store/embedded/disk.h"
#include "store/embedded/head.h"

enum { BLOCK_FORMAT = 1, BLOCK_PATH_MAX = 4096 };
#define DAY_MS (INT64_C(24) * 3600 * 1000)

struct block_id {
    int64_t day; /* since 1970 */
    uint64_t first, last;
    unsigned revision;
};

static inline int64_t day_of(int64_t t_ms)
{
    return t_ms >= 0 ? t_ms / DAY_MS : -((DAY_MS - 1 - t_ms) / DAY_MS);
}

/* The file's name, into text[BLOCK_PATH_MAX]; back; false for another name. */
void block_path(const char *dir, struct block_id id, char *text);
bool block_name_parse(struct span name, struct block_id *out);

struct block_part {
    struct span instance;
    int64_t labels; /* id */
    uint32_t series, head_bytes;
    uint64_t samples, bytes;
    int64_t min_t, max_t;
};

struct block {
    struct block_id id;
    char *path;
    uint64_t bytes, samples;
    int64_t min_t, max_t;
    int64_t deletions;        /* tombstones up to this id have left it */
    struct block_part *parts; /* by instance; the parts of one in the order of their labels */
    size_t n;
    uint64_t damaged; /* places found so far */
    struct block_reader *reader;
    _Atomic size_t holders;
};

/* Opens and checks the file; CORRUPT with what is wrong. Held once. */
MUST_USE enum status block_open(struct disk *d, const char *path, struct block_id id,
                                struct block **out, struct err *err);
void block_hold(struct block *b);
void block_release(struct block *b); /* NULL is fine */

/* A series in a block. */
struct block_place {
    uint32_t part, place;
};

struct block_match {
    struct block_place at;
    uint64_t hash; /* of all labels, as head_labels_hash */
};

/* Series that match and whose part has samples in start..end, in the arena. Damaged directories
 * are named in the log and left out. */
size_t block_select(struct block *b, const struct matcher *matchers, size_t n, int64_t start,
                    int64_t end, struct arena *arena, struct block_match **out);
bool block_find(struct block *b, struct labels labels, struct block_place *out);
/* The directory of a part, held once more; NULL when it is damaged. */
struct directory *block_directory(struct block *b, uint32_t part);
/* The newest time of a host; INT64_MIN when it is not there. */
int64_t block_instance_max(const struct block *b, struct span instance);
/* Calls fn with the values of a label (its names when name is empty) that parts with samples in
 * start..end have; some come several times. */
void block_values(struct block *b, struct span name, int64_t start, int64_t end,
                  void (*fn)(void *arg, struct span value), void *arg);
/* Its labels, sorted; the texts are copied into the arena. */
struct labels block_labels(struct block *b, struct block_place at, struct arena *arena);

struct part_head;
/* Reads series of a block; remembers the part it read last. One thread. */
struct block_cursor;
struct block_cursor *block_cursor_open(struct block *b);
/* The same for queries: the heads of parts that it reads are kept for the next one. */
struct block_cursor *block_cursor_open_shared(struct block *b);
void block_cursor_close(struct block_cursor *c); /* NULL is fine */
/* Appends what lies in start..end. What is damaged is named in the log and left out. */
void block_read(struct block_cursor *c, struct block_place at, int64_t start, int64_t end,
                struct samples *out);
/* The head of a part, until the cursor goes to another one; NULL when it is damaged. */
const struct part_head *block_cursor_part(struct block_cursor *c, uint32_t part);
/* How many samples a series has; for statistics and checks. */
size_t block_count(struct block_cursor *c, struct block_place at);

/* ---- writing ---- */

struct block_writer;
MUST_USE enum status block_writer_open(struct disk *d, const char *dir, struct block_id id,
                                       enum chunk_style style, int64_t deletions,
                                       struct block_writer **out, struct err *err);
/* The next series, by instance and then by the labels without it. */
MUST_USE enum status block_writer_add(struct block_writer *w, struct span instance,
                                      struct labels labels, const int64_t *t, const double *v,
                                      size_t n, struct err *err);
/* The file is complete, durable and has its name; *out is it, open (NULL when nothing was
 * added: no file then). Ends the writer in any case. */
MUST_USE enum status block_writer_finish(struct block_writer *w, struct block **out,
                                         struct err *err);
void block_writer_abandon(struct block_writer *w); /* NULL is fine */
