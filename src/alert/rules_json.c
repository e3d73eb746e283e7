/* Prometheus's answers of /api/v1/rules and /api/v1/alerts. */
#include "alert/alerter_state.h"

#include "base/clock.h"
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void put_labels(struct json *j, const char *key, struct labels l)
{
    json_key(j, key);
    json_begin_object(j);
    for (size_t i = 0; i < l.n; i++) {
        json_key_span(j, l.at[i].name);
        json_span(j, l.at[i].value);
    }
    json_end_object(j);
}

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

static void put_time(struct json *j, const char *key, int64_t ms)
{
    char text[TIME_TEXT_MAX];
    json_field(j, key, ms ? clock_rfc3339(ms, text) : "0001-01-01T00:00:00Z");
}

/* Go's strconv.FormatFloat(v, 'e', -1, 64). */
static void put_value(struct json *j, double v)
{
    char text[40];
    if (!isfinite(v)) {
        json_field(j, "value", isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
        return;
    }
    for (int digits = 0; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    json_field(j, "value", text);
}

static void put_alert(struct json *j, const struct alert *a)
{
    json_begin_object(j);
    put_labels(j, "labels", a->labels);
    put_labels(j, "annotations", a->annotations);
    json_field(j, "state", alert_state_name(a->state));
    put_time(j, "activeAt", a->active_ms);
    if (a->keep_since_ms)
        put_time(j, "keepFiringSince", a->keep_since_ms);
    put_value(j, a->value);
    json_end_object(j);
}

static void put_alerts(struct json *j, const struct rule_state *s)
{
    const struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&s->active, &at));)
        if (((const struct alert *)slot->value)->state != ALERT_INACTIVE)
            put_alert(j, slot->value);
}

static enum alert_state worst(const struct rule_state *s)
{
    const struct map_slot *slot;
    enum alert_state state = ALERT_INACTIVE;
    for (size_t at = 0; (slot = map_next(&s->active, &at));)
        state = MAX(state, ((const struct alert *)slot->value)->state);
    return state;
}

static void put_rule(struct json *j, const struct rule_state *s, bool without_alerts)
{
    static const char *const health[] = {"unknown", "ok", "err"};
    const struct rule *u = s->rule;
    json_begin_object(j);
    if (!u->records)
        json_field(j, "state", alert_state_name(worst(s)));
    json_field_span(j, "name", u->name);
    json_field_span(j, "query", u->expr_text);
    if (!u->records) {
        json_field_double(j, "duration", (double)u->for_ms / 1000);
        json_field_double(j, "keepFiringFor", (double)u->keep_firing_ms / 1000);
    }
    if (!u->records || u->n_labels)
        put_texts(j, "labels", u->labels, u->n_labels);
    if (!u->records) {
        put_texts(j, "annotations", u->annotations, u->n_annotations);
        json_key(j, "alerts");
        json_begin_array(j);
        if (!without_alerts)
            put_alerts(j, s);
        json_end_array(j);
    }
    json_field(j, "health", health[s->health]);
    if (s->last_error[0])
        json_field(j, "lastError", s->last_error);
    json_field_double(j, "evaluationTime", s->duration_s);
    put_time(j, "lastEvaluation", s->evaluated_ms);
    json_field(j, "type", u->records ? "recording" : "alerting");
    json_end_object(j);
}

static bool named(const struct span *names, size_t n, struct span name)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq(names[i], name))
            return true;
    return n == 0;
}

static bool wanted(const struct rules_filter *f, const struct rule *u)
{
    return (f->type == 0 || (f->type == 2) == u->records) && named(f->names, f->n_names, u->name);
}

static bool group_wanted(const struct rules_filter *f, const struct group_state *g)
{
    if (!named(f->groups, f->n_groups, g->group->name) ||
        !named(f->files, f->n_files, span_of(g->group->file)))
        return false;
    for (size_t i = 0; i < g->group->n; i++)
        if (wanted(f, g->rules[i].rule))
            return true;
    return !f->n_names && f->type == 0;
}

static void put_group(struct json *j, const struct rules_filter *f, const struct group_state *g)
{
    json_begin_object(j);
    json_field_span(j, "name", g->group->name);
    json_field(j, "file", g->group->file);
    json_key(j, "rules");
    json_begin_array(j);
    for (size_t i = 0; i < g->group->n; i++)
        if (wanted(f, g->rules[i].rule))
            put_rule(j, &g->rules[i], f->without_alerts);
    json_end_array(j);
    json_field_double(j, "interval", (double)g->group->interval_ms / 1000);
    json_field_i64(j, "limit", (int64_t)g->group->limit);
    json_field_double(j, "evaluationTime", g->duration_s);
    put_time(j, "lastEvaluation", g->evaluated_ms);
    json_end_object(j);
}

void alerter_rules_json(struct alerter *a, const struct rules_filter *f, struct buf *out)
{
    struct json j = json_to(out);
    pthread_mutex_lock(&a->lock);
    json_begin_object(&j);
    json_key(&j, "groups");
    json_begin_array(&j);
    for (size_t i = 0; i < a->rules.n; i++)
        if (group_wanted(f, &a->groups[i]))
            put_group(&j, f, &a->groups[i]);
    json_end_array(&j);
    json_end_object(&j);
    pthread_mutex_unlock(&a->lock);
}

void alerter_alerts_json(struct alerter *a, struct buf *out)
{
    struct json j = json_to(out);
    pthread_mutex_lock(&a->lock);
    json_begin_object(&j);
    json_key(&j, "alerts");
    json_begin_array(&j);
    for (size_t i = 0; i < a->rules.n; i++)
        for (size_t k = 0; k < a->groups[i].group->n; k++)
            put_alerts(&j, &a->groups[i].rules[k]);
    json_end_array(&j);
    json_end_object(&j);
    pthread_mutex_unlock(&a->lock);
}
