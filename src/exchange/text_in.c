/* Prometheus's text and OpenMetrics: series/exposition.h reads the lines. */
#include "exchange/text.h"

#include "series/exposition.h"

/* Before it (March 1973) a time in milliseconds was written as seconds. */
static const int64_t TIME_SECONDS_BELOW = 100000000000;

struct text_state {
    struct exposition_reader *reader;
    bool openmetrics;
};

static enum status take_line(struct importer *in, const struct exposition_line *line,
                             bool openmetrics, struct err *err)
{
    struct label_builder b = {0};
    struct sample s = {line->has_time ? line->t_ms : importer_now(in), line->v};
    if (line->kind != EXPOSITION_SAMPLE)
        return OK;
    if (!openmetrics && line->has_time && line->t_ms > 0 && line->t_ms < TIME_SECONDS_BELOW) {
        importer_bad(
            in, line->line_no,
            "%lld milliseconds is a time in 1970 to 1973; in seconds it would be OpenMetrics "
            "(format openmetrics, ends with # EOF)",
            (long long)line->t_ms);
        return OK;
    }
    label_builder_start(&b, line->labels);
    return importer_take(in, line->line_no, &b, &s, 1, err);
}

/* "line 12: why" -> why */
static const char *without_place(const char *text)
{
    const char *colon = strstr(text, ": ");
    return colon ? colon + 2 : text;
}

static size_t count_lines(struct span text)
{
    size_t n = 0;
    for (const char *at = text.at, *end = text.at + text.len;
         at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
        n++;
    return n;
}

static enum status eat(void *arg, struct importer *in, struct span text, bool last, size_t *line_no,
                       size_t *eaten, struct err *err)
{
    struct text_state *state = arg;
    size_t whole = text.len;
    while (!last && whole && text.at[whole - 1] != '\n')
        whole--;
    *eaten = whole;
    if (!whole && !last)
        return OK;
    struct span lines = span_from(text.at ? text.at : "", whole);
    exposition_continue(state->reader, lines, last);
    for (;;) {
        struct exposition_line line;
        struct err own;
        enum status st = exposition_next(state->reader, &line, &own);
        if (st == NOT_FOUND)
            break;
        if (st) {
            importer_bad(in, exposition_line_no(state->reader), "%s", without_place(own.text));
            continue;
        }
        st = take_line(in, &line, state->openmetrics, err);
        if (st)
            return st;
    }
    *line_no += count_lines(lines);
    return OK;
}

static void close_text(void *arg)
{
    struct text_state *state = arg;
    exposition_close(state->reader);
    free(state);
}

struct format_reader text_reader(bool openmetrics)
{
    struct text_state *state = mem_zero(1, sizeof *state);
    state->reader = exposition_open(SPAN(""), openmetrics);
    state->openmetrics = openmetrics;
    return (struct format_reader){eat, close_text, state};
}
