/* A picture of the last hour for mails: lines over time as a PNG (RFC 2083) of few colours. Most
 * mail programs show no SVG. */
#include "notify/notify.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    WIDTH = 600,
    HEIGHT = 160,
    LEFT = 52, /* of the field, with the numbers before it */
    RIGHT = WIDTH - 10,
    TOP = 8,
    BOTTOM = HEIGHT - 18,
    LETTER_WIDTH = 6,
    LETTER_HEIGHT = 7,
    GRID_LINES = 4,
    TICK_MIN_PX = 60,
    LABEL_BYTES = 16,
};

enum ink { PAPER, GRID, TEXT, THRESHOLD, FIRST_LINE };

static const unsigned char palette[][3] = {
    {0xff, 0xff, 0xff}, {0xe0, 0xe0, 0xe0}, {0x55, 0x55, 0x55}, {0xc6, 0x28, 0x28},
    {0x15, 0x65, 0xc0}, {0x2e, 0x7d, 0x32}, {0xef, 0x6c, 0x00}, {0x6a, 0x1b, 0x9a},
    {0x00, 0x83, 0x8f}, {0x6d, 0x4c, 0x41},
};
_Static_assert(COUNT(palette) == FIRST_LINE + NOTIFY_CHART_LINES_MAX, "a colour for each line");

/* ---- letters: seven rows of five dots ---- */

static const struct {
    char c;
    unsigned char rows[LETTER_HEIGHT];
} letters[] = {
    {'0', {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e}},
    {'1', {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e}},
    {'2', {0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f}},
    {'3', {0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e}},
    {'4', {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02}},
    {'5', {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e}},
    {'6', {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e}},
    {'7', {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08}},
    {'8', {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e}},
    {'9', {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c}},
    {'.', {0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c}},
    {':', {0x00, 0x0c, 0x0c, 0x00, 0x0c, 0x0c, 0x00}},
    {'-', {0x00, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x00}},
    {'+', {0x00, 0x04, 0x04, 0x1f, 0x04, 0x04, 0x00}},
    {'e', {0x00, 0x00, 0x0e, 0x11, 0x1f, 0x10, 0x0e}},
    {'k', {0x10, 0x10, 0x12, 0x14, 0x18, 0x14, 0x12}},
    {'M', {0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11}},
    {'G', {0x0e, 0x11, 0x10, 0x17, 0x11, 0x11, 0x0f}},
    {'T', {0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04}},
};

struct canvas {
    unsigned char at[HEIGHT][WIDTH];
};

static void dot(struct canvas *c, int x, int y, unsigned char ink)
{
    if (x >= 0 && x < WIDTH && y >= 0 && y < HEIGHT)
        c->at[y][x] = ink;
}

static void write_letter(struct canvas *c, int x, int y, char letter)
{
    for (size_t i = 0; i < COUNT(letters); i++)
        for (int row = 0; letters[i].c == letter && row < LETTER_HEIGHT; row++)
            for (int column = 0; column < 5; column++)
                if (letters[i].rows[row] >> (4 - column) & 1)
                    dot(c, x + column, y + row, TEXT);
}

static void write_text(struct canvas *c, int x, int y, const char *text)
{
    for (; *text; text++, x += LETTER_WIDTH)
        write_letter(c, x, y, *text);
}

/* ---- where a value stands ---- */

struct scale {
    double low, high;
    int64_t start_ms, end_ms;
};

static int x_of(const struct scale *s, int64_t t_ms)
{
    double share = (double)(t_ms - s->start_ms) / (double)(s->end_ms - s->start_ms);
    return LEFT + (int)lround(share * (RIGHT - LEFT));
}

static int y_of(const struct scale *s, double v)
{
    return BOTTOM - (int)lround((v - s->low) / (s->high - s->low) * (BOTTOM - TOP));
}

static void reach(struct scale *s, double v)
{
    if (!isfinite(v))
        return;
    s->low = fmin(s->low, v);
    s->high = fmax(s->high, v);
}

static bool in_time(const struct chart *c, int64_t t_ms)
{
    return t_ms >= c->start_ms && t_ms <= c->end_ms;
}

/* False: there is nothing to be seen. Zero is in the picture unless that would flatten it. */
static bool fit(const struct chart *c, struct scale *s)
{
    *s = (struct scale){.low = INFINITY, .high = -INFINITY, c->start_ms, c->end_ms};
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->lines[i].n; k++)
            if (in_time(c, c->lines[i].t_ms[k]))
                reach(s, c->lines[i].v[k]);
    if (s->low > s->high)
        return false;
    if (c->has_threshold)
        reach(s, c->threshold);
    if (s->low > 0 && s->low < s->high / 2)
        s->low = 0;
    double room = s->high > s->low ? (s->high - s->low) * 0.05 : fmax(fabs(s->high) * 0.1, 1);
    s->high += room;
    s->low -= s->low == 0 ? 0 : room;
    return isfinite(s->low) && isfinite(s->high) && isfinite(s->high - s->low);
}

/* ---- the parts ---- */

static void label_of(double v, double step, char out[LABEL_BYTES])
{
    static const struct {
        double from;
        const char *name;
    } units[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
    double size = fmax(fabs(v), step);
    for (size_t i = 0; i < COUNT(units); i++)
        if (size >= units[i].from && size < 1e15) {
            snprintf(out, LABEL_BYTES, "%.4g%s", v / units[i].from, units[i].name);
            return;
        }
    snprintf(out, LABEL_BYTES, "%.4g", fabs(v) < step / 1000 ? 0 : v);
}

/* 1, 2 or 5 times a power of ten: about GRID_LINES of them. */
static double step_of(const struct scale *s)
{
    double raw = (s->high - s->low) / GRID_LINES, power = pow(10, floor(log10(raw)));
    double times = raw / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static void draw_grid(struct canvas *c, const struct scale *s)
{
    double step = step_of(s), first = ceil(s->low / step);
    for (int i = 0; i <= 2 * GRID_LINES; i++) {
        char label[LABEL_BYTES];
        double v = (first + i) * step;
        if (v > s->high)
            break;
        int y = y_of(s, v);
        for (int x = LEFT; x <= RIGHT; x++)
            dot(c, x, y, GRID);
        label_of(v, step, label);
        write_text(c, LEFT - 4 - LETTER_WIDTH * (int)strlen(label), y - LETTER_HEIGHT / 2, label);
    }
}

/* The time of day in UTC, at round times. */
static void draw_times(struct canvas *c, const struct scale *s)
{
    static const int64_t steps_min[] = {1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440};
    int64_t span_ms = s->end_ms - s->start_ms, step_ms = 0;
    for (size_t i = 0; i < COUNT(steps_min) && !step_ms; i++)
        if (span_ms / (steps_min[i] * 60000) * TICK_MIN_PX <= RIGHT - LEFT)
            step_ms = steps_min[i] * 60000;
    for (int64_t t = step_ms ? (s->start_ms / step_ms + 1) * step_ms : s->end_ms + 1;
         t <= s->end_ms; t += step_ms) {
        char label[LABEL_BYTES];
        int x = x_of(s, t), minute = (int)(t / 60000 % 1440);
        for (int y = TOP; y <= BOTTOM; y++)
            dot(c, x, y, GRID);
        snprintf(label, sizeof label, "%02d:%02d", minute / 60, minute % 60);
        if (x + 3 * LETTER_WIDTH <= WIDTH)
            write_text(c, x - 5 * LETTER_WIDTH / 2, BOTTOM + 6, label);
    }
}

/* Two dots thick. */
static void draw_stroke(struct canvas *c, int x0, int y0, int x1, int y1, unsigned char ink)
{
    int steps = MAX(MAX(abs(x1 - x0), abs(y1 - y0)), 1);
    for (int i = 0; i <= steps; i++) {
        int x = x0 + (x1 - x0) * i / steps, y = y0 + (y1 - y0) * i / steps;
        dot(c, x, y, ink);
        dot(c, x, y - 1, ink);
        dot(c, x + 1, y, ink);
    }
}

static void draw_line(struct canvas *c, const struct scale *s, const struct chart *chart,
                      const struct chart_line *line, unsigned char ink)
{
    bool joined = false;
    int x0 = 0, y0 = 0;
    for (size_t i = 0; i < line->n; i++) {
        if (!in_time(chart, line->t_ms[i]) || !isfinite(line->v[i])) {
            joined = false;
            continue;
        }
        int x = x_of(s, line->t_ms[i]), y = y_of(s, line->v[i]);
        joined = joined && line->t_ms[i] - line->t_ms[i - 1] <= chart->gap_ms;
        draw_stroke(c, joined ? x0 : x, joined ? y0 : y, x, y, ink);
        x0 = x;
        y0 = y;
        joined = true;
    }
}

static void draw_threshold(struct canvas *c, const struct scale *s, double v)
{
    for (int x = LEFT; x <= RIGHT; x++)
        if (x % 8 < 5)
            dot(c, x, y_of(s, v), THRESHOLD);
}

/* ---- PNG ---- */

static void put_u32(struct buf *out, uint32_t v)
{
    uint32_t big = htonl(v);
    buf_put(out, &big, sizeof big);
}

static void put_chunk(struct buf *out, const char *type, const void *data, size_t n)
{
    uLong crc = crc32(crc32(0, NULL, 0), (const Bytef *)type, 4);
    put_u32(out, (uint32_t)n);
    buf_put(out, type, 4);
    buf_put(out, data, n);
    put_u32(out, (uint32_t)(n ? crc32(crc, data, (uInt)n) : crc));
}

static void put_png(const struct canvas *c, struct buf *out)
{
    static const unsigned char signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const unsigned char kind[] = {8, 3, 0, 0, 0}; /* 8 bits, palette, not interlaced */
    auto_buf head = {0}, rows = {0}, packed = {0};
    uLongf size = compressBound((WIDTH + 1) * HEIGHT);
    for (int y = 0; y < HEIGHT; y++) {
        buf_char(&rows, 0); /* no filter */
        buf_put(&rows, c->at[y], WIDTH);
    }
    char *at = buf_reserve(&packed, size);
    if (!at || compress2((Bytef *)at, &size, (const Bytef *)rows.at, rows.len, 9) != Z_OK)
        return;
    put_u32(&head, WIDTH);
    put_u32(&head, HEIGHT);
    buf_put(&head, kind, sizeof kind);
    buf_put(out, signature, sizeof signature);
    put_chunk(out, "IHDR", head.at, head.len);
    put_chunk(out, "PLTE", palette, sizeof palette);
    put_chunk(out, "IDAT", at, size);
    put_chunk(out, "IEND", "", 0);
}

void notify_chart(const struct chart *c, struct buf *png)
{
    struct scale s;
    if (!fit(c, &s))
        return;
    struct canvas *canvas = mem_zero(1, sizeof *canvas); /* paper everywhere */
    draw_grid(canvas, &s);
    draw_times(canvas, &s);
    if (c->has_threshold)
        draw_threshold(canvas, &s, c->threshold);
    for (size_t i = 0; i < c->n; i++)
        draw_line(canvas, &s, c, &c->lines[i], (unsigned char)(FIRST_LINE + i));
    put_png(canvas, png);
    free(canvas);
}
