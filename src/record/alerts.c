/* Alerts and their history. */
#include "record/alerts.h"

#include "record/record_state.h"

enum { TRIM_ROWS = 5000 };

static struct span cut(struct span text, size_t max)
{
    return text.at ? span_from(text.at, MIN(text.len, max)) : SPAN("");
}

#define COLUMNS                                                                                    \
    "SELECT id, fingerprint, file, grp, name, host, severity, labels, annotations, state,"         \
    " CAST(value AS TEXT), active_ms, fired_ms, resolved_ms, keep_since_ms, ack_by, ack_ms, note," \
    " changed_ms FROM alerts "

static void read_row(struct db_rows *rows, struct arena *arena, struct alert_row *a)
{
    *a = (struct alert_row){
        .id = db_i64(rows, 0),
        .fingerprint = db_text(rows, 1, arena),
        .file = db_text(rows, 2, arena),
        .group = db_text(rows, 3, arena),
        .name = db_text(rows, 4, arena),
        .host = db_text(rows, 5, arena),
        .severity = db_text(rows, 6, arena),
        .labels = db_text(rows, 7, arena),
        .annotations = db_text(rows, 8, arena),
        .state = db_text(rows, 9, arena),
        .active_ms = db_i64(rows, 11),
        .fired_ms = db_i64(rows, 12),
        .resolved_ms = db_i64(rows, 13),
        .keep_since_ms = db_i64(rows, 14),
        .acknowledged_by = db_text(rows, 15, arena),
        .acknowledged_ms = db_i64(rows, 16),
        .note = db_text(rows, 17, arena),
        .changed_ms = db_i64(rows, 18),
    };
    (void)!span_double(db_text(rows, 10, arena), &a->value);
}

static enum status history(struct db *db, int64_t alert_id, int64_t now_ms, struct span who,
                           struct span what, struct span note, struct err *err)
{
    return db_run(db, err,
                  "INSERT INTO alert_history (alert_id, at_ms, who, what, note)"
                  " VALUES (?1, ?2, ?3, ?4, ?5)",
                  "iittt", alert_id, now_ms, cut(who, RECORD_NAME_MAX_BYTES), what,
                  cut(note, ALERT_NOTE_MAX_BYTES));
}

static enum status active_id(struct db *db, struct span fingerprint, int64_t *id, struct err *err)
{
    struct db_rows rows;
    db_select(db, &rows, err,
              "SELECT id FROM alerts WHERE fingerprint = ?1 AND state <> 'resolved'", "t",
              fingerprint);
    *id = db_next(&rows) ? db_i64(&rows, 0) : 0;
    return db_end(&rows);
}

static enum status insert(struct db *db, const struct alert_row *a, struct span value, int64_t *id,
                          struct err *err)
{
    enum status st = db_run(
        db, err,
        "INSERT INTO alerts (fingerprint, file, grp, name, host, severity, labels, annotations,"
        " state, value, active_ms, fired_ms, resolved_ms, keep_since_ms, ack_by, ack_ms, note,"
        " changed_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, '', 0,"
        " '', ?15)",
        "ttttttttttiiiii", a->fingerprint, cut(a->file, 4096), a->group, a->name,
        cut(a->host, RECORD_NAME_MAX_BYTES), cut(a->severity, 64), a->labels, a->annotations,
        a->state, value, a->active_ms, a->fired_ms, a->resolved_ms, a->keep_since_ms,
        a->changed_ms);
    if (!st)
        *id = db_last_id(db);
    return st;
}

static enum status update(struct db *db, const struct alert_row *a, struct span value, int64_t id,
                          struct err *err)
{
    return db_run(db, err,
                  "UPDATE alerts SET annotations = ?2, state = ?3, value = ?4, active_ms = ?5,"
                  " fired_ms = ?6, resolved_ms = ?7, keep_since_ms = ?8, changed_ms = ?9"
                  " WHERE id = ?1",
                  "itttiiiii", id, a->annotations, a->state, value, a->active_ms, a->fired_ms,
                  a->resolved_ms, a->keep_since_ms, a->changed_ms);
}

static enum status put_one(struct db *db, const struct alert_put *p, struct err *err)
{
    auto_buf value = {0};
    int64_t id;
    if (p->row.labels.len > ALERT_TEXT_MAX_BYTES || p->row.annotations.len > ALERT_TEXT_MAX_BYTES)
        return err_set(err, FULL, "the alert's texts are longer than %d bytes",
                       ALERT_TEXT_MAX_BYTES);
    buf_double(&value, p->row.value);
    enum status st = active_id(db, p->row.fingerprint, &id, err);
    if (!st && !id && span_is(p->row.state, "resolved"))
        return OK; /* a person was faster */
    if (!st)
        st = id ? update(db, &p->row, buf_view(&value), id, err)
                : insert(db, &p->row, buf_view(&value), &id, err);
    if (!st && p->what.len)
        st = history(db, id, p->row.changed_ms, p->who, p->what, SPAN(""), err);
    return st;
}

enum status record_alerts_put(struct record *r, const struct alert_put *puts, size_t n,
                              struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    if (st)
        return st;
    for (size_t i = 0; !st && i < n; i++)
        st = put_one(r->db, &puts[i], err);
    return db_finish(r->db, st, err);
}

enum status record_alert_drop(struct record *r, struct span fingerprint, struct err *err)
{
    auto_lock *lock = record_lock(r);
    return db_run(r->db, err, "DELETE FROM alerts WHERE fingerprint = ?1 AND state = 'pending'",
                  "t", fingerprint);
}

static struct span given(struct span s)
{
    return s.at ? s : SPAN("");
}

enum status record_alerts(struct record *r, const struct alert_filter *f, struct arena *arena,
                          struct alert_row **out, size_t *n, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct alert_row *rows_out = NULL;
    size_t count = 0, size = 0;
    struct db_rows rows;
    db_select(r->db, &rows, err,
              COLUMNS "WHERE (?1 = '' OR state = ?1 OR (?1 = 'active' AND state <> 'resolved'))"
                      " AND (?2 = '' OR host = ?2 OR host = (SELECT h.name FROM hosts h"
                      " WHERE h.id = ?2)) AND (?3 = '' OR severity = ?3)"
                      " AND (?4 = '' OR name = ?4) AND active_ms < ?5"
                      " AND (resolved_ms = 0 OR resolved_ms >= ?6) AND id < ?7"
                      " ORDER BY id DESC LIMIT ?8",
              "ttttiiii", given(f->state), given(f->host), given(f->severity), given(f->name),
              f->to_ms ? f->to_ms : INT64_MAX, f->from_ms, f->before_id ? f->before_id : INT64_MAX,
              (int64_t)MIN(MAX(f->limit, (size_t)1), (size_t)1 << 20));
    while (db_next(&rows)) {
        RECORD_GROW(arena, rows_out, count, size);
        read_row(&rows, arena, &rows_out[count++]);
    }
    *out = rows_out;
    *n = count;
    return db_end(&rows);
}

static enum status find(struct db *db, int64_t id, struct arena *arena, struct alert_row *out,
                        struct err *err)
{
    struct db_rows rows;
    db_select(db, &rows, err, COLUMNS "WHERE id = ?1", "i", id);
    bool found = db_next(&rows);
    if (found)
        read_row(&rows, arena, out);
    enum status st = db_end(&rows);
    return st || found ? st : err_set(err, NOT_FOUND, "there is no alert %lld", (long long)id);
}

enum status record_alert(struct record *r, int64_t id, struct arena *arena, struct alert_row *out,
                         struct err *err)
{
    auto_lock *lock = record_lock(r);
    return find(r->db, id, arena, out, err);
}

static enum status acknowledge(struct db *db, int64_t id, struct span who, struct span note,
                               int64_t now_ms, struct err *err)
{
    auto_arena arena = {0};
    struct alert_row a = {0};
    enum status st = find(db, id, &arena, &a, err);
    if (st)
        return st;
    if (span_is(a.state, "resolved"))
        return err_set(err, NOT_FOUND, "the alert %lld is over", (long long)id);
    if (a.acknowledged_ms)
        return err_set(err, EXISTS, "%.*s has acknowledged it already",
                       SPAN_ARG(a.acknowledged_by));
    st = db_run(db, err,
                "UPDATE alerts SET ack_by = ?2, ack_ms = ?3, note = ?4, changed_ms = ?3"
                " WHERE id = ?1",
                "itit", id, who, now_ms, cut(note, ALERT_NOTE_MAX_BYTES));
    return st ? st : history(db, id, now_ms, who, SPAN("acknowledged"), note, err);
}

enum status record_alert_acknowledge(struct record *r, int64_t id, struct span who,
                                     struct span note, int64_t now_ms, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    return st ? st : db_finish(r->db, acknowledge(r->db, id, who, note, now_ms, err), err);
}

static enum status resolve(struct db *db, int64_t id, struct span who, struct span note,
                           int64_t now_ms, struct err *err)
{
    enum status st = db_run(db, err,
                            "UPDATE alerts SET state = 'resolved', resolved_ms = ?2,"
                            " changed_ms = ?2 WHERE id = ?1 AND state <> 'resolved'",
                            "ii", id, now_ms);
    if (!st && !db_changes(db))
        return err_set(err, NOT_FOUND, "there is no open alert %lld", (long long)id);
    return st ? st : history(db, id, now_ms, who, SPAN("resolved"), note, err);
}

enum status record_alert_resolve(struct record *r, int64_t id, struct span who, struct span note,
                                 int64_t now_ms, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    return st ? st : db_finish(r->db, resolve(r->db, id, who, note, now_ms, err), err);
}

enum status record_alert_history(struct record *r, int64_t alert_id, const struct alert_filter *f,
                                 struct arena *arena, struct alert_event **out, size_t *n,
                                 struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct alert_event *events = NULL;
    size_t count = 0, size = 0;
    struct db_rows rows;
    db_select(r->db, &rows, err,
              "SELECT e.id, e.alert_id, e.at_ms, e.who, e.what, e.note, a.name, a.host, a.severity"
              " FROM alert_history e JOIN alerts a ON a.id = e.alert_id"
              " WHERE (?1 = 0 OR e.alert_id = ?1) AND (?2 = '' OR e.what = ?2)"
              " AND (?3 = '' OR a.host = ?3) AND (?4 = '' OR a.severity = ?4)"
              " AND (?5 = '' OR a.name = ?5) AND e.at_ms >= ?6 AND e.at_ms < ?7 AND e.id < ?8"
              " ORDER BY e.id DESC LIMIT ?9",
              "ittttiiii", alert_id, given(f->state), given(f->host), given(f->severity),
              given(f->name), f->from_ms, f->to_ms ? f->to_ms : INT64_MAX,
              f->before_id ? f->before_id : INT64_MAX,
              (int64_t)MIN(MAX(f->limit, (size_t)1), (size_t)ALERTS_LIMIT_MAX));
    while (db_next(&rows)) {
        RECORD_GROW(arena, events, count, size);
        events[count++] = (struct alert_event){
            .id = db_i64(&rows, 0),
            .alert_id = db_i64(&rows, 1),
            .at_ms = db_i64(&rows, 2),
            .who = db_text(&rows, 3, arena),
            .what = db_text(&rows, 4, arena),
            .note = db_text(&rows, 5, arena),
            .name = db_text(&rows, 6, arena),
            .host = db_text(&rows, 7, arena),
            .severity = db_text(&rows, 8, arena),
        };
    }
    *out = events;
    *n = count;
    return db_end(&rows);
}

enum status record_alerts_trim(struct record *r, int64_t before_ms, size_t *deleted,
                               struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err,
                            "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts"
                            " WHERE state = 'resolved' AND resolved_ms < ?1 LIMIT ?2)",
                            "ii", before_ms, (int64_t)TRIM_ROWS);
    *deleted = st ? 0 : (size_t)db_changes(r->db);
    return st;
}
