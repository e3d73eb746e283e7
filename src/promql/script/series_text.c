#include "promql/script/series_text.h"

#include "promql/lexer.h"
#include "promql/script/script.h"

#include <ctype.h>
#include <math.h>

struct cursor {
    struct span line;
    size_t i;
    struct arena *arena;
    struct err *err;
};

static int ahead(const struct cursor *c)
{
    return c->i < c->line.len ? (unsigned char)c->line.at[c->i] : -1;
}

static bool take(struct cursor *c, char want)
{
    if (ahead(c) != want)
        return false;
    c->i++;
    return true;
}

static void skip_blanks(struct cursor *c)
{
    while (ahead(c) == ' ' || ahead(c) == '\t')
        c->i++;
}

static enum status fault(struct cursor *c, const char *what)
{
    return err_set(c->err, INVALID, "%s at column %zu of the series", what, c->i + 1);
}

/* ---- labels ---- */

static struct span take_word(struct cursor *c)
{
    size_t begin = c->i;
    while (isalnum(ahead(c)) || ahead(c) == '_' || ahead(c) == ':')
        c->i++;
    return span_from(c->line.at + begin, c->i - begin);
}

/* A quoted string, cut by the query language's own lexer. */
static bool take_string(struct cursor *c, struct span *out)
{
    struct lexer l = {.text = {c->line.at + c->i, c->line.len - c->i}};
    struct token token;
    lex_next(&l, &token);
    if (token.kind != TOKEN_STRING)
        return false;
    *out = string_unquote(token.text, c->arena);
    c->i += l.pos;
    return true;
}

static enum status take_label(struct cursor *c, struct label_builder *b)
{
    struct span name, value;
    bool quoted = ahead(c) == '"' || ahead(c) == '\'' || ahead(c) == '`';
    if (quoted ? !take_string(c, &name) : (name = take_word(c)).len == 0)
        return fault(c, "no label name");
    skip_blanks(c);
    if (!take(c, '=')) {
        if (!quoted)
            return fault(c, "no '=' after a label name");
        label_set(b, SPAN(LABEL_NAME), name);
        return OK;
    }
    skip_blanks(c);
    if (!take_string(c, &value))
        return fault(c, "no label value in quotes");
    label_set(b, name, value);
    return OK;
}

static enum status take_labels(struct cursor *c, struct labels *out)
{
    struct label_builder b = {0};
    struct span metric = take_word(c);
    if (metric.len > 0)
        label_set(&b, SPAN(LABEL_NAME), metric);
    if (take(c, '{')) {
        skip_blanks(c);
        while (!take(c, '}')) {
            enum status st = take_label(c, &b);
            if (st)
                return st;
            skip_blanks(c);
            if (!take(c, ',') && ahead(c) != '}')
                return fault(c, "neither ',' nor '}' after a label");
            skip_blanks(c);
        }
    } else if (metric.len == 0) {
        return fault(c, "no series");
    }
    if (b.failed)
        return fault(c, "too many labels");
    *out = labels_dup(c->arena, label_builder_end(&b));
    return OK;
}

/* ---- values ---- */

static bool take_number(struct cursor *c, double *out)
{
    size_t begin = c->i;
    double sign = take(c, '-') ? -1 : 1;
    if (c->i == begin)
        take(c, '+');
    size_t digits = c->i;
    if (isalpha(ahead(c))) {
        while (isalpha(ahead(c)) && ahead(c) != 'x')
            c->i++;
    } else {
        while (isdigit(ahead(c)) || ahead(c) == '.' || ahead(c) == 'e' || ahead(c) == 'E') {
            bool exponent = ahead(c) == 'e' || ahead(c) == 'E';
            c->i++;
            if (exponent && (ahead(c) == '+' || ahead(c) == '-'))
                c->i++;
        }
    }
    struct span text = {c->line.at + digits, c->i - digits};
    const char *why;
    if (text.len == 0 || !number_parse(text, out, c->arena, &why))
        return false;
    *out *= sign;
    return true;
}

static bool take_times(struct cursor *c, size_t *out)
{
    size_t begin = c->i;
    while (isdigit(ahead(c)))
        c->i++;
    uint64_t n;
    if (!span_u64(span_from(c->line.at + begin, c->i - begin), &n) || n > SCRIPT_VALUES_MAX)
        return false;
    *out = (size_t)n;
    return true;
}

struct values {
    struct script_series *series;
    size_t room;
};

static bool add(struct cursor *c, struct values *to, struct script_value value)
{
    struct script_series *s = to->series;
    if (s->n == SCRIPT_VALUES_MAX)
        return false;
    if (s->n == to->room) {
        size_t room = to->room ? to->room * 2 : 16;
        s->values =
            arena_grow(c->arena, s->values, to->room * sizeof *s->values, room * sizeof *s->values);
        to->room = room;
    }
    s->values[s->n++] = value;
    s->native |= value.native;
    return true;
}

/* {{...}}, {{...}}x3, {{...}}+{{...}}x3 */
static bool take_native(struct cursor *c, struct values *to)
{
    size_t times = 0;
    for (;;) {
        while (ahead(c) >= 0 &&
               !(ahead(c) == '}' && c->i + 1 < c->line.len && c->line.at[c->i + 1] == '}'))
            c->i++;
        if (ahead(c) < 0)
            return false;
        c->i += 2;
        if (ahead(c) != '+' && ahead(c) != '-')
            break;
        c->i++;
    }
    if (take(c, 'x') && !take_times(c, &times))
        return false;
    for (size_t i = 0; i <= times; i++)
        if (!add(c, to, (struct script_value){.native = true}))
            return false;
    return true;
}

/* _, _x3 */
static bool take_omitted(struct cursor *c, struct values *to)
{
    size_t times = 1;
    if (take(c, 'x') && !take_times(c, &times))
        return false;
    for (size_t i = 0; i < times; i++)
        if (!add(c, to, (struct script_value){.omitted = true}))
            return false;
    return true;
}

/* 1, 1x3, 1+2x3, stale */
static bool take_float(struct cursor *c, struct values *to)
{
    double v, step = 0;
    size_t times = 0;
    if (c->i + 5 <= c->line.len && memcmp(c->line.at + c->i, "stale", 5) == 0) {
        c->i += 5;
        return add(c, to, (struct script_value){.v = bits_double(STALE_NAN_BITS)});
    }
    if (!take_number(c, &v))
        return false;
    if ((ahead(c) == '+' || ahead(c) == '-') && (!take_number(c, &step) || ahead(c) != 'x'))
        return false;
    if (take(c, 'x') && !take_times(c, &times))
        return false;
    for (size_t i = 0; i <= times; i++) {
        if (!add(c, to, (struct script_value){.v = v}))
            return false;
        v += step;
    }
    return true;
}

static enum status take_values(struct cursor *c, struct script_series *out)
{
    struct values to = {.series = out};
    for (skip_blanks(c); ahead(c) >= 0; skip_blanks(c)) {
        bool native = ahead(c) == '{';
        bool fine = native         ? take_native(c, &to)
                    : take(c, '_') ? take_omitted(c, &to)
                                   : take_float(c, &to);
        if (!fine || (ahead(c) >= 0 && ahead(c) != ' ' && ahead(c) != '\t'))
            return fault(c, "no value of the notation a+bxn");
    }
    return OK;
}

enum status script_series_parse(struct span line, struct arena *arena, struct script_series *out,
                                struct err *err)
{
    struct cursor c = {.line = line, .arena = arena, .err = err};
    *out = (struct script_series){0};
    enum status st = take_labels(&c, &out->labels);
    return st ? st : take_values(&c, out);
}

bool script_number_parse(struct span line, struct arena *arena, double *out)
{
    struct cursor c = {.line = line, .arena = arena};
    return take_number(&c, out) && c.i == line.len;
}
