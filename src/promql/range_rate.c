/* Change of counters and gauges over a range: rate, increase, delta, irate, idelta, changes and
 * resets. */
#include "promql/range.h"

#include <math.h>

/* Where a counter fell: the samples after which it did, in order. Found once a series, so that
 * a window needs to look only at those inside it, and adds them up in Prometheus's order. */
struct resets {
    size_t *at;
    size_t n, next; /* next: the first not before the window */
};

static size_t falls_count(const double *v, size_t n)
{
    enum { BLOCK = 16 }; /* a fixed length: compilers make vector code of it */
    size_t falls = 0, i = 0;
    for (; i + BLOCK < n; i += BLOCK)
        for (size_t k = 0; k < BLOCK; k++)
            falls += v[i + k + 1] < v[i + k];
    for (; i + 1 < n; i++)
        falls += v[i + 1] < v[i];
    return falls;
}

static struct resets resets_find(struct range_run *r)
{
    const double *v = r->raw.v;
    struct resets resets = {.n = r->raw.rising ? 0 : falls_count(v, r->raw.n)};
    if (resets.n == 0)
        return resets;
    resets.at = arena_alloc(&r->ev->scratch, resets.n * sizeof *resets.at);
    size_t n = 0;
    for (size_t i = 0; i + 1 < r->raw.n; i++)
        if (v[i + 1] < v[i])
            resets.at[n++] = i;
    return resets;
}

static double correction(struct resets *resets, struct range_run *r, double change)
{
    size_t i;
    while (resets->next < resets->n && resets->at[resets->next] < r->low)
        resets->next++;
    for (i = resets->next; i < resets->n && resets->at[i] + 1 < r->high; i++)
        change += r->raw.v[resets->at[i]];
    window_worked(r, i - resets->next);
    return change;
}

static double seconds(int64_t ms)
{
    return (double)ms / 1000;
}

/* A counter was never below zero, so it cannot have begun before it was there. */
static inline bool floored(bool counter, double change, double first)
{
    return counter && change > 0 && first >= 0;
}

/* How long before the first sample the series is taken to go on, by Prometheus 2's rule. */
static double extend_to_start_of_2(const struct range_run *r, double change, double sampled,
                                   double average, bool counter)
{
    double first = r->raw.v[r->low];
    double to_start = seconds(r->raw.t_ms[r->low] - r->start_ms);
    double to_zero = floored(counter, change, first) ? sampled * (first / change) : INFINITY;
    to_start = to_zero < to_start ? to_zero : to_start;
    return to_start < average * 1.1 ? to_start : average / 2;
}

static inline double extend_to_start(const struct range_run *r, double average)
{
    double to_start = seconds(r->raw.t_ms[r->low] - r->start_ms);
    return to_start >= average * 1.1 ? average / 2 : to_start;
}

/* Prometheus's extrapolation: up to the ends of the range when samples are close enough to
 * them, else half an average distance beyond. */
static inline double factor_of(const struct range_run *r, double sampled, double average,
                               double to_start, double per_seconds)
{
    double to_end = seconds(r->stop_ms - r->raw.t_ms[r->high - 1]);
    if (to_end >= average * 1.1)
        to_end = average / 2;
    double factor = (sampled + to_start + to_end) / sampled;
    return per_seconds > 0 ? factor / per_seconds : factor;
}

/* Of the window at hand. */
static double extrapolate(const struct range_run *r, double change, bool counter,
                          double per_seconds)
{
    double sampled = seconds(r->raw.t_ms[r->high - 1] - r->raw.t_ms[r->low]);
    double average = sampled / (double)(window_count(r) - 1);
    double first = r->raw.v[r->low], to_start;
    if (r->ev->q->rules_of_2) {
        to_start = extend_to_start_of_2(r, change, sampled, average, counter);
    } else {
        to_start = extend_to_start(r, average);
        /* From three samples on, zero is too far away to count when it is not in sight. */
        if (floored(counter, change, first) && (first < change || window_count(r) <= 2)) {
            double to_zero = sampled * (first / change);
            to_start = to_zero < to_start ? to_zero : to_start;
        }
    }
    return change * factor_of(r, sampled, average, to_start, per_seconds);
}

/* ---- what series with the same times have in common ---- */

static void shape_room(struct range_run *r)
{
    struct range_shape *s = &r->shape;
    if (r->n > s->size) {
        s->size = r->n;
        s->low = arena_alloc(r->ev->arena, s->size * sizeof *s->low);
        s->high = arena_alloc(r->ev->arena, s->size * sizeof *s->high);
        s->factor = arena_alloc(r->ev->arena, s->size * sizeof *s->factor);
    }
}

static void shape_make(struct range_run *r, double per_seconds)
{
    struct range_shape *s = &r->shape;
    shape_room(r);
    s->times_id = r->raw.times_id;
    s->first = r->first;
    s->n = r->n;
    for (window_first(r); window_there(r); window_next(r)) {
        bool enough = window_count(r) >= 2;
        s->low[r->step] = enough ? (uint32_t)r->low : 1;
        s->high[r->step] = enough ? (uint32_t)r->high : 0;
        if (!enough)
            continue;
        double sampled = seconds(r->raw.t_ms[r->high - 1] - r->raw.t_ms[r->low]);
        double average = sampled / (double)(window_count(r) - 1);
        s->factor[r->step] =
            factor_of(r, sampled, average, extend_to_start(r, average), per_seconds);
    }
}

static bool has_shape(const struct range_run *r)
{
    return r->shape.times_id && r->shape.times_id == r->raw.times_id &&
           r->shape.first == r->first && r->shape.n == r->n;
}

/* Sets the window of a step without looking for it. */
static void window_set(struct range_run *r, size_t step)
{
    r->step = step;
    r->low = r->shape.low[step];
    r->high = r->shape.high[step];
    r->stop_ms = r->end_ms + (int64_t)(r->first + step) * r->step_ms;
    r->start_ms = r->stop_ms - r->range_ms;
}

static void rates_of_shape(struct range_run *r, struct resets *resets, bool counter,
                           double per_seconds)
{
    const double *v = r->raw.v;
    const struct range_shape *s = &r->shape;
    for (size_t i = 0; i < r->n && r->status == OK; i++) {
        size_t low = s->low[i], high = s->high[i];
        if (low > high) {
            r->out[i] = ABSENT;
            continue;
        }
        double first = v[low], change = v[high - 1] - first;
        if (resets->n > 0) {
            window_set(r, i);
            change = correction(resets, r, change);
        }
        if (!floored(counter, change, first) || (first >= change && high - low > 2)) {
            r->out[i] = change * s->factor[i];
            continue;
        }
        window_set(r, i);
        r->out[i] = extrapolate(r, change, counter, per_seconds);
    }
}

static inline void rates(struct range_run *r, bool counter, bool per_second)
{
    enum { PLACES_MAX = 1 << 30 };
    struct resets resets = counter ? resets_find(r) : (struct resets){0};
    const double *v = r->raw.v;
    double per_seconds = per_second ? seconds(r->range_ms) : 0;
    if (r->raw.times_id && r->raw.n < PLACES_MAX && !r->ev->q->rules_of_2) {
        if (!has_shape(r))
            shape_make(r, per_seconds);
        rates_of_shape(r, &resets, counter, per_seconds);
        return;
    }
    for (window_first(r); window_there(r); window_next(r)) {
        if (window_count(r) < 2) {
            r->out[r->step] = ABSENT;
            continue;
        }
        double change = v[r->high - 1] - v[r->low];
        if (resets.n > 0)
            change = correction(&resets, r, change);
        r->out[r->step] = extrapolate(r, change, counter, per_seconds);
    }
}

void range_rate(struct range_run *r)
{
    rates(r, true, true);
}

void range_increase(struct range_run *r)
{
    rates(r, true, false);
}

void range_delta(struct range_run *r)
{
    rates(r, false, false);
}

static inline void instant_rates(struct range_run *r, bool rate)
{
    for (window_first(r); window_there(r); window_next(r)) {
        r->out[r->step] = ABSENT;
        if (window_count(r) < 2)
            continue;
        double last = r->raw.v[r->high - 1], before = r->raw.v[r->high - 2];
        int64_t ms = r->raw.t_ms[r->high - 1] - r->raw.t_ms[r->high - 2];
        double change = rate && last < before ? last : last - before;
        r->out[r->step] = rate ? change / seconds(ms) : change;
    }
}

void range_irate(struct range_run *r)
{
    instant_rates(r, true);
}

void range_idelta(struct range_run *r)
{
    instant_rates(r, false);
}

/* Events between neighbours: counted once, then each window is a difference. */
static inline void count_events(struct range_run *r, bool changes)
{
    const double *v = r->raw.v;
    size_t n = r->raw.n;
    uint32_t *before = arena_alloc(&r->ev->scratch, (n + 1) * sizeof *before);
    before[0] = 0;
    for (size_t i = 1; i < n; i++) {
        bool event =
            changes ? v[i] != v[i - 1] && !(isnan(v[i]) && isnan(v[i - 1])) : v[i] < v[i - 1];
        before[i] = before[i - 1] + event;
    }
    for (window_first(r); window_there(r); window_next(r))
        r->out[r->step] =
            window_count(r) == 0 ? ABSENT : (double)(before[r->high - 1] - before[r->low]);
}

void range_changes(struct range_run *r)
{
    count_events(r, true);
}

void range_resets(struct range_run *r)
{
    count_events(r, false);
}
