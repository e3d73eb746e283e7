/* The blobs of a block's table data, read where they lie in the file. SQLite goes through a blob
 * of many pages from its first on, under a lock and by way of its cache; a block never changes,
 * so the pages can be found once. SQLite's file format is documented and does not change
 * (https://sqlite.org/fileformat2.html); what looks different from what a block writer makes is
 * left to SQLite. */
#pragma once

#include "base/buf.h"

#include <sqlite3.h>

struct raw_blobs;

/* NULL when the file is not as expected. parts: rows of the table, with ids from 1 on. */
struct raw_blobs *raw_blobs_open(sqlite3 *db, size_t parts);
void raw_blobs_free(struct raw_blobs *r); /* NULL is fine */
/* n bytes of blob part + 1; they begin at *out, in to, which is used as scratch memory. False:
 * ask SQLite. The pages of a blob are taken to follow one another: what is read must be under a
 * checksum. Any thread. */
bool raw_blob_read(const struct raw_blobs *r, uint32_t part, size_t at, size_t n, struct buf *to,
                   const char **out);
