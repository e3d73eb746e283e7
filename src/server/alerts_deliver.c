/* Deliveries go out: for each channel a thread of its own, for as long as something is due. That an
 * attempt begins is on disk before anything is sent. */
#include "server/alerts_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/thread.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    RETRY_FIRST_MS = 10 * 1000,
    RETRY_MOST_MS = 3600 * 1000,
    GIVE_UP_MS = 3 * 24 * 3600 * 1000,
    RECORD_RETRY_MS = 1000,
};

/* What one thread does: the deliveries of one channel, in order. */
struct delivery {
    struct alerts *alerts;
    int64_t channel_id;
    char *kind, *config;
    int64_t ids[DELIVERIES_DUE_MAX];
    size_t n;
    char **bodies; /* of an Alertmanager: what it is told, whatever the row says */
    size_t n_bodies;
};

static void delivery_free(struct delivery *d)
{
    for (size_t i = 0; i < d->n_bodies; i++)
        free(d->bodies[i]);
    free(d->bodies);
    free(d->kind);
    free(d->config);
    free(d);
}

static int64_t back_off_ms(int64_t attempts)
{
    int64_t ms = RETRY_FIRST_MS;
    for (int64_t i = 1; i < attempts && ms < RETRY_MOST_MS; i++)
        ms *= 2;
    return MIN(ms, (int64_t)RETRY_MOST_MS);
}

/* ---- browsers ---- */

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

void alerts_to_browsers(struct alerts *a, const char *json)
{
    struct shown *s = mem_zero(1, sizeof *s);
    s->api = a->api;
    s->json = mem_dup(json);
    if (a->api && loop_post(a->config.loop, show, s))
        return;
    free(s->json);
    free(s);
}

/* ---- one attempt ---- */

static bool is_kind(const struct delivery *d, const char *kind)
{
    return span_is(span_of(d->kind), kind);
}

static enum status tell_alertmanager(const struct delivery *d, struct err *err)
{
    enum status st = OK;
    for (size_t i = 0; !st && i < d->n_bodies; i++)
        st = notify_send(&(struct notification){.kind = span_of(d->kind),
                                                .config = span_of(d->config),
                                                .json = span_of(d->bodies[i])},
                         &d->alerts->notify, err);
    return st == TIMED_OUT ? AGAIN : st; /* the same told twice is the same */
}

static enum status attempt(const struct delivery *d, const struct delivery_row *row,
                           struct err *err)
{
    struct alerts *a = d->alerts;
    auto_buf png = {0};
    if (is_kind(d, "alertmanager"))
        return tell_alertmanager(d, err);
    if (is_kind(d, "browser")) {
        auto_free char *json = mem_dup_span(row->payload);
        alerts_to_browsers(a, json);
        return OK;
    }
    auto_mail_words words = {0};
    struct notification n = {.kind = span_of(d->kind),
                             .config = span_of(d->config),
                             .json = row->payload,
                             .recipient = row->recipient,
                             .id = row->id};
    if (is_kind(d, "email")) {
        alerts_chart(a, row->payload, alerts_now_ms(a), &png);
        n.png = buf_view(&png);
        alerts_mail(a, &n, &words);
    }
    return notify_send(&n, &a->notify, err);
}

static void count(struct alerts *a, enum status st)
{
    pthread_mutex_lock(&a->lock);
    a->notifications++;
    a->failures += st != OK;
    pthread_mutex_unlock(&a->lock);
}

/* What became of it. True: the channel can be asked for more at once. */
static bool attempt_over(const struct delivery *d, const struct delivery_row *row, enum status st,
                         const struct err *err)
{
    struct alerts *a = d->alerts;
    int64_t now_ms = clock_wall_ms(), wait_ms = back_off_ms(row->attempts);
    bool later = st == AGAIN || st == TIMED_OUT || st == UNREACHABLE;
    struct err why = {0};
    enum status kept;
    if (is_kind(d, "alertmanager"))
        wait_ms = MIN(wait_ms, (int64_t)ALERTMANAGER_EVERY_MS);
    if (later && now_ms - row->created_ms >= GIVE_UP_MS)
        later = false;
    if (st)
        log_warn("notification %lld to channel %lld %s: %s", (long long)row->id,
                 (long long)row->channel_id,
                 !later            ? "failed"
                 : st == TIMED_OUT ? "may have arrived"
                                   : "waits",
                 err->text);
    if (st == TIMED_OUT && later)
        kept = record_delivery_unanswered(a->config.record, row->id, now_ms + wait_ms,
                                          span_of(err->text), now_ms, &why);
    else
        kept = record_delivery_done(a->config.record, row->id,
                                    !st     ? SPAN("sent")
                                    : later ? SPAN("waiting")
                                            : SPAN("failed"),
                                    now_ms + wait_ms, st ? span_of(err->text) : SPAN(""), now_ms,
                                    &why);
    if (kept)
        log_error("delivery %lld is sent once more after the next start: %s", (long long)row->id,
                  why.text);
    return !kept && st != TIMED_OUT && st != UNREACHABLE;
}

/* ---- the thread ---- */

/* The channel is free for its next one, and the sender looks for it at once. Nothing of a is
 * touched behind the lock: whoever closes it waits for this. */
static void delivery_end(struct delivery *d)
{
    struct alerts *a = d->alerts;
    pthread_mutex_lock(&a->lock);
    map_remove(&a->sending, span_from(&d->channel_id, sizeof d->channel_id));
    a->n_sending--;
    a->freed = true;
    pthread_cond_broadcast(&a->sent);
    a->sender.poked = true;
    pthread_cond_signal(&a->sender.wake);
    pthread_mutex_unlock(&a->lock);
    delivery_free(d);
}

static bool deliver_one(const struct delivery *d, int64_t id)
{
    auto_arena arena = {0};
    struct delivery_row row = {0};
    struct err err = {0};
    enum status st = record_delivery_begin(d->alerts->config.record, id, &arena, &row, &err);
    if (st == NOT_FOUND)
        return true; /* its channel is gone, and it with it */
    if (st) {
        log_error("notification %lld waits: %s", (long long)id, err.text);
        usleep(RECORD_RETRY_MS * 1000); /* the channel is busy until then */
        return false;
    }
    st = attempt(d, &row, &err);
    count(d->alerts, st);
    return attempt_over(d, &row, st, &err);
}

/* What was told already is told again; when that fails, there is a line for it. */
static void deliver_again(const struct delivery *d)
{
    struct err err = {0};
    enum status st = tell_alertmanager(d, &err);
    int64_t now_ms = clock_wall_ms();
    count(d->alerts, st);
    if (!st)
        return;
    log_warn("channel %lld: %s", (long long)d->channel_id, err.text);
    struct delivery_row row = {.channel_id = d->channel_id,
                               .created_ms = now_ms,
                               .next_ms = now_ms + RETRY_FIRST_MS,
                               .group_key = SPAN("all"),
                               .payload = SPAN("{}"),
                               .once = true};
    (void)!record_deliveries_add(d->alerts->config.record, &row, 1, NULL, 0, NULL);
}

static bool is_stopping(struct alerts *a)
{
    pthread_mutex_lock(&a->lock);
    bool stopping = a->stopping;
    pthread_mutex_unlock(&a->lock);
    return stopping;
}

static void *deliver(void *arg)
{
    struct delivery *d = arg;
    thread_name("deliver");
    if (!d->n)
        deliver_again(d);
    for (size_t i = 0; i < d->n && !is_stopping(d->alerts); i++)
        if (!deliver_one(d, d->ids[i]))
            break;
    delivery_end(d);
    return NULL;
}

/* NULL when the channel is busy: it will be looked at again when it is not. */
static struct delivery *delivery_new(struct alerts *a, const struct channel *c, int64_t now_ms)
{
    struct delivery *d = mem_zero(1, sizeof *d);
    d->alerts = a;
    d->channel_id = c->id;
    pthread_mutex_lock(&a->lock);
    bool busy = map_get(&a->sending, span_from(&d->channel_id, sizeof d->channel_id)) != NULL;
    if (!busy) {
        map_put(&a->sending, span_from(&d->channel_id, sizeof d->channel_id), d);
        a->n_sending++;
    }
    pthread_mutex_unlock(&a->lock);
    if (busy) {
        free(d);
        return NULL;
    }
    d->kind = mem_dup_span(c->kind);
    d->config = mem_dup_span(c->config);
    if (is_kind(d, "alertmanager"))
        d->n_bodies = alerts_everything(a, now_ms, &d->bodies);
    return d;
}

static void delivery_start(struct delivery *d)
{
    if (!thread_detached(0, deliver, d))
        deliver(d); /* no thread is to be had: here, then */
}

void alerts_tell_again(struct alerts *a, const struct channel *c, int64_t now_ms)
{
    struct delivery *d = delivery_new(a, c, now_ms);
    if (d)
        delivery_start(d);
}

/* ---- what is due ---- */

static const struct channel *channel_of(const struct alerts *a, int64_t id)
{
    for (size_t i = 0; i < a->known.n_channels; i++)
        if (a->known.channels[i].id == id)
            return &a->known.channels[i];
    return NULL;
}

static void start_channel(struct alerts *a, const struct channel *c,
                          const struct delivery_row *rows, size_t n, int64_t now_ms)
{
    struct delivery *d = delivery_new(a, c, now_ms);
    if (!d)
        return;
    for (size_t i = 0; i < n && d->n < DELIVERIES_DUE_MAX; i++)
        if (rows[i].channel_id == c->id)
            d->ids[d->n++] = rows[i].id;
    delivery_start(d);
}

int64_t alerts_deliver(struct alerts *a, int64_t now_ms)
{
    auto_arena arena = {0};
    CLEANUP(map_free) struct map started = {0};
    struct delivery_row *rows;
    size_t n;
    int64_t next_ms;
    if (record_deliveries_due(a->config.record, now_ms, &arena, &rows, &n, &next_ms, NULL))
        return now_ms + RECORD_RETRY_MS;
    for (size_t i = 0; i < n; i++) {
        const struct channel *c = channel_of(a, rows[i].channel_id);
        if (!c)
            (void)!record_delivery_done(a->config.record, rows[i].id, SPAN("failed"), 0,
                                        SPAN("the channel was deleted"), now_ms, NULL);
        else if (!map_put(&started, span_from(&c->id, sizeof c->id), a))
            start_channel(a, c, rows, n, now_ms);
    }
    return next_ms ? next_ms : INT64_MAX;
}
