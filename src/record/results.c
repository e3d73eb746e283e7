/* Analysis results. created_at is RFC 3339 text in UTC with milliseconds, so that its order as
 * text is its order in time and the seeds' SQL can read it. */
#include "record/record_state.h"

#include "base/clock.h"

#include <limits.h>
#include <time.h>

enum { CREATED_TEXT_BYTES = 24 }; /* 2026-11-21T06:30:00.123Z */

/* Text later than every time that can be written. */
#define FOR_EVER "9999-12-31T23:59:59.999Z"

static struct span created_text(int64_t ms, char text[TIME_TEXT_MAX])
{
    return span_of(clock_rfc3339(ms, text));
}

/* Rows of other programs may lack the milliseconds or hold anything: 0 then. */
static int64_t created_ms(struct span text)
{
    struct tm tm = {0};
    int64_t ms = 0;
    char copy[CREATED_TEXT_BYTES + 1] = {0};
    memcpy(copy, text.at, MIN(text.len, (size_t)CREATED_TEXT_BYTES));
    const char *rest = strptime(copy, "%Y-%m-%d", &tm);
    if (rest && (*rest == 'T' || *rest == ' '))
        rest = strptime(rest + 1, "%H:%M:%S", &tm);
    if (!rest)
        return 0;
    if (*rest == '.')
        span_i64(span_from(rest + 1, MIN(strlen(rest + 1), (size_t)3)), &ms);
    return (int64_t)timegm(&tm) * 1000 + ms;
}

static enum status add_one(struct db *db, const struct result_row *row, int64_t *id,
                           struct err *err)
{
    char created[TIME_TEXT_MAX];
    if (row->data.len > RESULT_JSON_MAX_BYTES || row->result.len > RESULT_JSON_MAX_BYTES)
        return err_set(err, FULL, "a result may have %d bytes of JSON at most",
                       RESULT_JSON_MAX_BYTES);
    enum status st =
        db_run(db, err,
               "INSERT INTO analysis_results (data, result, created_at, server_id, predicted_class)"
               " VALUES (?, ?, ?, ?, ?)",
               "tttti", row->data, row->result, created_text(row->created_ms, created),
               row->server_id.at ? row->server_id : SPAN(""), (int64_t)row->predicted_class);
    if (!st && id)
        *id = db_last_id(db);
    return st;
}

enum status record_results_add(struct record *r, const struct result_row *rows, size_t n,
                               int64_t *ids, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    if (st)
        return st;
    for (size_t i = 0; !st && i < n; i++)
        st = add_one(r->db, &rows[i], ids ? &ids[i] : NULL, err);
    return db_finish(r->db, st, err);
}

enum status record_result_add(struct record *r, const struct result_row *row, int64_t *id,
                              struct err *err)
{
    return record_results_add(r, row, 1, id, err);
}

#define COLUMNS                                                                                    \
    "SELECT a.id, a.created_at, a.server_id, coalesce(h.name, a.server_id), a.predicted_class,"    \
    " a.data, a.result FROM analysis_results a LEFT JOIN hosts h ON h.id = a.server_id "

static void read_row(struct db_rows *rows, struct arena *arena, struct result_row *row)
{
    int64_t class = db_i64(rows, 4);
    *row = (struct result_row){
        .id = db_i64(rows, 0),
        .created_ms = created_ms(db_text(rows, 1, arena)),
        .server_id = db_text(rows, 2, arena),
        .host = db_text(rows, 3, arena),
        .predicted_class = class >= 0 && class <= 3 ? (unsigned)class : 0,
        .data = db_text(rows, 5, arena),
        .result = db_text(rows, 6, arena),
    };
}

static enum status read_rows(struct db_rows *rows, struct arena *arena, struct result_row **out,
                             size_t *n)
{
    struct result_row *list = NULL;
    size_t count = 0, size = 0;
    while (db_next(rows)) {
        RECORD_GROW(arena, list, count, size);
        read_row(rows, arena, &list[count++]);
    }
    *out = list;
    *n = count;
    return db_end(rows);
}

/* The filter's times as text; open ends become the widest. */
static void range_text(const struct result_filter *f, char from[TIME_TEXT_MAX],
                       char to[TIME_TEXT_MAX], struct span *from_out, struct span *to_out)
{
    *from_out = f->from_ms ? created_text(f->from_ms, from) : SPAN("");
    *to_out = f->to_ms ? created_text(f->to_ms, to) : SPAN(FOR_EVER);
}

enum status record_results(struct record *r, const struct result_filter *f, struct arena *arena,
                           struct result_row **out, size_t *n, struct err *err)
{
    auto_lock *lock = record_lock(r);
    char from_text[TIME_TEXT_MAX], to_text[TIME_TEXT_MAX];
    struct span from, to;
    range_text(f, from_text, to_text, &from, &to);
    size_t limit = MIN(MAX(f->limit, (size_t)1), (size_t)RESULTS_LIMIT_MAX);
    struct db_rows rows;
    /* instr, not LIKE: what is searched has no special characters. */
    db_select(r->db, &rows, err,
              COLUMNS "WHERE (?1 = '' OR a.server_id = ?1) AND (?2 < 0 OR a.predicted_class = ?2)"
                      " AND a.created_at >= ?3 AND a.created_at < ?4 AND a.id < ?5"
                      " AND (?6 = '' OR instr(a.data, ?6) OR instr(a.result, ?6)"
                      " OR instr(coalesce(h.name, a.server_id), ?6))"
                      " ORDER BY a.id DESC LIMIT ?7",
              "tittiti", f->server_id.at ? f->server_id : SPAN(""), (int64_t)f->predicted_class,
              from, to, f->before_id ? f->before_id : INT64_MAX, f->text.at ? f->text : SPAN(""),
              (int64_t)limit);
    return read_rows(&rows, arena, out, n);
}

enum status record_results_latest(struct record *r, struct arena *arena, struct result_row **out,
                                  size_t *n, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err,
              COLUMNS "WHERE a.id IN (SELECT (SELECT max(id) FROM analysis_results b"
                      " WHERE b.server_id = hosts.id) FROM hosts)",
              "");
    return read_rows(&rows, arena, out, n);
}

static enum status count_classes(struct db *db, const struct result_filter *f, struct span from,
                                 struct span to, struct result_summary *out, struct err *err)
{
    struct db_rows rows;
    db_select(db, &rows, err,
              "SELECT predicted_class, count(*) FROM analysis_results"
              " WHERE (?1 = '' OR server_id = ?1) AND created_at >= ?2 AND created_at < ?3"
              " GROUP BY 1",
              "ttt", f->server_id.at ? f->server_id : SPAN(""), from, to);
    while (db_next(&rows)) {
        uint64_t count = (uint64_t)db_i64(&rows, 1);
        out->total += count;
        out->by_class[db_i64(&rows, 0) & 3] += count;
    }
    return db_end(&rows);
}

static enum status count_days(struct db *db, const struct result_filter *f, struct span from,
                              struct span to, struct arena *arena, struct result_summary *out,
                              struct err *err)
{
    struct db_rows rows;
    size_t size = 0;
    db_select(db, &rows, err,
              "SELECT substr(created_at, 1, 10), count(*) FROM analysis_results"
              " WHERE (?1 = '' OR server_id = ?1) AND created_at >= ?2 AND created_at < ?3"
              " GROUP BY 1 ORDER BY 1",
              "ttt", f->server_id.at ? f->server_id : SPAN(""), from, to);
    while (db_next(&rows)) {
        RECORD_GROW(arena, out->days, out->n_days, size);
        struct result_day *day = &out->days[out->n_days++];
        struct span text = db_text(&rows, 0, arena);
        *day = (struct result_day){.count = (uint64_t)db_i64(&rows, 1)};
        memcpy(day->day, text.at, MIN(text.len, sizeof day->day - 1));
    }
    return db_end(&rows);
}

enum status record_results_summary(struct record *r, const struct result_filter *f,
                                   struct arena *arena, struct result_summary *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    char from_text[TIME_TEXT_MAX], to_text[TIME_TEXT_MAX];
    struct span from, to;
    *out = (struct result_summary){0};
    range_text(f, from_text, to_text, &from, &to);
    enum status st = count_classes(r->db, f, from, to, out, err);
    return st ? st : count_days(r->db, f, from, to, arena, out, err);
}

enum status record_result_delete(struct record *r, int64_t id, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err, "DELETE FROM analysis_results WHERE id = ?", "i", id);
    if (!st && db_changes(r->db) == 0)
        st = err_set(err, NOT_FOUND, "there is no result %lld", (long long)id);
    return st;
}
