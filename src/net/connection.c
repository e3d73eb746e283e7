/* A connection of the server, from the first byte to the last: heads are found, bodies collected,
 * requests given to the handler one after the other. What comes while a request is under way
 * waits in c->in (bounded), so answers keep the order of the requests. */
#include "net/server_state.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

enum { BODY_FIRST_BYTES = 64 << 10 /* reserved at most before anything came */ };

static void set_deadline(struct connection *c, int64_t after_ms)
{
    c->deadline_ms = after_ms ? clock_mono_ms() + after_ms : 0;
    c->sent_mark = c->wire.socket.sent_bytes;
}

/* What is still queued has to leave; otherwise normal_ms counts. */
static void set_deadline_or_stall(struct connection *c, int64_t normal_ms)
{
    set_deadline(c, wire_queued(&c->wire) ? STALL_MS : normal_ms);
}

/* ---- the end ---- */

static void release(struct connection *c)
{
    struct http_server *s = c->server;
    struct http_request *req = c->req;
    wire_close(&c->wire);
    buf_free(&c->in);
    if (c->data && c->data_free)
        c->data_free(c->data);
    s->holds++; /* the request needs s, whatever its handler does */
    server_forget_connection(s, c);
    free(c);
    if (req)
        request_orphan(req);
    s->holds--;
    server_maybe_free(s);
}

void connection_close(struct connection *c)
{
    if (c->running)
        c->doomed = true;
    else
        release(c);
}

/* Says goodbye in a way that lets the peer read the last answer: closing with unread input would
 * make the kernel send a reset, which may overtake it. */
static void linger(struct connection *c)
{
    c->phase = PHASE_LINGER;
    buf_free(&c->in);
    set_deadline_or_stall(c, LINGER_MS);
    wire_resume(&c->wire);
    if (wire_queued(&c->wire))
        return;
    wire_shutdown(&c->wire);
    if (wire_over(&c->wire))
        connection_close(c);
}

static void refuse(struct connection *c, int status, const char *why)
{
    log_debug("request refused peer=%s status=%d: %s", c->peer, status, why);
    if (!c->req)
        c->req = request_take(c);
    c->req->close = true;
    c->phase = PHASE_BUSY;
    http_problem(c->req, status, "%s", why);
}

/* ---- requests ---- */

void connection_answered(struct connection *c)
{
    struct http_request *req = c->req;
    bool close = request_closes(req) || wire_over(&c->wire);
    c->req = NULL;
    request_release(req);
    if (close) {
        linger(c);
        return;
    }
    c->phase = PHASE_HEAD;
    c->line_at = 0;
    c->head_begun = false;
    set_deadline_or_stall(c, c->server->config.idle_ms);
    if (c->running)
        return;
    if (c->wire.paused)
        wire_resume(&c->wire);
    else if (c->in.len)
        wire_call_readable(&c->wire);
}

static void run(struct connection *c)
{
    c->phase = PHASE_BUSY;
    c->req->reading = false;
    set_deadline(c, 0);
    c->server->config.on_request(c->req, c->server->config.arg);
}

/* The head is complete. Afterwards the request waits for its body, runs or is answered. */
static void begin(struct connection *c, struct span text)
{
    struct http_server *s = c->server;
    struct http_request *req = c->req = request_take(c);
    struct refusal no;
    buf_span(&req->head_text, text);
    if (!head_parse_request(buf_view(&req->head_text), &req->head, &no)) {
        refuse(c, no.status, no.why);
        return;
    }
    if (!request_set_path(req)) {
        refuse(c, 400, "the path holds a bad escape or a control character");
        return;
    }
    req->body_max = s->config.body_max_bytes;
    req->close = !req->head.keep_alive;
    req->reading = req->head.body != BODY_NONE;
    c->phase = PHASE_BODY;
    set_deadline(c, s->config.body_deadline_ms);
    if (!s->config.on_head)
        return;
    s->config.on_head(req, s->config.arg);
    if (c->req && req->streaming)
        c->phase = PHASE_BUSY;
}

/* After on_head had its say about the size. */
static void expect_body(struct connection *c, bool nothing_yet)
{
    struct http_request *req = c->req;
    if (req->head.body == BODY_NONE) {
        run(c);
        return;
    }
    if (req->head.body == BODY_LENGTH && req->head.content_length > req->body_max) {
        refuse(c, 413, "the body is larger than this address takes");
        return;
    }
    req->body.max = req->body_max;
    if (req->head.body == BODY_LENGTH && !req->sink.take)
        buf_reserve(&req->body, MIN((size_t)req->head.content_length, (size_t)BODY_FIRST_BYTES));
    if (req->head.expect_continue && nothing_yet)
        wire_write_span(&c->wire, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
}

static bool step_head(struct connection *c, struct span *data)
{
    if (!data->len || wire_queued(&c->wire) > PIPELINE_OUT_MAX_BYTES)
        return false;
    struct refusal no;
    size_t end = 0;
    enum head_state state = head_scan(*data, &c->line_at, &end, &no);
    if (state == HEAD_INCOMPLETE && head_begins_well(*data, c->line_at, &no)) {
        if (!c->head_begun)
            set_deadline_or_stall(c, c->server->config.head_deadline_ms);
        c->head_begun = true;
        return false;
    }
    if (state != HEAD_WHOLE) {
        refuse(c, no.status, no.why);
        return false;
    }
    struct span text = {data->at, end};
    *data = span_from(data->at + end, data->len - end);
    begin(c, text);
    if (c->req && c->phase == PHASE_BODY)
        expect_body(c, !data->len);
    return true;
}

static bool sink_body(struct connection *c, struct span piece)
{
    struct http_request *req = c->req;
    if (piece.len > req->sink.max_bytes - req->sunk_bytes) {
        refuse(c, 413, "the body is larger than this address takes");
        return false;
    }
    req->sunk_bytes += piece.len;
    req->sink_full |= !req->sink.take(req->sink.arg, piece);
    if (req->sink_full) {
        set_deadline(c, 0); /* who waits is not the sender */
    } else if (req->sunk_bytes - req->sunk_mark >= HTTP_SINK_STEP_BYTES) {
        req->sunk_mark = req->sunk_bytes;
        set_deadline(c, c->server->config.body_deadline_ms);
    }
    return true;
}

void http_request_body_more(struct http_request *req)
{
    struct connection *c = req->conn;
    req->sink_full = false;
    if (!c || c->phase != PHASE_BODY)
        return;
    req->sunk_mark = req->sunk_bytes;
    set_deadline(c, c->server->config.body_deadline_ms);
    wire_resume(&c->wire);
}

/* The sum of all bodies has a ceiling too: many connections with large ones must not take the
 * machine's memory. */
static bool take_body(struct connection *c, struct span piece)
{
    struct http_request *req = c->req;
    if (req->sink.take)
        return sink_body(c, piece);
    size_t before = req->body.len;
    if (req->server->bodies_bytes + piece.len > BODIES_MAX_BYTES) {
        refuse(c, 503, "too many large requests at once");
        return false;
    }
    buf_span(&req->body, piece);
    req->server->bodies_bytes += req->body.len - before;
    if (!req->body.failed)
        return true;
    refuse(c, 413, "the body is larger than this address takes");
    return false;
}

static bool step_length(struct connection *c, struct span *data)
{
    struct http_request *req = c->req;
    uint64_t came = req->sink.take ? req->sunk_bytes : req->body.len;
    uint64_t left = req->head.content_length - came;
    size_t n = (size_t)MIN(left, (uint64_t)data->len);
    if (!n || !take_body(c, span_from(data->at, n)))
        return false;
    *data = span_from(data->at + n, data->len - n);
    if (n == left)
        run(c);
    return true;
}

static bool step_chunked(struct connection *c, struct span *data)
{
    struct span piece;
    switch (chunked_next(&c->req->chunked, data, &piece)) {
    case CHUNKED_BYTES:
        return take_body(c, piece);
    case CHUNKED_END:
        run(c);
        return true;
    case CHUNKED_BAD:
        refuse(c, 400, "the chunks of the body are malformed");
        return false;
    case CHUNKED_MORE:
        break;
    }
    return false;
}

/* Understands a bit more of what came; false when it has to wait. */
static bool step(struct connection *c, struct span *data)
{
    if (c->doomed)
        return false;
    if (c->phase == PHASE_HEAD)
        return step_head(c, data);
    if (c->phase != PHASE_BODY)
        return false;
    return c->req->head.body == BODY_CHUNKED ? step_chunked(c, data) : step_length(c, data);
}

/* ---- bytes ---- */

static void take(struct connection *c, struct span fresh)
{
    bool stored = c->in.len > 0;
    if (stored)
        buf_span(&c->in, fresh);
    struct span data = stored ? buf_view(&c->in) : fresh;
    while (step(c, &data))
        ;
    if (c->doomed || c->phase == PHASE_LINGER)
        return; /* linger freed c->in: data is nowhere */
    if (!data.len) {
        buf_free(&c->in);
    } else if (stored) {
        memmove(c->in.at, data.at, data.len);
        c->in.len = data.len;
    } else {
        buf_span(&c->in, data);
    }
}

/* How much more may be read now. */
static size_t room(const struct connection *c)
{
    bool waits = c->phase == PHASE_BUSY || (c->phase == PHASE_HEAD && wire_queued(&c->wire));
    if (c->phase == PHASE_BODY && c->req->sink_full)
        return 0;
    if (waits)
        return c->in.len < PIPELINED_MAX_BYTES ? PIPELINED_MAX_BYTES - c->in.len : 0;
    return SCRATCH_BYTES;
}

static void peer_ended(struct connection *c)
{
    struct err err;
    if (c->wire.tls_error) {
        wire_failure(&c->wire, &err);
        log_debug("tls peer=%s: %s", c->peer, err.text);
    }
    if (c->wire.state == WIRE_FAILED || c->phase == PHASE_BODY)
        connection_close(c);
    else if (c->phase == PHASE_HEAD || c->phase == PHASE_LINGER)
        linger(c);
    else if (c->req)
        request_tell_gone(c->req);
    /* It is still answered: the peer may have closed its sending side only. */
}

static void readable(void *arg)
{
    struct connection *c = arg;
    c->running = true;
    if (c->in.len)
        take(c, (struct span){0}); /* what waited while a request was under way */
    while (!c->doomed && c->phase != PHASE_UPGRADED) {
        size_t want = MIN(room(c), (size_t)SCRATCH_BYTES);
        if (!want) {
            wire_pause(&c->wire);
            break;
        }
        size_t n = wire_read(&c->wire, c->server->scratch, want);
        if (n)
            take(c, span_from(c->server->scratch, n));
        if (n < want)
            break;
    }
    if (!c->doomed && c->phase != PHASE_UPGRADED && wire_over(&c->wire))
        peer_ended(c);
    c->running = false; /* NOLINT(clang-analyzer-unix.Malloc): nothing frees c while it runs */
    if (c->doomed)
        release(c);
}

static void drained(void *arg)
{
    struct connection *c = arg;
    struct http_request *req = c->req;
    if (c->phase == PHASE_LINGER) {
        linger(c);
    } else if (c->phase == PHASE_HEAD) {
        set_deadline(c, c->in.len ? c->server->config.head_deadline_ms : c->server->config.idle_ms);
        wire_resume(&c->wire);
        wire_call_readable(&c->wire);
    } else if (c->phase == PHASE_BUSY) {
        set_deadline(c, 0);
        if (req->streaming && req->on_drained)
            req->on_drained(req, req->drained_arg);
    }
}

static void ready(void *arg UNUSED)
{
    /* The handshake is done; the first head has the rest of its deadline. */
}

static const struct wire_events events = {.ready = ready, .readable = readable, .drained = drained};

void connection_open(struct http_server *s, int fd, const char *peer, struct address *address)
{
    struct connection *c = mem_zero(1, sizeof *c);
    c->server = s;
    c->address = address;
    memcpy(c->peer, peer, sizeof c->peer);
    wire_accept(&c->wire, loop_base(s->loop), fd, s->tls, &events, c);
    set_deadline(c, s->config.head_deadline_ms);
    server_add_connection(s, c);
}

void connection_queued(struct connection *c)
{
    if (!c->deadline_ms && wire_queued(&c->wire))
        set_deadline(c, STALL_MS);
}

void connection_expired(struct connection *c)
{
    if (wire_queued(&c->wire) && c->wire.state == WIRE_OPEN) {
        if (c->wire.socket.sent_bytes - c->sent_mark >= STALL_BYTES) {
            set_deadline(c, STALL_MS);
            return;
        }
        log_debug("connection closed peer=%s: it does not read its answer", c->peer);
        connection_close(c);
        return;
    }
    if (c->phase == PHASE_BODY)
        refuse(c, 408, "the body did not come in time");
    else if (c->phase == PHASE_HEAD && c->in.len)
        refuse(c, 408, "the head did not come in time");
    else
        connection_close(c);
}

void connection_wind_down(struct connection *c)
{
    if (c->phase == PHASE_UPGRADED)
        c->stop(c->stop_arg, false);
    else if (c->phase == PHASE_HEAD && c->wire.state == WIRE_OPEN)
        linger(c);
    else if (c->phase == PHASE_HEAD)
        connection_close(c);
}

void connection_stop(struct connection *c)
{
    if (c->phase == PHASE_UPGRADED)
        c->stop(c->stop_arg, true);
    else
        connection_close(c);
}

struct connection *connection_upgrade(struct http_request *req, upgrade_stop stop, void *arg)
{
    struct connection *c = req->conn;
    c->phase = PHASE_UPGRADED;
    c->stop = stop;
    c->stop_arg = arg;
    c->req = NULL;
    request_count(req, 101);
    request_release(req);
    set_deadline(c, 0);
    wire_resume(&c->wire);
    wire_call_readable(&c->wire); /* for what stands in c->in */
    return c;
}
