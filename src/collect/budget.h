/* Private to collect/: what a collector may cost. Its time is summed over a minute; one that takes
 * more than its budget is measured for another minute by processor time (the clock on the wall
 * also runs while others have the processor), and then runs more rarely, so that it keeps within
 * it; once it has become cheaper, more often again. Pure: time comes in as an argument. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    BUDGET_WINDOW_MS = 60000,
    BUDGET_DEFAULT_MS = 600, /* of processor time in each window: 1 % of a core */
    /* Beyond this a query would not find the last value any more (look-back is 5 min). */
    BUDGET_INTERVAL_MAX_MS = 120000,
};

struct budget {
    bool begun, exact;
    int64_t since_ms;        /* mono, start of the window */
    int64_t wall_ns, cpu_ns; /* in the window; cpu_ns only when exact */
    int64_t runs;
    int64_t total_ns;   /* since the start, wall */
    int64_t stretch_ms; /* 0: as often as it is meant to run */
};

/* A run at now_ms took so much; natural_ms is how often it runs when it is not stretched. True when
 * stretch_ms has become another one. */
bool budget_note(struct budget *b, int64_t now_ms, int64_t natural_ms, int64_t limit_ms,
                 int64_t wall_ns, int64_t cpu_ns);
