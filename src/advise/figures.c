/* The figures that a change is judged by: medians of a rule's signal and load, and of the
 * pressures, on one host over a time. */
#include "advise/tick.h"

#include "advise/verify.h"

#include <stdlib.h>

enum { FIGURE_POINTS = 10, FIGURE_POINTS_MAX = 64, STEP_LEAST_MS = 1000 };

static void fill_check(const struct rule *r, struct check *out)
{
    *out = (struct check){
        .rule = r->id,
        .title = r->title,
        .parameter = r->parameter,
        .resource = r->resource,
        .kind = r->kind,
        .class = r->class,
        .has_above = r->has_above,
        .has_effective = r->effective.expr != NULL,
        .above = r->above,
        .burdens = r->burdens,
        .window_ms = r->reach_ms ? r->window_ms : MIN(r->window_ms, (int64_t)VERIFY_LEVEL_MS),
        .reach_ms = r->reach_ms,
        .settle_ms = r->settle_ms,
    };
}

bool adviser_check(const struct adviser *a, const char *rule, struct check *out)
{
    const struct rule *r = rule_by_id(a->rules, rule);
    if (r)
        fill_check(r, out);
    return r != NULL;
}

bool adviser_check_of_parameter(const struct adviser *a, const char *parameter, struct check *out)
{
    for (size_t i = 0; i < a->rules->n_rules; i++) {
        const struct rule *r = &a->rules->rules[i];
        if (r->parameter && strcmp(r->parameter, parameter) == 0 && r->signal.expr) {
            fill_check(r, out);
            return true;
        }
    }
    return false;
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, ascending);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static bool has_subject(struct labels l, const struct rule *r, const char *subject)
{
    return !r || !r->per || !subject || span_is(labels_get(l, span_of(r->per)), subject);
}

/* At each time the greatest of the series, as a rule judges. */
static void take_points(const struct result *result, const struct rule *r, const char *subject,
                        int64_t from_ms, int64_t step_ms, struct figure *out)
{
    double v[FIGURE_POINTS_MAX];
    bool has[FIGURE_POINTS_MAX] = {false};
    for (size_t i = 0; i < result->n; i++) {
        const struct result_series *s = &result->series[i];
        for (size_t k = 0; k < s->n && has_subject(s->labels, r, subject); k++) {
            size_t at = (size_t)((s->at[k].t_ms - from_ms) / step_ms);
            if (at >= FIGURE_POINTS_MAX || isnan(s->at[k].v) || (has[at] && s->at[k].v <= v[at]))
                continue;
            has[at] = true;
            v[at] = s->at[k].v;
        }
    }
    size_t n = 0;
    for (size_t i = 0; i < FIGURE_POINTS_MAX; i++)
        if (has[i])
            v[n++] = v[i];
    out->known = n > 0;
    out->value = n ? median(v, n) : 0;
}

struct figure_reader {
    struct adviser *a;
    struct source *source;
    const struct rule *rule;
    const char *subject;
    int64_t from_ms, to_ms;
    struct err *err;
};

static enum status read_figure(const struct figure_reader *r, const struct formula *f,
                               struct figure *out)
{
    *out = (struct figure){0};
    if (!f->expr)
        return OK;
    int64_t step_ms = MAX((r->to_ms - r->from_ms) / FIGURE_POINTS, (int64_t)STEP_LEAST_MS);
    struct query q = {
        .expr = f->expr, .start_ms = r->from_ms, .end_ms = r->to_ms, .step_ms = step_ms};
    struct result result;
    enum status st = promql_eval(&q, r->source, &r->a->scratch, &result, r->err);
    if (!st && result.kind == VALUE_MATRIX)
        take_points(&result, r->rule, r->subject, r->from_ms, step_ms, out);
    return st == INVALID ? OK : st; /* column_read tells of an expression that fails */
}

enum status advise_figures(struct adviser *a, struct source *source, struct span instance,
                           const char *rule, const char *subject, int64_t from_ms, int64_t to_ms,
                           struct figures *out, struct err *err)
{
    struct one_host one;
    struct figure_reader r = {
        .a = a,
        .source = one_host_face(&one, source, instance),
        .rule = rule ? rule_by_id(a->rules, rule) : NULL,
        .subject = subject,
        .from_ms = from_ms,
        .to_ms = to_ms,
        .err = err,
    };
    *out = (struct figures){0};
    enum status st = OK;
    if (r.rule)
        st = read_figure(&r, r.rule->signal.expr ? &r.rule->signal : &r.rule->when, &out->signal);
    if (!st && r.rule)
        st = read_figure(&r, &r.rule->load, &out->load);
    for (size_t i = 0; !st && i < PRESSURES; i++)
        st = read_figure(&r, &a->rules->pressure[i], &out->pressure[i]);
    if (!st)
        st = read_figure(&r, &a->rules->available, &out->available);
    arena_reset(&a->scratch);
    return st;
}

enum status advise_effective(struct adviser *a, struct source *source, struct span instance,
                             const char *rule, int64_t now_ms, bool *out, struct err *err)
{
    const struct rule *r = rule_by_id(a->rules, rule);
    *out = true;
    if (!r || !r->effective.expr)
        return OK;
    struct one_host one;
    struct query q = {.expr = r->effective.expr, .start_ms = now_ms, .end_ms = now_ms};
    struct result result;
    enum status st =
        promql_eval(&q, one_host_face(&one, source, instance), &a->scratch, &result, err);
    *out = !st && result.n > 0;
    arena_reset(&a->scratch);
    return st;
}
