/* From the record's alerts to deliveries. A delivery is a row: it waits until the channel has taken
 * it, over restarts, for three days at most. Alerts and channels are read when they have changed;
 * in between nothing is done before something is due. */
#include "server/alerts_state.h"

#include "alert/labels_json.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

enum {
    RETRY_MS = 1000,     /* when the record does not answer */
    LOOK_MS = 60 * 1000, /* at least so often while there are alerts: clocks are set */
    DELIVER_MS = 3600 * 1000,
};

/* ---- alerts as the routes see them ---- */

static void add_rows(const struct alert_row *rows, size_t n, struct arena *arena,
                     struct routed_alert *out, size_t *count)
{
    for (size_t i = 0; i < n; i++) {
        const struct alert_row *r = &rows[i];
        if (!r->fired_ms)
            continue;
        out[(*count)++] =
            (struct routed_alert){.id = r->id,
                                  .fingerprint = arena_span(arena, r->fingerprint),
                                  .labels = labels_of_json(r->labels, arena),
                                  .annotations = labels_of_json(r->annotations, arena),
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
    auto_arena rows = {0};
    struct alert_row *active, *over;
    size_t n_active, n_over;
    struct alert_filter f = {.state = SPAN("firing"), .limit = 1 << 20};
    enum status st = record_alerts(a->config.record, &f, &rows, &active, &n_active, err);
    f.state = SPAN("resolved");
    f.from_ms = now_ms - RULE_RESOLVED_KEPT_MS;
    if (!st)
        st = record_alerts(a->config.record, &f, &rows, &over, &n_over, err);
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

static bool known_load(struct alerts *a, int64_t now_ms)
{
    struct sender_view *v = &a->known;
    struct err err = {0};
    arena_free(&v->alerts_arena);
    v->n = 0;
    if (!load_alerts(a, now_ms, &v->alerts_arena, &v->alerts, &v->n, &err))
        return true;
    log_error("nobody is notified: %s", err.text);
    return false;
}

/* Leaves out what has been over for long; the time at which the next one has. */
static int64_t known_trim(struct sender_view *v, int64_t now_ms)
{
    size_t kept = 0;
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < v->n; i++) {
        int64_t until_ms = v->alerts[i].ends_ms + RULE_RESOLVED_KEPT_MS;
        if (!v->alerts[i].firing && until_ms <= now_ms)
            continue;
        if (!v->alerts[i].firing)
            next_ms = MIN(next_ms, until_ms);
        v->alerts[kept++] = v->alerts[i];
    }
    v->n = kept;
    return next_ms;
}

/* ---- messages become deliveries ---- */

static bool takes(const struct channel *c, const struct message *m)
{
    if (!c->enabled || span_is(c->kind, "alertmanager"))
        return false; /* an Alertmanager gets everything, and groups by itself */
    for (size_t i = 0; i < m->n_channels; i++)
        if (span_is(m->channels[i], "*") || span_eq(m->channels[i], c->name))
            return true;
    return false;
}

/* Messages of one look, on their way to the record together: ten thousand groups are not as many
 * transactions. */
struct sending {
    struct alerts *alerts;
    int64_t now_ms;
    struct arena arena;
    struct delivery_row *rows;
    struct sent_row *sent;
    size_t n, n_sent, bytes;
    bool failed; /* some are not recorded: what groups were told is read again */
};

enum { TOGETHER_MESSAGES = 500, TOGETHER_BYTES = 8 << 20 };

static enum status flush(struct sending *s)
{
    struct err err = {0};
    if (!s->n_sent)
        return OK;
    enum status st =
        record_deliveries_add(s->alerts->config.record, s->rows, s->n, s->sent, s->n_sent, &err);
    if (st) {
        log_error("notifications wait: %s", err.text);
        s->failed = true;
    } else if (s->n) {
        s->alerts->deliver_ms = 0;
    }
    arena_reset(&s->arena);
    s->rows = NULL;
    s->sent = NULL;
    s->n = s->n_sent = s->bytes = 0;
    return st;
}

static void add_row(struct sending *s, const struct channel *c, struct span group_key,
                    struct span payload, struct span recipient)
{
    s->rows = arena_grow(&s->arena, s->rows, s->n * sizeof *s->rows, (s->n + 1) * sizeof *s->rows);
    s->rows[s->n++] = (struct delivery_row){.channel_id = c->id,
                                            .created_ms = s->now_ms,
                                            .group_key = group_key,
                                            .recipient = recipient,
                                            .payload = payload};
}

/* A row for each who is told: whom it reached is not told again when another was not. */
static enum status enqueue(void *arg, const struct message *m)
{
    struct sending *s = arg;
    const struct sender_view *v = &s->alerts->known;
    struct span key = arena_span(&s->arena, m->group_key);
    struct span payload = arena_span(&s->arena, m->json);
    for (size_t i = 0; i < v->n_channels; i++) {
        const struct channel *c = &v->channels[i];
        struct span *to;
        if (!takes(c, m))
            continue;
        size_t n = notify_recipients(c->kind, c->config, &s->arena, &to);
        for (size_t k = 0; k < MAX(n, (size_t)1); k++)
            add_row(s, c, key, payload, k < n ? to[k] : SPAN(""));
    }
    s->sent = arena_grow(&s->arena, s->sent, s->n_sent * sizeof *s->sent,
                         (s->n_sent + 1) * sizeof *s->sent);
    s->sent[s->n_sent++] =
        (struct sent_row){.group_key = key,
                          .json = m->told.len ? arena_span(&s->arena, m->told) : SPAN(""),
                          .at_ms = s->now_ms};
    s->bytes += m->json.len;
    return s->n_sent < TOGETHER_MESSAGES && s->bytes < TOGETHER_BYTES ? OK : flush(s);
}

static void forget(void *arg, struct span group_key)
{
    struct sending *s = arg;
    (void)!record_sent_delete(s->alerts->config.record, group_key, NULL);
}

/* ---- everything, to Alertmanagers ---- */

/* Of the alerts that fire, in any order; 0: none. */
static uint64_t sum_of_firing(const struct sender_view *v)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < v->n; i++)
        if (v->alerts[i].firing)
            sum += span_hash(span_from(&v->alerts[i].id, sizeof v->alerts[i].id));
    return sum;
}

/* A row when something has changed; what has not is told again each minute without one. */
static void tell_alertmanagers(struct sending *s)
{
    struct alerts *a = s->alerts;
    uint64_t sum = sum_of_firing(&a->known);
    bool all = true;
    for (size_t i = 0; i < a->known.n_channels; i++) {
        const struct channel *c = &a->known.channels[i];
        if (!c->enabled || !span_is(c->kind, "alertmanager"))
            continue;
        struct delivery_row row = {.channel_id = c->id,
                                   .created_ms = s->now_ms,
                                   .group_key = SPAN("all"),
                                   .payload = SPAN("{}"),
                                   .once = true};
        if (sum == a->alertmanager_told)
            alerts_tell_again(a, c, s->now_ms);
        else if (record_deliveries_add(a->config.record, &row, 1, NULL, 0, NULL))
            all = false;
        else
            a->deliver_ms = 0;
    }
    if (all)
        a->alertmanager_told = sum;
    a->alertmanager_ms = s->now_ms + ALERTMANAGER_EVERY_MS;
}

/* ---- the daily summary ---- */

static void summarise(struct sending *s)
{
    struct alerts *a = s->alerts;
    auto_buf text = {0};
    if (!routing_summary_due(a->routing, s->now_ms, a->summary_ms))
        return;
    struct message m = {.group_key = SPAN("summary"), .told = SPAN("")};
    m.channels = routing_summary_channels(a->routing, &m.n_channels);
    alerts_summary(a, s->now_ms, &text);
    m.json = buf_view(&text);
    if (!enqueue(s, &m) && !flush(s))
        a->summary_ms = s->now_ms;
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

/* What groups were told, as it is recorded; without that nobody is told anything. */
static void recall_groups(struct alerts *a)
{
    auto_arena arena = {0};
    struct sent_row *rows;
    size_t n;
    groups_close(a->groups);
    a->groups = groups_open();
    a->recalled = !record_sent(a->config.record, &arena, &rows, &n, NULL);
    for (size_t i = 0; a->recalled && i < n; i++)
        if (span_is(rows[i].group_key, "summary"))
            a->summary_ms = rows[i].at_ms;
        else
            groups_told(a->groups, rows[i].group_key, rows[i].json, rows[i].at_ms);
}

void alerts_send_open(struct alerts *a)
{
    size_t n;
    struct err err = {0};
    if (record_deliveries_recover(a->config.record, clock_wall_ms(), &n, &err))
        log_error("notifications that were cut off are not sent again: %s", err.text);
    else if (n)
        log_warn("%zu notifications were being sent when the server was killed", n);
    a->reload_routing = a->dirty = true;
    pthread_cond_init(&a->sent, NULL);
    recall_groups(a);
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
    arena_free(&a->known.alerts_arena);
    arena_free(&a->known.channels_arena);
    map_free(&a->sending);
    pthread_cond_destroy(&a->sent);
}

/* The time at which there may be something to do without a change. */
static int64_t route(struct alerts *a, int64_t now_ms)
{
    struct sender_view *v = &a->known;
    struct sending s = {.alerts = a, .now_ms = now_ms};
    int64_t next_ms = known_trim(v, now_ms), soon_ms;
    if (!a->recalled)
        recall_groups(a);
    if (!a->recalled)
        return now_ms + RETRY_MS;
    routing_judge(a->routing, a->silences, v->alerts, v->n, now_ms);
    soon_ms = groups_tick(a->groups, a->routing, v->alerts, v->n, span_of(a->config.external_url),
                          now_ms, enqueue, forget, &s);
    (void)!flush(&s);
    if (soon_ms)
        next_ms = MIN(next_ms, soon_ms);
    if (now_ms >= a->alertmanager_ms || a->alertmanager_ms > now_ms + ALERTMANAGER_EVERY_MS)
        tell_alertmanagers(&s);
    summarise(&s);
    arena_free(&s.arena);
    if (s.failed) {
        a->recalled = false;
        return now_ms + RETRY_MS;
    }
    if ((soon_ms = routing_next_ms(a->routing, a->silences, now_ms)))
        next_ms = MIN(next_ms, soon_ms);
    return v->n ? MIN(next_ms, MIN(now_ms + LOOK_MS, a->alertmanager_ms)) : next_ms;
}

int64_t alerts_send(struct alerts *a, int64_t now_ms)
{
    pthread_mutex_lock(&a->lock);
    bool again = a->reload_routing, changed = a->dirty || again, freed = a->freed;
    a->reload_routing = a->dirty = a->freed = false;
    pthread_mutex_unlock(&a->lock);
    if (again) {
        read_routing(a);
        alerts_channels_load(a);
    }
    if (changed && !known_load(a, now_ms)) {
        pthread_mutex_lock(&a->lock);
        a->dirty = true;
        pthread_mutex_unlock(&a->lock);
        a->route_ms = now_ms + RETRY_MS;
    } else if (changed || now_ms >= a->route_ms) {
        if (changed)
            a->alertmanager_ms = 0;
        a->route_ms = route(a, now_ms);
    }
    if (freed || again || now_ms >= a->deliver_ms || a->deliver_ms > now_ms + DELIVER_MS)
        a->deliver_ms = alerts_deliver(a, now_ms);
    return MIN(a->route_ms, a->deliver_ms);
}
