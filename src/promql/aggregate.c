/* sum, avg, count, min, max, group, stddev, stdvar: every series is added to its group, all
 * steps at once. */
#include "promql/aggregate.h"

#include "promql/range.h"

#include <math.h>

/* One group at one step. */
struct cell {
    double value, c; /* a running sum and what rounding took from it, or the result so far */
    double mean;
    uint32_t count;
    bool stepwise; /* avg: the sum got too large, the mean is kept instead */
};

typedef void (*cell_add)(struct cell *cell, double v);

static void add_sum(struct cell *cell, double v)
{
    if (cell->count++ == 0)
        cell->value = v;
    else
        kahan_add(v, &cell->value, &cell->c);
}

static void add_avg(struct cell *cell, double v)
{
    if (cell->count++ == 0) {
        cell->value = v;
        return;
    }
    double count = cell->count;
    if (!cell->stepwise) {
        double next = cell->value, next_c = cell->c;
        kahan_add(v, &next, &next_c);
        if (!isinf(next)) {
            cell->value = next;
            cell->c = next_c;
            return;
        }
        cell->stepwise = true;
        cell->mean = cell->value / (count - 1);
        cell->c /= count - 1;
    }
    double q = (count - 1) / count;
    cell->mean *= q;
    cell->c *= q;
    kahan_add(v / count, &cell->mean, &cell->c);
}

static void add_count(struct cell *cell, double v UNUSED)
{
    cell->count++;
}

static void add_min(struct cell *cell, double v)
{
    if (cell->count++ == 0 || cell->value > v || isnan(cell->value))
        cell->value = v;
}

static void add_max(struct cell *cell, double v)
{
    if (cell->count++ == 0 || cell->value < v || isnan(cell->value))
        cell->value = v;
}

static void add_deviation(struct cell *cell, double v)
{
    if (cell->count++ == 0) {
        cell->mean = v;
        cell->value = isfinite(v) ? 0 : bits_double(NORMAL_NAN_BITS);
        return;
    }
    double delta = v - cell->mean;
    cell->mean += delta / cell->count;
    cell->value += delta * (v - cell->mean);
}

static double cell_result(enum aggregate_kind op, const struct cell *cell)
{
    if (cell->count == 0)
        return ABSENT;
    double count = cell->count;
    switch (op) {
    case AGGREGATE_SUM:
        return cell->value + cell->c;
    case AGGREGATE_AVG:
        return cell->stepwise ? cell->mean + cell->c : cell->value / count + cell->c / count;
    case AGGREGATE_COUNT:
        return count;
    case AGGREGATE_GROUP:
        return 1;
    case AGGREGATE_STDVAR:
        return cell->value / count;
    case AGGREGATE_STDDEV:
        return sqrt(cell->value / count);
    default:
        return cell->value;
    }
}

static inline __attribute__((always_inline)) void add_all(struct cell *cells,
                                                          const struct series *s, cell_add add)
{
    for (size_t i = 0; i < s->n; i++)
        if (!is_absent(s->v[i]))
            add(&cells[i], s->v[i]);
}

/* The switch stands outside the loops, so that each is compiled for its operation. */
static void add_series(enum aggregate_kind op, struct cell *cells, const struct series *s)
{
    switch (op) {
    case AGGREGATE_SUM:
        add_all(cells, s, add_sum);
        return;
    case AGGREGATE_AVG:
        add_all(cells, s, add_avg);
        return;
    case AGGREGATE_MIN:
        add_all(cells, s, add_min);
        return;
    case AGGREGATE_MAX:
        add_all(cells, s, add_max);
        return;
    case AGGREGATE_STDDEV:
    case AGGREGATE_STDVAR:
        add_all(cells, s, add_deviation);
        return;
    default:
        add_all(cells, s, add_count);
        return;
    }
}

void aggregation_labels(struct eval *ev, const struct aggregation *a, struct vector *out)
{
    out->n = a->groups.n;
    out->at = ARENA_ARRAY(ev->arena, struct series, out->n);
    for (size_t i = 0; i < out->n; i++)
        out->at[i].labels = projection_apply(&a->groups.projection, ev->arena, a->groups.first[i]);
    for (size_t i = 0; i < a->in.n; i++)
        out->at[a->ids[i]].drop_name |= a->in.at[i].drop_name;
}

void aggregation_members(struct eval *ev, const struct aggregation *a, size_t **first,
                         size_t **order)
{
    *first = ARENA_ARRAY(ev->arena, size_t, a->groups.n + 2);
    *order = ARENA_ARRAY(ev->arena, size_t, a->in.n + 1);
    size_t *at = *first + 1; /* ends up as the first of the next group */
    for (size_t i = 0; i < a->in.n; i++)
        at[a->ids[i] + 1]++;
    for (size_t i = 1; i <= a->groups.n; i++)
        at[i] += at[i - 1];
    for (size_t i = 0; i < a->in.n; i++)
        (*order)[at[a->ids[i]]++] = i;
}

/* The steps from the first to the last that any series of a group has. */
static void group_extents(const struct aggregation *a, struct vector *out)
{
    for (size_t i = 0; i < out->n; i++)
        out->at[i].from = UINT32_MAX;
    for (size_t i = 0; i < a->in.n; i++) {
        const struct series *s = &a->in.at[i];
        struct series *to = &out->at[a->ids[i]];
        to->from = MIN(to->from, s->from);
        to->n = MAX(to->n, s->from + s->n); /* the end for now */
    }
    for (size_t i = 0; i < out->n; i++)
        out->at[i].n -= out->at[i].from;
}

/* A series of the group that covers all its steps lends its array to the result. */
static enum status group_array(struct eval *ev, const struct aggregation *a, struct series *to,
                               const size_t *members, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct series *s = &a->in.at[members[i]];
        if (s->from == to->from && s->n == to->n) {
            to->v = s->v;
            return OK;
        }
    }
    return eval_values(ev, to->n, &to->v);
}

static enum status aggregate_group(struct eval *ev, const struct aggregation *a, struct series *to,
                                   struct cell *cells, const size_t *members, size_t n)
{
    enum aggregate_kind op = a->e->aggregate.op;
    memset(cells, 0, to->n * sizeof *cells);
    for (size_t i = 0; i < n; i++) {
        const struct series *s = &a->in.at[members[i]];
        enum status st = eval_tick(ev);
        if (st)
            return st;
        add_series(op, cells + (s->from - to->from), s);
    }
    enum status st = group_array(ev, a, to, members, n);
    for (size_t i = 0; i < to->n && !st; i++)
        to->v[i] = cell_result(op, &cells[i]);
    return st;
}

static enum status aggregate_simple(struct eval *ev, const struct aggregation *a,
                                    struct vector *out)
{
    size_t *first, *order, longest = 0;
    aggregation_labels(ev, a, out);
    aggregation_members(ev, a, &first, &order);
    group_extents(a, out);
    for (size_t i = 0; i < out->n; i++)
        longest = MAX(longest, out->at[i].n);
    struct cell *cells = arena_alloc(ev->arena, (longest + 1) * sizeof *cells);
    enum status st = OK;
    for (size_t i = 0; i < out->n && !st; i++)
        st = aggregate_group(ev, a, &out->at[i], cells, order + first[i], first[i + 1] - first[i]);
    return st;
}

static void group_input(struct eval *ev, struct aggregation *a)
{
    const struct expr *e = a->e;
    groups_init(&a->groups, ev->arena,
                projection_of(ev->arena, &e->aggregate.grouping, !e->aggregate.without), 8);
    a->ids = arena_alloc(ev->arena, (a->in.n + 1) * sizeof *a->ids);
    for (size_t i = 0; i < a->in.n; i++)
        a->ids[i] = groups_add(&a->groups, a->in.at[i].labels);
}

enum status eval_aggregate(struct eval *ev, const struct expr *e, const struct grid *g,
                           struct value *out)
{
    if (e->aggregate.op == AGGREGATE_COUNT_VALUES)
        return aggregate_count_values(ev, e, g, &out->vector);
    struct aggregation a = {.e = e, .g = g};
    struct value value;
    enum status st = OK;
    if (e->aggregate.param) {
        st = eval_expr(ev, e->aggregate.param, g, &value);
        a.param = value.scalar;
    }
    if (!st)
        st = eval_expr(ev, e->aggregate.inner, g, &value);
    if (st)
        return st;
    a.in = value.vector;
    group_input(ev, &a);
    switch (e->aggregate.op) {
    case AGGREGATE_TOPK:
    case AGGREGATE_BOTTOMK:
        return aggregate_k(ev, &a, e->aggregate.op == AGGREGATE_TOPK, &out->vector);
    case AGGREGATE_QUANTILE:
        return aggregate_quantile(ev, &a, &out->vector);
    default:
        return aggregate_simple(ev, &a, &out->vector);
    }
}
