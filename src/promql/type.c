/* Checks of the finished tree, in Prometheus's order and words. */
#include "promql/functions.h"

#define check_fault(text, err, pos, ...) parse_error((err), INVALID, (text), (pos), __VA_ARGS__)

/* As Prometheus's subquery check says it. */
static const char *kind_word(enum value_kind kind)
{
    static const char *const words[] = {"scalar", "string", "vector", "matrix"};
    return words[kind];
}

static enum status expect(const struct expr *e, enum value_kind wanted, const char *where,
                          struct span text, struct err *err)
{
    enum status st = expr_check(e, text, err);
    if (!st && e->type != wanted)
        st = check_fault(text, err, e->pos, "expected type %s in %s, got %s",
                         value_kind_name(wanted), where, value_kind_name(e->type));
    return st;
}

static enum status check_aggregate(const struct expr *e, struct span text, struct err *err)
{
    enum aggregate_kind op = e->aggregate.op;
    enum status st = expect(e->aggregate.inner, VALUE_VECTOR, "aggregation expression", text, err);
    if (!st && aggregate_has_param(op))
        st = expect(e->aggregate.param, op == AGGREGATE_COUNT_VALUES ? VALUE_STRING : VALUE_SCALAR,
                    "aggregation parameter", text, err);
    return st;
}

static enum status check_labels(const struct expr *e, struct span text, struct err *err)
{
    const struct matching *m = &e->binary.matching;
    for (size_t i = 0; m->on && i < m->labels.n; i++)
        for (size_t k = 0; k < m->include.n; k++)
            if (span_eq(m->labels.at[i], m->include.at[k]))
                return check_fault(text, err, e->binary.op_pos,
                                   "label \"%.*s\" must not occur in ON and GROUP clause at once",
                                   SPAN_ARG(m->labels.at[i]));
    return OK;
}

static enum status check_operand(const struct expr *e, struct span text, struct err *err)
{
    if (e->type != VALUE_SCALAR && e->type != VALUE_VECTOR)
        return check_fault(text, err, e->pos,
                           "binary expression must contain only scalar and instant vector types");
    return OK;
}

static enum status check_binary(const struct expr *e, struct span text, struct err *err)
{
    const struct expr *left = e->binary.left, *right = e->binary.right;
    enum operator_kind op = e->binary.op;
    enum status st = expr_check(left, text, err);
    if (!st)
        st = expr_check(right, text, err);
    if (st)
        return st;
    if (e->binary.returns_bool && !operator_compares(op))
        return check_fault(text, err, e->binary.op_pos,
                           "bool modifier can only be used on comparison operators");
    if (operator_compares(op) && !e->binary.returns_bool && left->type == VALUE_SCALAR &&
        right->type == VALUE_SCALAR)
        return check_fault(text, err, e->binary.op_pos,
                           "comparisons between scalars must use BOOL modifier");
    st = check_labels(e, text, err);
    if (!st)
        st = check_operand(left, text, err);
    if (!st)
        st = check_operand(right, text, err);
    if (st)
        return st;
    const struct matching *m = &e->binary.matching;
    bool vectors = left->type == VALUE_VECTOR && right->type == VALUE_VECTOR;
    if (!vectors && m->labels.n > 0)
        return check_fault(text, err, e->pos,
                           "vector matching only allowed between instant vectors");
    if (vectors && operator_is_set(op) && m->card != MANY_TO_MANY)
        return check_fault(text, err, e->pos, "no grouping allowed for \"%s\" operation",
                           operator_name(op));
    if (!vectors && operator_is_set(op))
        return check_fault(text, err, e->pos,
                           "set operator \"%s\" not allowed in binary scalar expression",
                           operator_name(op));
    return OK;
}

static enum status check_count(const struct expr *e, struct span text, struct err *err)
{
    const struct function *f = e->call.function;
    int got = (int)e->call.n, least = f->n_args - (f->variadic ? 1 : 0);
    if (f->variadic == 0 && got != f->n_args)
        return check_fault(text, err, e->pos, "expected %d argument(s) in call to \"%s\", got %d",
                           f->n_args, f->name, got);
    if (got < least)
        return check_fault(text, err, e->pos,
                           "expected at least %d argument(s) in call to \"%s\", got %d", least,
                           f->name, got);
    if (f->variadic > 0 && got > least + f->variadic)
        return check_fault(text, err, e->pos,
                           "expected at most %d argument(s) in call to \"%s\", got %d",
                           least + f->variadic, f->name, got);
    return OK;
}

static enum status check_call(const struct expr *e, struct span text, struct err *err)
{
    const struct function *f = e->call.function;
    enum status st = check_count(e, text, err);
    for (size_t i = 0; i < e->call.n && !st; i++) {
        const struct expr *arg = e->call.args[i];
        enum value_kind wanted = f->args[MIN((int)i, f->n_args - 1)];
        st = expr_check(arg, text, err);
        if (!st && arg->type != wanted)
            st = check_fault(text, err, arg->pos,
                             "expected type %s in call to function \"%s\", got %s",
                             value_kind_name(wanted), f->name, value_kind_name(arg->type));
    }
    return st;
}

static enum status check_selector(const struct expr *e, struct span text, struct err *err)
{
    const struct selector *s = e->selector;
    if (s->name.len > 0) {
        for (size_t i = 0; i + 1 < s->n; i++)
            if (span_is(s->matchers[i].name, LABEL_NAME))
                return check_fault(text, err, e->pos,
                                   "metric name must not be set twice: \"%.*s\" or \"%.*s\"",
                                   SPAN_ARG(s->name), SPAN_ARG(s->matchers[i].value));
        return OK;
    }
    for (size_t i = 0; i < s->n; i++)
        if (!matcher_value_matches(&s->matchers[i], SPAN("")))
            return OK;
    return check_fault(text, err, e->pos,
                       "vector selector must contain at least one non-empty matcher");
}

static enum status check_unary(const struct expr *e, struct span text, struct err *err)
{
    const struct expr *inner = e->unary.inner;
    enum status st = expr_check(inner, text, err);
    if (!st && inner->type != VALUE_SCALAR && inner->type != VALUE_VECTOR)
        st = check_fault(text, err, e->pos,
                         "unary expression only allowed on expressions of type scalar or instant "
                         "vector, got \"%s\"",
                         value_kind_name(inner->type));
    return st;
}

static enum status check_subquery(const struct expr *e, struct span text, struct err *err)
{
    const struct expr *inner = e->subquery.inner;
    enum status st = expr_check(inner, text, err);
    if (!st && inner->type != VALUE_VECTOR)
        st = check_fault(text, err, e->pos,
                         "subquery is only allowed on instant vector, got %s instead",
                         kind_word(inner->type));
    return st;
}

enum status expr_check(const struct expr *e, struct span text, struct err *err)
{
    switch (e->kind) {
    case NODE_NUMBER:
    case NODE_STRING:
        return OK;
    case NODE_SELECTOR:
    case NODE_MATRIX:
        return check_selector(e, text, err);
    case NODE_SUBQUERY:
        return check_subquery(e, text, err);
    case NODE_CALL:
        return check_call(e, text, err);
    case NODE_AGGREGATE:
        return check_aggregate(e, text, err);
    case NODE_BINARY:
        return check_binary(e, text, err);
    case NODE_UNARY:
        return check_unary(e, text, err);
    case NODE_PAREN:
        return expr_check(e->paren, text, err);
    }
    return OK;
}
