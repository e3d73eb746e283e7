/* Live frames over stored samples. */
#include "unit.h"

#include "api/overlay.h"
#include "series/remote_write.h"

#include <pthread.h>
#include <stdio.h>

static struct labels labels_for(struct label_builder *b, const char *name)
{
    *b = (struct label_builder){.n = 0};
    label_set(b, SPAN(LABEL_NAME), span_of(name));
    return label_builder_end(b);
}

static void frame(struct overlay *o, const char *name, int64_t t_ms, double v)
{
    struct label_builder b;
    auto_buf message = {0};
    write_series(&message, labels_for(&b, name), &(struct sample){t_ms, v}, 1);
    overlay_take(o, buf_view(&message));
}

/* "t=v t=v" of the only series that there is. */
static char *samples_of(struct arena *arena, struct source *s, int64_t start_ms, int64_t end_ms)
{
    struct select_hints hints = {.start_ms = start_ms, .end_ms = end_ms};
    struct selected *found;
    size_t n;
    auto_buf out = {0};
    assert_ok(s->select(s, NULL, 0, &hints, arena, &found, &n, err));
    if (!n)
        return arena_dup(arena, "none");
    assert_int_equal(n, 1);
    assert_ok(s->read(s, &found[0], &hints, arena, err));
    for (size_t i = 0; i < found[0].n; i++)
        buf_printf(&out, "%s%lld=%g", i ? " " : "", (long long)found[0].t_ms[i], found[0].v[i]);
    return arena_dup(arena, buf_text(&out));
}

static void test_laid_over(void **state UNUSED)
{
    auto_arena arena = {0};
    struct memory_source *stored = memory_source_open();
    struct overlay *o = overlay_open();
    struct overlay_view view;
    struct label_builder b;
    struct source *s = overlay_view(&view, memory_source_face(stored), o);
    assert_string_equal(samples_of(&arena, s, 0, 10000), "none");
    frame(o, "a", 1500, 15);
    assert_string_equal(samples_of(&arena, s, 0, 10000), "1500=15");
    for (int64_t t = 1000; t <= 3000; t += 1000)
        assert_ok(memory_source_append(stored, labels_for(&b, "a"),
                                       (struct sample){t, (double)t / 1000}, err));
    frame(o, "a", 2000, 99); /* the store's wins */
    frame(o, "a", 2500, 25);
    frame(o, "a", 2500, 26); /* not after the last: left out */
    frame(o, "a", 3500, 35);
    assert_string_equal(samples_of(&arena, s, 0, 10000),
                        "1000=1 1500=15 2000=2 2500=25 3000=3 3500=35");
    assert_string_equal(samples_of(&arena, s, 2000, 3000), "2500=25 3000=3");
    overlay_close(o);
    memory_source_close(stored);
}

static void test_ceilings(void **state UNUSED)
{
    auto_arena arena = {0};
    struct memory_source *stored = memory_source_open();
    struct overlay *o = overlay_open();
    struct overlay_view view;
    struct source *s = overlay_view(&view, memory_source_face(stored), o);
    struct select_hints hints = {.start_ms = 0, .end_ms = INT64_MAX};
    struct selected *found;
    size_t n;
    for (int64_t t = 1; t <= OVERLAY_SAMPLES + 1; t++)
        frame(o, "a", t, 0);
    assert_ok(s->select(s, NULL, 0, &hints, &arena, &found, &n, err));
    assert_ok(s->read(s, &found[0], &hints, &arena, err));
    assert_int_equal(found[0].n, OVERLAY_SAMPLES);
    assert_int_equal(found[0].t_ms[0], 2); /* the oldest has gone */
    frame(o, "a", 1000 + OVERLAY_KEPT_MS, 1);
    assert_string_equal(samples_of(&arena, s, 0, INT64_MAX), "61000=1");
    char name[16];
    for (int i = 1; i < OVERLAY_SERIES_MAX + 1; i++) {
        snprintf(name, sizeof name, "s%d", i);
        frame(o, name, 61000, 1);
    }
    assert_ok(s->select(s, NULL, 0, &hints, &arena, &found, &n, err));
    assert_int_equal(n, OVERLAY_SERIES_MAX);
    overlay_close(o);
    memory_source_close(stored);
}

static void test_malformed_is_left_out(void **state UNUSED)
{
    auto_arena arena = {0};
    struct memory_source *stored = memory_source_open();
    struct overlay *o = overlay_open();
    struct overlay_view view;
    struct source *s = overlay_view(&view, memory_source_face(stored), o);
    overlay_take(o, SPAN("\x0a\xff\xff"));
    overlay_take(o, SPAN(""));
    assert_string_equal(samples_of(&arena, s, 0, INT64_MAX), "none");
    overlay_close(o);
    memory_source_close(stored);
}

/* Frames come on the loop's thread while workers read. */
struct reader {
    struct overlay *overlay;
    struct memory_source *stored;
};

enum { ROUNDS = 300 };

static void *read_often(void *arg)
{
    const struct reader *r = arg;
    struct overlay_view view;
    struct source *s = overlay_view(&view, memory_source_face(r->stored), r->overlay);
    for (int i = 0; i < ROUNDS; i++) {
        auto_arena arena = {0};
        struct select_hints hints = {.start_ms = 0, .end_ms = INT64_MAX};
        struct selected *found;
        size_t n;
        if (s->select(s, NULL, 0, &hints, &arena, &found, &n, NULL))
            return arg;
        for (size_t k = 0; k < n; k++)
            if (s->read(s, &found[k], &hints, &arena, NULL) || found[k].n == 0)
                return arg;
    }
    overlay_close(r->overlay);
    return NULL;
}

static void test_two_threads(void **state UNUSED)
{
    struct reader r = {.overlay = overlay_open(), .stored = memory_source_open()};
    struct overlay *own = overlay_share(r.overlay);
    pthread_t thread;
    void *failed;
    assert_int_equal(pthread_create(&thread, NULL, read_often, &r), 0);
    for (int64_t t = 1; t <= ROUNDS; t++)
        frame(own, t % 2 ? "a" : "b", t, 1);
    pthread_join(thread, &failed);
    assert_null(failed);
    overlay_close(own);
    memory_source_close(r.stored);
}

const struct CMUnitTest overlay_tests[] = {
    cmocka_unit_test(test_laid_over),
    cmocka_unit_test(test_ceilings),
    cmocka_unit_test(test_malformed_is_left_out),
    cmocka_unit_test(test_two_threads),
};
const size_t overlay_tests_n = COUNT(overlay_tests);
