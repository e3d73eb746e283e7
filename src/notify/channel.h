/* Inside notify/: one sending. */
#pragma once

#include "notify/notify.h"

#include <curl/curl.h>
#include <jansson.h>

struct sending {
    const json_t *config;
    const json_t *note; /* the notification */
    struct span raw;    /* as text */
    struct span png;
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
/* Performs; maps what happened to a status. secret, which may stand in the URL, is not told. */
MUST_USE enum status curl_go(struct sending *s, CURL *curl, const char *to);
MUST_USE enum status post(struct sending *s, const char *url, const char *shown,
                          const char *content_type, struct span body, const char *const *headers,
                          const char *user, const char *password);
MUST_USE enum status check_url(struct sending *s, const char *key);

extern const struct channel_kind channel_email, channel_slack, channel_teams, channel_webhook,
    channel_sms, channel_alertmanager, channel_script;
