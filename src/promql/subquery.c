/* A subquery: an instant expression over its own grid, read as a range vector. */
#include "promql/eval.h"

static struct labels inner_labels(const struct ranges *r, size_t i)
{
    return r->inner.at[i].labels;
}

static bool inner_drop_name(const struct ranges *r, size_t i)
{
    return r->inner.at[i].drop_name;
}

static enum status inner_read(struct eval *ev, struct ranges *r, size_t i, struct raw *out)
{
    const struct series *s = &r->inner.at[i];
    *out = (struct raw){.t_ms = r->times + s->from, .v = s->v, .n = s->n};
    size_t kept = 0;
    while (kept < s->n && !is_absent(s->v[kept]))
        kept++;
    if (kept == s->n)
        return OK;
    int64_t *t = arena_alloc(&ev->scratch, s->n * sizeof *t);
    double *v = arena_alloc(&ev->scratch, s->n * sizeof *v);
    size_t n = 0;
    for (size_t k = 0; k < s->n; k++) {
        if (is_absent(s->v[k]))
            continue;
        t[n] = r->times[s->from + k];
        v[n++] = s->v[k];
    }
    *out = (struct raw){.t_ms = t, .v = v, .n = n};
    return OK;
}

static int64_t floor_to(int64_t ms, int64_t step)
{
    return ms / step * step; /* towards zero, as Prometheus does it */
}

/* The first multiple of the step behind the far end of the first range. */
static int64_t first_step(const struct eval *ev, int64_t far_end, int64_t step)
{
    int64_t first = floor_to(far_end, step);
    bool before = ev->q->rules_of_2 ? first < far_end : first <= far_end;
    return before ? first + step : first;
}

enum status ranges_open_subquery(struct eval *ev, const struct expr *e, const struct grid *g,
                                 struct ranges *out)
{
    *out = (struct ranges){.labels = inner_labels,
                           .drop_name = inner_drop_name,
                           .read = inner_read,
                           .range_ms = e->subquery.range_ms};
    when_resolve(ev, &e->subquery.when, g, &out->end_ms, &out->step_ms);
    int64_t step = e->subquery.step_ms       ? e->subquery.step_ms
                   : ev->q->subquery_step_ms ? ev->q->subquery_step_ms
                                             : PROMQL_SUBQUERY_STEP_MS;
    int64_t start = first_step(ev, out->end_ms - out->range_ms, step);
    int64_t end = out->end_ms + (int64_t)(g->n - 1) * out->step_ms;
    if (end < start)
        return OK;
    out->grid = (struct grid){start, step, (size_t)((end - start) / step) + 1};
    enum status st = eval_hold(ev, out->grid.n);
    if (st)
        return st;
    out->times = arena_alloc(ev->arena, out->grid.n * sizeof *out->times);
    for (size_t i = 0; i < out->grid.n; i++)
        out->times[i] = grid_time(&out->grid, i);
    struct value inner;
    st = eval_expr(ev, e->subquery.inner, &out->grid, &inner);
    out->inner = inner.vector;
    out->n = st ? 0 : inner.vector.n;
    return st;
}
