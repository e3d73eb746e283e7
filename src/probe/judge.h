/* Private to probe/: what the signals about a service amount to. Pure. */
#pragma once

#include "base/buf.h"

enum raw_state { RAW_RUNNING, RAW_STOPPED, RAW_NOT_FOUND, RAW_TIMEOUT, RAW_ERROR, RAW_UNKNOWN };
enum health { HEALTHY, DEGRADED, DOWN, HEALTH_UNKNOWN };
enum { RAW_STATES = RAW_UNKNOWN + 1, HEALTHS = HEALTH_UNKNOWN + 1 };

extern const char *const raw_state_names[RAW_STATES];
extern const char *const health_names[HEALTHS];

enum verdict_of_check { CHECK_PENDING, CHECK_OK, CHECK_FAILED, CHECK_SKIPPED };

struct check_result {
    enum verdict_of_check verdict;
    const char *target, *reason; /* reason: of a failed one */
};

/* What systemd says of a unit. */
struct unit_state {
    struct span load, active, sub; /* "loaded", "active", "running" */
};
/* reason may get a sentence. */
enum raw_state judge_unit(const struct unit_state *u, struct buf *reason);
/* Health from the state and the checks; reason gets a sentence unless healthy. */
enum health judge(enum raw_state state, const struct check_result *checks, size_t n,
                  struct buf *reason);
