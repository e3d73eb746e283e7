/* What works on selected series as such: /series, /labels, /label/NAME/values and
 * /admin/tsdb/delete_series, each narrowed by match[] selectors and a time range. Done on the
 * workers. */
#include "api/call.h"
#include "api/prometheus_json.h"
#include "api/times.h"

#include "base/clock.h"
#include "base/json.h"
#include "promql/promql.h"

enum { MATCHES_MAX = 64, ANSWER_MAX_BYTES = 256 << 20 };

enum discovery { DISCOVER_SERIES, DISCOVER_LABELS, DISCOVER_VALUES, DELETE_SERIES };

struct discovery_job {
    struct call *call;
    enum discovery what;
    struct arena arena;
    struct expr *match[MATCHES_MAX];
    size_t n;
    int64_t start_ms, end_ms;
    struct buf answer;
    int http_status;
};

/* ---- on a worker ---- */

static int by_text(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static int by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct selected *)a)->labels,
                          ((const struct selected *)b)->labels);
}

/* Names or values of all selectors together, sorted, each once. */
static enum status texts(struct discovery_job *job, struct source *view, struct err *err)
{
    struct span name = job->what == DISCOVER_VALUES ? job->call->id : SPAN("");
    struct span *all = NULL;
    size_t count = 0;
    for (size_t i = 0; i < MAX(job->n, (size_t)1); i++) {
        size_t n_matchers = 0, n;
        struct span *some;
        const struct matcher *matchers =
            job->n ? promql_matchers(job->match[i], &n_matchers) : NULL;
        enum status st = view->label_values(view, name, matchers, n_matchers, job->start_ms,
                                            job->end_ms, &job->arena, &some, &n, err);
        if (st)
            return st;
        all = arena_grow(&job->arena, all, count * sizeof *all, (count + n) * sizeof *all);
        if (n)
            memcpy(all + count, some, n * sizeof *all);
        count += n;
    }
    if (count)
        qsort(all, count, sizeof *all, by_text);
    struct json j = json_to(&job->answer);
    json_begin_array(&j);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || !span_eq(all[i], all[i - 1]))
            json_span(&j, all[i]);
    json_end_array(&j);
    return OK;
}

static enum status series(struct discovery_job *job, struct source *view, struct err *err)
{
    struct selected *all = NULL;
    size_t count = 0;
    struct select_hints hints = {
        .start_ms = job->start_ms - 1, .end_ms = job->end_ms, .labels_only = true};
    for (size_t i = 0; i < job->n; i++) {
        size_t n_matchers, n;
        struct selected *some;
        const struct matcher *matchers = promql_matchers(job->match[i], &n_matchers);
        enum status st =
            view->select(view, matchers, n_matchers, &hints, &job->arena, &some, &n, err);
        if (st)
            return st;
        all = arena_grow(&job->arena, all, count * sizeof *all, (count + n) * sizeof *all);
        if (n)
            memcpy(all + count, some, n * sizeof *all);
        count += n;
    }
    if (count)
        qsort(all, count, sizeof *all, by_labels);
    buf_char(&job->answer, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && labels_eq(all[i].labels, all[i - 1].labels))
            continue;
        if (i > 0)
            buf_char(&job->answer, ',');
        prometheus_labels(&job->answer, all[i].labels);
    }
    buf_char(&job->answer, ']');
    return OK;
}

static void delete_selected(void *arg)
{
    struct discovery_job *job = arg;
    struct err err = {0};
    enum status st = OK;
    for (size_t i = 0; !st && i < job->n; i++) {
        size_t n;
        const struct matcher *matchers = promql_matchers(job->match[i], &n);
        st = store_delete(job->call->api->store, matchers, n, job->start_ms, job->end_ms, &err);
    }
    job->http_status = st ? prometheus_failure(&job->answer, st, &err) : 204;
}

static void discover(void *arg)
{
    struct discovery_job *job = arg;
    struct err err = {0};
    struct source *view = store_read_begin(job->call->api->store);
    buf_str(&job->answer, "{\"status\":\"success\",\"data\":");
    enum status st =
        job->what == DISCOVER_SERIES ? series(job, view, &err) : texts(job, view, &err);
    store_read_end(view);
    buf_char(&job->answer, '}');
    job->http_status = 200;
    if (st) {
        buf_clear(&job->answer);
        job->http_status = prometheus_failure(&job->answer, st, &err);
    }
}

/* ---- on the loop ---- */

static void job_free(struct discovery_job *job)
{
    for (size_t i = 0; i < job->n; i++)
        promql_free(job->match[i]);
    buf_free(&job->answer);
    arena_free(&job->arena);
    free(job);
}

static void answer(void *arg)
{
    struct discovery_job *job = arg;
    if (job->answer.failed) {
        buf_clear(&job->answer);
        job->http_status = prometheus_error(&job->answer, "execution", "the answer is too large");
    }
    if (job->http_status == 204)
        api_no_content(job->call);
    else
        http_reply(job->call->req, job->http_status, "application/json", buf_view(&job->answer));
    job_free(job);
}

static enum status take_matches(struct discovery_job *job, struct err *err)
{
    struct span texts_given[MATCHES_MAX];
    size_t n = http_request_params(job->call->req, "match[]", texts_given, MATCHES_MAX), ignored;
    for (size_t i = 0; i < n; i++) {
        enum status st = promql_parse(texts_given[i], &job->arena, &job->match[i], err);
        if (st)
            return err_prefix(err, "invalid parameter \"match[]\"");
        job->n = i + 1;
        if (!promql_matchers(job->match[i], &ignored))
            return err_set(err, INVALID,
                           "invalid parameter \"match[]\": %.*s is not a series selector",
                           (int)MIN(texts_given[i].len, (size_t)200), texts_given[i].at);
    }
    if (!n && (job->what == DISCOVER_SERIES || job->what == DELETE_SERIES))
        return err_set(err, INVALID, "no match[] parameter provided");
    return OK;
}

static void run(struct call *c, enum discovery what)
{
    struct discovery_job *job = mem_zero(1, sizeof *job);
    struct err err = {0};
    *job = (struct discovery_job){.call = c, .what = what, .end_ms = clock_wall_ms()};
    job->answer.max = ANSWER_MAX_BYTES;
    enum status st = take_matches(job, &err);
    if (!st)
        st = param_time(c->req, "start", &job->start_ms, &err);
    if (!st)
        st = param_time(c->req, "end", &job->end_ms, &err);
    if (!st && what == DISCOVER_VALUES && !label_name_valid(c->id))
        st = err_set(&err, INVALID, "invalid label name: \"%.*s\"", (int)MIN(c->id.len, (size_t)80),
                     c->id.at);
    if (st) {
        int status = prometheus_error(&job->answer, "bad_data", err.text);
        http_reply(c->req, status, "application/json", buf_view(&job->answer));
    } else if (!pool_submit(c->api->workers, what == DELETE_SERIES ? delete_selected : discover,
                            answer, c->api->loop, job)) {
        api_busy(c, "too many queries wait already");
    } else {
        return;
    }
    job_free(job);
}

void prometheus_series(struct call *c)
{
    run(c, DISCOVER_SERIES);
}

void prometheus_label_names(struct call *c)
{
    run(c, DISCOVER_LABELS);
}

void prometheus_label_values(struct call *c)
{
    run(c, DISCOVER_VALUES);
}

void prometheus_delete(struct call *c)
{
    struct err err = {0};
    struct span matches[1];
    if (http_request_params(c->req, "match[]", matches, 1) &&
        record_audit(c->api->record, clock_wall_ms(), span_of(c->who.name), SPAN("samples deleted"),
                     http_request_query(c->req), &err)) {
        api_failure(c, err.status, &err);
        return;
    }
    run(c, DELETE_SERIES);
}

void prometheus_buildinfo(struct call *c)
{
    auto_buf body = {0};
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_field(&j, "status", "success");
    json_key(&j, "data");
    json_begin_object(&j);
    /* Clients look at the version to know which API to expect. */
    json_field(&j, "version", "2.42.0");
    json_field(&j, "revision", "galen " GALEN_VERSION);
    json_end_object(&j);
    json_end_object(&j);
    api_json(c, 200, &body);
}

void prometheus_format(struct call *c)
{
    auto_arena arena = {0};
    auto_buf body = {0}, text = {0};
    struct span query = {0};
    struct err err = {0};
    struct expr *e;
    http_request_param(c->req, "query", &query);
    if (promql_parse(query, &arena, &e, &err)) {
        int status = prometheus_error(&body, "bad_data", err.text);
        http_reply(c->req, status, "application/json", buf_view(&body));
        return;
    }
    promql_print(&text, e);
    promql_free(e);
    struct json j = json_to(&body);
    json_begin_object(&j);
    json_field(&j, "status", "success");
    json_field_span(&j, "data", buf_view(&text));
    json_end_object(&j);
    api_json(c, 200, &body);
}
