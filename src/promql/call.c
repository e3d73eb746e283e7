/* Function calls over instant vectors and scalars. */
#include "promql/call.h"

#include "promql/functions.h"
#include "promql/range.h"

#include <math.h>

const char *number_text(struct eval *ev, double v)
{
    auto_buf text = {0};
    buf_double(&text, v);
    return arena_dup(ev->arena, buf_text(&text));
}

/* ---- one value in, one out ---- */

static enum status call_math(struct eval *ev, double (*math)(double), struct value *args,
                             struct value *out)
{
    out->vector = args[0].vector;
    for (size_t i = 0; i < out->vector.n; i++) {
        struct series *s = &out->vector.at[i];
        for (size_t k = 0; k < s->n; k++)
            if (!is_absent(s->v[k]))
                s->v[k] = math(s->v[k]);
    }
    return vector_drop_names(ev, &out->vector, false);
}

static enum status now_vector(struct eval *ev, const struct grid *g, struct value *out)
{
    struct series *s = ARENA_NEW(ev->arena, struct series);
    s->n = (uint32_t)g->n;
    enum status st = eval_values(ev, g->n, &s->v);
    if (st)
        return st;
    for (size_t i = 0; i < g->n; i++)
        s->v[i] = (double)grid_time(g, i) / 1000;
    out->vector = (struct vector){s, 1};
    return OK;
}

static enum status call_calendar(struct eval *ev, const struct function *f, const struct grid *g,
                                 size_t n_args, struct value *args, struct value *out)
{
    if (n_args == 0) {
        enum status st = now_vector(ev, g, out);
        if (st)
            return st;
        /* Whole seconds: the evaluation time's milliseconds do not count. */
        for (size_t i = 0; i < g->n; i++)
            out->vector.at[0].v[i] = trunc(out->vector.at[0].v[i]);
        f->calendar(out->vector.at[0].v, g->n);
        return OK;
    }
    out->vector = args[0].vector;
    for (size_t i = 0; i < out->vector.n; i++)
        f->calendar(out->vector.at[i].v, out->vector.at[i].n);
    return vector_drop_names(ev, &out->vector, false);
}

enum status eval_call(struct eval *ev, const struct expr *e, const struct grid *g,
                      struct value *out)
{
    const struct function *f = e->call.function;
    if (f->range)
        return eval_range_call(ev, e, g, out);
    if (f->ranges)
        return f->ranges(ev, e, g, out);
    struct value *args = arena_alloc(ev->arena, (e->call.n + 1) * sizeof *args);
    for (size_t i = 0; i < e->call.n; i++) {
        const struct expr *arg = expr_bare(e->call.args[i]);
        enum status st = f->of_selector && arg->kind == NODE_SELECTOR
                             ? eval_selector_times(ev, arg->selector, g, &args[i])
                             : eval_expr(ev, arg, g, &args[i]);
        if (st)
            return st;
    }
    if (f->math)
        return call_math(ev, f->math, args, out);
    if (f->calendar)
        return call_calendar(ev, f, g, e->call.n, args, out);
    return f->call(ev, e, g, args, out);
}

/* ---- with scalars beside the vector ---- */

/* Go's math.Max and math.Min: NaN wins, and 0 is greater than -0. */
static double greater(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isinf(a) && a > 0 ? a : isinf(b) && b > 0 ? b : bits_double(NORMAL_NAN_BITS);
    if (a == 0 && b == 0)
        return signbit(a) ? b : a;
    return a > b ? a : b;
}

static double lesser(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isinf(a) && a < 0 ? a : isinf(b) && b < 0 ? b : bits_double(NORMAL_NAN_BITS);
    if (a == 0 && b == 0)
        return signbit(a) ? a : b;
    return a < b ? a : b;
}

static enum status clamp(struct eval *ev, struct value *args, struct scalar least,
                         struct scalar most, struct value *out)
{
    out->vector = args[0].vector;
    for (size_t i = 0; i < out->vector.n; i++) {
        struct series *s = &out->vector.at[i];
        for (size_t k = 0; k < s->n; k++) {
            double low = scalar_at(&least, s->from + k), high = scalar_at(&most, s->from + k);
            if (high < low)
                s->v[k] = ABSENT;
            else if (!is_absent(s->v[k]))
                s->v[k] = greater(low, lesser(high, s->v[k]));
        }
    }
    return vector_drop_names(ev, &out->vector, false);
}

CALL(clamp)
{
    (void)e, (void)g;
    return clamp(ev, args, args[1].scalar, args[2].scalar, out);
}

CALL(clamp_min)
{
    (void)e, (void)g;
    return clamp(ev, args, args[1].scalar, (struct scalar){.k = INFINITY}, out);
}

CALL(clamp_max)
{
    (void)e, (void)g;
    return clamp(ev, args, (struct scalar){.k = -INFINITY}, args[1].scalar, out);
}

CALL(round)
{
    (void)g;
    struct scalar nearest = e->call.n > 1 ? args[1].scalar : (struct scalar){.k = 1};
    out->vector = args[0].vector;
    for (size_t i = 0; i < out->vector.n; i++) {
        struct series *s = &out->vector.at[i];
        for (size_t k = 0; k < s->n; k++) {
            /* The inverse makes fewer rounding errors: 0.1 is not exact, 10 is. */
            double inverse = 1.0 / scalar_at(&nearest, s->from + k);
            if (!is_absent(s->v[k]))
                s->v[k] = floor(s->v[k] * inverse + 0.5) / inverse;
        }
    }
    return vector_drop_names(ev, &out->vector, false);
}

/* ---- between kinds ---- */

CALL(scalar)
{
    (void)e;
    double *v;
    enum status st = eval_values(ev, g->n, &v);
    if (st)
        return st;
    for (size_t i = 0; i < g->n; i++)
        v[i] = ABSENT;
    const struct vector *from = &args[0].vector;
    for (size_t i = 0; i < from->n; i++)
        for (size_t k = 0; k < from->at[i].n; k++) {
            double *to = &v[from->at[i].from + k], x = from->at[i].v[k];
            if (!is_absent(x)) /* of several there is none */
                *to = is_absent(*to) ? x : bits_double(NORMAL_NAN_BITS);
        }
    for (size_t i = 0; i < g->n; i++)
        if (is_absent(v[i]))
            v[i] = bits_double(NORMAL_NAN_BITS);
    out->scalar.v = v;
    return OK;
}

CALL(vector)
{
    (void)e;
    struct series *s = ARENA_NEW(ev->arena, struct series);
    s->n = (uint32_t)g->n;
    enum status st = eval_values(ev, g->n, &s->v);
    if (st)
        return st;
    for (size_t i = 0; i < g->n; i++)
        s->v[i] = scalar_at(&args[0].scalar, i);
    out->vector = (struct vector){s, 1};
    return OK;
}

CALL(time)
{
    (void)e, (void)args;
    struct value now = {0};
    enum status st = now_vector(ev, g, &now);
    if (!st)
        out->scalar.v = now.vector.at[0].v;
    return st;
}

CALL(pi)
{
    (void)ev, (void)e, (void)g, (void)args;
    out->scalar.k = M_PI;
    return OK;
}

CALL(timestamp)
{
    out->vector = args[0].vector;
    bool of_samples = expr_bare(e->call.args[0])->kind == NODE_SELECTOR;
    for (size_t i = 0; i < out->vector.n && !of_samples; i++) {
        struct series *s = &out->vector.at[i];
        for (size_t k = 0; k < s->n; k++)
            if (!is_absent(s->v[k]))
                s->v[k] = (double)grid_time(g, s->from + k) / 1000;
    }
    return vector_drop_names(ev, &out->vector, false);
}

/* ---- absent ---- */

struct labels labels_of_absent(struct eval *ev, const struct expr *e)
{
    e = expr_bare(e);
    struct labels l = {0};
    if (e->kind != NODE_SELECTOR && e->kind != NODE_MATRIX)
        return l;
    const struct selector *s = e->selector;
    for (size_t i = 0; i < s->n; i++) {
        const struct matcher *m = &s->matchers[i];
        if (span_is(m->name, LABEL_NAME))
            continue;
        /* A second matcher of a label leaves it open again. */
        bool again = m->kind != MATCH_EQUAL;
        for (size_t k = 0; k < i; k++)
            again |= s->matchers[k].kind == MATCH_EQUAL && span_eq(s->matchers[k].name, m->name);
        l = labels_with(ev->arena, l, m->name, again ? SPAN("") : m->value);
    }
    return l;
}

CALL(absent)
{
    struct series *s = ARENA_NEW(ev->arena, struct series);
    *s = (struct series){.labels = labels_of_absent(ev, e->call.args[0]), .n = (uint32_t)g->n};
    enum status st = eval_values(ev, g->n, &s->v);
    if (st)
        return st;
    for (size_t i = 0; i < g->n; i++)
        s->v[i] = 1;
    const struct vector *from = &args[0].vector;
    for (size_t i = 0; i < from->n; i++)
        for (size_t k = 0; k < from->at[i].n; k++)
            if (!is_absent(from->at[i].v[k]))
                s->v[from->at[i].from + k] = ABSENT;
    out->vector = (struct vector){s, 1};
    return OK;
}

/* ---- sort ---- */

struct sort_key {
    double v;
    size_t i;
};

static int compare_keys(const struct sort_key *x, const struct sort_key *y, bool descending)
{
    if (isnan(x->v) || isnan(y->v)) { /* NaN goes last either way */
        if (!isnan(x->v) || !isnan(y->v))
            return isnan(x->v) ? 1 : -1;
    } else if (x->v != y->v) {
        return (x->v < y->v) == descending ? 1 : -1;
    }
    return x->i < y->i ? -1 : x->i > y->i;
}

static int compare_up(const void *a, const void *b)
{
    return compare_keys(a, b, false);
}

static int compare_down(const void *a, const void *b)
{
    return compare_keys(a, b, true);
}

static enum status sort(struct eval *ev, const struct expr *e, const struct grid *g,
                        struct value *args, struct value *out, bool descending)
{
    out->vector = args[0].vector;
    struct vector *v = &out->vector;
    if (g->n > 1) {
        eval_warn(ev, e->pos,
                  "sort is ineffective for range queries since results are always ordered by "
                  "labels");
        return OK;
    }
    struct sort_key *keys = arena_alloc(ev->arena, (v->n + 1) * sizeof *keys);
    for (size_t i = 0; i < v->n; i++)
        keys[i] = (struct sort_key){series_at(&v->at[i], 0), i};
    qsort(keys, v->n, sizeof *keys, descending ? compare_down : compare_up);
    struct series *sorted = arena_alloc(ev->arena, (v->n + 1) * sizeof *sorted);
    for (size_t i = 0; i < v->n; i++)
        sorted[i] = v->at[keys[i].i];
    v->at = sorted;
    return OK;
}

CALL(sort)
{
    return sort(ev, e, g, args, out, false);
}

CALL(sort_desc)
{
    return sort(ev, e, g, args, out, true);
}
