/* From a hash to the numbers (from 1) of things that have it; the owner compares. Eight bytes a
 * slot, so that finding a series among millions touches little memory. */
#pragma once

#include "base/arena.h"

struct idmap_slot {
    uint32_t hash, id; /* id 0: free */
};

struct idmap {
    struct idmap_slot *slots;
    uint32_t mask; /* slots - 1; 0 before the first */
    uint32_t used; /* with the removed */
};

enum { IDMAP_FIRST_SLOTS = 64 };
#define IDMAP_REMOVED UINT32_MAX

/* for (uint32_t at = hash, id; (id = idmap_next(m, hash, &at));) compare the thing id */
static inline uint32_t idmap_next(const struct idmap *m, uint32_t hash, uint32_t *at)
{
    if (!m->slots)
        return 0;
    for (;;) {
        struct idmap_slot s = m->slots[(*at)++ & m->mask];
        if (!s.id || (s.hash == hash && s.id != IDMAP_REMOVED))
            return s.id;
    }
}

static inline void idmap_place(struct idmap *m, uint32_t hash, uint32_t id)
{
    uint32_t at = hash;
    while (m->slots[at & m->mask].id)
        at++;
    m->slots[at & m->mask] = (struct idmap_slot){hash, id};
    m->used++;
}

static inline void idmap_grow(struct idmap *m)
{
    struct idmap old = *m;
    uint32_t size = old.slots ? old.mask + 1 : 0, live = 0;
    for (uint32_t i = 0; i < size; i++)
        live += old.slots[i].id && old.slots[i].id != IDMAP_REMOVED;
    uint32_t want = IDMAP_FIRST_SLOTS;
    while (want < live * 2)
        want *= 2;
    *m = (struct idmap){mem_zero(want, sizeof *m->slots), want - 1, 0};
    for (uint32_t i = 0; i < size; i++)
        if (old.slots[i].id && old.slots[i].id != IDMAP_REMOVED)
            idmap_place(m, old.slots[i].hash, old.slots[i].id);
    free(old.slots);
}

static inline void idmap_add(struct idmap *m, uint32_t hash, uint32_t id)
{
    if (!m->slots || m->used >= m->mask - m->mask / 4)
        idmap_grow(m);
    idmap_place(m, hash, id);
}

static inline void idmap_remove(struct idmap *m, uint32_t hash, uint32_t id)
{
    for (uint32_t at = hash; m->slots; at++) {
        struct idmap_slot *s = &m->slots[at & m->mask];
        if (!s->id)
            return;
        if (s->id == id) {
            s->id = IDMAP_REMOVED;
            return;
        }
    }
}
