#include "store/embedded/head.h"

struct text_block {
    struct text_block *next;
    size_t used, size;
    uint8_t at[];
};

void head_init(struct head *h)
{
    memset(h, 0, sizeof *h);
    pthread_rwlockattr_t fair;
    pthread_rwlockattr_init(&fair);
    /* the default starves writers while readers overlap, as appenders always do */
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&h->table, &fair);
    pthread_rwlock_init(&h->index_lock, &fair);
    pthread_rwlockattr_destroy(&fair);
    for (size_t i = 0; i < HEAD_SHARDS; i++)
        pthread_mutex_init(&h->shards[i], NULL);
    h->series_end = 1;
    h->groups_end = 1;
}

static void free_clocks(struct clock *clocks, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        free(clocks[i].after);
    free(clocks);
}

static void free_group(struct group *g)
{
    free_clocks(g->clocks, g->clocks_n);
    free_clocks(g->frozen_clocks, g->frozen_clocks_n);
    free(g->series);
    free(g->instance);
    free(g);
}

static void free_samples(struct series *s)
{
    free(s->packed);
    free(s->frozen);
    if (s->late) {
        free(s->late[0]);
        free(s->late[1]);
        free(s->late);
    }
    s->packed = s->frozen = NULL;
    s->late = NULL;
}

static void free_page(struct series_page *page)
{
    for (size_t i = 0; i < HEAD_PAGE; i++)
        if (page->at[i].raw)
            free_samples(&page->at[i]);
    for (struct text_block *b = page->text, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(page);
}

void head_free(struct head *h)
{
    for (uint32_t i = 1; i < h->groups_end; i++)
        if (h->groups[i])
            free_group(h->groups[i]);
    free(h->groups);
    for (size_t t = 0; t < HEAD_TOPS; t++) {
        struct series_top *top = h->tops[t];
        for (size_t p = 0; top && p < HEAD_TOP; p++)
            if (top->page[p])
                free_page(top->page[p]);
        free(top);
    }
    idmap_free(&h->by_raw);
    idmap_free(&h->by_instance);
    index_free(&h->index);
    pthread_rwlock_destroy(&h->table);
    pthread_rwlock_destroy(&h->index_lock);
    for (size_t i = 0; i < HEAD_SHARDS; i++)
        pthread_mutex_destroy(&h->shards[i]);
}

/* ---- finding ---- */

struct series *head_find(const struct head *h, struct span raw, uint32_t hash)
{
    for (uint32_t at = hash, id; (id = idmap_next(&h->by_raw, hash, &at));) {
        struct series *s = head_series(h, id);
        if (s && span_eq(series_raw(s), raw))
            return s;
    }
    return NULL;
}

struct group *head_group(const struct head *h, struct span instance)
{
    uint32_t hash = (uint32_t)seeded_hash(instance);
    for (uint32_t at = hash, id; (id = idmap_next(&h->by_instance, hash, &at));)
        if (span_is(instance, h->groups[id]->instance))
            return h->groups[id];
    return NULL;
}

struct labels head_labels(const struct head *h, const struct series *s, struct label *at)
{
    const uint32_t *pairs = series_pairs(s);
    for (size_t i = 0; i < s->pairs_n; i++) {
        const struct pair *p = h->index.pairs[pairs[i]];
        at[i] = (struct label){p->key->name, p->value};
    }
    return (struct labels){at, s->pairs_n};
}

uint64_t head_labels_hash(const struct head *h, const struct series *s)
{
    const uint32_t *pairs = series_pairs(s);
    uint64_t hash = 0;
    for (size_t i = 0; i < s->pairs_n; i++)
        hash += h->index.pairs[pairs[i]]->hash;
    return hash;
}

/* ---- creating ---- */

static struct group *create_group(struct head *h, struct span instance)
{
    struct group *g = mem_zero(1, sizeof *g);
    uint32_t hash = (uint32_t)seeded_hash(instance);
    g->instance = mem_dup_span(instance);
    g->shard = &h->shards[hash % HEAD_SHARDS];
    g->number = h->groups_end++;
    g->blocks_max_t = h->stored_until ? h->stored_until(h->stored_arg, instance) : INT64_MIN;
    if (g->number >= h->groups_size) {
        h->groups_size = g->number * 2 + 16;
        h->groups = mem_grow(h->groups, h->groups_size * sizeof(void *));
    }
    h->groups[g->number] = g;
    idmap_add(&h->by_instance, hash, g->number);
    return g;
}

static struct series_page *page_of(struct head *h, uint32_t id)
{
    struct series_top *top = h->tops[id / (HEAD_PAGE * HEAD_TOP)];
    if (!top)
        h->tops[id / (HEAD_PAGE * HEAD_TOP)] = top = mem_zero(1, sizeof *top);
    struct series_page *page = top->page[id / HEAD_PAGE % HEAD_TOP];
    if (!page)
        top->page[id / HEAD_PAGE % HEAD_TOP] = page = mem_zero(1, sizeof *page);
    return page;
}

/* Memory of the page, so that the labels of series that come together lie together. */
static uint8_t *page_text(struct series_page *page, size_t n)
{
    n = (n + 3) & ~(size_t)3;
    struct text_block *b = page->text;
    if (!b || b->size - b->used < n) {
        size_t size = MAX(n, (size_t)HEAD_TEXT_BLOCK - sizeof *b);
        b = mem_alloc(sizeof *b + size);
        *b = (struct text_block){page->text, 0, size};
        page->text = b;
    }
    b->used += n;
    return b->at + b->used - n;
}

static void join_group(struct group *g, struct series *s)
{
    pthread_mutex_lock(g->shard);
    if (g->series_n == g->series_size) {
        g->series_size = g->series_n < 16 ? 16 : g->series_n + g->series_n / 4;
        g->series = mem_grow(g->series, g->series_size * sizeof(void *));
    }
    g->series[g->series_n++] = s;
    g->sorted = false;
    s->group = g;
    s->last_t = g->blocks_max_t;
    pthread_mutex_unlock(g->shard);
}

struct series *head_create(struct head *h, uint32_t id, struct labels labels, struct span raw,
                           uint32_t hash)
{
    if (id == 0)
        id = h->series_end;
    if (h->alive >= HEAD_SERIES_MAX || id >= (uint32_t)HEAD_PAGE * HEAD_TOP * (HEAD_TOPS - 1))
        return NULL;
    struct series_page *page = page_of(h, id);
    struct series *s = &page->at[id % HEAD_PAGE];
    if (s->raw) /* only a damaged log says so */
        return NULL;
    uint8_t *text = page_text(page, ((raw.len + 3) & ~(size_t)3) + labels.n * 4);
    uint32_t *pairs = (uint32_t *)(void *)(text + ((raw.len + 3) & ~(size_t)3));
    memcpy(text, raw.at, raw.len);
    for (size_t i = 0; i < labels.n; i++)
        pairs[i] = index_intern(&h->index, labels.at[i].name, labels.at[i].value);
    struct span instance = labels_get(labels, SPAN(GROUP_LABEL));
    struct group *g = head_group(h, instance.at ? instance : SPAN(""));
    if (!g)
        g = create_group(h, instance.at ? instance : SPAN(""));
    s->id = id;
    s->raw_len = (uint32_t)raw.len;
    s->pairs_n = (uint16_t)labels.n;
    s->clock = s->run_clock = UINT32_MAX;
    s->raw = text;
    join_group(g, s);
    page->alive++;
    h->alive++;
    index_add(&h->index, id, pairs, labels.n);
    idmap_add(&h->by_raw, hash, id);
    if (id >= h->series_end)
        h->series_end = id + 1;
    return s;
}

/* ---- sweeping ---- */

static void remove_series(struct head *h, struct series *s, struct graveyard *g)
{
    idmap_remove(&h->by_raw, raw_hash(series_raw(s)), s->id);
    bury(g, s->packed);
    if (s->late) {
        bury(g, s->late[0]);
        bury(g, s->late[1]);
        bury(g, s->late);
    }
    s->packed = NULL;
    s->packed_len = 0;
    s->late = NULL;
    s->raw = NULL;
    h->alive--;
    struct series_top *top = h->tops[s->id / (HEAD_PAGE * HEAD_TOP)];
    struct series_page *page = top->page[s->id / HEAD_PAGE % HEAD_TOP];
    if (--page->alive || s->id / HEAD_PAGE == h->series_end / HEAD_PAGE)
        return; /* others live there, or are born there next */
    top->page[s->id / HEAD_PAGE % HEAD_TOP] = NULL;
    for (struct text_block *b = page->text, *next; b; b = next) {
        next = b->next;
        bury(g, b);
    }
    bury(g, page);
}

static void bury_group(struct head *h, struct group *g, struct graveyard *graves)
{
    idmap_remove(&h->by_instance, (uint32_t)seeded_hash(span_of(g->instance)), g->number);
    h->groups[g->number] = NULL;
    for (uint32_t i = 0; i < g->clocks_n; i++)
        bury(graves, g->clocks[i].after);
    bury(graves, g->clocks);
    bury(graves, g->series);
    bury(graves, g->instance);
    bury(graves, g);
}

/* A bit for each number. */
struct id_set {
    uint64_t *words;
};

static bool has_id(void *set, uint32_t id)
{
    const struct id_set *s = set;
    return s->words[id / 64] >> id % 64 & 1;
}

/* Its series that are gone leave the list; false: none is left. */
static bool keep_alive(struct group *g)
{
    uint32_t kept = 0;
    pthread_mutex_lock(g->shard);
    for (uint32_t k = 0; k < g->series_n; k++)
        if (g->series[k]->raw)
            g->series[kept++] = g->series[k];
    g->series_n = kept;
    pthread_mutex_unlock(g->shard);
    return kept > 0;
}

void head_sweep(struct head *h, const uint32_t *ids, size_t n, struct graveyard *graves)
{
    struct id_set gone = {mem_zero(h->series_end / 64 + 1, sizeof *gone.words)};
    struct id_set groups = {mem_zero(h->groups_end / 64 + 1, sizeof *groups.words)};
    for (size_t i = 0; i < n; i++) {
        struct series *s = head_series(h, ids[i]);
        gone.words[ids[i] / 64] |= (uint64_t)1 << ids[i] % 64;
        groups.words[s->group->number / 64] |= (uint64_t)1 << s->group->number % 64;
        pthread_mutex_t *shard = s->group->shard; /* queries read it under its lock */
        pthread_mutex_lock(shard);
        remove_series(h, s, graves);
        pthread_mutex_unlock(shard);
    }
    for (uint32_t i = 1; i < h->groups_end; i++)
        if (has_id(&groups, i) && !keep_alive(h->groups[i]))
            bury_group(h, h->groups[i], graves);
    index_sweep(&h->index, has_id, &gone, graves);
    free(gone.words);
    free(groups.words);
}

struct group **head_groups(struct head *h, size_t *n)
{
    *n = 0;
    pthread_rwlock_rdlock(&h->index_lock);
    struct group **list = mem_alloc(h->groups_end * sizeof(void *));
    for (uint32_t i = 1; i < h->groups_end; i++)
        if (h->groups[i])
            list[(*n)++] = h->groups[i];
    pthread_rwlock_unlock(&h->index_lock);
    return list;
}
