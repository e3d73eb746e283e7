#include "base/clock.h"
#include "base/loop.h"
#include "base/pool.h"
#include "base/queue.h"
#include "unit.h"

#include <pthread.h>
#include <signal.h>

static void a_full_queue_is_answered(void **state UNUSED)
{
    int items[3];
    struct queue *q = queue_open(2);
    assert_true(queue_push(q, &items[0]));
    assert_true(queue_push(q, &items[1]));
    assert_false(queue_push(q, &items[2]));
    assert_ptr_equal(queue_pop(q, 0), &items[0]);
    assert_true(queue_push(q, &items[2]));
    queue_end(q);
    assert_false(queue_push(q, &items[0]));
    assert_ptr_equal(queue_pop(q, -1), &items[1]);
    assert_ptr_equal(queue_pop(q, -1), &items[2]);
    assert_null(queue_pop(q, -1));
    assert_true(queue_ended(q));
    queue_close(q);
}

static void *count_items(void *arg)
{
    size_t n = 0;
    while (queue_pop(arg, -1))
        n++;
    return (void *)n;
}

static void readers_share_the_work(void **state UNUSED)
{
    enum { READERS = 3, ITEMS = 10000 };
    struct queue *q = queue_open(16);
    pthread_t readers[READERS];
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, count_items, q), 0);
    int item;
    for (size_t sent = 0; sent < ITEMS;)
        sent += queue_push(q, &item);
    queue_end(q);
    size_t total = 0;
    for (int i = 0; i < READERS; i++) {
        void *n;
        pthread_join(readers[i], &n);
        total += (size_t)n;
    }
    assert_int_equal(total, ITEMS);
    queue_close(q);
}

struct loop_test {
    struct loop *loop;
    struct timer *timer;
    int ticks, posted, signals;
};

static void tick(void *arg)
{
    struct loop_test *t = arg;
    if (++t->ticks == 3)
        raise(SIGUSR1);
}

static void signalled(void *arg)
{
    struct loop_test *t = arg;
    t->signals++;
    loop_stop(t->loop);
}

static void posted(void *arg)
{
    ((struct loop_test *)arg)->posted++;
}

static void *post_many(void *arg)
{
    struct loop_test *t = arg;
    for (int i = 0; i < 1000; i++)
        loop_post(t->loop, posted, t);
    return NULL;
}

static void a_loop_runs_timers_posts_and_signals(void **state UNUSED)
{
    struct loop_test t = {0};
    assert_ok(loop_open(&t.loop, err));
    assert_ok(loop_signal(t.loop, SIGUSR1, signalled, &t, err));
    t.timer = timer_open(t.loop, tick, &t);
    timer_every(t.timer, 1);
    pthread_t poster;
    assert_int_equal(pthread_create(&poster, NULL, post_many, &t), 0);
    loop_run(t.loop);
    pthread_join(poster, NULL);
    timer_close(t.timer);
    loop_close(t.loop); /* runs what is still waiting */
    assert_true(t.ticks >= 3);
    assert_int_equal(t.signals, 1);
    assert_int_equal(t.posted, 1000);
}

struct pooled {
    struct loop *loop;
    _Atomic int worked;
    int done;
};

static void work(void *arg)
{
    ((struct pooled *)arg)->worked++;
}

static void worked(void *arg)
{
    struct pooled *t = arg;
    if (++t->done == 100)
        loop_stop(t->loop);
}

static void a_pool_hands_results_to_the_loop(void **state UNUSED)
{
    struct pooled t = {0};
    assert_ok(loop_open(&t.loop, err));
    struct pool *p = pool_open("test", 2, 100);
    for (int i = 0; i < 100; i++)
        assert_true(pool_submit(p, work, worked, t.loop, &t));
    loop_run(t.loop);
    assert_int_equal(t.done, 100);
    assert_int_equal(t.worked, 100);
    pool_close(p);
    p = pool_open("test", 0, 1); /* nobody works: the second one does not fit */
    assert_true(pool_submit(p, work, worked, t.loop, &t));
    assert_int_equal(pool_waiting(p), 1);
    assert_false(pool_submit(p, work, worked, t.loop, &t));
    pool_close(p);
    loop_close(t.loop);
}

static void a_fake_clock_obeys(void **state UNUSED)
{
    clock_fake(1000000);
    int64_t mono = clock_mono_ms();
    clock_fake_advance(7 * 86400000LL);
    assert_int_equal(clock_wall_ms(), 1000000 + 604800000);
    assert_int_equal(clock_mono_ms() - mono, 604800000);
    clock_real();
    char text[TIME_TEXT_MAX];
    assert_string_equal(clock_rfc3339(1795242600123, text), "2026-11-21T06:30:00.123Z");
    assert_string_equal(clock_rfc3339(-1, text), "1969-12-31T23:59:59.999Z");
}

const struct CMUnitTest threads_tests[] = {
    cmocka_unit_test(a_full_queue_is_answered),
    cmocka_unit_test(readers_share_the_work),
    cmocka_unit_test(a_loop_runs_timers_posts_and_signals),
    cmocka_unit_test(a_pool_hands_results_to_the_loop),
    cmocka_unit_test(a_fake_clock_obeys),
};
const size_t threads_tests_n = COUNT(threads_tests);
