/* See targets.h. */
#include "agent/targets.h"

#include "agent/proxy.h"
#include "base/json.h"

#include <stdlib.h>

struct target {
    struct agent_config config;
    char *state;
    struct ship *ship;
};

struct targets {
    size_t n;
    struct target at[];
};

static enum status open_one(struct loop *loop, const struct ship_config *like, const char *url,
                            struct target *t, struct err *err)
{
    auto_buf state = {0};
    buf_printf(&state, "%s/targets/%016llx", like->agent->state,
               (unsigned long long)span_hash(span_of(url)));
    t->state = mem_dup(buf_text(&state));
    t->config = *like->agent;
    t->config.server = url;
    t->config.proxy = proxy_of_environment(url);
    t->config.state = t->state;
    t->config.token_file = t->config.join_token_file = NULL;
    struct ship_config own = *like;
    own.agent = &t->config;
    enum status st = ship_open(loop, &own, &t->ship, err);
    return st ? err_prefix(err, "target %s", url) : OK;
}

enum status targets_open(struct loop *loop, const struct ship_config *like, struct targets **out,
                         struct err *err)
{
    const struct setting_list *urls = &like->agent->targets;
    struct targets *t = mem_zero(1, sizeof *t + urls->n * sizeof *t->at);
    enum status st = OK;
    *out = t;
    for (; t->n < urls->n && !st; t->n++)
        st = open_one(loop, like, urls->items[t->n], &t->at[t->n], err);
    return st;
}

void targets_take(struct targets *t, const struct collection *c)
{
    for (size_t i = 0; t && i < t->n; i++)
        ship_take(t->at[i].ship, c);
}

void targets_let_go(struct targets *t)
{
    for (size_t i = 0; t && i < t->n; i++)
        ship_let_go(t->at[i].ship);
}

void targets_send_every(struct targets *t, int64_t ms)
{
    for (size_t i = 0; t && i < t->n; i++)
        ship_send_every(t->at[i].ship, ms);
}

uint64_t targets_recoveries(const struct targets *t)
{
    uint64_t n = 0;
    for (size_t i = 0; t && i < t->n; i++)
        n += ship_recoveries(t->at[i].ship);
    return n;
}

void targets_status_json(struct targets *t, struct json *j)
{
    json_begin_array(j);
    for (size_t i = 0; t && i < t->n; i++)
        ship_status_json(t->at[i].ship, j);
    json_end_array(j);
}

void targets_close(struct targets *t)
{
    for (size_t i = 0; t && i < t->n; i++) {
        ship_close(t->at[i].ship);
        free(t->at[i].state);
    }
    free(t);
}
