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

    /* 2. A row that another program inserts without a class gets the one that its result tells.
     * Not by json_extract: functions outside SQLite's core are not trusted in a schema. */
    "CREATE TRIGGER analysis_results_class AFTER INSERT ON analysis_results"
    "  WHEN NEW.predicted_class = 0"
    "  AND replace(NEW.result, ' ', '') GLOB '*\"predicted_class\":[123][,}]*'"
    "  BEGIN UPDATE analysis_results SET predicted_class = CAST(substr(replace(NEW.result, ' ', "
    "''),"
    "  instr(replace(NEW.result, ' ', ''), '\"predicted_class\":') + 18, 1) AS INTEGER)"
    "  WHERE id = NEW.id; END;"
    "CREATE INDEX analysis_results_by_class ON analysis_results (predicted_class, id);"
    /* A summary reads these two and not the rows. */
    "DROP INDEX analysis_results_time;"
    "CREATE INDEX analysis_results_by_time ON analysis_results (created_at, predicted_class);"
    "CREATE INDEX analysis_results_by_server ON analysis_results"
    "  (server_id, created_at, predicted_class);",

    /* 3. Events (events.h). */
    "CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
    "  host TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL);"
    "CREATE INDEX events_by_host ON events (host, id);"
    "CREATE INDEX events_by_time ON events (at_ms);",

    /* 4. What agents are told and tell. It goes with its host. */
    "CREATE TABLE host_settings (host_id TEXT PRIMARY KEY REFERENCES hosts (id)"
    "  ON UPDATE CASCADE ON DELETE CASCADE, version INTEGER NOT NULL, settings TEXT NOT NULL,"
    "  changed_ms INTEGER NOT NULL, changed_by TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE host_services (host_id TEXT PRIMARY KEY REFERENCES hosts (id)"
    "  ON UPDATE CASCADE ON DELETE CASCADE, at_ms INTEGER NOT NULL, services TEXT NOT NULL)"
    "  WITHOUT ROWID;"
    "CREATE TABLE host_inventory (host_id TEXT NOT NULL REFERENCES hosts (id)"
    "  ON UPDATE CASCADE ON DELETE CASCADE, version INTEGER NOT NULL, from_ms INTEGER NOT NULL,"
    "  inventory TEXT NOT NULL, PRIMARY KEY (host_id, version)) WITHOUT ROWID;"
    "CREATE TABLE process_snapshots (host_id TEXT NOT NULL REFERENCES hosts (id)"
    "  ON UPDATE CASCADE ON DELETE CASCADE, at_ms INTEGER NOT NULL, cause TEXT NOT NULL,"
    "  snapshot BLOB NOT NULL, PRIMARY KEY (host_id, at_ms)) WITHOUT ROWID;"
    "CREATE INDEX process_snapshots_time ON process_snapshots (at_ms);"
    /* A new token that replaces an old one: the old one ends when the new one is first used. */
    "ALTER TABLE tokens ADD COLUMN replaces BLOB;",

    /* 5. Findings and changes (findings.h). */
    "CREATE TABLE findings (id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL,"
    "  rule TEXT NOT NULL, subject TEXT NOT NULL, parameter TEXT NOT NULL,"
    "  from_value TEXT NOT NULL, to_value TEXT NOT NULL, state INTEGER NOT NULL,"
    "  opened_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, decided_ms INTEGER NOT NULL,"
    "  verdict TEXT NOT NULL, verdict_by TEXT NOT NULL, outcome TEXT NOT NULL,"
    "  json TEXT NOT NULL);"
    "CREATE INDEX findings_by_host ON findings (host, rule, subject, id);"
    "CREATE INDEX findings_by_state ON findings (state, id);"
    "CREATE TABLE changes (id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL,"
    "  at_ms INTEGER NOT NULL, before_ms INTEGER NOT NULL, parameter TEXT NOT NULL,"
    "  from_value TEXT NOT NULL, to_value TEXT NOT NULL, cause TEXT NOT NULL,"
    "  finding_id INTEGER NOT NULL, rule TEXT NOT NULL, subject TEXT NOT NULL,"
    "  verdict TEXT NOT NULL, outcome TEXT NOT NULL, before_json TEXT NOT NULL,"
    "  after_json TEXT NOT NULL, judged_ms INTEGER NOT NULL);"
    "CREATE INDEX changes_by_host ON changes (host, id);"
    "CREATE INDEX changes_by_time ON changes (at_ms);"
    "CREATE INDEX changes_pending ON changes (verdict, id);",

    /* 6. For those who ask in SQL (usage.h, docs/queries.sql). */
    "CREATE TABLE host_usage (\"timestamp\" TEXT NOT NULL, host_id TEXT NOT NULL REFERENCES hosts "
    "(id)"
    "  ON UPDATE CASCADE ON DELETE CASCADE, memory_free INTEGER, cpu_idle INTEGER,"
    "  cpu_kernel INTEGER, disk_io INTEGER, disk_available INTEGER);"
    "CREATE INDEX host_usage_time ON host_usage (\"timestamp\");"
    "CREATE INDEX host_usage_host ON host_usage (host_id, \"timestamp\");"
    "CREATE VIEW host_info AS SELECT hosts.id AS id, hosts.name AS hostname,"
    "  json_extract(facts, '$.cpu.threads') AS cpu_number,"
    "  json_extract(facts, '$.architecture') AS cpu_architecture,"
    "  json_extract(facts, '$.cpu.model') AS cpu_model,"
    "  json_extract(facts, '$.cpu.max_hz') / 1000000.0 AS cpu_mhz,"
    "  (SELECT json_extract(value, '$.size_bytes') / 1024 FROM"
    "    json_each(facts, '$.cpu.caches') WHERE json_extract(value, '$.level') = 2 LIMIT 1)"
    "    AS l2_cache,"
    "  json_extract(facts, '$.memory.total_bytes') / 1048576 AS total_mem,"
    "  datetime(from_ms / 1000, 'unixepoch') AS \"timestamp\""
    "  FROM hosts LEFT JOIN (SELECT host_id, from_ms, max(version),"
    "   coalesce(json_extract(inventory, '$.facts'), inventory) AS facts"
    "   FROM host_inventory GROUP BY host_id) ON host_id = hosts.id;",

    /* 7. Alerts (alerts.h). */
    "CREATE TABLE alerts (id INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL,"
    "  file TEXT NOT NULL, grp TEXT NOT NULL, name TEXT NOT NULL, host TEXT NOT NULL,"
    "  severity TEXT NOT NULL, labels TEXT NOT NULL, annotations TEXT NOT NULL,"
    "  state TEXT NOT NULL, value REAL, active_ms INTEGER NOT NULL, fired_ms INTEGER NOT NULL,"
    "  resolved_ms INTEGER NOT NULL, keep_since_ms INTEGER NOT NULL, ack_by TEXT NOT NULL,"
    "  ack_ms INTEGER NOT NULL, note TEXT NOT NULL, changed_ms INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX alerts_open ON alerts (fingerprint) WHERE state <> 'resolved';"
    "CREATE INDEX alerts_state ON alerts (state, id);"
    "CREATE INDEX alerts_host ON alerts (host, id);"
    "CREATE TABLE alert_history (id INTEGER PRIMARY KEY AUTOINCREMENT, alert_id INTEGER NOT NULL"
    "  REFERENCES alerts (id) ON DELETE CASCADE, at_ms INTEGER NOT NULL, who TEXT NOT NULL,"
    "  what TEXT NOT NULL, note TEXT NOT NULL);"
    "CREATE INDEX alert_history_alert ON alert_history (alert_id, id);"
    "CREATE TABLE documents (id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER NOT NULL,"
    "  kind TEXT NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL, changed_by TEXT NOT NULL,"
    "  changed_ms INTEGER NOT NULL, UNIQUE (kind, name));"
    "CREATE TABLE deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT, channel_id INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL, done_ms INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL, group_key TEXT NOT NULL, payload TEXT NOT NULL,"
    "  state TEXT NOT NULL, error TEXT NOT NULL);"
    "CREATE INDEX deliveries_waiting ON deliveries (channel_id, id) WHERE state = 'waiting';"
    "CREATE INDEX deliveries_channel ON deliveries (channel_id, id);"
    "CREATE TABLE alert_sent (group_key TEXT PRIMARY KEY, json TEXT NOT NULL,"
    "  at_ms INTEGER NOT NULL) WITHOUT ROWID;",

    /* 8. An attempt that a kill cut off is known (deliveries.c). */
    ("ALTER TABLE deliveries ADD COLUMN sending INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE deliveries ADD COLUMN interrupted INTEGER NOT NULL DEFAULT 0;"),

    /* 9. One for each who is told; what waits is found by its group (deliveries.c). */
    ("ALTER TABLE deliveries ADD COLUMN recipient TEXT NOT NULL DEFAULT '';"
     "CREATE INDEX deliveries_group ON deliveries (channel_id, group_key, recipient, id)"
     "  WHERE state = 'waiting';"),

    /* 10. Counted and trimmed without reading what was sent, which is not kept. */
    ("CREATE INDEX deliveries_failed ON deliveries (id) WHERE state = 'failed';"
     "CREATE INDEX deliveries_done ON deliveries (done_ms) WHERE state <> 'waiting';"
     "UPDATE deliveries SET payload = '' WHERE state <> 'waiting';"),
};

/* A database that somebody made by hand for the seeds' programs. */
static const char set_aside[] = "ALTER TABLE analysis_results RENAME TO analysis_results_before;";
static const char take_over[] = "INSERT INTO analysis_results (id, data, result)"
                                "  SELECT id, data, result FROM analysis_results_before"
                                "  ORDER BY id;"
                                "DROP TABLE analysis_results_before;";

static enum status number(struct db *db, const char *select, int64_t *out, struct err *err)
{
    struct db_rows rows;
    db_select(db, &rows, err, select, "");
    *out = db_next(&rows) ? db_i64(&rows, 0) : 0;
    return db_end(&rows);
}

/* What is in a database that has no version: nothing, the table made by hand, or tables that
 * are none of ours. */
static enum status look(struct db *db, const char *path, bool *by_hand, struct err *err)
{
    int64_t others, columns, ours;
    enum status st = number(db,
                            "SELECT count(*) FROM sqlite_schema"
                            " WHERE name NOT IN ('analysis_results', 'sqlite_sequence')",
                            &others, err);
    if (!st)
        st =
            number(db, "SELECT count(*) FROM pragma_table_info('analysis_results')", &columns, err);
    if (!st)
        st = number(db,
                    "SELECT count(*) FROM pragma_table_info('analysis_results')"
                    " WHERE name IN ('id', 'data', 'result')",
                    &ours, err);
    if (st)
        return st;
    *by_hand = columns > 0;
    if (others || ours != columns || (columns && columns != 3))
        return err_set(err, INVALID, "%s holds tables of another program; take another directory",
                       path);
    return OK;
}

static enum status migrate_one(struct db *db, size_t i, struct err *err)
{
    auto_buf version = {0};
    buf_printf(&version, "PRAGMA user_version=%zu", i + 1);
    enum status st = db_script(db, migrations[i], err);
    return st ? st : db_script(db, buf_text(&version), err);
}

/* Inside a transaction, the reading of the version too: two programs may start at once. */
static enum status migrate(struct db *db, const char *path, struct err *err)
{
    int64_t version;
    bool by_hand = false;
    enum status st = number(db, "PRAGMA user_version", &version, err);
    if (!st && (version < 0 || version > (int64_t)COUNT(migrations)))
        return err_set(err, UNSUPPORTED,
                       "%s was written by a newer version (shape %lld, this one knows %zu); start "
                       "that version, or restore a backup",
                       path, (long long)version, COUNT(migrations));
    if (!st && version == 0)
        st = look(db, path, &by_hand, err);
    if (!st && by_hand)
        st = db_script(db, set_aside, err);
    for (size_t i = (size_t)version; !st && i < COUNT(migrations); i++)
        st = migrate_one(db, i, err);
    return st || !by_hand ? st : db_script(db, take_over, err);
}

enum status schema_migrate(struct db *db, const char *path, struct err *err)
{
    enum status st = db_begin(db, err);
    return st ? st : db_finish(db, migrate(db, path, err), err);
}
