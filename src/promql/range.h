/* Functions over range vectors: one call works through all steps of one series, a window of
 * samples sliding with them. */
#pragma once

#include "promql/eval.h"

enum { RANGE_SCALARS_MAX = 2 };

/* What the times of a series alone decide about its steps, for the next series with the same
 * times. */
struct range_shape {
    uint64_t times_id; /* 0: none */
    size_t first, n, size;
    uint32_t *low, *high; /* the windows; low > high: fewer than two samples */
    double *factor;       /* of rate() and its like, where zero is not near */
};

struct range_run {
    struct eval *ev;
    struct raw raw;
    int64_t end_ms;  /* of the first step's range */
    int64_t step_ms; /* 0: every step has the same range */
    int64_t range_ms;
    size_t first, n;                          /* steps: first .. first + n - 1 of the grid */
    int64_t grid_start_ms, grid_step_ms;      /* evaluation times themselves */
    struct scalar scalars[RANGE_SCALARS_MAX]; /* the other arguments */
    const struct expr *scalar_args[RANGE_SCALARS_MAX];
    double *out; /* n values */
    struct range_shape shape;
    size_t work; /* samples looked at since the last look at the deadline */
    enum status status;

    /* The window of the step at hand: raw samples low .. high - 1. */
    size_t step, low, high, low_stride, high_stride;
    int64_t start_ms, stop_ms; /* its range */
    bool closed;               /* a sample exactly at start_ms belongs to it */
};

/* The first sample later than limit_ms, from sample at on. Samples come at even distances
 * mostly, so the last stride is tried first. */
static inline size_t sample_after(const struct raw *raw, size_t at, int64_t limit_ms,
                                  size_t *stride)
{
    const int64_t *t = raw->t_ms;
    size_t n = raw->n, guess = at + *stride;
    if (guess <= n && (guess == at || t[guess - 1] <= limit_ms) &&
        (guess == n || t[guess] > limit_ms))
        return guess;
    size_t low = at, width = 1; /* gallop, then halve */
    while (low + width <= n && t[low + width - 1] <= limit_ms) {
        low += width;
        width *= 2;
    }
    size_t high = low + width - 1 < n ? low + width - 1 : n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (t[mid] <= limit_ms)
            low = mid + 1;
        else
            high = mid;
    }
    *stride = low - at;
    return low;
}

static inline void window_place(struct range_run *r)
{
    r->stop_ms = r->end_ms + (int64_t)(r->first + r->step) * r->step_ms;
    r->start_ms = r->stop_ms - r->range_ms;
    r->high = sample_after(&r->raw, r->high, r->stop_ms, &r->high_stride);
    r->low = sample_after(&r->raw, r->low, r->start_ms - (r->closed ? 1 : 0), &r->low_stride);
}

static inline void window_first(struct range_run *r)
{
    r->step = r->low = r->high = r->low_stride = r->high_stride = 0;
    window_place(r);
}

static inline void window_next(struct range_run *r)
{
    if (++r->step < r->n)
        window_place(r);
}

static inline size_t window_count(const struct range_run *r)
{
    return r->high - r->low;
}

static inline bool window_there(const struct range_run *r)
{
    return r->step < r->n && r->status == OK;
}

/* To be told by what goes through whole windows: n samples were looked at. */
static inline void window_worked(struct range_run *r, size_t n)
{
    enum { LOOK_AFTER = 1 << 20 };
    r->work += n;
    if (r->work < LOOK_AFTER)
        return;
    r->work = 0;
    r->status = eval_look(r->ev);
}

/* Kahan's sum in Neumaier's form, with Prometheus's treatment of infinite sums. */
static inline void kahan_add(double x, double *sum, double *c)
{
    double t = *sum + x;
    if (__builtin_fabs(t) > 1.7976931348623157e308)
        *c = 0;
    else if (__builtin_fabs(*sum) >= __builtin_fabs(x))
        *c += (*sum - t) + x;
    else
        *c += (x - t) + *sum;
    *sum = t;
}

/* NaN first, as Prometheus sorts values; -0 and 0 are equal. */
void values_sort(double *v, size_t n);
/* Of sorted values; q out of 0..1 gives -Inf, +Inf or NaN. */
double quantile_of_sorted(double q, const double *v, size_t n);

void range_rate(struct range_run *r);
void range_increase(struct range_run *r);
void range_delta(struct range_run *r);
void range_irate(struct range_run *r);
void range_idelta(struct range_run *r);
void range_changes(struct range_run *r);
void range_resets(struct range_run *r);
void range_deriv(struct range_run *r);
void range_predict_linear(struct range_run *r);
void range_smoothing(struct range_run *r);
void range_sum(struct range_run *r);
void range_avg(struct range_run *r);
void range_min(struct range_run *r);
void range_max(struct range_run *r);
void range_count(struct range_run *r);
void range_first(struct range_run *r);
void range_last(struct range_run *r);
void range_present(struct range_run *r);
void range_quantile(struct range_run *r);
void range_stddev(struct range_run *r);
void range_stdvar(struct range_run *r);
