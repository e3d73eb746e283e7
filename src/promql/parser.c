/* Recursive descent; binary operators by precedence climbing. One fault ends the parse. The
 * sentences are those of Prometheus's grammar, where it has one for the case. */
#include "promql/parser.h"

enum {
    TREE_DEPTH_MAX = 1000, /* a + b + c + ... is one level each */
    LEVEL_UNARY = 5,       /* unary minus binds like multiplication: -1^2 is -(1^2) */
    LEVEL_POW = 6,
};

static unsigned operator_level(enum operator_kind op)
{
    switch (op) {
    case OP_OR:
        return 1;
    case OP_AND:
    case OP_UNLESS:
        return 2;
    case OP_ADD:
    case OP_SUB:
        return 4;
    case OP_MUL:
    case OP_DIV:
    case OP_MOD:
    case OP_ATAN2:
        return LEVEL_UNARY;
    case OP_POW:
        return LEVEL_POW;
    default:
        return 3; /* comparisons */
    }
}

void parser_advance(struct parser *p)
{
    lex_next(&p->lexer, &p->token);
}

static enum status unexpected(struct parser *p, const char *context, const char *expected)
{
    const struct token *t = &p->token;
    if (t->kind == TOKEN_ERROR)
        return parser_fault(p, t->pos, "%.*s", SPAN_ARG(t->text));
    if (t->kind == TOKEN_IDENTIFIER &&
        (span_eq_nocase(t->text, SPAN("anchored")) || span_eq_nocase(t->text, SPAN("smoothed"))))
        return parser_unsupported(p, t->pos, "%.*s modifier is experimental and not enabled",
                                  SPAN_ARG(t->text));
    if (t->kind == TOKEN_EXPERIMENTAL)
        return parser_unsupported(p, t->pos, "\"%.*s\" is experimental and not enabled",
                                  SPAN_ARG(t->text));
    auto_buf name = {0};
    token_describe(&name, t);
    if (!context && p->aggregates > 0)
        context = "aggregation";
    return parser_fault(p, t->pos, "unexpected %s%s%s%s%s", buf_text(&name), context ? " in " : "",
                        context ? context : "", expected ? ", expected " : "",
                        expected ? expected : "");
}

void parser_say_unexpected(struct parser *p, const char *context, const char *expected)
{
    p->status = unexpected(p, context, expected);
}

struct expr *node_new(struct parser *p, enum node_kind kind, enum value_kind type, size_t pos)
{
    struct expr *e = ARENA_NEW(p->arena, struct expr);
    e->kind = kind;
    e->type = type;
    e->pos = (uint32_t)pos;
    e->depth = 1;
    return e;
}

enum status node_deepen(struct parser *p, struct expr *e, const struct expr *child)
{
    e->depth = MAX(e->depth, child->depth + 1);
    if (e->depth > TREE_DEPTH_MAX)
        return parser_fault(p, e->pos, "more than %d operators follow one another", TREE_DEPTH_MAX);
    return OK;
}

enum status parse_number(struct parser *p, double *out)
{
    const char *why = NULL;
    if (p->token.kind == TOKEN_DURATION) {
        int64_t ms;
        if (!promql_duration_parse(p->token.text, &ms, p->arena, &why))
            return parser_fault(p, p->token.pos, "%s", why);
        *out = (double)ms / 1000;
    } else if (!number_parse(p->token.text, out, p->arena, &why)) {
        return parser_fault(p, p->token.pos, "%s", why);
    }
    parser_advance(p);
    return OK;
}

static enum status parse_literal(struct parser *p, struct expr **out)
{
    struct expr *e = node_new(p, NODE_NUMBER, VALUE_SCALAR, p->token.pos);
    e->number.duration = p->token.kind == TOKEN_DURATION;
    *out = e;
    return parse_number(p, &e->number.v);
}

static enum status parse_paren(struct parser *p, struct expr **out)
{
    struct expr *e = node_new(p, NODE_PAREN, VALUE_VECTOR, p->token.pos);
    parser_advance(p);
    enum status st = parse_expr(p, 1, &e->paren);
    if (st)
        return st;
    if (p->token.kind != TOKEN_RIGHT_PAREN)
        return parser_unexpected(p, NULL, NULL);
    parser_advance(p);
    e->type = e->paren->type;
    *out = e;
    return node_deepen(p, e, e->paren);
}

static bool opens_aggregate(const struct token *t)
{
    return t->kind == TOKEN_LEFT_PAREN || t->kind == TOKEN_BY || t->kind == TOKEN_WITHOUT;
}

static bool is_experimental_aggregate(const struct token *word)
{
    return span_eq_nocase(word->text, SPAN("limitk")) ||
           span_eq_nocase(word->text, SPAN("limit_ratio"));
}

/* A word that may be the name of a metric, a function or an aggregation. */
static enum status parse_word(struct parser *p, struct expr **out)
{
    struct token word = p->token;
    parser_advance(p);
    switch (word.kind) {
    case TOKEN_AGGREGATE:
        if (opens_aggregate(&p->token))
            return parse_aggregate(p, word, out);
        break;
    case TOKEN_IDENTIFIER:
    case TOKEN_START:
    case TOKEN_STOP:
        if (is_experimental_aggregate(&word) && opens_aggregate(&p->token))
            return parser_unsupported(p, word.pos, "%.*s() is experimental and not enabled",
                                      SPAN_ARG(word.text));
        if (p->token.kind == TOKEN_LEFT_PAREN)
            return parse_call(p, word, out);
        break;
    default:
        break;
    }
    return parse_selector(p, &word, out);
}

static enum status parse_primary(struct parser *p, struct expr **out)
{
    switch (p->token.kind) {
    case TOKEN_NUMBER:
    case TOKEN_DURATION:
        return parse_literal(p, out);
    case TOKEN_STRING:
        *out = node_new(p, NODE_STRING, VALUE_STRING, p->token.pos);
        (*out)->string = string_unquote(p->token.text, p->arena);
        parser_advance(p);
        return OK;
    case TOKEN_LEFT_PAREN:
        return parse_paren(p, out);
    case TOKEN_LEFT_BRACE:
        return parse_selector(p, NULL, out);
    case TOKEN_OPERATOR: /* and, or, unless may name a metric */
        if (operator_is_set(p->token.op))
            return parse_word(p, out);
        return parser_unexpected(p, NULL, NULL);
    case TOKEN_IDENTIFIER:
    case TOKEN_METRIC:
    case TOKEN_AGGREGATE:
    case TOKEN_BY:
    case TOKEN_WITHOUT:
    case TOKEN_OFFSET:
    case TOKEN_START:
    case TOKEN_STOP:
        return parse_word(p, out);
    default:
        return parser_unexpected(p, NULL, NULL);
    }
}

static bool is_sign(const struct token *t)
{
    return t->kind == TOKEN_OPERATOR && (t->op == OP_ADD || t->op == OP_SUB);
}

static enum status parse_unary(struct parser *p, struct expr **out)
{
    if (!is_sign(&p->token)) {
        enum status st = parse_primary(p, out);
        return st ? st : parse_suffixes(p, out);
    }
    size_t pos = p->token.pos;
    bool minus = p->token.op == OP_SUB;
    parser_advance(p);
    struct expr *inner;
    enum status st = parse_expr(p, LEVEL_POW, &inner);
    if (st)
        return st;
    if (inner->kind == NODE_NUMBER) {
        inner->number.v = minus ? -inner->number.v : inner->number.v;
        inner->pos = (uint32_t)pos;
        *out = inner;
        return OK;
    }
    struct expr *e = node_new(p, NODE_UNARY, inner->type, pos);
    e->unary.minus = minus;
    e->unary.inner = inner;
    *out = e;
    return node_deepen(p, e, inner);
}

/* bool, on(...), ignoring(...), group_left(...), group_right(...) */
static enum status parse_matching(struct parser *p, struct expr *e)
{
    struct matching *m = &e->binary.matching;
    if (p->token.kind == TOKEN_BOOL) {
        e->binary.returns_bool = true;
        parser_advance(p);
    }
    if (p->token.kind != TOKEN_ON && p->token.kind != TOKEN_IGNORING)
        return OK;
    m->on = p->token.kind == TOKEN_ON;
    parser_advance(p);
    enum status st = parse_names(p, &m->labels);
    if (st || (p->token.kind != TOKEN_GROUP_LEFT && p->token.kind != TOKEN_GROUP_RIGHT))
        return st;
    m->card = p->token.kind == TOKEN_GROUP_LEFT ? MANY_TO_ONE : ONE_TO_MANY;
    parser_advance(p);
    return p->token.kind == TOKEN_LEFT_PAREN ? parse_names(p, &m->include) : OK;
}

static enum status parse_binary(struct parser *p, struct expr **left)
{
    struct expr *e = node_new(p, NODE_BINARY, VALUE_VECTOR, (*left)->pos);
    enum operator_kind op = p->token.op;
    e->binary.op = op;
    e->binary.op_pos = p->token.pos;
    e->binary.left = *left;
    parser_advance(p);
    enum status st = parse_matching(p, e);
    if (!st) /* ^ binds to the right */
        st = parse_expr(p, operator_level(op) + (op == OP_POW ? 0 : 1), &e->binary.right);
    if (!st)
        st = node_deepen(p, e, *left);
    if (!st)
        st = node_deepen(p, e, e->binary.right);
    if (st)
        return st;
    if (operator_is_set(op) && e->binary.matching.card == ONE_TO_ONE)
        e->binary.matching.card = MANY_TO_MANY;
    if ((*left)->type == VALUE_SCALAR && e->binary.right->type == VALUE_SCALAR)
        e->type = VALUE_SCALAR;
    *left = e;
    return OK;
}

enum status parse_expr(struct parser *p, unsigned min_level, struct expr **out)
{
    if (++p->nesting > PROMQL_DEPTH_MAX)
        return parser_fault(p, p->token.pos, "the expression is nested deeper than %d levels",
                            PROMQL_DEPTH_MAX);
    enum status st = parse_unary(p, out);
    while (!st && p->token.kind == TOKEN_OPERATOR && operator_level(p->token.op) >= min_level)
        st = parse_binary(p, out);
    p->nesting--;
    return st;
}

static enum status parse_text(struct parser *p, struct expr **out)
{
    parser_advance(p);
    if (p->token.kind == TOKEN_END)
        return parser_fault(p, 0, "no expression found in input");
    enum status st = parse_expr(p, 1, out);
    if (st)
        return st;
    if (p->token.kind != TOKEN_END)
        return parser_unexpected(p, NULL, NULL);
    return expr_check(*out, p->text, p->err);
}

enum status promql_parse(struct span text, struct arena *arena, struct expr **out, struct err *err)
{
    *out = NULL;
    if (text.len > PROMQL_TEXT_MAX_BYTES)
        return err_set(err, INVALID, "the query is longer than %d bytes", PROMQL_TEXT_MAX_BYTES);
    text = arena_span(arena, text);
    struct parser p = {.lexer = {.text = text}, .text = text, .arena = arena, .err = err};
    struct expr *e = NULL;
    enum status st = parse_text(&p, &e);
    if (!st) {
        expr_mark_invariant(e);
        struct tree *tree = ARENA_NEW(arena, struct tree);
        *tree = (struct tree){.root = *e, .text = text};
        *out = &tree->root;
    }
    for (struct selector *s = st ? p.selectors : NULL; s; s = s->next)
        for (size_t i = 0; i < s->n; i++)
            matcher_free(&s->matchers[i]);
    return st;
}
