/* Hosts in memory and time that the test moves: series are set to a level or given a pace, every
 * step of 30 s appends two readings of each and lets the adviser look. */
#pragma once

#include "unit.h"

#include "advise/tick.h"
#include "promql/promql.h"

enum { WORLD_SERIES_MAX = 256, STEP_S = 30 };

struct world_series {
    struct labels labels;
    double value, pace; /* pace: per second */
    bool gone;
};

struct world {
    struct arena arena;  /* labels */
    struct arena answer; /* of the last look */
    struct memory_source *source;
    struct adviser *adviser;
    struct world_series series[WORLD_SERIES_MAX];
    size_t n;
    int64_t now_ms;
    struct advice advice;
};

/* The shipped rules, no classifier, one host "web1" with healthy memory and two CPUs that
 * booted a day ago; nothing has been looked at. */
void world_open(struct world *w);
/* An empty world with this rule file. */
void world_open_rules(struct world *w, const char *rules);
void world_close(struct world *w);
/* labels as "name=vm.swappiness,field=x"; instance is web1 unless given. */
struct world_series *world_set(struct world *w, const char *metric, const char *labels, double v);
/* The series grows by so much a second from now on. */
void world_pace(struct world *w, const char *metric, const char *labels, double per_s);
void world_gone(struct world *w, const char *metric, const char *labels);
void world_steps(struct world *w, size_t steps);
/* Readings without a look. */
void world_fill(struct world *w, size_t steps);
/* The same, with fewer looks where it is for hours. */
void world_looks(struct world *w, size_t steps);
static inline void world_minutes(struct world *w, size_t minutes)
{
    world_looks(w, minutes * 60 / STEP_S);
}
/* The analysis of a host at the last look; NULL when there was none. */
const struct analysis *world_host(const struct world *w, const char *instance);
/* The greatest value of an expression for web1 now; false when it has none. */
bool world_value(struct world *w, const struct expr *e, double *out);
/* A finding of web1 by its rule; NULL when it is silent. */
const struct finding *world_finding(const struct world *w, const char *rule);
