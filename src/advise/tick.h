/* Inside of one tick: hosts, evaluated formulas by host, and what findings are made of. Private
 * to advise/. */
#pragma once

#include "advise/rule_state.h"
#include "base/map.h"

#include <math.h>

/* What is remembered of a host between ticks. */
struct host {
    char *instance;
    struct map states; /* by key -> struct rule_state */
    double booted_s;   /* 0: unknown */
    int64_t ticked_ms; /* 0: never */
    size_t index;      /* in this tick's hosts; only when fresh */
    bool fresh;
    bool is_new;         /* never looked at before this tick */
    unsigned sure_class; /* of the classifier, when it is sure; 0: of nothing to be done */
    int64_t sure_since_ms;
};

/* Held back on a host: by rule, "=parameter" or "@resource" (mute.c). */
struct mute {
    char *key, *why;
    int64_t until_ms;
};

struct adviser {
    struct rules *rules;
    struct model *model;
    size_t *model_inputs;  /* which of features (see feature.c) feeds each input */
    bool one_look;         /* there will be no second: conditions need not last */
    bool trial;            /* and pressure counts */
    bool brief;            /* looks are shorter than what the classifier knows */
    struct map hosts;      /* by instance */
    struct map mutes;      /* key -> struct mute */
    struct map seen;       /* parameters and resources: change.c */
    struct map complained; /* rules whose expression failed and was logged */
    struct arena scratch;  /* of one rule */
};

struct tick {
    struct adviser *a;
    struct source *source;
    int64_t now_ms;
    struct arena *arena; /* of the answer */
    struct host **hosts; /* fresh ones */
    struct analysis *analyses;
    size_t n;
    struct err *err;
};

/* A formula's values, found by host. */
struct column {
    bool evaluated;
    struct result result;
    uint32_t *first; /* of each host: element + 1, 0 for none */
    uint32_t *next;  /* of each element */
};

/* Evaluates into the scratch arena. A formula that is at fault (INVALID) gives an empty column
 * and one line in the log; other failures are the tick's. */
MUST_USE enum status column_read(struct tick *t, const struct formula *f, const char *what,
                                 struct column *out);
/* The greatest value of a host (of a subject of it, when the elements carry the label per);
 * false when there is none. at may be NULL. */
bool column_value(const struct column *c, const struct host *h, const char *per,
                  const char *subject, double *v, struct labels *at);
/* Elements of one host: for (i = column_first(c, h); i; i = c->next[i - 1]) */
static inline uint32_t column_first(const struct column *c, const struct host *h)
{
    return c->first ? c->first[h->index] : 0;
}

/* ---- features (feature.c) ---- */

/* Which feature feeds each of the model's inputs; fails with the name of an unknown one. */
MUST_USE enum status features_bind(const struct rules *rules, const struct model *m, size_t **out,
                                   struct err *err);
/* eleven and probabilities of every analysis. */
MUST_USE enum status features_tick(struct tick *t);
/* What training sees: names ("x" and "x_missing") and one row for each host. */
size_t features_width(const struct rules *rules);
const char *features_name(const struct rules *rules, size_t i, struct arena *arena);
MUST_USE enum status features_rows(struct tick *t, double *rows);

/* ---- rules (advice.c) and findings (finding.c) ---- */

MUST_USE enum status advice_tick(struct tick *t);

/* The columns that findings of one rule need, evaluated for all hosts together. */
struct finding_columns {
    struct column value[RULE_FIELDS_MAX], propose[RULE_FIELDS_MAX], low, high;
    struct column evidence[EVIDENCE_MAX];
    struct column set_by; /* the file that sets the parameter */
};
MUST_USE enum status finding_columns_read(struct tick *t, const struct rule *r,
                                          struct finding_columns *c);
/* The parameter's value as text; "" when it is not known. */
void finding_from(const struct rule *r, const struct finding_columns *c, const struct host *h,
                  const char *subject, char *text, size_t size);
/* Everything lives in t->arena. labels are the ones of the signal. */
void finding_make(struct tick *t, const struct rule *r, const struct finding_columns *c,
                  const struct host *h, const struct rule_state *s, double value,
                  struct labels labels, struct finding *out);

/* The state of a rule on a host; NULL when there is none and make is false. */
struct rule_state *rule_state_of(struct host *h, const struct rule *r, const char *subject,
                                 bool make);
/* Findings that galen_finding says were in force on hosts that are new to us (restore.c). */
MUST_USE enum status restore_new_hosts(struct tick *t);

/* NULL when the rule may speak on that host. */
const struct mute *mute_of(struct adviser *a, struct span instance, const struct rule *r,
                           const char *subject, int64_t now_ms);
void mutes_free(struct adviser *a);

/* ---- class and summary (decide.c) ---- */

enum { SURE_MS = 15 * 60 * 1000 /* as a pressure must last: a build of some minutes is no need */ };

/* Since when the classifier is sure of what it says now: sets a->lasting. */
void note_sure(struct host *h, struct analysis *a, bool one_look);

/* The class of the highest probability. */
unsigned likeliest_class(const double *probabilities);

/* Frees what was seen (change.c). */
void seen_free(struct map *seen);
/* Frees what is remembered of hosts. */
void adviser_forget(struct adviser *a);
/* Finds hosts and makes room for analyses (adviser.c). */
MUST_USE enum status tick_start(struct tick *t);
