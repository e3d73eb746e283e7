/* /api/v1/rules, /api/v1/alerts, and our own /alerts: what fires, what fired, who did what. */
#include "api/alert_judge.h"
#include "api/call.h"

#include "base/clock.h"
#include "base/json.h"
#include "record/alerts.h"

#include <jansson.h>

enum { LIST_DEFAULT = 100, NAMES_MAX = 64 };

/* ---- as Prometheus ---- */

static void reply_success(struct call *c, struct buf *data)
{
    auto_buf body = {0};
    buf_str(&body, "{\"status\":\"success\",\"data\":");
    buf_span(&body, buf_view(data));
    buf_char(&body, '}');
    api_json(c, 200, &body);
}

static void bad_data(struct call *c, const char *text)
{
    auto_buf body = {0};
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_field(&j, "status", "error");
    json_field(&j, "errorType", "bad_data");
    json_field(&j, "error", text);
    json_end_object(&j);
    api_json(c, 400, &body);
}

void prometheus_rules(struct call *c)
{
    struct span names[NAMES_MAX], groups[NAMES_MAX], files[NAMES_MAX], type, without;
    struct rules_filter f = {.names = names, .groups = groups, .files = files};
    auto_buf data = {0};
    f.n_names = http_request_params(c->req, "rule_name[]", names, NAMES_MAX);
    f.n_groups = http_request_params(c->req, "rule_group[]", groups, NAMES_MAX);
    f.n_files = http_request_params(c->req, "file[]", files, NAMES_MAX);
    if (http_request_param(c->req, "type", &type) && type.len) {
        f.type = span_is(type, "alert") ? 1 : span_is(type, "record") ? 2 : -1;
        if (f.type < 0) {
            bad_data(c, "not supported value for type: alert or record");
            return;
        }
    }
    f.without_alerts =
        http_request_param(c->req, "exclude_alerts", &without) && span_is(without, "true");
    c->api->alerts.rules_json(c->api->alerts.arg, &f, &data);
    reply_success(c, &data);
}

void prometheus_alerts(struct call *c)
{
    auto_buf data = {0};
    c->api->alerts.alerts_json(c->api->alerts.arg, &data);
    reply_success(c, &data);
}

/* ---- our own ---- */

struct alert_job {
    struct alert_filter filter;
    int64_t id;
    struct span who, note;
};

static struct alert_job *job_new(struct call *c)
{
    struct alert_job *job = ARENA_NEW(http_request_arena(c->req), struct alert_job);
    job->who = span_of(c->who.name);
    return job;
}

/* Which silence or alert keeps it quiet; null: none. */
static void put_by(struct json *j, const char *is, const char *by, int64_t id)
{
    json_field_bool(j, is, id != 0);
    json_key(j, by);
    if (id)
        json_i64(j, id);
    else
        json_put_null(j);
}

/* judged: NULL when it is over. */
static void put_alert(struct json *j, const struct alert_row *a, const struct routed_alert *judged)
{
    json_begin_object(j);
    json_field_i64(j, "id", a->id);
    json_field_span(j, "fingerprint", a->fingerprint);
    json_field_span(j, "name", a->name);
    json_field_span(j, "host", a->host);
    json_field_span(j, "severity", a->severity);
    json_field_span(j, "state", a->state);
    json_field_double(j, "value", a->value);
    json_field_i64(j, "active_ms", a->active_ms);
    json_field_i64(j, "fired_ms", a->fired_ms);
    json_field_i64(j, "resolved_ms", a->resolved_ms);
    json_field_span(j, "acknowledged_by", a->acknowledged_by);
    json_field_i64(j, "acknowledged_ms", a->acknowledged_ms);
    json_field_span(j, "note", a->note);
    put_by(j, "silenced", "silenced_by", judged ? judged->silenced_by : 0);
    put_by(j, "inhibited", "inhibited_by", judged ? judged->inhibited_by : 0);
    json_field_span(j, "group", a->group);
    json_field_span(j, "file", a->file);
    json_key(j, "labels");
    json_raw(j, a->labels);
    json_key(j, "annotations");
    json_raw(j, a->annotations);
    json_end_object(j);
}

static enum status list(struct call *c, void *arg, struct arena *arena, struct buf *body,
                        struct err *err)
{
    const struct alert_job *job = arg;
    struct alert_row *rows;
    size_t n;
    struct routed_alert *judged = NULL;
    size_t n_judged = 0;
    enum status st = record_alerts(c->api->record, &job->filter, arena, &rows, &n, err);
    if (!st && n)
        st = alerts_judge(c->api->record, clock_wall_ms(), arena, &judged, &n_judged, err);
    if (st)
        return st;
    struct json j = json_to(body);
    json_begin_object(&j);
    json_key(&j, "alerts");
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++)
        put_alert(&j, &rows[i], alerts_judged(judged, n_judged, rows[i].id));
    json_end_array(&j);
    json_field(&j, "next",
               n == job->filter.limit ? arena_printf(arena, "%lld", (long long)rows[n - 1].id)
                                      : NULL);
    json_end_object(&j);
    return OK;
}

static bool read_filter(struct call *c, struct alert_filter *f)
{
    int64_t limit = LIST_DEFAULT;
    struct err err = {0};
    enum status st;
    http_request_param(c->req, "state", &f->state);
    http_request_param(c->req, "host", &f->host);
    http_request_param(c->req, "severity", &f->severity);
    http_request_param(c->req, "name", &f->name);
    if ((st = api_whole_param(c->req, "limit", 1, ALERTS_LIMIT_MAX, &limit, &err)) ||
        (st = api_whole_param(c->req, "cursor", 1, INT64_MAX, &f->before_id, &err)) ||
        (st = api_time_param(c->req, "from", &f->from_ms, &err)) ||
        (st = api_time_param(c->req, "to", &f->to_ms, &err)))
        api_failure(c, st, &err);
    f->limit = (size_t)limit;
    return !st;
}

void alerts_list(struct call *c)
{
    struct alert_job *job = job_new(c);
    if (read_filter(c, &job->filter))
        api_work(c, list, job);
}

static void put_events(struct json *j, const struct alert_event *events, size_t n)
{
    json_begin_array(j);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(j);
        json_field_i64(j, "id", events[i].id);
        json_field_i64(j, "alert_id", events[i].alert_id);
        json_field_i64(j, "at_ms", events[i].at_ms);
        json_field_span(j, "who", events[i].who);
        json_field_span(j, "what", events[i].what);
        json_field_span(j, "note", events[i].note);
        json_field_span(j, "name", events[i].name);
        json_field_span(j, "host", events[i].host);
        json_field_span(j, "severity", events[i].severity);
        json_end_object(j);
    }
    json_end_array(j);
}

static enum status history(struct call *c, void *arg, struct arena *arena, struct buf *body,
                           struct err *err)
{
    const struct alert_job *job = arg;
    struct alert_event *events;
    size_t n;
    enum status st = record_alert_history(c->api->record, 0, &job->filter, arena, &events, &n, err);
    if (st)
        return st;
    struct json j = json_to(body);
    json_begin_object(&j);
    json_key(&j, "history");
    put_events(&j, events, n);
    json_field(&j, "next",
               n == job->filter.limit ? arena_printf(arena, "%lld", (long long)events[n - 1].id)
                                      : NULL);
    json_end_object(&j);
    return OK;
}

void alerts_history(struct call *c)
{
    struct alert_job *job = job_new(c);
    if (read_filter(c, &job->filter))
        api_work(c, history, job);
}

static bool read_id(struct call *c, int64_t *out)
{
    if (span_i64(c->id, out) && *out > 0)
        return true;
    http_problem(c->req, 404, "there is no alert %.*s", (int)MIN(c->id.len, (size_t)40), c->id.at);
    return false;
}

/* With its history, and where the processes of the moment it fired are. */
static enum status show(struct call *c, void *arg, struct arena *arena, struct buf *body,
                        struct err *err)
{
    const struct alert_job *job = arg;
    struct alert_row row;
    struct alert_event *events;
    size_t n;
    struct alert_filter all = {.limit = ALERTS_LIMIT_MAX};
    enum status st = record_alert(c->api->record, job->id, arena, &row, err);
    if (!st)
        st = record_alert_history(c->api->record, job->id, &all, arena, &events, &n, err);
    struct routed_alert *judged = NULL;
    size_t n_judged = 0;
    if (!st)
        st = alerts_judge(c->api->record, clock_wall_ms(), arena, &judged, &n_judged, err);
    if (st)
        return st;
    struct json j = json_to(body);
    json_begin_object(&j);
    json_key(&j, "alert");
    put_alert(&j, &row, alerts_judged(judged, n_judged, row.id));
    json_key(&j, "history");
    put_events(&j, events, n);
    json_key(&j, "processes");
    if (row.host.len && row.fired_ms)
        json_text(&j, arena_printf(arena, "/api/galen/v1/hosts/%.*s/processes?at=%lld",
                                   SPAN_ARG(row.host), (long long)row.fired_ms + 15000));
    else
        json_put_null(&j);
    json_end_object(&j);
    return OK;
}

void alerts_show(struct call *c)
{
    struct alert_job *job = job_new(c);
    if (read_id(c, &job->id))
        api_work(c, show, job);
}

static bool read_note(struct call *c, struct alert_job *job)
{
    if (!http_request_body(c->req).len)
        return true;
    json_t *body = api_body(c);
    if (!body)
        return false;
    const char *note = json_string_value(json_object_get(body, "note"));
    if (note)
        job->note = span_of(arena_dup(http_request_arena(c->req), note));
    json_decref(body);
    return true;
}

static enum status acknowledge(struct call *c, void *arg, struct arena *arena UNUSED,
                               struct buf *body UNUSED, struct err *err)
{
    const struct alert_job *job = arg;
    enum status st = record_alert_acknowledge(c->api->record, job->id, job->who, job->note,
                                              clock_wall_ms(), err);
    if (!st)
        c->api->alerts.changed(c->api->alerts.arg, SPAN("alert"));
    return st;
}

static enum status resolve(struct call *c, void *arg, struct arena *arena UNUSED,
                           struct buf *body UNUSED, struct err *err)
{
    const struct alert_job *job = arg;
    enum status st =
        record_alert_resolve(c->api->record, job->id, job->who, job->note, clock_wall_ms(), err);
    if (!st)
        c->api->alerts.changed(c->api->alerts.arg, SPAN("alert"));
    return st;
}

void alerts_acknowledge(struct call *c)
{
    struct alert_job *job = job_new(c);
    if (read_id(c, &job->id) && read_note(c, job))
        api_work(c, acknowledge, job);
}

void alerts_resolve(struct call *c)
{
    struct alert_job *job = job_new(c);
    if (read_id(c, &job->id) && read_note(c, job))
        api_work(c, resolve, job);
}
