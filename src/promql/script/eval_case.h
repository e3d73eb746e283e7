/* One eval command: what is asked and what must come. */
#pragma once

#include "promql/script/series_text.h"

enum expect_kind { EXPECT_FAIL, EXPECT_WARN, EXPECT_NO_WARN, EXPECT_INFO, EXPECT_NO_INFO };

struct expectation {
    enum expect_kind kind;
    struct span text;
    enum { EXPECT_ANY, EXPECT_MESSAGE, EXPECT_PATTERN } match;
    struct expectation *next;
};

struct expected_series {
    struct script_series series;
    size_t place; /* among the lines, from 1 */
};

struct eval_case {
    struct span expr;
    bool range;          /* else instant */
    bool ordered, quiet; /* quiet: as expect fail in the old notation */
    bool has_scalar, has_string, has_range_vector, native;
    int64_t start_ms, end_ms, step_ms, at_ms;
    double scalar;
    struct span string;
    struct expectation *expectations;
    struct expected_series *series;
    size_t n;
};

bool eval_case_expects(const struct eval_case *c, enum expect_kind kind);
/* Reads the command's own line: "eval instant at 5m up". */
MUST_USE enum status eval_case_parse(struct span line, struct arena *arena, struct eval_case *out,
                                     struct err *err);
/* Reads a line below it. */
MUST_USE enum status eval_case_line(struct span line, struct arena *arena, struct eval_case *c,
                                    struct err *err);

/* INVALID with the difference. */
MUST_USE enum status eval_case_check(const struct eval_case *c, const struct result *r,
                                     struct arena *arena, struct err *err);
MUST_USE enum status eval_case_check_failure(const struct eval_case *c, const char *sentence,
                                             struct err *err);
/* The same values at the instant out of a range query around it. */
MUST_USE enum status eval_case_check_middle(const struct eval_case *c, const struct result *r,
                                            int64_t at_ms, struct arena *arena, struct err *err);
