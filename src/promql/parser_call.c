/* Function calls, aggregations and label lists. */
#include "promql/functions.h"
#include "promql/parser.h"

enum { ARGUMENTS_MAX = 256, NAMES_MAX = 256 };

enum status parse_arguments(struct parser *p, struct expr ***args, size_t *n)
{
    *n = 0;
    *args = NULL;
    parser_advance(p);
    if (p->token.kind == TOKEN_RIGHT_PAREN) {
        parser_advance(p);
        return OK;
    }
    size_t room = 0;
    for (;;) {
        if (*n == ARGUMENTS_MAX)
            return parser_fault(p, p->token.pos, "more than %d arguments", ARGUMENTS_MAX);
        if (*n == room) {
            *args = arena_grow(p->arena, *args, room * sizeof(struct expr *),
                               (room + 4) * sizeof(struct expr *));
            room += 4;
        }
        enum status st = parse_expr(p, 1, &(*args)[*n]);
        if (st)
            return st;
        (*n)++;
        if (p->token.kind == TOKEN_RIGHT_PAREN)
            break;
        if (p->token.kind != TOKEN_COMMA)
            return parser_unexpected(p, NULL, NULL);
        size_t comma = p->token.pos;
        parser_advance(p);
        if (p->token.kind == TOKEN_RIGHT_PAREN)
            return parser_fault(p, comma, "trailing commas not allowed in function call args");
    }
    parser_advance(p);
    return OK;
}

static enum status unknown_function(struct parser *p, const struct token *name)
{
    if (function_is_experimental(name->text))
        return parser_unsupported(p, name->pos, "function \"%.*s\" is not enabled",
                                  SPAN_ARG(name->text));
    if (span_eq_nocase(name->text, SPAN("fill")) || span_eq_nocase(name->text, SPAN("fill_left")) ||
        span_eq_nocase(name->text, SPAN("fill_right")))
        return parser_unsupported(p, name->pos,
                                  "binop fill modifiers are experimental and not enabled");
    return parser_fault(p, name->pos, "unknown function with name \"%.*s\"", SPAN_ARG(name->text));
}

enum status parse_call(struct parser *p, struct token name, struct expr **out)
{
    struct expr *e = node_new(p, NODE_CALL, VALUE_VECTOR, name.pos);
    unsigned around = p->aggregates;
    enum status st = parse_arguments(p, &e->call.args, &e->call.n);
    p->aggregates = around;
    if (st)
        return st;
    e->call.function = function_find(name.text);
    if (!e->call.function)
        return unknown_function(p, &name);
    if (e->call.function->native)
        return parser_unsupported(p, name.pos,
                                  "%.*s() needs native histograms, which are not supported",
                                  SPAN_ARG(name.text));
    e->type = e->call.function->type;
    for (size_t i = 0; i < e->call.n && !st; i++)
        st = node_deepen(p, e, e->call.args[i]);
    *out = e;
    return st;
}

static bool names_label(const struct token *t, struct span *out, struct arena *arena)
{
    switch (t->kind) {
    case TOKEN_STRING:
        *out = string_unquote(t->text, arena);
        return true;
    case TOKEN_OPERATOR:
        if (!operator_is_set(t->op) && t->op != OP_ATAN2)
            return false;
        break;
    case TOKEN_IDENTIFIER:
    case TOKEN_METRIC:
    case TOKEN_AGGREGATE:
    case TOKEN_BOOL:
    case TOKEN_BY:
    case TOKEN_WITHOUT:
    case TOKEN_ON:
    case TOKEN_IGNORING:
    case TOKEN_GROUP_LEFT:
    case TOKEN_GROUP_RIGHT:
    case TOKEN_OFFSET:
    case TOKEN_START:
    case TOKEN_STOP:
        break;
    default:
        return false;
    }
    *out = t->text;
    return true;
}

enum status parse_names(struct parser *p, struct names *out)
{
    if (p->token.kind != TOKEN_LEFT_PAREN)
        return parser_unexpected(p, "grouping opts", "\"(\"");
    struct span *at = NULL;
    size_t n = 0, room = 0;
    parser_advance(p);
    while (p->token.kind != TOKEN_RIGHT_PAREN) {
        if (n == room) {
            at = arena_grow(p->arena, at, room * sizeof *at, (room + 4) * sizeof *at);
            room += 4;
        }
        if (!names_label(&p->token, &at[n], p->arena))
            return parser_unexpected(p, "grouping opts", "label");
        if (at[n].len == 0 || !utf8_valid(at[n]))
            return parser_fault(p, p->token.pos, "invalid label name for grouping: \"%.*s\"",
                                SPAN_ARG(at[n]));
        if (++n > NAMES_MAX)
            return parser_fault(p, p->token.pos, "more than %d labels", NAMES_MAX);
        parser_advance(p);
        if (p->token.kind == TOKEN_COMMA)
            parser_advance(p);
        else if (p->token.kind != TOKEN_RIGHT_PAREN)
            return parser_unexpected(p, "grouping opts", "\",\" or \")\"");
    }
    parser_advance(p);
    *out = (struct names){at, n};
    return OK;
}

static enum status parse_grouping(struct parser *p, struct expr *e)
{
    e->aggregate.without = p->token.kind == TOKEN_WITHOUT;
    parser_advance(p);
    return parse_names(p, &e->aggregate.grouping);
}

static bool is_grouping(const struct token *t)
{
    return t->kind == TOKEN_BY || t->kind == TOKEN_WITHOUT;
}

enum status parse_aggregate(struct parser *p, struct token op, struct expr **out)
{
    struct expr *e = node_new(p, NODE_AGGREGATE, VALUE_VECTOR, op.pos);
    e->aggregate.op = op.aggregate;
    struct expr **args;
    size_t n;
    bool grouped = is_grouping(&p->token);
    enum status st = grouped ? parse_grouping(p, e) : OK;
    if (st)
        return st;
    if (p->token.kind != TOKEN_LEFT_PAREN)
        return parser_unexpected(p, "aggregation", NULL);
    p->aggregates++;
    st = parse_arguments(p, &args, &n);
    p->aggregates--;
    if (!st && !grouped && is_grouping(&p->token))
        st = parse_grouping(p, e);
    if (st)
        return st;
    if (n == 0)
        return parser_fault(p, op.pos, "no arguments for aggregate expression provided");
    size_t wanted = aggregate_has_param(op.aggregate) ? 2 : 1;
    if (n != wanted)
        return parser_fault(p, op.pos,
                            "wrong number of arguments for aggregate expression provided, "
                            "expected %zu, got %zu",
                            wanted, n);
    e->aggregate.param = n == 2 ? args[0] : NULL;
    e->aggregate.inner = args[n - 1];
    st = n == 2 ? node_deepen(p, e, args[0]) : OK;
    *out = e;
    return st ? st : node_deepen(p, e, e->aggregate.inner);
}
