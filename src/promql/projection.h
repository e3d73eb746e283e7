/* Grouping of label sets: by some labels or by all but some, each group with a number. */
#pragma once

#include "promql/ast.h"

/* What of a label set counts. */
struct projection {
    struct names names; /* sorted */
    bool keep;          /* only these; else all but these */
    bool keep_metric;   /* with keep false: the metric's name counts too */
};

/* Copies and sorts the names. */
struct projection projection_of(struct arena *a, const struct names *names, bool keep);
uint64_t projection_hash(const struct projection *p, struct labels l);
bool projection_eq(const struct projection *p, struct labels a, struct labels b);
/* What is left of l. */
struct labels projection_apply(const struct projection *p, struct arena *a, struct labels l);

/* Numbers groups 0, 1, 2, ... in the order in which they are first met. */
struct group_table {
    struct projection projection;
    struct arena *arena;
    uint32_t *slots; /* number + 1; 0 is free */
    uint64_t *hashes;
    struct labels *first; /* of each group, the label set that it was met with */
    size_t size, n, room;
};

#define GROUP_NONE UINT32_MAX

void groups_init(struct group_table *t, struct arena *a, struct projection p, size_t expected);
uint32_t groups_add(struct group_table *t, struct labels l);
uint32_t groups_find(const struct group_table *t, struct labels l); /* or GROUP_NONE */
