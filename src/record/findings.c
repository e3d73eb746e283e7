/* Findings with their life. */
#include "record/findings.h"

#include "record/record_state.h"

enum { TRIM_ROWS = 2000 };

const char *const finding_state_names[FINDING_STATES] = {
    "open", "applied", "helped", "no_effect", "harmed", "dismissed", "ended"};

bool finding_state_of(struct span name, enum finding_state *out)
{
    for (unsigned i = 0; i < FINDING_STATES; i++)
        if (span_is(name, finding_state_names[i])) {
            *out = (enum finding_state)i;
            return true;
        }
    return false;
}

static struct span or_empty(struct span s)
{
    return s.at ? s : SPAN("");
}

static enum status open_one(struct db *db, struct finding_note *note, struct err *err)
{
    const struct finding_row *f = &note->row;
    enum status st = db_run(
        db, err,
        "INSERT INTO findings (host, rule, subject, parameter, from_value, to_value, state,"
        " opened_ms, seen_ms, decided_ms, verdict, verdict_by, outcome, json)"
        " VALUES (" RECORD_HOST_ID("?1") ", ?2, ?3, ?4, ?5, ?6, 0, ?7, ?7, 0, '', '', '', ?8)",
        "ttttttit", f->host, f->rule, or_empty(f->subject), or_empty(f->parameter),
        or_empty(f->from), or_empty(f->to), f->opened_ms, f->json);
    note->id = db_last_id(db);
    return st;
}

static enum status note_one(struct db *db, struct finding_note *note, struct err *err)
{
    const struct finding_row *f = &note->row;
    if (f->json.len > FINDING_JSON_MAX_BYTES)
        return err_set(err, FULL, "a finding may have %d bytes of JSON at most",
                       FINDING_JSON_MAX_BYTES);
    note->id = f->id;
    if (!f->id)
        return open_one(db, note, err);
    return db_run(db, err,
                  "UPDATE findings SET seen_ms = ?2, from_value = ?3, to_value = ?4, json = ?5"
                  " WHERE id = ?1",
                  "iittt", f->id, f->seen_ms, or_empty(f->from), or_empty(f->to), f->json);
}

enum status record_findings_note(struct record *r, struct finding_note *notes, size_t n,
                                 struct err *err)
{
    if (!n)
        return OK;
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    if (st)
        return st;
    for (size_t i = 0; !st && i < n; i++)
        st = note_one(r->db, &notes[i], err);
    return db_finish(r->db, st, err);
}

static enum status no_such(struct db *db, int64_t id, struct err *err)
{
    return db_changes(db) ? OK : err_set(err, NOT_FOUND, "there is no finding %lld", (long long)id);
}

enum status record_finding_state(struct record *r, int64_t id, enum finding_state state,
                                 struct span outcome, int64_t now_ms, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st =
        db_run(r->db, err,
               "UPDATE findings SET state = ?2, decided_ms = ?3,"
               " outcome = CASE WHEN ?4 = '' THEN outcome ELSE ?4 END WHERE id = ?1",
               "iiit", id, (int64_t)state, state == FINDING_OPEN ? 0 : now_ms, or_empty(outcome));
    return st ? st : no_such(r->db, id, err);
}

enum status record_finding_verdict(struct record *r, int64_t id, struct span verdict,
                                   struct span who, struct err *err)
{
    if (verdict.len && !span_is(verdict, "useful") && !span_is(verdict, "wrong"))
        return err_set(err, INVALID, "a verdict is \"useful\" or \"wrong\", not \"%.*s\"",
                       (int)MIN(verdict.len, (size_t)40), verdict.at);
    auto_lock *lock = record_lock(r);
    enum status st =
        db_run(r->db, err, "UPDATE findings SET verdict = ?2, verdict_by = ?3 WHERE id = ?1", "itt",
               id, or_empty(verdict), or_empty(who));
    return st ? st : no_such(r->db, id, err);
}

#define COLUMNS                                                                                    \
    "SELECT f.id, f.host, coalesce(h.name, f.host), f.rule, f.subject, f.parameter, f.from_value," \
    " f.to_value, f.state, f.opened_ms, f.seen_ms, f.decided_ms, f.verdict, f.verdict_by,"         \
    " f.outcome, f.json FROM findings f LEFT JOIN hosts h ON h.id = f.host WHERE "

static void read_row(struct db_rows *rows, struct arena *arena, struct finding_row *f)
{
    *f = (struct finding_row){
        .id = db_i64(rows, 0),
        .host = db_text(rows, 1, arena),
        .host_name = db_text(rows, 2, arena),
        .rule = db_text(rows, 3, arena),
        .subject = db_text(rows, 4, arena),
        .parameter = db_text(rows, 5, arena),
        .from = db_text(rows, 6, arena),
        .to = db_text(rows, 7, arena),
        .state = (enum finding_state)db_i64(rows, 8),
        .opened_ms = db_i64(rows, 9),
        .seen_ms = db_i64(rows, 10),
        .decided_ms = db_i64(rows, 11),
        .verdict = db_text(rows, 12, arena),
        .verdict_by = db_text(rows, 13, arena),
        .outcome = db_text(rows, 14, arena),
        .json = db_text(rows, 15, arena),
    };
}

enum status record_findings(struct record *r, const struct finding_filter *f, struct arena *arena,
                            struct finding_row **out, size_t *n, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct finding_row *found = NULL;
    size_t count = 0, size = 0;
    struct db_rows rows;
    int64_t before = f->before_id ? f->before_id : INT64_MAX;
    int64_t limit = (int64_t)MIN(MAX(f->limit, (size_t)1), (size_t)FINDINGS_LIMIT_MAX);
    db_select(r->db, &rows, err,
              COLUMNS "(?1 = '' OR f.host = " RECORD_HOST_ID(
                  "?1") ") AND (?2 = '' OR f.rule = ?2)"
                        " AND (?3 < 0 OR f.state = ?3) AND f.id < ?4 ORDER BY f.id DESC LIMIT ?5",
              "ttiii", or_empty(f->host), or_empty(f->rule), (int64_t)f->state, before, limit);
    while (db_next(&rows)) {
        RECORD_GROW(arena, found, count, size);
        read_row(&rows, arena, &found[count++]);
    }
    *out = found;
    *n = count;
    return db_end(&rows);
}

enum status record_finding(struct record *r, int64_t id, struct arena *arena,
                           struct finding_row *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err, COLUMNS "f.id = ?1", "i", id);
    bool found = db_next(&rows);
    if (found)
        read_row(&rows, arena, out);
    enum status st = db_end(&rows);
    if (!st && !found)
        st = err_set(err, NOT_FOUND, "there is no finding %lld", (long long)id);
    return st;
}

enum status record_findings_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                 struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err,
                            "DELETE FROM findings WHERE id IN (SELECT id FROM findings"
                            " WHERE decided_ms > 0 AND decided_ms < ?1 LIMIT ?2)",
                            "ii", before_ms, (int64_t)TRIM_ROWS);
    *deleted = st ? 0 : (size_t)db_changes(r->db);
    return st;
}

/* Dismissed and not opened again since; harmed last; or twice without effect since it helped. */
enum status record_findings_silent(struct record *r, struct arena *arena, struct silence_row **out,
                                   size_t *n, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct silence_row *found = NULL;
    size_t count = 0, size = 0;
    struct db_rows rows;
    db_select(r->db, &rows, err,
              "SELECT coalesce(h.name, f.host), f.rule, f.subject, f.state FROM findings f"
              " LEFT JOIN hosts h ON h.id = f.host WHERE f.state IN (3, 4, 5)"
              " AND f.id = (SELECT max(l.id) FROM findings l WHERE l.host = f.host"
              "   AND l.rule = f.rule AND l.subject = f.subject AND l.state <> 6)"
              " AND (f.state <> 3 OR (SELECT count(*) FROM findings e WHERE e.host = f.host"
              "   AND e.rule = f.rule AND e.subject = f.subject AND e.state = 3"
              "   AND e.id > (SELECT coalesce(max(g.id), 0) FROM findings g WHERE g.host = f.host"
              "     AND g.rule = f.rule AND g.subject = f.subject AND g.state = 2)) >= 2)",
              "");
    while (db_next(&rows)) {
        RECORD_GROW(arena, found, count, size);
        found[count++] = (struct silence_row){
            .host_name = db_text(&rows, 0, arena),
            .rule = db_text(&rows, 1, arena),
            .subject = db_text(&rows, 2, arena),
            .why = (enum finding_state)db_i64(&rows, 3),
        };
    }
    *out = found;
    *n = count;
    return db_end(&rows);
}

enum status record_findings_no_effect(struct record *r, struct span host, struct span rule,
                                      struct span subject, uint64_t *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err,
              "SELECT count(*) FROM findings WHERE host = " RECORD_HOST_ID(
                  "?1") " AND rule = ?2 AND subject = ?3 AND state = 3"
                        " AND id > (SELECT coalesce(max(id), 0) FROM findings WHERE host"
                        " = " RECORD_HOST_ID("?1") " AND rule = ?2 AND subject = ?3 AND state = 2)",
              "ttt", host, rule, or_empty(subject));
    *out = db_next(&rows) ? (uint64_t)db_i64(&rows, 0) : 0;
    return db_end(&rows);
}
