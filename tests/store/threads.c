/* Writers, readers, flushes, compactions and sweeps at once: every view is consistent, nothing
 * is lost. Its real worth is under the thread sanitizer. */
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { WRITERS = 3, READERS = 2, SERIES = 12, TICKS = 150 };

struct crowd {
    struct fixture f;
    _Atomic int64_t acked[WRITERS]; /* the last tick */
    _Atomic bool stop;
    _Atomic unsigned wrong;
};

struct member {
    struct crowd *crowd;
    pthread_t thread;
    int number;
};

static const char *name_of(int writer, int i, char text[64])
{
    snprintf(text, 64, "m%d{instance=\"h%d\"}", i, writer);
    return text;
}

static void *write_ticks(void *arg)
{
    struct member *m = arg;
    struct store_writer *w = store_writer_open(m->crowd->f.store);
    for (int tick = 1; tick <= TICKS; tick++) {
        auto_buf message = {0};
        char name[64];
        for (int i = 0; i < SERIES; i++) {
            struct sample s = {NOON + tick * 1000, tick * 100 + i};
            /* some series come and go */
            if (i < SERIES - 2 || tick / 20 % 2)
                message_add(&message, name_of(m->number, i, name), &s, 1);
        }
        struct append_result r;
        struct err err;
        enum status st;
        while ((st = store_append_wait(w, buf_view(&message), &r, &err)) == AGAIN)
            usleep(500);
        if (st || r.refused || r.duplicates)
            m->crowd->wrong++;
        m->crowd->acked[m->number] = tick;
    }
    store_writer_close(w);
    return NULL;
}

/* One series, through one view: everything that was acknowledged before, in order, once. */
static bool look(struct crowd *c, int writer)
{
    auto_arena a = {0};
    struct matcher m[4];
    char name[64];
    int64_t acked = c->acked[writer];
    size_t n = matchers_of(&a, name_of(writer, writer, name), m), found_n = 0;
    struct selected *found;
    struct err err;
    struct source *view = store_read_begin(c->f.store);
    bool ok = !view->select(view, m, n, NULL, &a, &found, &found_n, &err);
    ok &= acked == 0 || found_n == 1;
    if (ok && found_n)
        ok = !view->read(view, &found[0], NULL, &a, &err) && found[0].n >= (size_t)acked;
    for (size_t i = 0; ok && found_n && i < found[0].n; i++)
        ok = found[0].t_ms[i] == NOON + ((int64_t)i + 1) * 1000 &&
             found[0].v[i] == (double)((int64_t)i + 1) * 100 + writer;
    struct span *values;
    ok &= !view->label_values(view, SPAN("instance"), NULL, 0, 0, INT64_MAX, &a, &values, &n, &err);
    store_read_end(view);
    matchers_free(m, 1);
    matchers_free(m + 1, 1);
    return ok;
}

static void *read_all(void *arg)
{
    struct member *m = arg;
    for (int i = 0; !m->crowd->stop; i++) {
        if (!look(m->crowd, (i + m->number) % WRITERS))
            m->crowd->wrong++;
        struct store_stats stats;
        store_stats(m->crowd->f.store, &stats);
    }
    return NULL;
}

static void *look_after(void *arg)
{
    struct member *m = arg;
    for (int i = 0; !m->crowd->stop; i++) {
        struct err err;
        enum status st = i % 3 ? store_maintain(m->crowd->f.store, &err)
                               : store_compact(m->crowd->f.store, &err);
        auto_arena a = {0};
        struct store_host_stats *hosts;
        size_t n;
        if (st || store_hosts(m->crowd->f.store, &a, &hosts, &n, &err))
            m->crowd->wrong++;
        usleep(3000);
    }
    return NULL;
}

static void all_at_once(void **state)
{
    (void)state;
    static struct crowd c;
    struct member members[WRITERS + READERS + 1];
    fixture_init(&c.f);
    c.f.tuning.flush_samples = 300;
    c.f.tuning.flush_per_series = 1;
    c.f.tuning.segment_bytes = 16 << 10;
    fixture_open(&c.f);
    for (int i = 0; i < (int)COUNT(members); i++) {
        members[i] = (struct member){.crowd = &c, .number = i < WRITERS ? i : i - WRITERS};
        pthread_create(&members[i].thread, NULL,
                       i < WRITERS             ? write_ticks
                       : i < WRITERS + READERS ? read_all
                                               : look_after,
                       &members[i]);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(members[i].thread, NULL);
    c.stop = true;
    for (size_t i = WRITERS; i < COUNT(members); i++)
        pthread_join(members[i].thread, NULL);
    assert_int_equal(c.wrong, 0);
    for (int i = 0; i < WRITERS; i++)
        assert_true(look(&c, i));
    fixture_crash(&c.f);
    fixture_open(&c.f);
    for (int i = 0; i < WRITERS; i++)
        assert_true(look(&c, i));
    fixture_free(&c.f);
}

const struct CMUnitTest threads_tests[] = {cmocka_unit_test(all_at_once)};
const size_t threads_tests_n = COUNT(threads_tests);
