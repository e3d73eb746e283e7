/* What reading and writing of blocks have in common. */
#pragma once

#include "store/embedded/block.h"
#include "store/embedded/part.h"
#include "store/embedded/sql.h"

#include "base/map.h"

extern const char block_schema[];

/* Checksum over the table part, row after row in the order of id; begins with the one of what
 * the table block says. */
uint32_t block_head_crc(int64_t format, int64_t day, int64_t deletions);
uint32_t block_part_crc(uint32_t crc, const struct block_part *p);

/* The directories of a block by the names in them. */
struct by_names {
    struct names *names;
    struct directory **directories; /* NULL: damaged; held by the map of directories */
    size_t n;
    uint32_t *of_part; /* which of them */
};

/* What reads the file. The lock is for SQLite, which takes one thread at a time, and for what
 * is filled when it is first needed. */
struct block_reader {
    pthread_mutex_t lock;
    sqlite3 *db;
    sqlite3_blob *blob;
    int64_t blob_row;
    struct map directories; /* id (8 bytes) -> struct cached_directory */
    struct arena arena;     /* instances */
    struct by_names *names; /* NULL: not asked for yet */
    struct raw_blobs *raw;  /* NULL: not asked for yet, or SQLite must read */
    bool raw_tried;
    struct part_view **views; /* by part: part_view.c has their lock */
};

/* Says once for each block that something in it is damaged. */
void block_complain(struct block *b, uint32_t part, const char *what);
/* n bytes of a part's data, through SQLite. */
bool block_read_data(struct block *b, uint32_t part, size_t at, size_t n, void *out);
/* The same from the file where possible; the bytes are in to. No checksum is looked at. */
bool block_read_raw(struct block *b, uint32_t part, size_t at, size_t n, struct buf *to,
                    const char **out);

/* ---- part_view.c: the heads of parts, parsed; those used last are kept ---- */

struct part_view {
    struct part_head head;
    struct block *block;
    uint32_t part;
    void *memory; /* of the head */
    size_t bytes; /* of it */
    size_t users;
    struct part_view *newer, *older; /* of those kept */
};

enum { PART_VIEWS_MAX_BYTES = 12 << 20 }; /* of all blocks together */

/* Until it is released; NULL when it is damaged. keep: others will want it soon. */
struct part_view *part_view_hold(struct block *b, uint32_t part, bool keep);
void part_view_release(struct part_view *v); /* NULL is fine */
/* Before a block goes: nobody holds any. */
void part_views_drop(struct block *b);
