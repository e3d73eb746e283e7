/* Findings with their life, changes with what came of them: lists and verdicts. */
#include "api/call.h"

#include "base/clock.h"
#include "base/json.h"
#include "record/findings.h"

#include <jansson.h>

enum { FINDINGS_LIMIT_DEFAULT = 100 };

static void put_time(struct json *j, const char *key, int64_t ms)
{
    json_key(j, key);
    if (ms)
        json_i64(j, ms);
    else
        json_put_null(j);
}

static void put_text(struct json *j, const char *key, struct span text)
{
    json_key(j, key);
    if (text.len)
        json_span(j, text);
    else
        json_put_null(j);
}

static void put_object(struct json *j, const char *key, struct span text)
{
    json_key(j, key);
    if (text.len && text.at[0] == '{')
        json_raw(j, text);
    else
        json_put_null(j);
}

static void put_finding(struct json *j, const struct finding_row *f)
{
    json_begin_object(j);
    json_field_i64(j, "id", f->id);
    json_field_span(j, "host", f->host);
    json_field_span(j, "host_name", f->host_name);
    json_field(j, "state", finding_state_names[f->state]);
    put_time(j, "opened_ms", f->opened_ms);
    put_time(j, "seen_ms", f->seen_ms);
    put_time(j, "decided_ms", f->decided_ms);
    put_text(j, "verdict", f->verdict);
    put_text(j, "verdict_by", f->verdict_by);
    put_text(j, "outcome", f->outcome);
    put_object(j, "finding", f->json);
    json_end_object(j);
}

static void put_next(struct json *j, struct arena *arena, bool more, int64_t id)
{
    json_field(j, "next", more ? arena_printf(arena, "%lld", (long long)id) : NULL);
}

static enum status list_findings(struct call *c, void *arg, struct arena *arena, struct buf *body,
                                 struct err *err)
{
    const struct finding_filter *f = arg;
    struct finding_row *rows;
    size_t n;
    enum status st = record_findings(c->api->record, f, arena, &rows, &n, err);
    if (st)
        return st;
    struct json j = json_to(body);
    json_begin_object(&j);
    json_key(&j, "findings");
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++)
        put_finding(&j, &rows[i]);
    json_end_array(&j);
    put_next(&j, arena, n == f->limit, n ? rows[n - 1].id : 0);
    json_end_object(&j);
    return OK;
}

static bool read_state(struct call *c, int *out)
{
    struct span text = {0};
    enum finding_state state;
    *out = -1;
    if (!http_request_param(c->req, "state", &text) || !text.len)
        return true;
    if (finding_state_of(text, &state)) {
        *out = (int)state;
        return true;
    }
    http_problem(c->req, 400,
                 "invalid parameter \"state\": %.*s is none of open, applied, helped, no_effect, "
                 "harmed, dismissed, ended",
                 (int)MIN(text.len, (size_t)40), text.at);
    return false;
}

void findings_list(struct call *c)
{
    struct finding_filter *f = ARENA_NEW(http_request_arena(c->req), struct finding_filter);
    int64_t limit = FINDINGS_LIMIT_DEFAULT;
    struct err err = {0};
    enum status st;
    http_request_param(c->req, "host", &f->host);
    http_request_param(c->req, "rule", &f->rule);
    if (!read_state(c, &f->state))
        return;
    if ((st = api_whole_param(c->req, "limit", 1, FINDINGS_LIMIT_MAX, &limit, &err)) ||
        (st = api_whole_param(c->req, "cursor", 1, INT64_MAX, &f->before_id, &err))) {
        api_failure(c, st, &err);
        return;
    }
    f->limit = (size_t)limit;
    api_work(c, list_findings, f);
}

/* ---- one ---- */

static bool number_of(struct call *c, int64_t *id)
{
    if (span_i64(c->id, id) && *id > 0)
        return true;
    http_problem(c->req, 400, "%.*s is not the number of a finding",
                 (int)MIN(c->id.len, (size_t)40), c->id.at);
    return false;
}

static enum status show(struct call *c, void *arg, struct arena *arena, struct buf *body,
                        struct err *err)
{
    struct finding_row row;
    enum status st = record_finding(c->api->record, *(const int64_t *)arg, arena, &row, err);
    if (st)
        return st;
    struct json j = json_to(body);
    put_finding(&j, &row);
    return OK;
}

void findings_show(struct call *c)
{
    int64_t *id = ARENA_NEW(http_request_arena(c->req), int64_t);
    if (number_of(c, id))
        api_work(c, show, id);
}

struct verdict {
    int64_t id;
    struct span text, who;
};

static enum status give_verdict(struct call *c, void *arg, struct arena *arena UNUSED,
                                struct buf *body UNUSED, struct err *err)
{
    const struct verdict *v = arg;
    enum status st = record_finding_verdict(c->api->record, v->id, v->text, v->who, err);
    return st ? st
              : record_audit(c->api->record, clock_wall_ms(), v->who, SPAN("verdict on a finding"),
                             v->text, err);
}

void findings_verdict(struct call *c)
{
    struct arena *arena = http_request_arena(c->req);
    struct verdict *v = ARENA_NEW(arena, struct verdict);
    json_t *body;
    if (!number_of(c, &v->id) || !(body = api_body(c)))
        return;
    const json_t *text = json_object_get(body, "verdict");
    bool none = json_is_null(text);
    if (none || json_is_string(text)) {
        v->text = none ? SPAN("") : arena_span(arena, span_of(json_string_value(text)));
        v->who = span_of(c->who.name);
        api_work(c, give_verdict, v);
    } else {
        http_problem(c->req, 400,
                     "\"verdict\" must be \"useful\", \"wrong\", or null to take it back");
    }
    json_decref(body);
}

/* ---- changes ---- */

static void put_change(struct json *j, const struct change_row *r)
{
    json_begin_object(j);
    json_field_i64(j, "id", r->id);
    json_field_i64(j, "at_ms", r->at_ms);
    json_field_i64(j, "before_ms", r->before_ms);
    json_field_span(j, "host", r->host);
    json_field_span(j, "host_name", r->host_name);
    json_field_span(j, "parameter", r->parameter);
    json_field_span(j, "from", r->from);
    json_field_span(j, "to", r->to);
    json_field_span(j, "cause", r->cause);
    put_time(j, "finding", r->finding_id);
    put_text(j, "rule", r->rule);
    put_text(j, "subject", r->subject);
    json_field_span(j, "verdict", r->verdict);
    put_text(j, "outcome", r->outcome);
    put_object(j, "before", r->before);
    put_object(j, "after", r->after);
    put_time(j, "judged_ms", r->judged_ms);
    json_end_object(j);
}

static enum status list_changes(struct call *c, void *arg, struct arena *arena, struct buf *body,
                                struct err *err)
{
    const struct change_filter *f = arg;
    struct change_row *rows;
    size_t n;
    enum status st = record_changes(c->api->record, f, arena, &rows, &n, err);
    if (st)
        return st;
    struct json j = json_to(body);
    json_begin_object(&j);
    json_key(&j, "changes");
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++)
        put_change(&j, &rows[i]);
    json_end_array(&j);
    put_next(&j, arena, n == f->limit, n ? rows[n - 1].id : 0);
    json_end_object(&j);
    return OK;
}

void changes_list(struct call *c)
{
    struct change_filter *f = ARENA_NEW(http_request_arena(c->req), struct change_filter);
    int64_t limit = FINDINGS_LIMIT_DEFAULT;
    struct err err = {0};
    enum status st;
    http_request_param(c->req, "host", &f->host);
    http_request_param(c->req, "parameter", &f->parameter);
    if ((st = api_whole_param(c->req, "limit", 1, CHANGES_LIMIT_MAX, &limit, &err)) ||
        (st = api_whole_param(c->req, "cursor", 1, INT64_MAX, &f->before_id, &err)) ||
        (st = api_time_param(c->req, "from", &f->from_ms, &err)) ||
        (st = api_time_param(c->req, "to", &f->to_ms, &err))) {
        api_failure(c, st, &err);
        return;
    }
    f->limit = (size_t)limit;
    api_work(c, list_changes, f);
}
