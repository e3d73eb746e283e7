#include "server/pipeline.h"

#include "server/usage.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/pool.h"
#include "promql/promql.h"
#include "record/events.h"
#include "record/findings.h"
#include "record/usage.h"
#include "series/remote_write.h"
#include "server/desk.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum {
    LOOK_EVERY_MS = 2000,      /* for new hosts and when hosts were last seen */
    FIRST_ANALYSIS_MS = 15000, /* a new host's, after it was first seen */
    TICK_WARNING_MS = 10000,
    TRIM_EVERY_MS = 3600 * 1000,
};

/* When each host last sent something that only a host sends. */
static const char HOSTS_SEEN[] =
    "max by (instance) (timestamp(node_load1) or timestamp(node_boot_time_seconds)"
    " or timestamp(node_time_seconds))";

struct pipeline {
    struct loop *loop;
    struct store *store;
    struct record *record;
    struct adviser *adviser;
    struct adviser_config advice;
    struct follow *follow;
    pthread_mutex_t advising; /* adviser and follow serve one thread at a time */
    struct api *api;
    struct store_writer *writer; /* of what the analysis finds */
    int64_t interval_ms, results_kept_ms;
    loop_fn also_reload;
    void *reload_arg;
    int64_t usage_ms;        /* when host_usage got its last rows */
    int64_t trimmed_mono_ms; /* when old results were deleted last */
    struct arena expr_arena;
    struct expr *hosts_seen;
    pthread_t thread;
    struct model_label model;
    pthread_mutex_t lock; /* guards stopping and model */
    pthread_cond_t wake;
    bool running, stopping, reload;
};

/* ---- samples come in ---- */

static void batch_done(void *arg)
{
    struct batch *b = arg;
    b->done(b, b->status, &b->result, &b->err);
}

/* On a thread of the store. */
static void durable(void *arg, enum status st, const struct append_result *result,
                    const struct err *err)
{
    struct batch *b = arg;
    struct pipeline *p = b->pipeline;
    b->status = st;
    if (result)
        b->result = *result;
    if (st && err)
        b->err = *err;
    loop_post(p->loop, batch_done, b);
}

void pipeline_take(void *pipeline, struct batch *b)
{
    struct pipeline *p = pipeline;
    struct err err = {0};
    b->pipeline = p;
    enum status st = store_append(b->writer, b->message, durable, b, &err);
    if (!st)
        return; /* from here on the batch is the store's thread's, until it is durable */
    b->status = st;
    b->err = err;
    batch_done(b); /* not taken: the sender keeps the batch and sends it again */
}

/* ---- which hosts there are ---- */

struct known_hosts {
    struct host_row *rows;
    size_t n;
    struct map by_name;
};

static void known_free(struct known_hosts *k)
{
    map_free(&k->by_name);
}

static enum status known_load(struct pipeline *p, struct arena *arena, struct known_hosts *k,
                              struct err *err)
{
    enum status st = record_hosts(p->record, arena, &k->rows, &k->n, err);
    for (size_t i = 0; !st && i < k->n; i++)
        map_put(&k->by_name, k->rows[i].name, &k->rows[i]);
    return st;
}

static enum status note_hosts(struct pipeline *p, struct source *view, int64_t now_ms,
                              struct arena *arena, struct err *err)
{
    struct query q = {.expr = p->hosts_seen, .start_ms = now_ms, .end_ms = now_ms};
    struct result r = {0};
    enum status st = promql_eval(&q, view, arena, &r, err);
    if (st)
        return st;
    struct host_seen *seen = ARENA_ARRAY(arena, struct host_seen, r.n);
    size_t n = 0;
    for (size_t i = 0; i < r.n; i++) {
        struct span name = labels_get(r.series[i].labels, SPAN("instance"));
        if (name.len)
            seen[n++] =
                (struct host_seen){.name = name, .at_ms = (int64_t)(r.series[i].at[0].v * 1000)};
    }
    return record_hosts_seen(p->record, seen, n, err);
}

/* ---- what was analysed goes out ---- */

/* For the loop's thread: one host's analysis as text. */
struct news {
    struct api *api;
    char *host_id;
    struct buf json;
};

static void publish(void *arg)
{
    struct news *news = arg;
    api_analysis_made(news->api, news->host_id, buf_view(&news->json));
    buf_free(&news->json);
    free(news->host_id);
    free(news);
}

static void publish_later(struct pipeline *p, struct span host_id, const struct analysis *a)
{
    struct news *news = mem_zero(1, sizeof *news);
    struct json j = json_to(&news->json);
    news->api = p->api;
    news->host_id = mem_dup_span(host_id);
    analysis_json(&j, a);
    if (!loop_post(p->loop, publish, news)) {
        buf_free(&news->json);
        free(news->host_id);
        free(news);
    }
}

static enum status append_series(struct pipeline *p, const struct advice *advice,
                                 struct arena *arena, struct err *err)
{
    auto_buf message = {0};
    for (size_t i = 0; i < advice->n; i++) {
        const struct analysis *a = &advice->hosts[i];
        struct analysis_sample *samples;
        size_t n = analysis_series(a, arena, &samples);
        for (size_t k = 0; k < n; k++) {
            struct sample sample = {.t_ms = a->at_ms, .v = samples[k].v};
            write_series(&message, samples[k].labels, &sample, 1);
        }
    }
    struct append_result result;
    return message.len ? store_append_wait(p->writer, buf_view(&message), &result, err) : OK;
}

static struct span as_json(struct arena *arena, const struct analysis *a,
                           void (*write)(struct json *, const struct analysis *))
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    write(&j, a);
    return arena_span(arena, buf_view(&text));
}

/* One row of results for each host; their numbers go into the analyses. */
static enum status keep_results(struct pipeline *p, struct advice *advice,
                                const struct known_hosts *known, struct arena *arena,
                                struct err *err)
{
    struct result_row *rows = ARENA_ARRAY(arena, struct result_row, advice->n);
    int64_t *ids = ARENA_ARRAY(arena, int64_t, advice->n);
    for (size_t i = 0; i < advice->n; i++) {
        const struct analysis *a = &advice->hosts[i];
        const struct host_row *host = map_get(&known->by_name, a->instance);
        rows[i] = (struct result_row){
            .created_ms = a->at_ms,
            .server_id = host ? host->id : a->instance,
            .predicted_class = a->class,
            .data = as_json(arena, a, analysis_data_json),
            .result = as_json(arena, a, analysis_json),
        };
    }
    enum status st = record_results_add(p->record, rows, advice->n, ids, err);
    for (size_t i = 0; !st && i < advice->n; i++) {
        advice->hosts[i].id = ids[i];
        publish_later(p, rows[i].server_id, &advice->hosts[i]);
    }
    return st;
}

/* Hosts whose analysis a person has stopped are left out. */
static void drop_stopped(struct advice *advice, const struct known_hosts *known)
{
    size_t n = 0;
    for (size_t i = 0; i < advice->n; i++) {
        const struct host_row *host = map_get(&known->by_name, advice->hosts[i].instance);
        if (!host || host->analysis)
            advice->hosts[n++] = advice->hosts[i];
    }
    advice->n = n;
}

static enum status advise(struct pipeline *p, struct source *view, int64_t now_ms,
                          struct arena *arena, struct advice *out, struct err *err)
{
    pthread_mutex_lock(&p->advising);
    enum status st = advise_tick(p->adviser, view, now_ms, arena, out, err);
    pthread_mutex_unlock(&p->advising);
    return st;
}

static enum status follow(struct pipeline *p, struct source *view, int64_t now_ms,
                          struct advice *advice, struct arena *arena, struct err *err)
{
    pthread_mutex_lock(&p->advising);
    enum status st = follow_tick(p->follow, view, now_ms, advice, arena, err);
    pthread_mutex_unlock(&p->advising);
    return st ? err_prefix(err, "what became of advice") : OK;
}

/* The tick, to be read aloud. */
static enum status analyse(struct pipeline *p, struct source *view, int64_t now_ms,
                           struct arena *arena, struct err *err)
{
    CLEANUP(known_free) struct known_hosts known = {0};
    struct advice advice = {0};
    enum status st = advise(p, view, now_ms, arena, &advice, err);
    if (!st)
        st = known_load(p, arena, &known, err);
    if (st)
        return st;
    drop_stopped(&advice, &known);
    st = follow(p, view, now_ms, &advice, arena, err);
    if (st)
        return st;
    st = append_series(p, &advice, arena, err);
    return st ? st : keep_results(p, &advice, &known, arena, err);
}

enum status pipeline_payload(void *pipeline, struct span payload, int64_t now_ms,
                             struct buf *answer, struct err *err)
{
    struct pipeline *p = pipeline;
    auto_arena arena = {0};
    struct analysis a = {0};
    pthread_mutex_lock(&p->advising);
    enum status st = advise_payload(p->adviser, payload, now_ms, &arena, &a, err);
    pthread_mutex_unlock(&p->advising);
    if (!st && a.instance.len)
        st = record_host_seen(p->record, SPAN(""), a.instance, now_ms, err);
    if (st)
        return st;
    struct result_row row = {.created_ms = now_ms,
                             .server_id = a.instance,
                             .predicted_class = a.class,
                             .data = payload,
                             .result = as_json(&arena, &a, analysis_json)};
    st = record_result_add(p->record, &row, &a.id, err);
    if (st)
        return st;
    if (a.instance.len)
        publish_later(p, a.instance, &a);
    struct json j = json_to(answer);
    analysis_json(&j, &a);
    return OK;
}

static struct desk desk_of(struct pipeline *p)
{
    return (struct desk){p->adviser, p->follow, p->store, &p->advice};
}

/* After the model may have changed; the caller holds what guards the adviser. */
static void note_model(struct pipeline *p)
{
    const struct model *m = adviser_model(p->adviser);
    struct model_label label = {0};
    if (m) {
        snprintf(label.checksum, sizeof label.checksum, "%s", model_checksum(m));
        snprintf(label.version, sizeof label.version, "%s", model_version(m));
    }
    pthread_mutex_lock(&p->lock);
    p->model = label;
    pthread_mutex_unlock(&p->lock);
}

void pipeline_model(void *pipeline, struct model_label *out)
{
    struct pipeline *p = pipeline;
    pthread_mutex_lock(&p->lock);
    *out = p->model;
    pthread_mutex_unlock(&p->lock);
}

enum status pipeline_ask(void *pipeline, const struct advice_question *q, struct buf *answer,
                         struct err *err)
{
    struct pipeline *p = pipeline;
    struct desk d = desk_of(p);
    if (q->what == ASK_RELOAD)
        loop_post(p->loop, p->also_reload, p->reload_arg);
    pthread_mutex_lock(&p->advising);
    enum status st = desk_answer(&d, q, answer, err);
    note_model(p);
    pthread_mutex_unlock(&p->advising);
    return st;
}

void pipeline_reload_soon(struct pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    p->reload = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

/* On the thread that ticks: reading takes a while, and a tick may be under way. */
static void reload_if_asked(struct pipeline *p)
{
    struct err err = {0};
    pthread_mutex_lock(&p->lock);
    bool asked = p->reload;
    p->reload = false;
    pthread_mutex_unlock(&p->lock);
    if (!asked)
        return;
    struct desk d = desk_of(p);
    pthread_mutex_lock(&p->advising);
    enum status st = desk_reload(&d, &err);
    size_t rules = adviser_rules(p->adviser);
    note_model(p);
    pthread_mutex_unlock(&p->advising);
    if (st)
        log_error("the old rules and the old model stay: %s", err.text);
    else
        log_info("%zu rules and the model were read again", rules);
}

/* ---- old results go ---- */

typedef enum status (*trim_fn)(struct record *r, int64_t before_ms, size_t *deleted,
                               struct err *err);

static void trim(struct pipeline *p, int64_t now_ms, const char *what, trim_fn fn)
{
    struct err err = {0};
    size_t deleted = 0;
    do {
        if (fn(p->record, now_ms - p->results_kept_ms, &deleted, &err)) {
            log_warn("old %s stay: %s", what, err.text);
            return;
        }
    } while (deleted);
}

/* Rows of host_usage have a time of their own. */
static void trim_usage(struct pipeline *p, int64_t now_ms)
{
    struct err err = {0};
    size_t deleted = 0;
    do {
        if (record_usage_trim(p->record, now_ms - USAGE_KEPT_MS, &deleted, &err)) {
            log_warn("old rows of host_usage stay: %s", err.text);
            return;
        }
    } while (deleted);
}

/* By the clock that is guarded: one that was set ahead must not empty the record. */
static void trim_all(struct pipeline *p)
{
    int64_t now_ms = store_age_clock_ms(p->store);
    trim(p, now_ms, "results", record_results_trim);
    trim(p, now_ms, "events", record_events_trim);
    trim(p, now_ms, "findings", record_findings_trim);
    trim(p, now_ms, "changes", record_changes_trim);
    trim_usage(p, now_ms);
}

/* ---- the thread that ticks ---- */

/* True while there is a host that has reported for long enough and was never analysed. */
static bool first_is_due(struct pipeline *p, int64_t now_ms, int64_t last_tick_ms,
                         struct arena *arena)
{
    struct host_row *rows;
    size_t n;
    if (record_hosts(p->record, arena, &rows, &n, NULL))
        return false;
    for (size_t i = 0; i < n; i++) {
        int64_t due_ms = rows[i].first_seen_ms + FIRST_ANALYSIS_MS;
        if (due_ms <= now_ms && due_ms > last_tick_ms)
            return true;
    }
    return false;
}

/* False when it is time to stop. */
static bool wait_a_moment(struct pipeline *p)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_EVERY_MS / 1000;
    pthread_mutex_lock(&p->lock);
    if (!p->stopping && !p->reload)
        pthread_cond_timedwait(&p->wake, &p->lock, &until);
    bool go_on = !p->stopping;
    pthread_mutex_unlock(&p->lock);
    return go_on;
}

static void look(struct pipeline *p, int64_t *last_tick_ms, int64_t *next_tick_mono_ms)
{
    auto_arena arena = {0};
    struct err err = {0};
    /* While the clock is doubted the earlier opinion: nothing of ours is stored in the future. */
    int64_t now_ms = store_age_clock_ms(p->store), start_ms = clock_mono_ms();
    struct source *view = store_read_begin(p->store);
    enum status st = note_hosts(p, view, now_ms, &arena, &err);
    bool due = start_ms >= *next_tick_mono_ms || first_is_due(p, now_ms, *last_tick_ms, &arena);
    if (!st && due) {
        st = analyse(p, view, now_ms, &arena, &err);
        *last_tick_ms = now_ms;
        *next_tick_mono_ms = start_ms + p->interval_ms;
    }
    if (now_ms - p->usage_ms >= USAGE_EVERY_MS || now_ms < p->usage_ms) {
        if (usage_note(p->record, view, now_ms, &arena))
            p->usage_ms = now_ms;
    }
    store_read_end(view);
    if (st)
        log_error("the analysis failed: %s", err.text);
    if (start_ms - p->trimmed_mono_ms >= TRIM_EVERY_MS) {
        p->trimmed_mono_ms = start_ms;
        trim_all(p);
    }
    int64_t took_ms = clock_mono_ms() - start_ms;
    if (took_ms > TICK_WARNING_MS)
        log_warn("an analysis of all hosts took %lld ms", (long long)took_ms);
}

static void *run(void *arg)
{
    struct pipeline *p = arg;
    int64_t last_tick_ms = 0, next_tick_mono_ms = clock_mono_ms() + p->interval_ms;
    thread_name("analysis");
    while (wait_a_moment(p)) {
        reload_if_asked(p);
        look(p, &last_tick_ms, &next_tick_mono_ms);
    }
    return NULL;
}

/* Of the newest analysis: changes since then, also while the server was away, are noticed now. */
static enum status last_look(struct record *r, int64_t *out, struct err *err)
{
    auto_arena arena = {0};
    struct result_row *rows;
    size_t n;
    struct result_filter newest = {.predicted_class = -1, .limit = 1};
    enum status st = record_results(r, &newest, &arena, &rows, &n, err);
    *out = !st && n ? rows[0].created_ms : 0;
    return st;
}

static enum status open_follow(struct pipeline *p, struct err *err)
{
    int64_t looked_ms;
    enum status st = last_look(p->record, &looked_ms, err);
    return st ? st : follow_open(p->record, p->adviser, looked_ms, &p->follow, err);
}

enum status pipeline_open(const struct pipeline_config *config, struct pipeline **out,
                          struct err *err)
{
    struct pipeline *p = mem_zero(1, sizeof *p);
    p->loop = config->loop;
    p->store = config->store;
    p->record = config->record;
    p->adviser = config->adviser;
    p->advice = config->advice;
    p->interval_ms = config->interval_ms;
    p->results_kept_ms = config->results_kept_ms;
    p->also_reload = config->also_reload;
    p->reload_arg = config->reload_arg;
    p->trimmed_mono_ms = clock_mono_ms();
    p->writer = store_writer_open(p->store);
    enum status st = promql_parse(span_of(HOSTS_SEEN), &p->expr_arena, &p->hosts_seen, err);
    if (!st)
        st = open_follow(p, err);
    pthread_mutex_init(&p->advising, NULL);
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (st) {
        pipeline_close(p);
        return st;
    }
    note_model(p);
    *out = p;
    return OK;
}

void pipeline_set_api(struct pipeline *p, struct api *api)
{
    p->api = api;
}

void pipeline_start(struct pipeline *p)
{
    p->running = pthread_create(&p->thread, NULL, run, p) == 0;
    if (!p->running)
        log_error("no thread for the analysis: %s", "hosts are not analysed");
}

void pipeline_stop(struct pipeline *p)
{
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (p->running)
        pthread_join(p->thread, NULL);
    p->running = false;
}

void pipeline_close(struct pipeline *p)
{
    if (!p)
        return;
    store_writer_close(p->writer);
    follow_close(p->follow);
    promql_free(p->hosts_seen);
    arena_free(&p->expr_arena);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->advising);
    free(p);
}
