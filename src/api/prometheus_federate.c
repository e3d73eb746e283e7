/* GET /federate: the latest value of every series that match[] selects, as text, as Prometheus
 * has it: sorted, one "untyped" family for each name, with times. */
#include "api/prometheus_job.h"

#include "base/clock.h"
#include "series/exposition.h"

struct federation {
    struct selected *series;
    size_t n;
    struct select_hints hints;
    struct span family; /* that was begun last */
};

/* By name first: a label that sorts before __name__ must not tear a family apart. */
static int by_name(const void *a, const void *b)
{
    struct labels x = ((const struct selected *)a)->labels,
                  y = ((const struct selected *)b)->labels;
    int order = span_compare(labels_metric(x), labels_metric(y));
    return order ? order : labels_compare(x, y);
}

static enum status find(struct prometheus_job *job, struct err *err)
{
    struct federation *f = job->state = ARENA_NEW(&job->arena, struct federation);
    f->hints = (struct select_hints){
        .start_ms = job->start_ms, .end_ms = job->end_ms, .func = SPAN("last_over_time")};
    enum status st = prometheus_job_select(job, &f->hints, &f->series, &f->n, err);
    if (f->n)
        qsort(f->series, f->n, sizeof *f->series, by_name);
    return st;
}

/* Prometheus adds instance="" where there is none, so that who scrapes this does not put its own
 * address there. */
static void write_sample(struct buf *out, struct labels labels, struct sample sample)
{
    struct label_builder b;
    if (!labels_get(labels, SPAN("instance")).len && labels.n < LABELS_MAX) {
        for (b.n = 0; b.n < labels.n; b.n++)
            b.at[b.n] = labels.at[b.n];
        b.at[b.n++] = (struct label){SPAN("instance"), SPAN("")};
        labels = (struct labels){b.at, b.n};
    }
    exposition_sample(out, labels, sample, true);
}

static bool write(struct prometheus_job *job, struct buf *out, size_t enough)
{
    struct federation *f = job->state;
    for (; job->at < f->n; job->at++) {
        if (out->len >= enough)
            return false;
        struct selected *s = &f->series[job->at];
        struct err err = {0};
        arena_reset(&job->scratch);
        job->broken = job->view->read(job->view, s, &f->hints, &job->scratch, &err) != OK;
        if (job->broken)
            return true;
        size_t n = s->n;
        while (n && s->t_ms[n - 1] > job->end_ms)
            n--;
        if (!n || s->t_ms[n - 1] <= job->start_ms || is_stale(s->v[n - 1]))
            continue;
        struct span name = labels_metric(s->labels);
        if (!span_eq(name, f->family))
            buf_printf(out, "# TYPE %.*s untyped\n", SPAN_ARG(name));
        f->family = name;
        write_sample(out, s->labels, (struct sample){s->t_ms[n - 1], s->v[n - 1]});
    }
    return true;
}

void prometheus_federate(struct call *c)
{
    struct prometheus_job *job = prometheus_job_new(c);
    struct err err = {0};
    job->out.content_type = "text/plain; version=0.0.4; charset=utf-8";
    job->end_ms = clock_wall_ms();
    job->start_ms = job->end_ms - c->api->limits.lookback_ms;
    if (prometheus_job_matches(job, false, &err)) {
        /* Prometheus answers this one in plain text. */
        err_prefix(&err, "cannot federate");
        prometheus_job_refuse(job, &err);
        return;
    }
    prometheus_job_run(job, find, write);
}
