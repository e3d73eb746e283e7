/* Where the samples come from, as Prometheus tells it: targets (the hosts that are known),
 * scrape pools, metadata of metrics and of targets' metrics, alertmanagers. */
#include "api/link.h"
#include "api/metadata.h"
#include "api/prometheus_job.h"

#include "base/clock.h"
#include "base/json.h"
#include "record/record.h"

#define JOB "node" /* what agents send as label job */

/* ---- parameters ---- */

/* -1: none, as Prometheus has it; 0 is a limit too. */
static enum status signed_limit(struct http_request *req, const char *name, int64_t *out,
                                struct err *err)
{
    struct span text;
    *out = -1;
    if (!http_request_param(req, name, &text) || !text.len || span_i64(text, out))
        return OK;
    return err_set(err, INVALID, "%s must be a number", name);
}

/* ---- targets ---- */

static void put_target_labels(struct json *j, const struct host_row *h)
{
    json_begin_object(j);
    json_field_span(j, "instance", h->name);
    json_field(j, "job", JOB);
    json_end_object(j);
}

/* Agents push: there is no address to scrape and no interval that is the server's. */
static void put_target(struct json *j, const struct host_row *h, bool silent)
{
    char seen[TIME_TEXT_MAX];
    json_begin_object(j);
    json_key(j, "discoveredLabels");
    json_begin_object(j);
    json_field_span(j, "__address__", h->name);
    json_field(j, "job", JOB);
    json_end_object(j);
    json_key(j, "labels");
    put_target_labels(j, h);
    json_field(j, "scrapePool", JOB);
    json_field(j, "scrapeUrl", "");
    json_field(j, "globalUrl", "");
    json_field(j, "lastError", silent ? "nothing has come from the agent" : "");
    json_field(j, "lastScrape", clock_rfc3339(h->last_seen_ms, seen));
    json_field_double(j, "lastScrapeDuration", 0);
    json_field(j, "health", silent ? "down" : "up");
    json_field(j, "scrapeInterval", "");
    json_field(j, "scrapeTimeout", "");
    json_end_object(j);
}

struct targets {
    struct host_row *hosts;
    bool *silent;
    size_t n;
    bool active;
};

static bool write_targets(struct prometheus_job *job, struct buf *out, size_t enough)
{
    const struct targets *t = job->state;
    if (job->at == 0) {
        prometheus_data_begin(out);
        buf_str(out, "{\"activeTargets\":[");
    }
    for (; t->active && job->at < t->n; job->at++) {
        if (out->len >= enough)
            return false;
        if (job->at)
            buf_char(out, ',');
        struct json j = json_to(out);
        put_target(&j, &t->hosts[job->at], t->silent[job->at]);
    }
    buf_str(out, "],\"droppedTargets\":[]}");
    prometheus_data_end(job, out);
    return true;
}

/* How long a host may be silent is known on the loop. */
static enum status find_targets(struct prometheus_job *job, struct targets *t, struct err *err)
{
    const struct api *a = job->call->api;
    enum status st = record_hosts(a->record, &job->arena, &t->hosts, &t->n, err);
    if (st)
        return st;
    t->silent = ARENA_ARRAY(&job->arena, bool, t->n + 1);
    for (size_t i = 0; i < t->n; i++)
        t->silent[i] =
            clock_wall_ms() - t->hosts[i].last_seen_ms > links_silent_ms(a->links, t->hosts[i].id);
    return OK;
}

void prometheus_targets(struct call *c)
{
    struct prometheus_job *job = prometheus_job_new(c);
    struct targets *t = job->state = ARENA_NEW(&job->arena, struct targets);
    struct span state;
    struct err err = {0};
    t->active =
        !http_request_param(c->req, "state", &state) || !span_eq_nocase(state, SPAN("dropped"));
    if (find_targets(job, t, &err))
        prometheus_job_refuse(job, &err);
    else
        prometheus_job_run(job, NULL, write_targets);
}

void prometheus_alertmanagers(struct call *c)
{
    prometheus_reply_data(c->req, SPAN("{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}"));
}

/* ---- scrape pools: the jobs that there are ---- */

struct texts {
    struct span *at;
    size_t n;
};

static enum status find_jobs(struct prometheus_job *job, struct err *err)
{
    struct texts *t = job->state = ARENA_NEW(&job->arena, struct texts);
    return prometheus_job_texts(job, SPAN("job"), &t->at, &t->n, err);
}

static bool write_jobs(struct prometheus_job *job, struct buf *out, size_t enough UNUSED)
{
    const struct texts *t = job->state;
    struct json j = json_to(out);
    prometheus_data_begin(out);
    buf_str(out, "{\"scrapePools\":");
    json_begin_array(&j);
    for (size_t i = 0; i < t->n; i++)
        json_span(&j, t->at[i]);
    json_end_array(&j);
    buf_char(out, '}');
    prometheus_data_end(job, out);
    return true;
}

void prometheus_scrape_pools(struct call *c)
{
    prometheus_job_run(prometheus_job_new(c), find_jobs, write_jobs);
}

/* ---- metadata ---- */

struct metadata_call {
    struct span metric; /* empty: all */
    int64_t limit;
    struct metadata_entry *entries;
    size_t n;
    struct span target; /* targets/metadata: match_target */
    struct host_row *hosts;
    size_t hosts_n, host;
    bool any;
};

static int by_entry(const void *a, const void *b)
{
    return span_compare(((const struct metadata_entry *)a)->name,
                        ((const struct metadata_entry *)b)->name);
}

/* Of what is stored and of what writers told, sorted, each family once. */
static enum status find_metadata(struct prometheus_job *job, struct err *err)
{
    struct metadata_call *m = job->state;
    struct metadata *known = job->call->api->metadata;
    struct span *names;
    size_t n, kept = 0;
    enum status st = prometheus_job_texts(job, SPAN(LABEL_NAME), &names, &n, err);
    if (st)
        return st;
    struct metadata_entry *told;
    size_t told_n = metadata_told(known, &job->arena, &told);
    struct metadata_entry *all = ARENA_ARRAY(&job->arena, struct metadata_entry, n + told_n + 1);
    if (told_n)
        memcpy(all, told, told_n * sizeof *all);
    size_t count = told_n;
    for (size_t i = 0; i < n; i++)
        count += metadata_find(known, names[i], &job->arena, &all[count]);
    qsort(all, count, sizeof *all, by_entry);
    for (size_t i = 0; i < count; i++)
        if ((!m->metric.len || span_eq(all[i].name, m->metric)) &&
            (kept == 0 || !span_eq(all[i].name, all[kept - 1].name)))
            all[kept++] = all[i];
    m->entries = all;
    m->n = m->limit >= 0 ? MIN(kept, (size_t)m->limit) : kept;
    return OK;
}

static void put_meaning(struct json *j, const struct metadata_entry *e)
{
    json_field_span(j, "type", span_is(e->type, "untyped") ? SPAN("unknown") : e->type);
    json_field_span(j, "help", e->help);
    json_field_span(j, "unit", e->unit);
}

static bool write_metadata(struct prometheus_job *job, struct buf *out, size_t enough)
{
    const struct metadata_call *m = job->state;
    if (job->at == 0) {
        prometheus_data_begin(out);
        buf_char(out, '{');
    }
    for (; job->at < m->n; job->at++) {
        if (out->len >= enough)
            return false;
        struct json j = json_to(out);
        if (job->at)
            buf_char(out, ',');
        json_span(&j, m->entries[job->at].name);
        buf_str(out, ":[");
        j = json_to(out);
        json_begin_object(&j);
        put_meaning(&j, &m->entries[job->at]);
        json_end_object(&j);
        buf_char(out, ']');
    }
    buf_char(out, '}');
    prometheus_data_end(job, out);
    return true;
}

void prometheus_metadata(struct call *c)
{
    struct prometheus_job *job = prometheus_job_new(c);
    struct metadata_call *m = job->state = ARENA_NEW(&job->arena, struct metadata_call);
    struct err err = {0};
    int64_t per_metric; /* each has one meaning here */
    http_request_param(c->req, "metric", &m->metric);
    if (signed_limit(c->req, "limit", &m->limit, &err) ||
        signed_limit(c->req, "limit_per_metric", &per_metric, &err))
        prometheus_job_refuse(job, &err);
    else
        prometheus_job_run(job, find_metadata, write_metadata);
}

/* ---- metadata of targets ---- */

static bool target_matches(const struct prometheus_job *job, const struct host_row *h)
{
    struct label labels[] = {{SPAN("instance"), h->name}, {SPAN("job"), SPAN(JOB)}};
    size_t n = 0;
    const struct matcher *matchers = job->n ? promql_matchers(job->match[0], &n) : NULL;
    return matchers_match(matchers, n, (struct labels){labels, COUNT(labels)});
}

/* The hosts that match, and only those. */
static enum status find_target_metadata(struct prometheus_job *job, struct err *err)
{
    struct metadata_call *m = job->state;
    size_t kept = 0, matches = job->n;
    enum status st = record_hosts(job->call->api->record, &job->arena, &m->hosts, &m->hosts_n, err);
    for (size_t i = 0; !st && i < m->hosts_n; i++)
        if (target_matches(job, &m->hosts[i]))
            m->hosts[kept++] = m->hosts[i];
    m->hosts_n = kept;
    int64_t limit = m->limit;
    m->limit = -1;
    job->n = 0; /* match_target says nothing about series */
    if (!st)
        st = find_metadata(job, err);
    job->n = matches;
    m->limit = limit;
    return st;
}

static bool write_target_metadata(struct prometheus_job *job, struct buf *out, size_t enough)
{
    struct metadata_call *m = job->state;
    size_t all = m->n * m->hosts_n; /* pairs */
    if (m->limit >= 0)
        all = MIN(all, (size_t)m->limit);
    if (job->at == 0) {
        prometheus_data_begin(out);
        buf_char(out, '[');
    }
    for (; job->at < all; job->at++) {
        if (out->len >= enough)
            return false;
        const struct metadata_entry *e = &m->entries[job->at % m->n];
        struct json j = json_to(out);
        if (job->at)
            buf_char(out, ',');
        json_begin_object(&j);
        json_key(&j, "target");
        put_target_labels(&j, &m->hosts[job->at / m->n]);
        if (!m->metric.len)
            json_field_span(&j, "metric", e->name);
        put_meaning(&j, e);
        json_end_object(&j);
    }
    buf_char(out, ']');
    prometheus_data_end(job, out);
    return true;
}

void prometheus_targets_metadata(struct call *c)
{
    struct prometheus_job *job = prometheus_job_new(c);
    struct metadata_call *m = job->state = ARENA_NEW(&job->arena, struct metadata_call);
    struct err err = {0};
    struct span target;
    size_t ignored;
    enum status st = signed_limit(c->req, "limit", &m->limit, &err);
    http_request_param(c->req, "metric", &m->metric);
    if (!st && http_request_param(c->req, "match_target", &target) && target.len) {
        st = promql_parse(target, &job->arena, &job->match[0], &err);
        job->n = !st;
        if (!st && !promql_matchers(job->match[0], &ignored))
            st = err_set(&err, INVALID, "match_target is not a series selector");
        if (st)
            err_prefix(&err, "invalid parameter \"match_target\"");
    }
    if (st)
        prometheus_job_refuse(job, &err);
    else
        prometheus_job_run(job, find_target_metadata, write_target_metadata);
}

/* ---- exemplars: remote write 1.0 brings none that are kept ---- */

void prometheus_exemplars(struct call *c)
{
    auto_arena arena = {0};
    struct span query = {0};
    struct err err = {0};
    struct expr *e;
    http_request_param(c->req, "query", &query);
    if (promql_parse(query, &arena, &e, &err)) {
        err_prefix(&err, "invalid parameter \"query\"");
        prometheus_reply_error(c->req, "bad_data", &err);
        return;
    }
    promql_free(e);
    prometheus_reply_data(c->req, SPAN("[]"));
}
