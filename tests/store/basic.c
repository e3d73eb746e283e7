/* What goes in comes out: at once, after a crash, after a restart, from blocks. */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

static void in_and_out(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_open(&f);
    const struct sample s[] = {{NOON, 1}, {NOON + 5000, 2.5}, {NOON + 10000, -0.0}};
    struct append_result r = fixture_append(&f, "up{instance=\"a\"}", s, 2);
    assert_int_equal(r.samples, 2);
    assert_int_equal(r.series_new, 1);
    assert_int_equal(r.min_t_ms, NOON);
    assert_int_equal(r.max_t_ms, NOON + 5000);
    r = fixture_append(&f, "up{instance=\"a\"}", s + 2, 1);
    assert_int_equal(r.series_new, 0);
    assert_samples(&f, "up{instance=\"a\"}", s, 3);
    fixture_crash(&f);
    fixture_open(&f);
    assert_samples(&f, "up{instance=\"a\"}", s, 3);
    fixture_close(&f);
    fixture_open(&f);
    struct store_stats stats;
    store_stats(f.store, &stats);
    assert_int_equal(stats.blocks, 1);
    assert_samples(&f, "up{instance=\"a\"}", s, 3);
    fixture_free(&f);
}

static void duplicates_and_conflicts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_open(&f);
    const struct sample first[] = {{NOON, 1}, {NOON + 5000, 2}};
    fixture_append(&f, "m{instance=\"a\"}", first, 2);
    for (int stage = 0; stage < 4; stage++) { /* head, after a crash, block, compacted block */
        struct append_result r = fixture_append(&f, "m{instance=\"a\"}", first, 2);
        assert_int_equal(r.samples, 0);
        assert_int_equal(r.duplicates, 2);
        const struct sample other[] = {{NOON, 7}, {NOON + 5000, 8}};
        r = fixture_append(&f, "m{instance=\"a\"}", other, 2);
        assert_int_equal(r.refused, 2);
        assert_non_null(strstr(r.refused_why, "another value"));
        assert_samples(&f, "m{instance=\"a\"}", first, 2);
        if (stage == 0) {
            fixture_crash(&f);
            fixture_open(&f);
        } else if (stage == 1) {
            fixture_close(&f);
            fixture_open(&f);
        } else {
            assert_ok(store_compact(f.store, err));
        }
    }
    fixture_free(&f);
}

static void times_out_of_range(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_open(&f);
    static const struct {
        int64_t t;
        bool taken;
        const char *why;
    } cases[] = {
        {NOON + 10 * 60000, true, ""},
        {NOON + 10 * 60000 + 1, false, "future"},
        {NOON - INT64_C(30) * DAY_MS, true, ""},
        {NOON - INT64_C(31) * DAY_MS, false, "older"},
        {0, false, "older"},
        {INT64_MIN, false, "older"},
        {INT64_MAX, false, "future"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char name[64];
        snprintf(name, sizeof name, "m%zu{instance=\"a\"}", i);
        struct sample s = {cases[i].t, 1};
        struct append_result r = fixture_append(&f, name, &s, 1);
        assert_int_equal(r.samples, cases[i].taken);
        assert_int_equal(r.refused, !cases[i].taken);
        assert_non_null(strstr(r.refused_why, cases[i].why));
    }
    fixture_free(&f);
}

/* What of a message cannot be stored is said; the rest is. */
static void native_histograms(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_open(&f);
    static const struct span alone =
        SPAN("\x0a\x13\x0a\x0d\x0a\x08__name__\x12\x01h\x22\x00\x22\x00");
    struct sample sample = {NOON, 1};
    struct append_result r;
    auto_buf message = {0};
    buf_span(&message, alone);
    assert_ok(store_append_wait(f.writer, buf_view(&message), &r, err));
    assert_int_equal(r.samples, 0);
    assert_int_equal(r.series_new, 0);
    assert_int_equal(r.refused, 2);
    assert_non_null(strstr(r.refused_why, "native histograms are not supported"));
    message_add(&message, "m{instance=\"a\"}", &sample, 1);
    assert_ok(store_append_wait(f.writer, buf_view(&message), &r, err));
    assert_int_equal(r.samples, 1);
    assert_int_equal(r.refused, 2);
    assert_samples(&f, "m{instance=\"a\"}", &sample, 1);
    fixture_free(&f);
}

static void out_of_order(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_open(&f);
    const char *name = "m{instance=\"a\"}";
    fixture_put(&f, name, NOON, 1);
    fixture_put(&f, name, NOON - 5000, 2);                /* late */
    fixture_put(&f, name, NOON - INT64_C(3) * DAY_MS, 3); /* backfill */
    const struct sample mixed[] = {{NOON + 9000, 5}, {NOON + 3000, 4}, {NOON + 12000, 6}};
    assert_int_equal(fixture_append(&f, name, mixed, 3).samples, 3);
    const struct sample want[] = {{NOON - INT64_C(3) * DAY_MS, 3},
                                  {NOON - 5000, 2},
                                  {NOON, 1},
                                  {NOON + 3000, 4},
                                  {NOON + 9000, 5},
                                  {NOON + 12000, 6}};
    assert_samples(&f, name, want, COUNT(want));
    fixture_crash(&f);
    fixture_open(&f);
    assert_samples(&f, name, want, COUNT(want));
    fixture_close(&f);
    fixture_open(&f);
    struct store_stats stats;
    store_stats(f.store, &stats);
    assert_int_equal(stats.blocks, 2);
    assert_samples(&f, name, want, COUNT(want));
    fixture_put(&f, name, NOON - INT64_C(3) * DAY_MS + 1, 9);
    assert_ok(store_compact(f.store, err));
    store_stats(f.store, &stats);
    assert_int_equal(stats.blocks, 2);
    assert_int_equal(stats.samples_stored, 7);
    fixture_free(&f);
}

static void malformed_messages(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_open(&f);
    struct sample s = {NOON, 1};
    auto_buf good = {0}, bad = {0};
    message_add(&good, "m{instance=\"a\"}", &s, 1);
    struct append_result r;
    for (size_t cut = 1; cut < good.len; cut++) {
        struct err err;
        assert_int_equal(store_append_wait(f.writer, span_from(good.at, cut), &r, &err), INVALID);
    }
    /* a good series before one without a name */
    buf_span(&bad, buf_view(&good));
    message_add(&bad, "{instance=\"a\"}", &s, 1);
    assert_fails(store_append_wait(f.writer, buf_view(&bad), &r, err), INVALID, "entry 2");
    assert_int_equal(fixture_count(&f, "{instance=\"a\"}"), 0);
    assert_ok(store_append_wait(f.writer, (struct span){0}, &r, err));
    fixture_free(&f);
}

static void selectors(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_open(&f);
    for (int host = 0; host < 20; host++)
        for (int cpu = 0; cpu < 4; cpu++) {
            char name[128];
            snprintf(name, sizeof name, "cpu{instance=\"h%d\",cpu=\"%d\",mode=\"%s\"}", host, cpu,
                     cpu % 2 ? "idle" : "user");
            fixture_put(&f, name, NOON + host, cpu);
        }
    fixture_put(&f, "load", NOON, 3);
    static const struct {
        const char *selector;
        size_t n;
    } cases[] = {
        {"cpu", 80},
        {"cpu{instance=\"h1\"}", 4},
        {"cpu{instance=\"nobody\"}", 0},
        {"cpu{instance=~\"h1.*\"}", 44},
        {"cpu{instance!~\"h1.*\"}", 36},
        {"cpu{instance!=\"h1\"}", 76},
        {"cpu{mode=\"idle\",cpu=~\"0|1\"}", 20},
        {"{mode=\"\"}", 1},
        {"{mode!=\"\"}", 80},
        {"{instance=\"\"}", 1},
        {"{instance=~\".*\"}", 81},
        {"{nothing=\"x\"}", 0},
        {"{nothing!=\"x\"}", 81},
        {"load", 1},
        {"load{instance=~\".+\"}", 0},
    };
    for (int stage = 0; stage < 3; stage++) {
        for (size_t i = 0; i < COUNT(cases); i++)
            if (fixture_count(&f, cases[i].selector) != cases[i].n)
                fail_msg("stage %d: %s finds %zu series, not %zu", stage, cases[i].selector,
                         fixture_count(&f, cases[i].selector), cases[i].n);
        if (stage == 0) { /* everything in a block */
            assert_ok(store_compact(f.store, err));
        } else { /* and nothing in memory */
            fixture_close(&f);
            fixture_now += 3 * STORE_IDLE_MS;
            fixture_open(&f);
            assert_ok(store_maintain(f.store, err));
            struct store_stats stats;
            store_stats(f.store, &stats);
            assert_int_equal(stats.series_active, 0);
        }
    }
    fixture_free(&f);
}

static void label_values(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_open(&f);
    fixture_put(&f, "a{instance=\"h2\",mode=\"x\"}", NOON, 1);
    fixture_put(&f, "b{instance=\"h1\"}", NOON - INT64_C(2) * DAY_MS, 1);
    for (int stage = 0; stage < 2; stage++) {
        auto_arena a = {0};
        struct span *values;
        size_t n;
        struct matcher m[1];
        struct source *view = store_read_begin(f.store);
        assert_ok(view->label_values(view, SPAN("instance"), NULL, 0, 0, INT64_MAX, &a, &values, &n,
                                     err));
        assert_int_equal(n, 2);
        assert_span(values[0], "h1");
        assert_ok(
            view->label_values(view, SPAN("instance"), NULL, 0, NOON, NOON, &a, &values, &n, err));
        assert_int_equal(n, 1);
        assert_span(values[0], "h2");
        assert_ok(view->label_values(view, (struct span){0}, NULL, 0, 0, INT64_MAX, &a, &values, &n,
                                     err));
        assert_int_equal(n, 3);
        assert_span(values[2], "mode");
        assert_int_equal(matchers_of(&a, "b", m), 1);
        assert_ok(
            view->label_values(view, (struct span){0}, m, 1, 0, INT64_MAX, &a, &values, &n, err));
        assert_int_equal(n, 2);
        matchers_free(m, 1);
        store_read_end(view);
        assert_ok(store_compact(f.store, err));
    }
    fixture_free(&f);
}

static void locked_directory(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_open(&f);
    struct store *second;
    char pid[64];
    snprintf(pid, sizeof pid, "in use by process %ld", (long)getpid());
    assert_fails(store_open_tuned(&f.config, &f.tuning, &second, err), AGAIN, pid);
    assert_null(second);
    fixture_free(&f);
}

const struct CMUnitTest basic_tests[] = {
    cmocka_unit_test(in_and_out),         cmocka_unit_test(duplicates_and_conflicts),
    cmocka_unit_test(times_out_of_range), cmocka_unit_test(native_histograms),
    cmocka_unit_test(out_of_order),       cmocka_unit_test(malformed_messages),
    cmocka_unit_test(selectors),          cmocka_unit_test(label_values),
    cmocka_unit_test(locked_directory),
};
const size_t basic_tests_n = COUNT(basic_tests);
