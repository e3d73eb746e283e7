/* From a hash to the numbers (from 1) of things that have it; the owner compares. Eight bytes a
 * slot, so that finding a series among millions touches little memory. By the upper bits of the
 * hash it is many small tables: one grows at a time, so nobody waits for millions of entries to
 * be moved (2.5 million: 0.2 ms instead of 0.2 s). */
#pragma once

#include "base/arena.h"

enum { IDMAP_PARTS_BITS = 8, IDMAP_PARTS = 1 << IDMAP_PARTS_BITS, IDMAP_FIRST_SLOTS = 16 };
#define IDMAP_REMOVED UINT32_MAX

struct idmap_slot {
    uint32_t hash, id; /* id 0: free */
};

struct idmap_part {
    struct idmap_slot *slots;
    uint32_t mask; /* slots - 1; 0 before the first */
    uint32_t used; /* with the removed */
};

struct idmap {
    struct idmap_part parts[IDMAP_PARTS];
};

static inline uint32_t idmap_part(uint32_t hash)
{
    return hash >> (32 - IDMAP_PARTS_BITS);
}

/* for (uint32_t at = hash, id; (id = idmap_next(m, hash, &at));) compare the thing id */
static inline uint32_t idmap_next(const struct idmap *m, uint32_t hash, uint32_t *at)
{
    const struct idmap_part *p = &m->parts[idmap_part(hash)];
    if (!p->slots)
        return 0;
    for (;;) {
        struct idmap_slot s = p->slots[(*at)++ & p->mask];
        if (!s.id || (s.hash == hash && s.id != IDMAP_REMOVED))
            return s.id;
    }
}

static inline void idmap_place(struct idmap_part *p, uint32_t hash, uint32_t id)
{
    uint32_t at = hash;
    while (p->slots[at & p->mask].id)
        at++;
    p->slots[at & p->mask] = (struct idmap_slot){hash, id};
    p->used++;
}

static inline void idmap_grow(struct idmap_part *p)
{
    struct idmap_part old = *p;
    uint32_t size = old.slots ? old.mask + 1 : 0, live = 0;
    for (uint32_t i = 0; i < size; i++)
        live += old.slots[i].id && old.slots[i].id != IDMAP_REMOVED;
    uint32_t want = IDMAP_FIRST_SLOTS;
    while (want < live * 2)
        want *= 2;
    *p = (struct idmap_part){mem_zero(want, sizeof *p->slots), want - 1, 0};
    for (uint32_t i = 0; i < size; i++)
        if (old.slots[i].id && old.slots[i].id != IDMAP_REMOVED)
            idmap_place(p, old.slots[i].hash, old.slots[i].id);
    free(old.slots);
}

static inline void idmap_add(struct idmap *m, uint32_t hash, uint32_t id)
{
    struct idmap_part *p = &m->parts[idmap_part(hash)];
    if (!p->slots || p->used >= p->mask - p->mask / 4)
        idmap_grow(p);
    idmap_place(p, hash, id);
}

static inline void idmap_remove(struct idmap *m, uint32_t hash, uint32_t id)
{
    const struct idmap_part *p = &m->parts[idmap_part(hash)];
    for (uint32_t at = hash; p->slots; at++) {
        struct idmap_slot *s = &p->slots[at & p->mask];
        if (!s->id)
            return;
        if (s->id == id) {
            s->id = IDMAP_REMOVED;
            return;
        }
    }
}

static inline void idmap_free(struct idmap *m)
{
    for (size_t i = 0; i < IDMAP_PARTS; i++)
        free(m->parts[i].slots);
}
