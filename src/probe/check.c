/* A connection is made for each run, since accepting one is what a service that hangs fails at. */
#include "probe/check.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "net/http.h"
#include "net/resolve.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct check {
    struct loop *loop;
    const struct check_config *config;
    int64_t timeout_ms, began_ns;
    check_fn fn;
    void *arg;
    bool running;
    struct timer *timer;
    /* of one run */
    struct http_client *http;
    struct resolve *resolve;
    struct addrinfo *addresses;
    struct event *connected;
    int fd;
    /* of the last one */
    enum verdict_of_check verdict;
    char *reason;
    double seconds;
    int64_t certificate_expires_s;
};

static void clean(struct check *c)
{
    http_client_close(c->http);
    c->http = NULL;
    resolve_cancel(c->resolve);
    c->resolve = NULL;
    if (c->addresses)
        freeaddrinfo(c->addresses);
    c->addresses = NULL;
    if (c->connected)
        event_free(c->connected);
    c->connected = NULL;
    fd_close(&c->fd);
    c->fd = -1;
}

/* Only once for each run; cleaning waits for the timer, since this may be called from inside of
 * what is to be cleaned. */
static void end(struct check *c, enum verdict_of_check verdict, const char *reason)
{
    if (!c->running)
        return;
    c->running = false;
    free(c->reason);
    c->reason = reason ? mem_dup(reason) : NULL;
    c->verdict = verdict;
    c->seconds = (double)(clock_mono_ns() - c->began_ns) / 1e9;
    timer_once(c->timer, 1);
    c->fn(c->arg);
}

static void on_timer(void *arg)
{
    struct check *c = arg;
    if (c->running) {
        auto_buf why = {0};
        buf_str(&why, "no answer within ");
        duration_print(&why, c->timeout_ms);
        end(c, CHECK_FAILED, buf_text(&why));
        timer_stop(c->timer);
    }
    clean(c);
}

/* Where it was only guessed that the service listens, a refusal tells nothing. */
static enum verdict_of_check refused(const struct check *c)
{
    return c->config->guess ? CHECK_SKIPPED : CHECK_FAILED;
}

/* ---- TCP and Unix sockets ---- */

static void on_connected(evutil_socket_t fd, short what UNUSED, void *arg)
{
    struct check *c = arg;
    int failure = 0;
    socklen_t len = sizeof failure;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0)
        failure = errno;
    if (failure == 0)
        end(c, CHECK_OK, NULL);
    else
        end(c, failure == ECONNREFUSED ? refused(c) : CHECK_FAILED, strerror(failure));
}

static void connect_to(struct check *c, const struct sockaddr *to, socklen_t len)
{
    c->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0) {
        end(c, CHECK_FAILED, strerror(errno));
        return;
    }
    if (connect(c->fd, to, len) == 0) {
        end(c, CHECK_OK, NULL);
        return;
    }
    if (errno != EINPROGRESS) {
        bool nobody = errno == ECONNREFUSED || errno == ENOENT;
        end(c, nobody ? refused(c) : CHECK_FAILED, strerror(errno));
        return;
    }
    c->connected = event_new(loop_base(c->loop), c->fd, EV_WRITE, on_connected, c);
    if (!c->connected || event_add(c->connected, NULL) != 0)
        end(c, CHECK_FAILED, "the connection cannot be watched");
}

static void start_unix(struct check *c)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(c->config->target) >= sizeof to.sun_path) {
        end(c, CHECK_FAILED, "the path is too long for a socket");
        return;
    }
    memcpy(to.sun_path, c->config->target, strlen(c->config->target) + 1);
    connect_to(c, (const struct sockaddr *)&to, sizeof to);
}

static void on_resolved(struct addrinfo *found, const char *failure, void *arg)
{
    struct check *c = arg;
    c->resolve = NULL;
    c->addresses = found;
    if (failure || !found)
        end(c, CHECK_FAILED, failure ? failure : "no address");
    else
        connect_to(c, found->ai_addr, found->ai_addrlen);
}

/* "HOST:PORT" or "[V6]:PORT", as service_parse has checked. */
static void start_tcp(struct check *c)
{
    const char *text = c->config->target, *colon = strrchr(text, ':');
    uint64_t port = 0;
    struct span host = {text, colon ? (size_t)(colon - text) : 0};
    if (!colon || !span_u64(span_of(colon + 1), &port) || port == 0 || port > UINT16_MAX) {
        end(c, CHECK_FAILED, "the target is not HOST:PORT");
        return;
    }
    if (host.len > 2 && host.at[0] == '[')
        host = (struct span){host.at + 1, host.len - 2};
    auto_free char *name = mem_dup_span(host);
    c->resolve = resolve_start(c->loop, name, (uint16_t)port, on_resolved, c);
}

/* ---- HTTP ---- */

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct check *c = arg;
    const struct check_config *k = c->config;
    auto_buf why = {0};
    if (answer->err) {
        bool nobody = strstr(answer->err->text, strerror(ECONNREFUSED)) != NULL;
        end(c, nobody ? refused(c) : CHECK_FAILED, answer->err->text);
        return;
    }
    c->certificate_expires_s = answer->certificate_expires_s;
    bool status_fine = k->status ? answer->status == k->status : answer->status < 400;
    if (k->guess)
        status_fine = answer->status < 500; /* a login page is an answer too */
    bool text_fine = !k->text || (answer->body.len && memmem(answer->body.at, answer->body.len,
                                                             k->text, strlen(k->text)));
    if (!status_fine && k->status)
        buf_printf(&why, "answered %d instead of %d", answer->status, k->status);
    else if (!status_fine)
        buf_printf(&why, "answered %d", answer->status);
    else if (!text_fine)
        buf_printf(&why, "answered %d without the text \"%s\"", answer->status, k->text);
    end(c, status_fine && text_fine ? CHECK_OK : CHECK_FAILED, why.len ? buf_text(&why) : NULL);
}

static void start_http(struct check *c)
{
    static const struct http_header close_after[] = {{SPAN("Connection"), SPAN("close")}};
    struct err err = {0};
    struct url url;
    auto_buf origin = {0};
    if (url_parse(span_of(c->config->target), &url, &err)) {
        end(c, CHECK_FAILED, err.text);
        return;
    }
    /* The client's address is the origin alone: it would put a prefix before the path. */
    const char *path = strchr(strstr(c->config->target, "://") + 3, '/');
    size_t origin_len = path ? (size_t)(path - c->config->target) : strlen(c->config->target);
    buf_put(&origin, c->config->target, origin_len);
    struct http_client_config config = {.url = buf_text(&origin),
                                        .ca_file = c->config->ca,
                                        .user_agent = "galen-agent/" GALEN_VERSION,
                                        .connect_ms = c->timeout_ms,
                                        .request_ms = c->timeout_ms,
                                        .body_max_bytes = CHECK_BODY_MAX_BYTES};
    enum status st = http_client_open(c->loop, &config, &c->http, &err);
    if (!st)
        st = http_client_send(c->http, "GET", path ? path : "/", close_after, COUNT(close_after),
                              (struct span){0}, on_answer, c, &err);
    if (st)
        end(c, CHECK_FAILED, err.text);
}

/* ---- */

void check_start(struct check *c)
{
    if (c->running)
        return;
    clean(c);
    c->running = true;
    c->began_ns = clock_mono_ns();
    timer_once(c->timer, c->timeout_ms);
    switch (c->config->kind) {
    case CHECK_HTTP:
        start_http(c);
        break;
    case CHECK_TCP:
        start_tcp(c);
        break;
    case CHECK_UNIX:
        start_unix(c);
        break;
    }
}

struct check *check_open(struct loop *loop, const struct check_config *config, int64_t timeout_ms,
                         check_fn fn, void *arg)
{
    struct check *c = mem_zero(1, sizeof *c);
    *c = (struct check){
        .loop = loop, .config = config, .timeout_ms = timeout_ms, .fn = fn, .arg = arg, .fd = -1};
    c->timer = timer_open(loop, on_timer, c);
    return c;
}

void check_close(struct check *c)
{
    if (!c)
        return;
    clean(c);
    timer_close(c->timer);
    free(c->reason);
    free(c);
}

struct check_result check_result(const struct check *c)
{
    return (struct check_result){c->verdict, c->config->target, c->reason};
}

double check_seconds(const struct check *c)
{
    return c->seconds;
}

int64_t check_certificate_expires_s(const struct check *c)
{
    return c->certificate_expires_s;
}
