/* What the agent's metrics mean: made from its own table when the server is built
 * (tools/metric_help.c), as agent and server meet in series/ alone. */
#pragma once

#include "base/defs.h"

struct metric_help {
    const char *name; /* a '%' stands for a part that the kernel names */
    const char *type; /* "gauge", ... */
    const char *help; /* '%' as in the name */
};

extern const struct metric_help metric_help[];
extern const size_t metric_help_n;
