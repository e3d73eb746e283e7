#include "advise/rule_state.h"

#include <stdio.h>

static void look_inactive(struct rule_state *s, struct rule_look look, int64_t now_ms)
{
    if (!look.over || now_ms < s->quiet_until_ms) {
        s->pending_since_ms = 0;
        return;
    }
    if (!s->pending_since_ms)
        s->pending_since_ms = now_ms;
    if (look.at_once || now_ms - s->pending_since_ms >= s->rule->for_ms) {
        s->active = true;
        s->since_ms = s->pending_since_ms;
        s->clear_since_ms = 0;
        s->from[0] = 0;
    }
}

static void look_active(struct rule_state *s, struct rule_look look, int64_t now_ms)
{
    if (look.hold) {
        s->clear_since_ms = 0;
        return;
    }
    if (!s->clear_since_ms)
        s->clear_since_ms = now_ms;
    if (now_ms - s->clear_since_ms >= CLEAR_MS)
        rule_forget(s);
}

void rule_look(struct rule_state *s, struct rule_look look, int64_t now_ms)
{
    s->looked_ms = now_ms;
    if (s->active)
        look_active(s, look, now_ms);
    else
        look_inactive(s, look, now_ms);
}

void rule_value_seen(struct rule_state *s, const char *from, int64_t now_ms)
{
    if (!s->active)
        return;
    if (s->from[0] && strcmp(s->from, from) != 0) {
        rule_forget(s);
        s->quiet_until_ms = now_ms + QUIET_MS;
        return;
    }
    snprintf(s->from, sizeof s->from, "%s", from);
}

void rule_forget(struct rule_state *s)
{
    s->active = false;
    s->pending_since_ms = s->since_ms = s->clear_since_ms = 0;
    s->from[0] = 0;
}
