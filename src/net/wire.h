/* One TCP connection, plain or TLS, non-blocking, on a loop. The layer under server, client and
 * WebSocket. It reads straight into the caller's memory and writes straight to the socket; only
 * what the socket does not take is copied and waits (docs/decisions/0003-http.md says why this
 * is not a bufferevent). Private to net/. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "net/tls.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* All are called from the loop, never from inside a wire_ function, and may close the wire. */
struct wire_events {
    void (*ready)(void *arg);    /* connected, or the TLS handshake is done */
    void (*readable)(void *arg); /* wire_read has something: bytes, the end, or a failure */
    /* All that had to wait is written, or wire_want_drained asked and nothing waits. */
    void (*drained)(void *arg);
};

enum wire_state { WIRE_CLOSED, WIRE_CONNECTING, WIRE_HANDSHAKE, WIRE_OPEN, WIRE_FAILED };

struct wire {
    enum wire_state state; /* WIRE_CLOSED is the zero value */
    struct tls_socket socket;
    SSL *ssl; /* NULL: plain */
    struct event_base *base;
    const struct wire_events *on;
    void *arg;
    struct event read_event, write_event;
    struct buf out; /* what waits, from out_at on */
    size_t out_at;
    bool paused;
    bool ended; /* the peer has sent everything */
    bool cut;   /* ended without TLS saying so */
    bool shut;  /* we have sent everything */
    bool read_wants_write, write_wants_read;
    int error;               /* errno of the failure, or */
    unsigned long tls_error; /* OpenSSL's */
};

/* Takes over a connected socket; ready is called when there is a handshake to wait for. */
void wire_accept(struct wire *w, struct event_base *base, int fd, SSL_CTX *tls,
                 const struct wire_events *on, void *arg);
/* Begins to connect; ready is called at the end, or readable with a failure. */
void wire_connect(struct wire *w, struct event_base *base, const struct sockaddr *to,
                  socklen_t to_len, const struct wire_events *on, void *arg);
/* Begins TLS as a client on an open wire; ready is called at the end. session may be NULL. */
void wire_start_tls(struct wire *w, SSL_CTX *tls, const char *host, SSL_SESSION *session);
/* Other callbacks from now on. */
void wire_hand_over(struct wire *w, const struct wire_events *on, void *arg);

/* Reads up to n bytes. Fewer than n: that is all for now; then look at wire_over. */
size_t wire_read(struct wire *w, void *to, size_t n);
bool wire_over(const struct wire *w); /* nothing more will come: ended or failed */
void wire_pause(struct wire *w);      /* no readable until wire_resume */
void wire_resume(struct wire *w);
/* Calls readable soon, also when the socket has nothing new. */
void wire_call_readable(struct wire *w);

/* Sends, or queues what the socket does not take. Nothing happens on a failed wire. */
void wire_write(struct wire *w, const struct iovec *parts, int n);
void wire_write_span(struct wire *w, struct span s);
void wire_want_drained(struct wire *w); /* calls drained soon, when all is written */
size_t wire_queued(const struct wire *w);
void wire_fail(struct wire *w); /* the queue is too long: gives up, and tells readable */
/* After everything queued is written: tells the peer that no more will come. */
void wire_shutdown(struct wire *w);
void wire_close(struct wire *w); /* closed is fine */

/* True when the peer's kernel has not confirmed a byte sent after socket.sent_bytes was mark:
 * then nobody has read it. */
bool wire_unread(const struct wire *w, uint64_t mark);
/* What went wrong, for a person: "Connection refused", "certificate has expired (...)". */
enum status wire_failure(const struct wire *w, struct err *err);
