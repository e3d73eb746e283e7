/* Hosts: which there are, when they were seen, whether they are analysed. */
#include "record/record_state.h"

#define COLUMNS "SELECT id, name, first_seen_ms, last_seen_ms, analysis FROM hosts "

static void read_row(struct db_rows *rows, struct arena *arena, struct host_row *h)
{
    *h = (struct host_row){
        .id = db_text(rows, 0, arena),
        .name = db_text(rows, 1, arena),
        .first_seen_ms = db_i64(rows, 2),
        .last_seen_ms = db_i64(rows, 3),
        .analysis = db_i64(rows, 4) != 0,
    };
}

/* Without an id: the host of that name, whatever its id. */
static enum status seen_by_name(struct db *db, struct span name, int64_t now_ms, struct err *err)
{
    return db_run(db, err,
                  "INSERT INTO hosts (id, name, first_seen_ms, last_seen_ms)"
                  " VALUES (?1, ?1, ?2, ?2) ON CONFLICT (name) DO UPDATE SET"
                  " last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)",
                  "ti", name, now_ms);
}

#define OTHER_OF_NAME " (SELECT id FROM hosts WHERE name = ?2 AND id <> ?1)"

/* The host that has the name under another id becomes this one: first_seen, what people chose
 * and its results stay with the name. */
static enum status take_over(struct db *db, struct span id, struct span name, struct err *err)
{
    enum status st = db_run(db, err,
                            "UPDATE analysis_results SET server_id = ?1 WHERE server_id ="
                            " (SELECT id FROM hosts WHERE name = ?2 AND id <> ?1)",
                            "tt", id, name);
    static const char *const moved[] = {
        "UPDATE events SET host = ?1 WHERE host =" OTHER_OF_NAME,
        "UPDATE findings SET host = ?1 WHERE host =" OTHER_OF_NAME,
        "UPDATE changes SET host = ?1 WHERE host =" OTHER_OF_NAME,
    };
    for (size_t i = 0; !st && i < COUNT(moved); i++)
        st = db_run(db, err, moved[i], "tt", id, name);
    if (!st)
        st = db_run(db, err,
                    "UPDATE hosts SET id = ?1 WHERE name = ?2 AND id <> ?1"
                    " AND NOT EXISTS (SELECT 1 FROM hosts WHERE id = ?1)",
                    "tt", id, name);
    /* When this one had another name before, there are two rows. */
    if (!st)
        st = db_run(db, err, "DELETE FROM hosts WHERE name = ?2 AND id <> ?1", "tt", id, name);
    return st;
}

static enum status seen_by_id(struct db *db, struct span id, struct span name, int64_t now_ms,
                              struct err *err)
{
    enum status st = take_over(db, id, name, err);
    if (st)
        return st;
    return db_run(db, err,
                  "INSERT INTO hosts (id, name, first_seen_ms, last_seen_ms)"
                  " VALUES (?1, ?2, ?3, ?3) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
                  " last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)",
                  "tti", id, name, now_ms);
}

enum status record_host_seen(struct record *r, struct span id, struct span name, int64_t now_ms,
                             struct err *err)
{
    enum status st = name_fits("a host's name", name, true, err);
    if (!st)
        st = name_fits("a host's id", id, false, err);
    if (st)
        return st;
    auto_lock *lock = record_lock(r);
    if (!id.len)
        return seen_by_name(r->db, name, now_ms, err);
    st = db_begin(r->db, err);
    return st ? st : db_finish(r->db, seen_by_id(r->db, id, name, now_ms, err), err);
}

enum status record_hosts_seen(struct record *r, const struct host_seen *seen, size_t n,
                              struct err *err)
{
    if (!n)
        return OK;
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    if (st)
        return st;
    for (size_t i = 0; !st && i < n; i++)
        if (name_fits("a host's name", seen[i].name, true, NULL) == OK)
            st = seen_by_name(r->db, seen[i].name, seen[i].at_ms, err);
    return db_finish(r->db, st, err);
}

enum status record_hosts(struct record *r, struct arena *arena, struct host_row **out, size_t *n,
                         struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct host_row *hosts = NULL;
    size_t count = 0, size = 0;
    struct db_rows rows;
    db_select(r->db, &rows, err, COLUMNS "ORDER BY name", "");
    while (db_next(&rows)) {
        RECORD_GROW(arena, hosts, count, size);
        read_row(&rows, arena, &hosts[count++]);
    }
    *out = hosts;
    *n = count;
    return db_end(&rows);
}

enum status record_host(struct record *r, struct span id, struct arena *arena, struct host_row *out,
                        struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err, COLUMNS "WHERE id = ?", "t", id);
    bool found = db_next(&rows);
    if (found)
        read_row(&rows, arena, out);
    enum status st = db_end(&rows);
    if (!st && !found)
        st = err_set(err, NOT_FOUND, "there is no host with id \"%.*s\"",
                     (int)MIN(id.len, (size_t)80), id.at);
    return st;
}

enum status record_host_analysis(struct record *r, struct span id, bool enabled, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err, "UPDATE hosts SET analysis = ?2 WHERE id = ?1", "ti", id,
                            (int64_t)enabled);
    if (!st && db_changes(r->db) == 0)
        st = err_set(err, NOT_FOUND, "there is no host with id \"%.*s\"",
                     (int)MIN(id.len, (size_t)80), id.at);
    return st;
}

static enum status delete_host(struct db *db, struct span id, struct err *err)
{
    enum status st = db_run(db, err, "DELETE FROM analysis_results WHERE server_id = ?", "t", id);
    if (!st)
        st = db_run(db, err, "DELETE FROM events WHERE host = ?", "t", id);
    if (!st)
        st = db_run(db, err, "DELETE FROM hosts WHERE id = ?", "t", id);
    if (!st && db_changes(db) == 0)
        st = err_set(err, NOT_FOUND, "there is no host with id \"%.*s\"",
                     (int)MIN(id.len, (size_t)80), id.at);
    return st;
}

enum status record_host_delete(struct record *r, struct span id, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    return st ? st : db_finish(r->db, delete_host(r->db, id, err), err);
}
