/* A small face over a SQL database: prepared statements only, kept and used again; values are
 * always bound. SQLite today; PostgreSQL is to stand behind the same calls. Not thread-safe.
 *
 * Arguments follow a string of their kinds: i int64_t, t struct span (text), b struct span (blob);
 * an empty span with at == NULL is NULL. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct db;

MUST_USE enum status db_open(const char *path, struct db **out, struct err *err);
void db_close(struct db *s); /* NULL is fine */

/* Several statements without arguments or rows: schema and pragmas. */
MUST_USE enum status db_script(struct db *s, const char *text, struct err *err);
/* One statement that gives no rows; text must be a literal (it is the key of the cache). */
MUST_USE enum status db_run(struct db *s, struct err *err, const char *text, const char *kinds,
                            ...);
/* Statements that are still running then end with TIMED_OUT; 0: no limit. */
void db_deadline(struct db *s, int64_t mono_ms);
int64_t db_changes(struct db *s); /* rows that the last statement changed */
int64_t db_last_id(struct db *s);

/* A statement with rows: one at a time for each text. */
struct db_rows {
    struct db *db;
    void *statement;
    enum status status; /* OK as long as nothing failed */
    struct err *err;
};

void db_select(struct db *s, struct db_rows *rows, struct err *err, const char *text,
               const char *kinds, ...);
/* False at the end and when something failed: see rows->status. */
bool db_next(struct db_rows *rows);
int64_t db_i64(struct db_rows *rows, int column);                           /* from 0 */
struct span db_text(struct db_rows *rows, int column, struct arena *arena); /* a copy */
/* Exactly n bytes into out; false when the column holds something else. */
bool db_bytes(struct db_rows *rows, int column, void *out, size_t n);
/* Ends the rows; their status. */
MUST_USE enum status db_end(struct db_rows *rows);

MUST_USE enum status db_begin(struct db *s, struct err *err);
/* Commits when st is OK and rolls back otherwise; st, or what the commit said. */
MUST_USE enum status db_finish(struct db *s, enum status st, struct err *err);

/* ---- a copy of the whole database in a file, step by step ---- */

struct db_copy;
MUST_USE enum status db_copy_begin(struct db *s, const char *path, struct db_copy **out,
                                   struct err *err);
/* Some pages; between two steps the database may change: the copy follows. */
MUST_USE enum status db_copy_step(struct db_copy *c, bool *more, struct err *err);
/* st, or what ending met; c may be NULL. */
MUST_USE enum status db_copy_end(struct db_copy *c, enum status st, struct err *err);
