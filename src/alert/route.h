/* From alerts to messages: who is told what, when, and what is held back. Pure: alerts, routes,
 * silences and the time go in, messages come out. A group's alerts make one message; it is sent
 * group_wait after something new came up, but not before group_interval has passed since the last
 * one, and again after repeat_interval as long as something fires. */
#pragma once

#include "alert/alert.h"

enum {
    ROUTES_MAX = 100,
    ROUTE_MATCHERS_MAX = 20,
    ROUTE_CHANNELS_MAX = 20,
    ROUTE_GROUP_BY_MAX = 10,
    MESSAGE_ALERTS_MAX = 1000, /* the rest is counted in truncatedAlerts */
};

/* How messages go while nobody has chosen otherwise. */
extern const char routing_default[];

struct routing;
/* JSON as in docs/ALERTS.md; "" is routing_default. INVALID says what and where. */
MUST_USE enum status routing_read(struct span json, struct routing **out, struct err *err);
void routing_close(struct routing *r); /* NULL is fine */

struct silences;
struct silences *silences_open(void);
/* JSON as in docs/ALERTS.md. */
MUST_USE enum status silences_add(struct silences *s, int64_t id, struct span json,
                                  struct err *err);
void silences_close(struct silences *s); /* NULL is fine */
/* The number of one that holds for these labels at that time; 0: none. */
int64_t silences_match(const struct silences *s, struct labels labels, int64_t now_ms);

struct routed_alert {
    int64_t id;
    struct span fingerprint; /* 16 hexadecimal digits */
    struct labels labels, annotations;
    bool firing; /* or resolved a short while ago */
    bool acknowledged;
    int64_t starts_ms, ends_ms;
    double value;
    /* out, of routing_judge */
    int64_t silenced_by; /* 0: not */
    bool inhibited;
    int64_t inhibited_by; /* id of an alert that does; 0: not */
};

/* Fills silenced_by and inhibited. */
void routing_judge(const struct routing *r, const struct silences *s, struct routed_alert *alerts,
                   size_t n, int64_t now_ms);

struct message {
    struct span group_key;
    const struct span *channels; /* names; "*" is all */
    size_t n_channels;
    struct span json; /* Alertmanager's webhook, version 4 */
    struct span told; /* to be kept, and given to groups_told after a restart */
};

struct groups; /* what each group was told, and when it is to be told next */
struct groups *groups_open(void);
void groups_close(struct groups *g); /* NULL is fine */
/* What was told before a restart. */
void groups_told(struct groups *g, struct span group_key, struct span told, int64_t at_ms);
/* Calls send for each message that is due; one that send did not take (not OK) comes again. forget
 * is called for groups that are over. The soonest time at which something may be due is the result
 * (0: when something changes). */
int64_t groups_tick(struct groups *g, const struct routing *r, const struct routed_alert *alerts,
                    size_t n, struct span external_url, int64_t now_ms,
                    enum status (*send)(void *arg, const struct message *m),
                    void (*forget)(void *arg, struct span group_key), void *arg);

/* The soonest time after now_ms at which a silence may begin or end, or hours or the summary's time
 * may come; 0: never. Not exact for what recurs: the next minute. */
int64_t routing_next_ms(const struct routing *r, const struct silences *s, int64_t now_ms);
/* One alert as in a message. */
struct json;
void routed_alert_json(struct json *j, const struct routed_alert *a, struct span external_url);

/* Whether the daily summary is to be made: once in each day of its zone, at its time or, when that
 * was missed, later that day. A time that the clocks leave out is the moment after the gap; of one
 * that comes twice it is the first. last_ms: when the last one was made; 0: never: then not later
 * than an hour after the time. */
bool routing_summary_due(const struct routing *r, int64_t now_ms, int64_t last_ms);
const struct span *routing_summary_channels(const struct routing *r, size_t *n);
