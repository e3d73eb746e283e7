/* Prometheus's JSON: {"status":"success","data":{"resultType":...,"result":[...]}}. */
#pragma once

#include "promql/promql.h"

/* Each writes the whole body and returns the HTTP status that goes with it. */
int prometheus_result(struct buf *out, const struct result *r);
/* type: "bad_data", "execution", "timeout", "canceled", "unavailable", "internal" */
int prometheus_error(struct buf *out, const char *type, const char *text);
int prometheus_failure(struct buf *out, enum status st, const struct err *err);
/* {"__name__":"up","job":"node"} */
void prometheus_labels(struct buf *out, struct labels l);
/* Seconds with three decimals when there are milliseconds. */
void prometheus_time(struct buf *out, int64_t t_ms);
