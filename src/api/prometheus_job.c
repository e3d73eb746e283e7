#include "api/prometheus_job.h"
#include "api/times.h"

/* ---- on a worker ---- */

static enum piece next_piece(struct pieces *p, struct buf *out)
{
    struct prometheus_job *job = CONTAINER_OF(p, struct prometheus_job, out);
    if (!p->http_status) {
        struct err err = {0};
        p->http_status = job->write ? 200 : 204;
        job->view = store_read_begin(p->api->store);
        enum status st = job->prepare ? job->prepare(job, &err) : OK;
        if (st) {
            p->http_status = prometheus_failure(out, st, &err);
            p->content_type = "application/json";
        }
    }
    if (p->http_status != 200)
        return PIECE_LAST;
    bool all = job->write(job, out, PIECE_BYTES);
    if (job->broken || (!all && __atomic_load_n(&p->gone, __ATOMIC_RELAXED)))
        return PIECE_FAILED;
    return all ? PIECE_LAST : PIECE_MORE;
}

static int by_text(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static int by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct selected *)a)->labels,
                          ((const struct selected *)b)->labels);
}

enum status prometheus_job_texts(struct prometheus_job *job, struct span name, struct span **out,
                                 size_t *n_out, struct err *err)
{
    struct span *all = NULL;
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < MAX(job->n, (size_t)1); i++) {
        size_t n_matchers = 0, n;
        struct span *some;
        const struct matcher *matchers =
            job->n ? promql_matchers(job->match[i], &n_matchers) : NULL;
        enum status st =
            job->view->label_values(job->view, name, matchers, n_matchers, job->start_ms,
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
    for (size_t i = 0; i < count; i++)
        if (i == 0 || !span_eq(all[i], all[i - 1]))
            all[kept++] = all[i];
    *out = all;
    *n_out = kept;
    return OK;
}

enum status prometheus_job_select(struct prometheus_job *job, const struct select_hints *hints,
                                  struct selected **out, size_t *n_out, struct err *err)
{
    struct selected *all = NULL;
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < job->n; i++) {
        size_t n_matchers, n;
        struct selected *some;
        const struct matcher *matchers = promql_matchers(job->match[i], &n_matchers);
        enum status st =
            job->view->select(job->view, matchers, n_matchers, hints, &job->arena, &some, &n, err);
        if (st)
            return st;
        all = arena_grow(&job->arena, all, count * sizeof *all, (count + n) * sizeof *all);
        if (n)
            memcpy(all + count, some, n * sizeof *all);
        count += n;
    }
    if (count)
        qsort(all, count, sizeof *all, by_labels);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || !labels_eq(all[i].labels, all[kept - 1].labels))
            all[kept++] = all[i];
    *out = all;
    *n_out = kept;
    return OK;
}

void prometheus_data_begin(struct buf *out)
{
    buf_str(out, "{\"status\":\"success\",\"data\":");
}

void prometheus_data_end(const struct prometheus_job *job, struct buf *out)
{
    buf_str(out, job->cut ? ",\"warnings\":[\"" PROMETHEUS_TRUNCATED "\"]}" : "}");
}

/* ---- on the loop ---- */

static void finished(struct pieces *p)
{
    struct prometheus_job *job = CONTAINER_OF(p, struct prometheus_job, out);
    if (job->release)
        job->release(job);
    for (size_t i = 0; i < job->n; i++)
        promql_free(job->match[i]);
    if (job->view)
        store_read_end(job->view);
    arena_free(&job->scratch);
    arena_free(&job->arena);
    free(job);
}

struct prometheus_job *prometheus_job_new(struct call *c)
{
    struct prometheus_job *job = mem_zero(1, sizeof *job);
    job->call = c;
    job->start_ms = INT64_MIN + 1;
    job->end_ms = INT64_MAX;
    job->out = (struct pieces){.api = c->api,
                               .req = c->req,
                               .content_type = "application/json",
                               .next = next_piece,
                               .finished = finished};
    return job;
}

enum status prometheus_job_matches(struct prometheus_job *job, bool needed, struct err *err)
{
    struct span texts[MATCHES_MAX];
    size_t n = http_request_params(job->call->req, "match[]", texts, MATCHES_MAX), ignored;
    for (size_t i = 0; i < n; i++) {
        enum status st = promql_parse(texts[i], &job->arena, &job->match[i], err);
        if (st && strstr(err->text, "non-empty matcher"))
            err_set(err, st, "match[] must contain at least one non-empty matcher");
        if (st && needed) /* Prometheus names the parameter where it must be there */
            err_prefix(err, "invalid parameter \"match[]\"");
        if (st)
            return st;
        job->n = i + 1;
        if (!promql_matchers(job->match[i], &ignored))
            return err_set(err, INVALID,
                           "invalid parameter \"match[]\": %.*s is not a series selector",
                           (int)MIN(texts[i].len, (size_t)200), texts[i].at);
    }
    return n || !needed ? OK : err_set(err, INVALID, "no match[] parameter provided");
}

enum status prometheus_job_range(struct prometheus_job *job, struct err *err)
{
    struct http_request *req = job->call->req;
    enum status st = param_time(req, "start", &job->start_ms, err);
    if (!st)
        st = param_time(req, "end", &job->end_ms, err);
    return st ? st : param_limit(req, "limit", &job->limit, err);
}

void prometheus_reply_error(struct http_request *req, const char *type, const struct err *err)
{
    auto_buf body = {0};
    int status = prometheus_error(&body, type, err->text);
    http_reply(req, status, "application/json", buf_view(&body));
}

void prometheus_reply_data(struct http_request *req, struct span data)
{
    auto_buf body = {0};
    prometheus_data_begin(&body);
    buf_span(&body, data);
    buf_char(&body, '}');
    http_reply(req, 200, "application/json", buf_view(&body));
}

void prometheus_job_refuse(struct prometheus_job *job, const struct err *err)
{
    prometheus_reply_error(job->call->req, "bad_data", err);
    finished(&job->out);
}

void prometheus_job_run(struct prometheus_job *job, prometheus_prepare prepare,
                        prometheus_write write)
{
    job->prepare = prepare;
    job->write = write;
    if (pieces_start(&job->out))
        return;
    api_busy(job->call, "too many queries wait already");
    finished(&job->out);
}
