/* What the HTTP server did, for /metrics: answers by handler, method and code, and how long they
 * took. Loop thread. */
#pragma once

#include "api/call.h"

struct http_metrics;

struct http_metrics *http_metrics_open(void);
void http_metrics_close(struct http_metrics *m); /* NULL is fine */
/* A handler begins with the request. */
void http_metrics_begin(struct http_metrics *m);
/* c: NULL when the request never came as far as a handler. */
void http_metrics_end(struct http_metrics *m, const struct call *c, struct span method, int status);
void http_metrics_write(const struct http_metrics *m, struct buf *out);
