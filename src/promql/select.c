/* Selectors: the sample in force at each step, and the raw ranges that functions read. */
#include "promql/eval.h"

/* Far enough for any time, near enough that sums of some of them do not overflow. */
#define TIME_MAX_MS (INT64_MAX / 8)

void when_resolve(const struct eval *ev, const struct when *w, const struct grid *g,
                  int64_t *first_ms, int64_t *step_ms)
{
    int64_t base = g->start_ms;
    *step_ms = g->step_ms;
    if (w->at != AT_NONE) {
        base = w->at == AT_START ? ev->q->start_ms : w->at == AT_END ? ev->q->end_ms : w->at_ms;
        *step_ms = 0;
    }
    base = MAX(MIN(base, TIME_MAX_MS), -TIME_MAX_MS);
    *first_ms = base - w->offset_ms;
}

/* How far back a sample may lie and still count, in the open-ended sense of the hints. */
static int64_t reach_back(const struct eval *ev, int64_t range_ms)
{
    return ev->q->rules_of_2 ? range_ms + 1 : range_ms;
}

static struct select_hints *hints_new(struct eval *ev, int64_t first_ms, int64_t step_ms, size_t n,
                                      int64_t range_ms)
{
    struct select_hints *hints = ARENA_NEW(ev->arena, struct select_hints);
    hints->start_ms = first_ms - range_ms;
    hints->end_ms = first_ms + (int64_t)(n - 1) * step_ms;
    hints->step_ms = step_ms;
    hints->range_ms = range_ms;
    hints->brief = true;
    return hints;
}

/* The sample in force at ms, and how to find the next: i is the number of samples at or before
 * the last time asked for. */
struct lookup {
    const struct selected *s;
    size_t i;
    int64_t lookback_ms; /* a sample so old is gone */
};

/* Steps are often much longer than the distance of samples, so gallop. */
static void lookup_advance(struct lookup *l, int64_t ms)
{
    const int64_t *t = l->s->t_ms;
    size_t n = l->s->n, low = l->i, stride = 1;
    if (low >= n || t[low] > ms)
        return;
    while (low + stride < n && t[low + stride] <= ms) {
        low += stride;
        stride *= 2;
    }
    size_t high = MIN(low + stride, n);
    while (low + 1 < high) { /* t[low] <= ms, t[high] > ms */
        size_t mid = low + (high - low) / 2;
        if (t[mid] <= ms)
            low = mid;
        else
            high = mid;
    }
    l->i = high;
}

/* Index of the sample, or SIZE_MAX. */
static size_t lookup(struct lookup *l, int64_t ms)
{
    lookup_advance(l, ms);
    if (l->i == 0 || l->s->t_ms[l->i - 1] <= ms - l->lookback_ms || is_stale(l->s->v[l->i - 1]))
        return SIZE_MAX;
    return l->i - 1;
}

/* Steps first .. last (inclusive) of n that a series' samples can reach; false for none. */
static bool reachable(const struct selected *s, int64_t first_ms, int64_t step_ms, size_t n,
                      int64_t lookback_ms, size_t *first, size_t *last)
{
    *first = 0;
    *last = n - 1;
    if (s->n == 0)
        return false;
    int64_t begin = s->t_ms[0] - first_ms, end = s->t_ms[s->n - 1] + lookback_ms - first_ms - 1;
    if (end < 0)
        return false;
    if (step_ms == 0)
        return begin <= 0;
    if (begin > 0)
        *first = (size_t)((begin + step_ms - 1) / step_ms);
    *last = MIN(*last, (size_t)(end / step_ms));
    return *first <= *last;
}

struct selection {
    const struct selector *selector;
    struct select_hints *hints;
    struct selected *selected;
    size_t n;
    int64_t first_ms, step_ms, lookback_ms;
    bool times;
};

static void fill(const struct selection *sel, const struct selected *s, struct series *out)
{
    struct lookup l = {.s = s, .lookback_ms = sel->lookback_ms};
    for (size_t i = 0; i < out->n; i++) {
        int64_t ms = sel->first_ms + (int64_t)(out->from + i) * sel->step_ms;
        size_t at = lookup(&l, ms);
        out->v[i] = at == SIZE_MAX ? ABSENT : sel->times ? (double)s->t_ms[at] / 1000 : s->v[at];
    }
}

/* Cuts what is absent at both ends; false when nothing is left. */
static bool trim(struct series *s)
{
    while (s->n > 0 && is_absent(s->v[s->n - 1]))
        s->n--;
    while (s->n > 0 && is_absent(s->v[0])) {
        s->v++;
        s->from++;
        s->n--;
    }
    return s->n > 0;
}

static enum status select_one(struct eval *ev, const struct selection *sel, struct selected *s,
                              size_t steps, struct vector *out)
{
    arena_reset(&ev->scratch);
    enum status st = eval_tick(ev);
    if (!st)
        st = ev->source->read(ev->source, s, sel->hints, &ev->scratch, ev->err);
    if (st)
        return st;
    ev->samples_read += s->n;
    size_t first, last;
    if (!reachable(s, sel->first_ms, sel->step_ms, steps, sel->lookback_ms, &first, &last))
        return OK;
    struct series *to = &out->at[out->n];
    *to = (struct series){
        .labels = s->labels, .from = (uint32_t)first, .n = (uint32_t)(last - first + 1)};
    st = eval_values(ev, to->n, &to->v);
    if (st)
        return st;
    fill(sel, s, to);
    if (trim(to))
        out->n++;
    return OK;
}

static enum status select_all(struct eval *ev, struct selection *sel, const struct grid *g,
                              struct value *out)
{
    const struct selector *s = sel->selector;
    when_resolve(ev, &s->when, g, &sel->first_ms, &sel->step_ms);
    sel->lookback_ms = reach_back(ev, ev->lookback_ms);
    sel->hints = hints_new(ev, sel->first_ms, sel->step_ms, g->n, sel->lookback_ms);
    enum status st = ev->source->select(ev->source, s->matchers, s->n, sel->hints, ev->arena,
                                        &sel->selected, &sel->n, ev->err);
    if (st)
        return st;
    *out = (struct value){.kind = VALUE_VECTOR};
    out->vector.at = arena_alloc(ev->arena, MAX(sel->n, 1u) * sizeof *out->vector.at);
    for (size_t i = 0; i < sel->n && !st; i++)
        st = select_one(ev, sel, &sel->selected[i], g->n, &out->vector);
    return st;
}

enum status eval_selector(struct eval *ev, const struct selector *s, const struct grid *g,
                          struct value *out)
{
    struct selection sel = {.selector = s};
    return select_all(ev, &sel, g, out);
}

enum status eval_selector_times(struct eval *ev, const struct selector *s, const struct grid *g,
                                struct value *out)
{
    struct selection sel = {.selector = s, .times = true};
    return select_all(ev, &sel, g, out);
}

/* ---- ranges of a selector ---- */

static struct labels selected_labels(const struct ranges *r, size_t i)
{
    return r->selected[i].labels;
}

static bool selected_drop_name(const struct ranges *r UNUSED, size_t i UNUSED)
{
    return false;
}

static bool any_nan(const double *v, size_t n)
{
    enum { BLOCK = 16 }; /* a fixed length: compilers make vector code of it */
    size_t nans = 0, i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        for (size_t k = 0; k < BLOCK; k++)
            nans += v[i + k] != v[i + k];
    for (; i < n; i++)
        nans += v[i] != v[i];
    return nans > 0;
}

/* Most series have no stale markers and stay where the source put them. */
static void without_stale(struct eval *ev, struct raw *raw)
{
    size_t kept = 0;
    if (!any_nan(raw->v, raw->n))
        return;
    while (kept < raw->n && !is_stale(raw->v[kept]))
        kept++;
    if (kept == raw->n)
        return;
    int64_t *t = arena_alloc(&ev->scratch, raw->n * sizeof *t);
    double *v = arena_alloc(&ev->scratch, raw->n * sizeof *v);
    size_t n = 0;
    for (size_t i = 0; i < raw->n; i++) {
        if (is_stale(raw->v[i]))
            continue;
        t[n] = raw->t_ms[i];
        v[n++] = raw->v[i];
    }
    *raw = (struct raw){.t_ms = t, .v = v, .n = n};
}

static enum status selected_read(struct eval *ev, struct ranges *r, size_t i, struct raw *out)
{
    struct selected *s = &r->selected[i];
    enum status st = ev->source->read(ev->source, s, r->hints, &ev->scratch, ev->err);
    if (st)
        return st;
    ev->samples_read += s->n;
    *out = (struct raw){s->t_ms, s->v, s->n, s->rising, s->times_id};
    /* The source may give more than was asked for. */
    while (out->n > 0 && out->t_ms[0] <= r->hints->start_ms) {
        out->t_ms++;
        out->v++;
        out->n--;
    }
    if (!s->numbers)
        without_stale(ev, out);
    return OK;
}

enum status ranges_open(struct eval *ev, const struct expr *e, const struct grid *g,
                        struct span function, struct ranges *out)
{
    e = expr_bare(e);
    if (e->kind == NODE_SUBQUERY)
        return ranges_open_subquery(ev, e, g, out);
    const struct selector *s = e->selector;
    *out = (struct ranges){.labels = selected_labels,
                           .drop_name = selected_drop_name,
                           .read = selected_read,
                           .range_ms = s->range_ms};
    when_resolve(ev, &s->when, g, &out->end_ms, &out->step_ms);
    out->hints = hints_new(ev, out->end_ms, out->step_ms, g->n, reach_back(ev, s->range_ms));
    out->hints->func = function;
    return ev->source->select(ev->source, s->matchers, s->n, out->hints, ev->arena, &out->selected,
                              &out->n, ev->err);
}
