/* See link.h. One entry for each host that was ever connected since the start; its socket comes
 * and goes. An agent that connects a second time takes the place of the first: that one's wire
 * may be dead without our knowing. */
#include "api/link.h"

#include "api/remedy.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "net/websocket.h"
#include "record/events.h"
#include "series/increment.h"
#include "series/remote_write.h"

#include <jansson.h>

enum {
    FLUSH_EVERY_MS = 1000,
    TRIM_EVERY_MS = 3600 * 1000,
    SILENT_AFTER_MS = 60000,
    SILENT_SENDS = 3, /* missed in a row */
    /* RFC 6455, section 7.4.1 */
    CLOSE_GOING_AWAY = 1001,
    CLOSE_BAD_MESSAGE = 1007,
    CLOSE_POLICY = 1008,
};

/* One WebSocket. host is NULL until it has said hello. */
struct link {
    struct links *links;
    struct websocket *ws;
    struct agent_host *host;
    struct timer *hello;
    struct principal who;
    struct increment_reader *frames; /* NULL until the first */
    uint8_t token[SHA256_BYTES];
};

struct agent_host {
    char *id, *name;
    struct span id_span;
    struct link *link; /* NULL: not connected */
    int64_t connected_ms, send_ms;
    int64_t sent_version, applied_version;
    bool refused;
    char *detail, *effective, *fixed, *version; /* NULL: none */
    char *snapshot_cause;                       /* of the one that was asked for */
    int64_t live_ms;                            /* asked of it; 0: no live frames */
    struct overlay *overlay;                    /* the frames; NULL: none */
    uint64_t advice_hash;
    char *advice; /* the last message */
};

struct pending {
    char *host_id, *cause;
    int64_t at_ms;
    struct buf packed;
};

struct links {
    struct api *api;
    struct map by_id;
    struct link *unknown; /* only for the count */
    struct timer *timer;
    struct pending *pending;
    size_t n_pending, size;
    int64_t trimmed_ms;
    bool stopping;
};

/* ---- hosts ---- */

static struct agent_host *host_of(const struct links *l, struct span id)
{
    return map_get(&l->by_id, id);
}

static struct agent_host *host_make(struct links *l, struct span id)
{
    struct agent_host *h = host_of(l, id);
    if (h)
        return h;
    h = mem_zero(1, sizeof *h);
    h->id = mem_dup_span(id);
    h->id_span = span_from(h->id, id.len);
    map_put(&l->by_id, h->id_span, h);
    return h;
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = text ? mem_dup(text) : NULL;
}

static void host_free(struct agent_host *h)
{
    overlay_close(h->overlay);
    free(h->id);
    free(h->name);
    free(h->detail);
    free(h->effective);
    free(h->fixed);
    free(h->version);
    free(h->snapshot_cause);
    free(h->advice);
    free(h);
}

/* ---- out ---- */

static bool send_text(const struct agent_host *h, struct buf *text)
{
    struct err err = {0};
    if (!h->link || text->failed)
        return false;
    enum status st = websocket_send(h->link->ws, buf_view(text), true, &err);
    if (st)
        log_warn("agent of %s: %s", h->name, err.text);
    return st == OK;
}

static void send_settings(struct agent_host *h, int64_t version, struct span json)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    json_begin_object(&j);
    json_field(&j, "op", "settings");
    json_field_i64(&j, "version", version);
    json_key(&j, "settings");
    json_raw(&j, json.len ? json : SPAN("{}"));
    json_end_object(&j);
    h->sent_version = version;
    h->refused = false;
    send_text(h, &text);
}

static void note_send_interval(struct agent_host *h, struct span json)
{
    auto_arena arena = {0};
    struct host_settings s;
    struct settings_faults faults;
    host_settings_default(&s);
    if (json.len && !host_settings_parse(json, &arena, &s, &faults))
        return;
    h->send_ms = MAX(s.send_ms, s.collect_ms);
}

void links_settings(struct links *l, struct span host_id, int64_t version, struct span json)
{
    struct agent_host *h = host_make(l, host_id);
    note_send_interval(h, json);
    if (h->link)
        send_settings(h, version, json);
}

bool links_snapshot(struct links *l, struct span host_id, const char *cause)
{
    struct agent_host *h = host_of(l, host_id);
    if (!h || !h->link)
        return false;
    set_text(&h->snapshot_cause, cause);
    auto_buf text = {0};
    buf_str(&text, "{\"op\":\"snapshot\"}");
    return send_text(h, &text);
}

bool links_act(struct links *l, struct span host_id, struct span order)
{
    const struct agent_host *h = host_of(l, host_id);
    auto_buf text = {0};
    buf_span(&text, order);
    return h && send_text(h, &text);
}

enum status links_rotate(struct links *l, struct span host_id, struct span who, int64_t now_ms,
                         struct err *err)
{
    struct agent_host *h = host_of(l, host_id);
    char token[TOKEN_TEXT_MAX];
    if (!h || !h->link)
        return err_set(err, AGAIN, "the host's agent is not connected");
    enum status st = access_rotate(l->api->access, h->link->token, who, now_ms, token, err);
    if (st == NOT_FOUND)
        return err_set(err, INVALID, "the agent's token is one of --dev, which is not changed");
    if (st)
        return st;
    auto_buf text = {0};
    buf_printf(&text, "{\"op\":\"token\",\"token\":\"%s\"}", token);
    bool sent = send_text(h, &text);
    explicit_bzero(text.at, text.len);
    explicit_bzero(token, sizeof token);
    return sent ? OK : err_set(err, AGAIN, "the host's agent does not read");
}

static void send_live(struct agent_host *h)
{
    auto_buf text = {0};
    buf_printf(&text, "{\"op\":\"live\",\"every_s\":%g}", (double)h->live_ms / 1000);
    send_text(h, &text);
}

void links_live(struct links *l, struct span instance, int64_t every_ms)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&l->by_id, &at));) {
        struct agent_host *h = slot->value;
        if (!h->name || !span_is(instance, h->name) || h->live_ms == every_ms)
            continue;
        h->live_ms = every_ms;
        if (!every_ms) {
            overlay_close(h->overlay);
            h->overlay = NULL;
        }
        if (h->link)
            send_live(h);
    }
}

static void send_advice(struct agent_host *h)
{
    auto_buf text = {0};
    if (!h->advice)
        return;
    buf_str(&text, h->advice);
    send_text(h, &text);
}

/* The agent is told what a person at the machine wants to know, when it changes. */
void links_advice(struct links *l, struct span host_id, struct span analysis)
{
    struct agent_host *h = host_of(l, host_id);
    if (!h)
        return;
    json_t *root = json_loadb(analysis.at, analysis.len, 0, NULL);
    const char *summary = json_string_value(json_object_get(root, "summary"));
    const char *recommendation = json_string_value(json_object_get(root, "recommendation"));
    auto_buf text = {0};
    struct json j = json_to(&text);
    json_begin_object(&j);
    json_field(&j, "op", "advice");
    json_field(&j, "recommendation", recommendation);
    json_field(&j, "summary", summary);
    uint64_t hash = span_hash(buf_view(&text));
    json_field_i64(&j, "at_ms", json_integer_value(json_object_get(root, "at_ms")));
    json_end_object(&j);
    json_decref(root);
    if (hash == h->advice_hash)
        return;
    h->advice_hash = hash;
    set_text(&h->advice, buf_text(&text));
    send_advice(h);
}

/* ---- snapshots on their way to the record ---- */

struct flush {
    struct record *record;
    struct pending *rows;
    size_t n;
    int64_t trim_before_ms; /* 0: no trimming */
};

static void pending_free(struct pending *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rows[i].host_id);
        free(rows[i].cause);
        buf_free(&rows[i].packed);
    }
    free(rows);
}

/* On a worker. */
static void flush_rows(void *arg)
{
    struct flush *f = arg;
    struct err err = {0};
    auto_arena arena = {0};
    struct snapshot_row *rows = ARENA_ARRAY(&arena, struct snapshot_row, f->n);
    for (size_t i = 0; i < f->n; i++)
        rows[i] = (struct snapshot_row){.host_id = span_of(f->rows[i].host_id),
                                        .cause = span_of(f->rows[i].cause),
                                        .at_ms = f->rows[i].at_ms,
                                        .packed = buf_view(&f->rows[i].packed)};
    enum status st = record_snapshots_add(f->record, rows, f->n, &err);
    size_t deleted = 1;
    while (!st && f->trim_before_ms && deleted)
        st = record_snapshots_trim(f->record, f->trim_before_ms, &deleted, &err);
    if (st)
        log_error("snapshots of processes are not kept: %s", err.text);
}

static void flushed(void *arg)
{
    struct flush *f = arg;
    pending_free(f->rows, f->n);
    free(f);
}

static void flush_due(void *arg)
{
    struct links *l = arg;
    int64_t now_ms = clock_wall_ms();
    bool trim = now_ms - l->trimmed_ms >= TRIM_EVERY_MS || now_ms < l->trimmed_ms;
    if (!l->n_pending && !trim)
        return;
    struct flush *f = mem_zero(1, sizeof *f);
    *f = (struct flush){.record = l->api->record,
                        .rows = l->pending,
                        .n = l->n_pending,
                        .trim_before_ms =
                            trim ? store_age_clock_ms(l->api->store) - SNAPSHOTS_KEPT_MS : 0};
    if (!pool_submit(l->api->workers, flush_rows, flushed, l->api->loop, f)) {
        free(f); /* they wait for the next time */
        return;
    }
    l->trimmed_ms = trim ? now_ms : l->trimmed_ms;
    l->pending = NULL;
    l->n_pending = l->size = 0;
}

static void keep_snapshot(struct links *l, const struct agent_host *h, const char *cause,
                          int64_t at_ms, struct span json)
{
    if (l->n_pending == LINKS_PENDING_MAX) {
        log_warn("%d snapshots of processes wait to be kept, one of %s is dropped",
                 LINKS_PENDING_MAX, h->name);
        return;
    }
    if (l->n_pending == l->size) {
        l->size = l->size ? 2 * l->size : 16;
        l->pending = mem_grow(l->pending, l->size * sizeof *l->pending);
    }
    struct pending *p = &l->pending[l->n_pending];
    *p = (struct pending){.at_ms = at_ms};
    if (pack(COMPRESSION_ZSTD, json, &p->packed, NULL)) {
        buf_free(&p->packed);
        return;
    }
    p->host_id = mem_dup(h->id);
    p->cause = mem_dup(cause);
    l->n_pending++;
}

/* ---- in ---- */

PRINTF(3, 4)
static void refuse(struct link *k, uint16_t code, const char *format, ...)
{
    auto_buf why = {.max = 120};
    va_list args;
    va_start(args, format);
    buf_vprintf(&why, format, args);
    va_end(args);
    log_warn("agent %s: %s", k->host ? k->host->name : k->who.name, buf_text(&why));
    websocket_close(k->ws, code, buf_text(&why));
}

/* A text member of at most LINK_TEXT_MAX_BYTES; NULL when it is missing or longer. */
static const char *text_of(const json_t *message, const char *name)
{
    const json_t *value = json_object_get(message, name);
    return json_string_length(value) <= LINK_TEXT_MAX_BYTES ? json_string_value(value) : NULL;
}

/* A member as JSON text; NULL when it is missing or longer than max. The caller frees it. */
static char *json_of(const json_t *message, const char *name, size_t max)
{
    const json_t *value = json_object_get(message, name);
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text && strlen(text) > max) {
        free(text);
        text = NULL;
    }
    return text;
}

static int64_t time_of(const json_t *message)
{
    const json_t *at = json_object_get(message, "at_ms");
    return json_is_integer(at) && json_integer_value(at) > 0 ? json_integer_value(at)
                                                             : clock_wall_ms();
}

/* The host that this socket speaks for: the one its token is bound to; a token that is bound to
 * none (--dev) may speak for any, known by name. */
static enum status find_host(struct link *k, const char *instance, struct buf *id, struct err *err)
{
    struct record *r = k->links->api->record;
    int64_t now_ms = clock_wall_ms();
    buf_str(id, k->who.host_id);
    enum status st = record_host_seen(r, buf_view(id), span_of(instance), now_ms, err);
    if (st || id->len)
        return st;
    auto_arena arena = {0};
    struct host_row *rows;
    size_t n;
    st = record_hosts(r, &arena, &rows, &n, err);
    for (size_t i = 0; !st && i < n; i++)
        if (span_is(rows[i].name, instance))
            buf_span(id, rows[i].id);
    return st;
}

static void take_place(struct link *k, struct agent_host *h)
{
    if (h->link) {
        h->link->host = NULL;
        websocket_close(h->link->ws, CLOSE_POLICY, "another agent speaks for this host");
    }
    h->link = k;
    k->host = h;
    h->connected_ms = clock_wall_ms();
    h->sent_version = -1;
    h->refused = false;
}

static void on_hello(struct link *k, const json_t *m)
{
    const char *instance = text_of(m, "instance"), *version = text_of(m, "version");
    const json_t *protocol = json_object_get(m, "protocol");
    struct links *l = k->links;
    struct err err = {0};
    auto_arena arena = {0};
    auto_buf id = {0};
    struct settings_row row;
    if (k->host || !instance || !*instance || !version || !json_is_integer(protocol)) {
        refuse(k, CLOSE_BAD_MESSAGE, "a hello has version, protocol and instance, and comes once");
        return;
    }
    enum status st = find_host(k, instance, &id, &err);
    if (!st)
        st = record_settings(l->api->record, buf_view(&id), &arena, &row, &err);
    if (st) {
        refuse(k, CLOSE_POLICY, "%s", err.text);
        return;
    }
    timer_stop(k->hello);
    struct agent_host *h = host_make(l, buf_view(&id));
    take_place(k, h);
    set_text(&h->name, instance);
    set_text(&h->version, version);
    note_send_interval(h, row.json);
    send_settings(h, row.version, row.json);
    send_advice(h);
    if (h->live_ms)
        send_live(h);
    live_agent_came(l->api->live, span_of(instance));
}

static void on_applied(struct agent_host *h, const json_t *m)
{
    free(h->effective);
    free(h->fixed);
    h->effective = json_of(m, "settings", HOST_SETTINGS_MAX_BYTES);
    h->fixed = json_of(m, "fixed", HOST_SETTINGS_MAX_BYTES);
    h->applied_version = json_integer_value(json_object_get(m, "version"));
    h->refused = false;
    set_text(&h->detail, NULL);
}

static void on_refused(struct agent_host *h, const json_t *m)
{
    const char *detail = text_of(m, "detail");
    h->refused = true;
    set_text(&h->detail, detail ? detail : "no reason was given");
    log_warn("the agent of %s refuses its settings: %s", h->name, h->detail);
}

static void on_processes(struct link *k, const json_t *m)
{
    struct agent_host *h = k->host;
    auto_free char *json = json_of(m, "processes", LINK_PROCESSES_MAX_BYTES);
    if (!json) {
        refuse(k, CLOSE_BAD_MESSAGE, "processes are missing, or exceed %d bytes",
               LINK_PROCESSES_MAX_BYTES);
        return;
    }
    bool asked = json_is_true(json_object_get(m, "asked"));
    const char *cause = asked ? h->snapshot_cause ? h->snapshot_cause : "asked" : "minute";
    keep_snapshot(k->links, h, cause, time_of(m), span_of(json));
}

/* The names of the facts that differ. */
static void put_changes(struct json *j, struct buf *words, const json_t *before, const json_t *now)
{
    const char *name;
    json_t *value;
    json_begin_array(j);
    json_object_foreach((json_t *)(uintptr_t)now, name, value)
    {
        if (json_equal(value, json_object_get(before, name)))
            continue;
        json_text(j, name);
        buf_printf(words, "%s%s", words->len ? ", " : "", name);
    }
    json_object_foreach((json_t *)(uintptr_t)before, name, value)
    {
        if (json_object_get(now, name))
            continue;
        json_text(j, name);
        buf_printf(words, "%s%s (gone)", words->len ? ", " : "", name);
    }
    json_end_array(j);
}

static void note_change(struct link *k, const struct inventory_row *before, const json_t *facts,
                        int64_t at_ms)
{
    struct err err = {0};
    auto_buf data = {0}, words = {0}, text = {0};
    struct json j = json_to(&data);
    json_t *old = json_loadb(before->json.at, before->json.len, 0, NULL);
    json_begin_object(&j);
    json_field_i64(&j, "from_version", before->version);
    json_field_i64(&j, "to_version", before->version + 1);
    json_key(&j, "facts");
    put_changes(&j, &words, json_object_get(old, "facts"), facts);
    json_end_object(&j);
    json_decref(old);
    buf_printf(&text, "the machine has changed: %s", buf_text(&words));
    struct event_row event = {.at_ms = at_ms,
                              .host = k->host->id_span,
                              .kind = SPAN("inventory"),
                              .text = buf_view(&text),
                              .data = buf_view(&data)};
    if (record_event_add(k->links->api->record, &event, NULL, &err))
        log_error("a change of %s is not noted: %s", k->host->name, err.text);
}

/* Only the facts are kept: the boot is in a series, and would make each restart a change. */
static void on_inventory(struct link *k, const json_t *m)
{
    struct agent_host *h = k->host;
    struct err err = {0};
    auto_arena arena = {0};
    struct inventory_row before;
    bool changed = false;
    const json_t *inventory = json_object_get(m, "inventory");
    const json_t *facts = json_object_get(inventory, "facts");
    auto_free char *json = json_of(inventory, "facts", LINK_INVENTORY_MAX_BYTES);
    if (!json || !json_is_object(facts)) {
        refuse(k, CLOSE_BAD_MESSAGE, "the inventory has no facts, or exceeds %d bytes",
               LINK_INVENTORY_MAX_BYTES);
        return;
    }
    auto_buf kept = {0};
    buf_printf(&kept, "{\"facts\":%s}", json);
    enum status st = record_inventory_put(k->links->api->record, h->id_span, buf_view(&kept),
                                          time_of(m), &arena, &before, &changed, &err);
    if (st)
        log_error("the inventory of %s is not kept: %s", h->name, err.text);
    else if (changed && before.version)
        note_change(k, &before, facts, time_of(m));
}

static void on_services(struct link *k, const json_t *m)
{
    struct err err = {0};
    auto_free char *json = json_of(m, "services", LINK_SERVICES_MAX_BYTES);
    if (!json)
        refuse(k, CLOSE_BAD_MESSAGE, "services are missing, or exceed %d bytes",
               LINK_SERVICES_MAX_BYTES);
    else if (record_services_put(k->links->api->record, k->host->id_span, span_of(json), time_of(m),
                                 &err))
        log_error("the services of %s are not kept: %s", k->host->name, err.text);
}

static void take_message(struct link *k, const json_t *m, const char *op)
{
    struct span name = span_of(op);
    if (span_is(name, "hello"))
        on_hello(k, m);
    else if (!k->host)
        refuse(k, CLOSE_POLICY, "the first message must be a hello");
    else if (span_is(name, "applied"))
        on_applied(k->host, m);
    else if (span_is(name, "refused"))
        on_refused(k->host, m);
    else if (span_is(name, "processes"))
        on_processes(k, m);
    else if (span_is(name, "inventory"))
        on_inventory(k, m);
    else if (span_is(name, "services"))
        on_services(k, m);
    else if (span_is(name, "acted"))
        remedies_acted(k->links->api->remedies, k->host->id_span, k->host->name, m);
    /* What a newer agent may say is passed over. */
}

/* Live values, as increments (series/increment.h). */
static void on_frame(struct link *k, struct span bytes)
{
    struct agent_host *h = k->host;
    struct err err = {0};
    auto_buf message = {.max = LINK_FRAME_MAX_BYTES};
    if (!h) {
        refuse(k, CLOSE_POLICY, "the first message must be a hello");
        return;
    }
    if (!k->frames)
        k->frames = increment_reader_open(k->links->api->increment_labels);
    if (increment_read(k->frames, bytes, &message, &err)) {
        refuse(k, CLOSE_BAD_MESSAGE, "%s", err.text);
        return;
    }
    if (!h->live_ms)
        return; /* it was on its way when the last viewer went */
    if (!h->overlay)
        h->overlay = overlay_open();
    overlay_take(h->overlay, buf_view(&message));
    live_samples_arrived(k->links->api->live, span_of(h->name), clock_mono_ms());
}

struct overlay *links_overlay(const struct links *l, struct span instance)
{
    size_t at = 0;
    for (const struct map_slot *slot; (slot = map_next(&l->by_id, &at));) {
        const struct agent_host *h = slot->value;
        if (h->overlay && h->name && span_is(instance, h->name))
            return overlay_share(h->overlay);
    }
    return NULL;
}

static void on_message(struct websocket *ws UNUSED, struct span text, bool is_text, void *arg)
{
    struct link *k = arg;
    json_error_t where;
    if (!is_text) {
        on_frame(k, text);
        return;
    }
    json_t *m = json_loadb(text.at ? text.at : "", text.len, JSON_REJECT_DUPLICATES, &where);
    const char *op = json_string_value(json_object_get(m, "op"));
    if (!m)
        refuse(k, CLOSE_BAD_MESSAGE, "not JSON: line %d, column %d: %s", where.line, where.column,
               where.text);
    else if (!op)
        refuse(k, CLOSE_BAD_MESSAGE, "a message is an object with \"op\"");
    else
        take_message(k, m, op);
    json_decref(m);
}

static void on_close(struct websocket *ws UNUSED, const char *reason, void *arg)
{
    struct link *k = arg;
    if (k->host) {
        log_debug("the agent of %s has gone: %s", k->host->name, reason);
        k->host->link = NULL;
    }
    timer_close(k->hello);
    increment_reader_close(k->frames);
    free(k);
}

static void hello_late(void *arg)
{
    struct link *k = arg;
    refuse(k, CLOSE_POLICY, "no hello came within %d s", LINK_HELLO_MS / 1000);
}

void agents_socket(struct call *c)
{
    static const struct websocket_events events = {.on_message = on_message, .on_close = on_close};
    struct links *l = c->api->links;
    struct link *k = mem_zero(1, sizeof *k);
    k->links = l;
    k->who = c->who;
    access_token_hash(http_request_header(c->req, "Authorization"), k->token);
    if (websocket_accept(c->req, &events, k, &k->ws, NULL)) {
        free(k);
        return;
    }
    k->hello = timer_open(l->api->loop, hello_late, k);
    timer_once(k->hello, LINK_HELLO_MS);
}

/* ---- the rest ---- */

void links_state(const struct links *l, struct span host_id, int64_t version,
                 struct link_state *out)
{
    const struct agent_host *h = host_of(l, host_id);
    *out = (struct link_state){.state = "offline"};
    if (!h)
        return;
    out->connected = h->link != NULL;
    out->connected_ms = h->connected_ms;
    out->applied_version = h->applied_version;
    out->detail = span_of(h->detail ? h->detail : "");
    out->effective = span_of(h->effective ? h->effective : "");
    out->fixed = span_of(h->fixed ? h->fixed : "");
    out->version = span_of(h->version ? h->version : "");
    if (out->connected)
        out->state = h->refused                                      ? "refused"
                     : h->applied_version == version && h->effective ? "applied"
                                                                     : "pending";
}

int64_t links_silent_ms(const struct links *l, struct span host_id)
{
    const struct agent_host *h = host_of(l, host_id);
    return h ? MAX((int64_t)SILENT_AFTER_MS, SILENT_SENDS * h->send_ms) : SILENT_AFTER_MS;
}

struct links *links_new(struct api *a)
{
    struct links *l = mem_zero(1, sizeof *l);
    l->api = a;
    l->timer = timer_open(a->loop, flush_due, l);
    timer_every(l->timer, FLUSH_EVERY_MS);
    return l;
}

void links_stop(struct links *l)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&l->by_id, &at));) {
        const struct agent_host *h = slot->value;
        if (h->link)
            websocket_close(h->link->ws, CLOSE_GOING_AWAY, "the server is stopping");
    }
    flush_due(l);
}

void links_free(struct links *l)
{
    if (!l)
        return;
    timer_close(l->timer);
    pending_free(l->pending, l->n_pending);
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&l->by_id, &at));)
        host_free(slot->value);
    map_free(&l->by_id);
    free(l);
}
