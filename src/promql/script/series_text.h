/* The notation of series in test scripts: metric{label="value"} 1 2+3x4 _ stale NaN */
#pragma once

#include "promql/promql.h"

struct script_value {
    double v;
    bool omitted;
    bool native; /* a native histogram, {{...}} */
};

struct script_series {
    struct labels labels;
    struct script_value *values;
    size_t n;
    bool native;
};

/* Everything lives in the arena. INVALID with what is wrong. */
MUST_USE enum status script_series_parse(struct span line, struct arena *arena,
                                         struct script_series *out, struct err *err);
/* A line that is just a number. */
bool script_number_parse(struct span line, struct arena *arena, double *out);
