/* Lines through samples: deriv, predict_linear, and exponential smoothing. */
#include "promql/range.h"

#include <math.h>

/* Least squares through the window's samples, time counted from origin_ms in seconds. */
static void regression(const struct range_run *r, int64_t origin_ms, double *slope,
                       double *intercept)
{
    double sum_x = 0, c_x = 0, sum_y = 0, c_y = 0, sum_xy = 0, c_xy = 0, sum_xx = 0, c_xx = 0;
    double first = r->raw.v[r->low];
    bool constant = true;
    for (size_t i = r->low; i < r->high; i++) {
        double y = r->raw.v[i], x = (double)(r->raw.t_ms[i] - origin_ms) / 1e3;
        constant = constant && (i == r->low || y == first);
        kahan_add(x, &sum_x, &c_x);
        kahan_add(y, &sum_y, &c_y);
        kahan_add(x * y, &sum_xy, &c_xy);
        kahan_add(x * x, &sum_xx, &c_xx);
    }
    if (constant) {
        *slope = isinf(first) ? bits_double(NORMAL_NAN_BITS) : 0;
        *intercept = isinf(first) ? bits_double(NORMAL_NAN_BITS) : first;
        return;
    }
    double n = (double)window_count(r);
    sum_x += c_x;
    sum_y += c_y;
    sum_xy += c_xy;
    sum_xx += c_xx;
    double covariance = sum_xy - sum_x * sum_y / n;
    double deviation = sum_xx - sum_x * sum_x / n;
    *slope = covariance / deviation;
    *intercept = sum_y / n - *slope * sum_x / n;
}

void range_deriv(struct range_run *r)
{
    for (window_first(r); window_there(r); window_next(r)) {
        r->out[r->step] = ABSENT;
        if (window_count(r) < 2)
            continue;
        double slope, intercept;
        /* Any time near the samples keeps the sums small. */
        regression(r, r->raw.t_ms[r->low], &slope, &intercept);
        window_worked(r, window_count(r));
        r->out[r->step] = slope;
    }
}

void range_predict_linear(struct range_run *r)
{
    for (window_first(r); window_there(r); window_next(r)) {
        r->out[r->step] = ABSENT;
        if (window_count(r) < 2)
            continue;
        size_t step = r->first + r->step;
        double slope, intercept;
        regression(r, r->grid_start_ms + (int64_t)step * r->grid_step_ms, &slope, &intercept);
        window_worked(r, window_count(r));
        r->out[r->step] = slope * scalar_at(&r->scalars[0], step) + intercept;
    }
}

static double smooth(const double *v, size_t n, double factor, double trend_factor)
{
    double before = 0, level = v[0], trend = v[1] - v[0];
    for (size_t i = 1; i < n; i++) {
        if (i > 1)
            trend = trend_factor * (level - before) + (1 - trend_factor) * trend;
        double next = factor * v[i] + (1 - factor) * (level + trend);
        before = level;
        level = next;
    }
    return level;
}

static bool factor_check(struct range_run *r, const char *name, double factor)
{
    if (factor > 0 && factor < 1)
        return true;
    /* NaN passes, as it does in Prometheus. */
    if (isnan(factor))
        return true;
    r->status = eval_fault(r->ev, "invalid %s factor. Expected: 0 < %s < 1, got: %f", name,
                           name[0] == 's' ? "sf" : "tf", factor);
    return false;
}

void range_smoothing(struct range_run *r)
{
    for (window_first(r); window_there(r); window_next(r)) {
        r->out[r->step] = ABSENT;
        if (window_count(r) == 0)
            continue;
        window_worked(r, window_count(r));
        double factor = scalar_at(&r->scalars[0], r->first + r->step);
        double trend = scalar_at(&r->scalars[1], r->first + r->step);
        if (!factor_check(r, "smoothing", factor) || !factor_check(r, "trend", trend))
            return;
        if (window_count(r) > 1)
            r->out[r->step] = smooth(r->raw.v + r->low, window_count(r), factor, trend);
    }
}
