/* Retention, deletion, compaction and what is told about hosts. */
#include "fixture.h"

#include "base/file.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static size_t files_in(const char *dir, const char *part)
{
    char path[256];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/%s", dir, part);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void retention_by_age(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.config.retention_ms = 3 * DAY_MS;
    fixture_open(&f);
    for (int day = 0; day < 3; day++)
        fixture_put(&f, "m{instance=\"a\"}", NOON - (2 - day) * DAY_MS, day);
    assert_ok(store_compact(f.store, err));
    assert_int_equal(files_in(f.dir, "blocks"), 3);
    fixture_now = NOON + 2 * DAY_MS;
    assert_ok(store_maintain(f.store, err));
    assert_int_equal(files_in(f.dir, "blocks"), 2);
    const struct sample want[] = {{NOON - DAY_MS, 1}, {NOON, 2}};
    assert_samples(&f, "m{instance=\"a\"}", want, 2);
    fixture_now = NOON + 20 * DAY_MS;
    assert_ok(store_maintain(f.store, err));
    assert_int_equal(files_in(f.dir, "blocks"), 0);
    fixture_free(&f);
}

static void retention_by_size(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.config.retention_bytes = 100000;
    fixture_open(&f);
    struct sample s[500];
    for (int day = 0; day < 8; day++) {
        struct dice d = dice_of((uint64_t)day);
        for (size_t i = 0; i < COUNT(s); i++)
            s[i] = (struct sample){NOON - (7 - day) * DAY_MS + (int64_t)i * 1000,
                                   bits_double(roll(&d) >> 2)};
        for (int k = 0; k < 6; k++) {
            char name[64];
            snprintf(name, sizeof name, "m%d{instance=\"a\"}", k);
            fixture_append(&f, name, s, COUNT(s));
        }
    }
    assert_ok(store_compact(f.store, err));
    struct store_stats stats;
    store_stats(f.store, &stats);
    assert_true(stats.bytes_on_disk - stats.log_bytes <= 100000);
    assert_true(stats.blocks >= 1 && stats.blocks < 8);
    assert_int_equal(stats.max_t_ms, s[COUNT(s) - 1].t_ms); /* the newest stay */
    fixture_free(&f);
}

static void deletion(void **state)
{
    (void)state;
    struct fixture f;
    auto_arena a = {0};
    struct matcher m[4];
    fixture_init(&f);
    fixture_open(&f);
    for (int i = 0; i < 10; i++) {
        fixture_put(&f, "m{instance=\"a\"}", NOON + i * 1000, i);
        fixture_put(&f, "n{instance=\"a\"}", NOON + i * 1000, i);
        fixture_put(&f, "m{instance=\"b\"}", NOON + i * 1000, i);
    }
    size_t n = matchers_of(&a, "m{instance=~\"a|c\"}", m);
    assert_fails(store_delete(f.store, NULL, 0, 0, INT64_MAX, err), INVALID, "matcher");
    assert_fails(store_delete(f.store, m, n, 2, 1, err), INVALID, "start");
    assert_ok(store_delete(f.store, m, n, NOON + 3000, NOON + 7000, err));
    struct sample left[] = {
        {NOON, 0}, {NOON + 1000, 1}, {NOON + 2000, 2}, {NOON + 8000, 8}, {NOON + 9000, 9}};
    assert_samples(&f, "m{instance=\"a\"}", left, COUNT(left));
    assert_int_equal(fixture_count(&f, "n{instance=\"a\"}"), 1);
    fixture_crash(&f); /* a deletion is durable */
    fixture_open(&f);
    assert_samples(&f, "m{instance=\"a\"}", left, COUNT(left));
    /* the same time may come again, with another value */
    fixture_put(&f, "m{instance=\"a\"}", NOON + 5000, 55);
    const struct sample again[] = {{NOON, 0},         {NOON + 1000, 1}, {NOON + 2000, 2},
                                   {NOON + 5000, 55}, {NOON + 8000, 8}, {NOON + 9000, 9}};
    assert_samples(&f, "m{instance=\"a\"}", again, COUNT(again));
    assert_ok(store_compact(f.store, err));
    assert_samples(&f, "m{instance=\"a\"}", again, COUNT(again));
    struct store_stats stats;
    store_stats(f.store, &stats);
    assert_int_equal(stats.samples_stored, 26);
    /* a whole host */
    matchers_free(m, n);
    n = matchers_of(&a, "{instance=\"a\"}", m);
    assert_ok(store_delete(f.store, m, n, INT64_MIN, INT64_MAX, err));
    assert_int_equal(fixture_count(&f, "{instance=\"a\"}"), 0);
    struct span *values;
    size_t values_n;
    struct source *view = store_read_begin(f.store);
    assert_ok(view->label_values(view, SPAN("instance"), NULL, 0, 0, INT64_MAX, &a, &values,
                                 &values_n, err));
    store_read_end(view);
    assert_int_equal(values_n, 1);
    assert_ok(store_maintain(f.store, err));
    store_stats(f.store, &stats);
    assert_int_equal(stats.samples_stored, 10);
    matchers_free(m, n);
    fixture_free(&f);
}

static void cleaning(void **state)
{
    (void)state;
    static const struct {
        int64_t before;
        uint64_t gone, left;
    } cases[] = {
        {NOON - 4 * DAY_MS, 0, 40},           /* nothing is so old */
        {NOON - 3 * DAY_MS + 1, 1, 39},       /* the time itself is kept, what is before it goes */
        {NOON - DAY_MS - DAY_MS / 2, 20, 20}, /* whole days: files alone */
        {NOON + 5000, 35, 5},                 /* through the day that is not over */
        {NOON + DAY_MS, 40, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fixture f;
        struct store_cleaned gone;
        struct store_stats stats;
        fixture_init(&f);
        fixture_open(&f);
        for (int day = 3; day >= 0; day--)
            for (int k = 0; k < 10; k++)
                fixture_put(&f, "m{instance=\"a\"}", NOON - day * DAY_MS + k * 1000, k);
        assert_ok(store_drop_before(f.store, cases[i].before, &gone, err));
        assert_int_equal(gone.samples, cases[i].gone);
        assert_int_equal(gone.bytes > 0, cases[i].gone > 1); /* files have whole pages */
        store_stats(f.store, &stats);
        assert_int_equal(stats.samples_stored, cases[i].left);
        assert_int_equal(fixture_count(&f, "m{instance=\"a\"}"), cases[i].left > 0);
        fixture_free(&f);
    }
}

/* A deletion's space is given back when asked for, without waiting for the maintenance. */
static void clean_tombstones(void **state)
{
    (void)state;
    struct fixture f;
    auto_arena a = {0};
    struct matcher m[4];
    struct store_stats stats;
    fixture_init(&f);
    fixture_open(&f);
    for (int i = 0; i < 10; i++)
        fixture_put(&f, "m{instance=\"a\"}", NOON + i * 1000, i);
    fixture_put(&f, "m{instance=\"b\"}", NOON, 1);
    size_t n = matchers_of(&a, "{instance=\"a\"}", m);
    assert_ok(store_delete(f.store, m, n, INT64_MIN, INT64_MAX, err));
    store_stats(f.store, &stats);
    assert_int_equal(stats.samples_stored, 11);
    assert_ok(store_clean_tombstones(f.store, err));
    store_stats(f.store, &stats);
    assert_int_equal(stats.samples_stored, 1);
    assert_ok(store_clean_tombstones(f.store, err)); /* nothing to do is no error */
    matchers_free(m, n);
    fixture_free(&f);
}

static void host_statistics(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_open(&f);
    for (int i = 0; i < 100; i++) {
        fixture_put(&f, "m{instance=\"a\"}", NOON + i * 1000, i);
        fixture_put(&f, "n{instance=\"a\"}", NOON + i * 1000, i);
    }
    fixture_put(&f, "m{instance=\"b\"}", NOON - 2 * DAY_MS, 1);
    for (int stage = 0; stage < 3; stage++) {
        auto_arena a = {0};
        struct store_host_stats *hosts;
        size_t n;
        assert_ok(store_hosts(f.store, &a, &hosts, &n, err));
        assert_int_equal(n, 2);
        assert_span(hosts[0].instance, "a");
        assert_int_equal(hosts[0].series, 2);
        assert_int_equal(hosts[0].samples, 200);
        assert_int_equal(hosts[0].min_t_ms, NOON);
        assert_int_equal(hosts[0].max_t_ms, NOON + 99000);
        assert_true(hosts[0].bytes > 0);
        assert_int_equal(hosts[1].samples, 1);
        if (stage == 0)
            assert_ok(store_compact(f.store, err));
        else
            fixture_close(&f), fixture_open(&f);
    }
    fixture_free(&f);
}

/* A day that is not over gets few blocks, whatever is flushed. */
static void compaction_by_itself(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.tuning.flush_samples = 10;
    f.tuning.flush_per_series = 1;
    fixture_open(&f);
    for (int i = 0; i < 1000; i++) {
        fixture_now = NOON + i * 10000;
        fixture_put(&f, "m{instance=\"a\"}", fixture_now, i);
        assert_ok(store_maintain(f.store, err));
    }
    struct store_stats stats;
    store_stats(f.store, &stats);
    assert_true(stats.blocks <= 16);
    fixture_now = NOON + DAY_MS;
    assert_ok(store_maintain(f.store, err));
    store_stats(f.store, &stats);
    assert_int_equal(stats.blocks, 1);
    assert_int_equal(files_in(f.dir, "blocks"), 1);
    fixture_free(&f);
}

/* Many hosts in one day, many days in one flush, more series than one part takes. */
static void wide_and_long(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.config.retention_ms = 100 * DAY_MS;
    fixture_open(&f);
    auto_buf message = {0};
    for (int i = 0; i < PART_MAX_SERIES * 2 + 10; i++) {
        char name[64];
        struct sample s = {NOON - (i % 90) * DAY_MS, i};
        struct sample now = {NOON, i};
        snprintf(name, sizeof name, "m{instance=\"a\",number=\"%d\"}", i);
        message_add(&message, name, &s, 1);
        message_add(&message, name, &now, 1);
    }
    struct append_result r;
    assert_ok(store_append_wait(f.writer, buf_view(&message), &r, err));
    assert_int_equal(r.samples + r.duplicates, (PART_MAX_SERIES * 2 + 10) * 2);
    assert_ok(store_compact(f.store, err));
    struct store_stats stats;
    store_stats(f.store, &stats);
    assert_int_equal(stats.blocks, 90);
    const struct sample want[] = {{NOON - 77 * DAY_MS, 77}, {NOON, 77}};
    assert_samples(&f, "m{instance=\"a\",number=\"77\"}", want, 2);
    assert_int_equal(fixture_count(&f, "m{instance=\"a\"}"), PART_MAX_SERIES * 2 + 10);
    fixture_free(&f);
}

static void *compact_beside(void *arg)
{
    struct err err;
    return store_compact(arg, &err) ? arg : NULL;
}

/* While a view is open, what it began with stays, though a flush wants to give it back. */
static void view_keeps_its_version(void **state)
{
    (void)state;
    struct fixture f;
    auto_arena a = {0};
    struct matcher m[1];
    struct selected *found;
    size_t n;
    fixture_init(&f);
    fixture_open(&f);
    for (int i = 0; i < 50; i++)
        fixture_put(&f, "m", NOON + i * 1000, i);
    assert_int_equal(matchers_of(&a, "m", m), 1);
    struct source *view = store_read_begin(f.store);
    pthread_t thread;
    pthread_create(&thread, NULL, compact_beside, f.store);
    for (int i = 0; i < 100 && files_in(f.dir, "blocks") == 0; i++)
        usleep(5000);
    usleep(50000);
    assert_ok(view->select(view, m, 1, NULL, &a, &found, &n, err));
    assert_int_equal(n, 1);
    assert_ok(view->read(view, &found[0], NULL, &a, err));
    assert_int_equal(found[0].n, 50);
    struct store_stats stats; /* and a new one sees the same in the block */
    store_stats(f.store, &stats);
    assert_int_equal(stats.blocks, 1);
    assert_int_equal(fixture_count(&f, "m"), 1);
    store_read_end(view);
    void *failed;
    pthread_join(thread, &failed);
    assert_null(failed);
    matchers_free(m, 1);
    fixture_free(&f);
}

static void copy_file(const char *from, const char *to)
{
    auto_buf content = {0};
    assert_ok(file_read(from, &content, err));
    assert_ok(file_write_atomic(to, buf_view(&content), 0600, err));
}

/* A crash after a merged block has its name and before those that it replaces are removed. */
static void replaced_blocks_are_removed(void **state)
{
    (void)state;
    struct fixture f;
    char old[256], aside[256];
    fixture_init(&f);
    fixture_open(&f);
    fixture_put(&f, "m", NOON, 1);
    fixture_close(&f);
    snprintf(old, sizeof old, "%s/blocks/20261120-1-1-0.db", f.dir);
    snprintf(aside, sizeof aside, "%s/kept", f.dir);
    copy_file(old, aside);
    fixture_open(&f);
    assert_ok(store_compact(f.store, err));
    fixture_close(&f);
    assert_int_equal(files_in(f.dir, "blocks"), 1);
    copy_file(aside, old);
    assert_int_equal(files_in(f.dir, "blocks"), 2);
    fixture_open(&f);
    assert_int_equal(files_in(f.dir, "blocks"), 1);
    const struct sample want = {NOON, 1};
    assert_samples(&f, "m", &want, 1);
    fixture_free(&f);
}

const struct CMUnitTest blocks_tests[] = {
    cmocka_unit_test(view_keeps_its_version),
    cmocka_unit_test(replaced_blocks_are_removed),
    cmocka_unit_test(retention_by_age),
    cmocka_unit_test(retention_by_size),
    cmocka_unit_test(deletion),
    cmocka_unit_test(cleaning),
    cmocka_unit_test(clean_tombstones),
    cmocka_unit_test(host_statistics),
    cmocka_unit_test(compaction_by_itself),
    cmocka_unit_test(wide_and_long),
};
const size_t blocks_tests_n = COUNT(blocks_tests);
