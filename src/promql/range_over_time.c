/* The ..._over_time functions. What can be carried from one window to the next without changing
 * a bit of the result is; sums are only where they are exact. */
#include "promql/range.h"

#include <math.h>
#include <stdlib.h>

void range_count(struct range_run *r)
{
    for (window_first(r); window_there(r); window_next(r))
        r->out[r->step] = window_count(r) == 0 ? ABSENT : (double)window_count(r);
}

void range_first(struct range_run *r)
{
    for (window_first(r); window_there(r); window_next(r))
        r->out[r->step] = window_count(r) == 0 ? ABSENT : r->raw.v[r->low];
}

void range_last(struct range_run *r)
{
    for (window_first(r); window_there(r); window_next(r))
        r->out[r->step] = window_count(r) == 0 ? ABSENT : r->raw.v[r->high - 1];
}

void range_present(struct range_run *r)
{
    for (window_first(r); window_there(r); window_next(r))
        r->out[r->step] = window_count(r) == 0 ? ABSENT : 1;
}

/* ---- sums ---- */

/* Running sums when all values are integers so small that every sum of them is exact: then the
 * sum of a window is a difference, bit for bit what adding it up gives. */
static double *exact_sums(struct range_run *r)
{
    const double *v = r->raw.v;
    double size = 0;
    for (size_t i = 0; i < r->raw.n; i++) {
        if (!(fabs(v[i]) < 0x1p53) || v[i] != (double)(int64_t)v[i])
            return NULL;
        size += fabs(v[i]);
    }
    if (!(size < 0x1p53))
        return NULL;
    double *before = arena_alloc(&r->ev->scratch, (r->raw.n + 1) * sizeof *before);
    before[0] = 0;
    for (size_t i = 0; i < r->raw.n; i++)
        before[i + 1] = before[i] + v[i];
    return before;
}

/* Worth it when windows overlap. */
static bool windows_overlap(const struct range_run *r)
{
    return r->n > 1 && r->step_ms < r->range_ms;
}

void range_sum(struct range_run *r)
{
    const double *before = windows_overlap(r) ? exact_sums(r) : NULL;
    for (window_first(r); window_there(r); window_next(r)) {
        if (window_count(r) == 0) {
            r->out[r->step] = ABSENT;
            continue;
        }
        if (before) {
            r->out[r->step] = before[r->high] - before[r->low];
            continue;
        }
        double sum = 0, c = 0;
        window_worked(r, window_count(r));
        for (size_t i = r->low; i < r->high; i++)
            kahan_add(r->raw.v[i], &sum, &c);
        r->out[r->step] = isinf(sum) ? sum : sum + c;
    }
}

/* The mean as sum by count, or, where the sum is too large for a double, step by step. */
static double mean(const double *v, size_t n)
{
    double sum = v[0], c = 0;
    size_t i = 1;
    for (; i < n; i++) {
        double next = sum, next_c = c;
        kahan_add(v[i], &next, &next_c);
        if (isinf(next))
            break;
        sum = next;
        c = next_c;
    }
    double count = (double)i;
    if (i == n)
        return sum / count + c / count;
    double average = sum / count;
    c /= count;
    for (; i < n; i++) {
        count = (double)i + 1;
        double q = (count - 1) / count;
        average *= q;
        c *= q;
        kahan_add(v[i] / count, &average, &c);
    }
    return average + c;
}

void range_avg(struct range_run *r)
{
    const double *before = windows_overlap(r) ? exact_sums(r) : NULL;
    for (window_first(r); window_there(r); window_next(r)) {
        size_t n = window_count(r);
        if (n == 0)
            r->out[r->step] = ABSENT;
        else if (before)
            r->out[r->step] = (before[r->high] - before[r->low]) / (double)n;
        else
            r->out[r->step] = mean(r->raw.v + r->low, n);
        window_worked(r, before ? 0 : n);
    }
}

/* ---- extremes ---- */

/* A queue of samples, each better than all behind it, so that the first is the window's best.
 * NaN counts only where there is nothing else. Of equals the first stays, as it matters for
 * the sign of zero. */
static inline void extremes(struct range_run *r, bool greatest)
{
    const double *v = r->raw.v;
    size_t *queue = arena_alloc(&r->ev->scratch, (r->raw.n + 1) * sizeof *queue);
    size_t head = 0, tail = 0, seen = 0;
    for (window_first(r); window_there(r); window_next(r)) {
        for (; seen < r->high; seen++) {
            if (isnan(v[seen]))
                continue;
            while (tail > head &&
                   (greatest ? v[queue[tail - 1]] < v[seen] : v[queue[tail - 1]] > v[seen]))
                tail--;
            queue[tail++] = seen;
        }
        while (head < tail && queue[head] < r->low)
            head++;
        if (window_count(r) == 0)
            r->out[r->step] = ABSENT;
        else
            r->out[r->step] = head < tail ? v[queue[head]] : v[r->high - 1];
    }
}

void range_min(struct range_run *r)
{
    extremes(r, false);
}

void range_max(struct range_run *r)
{
    extremes(r, true);
}

/* ---- deviation ---- */

static double variance(const double *v, size_t n)
{
    double average = 0, average_c = 0, squares = 0, squares_c = 0;
    for (size_t i = 0; i < n; i++) {
        double delta = v[i] - (average + average_c);
        kahan_add(delta / (double)(i + 1), &average, &average_c);
        kahan_add(delta * (v[i] - (average + average_c)), &squares, &squares_c);
    }
    return (squares + squares_c) / (double)n;
}

void range_stdvar(struct range_run *r)
{
    for (window_first(r); window_there(r); window_next(r)) {
        size_t n = window_count(r);
        r->out[r->step] = n == 0 ? ABSENT : variance(r->raw.v + r->low, n);
        window_worked(r, n);
    }
}

void range_stddev(struct range_run *r)
{
    for (window_first(r); window_there(r); window_next(r)) {
        size_t n = window_count(r);
        r->out[r->step] = n == 0 ? ABSENT : sqrt(variance(r->raw.v + r->low, n));
        window_worked(r, n);
    }
}

/* ---- quantiles ---- */

static int compare_values(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y))
        return isnan(x) ? (isnan(y) ? 0 : -1) : 1;
    return x < y ? -1 : x > y;
}

void values_sort(double *v, size_t n)
{
    qsort(v, n, sizeof *v, compare_values);
}

double quantile_of_sorted(double q, const double *v, size_t n)
{
    if (n == 0 || isnan(q))
        return bits_double(NORMAL_NAN_BITS);
    if (q < 0 || q > 1)
        return q < 0 ? -INFINITY : INFINITY;
    double rank = q * ((double)n - 1), whole = floor(rank), weight = rank - whole;
    size_t low = (size_t)fmax(0, whole), high = MIN(n - 1, low + 1);
    return v[low] * (1 - weight) + v[high] * weight;
}

static size_t place_of(const double *sorted, size_t n, const double *v)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare_values(&sorted[mid], v) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The window's values in order, kept so from window to window. */
struct sorted {
    double *at;
    size_t low, high; /* the raw samples inside */
};

static void sorted_follow(struct sorted *s, const struct range_run *r)
{
    const double *v = r->raw.v;
    size_t n = s->high - s->low;
    if (s->high <= r->low || r->high - s->high > n) { /* mostly new */
        n = window_count(r);
        memcpy(s->at, v + r->low, n * sizeof *v);
        values_sort(s->at, n);
        s->low = r->low;
        s->high = r->high;
        return;
    }
    for (; s->low < r->low; s->low++, n--) {
        size_t at = place_of(s->at, n, &v[s->low]);
        memmove(s->at + at, s->at + at + 1, (n - at - 1) * sizeof *v);
    }
    for (; s->high < r->high; s->high++, n++) {
        size_t at = place_of(s->at, n, &v[s->high]);
        memmove(s->at + at + 1, s->at + at, (n - at) * sizeof *v);
        s->at[at] = v[s->high];
    }
}

void range_quantile(struct range_run *r)
{
    struct sorted s = {.at = arena_alloc(&r->ev->scratch, (r->raw.n + 1) * sizeof(double))};
    for (window_first(r); window_there(r); window_next(r)) {
        if (window_count(r) == 0) {
            r->out[r->step] = ABSENT;
            continue;
        }
        double q = scalar_at(&r->scalars[0], r->first + r->step);
        if (!(q >= 0 && q <= 1))
            eval_warn(r->ev, r->scalar_args[0]->pos,
                      "quantile value should be between 0 and 1, got %s", number_text(r->ev, q));
        sorted_follow(&s, r);
        window_worked(r, window_count(r));
        r->out[r->step] = quantile_of_sorted(q, s.at, window_count(r));
    }
}
