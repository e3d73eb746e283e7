/* See budget.h. */
#include "collect/budget.h"

#include "base/span.h"

enum {
    STEP_MS = 1000,
    SHORTEN_BELOW_PCT = 70, /* of the interval now: small changes of cost change nothing */
};

static void begin(struct budget *b, int64_t now_ms)
{
    b->begun = true;
    b->since_ms = now_ms;
    b->wall_ns = b->cpu_ns = b->runs = 0;
}

/* The interval at which runs of such a cost keep within the limit, in whole steps. */
static int64_t interval_for(int64_t run_ns, int64_t limit_ms)
{
    int64_t limit_ns = limit_ms * 1000000;
    int64_t ms = (int64_t)((double)run_ns * BUDGET_WINDOW_MS / (double)limit_ns);
    return MIN((ms + STEP_MS - 1) / STEP_MS * STEP_MS, (int64_t)BUDGET_INTERVAL_MAX_MS);
}

static bool set(struct budget *b, int64_t ms)
{
    bool other = ms != b->stretch_ms;
    b->stretch_ms = ms;
    return other;
}

static bool judge(struct budget *b, int64_t elapsed_ms, int64_t natural_ms, int64_t limit_ms)
{
    double share = (double)BUDGET_WINDOW_MS / (double)elapsed_ms;
    double limit_ns = (double)limit_ms * 1e6;
    if (!b->exact) {
        b->exact = (double)b->wall_ns * share > limit_ns;
        return false;
    }
    int64_t interval_ms = interval_for(b->cpu_ns / b->runs, limit_ms);
    int64_t now_ms = MAX(b->stretch_ms, natural_ms);
    if (interval_ms <= natural_ms && (double)b->cpu_ns * share <= limit_ns) {
        b->exact = false;
        return set(b, 0);
    }
    if ((double)b->cpu_ns * share > limit_ns)
        return interval_ms > now_ms && set(b, interval_ms);
    return interval_ms * 100 <= now_ms * SHORTEN_BELOW_PCT && set(b, interval_ms);
}

bool budget_note(struct budget *b, int64_t now_ms, int64_t natural_ms, int64_t limit_ms,
                 int64_t wall_ns, int64_t cpu_ns)
{
    b->total_ns += wall_ns;
    if (!b->begun || now_ms < b->since_ms)
        begin(b, now_ms);
    int64_t elapsed_ms = now_ms - b->since_ms;
    bool other = false, was_exact = b->exact;
    if (elapsed_ms >= BUDGET_WINDOW_MS && b->runs) {
        other = judge(b, elapsed_ms, natural_ms, limit_ms);
        begin(b, now_ms);
    }
    if (b->exact && !was_exact)
        b->begun = false; /* this run's processor time is not known: the next begins */
    if (!b->begun)
        return other;
    b->wall_ns += wall_ns;
    b->cpu_ns += cpu_ns;
    b->runs++;
    return other;
}
