/* Requests: their pool, and what handlers ask of them. */
#include "net/server_state.h"

#include <stdlib.h>

struct http_request *request_take(struct connection *c)
{
    struct http_server *s = c->server;
    struct http_request *req = s->pool;
    if (req) {
        s->pool = req->next;
        s->n_pooled--;
    } else {
        req = mem_zero(1, sizeof *req);
    }
    req->server = s;
    req->conn = c;
    req->tls = c->wire.ssl != NULL;
    memcpy(req->peer, c->peer, sizeof req->peer);
    s->n_requests++;
    return req;
}

static void trim(struct buf *b)
{
    if (b->size > POOLED_BYTES_MAX)
        buf_free(b);
    buf_clear(b);
}

static void free_request(struct http_request *req)
{
    arena_free(&req->arena);
    buf_free(&req->head_text);
    buf_free(&req->body);
    buf_free(&req->fields);
    free(req);
}

void request_release(struct http_request *req)
{
    struct http_server *s = req->server;
    if (req->orphan && req->orphan_free)
        req->orphan_free(req->orphan);
    if (req->sink.release)
        req->sink.release(req->sink.arg);
    s->bodies_bytes -= req->body.len;
    s->n_requests--;
    if (s->closing || s->n_pooled == POOLED_REQUESTS_MAX) {
        free_request(req);
        server_maybe_free(s);
        return;
    }
    if (req->arena.size > POOLED_BYTES_MAX)
        arena_free(&req->arena);
    arena_reset(&req->arena);
    trim(&req->head_text);
    trim(&req->body);
    trim(&req->fields);
    struct http_request kept = {
        .arena = req->arena,
        .head_text = {.at = req->head_text.at, .size = req->head_text.size},
        .body = {.at = req->body.at, .size = req->body.size},
        .fields = {.at = req->fields.at, .size = req->fields.size},
        .next = s->pool,
    };
    memcpy(req, &kept, offsetof(struct http_request, head));
    memset(&req->head, 0, offsetof(struct head, headers)); /* the fields go by their number */
    s->pool = req;
    s->n_pooled++;
}

void request_pool_free(struct http_server *s)
{
    while (s->pool) {
        struct http_request *req = s->pool;
        s->pool = req->next;
        free_request(req);
    }
    s->n_pooled = 0;
}

void request_tell_gone(struct http_request *req)
{
    http_handler fn = req->on_gone;
    req->on_gone = NULL;
    if (fn)
        fn(req, req->gone_arg);
}

void request_count(struct http_request *req, int status)
{
    if (req->server->config.on_answered)
        req->server->config.on_answered(req, status, req->server->config.arg);
}

void request_orphan(struct http_request *req)
{
    req->conn = NULL;
    request_tell_gone(req);
    if (req->reading)
        request_release(req); /* nobody has seen it */
    else if (req->streaming && req->on_drained)
        req->on_drained(req, req->drained_arg);
}

/* A body that was not read to its end would be taken for the next request. */
bool request_closes(const struct http_request *req)
{
    return req->close || req->reading || req->server->closing;
}

bool request_set_path(struct http_request *req)
{
    req->path = req->head.path;
    if (span_find(req->path, '%') == req->path.len)
        return true;
    struct buf decoded = {.at = arena_alloc(&req->arena, req->path.len), .size = req->path.len};
    if (!url_decode(&decoded, req->path, false)) /* never longer than what it decodes */
        return false;
    req->path = buf_view(&decoded);
    for (size_t i = 0; i < req->path.len; i++)
        if ((unsigned char)req->path.at[i] < 0x20 || req->path.at[i] == 0x7f)
            return false;
    return true;
}

struct span http_request_method(const struct http_request *req)
{
    return span_is(req->head.method, "HEAD") ? SPAN("GET") : req->head.method;
}

struct span http_request_target(const struct http_request *req)
{
    return req->head.target;
}

struct span http_request_path(const struct http_request *req)
{
    return req->path;
}

struct span http_request_query(const struct http_request *req)
{
    return req->head.query;
}

struct span http_request_header(const struct http_request *req, const char *name)
{
    return head_field(req->head.headers, req->head.n_headers, name);
}

struct span http_request_body(const struct http_request *req)
{
    return buf_view(&req->body);
}

struct span http_request_peer(const struct http_request *req)
{
    return span_of(req->peer);
}

bool http_request_tls(const struct http_request *req)
{
    return req->tls;
}

bool http_request_gone(const struct http_request *req)
{
    return !req->conn || wire_over(&req->conn->wire);
}

void http_request_on_gone(struct http_request *req, http_handler fn, void *arg)
{
    req->on_gone = fn;
    req->gone_arg = arg;
    if (fn && !req->conn)
        request_tell_gone(req);
}

struct loop *http_request_loop(const struct http_request *req)
{
    return req->server->loop;
}

struct arena *http_request_arena(struct http_request *req)
{
    return &req->arena;
}

void http_request_body_to(struct http_request *req, const struct http_body_sink *sink)
{
    req->sink = *sink;
    req->body_max = (size_t)sink->max_bytes;
}

uint64_t http_request_body_length(const struct http_request *req)
{
    return req->head.body == BODY_LENGTH ? req->head.content_length : 0;
}

void http_request_body_max(struct http_request *req, size_t bytes)
{
    req->body_max = bytes;
}

void **http_request_connection_data(struct http_request *req, void (*free_fn)(void *))
{
    if (!req->conn) {
        req->orphan_free = free_fn;
        return &req->orphan;
    }
    req->conn->data_free = free_fn;
    return &req->conn->data;
}

void **http_request_data(struct http_request *req)
{
    return &req->data;
}
