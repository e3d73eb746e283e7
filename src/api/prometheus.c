/* Prometheus's query API: parameters in, Prometheus's exact JSON out. The evaluation runs on
 * the workers, so many at once as the gate lets in, with one arena and one view of the store for
 * each query; a long answer leaves in pieces. */
#include "api/call.h"
#include "api/gate.h"
#include "api/pieces.h"
#include "api/prometheus_json.h"
#include "api/times.h"

#include "base/clock.h"
#include "base/json.h"
#include "promql/promql.h"

#include <math.h>

enum stats { STATS_NONE, STATS_SUMS, STATS_ALL };

struct query_job {
    struct gate_turn turn;
    struct pieces out;
    struct arena arena;
    struct span text;
    struct query query;
    struct expr *expr;
    struct source *view;
    struct result result;
    struct result_writer writer;
    struct buf stats_text;
    enum stats stats;
    size_t limit;
    int64_t entered_ns, begun_ns, parsed_ns, evaluated_ns;
};

/* ---- on a worker ---- */

static void timing(struct json *j, const char *key, int64_t ns)
{
    json_field_double(j, key, (double)ns / 1e9);
}

/* samples: what was read; the peak is all that was held, which is never less. */
static void write_stats(struct query_job *job)
{
    struct json j = json_to(&job->stats_text);
    const struct query *q = &job->query;
    json_begin_object(&j);
    json_key(&j, "timings");
    json_begin_object(&j);
    timing(&j, "evalTotalTime", job->evaluated_ns - job->begun_ns);
    timing(&j, "resultSortTime", 0); /* a part of the evaluation here */
    timing(&j, "queryPreparationTime", job->parsed_ns - job->begun_ns);
    timing(&j, "innerEvalTime", job->evaluated_ns - job->parsed_ns);
    timing(&j, "execQueueTime", job->begun_ns - job->entered_ns);
    timing(&j, "execTotalTime", job->evaluated_ns - job->entered_ns);
    json_end_object(&j);
    json_key(&j, "samples");
    json_begin_object(&j);
    if (job->stats == STATS_ALL && q->step_ms == 0) {
        json_key(&j, "totalQueryableSamplesPerStep");
        buf_str(j.out, "[[");
        prometheus_time(j.out, q->start_ms);
        buf_printf(j.out, ",%zu]],", job->result.samples_read);
        j.after_key = false;
        j.comma[j.depth] = false;
    }
    json_field_i64(&j, "totalQueryableSamples", (int64_t)job->result.samples_read);
    json_field_i64(&j, "peakSamples", (int64_t)job->result.samples_held);
    json_end_object(&j);
    json_end_object(&j);
    job->writer.stats = buf_view(&job->stats_text);
}

static void cut_to_limit(struct query_job *job)
{
    struct result *r = &job->result;
    if (!job->limit || r->n <= job->limit)
        return;
    r->n = job->limit;
    const char **more = ARENA_ARRAY(&job->arena, const char *, r->n_warnings + 1);
    if (r->n_warnings)
        memcpy(more, r->warnings, r->n_warnings * sizeof *more);
    more[r->n_warnings++] = PROMETHEUS_TRUNCATED;
    r->warnings = more;
}

static int evaluate(struct query_job *job, struct buf *out)
{
    struct err err = {0};
    job->begun_ns = clock_mono_ns();
    if (promql_parse(job->text, &job->arena, &job->expr, &err)) {
        if (job->query.step_ms == 0) /* Prometheus 2 names the parameter only there */
            err_prefix(&err, "invalid parameter \"query\"");
        return prometheus_error(out, "bad_data", err.text);
    }
    enum value_kind kind = promql_kind(job->expr);
    if (job->query.step_ms && (kind == VALUE_MATRIX || kind == VALUE_STRING)) {
        err_set(&err, INVALID,
                "invalid expression type \"%s\" for range query, must be Scalar or instant Vector",
                kind == VALUE_STRING ? "string" : "range vector");
        return prometheus_error(out, "bad_data", err.text);
    }
    job->parsed_ns = clock_mono_ns();
    job->query.expr = job->expr;
    job->view = store_read_begin(job->out.api->store);
    enum status st = promql_eval(&job->query, job->view, &job->arena, &job->result, &err);
    job->evaluated_ns = clock_mono_ns();
    if (st)
        return prometheus_failure(out, st, &err);
    cut_to_limit(job);
    if (job->stats)
        write_stats(job);
    return 200;
}

static enum piece next_piece(struct pieces *p, struct buf *out)
{
    struct query_job *job = CONTAINER_OF(p, struct query_job, out);
    if (!p->http_status)
        p->http_status = evaluate(job, out);
    if (p->http_status != 200)
        return PIECE_LAST;
    return prometheus_result_write(&job->writer, out, PIECE_BYTES) ? PIECE_LAST : PIECE_MORE;
}

static void run_query(void *arg)
{
    struct query_job *job = arg;
    pieces_first(&job->out);
}

/* ---- on the loop ---- */

static void finished(struct pieces *p)
{
    struct query_job *job = CONTAINER_OF(p, struct query_job, out);
    if (job->view)
        store_read_end(job->view);
    promql_free(job->expr);
    buf_free(&job->stats_text);
    arena_free(&job->arena);
    free(job);
}

static void answer_query(void *arg)
{
    struct query_job *job = arg;
    http_request_on_gone(job->out.req, NULL, NULL);
    pieces_answer(&job->out);
}

static void reply_error(struct http_request *req, const char *type, const struct err *err)
{
    auto_buf body = {0};
    int status = prometheus_error(&body, type, err->text);
    http_reply(req, status, "application/json", buf_view(&body));
}

static void refused(void *arg, enum status st, const struct err *err)
{
    struct query_job *job = arg;
    http_reply_header(job->out.req, "Retry-After", "1");
    reply_error(job->out.req, st == TIMED_OUT ? "timeout" : "canceled", err);
    finished(&job->out);
}

static void client_went(struct http_request *req UNUSED, void *arg)
{
    gate_cancel(arg);
}

/* timeout=30s: how long this query may run; never longer than query.timeout. */
static enum status take_limits(struct call *c, struct query_job *job, struct err *err)
{
    const struct query_limits *limits = &c->api->limits;
    int64_t timeout_ms = limits->timeout_ms;
    enum status st = param_duration(c->req, "timeout", &timeout_ms, err);
    if (st)
        return st;
    job->query.deadline_mono_ms = clock_mono_ms() + MIN(timeout_ms, limits->timeout_ms);
    job->query.samples_max = (size_t)limits->samples_max;
    job->query.lookback_ms = limits->lookback_ms;
    st = param_duration(c->req, "lookback_delta", &job->query.lookback_ms, err);
    if (!st && job->query.lookback_ms <= 0)
        job->query.lookback_ms = limits->lookback_ms;
    return st ? st : param_limit(c->req, "limit", &job->limit, err);
}

static enum status take_common(struct call *c, struct query_job *job, struct err *err)
{
    struct span text;
    enum status st = take_limits(c, job, err);
    if (st)
        return st;
    /* An empty expression is the parser's to refuse, as in Prometheus. */
    if (!http_request_param(c->req, "query", &text))
        text = SPAN("");
    job->text = arena_span(&job->arena, text);
    struct span stats;
    if (http_request_param(c->req, "stats", &stats) && stats.len)
        job->stats = span_is(stats, "all") ? STATS_ALL : STATS_SUMS;
    return OK;
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
        (st = param_time_needed(c->req, "end", &q->end_ms, err)))
        return st;
    if (q->end_ms < q->start_ms)
        return err_set(err, INVALID,
                       "invalid parameter \"end\": end timestamp must not be "
                       "before start time");
    st = param_duration_needed(c->req, "step", &q->step_ms, err);
    if (st)
        return st;
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
    job->out = (struct pieces){.api = c->api,
                               .req = c->req,
                               .content_type = "application/json",
                               .next = next_piece,
                               .finished = finished};
    job->writer.result = &job->result;
    job->entered_ns = clock_mono_ns();
    struct err err = {0};
    enum status st = take(c, job, &err);
    if (!st)
        st = take_common(c, job, &err);
    if (st) {
        reply_error(c->req, "bad_data", &err);
        finished(&job->out);
        return;
    }
    job->query.cancelled = &job->turn.cancelled;
    job->turn = (struct gate_turn){.work = run_query,
                                   .done = answer_query,
                                   .refused = refused,
                                   .arg = job,
                                   .deadline_mono_ms = job->query.deadline_mono_ms};
    http_request_on_gone(c->req, client_went, &job->turn);
    gate_enter(c->api->gate, &job->turn);
}

void prometheus_query(struct call *c)
{
    query(c, take_instant);
}

void prometheus_query_range(struct call *c)
{
    query(c, take_range);
}
