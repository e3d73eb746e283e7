/* The server watches itself: its own figures are series in its own store, so that rules see them;
 * and a message to elsewhere says that it lives. */
#include "server/alerts_state.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "series/remote_write.h"

#include <unistd.h>

static void put(struct alerts *a, struct buf *out, const char *name, double v, int64_t now_ms)
{
    struct label labels[] = {{SPAN(LABEL_NAME), span_of(name)},
                             {SPAN("instance"), span_of(a->config.host)},
                             {SPAN("job"), SPAN("galen-server")}};
    struct sample sample = {now_ms, v};
    write_series(out, (struct labels){labels, COUNT(labels)}, &sample, 1);
}

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

void alerts_self(struct alerts *a, int64_t now_ms, struct buf *out)
{
    struct store_stats store;
    struct alerter_stats alerter;
    int64_t waiting = 0, failed = 0;
    store_stats(a->config.store, &store);
    alerter_stats(a->loaded.alerter, &alerter);
    (void)!record_deliveries_count(a->config.record, &waiting, &failed, NULL);
    pthread_mutex_lock(&a->lock);
    double notifications = (double)a->notifications, failures = (double)a->failures;
    pthread_mutex_unlock(&a->lock);
    put(a, out, "galen_server_cpu_seconds_total", (double)clock_cpu_ns() / 1e9, now_ms);
    put(a, out, "galen_server_resident_bytes", resident_bytes(), now_ms);
    put(a, out, "galen_server_store_series", (double)store.series_active, now_ms);
    put(a, out, "galen_server_store_bytes", (double)store.bytes_on_disk, now_ms);
    put(a, out, "galen_server_ingest_samples_total", (double)store.samples_appended, now_ms);
    put(a, out, "galen_server_ingest_refused_total", (double)store.refused, now_ms);
    put(a, out, "galen_server_alert_evaluation_lag_seconds", alerter.lag_s, now_ms);
    put(a, out, "galen_server_alert_evaluation_seconds", alerter.last_duration_s, now_ms);
    put(a, out, "galen_server_alert_evaluation_failures_total", (double)alerter.failures, now_ms);
    put(a, out, "galen_server_alerts_firing", (double)alerter.firing, now_ms);
    put(a, out, "galen_server_notifications_total", notifications, now_ms);
    put(a, out, "galen_server_notifications_failed_total", failures, now_ms);
    put(a, out, "galen_server_notifications_waiting", (double)waiting, now_ms);
    int64_t expires_s = a->certificate_expires_s;
    if (expires_s)
        put(a, out, "galen_certificate_expires_seconds", (double)expires_s, now_ms);
}

/* A webhook's notification that always fires: whoever receives it alerts when it stays away. */
int64_t alerts_dead_man(struct alerts *a, int64_t now_ms)
{
    auto_buf config = {0}, note = {0};
    struct err err = {0};
    struct notify_settings settings = a->notify;
    settings.ending = &a->ending;
    struct json j = json_to(&config);
    json_begin_object(&j);
    json_field(&j, "url", a->config.dead_man_url);
    json_end_object(&j);
    notify_dead_man_notification(span_of(a->config.external_url), now_ms, &note);
    if (notify_send(&(struct notification){.kind = SPAN("webhook"),
                                           .config = buf_view(&config),
                                           .json = buf_view(&note)},
                    &settings, &err))
        log_warn("the dead man's switch was not reached: %s", err.text);
    return now_ms + a->config.dead_man_ms;
}
