/* See link.h. One entry for each host that was ever connected since the start; its socket comes
 * and goes. An agent that connects a second time takes the place of the first: that one's wire
 * may be dead without our knowing. */
#include "api/link.h"

#include "api/link_keep.h"
#include "api/remedy.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "net/websocket.h"
#include "series/increment.h"

#include <jansson.h>

enum {
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

struct links {
    struct api *api;
    struct map by_id;
    struct link_keep *keep;
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

static void on_hello(struct link *k, const struct link_message *m)
{
    struct links *l = k->links;
    struct err err = {0};
    auto_arena arena = {0};
    auto_buf id = {0};
    struct settings_row row;
    if (k->host) {
        refuse(k, CLOSE_POLICY, "a hello comes once");
        return;
    }
    enum status st = find_host(k, m->instance, &id, &err);
    if (!st)
        st = record_settings(l->api->record, buf_view(&id), &arena, &row, &err);
    if (st) {
        refuse(k, CLOSE_POLICY, "%s", err.text);
        return;
    }
    timer_stop(k->hello);
    struct agent_host *h = host_make(l, buf_view(&id));
    take_place(k, h);
    set_text(&h->name, m->instance);
    set_text(&h->version, m->version);
    note_send_interval(h, row.json);
    send_settings(h, row.version, row.json);
    send_advice(h);
    if (h->live_ms)
        send_live(h);
    live_agent_came(l->api->live, span_of(m->instance));
}

static void on_applied(struct agent_host *h, const struct link_message *m)
{
    set_text(&h->effective, m->settings);
    set_text(&h->fixed, m->fixed);
    h->applied_version = m->settings_version;
    h->refused = false;
    set_text(&h->detail, NULL);
}

static void on_refused(struct agent_host *h, const struct link_message *m)
{
    h->refused = true;
    set_text(&h->detail, m->detail);
    log_warn("the agent of %s refuses its settings: %s", h->name, h->detail);
}

static void on_processes(struct link *k, const struct link_message *m)
{
    struct agent_host *h = k->host;
    const char *asked = h->snapshot_cause ? h->snapshot_cause : "asked";
    link_keep_processes(k->links->keep, (struct link_host){h->id_span, h->name},
                        m->asked ? asked : "minute", m);
}

static void take_message(struct link *k, const struct link_message *m)
{
    struct link_keep *keep = k->links->keep;
    if (m->op == LINK_HELLO) {
        on_hello(k, m);
        return;
    }
    if (!k->host) {
        refuse(k, CLOSE_POLICY, "the first message must be a hello");
        return;
    }
    struct link_host host = {k->host->id_span, k->host->name};
    switch (m->op) {
    case LINK_APPLIED:
        on_applied(k->host, m);
        break;
    case LINK_REFUSED:
        on_refused(k->host, m);
        break;
    case LINK_PROCESSES:
        on_processes(k, m);
        break;
    case LINK_INVENTORY:
        link_keep_inventory(keep, host, m);
        break;
    case LINK_SERVICES:
        link_keep_services(keep, host, m);
        break;
    case LINK_ACTED:
        remedies_acted(k->links->api->remedies, host.id, host.name, m->root);
        break;
    case LINK_HELLO:
    case LINK_OTHER:
        break;
    }
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
    struct span name = span_of(h->name);
    live_samples_arrived(k->links->api->live, &name, 1, clock_mono_ms());
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
    struct err err = {0};
    struct link_message m;
    if (!is_text) {
        on_frame(k, text);
        return;
    }
    if (link_message_read(text, &m, &err))
        refuse(k, CLOSE_BAD_MESSAGE, "%s", err.text);
    else
        take_message(k, &m);
    link_message_free(&m);
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
    l->keep = link_keep_new(a);
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
    link_keep_flush(l->keep);
}

void links_free(struct links *l)
{
    if (!l)
        return;
    link_keep_free(l->keep);
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&l->by_id, &at));)
        host_free(slot->value);
    map_free(&l->by_id);
    free(l);
}
