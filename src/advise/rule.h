/* Rules and features as their files say them. Private to advise/.
 *
 * Expressions are PromQL with a few words filled in as text when the file is read:
 *   $window $signal $use $value (the parameter's value now) */
#pragma once

#include "advise/advise.h"
#include "base/yaml.h"
#include "promql/promql.h"

enum {
    RULES_MAX = 1000,
    RULE_FIELDS_MAX = 4, /* numbers of one parameter: kernel.sem has four */
    RULE_YIELDS_MAX = 8,
    RULE_SENTENCES_MAX = 4,
    RULE_LINES_MAX = 3,
    RESOURCES = 4, /* RAM, swap, CPUs, disks: change.c */
    FEATURES_MAX = 1000,
    TEMPLATE_MAX_BYTES = 2048,
    EXPRESSION_MAX_BYTES = 8192,
};

struct formula {
    struct expr *expr; /* NULL: not given */
    const char *text;  /* with the words filled in */
};

struct rule_evidence {
    const char *name; /* for templates; NULL when it has none */
    struct formula formula;
    const char *text; /* template; NULL: the formula's text and the value */
    bool is_signal;   /* it shows what the rule judges: the threshold belongs to it */
};

/* Further lines for configuration files, templates. */
struct rule_line {
    const char *line, *file;
};

/* How a proposed value becomes a step: counts go to the next power of two and at most four
 * times as high; exact ones are taken as they are. */
enum rule_step { STEP_COUNT, STEP_EXACT };

struct rule {
    const char *id, *title, *file;
    const char *limit; /* what `use` is the share of, in words: "open files" */
    unsigned line;
    unsigned class;
    enum finding_kind kind;
    const char *parameter;
    int64_t window_ms, for_ms;
    struct formula signal; /* the number that is judged */
    struct formula use;    /* share of a limit that is used; shown as "closest" */
    bool has_above;
    double above; /* the rule speaks when the signal is greater */
    struct formula when, unless, counter;
    const char *per; /* label that tells several subjects of one host apart */
    const char *yields_to[RULE_YIELDS_MAX];
    size_t n_yields_to;
    const char *fields[RULE_FIELDS_MAX]; /* of a parameter of several numbers */
    size_t n_fields;
    struct formula value[RULE_FIELDS_MAX], propose[RULE_FIELDS_MAX];
    size_t n_values, n_propose;
    bool has_bounds;
    struct formula low, high;
    enum rule_step step;
    struct rule_evidence evidence[EVIDENCE_MAX];
    size_t n_evidence;
    const char *advice; /* template of the first sentence; NULL: made of parameter and values */
    const char *sentences[RULE_SENTENCES_MAX]; /* why: the first that can be filled */
    size_t n_sentences;
    const char *effect, *takes_effect, *risk, *source; /* effect is a template */
    const char *check;
    struct formula check_formula;
    struct formula load;      /* how much is asked of the host: before and after must compare */
    struct formula effective; /* has a value once a change has taken effect */
    int64_t settle_ms;        /* no effect is not said earlier */
    int64_t reach_ms;         /* how far back the signal looks; 0: a level of now */
    unsigned burdens;         /* pressures that a change of it may raise: bits of enum pressure */
    const char *resource;     /* one step at a time for what several parameters rule together */
    struct formula set_by;
    const char *set_line, *set_file, *command; /* templates, for what is no sysctl */
    struct rule_line lines[RULE_LINES_MAX];
    size_t n_lines;
    bool low_confidence;
};

struct feature {
    const char *name, *about;
    struct formula formula;
    bool log1p; /* x -> log(1 + x) */
    double most;
};

struct rules {
    struct arena arena;
    struct rule *rules;
    size_t n_rules;
    struct feature eleven[ELEVEN];
    struct feature *features;
    size_t n_features;
    int64_t features_ms; /* the window that features want, whatever the longest */
    /* When a host was last heard of, when it booted, and whether there is data of ten minutes. */
    struct formula seen, booted, settled;
    struct formula findings; /* our own, of a moment ago */
    /* for change.c and figures.c */
    struct formula fingerprint, printed, unprinted, sysctls, sysctls_before;
    struct formula resources[RESOURCES], pressure[3], available;
    struct formula products; /* processes that profiles look for */
    struct profile *profiles;
    size_t n_profiles;
    struct expr **parsed; /* every expression, to be given back */
    size_t n_parsed;
};

/* dir holds features.yaml and advice/; extra, a file or a folder of *.yaml, comes behind: NULL for
 * none. window_max_ms as in adviser_config. */
MUST_USE enum status rules_load(const char *dir, const char *extra, int64_t window_max_ms,
                                struct rules **out, struct err *err);
void rules_close(struct rules *r);                                    /* NULL is fine */
const struct rule *rule_by_id(const struct rules *r, const char *id); /* NULL: none */
/* One file's rules are added; for rules_load and tests. text must outlive the rules. */
MUST_USE enum status rules_add(struct rules *r, struct span text, const char *file,
                               int64_t window_max_ms, struct err *err);
MUST_USE enum status features_add(struct rules *r, struct span text, const char *file,
                                  int64_t window_max_ms, struct err *err);

/* ---- formulas (formula.c) ---- */

/* What the words of a formula stand for; NULL: not allowed here. */
struct words {
    const char *window, *signal, *use, *value;
};
MUST_USE enum status formula_read(const struct yaml *node, const char *key,
                                  const struct words *words, struct rules *r, struct formula *out,
                                  struct err *err);
MUST_USE enum status formula_of(const char *text, struct rules *r, struct formula *out,
                                struct err *err);

/* ---- templates (template.c): "{name}", "{name:format}", "{@label}" ---- */

enum template_format {
    FORMAT_PLAIN,    /* 14.2 */
    FORMAT_COUNT,    /* 4,097 */
    FORMAT_PERCENT,  /* 29 % of a share 0.29 */
    FORMAT_BYTES,    /* 9.6 GB */
    FORMAT_DURATION, /* 15 minutes, from seconds */
    FORMAT_NUMBER,   /* 4097, for lines that a machine reads */
};

/* One variable of a template; false when there is no such. Numbers go into *number and set
 * *is_number. */
struct template_value {
    bool has_number;
    double number;
    struct span text;
};
typedef bool (*template_fn)(void *arg, struct span name, struct template_value *out);

/* Complains about bad braces, unknown formats and, by known, unknown names. */
MUST_USE enum status template_check(const struct yaml *node, const char *text, template_fn known,
                                    void *arg, struct err *err);
/* False when a variable has no value; out then holds rubbish. */
bool template_fill(const char *text, template_fn value, void *arg, struct buf *out);
void format_value(struct buf *out, enum template_format f, double v);
