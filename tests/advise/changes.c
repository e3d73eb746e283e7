/* What changed on hosts, whenever the samples that tell it arrive. */
#include "world.h"

#include "advise/verify.h"
#include "series/source.h"

#define S INT64_C(1000)
#define M (60 * S)
#define H (60 * M)
#define GIB (1024.0 * 1024 * 1024)

static struct change *look(struct world *w, int64_t since_ms, int64_t now_ms, size_t *n)
{
    struct change *changes;
    arena_reset(&w->answer);
    assert_ok(advise_changes(w->adviser, memory_source_face(w->source), since_ms, now_ms,
                             &w->answer, &changes, n, err));
    return changes;
}

static void set_host(struct world *w, double print, double swappiness, double ram)
{
    world_set(w, "galen_sysctl_fingerprint", "", print);
    world_set(w, "galen_sysctl", "name=vm.swappiness", swappiness);
    world_set(w, "node_memory_MemTotal_bytes", "", ram);
}

/* A host with two minutes of readings that has been looked at; the time of the last of them. */
static int64_t open_seen(struct world *w)
{
    size_t n;
    world_open(w);
    set_host(w, 1, 60, GIB * 16);
    world_fill(w, 4);
    look(w, w->now_ms - 30 * S, w->now_ms, &n);
    assert_int_equal(n, 0);
    return w->now_ms;
}

static void assert_swappiness(const struct change *c)
{
    assert_span(c->instance, "web1");
    assert_string_equal(c->parameter, "vm.swappiness");
    assert_string_equal(c->before, "60");
    assert_string_equal(c->after, "10");
    assert_false(c->is_resource);
}

static void in_time(void **state UNUSED)
{
    struct world w;
    size_t n;
    int64_t seen_ms = open_seen(&w);
    set_host(&w, 2, 10, GIB * 16);
    world_fill(&w, 1);
    struct change *c = look(&w, seen_ms, w.now_ms, &n);
    assert_int_equal(n, 1);
    assert_swappiness(c);
    assert_in_range(c->at_ms, seen_ms + 1, w.now_ms);
    look(&w, w.now_ms, w.now_ms + 10 * S, &n);
    assert_int_equal(n, 0); /* told once */
    world_close(&w);
}

/* The reading was taken before a look and arrived after it. */
static void a_little_late(void **state UNUSED)
{
    struct world w;
    size_t n;
    int64_t seen_ms = open_seen(&w), look_ms = seen_ms + 20 * S;
    look(&w, seen_ms, look_ms, &n);
    assert_int_equal(n, 0);
    set_host(&w, 2, 10, GIB * 16);
    world_fill(&w, 1); /* 15 and 30 s after seen_ms */
    struct change *c = look(&w, look_ms, look_ms + 30 * S, &n);
    assert_int_equal(n, 1);
    assert_swappiness(c);
    assert_in_range(c->before_ms, seen_ms, seen_ms + 15 * S);
    assert_in_range(c->at_ms, seen_ms + 1, look_ms);
    world_close(&w);
}

/* Nothing comes for three hours; then all of it. */
static void after_an_outage(void **state UNUSED)
{
    struct world w;
    size_t n;
    int64_t seen_ms = open_seen(&w), end_ms = seen_ms + 3 * H;
    for (int64_t t = seen_ms; t < end_ms; t += 10 * M) {
        look(&w, t, t + 10 * M, &n);
        assert_int_equal(n, 0);
    }
    world_fill(&w, 180); /* an hour and a half */
    set_host(&w, 2, 10, GIB * 16);
    world_fill(&w, 180);
    assert_int_equal(w.now_ms, end_ms);
    struct change *c = look(&w, end_ms, end_ms + 30 * S, &n);
    assert_int_equal(n, 1);
    assert_swappiness(c);
    assert_in_range(c->at_ms, seen_ms + 90 * M, seen_ms + 121 * M);
    world_close(&w);
}

/* Switched off for longer than a value counts as the present one, and back with more memory. */
static void memory_is_added(void **state UNUSED)
{
    static const struct {
        int64_t away_ms;
        size_t n;
    } cases[] = {{20 * M, 1}, {23 * H, 1}, {49 * H, 0}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        size_t n;
        int64_t seen_ms = open_seen(&w), back_ms = seen_ms + cases[i].away_ms;
        for (int64_t t = seen_ms; t < back_ms; t += 10 * M) {
            look(&w, t, MIN(t + 10 * M, back_ms), &n);
            assert_int_equal(n, 0);
        }
        w.now_ms = back_ms;
        set_host(&w, 1, 60, GIB * 32);
        world_fill(&w, 1);
        struct change *c = look(&w, back_ms, w.now_ms, &n);
        assert_int_equal(n, cases[i].n);
        if (n) {
            assert_string_equal(c->parameter, "RAM");
            assert_string_equal(c->before, "16 GB");
            assert_string_equal(c->after, "32 GB");
            assert_true(c->is_resource);
        }
        world_close(&w);
    }
}

const struct CMUnitTest changes_tests[] = {
    cmocka_unit_test(in_time),
    cmocka_unit_test(a_little_late),
    cmocka_unit_test(after_an_outage),
    cmocka_unit_test(memory_is_added),
};
const size_t changes_tests_n = COUNT(changes_tests);
