/* HTTP/1.1, server and client, plain and TLS, on libevent's loop and OpenSSL. This
 * folder knows bytes on the wire and nothing of monitoring. What it refuses by itself, because
 * two readers could understand it differently: two Content-Length headers or a bad one, any
 * Transfer-Encoding but chunked, both together, blanks before a colon, bare CR, control
 * characters, a missing or doubled Host, obsolete line folding, HTTP/0.9 and versions above
 * 1.1. Deadlines are absolute, not per byte. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"

enum {
    HTTP_HEAD_MAX_BYTES = 16 << 10,
    HTTP_HEADERS_MAX = 64,
    HTTP_SINK_STEP_BYTES = 64 << 10,
    HTTP_CONNECTIONS_PER_ADDRESS = 64, /* default; loopback is exempt */
};

struct http_header {
    struct span name, value;
};

/* ---- server ---- */

struct http_server;
struct http_request;

/* A request is valid until it is replied to. Handlers run on the server's loop thread and may
 * reply later, from that same thread (other threads: loop_post to http_request_loop). When
 * the client goes away first, http_request_gone turns true and a reply only frees. */
typedef void (*http_handler)(struct http_request *req, void *arg);

struct http_server_config {
    const char *listen;             /* "127.0.0.1:5000", "[::1]:5000", ":5000"; port 0 picks one */
    const char *tls_cert, *tls_key; /* PEM files, both or none */
    size_t body_max_bytes;          /* default ceiling for a body; 0: 8 MiB */
    int64_t head_deadline_ms;       /* 0: 10 s to send a whole head */
    int64_t body_deadline_ms;       /* 0: 60 s to send a whole body */
    int64_t idle_ms;                /* 0: 75 s between requests */
    unsigned connections_max;       /* 0: 20,000 */
    unsigned per_address_max;       /* 0: HTTP_CONNECTIONS_PER_ADDRESS */
    bool reuse_port;                /* several loops listen on one port */
    /* Called when the head is complete and before any body is read; may reply (then the body is
     * not read and the connection closes when there is one) or set http_request_body_max. May be
     * NULL. */
    http_handler on_head;
    http_handler on_request; /* head and body are complete */
    /* The answer to a request was given whole (status as sent; 499 when nobody was there to take
     * it); the request is still valid. For counting; may be NULL. */
    void (*on_answered)(struct http_request *req, int status, void *arg);
    /* After http_server_close: the last connection is gone. May be NULL. */
    void (*on_closed)(void *arg);
    void *arg;
};

MUST_USE enum status http_server_open(struct loop *loop, const struct http_server_config *config,
                                      struct http_server **out, struct err *err);
/* Stops listening, lets running requests finish for up to grace_ms, then closes everything. */
void http_server_close(struct http_server *s, int64_t grace_ms);
uint16_t http_server_port(const struct http_server *s);
/* Reads the certificate and key files again; the old ones stay when the new are bad. */
MUST_USE enum status http_server_reload_tls(struct http_server *s, struct err *err);
/* When the certificate that is shown expires, seconds since 1970; 0: no TLS. */
int64_t http_server_certificate_expires_s(const struct http_server *s);

struct span http_request_method(const struct http_request *req); /* HEAD shows as GET */
struct span http_request_target(const struct http_request *req); /* path and query, as sent */
struct span http_request_path(const struct http_request *req);   /* percent-decoded; no NUL */
struct span http_request_query(const struct http_request *req);  /* raw, without '?' */
struct span http_request_header(const struct http_request *req, const char *name); /* or empty */
struct span http_request_body(const struct http_request *req);
struct span http_request_peer(const struct http_request *req); /* the address, without port */
bool http_request_tls(const struct http_request *req);
bool http_request_gone(const struct http_request *req);
/* fn is called once when the client goes, or ends its sending side, before the answer is given;
 * the request stays valid. NULL takes that back. */
void http_request_on_gone(struct http_request *req, http_handler fn, void *arg);
bool http_request_takes_gzip(const struct http_request *req); /* Accept-Encoding */
struct loop *http_request_loop(const struct http_request *req);
struct arena *http_request_arena(struct http_request *req); /* lives as long as the request */
void http_request_body_max(struct http_request *req, size_t bytes);

/* Takes a body that is not gathered. */
struct http_body_sink {
    uint64_t max_bytes; /* 413 beyond */
    /* The next bytes, on the loop; they are taken. False: no more until http_request_body_more. */
    bool (*take)(void *arg, struct span bytes);
    void (*release)(void *arg); /* the request has ended, whether its body came whole or not */
    void *arg;
};
/* In on_head: from then on http_request_body stays empty. The deadline for the body counts anew
 * with every HTTP_SINK_STEP_BYTES. on_request is called at the end of the body; an answer may be
 * given before (then the connection closes). */
void http_request_body_to(struct http_request *req, const struct http_body_sink *sink);
void http_request_body_more(struct http_request *req);
/* Content-Length; 0 when the body says no length. */
uint64_t http_request_body_length(const struct http_request *req);
/* A pointer kept with the connection until it closes (ingest keeps its place there). */
void **http_request_connection_data(struct http_request *req, void (*free_fn)(void *));
/* A pointer of the handler's own, kept with the request. */
void **http_request_data(struct http_request *req);

/* The first value of a query or form parameter, decoded, in the request's arena; also from a
 * POST body of type application/x-www-form-urlencoded. False when absent. */
bool http_request_param(struct http_request *req, const char *name, struct span *out);
/* Every value of a parameter that may repeat ("match[]"). */
size_t http_request_params(struct http_request *req, const char *name, struct span *out,
                           size_t max);

/* Adds a header to the coming reply. Names and values with control characters are refused
 * (dropped and logged): they come from us, so that is a fault of ours. */
void http_reply_header(struct http_request *req, const char *name, const char *value);
/* Sends everything and ends the request. content_type may be NULL for no body. Compresses with
 * gzip when the client takes it and the body is large enough to gain. */
void http_reply(struct http_request *req, int status, const char *content_type, struct span body);
/* problem+json (RFC 9457) with title, status and detail. */
void http_problem(struct http_request *req, int status, const char *detail_format, ...)
    PRINTF(3, 4);
/* An answer in pieces: start, any number of chunks, end. on_drained (may be NULL) is called
 * when the socket has taken all that was given: write the next piece then. It is also called
 * when the client goes (http_request_gone): end the stream then. Who does not wait for it is
 * cut off when too much waits. */
void http_stream_start(struct http_request *req, int status, const char *content_type,
                       http_handler on_drained, void *arg);
void http_stream_write(struct http_request *req, struct span bytes);
void http_stream_end(struct http_request *req);
/* Ends a stream that cannot be finished: the connection is cut before the last chunk, so that
 * the client does not take the piece for the whole. */
void http_stream_abort(struct http_request *req);

const char *http_status_text(int status);

/* ---- client: one peer, one connection kept open, one request at a time ---- */

struct http_client;

struct http_client_config {
    const char *url;     /* http://host:port or https://host:port; a path is kept as prefix */
    const char *ca_file; /* PEM; NULL: the system's roots */
    const char *proxy;   /* http://host:port, NULL: none */
    const char *user_agent;
    int64_t connect_ms, request_ms; /* 0: 10 s, 30 s */
    size_t body_max_bytes;          /* of an answer; 0: 64 MiB */
    /* Given the body of an answer of status 200 as it comes, instead of gathering it; then
     * body_max_bytes does not count. May be NULL. */
    void (*on_piece)(void *arg, struct span bytes);
    void *piece_arg;
};

struct http_answer {
    int status; /* 0: none came, see err */
    struct span body;
    const struct http_header *headers;
    size_t n_headers;
    const struct err *err; /* NULL when an answer came; names address and cause */
    /* When the first certificate of the peer's chain expires, seconds since 1970; 0: no TLS. */
    int64_t certificate_expires_s;
};

typedef void (*http_answer_fn)(const struct http_answer *answer, void *arg);

MUST_USE enum status http_client_open(struct loop *loop, const struct http_client_config *config,
                                      struct http_client **out, struct err *err);
void http_client_close(struct http_client *c); /* no callback after it; NULL is fine */
/* Bytes are copied. Exactly one call of fn for each call that returns OK; AGAIN while another
 * request is under way. */
MUST_USE enum status http_client_send(struct http_client *c, const char *method, const char *path,
                                      const struct http_header *headers, size_t n_headers,
                                      struct span body, http_answer_fn fn, void *arg,
                                      struct err *err);
bool http_client_busy(const struct http_client *c);
struct span http_answer_header(const struct http_answer *a, const char *name);

/* For command lines: send and wait, on a loop of its own. Body goes to out. */
MUST_USE enum status http_fetch(const struct http_client_config *config, const char *method,
                                const char *path, const struct http_header *headers,
                                size_t n_headers, struct span body, int *status, struct buf *out,
                                struct err *err);

/* ---- URLs ---- */

struct url {
    bool tls;
    struct span host, path /* with its slash, "" when none */, user_info;
    uint16_t port;
};
/* http and https only; says what is wrong. Spans point into text. */
MUST_USE enum status url_parse(struct span text, struct url *out, struct err *err);
void url_encode(struct buf *out, struct span text);
/* %41 and, in forms, '+'; false for a bad escape or a NUL. */
bool url_decode(struct buf *out, struct span text, bool form);
