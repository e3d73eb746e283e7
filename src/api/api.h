/* Every HTTP address of the server in one table (routes.c), and what answers them: Prometheus's
 * API, Galen's own, the seeds' interface, live WebSockets, the console's files. Turns requests
 * into calls of store, promql, record, advise and access, and their values into JSON. Writes no
 * SQL, knows no rule, keeps no data of its own but who is watching. Runs on one loop; what takes
 * long goes to the workers. */
#pragma once

#include "access/access.h"
#include "advise/advise.h"
#include "alert/alert.h"
#include "base/pool.h"
#include "base/yaml.h"
#include "net/http.h"
#include "record/record.h"
#include "store/store.h"

struct api;

/* Of each PromQL query; the names are the server's settings query.*. */
struct query_limits {
    int64_t timeout_ms, samples_max, lookback_ms;
    int64_t max_concurrency; /* further ones wait */
};

/* A batch of samples on its way from a request to the store. */
struct batch {
    struct store_writer *writer;
    struct span message; /* remote-write protobuf, unpacked; valid during take only */
    /* What became of it: called on the loop's thread, exactly once. */
    void (*done)(struct batch *b, enum status st, const struct append_result *result,
                 const struct err *err);
    struct append_result result; /* room for whoever carries it across threads */
    struct err err;
    enum status status;
    void *owner;    /* of who made the batch */
    void *pipeline; /* of who takes it */
};

/* What only the analysis knows or may change. */
enum advice_ask {
    ASK_APPLIED, /* of a finding: id, who */
    ASK_DISMISS,
    ASK_REOPEN,
    ASK_RULES,
    ASK_RELOAD, /* rules and model; who */
    ASK_MODEL,
    ASK_PROFILES,
    ASK_HOST_PROFILES, /* of a host: its name */
    ASK_HOST_CHECKS,
};
enum { MODEL_LABEL_MAX = 80 };
struct model_label {
    char checksum[MODEL_LABEL_MAX], version[MODEL_LABEL_MAX]; /* empty: no classifier */
};
struct advice_question {
    enum advice_ask what;
    int64_t id, now_ms;
    struct span host, who;
};

struct notify_settings;

struct api_alert_stats {
    struct alerter_stats alerter;
    size_t rules;
    int64_t waiting, failed; /* deliveries */
    uint64_t notifications, failures;
};

/* What the API asks of the alerts at work (server/alerts.h). Any thread, but changed and the
 * functions that take long are for workers. */
struct api_alerts {
    void *arg;
    void (*rules_json)(void *arg, const struct rules_filter *f, struct buf *out);
    void (*alerts_json)(void *arg, struct buf *out);
    void (*each_group)(void *arg, void (*fn)(void *fn_arg, const struct rule_group *g),
                       void *fn_arg);
    void (*changed)(void *arg, struct span kind); /* a document of that kind, or "alert" */
    enum status (*test)(void *arg, int64_t channel_id, struct err *err);
    void (*stats)(void *arg, struct api_alert_stats *out);
    const struct notify_settings *notify;
};

struct api_config {
    struct api_alerts alerts;
    struct loop *loop;
    struct pool *workers;
    struct store *store;
    struct record *record;
    struct access *access;
    /* Takes a batch; done is called later whatever happens. */
    void (*take)(void *pipeline, struct batch *b);
    /* Analyses a payload of the seeds' shape and answers with the analysis as JSON. Called on a
     * worker. */
    enum status (*analyse_payload)(void *pipeline, struct span payload, int64_t now_ms,
                                   struct buf *answer, struct err *err);
    /* The classifier that runs, for /metrics. Does not wait. */
    void (*model)(void *pipeline, struct model_label *out);
    /* Called on a worker; the answer, JSON, may be empty. */
    enum status (*ask)(void *pipeline, const struct advice_question *q, struct buf *answer,
                       struct err *err);
    void *pipeline;
    bool remediation; /* may orders be sent to agents? */
    const char *version;
    struct query_limits limits;
    /* The settings that are in force, for /api/v1/status/config and flags. */
    const struct setting *settings;
    size_t settings_n;
    const void *setting_values;
};

struct api *api_open(const struct api_config *config);
/* Ends the live connections; samples and queries are no longer taken. */
void api_stop(struct api *a);
void api_close(struct api *a); /* NULL is fine */

/* The handlers of the HTTP server; arg is the struct api. */
void api_on_head(struct http_request *req, void *arg);
void api_on_request(struct http_request *req, void *arg);
void api_on_answered(struct http_request *req, int status, void *arg);

/* For those who watch. Loop thread. */
void api_samples_arrived(struct api *a, struct span instance, int64_t now_mono_ms);
void api_analysis_made(struct api *a, const char *host_id, struct span analysis_json);
/* Asks the host's agent for a snapshot of its processes, to be kept with the cause "alert". From
 * any thread; nothing happens when the agent is not connected. */
void api_snapshot_now(struct api *a, struct span host_id);
/* Samples may be taken and queries answered from now on (/readyz). */
void api_ready(struct api *a, bool ready);
/* A notification (Alertmanager's webhook JSON) for every open console. Loop thread. */
void api_notification(struct api *a, struct span json);
