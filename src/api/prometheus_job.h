/* A request of Prometheus's API that a worker answers out of the store, in pieces: what series,
 * labels, federate, read, status/tsdb and their like have in common. */
#pragma once

#include "api/pieces.h"
#include "api/prometheus_json.h"

#include "promql/promql.h"

enum { MATCHES_MAX = 64 };

struct prometheus_job;

/* On a worker: finds what is to be written. A failure becomes Prometheus's error. */
typedef enum status (*prometheus_prepare)(struct prometheus_job *job, struct err *err);
/* On a worker: appends until out holds enough bytes or all is written; true for the latter. Sets
 * job->broken when it cannot go on. */
typedef bool (*prometheus_write)(struct prometheus_job *job, struct buf *out, size_t enough);

struct prometheus_job {
    struct call *call;
    struct pieces out;
    struct arena arena;   /* as long as the job */
    struct arena scratch; /* for write to reset */
    struct source *view;  /* of the store, from prepare to the end */
    struct expr *match[MATCHES_MAX];
    size_t n;
    int64_t start_ms, end_ms;
    size_t limit; /* 0: none */
    bool cut;     /* there was more than limit */
    bool broken;
    prometheus_prepare prepare;
    prometheus_write write;
    void *state;                                 /* the handler's own, in the arena */
    void (*release)(struct prometheus_job *job); /* what state holds beyond it; may be NULL */
    size_t at;                                   /* how far it has written */
};

/* All time, JSON. */
struct prometheus_job *prometheus_job_new(struct call *c);
/* match[], start and end, limit. */
MUST_USE enum status prometheus_job_matches(struct prometheus_job *job, bool needed,
                                            struct err *err);
MUST_USE enum status prometheus_job_range(struct prometheus_job *job, struct err *err);
/* Answers with bad_data and ends the job. */
void prometheus_job_refuse(struct prometheus_job *job, const struct err *err);
/* prepare may be NULL. write NULL: 204. */
void prometheus_job_run(struct prometheus_job *job, prometheus_prepare prepare,
                        prometheus_write write);

/* The series of all selectors together, sorted, each once; with a sample in (start, end]. */
MUST_USE enum status prometheus_job_select(struct prometheus_job *job,
                                           const struct select_hints *hints, struct selected **out,
                                           size_t *n, struct err *err);
/* Label names (name empty) or values of all selectors together, sorted, each once. */
MUST_USE enum status prometheus_job_texts(struct prometheus_job *job, struct span name,
                                          struct span **out, size_t *n, struct err *err);
/* {"status":"success","data": and what closes it, with the warning when the limit cut. */
void prometheus_data_begin(struct buf *out);
void prometheus_data_end(const struct prometheus_job *job, struct buf *out);
/* For answers that are made on the loop: 200 with data, which is JSON. */
void prometheus_reply_data(struct http_request *req, struct span data);
void prometheus_reply_error(struct http_request *req, const char *type, const struct err *err);
