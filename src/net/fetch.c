/* One request from a command line: a client and a loop for as long as it takes. */
#include "net/http.h"

struct fetch {
    struct loop *loop;
    int *status;
    struct buf *out;
    struct err failure;
    bool failed;
};

static void answered(const struct http_answer *answer, void *arg)
{
    struct fetch *f = arg;
    f->failed = answer->err != NULL;
    if (answer->err) {
        f->failure = *answer->err;
    } else {
        *f->status = answer->status;
        buf_span(f->out, answer->body);
    }
    loop_stop(f->loop);
}

enum status http_fetch(const struct http_client_config *config, const char *method,
                       const char *path, const struct http_header *headers, size_t n_headers,
                       struct span body, int *status, struct buf *out, struct err *err)
{
    struct fetch f = {.status = status, .out = out};
    *status = 0;
    enum status st = loop_open(&f.loop, err);
    if (st)
        return st;
    struct http_client *client = NULL;
    st = http_client_open(f.loop, config, &client, err);
    if (!st)
        st = http_client_send(client, method, path, headers, n_headers, body, answered, &f, err);
    if (!st)
        loop_run(f.loop);
    http_client_close(client);
    loop_close(f.loop);
    if (!st && f.failed)
        st = err_set(err, f.failure.status, "%s", f.failure.text);
    if (!st && out->failed)
        st = err_set(err, FULL, "the answer exceeds %zu bytes", out->max);
    return st;
}
