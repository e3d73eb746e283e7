/* Parser, printer and evaluator over a few series with awkward values. What parses must print
 * as something that parses and prints the same. */
#include "promql/promql.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void fail_with(const char *what, struct span text, const char *why)
{
    fprintf(stderr, "%s: %.*s: %s\n", what, SPAN_ARG(text), why);
    abort();
}

static struct memory_source *world(void)
{
    static const double values[] = {1,    2, NAN,   3, INFINITY, -INFINITY,
                                    -0.0, 5, 1e308, 4, 0,        1e-300};
    static const struct {
        const char *name, *a, *le;
    } series[] = {{"m", "1", ""},     {"m", "2", ""},         {"n", "1", ""},     {"h", "1", "0.5"},
                  {"h", "1", "+Inf"}, {"h", "1", "nonsense"}, {"x_total", "", ""}};
    struct memory_source *w = memory_source_open();
    for (size_t i = 0; i < COUNT(series); i++) {
        struct label_builder b = {0};
        label_set(&b, SPAN(LABEL_NAME), span_of(series[i].name));
        label_set(&b, SPAN("a"), span_of(series[i].a));
        label_set(&b, SPAN("le"), span_of(series[i].le));
        struct labels labels = label_builder_end(&b);
        for (size_t k = 0; k < 60; k++) {
            double v = values[(k * (i + 1)) % COUNT(values)];
            if ((k + i) % 13 == 0)
                v = bits_double(STALE_NAN_BITS);
            struct sample s = {(int64_t)(k * (7 + i)) * 1000, v};
            if (memory_source_append(w, labels, s, NULL))
                abort();
        }
    }
    return w;
}

static void evaluate(struct memory_source *w, const struct expr *e, struct arena *arena,
                     int64_t start_ms, int64_t step_ms, size_t steps)
{
    struct err err = {0};
    struct result result;
    struct query q = {.expr = e,
                      .start_ms = start_ms,
                      .end_ms = start_ms + (int64_t)steps * step_ms,
                      .step_ms = step_ms,
                      .samples_max = 20000,
                      .rules_of_2 = steps % 2,
                      .delayed_name_removal = steps > 5};
    enum status st = promql_eval(&q, memory_source_face(w), arena, &result, &err);
    if (st && !err.text[0])
        fail_with("a failure without a sentence", SPAN(""), status_name(st));
    for (size_t i = 0; !st && i < result.n; i++)
        for (size_t k = 0; k < result.series[i].n; k++)
            if (is_stale(result.series[i].at[k].v) ||
                (k > 0 && result.series[i].at[k].t_ms <= result.series[i].at[k - 1].t_ms))
                fail_with("a bad sample", SPAN(""), "stale or not ascending");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memory_source *w;
    if (!w)
        w = world();
    struct span text = span_from(data, size);
    auto_arena arena = {0};
    auto_buf first = {0}, second = {0};
    struct err err = {0};
    struct expr *e, *again;
    enum status st = promql_parse(text, &arena, &e, &err);
    if (st && !err.text[0])
        fail_with("refused without a sentence", text, "");
    if (st)
        return 0;
    promql_print(&first, e);
    st = promql_parse(buf_view(&first), &arena, &again, &err);
    if (st && first.len <= PROMQL_TEXT_MAX_BYTES)
        fail_with("does not parse again", buf_view(&first), err.text);
    if (!st)
        promql_print(&second, again);
    if (!st && !span_eq(buf_view(&first), buf_view(&second)))
        fail_with("prints differently", buf_view(&first), buf_text(&second));
    evaluate(w, e, &arena, 300000, 0, 0);
    evaluate(w, e, &arena, 5000, 13000, 7);
    promql_free(e);
    promql_free(again);
    return 0;
}
