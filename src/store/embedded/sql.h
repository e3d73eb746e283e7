/* The few calls of SQLite that the store makes, with our errors. Only on files of its own, with
 * statements that are literals. */
#pragma once

#include "store/embedded/disk.h"

#include <sqlite3.h>

/* flags: SQLITE_OPEN_READONLY, or READWRITE | CREATE. *out is NULL on failure. */
MUST_USE enum status sql_open(struct disk *d, const char *path, int flags, sqlite3 **out,
                              struct err *err);
void sql_close(sqlite3 *db);
/* Statements without results. */
MUST_USE enum status sql_run(sqlite3 *db, const char *sql, struct err *err);
MUST_USE enum status sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct err *err);
/* OK: a row is there; NOT_FOUND: the end. */
MUST_USE enum status sql_step(sqlite3_stmt *stmt, struct err *err);
/* What the last call on db met: CORRUPT, FULL, IO_FAILED. */
enum status sql_failed(sqlite3 *db, struct err *err);
struct span sql_text(sqlite3_stmt *stmt, int column); /* or blob; until the next step */

static inline void sql_finalize(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}
#define auto_stmt CLEANUP(sql_finalize) sqlite3_stmt
