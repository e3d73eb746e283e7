/* What changed on hosts: kernel parameters and resources, by whomever. The agent's fingerprint of
 * all parameters tells which hosts to look at closely, so that a tick without changes costs one
 * series a host. */
#include "advise/tick.h"

#include "advise/verify.h"
#include "series/parameter.h"

#include <stdio.h>

enum { CLOSE_POINTS = 6, POINTS = CLOSE_POINTS + 1 };

static const double resource_step = 0.01; /* a new kernel takes a little memory more or less */

static const struct {
    const char *name, *label;
    bool bytes;
} resources[RESOURCES] = {
    {"RAM", NULL, true}, {"swap", NULL, true}, {"CPUs", NULL, false}, {"disk", "mountpoint", true}};

struct finder {
    struct adviser *a;
    struct source *source;
    int64_t since_ms, now_ms;
    struct arena *arena;
    struct arena work;
    struct change *changes;
    size_t n, size;
    struct err *err;
};

static void add(struct finder *f, struct change c)
{
    if (f->n >= CHANGES_MAX)
        return;
    if (f->n == f->size) {
        size_t size = MAX(2 * f->size, (size_t)8);
        f->changes = arena_grow(f->arena, f->changes, f->n * sizeof c, size * sizeof c);
        f->size = size;
    }
    c.instance = arena_span(f->arena, c.instance);
    c.parameter = arena_dup(f->arena, c.parameter);
    c.before = arena_dup(f->arena, c.before);
    c.after = arena_dup(f->arena, c.after);
    f->changes[f->n++] = c;
}

static enum status eval(struct finder *f, struct source *source, const struct formula *formula,
                        int64_t start_ms, int64_t end_ms, int64_t step_ms, struct result *out)
{
    struct query q = {
        .expr = formula->expr, .start_ms = start_ms, .end_ms = end_ms, .step_ms = step_ms};
    return promql_eval(&q, source, &f->work, out, f->err);
}

/* ---- one host, closely ---- */

struct numbers {
    struct span name;
    double v[PARAMETER_FIELDS_MAX][POINTS];
    size_t n_fields;
};

static struct numbers *numbers_of(struct finder *f, struct map *all, struct span name)
{
    struct numbers *p = map_get(all, name);
    if (p)
        return p;
    p = ARENA_NEW(&f->work, struct numbers);
    p->name = name;
    for (size_t i = 0; i < PARAMETER_FIELDS_MAX; i++)
        for (size_t k = 0; k < POINTS; k++)
            p->v[i][k] = NAN;
    map_put(all, name, p);
    return p;
}

/* point < 0: by time, of a range. */
static void take(struct finder *f, struct map *all, const struct result *r, int point,
                 int64_t step_ms)
{
    for (size_t i = 0; i < r->n; i++) {
        struct labels l = r->series[i].labels;
        struct span field = labels_get(l, SPAN("field"));
        size_t place = 0;
        struct numbers *p = numbers_of(f, all, labels_get(l, SPAN("name")));
        if (field.len && !parameter_field_place(p->name, field, &place))
            continue;
        p->n_fields = MAX(p->n_fields, place + 1);
        for (size_t k = 0; k < r->series[i].n; k++) {
            const struct sample *s = &r->series[i].at[k];
            int64_t at = point >= 0 ? point : (s->t_ms - f->since_ms) / step_ms;
            if (at >= 0 && at < POINTS)
                p->v[place][at] = s->v;
        }
    }
}

static bool differs(const struct numbers *p, size_t left, size_t right)
{
    bool any = false;
    for (size_t i = 0; i < p->n_fields; i++) {
        if (isnan(p->v[i][left]) || isnan(p->v[i][right]))
            return false;
        any |= p->v[i][left] != p->v[i][right];
    }
    return any;
}

static const char *text_of(struct finder *f, const struct numbers *p, size_t point)
{
    auto_buf out = {0};
    for (size_t i = 0; i < p->n_fields; i++)
        buf_printf(&out, "%s%.0f", i ? " " : "", p->v[i][point]);
    return arena_dup(&f->work, buf_text(&out));
}

static void compare(struct finder *f, struct span instance, const struct numbers *p,
                    int64_t step_ms)
{
    for (size_t k = 1, last = 0; k < POINTS; k++) {
        if (isnan(p->v[0][k]))
            continue;
        if (differs(p, last, k))
            add(f, (struct change){.instance = instance,
                                   .parameter = arena_dup_span(&f->work, p->name),
                                   .before = text_of(f, p, last),
                                   .after = text_of(f, p, k),
                                   .before_ms = f->since_ms + (int64_t)last * step_ms,
                                   .at_ms = f->since_ms + (int64_t)k * step_ms});
        last = k;
    }
}

/* returned: it was away at since_ms, its last values may be a day old. */
static enum status look_closely(struct finder *f, struct span instance, bool returned)
{
    struct one_host one;
    struct source *source = one_host_face(&one, f->source, instance);
    const struct rules *rules = f->a->rules;
    int64_t step_ms = MAX((f->now_ms - f->since_ms) / CLOSE_POINTS, (int64_t)1);
    CLEANUP(map_free) struct map all = {0};
    struct result r;
    enum status st = OK;
    if (returned) {
        st = eval(f, source, &rules->sysctls_before, f->since_ms, f->since_ms, 0, &r);
        if (!st)
            take(f, &all, &r, 0, step_ms);
    }
    if (!st)
        st = eval(f, source, &rules->sysctls, f->since_ms, f->since_ms + CLOSE_POINTS * step_ms,
                  step_ms, &r);
    if (st)
        return st;
    take(f, &all, &r, -1, step_ms);
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&all, &at));)
        compare(f, instance, slot->value, step_ms);
    return OK;
}

/* ---- which hosts to look at ---- */

static enum status by_fingerprint(struct finder *f)
{
    struct result r;
    int64_t step = f->now_ms - f->since_ms;
    enum status st =
        eval(f, f->source, &f->a->rules->fingerprint, f->since_ms, f->now_ms, step, &r);
    for (size_t i = 0; !st && i < r.n; i++) {
        const struct result_series *s = &r.series[i];
        bool now = s->n && s->at[s->n - 1].t_ms > f->since_ms;
        bool before = s->n && s->at[0].t_ms <= f->since_ms;
        if (now && (!before || s->at[0].v != s->at[s->n - 1].v))
            st = look_closely(f, labels_get(s->labels, SPAN("instance")), !before);
    }
    return st;
}

/* Agents and importers that send no fingerprint. */
static enum status without_fingerprint(struct finder *f)
{
    struct result r;
    enum status st = eval(f, f->source, &f->a->rules->unprinted, f->now_ms, f->now_ms, 0, &r);
    for (size_t i = 0; !st && i < r.n; i++)
        st = look_closely(f, labels_get(r.series[i].labels, SPAN("instance")), false);
    return st;
}

/* ---- resources ---- */

static const char *amount(struct finder *f, size_t resource, double v)
{
    auto_buf out = {0};
    format_value(&out, resources[resource].bytes ? FORMAT_BYTES : FORMAT_COUNT, v);
    return arena_dup(&f->work, buf_text(&out));
}

static enum status by_resource(struct finder *f, size_t i)
{
    struct result r;
    int64_t step = f->now_ms - f->since_ms;
    enum status st =
        eval(f, f->source, &f->a->rules->resources[i], f->since_ms, f->now_ms, step, &r);
    for (size_t k = 0; !st && k < r.n; k++) {
        const struct result_series *s = &r.series[k];
        if (s->n < 2 || !(fabs(s->at[1].v - s->at[0].v) > resource_step * s->at[0].v))
            continue;
        const char *name = resources[i].name;
        if (resources[i].label)
            name = arena_printf(&f->work, "%s %.*s", name,
                                SPAN_ARG(labels_get(s->labels, span_of(resources[i].label))));
        add(f, (struct change){.instance = labels_get(s->labels, SPAN("instance")),
                               .parameter = name,
                               .before = amount(f, i, s->at[0].v),
                               .after = amount(f, i, s->at[1].v),
                               .before_ms = f->since_ms,
                               .at_ms = f->now_ms,
                               .is_resource = true});
    }
    return st;
}

enum status advise_changes(struct adviser *a, struct source *source, int64_t since_ms,
                           int64_t now_ms, struct arena *arena, struct change **out, size_t *n,
                           struct err *err)
{
    *out = NULL;
    *n = 0;
    if (now_ms <= since_ms)
        return OK;
    struct finder f = {.a = a,
                       .source = source,
                       .since_ms = since_ms,
                       .now_ms = now_ms,
                       .arena = arena,
                       .err = err};
    enum status st = by_fingerprint(&f);
    if (!st)
        st = without_fingerprint(&f);
    for (size_t i = 0; !st && i < RESOURCES; i++)
        st = by_resource(&f, i);
    arena_free(&f.work);
    *out = f.changes;
    *n = f.n;
    return st;
}
