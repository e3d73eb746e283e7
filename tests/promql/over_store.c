/* The engine gives the same over the store, with blocks, a head and times that series share, as
 * over the same samples in memory. */
#include "store/fixture.h"

#include "promql/promql.h"

enum { HOSTS = 3, SERIES = 7, SAMPLES = 900, STEP_MS = 15000, PIECES = 3 };
#define LAST (NOON - 60000)
#define FIRST (LAST - (int64_t)(SAMPLES - 1) * STEP_MS)

struct world {
    struct fixture store;
    struct memory_source *memory;
};

/* One of the kinds of series: counters with and without resets, gauges, floats, constants, one
 * with gaps and stale markers. */
static double value_of(struct dice *d, int kind, int i, double before)
{
    switch (kind) {
    case 0:
        return before + (double)roll_below(d, 900) / 100;
    case 1:
        return roll_below(d, 60) ? before + (double)roll_below(d, 5000) : (double)roll_below(d, 9);
    case 2:
        return (double)(int64_t)(roll_below(d, 2000)) * 4096 - 4e6;
    case 3:
        return (double)roll(d) / 7e12;
    case 4:
        return 65536;
    case 5:
        return roll_below(d, 40) ? sqrt((double)i) : NAN;
    default:
        return roll_below(d, 30) ? (double)i : bits_double(STALE_NAN_BITS);
    }
}

static const char *series_name(int host, int kind, struct arena *a)
{
    return arena_printf(a, "s%d_total{instance=\"h%d\",k=\"%c\"}", kind / 2, host, 'a' + kind);
}

static void fill(struct world *w)
{
    auto_arena arena = {0};
    struct dice d = dice_of(42);
    double before[HOSTS][SERIES] = {0};
    for (int piece = 0; piece < PIECES; piece++) {
        for (int host = 0; host < HOSTS; host++)
            for (int kind = 0; kind < SERIES; kind++) {
                const char *name = series_name(host, kind, &arena);
                struct labels labels = labels_of(&arena, name);
                struct sample at[SAMPLES / PIECES];
                size_t n = 0;
                for (int i = piece * SAMPLES / PIECES; i < (piece + 1) * SAMPLES / PIECES; i++) {
                    bool gap = kind == 6 && i % 100 > 70;
                    double v = before[host][kind] = value_of(&d, kind, i, before[host][kind]);
                    struct sample s = {FIRST + (int64_t)i * STEP_MS + host, v};
                    if (gap)
                        continue;
                    at[n++] = s;
                    assert_ok(memory_source_append(w->memory, labels, s, err));
                }
                fixture_append(&w->store, name, at, n);
            }
        if (piece + 1 == PIECES)
            break; /* the last one stays in the head */
        fixture_close(&w->store);
        fixture_open(&w->store);
    }
}

static void run(struct source *source, const char *text, const struct query *like, struct arena *a,
                struct result *out)
{
    struct expr *e;
    assert_ok(promql_parse(span_of(text), a, &e, err));
    struct query q = *like;
    q.expr = e;
    assert_ok(promql_eval(&q, source, a, out, err));
    promql_free(e);
}

static int by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct result_series *)a)->labels,
                          ((const struct result_series *)b)->labels);
}

static void same(const char *text, struct result *want, struct result *got)
{
    if (want->n != got->n)
        fail_msg("%s: %zu series became %zu", text, want->n, got->n);
    if (want->n)
        qsort(want->series, want->n, sizeof *want->series, by_labels);
    if (got->n)
        qsort(got->series, got->n, sizeof *got->series, by_labels);
    for (size_t i = 0; i < want->n; i++) {
        const struct result_series *x = &want->series[i], *y = &got->series[i];
        assert_true(labels_eq(x->labels, y->labels));
        if (x->n != y->n)
            fail_msg("%s: %zu points became %zu", text, x->n, y->n);
        for (size_t k = 0; k < x->n; k++)
            if (x->at[k].t_ms != y->at[k].t_ms ||
                (double_bits(x->at[k].v) != double_bits(y->at[k].v) &&
                 !(isnan(x->at[k].v) && isnan(y->at[k].v))))
                fail_msg("%s: point %zu of series %zu: %.17g became %.17g", text, k, i, x->at[k].v,
                         y->at[k].v);
    }
}

static const char *const texts[] = {
    "s0_total",
    "{instance=~\"h.\"}",
    "rate({instance=~\"h[01]\"}[5m])",
    "increase({k=~\"a|b\"}[1m])",
    "rate({k!=\"x\",instance!=\"\"}[16s])",
    "delta({instance=\"h1\"}[10m])",
    "irate({instance=\"h2\"}[2m])",
    "changes({instance=~\".+\"}[20m])",
    "resets({instance=~\".+\"}[20m])",
    "avg_over_time({instance=~\".+\"}[7m])",
    "max_over_time({instance=~\".+\"}[7m])",
    "count_over_time({instance=~\".+\"}[3m])",
    "last_over_time({instance=~\".+\"}[3m])",
    "quantile_over_time(0.3, {instance=\"h0\"}[9m])",
    "sum by (instance) (rate({k=~\"a|b\"}[4m] offset 3m))",
    "max_over_time(rate(s0_total[2m])[20m:1m])",
    "rate({instance=~\".+\"}[1h] @ end())",
    "s0_total - s0_total offset 1m",
};

static void ask(struct world *w, const struct query *q)
{
    for (size_t i = 0; i < COUNT(texts); i++) {
        auto_arena arena = {0};
        struct result want = {0}, got = {0};
        struct source *view = store_read_begin(w->store.store);
        run(memory_source_face(w->memory), texts[i], q, &arena, &want);
        run(view, texts[i], q, &arena, &got);
        same(texts[i], &want, &got);
        store_read_end(view);
    }
}

static void answers_are_the_same(void **state)
{
    struct world w = {.memory = memory_source_open()};
    (void)state;
    fixture_init(&w.store);
    fixture_open(&w.store);
    fill(&w);
    static const int64_t steps[] = {1000, 15000, 60000, 300000, 3600000};
    for (size_t i = 0; i < COUNT(steps); i++)
        for (int from = 0; from < 3; from++) {
            int64_t start = FIRST + from * 40 * 60000 - 7 * 60000;
            ask(&w, &(struct query){.start_ms = start,
                                    .end_ms = MIN(LAST + 600000, start + steps[i] * 300),
                                    .step_ms = steps[i]});
        }
    for (int64_t t = FIRST - 60000; t < LAST + 400000; t += 17 * 61003)
        ask(&w, &(struct query){.start_ms = t, .end_ms = t});
    memory_source_close(w.memory);
    fixture_free(&w.store);
}

const struct CMUnitTest over_store_tests[] = {cmocka_unit_test(answers_are_the_same)};
const size_t over_store_tests_n = COUNT(over_store_tests);
