/* When the next collection is due: a fixed grid, so that samples stand at even distances. */
#pragma once

#include <stdint.h>

struct schedule {
    int64_t start_ms, interval_ms; /* mono */
    uint64_t missed;               /* collections that came too late to be made */
};

/* The grid begins somewhere in the first interval, as phase (any number) says: agents that start
 * together do not send together, nor in step with the kernel's own sampling of the load. */
void schedule_start(struct schedule *s, int64_t now_ms, int64_t interval_ms, uint64_t phase);
/* Milliseconds until the next collection, at least 1. */
int64_t schedule_next(struct schedule *s, int64_t now_ms);
