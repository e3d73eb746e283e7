/* What the aggregations share: input series with the number of their group. */
#pragma once

#include "promql/eval.h"
#include "promql/projection.h"

struct aggregation {
    const struct expr *e;
    const struct grid *g;
    struct vector in;
    struct scalar param;
    struct group_table groups;
    uint32_t *ids; /* the group of each input series */
};

/* Whether a group has drop_name set by any of its series. */
void aggregation_labels(struct eval *ev, const struct aggregation *a, struct vector *out);
/* Series by group: those of group i are order[first[i]] .. order[first[i + 1] - 1]. */
void aggregation_members(struct eval *ev, const struct aggregation *a, size_t **first,
                         size_t **order);

MUST_USE enum status aggregate_quantile(struct eval *ev, const struct aggregation *a,
                                        struct vector *out);
MUST_USE enum status aggregate_k(struct eval *ev, const struct aggregation *a, bool top,
                                 struct vector *out);
MUST_USE enum status aggregate_count_values(struct eval *ev, const struct expr *e,
                                            const struct grid *g, struct vector *out);
