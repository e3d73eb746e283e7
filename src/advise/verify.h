/* Did a change help? What changed on hosts, the figures before and after, and the judgement.
 * Series in, values out; no I/O, no clock. docs/ADVICE.md says it in words. */
#pragma once

#include "advise/advise.h"

/* ---- what changed (change.c) ---- */

/* Texts live in the arena of the call. */
struct change {
    struct span instance;
    const char
        *parameter; /* "net.core.somaxconn", or a resource: "RAM", "CPUs", "swap", "disk /" */
    const char *before, *after; /* "4096", "4096 131072 6291456", "16 GB" */
    int64_t before_ms;          /* the old value was seen then */
    int64_t at_ms;              /* the new value was seen first */
    bool is_resource;
};

enum { CHANGES_MAX = 10000 /* of one look; more are left for people to read in the store */ };

/* Parameters and resources that differ between two times. A host that was away at since_ms is
 * compared with the last it had sent, up to a day ago; a new host has not changed. */
MUST_USE enum status advise_changes(struct adviser *a, struct source *source, int64_t since_ms,
                                    int64_t now_ms, struct arena *arena, struct change **out,
                                    size_t *n, struct err *err);

/* ---- a rule's check (figures.c) ---- */

struct check {
    const char *rule, *title, *parameter, *resource; /* the rule's own, as long as the adviser */
    enum finding_kind kind;
    unsigned class;
    bool has_above, has_effective;
    unsigned burdens; /* bits of enum pressure: what this change may have done to others */
    double above;
    int64_t window_ms, settle_ms;
    int64_t reach_ms; /* how far back one reading of the signal looks */
};

/* False when there is no such rule. */
bool adviser_check(const struct adviser *a, const char *rule, struct check *out);
/* The first rule that advises that parameter; false when none does. */
bool adviser_check_of_parameter(const struct adviser *a, const char *parameter, struct check *out);

struct figure {
    bool known;
    double value;
};

/* Medians over a time. */
struct figures {
    struct figure signal, load, pressure[PRESSURES];
    struct figure available; /* share of memory */
};

/* The figures of one host between two times; rule NULL: without signal and load. */
MUST_USE enum status advise_figures(struct adviser *a, struct source *source, struct span instance,
                                    const char *rule, const char *subject, int64_t from_ms,
                                    int64_t to_ms, struct figures *out, struct err *err);
/* Does the rule's `effective` have a value for the host? True where the rule has none. */
MUST_USE enum status advise_effective(struct adviser *a, struct source *source,
                                      struct span instance, const char *rule, int64_t now_ms,
                                      bool *out, struct err *err);

/* ---- the judgement (verify.c) ---- */

enum verdict {
    VERDICT_WAIT, /* too early, no comparable load yet, or not in effect */
    VERDICT_HELPED,
    VERDICT_NO_EFFECT,
    VERDICT_HARMED,
    VERDICT_UNJUDGED, /* given up */
};
extern const char *const verdict_names[5]; /* "pending", "helped", "no_effect", ... */

/* The time that figures are taken over, before and after. */
int64_t verify_window_ms(const struct check *c);
/* When a change is judged first: what the readings look back on must lie behind it. */
int64_t verify_due_ms(const struct check *c, int64_t changed_ms);
/* When harm can be judged: a window later. */
int64_t verify_second_ms(const struct check *c, int64_t changed_ms);

enum {
    VERIFY_WINDOW_MIN_MS = 10 * 1000,
    VERIFY_LEVEL_MS = 60 * 1000,  /* of a level, which needs no rate: a minute tells */
    VERIFY_SCRAPE_MS = 10 * 1000, /* two of the agent's intervals */
    VERIFY_GIVE_UP_MS = 24 * 3600 * 1000,
};

struct verify_case {
    const struct check *check; /* NULL: no rule speaks of this parameter */
    struct figures before, after;
    /* The window before that of `after`, all behind the change: harm must show in both. */
    struct figures earlier;
    bool second_look; /* `earlier` is there */
    int64_t age_ms;   /* since the change */
    bool effective;
};

/* why gets a sentence with the figures. */
enum verdict verify_judge(const struct verify_case *v, struct buf *why);
void figures_json(struct json *j, const struct figures *f);

/* ---- what must not be said for a time (mute.c) ---- */

/* Holds findings back on a host until then: of a rule (its id; subject may be NULL), about a
 * parameter ("=net.core.somaxconn"), about a resource ("@TCP memory"). why is shown. A time that
 * has passed takes it away; INT64_MAX is for good. Texts are copied. */
void adviser_mute(struct adviser *a, struct span instance, const char *what, const char *subject,
                  int64_t until_ms, const char *why);
