/* Prometheus's query API: parameters in, Prometheus's exact JSON out. The evaluation runs on
 * the workers, one arena and one view of the store for each query. */
#include "api/call.h"
#include "api/prometheus_json.h"
#include "api/times.h"

#include "base/clock.h"
#include "promql/promql.h"

#include <math.h>

enum {
    QUERY_TIMEOUT_DEFAULT_MS = 30000,
    QUERY_TIMEOUT_MAX_MS = 120000,
    QUERY_ANSWER_MAX_BYTES = 512 << 20,
};

struct query_job {
    struct http_request *req;
    struct store *store;
    struct arena arena;
    struct span text;
    struct query query;
    struct buf answer;
    int http_status;
};

static void run_query(void *arg)
{
    struct query_job *job = arg;
    struct err err = {0};
    struct expr *expr;
    struct result result = {0};
    enum status st = promql_parse(job->text, &job->arena, &expr, &err);
    if (st) {
        job->http_status = prometheus_error(&job->answer, "bad_data", err.text);
        return;
    }
    job->query.expr = expr;
    struct source *view = store_read_begin(job->store);
    st = promql_eval(&job->query, view, &job->arena, &result, &err);
    if (st)
        job->http_status = prometheus_failure(&job->answer, st, &err);
    else
        job->http_status = prometheus_result(&job->answer, &result);
    store_read_end(view);
    promql_free(expr);
}

static void answer_query(void *arg)
{
    struct query_job *job = arg;
    if (job->answer.failed) {
        buf_clear(&job->answer);
        job->http_status = prometheus_error(&job->answer, "execution",
                                            "the answer is too large; ask for fewer series, a "
                                            "shorter range or a longer step");
    }
    http_reply(job->req, job->http_status, "application/json", buf_view(&job->answer));
    buf_free(&job->answer);
    arena_free(&job->arena);
    free(job);
}

static void refuse(struct call *c, const struct err *err)
{
    auto_buf body = {0};
    int status = prometheus_error(&body, "bad_data", err->text);
    http_reply(c->req, status, "application/json", buf_view(&body));
}

/* timeout=30s: how long this query may run at most. */
static enum status timeout_of(struct call *c, int64_t *out, struct err *err)
{
    int64_t ms = QUERY_TIMEOUT_DEFAULT_MS;
    enum status st = param_duration(c->req, "timeout", &ms, err);
    *out = MIN(ms, (int64_t)QUERY_TIMEOUT_MAX_MS);
    return st;
}

static enum status take_text(struct call *c, struct query_job *job, struct err *err)
{
    struct span text;
    if (!http_request_param(c->req, "query", &text) || !text.len)
        return err_set(err, INVALID, "invalid parameter \"query\": a PromQL expression is missing");
    job->text = arena_span(&job->arena, text);
    int64_t timeout_ms;
    enum status st = timeout_of(c, &timeout_ms, err);
    job->query.deadline_mono_ms = clock_mono_ms() + timeout_ms;
    return st;
}

static enum status take_instant(struct call *c, struct query_job *job, struct err *err)
{
    job->query.start_ms = clock_wall_ms();
    enum status st = param_time(c->req, "time", &job->query.start_ms, err);
    job->query.end_ms = job->query.start_ms;
    return st;
}

static enum status take_range(struct call *c, struct query_job *job, struct err *err)
{
    struct query *q = &job->query;
    enum status st;
    if ((st = param_time_needed(c->req, "start", &q->start_ms, err)) ||
        (st = param_time_needed(c->req, "end", &q->end_ms, err)) ||
        (st = param_duration_needed(c->req, "step", &q->step_ms, err)))
        return st;
    if (q->end_ms < q->start_ms)
        return err_set(err, INVALID,
                       "invalid parameter \"end\": end timestamp must not be "
                       "before start time");
    if (q->step_ms <= 0)
        return err_set(err, INVALID,
                       "invalid parameter \"step\": zero or negative query resolution step "
                       "widths are not accepted. Try a positive integer");
    if ((q->end_ms - q->start_ms) / q->step_ms > PROMQL_POINTS_MAX)
        return err_set(err, INVALID,
                       "exceeded maximum resolution of 11,000 points per timeseries. Try "
                       "decreasing the query resolution (?step=XX)");
    return OK;
}

static void query(struct call *c,
                  enum status (*take)(struct call *, struct query_job *, struct err *))
{
    struct query_job *job = mem_zero(1, sizeof *job);
    job->req = c->req;
    job->store = c->api->store;
    job->answer.max = QUERY_ANSWER_MAX_BYTES;
    struct err err = {0};
    enum status st = take_text(c, job, &err);
    if (!st)
        st = take(c, job, &err);
    if (st)
        refuse(c, &err);
    else if (!pool_submit(c->api->workers, run_query, answer_query, c->api->loop, job))
        api_busy(c, "too many queries wait already");
    else
        return;
    arena_free(&job->arena);
    free(job);
}

void prometheus_query(struct call *c)
{
    query(c, take_instant);
}

void prometheus_query_range(struct call *c)
{
    query(c, take_range);
}
