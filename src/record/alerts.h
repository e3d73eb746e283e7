/* What is kept of alerts: each time one fired, who did what, silences, thresholds that people
 * chose, rule files of their own, channels, routes, and what is to be delivered. */
#pragma once

#include "record/record.h"

enum {
    ALERTS_LIMIT_MAX = 1000,
    ALERT_TEXT_MAX_BYTES = 64 << 10,      /* labels or annotations of one alert, as JSON */
    ALERT_NOTE_MAX_BYTES = 1000,          /* longer ones are cut */
    ALERT_DOCUMENT_MAX_BYTES = 256 << 10, /* a channel, a rule file, the routes */
    SILENCES_MAX = 1000,
    CHANNELS_MAX = 100,
    DELIVERY_PAYLOAD_MAX_BYTES = 4 << 20,
    DELIVERIES_DUE_MAX = 64,
};

/* One time that an alert was pending or firing. */
struct alert_row {
    int64_t id;
    struct span fingerprint; /* 16 hexadecimal digits */
    struct span file, group, name, host, severity;
    struct span labels, annotations; /* JSON objects */
    struct span state;               /* "pending", "firing", "resolved" */
    double value;
    int64_t active_ms, fired_ms, resolved_ms, keep_since_ms; /* 0: not so */
    struct span acknowledged_by;                             /* empty: nobody has */
    int64_t acknowledged_ms;
    struct span note;
    int64_t changed_ms;
};

/* Adds the alert, or updates the one of the same fingerprint that is not resolved; id and what a
 * person did to it stay. Several in one transaction. who did it: "rules" or a user; the text goes
 * to the history; both may be empty: no line there. */
struct alert_put {
    struct alert_row row;
    struct span who, what;
};
MUST_USE enum status record_alerts_put(struct record *r, const struct alert_put *puts, size_t n,
                                       struct err *err);
/* Forgets one that was pending and never fired. */
MUST_USE enum status record_alert_drop(struct record *r, struct span fingerprint, struct err *err);

struct alert_filter {
    struct span state, host, severity, name; /* empty: all; state "active": not resolved */
    int64_t from_ms, to_ms;                  /* active in [from, to); 0: open */
    int64_t before_id;
    size_t limit;
};
/* Newest first. */
MUST_USE enum status record_alerts(struct record *r, const struct alert_filter *f,
                                   struct arena *arena, struct alert_row **out, size_t *n,
                                   struct err *err);
MUST_USE enum status record_alert(struct record *r, int64_t id, struct arena *arena,
                                  struct alert_row *out, struct err *err); /* NOT_FOUND */
/* EXISTS: it is acknowledged already. NOT_FOUND: none that is not resolved. */
MUST_USE enum status record_alert_acknowledge(struct record *r, int64_t id, struct span who,
                                              struct span note, int64_t now_ms, struct err *err);
MUST_USE enum status record_alert_resolve(struct record *r, int64_t id, struct span who,
                                          struct span note, int64_t now_ms, struct err *err);

struct alert_event {
    int64_t id, alert_id, at_ms;
    struct span who, what, note; /* what: "firing", "acknowledged", ... */
    struct span name, host, severity;
};
/* Newest first; alert_id 0: of all. */
MUST_USE enum status record_alert_history(struct record *r, int64_t alert_id,
                                          const struct alert_filter *f, struct arena *arena,
                                          struct alert_event **out, size_t *n, struct err *err);
/* Deletes resolved ones and history from before that time. */
MUST_USE enum status record_alerts_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                        struct err *err);

/* ---- documents: JSON with an id, a kind and a version, checked by who writes them ---- */

/* kinds: "silence", "override", "channel", "routes", "rules" */
struct document_row {
    int64_t id, version;
    struct span kind, name, json, changed_by;
    int64_t changed_ms;
};
/* By kind, ordered by id. */
MUST_USE enum status record_documents(struct record *r, struct span kind, struct arena *arena,
                                      struct document_row **out, size_t *n, struct err *err);
/* By kind and id, or, with id 0, by kind and name. NOT_FOUND */
MUST_USE enum status record_document(struct record *r, struct span kind, int64_t id,
                                     struct span name, struct arena *arena,
                                     struct document_row *out, struct err *err);
/* Adds (id 0) or replaces; the name is unique within a kind. id and version come back. EXISTS: the
 * name is taken, or version (unless -1) is not the one that is there. NOT_FOUND. FULL: most. */
MUST_USE enum status record_document_put(struct record *r, struct document_row *row,
                                         int64_t expected_version, size_t most, struct err *err);
MUST_USE enum status record_document_delete(struct record *r, struct span kind, int64_t id,
                                            struct err *err); /* NOT_FOUND */

/* ---- deliveries ---- */

struct delivery_row {
    int64_t id, channel_id, created_ms, next_ms, done_ms, attempts;
    struct span group_key, payload; /* JSON, Alertmanager's webhook version 4 */
    struct span recipient;          /* who of the channel's; empty: the channel as a whole */
    struct span state;              /* "waiting", "sent", "failed" */
    struct span error;              /* of the last attempt */
    bool once; /* to be added only if none of the same channel, group and recipient waits */
};
/* What was last sent of a group: goes with the deliveries in one transaction. */
struct sent_row {
    struct span group_key, json;
    int64_t at_ms;
};
MUST_USE enum status record_sent(struct record *r, struct arena *arena, struct sent_row **out,
                                 size_t *n, struct err *err);
MUST_USE enum status record_sent_delete(struct record *r, struct span group_key, struct err *err);
/* Adds them, due at next_ms or, with 0, at once; and what waits in the same group, after an attempt
 * that failed, is due again: there is news. */
MUST_USE enum status record_deliveries_add(struct record *r, const struct delivery_row *rows,
                                           size_t n, const struct sent_row *sent, size_t n_sent,
                                           struct err *err);
/* Waiting and due, in order, DELIVERIES_DUE_MAX of each channel at most, without what is in them:
 * of one group and recipient the oldest only, so that nobody is told of an end before the
 * beginning. next_ms: when the next one that waits now will be due; 0: none. */
MUST_USE enum status record_deliveries_due(struct record *r, int64_t now_ms, struct arena *arena,
                                           struct delivery_row **out, size_t *n, int64_t *next_ms,
                                           struct err *err);
/* An attempt begins: on disk before anything is sent; the delivery is not due until it is over.
 * NOT_FOUND: it does not wait, or is being sent already. out: all of it. */
MUST_USE enum status record_delivery_begin(struct record *r, int64_t id, struct arena *arena,
                                           struct delivery_row *out, struct err *err);
/* The attempt was sent and not answered: as if the server had been killed in the middle. It waits
 * for one more, at next_ms; the second such attempt fails. */
MUST_USE enum status record_delivery_unanswered(struct record *r, int64_t id, int64_t next_ms,
                                                struct span error, int64_t now_ms, struct err *err);
/* At the start: attempts of which nobody knows the end, because the server was killed in the
 * middle. Each waits for one more; one that was cut off before has failed: it was sent at most
 * twice. n: how many there were. */
MUST_USE enum status record_deliveries_recover(struct record *r, int64_t now_ms, size_t *n,
                                               struct err *err);
/* What became of an attempt: state "waiting" with a new next_ms, "sent" or "failed": then what was
 * in it is kept no longer. */
MUST_USE enum status record_delivery_done(struct record *r, int64_t id, struct span state,
                                          int64_t next_ms, struct span error, int64_t now_ms,
                                          struct err *err);
/* The log of one channel, newest first (payload left out). */
MUST_USE enum status record_deliveries(struct record *r, int64_t channel_id, int64_t before_id,
                                       size_t limit, struct arena *arena, struct delivery_row **out,
                                       size_t *n, struct err *err);
MUST_USE enum status record_deliveries_count(struct record *r, int64_t *waiting, int64_t *failed,
                                             struct err *err);
MUST_USE enum status record_deliveries_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                            struct err *err);
