/* Every shipped rule on both sides of its threshold: which of a case's series moves the signal is
 * found by trying, its value at the threshold by the two readings, and there the host is looked at
 * anew, a hundredth below and a hundredth above. The same hosts without that series, and with the
 * parameter at the end of its bounds. */
#include "cases.h"

#include "base/json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double step = 0.01; /* on either side */

struct trial {
    const struct rule_case *c;
    struct rule rule; /* its texts are gone when the world closes */
    struct given given[GIVEN_MAX];
    size_t n, knob;
    double at, sign; /* the knob's value at the threshold; which way the signal grows */
    size_t steps;    /* until a rate is full */
    size_t long_enough;
};

static bool signal_of(struct world *w, const struct rule *r, double *out)
{
    return world_value(w, r->signal.expr, out);
}

/* The signal with the knob at v. */
static bool signal_at(const struct trial *t, size_t knob, double v, double *out)
{
    struct world w;
    struct given given[GIVEN_MAX];
    memcpy(given, t->given, sizeof given);
    given[knob].value = v;
    world_open(&w);
    put_given(&w, given, t->n);
    world_fill(&w, t->steps);
    bool has = signal_of(&w, rule_by_id(w.adviser->rules, t->c->rule), out);
    world_close(&w);
    return has;
}

static bool try_knob(struct trial *t, size_t knob)
{
    double v = t->given[knob].value, one, other, there, above = t->rule.above;
    double w = v != 0 ? 0.97 * v : 1;
    if (!signal_at(t, knob, v, &one) || !signal_at(t, knob, w, &other) ||
        fabs(one - other) <= 1e-9 * fabs(one))
        return false;
    double slope = (one - other) / (v - w), at = v + (above - one) / slope;
    if (fabs(at) < 1e-9 * fabs(v)) /* any at all is too much */
        at = 0;
    if (at < 0 && v >= 0)
        return false;
    if (!signal_at(t, knob, at, &there)) /* no value is as good as none */
        there = 0;
    if (fabs(there - above) > 1e-4 * fmax(fabs(above), 1e-6)) /* it does not grow evenly */
        return false;
    *t = (struct trial){.c = t->c,
                        .rule = t->rule,
                        .n = t->n,
                        .knob = knob,
                        .at = at,
                        .sign = slope > 0 ? 1 : -1,
                        .steps = t->steps,
                        .long_enough = t->long_enough};
    return true;
}

static bool find_knob(struct trial *t, struct arena *arena)
{
    for (size_t i = 0; i < t->n; i++) {
        bool found = try_knob(t, i);
        t->n = read_given(arena, t->c->given, t->given);
        if (found)
            return true;
    }
    return false;
}

static void prepare(struct trial *t, const struct rule_case *c, struct arena *arena)
{
    struct world w;
    world_open(&w);
    const struct rule *r = rule_by_id(w.adviser->rules, c->rule);
    assert_non_null(r);
    *t = (struct trial){.c = c, .rule = *r};
    t->n = read_given(arena, c->given, t->given);
    size_t reach = (size_t)(r->reach_ms / 1000 / STEP_S);
    t->steps = reach + 4;
    t->long_enough = MAX((size_t)c->minutes * 60 / STEP_S,
                         (size_t)(r->for_ms / 1000 / STEP_S) + MIN(reach, 20) + 4);
    world_close(&w);
}

static bool speaks_at(const struct trial *t, double v)
{
    struct world w;
    struct given given[GIVEN_MAX];
    memcpy(given, t->given, sizeof given);
    given[t->knob].value = v;
    world_open(&w);
    put_given(&w, given, t->n);
    world_looks(&w, t->long_enough);
    const struct finding *f = world_finding(&w, t->c->rule);
    const struct rule *r = rule_by_id(w.adviser->rules, t->c->rule);
    if (f)
        assert_int_equal(f->class, r->class);
    if (f && r->parameter)
        assert_string_equal(f->parameter, r->parameter);
    if (f && f->to && !r->n_fields && (r->class == 1 || r->class == 2))
        assert_true((strtod(f->to, NULL) > strtod(f->from, NULL)) == (r->class == 1) ||
                    strcmp(r->id, "TC5") == 0); /* 2, loopback only, to 1 */
    world_close(&w);
    return f != NULL;
}

static bool both_sides(const struct trial *t)
{
    double full = t->given[t->knob].value;
    double less = t->at != 0 ? t->at * (1 - t->sign * step) : 0;
    double more = t->at != 0 ? t->at * (1 + t->sign * step) : full * step;
    bool below = speaks_at(t, less), above = speaks_at(t, more);
    if (below || !above)
        print_error("%s: threshold %g at %s{%s} = %g: %s below, %s above\n", t->c->rule,
                    t->rule.above, t->given[t->knob].metric, t->given[t->knob].labels, t->at,
                    below ? "speaks" : "silent", above ? "speaks" : "silent");
    return !below && above;
}

static void rules_speak_above_their_threshold_only(void **state UNUSED)
{
    static struct rule_case cases[CASES_MAX];
    auto_arena arena = {0};
    size_t n = read_cases(&arena, cases), bad = 0;
    for (size_t i = 0; i < n; i++) {
        struct trial t;
        if (strcmp(cases[i].rule, "IO2-soon") == 0) /* a trend: trends.c */
            continue;
        prepare(&t, &cases[i], &arena);
        bool found = find_knob(&t, &arena);
        if (!found)
            print_error("%s: none of the series moves the signal evenly\n", cases[i].rule);
        bad += !found || !both_sides(&t);
    }
    assert_int_equal(bad, 0);
}

/* ---- what is missing ---- */

static bool is_told(struct world *w, const char *rule, const char *metric)
{
    auto_buf out = {0};
    struct json j = json_to(&out);
    assert_ok(advise_checks_json(w->adviser, memory_source_face(w->source), SPAN("web1"), w->now_ms,
                                 &j, err));
    json_t *root = json_loadb(out.at, out.len, 0, NULL), *check;
    bool told = false;
    size_t i, k;
    json_array_foreach(json_object_get(root, "checks"), i, check)
    {
        if (strcmp(json_string_value(json_object_get(check, "rule")), rule) != 0)
            continue;
        json_t *missing = json_object_get(check, "missing"), *name;
        json_array_foreach(missing, k, name) told |=
            strstr(json_string_value(name), metric) != NULL;
    }
    json_decref(root);
    return told;
}

static bool silent_and_told(const struct trial *t)
{
    struct world w;
    world_open(&w);
    const char *metric = t->given[t->knob].metric;
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->given[i].metric, metric) != 0)
            put_given(&w, &t->given[i], 1);
    for (size_t i = 0; i < w.n; i++) /* also of what a healthy host sends */
        if (span_is(labels_get(w.series[i].labels, SPAN(LABEL_NAME)), metric))
            w.series[i].gone = true;
    world_steps(&w, t->steps);
    double v;
    bool judged = signal_of(&w, rule_by_id(w.adviser->rules, t->c->rule), &v); /* by the rest */
    bool speaks = world_finding(&w, t->c->rule) != NULL;
    bool told = judged || is_told(&w, t->c->rule, metric);
    if (speaks || !told)
        print_error("%s without %s: %s, %s\n", t->c->rule, metric, speaks ? "speaks" : "silent",
                    told ? "told" : "not told");
    world_close(&w);
    return !speaks && told;
}

static void a_missing_signal_is_told(void **state UNUSED)
{
    static struct rule_case cases[CASES_MAX];
    auto_arena arena = {0};
    size_t n = read_cases(&arena, cases), bad = 0;
    for (size_t i = 0; i < n; i++) {
        struct trial t;
        if ((i && strcmp(cases[i].rule, cases[i - 1].rule) == 0) ||
            strcmp(cases[i].rule, "IO2-soon") == 0)
            continue;
        prepare(&t, &cases[i], &arena);
        bad += !find_knob(&t, &arena) || !silent_and_told(&t);
    }
    assert_int_equal(bad, 0);
}

/* ---- bounds of what is proposed ---- */

/* The line of `given` that holds the parameter's value; t->n when there is none of its own. */
static size_t value_line(const struct trial *t, const char *parameter)
{
    char labels[100];
    snprintf(labels, sizeof labels, "name=%s", parameter);
    size_t i = 0;
    while (i < t->n && (strcmp(t->given[i].metric, "galen_sysctl") != 0 ||
                        strcmp(t->given[i].labels, labels) != 0))
        i++;
    return i;
}

/* The end of the bounds that the rule goes to, on that host. */
static double end_of(const struct trial *t, bool up)
{
    struct world w;
    double v = 0;
    world_open(&w);
    put_given(&w, t->given, t->n);
    world_fill(&w, t->steps);
    const struct rule *r = rule_by_id(w.adviser->rules, t->c->rule);
    const struct formula *f = up ? &r->high : &r->low;
    if (!world_value(&w, f->expr, &v))
        v = strtod(f->text, NULL);
    world_close(&w);
    return v;
}

/* The host with that value of the parameter, half as much again above the threshold: what is
 * proposed, 0: nothing. */
static double proposed(const struct trial *of, size_t value, double v)
{
    struct trial t = *of;
    t.given[value].value = v;
    if (!try_knob(&t, of->knob))
        return 0;
    memcpy(t.given, of->given, sizeof t.given);
    t.given[value].value = v;
    t.given[of->knob].value = t.at * (1 + t.sign * 0.5);
    struct world w;
    world_open(&w);
    put_given(&w, t.given, t.n);
    world_looks(&w, t.long_enough);
    const struct finding *f = world_finding(&w, t.c->rule);
    double to = f && f->to ? strtod(f->to, NULL) : 0;
    world_close(&w);
    return to;
}

/* False when the rule has no bounds of one number, or its own value is what it judges. */
static bool goes_to_its_bounds(struct trial *t, size_t *bad)
{
    struct world w;
    world_open(&w);
    const struct rule *r = rule_by_id(w.adviser->rules, t->c->rule);
    bool up = r->class == 1, has = r->has_bounds && !r->n_fields && r->parameter && r->class;
    size_t value = has ? value_line(t, r->parameter) : t->n;
    world_close(&w);
    if (value == t->n || value == t->knob)
        return false;
    double end = end_of(t, up), near = up ? 0.75 * end : 1.5 * end;
    double to = proposed(t, value, near), beyond = proposed(t, value, end);
    if (beyond != 0 || (to != 0 && (up ? to <= near || to > end : to >= near || to < end))) {
        print_error("%s: from %g to %g, from %g to %g\n", t->c->rule, near, to, end, beyond);
        (*bad)++;
    }
    return to != 0;
}

static void steps_end_at_their_bounds(void **state UNUSED)
{
    enum { STEPS_LEAST = 20 };
    static struct rule_case cases[CASES_MAX];
    auto_arena arena = {0};
    size_t n = read_cases(&arena, cases), bad = 0, steps = 0;
    for (size_t i = 0; i < n; i++) {
        struct trial t;
        prepare(&t, &cases[i], &arena);
        if (find_knob(&t, &arena))
            steps += goes_to_its_bounds(&t, &bad);
    }
    assert_int_equal(bad, 0);
    assert_true(steps >= STEPS_LEAST);
}

const struct CMUnitTest edges_tests[] = {
    cmocka_unit_test(rules_speak_above_their_threshold_only),
    cmocka_unit_test(a_missing_signal_is_told),
    cmocka_unit_test(steps_end_at_their_bounds),
};
const size_t edges_tests_n = COUNT(edges_tests);
