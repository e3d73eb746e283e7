/* `galen-agent status`: asks the agent that runs and prints its answer. */
#pragma once

#include "agent/config.h"

/* 0, or 1 when no agent answers: why is on standard error then. */
int status_show(const struct agent_config *config);
/* The answer as lines for a person. INVALID: it is none. */
MUST_USE enum status status_text(struct span answer, int64_t now_ms, struct buf *out,
                                 struct err *err);
