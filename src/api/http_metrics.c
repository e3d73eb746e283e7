#include "api/http_metrics.h"
#include "api/routes.h"

#include "base/clock.h"
#include "series/exposition.h"

#include <stdio.h>

enum { BUCKETS = 10 };

static const double bounds_s[BUCKETS] = {0.001, 0.005, 0.025, 0.1, 0.4, 1, 3, 8, 20, 60};

/* Methods beyond these are counted as one: the label's values come from us alone. */
static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "OPTIONS", "other"};

struct answers {
    const char *handler;
    unsigned method;
    int status;
    uint64_t n;
};

struct duration {
    const char *handler;
    uint64_t below[BUCKETS]; /* or equal, not cumulative */
    uint64_t n;
    double sum_s;
};

struct http_metrics {
    struct answers *answers;
    size_t answers_n;
    struct duration *durations;
    size_t durations_n;
    unsigned in_flight;
};

struct http_metrics *http_metrics_open(void)
{
    return mem_zero(1, sizeof(struct http_metrics));
}

void http_metrics_close(struct http_metrics *m)
{
    if (!m)
        return;
    free(m->answers);
    free(m->durations);
    free(m);
}

void http_metrics_begin(struct http_metrics *m)
{
    m->in_flight++;
}

/* The path of the first row of the table with that path, so that a pointer can be compared. */
static const char *handler_of(const struct call *c)
{
    if (!c || !c->route)
        return "other";
    for (size_t i = 0; i < routes_n; i++)
        if (span_is(span_of(routes[i].path), c->route->path))
            return routes[i].path;
    return "other";
}

static unsigned method_of(struct span method)
{
    unsigned i = 0;
    while (i + 1 < COUNT(methods) && !span_is(method, methods[i]))
        i++;
    return i;
}

static void count_answer(struct http_metrics *m, const char *handler, unsigned method, int status)
{
    for (size_t i = 0; i < m->answers_n; i++) {
        struct answers *a = &m->answers[i];
        if (a->handler == handler && a->method == method && a->status == status) {
            a->n++;
            return;
        }
    }
    m->answers = mem_grow(m->answers, (m->answers_n + 1) * sizeof *m->answers);
    m->answers[m->answers_n++] = (struct answers){handler, method, status, 1};
}

static struct duration *duration_of(struct http_metrics *m, const char *handler)
{
    for (size_t i = 0; i < m->durations_n; i++)
        if (m->durations[i].handler == handler)
            return &m->durations[i];
    m->durations = mem_grow(m->durations, (m->durations_n + 1) * sizeof *m->durations);
    m->durations[m->durations_n] = (struct duration){.handler = handler};
    return &m->durations[m->durations_n++];
}

static void count_duration(struct http_metrics *m, const char *handler, double seconds)
{
    struct duration *d = duration_of(m, handler);
    size_t i = 0;
    while (i < BUCKETS && seconds > bounds_s[i])
        i++;
    if (i < BUCKETS)
        d->below[i]++;
    d->n++;
    d->sum_s += seconds;
}

void http_metrics_end(struct http_metrics *m, const struct call *c, struct span method, int status)
{
    static const char other[] = "other";
    const char *handler = c && c->route ? handler_of(c) : other;
    count_answer(m, handler, method_of(method), status);
    if (!c)
        return;
    count_duration(m, handler, (double)(clock_mono_ns() - c->begun_ns) / 1e9);
    m->in_flight -= c->in_flight;
}

/* ---- as text ---- */

static void put_answer(struct buf *out, const struct answers *a)
{
    char code[12];
    snprintf(code, sizeof code, "%d", a->status);
    struct label labels[] = {{SPAN(LABEL_NAME), SPAN("galen_http_requests_total")},
                             {SPAN("code"), span_of(code)},
                             {SPAN("handler"), span_of(a->handler)},
                             {SPAN("method"), span_of(methods[a->method])}};
    exposition_sample(out, (struct labels){labels, COUNT(labels)},
                      (struct sample){.v = (double)a->n}, false);
}

static void put_part(struct buf *out, const char *name, const char *handler, const char *le,
                     double v)
{
    struct label labels[] = {{SPAN(LABEL_NAME), span_of(name)},
                             {SPAN("handler"), span_of(handler)},
                             {SPAN("le"), span_of(le)}};
    exposition_sample(out, (struct labels){labels, le ? 3 : 2}, (struct sample){.v = v}, false);
}

static void put_duration(struct buf *out, const struct duration *d)
{
    uint64_t below = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        char le[32];
        snprintf(le, sizeof le, "%g", bounds_s[i]);
        below += d->below[i];
        put_part(out, "galen_http_request_duration_seconds_bucket", d->handler, le, (double)below);
    }
    put_part(out, "galen_http_request_duration_seconds_bucket", d->handler, "+Inf", (double)d->n);
    put_part(out, "galen_http_request_duration_seconds_sum", d->handler, NULL, d->sum_s);
    put_part(out, "galen_http_request_duration_seconds_count", d->handler, NULL, (double)d->n);
}

void http_metrics_write(const struct http_metrics *m, struct buf *out)
{
    struct label name = {SPAN(LABEL_NAME), SPAN("galen_http_requests_in_flight")};
    exposition_family(out, SPAN("galen_http_requests_total"), METRIC_COUNTER,
                      "Requests answered, by status code, handler and method.");
    for (size_t i = 0; i < m->answers_n; i++)
        put_answer(out, &m->answers[i]);
    exposition_family(out, SPAN("galen_http_request_duration_seconds"), METRIC_HISTOGRAM,
                      "From a request's head to the end of its answer, by handler.");
    for (size_t i = 0; i < m->durations_n; i++)
        put_duration(out, &m->durations[i]);
    exposition_family(out, name.value, METRIC_GAUGE, "Requests that handlers work on.");
    exposition_sample(out, (struct labels){&name, 1}, (struct sample){.v = m->in_flight}, false);
}
