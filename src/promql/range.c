/* Calls of functions over range vectors: reads series after series and hands each to its
 * function. */
#include "promql/range.h"

#include "promql/functions.h"

#include <math.h>

/* Steps whose range can hold a sample of the series. */
static bool steps_in_reach(struct range_run *r, size_t steps)
{
    r->first = 0;
    r->n = steps;
    if (r->raw.n == 0)
        return false;
    int64_t begin = r->raw.t_ms[0] - r->end_ms;
    int64_t end = r->raw.t_ms[r->raw.n - 1] - r->end_ms + r->range_ms;
    if (!r->closed)
        end--;
    if (end < 0)
        return false;
    if (r->step_ms == 0)
        return begin <= 0;
    if (begin > 0)
        r->first = (size_t)((begin + r->step_ms - 1) / r->step_ms);
    size_t last = MIN(steps - 1, (size_t)(end / r->step_ms));
    if (r->first > last)
        return false;
    r->n = last - r->first + 1;
    return true;
}

static enum status run_series(struct eval *ev, struct ranges *ranges, size_t i, struct range_run *r,
                              void (*function)(struct range_run *), size_t steps,
                              struct vector *out)
{
    arena_reset(&ev->scratch);
    enum status st = eval_tick(ev);
    if (!st)
        st = ranges->read(ev, ranges, i, &r->raw);
    if (st || !steps_in_reach(r, steps))
        return st;
    struct series *s = &out->at[out->n];
    *s = (struct series){.labels = ranges->labels(ranges, i),
                         .from = (uint32_t)r->first,
                         .n = (uint32_t)r->n,
                         .drop_name = ranges->drop_name(ranges, i)};
    st = eval_values(ev, s->n, &s->v);
    if (st)
        return st;
    r->out = s->v;
    function(r);
    if (r->status)
        return r->status;
    size_t k = 0;
    while (k < s->n && is_absent(s->v[k]))
        k++;
    if (k < s->n)
        out->n++;
    return OK;
}

static enum status eval_scalars(struct eval *ev, const struct expr *e, const struct grid *g,
                                struct range_run *r, const struct expr **matrix)
{
    size_t n = 0;
    for (size_t i = 0; i < e->call.n; i++) {
        const struct expr *arg = e->call.args[i];
        if (arg->type == VALUE_MATRIX) {
            *matrix = arg;
            continue;
        }
        struct value value;
        enum status st = eval_expr(ev, arg, g, &value);
        if (st)
            return st;
        r->scalar_args[n] = arg;
        r->scalars[n++] = value.scalar;
    }
    return OK;
}

/* Prometheus thinks that counters end so. */
static bool named_as_counter(struct span name)
{
    return span_ends(name, SPAN("_total")) || span_ends(name, SPAN("_sum")) ||
           span_ends(name, SPAN("_count")) || span_ends(name, SPAN("_bucket"));
}

static void inform_not_counter(struct eval *ev, const struct expr *matrix, const struct vector *v)
{
    struct span last = SPAN("");
    for (size_t i = 0; i < v->n; i++) {
        struct span name = labels_metric(v->at[i].labels);
        if (name.len == 0 || span_eq(name, last) || named_as_counter(name))
            continue;
        last = name;
        eval_inform(ev, matrix->pos,
                    "metric might not be a counter, name does not end in "
                    "_total/_sum/_count/_bucket: \"%.*s\"",
                    SPAN_ARG(name));
    }
}

static enum status run_all(struct eval *ev, const struct expr *matrix, const struct expr *e,
                           const struct grid *g, struct range_run *r, struct vector *out)
{
    struct ranges ranges;
    enum status st = ranges_open(ev, matrix, g, span_of(e->call.function->name), &ranges);
    if (st)
        return st;
    r->end_ms = ranges.end_ms;
    r->step_ms = ranges.step_ms;
    r->range_ms = ranges.range_ms;
    out->at = arena_alloc(ev->arena, MAX(ranges.n, 1u) * sizeof *out->at);
    for (size_t i = 0; i < ranges.n && !st; i++)
        st = run_series(ev, &ranges, i, r, e->call.function->range, g->n, out);
    return st;
}

enum status eval_range_call(struct eval *ev, const struct expr *e, const struct grid *g,
                            struct value *out)
{
    struct range_run r = {.ev = ev,
                          .closed = ev->q->rules_of_2,
                          .grid_start_ms = g->start_ms,
                          .grid_step_ms = g->step_ms};
    const struct expr *matrix = e->call.args[0];
    enum status st = eval_scalars(ev, e, g, &r, &matrix);
    if (!st)
        st = run_all(ev, matrix, e, g, &r, &out->vector);
    if (st)
        return st;
    const struct function *f = e->call.function;
    if (f->range == range_rate || f->range == range_increase)
        inform_not_counter(ev, matrix, &out->vector);
    return f->keeps_name ? OK : vector_drop_names(ev, &out->vector, true);
}

/* ---- absent_over_time ---- */

static void mark_present(struct range_run *r)
{
    for (window_first(r); window_there(r); window_next(r))
        if (window_count(r) > 0)
            r->out[r->first + r->step] = ABSENT;
}

enum status eval_absent_over_time(struct eval *ev, const struct expr *e, const struct grid *g,
                                  struct value *out)
{
    const struct expr *matrix = e->call.args[0];
    struct ranges ranges;
    enum status st = ranges_open(ev, matrix, g, SPAN("absent_over_time"), &ranges);
    struct range_run r = {.ev = ev,
                          .closed = ev->q->rules_of_2,
                          .end_ms = ranges.end_ms,
                          .step_ms = ranges.step_ms,
                          .range_ms = ranges.range_ms};
    if (!st)
        st = eval_values(ev, g->n, &r.out);
    if (st)
        return st;
    for (size_t i = 0; i < g->n; i++)
        r.out[i] = 1;
    for (size_t i = 0; i < ranges.n; i++) {
        arena_reset(&ev->scratch);
        st = eval_tick(ev);
        if (!st)
            st = ranges.read(ev, &ranges, i, &r.raw);
        if (st)
            return st;
        if (steps_in_reach(&r, g->n))
            mark_present(&r);
    }
    struct series *s = ARENA_NEW(ev->arena, struct series);
    *s = (struct series){.labels = labels_of_absent(ev, matrix), .v = r.out, .n = (uint32_t)g->n};
    out->vector = (struct vector){s, 1};
    return OK;
}
