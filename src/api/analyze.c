/* POST /analyze: the seeds' payload in, a class and its recommendation out, as the seeds' server
 * answered, and the whole analysis beside them. */
#include "api/call.h"

#include "base/clock.h"

struct analyze_job {
    struct call *call;
    struct buf answer;
    struct err err;
    enum status status;
};

static void work(void *arg)
{
    struct analyze_job *job = arg;
    struct api *a = job->call->api;
    job->status = a->analyse_payload(a->pipeline, http_request_body(job->call->req),
                                     clock_wall_ms(), &job->answer, &job->err);
}

static void done(void *arg)
{
    struct analyze_job *job = arg;
    if (job->status)
        api_failure(job->call, job->status, &job->err);
    else
        api_json(job->call, 200, &job->answer);
    buf_free(&job->answer);
    free(job);
}

void analyze_payload(struct call *c)
{
    struct analyze_job *job = mem_zero(1, sizeof *job);
    job->call = c;
    if (pool_submit(c->api->workers, work, done, c->api->loop, job))
        return;
    free(job);
    api_busy(c, "too many requests wait already");
}
