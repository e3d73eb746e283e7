#include "cli/chart.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>

enum { SCALE_WIDTH = 11, DOTS_ACROSS = 2, DOTS_DOWN = 4, BRAILLE = 0x2800, TIME_WIDTH = 20 };

struct canvas {
    unsigned char cells[CHART_ROWS][CHART_WIDTH_MAX];
    size_t columns;
    double low, high;
};

static bool find_range(const struct chart *c, struct canvas *to)
{
    to->low = INFINITY;
    to->high = -INFINITY;
    for (size_t i = 0; i < c->n; i++) {
        if (!isfinite(c->at[i].v))
            continue;
        to->low = fmin(to->low, c->at[i].v);
        to->high = fmax(to->high, c->at[i].v);
    }
    return to->low <= to->high;
}

static void set_dot(struct canvas *to, size_t x, size_t y)
{
    static const unsigned char bits[DOTS_ACROSS][DOTS_DOWN] = {{0x01, 0x02, 0x04, 0x40},
                                                               {0x08, 0x10, 0x20, 0x80}};
    to->cells[y / DOTS_DOWN][x / DOTS_ACROSS] |= bits[x % DOTS_ACROSS][y % DOTS_DOWN];
}

/* 0 is the upper edge. */
static size_t dot_of(const struct canvas *to, double v)
{
    double span = to->high - to->low;
    double share = span > 0 ? (v - to->low) / span : 0.5;
    return (size_t)lround((1 - share) * (CHART_ROWS * DOTS_DOWN - 1));
}

/* Every value is a dot, and what lies between it and the one before in the next column, so that
 * steep rises hang together. */
static void plot(const struct chart *c, struct canvas *to)
{
    size_t dots = to->columns * DOTS_ACROSS, last_x = 0, last_y = 0;
    bool joined = false;
    double span = (double)MAX(c->end_ms - c->start_ms, (int64_t)1);
    for (size_t i = 0; i < c->n; i++) {
        if (!isfinite(c->at[i].v) || c->at[i].t_ms < c->start_ms || c->at[i].t_ms > c->end_ms) {
            joined = false;
            continue;
        }
        double share = (double)(c->at[i].t_ms - c->start_ms) / span;
        size_t x = MIN((size_t)(share * (double)dots), dots - 1), y = dot_of(to, c->at[i].v);
        set_dot(to, x, y);
        if (joined && x - last_x <= 1)
            for (size_t k = MIN(y, last_y); k < MAX(y, last_y); k++)
                set_dot(to, x, k);
        last_x = x;
        last_y = y;
        joined = true;
    }
}

static void put_braille(struct buf *out, unsigned char dots)
{
    unsigned code = BRAILLE + dots;
    if (!dots) {
        buf_char(out, ' ');
        return;
    }
    buf_char(out, (char)(0xe0 | code >> 12));
    buf_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
    buf_char(out, (char)(0x80 | (code & 0x3f)));
}

static void put_row(const struct chart *c, const struct canvas *to, size_t row, struct buf *out)
{
    char scale[32] = "";
    if (row == 0 || (row == CHART_ROWS - 1 && to->high > to->low))
        snprintf(scale, sizeof scale, "%.5g", row ? to->low : to->high);
    buf_printf(out, "%*s ", SCALE_WIDTH - 1, scale);
    if (c->colour)
        buf_str(out, c->colour);
    size_t end = to->columns;
    while (end && !to->cells[row][end - 1])
        end--;
    for (size_t i = 0; i < end; i++)
        put_braille(out, to->cells[row][i]);
    if (c->colour)
        buf_str(out, "\x1b[0m");
    buf_char(out, '\n');
}

/* "2026-11-21T06:30:00Z" at both ends. */
static void put_times(const struct chart *c, size_t columns, struct buf *out)
{
    char start[TIME_TEXT_MAX], end[TIME_TEXT_MAX];
    clock_rfc3339(c->start_ms / 1000 * 1000, start);
    clock_rfc3339(c->end_ms / 1000 * 1000, end);
    buf_fill(out, ' ', SCALE_WIDTH);
    buf_printf(out, "%.19sZ", start);
    if (columns > 2 * TIME_WIDTH) {
        buf_fill(out, ' ', columns - 2 * TIME_WIDTH);
        buf_printf(out, "%.19sZ", end);
    }
    buf_char(out, '\n');
}

void chart_draw(const struct chart *c, struct buf *out)
{
    struct canvas canvas = {0};
    size_t width = MIN(MAX(c->width, (size_t)CHART_WIDTH_MIN), (size_t)CHART_WIDTH_MAX);
    canvas.columns = width - SCALE_WIDTH;
    if (!find_range(c, &canvas))
        return;
    plot(c, &canvas);
    for (size_t row = 0; row < CHART_ROWS; row++)
        put_row(c, &canvas, row, out);
    put_times(c, canvas.columns, out);
}
