/* What a server says to an agent: any bytes give a message or a sentence; what is understood is
 * read on to the end: settings, and an order to act, whose value apply/ judges. */
#include "agent/action.h"
#include "agent/server_message.h"
#include "apply/apply.h"
#include "series/host_settings.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_thing)
{
    if (!true_thing)
        abort();
}

static void read_settings(const struct server_message *m, struct arena *arena)
{
    struct host_settings s;
    struct settings_faults faults;
    if (!host_settings_read(yaml_get(m->root, "settings"), arena, &s, &faults)) {
        need(faults.n > 0);
        return;
    }
    need(s.collect_ms >= 500 && s.collect_ms <= 300000);
    need(s.send_ms >= 1000 && s.send_ms <= 300000);
    need(s.display_ms >= 100 && s.display_ms <= 10000);
}

static void read_order(const struct server_message *m)
{
    struct action_order o = {.action = "", .parameter = ""};
    struct err err = {0};
    if (action_order_read(m->root, &o, &err)) {
        need(err.text[0]);
        return;
    }
    if (strcmp(o.action, "apply") != 0)
        return;
    need(o.confirm_s >= 1 && o.value);
    (void)!apply_check(span_of(o.parameter), span_of(o.value), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena arena = {0};
    struct err err = {0};
    struct server_message m;
    if (server_message_read(span_from(data, size), &arena, &m, &err)) {
        need(err.text[0]);
        return 0;
    }
    need(m.op != SERVER_TOKEN || m.token);
    need(m.live_every_ms >= 0 && m.live_every_ms <= SERVER_LIVE_MAX_S * 1000);
    if (m.op == SERVER_SETTINGS)
        read_settings(&m, &arena);
    if (m.op == SERVER_ACT)
        read_order(&m);
    return 0;
}
