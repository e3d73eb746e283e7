/* The text format, in. Strict: what the format does not allow is refused with its line, because
 * a half-understood line would become a wrong number.
 *
 *   name{label="value",...} value [time] [# exemplar]     {"name",label="value"} value [time]
 *   # HELP name text      # TYPE name type      # EOF      # anything else */
#include "series/exposition.h"

#include <stdio.h>

struct exposition_reader {
    struct span rest;
    bool openmetrics, ended;
    bool more; /* further pieces of the text come */
    size_t line_no;
    struct arena arena; /* what the line unescapes, and its labels */
    struct label_builder labels;
};

/* A line under way: what is left of it, and the first fault. */
struct cursor {
    struct span rest;
    struct arena *arena;
    const char *fault;
};

struct exposition_reader *exposition_open(struct span text, bool openmetrics)
{
    struct exposition_reader *r = mem_zero(1, sizeof *r);
    r->rest = text;
    r->openmetrics = openmetrics;
    return r;
}

void exposition_continue(struct exposition_reader *r, struct span text, bool last)
{
    r->rest = text;
    r->more = !last;
}

size_t exposition_line_no(const struct exposition_reader *r)
{
    return r->line_no;
}

void exposition_close(struct exposition_reader *r)
{
    if (!r)
        return;
    arena_free(&r->arena);
    free(r);
}

static char peek(const struct cursor *c)
{
    return c->rest.len ? c->rest.at[0] : 0;
}

static void skip(struct cursor *c, size_t n)
{
    c->rest = span_from(c->rest.at + n, c->rest.len - n);
}

static void skip_blanks(struct cursor *c)
{
    while (peek(c) == ' ' || peek(c) == '\t')
        skip(c, 1);
}

static bool take(struct cursor *c, char wanted)
{
    if (!c->rest.len || c->rest.at[0] != wanted)
        return false;
    skip(c, 1);
    return true;
}

static void *fault(struct cursor *c, const char *what)
{
    if (!c->fault)
        c->fault = what;
    return NULL;
}

/* A run of characters up to a blank or one of the marks. */
static struct span take_token(struct cursor *c, const char *marks)
{
    size_t n = 0;
    while (n < c->rest.len && !strchr(marks, c->rest.at[n]) && c->rest.at[n])
        n++;
    struct span token = span_from(c->rest.at, n);
    skip(c, n);
    return token;
}

/* Undoes \\ and \n, and \" where there are quotes. */
static struct span unescape(struct cursor *c, struct span text, bool quotes)
{
    if (!memchr(text.at, '\\', text.len))
        return text;
    char *out = arena_alloc(c->arena, text.len);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char plain = text.at[i];
        if (plain == '\\') {
            char escaped = ++i < text.len ? text.at[i] : 0;
            plain = escaped == 'n' ? '\n' : escaped;
            if (escaped != 'n' && escaped != '\\' && !(escaped == '"' && quotes))
                fault(c, quotes ? "\\ must be followed by \\, n or a quote"
                                : "\\ must be followed by \\ or n");
        }
        out[n++] = plain;
    }
    return span_from(out, n);
}

/* "..." with the quote already taken. */
static struct span take_quoted(struct cursor *c)
{
    size_t n = 0;
    while (n < c->rest.len && c->rest.at[n] != '"')
        n += c->rest.at[n] == '\\' ? 2 : 1;
    if (n >= c->rest.len) {
        fault(c, "a quoted text does not end on its line");
        return SPAN("");
    }
    struct span raw = span_from(c->rest.at, n);
    skip(c, n + 1);
    return unescape(c, raw, true);
}

static void check_name(struct cursor *c, struct span name, bool quoted, bool metric)
{
    if (name.len > LABEL_NAME_MAX_BYTES)
        fault(c, "a name is longer than 256 bytes");
    else if (quoted ? !name.len || !utf8_valid(name)
                    : !(metric ? metric_name_valid(name) : label_name_valid(name)))
        fault(c, metric ? "a metric's name should be [a-zA-Z_:][a-zA-Z0-9_:]*"
                        : "a label's name should be [a-zA-Z_][a-zA-Z0-9_]*");
}

static void add_label(struct cursor *c, struct label_builder *b, struct span name,
                      struct span value)
{
    if (value.len > LABEL_VALUE_MAX_BYTES)
        fault(c, "a label's value is longer than 4096 bytes");
    else if (!utf8_valid(value))
        fault(c, "a label's value is not UTF-8");
    else if (value.len && b->n == LABELS_MAX)
        fault(c, "more than 64 labels");
    else if (value.len)
        b->at[b->n++] = (struct label){name, value};
}

/* One of: name="value", "name"="value", "metric name". */
static void take_label(struct cursor *c, struct label_builder *b, bool *named)
{
    bool quoted = take(c, '"');
    struct span name = quoted ? take_quoted(c) : take_token(c, " \t=,}\"{");
    skip_blanks(c);
    if (quoted && !c->fault && (peek(c) == ',' || peek(c) == '}')) {
        if (*named)
            fault(c, "the metric has two names");
        *named = true;
        check_name(c, name, true, true);
        add_label(c, b, SPAN(LABEL_NAME), name);
        return;
    }
    check_name(c, name, quoted, false);
    if (span_is(name, LABEL_NAME))
        fault(c, "the label __name__ is written in front of the braces");
    if (!take(c, '='))
        fault(c, "a label's name should be followed by =");
    skip_blanks(c);
    if (!take(c, '"'))
        fault(c, "a label's value should stand in quotes");
    if (!c->fault)
        add_label(c, b, name, take_quoted(c));
}

/* Behind '{', up to and with '}'. A comma may stand before the brace. */
static void take_labels(struct cursor *c, struct label_builder *b, bool *named)
{
    for (;;) {
        skip_blanks(c);
        if (c->fault || take(c, '}'))
            return;
        take_label(c, b, named);
        skip_blanks(c);
        if (!c->fault && peek(c) != '}' && !take(c, ','))
            fault(c, "labels should be divided by commas and end with }");
    }
}

static double take_value(struct cursor *c)
{
    struct span token = take_token(c, " \t");
    bool word = span_eq_nocase(token, SPAN("nan")) || span_eq_nocase(token, SPAN("inf")) ||
                span_eq_nocase(token, SPAN("+inf")) || span_eq_nocase(token, SPAN("-inf"));
    bool digits = token.len > 0;
    for (size_t i = 0; i < token.len; i++)
        digits &= strchr("0123456789+-.eE", token.at[i]) && token.at[i];
    double v = 0;
    if (!(word || digits) || !span_double(token, &v))
        fault(c,
              token.len ? "the value is not a number, NaN, +Inf or -Inf" : "the value is missing");
    /* One NaN only: the stale marker's bits are not to be had by text. */
    return isnan(v) ? bits_double(NORMAL_NAN_BITS) : v;
}

static int64_t take_time(struct cursor *c, bool openmetrics)
{
    struct span token = take_token(c, " \t");
    int64_t t_ms = 0;
    double seconds;
    if (!openmetrics) {
        if (!span_i64(token, &t_ms))
            fault(c, "the time is not a whole number of milliseconds");
    } else if (strchr("+-.0123456789", token.at[0]) && span_double(token, &seconds) &&
               fabs(seconds) < 9e15) {
        t_ms = (int64_t)(seconds * 1000 + (seconds < 0 ? -0.5 : 0.5));
    } else {
        fault(c, "the time is not a number of seconds");
    }
    return t_ms;
}

static void parse_sample(struct exposition_reader *r, struct cursor *c, struct exposition_line *out)
{
    bool named = peek(c) != '{';
    r->labels.n = 0;
    if (named) {
        struct span name = take_token(c, " \t{");
        check_name(c, name, false, true);
        add_label(c, &r->labels, SPAN(LABEL_NAME), name);
        skip_blanks(c);
    }
    if (take(c, '{'))
        take_labels(c, &r->labels, &named);
    if (!named)
        fault(c, "the metric has no name");
    if (!c->fault && peek(c) && peek(c) != ' ' && peek(c) != '\t' && c->rest.at[-1] == '}')
        fault(c, "a blank should stand between labels and value");
    skip_blanks(c);
    *out = (struct exposition_line){.kind = EXPOSITION_SAMPLE};
    if (!c->fault)
        out->v = take_value(c);
    skip_blanks(c);
    out->has_time = c->rest.len && peek(c) != '#';
    if (!c->fault && out->has_time)
        out->t_ms = take_time(c, r->openmetrics);
    skip_blanks(c);
    bool exemplar = r->openmetrics && span_starts(c->rest, SPAN("# {"));
    if (c->rest.len && !exemplar)
        fault(c, "there is text behind the value and the time");
    if (!labels_sort(r->labels.at, r->labels.n))
        fault(c, "a label stands twice");
    out->labels = (struct labels){r->labels.at, r->labels.n};
}

static enum metric_type type_of(struct cursor *c, struct span word)
{
    static const struct {
        const char *word;
        enum metric_type type;
    } types[] = {
        {"counter", METRIC_COUNTER},
        {"gauge", METRIC_GAUGE},
        {"histogram", METRIC_HISTOGRAM},
        {"summary", METRIC_SUMMARY},
        {"untyped", METRIC_UNTYPED},
        {"unknown", METRIC_UNTYPED},
        {"info", METRIC_GAUGE},
        {"stateset", METRIC_GAUGE},
        {"gaugehistogram", METRIC_HISTOGRAM},
    };
    for (size_t i = 0; i < COUNT(types); i++)
        if (span_is(word, types[i].word))
            return types[i].type;
    fault(c, "the type is none of counter, gauge, histogram, summary, untyped");
    return METRIC_UNTYPED;
}

/* Behind "# ". False for a comment, which means nothing. */
static bool parse_comment(struct exposition_reader *r, struct cursor *c,
                          struct exposition_line *out)
{
    skip_blanks(c);
    struct span word = take_token(c, " \t");
    *out = (struct exposition_line){0};
    if (r->openmetrics && span_is(word, "EOF") && !c->rest.len) {
        out->kind = EXPOSITION_EOF;
        r->ended = true;
        return true;
    }
    bool help = span_is(word, "HELP");
    if (!help && !span_is(word, "TYPE"))
        return false;
    out->kind = help ? EXPOSITION_HELP : EXPOSITION_TYPE;
    skip_blanks(c);
    bool quoted = take(c, '"');
    out->name = quoted ? take_quoted(c) : take_token(c, " \t");
    check_name(c, out->name, quoted, true);
    skip_blanks(c);
    if (help) {
        out->text = unescape(c, c->rest, r->openmetrics);
    } else {
        out->text = span_trim(c->rest);
        out->type = type_of(c, out->text);
    }
    return true;
}

/* False for a line without meaning. */
static bool parse_line(struct exposition_reader *r, struct cursor *c, struct exposition_line *out)
{
    skip_blanks(c);
    if (!c->rest.len) {
        if (r->openmetrics)
            fault(c, "OpenMetrics has no empty lines");
        return false;
    }
    if (take(c, '#'))
        return parse_comment(r, c, out);
    parse_sample(r, c, out);
    return true;
}

enum status exposition_next(struct exposition_reader *r, struct exposition_line *out,
                            struct err *err)
{
    struct span line;
    while (span_line(&r->rest, &line)) {
        r->line_no++;
        if (r->ended)
            return err_set(err, INVALID, "line %zu: there is text behind # EOF", r->line_no);
        arena_reset(&r->arena);
        struct cursor c = {.rest = line, .arena = &r->arena};
        bool meant = parse_line(r, &c, out);
        if (c.fault)
            return err_set(err, INVALID, "line %zu: %s", r->line_no, c.fault);
        if (meant) {
            out->line_no = r->line_no;
            return OK;
        }
    }
    if (r->openmetrics && !r->ended && !r->more) {
        r->ended = true;
        return err_set(err, INVALID, "line %zu: the text ends without # EOF", r->line_no + 1);
    }
    return err_set(err, NOT_FOUND, "the text ends");
}
