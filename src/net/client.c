/* The client: one request at a time on a connection that is kept open. */
#include "net/chunked.h"
#include "net/dial.h"
#include "net/head.h"
#include "net/request_text.h"

#include "base/arena.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REQUEST_MS = 30000,
    ANSWER_MAX_BYTES = 64 << 20,
    READ_BYTES = 16 << 10,
    KEPT_BYTES = 1 << 20, /* buffers that were larger give their memory back */
};

struct http_client {
    struct dial dial;
    char *user_agent;
    int64_t request_ms;
    size_t body_max;
    void (*on_piece)(void *arg, struct span bytes);
    void *piece_arg;
    uint64_t pieces_bytes; /* of this answer, given to on_piece */
    struct timer *timer;
    bool busy;
    http_answer_fn fn;
    void *arg;

    struct buf request; /* head and body, as sent */
    char method_text[HEAD_METHOD_MAX_BYTES + 1];
    bool reused; /* the connection had served a request before */
    int64_t certificate_expires_s;
    bool retried;
    uint64_t sent_mark;

    bool answer_stale; /* what follows is of the last answer: its reader may still look at it */
    bool head_complete;
    size_t line_at;
    struct buf in, body; /* in: the head, until it is complete also more */
    struct head head;
    struct chunked chunked;
};

/* ---- the end of a request ---- */

/* The last thing done in a handler: fn may send again, or close c. */
static void finish(struct http_client *c, const struct err *failure)
{
    timer_stop(c->timer);
    c->busy = false;
    c->answer_stale = true;
    struct http_answer answer = {.err = failure};
    if (failure) {
        dial_stop(&c->dial);
    } else {
        answer = (struct http_answer){.status = c->head.status,
                                      .body = buf_view(&c->body),
                                      .headers = c->head.headers,
                                      .n_headers = c->head.n_headers,
                                      .certificate_expires_s = c->certificate_expires_s};
    }
    c->fn(&answer, c->arg);
}

PRINTF(3, 4)
static void fail(struct http_client *c, enum status status, const char *why_format, ...)
{
    struct err err;
    va_list args;
    va_start(args, why_format);
    auto_buf why = {.max = ERR_TEXT_MAX};
    buf_vprintf(&why, why_format, args);
    va_end(args);
    err_set(&err, status, "%s %s: %s", c->method_text, c->dial.peer, buf_text(&why));
    finish(c, &err);
}

static void idle_readable(void *arg)
{
    struct http_client *c = arg;
    char unexpected;
    /* TLS may have something to read that is no data: a ticket. */
    if (wire_read(&c->dial.wire, &unexpected, 1) || wire_over(&c->dial.wire))
        dial_stop(&c->dial);
}

static void ignore(void *arg UNUSED)
{
}

static const struct wire_events idle_events = {ignore, idle_readable, ignore};

static void answer_complete(struct http_client *c, bool surplus)
{
    bool keep = c->head.keep_alive && !surplus && c->head.body != BODY_UNTIL_CLOSE &&
                c->head.status >= 200 && !wire_over(&c->dial.wire) && !wire_queued(&c->dial.wire);
    if (keep)
        wire_hand_over(&c->dial.wire, &idle_events, c);
    else
        dial_stop(&c->dial);
    finish(c, NULL);
}

/* ---- reading the answer ---- */

enum progress { MORE, DONE, FAILED };

static bool in_pieces(const struct http_client *c)
{
    return c->on_piece && c->head.status == 200;
}

static enum progress take_piece(struct http_client *c, struct span piece)
{
    if (in_pieces(c)) {
        c->pieces_bytes += piece.len;
        if (piece.len)
            c->on_piece(c->piece_arg, piece);
        return MORE;
    }
    buf_span(&c->body, piece);
    if (!c->body.failed)
        return MORE;
    fail(c, FULL, "the answer exceeds %zu bytes", c->body_max);
    return FAILED;
}

static enum progress take_chunks(struct http_client *c, struct span *data)
{
    struct span piece;
    for (;;) {
        switch (chunked_next(&c->chunked, data, &piece)) {
        case CHUNKED_BYTES:
            if (take_piece(c, piece) == FAILED)
                return FAILED;
            break;
        case CHUNKED_END:
            return DONE;
        case CHUNKED_BAD:
            fail(c, UNREACHABLE, "the chunks of the answer are malformed");
            return FAILED;
        case CHUNKED_MORE:
            return MORE;
        }
    }
}

static enum progress take_body(struct http_client *c, struct span *data)
{
    switch (c->head.body) {
    case BODY_NONE:
        return DONE;
    case BODY_CHUNKED:
        return take_chunks(c, data);
    case BODY_UNTIL_CLOSE:
        return take_piece(c, *data);
    case BODY_LENGTH:
        break;
    }
    uint64_t left = c->head.content_length - c->body.len - c->pieces_bytes;
    size_t n = left < data->len ? (size_t)left : data->len;
    if (take_piece(c, span_from(data->at, n)) == FAILED)
        return FAILED;
    *data = span_from(data->at + n, data->len - n);
    return n == left ? DONE : MORE;
}

/* DONE: the head is complete and *data is what follows it, in c->in. */
static enum progress take_head(struct http_client *c, struct span *data)
{
    buf_span(&c->in, *data);
    for (;;) {
        struct refusal no;
        size_t end = 0;
        enum head_state state = head_scan(buf_view(&c->in), &c->line_at, &end, &no);
        if (state == HEAD_INCOMPLETE)
            return MORE;
        if (state == HEAD_REFUSED || !head_parse_answer(span_from(c->in.at, end), &c->head, &no)) {
            fail(c, UNREACHABLE, "%s", no.why);
            return FAILED;
        }
        if (c->head.status >= 200 || c->head.status == 101) {
            *data = span_from(c->in.at + end, c->in.len - end);
            break;
        }
        memmove(c->in.at, c->in.at + end, c->in.len - end); /* "100 Continue" and the like */
        c->in.len -= end;
        c->line_at = 0;
    }
    c->head_complete = true;
    if (span_is(span_of(c->method_text), "HEAD"))
        c->head.body = BODY_NONE;
    if (c->head.body != BODY_LENGTH || c->head.content_length <= c->body_max || in_pieces(c))
        return DONE;
    fail(c, FULL, "the answer exceeds %zu bytes", c->body_max);
    return FAILED;
}

static enum progress take(struct http_client *c, struct span *data)
{
    if (!c->head_complete) {
        enum progress p = take_head(c, data);
        if (p != DONE)
            return p;
    }
    return take_body(c, data);
}

static void begin_answer(struct http_client *c)
{
    c->answer_stale = false;
    if (c->body.size > KEPT_BYTES)
        buf_free(&c->body);
    buf_clear(&c->in);
    buf_clear(&c->body);
    c->body.failed = false;
    c->body.max = c->body_max;
    c->pieces_bytes = 0;
    c->chunked = (struct chunked){0};
    c->head_complete = false;
    c->line_at = 0;
}

static void dialled(const struct err *failure, void *arg);

/* A server may close an idle connection just when a request is on its way. Asking again is safe
 * when asking twice does no harm, or when nobody has read the first. */
static bool may_retry(const struct http_client *c)
{
    static const char *const harmless[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
    if (!c->reused || c->retried || c->in.len)
        return false;
    for (size_t i = 0; i < COUNT(harmless); i++)
        if (span_is(span_of(c->method_text), harmless[i]))
            return true;
    return wire_unread(&c->dial.wire, c->sent_mark);
}

static void ended(struct http_client *c)
{
    const struct wire *w = &c->dial.wire;
    if (c->head_complete && c->head.body == BODY_UNTIL_CLOSE && w->ended && !w->cut) {
        answer_complete(c, false);
        return;
    }
    if (may_retry(c)) {
        c->retried = true;
        timer_stop(c->timer);
        dial_start(&c->dial, dialled, c);
        return;
    }
    struct err err;
    wire_failure(w, &err);
    err_prefix(&err, c->in.len ? "%s %s: in the middle of the answer" : "%s %s: before an answer",
               c->method_text, c->dial.peer);
    finish(c, &err);
}

static void readable(void *arg)
{
    struct http_client *c = arg;
    char bytes[READ_BYTES];
    if (c->answer_stale)
        begin_answer(c);
    for (;;) {
        size_t n = wire_read(&c->dial.wire, bytes, sizeof bytes);
        struct span data = {bytes, n};
        enum progress p = n ? take(c, &data) : MORE;
        if (p == DONE)
            answer_complete(c, data.len > 0);
        if (p != MORE)
            return;
        if (n < sizeof bytes)
            break;
    }
    if (wire_over(&c->dial.wire))
        ended(c);
}

static const struct wire_events events = {ignore, readable, ignore};

/* ---- sending ---- */

static void transmit(struct http_client *c)
{
    timer_once(c->timer, c->request_ms);
    wire_hand_over(&c->dial.wire, &events, c);
    c->sent_mark = c->dial.wire.socket.sent_bytes;
    wire_write_span(&c->dial.wire, buf_view(&c->request));
}

static void dialled(const struct err *failure, void *arg)
{
    struct http_client *c = arg;
    if (failure) {
        struct err err = *failure;
        finish(c, &err);
        return;
    }
    c->reused = false;
    c->certificate_expires_s = c->dial.wire.ssl ? tls_peer_expires_s(c->dial.wire.ssl) : 0;
    transmit(c);
}

static void expired(void *arg)
{
    struct http_client *c = arg;
    fail(c, TIMED_OUT, "no answer within %" PRId64 " ms", c->request_ms);
}

enum status http_client_open(struct loop *loop, const struct http_client_config *config,
                             struct http_client **out, struct err *err)
{
    *out = NULL;
    struct http_client *c = mem_zero(1, sizeof *c);
    enum status st = dial_init(&c->dial, loop, config, err);
    if (st) {
        free(c);
        return st;
    }
    c->user_agent = config->user_agent ? mem_dup(config->user_agent) : NULL;
    c->request_ms = config->request_ms ? config->request_ms : REQUEST_MS;
    c->on_piece = config->on_piece;
    c->piece_arg = config->piece_arg;
    c->body_max = config->body_max_bytes ? config->body_max_bytes : ANSWER_MAX_BYTES;
    c->timer = timer_open(loop, expired, c);
    *out = c;
    return OK;
}

void http_client_close(struct http_client *c)
{
    if (!c)
        return;
    timer_close(c->timer);
    dial_free(&c->dial);
    buf_free(&c->request);
    buf_free(&c->in);
    buf_free(&c->body);
    free(c->user_agent);
    free(c);
}

static enum status write_request(struct http_client *c, const char *method, const char *path,
                                 const struct http_header *headers, size_t n_headers,
                                 struct span body, struct err *err)
{
    if (c->request.size > KEPT_BYTES)
        buf_free(&c->request);
    buf_clear(&c->request);
    c->request.failed = false;
    enum status st =
        request_text(&c->dial, c->user_agent, method, path, headers, n_headers, &c->request, err);
    if (st)
        return st;
    bool sends = body.len || !strcmp(method, "POST") || !strcmp(method, "PUT");
    if (sends)
        buf_printf(&c->request, "Content-Length: %zu\r\n", body.len);
    buf_str(&c->request, "\r\n");
    buf_span(&c->request, body);
    if (c->request.failed)
        return err_set(err, FULL, "%s %s: the request is too large", method, c->dial.peer);
    return OK;
}

enum status http_client_send(struct http_client *c, const char *method, const char *path,
                             const struct http_header *headers, size_t n_headers, struct span body,
                             http_answer_fn fn, void *arg, struct err *err)
{
    if (c->busy)
        return err_set(err, AGAIN, "%s: another request is under way", c->dial.peer);
    if (strlen(method) > HEAD_METHOD_MAX_BYTES)
        return err_set(err, INVALID, "\"%s\" is no method", method);
    enum status st = write_request(c, method, path, headers, n_headers, body, err);
    if (st)
        return st;
    snprintf(c->method_text, sizeof c->method_text, "%s", method);
    c->fn = fn;
    c->arg = arg;
    c->busy = true;
    c->retried = false;
    c->answer_stale = true;
    if (c->dial.wire.state == WIRE_OPEN)
        idle_readable(c); /* it may have been closed meanwhile */
    c->reused = c->dial.wire.state == WIRE_OPEN;
    if (c->reused)
        transmit(c);
    else
        dial_start(&c->dial, dialled, c);
    return OK;
}

bool http_client_busy(const struct http_client *c)
{
    return c->busy;
}

struct span http_answer_header(const struct http_answer *a, const char *name)
{
    return head_field(a->headers, a->n_headers, name);
}
