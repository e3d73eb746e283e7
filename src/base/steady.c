#include "base/steady.h"

static bool apart(int64_t a, int64_t b)
{
    return a > b ? a - b > STEADY_STEP_MS : b - a > STEADY_STEP_MS;
}

void steady_begin(struct steady *s, int64_t wall_ms, int64_t mono_ms, int64_t newest_ms)
{
    bool before = newest_ms != INT64_MIN && wall_ms < newest_ms && apart(wall_ms, newest_ms);
    bool after = newest_ms != INT64_MIN && wall_ms - STEADY_TRUST_MS > newest_ms;
    s->own_ms = before || after ? newest_ms : wall_ms;
    s->wall_ms = wall_ms;
    s->mono_ms = s->stepped_mono_ms = mono_ms;
    s->away = before || after;
}

bool steady_look(struct steady *s, int64_t wall_ms, int64_t mono_ms)
{
    int64_t passed = mono_ms - s->mono_ms;
    bool stepped = apart(wall_ms, s->wall_ms + passed);
    s->own_ms += passed;
    s->wall_ms = wall_ms;
    s->mono_ms = mono_ms;
    if (stepped) {
        s->stepped_mono_ms = mono_ms;
        s->away = apart(wall_ms, s->own_ms); /* it may have come back */
    }
    if (s->away && mono_ms - s->stepped_mono_ms >= STEADY_TRUST_MS)
        s->away = false;
    if (!s->away)
        s->own_ms = wall_ms;
    return stepped;
}
