/* What time it is when the wall clock may be wrong: after a step (a person, NTP, a dead battery)
 * there are two opinions, the wall clock and the time that has passed since before the step.
 *
 *   what may come in is judged by the more generous of the two,
 *   what may be thrown away is old by both.
 *
 * A wall clock that has gone on without a step for STEADY_TRUST_MS is believed again. Times are
 * arguments, as everywhere (clock.h). One thread at a time. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    STEADY_STEP_MS = 5 * 60 * 1000,        /* less than this from one look to the next is followed:
                                              NTP slews, or a small correction */
    STEADY_TRUST_MS = 24 * 60 * 60 * 1000, /* time for a person to see that the clock is wrong */
};

struct steady {
    int64_t own_ms, mono_ms; /* the time believed, and when */
    int64_t wall_ms;         /* what the wall clock said then */
    int64_t stepped_mono_ms; /* when the wall clock left; meaningless while !away */
    bool away;
};

/* newest_ms: the newest time that is known from elsewhere (data on disk); INT64_MIN: nothing.
 * A wall clock that is before it, or more than STEADY_TRUST_MS after it, counts as stepped. */
void steady_begin(struct steady *s, int64_t wall_ms, int64_t mono_ms, int64_t newest_ms);
/* Looks at the clocks. True when a step was seen at this look. */
bool steady_look(struct steady *s, int64_t wall_ms, int64_t mono_ms);

/* The earlier and the later opinion at the last look; the same unless away. */
static inline int64_t steady_early(const struct steady *s)
{
    return MIN(s->own_ms, s->wall_ms);
}
static inline int64_t steady_late(const struct steady *s)
{
    return MAX(s->own_ms, s->wall_ms);
}
