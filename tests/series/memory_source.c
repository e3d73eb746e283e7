#include "series/source.h"
#include "unit.h"

static void add(struct memory_source *m, const char *metric, const char *host, int64_t t_ms,
                double v)
{
    struct label at[] = {{SPAN("__name__"), span_of(metric)}, {SPAN("instance"), span_of(host)}};
    assert_ok(memory_source_append(m, (struct labels){at, 2}, (struct sample){t_ms, v}, err));
}

static struct memory_source *filled(void)
{
    struct memory_source *m = memory_source_open();
    for (int i = 1; i <= 40; i++) {
        add(m, "up", "b", i * 1000, i);
        if (i <= 5)
            add(m, "up", "a", i * 1000, -i);
    }
    add(m, "load", "a", 7000, 0.5);
    return m;
}

static void it_selects_by_matchers_and_time(void **state UNUSED)
{
    static const struct {
        const char *metric, *host; /* regular expressions */
        int64_t start_ms, end_ms;
        size_t series, samples; /* of the first */
    } cases[] = {
        {"up", ".*", INT64_MIN, INT64_MAX, 2, 40},
        {"up", "a", INT64_MIN, INT64_MAX, 1, 5},
        {".+", ".+", INT64_MIN, INT64_MAX, 3, 40},
        {"up", "a", 0, 4999, 1, 4},
        {"up", "a", 1000, 5000, 1, 4},
        {"up", "a", 999, 1000, 1, 1},
        {"up", "a", 5000, 9000, 0, 0},
        {"up", ".*", 5000, 6000, 1, 1},
        {"none", ".*", 0, INT64_MAX, 0, 0},
        {"up", ".*", 9000, 1000, 0, 0},
    };
    struct memory_source *m = filled();
    struct source *s = memory_source_face(m);
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena a = {0};
        struct matcher matchers[2];
        assert_ok(matcher_init(&matchers[0], MATCH_REGEX, SPAN(LABEL_NAME),
                               span_of(cases[i].metric), err));
        assert_ok(
            matcher_init(&matchers[1], MATCH_REGEX, SPAN("instance"), span_of(cases[i].host), err));
        struct select_hints hints = {.start_ms = cases[i].start_ms, .end_ms = cases[i].end_ms};
        struct selected *found;
        size_t n;
        assert_ok(s->select(s, matchers, 2, &hints, &a, &found, &n, err));
        assert_int_equal(n, cases[i].series);
        if (n) {
            assert_ok(s->read(s, &found[0], &hints, &a, err));
            assert_int_equal(found[0].n, cases[i].samples);
            for (size_t k = 0; k < found[0].n; k++)
                assert_int_equal(found[0].t_ms[k], (int64_t)fabs(found[0].v[k]) * 1000);
        }
        matcher_free(&matchers[0]);
        matcher_free(&matchers[1]);
    }
    memory_source_close(m);
}

static void time_must_rise(void **state UNUSED)
{
    struct memory_source *m = filled();
    struct label at[] = {{SPAN("__name__"), SPAN("load")}, {SPAN("instance"), SPAN("a")}};
    struct labels l = {at, 2};
    assert_fails(memory_source_append(m, l, (struct sample){7000, 1}, err), INVALID,
                 "7000 ms does not come after 7000 ms");
    assert_fails(memory_source_append(m, l, (struct sample){6999, 1}, err), INVALID, "after");
    assert_ok(memory_source_append(m, l, (struct sample){7001, 1}, err));
    memory_source_close(m);
    memory_source_close(NULL);
}

static void it_knows_names_and_values(void **state UNUSED)
{
    static const struct {
        const char *name;
        int64_t start_ms, end_ms;
        const char *want;
    } cases[] = {
        {"", INT64_MIN, INT64_MAX, "__name__ instance "},
        {"instance", INT64_MIN, INT64_MAX, "a b "},
        {"__name__", INT64_MIN, INT64_MAX, "load up "},
        {"instance", 8000, 9000, "b "},
        {"instance", 7000, 7000, "a b "},
        {"instance", 40001, INT64_MAX, ""},
        {"none", INT64_MIN, INT64_MAX, ""},
    };
    struct memory_source *m = filled();
    struct source *s = memory_source_face(m);
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena a = {0};
        auto_buf out = {0};
        struct span *values;
        size_t n;
        assert_ok(s->label_values(s, span_of(cases[i].name), NULL, 0, cases[i].start_ms,
                                  cases[i].end_ms, &a, &values, &n, err));
        for (size_t k = 0; k < n; k++)
            buf_printf(&out, "%.*s ", SPAN_ARG(values[k]));
        assert_string_equal(buf_text(&out), cases[i].want);
    }
    memory_source_close(m);
}

const struct CMUnitTest memory_source_tests[] = {
    cmocka_unit_test(it_selects_by_matchers_and_time),
    cmocka_unit_test(time_must_rise),
    cmocka_unit_test(it_knows_names_and_values),
};
const size_t memory_source_tests_n = COUNT(memory_source_tests);
