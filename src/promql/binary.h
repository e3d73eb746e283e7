/* Arithmetic and comparison over arrays, and the matching of vectors. */
#pragma once

#include "promql/eval.h"

/* What a comparison gives: 0 or 1 (bool), or the left or the right value where it holds. */
enum compare_result { COMPARE_BOOL, COMPARE_LEFT, COMPARE_RIGHT };

/* out[i] = a[i] op b[i]; absent where either is. out may be a or b. */
void operate(enum operator_kind op, enum compare_result compare, const double *a, const double *b,
             double *out, size_t n);

MUST_USE enum status vectors_operate(struct eval *ev, const struct expr *e, const struct grid *g,
                                     struct vector left, struct vector right, struct vector *out);
MUST_USE enum status vectors_set(struct eval *ev, const struct expr *e, const struct grid *g,
                                 struct vector left, struct vector right, struct vector *out);
