/* Retention while others write and read: whole blocks go, no query sees a part of what went with
 * them, and what stays keeps within a tenth of the bound. */
#include "fault_disk.h"
#include "fixture.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { HOSTS = 8, STEP_MS = 30 * 60 * 1000, DAYS_SOAK = 60, READERS = 2 };
/* By size a day is about a twentieth of the bound, far more than what a file takes at least. */
enum { SERIES_BY_AGE = 4, SERIES_BY_SIZE = 64, BOUND_BYTES = 4 * 1000 * 1000 };
enum { DAYS_BY_AGE = 12, DAYS_BY_SIZE = 24 };

struct crowd {
    struct fixture f;
    bool by_size;
    int series;                 /* of each host */
    _Atomic int64_t begun, now; /* the first and the newest time that was acknowledged */
    _Atomic bool stop;
    _Atomic unsigned wrong, looked, went;
    _Atomic int64_t longest_ns;  /* of a look */
    uint64_t least, most, steps; /* bytes while the bound was reached */
};

static _Atomic int64_t clock_ms; /* all threads look at it */

static int64_t read_clock(void)
{
    return clock_ms;
}

static void put_step(struct crowd *c, int64_t t)
{
    auto_buf message = {.max = SIZE_MAX};
    struct dice d = dice_of((uint64_t)t);
    for (int i = 0; i < HOSTS * c->series; i++) {
        char name[64];
        /* bits by chance where the size is to matter */
        struct sample s = {t, c->by_size ? bits_double(roll(&d) >> 2) : (double)t};
        snprintf(name, sizeof name, "m%d{instance=\"h%d\"}", i % c->series, i / c->series);
        message_add(&message, name, &s, 1);
    }
    struct append_result r;
    struct err why = {0};
    while (store_append_wait(c->f.writer, buf_view(&message), &r, &why) == AGAIN)
        usleep(500);
    assert_int_equal(why.status == AGAIN ? OK : why.status, OK);
    assert_int_equal(r.samples, HOSTS * c->series);
    c->now = t;
}

/* All series have the same times: the newest, and from some step on every one. What is older is
 * gone for all of them. */
static bool look(struct crowd *c, int64_t *oldest)
{
    auto_arena a = {0};
    struct matcher m[4];
    struct selected *found;
    struct err err;
    int64_t now = c->now;
    size_t n = matchers_of(&a, "{instance=~\"h.*\"}", m), found_n = 0;
    struct source *view = store_read_begin(c->f.store);
    bool ok = !view->select(view, m, n, NULL, &a, &found, &found_n, &err) &&
              found_n == HOSTS * (size_t)c->series;
    for (size_t i = 0; ok && i < found_n; i++)
        ok = !view->read(view, &found[i], NULL, &a, &err) && found[i].n;
    *oldest = ok ? found[0].t_ms[0] : 0;
    for (size_t i = 0; ok && i < found_n; i++) {
        const struct selected *s = &found[i];
        ok = s->t_ms[0] == *oldest && s->t_ms[s->n - 1] >= now;
        for (size_t k = 1; ok && k < s->n; k++)
            ok = s->t_ms[k] == s->t_ms[k - 1] + STEP_MS;
    }
    /* whole days: the first of a day, or the first of all */
    ok = ok && (*oldest == c->begun || *oldest % DAY_MS < STEP_MS || c->by_size);
    store_read_end(view);
    matchers_free(m, n);
    return ok;
}

static void *read_on(void *arg)
{
    struct crowd *c = arg;
    while (!c->stop) {
        int64_t oldest, begin = clock_mono_ns(), ns;
        bool good = look(c, &oldest);
        ns = clock_mono_ns() - begin;
        if (ns > c->longest_ns)
            c->longest_ns = ns;
        c->wrong += !good;
        c->went += good && oldest > c->begun;
        c->looked++;
    }
    return NULL;
}

static void *look_after(void *arg)
{
    struct crowd *c = arg;
    struct err err;
    while (!c->stop) {
        c->wrong += store_maintain(c->f.store, &err) != OK;
        usleep(500);
    }
    return NULL;
}

/* How much there is once something had to go. */
static void weigh(struct crowd *c)
{
    struct store_stats stats;
    assert_ok(store_maintain(c->f.store, err));
    store_stats(c->f.store, &stats);
    if (!stats.blocks || stats.min_t_ms == c->begun)
        return;
    c->least = c->steps ? MIN(c->least, stats.bytes_on_disk) : stats.bytes_on_disk;
    c->most = MAX(c->most, stats.bytes_on_disk);
    c->steps++;
}

static void run(bool by_size)
{
    static struct crowd c;
    pthread_t threads[READERS + 1];
    int days = fixture_soak() ? DAYS_SOAK : by_size ? DAYS_BY_SIZE : DAYS_BY_AGE;
    struct store_stats stats;
    memset(&c, 0, sizeof c);
    fixture_init(&c.f);
    c.by_size = by_size;
    c.series = by_size ? SERIES_BY_SIZE : SERIES_BY_AGE;
    c.f.config.retention_ms = by_size ? 0 : 3 * DAY_MS;
    c.f.config.retention_bytes = by_size ? BOUND_BYTES : 0;
    c.f.tuning.flush_samples = HOSTS * (unsigned)c.series * 12; /* four blocks a day */
    c.f.tuning.flush_per_series = 1;
    c.f.tuning.segment_bytes = 16 << 10;
    c.f.tuning.no_thread = true;
    c.f.config.now_ms = read_clock;
    clock_ms = NOON;
    fixture_open(&c.f);
    c.begun = NOON;
    put_step(&c, NOON);
    for (int i = 0; i < READERS; i++)
        pthread_create(&threads[i], NULL, read_on, &c);
    pthread_create(&threads[READERS], NULL, look_after, &c);
    for (int64_t t = NOON + STEP_MS; t < NOON + days * DAY_MS; t += STEP_MS) {
        clock_ms = t;
        put_step(&c, t);
        if (by_size)
            weigh(&c);
        unsigned before = c.looked;
        while (t % DAY_MS < STEP_MS && c.looked < before + 2) /* each day is looked at */
            usleep(200);
    }
    c.stop = true;
    for (int i = 0; i <= READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(c.wrong, 0);
    assert_true(c.went > 0);
    print_message("%u looks, the longest %.1f ms\n", c.looked, (double)c.longest_ns / 1e6);
    if (by_size) {
        print_message("%" PRIu64 " to %" PRIu64 " bytes of %d in %" PRIu64 " steps\n", c.least,
                      c.most, BOUND_BYTES, c.steps);
        assert_true(c.steps > 0);
        assert_true(c.least >= BOUND_BYTES / 10 * 9);
        assert_true(c.most <= BOUND_BYTES / 10 * 11);
    } else {
        assert_ok(store_maintain(c.f.store, err));
        store_stats(c.f.store, &stats);
        assert_true(stats.min_t_ms >= day_of(clock_ms - 3 * DAY_MS) * DAY_MS);
    }
    fixture_free(&c.f);
}

static void by_age(void **state)
{
    (void)state;
    run(false);
}

static void by_size(void **state)
{
    (void)state;
    run(true);
}

/* A disk that does not let go of files: what is too old is not shown, and goes when it can. */
static void files_that_stay(void **state)
{
    (void)state;
    static struct failing_disk disk;
    struct fixture f;
    struct store_stats stats;
    failing_disk_init(&disk);
    fixture_init(&f);
    f.config.retention_ms = DAY_MS;
    f.tuning.disk = &disk.disk;
    fixture_open(&f);
    fixture_put(&f, "m{instance=\"a\"}", NOON - DAY_MS, 1);
    fixture_put(&f, "m{instance=\"a\"}", NOON, 2);
    assert_ok(store_compact(f.store, err));
    fixture_now = NOON + DAY_MS - 3600 * 1000; /* a longer pause would make the clock doubtful */
    disk.fail_at = disk.changes + 1;
    disk.failures = 1000000;
    disk.error = EIO;
    struct err ignored = {0};
    (void)!store_maintain(f.store, &ignored);
    const struct sample want[] = {{NOON, 2}};
    assert_samples(&f, "m{instance=\"a\"}", want, 1);
    disk.fail_at = 0;
    fixture_crash(&f);
    fixture_open(&f); /* the file is there still */
    assert_ok(store_maintain(f.store, err));
    assert_samples(&f, "m{instance=\"a\"}", want, 1);
    store_stats(f.store, &stats);
    assert_int_equal(stats.blocks, 1);
    fixture_put(&f, "m{instance=\"a\"}", NOON + 1000, 3);
    fixture_free(&f);
}

const struct CMUnitTest retention_tests[] = {
    cmocka_unit_test(by_age),
    cmocka_unit_test(by_size),
    cmocka_unit_test(files_that_stay),
};
const size_t retention_tests_n = COUNT(retention_tests);
