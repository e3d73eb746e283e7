/* What is to be delivered, and what became of it. A delivery is added with the memory of what its
 * group was told, in one transaction: either both are there or none. */
#include "record/alerts.h"

#include "record/record_state.h"

enum { TRIM_ROWS = 5000 };

static enum status add(struct db *db, const struct delivery_row *d, struct err *err)
{
    struct span recipient = d->recipient.at ? d->recipient : SPAN("");
    if (d->payload.len > DELIVERY_PAYLOAD_MAX_BYTES)
        return err_set(err, FULL, "a notification of %zu bytes; %d are allowed", d->payload.len,
                       DELIVERY_PAYLOAD_MAX_BYTES);
    enum status st = db_run(db, err,
                            "UPDATE deliveries SET next_ms = ?4 WHERE channel_id = ?1"
                            " AND group_key = ?2 AND recipient = ?3 AND state = 'waiting'"
                            " AND sending = 0 AND next_ms > ?4",
                            "itti", d->channel_id, d->group_key, recipient, d->created_ms);
    if (st)
        return st;
    return db_run(db, err,
                  "INSERT INTO deliveries (channel_id, created_ms, next_ms, done_ms, attempts,"
                  " group_key, recipient, payload, state, error)"
                  " SELECT ?1, ?2, ?3, 0, 0, ?4, ?5, ?6, 'waiting', '' WHERE ?7 = 0 OR NOT EXISTS"
                  " (SELECT 1 FROM deliveries WHERE channel_id = ?1 AND group_key = ?4"
                  "  AND recipient = ?5 AND state = 'waiting' AND sending = 0)",
                  "iiittti", d->channel_id, d->created_ms, d->next_ms ? d->next_ms : d->created_ms,
                  d->group_key, recipient, d->payload, (int64_t)d->once);
}

enum status record_deliveries_add(struct record *r, const struct delivery_row *rows, size_t n,
                                  const struct sent_row *sent, size_t n_sent, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    if (st)
        return st;
    for (size_t i = 0; !st && i < n; i++)
        st = add(r->db, &rows[i], err);
    for (size_t i = 0; !st && i < n_sent; i++)
        st = db_run(r->db, err,
                    "INSERT INTO alert_sent (group_key, json, at_ms) VALUES (?1, ?2, ?3)"
                    " ON CONFLICT (group_key) DO UPDATE SET json = ?2, at_ms = ?3",
                    "tti", sent[i].group_key, sent[i].json, sent[i].at_ms);
    return db_finish(r->db, st, err);
}

enum status record_sent(struct record *r, struct arena *arena, struct sent_row **out, size_t *n,
                        struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct sent_row *all = NULL;
    size_t count = 0, size = 0;
    struct db_rows rows;
    db_select(r->db, &rows, err, "SELECT group_key, json, at_ms FROM alert_sent", "");
    while (db_next(&rows)) {
        RECORD_GROW(arena, all, count, size);
        all[count++] = (struct sent_row){.group_key = db_text(&rows, 0, arena),
                                         .json = db_text(&rows, 1, arena),
                                         .at_ms = db_i64(&rows, 2)};
    }
    *out = all;
    *n = count;
    return db_end(&rows);
}

enum status record_sent_delete(struct record *r, struct span group_key, struct err *err)
{
    auto_lock *lock = record_lock(r);
    return db_run(r->db, err, "DELETE FROM alert_sent WHERE group_key = ?1", "t", group_key);
}

#define COLUMNS(payload)                                                                           \
    "SELECT id, channel_id, created_ms, next_ms, done_ms, attempts, group_key, " payload           \
    ", state, error, recipient FROM deliveries "

static struct delivery_row read_row(struct db_rows *rows, struct arena *arena)
{
    return (struct delivery_row){
        .id = db_i64(rows, 0),
        .channel_id = db_i64(rows, 1),
        .created_ms = db_i64(rows, 2),
        .next_ms = db_i64(rows, 3),
        .done_ms = db_i64(rows, 4),
        .attempts = db_i64(rows, 5),
        .group_key = db_text(rows, 6, arena),
        .payload = db_text(rows, 7, arena),
        .state = db_text(rows, 8, arena),
        .error = db_text(rows, 9, arena),
        .recipient = db_text(rows, 10, arena),
    };
}

static enum status read_all(struct db_rows *rows, struct arena *arena, struct delivery_row **out,
                            size_t *n)
{
    struct delivery_row *all = NULL;
    size_t count = 0, size = 0;
    while (db_next(rows)) {
        RECORD_GROW(arena, all, count, size);
        all[count++] = read_row(rows, arena);
    }
    *out = all;
    *n = count;
    return db_end(rows);
}

static enum status next_due(struct db *db, int64_t now_ms, int64_t *next_ms, struct err *err)
{
    struct db_rows rows;
    db_select(db, &rows, err,
              "SELECT coalesce(min(next_ms), 0) FROM deliveries"
              " WHERE state = 'waiting' AND sending = 0 AND next_ms > ?1",
              "i", now_ms);
    *next_ms = db_next(&rows) ? db_i64(&rows, 0) : 0;
    return db_end(&rows);
}

enum status record_deliveries_due(struct record *r, int64_t now_ms, struct arena *arena,
                                  struct delivery_row **out, size_t *n, int64_t *next_ms,
                                  struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    /* The columns beside min(id) are those of its row (sqlite.org/lang_select.html, 2.5). */
    db_select(
        r->db, &rows, err,
        COLUMNS("''") "WHERE id IN (SELECT id FROM (SELECT id,"
                      "  row_number() OVER (PARTITION BY channel_id ORDER BY id) AS place FROM"
                      "  (SELECT min(id) AS id, channel_id, next_ms, sending FROM deliveries"
                      "   WHERE state = 'waiting' GROUP BY channel_id, group_key, recipient)"
                      "  WHERE sending = 0 AND next_ms <= ?1) WHERE place <= ?2) ORDER BY id",
        "ii", now_ms, (int64_t)DELIVERIES_DUE_MAX);
    enum status st = read_all(&rows, arena, out, n);
    return st ? st : next_due(r->db, now_ms, next_ms, err);
}

static enum status one(struct db *db, int64_t id, struct arena *arena, struct delivery_row *out,
                       struct err *err)
{
    struct db_rows rows;
    db_select(db, &rows, err, COLUMNS("payload") "WHERE id = ?1", "i", id);
    if (db_next(&rows))
        *out = read_row(&rows, arena);
    return db_end(&rows);
}

enum status record_delivery_begin(struct record *r, int64_t id, struct arena *arena,
                                  struct delivery_row *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err,
                            "UPDATE deliveries SET sending = 1, attempts = attempts + 1"
                            " WHERE id = ?1 AND state = 'waiting' AND sending = 0",
                            "i", id);
    if (!st && !db_changes(r->db))
        return err_set(err, NOT_FOUND, "delivery %lld does not wait", (long long)id);
    return st ? st : one(r->db, id, arena, out, err);
}

enum status record_delivery_unanswered(struct record *r, int64_t id, int64_t next_ms,
                                       struct span error, int64_t now_ms, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct span why =
        error.at ? span_from(error.at, MIN(error.len, (size_t)ALERT_NOTE_MAX_BYTES)) : SPAN("");
    return db_run(r->db, err,
                  "UPDATE deliveries SET sending = 0, interrupted = interrupted + 1, next_ms = ?2,"
                  " state = CASE interrupted WHEN 0 THEN 'waiting' ELSE 'failed' END,"
                  " done_ms = CASE interrupted WHEN 0 THEN 0 ELSE ?4 END,"
                  " payload = CASE interrupted WHEN 0 THEN payload ELSE '' END,"
                  " error = CASE interrupted WHEN 0 THEN ?3 ELSE"
                  "  'it was sent twice without an answer, and may have arrived: ' || ?3 END"
                  " WHERE id = ?1",
                  "iiti", id, next_ms, why, now_ms);
}

enum status record_deliveries_recover(struct record *r, int64_t now_ms, size_t *n, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st =
        db_run(r->db, err,
               "UPDATE deliveries SET sending = 0, interrupted = interrupted + 1, next_ms = ?1,"
               " state = CASE interrupted WHEN 0 THEN 'waiting' ELSE 'failed' END,"
               " done_ms = CASE interrupted WHEN 0 THEN 0 ELSE ?1 END,"
               " payload = CASE interrupted WHEN 0 THEN payload ELSE '' END,"
               " error = CASE interrupted"
               "  WHEN 0 THEN 'the server was killed while it sent this'"
               "  ELSE 'the server was killed twice while it sent this: it may have arrived' END"
               " WHERE sending = 1",
               "i", now_ms);
    *n = st ? 0 : (size_t)db_changes(r->db);
    return st;
}

enum status record_delivery_done(struct record *r, int64_t id, struct span state, int64_t next_ms,
                                 struct span error, int64_t now_ms, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct span why =
        error.at ? span_from(error.at, MIN(error.len, (size_t)ALERT_NOTE_MAX_BYTES)) : SPAN("");
    return db_run(r->db, err,
                  "UPDATE deliveries SET state = ?2, next_ms = ?3, error = ?4,"
                  " sending = 0, payload = CASE ?2 WHEN 'waiting' THEN payload ELSE '' END,"
                  " done_ms = CASE ?2 WHEN 'waiting' THEN 0 ELSE ?5 END WHERE id = ?1",
                  "ititi", id, state, next_ms, why, now_ms);
}

enum status record_deliveries(struct record *r, int64_t channel_id, int64_t before_id, size_t limit,
                              struct arena *arena, struct delivery_row **out, size_t *n,
                              struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err,
              COLUMNS("''") "WHERE channel_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3", "iii",
              channel_id, before_id ? before_id : INT64_MAX,
              (int64_t)MIN(MAX(limit, (size_t)1), (size_t)ALERTS_LIMIT_MAX));
    return read_all(&rows, arena, out, n);
}

enum status record_deliveries_count(struct record *r, int64_t *waiting, int64_t *failed,
                                    struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err,
              "SELECT (SELECT count(*) FROM deliveries WHERE state = 'waiting'),"
              " (SELECT count(*) FROM deliveries WHERE state = 'failed')",
              "");
    bool found = db_next(&rows);
    *waiting = found ? db_i64(&rows, 0) : 0;
    *failed = found ? db_i64(&rows, 1) : 0;
    return db_end(&rows);
}

enum status record_deliveries_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                   struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err,
                            "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries"
                            " WHERE state <> 'waiting' AND done_ms < ?1 LIMIT ?2)",
                            "ii", before_ms, (int64_t)TRIM_ROWS);
    *deleted = st ? 0 : (size_t)db_changes(r->db);
    return st;
}
