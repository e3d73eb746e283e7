/* Inside notify/: one sending. */
#pragma once

#include "notify/notify.h"

#include <curl/curl.h>
#include <jansson.h>
#include <sys/socket.h>

struct sending {
    const json_t *config;
    const json_t *note;              /* the notification */
    struct span raw;                 /* as text */
    struct span subject, text, html; /* of mails; may be empty */
    struct span png;
    struct span recipient; /* one of "to"; empty: all */
    int64_t id;            /* of the delivery; 0: none */
    const struct notify_settings *settings;
    struct err *err;
};

struct channel_kind {
    const char *name;
    enum status (*check)(struct sending *s);
    enum status (*send)(struct sending *s);
    const char *const *keys; /* members of the configuration, ended by NULL */
};

/* ---- configuration ---- */

const char *config_text(const struct sending *s, const char *key); /* NULL: none */
/* A secret: a text, {"file":...}, {"env":...} or {"credential":...}; to be wiped and freed. OK with
 * NULL when there is none. */
MUST_USE enum status config_secret(const struct sending *s, const char *key, char **out);
bool config_has(const struct sending *s, const char *key);
MUST_USE enum status config_needs(struct sending *s, const char *key);
void secret_free(char **secret);
#define auto_secret CLEANUP(secret_free) char

/* ---- texts for people ---- */

void text_title(const struct sending *s, struct buf *out);
/* A line for each alert: "[firing] db1: disk is full (critical) since 12:04 UTC". */
void text_lines(const struct sending *s, struct buf *out, size_t max_alerts);
bool note_firing(const struct sending *s);
const char *note_severity(const struct sending *s); /* of the worst: "critical", ..., "" */
const char *alert_text(const json_t *alert, const char *part, const char *key); /* "" */
void alert_line(const json_t *alert, struct buf *out);
const char *note_url(const struct sending *s);

/* ---- sending ---- */

/* A handle with the guard, the limits and no redirects. */
CURL *curl_new(struct sending *s, bool mail);
/* TIMED_OUT: all of it was sent and no answer came, so that nobody knows whether it arrived.
 * UNREACHABLE: it did not arrive. Performs; maps what happened to a status. secret, which may stand
 * in the URL, is not told. */
MUST_USE enum status curl_go(struct sending *s, CURL *curl, const char *to);
MUST_USE enum status post(struct sending *s, const char *url, const char *shown,
                          const char *content_type, struct span body, const char *const *headers,
                          const char *user, const char *password);
MUST_USE enum status check_url(struct sending *s, const char *key);

/* "to" of the configuration, or what of it is to be told: calls fn until one fails. */
MUST_USE enum status each_recipient(struct sending *s,
                                    enum status (*fn)(struct sending *s, const char *to, void *arg),
                                    void *arg);

/* Whether a server of ours is not to be led to this address: everything but what is reachable from
 * everywhere. */
bool address_is_private(const struct sockaddr *a);

/* ---- short messages (GSM 03.38, 3GPP TS 23.038) ---- */

/* How many bytes of the text fit into so many segments; whole characters. segments: of those. */
size_t sms_fit(struct span text, size_t most, size_t *segments);

/* ---- secrets at rest: AES-256-GCM, "nonce ciphertext tag" in hexadecimal ---- */

void secret_seal(const uint8_t key[NOTIFY_KEY_BYTES], struct span plain, struct buf *out);
/* False: it was sealed with another key, or changed. *out is to be wiped and freed. */
bool secret_unseal(const uint8_t key[NOTIFY_KEY_BYTES], struct span sealed, char **out);

extern const struct channel_kind channel_email, channel_slack, channel_teams, channel_webhook,
    channel_sms, channel_alertmanager, channel_script;
