/* The threads of alerts, and what the API asks of them. */
#include "server/alerts_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"

#include <stdlib.h>
#include <time.h>

enum { SELF_MOST_MS = 15000, TRIM_EVERY_MS = 3600 * 1000 };

/* ---- threads ---- */

void alerts_poke(struct alerts *a, struct alerts_thread *t)
{
    pthread_mutex_lock(&a->lock);
    t->poked = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&a->lock);
}

/* False when it is time to stop. */
static bool sleep_until(struct alerts *a, struct alerts_thread *t, int64_t wall_ms)
{
    struct timespec until;
    int64_t now_ms = alerts_now_ms(a);
    int64_t ms = wall_ms > now_ms + 60000 ? 60000 : MAX(wall_ms - now_ms, (int64_t)1);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&a->lock);
    while (!a->stopping && !t->poked && pthread_cond_timedwait(&t->wake, &a->lock, &until) == 0)
        ;
    t->poked = false;
    bool go_on = !a->stopping;
    pthread_mutex_unlock(&a->lock);
    return go_on;
}

typedef enum status (*trim_fn)(struct record *r, int64_t before_ms, size_t *deleted,
                               struct err *err);

static void trim(struct alerts *a, int64_t now_ms)
{
    static const trim_fn all[] = {record_alerts_trim, record_deliveries_trim};
    for (size_t i = 0; i < COUNT(all); i++) {
        size_t deleted = 1;
        while (deleted && !all[i](a->config.record, now_ms - a->config.history_ms, &deleted, NULL))
            ;
    }
}

static void write_self(struct alerts *a, int64_t now_ms)
{
    auto_buf message = {0};
    struct append_result result;
    struct err err = {0};
    alerts_self(a, now_ms, &message);
    alerts_silence(a, now_ms, &message);
    if (store_append_wait(a->writer, buf_view(&message), &result, &err))
        log_warn("the server's own series are not stored: %s", err.text);
}

static void *evaluator(void *arg)
{
    struct alerts *a = arg;
    int64_t next_ms = alerts_now_ms(a),
            every_ms = MIN(a->config.interval_ms, (int64_t)SELF_MOST_MS);
    thread_name("alerts");
    alerts_silence_open(a, next_ms);
    while (sleep_until(a, &a->evaluator, MIN(next_ms, a->self_ms))) {
        int64_t now_ms = alerts_now_ms(a);
        if (now_ms >= a->self_ms || a->self_ms > now_ms + every_ms) {
            a->self_ms = now_ms + every_ms;
            write_self(a, now_ms);
        }
        next_ms = alerts_evaluate(a, now_ms);
    }
    return NULL;
}

static void *sender(void *arg)
{
    struct alerts *a = arg;
    int64_t next_ms = alerts_now_ms(a);
    thread_name("notify");
    while (sleep_until(a, &a->sender, next_ms)) {
        int64_t now_ms = alerts_now_ms(a);
        next_ms = alerts_send(a, now_ms);
        if (now_ms - a->trimmed_ms >= TRIM_EVERY_MS) {
            a->trimmed_ms = now_ms;
            trim(a, now_ms);
        }
    }
    return NULL;
}

static void *dead_man(void *arg)
{
    struct alerts *a = arg;
    int64_t next_ms = alerts_now_ms(a);
    thread_name("dead-man");
    while (sleep_until(a, &a->dead_man, next_ms)) {
        int64_t now_ms = alerts_now_ms(a);
        if (now_ms >= next_ms || next_ms - now_ms > a->config.dead_man_ms)
            next_ms = alerts_dead_man(a, now_ms);
    }
    return NULL;
}

static void thread_init(struct alerts_thread *t)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&t->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void thread_start(struct alerts *a, struct alerts_thread *t, void *(*run)(void *))
{
    t->running = pthread_create(&t->thread, NULL, run, a) == 0;
    if (!t->running)
        log_error("no thread for alerts: nobody is notified");
}

/* ---- opening and closing ---- */

enum status alerts_open(const struct alerts_config *config, struct alerts **out, struct err *err)
{
    struct alerts *a = mem_zero(1, sizeof *a);
    *out = NULL;
    a->config = *config;
    a->notify = (struct notify_settings){.allow_private = config->allow_private,
                                         .scripts_dir = config->scripts_dir,
                                         .user_agent = "galen-server/" GALEN_VERSION};
    pthread_mutex_init(&a->lock, NULL);
    pthread_mutex_init(&a->rules_lock, NULL);
    pthread_mutex_init(&a->mail_lock, NULL);
    thread_init(&a->evaluator);
    thread_init(&a->sender);
    thread_init(&a->dead_man);
    a->writer = store_writer_open(config->store);
    enum status st = notify_init(err);
    if (!st)
        st = alerts_load(a, &a->loaded, err);
    if (!st)
        alerts_mail_load(a);
    if (!st)
        st = alerts_channels_open(a, err);
    alerts_send_open(a);
    if (st) {
        alerts_close(a);
        return st;
    }
    alerts_recall(a);
    *out = a;
    return OK;
}

void alerts_set_api(struct alerts *a, struct api *api)
{
    a->api = api;
}

void alerts_set_certificate(struct alerts *a, int64_t expires_s)
{
    a->certificate_expires_s = expires_s;
}

void alerts_reload_soon(struct alerts *a)
{
    pthread_mutex_lock(&a->lock);
    a->reload_rules = true;
    pthread_mutex_unlock(&a->lock);
    alerts_poke(a, &a->evaluator);
}

void alerts_start(struct alerts *a)
{
    thread_start(a, &a->evaluator, evaluator);
    thread_start(a, &a->sender, sender);
    if (a->config.dead_man_url)
        thread_start(a, &a->dead_man, dead_man);
}

void alerts_stop(struct alerts *a)
{
    struct alerts_thread *all[] = {&a->evaluator, &a->sender, &a->dead_man};
    pthread_mutex_lock(&a->lock);
    a->stopping = true;
    a->ending = true;
    pthread_cond_signal(&a->evaluator.wake);
    pthread_cond_signal(&a->sender.wake);
    pthread_cond_signal(&a->dead_man.wake);
    pthread_mutex_unlock(&a->lock);
    for (size_t i = 0; i < COUNT(all); i++) {
        if (all[i]->running)
            pthread_join(all[i]->thread, NULL);
        all[i]->running = false;
    }
}

void alerts_close(struct alerts *a)
{
    if (!a)
        return;
    alerts_send_close(a);
    if (a->loaded.alerter)
        alerts_unload(&a->loaded);
    store_writer_close(a->writer);
    alerts_silence_close(a);
    buf_free(&a->message);
    arena_free(&a->puts_arena);
    free(a->puts);
    pthread_cond_destroy(&a->evaluator.wake);
    pthread_cond_destroy(&a->sender.wake);
    pthread_cond_destroy(&a->dead_man.wake);
    pthread_mutex_destroy(&a->lock);
    pthread_mutex_destroy(&a->rules_lock);
    pthread_mutex_destroy(&a->mail_lock);
    mail_templates_close(a->mail);
    notify_end();
    explicit_bzero(a->key, sizeof a->key);
    free(a);
}

/* ---- for the API ---- */

static void rules_json(void *arg, const struct rules_filter *f, struct buf *out)
{
    struct alerts *a = arg;
    pthread_mutex_lock(&a->rules_lock);
    alerter_rules_json(a->loaded.alerter, f, out);
    pthread_mutex_unlock(&a->rules_lock);
}

static void alerts_json(void *arg, struct buf *out)
{
    struct alerts *a = arg;
    pthread_mutex_lock(&a->rules_lock);
    alerter_alerts_json(a->loaded.alerter, out);
    pthread_mutex_unlock(&a->rules_lock);
}

static void each_rule(void *arg, void (*fn)(void *fn_arg, const struct rule_group *g), void *fn_arg)
{
    struct alerts *a = arg;
    pthread_mutex_lock(&a->rules_lock);
    for (size_t i = 0; i < a->loaded.rules.n; i++)
        fn(fn_arg, &a->loaded.rules.groups[i]);
    pthread_mutex_unlock(&a->rules_lock);
}

static void documents_changed(void *arg, struct span kind)
{
    struct alerts *a = arg;
    bool overrides = span_is(kind, "override"), rules = span_is(kind, "rules");
    pthread_mutex_lock(&a->lock);
    a->reload_rules |= rules;
    a->reload_overrides |= overrides;
    a->reload_routing |= !rules && !overrides;
    pthread_mutex_unlock(&a->lock);
    alerts_poke(a, rules || overrides ? &a->evaluator : &a->sender);
}

static enum status test_channel(void *arg, int64_t channel_id, struct err *err)
{
    return alerts_test(arg, channel_id, err);
}

static void stats(void *arg, struct api_alert_stats *out)
{
    struct alerts *a = arg;
    *out = (struct api_alert_stats){0};
    pthread_mutex_lock(&a->rules_lock);
    alerter_stats(a->loaded.alerter, &out->alerter);
    out->rules = a->loaded.rules.n_rules;
    pthread_mutex_unlock(&a->rules_lock);
    (void)!record_deliveries_count(a->config.record, &out->waiting, &out->failed, NULL);
    pthread_mutex_lock(&a->lock);
    out->notifications = a->notifications;
    out->failures = a->failures;
    pthread_mutex_unlock(&a->lock);
}

struct api_alerts alerts_face(struct alerts *a)
{
    return (struct api_alerts){.arg = a,
                               .rules_json = rules_json,
                               .alerts_json = alerts_json,
                               .each_group = each_rule,
                               .changed = documents_changed,
                               .test = test_channel,
                               .stats = stats,
                               .notify = &a->notify};
}
