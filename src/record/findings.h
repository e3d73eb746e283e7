/* Findings with their life, and changes of parameters and resources with what came of them. A
 * finding is opened when a rule begins to speak on a host; ends by itself, or is applied and then
 * judged, or is dismissed by a person. A change is made by whomever. */
#pragma once

#include "record/record.h"

enum finding_state {
    FINDING_OPEN,
    FINDING_APPLIED, /* a change was seen, or a person says so: waits for its judgement */
    FINDING_HELPED,
    FINDING_NO_EFFECT,
    FINDING_HARMED,
    FINDING_DISMISSED, /* by a person: the rule is silent about it on that host */
    FINDING_ENDED,     /* its condition went away by itself */
    FINDING_STATES
};
extern const char *const finding_state_names[FINDING_STATES];
bool finding_state_of(struct span name, enum finding_state *out);

enum {
    FINDINGS_LIMIT_MAX = 1000,
    CHANGES_LIMIT_MAX = 1000,
    FINDING_JSON_MAX_BYTES = 256 << 10,
};

struct finding_row {
    int64_t id;
    struct span host, host_name; /* id or name; host_name is read only */
    struct span rule, subject, parameter, from, to;
    enum finding_state state;
    int64_t opened_ms, seen_ms;      /* in force first and last */
    int64_t decided_ms;              /* when it left the state open; 0: it has not */
    struct span verdict, verdict_by; /* "useful", "wrong" or empty: what a person says */
    struct span outcome;             /* a sentence about what the change did */
    struct span json;                /* the finding as it was seen last (docs/API.md) */
};

/* row->id comes in (0: a new one) and goes out. Opened anew or seen again; state is not touched
 * for one that is known. */
struct finding_note {
    struct finding_row row;
    int64_t id;
};
MUST_USE enum status record_findings_note(struct record *r, struct finding_note *notes, size_t n,
                                          struct err *err);
/* NOT_FOUND; any state after any other. outcome empty: as it was. */
MUST_USE enum status record_finding_state(struct record *r, int64_t id, enum finding_state state,
                                          struct span outcome, int64_t now_ms, struct err *err);
/* verdict: "useful", "wrong", or empty to take it back; INVALID otherwise. */
MUST_USE enum status record_finding_verdict(struct record *r, int64_t id, struct span verdict,
                                            struct span who, struct err *err);

struct finding_filter {
    struct span host; /* id or name; empty: all */
    struct span rule;
    int state;         /* of finding_state; -1: all */
    int64_t before_id; /* cursor; 0: from the newest */
    size_t limit;
};
/* Newest first. */
MUST_USE enum status record_findings(struct record *r, const struct finding_filter *f,
                                     struct arena *arena, struct finding_row **out, size_t *n,
                                     struct err *err);
MUST_USE enum status record_finding(struct record *r, int64_t id, struct arena *arena,
                                    struct finding_row *out, struct err *err); /* NOT_FOUND */
/* Decided ones from before that time, some thousands at most: until *deleted is 0. */
MUST_USE enum status record_findings_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                          struct err *err);

/* ---- rules that shall be silent on a host ---- */

struct silence_row {
    struct span host_name, rule, subject;
    enum finding_state why; /* FINDING_DISMISSED, FINDING_NO_EFFECT (twice), FINDING_HARMED */
};
MUST_USE enum status record_findings_silent(struct record *r, struct arena *arena,
                                            struct silence_row **out, size_t *n, struct err *err);
/* How often that rule's advice was without effect on that host, since the last time it helped. */
MUST_USE enum status record_findings_no_effect(struct record *r, struct span host, struct span rule,
                                               struct span subject, uint64_t *out, struct err *err);

/* ---- changes ---- */

struct change_row {
    int64_t id, at_ms, before_ms;
    struct span host, host_name;
    struct span parameter, from, to;
    struct span cause;  /* "advice": as a finding had it; "hand", "resource", "person" */
    int64_t finding_id; /* 0: none */
    struct span rule;   /* by which it is judged; empty: by the pressures alone */
    struct span subject;
    struct span verdict;       /* "pending", "helped", "no_effect", "harmed", "unjudged" */
    struct span outcome;       /* the sentence */
    struct span before, after; /* figures, JSON objects; empty: not yet */
    int64_t judged_ms;
};

MUST_USE enum status record_change_add(struct record *r, const struct change_row *row, int64_t *id,
                                       struct err *err);
/* verdict, outcome, before, after and judged_ms of the row with that id. */
MUST_USE enum status record_change_judged(struct record *r, const struct change_row *row,
                                          struct err *err);
struct change_filter {
    struct span host, parameter;
    int64_t from_ms, to_ms, before_id;
    enum { CHANGES_ALL, CHANGES_PENDING, CHANGES_HARMFUL } which;
    size_t limit;
};
/* CHANGES_PENDING: those that wait for a judgement. CHANGES_HARMFUL: harmed, and the parameter has
 * not been changed since. */
MUST_USE enum status record_changes(struct record *r, const struct change_filter *f,
                                    struct arena *arena, struct change_row **out, size_t *n,
                                    struct err *err);
MUST_USE enum status record_changes_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                         struct err *err);
