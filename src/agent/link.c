/* See link.h. */
#include "agent/link.h"

#include "agent/server_message.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "net/websocket.h"

#include <stdlib.h>

enum { PROTOCOL = 1, CLOSE_NORMAL = 1000, CLOSE_BAD_MESSAGE = 1007 };

#define LINK_PATH "/api/galen/v1/agent/socket"

struct link {
    struct link_config config;
    struct loop *loop;
    struct websocket *ws;
    struct timer *timer;
    bool open, closing, told;
    unsigned failures;
    int64_t opened_ms;
    char *why;
    char *base; /* the server's URL without a path */
};

int64_t link_backoff_ms(unsigned failures, uint64_t chance)
{
    int64_t whole = LINK_BACKOFF_MAX_MS;
    if (failures < 16)
        whole = MIN((int64_t)LINK_BACKOFF_FIRST_MS << failures, (int64_t)LINK_BACKOFF_MAX_MS);
    return whole / 2 + (int64_t)(chance % (uint64_t)(whole / 2 + 1));
}

static void set_why(struct link *l, const char *why)
{
    free(l->why);
    l->why = mem_dup(why);
}

/* ---- in ---- */

static void bad_message(struct link *l, const char *why)
{
    log_warn("the server's message is not understood: %s", why);
    websocket_close(l->ws, CLOSE_BAD_MESSAGE, why);
}

static void take(struct link *l, const struct server_message *m, struct span text)
{
    const struct link_events *on = l->config.on;
    void *arg = l->config.arg;
    switch (m->op) {
    case SERVER_SETTINGS:
        on->on_settings(m->root, text, arg);
        break;
    case SERVER_LIVE:
        on->on_live(m->live_every_ms, arg);
        break;
    case SERVER_SNAPSHOT:
        on->on_snapshot(arg);
        break;
    case SERVER_ADVICE:
        on->on_advice(text, arg);
        break;
    case SERVER_ACT:
        on->on_act(m->root, arg);
        break;
    case SERVER_TOKEN:
        on->on_token(m->token, arg);
        break;
    case SERVER_OTHER:
        break;
    }
}

static void on_message(struct websocket *ws UNUSED, struct span text, bool is_text, void *arg)
{
    struct link *l = arg;
    auto_arena arena = {0};
    struct server_message m;
    struct err err = {0};
    if (!is_text)
        bad_message(l, "it is binary");
    else if (server_message_read(text, &arena, &m, &err))
        bad_message(l, err.text);
    else
        take(l, &m, text);
}

/* ---- coming and going ---- */

static void say_hello(struct link *l)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    json_begin_object(&j);
    json_field(&j, "op", "hello");
    json_field_i64(&j, "protocol", PROTOCOL);
    json_field(&j, "version", GALEN_VERSION);
    json_field(&j, "instance", l->config.instance);
    json_field(&j, "boot_id", l->config.boot_id);
    json_end_object(&j);
    link_send(l, buf_view(&text), true);
}

static void on_open(struct websocket *ws UNUSED, void *arg)
{
    struct link *l = arg;
    l->open = true;
    l->told = false;
    l->opened_ms = clock_mono_ms();
    set_why(l, "");
    say_hello(l);
    l->config.on->on_open(l->config.arg);
}

/* A server that has no such address is not asked every few seconds; a token that is refused may be
 * put right by a person. */
static int64_t pause_ms(const struct link *l, const char *reason)
{
    static const struct {
        const char *says;
        int64_t ms;
    } refusals[] = {
        {"answers 401", LINK_UNWELCOME_MS}, {"answers 403", LINK_UNWELCOME_MS},
        {"answers 404", LINK_ABSENT_MS},    {"answers 405", LINK_ABSENT_MS},
        {"answers 200", LINK_ABSENT_MS},    {"does not speak WebSocket", LINK_ABSENT_MS}};
    for (size_t i = 0; i < COUNT(refusals); i++)
        if (strstr(reason, refusals[i].says))
            return refusals[i].ms / 2 + (int64_t)(random_u64() % (uint64_t)(refusals[i].ms / 2));
    return link_backoff_ms(l->failures, random_u64());
}

static void on_close(struct websocket *ws UNUSED, const char *reason, void *arg)
{
    struct link *l = arg;
    bool was_open = l->open;
    l->ws = NULL;
    l->open = false;
    if (l->closing)
        return;
    set_why(l, reason);
    if (was_open)
        l->config.on->on_close(l->config.arg);
    if (!l->told)
        log_info("no link to the server, settings stay as they are: %s", reason);
    l->told = true;
    if (was_open && clock_mono_ms() - l->opened_ms >= LINK_STEADY_MS)
        l->failures = 0;
    timer_once(l->timer, pause_ms(l, reason));
    l->failures++;
}

static const struct websocket_events events = {on_open, on_message, on_close};

static void connect_now(void *arg)
{
    struct link *l = arg;
    const struct agent_config *c = l->config.agent;
    const char *token = l->config.on->token(l->config.arg);
    struct err err = {0};
    auto_buf bearer = {0};
    if (!token) { /* not enrolled yet */
        timer_once(l->timer, LINK_BACKOFF_FIRST_MS);
        return;
    }
    buf_printf(&bearer, "Bearer %s", token);
    struct http_header header = {SPAN("Authorization"), buf_view(&bearer)};
    struct http_client_config client = {.url = l->base,
                                        .ca_file = c->ca,
                                        .proxy = c->proxy,
                                        .user_agent = "galen-agent/" GALEN_VERSION};
    if (websocket_connect(l->loop, &client, LINK_PATH, &header, 1, &events, l, &l->ws, &err)) {
        l->ws = NULL;
        set_why(l, err.text);
        timer_once(l->timer, link_backoff_ms(l->failures++, random_u64()));
    }
    explicit_bzero(bearer.at, bearer.len);
}

enum status link_open(struct loop *loop, const struct link_config *config, struct link **out,
                      struct err *err)
{
    struct url url;
    *out = NULL;
    enum status st = url_parse(span_of(config->agent->server), &url, err);
    if (st || (url.path.len && !span_is(url.path, "/")))
        return st;
    struct link *l = mem_zero(1, sizeof *l);
    l->config = *config;
    l->loop = loop;
    l->why = mem_dup("not connected yet");
    l->base = mem_dup_span(
        (struct span){config->agent->server, strlen(config->agent->server) - url.path.len});
    l->timer = timer_open(loop, connect_now, l);
    timer_once(l->timer, 1);
    *out = l;
    return OK;
}

void link_close(struct link *l)
{
    if (!l)
        return;
    l->closing = true;
    if (l->ws)
        websocket_drop(l->ws, CLOSE_NORMAL, "the agent ends");
    timer_close(l->timer);
    free(l->why);
    free(l->base);
    free(l);
}

bool link_is_open(const struct link *l)
{
    return l && l->open;
}

const char *link_why(const struct link *l)
{
    return l ? l->why : "this server has none";
}

bool link_send(struct link *l, struct span message, bool text)
{
    struct err err = {0};
    if (!link_is_open(l))
        return false;
    if (websocket_send(l->ws, message, text, &err)) {
        log_debug("%s", err.text);
        return false;
    }
    return true;
}

void link_reconnect(struct link *l)
{
    if (!l)
        return;
    l->failures = 0;
    if (l->ws)
        websocket_close(l->ws, CLOSE_NORMAL, "a new token");
    else
        timer_once(l->timer, 1);
}
