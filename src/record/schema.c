/* The tables. A change of shape is a new entry of migrations[], never an edit of an old one;
 * PRAGMA user_version counts how many have been made. */
#include "record/record_state.h"

#define NOW "(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"

static const char *const migrations[] = {
    /* 1. analysis_results has the seeds' columns first, and defaults for all others, so that the
     * seeds' own INSERT works. */
    "CREATE TABLE hosts (id TEXT PRIMARY KEY, name TEXT NOT NULL, first_seen_ms INTEGER NOT NULL,"
    "  last_seen_ms INTEGER NOT NULL, analysis INTEGER NOT NULL DEFAULT 1) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX hosts_name ON hosts (name);"
    "CREATE TABLE analysis_results (id INTEGER PRIMARY KEY AUTOINCREMENT, data TEXT, result TEXT,"
    "  created_at TEXT NOT NULL DEFAULT " NOW ", server_id TEXT NOT NULL DEFAULT '',"
    "  predicted_class INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX analysis_results_time ON analysis_results (created_at);"
    "CREATE INDEX analysis_results_server ON analysis_results (server_id, id);"
    "CREATE TABLE users (name TEXT PRIMARY KEY, password_hash TEXT NOT NULL,"
    "  role INTEGER NOT NULL, must_change INTEGER NOT NULL, one_time_until_ms INTEGER NOT NULL)"
    "  WITHOUT ROWID;"
    "CREATE TABLE sessions (hash BLOB PRIMARY KEY, user TEXT NOT NULL"
    "  REFERENCES users (name) ON DELETE CASCADE, created_ms INTEGER NOT NULL,"
    "  used_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE tokens (hash BLOB PRIMARY KEY, kind INTEGER NOT NULL, role INTEGER NOT NULL,"
    "  name TEXT NOT NULL, host_id TEXT NOT NULL, created_ms INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL, uses_left INTEGER NOT NULL, revoked INTEGER NOT NULL)"
    "  WITHOUT ROWID;"
    "CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
    "  who TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL);"
    "CREATE TRIGGER audit_kept BEFORE DELETE ON audit"
    "  BEGIN SELECT RAISE(ABORT, 'the audit is never deleted'); END;"
    "CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit"
    "  BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;",
};

static enum status version_of(struct db *db, int64_t *version, struct err *err)
{
    struct db_rows rows;
    db_select(db, &rows, err, "PRAGMA user_version", "");
    *version = db_next(&rows) ? db_i64(&rows, 0) : 0;
    return db_end(&rows);
}

static enum status migrate_one(struct db *db, size_t i, struct err *err)
{
    auto_buf version = {0};
    buf_printf(&version, "PRAGMA user_version=%zu", i + 1);
    enum status st = db_script(db, migrations[i], err);
    return st ? st : db_script(db, buf_text(&version), err);
}

enum status schema_migrate(struct db *db, struct err *err)
{
    int64_t version;
    enum status st = version_of(db, &version, err);
    if (!st && version > (int64_t)COUNT(migrations))
        return err_set(err, UNSUPPORTED,
                       "server_analysis.db was written by a newer version (shape %lld, this one "
                       "knows %zu); start that version, or restore a backup",
                       (long long)version, COUNT(migrations));
    for (size_t i = (size_t)version; !st && i < COUNT(migrations); i++) {
        st = db_begin(db, err);
        if (!st)
            st = db_finish(db, migrate_one(db, i, err), err);
    }
    return st;
}
