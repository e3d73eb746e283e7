/* Classic histograms: histogram_quantile and histogram_fraction over series with the label le. */
#include "promql/call.h"
#include "promql/projection.h"
#include "promql/range.h"

#include <math.h>
#include <time.h>

struct bucket {
    double bound, count;
};

/* The series of one histogram, by rising bound. */
struct histogram {
    struct labels labels;
    struct {
        double bound;
        const struct series *series;
    } * at;
    size_t n;
};

struct histograms {
    struct histogram *at;
    size_t n;
};

static int compare_bounds(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static bool bound_of(struct eval *ev, size_t pos, const struct series *s, double *out)
{
    struct span le = labels_get(s->labels, SPAN("le"));
    if (le.len > 0 && span_double(le, out))
        return true;
    struct span name = labels_metric(s->labels);
    bool named = ev->q->delayed_name_removal && name.len > 0;
    eval_warn(ev, pos,
              "bucket label \"le\" is missing or has a malformed value of \"%.*s\"%s%.*s%s",
              SPAN_ARG(le), named ? " for metric name \"" : "", named ? (int)name.len : 0, name.at,
              named ? "\"" : "");
    return false;
}

static void gather(struct eval *ev, size_t pos, const struct vector *v, struct histograms *out)
{
    static const struct span le[] = {{"le", 2}};
    struct group_table groups;
    groups_init(&groups, ev->arena, (struct projection){.names = {le, 1}, .keep_metric = true},
                v->n);
    uint32_t *ids = arena_alloc(ev->arena, (v->n + 1) * sizeof *ids);
    double *bounds = arena_alloc(ev->arena, (v->n + 1) * sizeof *bounds);
    for (size_t i = 0; i < v->n; i++)
        ids[i] = bound_of(ev, pos, &v->at[i], &bounds[i]) ? groups_add(&groups, v->at[i].labels)
                                                          : GROUP_NONE;
    out->n = groups.n;
    out->at = ARENA_ARRAY(ev->arena, struct histogram, groups.n);
    for (size_t i = 0; i < v->n; i++)
        if (ids[i] != GROUP_NONE)
            out->at[ids[i]].n++;
    for (size_t i = 0; i < groups.n; i++) {
        struct histogram *h = &out->at[i];
        h->labels = projection_apply(&groups.projection, ev->arena, groups.first[i]);
        h->at = arena_alloc(ev->arena, h->n * sizeof *h->at);
        h->n = 0;
    }
    for (size_t i = 0; i < v->n; i++) {
        if (ids[i] == GROUP_NONE)
            continue;
        struct histogram *h = &out->at[ids[i]];
        h->at[h->n].bound = bounds[i];
        h->at[h->n++].series = &v->at[i];
    }
    for (size_t i = 0; i < groups.n; i++)
        qsort(out->at[i].at, out->at[i].n, sizeof *out->at[i].at, compare_bounds);
}

/* The buckets that have a value at the step, those of equal bound added up. */
static size_t buckets_at(const struct histogram *h, size_t step, struct bucket *out)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        double count = series_at(h->at[i].series, step);
        if (is_absent(count))
            continue;
        if (n > 0 && out[n - 1].bound == h->at[i].bound)
            out[n - 1].count += count;
        else
            out[n++] = (struct bucket){h->at[i].bound, count};
    }
    return n;
}

/* ---- quantiles ---- */

static bool almost_equal(double a, double b)
{
    const double tolerance = 1e-12, least = 0x1p-1022;
    if (a == b || (isnan(a) && isnan(b)))
        return true;
    double sum = fabs(a) + fabs(b), diff = fabs(a - b);
    if (a == 0 || b == 0 || sum < least)
        return diff < tolerance * least;
    return diff / fmin(sum, 1.7976931348623157e308) < tolerance;
}

/* What had to be changed so that counts do not fall from bucket to bucket. */
struct forced {
    bool any;
    double low, high, most;
};

static void make_monotonic(struct bucket *b, size_t n, struct forced *forced)
{
    double before = b[0].count;
    for (size_t i = 1; i < n; i++) {
        double count = b[i].count;
        if (count == before)
            continue;
        if (almost_equal(before, count)) { /* rounding in earlier sums */
            b[i].count = before;
        } else if (count < before) {
            b[i].count = before;
            forced->any = true;
            forced->low = fmin(forced->low, b[i].bound);
            forced->high = fmax(forced->high, b[i].bound);
            forced->most = fmax(forced->most, before - count);
        } else {
            before = count;
        }
    }
}

static double quantile(double q, struct bucket *b, size_t n, struct forced *forced)
{
    double none = bits_double(NORMAL_NAN_BITS);
    if (isnan(q))
        return none;
    if (q < 0 || q > 1)
        return q < 0 ? -INFINITY : INFINITY;
    if (!(isinf(b[n - 1].bound) && b[n - 1].bound > 0))
        return none;
    make_monotonic(b, n, forced);
    if (n < 2 || b[n - 1].count == 0)
        return none;
    double rank = q * b[n - 1].count;
    size_t low = 0, high = n - 1; /* the first of n - 1 buckets whose count reaches the rank */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (b[mid].count >= rank)
            high = mid;
        else
            low = mid + 1;
    }
    if (low == n - 1)
        return b[n - 2].bound;
    if (low == 0 && b[0].bound <= 0)
        return b[0].bound;
    double start = 0, count = b[low].count;
    if (low > 0) {
        start = b[low - 1].bound;
        count -= b[low - 1].count;
        rank -= b[low - 1].count;
    }
    return start + (b[low].bound - start) * (rank / count);
}

/* One info for each histogram's name, with what was met at all its steps. */
struct forced_note {
    struct forced forced;
    size_t samples;
    int64_t first_ms, last_ms;
};

static void inform_forced(struct eval *ev, size_t pos, struct span name,
                          const struct forced_note *n)
{
    char first[32], last[32];
    struct tm tm;
    time_t t = (time_t)(n->first_ms / 1000);
    strftime(first, sizeof first, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    t = (time_t)(n->last_ms / 1000);
    strftime(last, sizeof last, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    bool named = ev->q->delayed_name_removal && name.len > 0;
    eval_inform(ev, pos,
                "input to histogram_quantile needed to be fixed for monotonicity (see "
                "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                "#histogram_quantile)%s%.*s%s, from buckets %s to %s, with a max diff of %.2g, "
                "over %zu samples from %s to %s",
                named ? " for metric name \"" : "", named ? (int)name.len : 0, name.at,
                named ? "\"" : "", number_text(ev, n->forced.low), number_text(ev, n->forced.high),
                n->forced.most, n->samples, first, last);
}

static void quantile_steps(struct eval *ev, const struct histogram *h, const struct scalar *q,
                           const struct grid *g, struct bucket *b, double *out, size_t pos)
{
    struct forced_note note = {.forced = {.low = INFINITY, .high = -INFINITY}};
    for (size_t i = 0; i < g->n; i++) {
        size_t n = buckets_at(h, i, b);
        note.forced.any = false;
        out[i] = n == 0 ? ABSENT : quantile(scalar_at(q, i), b, n, &note.forced);
        if (!note.forced.any)
            continue;
        note.last_ms = grid_time(g, i);
        note.first_ms = note.samples++ == 0 ? note.last_ms : note.first_ms;
    }
    if (note.samples > 0)
        inform_forced(ev, pos, labels_metric(h->labels), &note);
}

static void warn_quantile(struct eval *ev, size_t pos, const struct scalar *q, const struct grid *g)
{
    for (size_t i = 0; i < (q->v ? g->n : 1); i++) {
        double v = scalar_at(q, i);
        if (!(v >= 0 && v <= 1))
            eval_warn(ev, pos, "quantile value should be between 0 and 1, got %s",
                      number_text(ev, v));
    }
}

static size_t most_buckets(const struct histograms *all)
{
    size_t most = 0;
    for (size_t i = 0; i < all->n; i++)
        most = MAX(most, all->at[i].n);
    return most;
}

CALL(histogram_quantile)
{
    const struct scalar *q = &args[0].scalar;
    size_t pos = e->call.args[1]->pos;
    struct histograms all;
    warn_quantile(ev, e->call.args[0]->pos, q, g);
    gather(ev, pos, &args[1].vector, &all);
    struct bucket *b = arena_alloc(ev->arena, (most_buckets(&all) + 1) * sizeof *b);
    out->vector.at = ARENA_ARRAY(ev->arena, struct series, all.n);
    out->vector.n = all.n;
    for (size_t i = 0; i < all.n; i++) {
        struct series *s = &out->vector.at[i];
        *s = (struct series){.labels = all.at[i].labels, .n = (uint32_t)g->n};
        enum status st = eval_tick(ev);
        if (!st)
            st = eval_values(ev, g->n, &s->v);
        if (st)
            return st;
        quantile_steps(ev, &all.at[i], q, g, b, s->v, pos);
    }
    return vector_drop_names(ev, &out->vector, false);
}

/* ---- fractions ---- */

/* How many observations lie below v: linear inside its bucket, and nothing of a bucket without
 * an end. */
static double rank_of(double v, const struct bucket *b, size_t n)
{
    double below = 0, start = b[0].bound <= 0 ? -INFINITY : 0, all = b[n - 1].count;
    for (size_t i = 0; i < n; i++) {
        if (start >= v)
            return fmin(below, all);
        if (b[i].bound > v && isinf(start))
            return fmin(b[i].count, all);
        if (b[i].bound > v)
            return fmin(below + (b[i].count - below) * (v - start) / (b[i].bound - start), all);
        below = b[i].count;
        start = b[i].bound;
    }
    return all;
}

static double fraction(double lower, double upper, struct bucket *b, size_t n)
{
    double none = bits_double(NORMAL_NAN_BITS), all = b[n - 1].count;
    if (!(isinf(b[n - 1].bound) && b[n - 1].bound > 0))
        return none;
    if (all == 0 || isnan(lower) || isnan(upper))
        return none;
    if (lower >= upper)
        return 0;
    return (rank_of(upper, b, n) - rank_of(lower, b, n)) / all;
}

CALL(histogram_fraction)
{
    struct histograms all;
    gather(ev, e->call.args[2]->pos, &args[2].vector, &all);
    struct bucket *b = arena_alloc(ev->arena, (most_buckets(&all) + 1) * sizeof *b);
    out->vector.at = ARENA_ARRAY(ev->arena, struct series, all.n);
    out->vector.n = all.n;
    for (size_t i = 0; i < all.n; i++) {
        struct series *s = &out->vector.at[i];
        *s = (struct series){.labels = all.at[i].labels, .n = (uint32_t)g->n};
        enum status st = eval_tick(ev);
        if (!st)
            st = eval_values(ev, g->n, &s->v);
        if (st)
            return st;
        for (size_t k = 0; k < g->n; k++) {
            size_t n = buckets_at(&all.at[i], k, b);
            s->v[k] = n == 0 ? ABSENT
                             : fraction(scalar_at(&args[0].scalar, k),
                                        scalar_at(&args[1].scalar, k), b, n);
        }
    }
    return vector_drop_names(ev, &out->vector, false);
}
