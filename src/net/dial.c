#include "net/dial.h"

#include "base/arena.h"
#include "base/clock.h"
#include "net/head.h"

#include <netdb.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONNECT_MS = 10000, USER_INFO_MAX_BYTES = 1024 };

/* ---- configuration ---- */

static char *peer_text(const struct url *u)
{
    auto_buf text = {0};
    bool v6 = span_find(u->host, ':') < u->host.len;
    buf_printf(&text, v6 ? "[%.*s]:%u" : "%.*s:%u", SPAN_ARG(u->host), u->port);
    return mem_dup(buf_text(&text));
}

/* The user and password of an address as a header line. */
static enum status credentials(const struct url *u, const char *field, char **out, struct err *err)
{
    if (!u->user_info.len)
        return OK;
    auto_buf plain = {.max = USER_INFO_MAX_BYTES};
    if (!url_decode(&plain, u->user_info, false))
        return err_set(err, INVALID, "user and password before \"@%.*s\" are malformed",
                       SPAN_ARG(u->host));
    unsigned char encoded[USER_INFO_MAX_BYTES * 4 / 3 + 8];
    EVP_EncodeBlock(encoded, (const unsigned char *)plain.at, (int)plain.len);
    auto_buf line = {0};
    buf_printf(&line, "%s: Basic %s\r\n", field, (const char *)encoded);
    *out = mem_dup(buf_text(&line));
    return OK;
}

static enum status parse_addresses(struct dial *d, const struct http_client_config *config,
                                   struct err *err)
{
    d->text = mem_dup(config->url);
    enum status st = url_parse(span_of(d->text), &d->url, err);
    if (st)
        return st;
    if (d->url.host.len >= sizeof d->host)
        return err_set(err, INVALID, "address \"%s\": the host name is too long", d->text);
    snprintf(d->host, sizeof d->host, "%.*s", SPAN_ARG(d->url.host));
    d->peer = peer_text(&d->url);
    st = credentials(&d->url, "Authorization", &d->credentials, err);
    if (st || !config->proxy || !config->proxy[0])
        return st;
    d->proxy_text = mem_dup(config->proxy);
    st = url_parse(span_of(d->proxy_text), &d->proxy, err);
    if (st)
        return err_prefix(err, "proxy");
    if (d->proxy.tls)
        return err_set(err, UNSUPPORTED, "proxy \"%s\": only http:// proxies are spoken to",
                       config->proxy);
    d->has_proxy = true;
    d->proxy_peer = peer_text(&d->proxy);
    return credentials(&d->proxy, "Proxy-Authorization", &d->proxy_credentials, err);
}

/* OpenSSL calls this whenever the server hands out a ticket. Returning 1 keeps it. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct dial *d = SSL_get_app_data(ssl);
    SSL_SESSION_free(d->session);
    d->session = session;
    return 1;
}

static void dial_timeout(void *arg);

enum status dial_init(struct dial *d, struct loop *loop, const struct http_client_config *config,
                      struct err *err)
{
    *d = (struct dial){.loop = loop};
    d->connect_ms = config->connect_ms ? config->connect_ms : CONNECT_MS;
    enum status st = parse_addresses(d, config, err);
    if (!st && d->url.tls) {
        st = tls_client_context(config->ca_file, &d->tls, err);
        if (!st) {
            SSL_CTX_set_session_cache_mode(d->tls,
                                           SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
            SSL_CTX_sess_set_new_cb(d->tls, keep_session);
        }
    }
    d->timer = timer_open(loop, dial_timeout, d);
    if (st)
        dial_free(d);
    return st;
}

bool dial_absolute(const struct dial *d)
{
    return d->has_proxy && !d->url.tls;
}

/* ---- the steps ---- */

static const char *next_hop(const struct dial *d)
{
    return d->has_proxy ? d->proxy_peer : d->peer;
}

static void forget_addresses(struct dial *d)
{
    if (d->addresses)
        freeaddrinfo(d->addresses);
    d->addresses = d->next_address = NULL;
}

void dial_stop(struct dial *d)
{
    timer_stop(d->timer);
    resolve_cancel(d->resolve);
    d->resolve = NULL;
    forget_addresses(d);
    buf_free(&d->proxy_head);
    wire_close(&d->wire);
}

void dial_free(struct dial *d)
{
    if (d->timer)
        dial_stop(d);
    timer_close(d->timer);
    SSL_SESSION_free(d->session);
    tls_client_context_free(d->tls);
    free(d->text);
    free(d->proxy_text);
    free(d->peer);
    free(d->proxy_peer);
    free(d->credentials);
    free(d->proxy_credentials);
    *d = (struct dial){0};
}

static void give_up(struct dial *d, const struct err *failure)
{
    dial_stop(d);
    d->fn(failure, d->arg);
}

static void succeed(struct dial *d)
{
    timer_stop(d->timer);
    forget_addresses(d);
    d->fn(NULL, d->arg);
}

static void wire_failed(struct dial *d)
{
    struct err err;
    wire_failure(&d->wire, &err);
    bool in_tls = d->wire.ssl != NULL;
    err_prefix(&err, in_tls ? "tls %s" : "connect %s", in_tls ? d->peer : next_hop(d));
    give_up(d, &err);
}

static void begin_tls(struct dial *d);
static const struct wire_events connect_events, proxy_events, tls_events;

/* The time that is left is shared by the addresses that are left, so that one which swallows
 * packets leaves some to the next. */
static void try_next_address(struct dial *d)
{
    struct addrinfo *a = d->next_address;
    d->next_address = a->ai_next;
    int64_t n_left = 1, left_ms = MAX(d->deadline_ms - clock_mono_ms(), (int64_t)1);
    for (struct addrinfo *later = a->ai_next; later; later = later->ai_next)
        n_left++;
    timer_once(d->timer, MAX(left_ms / n_left, (int64_t)1));
    wire_close(&d->wire);
    wire_connect(&d->wire, loop_base(d->loop), a->ai_addr, a->ai_addrlen, &connect_events, d);
}

static void connect_failed(void *arg)
{
    struct dial *d = arg;
    if (d->next_address)
        try_next_address(d);
    else
        wire_failed(d);
}

static void dial_timeout(void *arg)
{
    struct dial *d = arg;
    if (d->next_address) {
        try_next_address(d);
        return;
    }
    struct err err;
    const char *doing = d->resolve                        ? "resolve"
                        : d->wire.state == WIRE_HANDSHAKE ? "tls"
                        : d->wire.state == WIRE_OPEN      ? "proxy"
                                                          : "connect";
    err_set(&err, TIMED_OUT, "%s %s: no answer within %lld ms", doing,
            d->wire.state == WIRE_HANDSHAKE ? d->peer : next_hop(d), (long long)d->connect_ms);
    give_up(d, &err);
}

static void ask_proxy(struct dial *d)
{
    auto_buf head = {0};
    buf_printf(&head, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", d->peer, d->peer,
               d->proxy_credentials ? d->proxy_credentials : "");
    wire_hand_over(&d->wire, &proxy_events, d);
    wire_write_span(&d->wire, buf_view(&head));
}

static void connect_ready(void *arg)
{
    struct dial *d = arg;
    forget_addresses(d);
    timer_once(d->timer, MAX(d->deadline_ms - clock_mono_ms(), (int64_t)1));
    if (!d->url.tls)
        succeed(d);
    else if (d->has_proxy)
        ask_proxy(d);
    else
        begin_tls(d);
}

static void begin_tls(struct dial *d)
{
    wire_hand_over(&d->wire, &tls_events, d);
    wire_start_tls(&d->wire, d->tls, d->host, d->session);
    if (d->wire.ssl)
        SSL_set_app_data(d->wire.ssl, d); /* of keep_session */
}

static void tls_ready(void *arg)
{
    succeed(arg);
}

static void tls_failed(void *arg)
{
    wire_failed(arg);
}

static void proxy_refused(struct dial *d, const char *why)
{
    struct err err;
    err_set(&err, UNREACHABLE, "proxy %s: CONNECT %s: %s", d->proxy_peer, d->peer, why);
    give_up(d, &err);
}

/* Byte by byte: what follows the proxy's head belongs to TLS and must stay in the socket. */
static void proxy_readable(void *arg)
{
    struct dial *d = arg;
    char c;
    while (wire_read(&d->wire, &c, 1) == 1) {
        buf_char(&d->proxy_head, c);
        if (d->proxy_head.len > DIAL_HEAD_MAX_BYTES) {
            proxy_refused(d, "its answer is too long");
            return;
        }
        struct refusal no;
        size_t end;
        enum head_state state = head_scan(buf_view(&d->proxy_head), &d->proxy_line_at, &end, &no);
        if (state == HEAD_INCOMPLETE)
            continue;
        struct head head;
        if (state == HEAD_REFUSED || !head_parse_answer(buf_view(&d->proxy_head), &head, &no)) {
            proxy_refused(d, no.why);
        } else if (head.status != 200) {
            char why[64];
            snprintf(why, sizeof why, "status %d", head.status);
            proxy_refused(d, why);
        } else {
            begin_tls(d);
        }
        return;
    }
    if (wire_over(&d->wire))
        proxy_refused(d, "it closed the connection");
}

static void ignore(void *arg UNUSED)
{
}

static const struct wire_events connect_events = {connect_ready, connect_failed, ignore};
static const struct wire_events proxy_events = {ignore, proxy_readable, ignore};
static const struct wire_events tls_events = {tls_ready, tls_failed, ignore};

static void resolved(struct addrinfo *found, const char *failure, void *arg)
{
    struct dial *d = arg;
    d->resolve = NULL;
    if (failure) {
        struct err err;
        err_set(&err, UNREACHABLE, "resolve %s: %s", next_hop(d), failure);
        give_up(d, &err);
        return;
    }
    d->addresses = d->next_address = found;
    try_next_address(d);
}

void dial_start(struct dial *d, dial_fn fn, void *arg)
{
    dial_stop(d);
    d->fn = fn;
    d->arg = arg;
    d->proxy_line_at = 0;
    d->deadline_ms = clock_mono_ms() + d->connect_ms;
    timer_once(d->timer, d->connect_ms);
    char proxy_host[HOST_NAME_BYTES];
    snprintf(proxy_host, sizeof proxy_host, "%.*s", SPAN_ARG(d->proxy.host));
    d->resolve = resolve_start(d->loop, d->has_proxy ? proxy_host : d->host,
                               d->has_proxy ? d->proxy.port : d->url.port, resolved, d);
}
