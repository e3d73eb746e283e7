/* Series that live shortly: pods, jobs, sessions. Memory is for those that are alive. */
#include "fixture.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 24, PER_ROUND = 400, HOUR_MS = 3600 * 1000 };

/* One sample of each of so many new series, in one message. */
static void born(struct fixture *f, int round, int n)
{
    auto_buf message = {.max = SIZE_MAX};
    for (int i = 0; i < n; i++) {
        char name[128];
        snprintf(name, sizeof name, "job{instance=\"h%d\",pod=\"p%d-%d\",kind=\"%s\"}", i % 20,
                 round, i, i % 2 ? "odd" : "even");
        message_add(&message, name, &(struct sample){fixture_now, i}, 1);
    }
    struct append_result r;
    assert_ok(store_append_wait(f->writer, buf_view(&message), &r, err));
    assert_int_equal(r.samples, n);
    assert_int_equal(r.series_new, n);
}

static uint64_t active(struct fixture *f)
{
    struct store_stats stats;
    store_stats(f->store, &stats);
    return stats.series_active;
}

static void idle_series_leave(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_open(&f);
    born(&f, 0, 100);
    fixture_now += STORE_IDLE_MS; /* flushed, and exactly as long without samples: they stay */
    assert_ok(store_maintain(f.store, err));
    assert_int_equal(active(&f), 100);
    fixture_now++;
    assert_ok(store_maintain(f.store, err));
    assert_int_equal(active(&f), 0);
    assert_int_equal(fixture_count(&f, "job"), 100);
    fixture_put(&f, "job{instance=\"h1\",kind=\"odd\",pod=\"p0-1\"}", fixture_now, 7); /* again */
    assert_int_equal(active(&f), 1);
    assert_int_equal(fixture_count(&f, "job"), 100);
    fixture_free(&f);
}

static void memory_is_for_the_living(void **state)
{
    (void)state;
    struct fixture f;
    bool large = fixture_soak();
    int per_round = large ? 1000000 / ROUNDS : PER_ROUND;
    size_t early = 0;
    fixture_init(&f);
    f.tuning.segment_bytes = 8 << 20;
    fixture_open(&f);
    for (int round = 0; round < ROUNDS; round++) {
        born(&f, round, per_round);
        for (int quarter = 0; quarter < 4; quarter++) {
            fixture_now += HOUR_MS / 4;
            assert_ok(store_maintain(f.store, err));
        }
        /* two hours in the head until it is flushed, two without samples, one until it is seen */
        assert_true(active(&f) <= (uint64_t)per_round * 5);
        if (round == ROUNDS / 2)
            early = mallinfo2().uordblks;
    }
    size_t late = mallinfo2().uordblks;
    if (large)
        printf("# memory after %d series: %zu KiB, after %d: %zu KiB\n",
               per_round * (ROUNDS / 2 + 1), early >> 10, per_round * ROUNDS, late >> 10);
    assert_true(late <= early + early / 2); /* both 0 where the allocator does not tell */
    assert_int_equal(fixture_count(&f, "job"), (size_t)per_round * ROUNDS);
    assert_int_equal(fixture_count(&f, "job{kind=\"odd\"}"), (size_t)per_round * ROUNDS / 2);
    assert_int_equal(fixture_count(&f, "job{pod=~\"p3-.*\"}"), (size_t)per_round);
    assert_int_equal(fixture_count(&f, "job{pod=~\"p3-.*\",kind!=\"odd\"}"), (size_t)per_round / 2);
    assert_int_equal(fixture_count(&f, "job{pod=\"p5-17\"}"), 1);
    /* what is restarted with is what is alive, too */
    fixture_crash(&f);
    fixture_open(&f);
    assert_true(active(&f) <= (uint64_t)per_round * 5);
    fixture_free(&f);
}

const struct CMUnitTest churn_tests[] = {
    cmocka_unit_test(idle_series_leave),
    cmocka_unit_test(memory_is_for_the_living),
};
const size_t churn_tests_n = COUNT(churn_tests);
