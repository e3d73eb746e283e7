/* A template's tree and the values that run through it. Private to alert/. */
#pragma once

#include "alert/template.h"

enum value_type {
    TV_NIL,
    TV_BOOL,
    TV_INT,
    TV_NUMBER,
    TV_STRING,
    TV_LABELS,
    TV_SAMPLE,
    TV_SAMPLES,
    TV_ROOT,
    TV_RECORD, /* fields */
    TV_LIST    /* items, and fields of its own */
};

struct tmpl_value {
    enum value_type type;
    bool b;
    int64_t i;
    double number;
    struct span text;
    struct labels labels;
    const struct tmpl_sample *samples; /* one for TV_SAMPLE */
    const struct tmpl_value *items;
    size_t n;
    const struct tmpl_field *fields;
    size_t n_fields;
};

struct tmpl_field {
    const char *name;
    struct tmpl_value value;
};

/* Where in HTML the output stands. */
struct html_place {
    enum html_state {
        HTML_TEXT,
        HTML_OPEN, /* behind "<" */
        HTML_DECLARATION,
        HTML_ELEMENT,
        HTML_TAG,
        HTML_ATTRIBUTE,
        HTML_EQUALS,
        HTML_UNQUOTED,
        HTML_DOUBLE,
        HTML_SINGLE,
        HTML_RAW,
        HTML_RAW_OPEN
    } state;
    char element[16], attribute[16]; /* lower case; longer ones are cut */
    bool closing, at_start;          /* </...>; nothing of the attribute's value is written */
};
void html_literal(struct html_place *h, struct span text);
/* INVALID: no value may stand here. */
enum status html_value(struct html_place *h, struct span text, struct buf *out, struct err *err);

struct tmpl_run {
    const struct tmpl_data *data;
    struct arena *scratch;
    struct buf *out;
    size_t out_start;
    struct html_place html;
    struct err *err;
    struct {
        struct span name;
        struct tmpl_value value;
    } variables[TMPL_VARIABLES_MAX];
    size_t n_variables;
    unsigned depth, steps, queries;
};

typedef enum status (*tmpl_fn)(struct tmpl_run *r, const struct tmpl_value *args, size_t n,
                               struct tmpl_value *out);

struct tmpl_function {
    const char *name;
    unsigned min, max; /* arguments */
    tmpl_fn run;
};
/* NULL: there is none of that name. */
const struct tmpl_function *tmpl_function_find(struct span name);

enum operand_kind { OPERAND_VALUE, OPERAND_DOT, OPERAND_VARIABLE, OPERAND_FUNCTION, OPERAND_PIPE };

struct tmpl_pipe;

struct tmpl_operand {
    enum operand_kind kind;
    struct tmpl_value value;
    struct span name; /* of a variable, "$" and all */
    const struct tmpl_function *function;
    struct tmpl_pipe *pipe;
    struct span *fields; /* .a.b behind it */
    size_t n_fields;
};

enum { TMPL_ARGS_MAX = 16 };

struct tmpl_command {
    struct tmpl_operand args[TMPL_ARGS_MAX];
    size_t n;
    struct tmpl_command *next;
};

struct tmpl_pipe {
    struct span variables[2]; /* $k, $v := */
    size_t n_variables;
    bool assign; /* = and not := */
    struct tmpl_command *commands;
};

enum node_kind { NODE_TEXT, NODE_PIPE, NODE_IF, NODE_RANGE, NODE_WITH };

struct tmpl_node {
    enum node_kind kind;
    unsigned line;
    struct span text;
    struct tmpl_pipe *pipe;
    struct tmpl_node *body, *otherwise, *next;
};

struct tmpl {
    struct tmpl_node *first;
};

/* As Go prints it with %v. */
void tmpl_value_print(struct buf *out, const struct tmpl_value *v);
bool tmpl_value_true(const struct tmpl_value *v);
enum status tmpl_printf(struct tmpl_run *r, const struct tmpl_value *args, size_t n,
                        struct tmpl_value *out);
/* reReplaceAll: every place, unanchored; $1 and ${name} in the replacement. */
enum status tmpl_replace_all(struct tmpl_run *r, const struct tmpl_value *args, size_t n,
                             struct tmpl_value *out);
enum status tmpl_match(struct tmpl_run *r, const struct tmpl_value *args, size_t n,
                       struct tmpl_value *out);
