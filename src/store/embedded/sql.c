#include "store/embedded/sql.h"

enum status sql_failed(sqlite3 *db, struct err *err)
{
    enum status st;
    switch (sqlite3_errcode(db) & 255) {
    case SQLITE_FULL:
        st = FULL;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* a table or column is not there */
    case SQLITE_MISMATCH:
        st = CORRUPT;
        break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        st = DENIED;
        break;
    default:
        st = IO_FAILED;
    }
    const char *path = sqlite3_db_filename(db, "main");
    return err_set(err, st, "%s: %s", path ? path : "the database", sqlite3_errmsg(db));
}

enum status sql_open(struct disk *d, const char *path, int flags, sqlite3 **out, struct err *err)
{
    *out = NULL;
    sqlite3 *db = NULL;
    /* Who uses a connection holds a lock of ours. */
    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, disk_vfs(d))) {
        enum status st = db ? sql_failed(db, err) : err_set(err, IO_FAILED, "open %s", path);
        sqlite3_close(db);
        return err_prefix(err, "%s", path), st;
    }
    sqlite3_extended_result_codes(db, 1);
    *out = db;
    return OK;
}

void sql_close(sqlite3 *db)
{
    sqlite3_close(db);
}

enum status sql_run(sqlite3 *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) ? sql_failed(db, err) : OK;
}

enum status sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct err *err)
{
    return sqlite3_prepare_v2(db, sql, -1, out, NULL) ? sql_failed(db, err) : OK;
}

enum status sql_step(sqlite3_stmt *stmt, struct err *err)
{
    switch (sqlite3_step(stmt)) {
    case SQLITE_ROW:
        return OK;
    case SQLITE_DONE:
        return NOT_FOUND;
    default:
        return sql_failed(sqlite3_db_handle(stmt), err);
    }
}

struct span sql_text(sqlite3_stmt *stmt, int column)
{
    const void *at = sqlite3_column_blob(stmt, column);
    return span_from(at, (size_t)sqlite3_column_bytes(stmt, column));
}
