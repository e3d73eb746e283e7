/* Since when a rule's condition holds on a host, and whether it speaks. Pure: time is an
 * argument. Private to advise/. */
#pragma once

#include "advise/rule.h"

enum {
    CLEAR_MS = 15 * 60 * 1000, /* a finding ends after this long below 80 % of its threshold */
    QUIET_MS = 15 * 60 * 1000, /* no new step for a parameter that was changed */
    BOOT_QUIET_MS = 10 * 60 * 1000,
    SILENCE_MS = 5 * 60 * 1000, /* a host away for longer begins anew */
};

/* What one look says of a condition. */
struct rule_look {
    bool over;    /* above the threshold, when and unless agree */
    bool hold;    /* above 80 % of it */
    bool at_once; /* a proof above ten times the threshold */
};

struct rule_state {
    const struct rule *rule;
    const char *subject; /* NULL for rules about the whole host */
    char *key;
    bool active;
    int64_t pending_since_ms; /* 0: the condition does not hold */
    int64_t since_ms;         /* of the finding */
    int64_t clear_since_ms;   /* 0: the condition still holds */
    int64_t quiet_until_ms;
    char from[128]; /* the parameter's value when the finding came up; "" before */
    int64_t looked_ms;
};

void rule_look(struct rule_state *s, struct rule_look look, int64_t now_ms);
/* The parameter has the value from now. When somebody changed it since the finding came up, the
 * finding ends and the change gets its time to work. */
void rule_value_seen(struct rule_state *s, const char *from, int64_t now_ms);
/* Forgets what was pending or in force; a change's quiet time stays. */
void rule_forget(struct rule_state *s);
