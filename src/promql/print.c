/* The tree as text again, in Prometheus's canonical form. */
#include "promql/functions.h"
#include "promql/lexer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static void print_expr(struct buf *out, const struct expr *e);

static void print_names(struct buf *out, const struct names *names)
{
    buf_char(out, '(');
    for (size_t i = 0; i < names->n; i++) {
        buf_str(out, i > 0 ? ", " : "");
        if (label_name_valid(names->at[i]))
            buf_span(out, names->at[i]);
        else
            label_value_print(out, names->at[i]);
    }
    buf_char(out, ')');
}

static void print_when(struct buf *out, const struct when *w)
{
    uint64_t at_ms = w->at_ms < 0 ? -(uint64_t)w->at_ms : (uint64_t)w->at_ms;
    if (w->at == AT_TIME)
        buf_printf(out, " @ %s%" PRIu64 ".%03" PRIu64, w->at_ms < 0 ? "-" : "", at_ms / 1000,
                   at_ms % 1000);
    else if (w->at != AT_NONE)
        buf_str(out, w->at == AT_START ? " @ start()" : " @ end()");
    if (w->offset_ms == 0)
        return;
    buf_str(out, " offset ");
    promql_duration_print(out, w->offset_ms);
}

static int compare_texts(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static void print_matchers(struct buf *out, const struct selector *s)
{
    auto_arena arena = {0};
    struct span *texts = ARENA_ARRAY(&arena, struct span, s->n);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct matcher *m = &s->matchers[i];
        if (m->kind == MATCH_EQUAL && m->value.len > 0 && span_is(m->name, LABEL_NAME) &&
            span_eq(m->value, s->name))
            continue;
        auto_buf text = {0};
        matcher_print(&text, m);
        texts[n++] = arena_span(&arena, buf_view(&text));
    }
    if (n == 0)
        return;
    qsort(texts, n, sizeof *texts, compare_texts);
    for (size_t i = 0; i < n; i++) {
        buf_char(out, i == 0 ? '{' : ',');
        buf_span(out, texts[i]);
    }
    buf_char(out, '}');
}

static void print_selector(struct buf *out, const struct expr *e)
{
    buf_span(out, e->selector->name);
    print_matchers(out, e->selector);
    if (e->kind == NODE_MATRIX) {
        buf_char(out, '[');
        promql_duration_print(out, e->selector->range_ms);
        buf_char(out, ']');
    }
    print_when(out, &e->selector->when);
}

static void print_aggregate(struct buf *out, const struct expr *e)
{
    buf_str(out, aggregate_name(e->aggregate.op));
    if (e->aggregate.without || e->aggregate.grouping.n > 0) {
        buf_str(out, e->aggregate.without ? " without " : " by ");
        print_names(out, &e->aggregate.grouping);
        buf_char(out, ' ');
    }
    buf_char(out, '(');
    if (e->aggregate.param) {
        print_expr(out, e->aggregate.param);
        buf_str(out, ", ");
    }
    print_expr(out, e->aggregate.inner);
    buf_char(out, ')');
}

static void print_binary(struct buf *out, const struct expr *e)
{
    const struct matching *m = &e->binary.matching;
    bool grouped = m->card == MANY_TO_ONE || m->card == ONE_TO_MANY;
    const struct expr *left = e->binary.left;
    /* +Inf ^ 2 would be +(Inf ^ 2). */
    if (e->binary.op == OP_POW && left->kind == NODE_NUMBER && isinf(left->number.v))
        buf_str(out, "Inf");
    else
        print_expr(out, left);
    buf_printf(out, " %s%s", operator_name(e->binary.op), e->binary.returns_bool ? " bool" : "");
    if (m->labels.n > 0 || m->on || grouped) {
        buf_str(out, m->on ? " on " : " ignoring ");
        print_names(out, &m->labels);
    }
    if (grouped) {
        buf_str(out, m->card == MANY_TO_ONE ? " group_left " : " group_right ");
        print_names(out, &m->include);
    }
    buf_char(out, ' ');
    print_expr(out, e->binary.right);
}

static void print_call(struct buf *out, const struct expr *e)
{
    buf_str(out, e->call.function->name);
    buf_char(out, '(');
    for (size_t i = 0; i < e->call.n; i++) {
        buf_str(out, i > 0 ? ", " : "");
        print_expr(out, e->call.args[i]);
    }
    buf_char(out, ')');
}

static void print_subquery(struct buf *out, const struct expr *e)
{
    print_expr(out, e->subquery.inner);
    buf_char(out, '[');
    promql_duration_print(out, e->subquery.range_ms);
    buf_char(out, ':');
    if (e->subquery.step_ms != 0)
        promql_duration_print(out, e->subquery.step_ms);
    buf_char(out, ']');
    print_when(out, &e->subquery.when);
}

static void print_literal(struct buf *out, const struct expr *e)
{
    if (e->number.duration)
        promql_duration_print(out, (int64_t)(e->number.v * 1000 + (e->number.v < 0 ? -0.5 : 0.5)));
    else
        number_print(out, e->number.v);
}

static void print_expr(struct buf *out, const struct expr *e)
{
    switch (e->kind) {
    case NODE_NUMBER:
        print_literal(out, e);
        return;
    case NODE_STRING:
        label_value_print(out, e->string);
        return;
    case NODE_SELECTOR:
    case NODE_MATRIX:
        print_selector(out, e);
        return;
    case NODE_SUBQUERY:
        print_subquery(out, e);
        return;
    case NODE_CALL:
        print_call(out, e);
        return;
    case NODE_AGGREGATE:
        print_aggregate(out, e);
        return;
    case NODE_BINARY:
        print_binary(out, e);
        return;
    case NODE_UNARY:
        buf_char(out, e->unary.minus ? '-' : '+');
        print_expr(out, e->unary.inner);
        return;
    case NODE_PAREN:
        buf_char(out, '(');
        print_expr(out, e->paren);
        buf_char(out, ')');
        return;
    }
}

void promql_print(struct buf *out, const struct expr *e)
{
    print_expr(out, e);
}

static const struct expr *bare(const struct expr *e)
{
    while (e->kind == NODE_PAREN)
        e = e->paren;
    return e;
}

bool promql_compared(const struct expr *e, struct buf *value, double *with)
{
    const struct expr *c = bare(e);
    if (c->kind != NODE_BINARY || c->binary.returns_bool || c->binary.op < OP_EQUAL ||
        c->binary.op > OP_LESS_EQUAL || c->binary.left->type != VALUE_VECTOR)
        return false;
    const struct expr *number = bare(c->binary.right);
    bool minus = number->kind == NODE_UNARY && number->unary.minus;
    if (number->kind == NODE_UNARY)
        number = bare(number->unary.inner);
    if (number->kind != NODE_NUMBER)
        return false;
    print_expr(value, c->binary.left);
    *with = minus ? -number->number.v : number->number.v;
    return true;
}
