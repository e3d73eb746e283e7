/* Inside api/: one request with who makes it, and the table row that it met. */
#pragma once

#include "api/api.h"

struct analyses; /* the latest of each host, as JSON (hosts.c) */

struct api {
    struct loop *loop;
    struct pool *workers;
    struct pool *chores; /* one thread: api_chore */
    struct store *store;
    struct record *record;
    struct access *access;
    void (*take)(void *pipeline, struct batch *b);
    enum status (*analyse_payload)(void *pipeline, struct span payload, int64_t now_ms,
                                   struct buf *answer, struct err *err);
    void (*model)(void *pipeline, struct model_label *out);
    enum status (*ask)(void *pipeline, const struct advice_question *q, struct buf *answer,
                       struct err *err);
    void *pipeline;
    const char *version;
    struct live *live;
    struct api_alerts alerts;
    struct increment_labels *increment_labels; /* of all agents (series/increment.h) */
    struct remedies *remedies;                 /* orders that wait for their agents (remedy.h) */
    bool remediation;
    struct links *links; /* the agents' WebSockets (link.h) */
    struct analyses *analyses;
    struct metadata *metadata;
    struct http_metrics *http_metrics;
    struct gate *gate;      /* of PromQL queries */
    struct intake *intakes; /* imports under way (intake.h) */
    struct query_limits limits;
    const struct setting *settings;
    size_t settings_n;
    const void *setting_values;
    int64_t started_ms;
    bool ready;
};

struct call {
    const struct route *route;
    struct http_request *req;
    struct api *api;
    struct principal who;
    struct span id;    /* what stands in the path where the route has ID */
    int answer_status; /* of a fn of api_work that succeeds; 0: 200, or 204 without a body */
    bool outdated;     /* it failed, because If-Match named another version: 412 */
    bool versioned;    /* what it answers with has a version: the ETag */
    int64_t version;
    int64_t begun_ns;
    bool in_flight;        /* a handler has it: counted */
    struct intake *intake; /* of its body; NULL: the body is gathered */
};

/* ---- handlers, one line each in routes.c ---- */

void prometheus_query(struct call *c);
void prometheus_query_range(struct call *c);
void prometheus_series(struct call *c);
void prometheus_label_names(struct call *c);
void prometheus_label_values(struct call *c);
void prometheus_delete(struct call *c);
void prometheus_clean(struct call *c);
void prometheus_federate(struct call *c);
void prometheus_read(struct call *c);
void prometheus_metadata(struct call *c);
void prometheus_targets(struct call *c);
void prometheus_targets_metadata(struct call *c);
void prometheus_scrape_pools(struct call *c);
void prometheus_alertmanagers(struct call *c);
void prometheus_exemplars(struct call *c);
void prometheus_buildinfo(struct call *c);
void prometheus_runtimeinfo(struct call *c);
void prometheus_flags(struct call *c);
void prometheus_config(struct call *c);
void prometheus_tsdb(struct call *c);
void prometheus_format(struct call *c);
void prometheus_parse(struct call *c);
void write_samples(struct call *c);
void session_login(struct call *c);
void session_logout(struct call *c);
void session_show(struct call *c);
void session_password(struct call *c);
void hosts_list(struct call *c);
void hosts_show(struct call *c);
void hosts_analysis(struct call *c);
void agents_socket(struct call *c);
void agents_settings(struct call *c);
void agents_settings_put(struct call *c);
void agents_presets(struct call *c);
void agents_processes(struct call *c);
void agents_processes_now(struct call *c);
void agents_inventory(struct call *c);
void agents_services(struct call *c);
void agents_rotate(struct call *c);
void results_list(struct call *c);
void results_summary(struct call *c);
void results_delete(struct call *c);
void events_list(struct call *c);
void findings_list(struct call *c);
void findings_show(struct call *c);
void findings_verdict(struct call *c);
void findings_applied(struct call *c);
void findings_dismiss(struct call *c);
void findings_reopen(struct call *c);
void findings_apply(struct call *c);
void findings_confirm(struct call *c);
void changes_list(struct call *c);
void advice_rules(struct call *c);
void advice_reload(struct call *c);
void advice_model(struct call *c);
void advice_profiles(struct call *c);
void advice_host_profiles(struct call *c);
void advice_host_checks(struct call *c);
void prometheus_rules(struct call *c);
void prometheus_alerts(struct call *c);
void alerts_list(struct call *c);
void alerts_show(struct call *c);
void alerts_acknowledge(struct call *c);
void alerts_resolve(struct call *c);
void alerts_history(struct call *c);
void silences_list(struct call *c);
void silences_create(struct call *c);
void silences_replace(struct call *c);
void silences_delete(struct call *c);
void channels_list(struct call *c);
void channels_create(struct call *c);
void channels_replace(struct call *c);
void channels_delete(struct call *c);
void channels_test(struct call *c);
void channels_deliveries(struct call *c);
void routing_show(struct call *c);
void routing_put(struct call *c);
void alert_rules_list(struct call *c);
void alert_rules_put(struct call *c);
void alert_rules_delete(struct call *c);
void alert_presets_list(struct call *c);
void alert_presets_put(struct call *c);
void rule_files_list(struct call *c);
void rule_files_show(struct call *c);
void rule_files_create(struct call *c);
void rule_files_replace(struct call *c);
void rule_files_delete(struct call *c);
void enroll_make_token(struct call *c);
void enroll_agent(struct call *c);
void analyze_payload(struct call *c);
void live_open(struct call *c);
void openapi_show(struct call *c);
void health_alive(struct call *c);
void health_ready(struct call *c);
void health_metrics(struct call *c);
void console_file(struct call *c);
void import_samples(struct call *c);
void import_on_head(struct call *c); /* before the body comes */
void import_list(struct call *c);
void export_samples(struct call *c);
void storage_show(struct call *c);
void storage_check(struct call *c);
void storage_clean(struct call *c);
void hosts_delete(struct call *c);
void backup_make(struct call *c);
void backup_snapshot(struct call *c);
void backup_list(struct call *c);
void backup_send(struct call *c);
void backup_delete(struct call *c);

/* ---- what handlers share ---- */

/* What If-Match asks for: a version such as "3" (weak or not), -1 when it is not there or "*".
 * False when it is none of these, and that is answered with 400. */
bool api_if_match(struct call *c, int64_t *version);
void api_etag(struct call *c, int64_t version);
/* 503 with Retry-After. */
void api_busy(struct call *c, const char *why);
/* The HTTP status that fits, with the sentence as detail; DENIED is 401. */
void api_failure(struct call *c, enum status st, const struct err *err);
void api_json(struct call *c, int status, struct buf *body); /* 500 when the buf failed */
void api_no_content(struct call *c);
/* GET /hosts as {"hosts":[...]} without the braces: shared with live. */
MUST_USE enum status hosts_json(struct api *a, struct buf *out, struct err *err);

/* The body as a JSON object; replies 400 and returns NULL when it is none. The caller gives it back
 * with json_decref. */
struct json_t *api_body(struct call *c);
/* A text member of the body; false and a reply of 400 when it is missing. */
bool api_member(struct call *c, struct json_t *body, const char *name, struct span *out);

/* ---- work.c: a request answered by a worker ---- */

/* Fills body with the JSON of the answer; the arena lives until the answer is sent. Must not touch
 * c->req but its arena's content: read parameters before. */
typedef enum status (*api_work_fn)(struct call *c, void *arg, struct arena *arena, struct buf *body,
                                   struct err *err);
/* Runs fn on a worker and replies 200 with its JSON (204 when there is none), or with its failure.
 * arg should live in the request's arena. */
void api_work(struct call *c, api_work_fn fn, void *arg);
/* The same on the thread for what takes long (imports, backups, clean-ups, checks), one after the
 * other, so that queries do not wait for it. */
void api_chore(struct call *c, api_work_fn fn, void *arg);

/* Writes who did what into the record's audit and the server's log; what is done only once it is
 * written. */
MUST_USE enum status api_audit(struct call *c, const char *what, struct span detail,
                               struct err *err);

/* A body that has to be in memory as a whole: snappy, zstd, remote-write. */
enum { IMPORT_BODY_MAX_BYTES = 64 << 20, CLEAN_UP_MIN_MS = 3600 * 1000 };

/* ---- parameters.c: query parameters that most lists take; OK and unchanged when absent ---- */

/* RFC 3339, or milliseconds since 1970. */
MUST_USE enum status api_time_param(struct http_request *req, const char *name, int64_t *out,
                                    struct err *err);
MUST_USE enum status api_whole_param(struct http_request *req, const char *name, int64_t min,
                                     int64_t max, int64_t *out, struct err *err);

/* ---- hosts.c: the latest analysis of each host, kept as JSON ---- */

MUST_USE enum status analyses_load(struct api *a, struct err *err); /* from the record */
void analyses_put(struct api *a, struct span host_id, struct span json);
struct span analyses_get(const struct api *a, struct span host_id); /* empty: none */
void analyses_free(struct analyses *a);

/* ---- live.c ---- */

struct live *live_new(struct api *a);
void live_stop(struct live *l); /* every viewer is told and closed */
void live_free(struct live *l); /* after the last viewer has gone; NULL is fine */
/* Samples of these hosts. */
void live_samples_arrived(struct live *l, const struct span *instances, size_t n,
                          int64_t now_mono_ms);
/* Whether somebody looks at that host. */
bool live_watched(const struct live *l, struct span instance);
void live_notification(struct live *l, struct span json);
void live_analysis_made(struct live *l, const char *host_id, struct span analysis_json);
/* The agent of that host is connected (again): it is told what is watched. */
void live_agent_came(struct live *l, struct span instance);
size_t live_viewers(const struct live *l);
