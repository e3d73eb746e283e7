#include "api/gate.h"

#include "base/arena.h"
#include "base/clock.h"
#include "unit.h"

#include <pthread.h>
#include <stdio.h>

enum { TURNS = 4 };

/* Work waits here until the test lets it go on. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool let_go;
static unsigned at_once, most_at_once, ended;

static struct loop *loop;

struct one {
    struct gate_turn turn;
    char order[8]; /* what happened to it */
    char why[ERR_TEXT_MAX];
};

static char order[64];

static void work(void *arg)
{
    struct one *o = arg;
    pthread_mutex_lock(&lock);
    at_once++;
    most_at_once = MAX(most_at_once, at_once);
    while (!let_go && !__atomic_load_n(&o->turn.cancelled, __ATOMIC_RELAXED)) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&changed, &lock, &until);
    }
    at_once--;
    pthread_mutex_unlock(&lock);
}

static void end(struct one *o, const char *what)
{
    snprintf(o->order, sizeof o->order, "%s", what);
    strncat(order, what, sizeof order - strlen(order) - 1);
    if (++ended == TURNS)
        loop_stop(loop);
}

static void done(void *arg)
{
    end(arg, "d");
}

static void refused(void *arg, enum status st, const struct err *err)
{
    struct one *o = arg;
    snprintf(o->why, sizeof o->why, "%s", err->text);
    end(o, st == TIMED_OUT ? "t" : "c");
}

static void release(void *arg UNUSED)
{
    pthread_mutex_lock(&lock);
    let_go = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

struct rig {
    struct pool *pool;
    struct gate *gate;
    struct one turns[TURNS];
};

static void open_rig(struct rig *r, unsigned max)
{
    *r = (struct rig){0};
    let_go = false;
    at_once = most_at_once = ended = 0;
    order[0] = '\0';
    assert_ok(loop_open(&loop, err));
    r->pool = pool_open("test", TURNS, 16);
    r->gate = gate_open(loop, r->pool, max);
    for (size_t i = 0; i < TURNS; i++)
        r->turns[i].turn =
            (struct gate_turn){.work = work, .done = done, .refused = refused, .arg = &r->turns[i]};
}

static void close_rig(struct rig *r)
{
    pool_close(r->pool);
    gate_close(r->gate);
    loop_close(loop);
}

static void some_run_and_some_wait(void **state UNUSED)
{
    struct rig r;
    open_rig(&r, 2);
    for (size_t i = 0; i < TURNS; i++)
        gate_enter(r.gate, &r.turns[i].turn);
    assert_int_equal(gate_running(r.gate), 2);
    assert_int_equal(gate_waiting(r.gate), 2);
    loop_post(loop, release, NULL);
    loop_run(loop);
    assert_string_equal(order, "dddd");
    assert_in_range(most_at_once, 1, 2);
    assert_int_equal(gate_running(r.gate) + gate_waiting(r.gate), 0);
    close_rig(&r);
}

static void who_waits_too_long_is_refused(void **state UNUSED)
{
    struct rig r;
    open_rig(&r, 1);
    int64_t now = clock_mono_ms();
    r.turns[1].turn.deadline_mono_ms = now + 5;
    r.turns[2].turn.deadline_mono_ms = now + 1000000;
    r.turns[3].turn.deadline_mono_ms = now - 1;
    for (size_t i = 0; i < TURNS; i++)
        gate_enter(r.gate, &r.turns[i].turn);
    struct timer *t = timer_open(loop, release, NULL);
    timer_once(t, 60);
    loop_run(loop);
    timer_close(t);
    assert_string_equal(r.turns[0].order, "d");
    assert_string_equal(r.turns[1].order, "t");
    assert_string_equal(r.turns[2].order, "d");
    assert_string_equal(r.turns[3].order, "t");
    assert_string_equal(r.turns[3].why, "query timed out in query queue");
    close_rig(&r);
}

static void who_is_cancelled_waits_no_longer(void **state UNUSED)
{
    struct rig r;
    open_rig(&r, 1);
    for (size_t i = 0; i < TURNS; i++)
        gate_enter(r.gate, &r.turns[i].turn);
    gate_cancel(&r.turns[1].turn);
    assert_string_equal(r.turns[1].order, "c");
    assert_string_equal(r.turns[1].why, "query was canceled in query queue");
    gate_stop(r.gate); /* the first runs and is told, the others are refused */
    assert_int_equal(gate_waiting(r.gate), 0);
    loop_run(loop);
    assert_string_equal(order, "cccd");
    close_rig(&r);
}

const struct CMUnitTest gate_tests[] = {
    cmocka_unit_test(some_run_and_some_wait),
    cmocka_unit_test(who_waits_too_long_is_refused),
    cmocka_unit_test(who_is_cancelled_waits_no_longer),
};
const size_t gate_tests_n = COUNT(gate_tests);
