/* What a mail shows: the last hour of the value that an alert is about. */
#include "server/alerts_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "promql/promql.h"

#include <jansson.h>
#include <math.h>

enum {
    HOUR_MS = 3600 * 1000,
    STEP_MS = 30 * 1000,
    GAP_MS = 4 * STEP_MS + STEP_MS / 2,
    DEADLINE_MS = 5000,
    SAMPLES_MAX = 5000000,
};

struct question {
    struct buf text; /* of an expression */
    bool has_threshold;
    double threshold;
};

static bool is_of(const struct rule *u, struct span name, struct span severity)
{
    return !u->records && span_eq(u->name, name) &&
           (!u->threshold.is || !severity.len || span_eq(u->threshold.level, severity));
}

/* Of `value > 5` the value, with 5 as a line; else the whole expression. */
static bool ask(const struct rule *u, struct question *q)
{
    q->has_threshold = u->threshold.is;
    q->threshold = u->threshold.value;
    if (u->threshold.is)
        buf_span(&q->text, u->value_text);
    else if (promql_compared(u->expr, &q->text, &q->threshold))
        q->has_threshold = true;
    else
        buf_span(&q->text, u->expr_text);
    return true;
}

static bool find_rule(struct alerts *a, struct span name, struct span severity, struct question *q)
{
    bool found = false;
    pthread_mutex_lock(&a->rules_lock);
    const struct alert_rules *r = &a->loaded.rules;
    for (size_t g = 0; !found && g < r->n; g++)
        for (size_t i = 0; !found && i < r->groups[g].n; i++)
            found = is_of(&r->groups[g].rules[i], name, severity) && ask(&r->groups[g].rules[i], q);
    pthread_mutex_unlock(&a->rules_lock);
    return found;
}

static struct span label(const json_t *labels, const char *name)
{
    const char *text = json_string_value(json_object_get(labels, name));
    return text ? span_of(text) : SPAN("");
}

/* The series is about the alert: it has no label that the alert does not have. */
static bool about(struct labels l, const json_t *labels)
{
    for (size_t i = 0; i < l.n; i++) {
        const char *other =
            json_string_value(json_object_getn(labels, l.at[i].name.at, l.at[i].name.len));
        if (!span_is(l.at[i].name, LABEL_NAME) && (!other || !span_is(l.at[i].value, other)))
            return false;
    }
    return true;
}

static void add_line(struct chart *c, const struct result_series *s, struct arena *arena)
{
    int64_t *t_ms = ARENA_ARRAY(arena, int64_t, s->n);
    double *v = ARENA_ARRAY(arena, double, s->n);
    for (size_t i = 0; i < s->n; i++) {
        t_ms[i] = s->at[i].t_ms;
        v[i] = s->at[i].v;
    }
    c->lines[c->n++] = (struct chart_line){t_ms, v, s->n};
}

static void draw(struct alerts *a, struct question *q, const json_t *labels, int64_t now_ms,
                 struct buf *png)
{
    auto_arena arena = {0};
    struct expr *e = NULL;
    struct result r = {0};
    struct one_host host;
    struct err err = {0};
    struct span instance = label(labels, "instance");
    struct chart c = {.start_ms = now_ms - HOUR_MS,
                      .end_ms = now_ms,
                      .gap_ms = GAP_MS,
                      .has_threshold = q->has_threshold && isfinite(q->threshold),
                      .threshold = q->threshold};
    enum status st = promql_parse(buf_view(&q->text), &arena, &e, &err);
    struct source *view = store_read_begin(a->config.store);
    struct query query = {.expr = e,
                          .start_ms = c.start_ms,
                          .end_ms = c.end_ms,
                          .step_ms = STEP_MS,
                          .samples_max = SAMPLES_MAX,
                          .deadline_mono_ms = clock_mono_ms() + DEADLINE_MS};
    if (!st)
        st = promql_eval(&query, instance.len ? one_host_face(&host, view, instance) : view, &arena,
                         &r, &err);
    for (size_t i = 0; !st && i < r.n && c.n < NOTIFY_CHART_LINES_MAX; i++)
        if (about(r.series[i].labels, labels))
            add_line(&c, &r.series[i], &arena);
    store_read_end(view);
    if (st)
        log_debug("a mail is without its chart: %s", err.text);
    notify_chart(&c, png);
    promql_free(e);
}

void alerts_chart(struct alerts *a, struct span message, int64_t now_ms, struct buf *png)
{
    struct question q = {0};
    json_t *root = json_loadb(message.at, message.len, 0, NULL);
    const json_t *first = json_array_get(json_object_get(root, "alerts"), 0);
    const json_t *labels = json_object_get(first, "labels");
    if (labels && !label(json_object_get(root, "commonLabels"), "alertname").len)
        labels = NULL; /* several different alerts */
    if (labels && find_rule(a, label(labels, "alertname"), label(labels, "severity"), &q))
        draw(a, &q, labels, now_ms, png);
    buf_free(&q.text);
    json_decref(root);
}
