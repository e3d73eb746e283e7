/* Values as text: Go's %v, and printf with the verbs that rule files use. */
#include "alert/template_tree.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The shortest digits that read back, with an exponent below -4 and from 6 digits before the point
 * on, which differs from how Prometheus writes samples. */
static void print_float(struct buf *out, double v)
{
    char text[40];
    int digits = 0;
    if (!isfinite(v) || v == 0) {
        buf_double(out, v);
        return;
    }
    for (; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    long exponent = strtol(strchr(text, 'e') + 1, NULL, 10);
    if (exponent < -4 || exponent >= 6)
        buf_str(out, text);
    else
        buf_printf(out, "%.*f", MAX(digits - (int)exponent, 0), v);
}

static void print_labels(struct buf *out, struct labels l)
{
    buf_str(out, "map[");
    for (size_t i = 0; i < l.n; i++) {
        buf_printf(out, "%s%.*s:", i ? " " : "", SPAN_ARG(l.at[i].name));
        buf_span(out, l.at[i].value);
    }
    buf_char(out, ']');
}

void tmpl_value_print(struct buf *out, const struct tmpl_value *v)
{
    switch (v->type) {
    case TV_NIL:
        break;
    case TV_BOOL:
        buf_str(out, v->b ? "true" : "false");
        break;
    case TV_INT:
        buf_i64(out, v->i);
        break;
    case TV_NUMBER:
        print_float(out, v->number);
        break;
    case TV_STRING:
        buf_span(out, v->text);
        break;
    case TV_LABELS:
        print_labels(out, v->labels);
        break;
    case TV_SAMPLE:
    case TV_SAMPLES:
        buf_char(out, '[');
        for (size_t i = 0; i < v->n; i++) {
            buf_str(out, i ? " " : "");
            print_labels(out, v->samples[i].labels);
            buf_char(out, ' ');
            print_float(out, v->samples[i].value);
        }
        buf_char(out, ']');
        break;
    case TV_ROOT:
    case TV_RECORD:
    case TV_LIST:
        break;
    }
}

/* One place of a format: %[flags][width][.precision]verb */
struct place {
    bool minus, plus, zero, sharp, blank;
    int width, precision; /* -1: none */
    char verb;
};

static int take_number(struct span *rest)
{
    int n = 0;
    while (rest->len && isdigit((unsigned char)rest->at[0])) {
        n = MIN(n * 10 + (rest->at[0] - '0'), 100000);
        *rest = span_from(rest->at + 1, rest->len - 1);
    }
    return n;
}

static void take_flags(struct span *rest, struct place *p)
{
    for (; rest->len; *rest = span_from(rest->at + 1, rest->len - 1)) {
        bool *flag = rest->at[0] == '-'   ? &p->minus
                     : rest->at[0] == '+' ? &p->plus
                     : rest->at[0] == '0' ? &p->zero
                     : rest->at[0] == '#' ? &p->sharp
                     : rest->at[0] == ' ' ? &p->blank
                                          : NULL;
        if (!flag)
            return;
        *flag = true;
    }
}

static enum status take_place(struct tmpl_run *r, struct span *rest, struct place *p)
{
    *p = (struct place){.width = -1, .precision = -1};
    take_flags(rest, p);
    if (rest->len && isdigit((unsigned char)rest->at[0]))
        p->width = take_number(rest);
    if (rest->len && rest->at[0] == '.') {
        *rest = span_from(rest->at + 1, rest->len - 1);
        p->precision = take_number(rest);
    }
    if (p->width > TMPL_PRINTF_WIDTH_MAX || p->precision > TMPL_PRINTF_WIDTH_MAX)
        return err_set(r->err, FULL, "printf: a width above %d", TMPL_PRINTF_WIDTH_MAX);
    if (rest->len) {
        p->verb = rest->at[0];
        *rest = span_from(rest->at + 1, rest->len - 1);
    }
    return OK;
}

static void pad(struct buf *out, const struct place *p, struct span text)
{
    size_t width = p->width > 0 ? (size_t)p->width : 0, characters = 0;
    for (size_t i = 0; i < text.len; i++)
        characters += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    size_t fill = width > characters ? width - characters : 0;
    if (!p->minus)
        buf_fill(out, ' ', fill);
    buf_span(out, text);
    if (p->minus)
        buf_fill(out, ' ', fill);
}

/* A format for C from the same parts. */
static const char *c_format(struct place p, const char *length, char verb, char text[32])
{
    char *at = text;
    *at++ = '%';
    if (p.minus)
        *at++ = '-';
    if (p.plus)
        *at++ = '+';
    if (p.zero)
        *at++ = '0';
    if (p.sharp)
        *at++ = '#';
    if (p.blank)
        *at++ = ' ';
    int room = 24, n = 0;
    if (p.width >= 0)
        n += snprintf(at, (size_t)room, "%d", p.width);
    if (p.precision >= 0)
        n += snprintf(at + n, (size_t)(room - n), ".%d", p.precision);
    snprintf(at + n, (size_t)(room - n), "%s%c", length, verb);
    return text;
}

static bool put_float(struct buf *out, const struct place *p, double v)
{
    char format[32];
    if (!isfinite(v)) {
        pad(out, p, isnan(v) ? SPAN("NaN") : v > 0 ? SPAN("+Inf") : SPAN("-Inf"));
        return true;
    }
    if (p->verb == 'v' || (p->verb == 'g' && p->precision < 0)) {
        auto_buf text = {0};
        print_float(&text, v);
        pad(out, p, buf_view(&text));
        return true;
    }
    if (!strchr("eEfFgG", p->verb))
        return false;
    buf_printf(out, c_format(*p, "", p->verb, format), v);
    return true;
}

static bool put_int(struct buf *out, const struct place *p, int64_t v)
{
    char format[32];
    if (p->verb == 'v' || p->verb == 'd')
        buf_printf(out, c_format(*p, "ll", 'd', format), (long long)v);
    else if (strchr("xXo", p->verb))
        buf_printf(out, c_format(*p, "ll", p->verb, format), (long long)v);
    else if (p->verb == 'c' && v >= 0 && v < 128)
        buf_char(out, (char)v);
    else
        return false;
    return true;
}

static bool put_text(struct buf *out, const struct place *p, struct span text)
{
    auto_buf made = {0};
    if (p->precision >= 0)
        text.len = MIN(text.len, (size_t)p->precision);
    if (p->verb == 'q')
        label_value_print(&made, text);
    else if (p->verb == 'x')
        for (size_t i = 0; i < text.len; i++)
            buf_printf(&made, "%02x", (unsigned char)text.at[i]);
    else if (p->verb == 's' || p->verb == 'v')
        buf_span(&made, text);
    else
        return false;
    pad(out, p, buf_view(&made));
    return true;
}

static const char *type_name(const struct tmpl_value *v)
{
    switch (v->type) {
    case TV_BOOL:
        return "bool";
    case TV_INT:
        return "int";
    case TV_NUMBER:
        return "float64";
    case TV_STRING:
        return "string";
    default:
        return "value";
    }
}

static void put_place(struct buf *out, const struct place *p, const struct tmpl_value *v)
{
    auto_buf text = {0};
    bool fits = false;
    if (v->type == TV_NUMBER) {
        fits = put_float(out, p, v->number);
    } else if (v->type == TV_INT) {
        fits = put_int(out, p, v->i);
    } else if (v->type == TV_STRING) {
        fits = put_text(out, p, v->text);
    } else if (p->verb == 'v' || (p->verb == 't' && v->type == TV_BOOL)) {
        tmpl_value_print(&text, v);
        pad(out, p, buf_view(&text));
        fits = true;
    }
    if (fits)
        return;
    tmpl_value_print(&text, v);
    buf_printf(out, "%%!%c(%s=", p->verb, type_name(v));
    buf_span(out, buf_view(&text));
    buf_char(out, ')');
}

enum status tmpl_printf(struct tmpl_run *r, const struct tmpl_value *args, size_t n,
                        struct tmpl_value *out)
{
    auto_buf text = {.max = TMPL_OUTPUT_MAX_BYTES};
    size_t next = 1;
    if (args[0].type != TV_STRING)
        return err_set(r->err, INVALID, "printf: the format is not a string");
    for (struct span rest = args[0].text; rest.len;) {
        size_t plain = span_find(rest, '%');
        buf_put(&text, rest.at, plain);
        rest = span_from(rest.at + plain, rest.len - plain);
        if (!rest.len)
            break;
        rest = span_from(rest.at + 1, rest.len - 1);
        struct place p;
        enum status st = take_place(r, &rest, &p);
        if (st)
            return st;
        if (!p.verb)
            buf_str(&text, "%!(NOVERB)");
        else if (p.verb == '%')
            buf_char(&text, '%');
        else if (next >= n)
            buf_printf(&text, "%%!%c(MISSING)", p.verb);
        else
            put_place(&text, &p, &args[next++]);
    }
    for (size_t i = next; i < n; i++) {
        buf_printf(&text, "%s%s=", i == next ? "%!(EXTRA " : ", ", type_name(&args[i]));
        tmpl_value_print(&text, &args[i]);
    }
    if (next < n)
        buf_char(&text, ')');
    if (text.failed)
        return err_set(r->err, FULL, "printf: the text is longer than %d bytes",
                       TMPL_OUTPUT_MAX_BYTES);
    *out = (struct tmpl_value){.type = TV_STRING, .text = arena_span(r->scratch, buf_view(&text))};
    return OK;
}
