/* Alert rules with their thresholds, and what people chose instead, for all hosts or for one. */
#include "api/call.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/yaml.h"
#include "record/alerts.h"

#include <jansson.h>
#include <stdlib.h>

enum { OVERRIDES_MAX = 5000 };

struct override_job {
    struct document_row row;
    struct span rule;
    bool found, threshold; /* the rule is there, and has one */
    /* of the levels that the change is about: how many, and one that would clear beyond its
     * threshold (empty: none) */
    size_t n_levels;
    struct span wrong;
};

/* ---- list ---- */

static void put_texts(struct json *j, const char *key, const struct rule_text *t, size_t n)
{
    json_key(j, key);
    json_begin_object(j);
    for (size_t i = 0; i < n; i++) {
        json_key_span(j, t[i].name);
        json_span(j, t[i].text);
    }
    json_end_object(j);
}

static void put_rule(struct json *j, const struct rule_group *g, const struct rule *u)
{
    json_begin_object(j);
    json_field_span(j, "name", u->name);
    json_field_span(j, "group", g->name);
    json_field(j, "file", g->file);
    json_field(j, "type", u->records ? "recording" : "alerting");
    json_field_span(j, "query", u->expr_text);
    json_field_double(j, "for_s", (double)u->for_ms / 1000);
    json_field_double(j, "keep_firing_for_s", (double)u->keep_firing_ms / 1000);
    json_key(j, "threshold");
    if (u->threshold.is) {
        json_begin_object(j);
        json_field_span(j, "level", u->threshold.level);
        json_field(j, "when", u->threshold.above ? "above" : "below");
        json_field_double(j, "value", u->threshold.value);
        json_field_double(j, "clear", u->threshold.clear);
        json_field_span(j, "unit", u->threshold.unit.at ? u->threshold.unit : SPAN(""));
        json_end_object(j);
    } else {
        json_put_null(j);
    }
    put_texts(j, "labels", u->labels, u->n_labels);
    put_texts(j, "annotations", u->annotations, u->n_annotations);
    json_end_object(j);
}

static void put_group(void *arg, const struct rule_group *g)
{
    for (size_t i = 0; i < g->n; i++)
        put_rule(arg, g, &g->rules[i]);
}

static enum status list(struct call *c, void *arg UNUSED, struct arena *arena, struct buf *body,
                        struct err *err)
{
    struct document_row *rows;
    size_t n;
    enum status st = record_documents(c->api->record, SPAN("override"), arena, &rows, &n, err);
    struct json j = json_to(body);
    if (st)
        return st;
    json_begin_object(&j);
    json_key(&j, "rules");
    json_begin_array(&j);
    c->api->alerts.each_group(c->api->alerts.arg, put_group, &j);
    json_end_array(&j);
    json_key(&j, "overrides");
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++)
        json_raw(&j, rows[i].json);
    json_end_array(&j);
    json_end_object(&j);
    return OK;
}

void alert_rules_list(struct call *c)
{
    api_work(c, list, NULL);
}

/* ---- change ---- */

static void look_for(void *arg, const struct rule_group *g)
{
    struct override_job *job = arg;
    for (size_t i = 0; i < g->n; i++)
        if (!g->rules[i].records && span_eq(g->rules[i].name, job->rule)) {
            job->found = true;
            job->threshold |= g->rules[i].threshold.is;
        }
}

static const char *text_of(const json_t *j, const char *key)
{
    const char *text = json_string_value(json_object_get(j, key));
    return text ? text : "";
}

struct level_check {
    struct override_job *job;
    struct span level;
    const json_t *value, *clear;
};

/* As the alerter applies it: a new threshold moves the clearing one along. */
static void look_at_levels(void *arg, const struct rule_group *g)
{
    struct level_check *l = arg;
    for (size_t i = 0; i < g->n; i++) {
        const struct rule *u = &g->rules[i];
        const struct rule_threshold *t = &u->threshold;
        if (u->records || !span_eq(u->name, l->job->rule) ||
            (l->level.len && !span_eq(l->level, t->level)))
            continue;
        l->job->n_levels++;
        double value = l->value ? json_number_value(l->value) : t->value;
        double clear = l->clear ? json_number_value(l->clear) : t->clear + value - t->value;
        if (t->is && (t->above ? clear > value : clear < value))
            l->job->wrong = t->level;
    }
}

static enum status check_levels(struct call *c, struct override_job *job, const json_t *j,
                                struct err *err)
{
    struct level_check l = {.job = job,
                            .level = span_of(text_of(j, "level")),
                            .value = json_object_get(j, "value"),
                            .clear = json_object_get(j, "clear")};
    c->api->alerts.each_group(c->api->alerts.arg, look_at_levels, &l);
    if (!job->n_levels)
        return err_set(err, INVALID, "the rule %.*s has no level \"%.20s\"", SPAN_ARG(job->rule),
                       text_of(j, "level"));
    if (job->wrong.len)
        return err_set(err, INVALID,
                       "with this, \"clear\" of the level %.*s lies beyond its value: it would end "
                       "before it begins",
                       SPAN_ARG(job->wrong));
    return OK;
}

static enum status check(const struct override_job *job, const json_t *j, struct err *err)
{
    static const char *const known[] = {"rule",  "level", "instance", "value",
                                        "clear", "for",   "disabled"};
    const json_t *value = json_object_get(j, "value"), *clear = json_object_get(j, "clear");
    const char *key;
    json_t *member;
    int64_t ms;
    json_object_foreach((json_t *)(uintptr_t)j, key, member)
    {
        size_t i = 0;
        while (i < COUNT(known) && strcmp(known[i], key) != 0)
            i++;
        if (i == COUNT(known))
            return err_set(err, INVALID,
                           "there is no \"%.40s\" here: level, instance, value, clear, for, "
                           "disabled",
                           key);
    }
    if ((value && !json_is_number(value)) || (clear && !json_is_number(clear)))
        return err_set(err, INVALID, "value and clear are numbers");
    if ((value || clear) && !job->threshold)
        return err_set(err, INVALID,
                       "the rule %.*s has no threshold; only \"for\" and "
                       "\"disabled\" can be changed",
                       SPAN_ARG(job->rule));
    struct span wait = span_of(text_of(j, "for"));
    if (json_object_get(j, "for") && !span_is(wait, "0") && !duration_parse(wait, &ms))
        return err_set(err, INVALID, "\"for\" is a duration such as \"5m\"");
    if (strlen(text_of(j, "instance")) > 200 || strlen(text_of(j, "level")) > 20)
        return err_set(err, INVALID, "level or instance is too long");
    return OK;
}

static struct span name_of(struct call *c, struct span rule, const char *level,
                           const char *instance)
{
    return span_of(arena_printf(http_request_arena(c->req), "%.*s/%s/%s",
                                (int)MIN(rule.len, (size_t)30), rule.at, level, instance));
}

static enum status put(struct call *c, void *arg, struct arena *arena, struct buf *body UNUSED,
                       struct err *err)
{
    struct override_job *job = arg;
    struct document_row old;
    if (!record_document(c->api->record, SPAN("override"), 0, job->row.name, arena, &old, NULL))
        job->row.id = old.id;
    enum status st = record_document_put(c->api->record, &job->row, -1, OVERRIDES_MAX, err);
    if (st)
        return st;
    (void)!record_audit(c->api->record, job->row.changed_ms, job->row.changed_by,
                        SPAN("threshold changed"), job->row.json, NULL);
    c->api->alerts.changed(c->api->alerts.arg, SPAN("override"));
    return OK;
}

static struct override_job *job_new(struct call *c)
{
    struct override_job *job = ARENA_NEW(http_request_arena(c->req), struct override_job);
    job->rule = c->id;
    job->row = (struct document_row){.kind = SPAN("override"),
                                     .changed_by = span_of(c->who.name),
                                     .changed_ms = clock_wall_ms()};
    c->api->alerts.each_group(c->api->alerts.arg, look_for, job);
    if (job->found)
        return job;
    http_problem(c->req, 404, "there is no alert rule \"%.*s\"", (int)MIN(c->id.len, (size_t)80),
                 c->id.at);
    return NULL;
}

void alert_rules_put(struct call *c)
{
    struct override_job *job = job_new(c);
    struct err err = {0};
    json_t *body = job ? api_body(c) : NULL;
    if (!body)
        return;
    enum status st = check(job, body, &err);
    if (!st)
        st = check_levels(c, job, body, &err);
    if (!st) {
        json_object_set_new(body, "rule", json_stringn(c->id.at, c->id.len));
        char *text = json_dumps(body, JSON_COMPACT);
        job->row.json = span_of(arena_dup(http_request_arena(c->req), text ? text : "{}"));
        job->row.name = name_of(c, c->id, text_of(body, "level"), text_of(body, "instance"));
        free(text);
    }
    json_decref(body);
    if (st)
        api_failure(c, st, &err);
    else
        api_work(c, put, job);
}

static enum status take_away(struct call *c, void *arg, struct arena *arena,
                             struct buf *body UNUSED, struct err *err)
{
    struct override_job *job = arg;
    struct document_row old;
    enum status st =
        record_document(c->api->record, SPAN("override"), 0, job->row.name, arena, &old, err);
    if (!st)
        st = record_document_delete(c->api->record, SPAN("override"), old.id, err);
    if (st)
        return st;
    (void)!record_audit(c->api->record, job->row.changed_ms, job->row.changed_by,
                        SPAN("threshold changed back"), old.json, NULL);
    c->api->alerts.changed(c->api->alerts.arg, SPAN("override"));
    return OK;
}

void alert_rules_delete(struct call *c)
{
    struct override_job *job = job_new(c);
    struct span level = SPAN(""), instance = SPAN("");
    if (!job)
        return;
    http_request_param(c->req, "level", &level);
    http_request_param(c->req, "instance", &instance);
    struct arena *arena = http_request_arena(c->req);
    job->row.name =
        name_of(c, c->id, arena_dup_span(arena, level), arena_dup_span(arena, instance));
    api_work(c, take_away, job);
}
