/* Series in memory, rules from text, evaluations at given times, and what came of them as text. */
#pragma once

#include "alert/alert.h"
#include "unit.h"

struct world {
    struct memory_source *series;
    struct alert_rules rules;
    struct alerter *alerter;
    struct alert_world face;
    struct buf changes; /* "60 firing A{...}\n" */
    int64_t now_ms;
};

int world_open(void **state);
int world_close(void **state);
void world_rules(struct world *w, const char *yaml);
/* The alerter anew, as after a restart; the series stay. */
void world_restart(struct world *w);
void world_sample(struct world *w, const char *metric, const char *instance, int64_t t_s, double v);
/* Evaluates every group at that second. */
void world_evaluate(struct world *w, int64_t t_s);
/* The samples of a metric as "60:1 120:1 180:stale " of all series in order of arrival. */
void world_series(struct world *w, const char *metric, struct buf *out);

#define WORLD_TEST(fn) cmocka_unit_test_setup_teardown(fn, world_open, world_close)
