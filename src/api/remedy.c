/* See remedy.h. */
#include "api/remedy.h"

#include "api/link.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "record/events.h"
#include "record/findings.h"

#include <jansson.h>

/* A request that waits for the agent's answer. */
struct waiting {
    struct remedies *all;
    struct waiting *next;
    struct call *call;
    struct timer *late;
    int64_t finding;
    const char *action;
};

struct remedies {
    struct api *api;
    struct waiting *first;
    size_t n;
};

static void waiting_end(struct waiting *w)
{
    struct waiting **at = &w->all->first;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    w->all->n--;
    timer_close(w->late);
    free(w);
}

static void on_late(void *arg)
{
    struct waiting *w = arg;
    struct call *c = w->call;
    waiting_end(w);
    http_problem(c->req, 504, "the agent did not answer within %d s; the events tell what it did",
                 REMEDY_ANSWER_MS / 1000);
}

static void tell(struct api *a, struct span host, const char *text, struct span data)
{
    struct err err = {0};
    struct event_row e = {.at_ms = clock_wall_ms(),
                          .host = host,
                          .kind = SPAN("action"),
                          .text = span_of(text),
                          .data = data};
    if (record_event_add(a->record, &e, NULL, &err))
        log_warn("an event was not kept: %s", err.text);
}

/* ---- the request ---- */

static bool read_finding(struct call *c, struct finding_row *row)
{
    struct err err = {0};
    int64_t id;
    if (!span_i64(c->id, &id) || id < 1) {
        http_problem(c->req, 400, "%.*s is not the number of a finding",
                     (int)MIN(c->id.len, (size_t)40), c->id.at);
        return false;
    }
    enum status st = record_finding(c->api->record, id, http_request_arena(c->req), row, &err);
    if (st)
        api_failure(c, st, &err);
    return st == OK;
}

static bool may_act(struct call *c)
{
    if (c->api->remediation)
        return true;
    http_problem(c->req, 403,
                 "this server changes nothing on hosts: its setting remediation.enabled is false");
    return false;
}

/* Sent once it is written down who wants it. */
static void send_order(struct call *c, const struct finding_row *f, const char *action,
                       int64_t confirm_s)
{
    struct remedies *r = c->api->remedies;
    struct err err = {0};
    auto_buf order = {0}, text = {0};
    struct json j = json_to(&order);
    json_begin_object(&j);
    json_field(&j, "op", "act");
    json_field_i64(&j, "id", f->id);
    json_field(&j, "action", action);
    json_field_span(&j, "parameter", f->parameter);
    json_field_span(&j, "value", f->to);
    json_field_i64(&j, "confirm_s", confirm_s);
    json_end_object(&j);
    if (r->n >= REMEDY_WAITING_MAX) {
        api_busy(c, "too many remedies wait for their agents");
        return;
    }
    buf_printf(&text, "finding %lld: %s %.*s = %.*s on %.*s", (long long)f->id, action,
               SPAN_ARG(f->parameter), SPAN_ARG(f->to), SPAN_ARG(f->host_name));
    enum status st = api_audit(c, "remedy", buf_view(&text), &err);
    if (!st && !links_act(c->api->links, f->host, buf_view(&order)))
        st = err_set(&err, AGAIN, "the agent of %.*s is not connected", SPAN_ARG(f->host_name));
    if (st) {
        api_failure(c, st, &err);
        return;
    }
    buf_printf(&text, ", asked by %s", c->who.name);
    tell(c->api, f->host, buf_text(&text), SPAN(""));
    struct waiting *w = mem_zero(1, sizeof *w);
    *w =
        (struct waiting){.all = r, .next = r->first, .call = c, .finding = f->id, .action = action};
    w->late = timer_open(c->api->loop, on_late, w);
    timer_once(w->late, REMEDY_ANSWER_MS);
    r->first = w;
    r->n++;
}

/* {"confirm_within_s":600}, or no body. */
static bool read_confirm(struct call *c, int64_t *out)
{
    *out = REMEDY_CONFIRM_S;
    if (!http_request_body(c->req).len)
        return true;
    json_t *body = api_body(c);
    if (!body)
        return false;
    const json_t *v = json_object_get(body, "confirm_within_s");
    bool good =
        !v || (json_is_integer(v) && json_integer_value(v) >= 1 && json_integer_value(v) <= 86400);
    if (v && good)
        *out = json_integer_value(v);
    json_decref(body);
    if (!good)
        http_problem(c->req, 400, "\"confirm_within_s\" must be a whole number from 1 to 86400");
    return good;
}

void findings_apply(struct call *c)
{
    struct finding_row f;
    int64_t confirm_s;
    if (!may_act(c) || !read_finding(c, &f) || !read_confirm(c, &confirm_s))
        return;
    if (f.state != FINDING_OPEN)
        http_problem(c->req, 409, "finding %lld is not open but %s", (long long)f.id,
                     finding_state_names[f.state]);
    else if (!f.parameter.len || !f.to.len)
        http_problem(c->req, 409, "finding %lld proposes no value of a parameter", (long long)f.id);
    else
        send_order(c, &f, "apply", confirm_s);
}

void findings_confirm(struct call *c)
{
    struct finding_row f;
    if (!may_act(c) || !read_finding(c, &f))
        return;
    if (!f.parameter.len)
        http_problem(c->req, 409, "finding %lld is about no parameter", (long long)f.id);
    else
        send_order(c, &f, "confirm", REMEDY_CONFIRM_S);
}

/* ---- the agent's answer ---- */

static void reply(struct call *c, const json_t *m)
{
    static const char *const texts[] = {"parameter", "from", "to"};
    auto_buf body = {0};
    struct json j = json_to(&body);
    if (!json_is_true(json_object_get(m, "ok"))) {
        const char *why = json_string_value(json_object_get(m, "detail"));
        http_problem(c->req, 409, "the agent refuses: %.400s", why ? why : "no reason was given");
        return;
    }
    json_begin_object(&j);
    for (size_t i = 0; i < COUNT(texts); i++)
        json_field(&j, texts[i], json_string_value(json_object_get(m, texts[i])));
    int64_t by = json_integer_value(json_object_get(m, "confirm_by_ms"));
    json_key(&j, "confirm_by_ms");
    if (by)
        json_i64(&j, by);
    else
        json_put_null(&j);
    json_end_object(&j);
    api_json(c, 200, &body);
}

static void tell_acted(struct api *a, struct span host, const char *name, const json_t *m,
                       const char *action)
{
    const char *parameter = json_string_value(json_object_get(m, "parameter"));
    const char *to = json_string_value(json_object_get(m, "to"));
    const char *why = json_string_value(json_object_get(m, "detail"));
    auto_buf text = {.max = EVENT_TEXT_MAX_BYTES};
    if (!json_is_true(json_object_get(m, "ok")))
        buf_printf(&text, "%.100s refused to %s %.100s: %.400s", name, action,
                   parameter ? parameter : "what was asked", why ? why : "no reason was given");
    else if (strcmp(action, "revert") == 0)
        buf_printf(&text, "%.100s put back what was not confirmed in time", name);
    else if (strcmp(action, "confirm") == 0)
        buf_printf(&text, "%.100s keeps %.100s", name, parameter ? parameter : "the change");
    else
        buf_printf(&text, "%.100s set %.100s to %.100s, to be confirmed", name,
                   parameter ? parameter : "a parameter", to ? to : "its new value");
    tell(a, host, buf_text(&text), SPAN(""));
}

void remedies_acted(struct remedies *r, struct span host_id, const char *host_name,
                    const struct json_t *message)
{
    static const char *const actions[] = {"apply", "confirm", "revert"};
    const char *said = json_string_value(json_object_get(message, "action")), *action = NULL;
    for (size_t i = 0; said && i < COUNT(actions); i++)
        if (strcmp(said, actions[i]) == 0)
            action = actions[i];
    int64_t id = json_integer_value(json_object_get(message, "id"));
    struct waiting *w = r->first;
    while (w && (w->finding != id || !action || strcmp(w->action, action) != 0))
        w = w->next;
    if (action && (w || strcmp(action, "revert") == 0))
        tell_acted(r->api, host_id, host_name, message, action);
    if (!w)
        return; /* it comes late: the request has had its answer, the change speaks for itself */
    struct call *c = w->call;
    waiting_end(w);
    reply(c, message);
}

struct remedies *remedies_new(struct api *a)
{
    struct remedies *r = mem_zero(1, sizeof *r);
    r->api = a;
    return r;
}

void remedies_free(struct remedies *r)
{
    if (!r)
        return;
    for (struct waiting *w = r->first, *next; w; w = next) {
        next = w->next;
        timer_close(w->late);
        free(w);
    }
    free(r);
}
