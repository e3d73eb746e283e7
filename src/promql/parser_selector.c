/* Selectors and what may follow them: ranges, subqueries, offset and @. */
#include "promql/parser.h"

#include <math.h>

enum { MATCHERS_MAX = 256 };

static enum status add_matcher(struct parser *p, struct selector *s, size_t *room,
                               enum matcher_kind kind, struct span name, struct span value,
                               size_t pos)
{
    if (s->n == *room) {
        s->matchers = arena_grow(p->arena, s->matchers, *room * sizeof *s->matchers,
                                 (*room + 4) * sizeof *s->matchers);
        *room += 4;
    }
    if (s->n == MATCHERS_MAX)
        return parser_fault(p, pos, "more than %d matchers", MATCHERS_MAX);
    struct err why = {0};
    enum status st = matcher_init(&s->matchers[s->n], kind, name, value, &why);
    if (st)
        return parser_fault(p, pos, "%s", why.text);
    s->n++;
    return OK;
}

static bool matcher_kind_of(const struct token *t, enum matcher_kind *out)
{
    switch (t->kind) {
    case TOKEN_ASSIGN:
        *out = MATCH_EQUAL;
        return true;
    case TOKEN_REGEX:
        *out = MATCH_REGEX;
        return true;
    case TOKEN_NOT_REGEX:
        *out = MATCH_NOT_REGEX;
        return true;
    case TOKEN_OPERATOR: /* inside braces only != comes as one */
        *out = MATCH_NOT_EQUAL;
        return true;
    default:
        return false;
    }
}

/* name="value", "quoted name"="value", or "metric name" alone */
static enum status parse_matcher(struct parser *p, struct selector *s, size_t *room)
{
    struct token name = p->token;
    if (name.kind != TOKEN_IDENTIFIER && name.kind != TOKEN_STRING)
        return parser_unexpected(p, "label matching", "identifier or \"}\"");
    bool quoted = name.kind == TOKEN_STRING;
    struct span label = quoted ? string_unquote(name.text, p->arena) : name.text;
    parser_advance(p);
    enum matcher_kind kind;
    if (!matcher_kind_of(&p->token, &kind)) {
        if (!quoted)
            return parser_unexpected(p, "label matching", "label matching operator");
        return add_matcher(p, s, room, MATCH_EQUAL, SPAN(LABEL_NAME), label, name.pos);
    }
    parser_advance(p);
    if (p->token.kind != TOKEN_STRING)
        return parser_unexpected(p, "label matching", "string");
    struct span value = string_unquote(p->token.text, p->arena);
    parser_advance(p);
    return add_matcher(p, s, room, kind, label, value, name.pos);
}

static enum status parse_braces(struct parser *p, struct selector *s, size_t *room)
{
    parser_advance(p);
    while (p->token.kind != TOKEN_RIGHT_BRACE) {
        enum status st = parse_matcher(p, s, room);
        if (st)
            return st;
        if (p->token.kind == TOKEN_COMMA)
            parser_advance(p);
        else if (p->token.kind != TOKEN_RIGHT_BRACE)
            return parser_unexpected(p, "label matching", "\",\" or \"}\"");
        else
            break;
    }
    parser_advance(p);
    return OK;
}

enum status parse_selector(struct parser *p, const struct token *name, struct expr **out)
{
    struct expr *e = node_new(p, NODE_SELECTOR, VALUE_VECTOR, name ? name->pos : p->token.pos);
    struct selector *s = ARENA_NEW(p->arena, struct selector);
    e->selector = s;
    s->next = p->selectors;
    p->selectors = s;
    size_t room = 0;
    enum status st = OK;
    if (p->token.kind == TOKEN_LEFT_BRACE)
        st = parse_braces(p, s, &room);
    if (!st && name) {
        s->name = name->text;
        st = add_matcher(p, s, &room, MATCH_EQUAL, SPAN(LABEL_NAME), name->text, name->pos);
    }
    *out = e;
    return st;
}

static enum status out_of_range(struct parser *p, size_t pos, double seconds)
{
    /* Prometheus counts in nanoseconds of 63 bits. */
    if (!(fabs(seconds) <= 0x1p63 / 1e9))
        return parser_fault(p, pos, "duration out of range");
    return OK;
}

/* Prometheus rounds to nanoseconds, then drops what is below a millisecond. */
static int64_t milliseconds(double seconds)
{
    double ms = seconds * 1000, nearest = round(ms);
    return (int64_t)(fabs(ms - nearest) <= 5e-7 + fabs(ms) * 1e-15 ? nearest : trunc(ms));
}

static bool is_duration_arithmetic(const struct token *t)
{
    return t->kind == TOKEN_EXPERIMENTAL || t->kind == TOKEN_LEFT_PAREN ||
           t->kind == TOKEN_OPERATOR;
}

static enum status experimental_duration(struct parser *p, size_t pos)
{
    return parser_unsupported(p, pos, "experimental duration expression is not enabled");
}

/* Inside brackets: a positive number of seconds or a duration. */
static enum status parse_bracket_duration(struct parser *p, const char *context,
                                          const char *expected, int64_t *out)
{
    size_t pos = p->token.pos;
    bool minus = false;
    while (p->token.kind == TOKEN_OPERATOR && (p->token.op == OP_SUB || p->token.op == OP_ADD)) {
        minus ^= p->token.op == OP_SUB;
        parser_advance(p);
    }
    if (is_duration_arithmetic(&p->token))
        return experimental_duration(p, pos);
    if (p->token.kind != TOKEN_NUMBER && p->token.kind != TOKEN_DURATION)
        return parser_unexpected(p, context, expected);
    double seconds;
    enum status st = parse_number(p, &seconds);
    if (!st && is_duration_arithmetic(&p->token))
        return experimental_duration(p, pos);
    if (!st)
        st = out_of_range(p, pos, seconds);
    if (!st && !(minus ? -seconds > 0 : seconds > 0))
        return parser_fault(p, pos, "duration must be greater than 0");
    if (!st)
        *out = milliseconds(seconds);
    return st;
}

static enum status make_matrix(struct parser *p, size_t bracket, int64_t range_ms, struct expr *e)
{
    const char *why = NULL;
    if (e->kind != NODE_SELECTOR)
        why = "ranges only allowed for vector selectors";
    else if (e->selector->when.offset_ms != 0)
        why = "no offset modifiers allowed before range";
    else if (e->selector->when.at != AT_NONE)
        why = "no @ modifiers allowed before range";
    if (why)
        return parser_fault(p, bracket, "%s", why);
    e->kind = NODE_MATRIX;
    e->type = VALUE_MATRIX;
    e->selector->range_ms = range_ms;
    return OK;
}

static const char any_duration[] = "number, duration, step(), or range()";

static enum status parse_subquery_step(struct parser *p, int64_t *out)
{
    *out = 0;
    parser_advance(p);
    if (p->token.kind != TOKEN_RIGHT_BRACKET) {
        enum status st = parse_bracket_duration(p, "subquery selector",
                                                "number, duration, step(), range(), or \"]\"", out);
        if (st)
            return st;
    }
    if (p->token.kind != TOKEN_RIGHT_BRACKET)
        return parser_unexpected(p, "subquery selector", "\"]\"");
    return OK;
}

static enum status parse_brackets(struct parser *p, struct expr **e)
{
    size_t bracket = p->token.pos;
    int64_t range_ms, step_ms;
    parser_advance(p);
    enum status st =
        parse_bracket_duration(p, "subquery or range selector", any_duration, &range_ms);
    if (st)
        return st;
    if (p->token.kind == TOKEN_RIGHT_BRACKET) {
        parser_advance(p);
        return make_matrix(p, bracket, range_ms, *e);
    }
    if (p->token.kind != TOKEN_COLON)
        return parser_unexpected(p, "subquery or range", "\":\" or \"]\"");
    st = parse_subquery_step(p, &step_ms);
    if (st)
        return st;
    parser_advance(p);
    struct expr *sub = node_new(p, NODE_SUBQUERY, VALUE_MATRIX, (*e)->pos);
    sub->subquery.inner = *e;
    sub->subquery.range_ms = range_ms;
    sub->subquery.step_ms = step_ms;
    st = node_deepen(p, sub, *e);
    *e = sub;
    return st;
}

static struct when *expr_when(struct expr *e)
{
    if (e->kind == NODE_SELECTOR || e->kind == NODE_MATRIX)
        return &e->selector->when;
    return e->kind == NODE_SUBQUERY ? &e->subquery.when : NULL;
}

static bool is_duration_word(const struct token *t)
{
    return t->kind == TOKEN_IDENTIFIER &&
           (span_eq_nocase(t->text, SPAN("step")) || span_eq_nocase(t->text, SPAN("range")) ||
            span_eq_nocase(t->text, SPAN("max_of")) || span_eq_nocase(t->text, SPAN("min_of")));
}

static enum status parse_offset(struct parser *p, struct expr *e)
{
    parser_advance(p);
    size_t pos = p->token.pos;
    bool minus = p->token.kind == TOKEN_OPERATOR && p->token.op == OP_SUB;
    if (minus || (p->token.kind == TOKEN_OPERATOR && p->token.op == OP_ADD))
        parser_advance(p);
    if (p->token.kind == TOKEN_LEFT_PAREN || is_duration_word(&p->token))
        return experimental_duration(p, pos);
    if (p->token.kind != TOKEN_NUMBER && p->token.kind != TOKEN_DURATION)
        return parser_unexpected(p, "offset", any_duration);
    double seconds;
    enum status st = parse_number(p, &seconds);
    if (!st)
        st = out_of_range(p, pos, seconds);
    if (st)
        return st;
    struct when *when = expr_when(e);
    if (!when)
        return parser_fault(p, e->pos,
                            "offset modifier must be preceded by an instant vector selector or "
                            "range vector selector or a subquery");
    if (when->offset_ms != 0)
        return parser_fault(p, e->pos, "offset may not be set multiple times");
    when->offset_ms = milliseconds(minus ? -seconds : seconds);
    return OK;
}

static enum status set_at(struct parser *p, struct expr *e, enum at_kind kind, double seconds)
{
    if (kind == AT_TIME &&
        !(isfinite(seconds) && seconds < (double)INT64_MAX && seconds > (double)INT64_MIN)) {
        const char *text = isnan(seconds) ? "NaN" : seconds > 0 ? "+Inf" : "-Inf";
        return parser_fault(p, e->pos, "timestamp out of bounds for @ modifier: %s",
                            isfinite(seconds) ? arena_printf(p->arena, "%f", seconds) : text);
    }
    struct when *when = expr_when(e);
    if (!when)
        return parser_fault(p, e->pos,
                            "@ modifier must be preceded by an instant vector selector or range "
                            "vector selector or a subquery");
    if (when->at != AT_NONE)
        return parser_fault(p, e->pos, "@ <timestamp> may not be set multiple times");
    when->at = kind;
    double ms = round(seconds * 1000);
    if (fabs(ms) >= 0x1p63)
        return parser_fault(p, e->pos, "timestamp out of bounds for @ modifier: %f", seconds);
    when->at_ms = (int64_t)ms;
    return OK;
}

static enum status parse_at(struct parser *p, struct expr *e)
{
    parser_advance(p);
    if (p->token.kind == TOKEN_START || p->token.kind == TOKEN_STOP) {
        enum at_kind kind = p->token.kind == TOKEN_START ? AT_START : AT_END;
        parser_advance(p);
        if (p->token.kind != TOKEN_LEFT_PAREN)
            return parser_unexpected(p, "@", "timestamp");
        parser_advance(p);
        if (p->token.kind != TOKEN_RIGHT_PAREN)
            return parser_unexpected(p, "@", "timestamp");
        parser_advance(p);
        return set_at(p, e, kind, 0);
    }
    bool minus = p->token.kind == TOKEN_OPERATOR && p->token.op == OP_SUB;
    if (minus || (p->token.kind == TOKEN_OPERATOR && p->token.op == OP_ADD))
        parser_advance(p);
    if (p->token.kind != TOKEN_NUMBER && p->token.kind != TOKEN_DURATION)
        return parser_unexpected(p, "@", "timestamp");
    double seconds;
    enum status st = parse_number(p, &seconds);
    return st ? st : set_at(p, e, AT_TIME, minus ? -seconds : seconds);
}

enum status parse_suffixes(struct parser *p, struct expr **e)
{
    for (;;) {
        enum status st;
        if (p->token.kind == TOKEN_LEFT_BRACKET)
            st = parse_brackets(p, e);
        else if (p->token.kind == TOKEN_OFFSET)
            st = parse_offset(p, *e);
        else if (p->token.kind == TOKEN_AT)
            st = parse_at(p, *e);
        else
            return OK;
        if (st)
            return st;
    }
}
