/* What the parser's files share. */
#pragma once

#include "promql/lexer.h"

struct parser {
    struct lexer lexer;
    struct token token; /* the one ahead */
    struct span text;
    struct arena *arena;
    struct err *err;
    unsigned nesting;
    unsigned aggregates;        /* open parentheses of aggregations around here */
    struct selector *selectors; /* all so far, newest first */
    enum status status;         /* of the fault that parser_say_unexpected told */
};

void parser_advance(struct parser *p);
void parser_say_unexpected(struct parser *p, const char *context, const char *expected);
/* Faults; macros, so that a reader of one file (and a checker) sees that they are failures. */
#define parser_fault(p, pos, ...)                                                                  \
    ((void)parse_error((p)->err, INVALID, (p)->text, (pos), __VA_ARGS__), INVALID)
/* For what Prometheus has behind a feature flag, and for native histograms. */
#define parser_unsupported(p, pos, ...)                                                            \
    ((void)parse_error((p)->err, UNSUPPORTED, (p)->text, (pos), __VA_ARGS__), UNSUPPORTED)
/* "unexpected <token> in <context>, expected <expected>"; both may be NULL. */
#define parser_unexpected(p, context, expected)                                                    \
    (parser_say_unexpected((p), (context), (expected)), (p)->status ? (p)->status : INVALID)

struct expr *node_new(struct parser *p, enum node_kind kind, enum value_kind type, size_t pos);
/* Refuses trees too deep to walk by recursion. */
MUST_USE enum status node_deepen(struct parser *p, struct expr *e, const struct expr *child);

MUST_USE enum status parse_expr(struct parser *p, unsigned min_level, struct expr **out);
/* (a, b): arguments of a function or aggregation; the token ahead is the parenthesis. */
MUST_USE enum status parse_arguments(struct parser *p, struct expr ***args, size_t *n);
MUST_USE enum status parse_call(struct parser *p, struct token name, struct expr **out);
MUST_USE enum status parse_aggregate(struct parser *p, struct token op, struct expr **out);
/* (a, "b.c"): labels of by, on, group_left, ... */
MUST_USE enum status parse_names(struct parser *p, struct names *out);
/* A metric name, braces or both; name is the token before, or NULL. */
MUST_USE enum status parse_selector(struct parser *p, const struct token *name, struct expr **out);
/* [5m], offset, @ and [1h:5m] behind an expression. */
MUST_USE enum status parse_suffixes(struct parser *p, struct expr **e);
/* A number or a duration, in seconds. */
MUST_USE enum status parse_number(struct parser *p, double *out);
