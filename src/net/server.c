/* The listening side: opening and closing, who may connect, and the watch over deadlines. */
#include "net/server_state.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "net/address.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    BODY_DEFAULT_MAX_BYTES = 8 << 20,
    HEAD_DEADLINE_MS = 10000,
    BODY_DEADLINE_MS = 60000,
    IDLE_MS = 75000,
    CONNECTIONS_MAX = 20000,
    BACKLOG = 4096,
    ACCEPTS_AT_ONCE = 64,  /* then other sockets have their turn */
    ACCEPT_PAUSE_MS = 200, /* when there are no descriptors left */
    SWEEP_MAX_MS = 1000,
    SWEEP_MIN_MS = 10,
};

/* ---- who may connect ---- */

/* NULL when the address has its share already. */
static struct address *admit(struct http_server *s, struct span key)
{
    struct address *a = map_get(&s->addresses, key);
    if (!a) {
        a = mem_zero(1, sizeof *a);
        memcpy(a->bytes, key.at, key.len);
        a->key = span_from(a->bytes, key.len);
        map_put(&s->addresses, a->key, a);
    }
    if (a->connections == s->config.per_address_max)
        return NULL;
    a->connections++;
    return a;
}

static void dismiss(struct http_server *s, struct address *a)
{
    if (!a || --a->connections)
        return;
    map_remove(&s->addresses, a->key);
    free(a);
}

/* Without TLS there is a way to say why. */
static void turn_away(struct http_server *s, int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"
                                 "Content-Length: 0\r\nConnection: close\r\n\r\n";
    if (!s->tls)
        send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static void take(struct http_server *s, int fd, const struct sockaddr_storage *from)
{
    char peer[INET6_ADDRSTRLEN];
    address_text(from, peer);
    if (s->n_connections == s->config.connections_max) {
        log_debug("connection refused peer=%s: there are %u already", peer, s->n_connections);
        turn_away(s, fd);
        return;
    }
    struct address *address = NULL;
    if (!address_is_loopback(from) && !(address = admit(s, address_key(from)))) {
        log_debug("connection refused peer=%s: it has %u already", peer, s->config.per_address_max);
        turn_away(s, fd);
        return;
    }
    connection_open(s, fd, peer, address);
}

static bool out_of_descriptors(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void listen_again(void *arg)
{
    event_add(((struct http_server *)arg)->listener, NULL);
}

static void accept_ready(evutil_socket_t fd, short what UNUSED, void *arg)
{
    struct http_server *s = arg;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof from;
        int accepted = accept4(fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0) {
            take(s, accepted, &from);
        } else if (out_of_descriptors(errno)) {
            log_warn("accept %s: %s; trying again in %d ms", s->listen_text, strerror(errno),
                     ACCEPT_PAUSE_MS);
            event_del(s->listener);
            timer_once(s->pause, ACCEPT_PAUSE_MS);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

/* ---- deadlines ---- */

/* One walk now and then costs less than a timer for each connection and request. */
static void sweep(void *arg)
{
    struct http_server *s = arg;
    int64_t now_ms = clock_mono_ms();
    s->holds++;
    for (struct connection *c = s->connections, *next; c; c = next) {
        next = c->next;
        if (c->deadline_ms && now_ms >= c->deadline_ms)
            connection_expired(c);
    }
    s->holds--;
    server_maybe_free(s);
}

static int64_t sweep_ms(const struct http_server_config *c)
{
    int64_t shortest = MIN(MIN(c->head_deadline_ms, c->body_deadline_ms), c->idle_ms);
    return MAX(MIN(shortest / 8, (int64_t)SWEEP_MAX_MS), (int64_t)SWEEP_MIN_MS);
}

void server_add_connection(struct http_server *s, struct connection *c)
{
    c->next = s->connections;
    if (c->next)
        c->next->prev = c;
    s->connections = c;
    if (s->n_connections++ == 0)
        timer_every(s->sweeper, sweep_ms(&s->config));
}

void server_forget_connection(struct http_server *s, struct connection *c)
{
    if (c->next)
        c->next->prev = c->prev;
    if (c->prev)
        c->prev->next = c->next;
    else
        s->connections = c->next;
    dismiss(s, c->address);
    if (--s->n_connections == 0)
        timer_stop(s->sweeper);
    server_maybe_free(s);
}

/* ---- opening and closing ---- */

static void set_defaults(struct http_server_config *c)
{
    c->body_max_bytes = c->body_max_bytes ? c->body_max_bytes : BODY_DEFAULT_MAX_BYTES;
    c->head_deadline_ms = c->head_deadline_ms ? c->head_deadline_ms : HEAD_DEADLINE_MS;
    c->body_deadline_ms = c->body_deadline_ms ? c->body_deadline_ms : BODY_DEADLINE_MS;
    c->idle_ms = c->idle_ms ? c->idle_ms : IDLE_MS;
    c->connections_max = c->connections_max ? c->connections_max : CONNECTIONS_MAX;
    c->per_address_max = c->per_address_max ? c->per_address_max : HTTP_CONNECTIONS_PER_ADDRESS;
}

static bool bind_and_listen(int fd, const struct sockaddr_storage *at, socklen_t len,
                            bool reuse_port)
{
    int one = 1, zero = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (reuse_port)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    /* What is accepted inherits it. Without it an answer in two pieces waits 40 ms. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (at->ss_family == AF_INET6) /* [::] takes IPv4 as well */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    return bind(fd, (const struct sockaddr *)at, len) == 0 && listen(fd, BACKLOG) == 0;
}

static int open_at(const struct sockaddr_storage *at, socklen_t len, bool reuse_port)
{
    int fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && !bind_and_listen(fd, at, len, reuse_port)) {
        fd_close(&fd);
        return -1;
    }
    return fd;
}

static enum status open_socket(struct http_server *s, struct err *err)
{
    struct sockaddr_storage at[ADDRESSES_MAX];
    socklen_t len[ADDRESSES_MAX];
    size_t n = 0;
    enum status st = address_to_listen(span_of(s->listen_text), at, len, &n, err);
    if (st)
        return st;
    for (size_t i = 0; i < n && s->fd < 0; i++) {
        s->fd = open_at(&at[i], len[i], s->config.reuse_port);
        if (s->fd < 0 && errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)
            break; /* only a missing IPv6 is a reason to try the next */
    }
    return s->fd < 0 ? err_errno(err, "listen %s", s->listen_text) : OK;
}

static void free_server(struct http_server *s)
{
    request_pool_free(s);
    map_free(&s->addresses);
    SSL_CTX_free(s->tls);
    buf_free(&s->reply_head);
    gzip_free(&s->gzip);
    free(s->listen_text);
    free(s->tls_cert);
    free(s->tls_key);
    free(s);
}

static void stop_listening(struct http_server *s)
{
    timer_stop(s->pause);
    if (s->listener)
        event_free(s->listener);
    s->listener = NULL;
    fd_close(&s->fd);
    s->fd = -1;
}

/* In two steps: the loop may end once the connections are gone, but a handler may still hold a
 * request. */
void server_maybe_free(struct http_server *s)
{
    if (!s->closing || s->n_connections || s->holds)
        return;
    if (s->sweeper) {
        timer_close(s->sweeper);
        timer_close(s->pause);
        timer_close(s->grace);
        s->sweeper = s->pause = s->grace = NULL;
        if (s->config.on_closed)
            s->config.on_closed(s->config.arg);
    }
    if (!s->n_requests)
        free_server(s);
}

enum status http_server_open(struct loop *loop, const struct http_server_config *config,
                             struct http_server **out, struct err *err)
{
    *out = NULL;
    if (!config->tls_cert != !config->tls_key)
        return err_set(err, INVALID, "TLS needs both a certificate file and a key file");
    struct http_server *s = mem_zero(1, sizeof *s);
    s->loop = loop;
    s->config = *config;
    set_defaults(&s->config);
    s->listen_text = mem_dup(config->listen);
    s->fd = -1;
    enum status st = OK;
    if (config->tls_cert) {
        s->tls_cert = mem_dup(config->tls_cert);
        s->tls_key = mem_dup(config->tls_key);
        st = http_server_reload_tls(s, err);
    }
    if (!st)
        st = open_socket(s, err);
    if (st) {
        free_server(s);
        return st;
    }
    s->sweeper = timer_open(loop, sweep, s);
    s->pause = timer_open(loop, listen_again, s);
    s->listener = event_new(loop_base(loop), s->fd, EV_READ | EV_PERSIST, accept_ready, s);
    event_add(s->listener, NULL);
    *out = s;
    return OK;
}

static void close_all(void *arg)
{
    struct http_server *s = arg;
    s->holds++;
    while (s->connections)
        connection_stop(s->connections);
    s->holds--;
    server_maybe_free(s);
}

void http_server_close(struct http_server *s, int64_t grace_ms)
{
    if (!s || s->closing)
        return;
    s->closing = true;
    stop_listening(s);
    s->holds++;
    for (struct connection *c = s->connections, *next; c; c = next) {
        next = c->next;
        connection_wind_down(c);
    }
    s->holds--;
    if (grace_ms <= 0) {
        close_all(s);
        return;
    }
    s->grace = timer_open(s->loop, close_all, s);
    timer_once(s->grace, grace_ms);
    server_maybe_free(s);
}

uint16_t http_server_port(const struct http_server *s)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof at;
    if (getsockname(s->fd, (struct sockaddr *)&at, &len))
        return 0;
    return address_port(&at);
}

enum status http_server_reload_tls(struct http_server *s, struct err *err)
{
    if (!s->tls_cert)
        return err_set(err, INVALID, "listen %s: this server speaks no TLS", s->listen_text);
    SSL_CTX *tls = NULL;
    enum status st = tls_server_context(s->tls_cert, s->tls_key, &tls, err);
    if (st)
        return st;
    SSL_CTX_free(s->tls); /* connections that use it hold it */
    s->tls = tls;
    s->certificate_expires_s = tls_own_expires_s(tls);
    return OK;
}

int64_t http_server_certificate_expires_s(const struct http_server *s)
{
    return s->certificate_expires_s;
}
