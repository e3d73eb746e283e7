/* Prometheus's JSON: {"status":"success","data":{"resultType":...,"result":[...]}}. */
#pragma once

#include "promql/promql.h"

#define PROMETHEUS_TRUNCATED "results truncated due to limit"

/* A result on its way out, in pieces. */
struct result_writer {
    const struct result *result;
    struct span stats; /* JSON, or empty */
    /* the writer's own */
    size_t series, point;
    bool begun, opened;
};
/* Appends until out holds enough bytes or all is written; true for the latter. */
bool prometheus_result_write(struct result_writer *w, struct buf *out, size_t enough);

/* Each writes the whole body and returns the HTTP status that goes with it. */
/* type: "bad_data", "execution", "timeout", "canceled", "unavailable", "internal" */
int prometheus_error(struct buf *out, const char *type, const char *text);
int prometheus_failure(struct buf *out, enum status st, const struct err *err);
/* {"__name__":"up","job":"node"} */
void prometheus_labels(struct buf *out, struct labels l);
/* Seconds with three decimals when there are milliseconds. */
void prometheus_time(struct buf *out, int64_t t_ms);
