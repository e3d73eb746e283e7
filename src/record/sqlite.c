/* The SQL face on SQLite: one file in WAL mode, synchronous=FULL (a commit survives power loss). */
#include "record/db.h"

#include "base/clock.h"
#include "base/map.h"

#include <sqlite3.h>
#include <stdarg.h>

enum {
    BUSY_TIMEOUT_MS = 5000,
    SET_UP_TRIES = 100,
    SET_UP_PAUSE_MS = 20,
    DEADLINE_EVERY_STEPS = 10000
};

struct db {
    sqlite3 *db;
    char *path;
    struct map statements; /* text -> sqlite3_stmt */
    int64_t deadline_mono_ms;
};

static enum status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return AGAIN;
    case SQLITE_FULL:
        return FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return CORRUPT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return DENIED;
    case SQLITE_CONSTRAINT:
        return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ? EXISTS
                                                                                        : INVALID;
    case SQLITE_INTERRUPT:
        return TIMED_OUT;
    default:
        return IO_FAILED;
    }
}

static enum status failed(struct db *s, struct err *err)
{
    return err_set(err, status_of(sqlite3_extended_errcode(s->db)), "%s: %s", s->path,
                   sqlite3_errmsg(s->db));
}

enum status db_script(struct db *s, const char *text, struct err *err)
{
    return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? OK : failed(s, err);
}

/* The change to WAL, by whoever is first, does not wait for a lock as statements do. */
static enum status set_up(struct db *s, struct err *err)
{
    sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    enum status st = AGAIN;
    for (int i = 0; st == AGAIN && i < SET_UP_TRIES; i++) {
        if (i)
            sqlite3_sleep(SET_UP_PAUSE_MS);
        st = db_script(s,
                       "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                       "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;",
                       err);
    }
    return st;
}

enum status db_open(const char *path, struct db **out, struct err *err)
{
    *out = NULL;
    struct db *s = mem_zero(1, sizeof *s);
    s->path = mem_dup(path);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    enum status st = OK;
    if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK)
        st = failed(s, err);
    else
        st = set_up(s, err);
    if (st) {
        db_close(s);
        return st;
    }
    *out = s;
    return OK;
}

void db_close(struct db *s)
{
    if (!s)
        return;
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&s->statements, &at));)
        sqlite3_finalize(slot->value);
    map_free(&s->statements);
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

static sqlite3_stmt *statement_of(struct db *s, const char *text, struct err *err)
{
    sqlite3_stmt *statement = map_get(&s->statements, span_of(text));
    if (statement)
        return statement;
    if (sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
        SQLITE_OK) {
        failed(s, err);
        return NULL;
    }
    map_put(&s->statements, span_of(text), statement);
    return statement;
}

static int bind_span(sqlite3_stmt *statement, int i, char kind, struct span v)
{
    if (!v.at)
        return sqlite3_bind_null(statement, i);
    if (kind == 'b')
        return sqlite3_bind_blob64(statement, i, v.at, v.len, SQLITE_TRANSIENT);
    return sqlite3_bind_text64(statement, i, v.at, v.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static int bind_all(sqlite3_stmt *statement, const char *kinds, va_list args)
{
    int code = SQLITE_OK;
    for (int i = 1; *kinds && code == SQLITE_OK; kinds++, i++) {
        if (*kinds == 'i')
            code = sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
        else
            code = bind_span(statement, i, *kinds, va_arg(args, struct span));
    }
    return code;
}

enum status db_run(struct db *s, struct err *err, const char *text, const char *kinds, ...)
{
    sqlite3_stmt *statement = statement_of(s, text, err);
    if (!statement)
        return err ? err->status : IO_FAILED;
    va_list args;
    va_start(args, kinds);
    int code = bind_all(statement, kinds, args);
    va_end(args);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    enum status st = code == SQLITE_DONE ? OK : failed(s, err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return st;
}

static int past_deadline(void *arg)
{
    const struct db *s = arg;
    return clock_mono_ms() > s->deadline_mono_ms;
}

void db_deadline(struct db *s, int64_t mono_ms)
{
    s->deadline_mono_ms = mono_ms;
    sqlite3_progress_handler(s->db, mono_ms ? DEADLINE_EVERY_STEPS : 0, past_deadline, s);
}

int64_t db_changes(struct db *s)
{
    return sqlite3_changes64(s->db);
}

int64_t db_last_id(struct db *s)
{
    return sqlite3_last_insert_rowid(s->db);
}

void db_select(struct db *s, struct db_rows *rows, struct err *err, const char *text,
               const char *kinds, ...)
{
    *rows = (struct db_rows){.db = s, .err = err};
    sqlite3_stmt *statement = statement_of(s, text, err);
    rows->statement = statement;
    if (!statement) {
        rows->status = err ? err->status : IO_FAILED;
        return;
    }
    va_list args;
    va_start(args, kinds);
    if (bind_all(statement, kinds, args) != SQLITE_OK)
        rows->status = failed(s, err);
    va_end(args);
}

bool db_next(struct db_rows *rows)
{
    if (rows->status)
        return false;
    int code = sqlite3_step(rows->statement);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        rows->status = failed(rows->db, rows->err);
    return false;
}

int64_t db_i64(struct db_rows *rows, int column)
{
    return sqlite3_column_int64(rows->statement, column);
}

struct span db_text(struct db_rows *rows, int column, struct arena *arena)
{
    const void *text = sqlite3_column_text(rows->statement, column);
    size_t len = (size_t)sqlite3_column_bytes(rows->statement, column);
    return arena_span(arena, span_from(text ? text : "", text ? len : 0));
}

bool db_bytes(struct db_rows *rows, int column, void *out, size_t n)
{
    const void *bytes = sqlite3_column_blob(rows->statement, column);
    if (!bytes || (size_t)sqlite3_column_bytes(rows->statement, column) != n)
        return false;
    memcpy(out, bytes, n);
    return true;
}

enum status db_end(struct db_rows *rows)
{
    if (rows->statement) {
        sqlite3_reset(rows->statement);
        sqlite3_clear_bindings(rows->statement);
    }
    return rows->status;
}

enum status db_begin(struct db *s, struct err *err)
{
    return db_run(s, err, "BEGIN IMMEDIATE", "");
}

enum status db_finish(struct db *s, enum status st, struct err *err)
{
    if (!st)
        st = db_run(s, err, "COMMIT", "");
    if (st) {
        enum status ignored UNUSED = db_run(s, NULL, "ROLLBACK", "");
    }
    return st;
}

/* ---- copies ---- */

enum { COPY_PAGES = 1024 };

struct db_copy {
    struct db *from;
    sqlite3 *to;
    sqlite3_backup *backup;
    char *path;
};

static enum status copy_failed(const struct db_copy *c, struct err *err)
{
    return err_set(err, status_of(sqlite3_extended_errcode(c->to)), "%s: %s", c->path,
                   sqlite3_errmsg(c->to));
}

enum status db_copy_begin(struct db *s, const char *path, struct db_copy **out, struct err *err)
{
    struct db_copy *c = *out = mem_zero(1, sizeof *c);
    c->from = s;
    c->path = mem_dup(path);
    if (sqlite3_open_v2(path, &c->to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return copy_failed(c, err);
    c->backup = sqlite3_backup_init(c->to, "main", s->db, "main");
    return c->backup ? OK : copy_failed(c, err);
}

enum status db_copy_step(struct db_copy *c, bool *more, struct err *err)
{
    int code = sqlite3_backup_step(c->backup, COPY_PAGES);
    *more = code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED;
    return *more || code == SQLITE_DONE ? OK : copy_failed(c, err);
}

enum status db_copy_end(struct db_copy *c, enum status st, struct err *err)
{
    if (!c)
        return st;
    if (c->backup && sqlite3_backup_finish(c->backup) != SQLITE_OK && !st)
        st = copy_failed(c, err);
    if (sqlite3_close(c->to) != SQLITE_OK && !st)
        st = err_set(err, IO_FAILED, "%s cannot be closed", c->path);
    free(c->path);
    free(c);
    return st;
}
