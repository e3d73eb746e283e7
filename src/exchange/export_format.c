/* What the formats can carry: JSON and CSV every bit of every value (NaN(0x...) for the marks among
 * the NaNs); OpenMetrics one NaN only, so a stale marker, which says that there is no value, is
 * left out there. */
#include "exchange/export_format.h"
#include "exchange/text.h"

#include "base/clock.h"
#include "base/json.h"
#include "series/exposition.h"

/* ---- OpenMetrics ---- */

static void family(struct buf *out, struct span name)
{
    buf_str(out, "# TYPE ");
    if (metric_name_valid(name)) {
        buf_span(out, name);
    } else {
        buf_char(out, '"');
        buf_span(out, name);
        buf_char(out, '"');
    }
    buf_str(out, " unknown\n");
}

static void put_seconds(struct buf *out, int64_t t_ms)
{
    uint64_t ms = t_ms < 0 ? -(uint64_t)t_ms : (uint64_t)t_ms;
    if (t_ms < 0)
        buf_char(out, '-');
    buf_u64(out, ms / 1000);
    buf_printf(out, ".%03u", (unsigned)(ms % 1000));
}

static void openmetrics(struct buf *out, const struct export_piece *p)
{
    auto_buf name = {0};
    exposition_sample(&name, p->labels, (struct sample){0}, false);
    name.len -= 2; /* the value and the line's end */
    for (size_t i = 0; i < p->n; i++) {
        if (is_stale(p->v[i]))
            continue;
        buf_span(out, buf_view(&name));
        buf_double(out, p->v[i]);
        buf_char(out, ' ');
        put_seconds(out, p->t_ms[i]);
        buf_char(out, '\n');
    }
}

/* ---- JSON, an object on each line ---- */

static void json(struct buf *out, const struct export_piece *p)
{
    struct json j = json_to(out);
    json_begin_object(&j);
    json_key(&j, "metric");
    json_begin_object(&j);
    for (size_t i = 0; i < p->labels.n; i++) {
        json_key_span(&j, p->labels.at[i].name);
        json_span(&j, p->labels.at[i].value);
    }
    json_end_object(&j);
    buf_str(out, ",\"values\":[");
    for (size_t i = 0; i < p->n; i++) {
        if (i)
            buf_char(out, ',');
        value_put(out, p->v[i], true);
    }
    buf_str(out, "],\"timestamps\":[");
    for (size_t i = 0; i < p->n; i++) {
        if (i)
            buf_char(out, ',');
        buf_i64(out, p->t_ms[i]);
    }
    buf_str(out, "]}\n");
}

/* ---- CSV, the long shape ---- */

/* A sheet would take such a text for a formula; a ' in front makes it text. */
static bool needs_guard(struct span text)
{
    return text.len && strchr("=+-@\t\r'", text.at[0]);
}

static void put_cell(struct buf *out, struct span text)
{
    bool guard = needs_guard(text), quotes = false;
    for (size_t i = 0; i < text.len; i++)
        quotes |= strchr(",\"\r\n", text.at[i]) && text.at[i];
    quotes |= text.len && (text.at[0] == ' ' || text.at[text.len - 1] == ' ');
    if (quotes)
        buf_char(out, '"');
    if (guard)
        buf_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"')
            buf_char(out, '"');
        buf_char(out, text.at[i]);
    }
    if (quotes)
        buf_char(out, '"');
}

static void csv_head(struct buf *out, const struct span *names, size_t n)
{
    buf_str(out, "timestamp,metric");
    for (size_t i = 0; i < n; i++) {
        if (span_is(names[i], LABEL_NAME))
            continue;
        buf_char(out, ',');
        put_cell(out, names[i]);
    }
    buf_str(out, ",value\r\n");
}

static void csv(struct buf *out, const struct export_piece *p)
{
    auto_buf labels = {0};
    buf_char(&labels, ',');
    put_cell(&labels, labels_metric(p->labels));
    for (size_t i = 0; i < p->names_n; i++) {
        if (span_is(p->names[i], LABEL_NAME))
            continue;
        buf_char(&labels, ',');
        put_cell(&labels, labels_get(p->labels, p->names[i]));
    }
    buf_char(&labels, ',');
    for (size_t i = 0; i < p->n; i++) {
        char time[TIME_TEXT_MAX];
        buf_str(out, clock_rfc3339(p->t_ms[i], time));
        buf_span(out, buf_view(&labels));
        value_put(out, p->v[i], false);
        buf_str(out, "\r\n");
    }
}

const struct export_format *export_format(enum exchange_format f)
{
    static const struct export_format as_openmetrics = {
        .group = family, .series = openmetrics, .tail = "# EOF\n"};
    static const struct export_format as_json = {.series = json};
    static const struct export_format as_csv = {.head = csv_head, .series = csv};
    return f == EXCHANGE_OPENMETRICS ? &as_openmetrics : f == EXCHANGE_CSV ? &as_csv : &as_json;
}
