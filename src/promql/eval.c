/* From the query to the result: the grid of steps, dispatch by node, limits, and what goes out. */
#include "promql/eval.h"

#include "base/clock.h"

#include <math.h>

enum { TICKS_PER_LOOK = 64 };

static const char too_many[] =
    "query processing would load too many samples into memory in query execution";

enum status eval_hold(struct eval *ev, size_t n)
{
    if (n > ev->held_max - ev->held)
        return err_set(ev->err, FULL, "%s", too_many);
    ev->held += n;
    return OK;
}

enum status eval_values(struct eval *ev, size_t n, double **out)
{
    enum status st = eval_hold(ev, n);
    if (st)
        return st;
    *out = arena_alloc(ev->arena, n * sizeof **out);
    return OK;
}

enum status eval_tick(struct eval *ev)
{
    return ev->ticks++ % TICKS_PER_LOOK == 0 ? eval_look(ev) : OK;
}

enum status eval_look(struct eval *ev)
{
    if (ev->q->cancelled && __atomic_load_n(ev->q->cancelled, __ATOMIC_RELAXED))
        return err_set(ev->err, AGAIN, "query was canceled in expression evaluation");
    if (ev->q->deadline_mono_ms && clock_mono_ms() >= ev->q->deadline_mono_ms)
        return err_set(ev->err, TIMED_OUT, "query timed out in expression evaluation");
    return OK;
}

/* What one step gave, at every step. */
static enum status broadcast(struct eval *ev, const struct grid *g, struct value *value)
{
    if (value->kind == VALUE_SCALAR && value->scalar.v)
        value->scalar = (struct scalar){.k = value->scalar.v[0]};
    if (value->kind != VALUE_VECTOR)
        return OK;
    for (size_t i = 0; i < value->vector.n; i++) {
        struct series *s = &value->vector.at[i];
        double v = series_at(s, 0);
        enum status st = eval_values(ev, g->n, &s->v);
        if (st)
            return st;
        for (size_t k = 0; k < g->n; k++)
            s->v[k] = v;
        s->from = 0;
        s->n = (uint32_t)g->n;
    }
    return OK;
}

static enum status eval_node(struct eval *ev, const struct expr *e, const struct grid *g,
                             struct value *out)
{
    *out = (struct value){.kind = e->type};
    switch (e->kind) {
    case NODE_NUMBER:
        out->scalar.k = e->number.v;
        return OK;
    case NODE_STRING:
        out->string = e->string;
        return OK;
    case NODE_SELECTOR:
        return eval_selector(ev, e->selector, g, out);
    case NODE_CALL:
        return eval_call(ev, e, g, out);
    case NODE_AGGREGATE:
        return eval_aggregate(ev, e, g, out);
    case NODE_BINARY:
        return eval_binary(ev, e, g, out);
    case NODE_UNARY:
        return eval_unary(ev, e, g, out);
    case NODE_PAREN:
        return eval_expr(ev, e->paren, g, out);
    case NODE_MATRIX:
    case NODE_SUBQUERY:
        break; /* their callers open them as ranges */
    }
    return eval_fault(ev, "a range vector cannot be evaluated here");
}

enum status eval_expr(struct eval *ev, const struct expr *e, const struct grid *g,
                      struct value *out)
{
    enum status st = eval_tick(ev);
    if (st)
        return st;
    if (!e->invariant || g->n == 1)
        return eval_node(ev, e, g, out);
    struct grid once = {g->start_ms, 0, 1};
    st = eval_node(ev, e, &once, out);
    return st ? st : broadcast(ev, g, out);
}

static enum status negate_scalar(struct eval *ev, const struct grid *g, struct scalar *s)
{
    s->k = -s->k;
    if (!s->v)
        return OK;
    double *v;
    enum status st = eval_values(ev, g->n, &v);
    if (st)
        return st;
    for (size_t i = 0; i < g->n; i++)
        v[i] = -s->v[i];
    s->v = v;
    return OK;
}

enum status eval_unary(struct eval *ev, const struct expr *e, const struct grid *g,
                       struct value *out)
{
    struct value inner = {0};
    enum status st = eval_expr(ev, e->unary.inner, g, &inner);
    *out = inner;
    if (st || !e->unary.minus)
        return st;
    if (inner.kind == VALUE_SCALAR)
        return negate_scalar(ev, g, &out->scalar);
    for (size_t i = 0; i < out->vector.n; i++) {
        struct series *s = &out->vector.at[i];
        for (size_t k = 0; k < s->n; k++)
            s->v[k] = is_absent(s->v[k]) ? s->v[k] : -s->v[k];
    }
    return vector_drop_names(ev, &out->vector, false);
}

/* ---- the result ---- */

static size_t present(const struct series *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += !is_absent(s->v[i]);
    return n;
}

/* The samples of one series; nothing when it has none. */
static bool series_out(struct eval *ev, const struct series *s, const struct grid *g,
                       struct result_series *out)
{
    size_t n = present(s);
    if (n == 0)
        return false;
    struct sample *at = arena_alloc(ev->arena, n * sizeof *at);
    *out = (struct result_series){.labels = s->labels, .at = at, .n = n};
    for (size_t i = 0; i < s->n; i++)
        if (!is_absent(s->v[i]))
            *at++ = (struct sample){grid_time(g, s->from + i), s->v[i]};
    return true;
}

static int compare_series(const void *a, const void *b)
{
    const struct result_series *x = a, *y = b;
    return labels_compare(x->labels, y->labels);
}

static void vector_out(struct eval *ev, const struct vector *v, const struct grid *g,
                       struct result *out)
{
    out->series = arena_alloc(ev->arena, MAX(v->n, 1u) * sizeof *out->series);
    for (size_t i = 0; i < v->n; i++)
        if (series_out(ev, &v->at[i], g, &out->series[out->n]))
            out->n++;
    if (out->kind == VALUE_MATRIX)
        qsort(out->series, out->n, sizeof *out->series, compare_series);
}

static void scalar_out(struct eval *ev, const struct scalar *s, const struct grid *g,
                       struct result *out)
{
    struct sample *at = arena_alloc(ev->arena, g->n * sizeof *at);
    for (size_t i = 0; i < g->n; i++)
        at[i] = (struct sample){grid_time(g, i), scalar_at(s, i)};
    out->series = ARENA_NEW(ev->arena, struct result_series);
    *out->series = (struct result_series){.at = at, .n = g->n};
    out->n = 1;
}

/* A range vector as it is: only in an instant query. */
static enum status matrix_out(struct eval *ev, const struct expr *e, const struct grid *g,
                              struct result *out)
{
    struct ranges ranges;
    enum status st = ranges_open(ev, e, g, SPAN(""), &ranges);
    if (st)
        return st;
    out->series = arena_alloc(ev->arena, MAX(ranges.n, 1u) * sizeof *out->series);
    for (size_t i = 0; i < ranges.n; i++) {
        struct raw raw;
        arena_reset(&ev->scratch);
        st = ranges.read(ev, &ranges, i, &raw);
        if (!st)
            st = eval_hold(ev, raw.n);
        if (st)
            return st;
        struct sample *at = arena_alloc(ev->arena, raw.n * sizeof *at);
        size_t n = 0;
        for (size_t k = 0; k < raw.n; k++)
            if (raw.t_ms[k] <= ranges.end_ms)
                at[n++] = (struct sample){raw.t_ms[k], raw.v[k]};
        if (n > 0)
            out->series[out->n++] = (struct result_series){ranges.labels(&ranges, i), at, n};
    }
    qsort(out->series, out->n, sizeof *out->series, compare_series);
    return OK;
}

static enum status result_fill(struct eval *ev, const struct grid *g, bool instant,
                               struct result *out)
{
    const struct expr *e = ev->q->expr;
    *out = (struct result){.kind = e->type, .t_ms = ev->q->start_ms};
    if (e->type == VALUE_MATRIX) {
        if (!instant)
            return eval_fault(ev, "invalid expression type \"range vector\" for range query, must "
                                  "be Scalar or instant Vector");
        return matrix_out(ev, expr_bare(e), g, out);
    }
    if (e->type == VALUE_STRING && !instant)
        return eval_fault(ev, "invalid expression type \"string\" for range query, must be Scalar "
                              "or instant Vector");
    struct value value;
    enum status st = eval_expr(ev, e, g, &value);
    if (st)
        return st;
    out->string = value.string;
    if (!instant)
        out->kind = VALUE_MATRIX;
    if (value.kind == VALUE_SCALAR && instant)
        out->scalar = scalar_at(&value.scalar, 0);
    else if (value.kind == VALUE_SCALAR)
        scalar_out(ev, &value.scalar, g, out);
    if (value.kind != VALUE_VECTOR)
        return OK;
    if (ev->q->delayed_name_removal) {
        for (size_t i = 0; i < value.vector.n; i++)
            if (value.vector.at[i].drop_name)
                value.vector.at[i].labels =
                    labels_without_name(ev->arena, value.vector.at[i].labels);
        st = vector_unique(ev, &value.vector, false,
                           "vector cannot contain metrics with the same labelset");
        if (st)
            return st;
    }
    vector_out(ev, &value.vector, g, out);
    return OK;
}

static enum status grid_of(const struct query *q, struct grid *out, struct err *err)
{
    if (q->step_ms == 0) {
        *out = (struct grid){q->start_ms, 0, 1};
        return OK;
    }
    if (q->step_ms < 0 || q->end_ms < q->start_ms)
        return err_set(err, INVALID, "end timestamp must not be before start time");
    uint64_t steps = ((uint64_t)q->end_ms - (uint64_t)q->start_ms) / (uint64_t)q->step_ms;
    if (steps > PROMQL_POINTS_MAX) /* so 11,001 points pass, as in Prometheus */
        return err_set(err, INVALID,
                       "exceeded maximum resolution of 11,000 points per timeseries. Try "
                       "decreasing the query resolution (?step=XX)");
    *out = (struct grid){q->start_ms, q->step_ms, (size_t)steps + 1};
    return OK;
}

enum status promql_eval(const struct query *q, struct source *source, struct arena *arena,
                        struct result *out, struct err *err)
{
    struct grid grid = {0};
    enum status st = grid_of(q, &grid, err);
    if (st)
        return st;
    struct eval ev = {
        .q = q,
        .source = source,
        .arena = arena,
        .err = err,
        .text = CONTAINER_OF(q->expr, const struct tree, root)->text,
        .lookback_ms = q->lookback_ms ? q->lookback_ms : PROMQL_LOOKBACK_MS,
        .held_max = q->samples_max ? q->samples_max : PROMQL_SAMPLES_MAX,
    };
    st = result_fill(&ev, &grid, q->step_ms == 0, out);
    arena_free(&ev.scratch);
    if (st)
        return st;
    notes_collect(&ev, ev.warnings, &out->warnings, &out->n_warnings);
    notes_collect(&ev, ev.infos, &out->infos, &out->n_infos);
    out->samples_read = ev.samples_read;
    out->samples_held = ev.held;
    return OK;
}
