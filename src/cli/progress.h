/* A line of progress on standard error, when that is a terminal. */
#pragma once

#include <stdint.h>

struct progress {
    const char *name; /* of the command */
    uint64_t total;   /* bytes; 0: not known */
    uint64_t samples; /* 0: not counted */
    int64_t begun_ms, shown_ms;
    int terminal; /* 0: not asked yet, 1: is one, -1: is none */
};

void progress_show(struct progress *p, uint64_t bytes);
void progress_end(struct progress *p); /* wipes the line */
