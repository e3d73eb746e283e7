/* Live values straight from this machine, for who cannot or need not go through the server: a
 * WebSocket on a port of its own, off by default, with a token (docs/PROTOCOL.md, "Straight from
 * the agent"). */
#pragma once

#include "base/loop.h"
#include "collect/collect.h"

enum {
    DIRECT_VIEWERS_MAX = 16,
    DIRECT_TOKEN_MIN_BYTES = 16,
    DIRECT_TOKEN_MAX_BYTES = 512,
};

#define DIRECT_LISTEN ":5001"

struct direct;

struct direct_config {
    const char *listen;
    const char *token_file;  /* read at the start */
    struct collect *collect; /* must outlive it */
    int64_t every_ms;        /* between frames */
};

/* INVALID: the token's file is empty, or its token is too short or too long. */
MUST_USE enum status direct_open(struct loop *loop, const struct direct_config *config,
                                 struct direct **out, struct err *err);
/* From now on a frame so often. NULL is fine. */
void direct_every(struct direct *d, int64_t every_ms);
uint16_t direct_port(const struct direct *d);
void direct_close(struct direct *d); /* NULL is fine */
