/* Names and walks of the tree. */
#include "promql/ast.h"
#include "promql/functions.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const operator_names[] = {
    [OP_ADD] = "+",         [OP_SUB] = "-",     [OP_MUL] = "*",       [OP_DIV] = "/",
    [OP_MOD] = "%",         [OP_POW] = "^",     [OP_ATAN2] = "atan2", [OP_EQUAL] = "==",
    [OP_NOT_EQUAL] = "!=",  [OP_GREATER] = ">", [OP_LESS] = "<",      [OP_GREATER_EQUAL] = ">=",
    [OP_LESS_EQUAL] = "<=", [OP_AND] = "and",   [OP_OR] = "or",       [OP_UNLESS] = "unless",
};

static const char *const aggregate_names[] = {
    [AGGREGATE_SUM] = "sum",
    [AGGREGATE_AVG] = "avg",
    [AGGREGATE_COUNT] = "count",
    [AGGREGATE_MIN] = "min",
    [AGGREGATE_MAX] = "max",
    [AGGREGATE_GROUP] = "group",
    [AGGREGATE_STDDEV] = "stddev",
    [AGGREGATE_STDVAR] = "stdvar",
    [AGGREGATE_TOPK] = "topk",
    [AGGREGATE_BOTTOMK] = "bottomk",
    [AGGREGATE_COUNT_VALUES] = "count_values",
    [AGGREGATE_QUANTILE] = "quantile",
};

static const char *const value_kind_names[] = {
    [VALUE_SCALAR] = "scalar",
    [VALUE_STRING] = "string",
    [VALUE_VECTOR] = "instant vector",
    [VALUE_MATRIX] = "range vector",
};

const char *operator_name(enum operator_kind op)
{
    return operator_names[op];
}

const char *aggregate_name(enum aggregate_kind op)
{
    return aggregate_names[op];
}

const char *value_kind_name(enum value_kind kind)
{
    return value_kind_names[kind];
}

void expr_walk(const struct expr *e, void (*fn)(const struct expr *e, void *arg), void *arg)
{
    if (!e)
        return;
    fn(e, arg);
    switch (e->kind) {
    case NODE_NUMBER:
    case NODE_STRING:
    case NODE_SELECTOR:
    case NODE_MATRIX:
        return;
    case NODE_SUBQUERY:
        expr_walk(e->subquery.inner, fn, arg);
        return;
    case NODE_CALL:
        for (size_t i = 0; i < e->call.n; i++)
            expr_walk(e->call.args[i], fn, arg);
        return;
    case NODE_AGGREGATE:
        expr_walk(e->aggregate.param, fn, arg);
        expr_walk(e->aggregate.inner, fn, arg);
        return;
    case NODE_BINARY:
        expr_walk(e->binary.left, fn, arg);
        expr_walk(e->binary.right, fn, arg);
        return;
    case NODE_UNARY:
        expr_walk(e->unary.inner, fn, arg);
        return;
    case NODE_PAREN:
        expr_walk(e->paren, fn, arg);
        return;
    }
}

static void add_reach(const struct expr *e, void *arg)
{
    int64_t *most_ms = arg, reach_ms = 0;
    if (e->kind == NODE_SELECTOR || e->kind == NODE_MATRIX)
        reach_ms =
            (e->kind == NODE_MATRIX ? e->selector->range_ms : 0) + e->selector->when.offset_ms;
    else if (e->kind == NODE_SUBQUERY)
        reach_ms =
            e->subquery.range_ms + e->subquery.when.offset_ms + promql_reach_ms(e->subquery.inner);
    *most_ms = MAX(*most_ms, reach_ms);
}

int64_t promql_reach_ms(const struct expr *e)
{
    int64_t most_ms = 0;
    expr_walk(e, add_reach, &most_ms);
    return most_ms;
}

const struct expr *expr_bare(const struct expr *e)
{
    while (e->kind == NODE_PAREN)
        e = e->paren;
    return e;
}

static bool call_invariant(struct expr *e)
{
    const struct function *f = e->call.function;
    bool all = true;
    for (size_t i = 0; i < e->call.n; i++) {
        expr_mark_invariant(e->call.args[i]);
        all &= e->call.args[i]->invariant;
    }
    /* timestamp() gives the sample's own time only of a bare selector. */
    bool of_selector =
        f->of_selector && e->call.n == 1 && expr_bare(e->call.args[0])->kind == NODE_SELECTOR;
    return all && (!f->of_time || of_selector);
}

void expr_mark_invariant(struct expr *e)
{
    switch (e->kind) {
    case NODE_NUMBER:
    case NODE_STRING:
        e->invariant = true;
        return;
    case NODE_SELECTOR:
    case NODE_MATRIX:
        e->invariant = e->selector->when.at != AT_NONE;
        return;
    case NODE_SUBQUERY:
        expr_mark_invariant(e->subquery.inner);
        e->invariant = e->subquery.when.at != AT_NONE;
        return;
    case NODE_CALL:
        e->invariant = call_invariant(e);
        return;
    case NODE_AGGREGATE:
        expr_mark_invariant(e->aggregate.inner);
        e->invariant = e->aggregate.inner->invariant;
        if (e->aggregate.param) {
            expr_mark_invariant(e->aggregate.param);
            e->invariant &= e->aggregate.param->invariant;
        }
        return;
    case NODE_BINARY:
        expr_mark_invariant(e->binary.left);
        expr_mark_invariant(e->binary.right);
        e->invariant = e->binary.left->invariant && e->binary.right->invariant;
        return;
    case NODE_UNARY:
        expr_mark_invariant(e->unary.inner);
        e->invariant = e->unary.inner->invariant;
        return;
    case NODE_PAREN:
        expr_mark_invariant(e->paren);
        e->invariant = e->paren->invariant;
        return;
    }
}

const struct matcher *promql_matchers(const struct expr *e, size_t *n)
{
    while (e->kind == NODE_PAREN)
        e = e->paren;
    bool plain = e->kind == NODE_SELECTOR && e->selector->when.at == AT_NONE &&
                 e->selector->when.offset_ms == 0;
    *n = plain ? e->selector->n : 0;
    return plain ? e->selector->matchers : NULL;
}

enum value_kind promql_kind(const struct expr *e)
{
    return e->type;
}

static void free_matchers(const struct expr *e, void *arg UNUSED)
{
    if (e->kind != NODE_SELECTOR && e->kind != NODE_MATRIX)
        return;
    for (size_t i = 0; i < e->selector->n; i++)
        matcher_free(&e->selector->matchers[i]);
}

void promql_free(struct expr *e)
{
    expr_walk(e, free_matchers, NULL);
}

void place_print(struct buf *out, struct span text, size_t pos)
{
    size_t line = 1, line_start = 0;
    for (size_t i = 0; i < pos && i < text.len; i++) {
        if (text.at[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    buf_printf(out, "%zu:%zu", line, pos - line_start + 1);
}

enum status parse_error(struct err *err, enum status status, struct span text, size_t pos,
                        const char *format, ...)
{
    char sentence[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    auto_buf place = {0};
    place_print(&place, text, pos);
    return err_set(err, status, "%s: parse error: %s", buf_text(&place), sentence);
}
