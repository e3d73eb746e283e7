/* See direct.h. While somebody watches, every frame has what has changed since the one before; who
 * comes is given everything first. */
#include "agent/direct.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "net/websocket.h"
#include "series/remote_write.h"

#include <stdlib.h>

enum { CLOSE_GRACE_MS = 1000, CLOSE_GOING_AWAY = 1001, CONNECTIONS_MAX = 64 };

struct value {
    struct span raw, name; /* encoded labels, and as text; both in bytes */
    double v;
    uint64_t frame; /* in which it was last seen */
    bool changed;
    char bytes[];
};

struct viewer {
    struct direct *direct;
    struct websocket *ws;
    struct viewer *next;
    bool fresh; /* has had no frame yet */
};

struct direct {
    struct direct_config config;
    struct loop *loop;
    struct http_server *server;
    struct timer *timer;
    struct viewer *viewers;
    size_t n_viewers;
    struct map values; /* by raw labels */
    uint64_t frame;
    struct buf message;
    uint8_t token[SHA256_BYTES];
};

/* ---- values ---- */

static void forget_values(struct direct *d)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&d->values, &at));)
        free(slot->value);
    map_free(&d->values);
    d->values = (struct map){0};
}

static struct value *value_make(struct direct *d, struct span raw)
{
    auto_buf name = {0};
    struct label_builder b = {.n = 0};
    struct labels l;
    if (write_labels(raw, &b, &l, NULL))
        return NULL;
    /* that of the whole frame */
    label_builder_start(&b, l);
    label_set(&b, SPAN("instance"), (struct span){0});
    label_set(&b, SPAN("job"), (struct span){0});
    labels_print(&name, label_builder_end(&b));
    struct value *v = mem_alloc(sizeof *v + raw.len + name.len);
    *v = (struct value){.raw = {v->bytes, raw.len}, .name = {v->bytes + raw.len, name.len}};
    memcpy(v->bytes, raw.at, raw.len);
    memcpy(v->bytes + raw.len, name.at, name.len);
    map_put(&d->values, v->raw, v);
    return v;
}

static void read_values(struct direct *d)
{
    struct write_reader r = write_reader_of(buf_view(&d->message));
    struct write_entry e;
    while (write_next(&r, &e)) {
        struct sample s;
        const char *fault = NULL;
        if (!write_sample_next(&e.samples_raw, &s, &fault))
            continue;
        struct value *v = map_get(&d->values, e.labels_raw);
        bool made = !v;
        if (made && !(v = value_make(d, e.labels_raw)))
            continue;
        v->changed = made || double_bits(v->v) != double_bits(s.v);
        v->v = s.v;
        v->frame = d->frame;
    }
}

/* ---- frames ---- */

static void put_head(const struct direct *d, struct json *j, const char *op)
{
    json_begin_object(j);
    json_field(j, "op", op);
    json_field_i64(j, "at_ms", clock_wall_ms());
    if (strcmp(op, "whole") == 0)
        json_field(j, "instance", collect_instance(d->config.collect));
    json_key(j, "values");
    json_begin_object(j);
}

static void put_frame(struct direct *d, bool whole, struct buf *out)
{
    struct json j = json_to(out);
    size_t at = 0;
    put_head(d, &j, whole ? "whole" : "change");
    for (struct map_slot *slot; (slot = map_next(&d->values, &at));) {
        const struct value *v = slot->value;
        if (v->frame != d->frame || (!whole && !v->changed))
            continue;
        json_key_span(&j, v->name);
        json_double(&j, v->v);
    }
    json_end_object(&j);
    json_key(&j, "gone");
    json_begin_array(&j);
    at = 0;
    for (struct map_slot *slot; !whole && (slot = map_next(&d->values, &at));) {
        const struct value *v = slot->value;
        if (v->frame != d->frame)
            json_span(&j, v->name);
    }
    json_end_array(&j);
    json_end_object(&j);
}

static void drop_gone(struct direct *d)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&d->values, &at));) {
        struct value *v = slot->value;
        if (v->frame == d->frame)
            continue;
        map_remove(&d->values, v->raw);
        free(v);
    }
}

/* A viewer that does not read misses frames: what it is sent next is everything. */
static void send_to(struct viewer *v, const struct buf *whole, const struct buf *change)
{
    const struct buf *frame = v->fresh ? whole : change;
    v->fresh = frame->failed || websocket_send(v->ws, buf_view(frame), true, NULL) != OK;
}

static void send_frames(void *arg)
{
    struct direct *d = arg;
    auto_buf whole = {.max = WS_MESSAGE_MAX_BYTES}, change = {.max = WS_MESSAGE_MAX_BYTES};
    bool any_fresh = false;
    collect_run_live(d->config.collect, clock_wall_ms(), clock_mono_ms());
    buf_clear(&d->message);
    collect_write_all(d->config.collect, &d->message);
    d->frame++;
    read_values(d);
    for (const struct viewer *v = d->viewers; v; v = v->next)
        any_fresh = any_fresh || v->fresh;
    if (any_fresh)
        put_frame(d, true, &whole);
    put_frame(d, false, &change);
    drop_gone(d);
    for (struct viewer *v = d->viewers, *next; v; v = next) {
        next = v->next;
        send_to(v, &whole, &change);
    }
}

/* ---- viewers ---- */

static void on_message(struct websocket *ws UNUSED, struct span text UNUSED, bool is_text UNUSED,
                       void *arg UNUSED)
{
    /* nothing is taken from who watches */
}

static void on_close(struct websocket *ws UNUSED, const char *reason UNUSED, void *arg)
{
    struct viewer *v = arg;
    struct direct *d = v->direct;
    struct viewer **at = &d->viewers;
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    free(v);
    if (--d->n_viewers)
        return;
    timer_stop(d->timer);
    forget_values(d);
    buf_free(&d->message);
}

static bool may_watch(const struct direct *d, struct http_request *req)
{
    static const char sign[] = "Bearer ";
    struct span token = http_request_header(req, "Authorization");
    uint8_t digest[SHA256_BYTES];
    if (span_starts(token, SPAN(sign)))
        token = span_from(token.at + sizeof sign - 1, token.len - (sizeof sign - 1));
    else if (!http_request_param(req, "token", &token)) /* a browser can set no header */
        return false;
    sha256(token, digest);
    return memcmp(digest, d->token, sizeof digest) == 0;
}

static void on_request(struct http_request *req, void *arg)
{
    static const struct websocket_events events = {.on_message = on_message, .on_close = on_close};
    struct direct *d = arg;
    if (!span_is(http_request_path(req), "/live")) {
        http_problem(req, 404, "there is /live, a WebSocket");
        return;
    }
    if (!may_watch(d, req)) {
        http_reply_header(req, "WWW-Authenticate", "Bearer");
        http_problem(req, 401,
                     "the token of live_token_file is needed, as Authorization: Bearer "
                     "TOKEN or ?token=TOKEN");
        return;
    }
    if (d->n_viewers == DIRECT_VIEWERS_MAX) {
        http_problem(req, 503, "%d watch already", DIRECT_VIEWERS_MAX);
        return;
    }
    struct viewer *v = mem_zero(1, sizeof *v);
    *v = (struct viewer){.direct = d, .fresh = true};
    if (websocket_accept(req, &events, v, &v->ws, NULL)) {
        free(v);
        return;
    }
    v->next = d->viewers;
    d->viewers = v;
    if (!d->n_viewers++)
        timer_every(d->timer, d->config.every_ms);
}

/* ---- open and close ---- */

static enum status read_token(struct direct *d, struct err *err)
{
    auto_buf text = {.max = 2 * DIRECT_TOKEN_MAX_BYTES};
    enum status st = file_read(d->config.token_file, &text, err);
    struct span token = span_trim(buf_view(&text));
    if (!st && (token.len < DIRECT_TOKEN_MIN_BYTES || token.len > DIRECT_TOKEN_MAX_BYTES))
        st = err_set(err, INVALID, "%s: a token of %d to %d characters, not %zu",
                     d->config.token_file, DIRECT_TOKEN_MIN_BYTES, DIRECT_TOKEN_MAX_BYTES,
                     token.len);
    if (!st)
        sha256(token, d->token);
    if (text.at)
        explicit_bzero(text.at, text.len);
    return st;
}

enum status direct_open(struct loop *loop, const struct direct_config *config, struct direct **out,
                        struct err *err)
{
    struct direct *d = mem_zero(1, sizeof *d);
    d->config = *config;
    d->loop = loop;
    struct http_server_config server = {.listen = config->listen,
                                        .body_max_bytes = 1024,
                                        .connections_max = CONNECTIONS_MAX,
                                        .on_request = on_request,
                                        .arg = d};
    enum status st = read_token(d, err);
    if (!st)
        st = http_server_open(loop, &server, &d->server, err);
    *out = st ? NULL : d;
    if (st) {
        free(d);
        return st;
    }
    d->timer = timer_open(loop, send_frames, d);
    return OK;
}

void direct_every(struct direct *d, int64_t every_ms)
{
    if (!d || d->config.every_ms == every_ms)
        return;
    d->config.every_ms = every_ms;
    if (d->n_viewers)
        timer_every(d->timer, every_ms);
}

uint16_t direct_port(const struct direct *d)
{
    return http_server_port(d->server);
}

void direct_close(struct direct *d)
{
    if (!d)
        return;
    while (d->viewers)
        websocket_drop(d->viewers->ws, CLOSE_GOING_AWAY, "the agent ends");
    timer_close(d->timer);
    http_server_close(d->server, CLOSE_GRACE_MS);
    forget_values(d);
    buf_free(&d->message);
    free(d);
}
