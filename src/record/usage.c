#include "record/usage.h"

#include "record/record_state.h"

enum { TRIM_ROWS = 5000 };

static enum status add_one(struct db *db, const struct usage_row *u, struct err *err)
{
    return db_run(
        db, err,
        "INSERT INTO host_usage (\"timestamp\", host_id, memory_free, cpu_idle, cpu_kernel,"
        " disk_io, disk_available)"
        " SELECT strftime('%Y-%m-%d %H:%M:%S', ?1 / 1000, 'unixepoch'), hosts.id,"
        " nullif(?3, -1), nullif(?4, -1), nullif(?5, -1), nullif(?6, -1), nullif(?7, -1)"
        " FROM hosts WHERE name = ?2",
        "itiiiii", u->at_ms, u->host, u->memory_free_mb, u->cpu_idle_pct, u->cpu_kernel_pct,
        u->disk_io, u->disk_available_mb);
}

enum status record_usage_add(struct record *r, const struct usage_row *rows, size_t n,
                             struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    if (st)
        return st;
    for (size_t i = 0; !st && i < n; i++)
        st = add_one(r->db, &rows[i], err);
    return db_finish(r->db, st, err);
}

enum status record_usage_trim(struct record *r, int64_t before_ms, size_t *deleted, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err,
                            "DELETE FROM host_usage WHERE rowid IN (SELECT rowid FROM host_usage"
                            " WHERE \"timestamp\" < strftime('%Y-%m-%d %H:%M:%S', ?1 / 1000,"
                            " 'unixepoch') LIMIT ?2)",
                            "ii", before_ms, (int64_t)TRIM_ROWS);
    *deleted = st ? 0 : (size_t)db_changes(r->db);
    return st;
}
