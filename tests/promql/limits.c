/* Limits, cancelling, the order of results, and the rules that a query may choose. */
#include "unit.h"

#include "base/clock.h"
#include "promql/promql.h"

struct world {
    struct memory_source *source;
    struct arena arena;
};

static void append(struct world *w, const char *instance, int64_t t_ms, double v)
{
    struct label at[] = {{SPAN(LABEL_NAME), SPAN("m")}, {SPAN("i"), span_of(instance)}};
    struct labels labels = {at, COUNT(at)};
    assert_ok(memory_source_append(w->source, labels, (struct sample){t_ms, v}, err));
}

/* m{i="a"} and m{i="b"}: 0 s .. 100 s, one sample each 10 s. */
static int open_world(void **state)
{
    static struct world w;
    w = (struct world){.source = memory_source_open()};
    for (int64_t i = 0; i <= 10; i++) {
        append(&w, "b", i * 10000, (double)i);
        append(&w, "a", i * 10000, (double)i * 2);
    }
    *state = &w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    memory_source_close(w->source);
    arena_free(&w->arena);
    return 0;
}

static enum status ask(struct world *w, const char *text, struct query q, struct result *out,
                       struct err *err)
{
    struct expr *e;
    enum status st = promql_parse(span_of(text), &w->arena, &e, err);
    if (st)
        return st;
    q.expr = e;
    st = promql_eval(&q, memory_source_face(w->source), &w->arena, out, err);
    promql_free(e);
    return st;
}

#define AT(ms) ((struct query){.start_ms = (ms), .end_ms = (ms)})
#define OVER(start, end, step)                                                                     \
    ((struct query){.start_ms = (start), .end_ms = (end), .step_ms = (step)})

static void points(void **state)
{
    struct result r;
    assert_ok(ask(*state, "vector(1)", OVER(0, PROMQL_POINTS_MAX * 10, 10), &r, err));
    assert_int_equal(r.series[0].n, PROMQL_POINTS_MAX + 1);
    assert_fails(ask(*state, "vector(1)", OVER(0, (PROMQL_POINTS_MAX + 1) * 10, 10), &r, err),
                 INVALID,
                 "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the "
                 "query resolution (?step=XX)");
    assert_fails(ask(*state, "m", OVER(10, 0, 10), &r, err), INVALID, "end timestamp");
}

static void samples(void **state)
{
    struct result r;
    struct query q = OVER(0, 100000, 10000);
    q.samples_max = 22;
    assert_ok(ask(*state, "m", q, &r, err));
    q.samples_max = 21;
    assert_fails(ask(*state, "m", q, &r, err), FULL, "too many samples into memory");
    assert_fails(ask(*state, "max_over_time(vector(1)[10y:1ms])", AT(0), &r, err), FULL,
                 "too many samples into memory");
}

static void cancelling(void **state)
{
    struct result r;
    bool cancelled = false;
    struct query q = AT(0);
    q.cancelled = &cancelled;
    assert_ok(ask(*state, "m", q, &r, err));
    cancelled = true;
    assert_fails(ask(*state, "m", q, &r, err), AGAIN, "canceled");
    q.cancelled = NULL;
    q.deadline_mono_ms = clock_mono_ms() + 60000;
    assert_ok(ask(*state, "m", q, &r, err));
    q.deadline_mono_ms = 1;
    assert_fails(ask(*state, "m", q, &r, err), TIMED_OUT, "timed out");
}

/* One series can keep a query busy for minutes: it must look at the clock inside. */
static void deadline_inside_a_series(void **state)
{
    static const char *const cases[] = {
        "stddev_over_time(vector(1)[1000s:1ms])",
        "sum_over_time(vector(0.1)[1000s:1ms])",
        "deriv(vector(time())[1000s:1ms])",
        "holt_winters(vector(1)[1000s:1ms], 0.5, 0.5)",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct result r;
        struct query q = OVER(2000000, 2010000, 1);
        q.deadline_mono_ms = clock_mono_ms() + 30;
        assert_fails(ask(*state, cases[i], q, &r, err), TIMED_OUT, "timed out");
        assert_true(clock_mono_ms() < q.deadline_mono_ms + 3000);
    }
}

static void kinds_of_results(void **state)
{
    struct result r;
    assert_ok(ask(*state, "\"x\"", AT(5), &r, err));
    assert_int_equal(r.kind, VALUE_STRING);
    assert_span(r.string, "x");
    assert_int_equal(r.t_ms, 5);
    assert_ok(ask(*state, "1 + 1", AT(5), &r, err));
    assert_int_equal(r.kind, VALUE_SCALAR);
    assert_true(r.scalar == 2);
    assert_ok(ask(*state, "1 + 1", OVER(0, 20, 10), &r, err));
    assert_int_equal(r.kind, VALUE_MATRIX);
    assert_int_equal(r.series[0].n, 3);
    assert_fails(ask(*state, "\"x\"", OVER(0, 20, 10), &r, err), INVALID, "\"string\"");
    assert_fails(ask(*state, "m[1m]", OVER(0, 20, 10), &r, err), INVALID, "\"range vector\"");
}

static void orders(void **state)
{
    struct result r;
    assert_ok(ask(*state, "m", OVER(0, 100000, 10000), &r, err));
    assert_int_equal(r.n, 2);
    assert_span(labels_get(r.series[0].labels, SPAN("i")), "a");
    assert_ok(ask(*state, "sort(m)", AT(100000), &r, err));
    assert_span(labels_get(r.series[0].labels, SPAN("i")), "b");
    assert_ok(ask(*state, "sort_desc(m)", AT(100000), &r, err));
    assert_span(labels_get(r.series[0].labels, SPAN("i")), "a");
    assert_int_equal(r.samples_read, 22);
}

static double first_value(void **state, const char *text, struct query q)
{
    struct result r;
    assert_ok(ask(*state, text, q, &r, err));
    return r.n > 0 ? r.series[0].at[0].v : -1;
}

/* Prometheus 3 leaves out the sample exactly at the far end, 2 took it. */
static void far_ends(void **state)
{
    struct query now = AT(100000), then = AT(100000);
    then.rules_of_2 = true;
    assert_true(first_value(state, "count_over_time(m{i=\"a\"}[20s])", now) == 2);
    assert_true(first_value(state, "count_over_time(m{i=\"a\"}[20s])", then) == 3);
    assert_true(first_value(state, "count_over_time(m{i=\"a\"}[20s:10s])", now) == 2);
    assert_true(first_value(state, "count_over_time(m{i=\"a\"}[20s:10s])", then) == 3);
    now = AT(400000);
    then.start_ms = then.end_ms = 400000;
    assert_true(first_value(state, "m{i=\"a\"}", now) == -1);
    assert_true(first_value(state, "m{i=\"a\"}", then) == 20);
    now.lookback_ms = 300001;
    assert_true(first_value(state, "m{i=\"a\"}", now) == 20);
}

static void names_taken_away(void **state)
{
    struct result r;
    struct query q = AT(0);
    assert_ok(ask(*state, "sum by (__name__) (abs(m))", q, &r, err));
    assert_span(labels_metric(r.series[0].labels), "");
    assert_ok(
        ask(*state, "label_replace(abs(m), \"n\", \"$1\", \"__name__\", \"(.*)\")", q, &r, err));
    assert_span(labels_get(r.series[0].labels, SPAN("n")), "");
    q.delayed_name_removal = true;
    assert_ok(
        ask(*state, "label_replace(abs(m), \"n\", \"$1\", \"__name__\", \"(.*)\")", q, &r, err));
    assert_span(labels_get(r.series[0].labels, SPAN("n")), "m");
    assert_span(labels_metric(r.series[0].labels), "");
}

static void notes(void **state)
{
    struct result r;
    assert_ok(ask(*state, "rate(m[1m]) + rate(m[1m])", AT(100000), &r, err));
    assert_int_equal(r.n_infos, 2); /* at two places */
    assert_string_equal(r.infos[0],
                        "PromQL info: metric might not be a counter, name does not end in "
                        "_total/_sum/_count/_bucket: \"m\" (1:6)");
    assert_ok(ask(*state, "quantile(2, m)", AT(100000), &r, err));
    assert_int_equal(r.n_warnings, 1);
    assert_string_equal(r.warnings[0], "PromQL warning: quantile value should be between 0 and 1, "
                                       "got 2 (1:10)");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

const struct CMUnitTest limits_tests[] = {
    CASE(points),           CASE(samples), CASE(cancelling),
    CASE(kinds_of_results), CASE(orders),  CASE(far_ends),
    CASE(names_taken_away), CASE(notes),   CASE(deadline_inside_a_series),
};
const size_t limits_tests_n = COUNT(limits_tests);
