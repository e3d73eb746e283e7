/* Aggregations that look at all values of a group at one step: topk, bottomk, quantile; and
 * count_values, whose groups depend on the values. */
#include "promql/aggregate.h"

#include "promql/lexer.h"
#include "promql/range.h"

#include <math.h>

/* ---- quantile ---- */

static void warn_quantiles(struct eval *ev, const struct aggregation *a)
{
    for (size_t i = 0; i < (a->param.v ? a->g->n : 1); i++) {
        double q = scalar_at(&a->param, i);
        if (!(q >= 0 && q <= 1))
            eval_warn(ev, a->e->aggregate.param->pos,
                      "quantile value should be between 0 and 1, got %s", number_text(ev, q));
    }
}

enum status aggregate_quantile(struct eval *ev, const struct aggregation *a, struct vector *out)
{
    warn_quantiles(ev, a);
    size_t *first, *order;
    aggregation_labels(ev, a, out);
    aggregation_members(ev, a, &first, &order);
    double *values = arena_alloc(ev->arena, (a->in.n + 1) * sizeof *values);
    for (size_t i = 0; i < out->n; i++) {
        struct series *s = &out->at[i];
        enum status st = eval_values(ev, a->g->n, &s->v);
        s->n = (uint32_t)a->g->n;
        for (size_t step = 0; step < a->g->n && !st; step++) {
            size_t n = 0;
            for (size_t k = first[i]; k < first[i + 1]; k++) {
                double v = series_at(&a->in.at[order[k]], step);
                if (!is_absent(v))
                    values[n++] = v;
            }
            values_sort(values, n);
            s->v[step] =
                n == 0 ? ABSENT : quantile_of_sorted(scalar_at(&a->param, step), values, n);
            st = eval_tick(ev);
        }
        if (st)
            return st;
    }
    return OK;
}

/* ---- topk and bottomk ---- */

/* The best k so far, the worst of them at the root. Built as Prometheus builds its heap, so
 * that of equal values the same ones stay. */
struct heap {
    struct ranked {
        double v;
        size_t series, place; /* place: in the heap, when sorted */
    } * at;
    size_t n;
    bool top;
};

static bool worse(const struct heap *h, size_t i, size_t j)
{
    double x = h->at[i].v, y = h->at[j].v;
    return isnan(x) || (h->top ? x < y : x > y);
}

static void swap(struct heap *h, size_t i, size_t j)
{
    struct ranked t = h->at[i];
    h->at[i] = h->at[j];
    h->at[j] = t;
}

static void heap_push(struct heap *h, struct ranked r)
{
    size_t i = h->n++;
    h->at[i] = r;
    while (i > 0 && worse(h, i, (i - 1) / 2)) {
        swap(h, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

static void heap_replace_root(struct heap *h, struct ranked r)
{
    h->at[0] = r;
    for (size_t i = 0, child; child = 2 * i + 1, child < h->n; i = child) {
        if (child + 1 < h->n && worse(h, child + 1, child))
            child++;
        if (!worse(h, child, i))
            break;
        swap(h, i, child);
    }
}

static void heap_offer(struct heap *h, size_t k, struct ranked r)
{
    double root = h->n > 0 ? h->at[0].v : 0;
    if (h->n < k)
        heap_push(h, r);
    else if ((h->top ? root < r.v : root > r.v) || (isnan(root) && !isnan(r.v)))
        heap_replace_root(h, r);
}

static int compare_ranked(const struct ranked *a, const struct ranked *b, bool top)
{
    if (isnan(a->v) || isnan(b->v)) {
        if (!isnan(a->v) || !isnan(b->v))
            return isnan(a->v) ? 1 : -1;
    } else if (a->v != b->v) {
        return (a->v > b->v) == top ? -1 : 1;
    }
    return a->place < b->place ? -1 : 1;
}

static int compare_top(const void *a, const void *b)
{
    return compare_ranked(a, b, true);
}

static int compare_bottom(const void *a, const void *b)
{
    return compare_ranked(a, b, false);
}

/* Best first; equals stay in place. */
static void heap_sort(struct heap *h)
{
    for (size_t i = 0; i < h->n; i++)
        h->at[i].place = i;
    qsort(h->at, h->n, sizeof *h->at, h->top ? compare_top : compare_bottom);
}

static enum status check_k(struct eval *ev, const struct aggregation *a, double *most)
{
    double least = INFINITY;
    bool nan = false;
    *most = -INFINITY;
    for (size_t i = 0; i < (a->param.v ? a->g->n : 1); i++) {
        double k = scalar_at(&a->param, i);
        nan |= isnan(k);
        *most = fmax(*most, k);
        least = fmin(least, k);
    }
    if (nan)
        return eval_fault(ev, "Parameter value is NaN");
    if (*most < 1)
        return OK;
    if (least <= -0x1p63)
        return eval_fault(ev, "Scalar value %s underflows int64", number_text(ev, least));
    if (*most >= 0x1p63)
        return eval_fault(ev, "Scalar value %s overflows int64", number_text(ev, *most));
    return OK;
}

struct chosen {
    struct vector out; /* one for each input series; .v NULL until it is chosen */
    size_t *order, n;  /* the chosen ones, as they came */
};

static enum status choose(struct eval *ev, const struct aggregation *a, struct chosen *c,
                          size_t series, size_t step, double v)
{
    struct series *s = &c->out.at[series];
    if (!s->v) {
        const struct series *in = &a->in.at[series];
        enum status st = eval_values(ev, in->n, &s->v);
        if (st)
            return st;
        *s = (struct series){in->labels, s->v, in->from, in->n, in->drop_name};
        for (size_t i = 0; i < s->n; i++)
            s->v[i] = ABSENT;
        c->order[c->n++] = series;
    }
    s->v[step - s->from] = v;
    return OK;
}

static enum status choose_step(struct eval *ev, const struct aggregation *a, struct chosen *c,
                               struct heap *heap, const size_t *members, size_t n, size_t step)
{
    double limit = scalar_at(&a->param, step);
    size_t k = limit < 1 ? 0 : limit > (double)n ? n : (size_t)limit;
    heap->n = 0;
    for (size_t i = 0; i < n && k > 0; i++) {
        double v = series_at(&a->in.at[members[i]], step);
        if (!is_absent(v))
            heap_offer(heap, k, (struct ranked){.v = v, .series = members[i]});
    }
    heap_sort(heap);
    enum status st = eval_tick(ev);
    for (size_t i = 0; i < heap->n && !st; i++)
        st = choose(ev, a, c, heap->at[i].series, step, heap->at[i].v);
    return st;
}

enum status aggregate_k(struct eval *ev, const struct aggregation *a, bool top, struct vector *out)
{
    double most;
    enum status st = check_k(ev, a, &most);
    *out = (struct vector){0};
    if (st || most < 1)
        return st;
    size_t *first, *order;
    aggregation_members(ev, a, &first, &order);
    struct heap heap = {.top = top};
    heap.at = arena_alloc(ev->arena, (a->in.n + 1) * sizeof *heap.at);
    struct chosen c = {.order = arena_alloc(ev->arena, (a->in.n + 1) * sizeof(size_t))};
    c.out.at = ARENA_ARRAY(ev->arena, struct series, a->in.n);
    for (size_t i = 0; i < a->groups.n && !st; i++)
        for (size_t step = 0; step < a->g->n && !st; step++)
            st = choose_step(ev, a, &c, &heap, order + first[i], first[i + 1] - first[i], step);
    out->at = arena_alloc(ev->arena, (c.n + 1) * sizeof *out->at);
    for (size_t i = 0; i < c.n; i++)
        out->at[out->n++] = c.out.at[c.order[i]];
    return st;
}

/* ---- count_values ---- */

/* Output series by group and value. */
struct tally {
    struct tally_slot {
        uint64_t bits;
        uint32_t group, series; /* series + 1 */
    } * slots;
    size_t size;
    struct vector out;
    size_t room;
};

static struct tally_slot *tally_slot(const struct tally *t, uint32_t group, uint64_t bits)
{
    uint64_t hash = (bits ^ group) * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(hash >> 20) & (t->size - 1);
    while (t->slots[at].series && (t->slots[at].bits != bits || t->slots[at].group != group))
        at = (at + 1) & (t->size - 1);
    return &t->slots[at];
}

static void tally_grow(struct eval *ev, struct tally *t)
{
    struct tally old = *t;
    t->size = old.size ? old.size * 2 : 64;
    t->slots = ARENA_ARRAY(ev->arena, struct tally_slot, t->size);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].series)
            *tally_slot(t, old.slots[i].group, old.slots[i].bits) = old.slots[i];
}

static struct series *tally_add(struct eval *ev, struct tally *t)
{
    if (t->out.n == t->room) {
        size_t room = t->room ? t->room * 2 : 16;
        t->out.at =
            arena_grow(ev->arena, t->out.at, t->room * sizeof *t->out.at, room * sizeof *t->out.at);
        t->room = room;
    }
    return &t->out.at[t->out.n++];
}

struct counting {
    const struct grid *g;
    struct group_table groups;
    struct span label;
    bool plain; /* without() takes the very label away: values do not tell series apart */
    struct tally tally;
};

static enum status tally_series(struct eval *ev, struct counting *c, uint32_t group, double v,
                                struct series *to)
{
    struct labels labels =
        projection_apply(&c->groups.projection, ev->arena, c->groups.first[group]);
    auto_buf text = {0};
    number_print(&text, v);
    if (!c->plain)
        labels = labels_with(ev->arena, labels, c->label, arena_span(ev->arena, buf_view(&text)));
    *to = (struct series){.labels = labels, .n = (uint32_t)c->g->n};
    enum status st = eval_values(ev, c->g->n, &to->v);
    for (size_t i = 0; i < c->g->n && !st; i++)
        to->v[i] = ABSENT;
    return st;
}

static enum status count_value(struct eval *ev, struct counting *c, uint32_t group, size_t step,
                               double v)
{
    uint64_t bits = c->plain ? 0 : double_bits(isnan(v) ? bits_double(NORMAL_NAN_BITS) : v);
    if (c->tally.out.n * 2 >= c->tally.size)
        tally_grow(ev, &c->tally);
    struct tally_slot *slot = tally_slot(&c->tally, group, bits);
    if (!slot->series) {
        enum status st = tally_series(ev, c, group, v, tally_add(ev, &c->tally));
        if (st)
            return st;
        *slot = (struct tally_slot){bits, group, (uint32_t)c->tally.out.n};
    }
    double *count = &c->tally.out.at[slot->series - 1].v[step];
    *count = is_absent(*count) ? 1 : *count + 1;
    return OK;
}

/* The grouping as if the value's label were not there: it is set later. */
static void counting_groups(struct eval *ev, struct counting *c, const struct expr *e)
{
    const struct names *names = &e->aggregate.grouping;
    bool without = e->aggregate.without;
    struct span *at = arena_alloc(ev->arena, (names->n + 1) * sizeof *at);
    size_t n = 0;
    for (size_t i = 0; i < names->n; i++) {
        bool same = span_eq(names->at[i], c->label);
        c->plain |= same && without;
        if (!same || without)
            at[n++] = names->at[i];
    }
    if (without)
        at[n++] = c->label;
    groups_init(&c->groups, ev->arena, projection_of(ev->arena, &(struct names){at, n}, !without),
                8);
}

enum status aggregate_count_values(struct eval *ev, const struct expr *e, const struct grid *g,
                                   struct vector *out)
{
    struct counting c = {.g = g, .label = expr_bare(e->aggregate.param)->string};
    if (c.label.len == 0 || !utf8_valid(c.label)) {
        auto_buf text = {0};
        label_value_print(&text, c.label);
        return eval_fault(ev, "invalid label name %s", buf_text(&text));
    }
    struct value value;
    enum status st = eval_expr(ev, e->aggregate.inner, g, &value);
    if (st)
        return st;
    counting_groups(ev, &c, e);
    for (size_t i = 0; i < value.vector.n && !st; i++) {
        const struct series *s = &value.vector.at[i];
        uint32_t group = groups_add(&c.groups, s->labels);
        for (size_t k = 0; k < s->n && !st; k++)
            if (!is_absent(s->v[k]))
                st = count_value(ev, &c, group, s->from + k, s->v[k]);
    }
    *out = c.tally.out;
    return st ? st
              : vector_unique(ev, out, true,
                              "vector cannot contain metrics with the same labelset");
}
