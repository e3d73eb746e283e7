/* Labels and annotations of rules are templates: the part of Go's text/template that people use
 * in Prometheus rule files, with Prometheus's functions. Text between {{ and }} is a pipeline;
 * if/else if/else, range, with, variables, {{- -}} and comments work as in Go; define, block and
 * template do not exist. Bounded: a template from outside cannot hold up or fill the server.
 *
 * What stands for itself: text -> tree (tmpl_parse), tree and data -> text (tmpl_expand). */
#pragma once

#include "series/labels.h"

enum {
    TMPL_TEXT_MAX_BYTES = 64 << 10,
    TMPL_OUTPUT_MAX_BYTES = 64 << 10,
    TMPL_DEPTH_MAX = 32,     /* of nested actions, parentheses and running blocks */
    TMPL_STEPS_MAX = 100000, /* actions run and functions called by one expansion */
    TMPL_VARIABLES_MAX = 64, /* known at one time */
    TMPL_QUERIES_MAX = 10,   /* of one expansion */
    TMPL_REPLACE_MAX = 1000, /* places that one reReplaceAll replaces */
    TMPL_PRINTF_WIDTH_MAX = 512,
};

struct tmpl; /* immutable; threads may share it */

struct tmpl_sample {
    struct labels labels;
    double value;
};

/* What `query` asks; samples live in the arena. */
typedef enum status (*tmpl_query_fn)(void *arg, struct span text, struct arena *arena,
                                     struct tmpl_sample **out, size_t *n, struct err *err);

struct tmpl_value; /* private to alert/ */

struct tmpl_data {
    const struct tmpl_value *root; /* what the dot is; NULL: an alert's: Labels, Value, ... */
    size_t output_max;             /* bytes; 0: TMPL_OUTPUT_MAX_BYTES */
    bool html; /* values are escaped for where they stand: in text, or in a quoted attribute */
    struct labels labels, external_labels;
    struct span external_url;
    double value;
    tmpl_query_fn query; /* NULL: `query` is an error */
    void *query_arg;
};

/* The tree lives in the arena; text must outlive it. INVALID: "line N: ..." */
MUST_USE enum status tmpl_parse(struct span text, struct arena *arena, struct tmpl **out,
                                struct err *err);
/* Appends the text. INVALID: what it does is wrong; FULL: a limit. out may then hold a part. */
MUST_USE enum status tmpl_expand(const struct tmpl *t, const struct tmpl_data *data,
                                 struct arena *scratch, struct buf *out, struct err *err);
/* Prometheus's humanize functions, for other texts for people. */
void humanize(struct buf *out, double v);
void humanize_1024(struct buf *out, double v);
void humanize_duration(struct buf *out, double seconds);
void humanize_percentage(struct buf *out, double ratio);
void humanize_timestamp(struct buf *out, double unix_s);
