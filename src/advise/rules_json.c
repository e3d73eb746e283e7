/* The rules as JSON, and what each says of one host. */
#include "advise/tick.h"

#include <stdio.h>

static void formula_json(struct json *j, const char *key, const struct formula *f)
{
    json_field(j, key, f->expr ? f->text : NULL);
}

static void rule_json(struct json *j, const struct rule *r)
{
    json_begin_object(j);
    json_field(j, "id", r->id);
    json_field(j, "title", r->title);
    json_field(j, "class", class_names[r->class]);
    json_field(j, "kind", kind_names[r->kind]);
    json_field(j, "parameter", r->parameter);
    formula_json(j, "signal", &r->signal);
    json_key(j, "above");
    if (r->has_above)
        json_double(j, r->above);
    else
        json_put_null(j);
    formula_json(j, "when", &r->when);
    formula_json(j, "unless", &r->unless);
    json_field_i64(j, "window_s", r->window_ms / 1000);
    json_field_i64(j, "for_s", r->for_ms / 1000);
    formula_json(j, "propose", &r->propose[0]);
    formula_json(j, "lowest", &r->low);
    formula_json(j, "highest", &r->high);
    formula_json(j, "load", &r->load);
    json_field(j, "effect", r->effect);
    json_field(j, "takes_effect", r->takes_effect);
    json_field(j, "risk", r->risk);
    json_field(j, "check", r->check);
    json_field(j, "source", r->source);
    json_field(j, "file", r->file);
    json_field_i64(j, "line", r->line);
    json_end_object(j);
}

void adviser_rules_json(const struct adviser *a, struct json *j)
{
    json_begin_object(j);
    json_key(j, "rules");
    json_begin_array(j);
    for (size_t i = 0; i < a->rules->n_rules; i++)
        rule_json(j, &a->rules->rules[i]);
    json_end_array(j);
    json_end_object(j);
}

/* ---- the checks of a host ---- */

struct checking {
    struct adviser *a;
    struct source *source;
    struct host *host;
    int64_t now_ms;
    struct err *err;
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The next metric that an expression names: they all begin with node_ or galen_. */
static bool next_metric(const char **at, struct span *out)
{
    for (const char *p = *at; *p; p++) {
        if (!is_name_char(*p))
            continue;
        size_t n = 0;
        while (is_name_char(p[n]))
            n++;
        struct span name = {p, n};
        if (span_starts(name, SPAN("node_")) || span_starts(name, SPAN("galen_"))) {
            *at = p + n;
            *out = name;
            return true;
        }
        p += n - 1;
    }
    return false;
}

static enum status has_series(struct checking *c, struct span metric, bool *out)
{
    struct matcher name = {.kind = MATCH_EQUAL, .name = SPAN(LABEL_NAME), .value = metric};
    struct select_hints hints = {
        .start_ms = c->now_ms - PROMQL_LOOKBACK_MS, .end_ms = c->now_ms, .labels_only = true};
    struct selected *found;
    size_t n = 0;
    enum status st =
        c->source->select(c->source, &name, 1, &hints, &c->a->scratch, &found, &n, c->err);
    *out = n > 0;
    return st;
}

/* Which metrics of the signal the host does not send, each once. */
static enum status missing_json(struct checking *c, const struct rule *r, struct json *j, size_t *n)
{
    const char *text = r->signal.expr ? r->signal.text : r->when.text;
    struct span metric, told[16];
    *n = 0;
    while (next_metric(&text, &metric) && *n < COUNT(told)) {
        bool has, before = false;
        for (size_t i = 0; i < *n; i++)
            before |= span_eq(told[i], metric);
        enum status st = before ? OK : has_series(c, metric, &has);
        if (st)
            return st;
        if (before || has)
            continue;
        told[(*n)++] = metric;
        json_span(j, metric);
    }
    return OK;
}

static enum status judged_value(struct checking *c, const struct rule *r, bool *has, double *v)
{
    const struct formula *f = r->signal.expr ? &r->signal : &r->when;
    struct query q = {.expr = f->expr, .start_ms = c->now_ms, .end_ms = c->now_ms};
    struct result result = {0};
    enum status st = promql_eval(&q, c->source, &c->a->scratch, &result, c->err);
    *has = false;
    for (size_t i = 0; !st && i < result.n; i++) {
        double x = result.series[i].at[0].v;
        if (isnan(x) || (*has && x <= *v))
            continue;
        *has = true;
        *v = x;
    }
    return st == INVALID ? OK : st;
}

static bool rule_speaks(const struct checking *c, const struct rule *r)
{
    struct map_slot *slot;
    for (size_t at = 0; c->host && (slot = map_next(&c->host->states, &at));) {
        const struct rule_state *s = slot->value;
        if (s->rule == r && s->active)
            return true;
    }
    return false;
}

static enum status check_json(struct checking *c, const struct rule *r, struct json *j)
{
    bool has;
    double v = 0;
    size_t missing = 0;
    enum status st = judged_value(c, r, &has, &v);
    if (st)
        return st;
    json_begin_object(j);
    json_field(j, "rule", r->id);
    json_field(j, "title", r->title);
    json_key(j, "missing");
    json_begin_array(j);
    if (!has)
        st = missing_json(c, r, j, &missing);
    json_end_array(j);
    json_field(j, "state",
               rule_speaks(c, r)        ? "speaks"
               : has || !r->signal.expr ? "quiet"
               : missing                ? "not judged"
                                        : "does not apply");
    json_key(j, "value");
    if (has)
        json_double(j, v);
    else
        json_put_null(j);
    json_key(j, "above");
    if (r->has_above)
        json_double(j, r->above);
    else
        json_put_null(j);
    json_end_object(j);
    return st;
}

enum status advise_checks_json(struct adviser *a, struct source *source, struct span instance,
                               int64_t now_ms, struct json *j, struct err *err)
{
    struct one_host one;
    struct checking c = {.a = a,
                         .source = one_host_face(&one, source, instance),
                         .host = map_get(&a->hosts, instance),
                         .now_ms = now_ms,
                         .err = err};
    enum status st = OK;
    json_begin_object(j);
    json_key(j, "checks");
    json_begin_array(j);
    for (size_t i = 0; !st && i < a->rules->n_rules; i++) {
        st = check_json(&c, &a->rules->rules[i], j);
        arena_reset(&a->scratch);
    }
    json_end_array(j);
    json_end_object(j);
    return st;
}
