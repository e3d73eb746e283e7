/* Vectors with vectors: series meet by the labels they have in common. The groups are found
 * once and hold for all steps; only where several series of one side share a group does it
 * depend on the step which of them is there. */
#include "promql/binary.h"
#include "promql/projection.h"

static const char not_unique[] = "vector cannot contain metrics with the same labelset";

/* Series of one side by group. */
struct side {
    struct vector v;
    uint32_t *ids;
    size_t *first, *order; /* of group i: order[first[i]] .. order[first[i + 1] - 1] */
};

struct match {
    struct eval *ev;
    const struct expr *e;
    const struct matching *m;
    const struct grid *g;
    struct group_table groups;
    struct side many, one; /* one: the side where a group may have one series at a time */
    bool swapped;          /* many is the right side */
    struct vector out;
    size_t room;
};

static void side_open(struct match *x, struct side *s, struct vector v)
{
    s->v = v;
    s->ids = arena_alloc(x->ev->arena, (v.n + 1) * sizeof *s->ids);
    for (size_t i = 0; i < v.n; i++)
        s->ids[i] = groups_add(&x->groups, v.at[i].labels);
}

/* After both sides are open, so that the number of groups is known. */
static void side_order(struct match *x, struct side *s)
{
    s->first = ARENA_ARRAY(x->ev->arena, size_t, x->groups.n + 2);
    s->order = ARENA_ARRAY(x->ev->arena, size_t, s->v.n + 1);
    size_t *at = s->first + 1;
    for (size_t i = 0; i < s->v.n; i++)
        at[s->ids[i] + 1]++;
    for (size_t i = 1; i <= x->groups.n; i++)
        at[i] += at[i - 1];
    for (size_t i = 0; i < s->v.n; i++)
        s->order[at[s->ids[i]]++] = i;
}

static size_t side_count(const struct side *s, size_t group)
{
    return s->first[group + 1] - s->first[group];
}

static const struct series *side_series(const struct side *s, size_t group, size_t k)
{
    return &s->v.at[s->order[s->first[group] + k]];
}

static void match_open(struct match *x, struct vector left, struct vector right)
{
    groups_init(&x->groups, x->ev->arena, projection_of(x->ev->arena, &x->m->labels, x->m->on),
                left.n + right.n);
    x->swapped = x->m->card == ONE_TO_MANY;
    side_open(x, &x->many, x->swapped ? right : left);
    side_open(x, &x->one, x->swapped ? left : right);
    side_order(x, &x->many);
    side_order(x, &x->one);
}

static bool any_at(const struct vector *v, size_t step)
{
    for (size_t i = 0; i < v->n; i++)
        if (!is_absent(series_at(&v->at[i], step)))
            return true;
    return false;
}

/* ---- faults ---- */

static enum status fault_duplicate(struct match *x, size_t group, const struct series *a,
                                   const struct series *b)
{
    auto_buf first = {0}, second = {0}, labels = {0};
    labels_print_braced(&first, a->labels);
    labels_print_braced(&second, b->labels);
    bool swap = span_compare(buf_view(&first), buf_view(&second)) > 0;
    struct projection shown = x->groups.projection;
    labels_print_braced(&labels, projection_apply(&shown, x->ev->arena, x->groups.first[group]));
    return eval_fault(x->ev,
                      "found duplicate series for the match group %s on the %s hand-side of the "
                      "operation: [%s, %s];many-to-many matching not allowed: matching labels must "
                      "be unique on one side",
                      buf_text(&labels), x->swapped ? "left" : "right",
                      buf_text(swap ? &second : &first), buf_text(swap ? &first : &second));
}

/* Several series of a group on the one side must not be there at the same step, unless the
 * other side is empty then. */
static enum status check_one_side(struct match *x, size_t group)
{
    size_t n = side_count(&x->one, group);
    for (size_t step = 0; n > 1 && step < x->g->n; step++) {
        const struct series *seen = NULL;
        enum status st = eval_tick(x->ev);
        if (st)
            return st;
        for (size_t k = 0; k < n; k++) {
            const struct series *s = side_series(&x->one, group, k);
            if (is_absent(series_at(s, step)))
                continue;
            if (seen && any_at(&x->many.v, step))
                return fault_duplicate(x, group, seen, s);
            seen = s;
        }
    }
    return OK;
}

/* ---- arithmetic and comparison ---- */

static struct labels result_labels(struct match *x, const struct series *many,
                                   const struct series *one)
{
    struct arena *arena = x->ev->arena;
    const struct matching *m = x->m;
    struct labels l = many->labels;
    enum operator_kind op = x->e->binary.op;
    bool bool_drops = x->e->binary.returns_bool && !x->ev->q->delayed_name_removal;
    if (bool_drops || !operator_compares(op))
        l = labels_without_name(arena, l);
    if (m->card == ONE_TO_ONE && (m->on || m->labels.n > 0)) {
        struct projection p = x->groups.projection;
        p.keep_metric = true;
        l = projection_apply(&p, arena, l);
    }
    for (size_t i = 0; i < m->include.n; i++)
        l = labels_with(arena, l, m->include.at[i], labels_get(one->labels, m->include.at[i]));
    return l;
}

static struct series *match_add(struct match *x)
{
    if (x->out.n == x->room) {
        size_t room = x->room ? x->room * 2 : 16;
        x->out.at = arena_grow(x->ev->arena, x->out.at, x->room * sizeof *x->out.at,
                               room * sizeof *x->out.at);
        x->room = room;
    }
    return &x->out.at[x->out.n++];
}

/* One series of each side, over the steps that both have. */
static enum status pair(struct match *x, const struct series *many, const struct series *one)
{
    uint32_t from = MAX(many->from, one->from);
    uint32_t end = MIN(many->from + many->n, one->from + one->n);
    if (from >= end)
        return OK;
    double *v;
    enum status st = eval_values(x->ev, end - from, &v);
    if (!st)
        st = eval_tick(x->ev);
    if (st)
        return st;
    const double *a = many->v + (from - many->from), *b = one->v + (from - one->from);
    operate(x->e->binary.op, x->e->binary.returns_bool ? COMPARE_BOOL : COMPARE_LEFT,
            x->swapped ? b : a, x->swapped ? a : b, v, end - from);
    struct series *to = match_add(x);
    *to = (struct series){.labels = result_labels(x, many, one),
                          .v = v,
                          .from = from,
                          .n = end - from,
                          .drop_name = x->e->binary.returns_bool && x->ev->q->delayed_name_removal};
    return OK;
}

static bool both_present(const struct series *a, const struct series *b, size_t step)
{
    return !is_absent(series_at(a, step)) && !is_absent(series_at(b, step));
}

/* Several series of one group on the many side: one to one they must not meet the other side
 * at the same step; many to one they must differ in what the result is called. */
static enum status check_many_side(struct match *x, size_t group, size_t first_out)
{
    size_t n = side_count(&x->many, group), partners = side_count(&x->one, group);
    if (x->m->card != ONE_TO_ONE) {
        struct vector made = {x->out.at + first_out, x->out.n - first_out};
        enum status st = vector_unique(
            x->ev, &made, false,
            "multiple matches for labels: grouping labels must ensure unique matches");
        x->out.n = first_out + made.n;
        return st;
    }
    for (size_t step = 0; step < x->g->n; step++) {
        size_t met = 0;
        enum status st = eval_tick(x->ev);
        if (st)
            return st;
        for (size_t k = 0; k < n; k++)
            for (size_t p = 0; p < partners; p++)
                met += both_present(side_series(&x->many, group, k), side_series(&x->one, group, p),
                                    step);
        if (met > 1)
            return eval_fault(x->ev, "multiple matches for labels: many-to-one matching must be "
                                     "explicit (group_left/group_right)");
    }
    return OK;
}

static enum status match_group(struct match *x, size_t group)
{
    size_t n = side_count(&x->many, group), partners = side_count(&x->one, group);
    size_t first_out = x->out.n;
    enum status st = check_one_side(x, group);
    for (size_t k = 0; k < n && !st; k++)
        for (size_t p = 0; p < partners && !st; p++)
            st = pair(x, side_series(&x->many, group, k), side_series(&x->one, group, p));
    if (!st && n > 1 && partners > 0)
        st = check_many_side(x, group, first_out);
    return st;
}

enum status vectors_operate(struct eval *ev, const struct expr *e, const struct grid *g,
                            struct vector left, struct vector right, struct vector *out)
{
    struct match x = {.ev = ev, .e = e, .m = &e->binary.matching, .g = g};
    bool simple = x.m->card == ONE_TO_ONE;
    match_open(&x, left, right);
    enum status st = OK;
    for (size_t group = 0; group < x.groups.n && !st; group++) {
        st = match_group(&x, group);
        simple = simple && side_count(&x.many, group) <= 1 && side_count(&x.one, group) <= 1;
    }
    *out = x.out;
    /* One to one, each group once: the labels of the group are in the result. */
    return st || simple ? st : vector_unique(ev, out, false, not_unique);
}

/* ---- and, or, unless ---- */

/* At which steps any series of a group is there. */
static enum status group_presence(struct match *x, const struct side *s, size_t group,
                                  bool **present)
{
    if (*present == NULL) {
        enum status st = eval_hold(x->ev, x->g->n / sizeof(double) + 1);
        if (st)
            return st;
        *present = arena_alloc(x->ev->arena, x->g->n);
    }
    memset(*present, 0, x->g->n);
    for (size_t k = 0; k < side_count(s, group); k++) {
        const struct series *in = side_series(s, group, k);
        for (size_t i = 0; i < in->n; i++)
            (*present)[in->from + i] |= !is_absent(in->v[i]);
    }
    return OK;
}

/* Takes away the values where the other side's group is (or is not) there. */
static void mask(struct series *s, const bool *present, bool keep)
{
    for (size_t i = 0; i < s->n; i++)
        if (present[s->from + i] != keep)
            s->v[i] = ABSENT;
}

/* Masks the series of one side by the groups of the other. */
static enum status mask_side(struct match *x, struct side *s, const struct side *by, bool keep)
{
    bool *present = NULL;
    for (size_t group = 0; group < x->groups.n; group++) {
        size_t n = side_count(s, group);
        if (n == 0 || (!keep && side_count(by, group) == 0))
            continue;
        enum status st = group_presence(x, by, group, &present);
        if (!st)
            st = eval_tick(x->ev);
        if (st)
            return st;
        for (size_t k = 0; k < n; k++)
            mask(&s->v.at[s->order[s->first[group] + k]], present, keep);
    }
    return OK;
}

static void append_present(struct vector *out, const struct vector *v)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct series *s = &v->at[i];
        size_t k = 0;
        while (k < s->n && is_absent(s->v[k]))
            k++;
        if (k < s->n)
            out->at[out->n++] = *s;
    }
}

enum status vectors_set(struct eval *ev, const struct expr *e, const struct grid *g,
                        struct vector left, struct vector right, struct vector *out)
{
    struct match x = {.ev = ev, .e = e, .m = &e->binary.matching, .g = g};
    match_open(&x, left, right);
    bool is_or = e->binary.op == OP_OR;
    enum status st = is_or ? mask_side(&x, &x.one, &x.many, false)
                           : mask_side(&x, &x.many, &x.one, e->binary.op == OP_AND);
    if (st)
        return st;
    out->at = arena_alloc(ev->arena, (left.n + right.n + 1) * sizeof *out->at);
    out->n = 0;
    append_present(out, &left);
    if (!is_or)
        return OK;
    append_present(out, &right);
    return vector_unique(ev, out, false, not_unique);
}
