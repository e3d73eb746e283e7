/* What becomes of advice: findings are kept with their life, changes of parameters and resources
 * are noticed and judged, and what was without effect or harmful is not said again. The place where
 * advise/ (which knows no database) and record/ (which knows no rule) meet. Used by one thread at a
 * time. */
#pragma once

#include "advise/verify.h"
#include "record/record.h"

struct follow;

/* Remembers what is open and silent from before a restart; looked_ms: when the last look was, 0 for
 * never: changes since then are noticed now. */
MUST_USE enum status follow_open(struct record *record, struct adviser *adviser, int64_t looked_ms,
                                 struct follow **out, struct err *err);
void follow_close(struct follow *f); /* NULL is fine */
/* The adviser was made anew: what must not be said is told to it again. */
MUST_USE enum status follow_adviser(struct follow *f, struct adviser *adviser, struct err *err);

/* After each look: findings get their numbers, changes are written down and judged, advice to put
 * back what did harm is added. Everything added lives in the arena. */
MUST_USE enum status follow_tick(struct follow *f, struct source *view, int64_t now_ms,
                                 struct advice *advice, struct arena *arena, struct err *err);

/* A person has done what a finding says (applied), or does not want it (dismiss). NOT_FOUND;
 * INVALID when the finding is not open. */
MUST_USE enum status follow_applied(struct follow *f, int64_t id, struct span who, int64_t now_ms,
                                    struct err *err);
MUST_USE enum status follow_dismiss(struct follow *f, int64_t id, struct span who, int64_t now_ms,
                                    struct err *err);
/* Takes a dismissal, or the silence after advice without effect, back. */
MUST_USE enum status follow_reopen(struct follow *f, int64_t id, struct span who, int64_t now_ms,
                                   struct err *err);
