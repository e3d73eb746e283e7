/* See agents.h. */
#include "record/agents.h"

#include "record/record_state.h"

#include <stdlib.h>

enum { TRIM_ROWS = 5000 };

/* ---- settings ---- */

static enum status read_settings(struct db *db, struct span host_id, struct arena *arena,
                                 struct settings_row *out, struct err *err)
{
    struct db_rows rows;
    *out = (struct settings_row){.json = SPAN(""), .changed_by = SPAN("")};
    db_select(db, &rows, err,
              "SELECT version, settings, changed_ms, changed_by FROM host_settings"
              " WHERE host_id = ?",
              "t", host_id);
    if (db_next(&rows))
        *out = (struct settings_row){.version = db_i64(&rows, 0),
                                     .json = db_text(&rows, 1, arena),
                                     .changed_ms = db_i64(&rows, 2),
                                     .changed_by = db_text(&rows, 3, arena)};
    return db_end(&rows);
}

enum status record_settings(struct record *r, struct span host_id, struct arena *arena,
                            struct settings_row *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    return read_settings(r->db, host_id, arena, out, err);
}

static enum status put_settings(struct db *db, struct span host_id, struct settings_row *row,
                                int64_t expected, struct err *err)
{
    auto_arena arena = {0};
    struct settings_row now;
    enum status st = read_settings(db, host_id, &arena, &now, err);
    if (!st && expected >= 0 && now.version != expected)
        return err_set(err, EXISTS, "the settings have version %lld, not %lld",
                       (long long)now.version, (long long)expected);
    if (st)
        return st;
    row->version = now.version + 1;
    return db_run(db, err,
                  "INSERT INTO host_settings (host_id, version, settings, changed_ms, changed_by)"
                  " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (host_id) DO UPDATE SET version = ?2,"
                  " settings = ?3, changed_ms = ?4, changed_by = ?5",
                  "titit", host_id, row->version, row->json, row->changed_ms, row->changed_by);
}

enum status record_settings_put(struct record *r, struct span host_id, struct settings_row *row,
                                int64_t expected, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    return st ? st : db_finish(r->db, put_settings(r->db, host_id, row, expected, err), err);
}

/* ---- what an agent said last, and its inventory's history ---- */

enum status record_services_put(struct record *r, struct span host_id, struct span json,
                                int64_t at_ms, struct err *err)
{
    auto_lock *lock = record_lock(r);
    return db_run(r->db, err,
                  "INSERT INTO host_services (host_id, at_ms, services) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (host_id) DO UPDATE SET at_ms = ?2, services = ?3",
                  "tit", host_id, at_ms, json);
}

enum status record_services(struct record *r, struct span host_id, struct arena *arena,
                            struct span *json, int64_t *at_ms, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err, "SELECT services, at_ms FROM host_services WHERE host_id = ?", "t",
              host_id);
    bool found = db_next(&rows);
    if (found) {
        *json = db_text(&rows, 0, arena);
        *at_ms = db_i64(&rows, 1);
    }
    enum status st = db_end(&rows);
    return st || found ? st : err_set(err, NOT_FOUND, "this host has not told its services yet");
}

static enum status newest_inventory(struct db *db, struct span host_id, struct arena *arena,
                                    struct inventory_row *out, struct err *err)
{
    struct db_rows rows;
    *out = (struct inventory_row){.json = SPAN("")};
    db_select(db, &rows, err,
              "SELECT version, from_ms, inventory FROM host_inventory WHERE host_id = ?"
              " ORDER BY version DESC LIMIT 1",
              "t", host_id);
    if (db_next(&rows))
        *out = (struct inventory_row){.version = db_i64(&rows, 0),
                                      .from_ms = db_i64(&rows, 1),
                                      .json = db_text(&rows, 2, arena)};
    return db_end(&rows);
}

static enum status put_inventory(struct db *db, struct span host_id, struct span json,
                                 int64_t at_ms, struct arena *arena, struct inventory_row *before,
                                 bool *changed, struct err *err)
{
    enum status st = newest_inventory(db, host_id, arena, before, err);
    *changed = !st && !span_eq(before->json, json);
    if (st || !*changed)
        return st;
    st = db_run(db, err,
                "INSERT INTO host_inventory (host_id, version, from_ms, inventory)"
                " VALUES (?, ?, ?, ?)",
                "tiit", host_id, before->version + 1, at_ms, json);
    if (!st)
        st = db_run(db, err, "DELETE FROM host_inventory WHERE host_id = ? AND version <= ?", "ti",
                    host_id, before->version + 1 - INVENTORY_VERSIONS_MAX);
    return st;
}

enum status record_inventory_put(struct record *r, struct span host_id, struct span json,
                                 int64_t at_ms, struct arena *arena, struct inventory_row *before,
                                 bool *changed, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    return st ? st
              : db_finish(r->db,
                          put_inventory(r->db, host_id, json, at_ms, arena, before, changed, err),
                          err);
}

enum status record_inventory(struct record *r, struct span host_id, struct arena *arena,
                             struct inventory_row **out, size_t *n, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct inventory_row *list = NULL;
    size_t count = 0, size = 0;
    struct db_rows rows;
    db_select(r->db, &rows, err,
              "SELECT version, from_ms, inventory FROM host_inventory WHERE host_id = ?"
              " ORDER BY version DESC",
              "t", host_id);
    while (db_next(&rows)) {
        RECORD_GROW(arena, list, count, size);
        list[count++] = (struct inventory_row){.version = db_i64(&rows, 0),
                                               .from_ms = db_i64(&rows, 1),
                                               .json = db_text(&rows, 2, arena)};
    }
    *out = list;
    *n = count;
    return db_end(&rows);
}

/* ---- snapshots ---- */

enum status record_snapshots_add(struct record *r, const struct snapshot_row *rows, size_t n,
                                 struct err *err)
{
    if (!n)
        return OK;
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    if (st)
        return st;
    /* A host that was deleted meanwhile has none. */
    for (size_t i = 0; !st && i < n; i++)
        st = db_run(r->db, err,
                    "INSERT OR REPLACE INTO process_snapshots (host_id, at_ms, cause, snapshot)"
                    " SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM hosts WHERE id = ?1)",
                    "titb", rows[i].host_id, rows[i].at_ms, rows[i].cause, rows[i].packed);
    return db_finish(r->db, st, err);
}

enum status record_snapshot(struct record *r, struct span host_id, int64_t at_ms,
                            struct arena *arena, struct snapshot_row *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err,
              "SELECT at_ms, cause, snapshot FROM process_snapshots WHERE host_id = ?1"
              " AND at_ms <= ?2 ORDER BY at_ms DESC LIMIT 1",
              "ti", host_id, at_ms);
    bool found = db_next(&rows);
    if (found)
        *out = (struct snapshot_row){.host_id = host_id,
                                     .at_ms = db_i64(&rows, 0),
                                     .cause = db_text(&rows, 1, arena),
                                     .packed = db_text(&rows, 2, arena)};
    enum status st = db_end(&rows);
    return st || found ? st
                       : err_set(err, NOT_FOUND, "there is no snapshot of processes from then");
}

enum status record_snapshots_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                  struct err *err)
{
    auto_lock *lock = record_lock(r);
    *deleted = 0;
    enum status st = db_run(r->db, err,
                            "DELETE FROM process_snapshots WHERE (host_id, at_ms) IN (SELECT"
                            " host_id, at_ms FROM process_snapshots WHERE at_ms < ?1 LIMIT ?2)",
                            "ii", before_ms, (int64_t)TRIM_ROWS);
    if (!st)
        *deleted = (size_t)db_changes(r->db);
    return st;
}
