#include "rig.h"

#include "unit.h"

#include "base/arena.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WATCHDOG_MS = 20000 };

void rig_answer(struct http_request *req, struct rig *rig)
{
    struct span path = http_request_path(req);
    if (span_is(path, "/echo")) {
        http_reply(req, 200, "application/octet-stream", http_request_body(req));
    } else if (span_is(path, "/empty")) {
        http_reply(req, 204, NULL, SPAN(""));
    } else if (span_is(path, "/peer")) {
        http_reply(req, 200, "text/plain", http_request_peer(req));
    } else if (span_is(path, "/keep")) {
        rig->kept = req;
    } else if (span_is(path, "/text")) {
        auto_buf text = {0};
        buf_fill(&text, 'x', 5000);
        http_reply(req, 200, "text/plain", buf_view(&text));
    } else {
        http_problem(req, 404, "there is no %.*s", SPAN_ARG(path));
    }
}

static void on_head(struct http_request *req UNUSED, void *arg)
{
    struct rig *rig = arg;
    rig->heads++;
}

static void on_request(struct http_request *req, void *arg)
{
    struct rig *rig = arg;
    rig->requests++;
    if (rig->handler)
        rig->handler(req, rig);
    else
        rig_answer(req, rig);
}

static void expired(void *arg)
{
    struct rig *rig = arg;
    rig->expired = true;
    event_base_loopbreak(loop_base(rig->loop));
}

void rig_open(struct rig *rig, const struct http_server_config *config)
{
    assert_ok(loop_open(&rig->loop, err));
    rig->watchdog = timer_open(rig->loop, expired, rig);
    struct http_server_config c = config ? *config : (struct http_server_config){0};
    c.listen = c.listen ? c.listen : "127.0.0.1:0";
    c.on_head = c.on_head ? c.on_head : on_head;
    c.on_request = on_request;
    c.arg = rig;
    assert_ok(http_server_open(rig->loop, &c, &rig->server, err));
    snprintf(rig->url, sizeof rig->url, "http%s://127.0.0.1:%u", c.tls_cert ? "s" : "",
             http_server_port(rig->server));
}

void rig_open_client(struct rig *rig, const struct http_server_config *config,
                     const struct http_client_config *client)
{
    rig_open(rig, config);
    struct http_client_config c = client ? *client : (struct http_client_config){0};
    c.url = c.url ? c.url : rig->url;
    assert_ok(http_client_open(rig->loop, &c, &rig->client, err));
}

void rig_close(struct rig *rig)
{
    http_client_close(rig->client);
    http_server_close(rig->server, 0);
    timer_close(rig->watchdog);
    loop_close(rig->loop);
}

void rig_run(struct rig *rig, const unsigned *count, unsigned n)
{
    timer_once(rig->watchdog, WATCHDOG_MS);
    while (*count < n && !rig->expired)
        event_base_loop(loop_base(rig->loop), EVLOOP_ONCE);
    timer_stop(rig->watchdog);
    if (rig->expired)
        fail_msg("nothing happens");
}

void rig_run_ms(struct rig *rig, int64_t ms)
{
    timer_once(rig->watchdog, ms);
    while (!rig->expired)
        event_base_loop(loop_base(rig->loop), EVLOOP_ONCE);
    rig->expired = false;
}

static void answered(const struct http_answer *a, void *arg)
{
    struct rig *rig = arg;
    rig->certificate_expires_s = a->certificate_expires_s;
    rig->status = a->status;
    rig->body_len = a->body.len;
    size_t n = MIN(a->body.len, sizeof rig->body);
    if (n)
        memcpy(rig->body, a->body.at, n);
    snprintf(rig->error, sizeof rig->error, "%s", a->err ? a->err->text : "");
    struct span value =
        rig->want_header && !a->err ? http_answer_header(a, rig->want_header) : (struct span){0};
    snprintf(rig->header, sizeof rig->header, "%.*s", SPAN_ARG(value));
    rig->done++;
}

void rig_send(struct rig *rig, const char *method, const char *path, struct span body)
{
    static const struct http_header headers[] = {{SPAN("Accept-Encoding"), SPAN("gzip")}};
    assert_ok(http_client_send(rig->client, method, path, headers, 1, body, answered, rig, err));
    rig_run(rig, &rig->done, rig->done + 1);
}

/* ---- raw ---- */

struct raw {
    struct rig *rig;
    int fd;
    struct event *event;
    struct buf in, out;
    unsigned ended;
};

static void raw_ready(evutil_socket_t fd, short what, void *arg)
{
    struct raw *r = arg;
    if ((what & EV_WRITE) && r->out.len) {
        ssize_t n = send(fd, r->out.at, r->out.len, MSG_NOSIGNAL);
        if (n > 0) {
            r->out.len -= (size_t)n;
            memmove(r->out.at, r->out.at + n, r->out.len);
        } else if (n < 0 && errno != EAGAIN) {
            buf_clear(&r->out);
        }
    }
    char bytes[65536];
    ssize_t n = what & EV_READ ? recv(fd, bytes, sizeof bytes, 0) : -2;
    if (n > 0)
        buf_put(&r->in, bytes, (size_t)n);
    if (n == 0 || (n == -1 && errno != EAGAIN)) {
        r->ended = 1;
        return;
    }
    event_del(r->event);
    event_assign(r->event, loop_base(r->rig->loop), fd,
                 (short)(EV_READ | (r->out.len ? EV_WRITE : 0)), raw_ready, r);
    event_add(r->event, NULL);
}

struct raw *raw_open(struct rig *rig, const char *from)
{
    struct raw *r = mem_zero(1, sizeof *r);
    r->rig = rig;
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET};
    if (from) {
        inet_pton(AF_INET, from, &a.sin_addr);
        if (bind(r->fd, (struct sockaddr *)&a, sizeof a))
            fail_msg("bind %s", from);
    }
    a.sin_port = htons(http_server_port(rig->server));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(r->fd, (struct sockaddr *)&a, sizeof a))
        fail_msg("connect");
    evutil_make_socket_nonblocking(r->fd);
    r->event = event_new(loop_base(rig->loop), r->fd, EV_READ, raw_ready, r);
    event_add(r->event, NULL);
    return r;
}

void raw_send(struct raw *r, struct span bytes)
{
    buf_span(&r->out, bytes);
    if (!r->ended)
        raw_ready(r->fd, EV_WRITE, r);
}

struct span raw_rest(struct raw *r)
{
    rig_run(r->rig, &r->ended, 1);
    return buf_view(&r->in);
}

struct span raw_wait(struct raw *r, size_t at_least)
{
    timer_once(r->rig->watchdog, WATCHDOG_MS);
    while (r->in.len < at_least && !r->ended && !r->rig->expired)
        event_base_loop(loop_base(r->rig->loop), EVLOOP_ONCE);
    timer_stop(r->rig->watchdog);
    if (r->in.len < at_least)
        fail_msg("only %zu bytes came: %.*s", r->in.len, SPAN_ARG(buf_view(&r->in)));
    return buf_view(&r->in);
}

void raw_wait_for(struct raw *r, const char *text)
{
    while (!r->in.len || !memmem(r->in.at, r->in.len, text, strlen(text)))
        raw_wait(r, r->in.len + 1);
}

bool raw_ended(const struct raw *r)
{
    return r->ended;
}

void raw_stop_reading(struct raw *r)
{
    event_del(r->event);
}

void raw_send_only(struct raw *r, struct span bytes)
{
    buf_span(&r->out, bytes);
    ssize_t n = send(r->fd, r->out.at, r->out.len, MSG_NOSIGNAL);
    if (n <= 0)
        return;
    r->out.len -= (size_t)n;
    memmove(r->out.at, r->out.at + n, r->out.len);
}

void raw_half_close(struct raw *r)
{
    shutdown(r->fd, SHUT_WR);
}

void raw_close(struct raw *r)
{
    event_free(r->event);
    close(r->fd);
    buf_free(&r->in);
    buf_free(&r->out);
    free(r);
}
