/* WebSocket (RFC 6455) on wslay: text and binary messages, pings answered and sent, a ceiling
 * on what may wait to be sent. Loop thread only. */
#pragma once

#include "net/http.h"

enum { WS_MESSAGE_MAX_BYTES = 1 << 20, WS_QUEUE_MAX_BYTES = 256 << 10, WS_PING_EVERY_MS = 20000 };

struct websocket;

struct websocket_events {
    void (*on_open)(struct websocket *ws, void *arg); /* client side only; may be NULL */
    void (*on_message)(struct websocket *ws, struct span message, bool text, void *arg);
    /* Exactly once, whoever ended it; ws is invalid after it returns. */
    void (*on_close)(struct websocket *ws, const char *reason, void *arg);
};

/* Answers an upgrade request; the request is used up. INVALID (and a problem reply) when it is
 * not a proper upgrade. The caller has checked Origin and credentials before. */
MUST_USE enum status websocket_accept(struct http_request *req,
                                      const struct websocket_events *events, void *arg,
                                      struct websocket **out, struct err *err);
/* Opens one to the client's server; config as for http_client. */
MUST_USE enum status websocket_connect(struct loop *loop, const struct http_client_config *config,
                                       const char *path, const struct http_header *headers,
                                       size_t n_headers, const struct websocket_events *events,
                                       void *arg, struct websocket **out, struct err *err);
/* FULL when WS_QUEUE_MAX_BYTES would wait: the message is dropped, the caller decides. */
MUST_USE enum status websocket_send(struct websocket *ws, struct span message, bool text,
                                    struct err *err);
void websocket_close(struct websocket *ws, uint16_t code, const char *reason);
/* Says goodbye without waiting for the answer: on_close is called before it returns. Not from one
 * of its own events. */
void websocket_drop(struct websocket *ws, uint16_t code, const char *reason);
size_t websocket_queued_bytes(const struct websocket *ws);
struct span websocket_peer(const struct websocket *ws);
