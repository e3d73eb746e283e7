/* Samples that a reader has collected, piece after piece. */
#include "store/embedded/head.h"

#include <stdlib.h>

enum { SAMPLES_FIRST = 64 };

static int64_t *more_times(struct samples *out, size_t size)
{
    struct times *t = out->times;
    if (!t)
        return arena_grow(out->arena, out->t, out->size * sizeof *out->t, size * sizeof *out->t);
    if (size > t->size) {
        t->t = mem_grow(t->t, size * sizeof *t->t);
        t->size = size;
    }
    return t->t;
}

void samples_room(struct samples *out, size_t more)
{
    if (out->n + more <= out->size)
        return;
    size_t size = MAX(out->size ? out->size * 2 : (size_t)SAMPLES_FIRST, out->n + more);
    out->t = more_times(out, size);
    out->v = arena_grow(out->arena, out->v, out->size * sizeof *out->v, size * sizeof *out->v);
    out->size = size;
}

/* ---- times ---- */

void times_begin(struct times *t)
{
    t->at = 0;
    t->changed = t->moved = false;
}

bool times_known(struct times *t, const struct times_piece *p)
{
    if (t->at < t->pieces_n && !t->changed && p->block) {
        const struct times_piece *last = &t->pieces[t->at];
        if (p->block == last->block && p->part == last->part && p->clock == last->clock &&
            p->from == last->from && p->n == last->n) {
            t->at++;
            return true;
        }
    }
    t->changed = true;
    if (t->at == t->pieces_size) {
        t->pieces_size = t->pieces_size * 2 + 8;
        t->pieces = mem_grow(t->pieces, t->pieces_size * sizeof *t->pieces);
    }
    t->pieces[t->at++] = *p;
    t->pieces_n = t->at;
    return false;
}

void times_end(struct times *t, size_t n)
{
    if (t->changed || n != t->n || t->at != t->pieces_n || !t->id)
        t->id++;
    t->n = t->moved ? 0 : n;
    t->pieces_n = t->moved ? 0 : t->at;
}

void times_free(struct times *t)
{
    free(t->t);
    free(t->pieces);
    *t = (struct times){0};
}

void samples_moved(struct samples *s)
{
    if (!s->times)
        return;
    s->times->changed = s->times->moved = true;
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
    s->falls = true;
    samples_moved(s);
}
