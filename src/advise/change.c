/* What changed on hosts: kernel parameters and resources, by whomever. The agent's fingerprint of
 * all parameters tells which hosts to look at closely, so that a tick without changes costs one
 * series a host.
 *
 * What was seen last is remembered, not looked up at the time of the last look: samples arrive
 * late, after an outage by hours, and would then look as if they had been there already. */
#include "advise/tick.h"

#include "advise/verify.h"
#include "series/parameter.h"

#include <stdio.h>

enum { CLOSE_POINTS = 6, POINTS = CLOSE_POINTS + 1 };

enum { SEEN_FOR_MS = 24 * 3600 * 1000 };

/* By host and by what it is of. */
struct seen {
    double v;
    int64_t at_ms; /* of the sample; of the look where that is all that counts */
    char key[];    /* see seen_key */
};

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
    struct buf key;
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

/* ---- what was seen last ---- */

/* Until the next one is asked for. */
static struct span seen_key(struct finder *f, struct span instance, const char *of)
{
    buf_clear(&f->key);
    buf_printf(&f->key, "%.*s\n%s", SPAN_ARG(instance), of);
    return buf_view(&f->key);
}

static struct seen *seen_last(struct finder *f, struct span instance, const char *of)
{
    return map_get(&f->a->seen, seen_key(f, instance, of));
}

static void see(struct finder *f, struct span instance, const char *of, double v, int64_t at_ms)
{
    struct span key = seen_key(f, instance, of);
    struct seen *s = map_get(&f->a->seen, key);
    if (!s) {
        s = mem_zero(1, sizeof *s + key.len + 1);
        memcpy(s->key, key.at, key.len);
        map_put(&f->a->seen, span_of(s->key), s);
    }
    s->v = v;
    s->at_ms = at_ms;
}

/* Once a day: hosts come and go. */
static void forget_old(struct finder *f)
{
    struct map_slot *slot;
    if (f->now_ms / SEEN_FOR_MS == f->since_ms / SEEN_FOR_MS)
        return;
    for (size_t at = 0; (slot = map_next(&f->a->seen, &at));) {
        struct seen *s = slot->value;
        if (s->at_ms >= f->now_ms - SEEN_FOR_MS)
            continue;
        map_remove(&f->a->seen, slot->key);
        free(s);
    }
}

void seen_free(struct map *seen)
{
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(seen, &at));)
        free(slot->value);
    map_free(seen);
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

/* The times at which a host's parameters are compared. */
struct points {
    int64_t from_ms, step_ms;
};

/* point < 0: by time, of a range. */
static void take(struct finder *f, struct map *all, const struct result *r, int point,
                 struct points times)
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
            int64_t at = point >= 0 ? point : (s->t_ms - times.from_ms) / times.step_ms;
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
                    struct points times)
{
    for (size_t k = 1, last = 0; k < POINTS; k++) {
        if (isnan(p->v[0][k]))
            continue;
        if (differs(p, last, k))
            add(f, (struct change){.instance = instance,
                                   .parameter = arena_dup_span(&f->work, p->name),
                                   .before = text_of(f, p, last),
                                   .after = text_of(f, p, k),
                                   .before_ms = times.from_ms + (int64_t)last * times.step_ms,
                                   .at_ms = times.from_ms + (int64_t)k * times.step_ms});
        last = k;
    }
}

/* returned: it was away at from_ms, its last values may be a day old. */
static enum status look_closely(struct finder *f, struct span instance, int64_t from_ms,
                                bool returned)
{
    struct one_host one;
    struct source *source = one_host_face(&one, f->source, instance);
    const struct rules *rules = f->a->rules;
    struct points times = {from_ms, MAX((f->now_ms - from_ms) / CLOSE_POINTS, (int64_t)1)};
    CLEANUP(map_free) struct map all = {0};
    struct result r;
    enum status st = OK;
    if (returned) {
        st = eval(f, source, &rules->sysctls_before, from_ms, from_ms, 0, &r);
        if (!st)
            take(f, &all, &r, 0, times);
    }
    if (!st)
        st = eval(f, source, &rules->sysctls, from_ms, from_ms + CLOSE_POINTS * times.step_ms,
                  times.step_ms, &r);
    if (st)
        return st;
    take(f, &all, &r, -1, times);
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&all, &at));)
        compare(f, instance, slot->value, times);
    return OK;
}

/* ---- which hosts to look at ---- */

/* When the fingerprints that were seen now were taken. */
static enum status note_times(struct finder *f)
{
    struct result r;
    enum status st = eval(f, f->source, &f->a->rules->printed, f->now_ms, f->now_ms, 0, &r);
    for (size_t i = 0; !st && i < r.n; i++) {
        struct seen *s = seen_last(f, labels_get(r.series[i].labels, SPAN("instance")), "");
        if (s)
            s->at_ms = (int64_t)(1000 * r.series[i].at[0].v);
    }
    return st;
}

static enum status by_fingerprint(struct finder *f)
{
    struct result r;
    int64_t step = f->now_ms - f->since_ms;
    enum status st =
        eval(f, f->source, &f->a->rules->fingerprint, f->since_ms, f->now_ms, step, &r);
    for (size_t i = 0; !st && i < r.n; i++) {
        const struct result_series *s = &r.series[i];
        struct span instance = labels_get(s->labels, SPAN("instance"));
        const struct seen *last = seen_last(f, instance, "");
        bool before = s->n && s->at[0].t_ms <= f->since_ms;
        if (!s->n || s->at[s->n - 1].t_ms <= f->since_ms)
            continue; /* it is away */
        double print = s->at[s->n - 1].v;
        if (last ? last->v != print : !before || s->at[0].v != print)
            st = look_closely(f, instance, last ? last->at_ms : f->since_ms, !last && !before);
        if (!st) /* else it is looked at again */
            see(f, instance, "", print, f->now_ms);
    }
    return st ? st : note_times(f);
}

/* Agents and importers that send no fingerprint. */
static enum status without_fingerprint(struct finder *f)
{
    struct result r;
    enum status st = eval(f, f->source, &f->a->rules->unprinted, f->now_ms, f->now_ms, 0, &r);
    for (size_t i = 0; !st && i < r.n; i++)
        st = look_closely(f, labels_get(r.series[i].labels, SPAN("instance")), f->since_ms, false);
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
        struct span instance = labels_get(s->labels, SPAN("instance"));
        const char *name = resources[i].name;
        if (resources[i].label)
            name = arena_printf(&f->work, "%s %.*s", name,
                                SPAN_ARG(labels_get(s->labels, span_of(resources[i].label))));
        if (!s->n || s->at[s->n - 1].t_ms <= f->since_ms)
            continue; /* it is away */
        const struct seen *last = seen_last(f, instance, name);
        double before = last ? last->v : s->at[0].v, after = s->at[s->n - 1].v;
        if (fabs(after - before) > resource_step * before)
            add(f, (struct change){.instance = instance,
                                   .parameter = name,
                                   .before = amount(f, i, before),
                                   .after = amount(f, i, after),
                                   .before_ms = last ? last->at_ms : f->since_ms,
                                   .at_ms = f->now_ms,
                                   .is_resource = true});
        see(f, instance, name, after, f->now_ms);
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
    forget_old(&f);
    arena_free(&f.work);
    buf_free(&f.key);
    *out = f.changes;
    *n = f.n;
    return st;
}
