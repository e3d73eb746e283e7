/* The table of functions: what the parser checks and the evaluator calls. */
#pragma once

#include "promql/ast.h"

struct eval;
struct grid;
struct value;
struct range_run;

enum { FUNCTION_ARGS_MAX = 5 };

struct function {
    const char *name;
    enum value_kind type;
    enum value_kind args[FUNCTION_ARGS_MAX];
    int n_args;
    int variadic;     /* the last argument may be missing or come up to so often; -1: any number */
    bool native;      /* of native histograms */
    bool of_time;     /* tells evaluation times apart even when its arguments do not */
    bool of_selector; /* evaluates a bare selector itself */
    bool keeps_name;  /* range functions that give back samples as they were */

    /* One of these. */
    double (*math)(double v);              /* one value of a vector to one */
    void (*calendar)(double *v, size_t n); /* seconds since 1970 in place */
    void (*range)(struct range_run *run);  /* one series of a range vector to its steps */
    /* a whole range vector at once */
    enum status (*ranges)(struct eval *ev, const struct expr *e, const struct grid *g,
                          struct value *out);
    enum status (*call)(struct eval *ev, const struct expr *e, const struct grid *g,
                        struct value *args, struct value *out);
};

/* NULL when there is none. */
const struct function *function_find(struct span name);
/* Known to Prometheus, behind a feature flag. */
bool function_is_experimental(struct span name);
