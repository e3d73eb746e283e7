/* See schedule.h. */
#include "agent/schedule.h"

enum { EARLY_PART = 8 /* of the interval: less than what may pass before the first */ };

void schedule_start(struct schedule *s, int64_t now_ms, int64_t interval_ms, uint64_t phase)
{
    int64_t first = interval_ms / 4 + (int64_t)(phase % (uint64_t)interval_ms) * 3 / 4;
    *s = (struct schedule){.start_ms = now_ms + first, .interval_ms = interval_ms};
}

int64_t schedule_next(struct schedule *s, int64_t now_ms)
{
    /* A timer may fire a little early: that was the one that is due, and no second one follows. */
    if (now_ms < s->start_ms - s->interval_ms / EARLY_PART)
        return s->start_ms - now_ms;
    int64_t late = now_ms > s->start_ms ? now_ms - s->start_ms : 0;
    s->missed += (uint64_t)(late / s->interval_ms);
    s->start_ms += (late / s->interval_ms + 1) * s->interval_ms;
    return s->start_ms - now_ms;
}
