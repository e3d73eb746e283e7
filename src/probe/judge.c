/* The state of the manager and the answers to checks, put together. */
#include "probe/judge.h"

const char *const raw_state_names[] = {
    [RAW_RUNNING] = "running", [RAW_STOPPED] = "stopped", [RAW_NOT_FOUND] = "not_found",
    [RAW_TIMEOUT] = "timeout", [RAW_ERROR] = "error",     [RAW_UNKNOWN] = "unknown",
};
const char *const health_names[] = {
    [HEALTHY] = "healthy",
    [DEGRADED] = "degraded",
    [DOWN] = "down",
    [HEALTH_UNKNOWN] = "unknown",
};

/* "reloading" and "refreshing" serve; "activating" (auto-restart) does not yet. */
enum raw_state judge_unit(const struct unit_state *u, struct buf *reason)
{
    if (span_is(u->load, "not-found"))
        return RAW_NOT_FOUND;
    if (span_is(u->load, "error") || span_is(u->load, "bad-setting")) {
        buf_printf(reason, "systemd could not load the unit (%.*s)", SPAN_ARG(u->load));
        return RAW_ERROR;
    }
    if (span_is(u->active, "active") || span_is(u->active, "reloading") ||
        span_is(u->active, "refreshing"))
        return RAW_RUNNING;
    if (span_is(u->active, "failed")) {
        buf_printf(reason, "the unit has failed (%.*s)", SPAN_ARG(u->sub));
        return RAW_ERROR;
    }
    if (span_is(u->active, "inactive") || span_is(u->active, "activating") ||
        span_is(u->active, "deactivating")) {
        buf_printf(reason, "the unit is %.*s (%.*s)", SPAN_ARG(u->active), SPAN_ARG(u->sub));
        return RAW_STOPPED;
    }
    return RAW_UNKNOWN;
}

static void tell_check(struct buf *reason, const struct check_result *c)
{
    if (reason->len)
        buf_str(reason, "; ");
    buf_printf(reason, "%s: %s", c->target, c->reason ? c->reason : "failed");
}

/* A service that answers is not down, whatever its manager says; one that its manager calls
 * running and that answers nothing is degraded, since nobody knows what else it does. */
enum health judge(enum raw_state state, const struct check_result *checks, size_t n,
                  struct buf *reason)
{
    size_t good = 0, bad = 0;
    for (size_t i = 0; i < n; i++) {
        good += checks[i].verdict == CHECK_OK;
        bad += checks[i].verdict == CHECK_FAILED;
        if (checks[i].verdict == CHECK_FAILED)
            tell_check(reason, &checks[i]);
    }
    switch (state) {
    case RAW_RUNNING:
        return bad ? DEGRADED : HEALTHY;
    case RAW_STOPPED:
    case RAW_ERROR:
        if (!good)
            return DOWN;
        if (reason->len)
            buf_str(reason, "; ");
        buf_str(reason, "it answers all the same");
        return DEGRADED;
    default:
        if (good)
            return bad ? DEGRADED : HEALTHY;
        if (bad)
            return DOWN;
        if (!reason->len)
            buf_str(reason, state == RAW_NOT_FOUND ? "no unit, init script or process of it is here"
                            : state == RAW_TIMEOUT ? "the service manager did not answer"
                                                   : "nothing tells its state");
        return HEALTH_UNKNOWN;
    }
}
