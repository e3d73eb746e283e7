/* A collector that costs too much runs more rarely, and more often again. */
#include "unit.h"

#include "base/clock.h"
#include "base/json.h"
#include "collect/tick.h"
#include "machine.h"

enum { LIMIT_MS = 600 };

#define MS INT64_C(1000000)

/* Runs of one cost, every second or as rarely as the budget says, for so many minutes; how many
 * times the interval became another one. */
static unsigned minutes(struct budget *b, int64_t *now_ms, unsigned n, int64_t wall_ns,
                        int64_t cpu_ns)
{
    unsigned changes = 0;
    for (int64_t end_ms = *now_ms + n * (int64_t)60000; *now_ms < end_ms;
         *now_ms += MAX((int64_t)1000, b->stretch_ms))
        changes += budget_note(b, *now_ms, 1000, LIMIT_MS, wall_ns, b->exact ? cpu_ns : 0);
    return changes;
}

static void test_both_sides(void **state UNUSED)
{
    static const struct {
        int64_t run_us, interval_ms;
    } cases[] = {{100, 0},
                 {9900, 0},
                 {10100, 2000},
                 {20000, 2000},
                 {50000, 5000},
                 {50100, 6000},
                 {600000, 60000},
                 {1200000, 120000},
                 {1500000, BUDGET_INTERVAL_MAX_MS},
                 {60000000, BUDGET_INTERVAL_MAX_MS}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct budget b = {0};
        int64_t now_ms = 5000;
        minutes(&b, &now_ms, 10, cases[i].run_us * 1000, cases[i].run_us * 1000);
        assert_int_equal(b.stretch_ms, cases[i].interval_ms);
    }
}

/* Waiting for others' use of the processor is no cost. */
static void test_busy_machine(void **state UNUSED)
{
    struct budget b = {0};
    int64_t now_ms = 0;
    assert_int_equal(minutes(&b, &now_ms, 5, 100 * MS, MS), 0);
    assert_int_equal(b.stretch_ms, 0);
}

static void test_shorter_again(void **state UNUSED)
{
    struct budget b = {0};
    int64_t now_ms = 0;
    assert_int_equal(minutes(&b, &now_ms, 4, 100 * MS, 100 * MS), 1);
    assert_int_equal(b.stretch_ms, 10000);
    /* a little cheaper changes nothing, much cheaper does, and so does cheap */
    assert_int_equal(minutes(&b, &now_ms, 5, 90 * MS, 90 * MS), 0);
    assert_int_equal(minutes(&b, &now_ms, 5, 40 * MS, 40 * MS), 1);
    assert_int_equal(b.stretch_ms, 4000);
    assert_int_equal(minutes(&b, &now_ms, 5, MS, MS), 1);
    assert_int_equal(b.stretch_ms, 0);
    assert_int_equal(minutes(&b, &now_ms, 5, MS, MS), 0);
    assert_false(b.exact);
}

/* ---- in the agent ---- */

struct dear {
    int64_t run_ms;
    unsigned runs;
};

static const struct metric dear_metrics[] = {{"test_dear", METRIC_GAUGE, "Test.", {0}}};

static enum status dear_collect(struct tick *t, void *state, struct err *err UNUSED)
{
    struct dear *d = state;
    clock_fake_advance(d->run_ms);
    d->runs++;
    emit(t, &dear_metrics[0], 1);
    return OK;
}

static const struct collector dear_collector = {
    .name = "dear", .collect = dear_collect, .metrics = dear_metrics, .n_metrics = 1};

/* Collections at each second of so many minutes; returns how often the collector ran. */
static unsigned run_minutes(struct collect *c, struct dear *d, unsigned n)
{
    int64_t end_ms = clock_mono_ms() + n * (int64_t)60000;
    unsigned before = d->runs;
    while (clock_mono_ms() < end_ms) {
        int64_t next_ms = clock_mono_ms() + 1000;
        collect_run(c, clock_wall_ms(), clock_mono_ms(), false);
        clock_fake_advance(MAX((int64_t)1, next_ms - clock_mono_ms()));
    }
    return d->runs - before;
}

static double figure(const struct collect *c, const char *series)
{
    auto_buf text = {0};
    double v = -1;
    collect_expose(c, &text, true);
    assert_true(text_value(&text, series, &v));
    return v;
}

static void test_collector(void **state UNUSED)
{
    clock_fake(INT64_C(1763717400000));
    struct dear d = {.run_ms = 100};
    struct collect *c = machine_open("linux310");
    collect_add(c, &dear_collector, &d);
    unsigned first = run_minutes(c, &d, 1);
    assert_true(first >= 59);
    run_minutes(c, &d, 3);
    unsigned later = run_minutes(c, &d, 1);
    assert_in_range(later, 5, 7); /* every 10 s */
    static const char interval[] = "galen_agent_collector_interval_seconds{collector=\"dear\"}",
                      stretched[] = "galen_agent_collector_stretched{collector=\"dear\"}",
                      total[] = "galen_agent_collector_seconds_total{collector=\"dear\"}";
    assert_true(figure(c, interval) == 10);
    assert_true(figure(c, stretched) == 1);
    assert_true(figure(c, total) > 5);
    assert_true(figure(c, "galen_agent_collector_stretched{collector=\"stat\"}") == 0);
    auto_buf json = {0};
    struct json j = json_to(&json);
    collect_costs_json(c, &j);
    assert_non_null(strstr(buf_text(&json), "\"stretched_ms\":10000"));
    d.run_ms = 1;
    run_minutes(c, &d, 3);
    assert_true(run_minutes(c, &d, 1) >= 59);
    assert_true(figure(c, stretched) == 0);
    collect_close(c);
    clock_real();
}

const struct CMUnitTest budget_tests[] = {
    cmocka_unit_test(test_both_sides),
    cmocka_unit_test(test_busy_machine),
    cmocka_unit_test(test_shorter_again),
    cmocka_unit_test(test_collector),
};
const size_t budget_tests_n = COUNT(budget_tests);
