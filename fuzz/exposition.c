/* The text format of metrics. A sample that was understood is written again and must be
 * understood as the same. */
#include "series/exposition.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct exposition_line *line)
{
    auto_buf out = {0};
    exposition_sample(&out, line->labels, (struct sample){line->t_ms, line->v}, line->has_time);
    struct exposition_reader *r = exposition_open(buf_view(&out), false);
    struct exposition_line again;
    if (exposition_next(r, &again, NULL) || again.kind != EXPOSITION_SAMPLE ||
        !labels_eq(line->labels, again.labels) || double_bits(line->v) != double_bits(again.v) ||
        line->has_time != again.has_time || line->t_ms != again.t_ms)
        abort();
    exposition_close(r);
}

static void read_all(struct span text, bool openmetrics)
{
    struct exposition_reader *r = exposition_open(text, openmetrics);
    struct exposition_line line;
    struct err err;
    enum status st;
    while ((st = exposition_next(r, &line, &err)) != NOT_FOUND)
        if (!st && line.kind == EXPOSITION_SAMPLE)
            write_again(&line);
    exposition_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_all(span_from(data, size), false);
    read_all(span_from(data, size), true);
    return 0;
}
