/* Binary operators: scalars with scalars and vectors with scalars; vectors go to matching.c. */
#include "promql/binary.h"

#include <math.h>

#define EACH(value)                                                                                \
    do {                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            double x = a[i], y = b[i];                                                             \
            out[i] = is_absent(x) || is_absent(y) ? ABSENT : (value);                              \
        }                                                                                          \
    } while (0)

#define COMPARE(holds)                                                                             \
    do {                                                                                           \
        if (compare == COMPARE_BOOL)                                                               \
            EACH((holds) ? 1.0 : 0.0);                                                             \
        else if (compare == COMPARE_LEFT)                                                          \
            EACH((holds) ? x : ABSENT);                                                            \
        else                                                                                       \
            EACH((holds) ? y : ABSENT);                                                            \
    } while (0)

static void calculate(enum operator_kind op, const double *a, const double *b, double *out,
                      size_t n)
{
    switch (op) {
    case OP_ADD:
        EACH(x + y);
        return;
    case OP_SUB:
        EACH(x - y);
        return;
    case OP_MUL:
        EACH((x) * (y));
        return;
    case OP_DIV:
        EACH(x / y);
        return;
    case OP_MOD:
        EACH(fmod(x, y));
        return;
    case OP_POW:
        EACH(pow(x, y));
        return;
    default:
        EACH(atan2(x, y));
        return;
    }
}

void operate(enum operator_kind op, enum compare_result compare, const double *a, const double *b,
             double *out, size_t n)
{
    switch (op) {
    case OP_EQUAL:
        COMPARE(x == y);
        return;
    case OP_NOT_EQUAL:
        COMPARE(x != y);
        return;
    case OP_GREATER:
        COMPARE(x > y);
        return;
    case OP_LESS:
        COMPARE(x < y);
        return;
    case OP_GREATER_EQUAL:
        COMPARE(x >= y);
        return;
    case OP_LESS_EQUAL:
        COMPARE(x <= y);
        return;
    default:
        calculate(op, a, b, out, n);
        return;
    }
}

/* A scalar's values for steps from .. from + n - 1. */
static enum status scalar_array(struct eval *ev, const struct scalar *s, size_t n, double **out)
{
    enum status st = eval_values(ev, n, out);
    for (size_t i = 0; i < n && !st; i++)
        (*out)[i] = scalar_at(s, i);
    return st;
}

static enum status scalars_operate(struct eval *ev, const struct expr *e, const struct grid *g,
                                   const struct scalar *left, const struct scalar *right,
                                   struct scalar *out)
{
    if (!left->v && !right->v) {
        operate(e->binary.op, COMPARE_BOOL, &left->k, &right->k, &out->k, 1);
        return OK;
    }
    double *a, *b;
    enum status st = scalar_array(ev, left, g->n, &a);
    if (!st)
        st = scalar_array(ev, right, g->n, &b);
    if (st)
        return st;
    operate(e->binary.op, COMPARE_BOOL, a, b, a, g->n);
    out->v = a;
    return OK;
}

/* swapped: the scalar stands on the left. A comparison keeps the vector's value either way. */
static enum status vector_scalar(struct eval *ev, const struct expr *e, const struct grid *g,
                                 struct vector *v, const struct scalar *s, bool swapped)
{
    enum operator_kind op = e->binary.op;
    enum compare_result compare = e->binary.returns_bool ? COMPARE_BOOL
                                  : swapped              ? COMPARE_RIGHT
                                                         : COMPARE_LEFT;
    double *b;
    enum status st = scalar_array(ev, s, g->n, &b);
    if (st)
        return st;
    for (size_t i = 0; i < v->n; i++) {
        struct series *to = &v->at[i];
        const double *with = b + to->from;
        operate(op, compare, swapped ? with : to->v, swapped ? to->v : with, to->v, to->n);
    }
    if (operator_compares(op) && !e->binary.returns_bool)
        return OK;
    return vector_drop_names(ev, v, false);
}

enum status eval_binary(struct eval *ev, const struct expr *e, const struct grid *g,
                        struct value *out)
{
    struct value left, right;
    enum status st = eval_expr(ev, e->binary.left, g, &left);
    if (!st)
        st = eval_expr(ev, e->binary.right, g, &right);
    if (st)
        return st;
    if (left.kind == VALUE_SCALAR && right.kind == VALUE_SCALAR)
        return scalars_operate(ev, e, g, &left.scalar, &right.scalar, &out->scalar);
    if (right.kind == VALUE_SCALAR) {
        out->vector = left.vector;
        return vector_scalar(ev, e, g, &out->vector, &right.scalar, false);
    }
    if (left.kind == VALUE_SCALAR) {
        out->vector = right.vector;
        return vector_scalar(ev, e, g, &out->vector, &left.scalar, true);
    }
    if (operator_is_set(e->binary.op))
        return vectors_set(ev, e, g, left.vector, right.vector, &out->vector);
    return vectors_operate(ev, e, g, left.vector, right.vector, &out->vector);
}
