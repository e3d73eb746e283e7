/* agent/ is the program on every server: when to collect, and the way of what was collected to
 * the server and, while that is away, to the spool. It analyses nothing.
 *
 *   schedule: when    collect/: what    ship: send, retry, spool    local: a page on this host */
#pragma once

#include "agent/config.h"
#include "collect/collect.h"

MUST_USE enum status agent_collect_open(const struct agent_config *config, struct collect **out,
                                        struct err *err);
/* Collects and sends once, together with what waits in the spool. */
MUST_USE enum status agent_once(const struct agent_config *config, struct err *err);
/* Until SIGTERM or SIGINT, or SIGHUP: then *again is true, the settings are to be read anew. */
MUST_USE enum status agent_run(const struct agent_config *config, bool *again, struct err *err);
