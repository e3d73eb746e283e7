/* The WebSocket that the agent keeps open to its server (docs/PROTOCOL.md): settings come in, what
 * was applied, snapshots and inventory go out. Samples do not need it: they go by HTTP (ship.h),
 * also while there is no link. */
#pragma once

#include "agent/config.h"
#include "base/loop.h"

enum {
    LINK_BACKOFF_FIRST_MS = 500,
    LINK_BACKOFF_MAX_MS = 30000,
    LINK_UNWELCOME_MS = 30000, /* between tries while the token is refused */
    LINK_ABSENT_MS = 300000,   /* where the server has no such address */
    LINK_STEADY_MS = 60000,    /* open for so long: the next back-off starts anew */
};

struct link;

/* message: the whole object, valid during the call. */
struct link_events {
    void (*on_open)(void *arg);
    void (*on_settings)(const struct yaml *message, struct span text, void *arg);
    void (*on_live)(int64_t every_ms, void *arg); /* 0: no more live frames */
    void (*on_snapshot)(void *arg);
    void (*on_advice)(struct span text, void *arg);
    void (*on_act)(const struct yaml *message, void *arg);
    void (*on_token)(const char *token, void *arg);
    void (*on_close)(void *arg);
    /* The token to show; NULL: there is none yet, it is asked for again. */
    const char *(*token)(void *arg);
};

struct link_config {
    const struct agent_config *agent; /* must outlive the link, as instance and boot_id */
    const char *instance, *boot_id;
    const struct link_events *on;
    void *arg;
};

/* Begins to connect. A server URL with a path (another receiver) has no link: *out is NULL. */
MUST_USE enum status link_open(struct loop *loop, const struct link_config *config,
                               struct link **out, struct err *err);
void link_close(struct link *l);         /* NULL is fine */
bool link_is_open(const struct link *l); /* NULL: false */
/* What keeps it from being open; "" when it is. */
const char *link_why(const struct link *l);
/* False when the link is not open, or the message does not fit. */
bool link_send(struct link *l, struct span message, bool text);
/* The token has changed: the next connection shows the new one, and is made now. */
void link_reconnect(struct link *l);

/* For the reconnection: half of it is fixed, half is chance (any number). */
int64_t link_backoff_ms(unsigned failures, uint64_t chance);
