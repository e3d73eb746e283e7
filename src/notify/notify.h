/* Channels: one notification goes out to where people look. A notification is Alertmanager's
 * webhook JSON, version 4 (alert/route.h makes it); a channel is a kind and a configuration. Knows
 * HTTP, SMTP and processes through libcurl and the system; knows no alert state, no record, no
 * queue: whoever calls tries again. Calls block, for NOTIFY_TIMEOUT_MS at most; any thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>

enum {
    NOTIFY_TIMEOUT_MS = 20000,
    NOTIFY_CONNECT_MS = 10000,
    NOTIFY_SCRIPT_MS = 30000,
    NOTIFY_ANSWER_BYTES = 300, /* of a refusal, or of what a script wrote, are kept for the log */
    NOTIFY_RECIPIENTS_MAX = 50,
    NOTIFY_LISTED_MAX = 20,      /* alerts written out in texts for people */
    NOTIFY_SMS_SEGMENTS_MAX = 4, /* of one short message: 612 letters, or 268 of other alphabets */
    NOTIFY_KEY_BYTES = 32,
    NOTIFY_CHART_LINES_MAX = 6,
};

struct notify_settings {
    bool allow_private;      /* also loopback, private and link-local addresses */
    const char *scripts_dir; /* of the channel "script"; NULL: there are none */
    const char *user_agent;
    const atomic_bool *ending; /* true ends what is under way within a second; NULL: never */
    const uint8_t *key; /* NOTIFY_KEY_BYTES: secrets at rest are sealed with it; may be NULL */
    int64_t script_ms;  /* 0: NOTIFY_SCRIPT_MS */
};

/* One sending to one channel. */
struct notification {
    struct span kind, config;
    struct span json; /* the notification */
    /* Of mails, from templates; what is empty is said in plain words, without HTML. */
    struct span subject, text, html;
    struct span png;       /* a picture for mails; may be empty */
    struct span recipient; /* one of notify_recipients; empty: all of them */
    int64_t id;            /* the same each time it is sent: the other side can tell. 0: none */
};

/* Once, before threads start, and at the end. */
MUST_USE enum status notify_init(struct err *err);
void notify_end(void);

/* INVALID names the member and what would be right. */
MUST_USE enum status notify_check(struct span kind, struct span config,
                                  const struct notify_settings *s, struct err *err);
/* The configuration without its secrets: {"set":true} stands for each. */
MUST_USE enum status notify_masked(struct span config, struct buf *out, struct err *err);
/* new with the secrets of old where it says {"set":true}. INVALID: it goes to another place, so
 * that its secrets must be written again. */
MUST_USE enum status notify_unmasked(struct span new_config, struct span old_config,
                                     struct buf *out, struct err *err);
/* The configuration as it is kept: secrets that are texts are sealed with the key. Without one,
 * or when all are, it stays as it is. */
MUST_USE enum status notify_sealed(struct span config, const struct notify_settings *s,
                                   struct buf *out, struct err *err);
/* Whom a channel tells one by one, so that only those are told again who were not reached: the
 * addresses of mails, the numbers of short messages. None: the channel is told as a whole. */
size_t notify_recipients(struct span kind, struct span config, struct arena *arena,
                         struct span **out);
/* OK: taken by the other side. AGAIN, UNREACHABLE: not taken, try later. TIMED_OUT: sent, but
 * nobody answered: it may have arrived. Anything else: it will not be taken (wrong configuration,
 * refused). The sentence holds no secret. */
MUST_USE enum status notify_send(const struct notification *n, const struct notify_settings *s,
                                 struct err *err);

/* A picture of lines over time. Points that are more than gap_ms apart, or are no numbers, are not
 * joined. */
struct chart_line {
    const int64_t *t_ms; /* ascending */
    const double *v;
    size_t n;
};
struct chart {
    int64_t start_ms, end_ms, gap_ms; /* start < end */
    struct chart_line lines[NOTIFY_CHART_LINES_MAX];
    size_t n;
    bool has_threshold;
    double threshold;
};
/* A PNG; nothing when there is no point to be seen. */
void notify_chart(const struct chart *c, struct buf *png);
/* A notification that says that the server lives; it fires each time. */
void notify_dead_man_notification(struct span external_url, int64_t now_ms, struct buf *out);
/* A notification that says that it is a test. */
void notify_test_notification(struct span channel, struct span external_url, int64_t now_ms,
                              struct buf *out);
