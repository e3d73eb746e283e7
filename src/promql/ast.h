/* The tree that the parser builds and everybody else reads. Immutable once parsed. */
#pragma once

#include "promql/promql.h"

enum node_kind {
    NODE_NUMBER,
    NODE_STRING,
    NODE_SELECTOR, /* instant vector */
    NODE_MATRIX,   /* range vector */
    NODE_SUBQUERY,
    NODE_CALL,
    NODE_AGGREGATE,
    NODE_BINARY,
    NODE_UNARY,
    NODE_PAREN,
};

enum operator_kind {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_POW,
    OP_ATAN2,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_GREATER,
    OP_LESS,
    OP_GREATER_EQUAL,
    OP_LESS_EQUAL,
    OP_AND,
    OP_OR,
    OP_UNLESS,
};

enum aggregate_kind {
    AGGREGATE_SUM,
    AGGREGATE_AVG,
    AGGREGATE_COUNT,
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_GROUP,
    AGGREGATE_STDDEV,
    AGGREGATE_STDVAR,
    AGGREGATE_TOPK,
    AGGREGATE_BOTTOMK,
    AGGREGATE_COUNT_VALUES,
    AGGREGATE_QUANTILE,
};

/* The modifiers offset and @. */
enum at_kind { AT_NONE, AT_TIME, AT_START, AT_END };

struct when {
    int64_t offset_ms; /* positive looks back */
    enum at_kind at;
    int64_t at_ms;
};

struct selector {
    struct span name; /* written before the braces; empty when there was none */
    struct matcher *matchers;
    size_t n;
    int64_t range_ms; /* of NODE_MATRIX */
    struct when when;
    struct selector *next; /* all selectors of one parse, to give back their expressions */
};

struct names {
    const struct span *at;
    size_t n;
};

enum cardinality { ONE_TO_ONE, MANY_TO_ONE, ONE_TO_MANY, MANY_TO_MANY };

struct matching {
    enum cardinality card;
    bool on; /* else ignoring */
    struct names labels;
    struct names include; /* of group_left and group_right */
};

struct function;

struct expr {
    enum node_kind kind;
    enum value_kind type;
    uint32_t pos;   /* first byte in the text */
    uint32_t depth; /* levels below and including this one */
    bool invariant; /* the same at every step: all below is fixed by @ */
    union {
        struct {
            double v;
            bool duration; /* was written as one */
        } number;
        struct span string;
        struct selector *selector; /* NODE_SELECTOR, NODE_MATRIX */
        struct {
            struct expr *inner;
            int64_t range_ms, step_ms; /* step 0: the default */
            struct when when;
        } subquery;
        struct {
            const struct function *function;
            struct expr **args;
            size_t n;
        } call;
        struct {
            enum aggregate_kind op;
            bool without;
            struct names grouping;
            struct expr *param; /* NULL for most */
            struct expr *inner;
        } aggregate;
        struct {
            enum operator_kind op;
            bool returns_bool;
            uint32_t op_pos;
            struct expr *left, *right;
            struct matching matching;
        } binary;
        struct {
            bool minus;
            struct expr *inner;
        } unary;
        struct expr *paren;
    };
};

/* What promql_parse gives away is the root of one of these. */
struct tree {
    struct expr root;
    struct span text;
};

static inline bool operator_compares(enum operator_kind op)
{
    return op >= OP_EQUAL && op <= OP_LESS_EQUAL;
}

static inline bool operator_is_set(enum operator_kind op)
{
    return op >= OP_AND;
}

static inline bool aggregate_has_param(enum aggregate_kind op)
{
    return op >= AGGREGATE_TOPK;
}

const char *operator_name(enum operator_kind op);
const char *aggregate_name(enum aggregate_kind op);
/* "instant vector", as errors have it. */
const char *value_kind_name(enum value_kind kind);
/* Calls fn for the node and all below it, parents first. */
void expr_walk(const struct expr *e, void (*fn)(const struct expr *e, void *arg), void *arg);
/* Without the parentheses around it. */
const struct expr *expr_bare(const struct expr *e);
/* Sets .invariant all over the tree. */
void expr_mark_invariant(struct expr *e);
/* Types, argument counts, matching clauses: INVALID with the place. text is the whole query. */
MUST_USE enum status expr_check(const struct expr *e, struct span text, struct err *err);
/* "1:14": line and column of a byte. */
void place_print(struct buf *out, struct span text, size_t pos);
/* err_set with "1:14: parse error: " before the sentence. */
enum status parse_error(struct err *err, enum status status, struct span text, size_t pos,
                        const char *format, ...) PRINTF(5, 6);
