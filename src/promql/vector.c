/* Label sets of whole vectors: taking names away, finding doubles, merging them. */
#include "promql/eval.h"
#include "promql/projection.h"

static bool is_metadata(struct span name)
{
    return span_eq(name, SPAN("__name__")) || span_eq(name, SPAN("__type__")) ||
           span_eq(name, SPAN("__unit__"));
}

struct labels labels_without_name(struct arena *a, struct labels l)
{
    size_t begin = 0, end;
    while (begin < l.n && !is_metadata(l.at[begin].name))
        begin++;
    for (end = begin; end < l.n && is_metadata(l.at[end].name);)
        end++;
    if (end == begin)
        return l;
    bool more = false;
    for (size_t i = end; i < l.n; i++)
        more |= is_metadata(l.at[i].name);
    if (begin == 0 && !more)
        return (struct labels){l.at + end, l.n - end};
    struct label *at = arena_alloc(a, l.n * sizeof *at);
    size_t n = 0;
    for (size_t i = 0; i < l.n; i++)
        if (!is_metadata(l.at[i].name))
            at[n++] = l.at[i];
    return (struct labels){at, n};
}

struct labels labels_with(struct arena *a, struct labels l, struct span name, struct span value)
{
    struct label *at = arena_alloc(a, (l.n + 1) * sizeof *at);
    size_t n = 0, i = 0;
    while (i < l.n && span_compare(l.at[i].name, name) < 0)
        at[n++] = l.at[i++];
    if (value.len > 0)
        at[n++] = (struct label){name, value};
    if (i < l.n && span_eq(l.at[i].name, name))
        i++;
    while (i < l.n)
        at[n++] = l.at[i++];
    return (struct labels){at, n};
}

void labels_print_braced(struct buf *out, struct labels l)
{
    buf_char(out, '{');
    for (size_t i = 0; i < l.n; i++) {
        buf_str(out, i > 0 ? ", " : "");
        if (label_name_valid(l.at[i].name))
            buf_span(out, l.at[i].name);
        else
            label_value_print(out, l.at[i].name);
        buf_char(out, '=');
        label_value_print(out, l.at[i].value);
    }
    buf_char(out, '}');
}

enum status series_widen(struct eval *ev, struct series *s, size_t steps)
{
    if (s->from == 0 && s->n == steps)
        return OK;
    double *v;
    enum status st = eval_values(ev, steps, &v);
    if (st)
        return st;
    for (size_t i = 0; i < steps; i++)
        v[i] = series_at(s, i);
    s->v = v;
    s->from = 0;
    s->n = (uint32_t)steps;
    return OK;
}

/* Puts the values of one series into another with the same labels. */
static enum status merge(struct eval *ev, struct series *into, const struct series *from,
                         const char *fault)
{
    size_t steps = MAX(into->from + into->n, from->from + from->n);
    enum status st = series_widen(ev, into, steps);
    for (size_t i = 0; i < from->n && !st; i++) {
        if (is_absent(from->v[i]))
            continue;
        if (!is_absent(into->v[from->from + i]))
            return eval_fault(ev, "%s", fault);
        into->v[from->from + i] = from->v[i];
    }
    into->drop_name |= from->drop_name;
    return st;
}

static bool is_empty(const struct series *s)
{
    size_t i = 0;
    while (i < s->n && is_absent(s->v[i]))
        i++;
    return i == s->n;
}

enum status vector_unique(struct eval *ev, struct vector *v, bool strict, const char *fault)
{
    if (v->n < 2)
        return OK;
    struct group_table groups;
    groups_init(&groups, ev->arena, (struct projection){.keep_metric = true}, v->n);
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        struct series s = v->at[i];
        uint32_t id = groups_add(&groups, s.labels);
        if (id == n) {
            v->at[n++] = s;
            continue;
        }
        if (is_empty(&s))
            continue;
        if (strict && !is_empty(&v->at[id]))
            return eval_fault(ev, "%s", fault);
        enum status st = merge(ev, &v->at[id], &s, fault);
        if (st)
            return st;
    }
    v->n = n;
    return OK;
}

enum status vector_drop_names(struct eval *ev, struct vector *v, bool strict)
{
    if (ev->q->delayed_name_removal) {
        for (size_t i = 0; i < v->n; i++)
            v->at[i].drop_name = true;
        return OK;
    }
    /* Series that differed and had the same name differ without it. */
    bool same = true;
    struct span name = v->n > 0 ? labels_metric(v->at[0].labels) : SPAN("");
    for (size_t i = 0; i < v->n; i++) {
        same = same && span_eq(labels_metric(v->at[i].labels), name);
        v->at[i].labels = labels_without_name(ev->arena, v->at[i].labels);
    }
    if (same)
        return OK;
    return vector_unique(ev, v, strict, "vector cannot contain metrics with the same labelset");
}
