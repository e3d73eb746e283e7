/* The text format, out. Names that the format's own grammar lacks (UTF-8 names of
 * OpenTelemetry, for one) are written in quotes inside the braces. */
#include "series/exposition.h"

const char *metric_type_name(enum metric_type type)
{
    static const char *const names[] = {
        [METRIC_UNTYPED] = "untyped",     [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram", [METRIC_SUMMARY] = "summary",
    };
    return names[type];
}

/* The format knows three escapes; a quote is one only inside quotes. */
static void put_escaped(struct buf *out, struct span text, bool quotes)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '\n')
            buf_str(out, "\\n");
        else if (c == '\\' || (c == '"' && quotes))
            buf_put(out, (char[]){'\\', c}, 2);
        else
            buf_char(out, c);
    }
}

static void put_quoted(struct buf *out, struct span text)
{
    buf_char(out, '"');
    put_escaped(out, text, true);
    buf_char(out, '"');
}

static void put_name(struct buf *out, struct span name)
{
    if (metric_name_valid(name))
        buf_span(out, name);
    else
        put_quoted(out, name);
}

void exposition_family(struct buf *out, struct span name, enum metric_type type, const char *help)
{
    if (help) {
        buf_str(out, "# HELP ");
        put_name(out, name);
        buf_char(out, ' ');
        put_escaped(out, span_of(help), false);
        buf_char(out, '\n');
    }
    buf_str(out, "# TYPE ");
    put_name(out, name);
    buf_char(out, ' ');
    buf_str(out, metric_type_name(type));
    buf_char(out, '\n');
}

void openmetrics_family(struct buf *out, struct span name, enum metric_type type, const char *help)
{
    static const char total[] = "_total";
    bool counts = type == METRIC_COUNTER && span_ends(name, SPAN(total));
    bool known = type != METRIC_UNTYPED && (type != METRIC_COUNTER || counts);
    if (counts)
        name.len -= sizeof total - 1;
    buf_printf(out, "# TYPE %.*s %s\n", SPAN_ARG(name), known ? metric_type_name(type) : "unknown");
    if (!help)
        return;
    buf_printf(out, "# HELP %.*s ", SPAN_ARG(name));
    put_escaped(out, span_of(help), true);
    buf_char(out, '\n');
}

static void put_labels(struct buf *out, struct labels labels, bool bare)
{
    const char *before = "{";
    if (!bare) {
        buf_char(out, '{');
        put_quoted(out, labels_metric(labels));
        before = ",";
    }
    for (size_t i = 0; i < labels.n; i++) {
        const struct label *l = &labels.at[i];
        if (span_is(l->name, LABEL_NAME))
            continue;
        buf_str(out, before);
        before = ",";
        if (label_name_valid(l->name))
            buf_span(out, l->name);
        else
            put_quoted(out, l->name);
        buf_char(out, '=');
        put_quoted(out, l->value);
    }
    if (before[0] == ',')
        buf_char(out, '}');
}

void exposition_sample(struct buf *out, struct labels labels, struct sample s, bool with_time)
{
    struct span metric = labels_metric(labels);
    bool bare = metric_name_valid(metric);
    if (bare)
        buf_span(out, metric);
    put_labels(out, labels, bare);
    buf_char(out, ' ');
    buf_double(out, s.v);
    if (with_time) {
        buf_char(out, ' ');
        buf_i64(out, s.t_ms);
    }
    buf_char(out, '\n');
}
