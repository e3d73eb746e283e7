/* The picture in mails, read back: its chunks, their sums, and what is drawn where. */
#include "notify/notify.h"
#include "unit.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <zlib.h>

enum { WIDTH = 600, HEIGHT = 160, POINTS = 121, STEP_MS = 30000, FIRST_LINE = 4, THRESHOLD = 3 };

struct picture {
    unsigned char at[HEIGHT][WIDTH + 1]; /* each row after its filter */
};

static uint32_t u32(const char *at)
{
    uint32_t big;
    memcpy(&big, at, sizeof big);
    return ntohl(big);
}

static void decode(struct span png, struct picture *out)
{
    static const char *const order[] = {"IHDR", "PLTE", "IDAT", "IEND"};
    uLongf size = sizeof *out;
    size_t at = 8;
    assert_memory_equal(png.at, "\x89PNG\r\n\x1a\n", 8);
    for (size_t i = 0; i < COUNT(order); i++) {
        uint32_t n = u32(png.at + at);
        assert_true(at + 12 + n <= png.len);
        assert_memory_equal(png.at + at + 4, order[i], 4);
        assert_int_equal(u32(png.at + at + 8 + n),
                         crc32(0, (const Bytef *)png.at + at + 4, (uInt)n + 4));
        if (i == 0) {
            assert_int_equal(u32(png.at + at + 8), WIDTH);
            assert_int_equal(u32(png.at + at + 12), HEIGHT);
        }
        if (i == 2)
            assert_int_equal(uncompress((Bytef *)out, &size, (const Bytef *)png.at + at + 8, n),
                             Z_OK);
        at += 12 + n;
    }
    assert_int_equal(at, png.len);
    assert_int_equal(size, sizeof *out);
}

static size_t inked(const struct picture *p, unsigned char ink, int from_x, int to_x)
{
    size_t n = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = from_x; x < to_x; x++)
            n += p->at[y][x + 1] == ink;
    return n;
}

struct hour {
    int64_t t_ms[POINTS];
    double v[POINTS];
    struct chart chart;
};

static void hour_fill(struct hour *h, double (*value)(size_t i))
{
    for (size_t i = 0; i < POINTS; i++) {
        h->t_ms[i] = (int64_t)i * STEP_MS;
        h->v[i] = value(i);
    }
    h->chart = (struct chart){.start_ms = 0,
                              .end_ms = 3600000,
                              .gap_ms = 3 * STEP_MS,
                              .lines = {{h->t_ms, h->v, POINTS}},
                              .n = 1};
}

static double rising(size_t i)
{
    return (double)i;
}

static double with_gap(size_t i)
{
    return i > 40 && i < 80 ? NAN : 5;
}

static double huge(size_t i)
{
    return i % 2 ? 1e308 : -1e308;
}

static void lines_are_seen(void **state)
{
    struct hour h;
    struct picture *p = mem_alloc(sizeof *p);
    auto_buf png = {0};
    (void)state;
    hour_fill(&h, rising);
    h.chart.has_threshold = true;
    h.chart.threshold = 60;
    notify_chart(&h.chart, &png);
    decode(buf_view(&png), p);
    assert_true(inked(p, FIRST_LINE, 0, WIDTH) > 500);
    assert_true(inked(p, THRESHOLD, 0, WIDTH) > 200);
    /* It rises: on the left it is low in the picture, on the right high. */
    for (int y = 0; y < HEIGHT / 2; y++)
        assert_int_not_equal(p->at[y][60 + 1], FIRST_LINE);
    for (int y = HEIGHT / 2; y < HEIGHT; y++)
        assert_int_not_equal(p->at[y][585 + 1], FIRST_LINE);
    free(p);
}

static void gaps_stay_gaps(void **state)
{
    struct hour h;
    struct picture *p = mem_alloc(sizeof *p);
    auto_buf png = {0};
    (void)state;
    hour_fill(&h, with_gap);
    notify_chart(&h.chart, &png);
    decode(buf_view(&png), p);
    assert_int_equal(inked(p, FIRST_LINE, 250, 400), 0);
    assert_true(inked(p, FIRST_LINE, 60, 200) > 100);
    assert_true(inked(p, FIRST_LINE, 450, 590) > 100);
    free(p);
}

/* Nothing to be seen is no picture; values at the end of what there is are drawn or left out. */
static void odd_ones(void **state)
{
    struct hour h;
    struct chart many = {.start_ms = 0, .end_ms = 60000, .gap_ms = 1000};
    auto_buf png = {0};
    (void)state;
    notify_chart(&many, &png);
    assert_int_equal(png.len, 0);
    hour_fill(&h, huge);
    notify_chart(&h.chart, &png); /* their distance is no number */
    assert_int_equal(png.len, 0);
    hour_fill(&h, rising);
    h.chart.start_ms = -3600000 * 2;
    h.chart.end_ms = -3600000;
    notify_chart(&h.chart, &png); /* all of it is later */
    assert_int_equal(png.len, 0);
    for (many.n = 0; many.n < NOTIFY_CHART_LINES_MAX; many.n++)
        many.lines[many.n] = (struct chart_line){h.t_ms, h.v, 3};
    struct picture *p = mem_alloc(sizeof *p);
    notify_chart(&many, &png);
    decode(buf_view(&png), p);
    assert_true(inked(p, FIRST_LINE + NOTIFY_CHART_LINES_MAX - 1, 0, WIDTH) > 0);
    free(p);
}

const struct CMUnitTest chart_tests[] = {
    cmocka_unit_test(lines_are_seen),
    cmocka_unit_test(gaps_stay_gaps),
    cmocka_unit_test(odd_ones),
};
const size_t chart_tests_n = COUNT(chart_tests);
