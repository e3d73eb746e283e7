#include "cli/query_print.h"

#include "cli/chart.h"

#include "base/arena.h"
#include "base/text.h"

#include <jansson.h>
#include <stdio.h>

/* ---- reading the answer ---- */

static const char *type_of(json_t *data)
{
    const char *type = json_string_value(json_object_get(data, "resultType"));
    return type ? type : "";
}

static bool is_single(json_t *data)
{
    const char *type = type_of(data);
    return strcmp(type, "scalar") == 0 || strcmp(type, "string") == 0;
}

static const char *value_of(json_t *point)
{
    const char *text = json_string_value(json_array_get(point, 1));
    return text ? text : "";
}

static double time_of(json_t *point)
{
    return json_number_value(json_array_get(point, 0));
}

/* The labels' names of all series, __name__ first, each once, in the order in which they come. */
struct columns {
    const char **names;
    size_t n;
};

static bool has_column(const struct columns *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->names[i], name) == 0)
            return true;
    return false;
}

static void add_column(struct columns *c, const char *name, struct arena *arena)
{
    c->names = arena_grow(arena, c->names, c->n * sizeof *c->names, (c->n + 1) * sizeof *c->names);
    c->names[c->n++] = name;
}

static struct columns columns_of(json_t *result, struct arena *arena)
{
    struct columns c = {0};
    json_t *series, *value;
    const char *name;
    size_t i;
    json_array_foreach(result, i, series)
    {
        if (json_object_get(json_object_get(series, "metric"), "__name__") &&
            !has_column(&c, "__name__"))
            add_column(&c, "__name__", arena);
    }
    json_array_foreach(result, i, series)
    {
        json_object_foreach(json_object_get(series, "metric"), name, value)
        {
            if (!has_column(&c, name))
                add_column(&c, name, arena);
        }
    }
    return c;
}

static const char *label_of(json_t *series, const char *name)
{
    const char *text = json_string_value(json_object_get(json_object_get(series, "metric"), name));
    return text ? text : "";
}

/* ---- table ---- */

static size_t width_of(const char *text)
{
    return text_columns(span_of(text));
}

/* Control characters would move the cursor or worse. */
static void put_plain(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_char(out, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void put_cell(struct buf *out, const char *text, size_t width)
{
    put_plain(out, text);
    buf_fill(out, ' ', width - MIN(width, width_of(text)) + 2);
}

static void put_vector(json_t *result, struct buf *out)
{
    auto_arena arena = {0};
    struct columns c = columns_of(result, &arena);
    size_t *widths = ARENA_ARRAY(&arena, size_t, c.n + 1), i;
    json_t *series;
    for (size_t k = 0; k < c.n; k++) {
        widths[k] = strcmp(c.names[k], "__name__") == 0 ? 6 : width_of(c.names[k]);
        json_array_foreach(result, i, series) widths[k] =
            MAX(widths[k], width_of(label_of(series, c.names[k])));
        put_cell(out, strcmp(c.names[k], "__name__") == 0 ? "METRIC" : c.names[k], widths[k]);
    }
    buf_str(out, "VALUE\n");
    json_array_foreach(result, i, series)
    {
        for (size_t k = 0; k < c.n; k++)
            put_cell(out, label_of(series, c.names[k]), widths[k]);
        buf_str(out, value_of(json_object_get(series, "value")));
        buf_char(out, '\n');
    }
}

/* up{job="node", instance="a"} */
static void put_name(json_t *series, struct buf *out)
{
    const char *key, *comma = "";
    json_t *value;
    put_plain(out, label_of(series, "__name__"));
    buf_char(out, '{');
    json_object_foreach(json_object_get(series, "metric"), key, value)
    {
        if (strcmp(key, "__name__") == 0)
            continue;
        buf_str(out, comma);
        put_plain(out, key);
        buf_str(out, "=\"");
        put_plain(out, json_string_value(value));
        buf_char(out, '"');
        comma = ", ";
    }
    buf_str(out, "}\n");
}

static void put_matrix(json_t *result, struct buf *out)
{
    json_t *series, *point;
    size_t i, k;
    json_array_foreach(result, i, series)
    {
        put_name(series, out);
        json_array_foreach(json_object_get(series, "values"), k, point)
            buf_printf(out, "%14.3f  %s\n", time_of(point), value_of(point));
    }
}

void query_print_table(json_t *data, struct buf *out)
{
    json_t *result = json_object_get(data, "result");
    if (is_single(data)) {
        buf_str(out, value_of(result));
        buf_char(out, '\n');
    } else if (json_array_size(result) == 0) {
        buf_str(out, "no series\n");
    } else if (strcmp(type_of(data), "vector") == 0) {
        put_vector(result, out);
    } else {
        put_matrix(result, out);
    }
}

/* ---- charts ---- */

static size_t read_points(json_t *values, struct sample *to)
{
    json_t *point;
    size_t i;
    json_array_foreach(values, i, point)
    {
        double v;
        if (!span_double(span_of(value_of(point)), &v))
            v = NAN;
        to[i] = (struct sample){(int64_t)(time_of(point) * 1000), v};
    }
    return json_array_size(values);
}

void query_print_charts(json_t *data, int64_t start_ms, int64_t end_ms, size_t width, bool colours,
                        struct buf *out)
{
    static const char *const palette[] = {"\x1b[36m", "\x1b[33m", "\x1b[32m", "\x1b[35m"};
    json_t *result = json_object_get(data, "result"), *series;
    size_t i, n = json_array_size(result);
    if (n == 0)
        buf_str(out, "no series\n");
    json_array_foreach(result, i, series)
    {
        auto_arena arena = {0};
        json_t *values = json_object_get(series, "values");
        size_t points = json_array_size(values);
        if (i == CHARTS_MAX) {
            buf_printf(out, "... and %zu more series; -o csv has all\n", n - i);
            return;
        }
        struct sample *samples = ARENA_ARRAY(&arena, struct sample, points + 1);
        struct chart chart = {.at = samples,
                              .n = read_points(values, samples),
                              .start_ms = start_ms,
                              .end_ms = end_ms,
                              .width = width,
                              .colour = colours ? palette[i % COUNT(palette)] : NULL};
        put_name(series, out);
        chart_draw(&chart, out);
        if (points)
            buf_printf(out, "            last %s\n\n",
                       value_of(json_array_get(values, points - 1)));
    }
}

/* ---- CSV ---- */

static void put_field(struct buf *out, const char *text)
{
    bool formula = *text && strchr("=+-@\t\r", *text);
    bool quoted = formula || strpbrk(text, ",\"\r\n");
    if (quoted)
        buf_char(out, '"');
    if (formula)
        buf_char(out, '\'');
    for (; *text; text++) {
        if (*text == '"')
            buf_char(out, '"');
        buf_char(out, *text);
    }
    if (quoted)
        buf_char(out, '"');
}

static void put_record(struct buf *out, const struct columns *c, json_t *series, json_t *point)
{
    for (size_t i = 0; i < c->n; i++) {
        put_field(out, label_of(series, c->names[i]));
        buf_char(out, ',');
    }
    buf_printf(out, "%.3f,%s\r\n", time_of(point), value_of(point));
}

void query_print_csv(json_t *data, struct buf *out)
{
    auto_arena arena = {0};
    json_t *result = json_object_get(data, "result"), *series, *point;
    struct columns c = {0};
    size_t i, k;
    if (!is_single(data))
        c = columns_of(result, &arena);
    for (i = 0; i < c.n; i++) {
        put_field(out, c.names[i]);
        buf_char(out, ',');
    }
    buf_str(out, "time,value\r\n");
    if (is_single(data)) {
        buf_printf(out, "%.3f,", time_of(result));
        if (strcmp(type_of(data), "string") == 0)
            put_field(out, value_of(result));
        else
            buf_str(out, value_of(result));
        buf_str(out, "\r\n");
        return;
    }
    json_array_foreach(result, i, series)
    {
        json_t *value = json_object_get(series, "value");
        if (value)
            put_record(out, &c, series, value);
        json_array_foreach(json_object_get(series, "values"), k, point)
            put_record(out, &c, series, point);
    }
}

/* ---- where a query is wrong ---- */

void query_print_place(struct span query, struct span sentence, struct buf *out)
{
    const char *at = memmem(sentence.at, sentence.len, ": parse error", 13);
    uint64_t line, column;
    if (!at)
        return;
    struct span before = {sentence.at, (size_t)(at - sentence.at)};
    size_t start = before.len;
    while (start && strchr("0123456789:", before.at[start - 1]))
        start--;
    struct span place = {before.at + start, before.len - start}, part;
    if (!span_next(&place, ':', &part) || !span_u64(part, &line) || !span_u64(place, &column))
        return;
    for (uint64_t i = 0; i < line; i++)
        if (!span_line(&query, &part))
            return;
    if (!column || column > part.len + 1)
        return;
    buf_str(out, "  ");
    buf_span(out, part);
    buf_str(out, "\n  ");
    for (size_t i = 0; i + 1 < column; i++)
        if (((unsigned char)part.at[i] & 0xc0) != 0x80)
            buf_char(out, part.at[i] == '\t' ? '\t' : ' ');
    buf_str(out, "^\n");
}
