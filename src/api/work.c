/* A request answered by a worker: the record or the store may take a moment. */
#include "api/call.h"

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
    if (w->status)
        api_failure(w->call, w->status, &w->err);
    else if (w->body.len)
        api_json(w->call, 200, &w->body);
    else
        api_no_content(w->call);
    work_free(w);
}

void api_work(struct call *c, api_work_fn fn, void *arg)
{
    struct work *w = mem_zero(1, sizeof *w);
    w->call = c;
    w->fn = fn;
    w->arg = arg;
    if (pool_submit(c->api->workers, on_worker, on_loop, c->api->loop, w))
        return;
    api_busy(c, "too many requests wait already");
    work_free(w);
}
