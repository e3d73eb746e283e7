/* A small face over a SQL database: prepared statements only, kept and used again; values are
 * always bound. SQLite today; PostgreSQL is to stand behind the same calls. Not thread-safe.
 *
 * Arguments follow a string of their kinds: i int64_t, t struct span (text), b struct span (blob);
 * an empty span with at == NULL is NULL. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct sql;

MUST_USE enum status sql_open(const char *path, struct sql **out, struct err *err);
void sql_close(struct sql *s); /* NULL is fine */

/* Several statements without arguments or rows: schema and pragmas. */
MUST_USE enum status sql_script(struct sql *s, const char *text, struct err *err);
/* One statement that gives no rows; text must be a literal (it is the key of the cache). */
MUST_USE enum status sql_run(struct sql *s, struct err *err, const char *text, const char *kinds,
                             ...);
int64_t sql_changes(struct sql *s); /* rows that the last statement changed */
int64_t sql_last_id(struct sql *s);

/* A statement with rows: one at a time for each text. */
struct sql_rows {
    struct sql *sql;
    void *statement;
    enum status status; /* OK as long as nothing failed */
    struct err *err;
};

void sql_select(struct sql *s, struct sql_rows *rows, struct err *err, const char *text,
                const char *kinds, ...);
/* False at the end and when something failed: see rows->status. */
bool sql_next(struct sql_rows *rows);
int64_t sql_i64(struct sql_rows *rows, int column);                           /* from 0 */
struct span sql_text(struct sql_rows *rows, int column, struct arena *arena); /* a copy */
/* Exactly n bytes into out; false when the column holds something else. */
bool sql_bytes(struct sql_rows *rows, int column, void *out, size_t n);
/* Ends the rows; their status. */
MUST_USE enum status sql_end(struct sql_rows *rows);

MUST_USE enum status sql_begin(struct sql *s, struct err *err);
/* Commits when st is OK and rolls back otherwise; st, or what the commit said. */
MUST_USE enum status sql_finish(struct sql *s, enum status st, struct err *err);
