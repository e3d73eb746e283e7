/* Channels: one notification goes out to where people look. A notification is Alertmanager's
 * webhook JSON, version 4 (alert/route.h makes it); a channel is a kind and a configuration. Knows
 * HTTP, SMTP and processes through libcurl and the system; knows no alert state, no record, no
 * queue: whoever calls tries again. Calls block, for NOTIFY_TIMEOUT_MS at most; any thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>

enum {
    NOTIFY_TIMEOUT_MS = 20000,
    NOTIFY_CONNECT_MS = 10000,
    NOTIFY_SCRIPT_MS = 30000,  /* default and most */
    NOTIFY_ANSWER_BYTES = 300, /* of a refusal are kept for the log */
    NOTIFY_RECIPIENTS_MAX = 50,
    NOTIFY_LISTED_MAX = 20, /* alerts written out in texts for people */
    NOTIFY_SMS_BYTES = 1500,
};

struct notify_settings {
    bool allow_private;      /* also loopback, private and link-local addresses */
    const char *scripts_dir; /* of the channel "script"; NULL: there are none */
    const char *user_agent;
    const atomic_bool *ending; /* true ends what is under way within a second; NULL: never */
};

/* Once, before threads start, and at the end. */
MUST_USE enum status notify_init(struct err *err);
void notify_end(void);

/* INVALID names the member and what would be right. */
MUST_USE enum status notify_check(struct span kind, struct span config,
                                  const struct notify_settings *s, struct err *err);
/* The configuration without its secrets: {"set":true} stands for each. */
MUST_USE enum status notify_masked(struct span config, struct buf *out, struct err *err);
/* new with the secrets of old where it says {"set":true}. */
MUST_USE enum status notify_unmasked(struct span new_config, struct span old_config,
                                     struct buf *out, struct err *err);
/* OK: taken by the other side. AGAIN, TIMED_OUT, UNREACHABLE: try later. Anything else: it will not
 * be taken (wrong configuration, refused). The sentence holds no secret. png, a picture for mails,
 * may be empty. */
MUST_USE enum status notify_send(struct span kind, struct span config, struct span notification,
                                 struct span png, const struct notify_settings *s, struct err *err);
/* A notification that says that the server lives; it fires each time. */
void notify_dead_man_notification(struct span external_url, int64_t now_ms, struct buf *out);
/* A notification that says that it is a test. */
void notify_test_notification(struct span channel, struct span external_url, int64_t now_ms,
                              struct buf *out);
