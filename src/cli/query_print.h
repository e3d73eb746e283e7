/* How `galen query` shows an answer of Prometheus's API. */
#pragma once

#include "base/buf.h"

struct json_t;

/* One row for each series (instant) or a list of points below each series' name (range). */
void query_print_table(struct json_t *data, struct buf *out);
/* A chart for each series of a range, at most CHARTS_MAX of them. */
enum { CHARTS_MAX = 12 };
void query_print_charts(struct json_t *data, int64_t start_ms, int64_t end_ms, size_t width,
                        bool colours, struct buf *out);
/* RFC 4180: a column for each label, then time (seconds) and value. Text that a spreadsheet would
 * take for a formula gets a ' before it. */
void query_print_csv(struct json_t *data, struct buf *out);
/* The query with a caret under the position that a parse error of the server names ("1:5: parse
 * error: ..."); nothing when it names none. */
void query_print_place(struct span query, struct span sentence, struct buf *out);
