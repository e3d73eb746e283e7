/* One formula evaluated for all hosts. */
#include "advise/tick.h"

#include "base/log.h"

static void complain_once(struct tick *t, const struct formula *f, const char *what,
                          const struct err *why)
{
    struct span key = span_of(f->text);
    if (map_get(&t->a->complained, key))
        return;
    map_put(&t->a->complained, key, (void *)(uintptr_t)f);
    log_warn("an expression of the rules fails and is left out what=%s reason=\"%s\" expr=\"%s\"",
             what, why->text, f->text);
}

static void index_by_host(struct tick *t, struct column *c)
{
    c->first = ARENA_ARRAY(&t->a->scratch, uint32_t, t->n);
    c->next = ARENA_ARRAY(&t->a->scratch, uint32_t, c->result.n);
    for (size_t i = c->result.n; i-- > 0;) {
        struct host *h =
            map_get(&t->a->hosts, labels_get(c->result.series[i].labels, SPAN("instance")));
        if (!h || !h->fresh || c->result.series[i].n == 0)
            continue;
        c->next[i] = c->first[h->index];
        c->first[h->index] = (uint32_t)i + 1;
    }
}

enum status column_read(struct tick *t, const struct formula *f, const char *what,
                        struct column *out)
{
    *out = (struct column){0};
    if (!f->expr)
        return OK;
    out->evaluated = true;
    struct query q = {.expr = f->expr, .start_ms = t->now_ms, .end_ms = t->now_ms};
    struct err why = {0};
    enum status st = promql_eval(&q, t->source, &t->a->scratch, &out->result, &why);
    if (st == INVALID) {
        complain_once(t, f, what, &why);
        out->result = (struct result){.kind = VALUE_VECTOR};
    } else if (st) {
        return err_set(t->err, st, "%s: %s", what, why.text);
    }
    if (out->result.kind == VALUE_VECTOR)
        index_by_host(t, out);
    return OK;
}

static bool is_of(struct labels l, const char *per, const char *subject)
{
    if (!per || !subject)
        return true;
    struct span v = labels_get(l, span_of(per));
    return v.len == 0 || span_is(v, subject);
}

bool column_value(const struct column *c, const struct host *h, const char *per,
                  const char *subject, double *v, struct labels *at)
{
    if (!c->evaluated)
        return false;
    if (c->result.kind == VALUE_SCALAR) {
        *v = c->result.scalar;
        return !isnan(*v);
    }
    bool found = false;
    for (uint32_t i = column_first(c, h); i; i = c->next[i - 1]) {
        const struct result_series *e = &c->result.series[i - 1];
        if (isnan(e->at[0].v) || !is_of(e->labels, per, subject) || (found && e->at[0].v <= *v))
            continue;
        found = true;
        *v = e->at[0].v;
        if (at)
            *at = e->labels;
    }
    return found;
}
