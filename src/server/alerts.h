/* Alerts at work: rules are evaluated over the store, what changes goes to the record, and from
 * there, grouped and routed, to the channels. Where alert/, record/, notify/ and store/ meet.
 *
 * Threads: one evaluates (and writes ALERTS and the server's own series into the store), one routes
 * and hands deliveries out, and each delivery under way has one of its own, so that a channel that
 * hangs delays no other. */
#pragma once

#include "api/api.h"

struct alerts;

struct alerts_config {
    struct loop *loop;
    struct store *store;
    struct record *record;
    const char *rules_dir;   /* the rules' directory; rules are in alerts/ below */
    const char *rules_extra; /* an administrator's folder; templates of mails in templates/ below */
    const char *key_file;    /* of the key of the channels' secrets; made when it is not there */
    const char *external_url;
    const char *host; /* the label instance of the server's own series */
    int64_t interval_ms;
    int64_t history_ms; /* how long what is over is kept */
    bool allow_private;
    const char *scripts_dir;
    const char *dead_man_url; /* NULL: none */
    int64_t dead_man_ms;
};

/* Fails when a rule file is wrong. */
MUST_USE enum status alerts_open(const struct alerts_config *config, struct alerts **out,
                                 struct err *err);
void alerts_set_api(struct alerts *a, struct api *api); /* before alerts_start */
/* When the server's certificate expires, seconds since 1970; 0: it has none. Any thread. */
void alerts_set_certificate(struct alerts *a, int64_t expires_s);
void alerts_start(struct alerts *a);
/* The rule files are read again, before the next evaluation; when one is bad the old ones stay. */
void alerts_reload_soon(struct alerts *a);
void alerts_stop(struct alerts *a);
void alerts_close(struct alerts *a); /* NULL is fine */
/* For struct api_config. */
struct api_alerts alerts_face(struct alerts *a);
