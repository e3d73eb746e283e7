/* Which settings hold: the defaults, what the server says, and above both what this machine's
 * administrator fixed in file, environment or command line. What the server said last lies in
 * STATE/settings.json and holds over restarts, also while there is no server. */
#pragma once

#include "agent/config.h"
#include "series/host_settings.h"

struct remote;

/* Reads what was kept; a damaged file is told and passed over. */
struct remote *remote_open(const struct agent_config *config);
void remote_close(struct remote *r); /* NULL is fine */

/* Takes a message with version and settings, text being its bytes. INVALID with the reason when
 * something in it cannot be applied: then all stays as it was. */
MUST_USE enum status remote_take(struct remote *r, const struct yaml *message, struct span text,
                                 struct err *err);
/* Valid until the next remote_take. */
const struct host_settings *remote_settings(const struct remote *r);
int64_t remote_version(const struct remote *r); /* 0: the server has said nothing */
bool remote_fixed(const struct remote *r, enum host_field f);

/* {"op":"applied",...} or {"op":"refused",...}. */
void remote_applied_json(const struct remote *r, struct buf *out);
void remote_refused_json(int64_t version, const char *why, struct buf *out);
int64_t remote_message_version(const struct yaml *message); /* 0 when it has none */
