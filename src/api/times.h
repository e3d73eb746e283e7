/* Times and durations as people and Prometheus's clients write them in parameters. */
#pragma once

#include "net/http.h"

/* "1435781451.781" seconds, or RFC 3339 with any offset; milliseconds out. */
bool time_parse(struct span text, int64_t *out_ms);
/* "15", "0.5" seconds, or "1m30s". */
bool step_parse(struct span text, int64_t *out_ms);

/* *out keeps what it had when the parameter is absent. */
MUST_USE enum status param_time(struct http_request *req, const char *name, int64_t *out,
                                struct err *err);
MUST_USE enum status param_time_needed(struct http_request *req, const char *name, int64_t *out,
                                       struct err *err);
MUST_USE enum status param_duration(struct http_request *req, const char *name, int64_t *out,
                                    struct err *err);
/* limit=100: 0 or absent is no limit. */
MUST_USE enum status param_limit(struct http_request *req, const char *name, size_t *out,
                                 struct err *err);
MUST_USE enum status param_duration_needed(struct http_request *req, const char *name, int64_t *out,
                                           struct err *err);
