/* Hosts with their state and latest analysis. */
#include "api/link.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"

#include <jansson.h>

/* ---- the latest analyses ---- */

struct analyses {
    struct map by_host;
};

struct analysis_text {
    char *host_id, *json;
    struct span id_span;
    bool advises; /* class is not "no change" */
};

static void text_free(struct analysis_text *t)
{
    if (!t)
        return;
    free(t->host_id);
    free(t->json);
    free(t);
}

void analyses_free(struct analyses *a)
{
    if (!a)
        return;
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&a->by_host, &at));)
        text_free(slot->value);
    map_free(&a->by_host);
    free(a);
}

static bool class_is_change(struct span json)
{
    json_t *root = json_loadb(json.at, json.len, 0, NULL);
    const json_t *class = json_object_get(root, "predicted_class");
    bool change = json_is_integer(class) && json_integer_value(class) != 0;
    json_decref(root);
    return change;
}

void analyses_put(struct api *a, struct span host_id, struct span json)
{
    if (!a->analyses)
        a->analyses = mem_zero(1, sizeof *a->analyses);
    struct analysis_text *t = mem_zero(1, sizeof *t);
    t->host_id = mem_dup_span(host_id);
    t->id_span = span_from(t->host_id, host_id.len);
    t->json = mem_dup_span(json);
    t->advises = class_is_change(json);
    text_free(map_put(&a->analyses->by_host, t->id_span, t));
}

static const struct analysis_text *latest(const struct api *a, struct span host_id)
{
    return a->analyses ? map_get(&a->analyses->by_host, host_id) : NULL;
}

struct span analyses_get(const struct api *a, struct span host_id)
{
    const struct analysis_text *t = latest(a, host_id);
    return t ? span_of(t->json) : SPAN("");
}

enum status analyses_load(struct api *a, struct err *err)
{
    auto_arena arena = {0};
    struct result_row *rows;
    size_t n;
    enum status st = record_results_latest(a->record, &arena, &rows, &n, err);
    for (size_t i = 0; !st && i < n; i++) {
        /* Rows that other programs inserted may hold anything; ours hold an object. */
        if (rows[i].result.len > 2 && rows[i].result.at[0] == '{')
            analyses_put(a, rows[i].server_id, rows[i].result);
    }
    return st;
}

/* ---- as JSON ---- */

static const char *state_of(const struct api *a, const struct host_row *h,
                            const struct analysis_text *t, int64_t now_ms)
{
    if (now_ms - h->last_seen_ms > links_silent_ms(a->links, h->id))
        return "silent";
    if (!t)
        return "new";
    return t->advises ? "attention" : "healthy";
}

static void put_host(struct json *j, const struct api *a, const struct host_row *h, int64_t now_ms)
{
    const struct analysis_text *t = latest(a, h->id);
    json_begin_object(j);
    json_field_span(j, "id", h->id);
    json_field_span(j, "name", h->name);
    json_field_i64(j, "first_seen_ms", h->first_seen_ms);
    json_field_i64(j, "last_seen_ms", h->last_seen_ms);
    json_field_bool(j, "analysis", h->analysis);
    json_field(j, "state", state_of(a, h, t, now_ms));
    json_key(j, "advice");
    if (t)
        json_raw(j, span_of(t->json));
    else
        json_put_null(j);
    json_end_object(j);
}

enum status hosts_json(struct api *a, struct buf *out, struct err *err)
{
    auto_arena arena = {0};
    struct host_row *hosts;
    size_t n;
    enum status st = record_hosts(a->record, &arena, &hosts, &n, err);
    if (st)
        return st;
    struct json j = json_to(out);
    buf_str(out, "\"hosts\":");
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++)
        put_host(&j, a, &hosts[i], clock_wall_ms());
    json_end_array(&j);
    return OK;
}

void hosts_list(struct call *c)
{
    auto_buf body = {0};
    struct err err = {0};
    buf_char(&body, '{');
    enum status st = hosts_json(c->api, &body, &err);
    buf_char(&body, '}');
    if (st)
        api_failure(c, st, &err);
    else
        api_json(c, 200, &body);
}

void hosts_show(struct call *c)
{
    auto_buf body = {0};
    struct err err = {0};
    struct host_row host;
    enum status st = record_host(c->api->record, c->id, http_request_arena(c->req), &host, &err);
    if (st) {
        api_failure(c, st, &err);
        return;
    }
    struct json j = json_to(&body);
    put_host(&j, c->api, &host, clock_wall_ms());
    api_json(c, 200, &body);
}

void hosts_analysis(struct call *c)
{
    json_t *body = api_body(c);
    if (!body)
        return;
    const json_t *enabled = json_object_get(body, "enabled");
    struct err err = {0};
    if (!json_is_boolean(enabled)) {
        http_problem(c->req, 400, "\"enabled\" must be true or false");
        json_decref(body);
        return;
    }
    bool on = json_is_true(enabled);
    json_decref(body);
    enum status st = record_host_analysis(c->api->record, c->id, on, &err);
    if (!st)
        st = record_audit(c->api->record, clock_wall_ms(), span_of(c->who.name),
                          on ? SPAN("analysis started") : SPAN("analysis stopped"), c->id, &err);
    if (st)
        api_failure(c, st, &err);
    else
        api_no_content(c);
}
