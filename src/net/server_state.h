/* What server.c, connection.c, request.c and reply.c share. Private to net/.
 *
 * A connection holds as little as it can while idle: no buffer, no request. Requests (with their
 * head, body and arena) come from a pool of the server, so that memory grows with the requests
 * under way and not with the agents connected. */
#pragma once

#include "base/map.h"
#include "net/chunked.h"
#include "net/gzip.h"
#include "net/head.h"
#include "net/wire.h"

#include <netinet/in.h>

enum {
    SCRATCH_BYTES = 64 << 10,           /* one read from a socket */
    POOLED_REQUESTS_MAX = 32,           /* kept for the next use */
    POOLED_BYTES_MAX = 1 << 20,         /* of one buffer in a pooled request */
    PIPELINED_MAX_BYTES = 64 << 10,     /* read while a request is under way */
    BODIES_MAX_BYTES = 512 << 20,       /* of all requests under way together */
    STREAM_QUEUE_MAX_BYTES = 16 << 20,  /* waiting in one streamed answer */
    PIPELINE_OUT_MAX_BYTES = 256 << 10, /* no further request is begun while more waits */
    LINGER_MS = 2000,                   /* for the peer to read the last answer */
    STALL_MS = 30000,                   /* a peer must take STALL_BYTES of an answer in it */
    STALL_BYTES = 32 << 10,
    DATE_TEXT_MAX = 64,
};

enum phase {
    PHASE_HEAD, /* idle, or a head has begun */
    PHASE_BODY,
    PHASE_BUSY,   /* the handler has the request */
    PHASE_LINGER, /* the last answer is on its way */
    PHASE_UPGRADED,
};

/* How many connections an address has; entries live as long as one of them. */
struct address {
    struct span key;
    unsigned connections;
    unsigned char bytes[sizeof(struct in6_addr)];
};

/* The server closes: say goodbye, or when now is set be gone on return. */
typedef void (*upgrade_stop)(void *arg, bool now);

struct connection {
    struct wire wire;
    struct http_server *server;
    struct connection *prev, *next;
    struct http_request *req; /* in PHASE_BODY and PHASE_BUSY */
    struct address *address;  /* NULL for loopback */
    struct buf in;            /* read and not yet understood */
    size_t line_at;           /* see head_scan */
    enum phase phase;
    bool head_begun;     /* its deadline runs */
    bool running;        /* inside of readable(): close when it is done */
    bool doomed;         /* close soon */
    int64_t deadline_ms; /* 0: none */
    uint64_t sent_mark;  /* wire.socket.sent_bytes when the deadline was set */
    void *data;
    void (*data_free)(void *);
    upgrade_stop stop; /* PHASE_UPGRADED */
    void *stop_arg;
    char peer[INET6_ADDRSTRLEN];
};

struct http_request {
    struct http_server *server;
    struct connection *conn;   /* NULL: gone */
    struct http_request *next; /* in the pool */
    struct arena arena;
    struct buf head_text, body, fields; /* fields: header lines of the coming reply */
    struct span path;
    size_t body_max;
    struct http_body_sink sink;
    uint64_t sunk_bytes, sunk_mark; /* when the deadline was set */
    bool sink_full;
    struct chunked chunked;
    bool reading; /* head is complete, body not */
    bool close;   /* after the reply */
    bool encoded; /* the handler set Content-Encoding itself */
    bool streaming, stream_chunks;
    bool telling; /* on_drained is about to be called for a stream whose reader is gone */
    bool tls;
    int status; /* of the answer that was begun */
    http_handler on_drained;
    void *drained_arg;
    http_handler on_gone;
    void *gone_arg;
    void *data;
    void *orphan; /* stands in for connection data once the connection is gone */
    void (*orphan_free)(void *);
    char peer[INET6_ADDRSTRLEN];
    struct head head;
};

struct http_server {
    struct loop *loop;
    struct http_server_config config;
    char *listen_text, *tls_cert, *tls_key;
    SSL_CTX *tls;
    int64_t certificate_expires_s;
    int fd;
    struct event *listener;
    struct timer *sweeper, *pause, *grace;
    struct connection *connections;
    unsigned n_connections;
    struct map addresses;
    struct http_request *pool;
    size_t n_pooled, n_requests;
    size_t bodies_bytes;
    bool closing;
    unsigned holds;        /* walks over the connections: not freed meanwhile */
    struct buf reply_head; /* built here, one at a time */
    struct gzip gzip;
    int64_t date_s;
    char date[DATE_TEXT_MAX];
    char scratch[SCRATCH_BYTES];
};

/* server.c */
void server_add_connection(struct http_server *s, struct connection *c);
void server_forget_connection(struct http_server *s, struct connection *c);
void server_maybe_free(struct http_server *s);

/* connection.c */
void connection_open(struct http_server *s, int fd, const char *peer, struct address *address);
void connection_close(struct connection *c);
void connection_stop(struct connection *c);    /* as it is, whatever it is doing */
void connection_expired(struct connection *c); /* the deadline has passed */
void connection_queued(struct connection *c);  /* something was written: the peer has to take it */
/* The server closes: idle connections at once, others after their answer. */
void connection_wind_down(struct connection *c);
/* The answer to the request is given; the request is used up. c may be gone afterwards. */
void connection_answered(struct connection *c);
/* Gives the wire to another protocol, which calls connection_close at its end; the request is
 * used up. What was read beyond the request stands in ->in when the wire is next readable.
 * stop is called when the server closes. */
struct connection *connection_upgrade(struct http_request *req, upgrade_stop stop, void *arg);

/* request.c */
struct http_request *request_take(struct connection *c);
void request_release(struct http_request *req);
void request_pool_free(struct http_server *s);
/* Its connection is gone: tells the handler of a stream. */
void request_orphan(struct http_request *req);
/* The client is going: tells the handler, once. */
void request_tell_gone(struct http_request *req);
/* The answer was given: for those who count. */
void request_count(struct http_request *req, int status);
/* The connection ends with the answer. */
bool request_closes(const struct http_request *req);
/* Decodes the path of the target; false when it holds a bad escape. */
bool request_set_path(struct http_request *req);
