/* A socket on this machine that answers who connects with one JSON object and closes: what
 * `galen-agent status` asks. Only this user and root may. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"

enum { CONTROL_ANSWER_MAX_BYTES = 128 << 10 };

struct control;

typedef void (*control_fn)(struct buf *out, void *arg);

MUST_USE enum status control_open(struct loop *loop, const char *path, control_fn fn, void *arg,
                                  struct control **out, struct err *err);
void control_close(struct control *c); /* NULL is fine; removes the socket */

/* $RUNTIME_DIRECTORY (systemd's) or the state directory, /control.sock. */
void control_path(const char *state, struct buf *out);
/* The answer of the agent that runs. UNREACHABLE: none does. */
MUST_USE enum status control_ask(const char *path, struct buf *out, struct err *err);

int64_t resident_bytes(void); /* of this process */
