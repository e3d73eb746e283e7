/* Alerts: rule files in, alerts and derived series out, exactly as Prometheus has them. Knows
 * PromQL and where samples can be selected from; knows no store, no record, no HTTP, no clock.
 *
 *   rules_read    YAML -> struct alert_rules (immutable)
 *   alerter       the state of every alert of a set of rules; alerter_evaluate is one step of one
 *                 group, and tells what changed and which samples came out
 *   route.h       from changes of alerts to messages: grouping, silences, inhibition, windows
 *
 * One thing is ours: a rule may have `thresholds:` instead of a comparison in its expression. Such
 * a rule becomes one rule for each level (label severity), whose thresholds and durations can be
 * changed for itself and for a host without touching PromQL, and which clears with hysteresis. Its
 * plain form (rules_plain) is what another Prometheus can load. */
#pragma once

#include "promql/promql.h"

enum {
    RULES_MAX = 2000,         /* of one set */
    RULE_LABELS_MAX = 32,     /* labels, and annotations, of one rule */
    RULE_ALERTS_MAX = 100000, /* active at once, of one rule */
    RULE_INTERVAL_MS = 15000,
    RULE_RESOLVED_KEPT_MS = 15 * 60 * 1000,
    RULE_GRACE_MS = 10 * 60 * 1000,  /* Prometheus's --rules.alert.for-grace-period */
    RULE_OUTAGE_MS = 60 * 60 * 1000, /* Prometheus's --rules.alert.for-outage-tolerance */
};

/* ---- rules ---- */

struct tmpl;

struct rule_text {
    struct span name;
    struct span text; /* as written */
    struct tmpl *tmpl;
};

struct rule_threshold {
    bool is;    /* the rule has one: expr gives the value, not the condition */
    bool above; /* fires above value, clears at or below clear; else the other way round */
    double value, clear;
    struct span unit;  /* "percent", "ratio", "seconds", ... or empty */
    struct span level; /* "warning", "critical" */
};

struct rule {
    const char *file; /* as given */
    unsigned line;
    bool records; /* a recording rule */
    struct span name;
    struct span expr_text;  /* in PromQL's canonical form, with the threshold */
    struct expr *expr;      /* what is evaluated: without the threshold */
    struct span value_text; /* expr's text as written: equal texts are evaluated once */
    int64_t for_ms, keep_firing_ms;
    struct rule_text *labels, *annotations;
    size_t n_labels, n_annotations;
    struct rule_threshold threshold;
    bool disabled; /* by an override for all hosts */
};

struct rule_group {
    const char *file;
    struct span name;
    int64_t interval_ms;
    size_t limit; /* 0: none */
    struct rule *rules;
    size_t n;
};

struct alert_rules {
    struct arena arena;
    struct rule_group *groups;
    size_t n, n_rules;
};

void rules_init(struct alert_rules *r);
void rules_free(struct alert_rules *r);
/* Adds the groups of one file; on failure none of it, but memory. Errors: "file:line:column: ..."
 */
MUST_USE enum status rules_read(struct alert_rules *r, struct span text, const char *file,
                                int64_t interval_ms, struct err *err);
/* Every *.yml and *.yaml in dir, by name; a directory that is not there has none. */
MUST_USE enum status rules_read_dir(struct alert_rules *r, const char *dir, int64_t interval_ms,
                                    struct err *err);
/* All groups as a rule file for Prometheus. */
void rules_plain(const struct alert_rules *r, struct buf *out);

/* ---- alerts ---- */

enum alert_state { ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING };
const char *alert_state_name(enum alert_state s); /* "inactive", ... */

struct alert {
    uint64_t fingerprint;      /* of labels, as Alertmanager computes it */
    struct labels labels;      /* alertname and severity included */
    struct labels annotations; /* expanded */
    const struct rule *rule;
    enum alert_state state;
    double value;
    int64_t active_ms;     /* since when it is pending or firing */
    int64_t fired_ms;      /* 0: has not */
    int64_t resolved_ms;   /* 0: is not */
    int64_t keep_since_ms; /* firing though the condition has ended, since; 0: not so */
    int64_t for_ms;        /* of its rule, or of its host's override */
    bool seen;             /* by the evaluation under way */
    bool restored;         /* known from before the start */
};

/* Alertmanager's fingerprint: FNV-1a over the sorted labels. */
uint64_t labels_fingerprint(struct labels l);

enum alert_change { CHANGE_PENDING, CHANGE_FIRING, CHANGE_RESOLVED, CHANGE_DROPPED };

/* What an evaluation asks of its surroundings. */
struct alert_world {
    void *arg;
    /* Samples up to now, what was committed before included. Given back with view_end. */
    struct source *(*view)(void *arg);
    void (*view_end)(void *arg, struct source *view);
    /* A sample of ALERTS, ALERTS_FOR_STATE or a recording rule; visible after commit. */
    void (*append)(void *arg, struct labels labels, struct sample sample);
    enum status (*commit)(void *arg, struct err *err);
    /* DROPPED: was pending and never fired. The alert is valid during the call. May be NULL. */
    void (*changed)(void *arg, enum alert_change change, const struct alert *a);
    /* Something of the server's, for {{ $externalLabels }} and {{ $externalURL }}. */
    struct labels external_labels;
    struct span external_url;
    bool rules_of_2; /* struct query */
};

/* A threshold of one rule and level, for one host or (instance empty) all. */
struct rule_override {
    struct span rule, level, instance;
    bool has_value, has_clear, has_for, disabled;
    double value, clear;
    int64_t for_ms;
};

struct alerter;

/* Keeps the rules: they must outlive it. One thread evaluates; alerter_json and _each may be
 * called from any. */
struct alerter *alerter_open(const struct alert_rules *rules);
void alerter_close(struct alerter *a); /* NULL is fine */
/* Takes over state of the same rules and labels from another set's, which is left without. */
void alerter_take_over(struct alerter *a, struct alerter *from);
/* Copied. */
void alerter_override(struct alerter *a, const struct rule_override *o, size_t n);
/* An alert that was active before a restart, as it was; before the first evaluation. False: no
 * rule is of that group and name, or it is known already. Labels are copied. */
bool alerter_restore(struct alerter *a, struct span file, struct span group,
                     const struct alert *was);
/* One evaluation of groups[i] at now_ms. What fails is logged in the rule's health; a failure is
 * returned only when samples could not be committed. */
MUST_USE enum status alerter_evaluate(struct alerter *a, size_t group, int64_t now_ms,
                                      const struct alert_world *w, struct err *err);
/* After the first evaluation: the time that pending alerts had waited before a restart, from
 * ALERTS_FOR_STATE. */
void alerter_restore_for(struct alerter *a, size_t group, int64_t now_ms,
                         const struct alert_world *w);
/* Every alert that is pending, firing or resolved a short while ago. */
void alerter_each(struct alerter *a, void (*fn)(void *arg, const struct alert *alert), void *arg);

struct alerter_stats {
    uint64_t evaluations, failures, missed; /* missed: intervals that passed without one */
    double last_duration_s;                 /* of all groups' newest, together */
    double lag_s;                           /* the latest start after its time, of the newest */
    size_t pending, firing;
    uint64_t values_reused,
        values_asked; /* rules that took the value of the rule before, or asked */
};
void alerter_stats(struct alerter *a, struct alerter_stats *out);
/* For the one who evaluates: how long groups[i] took, and how late it began. */
void alerter_timed(struct alerter *a, size_t group, int64_t duration_ns, int64_t lag_ms,
                   uint64_t missed);

struct rules_filter {
    int type; /* 0: all, 1: alerting, 2: recording */
    bool without_alerts;
    const struct span *names, *groups, *files;
    size_t n_names, n_groups, n_files;
};
/* "data" of Prometheus's /api/v1/rules and /api/v1/alerts. */
void alerter_rules_json(struct alerter *a, const struct rules_filter *f, struct buf *out);
void alerter_alerts_json(struct alerter *a, struct buf *out);
