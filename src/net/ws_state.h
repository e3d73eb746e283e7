/* What websocket.c and ws_client.c share. Private to net/. */
#pragma once

#include "net/dial.h"
#include "net/server_state.h"
#include "net/websocket.h"
#include "net/ws_guard.h"

#include <wslay/wslay.h>

enum {
    WS_KEY_TEXT_BYTES = 24, /* 16 bytes in base64 */
    WS_ACCEPT_TEXT_BYTES = 28,
    WS_REASON_MAX_BYTES = 123,
};

struct websocket {
    struct wire *wire;           /* of conn or of dial */
    struct connection *conn;     /* server side */
    struct ws_client *client;    /* client side */
    wslay_event_context_ptr ctx; /* NULL until open */
    const struct websocket_events *on;
    void *arg;
    struct timer *timer;  /* pings; once closing, the end of patience */
    unsigned silent;      /* pings since we last heard something */
    bool closing;         /* we have said goodbye: what still comes is not delivered */
    struct span incoming; /* what wslay reads from */
    struct buf outgoing;  /* what wslay has written and the wire not yet got */
    struct ws_guard guard;
    char *reason; /* for on_close, when known before the end */
    char *peer;
};

/* The wire speaks WebSocket from now on. */
void websocket_begin(struct websocket *ws, struct loop *loop);
/* on_close, and everything is freed. */
void websocket_end(struct websocket *ws, const char *reason);
/* Bytes from the peer; ws may be gone afterwards, then false. */
bool websocket_feed(struct websocket *ws, struct span data);
/* The answer to a Sec-WebSocket-Key. */
void websocket_accept_key(struct span key, char text[WS_ACCEPT_TEXT_BYTES + 1]);

/* ws_client.c */
void ws_client_free(struct ws_client *c);
