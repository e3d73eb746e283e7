/* Inside alert/: what is kept between evaluations. */
#pragma once

#include "alert/alert.h"

#include "base/map.h"

#include <pthread.h>

enum rule_health { HEALTH_UNKNOWN, HEALTH_OK, HEALTH_BAD };

/* A series that the rule wrote in the evaluation before. */
struct written {
    struct span key;
    struct labels labels;
    bool again; /* in this evaluation too */
};

struct rule_state {
    const struct rule *rule;
    struct map active; /* fingerprint -> struct alert */
    struct map series; /* labels as bytes -> struct written */
    enum rule_health health;
    char last_error[ERR_TEXT_MAX];
    int64_t evaluated_ms; /* 0: never */
    double duration_s;
};

struct group_state {
    const struct rule_group *group;
    struct rule_state *rules;
    bool restored; /* ALERTS are written, since it is known what was before the start */
    int64_t evaluated_ms;
    double duration_s, lag_s;
};

struct alerter {
    struct alert_rules rules; /* a shallow copy: the caller moves his */
    struct group_state *groups;
    struct arena overrides_arena;
    struct rule_override *overrides;
    size_t n_overrides;
    /* of rules that are no more: to be ended by the next evaluation */
    struct written **orphans;
    size_t n_orphans;
    struct alert **gone;
    size_t n_gone;
    struct alerter_stats stats;
    pthread_mutex_t lock; /* guards all that alerter_json and _each read */
};

/* A copy in one piece of memory, given back with free(labels.at). */
struct labels labels_own(struct labels l);
void labels_release(struct labels l);
/* Bytes that differ for different labels. */
void labels_key(struct buf *out, struct labels l);
struct written *written_new(struct span key, struct labels l);
void written_free(struct written *w);
struct alert *alert_new(const struct alert *like); /* labels and annotations copied */
void alert_free(struct alert *a);
struct span alert_key(const struct alert *a);

/* What holds for one rule and host: its own threshold and duration, or the override's. */
struct rule_limits {
    double value, clear;
    int64_t for_ms;
    bool disabled;
};
struct rule_limits rule_limits(const struct alerter *a, const struct rule *u, struct span instance);

/* ---- one evaluation ---- */

struct evaluation {
    struct alerter *alerter;
    struct group_state *group;
    const struct alert_world *world;
    struct source *view;
    int64_t now_ms;
    struct arena arena;
    struct buf pending_names;  /* " name name ": written, but not yet committed */
    bool pending;              /* something is to be committed */
    const struct rule *cached; /* whose value is in result */
    struct result result;
    struct buf key;
};

/* state.c: the step of one alerting rule: found are the alerts whose condition holds. */
struct found {
    struct labels labels, annotations;
    uint64_t fingerprint;
    double value;
    int64_t for_ms;
};
MUST_USE enum status alerts_step(struct evaluation *e, struct rule_state *s,
                                 const struct found *found, size_t n, struct err *err);
/* One sample goes out, and its series is remembered. */
void write_out(struct evaluation *e, struct rule_state *s, struct labels l, double v);
/* Series that were written before and not now end. */
void write_ends(struct evaluation *e, struct rule_state *s);
/* alerting.c: the expression of one alerting rule -> what is found. */
MUST_USE enum status find_alerts(struct evaluation *e, struct rule_state *s, struct found **out,
                                 size_t *n, struct err *err);
/* evaluate.c: the rule's value, from the last rule's when it asks the same. */
MUST_USE enum status rule_value(struct evaluation *e, const struct rule *u,
                                const struct result **out, struct err *err);
