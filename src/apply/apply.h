/* Changes a kernel parameter on this host, and back. Knows /proc/sys, sysctl.d and its own journal;
 * knows nothing of rules or servers. The command `galen apply` and the agent's allow-listed actions
 * run the same code. All calls hold the journal's lock, so that two programs do not mix.
 *
 * In this order, each step durable before the next: the old value goes into the journal; the new
 * one into /proc/sys, where it is read back; the line into APPLY_CONF. With confirm_ms the line
 * comes only with apply_confirm: until then a reboot alone takes the change back, and so does
 * apply_overdue, which the timer and every later call run. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#define APPLY_CONF "etc/sysctl.d/90-galen.conf"
#define APPLY_STATE "var/lib/galen"
#define APPLY_JOURNAL APPLY_STATE "/apply.json"

enum {
    APPLY_VALUE_MAX_BYTES = 255,
    APPLY_JOURNAL_MAX_BYTES = 1 << 20,
    APPLY_ENTRIES_MAX = 1000,
    APPLY_CONFIRM_MIN_MS = 1000,
    APPLY_CONFIRM_MAX_MS = 24 * 3600 * 1000,
};

/* The lowest and highest value of a parameter that Galen ever writes; every number of one that has
 * several. NOT_FOUND: Galen does not change this parameter. INVALID: the value is outside, or no
 * number; the sentence says what would be right. */
MUST_USE enum status apply_check(struct span parameter, struct span value, struct err *err);

struct apply_plan {
    const char *parameter, *from, *to; /* texts of the arena; numbers with single blanks */
    const char *line;                  /* for APPLY_CONF */
    const char *later_file;            /* a file that sets it too and is read later; or NULL */
    const char *later_value;
};

/* What would be done; changes nothing. root: "/", or a directory for tests. */
MUST_USE enum status apply_plan(const char *root, struct span parameter, struct span value,
                                struct arena *arena, struct apply_plan *out, struct err *err);
/* Does it. confirm_ms 0: for good; otherwise until then unless confirmed (the caller starts the
 * timer). */
MUST_USE enum status apply_do(const char *root, const struct apply_plan *plan, int64_t now_ms,
                              int64_t confirm_ms, struct err *err);

struct applied {
    const char *parameter, *from, *to;
    int64_t at_ms, confirm_by_ms; /* 0: confirmed */
};

/* What is in force, the oldest first. */
MUST_USE enum status apply_list(const char *root, struct arena *arena, struct applied **out,
                                size_t *n, struct err *err);
/* Keeps changes that wait for it: one parameter's, or all (empty). *n gets how many. */
MUST_USE enum status apply_confirm(const char *root, struct span parameter, size_t *n,
                                   struct err *err);
/* Puts back what was there before the first change of that parameter, value and line. NOT_FOUND
 * when the journal knows none. A value that somebody else has changed since stays: EXISTS. */
MUST_USE enum status apply_revert(const char *root, struct span parameter, struct err *err);
/* Puts back what was not confirmed in time; *n gets how many. */
MUST_USE enum status apply_overdue(const char *root, int64_t now_ms, size_t *n, struct err *err);
