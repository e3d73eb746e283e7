#include "store/embedded/index.h"

#include "base/crypto.h"

#include <stdlib.h>

void bury(struct graveyard *g, void *p)
{
    if (!p)
        return;
    if (g->n == g->size) {
        g->size = g->size ? g->size * 2 : 64;
        g->at = mem_grow(g->at, g->size * sizeof *g->at);
    }
    g->at[g->n++] = p;
}

void graveyard_free(struct graveyard *g)
{
    for (size_t i = 0; i < g->n; i++)
        free(g->at[i]);
    free(g->at);
    *g = (struct graveyard){0};
}

/* ---- hashes ---- */

static uint64_t hash_seed[3];

__attribute__((constructor)) static void seed_once(void)
{
    random_bytes(hash_seed, sizeof hash_seed);
    hash_seed[1] |= 1;
    hash_seed[2] |= 1;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t seeded_hash(struct span s)
{
    uint64_t h = hash_seed[0] ^ s.len, a, b;
    const char *p = s.at;
    size_t n = s.len;
    for (; n > 16; p += 16, n -= 16) {
        memcpy(&a, p, 8);
        memcpy(&b, p + 8, 8);
        h = fold(a ^ hash_seed[1], b ^ h);
    }
    a = b = 0;
    if (n)
        memcpy(&a, p, MIN(n, (size_t)8));
    if (n > 8)
        memcpy(&b, p + 8, n - 8);
    return fold(fold(a ^ hash_seed[1], b ^ h), hash_seed[2]);
}

uint64_t pair_hash(struct span name, struct span value)
{
    return fold(seeded_hash(name) ^ hash_seed[2], seeded_hash(value) | 1) + hash_seed[0];
}

/* ---- interning ---- */

const struct label_key *index_key(const struct index *ix, struct span name)
{
    uint32_t hash = (uint32_t)seeded_hash(name);
    for (uint32_t at = hash, id; (id = idmap_next(&ix->by_name, hash, &at));)
        if (span_eq(ix->keys[id]->name, name))
            return ix->keys[id];
    return NULL;
}

static const struct pair *find_pair(const struct index *ix, struct span name, struct span value,
                                    uint64_t hash)
{
    for (uint32_t at = (uint32_t)hash, id; (id = idmap_next(&ix->by_pair, (uint32_t)hash, &at));) {
        const struct pair *p = ix->pairs[id];
        if (span_eq(p->value, value) && span_eq(p->key->name, name))
            return p;
    }
    return NULL;
}

const struct pair *index_pair(const struct index *ix, struct span name, struct span value)
{
    return find_pair(ix, name, value, pair_hash(name, value));
}

/* One allocation for a struct and the text behind it. */
static void *with_text(size_t size, struct span text, struct span *copy)
{
    char *at = mem_zero(1, size + text.len + 1);
    memcpy(at + size, text.at, text.len);
    *copy = span_from(at + size, text.len);
    return at;
}

static void *array_add(void *array, uint32_t n, uint32_t *size, size_t each)
{
    if (n < *size)
        return array;
    *size = n < 8 ? n + 4 : n + n / 4 + 4;
    return mem_grow(array, *size * each);
}

static struct label_key *intern_key(struct index *ix, struct span name)
{
    struct label_key *key = (struct label_key *)index_key(ix, name);
    if (key)
        return key;
    struct span copy;
    key = with_text(sizeof *key, name, &copy);
    key->name = copy;
    ix->keys_end += !ix->keys_end; /* number 0 is nobody's */
    key->id = ix->keys_end++;
    ix->keys = array_add(ix->keys, key->id, &ix->keys_size, sizeof(void *));
    ix->keys[key->id] = key;
    idmap_add(&ix->by_name, (uint32_t)seeded_hash(name), key->id);
    return key;
}

uint32_t index_intern(struct index *ix, struct span name, struct span value)
{
    uint64_t hash = pair_hash(name, value);
    const struct pair *known = find_pair(ix, name, value, hash);
    if (known)
        return known->id;
    struct label_key *key = intern_key(ix, name);
    struct span copy;
    struct pair *p = with_text(sizeof *p, value, &copy);
    ix->pairs_end += !ix->pairs_end;
    p->key = key;
    p->value = copy;
    p->hash = hash;
    p->id = ix->pairs_end++;
    p->place = key->n;
    ix->pairs = array_add(ix->pairs, p->id, &ix->pairs_size, sizeof(void *));
    ix->pairs[p->id] = p;
    key->pairs = array_add(key->pairs, key->n, &key->size, sizeof(void *));
    key->pairs[key->n++] = p;
    idmap_add(&ix->by_pair, (uint32_t)hash, p->id);
    return p->id;
}

void index_add(struct index *ix, uint32_t series, const uint32_t *pairs, size_t n)
{
    ix->series = array_add(ix->series, ix->n, &ix->size, sizeof(uint32_t));
    ix->series[ix->n++] = series;
    for (size_t i = 0; i < n; i++) {
        struct pair *p = ix->pairs[pairs[i]];
        p->series = array_add(p->series, p->n, &p->size, sizeof(uint32_t));
        p->series[p->n++] = series;
    }
}

/* ---- sweeping ---- */

static uint32_t sweep_list(uint32_t *series, uint32_t n, bool (*gone)(void *, uint32_t), void *arg)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!gone(arg, series[i]))
            series[kept++] = series[i];
    return kept;
}

static void drop_pair(struct index *ix, struct pair *p, struct graveyard *g)
{
    struct label_key *key = p->key;
    struct pair *last = key->pairs[--key->n];
    last->place = p->place;
    key->pairs[p->place] = last;
    idmap_remove(&ix->by_pair, (uint32_t)p->hash, p->id);
    ix->pairs[p->id] = NULL;
    free(p->series);
    bury(g, p);
    if (key->n)
        return;
    idmap_remove(&ix->by_name, (uint32_t)seeded_hash(key->name), key->id);
    ix->keys[key->id] = NULL;
    free(key->pairs);
    bury(g, key);
}

void index_sweep(struct index *ix, bool (*gone)(void *arg, uint32_t series), void *arg,
                 struct graveyard *g)
{
    ix->n = sweep_list(ix->series, ix->n, gone, arg);
    for (uint32_t id = 1; id < ix->pairs_end; id++) {
        struct pair *p = ix->pairs[id];
        if (!p)
            continue;
        p->n = sweep_list(p->series, p->n, gone, arg);
        if (!p->n)
            drop_pair(ix, p, g);
    }
}

void index_free(struct index *ix)
{
    for (uint32_t id = 1; id < ix->pairs_end; id++)
        if (ix->pairs[id]) {
            free(ix->pairs[id]->series);
            free(ix->pairs[id]);
        }
    for (uint32_t id = 1; id < ix->keys_end; id++)
        if (ix->keys[id]) {
            free(ix->keys[id]->pairs);
            free(ix->keys[id]);
        }
    free(ix->pairs);
    free(ix->keys);
    idmap_free(&ix->by_pair);
    idmap_free(&ix->by_name);
    free(ix->series);
    *ix = (struct index){0};
}
