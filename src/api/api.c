#include "api/link.h"

#include "api/gate.h"
#include "api/http_metrics.h"
#include "api/metadata.h"
#include "api/remedy.h"

#include "base/clock.h"
#include "base/log.h"
#include "series/increment.h"

enum { CHORES_WAITING_MAX = 16 };

struct api *api_open(const struct api_config *config)
{
    struct api *a = mem_zero(1, sizeof *a);
    *a = (struct api){
        .loop = config->loop,
        .workers = config->workers,
        .store = config->store,
        .record = config->record,
        .access = config->access,
        .take = config->take,
        .analyse_payload = config->analyse_payload,
        .ask = config->ask,
        .model = config->model,
        .pipeline = config->pipeline,
        .version = config->version,
        .alerts = config->alerts,
        .limits = config->limits,
        .settings = config->settings,
        .settings_n = config->settings_n,
        .setting_values = config->setting_values,
        .started_ms = clock_wall_ms(),
    };
    a->metadata = metadata_open();
    a->http_metrics = http_metrics_open();
    a->gate = gate_open(a->loop, a->workers, (unsigned)config->limits.max_concurrency);
    a->chores = pool_open("chores", 1, CHORES_WAITING_MAX);
    a->live = live_new(a);
    a->increment_labels = increment_labels_open();
    a->links = links_new(a);
    a->remedies = remedies_new(a);
    a->remediation = config->remediation;
    struct err err = {0};
    if (analyses_load(a, &err))
        log_warn("the latest analyses are not shown until the next ones: %s", err.text);
    return a;
}

void api_stop(struct api *a)
{
    a->ready = false;
    gate_stop(a->gate);
    live_stop(a->live);
    links_stop(a->links);
}

void api_close(struct api *a)
{
    if (!a)
        return;
    pool_close(a->chores);
    live_free(a->live);
    gate_close(a->gate);
    links_free(a->links);
    remedies_free(a->remedies);
    increment_labels_close(a->increment_labels);
    metadata_close(a->metadata);
    http_metrics_close(a->http_metrics);
    analyses_free(a->analyses);
    free(a);
}

void api_ready(struct api *a, bool ready)
{
    a->ready = ready;
}

void api_samples_arrived(struct api *a, struct span instance, int64_t now_mono_ms)
{
    live_samples_arrived(a->live, &instance, 1, now_mono_ms);
}

void api_analysis_made(struct api *a, const char *host_id, struct span analysis_json)
{
    analyses_put(a, span_of(host_id), analysis_json);
    live_analysis_made(a->live, host_id, analysis_json);
    links_advice(a->links, span_of(host_id), analysis_json);
}

void api_notification(struct api *a, struct span json)
{
    live_notification(a->live, json);
}

struct snapshot_wish {
    struct api *api;
    char *host_id;
};

static void ask_snapshot(void *arg)
{
    struct snapshot_wish *w = arg;
    if (!links_snapshot(w->api->links, span_of(w->host_id), "alert"))
        log_debug("no snapshot of processes: the agent of host %s is not connected", w->host_id);
    free(w->host_id);
    free(w);
}

void api_snapshot_now(struct api *a, struct span host_id)
{
    struct snapshot_wish *w = mem_zero(1, sizeof *w);
    w->api = a;
    w->host_id = mem_dup_span(host_id);
    if (!loop_post(a->loop, ask_snapshot, w)) {
        free(w->host_id);
        free(w);
    }
}
