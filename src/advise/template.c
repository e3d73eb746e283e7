/* Sentences with places for values. */
#include "advise/rule.h"

#include <math.h>
#include <stdio.h>

static const struct {
    const char *name;
    enum template_format format;
} formats[] = {
    {"count", FORMAT_COUNT},       {"percent", FORMAT_PERCENT}, {"bytes", FORMAT_BYTES},
    {"duration", FORMAT_DURATION}, {"number", FORMAT_NUMBER},
};

/* A part of a template: text, or a place. */
struct part {
    struct span text;
    bool is_place;
    struct span name;
    enum template_format format;
};

static const char *read_place(struct span inside, struct part *p)
{
    size_t colon = span_find(inside, ':');
    p->name = (struct span){inside.at, colon};
    p->format = FORMAT_PLAIN;
    if (p->name.len == 0)
        return "an empty place {}";
    if (colon == inside.len)
        return NULL;
    struct span format = {inside.at + colon + 1, inside.len - colon - 1};
    for (size_t i = 0; i < COUNT(formats); i++)
        if (span_is(format, formats[i].name)) {
            p->format = formats[i].format;
            return NULL;
        }
    return "an unknown format; there are count, percent, bytes, duration and number";
}

/* Cuts the next part; *fault is set when the braces are wrong. */
static bool next_part(struct span *rest, struct part *p, const char **fault)
{
    *p = (struct part){0};
    if (rest->len == 0)
        return false;
    if (rest->at[0] != '{') {
        size_t n = span_find(*rest, '{');
        p->text = (struct span){rest->at, n};
        if (span_find(p->text, '}') < n)
            *fault = "a } without its {";
        *rest = (struct span){rest->at + n, rest->len - n};
        return !*fault;
    }
    size_t end = span_find(*rest, '}');
    if (end == rest->len) {
        *fault = "a { without its }";
        return false;
    }
    p->is_place = true;
    *fault = read_place((struct span){rest->at + 1, end - 1}, p);
    *rest = (struct span){rest->at + end + 1, rest->len - end - 1};
    return !*fault;
}

enum status template_check(const struct yaml *node, const char *text, template_fn known, void *arg,
                           struct err *err)
{
    struct span rest = span_of(text);
    if (rest.len > TEMPLATE_MAX_BYTES)
        return yaml_error(node, err, "longer than %d bytes", TEMPLATE_MAX_BYTES);
    struct part p;
    const char *fault = NULL;
    while (next_part(&rest, &p, &fault)) {
        struct template_value v;
        if (p.is_place && p.name.at[0] != '@' && !known(arg, p.name, &v))
            return yaml_error(node, err,
                              "{%.*s} is neither from, to, value, window nor the name of an "
                              "evidence; a label is written {@%.*s}",
                              SPAN_ARG(p.name), SPAN_ARG(p.name));
    }
    return fault ? yaml_error(node, err, "%s", fault) : OK;
}

bool template_fill(const char *text, template_fn value, void *arg, struct buf *out)
{
    struct span rest = span_of(text);
    struct part p;
    const char *fault = NULL;
    while (next_part(&rest, &p, &fault)) {
        struct template_value v = {0};
        if (!p.is_place)
            buf_span(out, p.text);
        else if (!value(arg, p.name, &v))
            return false;
        else if (v.has_number)
            format_value(out, p.format, v.number);
        else
            buf_span(out, v.text);
    }
    return true;
}

/* 4097 -> "4,097" */
static void grouped(struct buf *out, double v)
{
    char digits[64];
    snprintf(digits, sizeof digits, "%.0f", v);
    size_t sign = digits[0] == '-', n = strlen(digits) - sign;
    buf_put(out, digits, sign);
    for (size_t i = 0; i < n; i++) {
        buf_char(out, digits[sign + i]);
        if ((n - i - 1) % 3 == 0 && i + 1 < n)
            buf_char(out, ',');
    }
}

/* Three digits that mean something: 0.0123, 1.2, 14.2, 210. Whole numbers stay whole. */
static void plain(struct buf *out, double v)
{
    double size = fabs(v);
    if (size >= 1000)
        grouped(out, v);
    else if (size >= 100 || fabs(v - round(v)) < (size >= 1 ? 0.05 : 1e-9))
        buf_printf(out, "%.0f", v);
    else if (size >= 1)
        buf_printf(out, "%.1f", v);
    else
        buf_printf(out, "%.2g", v);
}

static void bytes(struct buf *out, double v)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    /* Binary multiples under the names that df and free made common. */
    while (fabs(v) >= 1024 && unit + 1 < COUNT(units)) {
        v /= 1024;
        unit++;
    }
    if (unit == 0 || fabs(v) >= 100 || fabs(v - round(v)) < 0.05)
        buf_printf(out, "%.0f %s", v, units[unit]);
    else
        buf_printf(out, "%.1f %s", v, units[unit]);
}

static void duration(struct buf *out, double seconds)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    for (size_t i = 0; i < COUNT(units); i++) {
        /* Two units and more are told in the unit, less in the next smaller one. */
        if (seconds < (i + 1 < COUNT(units) ? 2 : 0) * units[i].seconds &&
            fabs(seconds - units[i].seconds) > 0.5)
            continue;
        double n = round(seconds / units[i].seconds);
        buf_printf(out, "%.0f %s%s", n, units[i].name, n == 1 ? "" : "s");
        return;
    }
}

void format_value(struct buf *out, enum template_format f, double v)
{
    if (!isfinite(v)) {
        buf_str(out, "an unknown number of");
        return;
    }
    switch (f) {
    case FORMAT_PLAIN:
        plain(out, v);
        break;
    case FORMAT_COUNT:
        grouped(out, v);
        break;
    case FORMAT_PERCENT:
        buf_printf(out, "%.*f %%", v < 0.1 && v > 0 ? 1 : 0, 100 * v);
        break;
    case FORMAT_BYTES:
        bytes(out, v);
        break;
    case FORMAT_DURATION:
        duration(out, v);
        break;
    case FORMAT_NUMBER:
        buf_printf(out, "%.0f", v);
        break;
    }
}
