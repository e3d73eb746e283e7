/* Product profiles: the values that a product's vendor documents, judged as IBM's mqconfig does.
 * rules/profiles/NAME.yaml; rules/README.md describes the keys. */
#pragma once

#include "advise/advise.h"

enum profile_result { PROFILE_PASS, PROFILE_WARN, PROFILE_FAIL, PROFILE_UNKNOWN, PROFILE_RESULTS };
extern const char *const profile_results[PROFILE_RESULTS]; /* "PASS", "WARN", "FAIL", "?" */

enum { PROFILES_MAX = 100, PROFILE_CHECKS_MAX = 40, PROFILE_PROCESSES_MAX = 10 };

struct profile_row {
    const char *name;   /* "semmns (sem:2)" */
    const char *wanted; /* ">= 4096" */
    const char *value;  /* as text; NULL: not known */
    const char *use;    /* "512 (12 %)"; NULL: not known */
    const char *line;   /* for a configuration file; NULL: nothing to change */
    const char *file, *why;
    bool has_value, has_use, has_share;
    double number, use_number, share;
    enum profile_result result;
};

struct profile_report {
    const char *name, *title, *source;
    bool found;                 /* its processes run on the host */
    enum profile_result result; /* the worst */
    struct profile_row *rows;
    size_t n_rows;
};

/* One host judged by one profile, or (name NULL) by all whose processes run there. NOT_FOUND: the
 * error lists the names there are. Everything lives in the arena. */
MUST_USE enum status advise_profiles(struct adviser *a, struct source *source, struct span instance,
                                     const char *name, int64_t now_ms, struct arena *arena,
                                     struct profile_report **out, size_t *n, struct err *err);
/* A table for 80 columns. */
void profile_text(struct buf *out, const struct profile_report *p, bool colour);
void profile_json(struct json *j, const struct profile_report *p);
/* {"profiles":[...]}: all there are, and those of a host. */
void adviser_profiles_json(const struct adviser *a, struct json *j);
MUST_USE enum status advise_profiles_json(struct adviser *a, struct source *source,
                                          struct span instance, int64_t now_ms, struct json *j,
                                          struct err *err);
