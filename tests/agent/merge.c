/* Many messages as one: every sample once, a series' samples together and in their order. */
#include "unit.h"

#include "agent/merge.h"
#include "series/remote_write.h"

#include <stdio.h>

static void add_series(struct buf *message, const char *name, int64_t t_ms, double v)
{
    struct label_builder b = {.n = 0};
    label_set(&b, SPAN(LABEL_NAME), span_of(name));
    label_set(&b, SPAN("job"), SPAN("node"));
    write_series(message, label_builder_end(&b), &(struct sample){t_ms, v}, 1);
}

/* "a=1@10,2@20 b=3@10" */
static void print_write(struct span message, struct buf *out)
{
    struct write_reader r = write_reader_of(message);
    struct write_entry e;
    while (write_next(&r, &e)) {
        struct label_builder b = {.n = 0};
        struct labels l;
        struct sample s;
        const char *fault = NULL;
        assert_ok(write_labels(e.labels_raw, &b, &l, err));
        buf_printf(out, "%s%.*s", out->len ? " " : "", SPAN_ARG(labels_metric(l)));
        for (char sign = '='; write_sample_next(&e.samples_raw, &s, &fault); sign = ',')
            buf_printf(out, "%c%g@%d", sign, s.v, (int)s.t_ms);
        assert_null(fault);
    }
    assert_null(r.fault);
}

/* Messages as words of series, one character each: "ab" at time 10, "ab" at 20. */
static void test_merge(void **state UNUSED)
{
    static const struct {
        const char *messages[4];
        const char *want;
        size_t samples;
    } cases[] = {
        {{"ab", "ab", "ab"}, "a=1@10,2@20,3@30 b=1@10,2@20,3@30", 6},
        {{"ab"}, "a=1@10 b=1@10", 2},
        {{"a", "b"}, "a=1@10 b=2@20", 2},
        {{"abc", "cab"}, "a=1@10,2@20 b=1@10,2@20 c=1@10,2@20", 6},
        {{"ac", "abc", "b"}, "a=1@10,2@20 c=1@10,2@20 b=2@20,3@30", 6},
        {{"", "a"}, "a=2@20", 1},
        {{""}, "", 0},
        {{"aa"}, "a=1@10,1@10", 2},
    };
    struct merge *m = merge_open();
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0}, text = {0};
        for (size_t k = 0; k < COUNT(cases[i].messages) && cases[i].messages[k]; k++) {
            auto_buf message = {0};
            for (const char *at = cases[i].messages[k]; *at; at++)
                add_series(&message, (char[]){*at, '\0'}, 10 * (int64_t)(k + 1), (double)(k + 1));
            assert_ok(merge_add(m, buf_view(&message), err));
        }
        assert_int_equal(merge_take(m, &out), cases[i].samples);
        print_write(buf_view(&out), &text);
        assert_string_equal(buf_text(&text), cases[i].want);
        assert_int_equal(merge_bytes(m), 0);
    }
    merge_close(m);
    merge_close(NULL);
}

static void test_damaged(void **state UNUSED)
{
    struct merge *m = merge_open();
    auto_buf message = {0}, out = {0}, text = {0};
    add_series(&message, "a", 10, 1);
    assert_ok(merge_add(m, buf_view(&message), err));
    for (size_t cut = 1; cut < message.len; cut++)
        assert_fails(merge_add(m, (struct span){message.at, cut}, err), INVALID, "no remote-write");
    assert_fails(merge_add(m, SPAN("hello"), err), INVALID, "no remote-write");
    merge_take(m, &out);
    print_write(buf_view(&out), &text);
    assert_string_equal(buf_text(&text), "a=1@10");
    merge_close(m);
}

static void test_many(void **state UNUSED)
{
    enum { SERIES = 700, TIMES = 20 };
    struct merge *m = merge_open();
    auto_buf out = {0};
    for (int t = 0; t < TIMES; t++) {
        auto_buf message = {0};
        for (int i = 0; i < SERIES; i++) {
            char name[32];
            snprintf(name, sizeof name, "series_%d", i);
            add_series(&message, name, t, i);
        }
        assert_ok(merge_add(m, buf_view(&message), err));
    }
    size_t before = merge_bytes(m);
    assert_int_equal(merge_take(m, &out), SERIES * TIMES);
    assert_true(out.len < before / 2); /* labels stand once */
    struct write_reader r = write_reader_of(buf_view(&out));
    struct write_entry e;
    size_t n = 0;
    while (write_next(&r, &e))
        n++;
    assert_int_equal(n, SERIES);
    merge_close(m);
}

const struct CMUnitTest merge_tests[] = {
    cmocka_unit_test(test_merge),
    cmocka_unit_test(test_damaged),
    cmocka_unit_test(test_many),
};
const size_t merge_tests_n = COUNT(merge_tests);
