/* See local.h. */
#include "agent/local.h"

#include "agent/compat.h"
#include "base/arena.h"
#include "base/clock.h"
#include "net/http.h"

enum {
    CONNECTIONS_MAX = 64,
    CLOSE_GRACE_MS = 1000,
    COMPAT_MIN_MS = 1000, /* a shorter use of the processor says little: the one before is told */
};

#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct local {
    struct http_server *server;
    const struct collect *collect;
    struct compat before, last; /* of ?compat=seed */
    int64_t last_ms;            /* mono */
};

/* As Prometheus's own servers judge it: who names OpenMetrics at all prefers it. */
static bool wants_openmetrics(const struct http_request *req)
{
    struct span accept = http_request_header(req, "Accept");
    return accept.len && memmem(accept.at, accept.len, "application/openmetrics-text",
                                sizeof "application/openmetrics-text" - 1);
}

static void put_compat(struct local *l, bool openmetrics, struct buf *out)
{
    auto_buf message = {0};
    struct compat now;
    int64_t now_ms = clock_mono_ms();
    collect_write_all(l->collect, &message);
    compat_read(buf_view(&message), &now);
    if (!l->last_ms || now_ms - l->last_ms >= COMPAT_MIN_MS) {
        l->before = l->last;
        l->last = now;
        l->last_ms = now_ms;
    }
    now.busy_s = l->last.busy_s;
    now.all_s = l->last.all_s;
    compat_write(&l->before, &now, openmetrics, out);
}

static void send_metrics(struct local *l, struct http_request *req)
{
    bool openmetrics = wants_openmetrics(req);
    struct span compat;
    auto_buf text = {0};
    http_reply_header(req, "Vary", "Accept");
    if (http_request_param(req, "compat", &compat)) {
        if (!span_is(compat, "seed")) {
            http_problem(req, 400, "compat is seed");
            return;
        }
        put_compat(l, openmetrics, &text);
    } else if (openmetrics) {
        collect_openmetrics(l->collect, &text);
    } else {
        collect_expose(l->collect, &text, true);
    }
    http_reply(req, 200, openmetrics ? OPENMETRICS_TYPE : TEXT_TYPE, buf_view(&text));
}

static void on_request(struct http_request *req, void *arg)
{
    struct local *l = arg;
    struct span path = http_request_path(req), method = http_request_method(req);
    if (!span_is(method, "GET") && !span_is(method, "HEAD")) {
        http_reply_header(req, "Allow", "GET, HEAD");
        http_problem(req, 405, "only GET is possible here");
    } else if (span_is(path, "/healthz")) {
        http_reply(req, 200, "text/plain", SPAN("ok\n"));
    } else if (span_is(path, "/metrics")) {
        send_metrics(l, req);
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
