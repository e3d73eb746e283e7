/* The query language: text -> tree -> values. Knows series and where samples can be selected
 * from (series/source.h); knows no store, no HTTP, no clock. */
#pragma once

#include "series/source.h"

struct expr; /* a parsed expression; immutable, threads may share it */

enum value_kind { VALUE_SCALAR, VALUE_STRING, VALUE_VECTOR, VALUE_MATRIX };

enum {
    PROMQL_TEXT_MAX_BYTES = 64 << 10,
    PROMQL_DEPTH_MAX = 200,
    PROMQL_POINTS_MAX = 11000,     /* for each series of a range query */
    PROMQL_SAMPLES_MAX = 50000000, /* held by one query */
    PROMQL_LOOKBACK_MS = 5 * 60 * 1000,
    PROMQL_SUBQUERY_STEP_MS = 60 * 1000,
};

/* The tree lives in the arena; text is copied. The sentence of an error begins "1:14: parse
 * error: ..." with line and column, as Prometheus has it. UNSUPPORTED: what Prometheus itself
 * has behind feature flags, and native histograms; everything else wrong is INVALID. */
MUST_USE enum status promql_parse(struct span text, struct arena *arena, struct expr **out,
                                  struct err *err);
/* Gives back the compiled regular expressions, the only thing that the arena does not hold.
 * To be called before the arena is reset; NULL is fine. */
void promql_free(struct expr *e);
enum value_kind promql_kind(const struct expr *e);
/* How far back of a time the expression looks for its samples: the longest range with what encloses
 * it; 0 for instants (the look-back is not counted). */
int64_t promql_reach_ms(const struct expr *e);
/* The matchers of an expression that is just a series selector, name included; else NULL. They
 * live as long as the expression. */
const struct matcher *promql_matchers(const struct expr *e, size_t *n);
/* In Prometheus's canonical form. */
void promql_print(struct buf *out, const struct expr *e);
/* As JSON, as Prometheus 3's /api/v1/parse_query has it. */
void promql_tree(struct buf *out, const struct expr *e);

/* Of an expression such as `value > 5` the value's text and the 5; false: it is another one, and
 * nothing was written. */
bool promql_compared(const struct expr *e, struct buf *value, double *with);

struct query {
    const struct expr *expr;           /* from promql_parse: the root, not a part */
    int64_t start_ms, end_ms, step_ms; /* an instant query has start == end and step 0 */
    int64_t lookback_ms;               /* 0: PROMQL_LOOKBACK_MS */
    int64_t subquery_step_ms;          /* of subqueries without one; 0: PROMQL_SUBQUERY_STEP_MS */
    size_t samples_max;                /* 0: PROMQL_SAMPLES_MAX */
    int64_t deadline_mono_ms;          /* 0: none */
    const bool *cancelled;             /* may be NULL; looked at now and then */
    /* As Prometheus 2 had it: a range and the look-back include a sample exactly at their far
     * end, and rate() extrapolates by its older rule. For comparing with such a server. */
    bool rules_of_2;
    /* As Prometheus 3 has it behind a feature flag, and in its own test scripts: metric names
     * that an operation takes away can be seen by the operations around it. */
    bool delayed_name_removal;
};

struct result_series {
    struct labels labels;
    const struct sample *at; /* ascending; one for a vector */
    size_t n;
};

struct result {
    enum value_kind kind;         /* a range query of a scalar or vector gives a matrix */
    struct result_series *series; /* vector, matrix: in Prometheus's order */
    size_t n;
    double scalar;
    int64_t t_ms; /* of scalar and string */
    struct span string;
    const char **warnings, **infos; /* "PromQL warning: ... (1:8)", each once */
    size_t n_warnings, n_infos;
    size_t samples_read, samples_held; /* held: all values that were made for it */
};

/* Everything in *out lives in the arena, or as long as the source's view. INVALID: the query
 * is at fault (Prometheus's errorType "execution" or "bad_data"); TIMED_OUT; AGAIN: cancelled;
 * FULL: a limit. */
MUST_USE enum status promql_eval(const struct query *q, struct source *source, struct arena *arena,
                                 struct result *out, struct err *err);
