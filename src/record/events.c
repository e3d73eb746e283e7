/* Events. The host is kept by its id, so that a new name does not part it from its past. */
#include "record/events.h"

#include "record/record_state.h"

enum { TRIM_ROWS = 5000 };

static struct span cut(struct span text, size_t max)
{
    return text.at ? span_from(text.at, MIN(text.len, max)) : SPAN("");
}

enum status record_event_add(struct record *r, const struct event_row *e, int64_t *id,
                             struct err *err)
{
    if (!e->kind.len || e->kind.len > EVENT_KIND_MAX_BYTES)
        return err_set(err, INVALID, "an event's kind has 1 to %d bytes, not %zu",
                       EVENT_KIND_MAX_BYTES, e->kind.len);
    if (e->data.len > EVENT_DATA_MAX_BYTES)
        return err_set(err, FULL, "an event may have %d bytes of data, not %zu",
                       EVENT_DATA_MAX_BYTES, e->data.len);
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err,
                            "INSERT INTO events (at_ms, host, kind, text, data) VALUES (?1,"
                            " " RECORD_HOST_ID("?2") ", ?3, ?4, ?5)",
                            "itttt", e->at_ms, cut(e->host, RECORD_NAME_MAX_BYTES), e->kind,
                            cut(e->text, EVENT_TEXT_MAX_BYTES), e->data.len ? e->data : SPAN("{}"));
    if (!st && id)
        *id = db_last_id(r->db);
    return st;
}

/* A text that is empty or a time that is 0 narrows nothing. One host's and all hosts' events have
 * an index each. */
#define COLUMNS                                                                                    \
    "SELECT e.id, e.at_ms, e.host, coalesce(h.name, e.host), e.kind, e.text, e.data FROM events e" \
    " LEFT JOIN hosts h ON h.id = e.host WHERE "
#define NARROWED                                                                                   \
    " (?2 = '' OR e.kind = ?2) AND e.at_ms >= ?3 AND e.at_ms < ?4 AND e.id < ?5"                   \
    " ORDER BY e.id DESC LIMIT ?6"

static void select_events(struct db *db, struct db_rows *rows, const struct event_filter *f,
                          struct err *err)
{
    int64_t to = f->to_ms ? f->to_ms : INT64_MAX, before = f->before_id ? f->before_id : INT64_MAX;
    int64_t limit = (int64_t)MIN(MAX(f->limit, (size_t)1), (size_t)EVENTS_LIMIT_MAX);
    struct span host = cut(f->host, RECORD_NAME_MAX_BYTES), kind = cut(f->kind, f->kind.len);
    if (host.len)
        db_select(db, rows, err, COLUMNS "e.host = " RECORD_HOST_ID("?1") " AND" NARROWED, "ttiiii",
                  host, kind, f->from_ms, to, before, limit);
    else
        db_select(db, rows, err, COLUMNS "?1 = '' AND" NARROWED, "ttiiii", host, kind, f->from_ms,
                  to, before, limit);
}

enum status record_events(struct record *r, const struct event_filter *f, struct arena *arena,
                          struct event_row **out, size_t *n, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct event_row *events = NULL;
    size_t count = 0, size = 0;
    struct db_rows rows;
    select_events(r->db, &rows, f, err);
    while (db_next(&rows)) {
        RECORD_GROW(arena, events, count, size);
        events[count++] = (struct event_row){
            .id = db_i64(&rows, 0),
            .at_ms = db_i64(&rows, 1),
            .host = db_text(&rows, 2, arena),
            .host_name = db_text(&rows, 3, arena),
            .kind = db_text(&rows, 4, arena),
            .text = db_text(&rows, 5, arena),
            .data = db_text(&rows, 6, arena),
        };
    }
    *out = events;
    *n = count;
    return db_end(&rows);
}

enum status record_events_trim(struct record *r, int64_t before_ms, size_t *deleted,
                               struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err,
                            "DELETE FROM events WHERE id IN (SELECT id FROM events"
                            " WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)",
                            "ii", before_ms, (int64_t)TRIM_ROWS);
    *deleted = st ? 0 : (size_t)db_changes(r->db);
    return st;
}
