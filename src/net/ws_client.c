/* The client's side of the upgrade to WebSocket. */
#include "net/ws_state.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "net/head.h"
#include "net/request_text.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { UPGRADE_MS = 30000, KEY_BYTES = 16 };

struct ws_client {
    struct dial dial;
    struct loop *loop;
    struct buf request;
    struct buf head;
    size_t line_at;
    int64_t upgrade_ms;
    char accept[WS_ACCEPT_TEXT_BYTES + 1];
};

void ws_client_free(struct ws_client *c)
{
    dial_free(&c->dial);
    buf_free(&c->request);
    buf_free(&c->head);
    free(c);
}

PRINTF(2, 3)
static void give_up(struct websocket *ws, const char *format, ...)
{
    auto_buf text = {.max = ERR_TEXT_MAX};
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    websocket_end(ws, buf_text(&text));
}

static bool is_upgrade(const struct ws_client *c, const struct head *head)
{
    return head->upgrade &&
           list_has(head_field(head->headers, head->n_headers, "Upgrade"), "websocket") &&
           span_is(head_field(head->headers, head->n_headers, "Sec-WebSocket-Accept"), c->accept);
}

/* The head of the answer is complete at end; what follows are frames. */
static void answered(struct websocket *ws, size_t end)
{
    struct ws_client *c = ws->client;
    struct head head;
    struct refusal no;
    if (!head_parse_answer(span_from(c->head.at, end), &head, &no)) {
        give_up(ws, "websocket %s: %s", ws->peer, no.why);
    } else if (head.status != 101) {
        give_up(ws, "websocket %s: the server answers %d %s", ws->peer, head.status,
                http_status_text(head.status));
    } else if (!is_upgrade(c, &head)) {
        give_up(ws, "websocket %s: the server does not speak WebSocket here", ws->peer);
    } else {
        auto_buf early = c->head;
        c->head = (struct buf){0};
        websocket_begin(ws, c->loop);
        wire_call_readable(ws->wire); /* what the TLS layer may hold already */
        if (ws->on->on_open)
            ws->on->on_open(ws, ws->arg);
        if (early.len > end)
            websocket_feed(ws, span_from(early.at + end, early.len - end));
    }
}

static void readable(void *arg)
{
    struct websocket *ws = arg;
    struct ws_client *c = ws->client;
    char bytes[1024];
    for (;;) {
        size_t n = wire_read(ws->wire, bytes, sizeof bytes);
        if (!n)
            break;
        buf_put(&c->head, bytes, n);
        struct refusal no;
        size_t end;
        enum head_state state = head_scan(buf_view(&c->head), &c->line_at, &end, &no);
        if (state == HEAD_INCOMPLETE)
            continue;
        if (state == HEAD_WHOLE)
            answered(ws, end);
        else
            give_up(ws, "websocket %s: %s", ws->peer, no.why);
        return;
    }
    if (!wire_over(ws->wire))
        return;
    struct err err;
    wire_failure(ws->wire, &err);
    give_up(ws, "websocket %s: %s", ws->peer, err.text);
}

static void ignore(void *arg UNUSED)
{
}

static const struct wire_events events = {ignore, readable, ignore};

static void dialled(const struct err *failure, void *arg)
{
    struct websocket *ws = arg;
    if (failure) {
        give_up(ws, "%s", failure->text);
        return;
    }
    timer_once(ws->timer, ws->client->upgrade_ms);
    wire_hand_over(ws->wire, &events, ws);
    wire_write_span(ws->wire, buf_view(&ws->client->request));
}

/* Until the upgrade: the deadline has passed, or websocket_close was called. */
static void expired(void *arg)
{
    struct websocket *ws = arg;
    if (ws->closing)
        give_up(ws, "%s", ws->reason);
    else
        give_up(ws, "websocket %s: no answer within %lld ms", ws->peer,
                (long long)ws->client->upgrade_ms);
}

static enum status write_request(struct ws_client *c, const struct http_client_config *config,
                                 const char *path, const struct http_header *headers,
                                 size_t n_headers, struct err *err)
{
    enum status st = request_text(&c->dial, config->user_agent, "GET", path, headers, n_headers,
                                  &c->request, err);
    unsigned char raw[KEY_BYTES], key[WS_KEY_TEXT_BYTES + 1];
    random_bytes(raw, sizeof raw);
    EVP_EncodeBlock(key, raw, sizeof raw);
    websocket_accept_key(span_of((const char *)key), c->accept);
    buf_printf(&c->request,
               "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: %s\r\n\r\n",
               (const char *)key);
    return st;
}

enum status websocket_connect(struct loop *loop, const struct http_client_config *config,
                              const char *path, const struct http_header *headers, size_t n_headers,
                              const struct websocket_events *events_of, void *arg,
                              struct websocket **out, struct err *err)
{
    *out = NULL;
    struct ws_client *c = mem_zero(1, sizeof *c);
    enum status st = dial_init(&c->dial, loop, config, err);
    if (st) {
        free(c);
        return st;
    }
    c->loop = loop;
    c->upgrade_ms = config->request_ms ? config->request_ms : UPGRADE_MS;
    st = write_request(c, config, path, headers, n_headers, err);
    if (st) {
        ws_client_free(c);
        return st;
    }
    struct websocket *ws = mem_zero(1, sizeof *ws);
    ws->on = events_of;
    ws->arg = arg;
    ws->client = c;
    ws->wire = &c->dial.wire;
    ws->peer = mem_dup(c->dial.peer);
    ws->timer = timer_open(loop, expired, ws);
    dial_start(&c->dial, dialled, ws);
    *out = ws;
    return OK;
}
