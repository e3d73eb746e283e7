/* Which series of the head match: the shortest list of candidates that one matcher gives, then
 * the other matchers, each of them asked once for each value and not for each series. */
#include "store/embedded/index.h"

#include <stdlib.h>

/* What a matcher says about a value of its label. */
enum answer { UNASKED, YES, NO };

struct test {
    const struct matcher *m;
    const struct label_key *key; /* NULL: no series has the label */
    bool takes_missing;          /* "" matches */
    uint8_t *answers;            /* by the pair's place */
};

static bool pair_matches(struct test *t, const struct pair *p)
{
    uint8_t *answer = &t->answers[p->place];
    if (*answer == UNASKED)
        *answer = matcher_value_matches(t->m, p->value) ? YES : NO;
    return *answer == YES;
}

static bool series_matches(const struct index *ix, struct test *t, const uint32_t *pairs, size_t n)
{
    for (size_t i = 0; t->key && i < n; i++)
        if (ix->pairs[pairs[i]]->key == t->key)
            return pair_matches(t, ix->pairs[pairs[i]]);
    return t->takes_missing;
}

/* How many candidates the matcher leaves; SIZE_MAX when it cannot say, because it also takes
 * series without the label. */
static size_t candidates(const struct index *ix, struct test *t)
{
    size_t n = 0;
    if (t->takes_missing)
        return SIZE_MAX;
    if (t->m->kind == MATCH_EQUAL) {
        const struct pair *p = index_pair(ix, t->m->name, t->m->value);
        return p ? p->n : 0;
    }
    for (uint32_t i = 0; t->key && i < t->key->n; i++)
        if (pair_matches(t, t->key->pairs[i]))
            n += t->key->pairs[i]->n;
    return n;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The candidates themselves. A series has one value of a label, so no number comes twice. */
static void collect(const struct index *ix, struct test *t, uint32_t *out)
{
    if (t->m->kind == MATCH_EQUAL) {
        const struct pair *p = index_pair(ix, t->m->name, t->m->value);
        if (p)
            memcpy(out, p->series, p->n * sizeof *out);
        return;
    }
    size_t n = 0, lists = 0;
    for (uint32_t i = 0; t->key && i < t->key->n; i++) {
        const struct pair *p = t->key->pairs[i];
        if (!pair_matches(t, p))
            continue;
        memcpy(out + n, p->series, p->n * sizeof *out);
        n += p->n;
        lists++;
    }
    if (lists > 1)
        qsort(out, n, sizeof *out, by_number);
}

static struct test *prepare(const struct index *ix, const struct matcher *matchers, size_t n,
                            struct arena *arena)
{
    struct test *tests = ARENA_ARRAY(arena, struct test, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct label_key *key = index_key(ix, matchers[i].name);
        tests[i] = (struct test){
            .m = &matchers[i],
            .key = key,
            .takes_missing = matcher_value_matches(&matchers[i], SPAN("")),
            .answers = arena_zero(arena, key ? key->n : 1, 1),
        };
    }
    return tests;
}

size_t index_select(const struct index *ix, const struct matcher *matchers, size_t n,
                    index_pairs_fn pairs_of, void *arg, struct arena *arena, uint32_t **out)
{
    struct test *tests = prepare(ix, matchers, n, arena);
    size_t best = ix->n, chosen = n;
    /* equalities first: they cost nothing, and may make asking every value needless */
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n; i++) {
            bool equal = matchers[i].kind == MATCH_EQUAL;
            if (equal != (pass == 0) || (pass && tests[i].key && tests[i].key->n > best))
                continue;
            size_t count = candidates(ix, &tests[i]);
            if (count < best || (count == best && chosen == n)) {
                best = count;
                chosen = i;
            }
        }
    uint32_t *list = *out = arena_alloc(arena, (best + 1) * sizeof *list);
    if (chosen == n)
        memcpy(list, ix->series, best * sizeof *list);
    else
        collect(ix, &tests[chosen], list);
    size_t kept = 0;
    for (size_t i = 0; i < best; i++) {
        size_t pairs_n;
        const uint32_t *pairs = pairs_of(arg, list[i], &pairs_n);
        bool all = true;
        for (size_t k = 0; all && k < n; k++)
            all = k == chosen || series_matches(ix, &tests[k], pairs, pairs_n);
        if (all)
            list[kept++] = list[i];
    }
    return kept;
}
