/* What the classifier sees: values of rules/features.yaml, a missing bit beside each, and which
 * of them are a model's inputs.
 *
 * All features stand in one row: the eleven, then each feature and its bit. */
#include "advise/tick.h"

#include <stdio.h>

size_t features_width(const struct rules *rules)
{
    return ELEVEN + 2 * rules->n_features;
}

const char *features_name(const struct rules *rules, size_t i, struct arena *arena)
{
    if (i < ELEVEN)
        return rules->eleven[i].name;
    const char *name = rules->features[(i - ELEVEN) / 2].name;
    return (i - ELEVEN) % 2 ? arena_printf(arena, "%s_missing", name) : name;
}

static bool find_feature(const struct rules *rules, const char *name, size_t *out)
{
    auto_arena a = {0};
    /* From the end: "used_memory" as a feature wins over the one of the eleven. */
    for (size_t i = features_width(rules); i-- > 0;)
        if (strcmp(features_name(rules, i, &a), name) == 0) {
            *out = i;
            return true;
        }
    return false;
}

enum status features_bind(const struct rules *rules, const struct model *m, size_t **out,
                          struct err *err)
{
    size_t n = model_inputs(m);
    const char *const *names = model_features(m);
    *out = NULL;
    if (model_outputs(m) != CLASSES)
        return err_set(err, INVALID, "the model has %zu outputs, there are %d classes",
                       model_outputs(m), CLASSES);
    if (!names && n != ELEVEN)
        return err_set(err, INVALID,
                       "the model has %zu inputs and does not name them (attribute "
                       "galen_features); only a model of %d may do so",
                       n, ELEVEN);
    size_t *inputs = mem_zero(n, sizeof *inputs);
    for (size_t i = 0; i < n; i++) {
        inputs[i] = i;
        if (names && !find_feature(rules, names[i], &inputs[i])) {
            free(inputs);
            return err_set(err, INVALID,
                           "the model's input \"%.100s\" is no feature of "
                           "features.yaml",
                           names[i]);
        }
    }
    *out = inputs;
    return OK;
}

static struct feature_query query_of(const struct feature *f, bool bit)
{
    return (struct feature_query){.name = f->name,
                                  .expr = f->formula.text,
                                  .has_bit = bit,
                                  .log1p = f->log1p,
                                  .most = f->most};
}

double feature_scaled(const struct feature_query *q, double v)
{
    v = q->log1p ? log1p(fmax(v, 0)) : v;
    return fmin(v, q->most);
}

size_t adviser_feature_queries(const struct adviser *a, struct arena *arena,
                               struct feature_query **out)
{
    const struct rules *r = a->rules;
    _Static_assert(ELEVEN + FEATURES_MAX <= FEATURE_QUERIES_MAX, "a place for each");
    *out = ARENA_ARRAY(arena, struct feature_query, ELEVEN + r->n_features);
    for (size_t i = 0; i < ELEVEN; i++)
        (*out)[i] = query_of(&r->eleven[i], false);
    for (size_t i = 0; i < r->n_features; i++)
        (*out)[ELEVEN + i] = query_of(&r->features[i], true);
    return ELEVEN + r->n_features;
}

/* Fills one feature of all rows; rows are [hosts][width]. */
static enum status fill(struct tick *t, const struct feature *f, double *rows, size_t at, bool bit)
{
    size_t width = features_width(t->a->rules);
    struct feature_query q = query_of(f, bit);
    struct column c;
    enum status st = column_read(t, &f->formula, f->name, &c);
    if (st)
        return st;
    for (size_t h = 0; h < t->n; h++) {
        double v = NAN;
        bool has = column_value(&c, t->hosts[h], NULL, NULL, &v, NULL) && isfinite(v);
        rows[h * width + at] = has ? feature_scaled(&q, v) : bit ? 0 : NAN;
        if (bit)
            rows[h * width + at + 1] = !has;
    }
    arena_reset(&t->a->scratch);
    return OK;
}

enum status features_rows(struct tick *t, double *rows)
{
    const struct rules *rules = t->a->rules;
    enum status st = OK;
    for (size_t i = 0; !st && i < ELEVEN; i++)
        st = fill(t, &rules->eleven[i], rows, i, false);
    for (size_t i = 0; !st && i < rules->n_features; i++)
        st = fill(t, &rules->features[i], rows, ELEVEN + 2 * i, true);
    return st;
}

static void classify(const struct adviser *a, const double *row, struct analysis *out)
{
    size_t n = model_inputs(a->model);
    double x[MODEL_WIDTH_MAX];
    for (size_t i = 0; i < n; i++) {
        double v = row[a->model_inputs[i]];
        x[i] = isnan(v) ? 0 : v;
    }
    model_predict(a->model, x, out->probabilities);
    out->has_probabilities = true;
    for (size_t c = 0; c < CLASSES; c++)
        out->has_probabilities &= isfinite(out->probabilities[c]) != 0;
}

enum status features_tick(struct tick *t)
{
    size_t width = features_width(t->a->rules);
    auto_free double *rows = mem_zero(t->n * width, sizeof *rows);
    enum status st = features_rows(t, rows);
    if (st)
        return st;
    for (size_t h = 0; h < t->n; h++) {
        memcpy(t->analyses[h].eleven, rows + h * width, sizeof t->analyses[h].eleven);
        if (t->a->model && !t->a->brief)
            classify(t->a, rows + h * width, &t->analyses[h]);
    }
    return OK;
}

enum status advise_features(struct adviser *a, struct source *source, int64_t now_ms,
                            struct arena *arena, struct feature_table *out, struct err *err)
{
    struct tick t = {.a = a, .source = source, .now_ms = now_ms, .arena = arena, .err = err};
    *out = (struct feature_table){.n_names = features_width(a->rules)};
    enum status st = tick_start(&t);
    if (st)
        return st;
    out->n_hosts = t.n;
    out->names = ARENA_ARRAY(arena, const char *, out->n_names);
    for (size_t i = 0; i < out->n_names; i++)
        out->names[i] = arena_dup(arena, features_name(a->rules, i, arena));
    out->hosts = ARENA_ARRAY(arena, struct span, t.n);
    for (size_t i = 0; i < t.n; i++)
        out->hosts[i] = t.analyses[i].instance;
    out->rows = ARENA_ARRAY(arena, double, t.n * out->n_names);
    return features_rows(&t, out->rows);
}
