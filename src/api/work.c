/* A request answered by a worker: the record or the store may take a moment. */
#include "api/call.h"

#include "base/clock.h"
#include "base/log.h"

struct work {
    struct call *call;
    api_work_fn fn;
    void *arg;
    struct arena arena;
    struct buf body;
    struct err err;
    enum status status;
};

static void work_free(struct work *w)
{
    buf_free(&w->body);
    arena_free(&w->arena);
    free(w);
}

static void on_worker(void *arg)
{
    struct work *w = arg;
    w->status = w->fn(w->call, w->arg, &w->arena, &w->body, &w->err);
}

static void on_loop(void *arg)
{
    struct work *w = arg;
    if (!w->status && w->call->versioned)
        api_etag(w->call, w->call->version);
    if (w->status && w->call->outdated)
        http_problem(w->call->req, 412, "%s: read it again, then change it", w->err.text);
    else if (w->status)
        api_failure(w->call, w->status, &w->err);
    else if (w->body.len)
        api_json(w->call, w->call->answer_status ? w->call->answer_status : 200, &w->body);
    else
        api_no_content(w->call);
    work_free(w);
}

static void run(struct call *c, struct pool *pool, api_work_fn fn, void *arg)
{
    struct work *w = mem_zero(1, sizeof *w);
    w->call = c;
    w->fn = fn;
    w->arg = arg;
    if (pool_submit(pool, on_worker, on_loop, c->api->loop, w))
        return;
    api_busy(c, "too many requests wait already");
    work_free(w);
}

void api_work(struct call *c, api_work_fn fn, void *arg)
{
    run(c, c->api->workers, fn, arg);
}

void api_chore(struct call *c, api_work_fn fn, void *arg)
{
    run(c, c->api->chores, fn, arg);
}

enum status api_audit(struct call *c, const char *what, struct span detail, struct err *err)
{
    auto_buf text = {.max = 1024};
    buf_span(&text, span_from(detail.at ? detail.at : "", MIN(detail.len, (size_t)512)));
    enum status st = record_audit(c->api->record, clock_wall_ms(), span_of(c->who.name),
                                  span_of(what), detail, err);
    if (!st)
        log_info("audit: who=%s what=\"%s\" detail=%s", c->who.name, what, buf_text(&text));
    return st;
}
