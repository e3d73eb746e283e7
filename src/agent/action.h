/* What the server may have done on this machine: only what this machine's administrator lists in
 * allow_actions, only within the bounds of apply/, and put back unless it is confirmed in time.
 * docs/PROTOCOL.md has the messages. */
#pragma once

#include "base/loop.h"
#include "base/yaml.h"

#define ACTION_SYSCTL "sysctl:" /* then a parameter's name: an entry of allow_actions */

struct actions;

struct actions_config {
    struct loop *loop;
    const char *root;                          /* outlives the actions, as allowed does */
    struct setting_list allowed;               /* empty: nothing is done */
    void (*send)(struct span text, void *arg); /* a message for the server */
    void *arg;
};

/* INVALID names the entry of the list that is none. */
MUST_USE enum status actions_check(const struct setting_list *allowed, struct err *err);
/* What the server asks: texts are the message's. */
struct action_order {
    int64_t id, confirm_s; /* confirm_s: of "apply" alone, within apply's bounds */
    const char *action, *parameter, *value;
};
/* INVALID names what is missing or wrong; what was read until then is in *out. */
MUST_USE enum status action_order_read(const struct yaml *message, struct action_order *out,
                                       struct err *err);

/* What an earlier run has not seen confirmed is put back in its time. */
struct actions *actions_open(const struct actions_config *config);
void actions_close(struct actions *a); /* NULL is fine */
/* Answers every message. */
void actions_take(struct actions *a, const struct yaml *message);
