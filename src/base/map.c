#include "base/map.h"

#include "base/arena.h"

enum { MAP_FIRST_SLOTS = 16 };

static struct map_slot *find(const struct map *m, struct span key, uint64_t hash)
{
    if (!m->size)
        return NULL;
    for (size_t i = hash & (m->size - 1);; i = (i + 1) & (m->size - 1)) {
        struct map_slot *slot = &m->slots[i];
        if (!slot->key.at)
            return NULL;
        if (slot->value && slot->hash == hash && span_eq(slot->key, key))
            return slot;
    }
}

/* Probing needs free slots; deleted ones are dropped on the way. */
static void grow(struct map *m)
{
    if (m->size && m->used + 1 <= m->size / 4 * 3)
        return;
    size_t size = MAX((size_t)MAP_FIRST_SLOTS, m->size);
    while (m->count + 1 > size / 2)
        size *= 2;
    struct map_slot *slots = mem_zero(size, sizeof *slots);
    for (size_t i = 0; i < m->size; i++) {
        if (!m->slots[i].value)
            continue;
        size_t at = m->slots[i].hash & (size - 1);
        while (slots[at].key.at)
            at = (at + 1) & (size - 1);
        slots[at] = m->slots[i];
    }
    free(m->slots);
    *m = (struct map){.slots = slots, .size = size, .used = m->count, .count = m->count};
}

void *map_get(const struct map *m, struct span key)
{
    struct map_slot *slot = find(m, key, span_hash(key));
    return slot ? slot->value : NULL;
}

void *map_put(struct map *m, struct span key, void *value)
{
    uint64_t hash = span_hash(key);
    struct map_slot *slot = find(m, key, hash);
    if (slot) {
        void *old = slot->value;
        slot->key = key;
        slot->value = value;
        return old;
    }
    grow(m);
    size_t at = hash & (m->size - 1);
    while (m->slots[at].key.at)
        at = (at + 1) & (m->size - 1);
    if (!key.at)
        key.at = ""; /* an empty key must still mark its slot as used */
    m->slots[at] = (struct map_slot){.key = key, .hash = hash, .value = value};
    m->used++;
    m->count++;
    return NULL;
}

void *map_remove(struct map *m, struct span key)
{
    struct map_slot *slot = find(m, key, span_hash(key));
    if (!slot)
        return NULL;
    void *old = slot->value;
    slot->value = NULL;
    slot->key = SPAN(""); /* the owner may free the real key now */
    m->count--;
    return old;
}

struct map_slot *map_next(const struct map *m, size_t *at)
{
    while (*at < m->size) {
        struct map_slot *slot = &m->slots[(*at)++];
        if (slot->value)
            return slot;
    }
    return NULL;
}

void map_free(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}
