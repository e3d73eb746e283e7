/* Is the server alive, does it take data, and what does it cost: without login except /metrics. */
#include "api/call.h"
#include "api/gate.h"
#include "api/http_metrics.h"

#include "base/clock.h"
#include "base/file.h"
#include "series/exposition.h"

#include <unistd.h>

void health_alive(struct call *c)
{
    http_reply(c->req, 200, "text/plain; charset=utf-8", SPAN("ok\n"));
}

void health_ready(struct call *c)
{
    struct err err = {0};
    if (!c->api->ready)
        api_busy(c, "the server is starting or stopping");
    else if (record_writable(c->api->record, &err))
        http_problem(c->req, 503, "%s", err.text);
    else if (store_takes(c->api->store, &err))
        http_problem(c->req, 503, "degraded, no samples are taken: %s", err.text);
    else
        http_reply(c->req, 200, "text/plain; charset=utf-8", SPAN("ready\n"));
}

static void put(struct buf *out, const char *name, enum metric_type type, const char *help,
                double v)
{
    struct label label = {SPAN(LABEL_NAME), span_of(name)};
    exposition_family(out, label.value, type, help);
    exposition_sample(out, (struct labels){&label, 1}, (struct sample){.v = v}, false);
}

/* The second number of statm, in pages. */
static double resident_bytes(void)
{
    auto_buf text = {0};
    uint64_t pages = 0;
    struct span rest, word;
    if (file_read("/proc/self/statm", &text, NULL))
        return 0;
    rest = buf_view(&text);
    if (!span_word(&rest, &word) || !span_word(&rest, &word) || !span_u64(word, &pages))
        return 0;
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void put_model(struct call *c, struct buf *out)
{
    struct model_label m = {0};
    c->api->model(c->api->pipeline, &m);
    struct label labels[] = {{SPAN(LABEL_NAME), SPAN("galen_model_info")},
                             {SPAN("checksum"), span_of(m.checksum)},
                             {SPAN("version"), span_of(m.version)}};
    exposition_family(out, labels[0].value, METRIC_GAUGE, "The classifier that runs.");
    if (m.checksum[0])
        exposition_sample(out, (struct labels){labels, COUNT(labels)}, (struct sample){.v = 1},
                          false);
}

static void put_alerts(struct buf *out, const struct api_alerts *face)
{
    struct api_alert_stats s;
    face->stats(face->arg, &s);
    put(out, "galen_alert_rules", METRIC_GAUGE, "Alerting and recording rules.", (double)s.rules);
    put(out, "galen_alerts_pending", METRIC_GAUGE, "Alerts that are pending.",
        (double)s.alerter.pending);
    put(out, "galen_alerts_firing", METRIC_GAUGE, "Alerts that fire.", (double)s.alerter.firing);
    put(out, "galen_alert_evaluations_total", METRIC_COUNTER, "Evaluations of rules.",
        (double)s.alerter.evaluations);
    put(out, "galen_alert_cache_hits_total", METRIC_COUNTER,
        "Rules that took the value which the rule before had asked for.",
        (double)s.alerter.values_reused);
    put(out, "galen_alert_cache_misses_total", METRIC_COUNTER, "Rules that asked for their value.",
        (double)s.alerter.values_asked);
    put(out, "galen_alert_evaluation_failures_total", METRIC_COUNTER, "Those that failed.",
        (double)s.alerter.failures);
    put(out, "galen_alert_evaluations_missed_total", METRIC_COUNTER,
        "Intervals that passed without one.", (double)s.alerter.missed);
    put(out, "galen_alert_evaluation_duration_seconds", METRIC_GAUGE,
        "How long the newest evaluation of all groups took.", s.alerter.last_duration_s);
    put(out, "galen_alert_evaluation_lag_seconds", METRIC_GAUGE,
        "How late the latest of them began.", s.alerter.lag_s);
    put(out, "galen_notifications_total", METRIC_COUNTER, "Attempts to notify.",
        (double)s.notifications);
    put(out, "galen_notifications_failed_total", METRIC_COUNTER, "Those that failed.",
        (double)s.failures);
    put(out, "galen_notifications_queue_length", METRIC_GAUGE, "Notifications that wait.",
        (double)s.waiting);
    put(out, "galen_notifications_given_up", METRIC_GAUGE,
        "Notifications in the log that will not be delivered.", (double)s.failed);
}

void health_metrics(struct call *c)
{
    auto_buf out = {0};
    struct store_stats s;
    bool takes = store_takes(c->api->store, NULL) == OK; /* looks, so that the next has it */
    store_stats(c->api->store, &s);
    struct label build[] = {{SPAN(LABEL_NAME), SPAN("galen_build_info")},
                            {SPAN("version"), span_of(c->api->version)}};
    exposition_family(&out, build[0].value, METRIC_GAUGE, "The version that runs.");
    exposition_sample(&out, (struct labels){build, COUNT(build)}, (struct sample){.v = 1}, false);
    put_model(c, &out);
    put(&out, "process_cpu_seconds_total", METRIC_COUNTER, "CPU time of this process.",
        (double)clock_cpu_ns() / 1e9);
    put(&out, "process_resident_memory_bytes", METRIC_GAUGE, "Resident memory.", resident_bytes());
    put(&out, "galen_store_series", METRIC_GAUGE, "Series that receive samples.",
        (double)s.series_active);
    put(&out, "galen_ingest_samples_total", METRIC_COUNTER, "Samples taken since the start.",
        (double)s.samples_appended);
    put(&out, "galen_ingest_duplicates_total", METRIC_COUNTER, "Samples that were there already.",
        (double)s.duplicates);
    put(&out, "galen_ingest_refused_total", METRIC_COUNTER, "Samples that were refused.",
        (double)s.refused);
    put(&out, "galen_store_commits_total", METRIC_COUNTER, "Groups made durable.",
        (double)s.commits);
    put(&out, "galen_store_samples", METRIC_GAUGE, "Samples stored.", (double)s.samples_stored);
    put(&out, "galen_store_bytes", METRIC_GAUGE, "Bytes on disk, log included.",
        (double)s.bytes_on_disk);
    put(&out, "galen_store_blocks", METRIC_GAUGE, "Blocks on disk.", (double)s.blocks);
    put(&out, "galen_store_free_bytes", METRIC_GAUGE,
        "Free space of the file system of the data directory.", (double)s.free_bytes);
    put(&out, "galen_store_min_free_bytes", METRIC_GAUGE,
        "Free space below which no samples are taken; 0: there is no such floor.",
        (double)s.free_min_bytes);
    put(&out, "galen_store_takes", METRIC_GAUGE,
        "1 while samples are taken, 0 while the disk is full or cannot be written.", takes);
    put(&out, "galen_live_viewers", METRIC_GAUGE, "Open live connections.",
        (double)live_viewers(c->api->live));
    put(&out, "galen_workers_waiting", METRIC_GAUGE, "Queries that wait for a worker.",
        (double)pool_waiting(c->api->workers));
    if (c->api->alerts.stats)
        put_alerts(&out, &c->api->alerts);
    put(&out, "galen_promql_queries_running", METRIC_GAUGE, "PromQL queries that are evaluated.",
        gate_running(c->api->gate));
    put(&out, "galen_promql_queries_waiting", METRIC_GAUGE,
        "PromQL queries that wait for their turn.", gate_waiting(c->api->gate));
    put(&out, "galen_promql_queries_max", METRIC_GAUGE,
        "PromQL queries that may be evaluated at once (query.max-concurrency).",
        (double)c->api->limits.max_concurrency);
    http_metrics_write(c->api->http_metrics, &out);
    http_reply(c->req, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(&out));
}
