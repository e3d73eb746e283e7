/* Live values for browsers: a watch names a host and PromQL expressions; whenever samples of
 * that host have become durable the expressions are evaluated on the workers and the values sent.
 * One evaluation of a watch is under way at most; a viewer that does not read loses points, not
 * the server's memory (net/websocket.h has the ceiling). */
#include "api/link.h"

#include "base/clock.h"
#include "base/json.h"
#include "net/websocket.h"
#include "promql/promql.h"

#include <jansson.h>
#include <math.h>

enum {
    WATCH_EXPRS_MAX = 64,
    WATCHES_MAX = 64, /* of one viewer */
    WATCH_INTERVAL_MS = 500,
    WATCH_INTERVAL_MIN_MS = 100,
    WATCH_INTERVAL_MAX_MS = 60000,
    WATCH_TIMEOUT_MS = 5000,
    WATCH_VALUES_MAX = 5000, /* of one expression */
    HOSTS_EVERY_MS = 2000,
    WS_GOING_AWAY = 1001, /* RFC 6455, section 7.4.1 */
};

struct viewer;

/* Shared by the viewer and by the evaluation under way, hence counted. */
struct watch {
    struct watch *next;
    struct viewer *viewer; /* NULL once nobody waits for it any more */
    struct live *live;
    int refs;
    int64_t id;
    struct span host; /* "": evaluated whenever any host's samples arrive */
    struct expr **exprs;
    size_t n;
    struct arena arena; /* of host and exprs */
    int64_t every_ms;
    int64_t last_ms; /* monotonic, of the last evaluation's start */
    bool running, again;
};

struct viewer {
    struct viewer *next;
    struct live *live;
    struct websocket *ws;
    struct watch *watches;
    size_t n_watches;
    bool wants_hosts;
};

struct live {
    struct api *api;
    struct viewer *viewers;
    size_t n_viewers;
    struct timer *hosts_timer;
    uint64_t hosts_hash; /* of what was sent last */
};

static void watch_drop(struct watch *w)
{
    if (--w->refs)
        return;
    for (size_t i = 0; i < w->n; i++)
        promql_free(w->exprs[i]);
    arena_free(&w->arena);
    free(w);
}

/* ---- evaluation ---- */

struct evaluation {
    struct watch *watch;
    struct store *store;
    struct overlay *overlay; /* live frames of the host; NULL: none */
    struct buf message;
    int64_t t_ms;
};

static void put_values(struct json *j, const struct result *r)
{
    json_begin_array(j);
    if (r->kind == VALUE_SCALAR) {
        json_begin_object(j);
        json_key(j, "labels");
        json_begin_object(j);
        json_end_object(j);
        json_field_double(j, "v", r->scalar);
        json_end_object(j);
    }
    for (size_t i = 0; r->kind == VALUE_VECTOR && i < MIN(r->n, (size_t)WATCH_VALUES_MAX); i++) {
        json_begin_object(j);
        json_key(j, "labels");
        json_begin_object(j);
        for (size_t k = 0; k < r->series[i].labels.n; k++) {
            const struct label *l = &r->series[i].labels.at[k];
            json_key_span(j, l->name);
            json_span(j, l->value);
        }
        json_end_object(j);
        json_field_double(j, "v", r->series[i].at[0].v);
        json_end_object(j);
    }
    json_end_array(j);
}

/* On a worker. */
static void evaluate(void *arg)
{
    struct evaluation *e = arg;
    struct json j = json_to(&e->message);
    json_begin_object(&j);
    json_field(&j, "op", "point");
    json_field_i64(&j, "id", e->watch->id);
    json_field_i64(&j, "t_ms", e->t_ms);
    json_key(&j, "values");
    json_begin_array(&j);
    auto_arena arena = {0};
    struct source *stored = store_read_begin(e->store), *view = stored;
    struct overlay_view both;
    if (e->overlay)
        view = overlay_view(&both, stored, e->overlay);
    for (size_t i = 0; i < e->watch->n; i++) {
        struct query q = {.expr = e->watch->exprs[i],
                          .start_ms = e->t_ms,
                          .end_ms = e->t_ms,
                          .deadline_mono_ms = clock_mono_ms() + WATCH_TIMEOUT_MS};
        struct result result = {0};
        if (promql_eval(&q, view, &arena, &result, NULL))
            result = (struct result){.kind = VALUE_VECTOR}; /* no value: the chart has a gap */
        put_values(&j, &result);
        arena_reset(&arena);
    }
    store_read_end(stored);
    json_end_array(&j);
    json_end_object(&j);
}

static void start_evaluation(struct watch *w, int64_t now_mono_ms);

static void evaluated(void *arg)
{
    struct evaluation *e = arg;
    struct watch *w = e->watch;
    w->running = false;
    if (w->viewer) {
        /* FULL: the viewer does not read; this point is lost for it. */
        enum status st = websocket_send(w->viewer->ws, buf_view(&e->message), true, NULL);
        if (!st && w->again)
            start_evaluation(w, clock_mono_ms());
    }
    buf_free(&e->message);
    overlay_close(e->overlay);
    free(e);
    watch_drop(w);
}

static void start_evaluation(struct watch *w, int64_t now_mono_ms)
{
    /* A frame that comes a little early is not left out. */
    if (w->running || now_mono_ms - w->last_ms < w->every_ms - w->every_ms / 5) {
        w->again = w->running;
        return;
    }
    struct evaluation *e = mem_zero(1, sizeof *e);
    *e = (struct evaluation){.watch = w, .store = w->live->api->store, .t_ms = clock_wall_ms()};
    w->again = false;
    w->last_ms = now_mono_ms;
    e->overlay = w->host.len ? links_overlay(w->live->api->links, w->host) : NULL;
    if (!pool_submit(w->live->api->workers, evaluate, evaluated, w->live->api->loop, e)) {
        overlay_close(e->overlay);
        free(e);
        return;
    }
    w->running = true;
    w->refs++;
}

/* ---- what a viewer asks ---- */

static void send_error(struct viewer *v, int64_t id, const char *detail)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    json_begin_object(&j);
    json_field(&j, "op", "error");
    json_field_i64(&j, "id", id);
    json_field(&j, "detail", detail);
    json_end_object(&j);
    enum status ignored UNUSED = websocket_send(v->ws, buf_view(&text), true, NULL);
}

/* How often live frames are wanted of a host: as often as its quickest watch. */
static void tell_agent(struct live *l, struct span instance)
{
    int64_t every_ms = 0;
    for (struct viewer *v = l->viewers; v; v = v->next)
        for (struct watch *w = v->watches; w; w = w->next)
            if (w->host.len && span_eq(w->host, instance))
                every_ms = every_ms ? MIN(every_ms, w->every_ms) : w->every_ms;
    links_live(l->api->links, instance, every_ms);
}

static struct watch **watch_at(struct viewer *v, int64_t id)
{
    struct watch **at = &v->watches;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

static void unwatch(struct viewer *v, int64_t id)
{
    struct watch **at = watch_at(v, id), *w = *at;
    if (!w)
        return;
    *at = w->next;
    w->viewer = NULL;
    v->n_watches--;
    tell_agent(v->live, w->host);
    watch_drop(w);
}

static enum status parse_exprs(struct watch *w, const json_t *list, struct err *err)
{
    size_t n = json_array_size(list);
    if (n < 1 || n > WATCH_EXPRS_MAX)
        return err_set(err, INVALID, "\"exprs\" must be a list of 1 to %d expressions",
                       WATCH_EXPRS_MAX);
    w->exprs = ARENA_ARRAY(&w->arena, struct expr *, n);
    for (w->n = 0; w->n < n; w->n++) {
        const json_t *text = json_array_get(list, w->n);
        if (!json_is_string(text))
            return err_set(err, INVALID, "\"exprs\" must hold text");
        struct span expr = span_from(json_string_value(text), json_string_length(text));
        enum status st = promql_parse(expr, &w->arena, &w->exprs[w->n], err);
        if (st)
            return st;
    }
    return OK;
}

static void watch(struct viewer *v, const json_t *message, int64_t id)
{
    const json_t *host = json_object_get(message, "host");
    struct watch *w = mem_zero(1, sizeof *w);
    *w = (struct watch){.viewer = v, .live = v->live, .refs = 1, .id = id};
    w->host = arena_span(&w->arena, json_is_string(host) ? span_from(json_string_value(host),
                                                                     json_string_length(host))
                                                         : SPAN(""));
    struct err err = {0};
    unwatch(v, id);
    if (v->n_watches == WATCHES_MAX || parse_exprs(w, json_object_get(message, "exprs"), &err)) {
        send_error(v, id, v->n_watches == WATCHES_MAX ? "too many watches" : err.text);
        watch_drop(w);
        return;
    }
    w->next = v->watches;
    v->watches = w;
    v->n_watches++;
    const json_t *every = json_object_get(message, "every_ms");
    w->every_ms = json_is_integer(every) ? json_integer_value(every) : WATCH_INTERVAL_MS;
    w->every_ms = MAX(w->every_ms, (int64_t)WATCH_INTERVAL_MIN_MS);
    w->every_ms = MIN(w->every_ms, (int64_t)WATCH_INTERVAL_MAX_MS);
    w->last_ms = clock_mono_ms() - w->every_ms;
    tell_agent(v->live, w->host);
    start_evaluation(w, clock_mono_ms());
}

static void send_hosts(struct live *l, struct viewer *only)
{
    auto_buf list = {0}, text = {0};
    if (hosts_json(l->api, &list, NULL))
        return;
    uint64_t hash = span_hash(buf_view(&list));
    if (!only && hash == l->hosts_hash)
        return;
    if (!only)
        l->hosts_hash = hash;
    buf_str(&text, "{\"op\":\"hosts\",");
    buf_span(&text, buf_view(&list));
    buf_char(&text, '}');
    for (struct viewer *v = l->viewers; v; v = v->next) {
        if (v->wants_hosts && (!only || only == v)) {
            enum status ignored UNUSED = websocket_send(v->ws, buf_view(&text), true, NULL);
        }
    }
}

static void on_message(struct websocket *ws UNUSED, struct span text, bool is_text UNUSED,
                       void *arg)
{
    struct viewer *v = arg;
    json_error_t where;
    json_t *message = json_loadb(text.at ? text.at : "", text.len, JSON_REJECT_DUPLICATES, &where);
    const char *op = json_string_value(json_object_get(message, "op"));
    const json_t *id = json_object_get(message, "id");
    int64_t number = json_is_integer(id) ? json_integer_value(id) : 0;
    if (op && span_is(span_of(op), "watch")) {
        watch(v, message, number);
    } else if (op && span_is(span_of(op), "unwatch")) {
        unwatch(v, number);
    } else if (op && span_is(span_of(op), "hosts")) {
        v->wants_hosts = true;
        send_hosts(v->live, v);
    } else {
        send_error(v, number, "a message is {\"op\":\"watch\"|\"unwatch\"|\"hosts\", ...}");
    }
    json_decref(message);
}

static void on_close(struct websocket *ws UNUSED, const char *reason UNUSED, void *arg)
{
    struct viewer *v = arg;
    struct viewer **at = &v->live->viewers;
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    v->live->n_viewers--;
    while (v->watches)
        unwatch(v, v->watches->id);
    free(v);
}

void live_open(struct call *c)
{
    static const struct websocket_events events = {.on_message = on_message, .on_close = on_close};
    struct live *l = c->api->live;
    struct viewer *v = mem_zero(1, sizeof *v);
    v->live = l;
    if (websocket_accept(c->req, &events, v, &v->ws, NULL)) {
        free(v);
        return;
    }
    v->next = l->viewers;
    l->viewers = v;
    l->n_viewers++;
}

/* ---- what happens ---- */

void live_samples_arrived(struct live *l, const struct span *instances, size_t n,
                          int64_t now_mono_ms)
{
    for (struct viewer *v = l->viewers; v; v = v->next)
        for (struct watch *w = v->watches; w; w = w->next)
            if (!w->host.len || span_among(instances, n, w->host))
                start_evaluation(w, now_mono_ms);
}

bool live_watched(const struct live *l, struct span instance)
{
    for (const struct viewer *v = l->viewers; v; v = v->next)
        for (const struct watch *w = v->watches; w; w = w->next)
            if (w->host.len && span_eq(w->host, instance))
                return true;
    return false;
}

void live_agent_came(struct live *l, struct span instance)
{
    tell_agent(l, instance);
}

void live_analysis_made(struct live *l, const char *host_id, struct span analysis)
{
    if (!l->viewers)
        return;
    auto_buf text = {0};
    struct json j = json_to(&text);
    json_begin_object(&j);
    json_field(&j, "op", "advice");
    json_field(&j, "host", host_id);
    json_key(&j, "analysis");
    json_raw(&j, analysis);
    json_end_object(&j);
    for (struct viewer *v = l->viewers; v; v = v->next) {
        enum status ignored UNUSED = websocket_send(v->ws, buf_view(&text), true, NULL);
    }
}

void live_notification(struct live *l, struct span notification)
{
    if (!l->viewers)
        return;
    auto_buf text = {0};
    struct json j = json_to(&text);
    json_begin_object(&j);
    json_field(&j, "op", "notification");
    json_key(&j, "notification");
    json_raw(&j, notification);
    json_end_object(&j);
    for (struct viewer *v = l->viewers; v; v = v->next) {
        enum status ignored UNUSED = websocket_send(v->ws, buf_view(&text), true, NULL);
    }
}

static void hosts_due(void *arg)
{
    struct live *l = arg;
    for (struct viewer *v = l->viewers; v; v = v->next) {
        if (v->wants_hosts) {
            send_hosts(l, NULL);
            return;
        }
    }
}

struct live *live_new(struct api *a)
{
    struct live *l = mem_zero(1, sizeof *l);
    l->api = a;
    l->hosts_timer = timer_open(a->loop, hosts_due, l);
    timer_every(l->hosts_timer, HOSTS_EVERY_MS);
    return l;
}

size_t live_viewers(const struct live *l)
{
    return l->n_viewers;
}

void live_stop(struct live *l)
{
    for (struct viewer *v = l->viewers, *next; v; v = next) {
        next = v->next; /* closing may end it at once */
        websocket_close(v->ws, WS_GOING_AWAY, "the server is stopping");
    }
}

void live_free(struct live *l)
{
    if (!l)
        return;
    timer_close(l->hosts_timer);
    free(l);
}
