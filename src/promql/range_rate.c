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
    struct resets resets = {.n = falls_count(v, r->raw.n)};
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

/* How long before the first sample the series is taken to go on. */
static inline double extend_to_start(const struct range_run *r, double change, double sampled,
                                     double average, bool counter)
{
    double first = r->raw.v[r->low], threshold = average * 1.1;
    double to_start = seconds(r->raw.t_ms[r->low] - r->start_ms);
    /* A counter was never below zero. */
    bool floored = counter && change > 0 && first >= 0;
    if (r->ev->q->rules_of_2) {
        double to_zero = floored ? sampled * (first / change) : INFINITY;
        to_start = to_zero < to_start ? to_zero : to_start;
        return to_start < threshold ? to_start : average / 2;
    }
    if (to_start >= threshold)
        to_start = average / 2;
    /* From three samples on, zero is then too far away to count: spares a division. */
    if (!floored || (first >= change && window_count(r) > 2))
        return to_start;
    double to_zero = sampled * (first / change);
    return to_zero < to_start ? to_zero : to_start;
}

/* Prometheus's extrapolation: up to the ends of the range when samples are close enough to
 * them, else half an average distance beyond. */
static inline double extrapolate(const struct range_run *r, double change, bool counter,
                                 double per_seconds)
{
    int64_t first_ms = r->raw.t_ms[r->low], last_ms = r->raw.t_ms[r->high - 1];
    double sampled = seconds(last_ms - first_ms);
    double average = sampled / (double)(window_count(r) - 1);
    double to_start = extend_to_start(r, change, sampled, average, counter);
    double to_end = seconds(r->stop_ms - last_ms);
    if (to_end >= average * 1.1)
        to_end = average / 2;
    double factor = (sampled + to_start + to_end) / sampled;
    return change * (per_seconds > 0 ? factor / per_seconds : factor);
}

static inline void rates(struct range_run *r, bool counter, bool per_second)
{
    struct resets resets = counter ? resets_find(r) : (struct resets){0};
    const double *v = r->raw.v;
    double per_seconds = per_second ? seconds(r->range_ms) : 0;
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
