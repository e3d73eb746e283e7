/* What hosts use, a row of host_usage every five minutes: the table that people who know SQL ask.
 * The samples themselves are the store's. */
#pragma once

#include "record/record.h"

enum { USAGE_EVERY_MS = 5 * 60 * 1000, USAGE_KEPT_MS = 7 * 24 * 3600 * 1000 };

struct usage_row {
    struct span host; /* its name */
    int64_t at_ms;
    /* -1: not known */
    int64_t memory_free_mb; /* that programs can have: MemAvailable */
    int64_t cpu_idle_pct, cpu_kernel_pct;
    int64_t disk_io;           /* reads and writes under way */
    int64_t disk_available_mb; /* on / */
};

/* In one transaction; those of unknown hosts are left out. */
MUST_USE enum status record_usage_add(struct record *r, const struct usage_row *rows, size_t n,
                                      struct err *err);
/* Deletes rows from before that time, some thousands at most: until *deleted is 0. */
MUST_USE enum status record_usage_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                       struct err *err);
