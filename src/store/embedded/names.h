/* Which label directories of a block have a metric name, and where in them: hosts that are not
 * quite alike have a directory each, and a query for a name would otherwise look into every one.
 *
 * Made by the first query that wants it and kept as long as the block. Takes at most 12 bytes for
 * each name in each directory, which itself takes ten times as many for a series, and about 100
 * for each name. */
#pragma once

#include "store/embedded/directory.h"

struct names;

/* Where a name stands in a directory: first, first + 1, ...; n is 0: it does not. */
struct name_range {
    uint16_t first, n;
};
_Static_assert(PART_MAX_SERIES <= UINT16_MAX, "places in a directory fit into a name_range");

/* directories: NULL for one that is damaged, which then has no name. Those that are not in the
 * order of names are said to have every name everywhere. They must live as long. */
struct names *names_make(struct directory *const *directories, size_t n);
/* For each directory where the name stands, in the arena; NULL when none has it. */
struct name_range *names_find(const struct names *all, struct span name, struct arena *arena);
void names_free(struct names *all); /* NULL is fine */
