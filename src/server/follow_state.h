/* What the parts of follow share: follow.c keeps findings, follow_change.c what changes and what
 * came of it, follow_person.c what people say. Private to them. */
#pragma once

#include "server/follow.h"

#include "base/log.h"
#include "base/map.h"
#include "record/events.h"
#include "record/findings.h"

/* A finding that is open. */
struct entry {
    struct span key; /* host, rule, subject */
    char *host, *rule, *subject, *parameter, *resource, *from, *to;
    int64_t id, seen_ms, saved_ms;
};

struct follow {
    struct record *record;
    struct adviser *adviser;
    struct map open; /* key -> struct entry */
    int64_t looked_ms;
};

/* One tick. */
struct round {
    struct follow *f;
    struct source *view;
    int64_t now_ms;
    struct advice *advice;
    struct arena *arena;
    struct err *err;
};

/* NULL: no such finding is open. */
struct entry *follow_entry(struct follow *f, struct span host, struct span rule,
                           struct span subject);
void follow_drop(struct follow *f, struct entry *e); /* it is no longer open */
/* Why a rule shall be silent after a finding ended so. */
/* What was done about a finding that no parameter shows: it is not said anew before its check. */
void follow_hold(struct follow *f, struct span host, const char *rule, const char *subject,
                 int64_t at_ms);
const char *follow_why_silent(enum finding_state why);
/* Adds an event; a failure is only logged. */
void follow_tell(struct follow *f, int64_t at_ms, struct span host, const char *kind,
                 const char *text, struct span data);
/* Changes since the last look are written down; those that are due are judged. */
MUST_USE enum status follow_take_changes(struct round *r);
MUST_USE enum status follow_judge(struct round *r);
