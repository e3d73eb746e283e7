/* The evaluator. Every node yields all its steps at once: a series is its labels and an array
 * of values, one for each step; a value that is missing is the stale marker's NaN, which no
 * arithmetic produces. Arrays belong to the node that asked for them and may be changed in
 * place. All memory is the query's arena; what is held is counted against a limit. */
#pragma once

#include "promql/ast.h"

/* Evaluation times. */
struct grid {
    int64_t start_ms, step_ms;
    size_t n;
};

static inline int64_t grid_time(const struct grid *g, size_t i)
{
    return g->start_ms + (int64_t)i * g->step_ms;
}

#define ABSENT bits_double(STALE_NAN_BITS)

static inline bool is_absent(double v)
{
    return is_stale(v);
}

struct series {
    struct labels labels;
    double *v; /* of the steps from .. from + n - 1; elsewhere there is nothing */
    uint32_t from, n;
    bool drop_name; /* only with delayed name removal */
};

static inline double series_at(const struct series *s, size_t step)
{
    return step - s->from < s->n ? s->v[step - s->from] : ABSENT;
}

struct vector {
    struct series *at;
    size_t n;
};

struct scalar {
    const double *v; /* for each step; NULL: k at all */
    double k;
};

static inline double scalar_at(const struct scalar *s, size_t step)
{
    return s->v ? s->v[step] : s->k;
}

struct value {
    enum value_kind kind;
    struct vector vector;
    struct scalar scalar;
    struct span string;
};

struct note;

struct eval {
    const struct query *q;
    struct source *source;
    struct arena *arena;
    struct arena scratch; /* raw samples of one series at a time */
    struct err *err;
    struct span text;
    struct note *warnings, *infos;
    int64_t lookback_ms;
    size_t held, held_max, samples_read;
    unsigned ticks;
};

MUST_USE enum status eval_expr(struct eval *ev, const struct expr *e, const struct grid *g,
                               struct value *out);
/* Counts n values as held; FULL beyond the limit. */
MUST_USE enum status eval_hold(struct eval *ev, size_t n);
/* n values from the arena, counted, not set. */
MUST_USE enum status eval_values(struct eval *ev, size_t n, double **out);
/* TIMED_OUT or AGAIN; cheap enough for once a series. */
MUST_USE enum status eval_tick(struct eval *ev);
/* The same, each time. */
MUST_USE enum status eval_look(struct eval *ev);
#define eval_fault(ev, ...) ((void)err_set((ev)->err, INVALID, __VA_ARGS__), INVALID)

/* ---- select.c, subquery.c: where series come from ---- */

/* The raw samples of one series in a range, without stale markers. */
struct raw {
    const int64_t *t_ms;
    const double *v;
    size_t n;
    bool rising;       /* no value is less than the one before it; false: not known */
    uint64_t times_id; /* as in struct selected */
};

MUST_USE enum status eval_selector(struct eval *ev, const struct selector *s, const struct grid *g,
                                   struct value *out);
/* The same, but the values are the samples' times in seconds. */
MUST_USE enum status eval_selector_times(struct eval *ev, const struct selector *s,
                                         const struct grid *g, struct value *out);

/* A range vector: the series of a selector or a subquery, to be read one by one. */
struct ranges {
    size_t n;
    struct labels (*labels)(const struct ranges *r, size_t i);
    bool (*drop_name)(const struct ranges *r, size_t i);
    enum status (*read)(struct eval *ev, struct ranges *r, size_t i, struct raw *out);
    int64_t range_ms;
    int64_t end_ms;  /* where the range of the first step ends */
    int64_t step_ms; /* 0 with @ */
    /* of a selector */
    struct selected *selected;
    struct select_hints *hints;
    /* of a subquery */
    struct vector inner;
    struct grid grid;
    int64_t *times;
};

MUST_USE enum status ranges_open(struct eval *ev, const struct expr *e, const struct grid *g,
                                 struct span function, struct ranges *out);
MUST_USE enum status ranges_open_subquery(struct eval *ev, const struct expr *e,
                                          const struct grid *g, struct ranges *out);
/* Evaluation times of selectors and ranges: where the first step looks, and how far a step
 * moves (0 with @). */
void when_resolve(const struct eval *ev, const struct when *w, const struct grid *g,
                  int64_t *first_ms, int64_t *step_ms);

/* ---- the operations, each in the file of its name ---- */

MUST_USE enum status eval_call(struct eval *ev, const struct expr *e, const struct grid *g,
                               struct value *out);
MUST_USE enum status eval_range_call(struct eval *ev, const struct expr *e, const struct grid *g,
                                     struct value *out);
MUST_USE enum status eval_absent_over_time(struct eval *ev, const struct expr *e,
                                           const struct grid *g, struct value *out);
MUST_USE enum status eval_aggregate(struct eval *ev, const struct expr *e, const struct grid *g,
                                    struct value *out);
MUST_USE enum status eval_binary(struct eval *ev, const struct expr *e, const struct grid *g,
                                 struct value *out);
MUST_USE enum status eval_unary(struct eval *ev, const struct expr *e, const struct grid *g,
                                struct value *out);

/* What absent() and absent_over_time() say is missing: the labels that a selector pins down. */
struct labels labels_of_absent(struct eval *ev, const struct expr *e);
/* As Go's %g: for sentences. */
const char *number_text(struct eval *ev, double v);

/* ---- vector.c: label sets of series ---- */

/* Takes the metric's name from all series, now or (delayed) at the end. Where that makes label
 * sets equal, series without common steps are merged, unless strict: then, as with common
 * steps, INVALID. */
MUST_USE enum status vector_drop_names(struct eval *ev, struct vector *v, bool strict);
MUST_USE enum status vector_unique(struct eval *ev, struct vector *v, bool strict,
                                   const char *fault);
/* Without __name__, __type__ and __unit__. */
struct labels labels_without_name(struct arena *a, struct labels l);
/* l with one label set; an empty value takes it away. */
struct labels labels_with(struct arena *a, struct labels l, struct span name, struct span value);
/* {__name__="up", job="node"}: as Prometheus's errors show a series. */
void labels_print_braced(struct buf *out, struct labels l);
/* The array of a series over the whole grid. */
MUST_USE enum status series_widen(struct eval *ev, struct series *s, size_t steps);

/* ---- notes.c ---- */

/* "PromQL warning: <text> (line:column)", said once. */
void eval_warn(struct eval *ev, size_t pos, const char *format, ...) PRINTF(3, 4);
void eval_inform(struct eval *ev, size_t pos, const char *format, ...) PRINTF(3, 4);
void notes_collect(struct eval *ev, struct note *notes, const char ***out, size_t *n);
