/* Prometheus's test scripts (promqltest): load, clear and eval commands with the results they
 * must give. What the engine leaves out on purpose (native histograms, what Prometheus has
 * behind feature flags) is skipped, case by case and by name. */
#pragma once

#include "promql/promql.h"

enum { SCRIPT_MAX_BYTES = 16 << 20, SCRIPT_VALUES_MAX = 1000000, SCRIPT_SERIES_MAX = 10000 };

struct script_totals {
    size_t passed, failed, skipped;
};

/* Runs a script's text; says each failure and each skip on out, "file:line: ...". */
void script_run(const char *file, struct span text, struct script_totals *totals, struct buf *out);
