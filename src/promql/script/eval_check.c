/* Comparing what a query gave with what its script expects. */
#include "promql/script/eval_case.h"

#include <math.h>

enum { SHOWN_MAX = 200 };

static const double tolerance = 0.000001;

static bool almost_equal(double a, double b)
{
    const double least = 0x1p-1022;
    if (is_stale(a) || is_stale(b))
        return is_stale(a) && is_stale(b);
    if ((isnan(a) && isnan(b)) || a == b)
        return true;
    double sum = fabs(a) + fabs(b), diff = fabs(a - b);
    if (a == 0 || b == 0 || sum < least)
        return diff < tolerance * least;
    return diff / fmin(sum, 1.7976931348623157e308) < tolerance;
}

static const char *shown(struct labels l, struct arena *arena)
{
    auto_buf text = {0};
    labels_print(&text, l);
    return arena_dup(arena, buf_text(&text));
}

/* The last one counts, as a later line of the same series overrides. */
static const struct expected_series *expected_find(const struct eval_case *c, struct labels l)
{
    for (size_t i = c->n; i > 0; i--)
        if (labels_eq(c->series[i - 1].series.labels, l))
            return &c->series[i - 1];
    return NULL;
}

static bool result_has(const struct result *r, struct labels l)
{
    for (size_t i = 0; i < r->n; i++)
        if (labels_eq(r->series[i].labels, l))
            return true;
    return false;
}

static enum status check_all_found(const struct eval_case *c, const struct result *r,
                                   struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct script_series *s = &c->series[i].series;
        bool none = true; /* nothing but omitted values: may stay away */
        for (size_t k = 0; k < s->n; k++)
            none &= s->values[k].omitted;
        if (!result_has(r, s->labels) && !(none && c->range))
            return err_set(err, INVALID, "expected %s was not found", shown(s->labels, arena));
    }
    return OK;
}

static enum status check_matrix_series(const struct eval_case *c, const struct script_series *want,
                                       const struct result_series *got, struct arena *arena,
                                       struct err *err)
{
    size_t k = 0;
    for (size_t i = 0; i < want->n; i++) {
        if (want->values[i].omitted)
            continue;
        int64_t t_ms = c->start_ms + (int64_t)i * c->step_ms;
        if (k == got->n || got->at[k].t_ms != t_ms)
            return err_set(err, INVALID, "%s has no value at %lld ms, expected %g",
                           shown(got->labels, arena), (long long)t_ms, want->values[i].v);
        if (!almost_equal(got->at[k].v, want->values[i].v))
            return err_set(err, INVALID, "%s is %.17g at %lld ms, expected %.17g",
                           shown(got->labels, arena), got->at[k].v, (long long)t_ms,
                           want->values[i].v);
        k++;
    }
    if (k < got->n)
        return err_set(err, INVALID, "%s has a value %g at %lld ms that was not expected",
                       shown(got->labels, arena), got->at[k].v, (long long)got->at[k].t_ms);
    return OK;
}

static enum status check_matrix(const struct eval_case *c, const struct result *r,
                                struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < r->n; i++) {
        if (i > 0 && labels_compare(r->series[i - 1].labels, r->series[i].labels) >= 0)
            return err_set(err, INVALID, "%s is not in the order of labels",
                           shown(r->series[i].labels, arena));
        const struct expected_series *want = expected_find(c, r->series[i].labels);
        if (!want)
            return err_set(err, INVALID, "%s was not expected (%zu values, the first %g)",
                           shown(r->series[i].labels, arena), r->series[i].n, r->series[i].at[0].v);
        enum status st = check_matrix_series(c, &want->series, &r->series[i], arena, err);
        if (st)
            return st;
    }
    return check_all_found(c, r, arena, err);
}

static enum status check_vector(const struct eval_case *c, const struct result *r,
                                struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct result_series *got = &r->series[i];
        const struct expected_series *want = expected_find(c, got->labels);
        if (!want || want->series.n == 0)
            return err_set(err, INVALID, "%s was not expected (value %.17g)",
                           shown(got->labels, arena), got->at[0].v);
        if (c->ordered && want->place != i + 1)
            return err_set(err, INVALID, "%s stands at place %zu, expected %zu",
                           shown(got->labels, arena), i + 1, want->place);
        if (!almost_equal(got->at[0].v, want->series.values[0].v))
            return err_set(err, INVALID, "%s is %.17g, expected %.17g", shown(got->labels, arena),
                           got->at[0].v, want->series.values[0].v);
    }
    return check_all_found(c, r, arena, err);
}

static enum status check_scalar(const struct eval_case *c, double got, struct err *err)
{
    if (!c->has_scalar)
        return err_set(err, INVALID, "a scalar %g came, not expected", got);
    if (!almost_equal(got, c->scalar))
        return err_set(err, INVALID, "the result is %.17g, expected %.17g", got, c->scalar);
    return OK;
}

/* ---- notes ---- */

static bool matches(const struct expectation *e, const char *text)
{
    if (e->match == EXPECT_ANY)
        return true;
    if (e->match == EXPECT_MESSAGE)
        return span_is(e->text, text);
    auto_buf pattern = {0};
    buf_printf(&pattern, "(?s:.*(?:%.*s).*)", SPAN_ARG(e->text));
    struct regex *regex;
    if (regex_compile(buf_view(&pattern), &regex, NULL))
        return false;
    bool found = regex_match(regex, span_of(text));
    regex_free(regex);
    return found;
}

/* Every note must be expected and every expected one must be there, if any is. */
static enum status check_notes(const struct eval_case *c, enum expect_kind kind,
                               enum expect_kind none, const char **notes, size_t n, struct err *err)
{
    if (eval_case_expects(c, none) && n > 0)
        return err_set(err, INVALID, "unexpected note: %s", notes[0]);
    if (!eval_case_expects(c, kind))
        return OK;
    for (const struct expectation *e = c->expectations; e; e = e->next) {
        bool found = e->kind != kind;
        for (size_t i = 0; i < n; i++)
            found |= matches(e, notes[i]);
        if (!found)
            return err_set(err, INVALID, "no note \"%.*s\" came (%s)", SPAN_ARG(e->text),
                           n > 0 ? notes[0] : "none at all");
    }
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (const struct expectation *e = c->expectations; e; e = e->next)
            found |= e->kind == kind && matches(e, notes[i]);
        if (!found)
            return err_set(err, INVALID, "unexpected note: %s", notes[i]);
    }
    return OK;
}

enum status eval_case_check(const struct eval_case *c, const struct result *r, struct arena *arena,
                            struct err *err)
{
    enum status st = check_notes(c, EXPECT_WARN, EXPECT_NO_WARN, r->warnings, r->n_warnings, err);
    if (!st)
        st = check_notes(c, EXPECT_INFO, EXPECT_NO_INFO, r->infos, r->n_infos, err);
    if (st)
        return st;
    switch (r->kind) {
    case VALUE_SCALAR:
        return check_scalar(c, r->scalar, err);
    case VALUE_STRING:
        if (!span_eq(r->string, c->string))
            return err_set(err, INVALID, "the result is \"%.*s\", expected \"%.*s\"",
                           SPAN_ARG(r->string), SPAN_ARG(c->string));
        return OK;
    case VALUE_VECTOR:
        if (c->has_scalar)
            return err_set(err, INVALID, "a vector came, expected a scalar");
        return check_vector(c, r, arena, err);
    case VALUE_MATRIX:
        return check_matrix(c, r, arena, err);
    }
    return OK;
}

enum status eval_case_check_failure(const struct eval_case *c, const char *sentence,
                                    struct err *err)
{
    for (const struct expectation *e = c->expectations; e; e = e->next)
        if (e->kind == EXPECT_FAIL && !matches(e, sentence))
            return err_set(err, INVALID, "failed with \"%.*s\", expected \"%.*s\"", SHOWN_MAX,
                           sentence, SPAN_ARG(e->text));
    return OK;
}

enum status eval_case_check_middle(const struct eval_case *c, const struct result *r, int64_t at_ms,
                                   struct arena *arena, struct err *err)
{
    struct result middle = {.kind = VALUE_VECTOR};
    middle.series = ARENA_ARRAY(arena, struct result_series, r->n);
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < r->series[i].n; k++)
            if (r->series[i].at[k].t_ms == at_ms)
                middle.series[middle.n++] = (struct result_series){
                    .labels = r->series[i].labels, .at = &r->series[i].at[k], .n = 1};
    if (c->has_scalar) {
        if (middle.n != 1)
            return err_set(err, INVALID, "no value came, expected %g", c->scalar);
        return check_scalar(c, middle.series[0].at[0].v, err);
    }
    return check_vector(c, &middle, arena, err);
}
