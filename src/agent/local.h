/* A page on this host, off by default: GET /metrics for Prometheus (OpenMetrics for who asks for
 * it; ?compat=seed: compat.h), GET /healthz. */
#pragma once

#include "base/loop.h"
#include "collect/collect.h"

struct local;

MUST_USE enum status local_open(struct loop *loop, const char *listen, const struct collect *c,
                                struct local **out, struct err *err);
void local_close(struct local *l); /* NULL is fine */
