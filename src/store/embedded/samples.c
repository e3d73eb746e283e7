/* Samples that a reader has collected, piece after piece. */
#include "store/embedded/head.h"

#include <stdlib.h>

enum { SAMPLES_FIRST = 64 };

void samples_room(struct samples *out, size_t more)
{
    if (out->n + more <= out->size)
        return;
    size_t size = MAX(out->size ? out->size * 2 : (size_t)SAMPLES_FIRST, out->n + more);
    out->t = arena_grow(out->arena, out->t, out->size * sizeof *out->t, size * sizeof *out->t);
    out->v = arena_grow(out->arena, out->v, out->size * sizeof *out->v, size * sizeof *out->v);
    out->size = size;
}

struct keyed {
    int64_t t;
    double v;
    size_t order;
};

static int by_time(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->t != y->t)
        return x->t < y->t ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

void samples_sort(struct samples *s)
{
    if (!s->mixed)
        return;
    struct keyed *all = mem_alloc(s->n * sizeof *all);
    for (size_t i = 0; i < s->n; i++)
        all[i] = (struct keyed){s->t[i], s->v[i], i};
    qsort(all, s->n, sizeof *all, by_time);
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (kept && s->t[kept - 1] == all[i].t)
            continue;
        s->t[kept] = all[i].t;
        s->v[kept++] = all[i].v;
    }
    free(all);
    s->n = kept;
    s->mixed = false;
}
