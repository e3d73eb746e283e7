/* The labels of the series of a part, without the label instance: hosts of the same kind have
 * the same directory. Sorted by labels; as bytes:
 *
 *   number of series, then for each: how many labels are those of the series before,
 *   how many follow, (name, value)...; a text is its length and its bytes
 *
 * compressed with zstd. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "series/matcher.h"

enum { PART_MAX_SERIES = 1024, DIRECTORY_MAX_BYTES = 64 << 20 };

struct directory {
    _Atomic size_t holders;
    struct arena arena;
    struct labels *series;
    uint64_t *hashes; /* of the labels that are here */
    size_t n;
    bool by_name; /* all have a name, which is their first label: they are in the order of names */
    size_t bytes; /* of memory */
};

/* Appends the next series' labels (without instance); before is the last one. */
void directory_put(struct buf *out, struct labels before, struct labels labels);
/* From what directory_put wrote n times; NULL when the bytes are damaged. Held once. */
struct directory *directory_parse(struct span text, size_t n);
void directory_hold(struct directory *d);
void directory_release(struct directory *d);
/* The name of a series, of a directory by name. */
static inline struct span directory_name(const struct directory *d, size_t i)
{
    return d->series[i].at[0].value;
}
/* Places that match all of the matchers, which must not be about instance. */
size_t directory_select(const struct directory *d, const struct matcher *matchers, size_t n,
                        struct arena *arena, uint32_t **out);
/* The same among the places first, first + 1, ..., first + count - 1 alone. */
size_t directory_select_in(const struct directory *d, size_t first, size_t count,
                           const struct matcher *matchers, size_t n, struct arena *arena,
                           uint32_t **out);
/* The matcher for one metric name; NULL when there is none. */
const struct matcher *matcher_of_name(const struct matcher *matchers, size_t n);
/* The place of these labels; d->n when they are not there. */
size_t directory_find(const struct directory *d, struct labels labels);
