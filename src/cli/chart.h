/* A small chart of one series for the terminal, drawn with Braille's 2 x 4 dots. Pure: values in,
 * text out. */
#pragma once

#include "base/buf.h"
#include "series/sample.h"

enum { CHART_ROWS = 5, CHART_WIDTH_MIN = 20, CHART_WIDTH_MAX = 200 };

struct chart {
    const struct sample *at; /* ascending; NaN and infinite values leave a gap */
    size_t n;
    int64_t start_ms, end_ms; /* what the width stands for */
    size_t width;             /* of the whole in characters, CHART_WIDTH_MIN.. */
    const char *colour;       /* an escape sequence for the curve, or NULL */
};

/* CHART_ROWS lines with the scale at the left, and one with both times. Nothing when there is no
 * finite value. */
void chart_draw(const struct chart *c, struct buf *out);
