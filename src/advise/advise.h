/* What to change on a host, and why: features -> classifier, rules -> findings, both -> an
 * analysis. Series come in through PromQL over a struct source, values go out; there is no I/O
 * here but reading the rules and the model once, no clock, and no knowledge of stores, HTTP or
 * people. One thread per adviser.
 *
 *   rules/features.yaml    what the classifier sees: a PromQL expression for each input
 *   rules/advice/(any).yaml  what is looked for: a rule each (rules/README.md)
 *   model/default.h5       the classifier (model.h; training: train.h)
 *
 * Every expression is evaluated once for all hosts; results are told apart by the label
 * "instance". model.h and train.h are public, too. */
#pragma once

#include "advise/model.h"
#include "base/json.h"
#include "series/source.h"

enum {
    ELEVEN = 11, /* inputs of the classifier that the project began with */
    CLOSEST_MAX = 3,
    EVIDENCE_MAX = 8,
};

/* How a finding is known: an error counter moved, a level is near its limit, somebody waits. */
enum finding_kind { KIND_PROOF, KIND_LIMIT, KIND_PRESSURE };
extern const char *const kind_names[3]; /* "proof", "limit", "pressure" */

struct evidence {
    const char *expr;
    const char *text; /* "ListenOverflows 14.2/s" */
    bool has_value;
    double value;
    bool has_threshold; /* of what the rule judges */
    double threshold;
    int64_t window_ms; /* 0: a level, without a window */
    const char *unit;  /* "1/s", "ratio", "bytes", "seconds", "count" or NULL */
};

/* Whom somebody waits for. */
enum pressure { PRESSURE_CPU, PRESSURE_MEMORY, PRESSURE_IO, PRESSURES };

/* A line of a configuration file. */
struct finding_line {
    const char *line, *file;
};
enum { FINDING_LINES_MAX = 4 };

/* Texts are NULL where they do not apply. */
struct finding {
    int64_t id;          /* in the record; 0 until the caller has stored it */
    const char *rule;    /* "TC1" */
    const char *subject; /* which of several ("/var"); NULL for rules about the whole host */
    unsigned class;      /* of class_names */
    enum finding_kind kind;
    const char *title;
    const char *parameter, *from, *to;
    const char *sentence; /* what to do from what to what, then why */
    struct evidence evidence[EVIDENCE_MAX];
    size_t n_evidence;
    const char *effect;
    const char *line, *file; /* the line for sysctl.d and the file it belongs into */
    struct finding_line lines[FINDING_LINES_MAX]; /* line and file first, then further ones */
    size_t n_lines;
    const char *set_by_file, *set_by_value; /* which file sets the parameter on the host now */
    const char *command, *undo;             /* for now, until the next boot */
    const char *takes_effect, *risk, *check, *source;
    bool low_confidence;
    int64_t since_ms;
};

/* What a rule would say and must not for a time. */
struct held_back {
    const char *rule, *title, *parameter, *why;
    int64_t until_ms; /* INT64_MAX: for good */
};

/* A limit that is not reached, and how much of it is used (0..1). */
struct closest {
    const char *rule, *title;
    double use;
};

struct analysis {
    struct span instance; /* the host; empty for a payload without server_id */
    int64_t id;           /* 0 until the caller has stored it */
    int64_t at_ms;
    bool preliminary; /* the host is new: rules with longer windows cannot speak yet */
    bool uncertain;   /* classifier and rules disagree */
    bool brief;       /* looked at for too short a time to ask the classifier */
    bool has_probabilities;
    bool lasting; /* the classifier has been sure of its class for long enough to speak alone */
    double probabilities[CLASSES];
    unsigned class;
    const char *summary; /* one sentence */
    size_t checks;       /* rules that had their signals */
    size_t silent;       /* rules whose signals this host does not send */
    struct closest closest[CLOSEST_MAX];
    size_t n_closest;
    struct finding *findings; /* the strongest first */
    size_t n_findings;
    struct finding *ended; /* in force at the last tick, no longer now; rule and subject only */
    size_t n_ended;
    struct held_back *held;
    size_t n_held;
    double eleven[ELEVEN]; /* NaN where missing */
};

/* Class and summary anew, after findings were added or taken away. */
void analysis_decide(struct analysis *a, struct arena *arena);

/* Where an administrator's own rules are when the configuration does not say. */
#define RULES_EXTRA_DIR "/etc/galen/rules.d"

struct adviser_config {
    const char *rules_dir; /* NULL: where installed, or in the source tree */
    /* A further file or folder of rules, an administrator's; NULL: /etc/galen/rules.d when it is
     * there. "" for none. */
    const char *rules_extra;
    const char *model_path; /* NULL: the same; "" for no classifier */
    /* For a look of some seconds (galen check): windows of rules and features are at most this
     * long and conditions need not last; but somebody who waits for some seconds is no reason to
     * buy anything, so rules of kind pressure stay silent, and below half of the
     * features' window (a minute) the classifier is not asked. 0: as the rules say. */
    int64_t window_max_ms;
    bool trial; /* those of kind pressure, too: for judging trials of the lab */
};

struct adviser;

/* A bad rule or model file fails with "file:line:column: reason". */
MUST_USE enum status adviser_open(const struct adviser_config *config, struct adviser **out,
                                  struct err *err);
void adviser_close(struct adviser *a); /* NULL is fine */
size_t adviser_rules(const struct adviser *a);
const struct model *adviser_model(const struct adviser *a); /* NULL when there is none */
/* Takes another classifier; the old one stays when the file is bad. */
MUST_USE enum status adviser_set_model(struct adviser *a, const char *path, struct err *err);

/* Reads rules and model again. When anything is wrong both stay as they were. What is remembered of
 * hosts stays for rules that are still there. */
MUST_USE enum status adviser_reload(struct adviser *a, const struct adviser_config *config,
                                    struct err *err);
/* All rules as JSON (docs/API.md, GET /rules/advice). */
void adviser_rules_json(const struct adviser *a, struct json *j);
/* What each rule says of one host, and which signals are missing. */
MUST_USE enum status advise_checks_json(struct adviser *a, struct source *source,
                                        struct span instance, int64_t now_ms, struct json *j,
                                        struct err *err);
/* One file of rules, for `galen rules check`; *n gets how many. */
MUST_USE enum status rules_check_file(const char *path, size_t *n, struct err *err);

struct advice {
    struct analysis *hosts; /* by instance, ascending */
    size_t n;
};
/* One analysis for each host with data not older than two minutes. To be called at a steady pace
 * (30 s): rules remember since when their condition holds. Everything in *out lives in the
 * arena. An expression that fails for want of time or memory fails the tick. */
MUST_USE enum status advise_tick(struct adviser *a, struct source *source, int64_t now_ms,
                                 struct arena *arena, struct advice *out, struct err *err);
/* What the classifier's training sees: a column for each feature and its missing bit. */
struct feature_table {
    const char **names;
    size_t n_names;
    struct span *hosts;
    double *rows; /* [hosts][names]; NaN where one of the eleven is missing */
    size_t n_hosts;
};
MUST_USE enum status advise_features(struct adviser *a, struct source *source, int64_t now_ms,
                                     struct arena *arena, struct feature_table *out,
                                     struct err *err);
/* The expressions that make these columns, for who asks a server of a past time. Of several values
 * of one host the greatest counts; a feature with a bit enters as 0 where it is missing. */
enum { FEATURE_QUERIES_MAX = 1024 };
struct feature_query {
    const char *name, *expr;
    bool has_bit, log1p;
    double most;
};
/* The eleven first. The texts live as long as the adviser. */
size_t adviser_feature_queries(const struct adviser *a, struct arena *arena,
                               struct feature_query **out);
/* What enters of a value of the expression. */
double feature_scaled(const struct feature_query *q, double v);
/* Where the rules and the model are looked for when the configuration does not say. */
char *advise_data_path(struct arena *arena, const char *name);

/* ---- what the seeds' collector sends to /analyze (payload.c) ---- */

/* INVALID names the field that is wrong. Numbers may be texts, sizes carry units ("1.8T"). */
MUST_USE enum status advise_payload(struct adviser *a, struct span json, int64_t now_ms,
                                    struct arena *arena, struct analysis *out, struct err *err);

/* ---- an analysis for others ---- */

/* The object "analysis" of docs/API.md. */
void analysis_json(struct json *j, const struct analysis *a);
void finding_json(struct json *j, const struct finding *f);
/* The host's figures in the form of the seeds' payload. */
void analysis_data_json(struct json *j, const struct analysis *a);
/* For a terminal. */
void analysis_text(struct buf *out, const struct analysis *a, bool colour);

/* galen_recommendation, galen_recommendation_probability, galen_finding; stale markers for
 * findings that have ended. The caller gives them their time (at_ms). */
struct analysis_sample {
    struct labels labels;
    double v;
};
size_t analysis_series(const struct analysis *a, struct arena *arena, struct analysis_sample **out);
