#include "promql/projection.h"

static int compare_spans(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

struct projection projection_of(struct arena *a, const struct names *names, bool keep)
{
    struct span *at = arena_alloc(a, names->n * sizeof *at + 1);
    if (names->n > 0)
        memcpy(at, names->at, names->n * sizeof *at);
    qsort(at, names->n, sizeof *at, compare_spans);
    return (struct projection){.names = {at, names->n}, .keep = keep};
}

/* Walks the labels that count, both lists being sorted. */
struct walk {
    const struct projection *p;
    struct labels l;
    size_t i, name;
};

static bool counts(struct walk *w, struct span label)
{
    const struct names *names = &w->p->names;
    int order = 1;
    while (w->name < names->n && (order = span_compare(names->at[w->name], label)) < 0)
        w->name++;
    bool named = w->name < names->n && order == 0;
    if (w->p->keep)
        return named;
    return !named && (w->p->keep_metric || !span_eq(label, SPAN(LABEL_NAME)));
}

static const struct label *walk_next(struct walk *w)
{
    while (w->i < w->l.n) {
        const struct label *label = &w->l.at[w->i++];
        if (counts(w, label->name))
            return label;
        if (w->p->keep && w->name == w->p->names.n)
            return NULL;
    }
    return NULL;
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}

uint64_t projection_hash(const struct projection *p, struct labels l)
{
    struct walk w = {.p = p, .l = l};
    uint64_t h = 1;
    for (const struct label *label; (label = walk_next(&w));) {
        /* Which of the kept names it is says as much as the name. */
        h = mix(h, p->keep ? w.name : span_hash(label->name));
        h = mix(h, span_hash(label->value));
    }
    return h;
}

bool projection_eq(const struct projection *p, struct labels a, struct labels b)
{
    struct walk x = {.p = p, .l = a}, y = {.p = p, .l = b};
    for (;;) {
        const struct label *m = walk_next(&x), *n = walk_next(&y);
        if (!m || !n)
            return m == n;
        if (!span_eq(m->value, n->value) || !span_eq(m->name, n->name))
            return false;
    }
}

struct labels projection_apply(const struct projection *p, struct arena *a, struct labels l)
{
    struct label *at = arena_alloc(a, l.n * sizeof *at + 1);
    size_t n = 0;
    struct walk w = {.p = p, .l = l};
    for (const struct label *label; (label = walk_next(&w));)
        at[n++] = *label;
    return (struct labels){at, n};
}

void groups_init(struct group_table *t, struct arena *a, struct projection p, size_t expected)
{
    *t = (struct group_table){.projection = p, .arena = a, .size = 16};
    while (t->size < expected * 2)
        t->size *= 2;
    t->slots = ARENA_ARRAY(a, uint32_t, t->size);
}

static size_t slot_of(const struct group_table *t, uint64_t hash, struct labels l)
{
    size_t at = hash & (t->size - 1);
    for (; t->slots[at]; at = (at + 1) & (t->size - 1)) {
        uint32_t id = t->slots[at] - 1;
        if (t->hashes[id] == hash && projection_eq(&t->projection, t->first[id], l))
            break;
    }
    return at;
}

static void rehash(struct group_table *t)
{
    t->size *= 2;
    t->slots = ARENA_ARRAY(t->arena, uint32_t, t->size);
    for (size_t i = 0; i < t->n; i++) {
        size_t at = t->hashes[i] & (t->size - 1);
        while (t->slots[at])
            at = (at + 1) & (t->size - 1);
        t->slots[at] = (uint32_t)i + 1;
    }
}

uint32_t groups_add(struct group_table *t, struct labels l)
{
    uint64_t hash = projection_hash(&t->projection, l);
    size_t at = slot_of(t, hash, l);
    if (t->slots[at])
        return t->slots[at] - 1;
    if (t->n == t->room) {
        size_t room = t->room ? t->room * 2 : 16;
        t->hashes =
            arena_grow(t->arena, t->hashes, t->room * sizeof *t->hashes, room * sizeof *t->hashes);
        t->first =
            arena_grow(t->arena, t->first, t->room * sizeof *t->first, room * sizeof *t->first);
        t->room = room;
    }
    t->hashes[t->n] = hash;
    t->first[t->n] = l;
    t->slots[at] = (uint32_t)++t->n;
    if (t->n * 2 > t->size)
        rehash(t);
    return (uint32_t)t->n - 1;
}

uint32_t groups_find(const struct group_table *t, struct labels l)
{
    size_t at = slot_of(t, projection_hash(&t->projection, l), l);
    return t->slots[at] ? t->slots[at] - 1 : GROUP_NONE;
}
