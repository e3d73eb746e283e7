/* See local.h. */
#include "agent/local.h"

#include "base/arena.h"
#include "net/http.h"

enum { CONNECTIONS_MAX = 64, CLOSE_GRACE_MS = 1000 };

#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct local {
    struct http_server *server;
    const struct collect *collect;
};

static void on_request(struct http_request *req, void *arg)
{
    const struct local *l = arg;
    struct span path = http_request_path(req), method = http_request_method(req);
    if (!span_is(method, "GET") && !span_is(method, "HEAD")) {
        http_reply_header(req, "Allow", "GET, HEAD");
        http_problem(req, 405, "only GET is possible here");
    } else if (span_is(path, "/healthz")) {
        http_reply(req, 200, "text/plain", SPAN("ok\n"));
    } else if (span_is(path, "/metrics")) {
        auto_buf text = {0};
        collect_expose(l->collect, &text, true);
        http_reply(req, 200, TEXT_TYPE, buf_view(&text));
    } else {
        http_problem(req, 404, "there is /metrics and /healthz");
    }
}

enum status local_open(struct loop *loop, const char *listen, const struct collect *c,
                       struct local **out, struct err *err)
{
    struct local *l = mem_zero(1, sizeof *l);
    l->collect = c;
    struct http_server_config config = {.listen = listen,
                                        .body_max_bytes = 1024,
                                        .connections_max = CONNECTIONS_MAX,
                                        .on_request = on_request,
                                        .arg = l};
    enum status st = http_server_open(loop, &config, &l->server, err);
    *out = st ? NULL : l;
    if (st)
        free(l);
    return st;
}

void local_close(struct local *l)
{
    if (!l)
        return;
    http_server_close(l->server, CLOSE_GRACE_MS);
    free(l);
}
