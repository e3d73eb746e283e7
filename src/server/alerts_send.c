/* From the record's alerts to deliveries, and from deliveries to channels. A delivery is a row: it
 * waits until the channel has taken it, over restarts, for three days at most. */
#include "server/alerts_state.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#include <jansson.h>
#include <stdlib.h>

enum {
    RETRY_FIRST_MS = 10 * 1000,
    RETRY_MOST_MS = 3600 * 1000,
    GIVE_UP_MS = 3 * 24 * 3600 * 1000,
    LOOK_MS = 1000,
    ALERTMANAGER_EVERY_MS = 60 * 1000,
    RESOLVED_TOLD_MS = 5 * 60 * 1000,
};

/* ---- alerts as the routes see them ---- */

static struct labels read_labels(const json_t *object, struct arena *arena)
{
    const char *key;
    json_t *value;
    struct label *at = ARENA_ARRAY(arena, struct label, json_object_size(object));
    size_t n = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) if (json_is_string(value))
        at[n++] = (struct label){span_of(arena_dup(arena, key)),
                                 span_of(arena_dup(arena, json_string_value(value)))};
    labels_sort(at, n);
    return (struct labels){at, n};
}

static struct labels labels_of(struct span json, struct arena *arena)
{
    json_t *root = json_loadb(json.at, json.len, 0, NULL);
    struct labels l = read_labels(root, arena);
    json_decref(root);
    return l;
}

static void add_rows(const struct alert_row *rows, size_t n, struct arena *arena,
                     struct routed_alert *out, size_t *count)
{
    for (size_t i = 0; i < n; i++) {
        const struct alert_row *r = &rows[i];
        if (!r->fired_ms)
            continue;
        out[(*count)++] = (struct routed_alert){.id = r->id,
                                                .fingerprint = r->fingerprint,
                                                .labels = labels_of(r->labels, arena),
                                                .annotations = labels_of(r->annotations, arena),
                                                .firing = span_is(r->state, "firing"),
                                                .acknowledged = r->acknowledged_ms > 0,
                                                .starts_ms = r->fired_ms,
                                                .ends_ms = r->resolved_ms,
                                                .value = r->value};
    }
}

static enum status load_alerts(struct alerts *a, int64_t now_ms, struct arena *arena,
                               struct routed_alert **out, size_t *n, struct err *err)
{
    struct alert_row *active, *over;
    size_t n_active, n_over;
    struct alert_filter f = {.state = SPAN("active"), .limit = 1 << 20};
    enum status st = record_alerts(a->config.record, &f, arena, &active, &n_active, err);
    f.state = SPAN("resolved");
    f.from_ms = now_ms - RULE_RESOLVED_KEPT_MS;
    if (!st)
        st = record_alerts(a->config.record, &f, arena, &over, &n_over, err);
    *n = 0;
    if (st)
        return st;
    *out = ARENA_ARRAY(arena, struct routed_alert, n_active + n_over);
    add_rows(active, n_active, arena, *out, n);
    /* One that fires again is not told to be over: the open one stands for both. */
    CLEANUP(map_free) struct map open = {0};
    for (size_t i = 0; i < *n; i++)
        map_put(&open, (*out)[i].fingerprint, &(*out)[i]);
    size_t kept = 0;
    for (size_t i = 0; i < n_over; i++)
        if (!map_get(&open, over[i].fingerprint)) {
            map_put(&open, over[i].fingerprint, &over[i]);
            over[kept++] = over[i];
        }
    add_rows(over, kept, arena, *out, n);
    return OK;
}

/* ---- channels ---- */

struct channel {
    int64_t id;
    struct span name, kind, config;
    bool enabled;
};

static void read_channel(const struct document_row *row, struct arena *arena, struct channel *c)
{
    json_t *j = json_loadb(row->json.at, row->json.len, 0, NULL);
    const char *kind = json_string_value(json_object_get(j, "kind"));
    char *config = json_dumps(json_object_get(j, "config"), JSON_COMPACT);
    *c = (struct channel){.id = row->id,
                          .name = row->name,
                          .kind = span_of(arena_dup(arena, kind ? kind : "")),
                          .config = span_of(arena_dup(arena, config ? config : "{}")),
                          .enabled = !json_is_false(json_object_get(j, "enabled"))};
    free(config);
    json_decref(j);
}

static size_t load_channels(struct alerts *a, struct arena *arena, struct channel **out)
{
    struct document_row *rows;
    size_t n;
    if (record_documents(a->config.record, SPAN("channel"), arena, &rows, &n, NULL))
        return 0;
    *out = ARENA_ARRAY(arena, struct channel, n);
    for (size_t i = 0; i < n; i++)
        read_channel(&rows[i], arena, &(*out)[i]);
    return n;
}

static bool takes(const struct channel *c, const struct message *m)
{
    if (!c->enabled || span_is(c->kind, "alertmanager"))
        return false; /* an Alertmanager gets everything, and groups by itself */
    for (size_t i = 0; i < m->n_channels; i++)
        if (span_is(m->channels[i], "*") || span_eq(m->channels[i], c->name))
            return true;
    return false;
}

/* ---- messages become deliveries ---- */

struct sending {
    struct alerts *alerts;
    const struct channel *channels;
    size_t n_channels;
    int64_t now_ms;
};

static enum status enqueue(void *arg, const struct message *m)
{
    struct sending *s = arg;
    auto_arena arena = {0};
    struct delivery_row *rows = ARENA_ARRAY(&arena, struct delivery_row, s->n_channels);
    struct sent_row sent = {.group_key = m->group_key, .json = m->told, .at_ms = s->now_ms};
    size_t n = 0;
    struct err err = {0};
    for (size_t i = 0; i < s->n_channels; i++)
        if (takes(&s->channels[i], m))
            rows[n++] = (struct delivery_row){.channel_id = s->channels[i].id,
                                              .created_ms = s->now_ms,
                                              .group_key = m->group_key,
                                              .payload = m->json};
    enum status st = record_deliveries_add(s->alerts->config.record, rows, n, &sent, &err);
    if (st)
        log_error("a notification waits: %s", err.text);
    return st;
}

static void forget(void *arg, struct span group_key)
{
    struct sending *s = arg;
    (void)!record_sent_delete(s->alerts->config.record, group_key, NULL);
}

/* ---- everything, to Alertmanagers ---- */

/* Its message, without groups: one route, no waiting. */
static const char everything[] =
    "{\"group_by\":[\"none\"],\"group_wait\":\"0\",\"group_interval\":\"0\"}";

static enum status to_alertmanagers(void *arg, const struct message *m)
{
    struct sending *s = arg;
    auto_arena arena = {0};
    struct delivery_row *rows = ARENA_ARRAY(&arena, struct delivery_row, s->n_channels);
    size_t n = 0;
    for (size_t i = 0; i < s->n_channels; i++)
        if (s->channels[i].enabled && span_is(s->channels[i].kind, "alertmanager"))
            rows[n++] = (struct delivery_row){.channel_id = s->channels[i].id,
                                              .created_ms = s->now_ms,
                                              .group_key = SPAN("all"),
                                              .payload = m->json};
    return n ? record_deliveries_add(s->alerts->config.record, rows, n, NULL, NULL) : OK;
}

static void tell_alertmanagers(struct alerts *a, const struct routed_alert *alerts, size_t n,
                               struct sending *s)
{
    struct routing *all = NULL;
    bool any = false;
    for (size_t i = 0; i < s->n_channels; i++)
        any |= s->channels[i].enabled && span_is(s->channels[i].kind, "alertmanager");
    if (!any || routing_read(span_of(everything), &all, NULL))
        return;
    auto_arena arena = {0};
    auto_buf told = {0};
    struct routed_alert *now = ARENA_ARRAY(&arena, struct routed_alert, n);
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (alerts[i].firing || s->now_ms - alerts[i].ends_ms < RESOLVED_TOLD_MS) {
            now[count] = alerts[i];
            now[count].silenced_by = 0;
            now[count++].inhibited = false;
            if (!alerts[i].firing) { /* what is over is told again */
                buf_span(&told, alerts[i].fingerprint);
                buf_char(&told, ' ');
            }
        }
    struct groups *once = groups_open();
    groups_told(once, SPAN("default:{none=\"\"}"), told.len ? buf_view(&told) : SPAN(""), 0);
    if (count)
        groups_tick(once, all, now, count, span_of(a->config.external_url), s->now_ms,
                    to_alertmanagers, NULL, s);
    groups_close(once);
    routing_close(all);
    a->alertmanager_ms = s->now_ms + ALERTMANAGER_EVERY_MS;
}

/* ---- the daily summary ---- */

static void summary_message(struct alerts *a, const struct routed_alert *alerts, size_t n,
                            int64_t now_ms, struct buf *out)
{
    auto_arena arena = {0};
    struct alert_event *events;
    size_t n_events = 0, fired = 0, firing = 0;
    struct alert_filter f = {.from_ms = now_ms - 86400000, .limit = ALERTS_LIMIT_MAX};
    auto_buf text = {0};
    char at[TIME_TEXT_MAX];
    if (record_alert_history(a->config.record, 0, &f, &arena, &events, &n_events, NULL))
        n_events = 0;
    for (size_t i = 0; i < n_events; i++)
        fired += span_is(events[i].what, "firing");
    for (size_t i = 0; i < n; i++)
        firing += alerts[i].firing;
    buf_printf(&text, "Daily summary: %zu alerts fired in the last 24 hours, %zu fire now", fired,
               firing);
    struct json j = json_to(out);
    json_begin_object(&j);
    json_field(&j, "version", "4");
    json_field(&j, "groupKey", "summary");
    json_field_i64(&j, "truncatedAlerts", 0);
    json_field(&j, "status", "firing");
    json_field(&j, "receiver", "summary");
    json_key(&j, "groupLabels");
    json_raw(&j, SPAN("{}"));
    json_key(&j, "commonLabels");
    json_raw(&j, SPAN("{\"alertname\":\"DailySummary\"}"));
    json_key(&j, "commonAnnotations");
    json_raw(&j, SPAN("{}"));
    json_field(&j, "externalURL", a->config.external_url);
    json_key(&j, "alerts");
    json_begin_array(&j);
    json_begin_object(&j);
    json_field(&j, "status", "firing");
    json_key(&j, "labels");
    json_raw(&j, SPAN("{\"alertname\":\"DailySummary\",\"severity\":\"info\"}"));
    json_key(&j, "annotations");
    json_begin_object(&j);
    json_field_span(&j, "summary", buf_view(&text));
    json_end_object(&j);
    json_field(&j, "startsAt", clock_rfc3339(now_ms, at));
    json_field(&j, "endsAt", "0001-01-01T00:00:00Z");
    json_field(&j, "generatorURL", a->config.external_url);
    json_field(&j, "fingerprint", "0000000000000000");
    json_end_object(&j);
    json_end_array(&j);
    json_end_object(&j);
}

static void summarise(struct alerts *a, const struct routed_alert *alerts, size_t n,
                      struct sending *s)
{
    auto_buf text = {0};
    if (!routing_summary_due(a->routing, s->now_ms, &a->summary_day))
        return;
    struct message m = {.group_key = SPAN("summary"), .told = SPAN("")};
    m.channels = routing_summary_channels(a->routing, &m.n_channels);
    summary_message(a, alerts, n, s->now_ms, &text);
    m.json = buf_view(&text);
    (void)!enqueue(s, &m);
}

/* ---- deliveries go out ---- */

struct delivery {
    struct alerts *alerts;
    int64_t id, channel_id, created_ms, attempts;
    char *kind, *config, *payload;
};

static void delivery_free(struct delivery *d)
{
    free(d->kind);
    free(d->config);
    free(d->payload);
    free(d);
}

static int64_t back_off_ms(int64_t attempts)
{
    int64_t ms = RETRY_FIRST_MS;
    for (int64_t i = 0; i < attempts && ms < RETRY_MOST_MS; i++)
        ms *= 2;
    return MIN(ms, (int64_t)RETRY_MOST_MS);
}

struct shown {
    struct api *api;
    char *json;
};

static void show(void *arg)
{
    struct shown *s = arg;
    api_notification(s->api, span_of(s->json));
    free(s->json);
    free(s);
}

/* The console's own channel: to every browser that is open. */
static enum status to_browsers(struct alerts *a, const char *payload)
{
    struct shown *s = mem_zero(1, sizeof *s);
    s->api = a->api;
    s->json = mem_dup(payload);
    if (a->api && loop_post(a->config.loop, show, s))
        return OK;
    free(s->json);
    free(s);
    return OK;
}

static void delivery_over(struct alerts *a, const struct delivery *d, enum status st,
                          const struct err *err)
{
    int64_t now_ms = clock_wall_ms();
    bool later = st == AGAIN || st == TIMED_OUT || st == UNREACHABLE;
    bool given_up = later && now_ms - d->created_ms >= GIVE_UP_MS;
    struct span state = !st ? SPAN("sent") : later && !given_up ? SPAN("waiting") : SPAN("failed");
    struct err why = {0};
    if (st)
        log_warn("notification %lld to channel %lld %s: %s", (long long)d->id,
                 (long long)d->channel_id, later && !given_up ? "waits" : "failed", err->text);
    if (record_delivery_done(a->config.record, d->id, state, now_ms + back_off_ms(d->attempts),
                             st ? span_of(err->text) : SPAN(""), now_ms, &why))
        log_error("delivery %lld is sent once more after the next start: %s", (long long)d->id,
                  why.text);
}

/* The channel is free for its next one, and the sender looks for it at once. Nothing of a is
 * touched behind the lock: whoever closes it waits for this. */
static void delivery_end(struct delivery *d, bool look)
{
    struct alerts *a = d->alerts;
    pthread_mutex_lock(&a->lock);
    map_remove(&a->sending, span_from(&d->channel_id, sizeof d->channel_id));
    a->n_sending--;
    pthread_cond_broadcast(&a->sent);
    if (look) {
        a->sender.poked = true;
        pthread_cond_signal(&a->sender.wake);
    }
    pthread_mutex_unlock(&a->lock);
    delivery_free(d);
}

static void *deliver(void *arg)
{
    struct delivery *d = arg;
    struct alerts *a = d->alerts;
    struct err err = {0};
    enum status st = span_is(span_of(d->kind), "browser")
                         ? to_browsers(a, d->payload)
                         : notify_send(span_of(d->kind), span_of(d->config), span_of(d->payload),
                                       SPAN(""), &a->notify, &err);
    delivery_over(a, d, st, &err);
    pthread_mutex_lock(&a->lock);
    a->notifications++;
    a->failures += st != OK;
    pthread_mutex_unlock(&a->lock);
    delivery_end(d, true);
    return NULL;
}

static void start_delivery(struct alerts *a, const struct delivery_row *row,
                           const struct channel *c)
{
    struct delivery *d = mem_zero(1, sizeof *d);
    pthread_attr_t detached;
    pthread_t thread;
    struct err err = {0};
    *d = (struct delivery){.alerts = a,
                           .id = row->id,
                           .channel_id = row->channel_id,
                           .created_ms = row->created_ms,
                           .attempts = row->attempts,
                           .kind = mem_dup_span(c->kind),
                           .config = mem_dup_span(c->config),
                           .payload = mem_dup_span(row->payload)};
    pthread_mutex_lock(&a->lock);
    bool busy = map_get(&a->sending, span_from(&d->channel_id, sizeof d->channel_id)) != NULL;
    if (!busy) {
        map_put(&a->sending, span_from(&d->channel_id, sizeof d->channel_id), d);
        a->n_sending++;
    }
    pthread_mutex_unlock(&a->lock);
    if (busy) {
        delivery_free(d);
        return;
    }
    if (record_delivery_begin(a->config.record, d->id, &err)) {
        log_error("notification %lld waits: %s", (long long)d->id, err.text);
        delivery_end(d, false);
        return;
    }
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &detached, deliver, d))
        deliver(d); /* no thread is to be had: here, then */
    pthread_attr_destroy(&detached);
}

static void start_deliveries(struct alerts *a, const struct channel *channels, size_t n_channels,
                             int64_t now_ms)
{
    auto_arena arena = {0};
    struct delivery_row *rows;
    size_t n;
    if (record_deliveries_due(a->config.record, now_ms, &arena, &rows, &n, NULL))
        return;
    for (size_t i = 0; i < n; i++) {
        const struct channel *c = NULL;
        for (size_t k = 0; k < n_channels; k++)
            if (channels[k].id == rows[i].channel_id)
                c = &channels[k];
        if (c)
            start_delivery(a, &rows[i], c);
        else
            (void)!record_delivery_done(a->config.record, rows[i].id, SPAN("failed"), 0,
                                        SPAN("the channel was deleted"), now_ms, NULL);
    }
}

/* ---- the sender's look ---- */

static void read_routing(struct alerts *a)
{
    auto_arena arena = {0};
    struct document_row *rows;
    size_t n;
    struct routing *routing;
    struct err err = {0};
    struct span json = SPAN("");
    if (!record_documents(a->config.record, SPAN("routes"), &arena, &rows, &n, NULL) && n)
        json = rows[0].json;
    if (routing_read(json, &routing, &err)) {
        log_error("the routes are not as they were written; the default holds: %s", err.text);
        if (routing_read(SPAN(""), &routing, &err))
            return;
    }
    routing_close(a->routing);
    a->routing = routing;
    silences_close(a->silences);
    a->silences = silences_open();
    if (record_documents(a->config.record, SPAN("silence"), &arena, &rows, &n, NULL))
        return;
    for (size_t i = 0; i < n; i++)
        if (silences_add(a->silences, rows[i].id, rows[i].json, &err))
            log_error("silence %lld is left out: %s", (long long)rows[i].id, err.text);
}

void alerts_send_open(struct alerts *a)
{
    auto_arena arena = {0};
    struct sent_row *rows;
    size_t n;
    struct err err = {0};
    if (record_deliveries_recover(a->config.record, clock_wall_ms(), &n, &err))
        log_error("notifications that were cut off are not sent again: %s", err.text);
    else if (n)
        log_warn("%zu notifications were being sent when the server was killed", n);
    a->groups = groups_open();
    a->reload_routing = a->dirty = true;
    pthread_cond_init(&a->sent, NULL);
    if (record_sent(a->config.record, &arena, &rows, &n, NULL))
        return;
    for (size_t i = 0; i < n; i++)
        groups_told(a->groups, rows[i].group_key, rows[i].json, rows[i].at_ms);
}

void alerts_send_close(struct alerts *a)
{
    pthread_mutex_lock(&a->lock);
    while (a->n_sending)
        pthread_cond_wait(&a->sent, &a->lock);
    pthread_mutex_unlock(&a->lock);
    groups_close(a->groups);
    routing_close(a->routing);
    silences_close(a->silences);
    map_free(&a->sending);
    pthread_cond_destroy(&a->sent);
}

static void route(struct alerts *a, struct sending *s)
{
    auto_arena arena = {0};
    struct routed_alert *alerts;
    size_t n;
    struct err err = {0};
    if (load_alerts(a, s->now_ms, &arena, &alerts, &n, &err)) {
        log_error("nobody is notified: %s", err.text);
        return;
    }
    routing_judge(a->routing, a->silences, alerts, n, s->now_ms);
    groups_tick(a->groups, a->routing, alerts, n, span_of(a->config.external_url), s->now_ms,
                enqueue, forget, s);
    if (s->now_ms >= a->alertmanager_ms)
        tell_alertmanagers(a, alerts, n, s);
    summarise(a, alerts, n, s);
}

int64_t alerts_send(struct alerts *a, int64_t now_ms)
{
    auto_arena arena = {0};
    struct sending s = {.alerts = a, .now_ms = now_ms};
    struct channel *channels = NULL;
    pthread_mutex_lock(&a->lock);
    bool again = a->reload_routing, dirty = a->dirty || again;
    a->reload_routing = a->dirty = false;
    pthread_mutex_unlock(&a->lock);
    if (again)
        read_routing(a);
    s.n_channels = load_channels(a, &arena, &channels);
    s.channels = channels;
    if (dirty)
        a->alertmanager_ms = 0;
    /* Waiting times end and windows open without any change: looked at every few seconds. */
    if (dirty || now_ms >= a->next_ms) {
        a->next_ms = now_ms + LOOK_MS;
        route(a, &s);
    }
    start_deliveries(a, channels, s.n_channels, now_ms);
    return now_ms + LOOK_MS;
}

enum status alerts_test(struct alerts *a, int64_t channel_id, struct err *err)
{
    auto_arena arena = {0};
    auto_buf note = {0};
    struct document_row row;
    struct channel c;
    enum status st =
        record_document(a->config.record, SPAN("channel"), channel_id, SPAN(""), &arena, &row, err);
    if (st)
        return st;
    read_channel(&row, &arena, &c);
    notify_test_notification(c.name, span_of(a->config.external_url), clock_wall_ms(), &note);
    if (span_is(c.kind, "browser"))
        return to_browsers(a, buf_text(&note));
    return notify_send(c.kind, c.config, buf_view(&note), SPAN(""), &a->notify, err);
}
