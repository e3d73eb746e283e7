/* Changes of parameters and resources, and what came of them. */
#include "record/findings.h"

#include "record/record_state.h"

enum { TRIM_ROWS = 2000 };

static struct span or_empty(struct span s)
{
    return s.at ? s : SPAN("");
}

enum status record_change_add(struct record *r, const struct change_row *c, int64_t *id,
                              struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(
        r->db, err,
        "INSERT INTO changes (host, at_ms, before_ms, parameter, from_value, to_value, cause,"
        " finding_id, rule, subject, verdict, outcome, before_json, after_json, judged_ms)"
        " VALUES (" RECORD_HOST_ID("?1") ", ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, '', '', '',"
                                         " 0)",
        "tiittttittt", c->host, c->at_ms, c->before_ms, c->parameter, or_empty(c->from),
        or_empty(c->to), c->cause, c->finding_id, or_empty(c->rule), or_empty(c->subject),
        c->verdict);
    if (!st && id)
        *id = db_last_id(r->db);
    return st;
}

enum status record_change_judged(struct record *r, const struct change_row *c, struct err *err)
{
    auto_lock *lock = record_lock(r);
    return db_run(r->db, err,
                  "UPDATE changes SET verdict = ?2, outcome = ?3, before_json = ?4,"
                  " after_json = ?5, judged_ms = ?6 WHERE id = ?1",
                  "itttti", c->id, c->verdict, or_empty(c->outcome), or_empty(c->before),
                  or_empty(c->after), c->judged_ms);
}

#define COLUMNS                                                                                    \
    "SELECT c.id, c.at_ms, c.before_ms, c.host, coalesce(h.name, c.host), c.parameter,"            \
    " c.from_value, c.to_value, c.cause, c.finding_id, c.rule, c.subject, c.verdict, c.outcome,"   \
    " c.before_json, c.after_json, c.judged_ms FROM changes c LEFT JOIN hosts h ON h.id = c.host"  \
    " WHERE "

static void read_row(struct db_rows *rows, struct arena *arena, struct change_row *c)
{
    *c = (struct change_row){
        .id = db_i64(rows, 0),
        .at_ms = db_i64(rows, 1),
        .before_ms = db_i64(rows, 2),
        .host = db_text(rows, 3, arena),
        .host_name = db_text(rows, 4, arena),
        .parameter = db_text(rows, 5, arena),
        .from = db_text(rows, 6, arena),
        .to = db_text(rows, 7, arena),
        .cause = db_text(rows, 8, arena),
        .finding_id = db_i64(rows, 9),
        .rule = db_text(rows, 10, arena),
        .subject = db_text(rows, 11, arena),
        .verdict = db_text(rows, 12, arena),
        .outcome = db_text(rows, 13, arena),
        .before = db_text(rows, 14, arena),
        .after = db_text(rows, 15, arena),
        .judged_ms = db_i64(rows, 16),
    };
}

enum status record_changes(struct record *r, const struct change_filter *f, struct arena *arena,
                           struct change_row **out, size_t *n, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct change_row *found = NULL;
    size_t count = 0, size = 0;
    struct db_rows rows;
    int64_t to = f->to_ms ? f->to_ms : INT64_MAX, before = f->before_id ? f->before_id : INT64_MAX;
    int64_t limit = (int64_t)MIN(MAX(f->limit, (size_t)1), (size_t)CHANGES_LIMIT_MAX);
    db_select(
        r->db, &rows, err,
        COLUMNS "(?1 = '' OR c.host = " RECORD_HOST_ID(
            "?1") ")"
                  " AND (?2 = '' OR c.parameter = ?2) AND c.at_ms >= ?3 AND c.at_ms < ?4"
                  " AND c.id < ?5 AND (?6 = 0 OR (?6 = 1 AND c.verdict = 'pending')"
                  "  OR (?6 = 2 AND c.verdict = 'harmed' AND NOT EXISTS (SELECT 1 FROM changes l"
                  "    WHERE l.host = c.host AND l.parameter = c.parameter AND l.id > c.id)))"
                  " ORDER BY c.id DESC LIMIT ?7",
        "ttiiiii", or_empty(f->host), or_empty(f->parameter), f->from_ms, to, before,
        (int64_t)f->which, limit);
    while (db_next(&rows)) {
        RECORD_GROW(arena, found, count, size);
        read_row(&rows, arena, &found[count++]);
    }
    *out = found;
    *n = count;
    return db_end(&rows);
}

enum status record_changes_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err,
                            "DELETE FROM changes WHERE id IN (SELECT id FROM changes"
                            " WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)",
                            "ii", before_ms, (int64_t)TRIM_ROWS);
    *deleted = st ? 0 : (size_t)db_changes(r->db);
    return st;
}
