/* Analysis results: list, summary, delete. */
#include "api/call.h"

#include "base/clock.h"
#include "base/json.h"

enum { RESULTS_LIMIT_DEFAULT = 100 };

static enum status filter_of(struct call *c, struct result_filter *f, struct err *err)
{
    int64_t limit = RESULTS_LIMIT_DEFAULT, class = -1;
    struct http_request *req = c->req;
    enum status st;
    http_request_param(req, "server_id", &f->server_id);
    http_request_param(req, "q", &f->text);
    if ((st = api_whole_param(req, "class", 0, 3, &class, err)) ||
        (st = api_whole_param(req, "limit", 1, RESULTS_LIMIT_MAX, &limit, err)) ||
        (st = api_whole_param(req, "cursor", 1, INT64_MAX, &f->before_id, err)) ||
        (st = api_time_param(req, "from", &f->from_ms, err)) ||
        (st = api_time_param(req, "to", &f->to_ms, err)))
        return st;
    f->predicted_class = (int)class;
    f->limit = (size_t)limit;
    return OK;
}

static void put_json_or_text(struct json *j, struct span text)
{
    if (text.len && (text.at[0] == '{' || text.at[0] == '['))
        json_raw(j, text);
    else
        json_span(j, text);
}

static void put_row(struct json *j, const struct result_row *row)
{
    char created[TIME_TEXT_MAX];
    json_begin_object(j);
    json_field_i64(j, "id", row->id);
    json_field(j, "created_at", clock_rfc3339(row->created_ms, created));
    json_field_span(j, "server_id", row->server_id);
    json_field_span(j, "host", row->host);
    json_field_i64(j, "predicted_class", row->predicted_class);
    json_field(j, "recommendation", class_recommendations[row->predicted_class & 3]);
    json_key(j, "data");
    put_json_or_text(j, row->data);
    json_key(j, "result");
    put_json_or_text(j, row->result);
    json_end_object(j);
}

/* Searching takes up to RESULTS_SEARCH_MAX_MS: on a worker. */
struct results_job {
    struct call *call;
    struct result_filter filter;
    struct arena arena;
    struct buf body;
    struct err err;
    enum status status;
};

static void list_work(void *arg)
{
    struct results_job *job = arg;
    struct result_row *rows;
    size_t n;
    job->status =
        record_results(job->call->api->record, &job->filter, &job->arena, &rows, &n, &job->err);
    if (job->status)
        return;
    struct json j = json_to(&job->body);
    json_begin_object(&j);
    json_key(&j, "results");
    json_begin_array(&j);
    for (size_t i = 0; i < n; i++)
        put_row(&j, &rows[i]);
    json_end_array(&j);
    json_key(&j, "next");
    if (n == job->filter.limit)
        json_text(&j, arena_printf(&job->arena, "%lld", (long long)rows[n - 1].id));
    else
        json_put_null(&j);
    json_end_object(&j);
}

static void put_days(struct json *j, const struct result_summary *s)
{
    json_begin_array(j);
    for (size_t i = 0; i < s->n_days; i++) {
        json_begin_object(j);
        json_field(j, "day", s->days[i].day);
        json_field_i64(j, "count", (int64_t)s->days[i].count);
        json_end_object(j);
    }
    json_end_array(j);
}

static void put_classes(struct json *j, const struct result_summary *s)
{
    json_begin_array(j);
    for (size_t i = 0; i < COUNT(s->by_class); i++) {
        json_begin_object(j);
        json_field_i64(j, "predicted_class", (int64_t)i);
        json_field(j, "recommendation", class_recommendations[i]);
        json_field_i64(j, "count", (int64_t)s->by_class[i]);
        json_end_object(j);
    }
    json_end_array(j);
}

static void summary_work(void *arg)
{
    struct results_job *job = arg;
    struct result_summary s;
    job->status =
        record_results_summary(job->call->api->record, &job->filter, &job->arena, &s, &job->err);
    if (job->status)
        return;
    struct json j = json_to(&job->body);
    json_begin_object(&j);
    json_field_i64(&j, "total", (int64_t)s.total);
    json_key(&j, "by_day");
    put_days(&j, &s);
    json_key(&j, "by_recommendation");
    put_classes(&j, &s);
    json_end_object(&j);
}

static void job_free(struct results_job *job)
{
    buf_free(&job->body);
    arena_free(&job->arena);
    free(job);
}

static void done(void *arg)
{
    struct results_job *job = arg;
    if (job->status)
        api_failure(job->call, job->status, &job->err);
    else
        api_json(job->call, 200, &job->body);
    job_free(job);
}

static void run(struct call *c, loop_fn work)
{
    struct results_job *job = mem_zero(1, sizeof *job);
    struct err err = {0};
    job->call = c;
    enum status st = filter_of(c, &job->filter, &err);
    if (!st && pool_submit(c->api->workers, work, done, c->api->loop, job))
        return;
    if (st)
        api_failure(c, st, &err);
    else
        api_busy(c, "too many queries wait already");
    job_free(job);
}

void results_list(struct call *c)
{
    run(c, list_work);
}

void results_summary(struct call *c)
{
    run(c, summary_work);
}

void results_delete(struct call *c)
{
    struct err err = {0};
    int64_t id;
    if (!span_i64(c->id, &id) || id < 1) {
        http_problem(c->req, 400, "%.*s is not the number of a result",
                     (int)MIN(c->id.len, (size_t)40), c->id.at);
        return;
    }
    enum status st = record_result_delete(c->api->record, id, &err);
    if (!st)
        st = record_audit(c->api->record, clock_wall_ms(), span_of(c->who.name),
                          SPAN("result deleted"), c->id, &err);
    if (st)
        api_failure(c, st, &err);
    else
        api_no_content(c);
}
