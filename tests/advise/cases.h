/* cases.yaml: for each shipped rule a host on which it speaks, and what makes that advice wrong. */
#pragma once

#include "world.h"

#include "advise/rule.h"

enum { CASES_MAX = 400, GUARDS_MAX = 8, GIVEN_MAX = 40 };

struct rule_case {
    const char *rule, *given;
    const char *guards[GUARDS_MAX]; /* each alone makes the rule silent */
    size_t n_guards;
    const char *want; /* "from -> to"; "" when the rule proposes no value */
    int64_t minutes;
};

/* One line of `given`: a level, a pace per second, or a series that is no longer sent. */
struct given {
    const char *metric, *labels;
    double value;
    bool pace, gone;
};

size_t read_cases(struct arena *arena, struct rule_case *out);
size_t read_given(struct arena *arena, const char *text, struct given *out);
void put_given(struct world *w, const struct given *g, size_t n);
/* Lines of text are put into the world. */
void put_lines(struct world *w, const char *text);
