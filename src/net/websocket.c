#include "net/ws_state.h"

#include "base/arena.h"
#include "base/crypto.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CLOSE_MS = 3000,  /* for the peer to answer a goodbye */
    SILENT_PINGS = 2, /* unanswered before the peer counts as gone */
    READ_BYTES = 16 << 10,
    REASON_TEXT_MAX = 256,
};

/* ---- the end ---- */

void websocket_end(struct websocket *ws, const char *reason)
{
    ws->on->on_close(ws, reason, ws->arg);
    timer_close(ws->timer);
    if (ws->ctx)
        wslay_event_context_free(ws->ctx);
    buf_free(&ws->outgoing);
    struct connection *conn = ws->conn;
    if (ws->client)
        ws_client_free(ws->client);
    free(ws->reason);
    free(ws->peer);
    free(ws);
    if (conn)
        connection_close(conn);
}

static void end_by_code(struct websocket *ws)
{
    char text[REASON_TEXT_MAX];
    if (ws->reason)
        snprintf(text, sizeof text, "%s", ws->reason);
    else if (wslay_event_get_close_received(ws->ctx))
        snprintf(text, sizeof text, "the peer closed it with code %u",
                 wslay_event_get_status_code_received(ws->ctx));
    else
        snprintf(text, sizeof text, "the peer broke the protocol; closed with code %u",
                 wslay_event_get_status_code_sent(ws->ctx));
    websocket_end(ws, text);
}

/* ---- sending ---- */

static ssize_t take_outgoing(wslay_event_context_ptr ctx UNUSED, const uint8_t *data, size_t len,
                             int flags UNUSED, void *arg)
{
    struct websocket *ws = arg;
    buf_put(&ws->outgoing, data, len);
    return (ssize_t)len;
}

/* wslay writes a frame in pieces; the wire gets them in one. */
static void flush(struct websocket *ws)
{
    wslay_event_send(ws->ctx);
    wire_write_span(ws->wire, buf_view(&ws->outgoing));
    buf_free(&ws->outgoing);
}

size_t websocket_queued_bytes(const struct websocket *ws)
{
    return ws->ctx ? wire_queued(ws->wire) : 0;
}

enum status websocket_send(struct websocket *ws, struct span message, bool text, struct err *err)
{
    if (!ws->ctx || ws->closing || wire_over(ws->wire))
        return err_set(err, UNREACHABLE, "websocket %s: it is not open", ws->peer);
    size_t queued = websocket_queued_bytes(ws);
    if (queued + message.len > WS_QUEUE_MAX_BYTES)
        return err_set(err, FULL, "websocket %s: %zu bytes wait and %zu more exceed %d", ws->peer,
                       queued, message.len, WS_QUEUE_MAX_BYTES);
    struct wslay_event_msg m = {.opcode = text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
                                .msg = (const uint8_t *)message.at,
                                .msg_length = message.len};
    if (wslay_event_queue_msg(ws->ctx, &m))
        return err_set(err, UNREACHABLE, "websocket %s: it is closing", ws->peer);
    flush(ws);
    return OK;
}

static void say_goodbye(struct websocket *ws, uint16_t code, const char *reason)
{
    if (ws->closing)
        return;
    ws->closing = true;
    free(ws->reason);
    ws->reason = mem_dup(reason);
    timer_once(ws->timer, ws->ctx ? CLOSE_MS : 0);
    if (!ws->ctx)
        return;
    size_t n = MIN(strlen(reason), (size_t)WS_REASON_MAX_BYTES);
    wslay_event_queue_close(ws->ctx, code, (const uint8_t *)reason, n);
    flush(ws);
}

void websocket_close(struct websocket *ws, uint16_t code, const char *reason)
{
    say_goodbye(ws, code, reason ? reason : "");
}

void websocket_drop(struct websocket *ws, uint16_t code, const char *reason)
{
    say_goodbye(ws, code, reason);
    websocket_end(ws, reason);
}

struct span websocket_peer(const struct websocket *ws)
{
    return span_of(ws->peer);
}

/* ---- receiving ---- */

static ssize_t give_incoming(wslay_event_context_ptr ctx, uint8_t *to, size_t len, int flags UNUSED,
                             void *arg)
{
    struct websocket *ws = arg;
    size_t n = MIN(len, ws->incoming.len);
    if (!n) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(to, ws->incoming.at, n);
    ws->incoming = span_from(ws->incoming.at + n, ws->incoming.len - n);
    return (ssize_t)n;
}

static void message_came(wslay_event_context_ptr ctx UNUSED,
                         const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
    struct websocket *ws = arg;
    bool text = m->opcode == WSLAY_TEXT_FRAME;
    if (!ws->closing && (text || m->opcode == WSLAY_BINARY_FRAME))
        ws->on->on_message(ws, span_from(m->msg, m->msg_length), text, ws->arg);
}

static int make_mask(wslay_event_context_ptr ctx UNUSED, uint8_t *to, size_t len, void *arg UNUSED)
{
    random_bytes(to, len);
    return 0;
}

bool websocket_feed(struct websocket *ws, struct span data)
{
    const char *why = NULL;
    ws->silent = 0;
    if (!ws_guard_check(&ws->guard, data, ws->conn != NULL, &why)) {
        say_goodbye(ws, WSLAY_CODE_PROTOCOL_ERROR, why);
        end_by_code(ws);
        return false;
    }
    bool broken = false;
    ws->incoming = data;
    while (ws->incoming.len && !broken && wslay_event_want_read(ws->ctx))
        broken = wslay_event_recv(ws->ctx) != 0;
    flush(ws); /* pongs and answers to a goodbye */
    if (broken || wslay_event_get_close_received(ws->ctx) || !wslay_event_want_read(ws->ctx)) {
        end_by_code(ws);
        return false;
    }
    if (wire_queued(ws->wire) > WS_QUEUE_MAX_BYTES + WS_MESSAGE_MAX_BYTES) {
        websocket_end(ws, "the peer sends pings and does not read the answers");
        return false;
    }
    return true;
}

static void readable(void *arg)
{
    struct websocket *ws = arg;
    if (ws->conn && ws->conn->in.len) {
        auto_buf early = ws->conn->in; /* came together with the upgrade */
        ws->conn->in = (struct buf){0};
        if (!websocket_feed(ws, buf_view(&early)))
            return;
    }
    char bytes[READ_BYTES];
    for (;;) {
        size_t n = wire_read(ws->wire, bytes, sizeof bytes);
        if (!n)
            break;
        if (!websocket_feed(ws, span_from(bytes, n)))
            return;
    }
    if (!wire_over(ws->wire))
        return;
    struct err err;
    wire_failure(ws->wire, &err);
    char *reason = ws->reason; /* why we closed says more than that the peer is gone */
    ws->reason = NULL;
    websocket_end(ws, reason ? reason : err.text);
    free(reason);
}

static void ignore(void *arg UNUSED)
{
}

static const struct wire_events events = {ignore, readable, ignore};

static void tick(void *arg)
{
    struct websocket *ws = arg;
    if (ws->closing) {
        end_by_code(ws);
    } else if (ws->silent++ == SILENT_PINGS) {
        websocket_end(ws, "the peer does not answer");
    } else {
        struct wslay_event_msg ping = {.opcode = WSLAY_PING};
        wslay_event_queue_msg(ws->ctx, &ping);
        flush(ws);
    }
}

void websocket_begin(struct websocket *ws, struct loop *loop)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = give_incoming,
        .send_callback = take_outgoing,
        .genmask_callback = make_mask,
        .on_msg_recv_callback = message_came,
    };
    int failed = ws->conn ? wslay_event_context_server_init(&ws->ctx, &callbacks, ws)
                          : wslay_event_context_client_init(&ws->ctx, &callbacks, ws);
    if (failed)
        abort(); /* no memory: as everywhere */
    wslay_event_config_set_max_recv_msg_length(ws->ctx, WS_MESSAGE_MAX_BYTES);
    timer_close(ws->timer);
    ws->timer = timer_open(loop, tick, ws);
    timer_every(ws->timer, WS_PING_EVERY_MS);
    wire_hand_over(ws->wire, &events, ws);
}

/* ---- the server's side of the upgrade ---- */

void websocket_accept_key(struct span key, char text[WS_ACCEPT_TEXT_BYTES + 1])
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 1.3 */
    auto_buf joined = {0};
    buf_span(&joined, key);
    buf_str(&joined, magic);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    EVP_Digest(joined.at, joined.len, digest, &n, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)text, digest, (int)n);
}

static bool is_key(struct span key)
{
    unsigned char raw[WS_KEY_TEXT_BYTES];
    return key.len == WS_KEY_TEXT_BYTES && span_ends(key, SPAN("==")) && key.at[21] != '=' &&
           EVP_DecodeBlock(raw, (const unsigned char *)key.at, (int)key.len) >= 0;
}

/* NULL when it is one. */
static const char *not_an_upgrade(struct http_request *req, int *status)
{
    *status = 400;
    if (!span_is(req->head.method, "GET") || req->head.minor != 1)
        return "a WebSocket begins with GET and HTTP/1.1";
    if (req->head.body != BODY_NONE)
        return "a WebSocket does not begin with a body";
    *status = 426;
    if (!req->head.upgrade || !list_has(http_request_header(req, "Upgrade"), "websocket"))
        return "this address speaks WebSocket: send Upgrade: websocket";
    if (!span_is(http_request_header(req, "Sec-WebSocket-Version"), "13"))
        return "only version 13 of WebSocket is spoken here";
    *status = 400;
    return is_key(http_request_header(req, "Sec-WebSocket-Key")) ? NULL
                                                                 : "Sec-WebSocket-Key is no key";
}

static void stop(void *arg, bool now)
{
    if (now)
        websocket_end(arg, "the server closes");
    else
        websocket_close(arg, WSLAY_CODE_GOING_AWAY, "the server closes");
}

enum status websocket_accept(struct http_request *req, const struct websocket_events *events_of,
                             void *arg, struct websocket **out, struct err *err)
{
    *out = NULL;
    int status;
    const char *why = not_an_upgrade(req, &status);
    if (why) {
        enum status st = err_set(err, INVALID, "%s", why);
        if (status == 426) {
            http_reply_header(req, "Upgrade", "websocket");
            http_reply_header(req, "Sec-WebSocket-Version", "13");
        }
        http_problem(req, status, "%s", why);
        return st;
    }
    if (http_request_gone(req) || req->server->closing) {
        enum status st = err_set(err, UNREACHABLE, "websocket %s: it is gone already", req->peer);
        http_problem(req, 503, "the server closes");
        return st;
    }
    char accept[WS_ACCEPT_TEXT_BYTES + 1];
    websocket_accept_key(http_request_header(req, "Sec-WebSocket-Key"), accept);
    auto_buf head = {0};
    buf_printf(&head,
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: %s\r\n",
               accept);
    buf_span(&head, buf_view(&req->fields));
    buf_str(&head, "\r\n");

    struct loop *loop = req->server->loop;
    struct websocket *ws = mem_zero(1, sizeof *ws);
    ws->on = events_of;
    ws->arg = arg;
    ws->peer = mem_dup(req->peer);
    ws->conn = connection_upgrade(req, stop, ws);
    ws->wire = &ws->conn->wire;
    wire_write_span(ws->wire, buf_view(&head));
    websocket_begin(ws, loop);
    *out = ws;
    return OK;
}
