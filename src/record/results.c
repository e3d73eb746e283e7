/* Analysis results. created_at is RFC 3339 text in UTC with milliseconds, so that its order as
 * text is its order in time and the seeds' SQL can read it. */
#include "record/record_state.h"

#include "base/clock.h"

#include <limits.h>
#include <time.h>

enum { CREATED_TEXT_BYTES = 24 /* 2026-11-21T06:30:00.123Z */, TRIM_ROWS = 2000 };

/* The years 1 to 9999: beyond, the order as text would not be the order in time. */
#define TIME_MIN_MS INT64_C(-62135596800000)
#define TIME_MAX_MS INT64_C(253402300799999)

static struct span created_text(int64_t ms, char text[TIME_TEXT_MAX])
{
    return span_of(clock_rfc3339(MIN(MAX(ms, TIME_MIN_MS), TIME_MAX_MS), text));
}

/* Digits behind the point, of which three count. */
static int64_t fraction_ms(const char *digits)
{
    int64_t ms = 0;
    for (int64_t unit = 100; unit && *digits >= '0' && *digits <= '9'; unit /= 10)
        ms += unit * (*digits++ - '0');
    return ms;
}

/* Rows of other programs may lack the milliseconds or hold anything: 0 then. */
static int64_t created_ms(struct span text)
{
    struct tm tm = {0};
    char copy[CREATED_TEXT_BYTES + 1] = {0};
    memcpy(copy, text.at, MIN(text.len, (size_t)CREATED_TEXT_BYTES));
    const char *rest = strptime(copy, "%Y-%m-%d", &tm);
    if (rest && (*rest == 'T' || *rest == ' '))
        rest = strptime(rest + 1, "%H:%M:%S", &tm);
    if (!rest)
        return 0;
    return (int64_t)timegm(&tm) * 1000 + (*rest == '.' ? fraction_ms(rest + 1) : 0);
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

/* A class that another program wrote and that is none counts as "no changes needed". */
static unsigned class_of(int64_t class)
{
    return class >= 0 && class <= 3 ? (unsigned)class : 0;
}

static void read_row(struct db_rows *rows, struct arena *arena, struct result_row *row)
{

    *row = (struct result_row){
        .id = db_i64(rows, 0),
        .created_ms = created_ms(db_text(rows, 1, arena)),
        .server_id = db_text(rows, 2, arena),
        .host = db_text(rows, 3, arena),
        .predicted_class = class_of(db_i64(rows, 4)),
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
    *to_out = f->to_ms ? created_text(f->to_ms, to) : SPAN("~"); /* behind every text */
}

static void search_begins(struct db *db)
{
    db_deadline(db, clock_mono_ms() + RESULTS_SEARCH_MAX_MS);
}

static enum status search_ends(struct db *db, enum status st, struct err *err)
{
    db_deadline(db, 0);
    if (st == TIMED_OUT)
        err_set(err, TIMED_OUT,
                "the search took longer than %d ms; take a shorter time or one host",
                RESULTS_SEARCH_MAX_MS);
    return st;
}

/* instr, not LIKE: what is searched has no special characters. */
#define CONDITIONS                                                                                 \
    " AND a.created_at >= ?3 AND a.created_at < ?4 AND a.id < ?5"                                  \
    " AND (?6 = '' OR instr(lower(a.data), lower(?6)) OR instr(lower(a.result), lower(?6))"        \
    " OR instr(lower(coalesce(h.name, a.server_id)), lower(?6))) ORDER BY a.id DESC LIMIT ?7"

/* Several texts, so that one host's or one class's results are found by their index. */
static const char *list_text(const struct result_filter *f)
{
    if (f->server_id.len)
        return COLUMNS "WHERE a.server_id = ?1 AND (?2 < 0 OR a.predicted_class = ?2)" CONDITIONS;
    if (f->predicted_class >= 0)
        return COLUMNS "WHERE ?1 = '' AND a.predicted_class = ?2" CONDITIONS;
    return COLUMNS "WHERE ?1 = '' AND ?2 < 0" CONDITIONS;
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
    search_begins(r->db);
    db_select(r->db, &rows, err, list_text(f), "tittiti", f->server_id.at ? f->server_id : SPAN(""),
              (int64_t)f->predicted_class, from, to, f->before_id ? f->before_id : INT64_MAX,
              f->text.at ? f->text : SPAN(""), (int64_t)limit);
    return search_ends(r->db, read_rows(&rows, arena, out, n), err);
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

/* ?1: the host or '', ?2 <= created_at < ?3. One text for each, for the sake of the indexes. */
#define OF_ALL " FROM analysis_results WHERE ?1 = '' AND created_at >= ?2 AND created_at < ?3"
#define OF_HOST                                                                                    \
    " FROM analysis_results WHERE server_id = ?1 AND created_at >= ?2 AND created_at < ?3"
#define FIRST "SELECT min(created_at)"
#define COUNTS                                                                                     \
    "SELECT count(*), sum(predicted_class = 1), sum(predicted_class = 2), sum(predicted_class = "  \
    "3)"

/* The first created_at of the range; empty when there is none, or it is empty itself. */
static enum status first_in(struct db *db, struct span host, struct span from, struct span to,
                            struct arena *arena, struct span *out, struct err *err)
{
    struct db_rows rows;
    db_select(db, &rows, err, host.len ? FIRST OF_HOST : FIRST OF_ALL, "ttt", host, from, to);
    *out = db_next(&rows) ? db_text(&rows, 0, arena) : SPAN("");
    return db_end(&rows);
}

static enum status count_day(struct db *db, struct span host, struct span from, struct span to,
                             struct result_summary *out, struct result_day *day, struct err *err)
{
    struct db_rows rows;
    db_select(db, &rows, err, host.len ? COUNTS OF_HOST : COUNTS OF_ALL, "ttt", host, from, to);
    if (db_next(&rows)) {
        uint64_t none = day->count = (uint64_t)db_i64(&rows, 0);
        for (int class = 1; class <= 3; class ++) {
            uint64_t n = (uint64_t)db_i64(&rows, class);
            out->by_class[class] += n;
            none -= n;
        }
        out->by_class[0] += none;
        out->total += day->count;
    }
    return db_end(&rows);
}

/* Behind all times of that day. A text that no time is must not stop the walk. */
static struct span day_end(struct arena *arena, const struct result_day *day, struct span first)
{
    struct span end = span_of(arena_printf(arena, "%s~", day->day));
    return span_compare(first, end) < 0 ? end
                                        : span_of(arena_printf(arena, "%.*s~", SPAN_ARG(first)));
}

/* From day to day: each is a piece of an index, and GROUP BY would sort all of it. */
static enum status summarise(struct db *db, struct span host, struct span from, struct span to,
                             struct arena *arena, struct result_summary *out, struct err *err)
{
    size_t size = 0;
    for (;;) {
        struct span first;
        enum status st = first_in(db, host, from, to, arena, &first, err);
        if (st || !first.len)
            return st;
        RECORD_GROW(arena, out->days, out->n_days, size);
        struct result_day *day = &out->days[out->n_days++];
        *day = (struct result_day){0};
        memcpy(day->day, first.at, MIN(first.len, sizeof day->day - 1));
        struct span end = day_end(arena, day, first);
        st = count_day(db, host, first, span_compare(end, to) < 0 ? end : to, out, day, err);
        if (st)
            return st;
        from = end;
    }
}

enum status record_results_summary(struct record *r, const struct result_filter *f,
                                   struct arena *arena, struct result_summary *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    char from_text[TIME_TEXT_MAX], to_text[TIME_TEXT_MAX];
    struct span from, to, host = f->server_id.len ? f->server_id : SPAN("");
    *out = (struct result_summary){0};
    range_text(f, from_text, to_text, &from, &to);
    search_begins(r->db);
    return search_ends(r->db, summarise(r->db, host, from, to, arena, out, err), err);
}

enum status record_result_delete(struct record *r, int64_t id, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err, "DELETE FROM analysis_results WHERE id = ?", "i", id);
    if (!st && db_changes(r->db) == 0)
        st = err_set(err, NOT_FOUND, "there is no result %lld", (long long)id);
    return st;
}

enum status record_results_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                struct err *err)
{
    auto_lock *lock = record_lock(r);
    char before[TIME_TEXT_MAX];
    enum status st = db_run(r->db, err,
                            "DELETE FROM analysis_results WHERE id IN"
                            " (SELECT id FROM analysis_results WHERE created_at < ?1"
                            " ORDER BY created_at LIMIT ?2)",
                            "ti", created_text(before_ms, before), (int64_t)TRIM_ROWS);
    *deleted = st ? 0 : (size_t)db_changes(r->db);
    return st;
}
