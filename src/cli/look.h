/* A host's readings in memory, for commands that analyse without a server. */
#pragma once

#include "base/arena.h"
#include "series/source.h"

/* Adds what a collector has written as remote-write entries. */
MUST_USE enum status look_add_message(struct memory_source *to, struct span message,
                                      struct err *err);
/* Adds text in Prometheus's format as readings of that host. The time is the text's own
 * node_time_seconds; *t_ms gets it. */
MUST_USE enum status look_add_text(struct memory_source *to, struct span text, const char *instance,
                                   int64_t *t_ms, struct err *err);
