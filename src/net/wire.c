#include "net/wire.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    OUT_KEPT_BYTES = 4 << 10,    /* a queue that was larger gives its memory back */
    OUT_COMPACT_BYTES = 64 << 10 /* move what waits to the front beyond this */
};

size_t wire_queued(const struct wire *w)
{
    return w->out.len - w->out_at;
}

bool wire_over(const struct wire *w)
{
    return w->ended || w->state == WIRE_FAILED || w->state == WIRE_CLOSED;
}

/* Noted here, told by the loop: whoever wrote is not called from inside of its own call. */
static void fail(struct wire *w, int error, unsigned long tls_error)
{
    if (w->state == WIRE_FAILED)
        return;
    w->state = WIRE_FAILED;
    w->error = error;
    w->tls_error = tls_error;
    w->paused = false;
    buf_free(&w->out);
    w->out_at = 0;
    event_del(&w->write_event);
    wire_call_readable(w);
}

void wire_fail(struct wire *w)
{
    fail(w, ENOBUFS, 0);
}

void wire_call_readable(struct wire *w)
{
    event_active(&w->read_event, EV_READ, 0);
}

static void await_writable(struct wire *w)
{
    event_add(&w->write_event, NULL);
}

static void end(struct wire *w, bool cut)
{
    w->ended = true;
    w->cut = cut;
    event_del(&w->read_event); /* it would be readable for ever */
}

/* What OpenSSL answered to an operation that did not succeed. */
static void tls_stopped(struct wire *w, int result, bool *wants_other_way, int other_way)
{
    int why = SSL_get_error(w->ssl, result);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        *wants_other_way = why == other_way;
        if (why == SSL_ERROR_WANT_WRITE)
            await_writable(w);
    } else if (why == SSL_ERROR_ZERO_RETURN) {
        end(w, false);
    } else if (why == SSL_ERROR_SYSCALL) {
        fail(w, errno ? errno : ECONNRESET, 0);
    } else if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        end(w, true);
    } else {
        fail(w, EPROTO, ERR_peek_error());
    }
    ERR_clear_error();
}

/* ---- writing ---- */

static void out_written(struct wire *w, size_t n)
{
    w->out_at += n;
    if (wire_queued(w))
        return;
    w->out_at = 0;
    buf_clear(&w->out);
    if (w->out.size > OUT_KEPT_BYTES)
        buf_free(&w->out);
}

static void flush(struct wire *w)
{
    w->write_wants_read = false;
    while (w->state == WIRE_OPEN && wire_queued(w)) {
        struct span rest = {w->out.at + w->out_at, wire_queued(w)};
        if (w->ssl) {
            size_t sent = 0;
            ERR_clear_error();
            errno = 0;
            int result = SSL_write_ex(w->ssl, rest.at, rest.len, &sent);
            if (result != 1) {
                tls_stopped(w, result, &w->write_wants_read, SSL_ERROR_WANT_READ);
                return;
            }
            out_written(w, sent);
            continue;
        }
        ssize_t sent = send(w->socket.fd, rest.at, rest.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            await_writable(w);
            return;
        }
        if (sent < 0) {
            fail(w, errno, 0);
            return;
        }
        w->socket.sent_bytes += (uint64_t)sent;
        out_written(w, (size_t)sent);
    }
}

static void queue(struct wire *w, const struct iovec *parts, int n, size_t skip)
{
    if (w->out_at > OUT_COMPACT_BYTES && w->out_at > w->out.len / 2) {
        memmove(w->out.at, w->out.at + w->out_at, wire_queued(w));
        w->out.len -= w->out_at;
        w->out_at = 0;
    }
    size_t total = 0;
    for (int i = 0; i < n; i++)
        total += parts[i].iov_len;
    buf_reserve(&w->out, total - skip);
    for (int i = 0; i < n; i++) {
        size_t left_out = MIN(skip, parts[i].iov_len);
        buf_put(&w->out, (const char *)parts[i].iov_base + left_out, parts[i].iov_len - left_out);
        skip -= left_out;
    }
    if (w->out.failed)
        fail(w, ENOBUFS, 0);
}

void wire_write(struct wire *w, const struct iovec *parts, int n)
{
    if (w->state == WIRE_FAILED || w->state == WIRE_CLOSED || w->shut)
        return;
    size_t sent = 0;
    bool first = w->state == WIRE_OPEN && !wire_queued(w);
    if (first && !w->ssl) {
        struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
                                 .msg_iovlen = (size_t)n};
        ssize_t result = sendmsg(w->socket.fd, &message, MSG_NOSIGNAL);
        if (result < 0 && errno != EAGAIN) {
            fail(w, errno, 0);
            return;
        }
        sent = result > 0 ? (size_t)result : 0;
        w->socket.sent_bytes += sent;
    }
    size_t total = 0;
    for (int i = 0; i < n; i++)
        total += parts[i].iov_len;
    if (sent == total)
        return;
    queue(w, parts, n, sent);
    if (first && w->ssl)
        flush(w);
    else
        await_writable(w);
}

void wire_write_span(struct wire *w, struct span s)
{
    struct iovec part = {(void *)(uintptr_t)s.at, s.len};
    wire_write(w, &part, 1);
}

void wire_want_drained(struct wire *w)
{
    await_writable(w);
}

void wire_shutdown(struct wire *w)
{
    if (w->state != WIRE_OPEN || w->shut)
        return;
    w->shut = true;
    if (w->ssl) {
        ERR_clear_error();
        SSL_shutdown(w->ssl);
        ERR_clear_error();
    }
    shutdown(w->socket.fd, SHUT_WR);
}

/* ---- reading ---- */

static size_t read_tls(struct wire *w, char *to, size_t n)
{
    size_t got = 0;
    while (got < n && !wire_over(w)) {
        size_t some = 0;
        ERR_clear_error();
        errno = 0;
        int result = SSL_read_ex(w->ssl, to + got, n - got, &some);
        if (result != 1) {
            tls_stopped(w, result, &w->read_wants_write, SSL_ERROR_WANT_WRITE);
            break;
        }
        got += some;
    }
    return got;
}

size_t wire_read(struct wire *w, void *to, size_t n)
{
    if (w->state != WIRE_OPEN || w->ended || !n)
        return 0;
    if (w->ssl)
        return read_tls(w, to, n);
    ssize_t got = recv(w->socket.fd, to, n, 0);
    if (got > 0)
        return (size_t)got;
    if (got == 0)
        end(w, false);
    else if (errno != EAGAIN && errno != EINTR)
        fail(w, errno, 0);
    return 0;
}

void wire_pause(struct wire *w)
{
    if (w->paused)
        return;
    w->paused = true;
    event_del(&w->read_event);
}

void wire_resume(struct wire *w)
{
    if (!w->paused)
        return;
    w->paused = false;
    if (!w->ended)
        event_add(&w->read_event, NULL);
    wire_call_readable(w); /* TLS may hold bytes that the socket does not show any more */
}

/* ---- opening ---- */

static void handshake(struct wire *w)
{
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(w->ssl);
    if (result == 1) {
        w->state = WIRE_OPEN;
        w->on->ready(w->arg);
        return;
    }
    bool ignored;
    tls_stopped(w, result, &ignored, 0);
    if (w->ended)
        fail(w, ECONNRESET, 0);
}

static void connected(struct wire *w)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(w->socket.fd, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
        fail(w, error ? error : errno, 0);
        return;
    }
    w->state = WIRE_OPEN;
    event_add(&w->read_event, NULL);
    w->on->ready(w->arg);
}

static void socket_readable(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct wire *w = arg;
    if (w->state == WIRE_HANDSHAKE) {
        handshake(w);
        return;
    }
    if (w->write_wants_read)
        flush(w);
    if (w->paused)
        return;
    if (w->state == WIRE_FAILED)
        event_del(&w->read_event);
    w->on->readable(w->arg);
}

static void socket_writable(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct wire *w = arg;
    if (w->state == WIRE_CONNECTING) {
        connected(w);
    } else if (w->state == WIRE_HANDSHAKE) {
        handshake(w);
    } else if (w->state == WIRE_OPEN) {
        if (w->read_wants_write) {
            w->read_wants_write = false;
            wire_call_readable(w);
        }
        flush(w);
        if (w->state == WIRE_OPEN && !wire_queued(w))
            w->on->drained(w->arg);
    }
}

static void init(struct wire *w, struct event_base *base, int fd, const struct wire_events *on,
                 void *arg)
{
    *w = (struct wire){.socket = {.fd = fd}, .base = base, .on = on, .arg = arg};
    event_assign(&w->read_event, base, fd, EV_READ | EV_PERSIST, socket_readable, w);
    event_assign(&w->write_event, base, fd, EV_WRITE, socket_writable, w);
}

static bool begin_tls(struct wire *w, SSL_CTX *tls)
{
    w->ssl = SSL_new(tls);
    if (!w->ssl) {
        fail(w, ENOMEM, 0);
        return false;
    }
    BIO *bio = tls_socket_bio(&w->socket);
    SSL_set_bio(w->ssl, bio, bio);
    w->state = WIRE_HANDSHAKE;
    return true;
}

void wire_accept(struct wire *w, struct event_base *base, int fd, SSL_CTX *tls,
                 const struct wire_events *on, void *arg)
{
    init(w, base, fd, on, arg);
    w->state = WIRE_OPEN;
    event_add(&w->read_event, NULL);
    if (tls && begin_tls(w, tls))
        SSL_set_accept_state(w->ssl);
}

void wire_connect(struct wire *w, struct event_base *base, const struct sockaddr *to,
                  socklen_t to_len, const struct wire_events *on, void *arg)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    init(w, base, fd, on, arg);
    w->state = WIRE_CONNECTING;
    int one = 1;
    if (fd < 0) {
        fail(w, errno, 0);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, to, to_len) && errno != EINPROGRESS)
        fail(w, errno, 0);
    else
        await_writable(w);
}

void wire_start_tls(struct wire *w, SSL_CTX *tls, const char *host, SSL_SESSION *session)
{
    if (!begin_tls(w, tls))
        return;
    SSL_set_connect_state(w->ssl);
    if (!tls_expect_host(w->ssl, host)) {
        fail(w, EINVAL, 0);
        return;
    }
    if (session)
        SSL_set_session(w->ssl, session);
    await_writable(w); /* the hello is sent from the loop */
}

void wire_hand_over(struct wire *w, const struct wire_events *on, void *arg)
{
    w->on = on;
    w->arg = arg;
}

void wire_close(struct wire *w)
{
    if (w->state == WIRE_CLOSED)
        return;
    event_del(&w->read_event);
    event_del(&w->write_event);
    if (w->ssl) {
        /* Without the farewell OpenSSL would forget the session that a client resumes. */
        ERR_clear_error();
        if (w->state == WIRE_OPEN && !w->shut)
            SSL_shutdown(w->ssl);
        ERR_clear_error();
        SSL_free(w->ssl);
    }
    if (w->socket.fd >= 0)
        close(w->socket.fd);
    buf_free(&w->out);
    *w = (struct wire){.socket = {.fd = -1}};
}

bool wire_unread(const struct wire *w, uint64_t mark)
{
    int waiting = 0;
    return ioctl(w->socket.fd, SIOCOUTQ, &waiting) == 0 &&
           (uint64_t)waiting >= w->socket.sent_bytes - mark;
}

enum status wire_failure(const struct wire *w, struct err *err)
{
    if (w->tls_error) {
        char text[256];
        tls_sentence(w->ssl, w->tls_error, text, sizeof text);
        return err_set(err, DENIED, "%s", text);
    }
    if (w->state == WIRE_FAILED) {
        char text[64];
        return err_set(err, UNREACHABLE, "%s", strerror_r(w->error, text, sizeof text));
    }
    return err_set(err, UNREACHABLE, "the peer closed the connection");
}
