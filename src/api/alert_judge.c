/* Who is told nothing of an alert, and why: by the silences, windows and routes that the sender
 * follows, at the moment of asking. */
#include "api/alert_judge.h"

#include "alert/labels_json.h"
#include "base/map.h"

static enum status load_silences(struct record *r, struct arena *arena, struct silences **out,
                                 struct err *err)
{
    struct document_row *rows;
    size_t n;
    *out = silences_open();
    enum status st = record_documents(r, SPAN("silence"), arena, &rows, &n, err);
    for (size_t i = 0; !st && i < n; i++)
        (void)!silences_add(*out, rows[i].id, rows[i].json, NULL);
    return st;
}

static enum status load_routing(struct record *r, struct arena *arena, struct routing **out,
                                struct err *err)
{
    struct document_row *rows;
    size_t n = 0;
    *out = NULL;
    enum status st = record_documents(r, SPAN("routes"), arena, &rows, &n, err);
    return st ? st : routing_read(n ? rows[0].json : SPAN(""), out, err);
}

enum status alerts_judge(struct record *r, int64_t now_ms, struct arena *arena,
                         struct routed_alert **out, size_t *n, struct err *err)
{
    struct alert_filter active = {.state = SPAN("active"), .limit = ALERTS_JUDGED_MAX};
    struct alert_row *rows;
    struct silences *silences = NULL;
    struct routing *routing = NULL;
    *n = 0;
    enum status st = record_alerts(r, &active, arena, &rows, n, err);
    if (!st)
        st = load_silences(r, arena, &silences, err);
    if (!st)
        st = load_routing(r, arena, &routing, err);
    if (!st) {
        *out = ARENA_ARRAY(arena, struct routed_alert, *n);
        for (size_t i = 0; i < *n; i++)
            (*out)[i] = (struct routed_alert){.id = rows[i].id,
                                              .labels = labels_of_json(rows[i].labels, arena),
                                              .firing = span_is(rows[i].state, "firing")};
        routing_judge(routing, silences, *out, *n, now_ms);
    }
    routing_close(routing);
    silences_close(silences);
    return st;
}

const struct routed_alert *alerts_judged(const struct routed_alert *judged, size_t n, int64_t id)
{
    for (size_t low = 0, high = n; low < high;) { /* newest first */
        size_t middle = low + (high - low) / 2;
        if (judged[middle].id == id)
            return &judged[middle];
        if (judged[middle].id > id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
