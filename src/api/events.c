/* GET /events. */
#include "api/call.h"

#include "base/json.h"
#include "record/events.h"

enum { EVENTS_LIMIT_DEFAULT = 100 };

static void put_event(struct json *j, const struct event_row *e)
{
    json_begin_object(j);
    json_field_i64(j, "id", e->id);
    json_field_i64(j, "at_ms", e->at_ms);
    json_field_span(j, "host", e->host);
    json_field_span(j, "host_name", e->host_name);
    json_field_span(j, "kind", e->kind);
    json_field_span(j, "text", e->text);
    json_key(j, "data");
    json_raw(j, e->data);
    json_end_object(j);
}

static enum status list(struct call *c, void *arg, struct arena *arena, struct buf *body,
                        struct err *err)
{
    const struct event_filter *f = arg;
    struct event_row *events;
    size_t n;
    enum status st = record_events(c->api->record, f, arena, &events, &n, err);
    if (st)
        return st;
    struct json j = json_to(body);
    json_begin_object(&j);
    json_key(&j, "events");
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++)
        put_event(&j, &events[i]);
    json_end_array(&j);
    json_field(&j, "next",
               n == f->limit ? arena_printf(arena, "%lld", (long long)events[n - 1].id) : NULL);
    json_end_object(&j);
    return OK;
}

void events_list(struct call *c)
{
    struct event_filter *f = ARENA_NEW(http_request_arena(c->req), struct event_filter);
    int64_t limit = EVENTS_LIMIT_DEFAULT;
    struct err err = {0};
    enum status st;
    http_request_param(c->req, "host", &f->host);
    http_request_param(c->req, "kind", &f->kind);
    if ((st = api_whole_param(c->req, "limit", 1, EVENTS_LIMIT_MAX, &limit, &err)) ||
        (st = api_whole_param(c->req, "cursor", 1, INT64_MAX, &f->before_id, &err)) ||
        (st = api_time_param(c->req, "from", &f->from_ms, &err)) ||
        (st = api_time_param(c->req, "to", &f->to_ms, &err))) {
        api_failure(c, st, &err);
        return;
    }
    f->limit = (size_t)limit;
    api_work(c, list, f);
}
