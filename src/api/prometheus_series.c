/* What works on selected series as such: /series, /labels, /label/NAME/values and
 * /admin/tsdb/{delete_series,clean_tombstones}, each narrowed by match[] selectors and a time
 * range; /format_query and /parse_query. */
#include "api/prometheus_job.h"

#include "base/clock.h"
#include "base/json.h"

struct found {
    struct span *texts;
    struct selected *series;
    size_t n;
};

/* ---- on a worker ---- */

static void apply_limit(struct prometheus_job *job, size_t *n)
{
    job->cut = job->limit && *n > job->limit;
    if (job->cut)
        *n = job->limit;
}

static enum status find_texts(struct prometheus_job *job, struct span name, struct err *err)
{
    struct found *f = job->state = ARENA_NEW(&job->arena, struct found);
    enum status st = prometheus_job_texts(job, name, &f->texts, &f->n, err);
    apply_limit(job, &f->n);
    return st;
}

static enum status find_names(struct prometheus_job *job, struct err *err)
{
    return find_texts(job, SPAN(""), err);
}

static enum status find_values(struct prometheus_job *job, struct err *err)
{
    return find_texts(job, label_name_unescape(&job->arena, job->call->id), err);
}

static enum status find_series(struct prometheus_job *job, struct err *err)
{
    struct found *f = job->state = ARENA_NEW(&job->arena, struct found);
    struct select_hints hints = {
        .start_ms = job->start_ms - 1, .end_ms = job->end_ms, .labels_only = true};
    enum status st = prometheus_job_select(job, &hints, &f->series, &f->n, err);
    apply_limit(job, &f->n);
    return st;
}

/* The list of either kind, from where the last piece ended. */
static bool write_found(struct prometheus_job *job, struct buf *out, size_t enough)
{
    const struct found *f = job->state;
    if (job->at == 0) {
        prometheus_data_begin(out);
        buf_char(out, '[');
    }
    for (; job->at < f->n; job->at++) {
        if (out->len >= enough)
            return false;
        if (job->at)
            buf_char(out, ',');
        if (f->series) {
            prometheus_labels(out, f->series[job->at].labels);
        } else {
            struct json j = json_to(out);
            json_span(&j, f->texts[job->at]);
        }
    }
    buf_char(out, ']');
    prometheus_data_end(job, out);
    return true;
}

static enum status delete_selected(struct prometheus_job *job, struct err *err)
{
    enum status st = OK;
    for (size_t i = 0; !st && i < job->n; i++) {
        size_t n;
        const struct matcher *matchers = promql_matchers(job->match[i], &n);
        st = store_delete(job->call->api->store, matchers, n, job->start_ms, job->end_ms, err);
    }
    return st;
}

static enum status clean(struct prometheus_job *job, struct err *err)
{
    return store_clean_tombstones(job->call->api->store, err);
}

/* ---- on the loop ---- */

static void discover(struct call *c, bool needs_match, prometheus_prepare find)
{
    struct prometheus_job *job = prometheus_job_new(c);
    struct err err = {0};
    enum status st = prometheus_job_range(job, &err);
    if (!st)
        st = prometheus_job_matches(job, needs_match, &err);
    if (st)
        prometheus_job_refuse(job, &err);
    else
        prometheus_job_run(job, find, write_found);
}

void prometheus_series(struct call *c)
{
    discover(c, true, find_series);
}

void prometheus_label_names(struct call *c)
{
    discover(c, false, find_names);
}

void prometheus_label_values(struct call *c)
{
    struct err err = {0};
    if (c->id.len && utf8_valid(c->id)) { /* any text names a label, as in Prometheus 3 */
        discover(c, false, find_values);
        return;
    }
    err_set(&err, INVALID, "invalid label name: \"%.*s\"", (int)MIN(c->id.len, (size_t)80),
            c->id.at);
    prometheus_reply_error(c->req, "bad_data", &err);
}

void prometheus_delete(struct call *c)
{
    struct prometheus_job *job = prometheus_job_new(c);
    struct err err = {0};
    job->start_ms = 0;
    job->end_ms = clock_wall_ms();
    if (prometheus_job_matches(job, true, &err) || prometheus_job_range(job, &err)) {
        prometheus_job_refuse(job, &err);
        return;
    }
    if (record_audit(c->api->record, clock_wall_ms(), span_of(c->who.name), SPAN("samples deleted"),
                     http_request_query(c->req), &err)) {
        prometheus_job_refuse(job, &err);
        return;
    }
    prometheus_job_run(job, delete_selected, NULL);
}

void prometheus_clean(struct call *c)
{
    struct err err = {0};
    if (record_audit(c->api->record, clock_wall_ms(), span_of(c->who.name),
                     SPAN("space of deleted samples given back"), SPAN(""), &err))
        api_failure(c, err.status, &err);
    else
        prometheus_job_run(prometheus_job_new(c), clean, NULL);
}

/* The parameter query as a tree; replies and returns NULL when it does not parse. */
static struct expr *parsed(struct call *c, struct arena *arena)
{
    struct span query = {0};
    struct err err = {0};
    struct expr *e;
    http_request_param(c->req, "query", &query);
    if (!promql_parse(query, arena, &e, &err))
        return e;
    err_prefix(&err, "invalid parameter \"query\"");
    prometheus_reply_error(c->req, "bad_data", &err);
    return NULL;
}

void prometheus_parse(struct call *c)
{
    auto_arena arena = {0};
    auto_buf data = {0};
    struct expr *e = parsed(c, &arena);
    if (!e)
        return;
    promql_tree(&data, e);
    promql_free(e);
    prometheus_reply_data(c->req, buf_view(&data));
}

void prometheus_format(struct call *c)
{
    auto_arena arena = {0};
    auto_buf data = {0}, text = {0};
    struct expr *e = parsed(c, &arena);
    if (!e)
        return;
    promql_print(&text, e);
    promql_free(e);
    struct json j = json_to(&data);
    json_span(&j, buf_view(&text));
    prometheus_reply_data(c->req, buf_view(&data));
}
