/* The expression of an alerting rule -> the alerts whose condition holds, with their labels and
 * annotations. */
#include "alert/alerter_state.h"

#include "alert/template.h"

/* `query` inside of a template: at the time and on the samples of the evaluation. */
static enum status ask(void *arg, struct span text, struct arena *arena, struct tmpl_sample **out,
                       size_t *n, struct err *err)
{
    struct evaluation *e = arg;
    struct expr *expr = NULL;
    struct result r = {0};
    enum status st = promql_parse(text, arena, &expr, err);
    struct query q = {.expr = expr,
                      .start_ms = e->now_ms,
                      .end_ms = e->now_ms,
                      .rules_of_2 = e->world->rules_of_2};
    if (!st)
        st = promql_eval(&q, e->view, arena, &r, err);
    if (!st && r.kind != VALUE_VECTOR && r.kind != VALUE_SCALAR)
        st = err_set(err, INVALID, "query result is not a vector or scalar");
    if (!st) {
        *n = r.kind == VALUE_SCALAR ? 1 : r.n;
        *out = ARENA_ARRAY(arena, struct tmpl_sample, *n);
        if (r.kind == VALUE_SCALAR)
            (*out)[0].value = r.scalar;
        for (size_t i = 0; r.kind == VALUE_VECTOR && i < r.n; i++)
            (*out)[i] =
                (struct tmpl_sample){labels_dup(arena, r.series[i].labels), r.series[i].at[0].v};
    }
    promql_free(expr);
    return st;
}

/* As Prometheus: what goes wrong stands in the text. */
static struct span expand(struct evaluation *e, const struct rule_text *t,
                          const struct tmpl_data *data)
{
    auto_buf text = {0};
    struct err why = {0};
    if (tmpl_expand(t->tmpl, data, &e->arena, &text, &why)) {
        buf_clear(&text);
        buf_printf(&text, "<error expanding template: error executing template %.*s: %s>",
                   SPAN_ARG(t->name), why.text);
    }
    return arena_span(&e->arena, buf_view(&text));
}

static enum status make_labels(struct evaluation *e, const struct rule *u,
                               const struct tmpl_data *data, struct labels *out, struct err *err)
{
    struct label_builder b;
    label_builder_start(&b, data->labels);
    label_set(&b, SPAN(LABEL_NAME), SPAN(""));
    for (size_t i = 0; i < u->n_labels; i++)
        label_set(&b, u->labels[i].name, expand(e, &u->labels[i], data));
    label_set(&b, SPAN("alertname"), u->name);
    if (b.failed)
        return err_set(err, FULL, "an alert has more than %d labels", LABELS_MAX);
    *out = labels_dup(&e->arena, label_builder_end(&b));
    return OK;
}

static struct labels make_annotations(struct evaluation *e, const struct rule *u,
                                      const struct tmpl_data *data)
{
    struct label *at = ARENA_ARRAY(&e->arena, struct label, u->n_annotations);
    for (size_t i = 0; i < u->n_annotations; i++)
        at[i] = (struct label){u->annotations[i].name, expand(e, &u->annotations[i], data)};
    labels_sort(at, u->n_annotations);
    return (struct labels){at, u->n_annotations};
}

static bool beyond(const struct rule_threshold *t, double v, double limit)
{
    return t->above ? v > limit : v < limit;
}

/* Firing already: it clears at the lower threshold. */
static bool is_firing(const struct rule_state *s, uint64_t fingerprint)
{
    const struct alert *a = map_get(&s->active, span_from(&fingerprint, sizeof fingerprint));
    return a && a->state == ALERT_FIRING;
}

static enum status consider(struct evaluation *e, struct rule_state *s, struct labels labels,
                            double v, struct found *f, bool *is, struct err *err)
{
    const struct rule *u = s->rule;
    struct rule_limits limits = rule_limits(e->alerter, u, labels_get(labels, SPAN("instance")));
    bool within = u->threshold.is && !beyond(&u->threshold, v, limits.value);
    *is = false;
    if (limits.disabled || (within && !beyond(&u->threshold, v, limits.clear)))
        return OK;
    struct tmpl_data data = {.labels = labels,
                             .external_labels = e->world->external_labels,
                             .external_url = e->world->external_url,
                             .value = v,
                             .query = ask,
                             .query_arg = e};
    enum status st = make_labels(e, u, &data, &f->labels, err);
    if (st)
        return st;
    f->fingerprint = labels_fingerprint(f->labels);
    if (within && !is_firing(s, f->fingerprint))
        return OK;
    f->annotations = make_annotations(e, u, &data);
    f->value = v;
    f->for_ms = limits.for_ms;
    *is = true;
    return OK;
}

static enum status all_differ(const struct found *found, size_t n, struct err *err)
{
    CLEANUP(map_free) struct map seen = {0};
    for (size_t i = 0; i < n; i++)
        if (map_put(&seen, span_from(&found[i].fingerprint, sizeof found[i].fingerprint),
                    (void *)(uintptr_t)&found[i]))
            return err_set(err, INVALID,
                           "vector contains metrics with the same labelset after applying alert "
                           "labels");
    return OK;
}

enum status find_alerts(struct evaluation *e, struct rule_state *s, struct found **out, size_t *n,
                        struct err *err)
{
    const struct result *r;
    enum status st = rule_value(e, s->rule, &r, err);
    if (st)
        return st;
    size_t all = r->kind == VALUE_SCALAR ? 1 : r->n, count = 0, size = 0;
    struct found *found = NULL;
    for (size_t i = 0; !st && i < all; i++) {
        bool scalar = r->kind == VALUE_SCALAR, is;
        struct found f = {0};
        st = consider(e, s, scalar ? (struct labels){0} : r->series[i].labels,
                      scalar ? r->scalar : r->series[i].at[0].v, &f, &is, err);
        if (st || !is)
            continue;
        if (count == size) {
            size_t bigger = MAX(2 * size, (size_t)16);
            found = arena_grow(&e->arena, found, size * sizeof *found, bigger * sizeof *found);
            size = bigger;
        }
        found[count++] = f;
    }
    *out = found;
    *n = count;
    return st ? st : all_differ(found, count, err);
}
