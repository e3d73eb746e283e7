/* What queries see: head and blocks as one, as they were when the view began. */
#include "store/embedded/view.h"

#include "base/log.h"
#include "base/map.h"
#include "series/remote_write.h"

#include <stdlib.h>

static struct range range_of(const struct select_hints *h)
{
    return h ? (struct range){h->start_ms, h->end_ms} : (struct range){INT64_MIN, INT64_MAX};
}

/* ---- deletions ---- */

void samples_bury(const struct version *v, const struct block *b, struct labels labels, size_t from,
                  struct samples *out)
{
    size_t n;
    const struct tombstone *t = tombstones_list(v->tombstones, &n);
    for (size_t i = 0; i < n; i++) {
        if (!tombstone_applies(&t[i], b) || !matchers_match(t[i].matchers, t[i].n, labels))
            continue;
        size_t kept = from;
        for (size_t k = from; k < out->n; k++) {
            if (out->t[k] >= t[i].start_ms && out->t[k] <= t[i].end_ms)
                continue;
            out->t[kept] = out->t[k];
            out->v[kept++] = out->v[k];
        }
        if (kept < out->n)
            samples_moved(out);
        out->n = kept;
    }
}

/* Whether nothing of a part is left to be seen for these labels. */
static bool all_deleted(const struct version *v, const struct block *b, struct block_place at,
                        struct arena *arena)
{
    size_t n;
    const struct tombstone *t = tombstones_list(v->tombstones, &n);
    const struct block_part *p = &b->parts[at.part];
    for (size_t i = 0; i < n; i++)
        if (tombstone_applies(&t[i], b) && t[i].start_ms <= p->min_t && t[i].end_ms >= p->max_t &&
            matchers_match(t[i].matchers, t[i].n, block_labels((struct block *)b, at, arena)))
            return true;
    return false;
}

/* ---- select ---- */

struct selection {
    struct arena *arena;
    struct found **at;
    size_t n, size;
    uint32_t *slots; /* index + 1 by hash; only when there are blocks to join */
    size_t mask;
};

static struct found *add_found(struct selection *s, uint64_t hash)
{
    if (s->n == s->size) {
        size_t size = s->size * 2 + 64;
        s->at = arena_grow(s->arena, s->at, s->size * sizeof *s->at, size * sizeof *s->at);
        s->size = size;
    }
    struct found *f = s->at[s->n++] = ARENA_NEW(s->arena, struct found);
    f->hash = hash;
    f->end = &f->first;
    return f;
}

static void place_slot(struct selection *s, size_t index)
{
    size_t at = s->at[index]->hash & s->mask;
    while (s->slots[at])
        at = (at + 1) & s->mask;
    s->slots[at] = (uint32_t)index + 1;
}

static void grow_slots(struct selection *s, size_t more)
{
    if (s->slots && (s->n + more) * 2 <= s->mask)
        return;
    size_t size = 256;
    while (size < (s->n + more) * 4)
        size *= 2;
    s->slots = ARENA_ARRAY(s->arena, uint32_t, size);
    s->mask = size - 1;
    for (size_t i = 0; i < s->n; i++)
        place_slot(s, i);
}

/* Hashes are 64 bits with a seed that nobody outside knows: equal ones are the same labels. */
static struct found *find_found(const struct selection *s, uint64_t hash)
{
    for (size_t at = hash & s->mask; s->slots[at]; at = (at + 1) & s->mask)
        if (s->at[s->slots[at] - 1]->hash == hash)
            return s->at[s->slots[at] - 1];
    return NULL;
}

static const uint32_t *pairs_of(void *arg, uint32_t id, size_t *n)
{
    const struct series *s = head_series(arg, id);
    *n = s ? s->pairs_n : 0;
    return s ? series_pairs(s) : NULL;
}

bool view_in_head(const struct view *v, const struct series *s, struct range r)
{
    int64_t first, last;
    pthread_mutex_lock(s->group->shard);
    bool any = series_range(s, v->parts, &first, &last);
    pthread_mutex_unlock(s->group->shard);
    return any && first <= r.end && last >= r.start;
}

static void select_head(struct view *v, const struct matcher *matchers, size_t n, struct range r,
                        struct selection *out)
{
    struct head *h = &v->store->head;
    uint32_t *ids;
    pthread_rwlock_rdlock(&h->index_lock);
    size_t found = index_select(&h->index, matchers, n, pairs_of, h, out->arena, &ids);
    for (size_t i = 0; i < found; i++) {
        struct series *s = head_series(h, ids[i]);
        if (!s || !view_in_head(v, s, r))
            continue;
        struct found *f = add_found(out, head_labels_hash(h, s));
        struct label *at = arena_alloc(out->arena, s->pairs_n * sizeof *at);
        f->series = s;
        f->labels = head_labels(h, s, at);
    }
    pthread_rwlock_unlock(&h->index_lock);
}

static void select_block(struct view *v, uint32_t number, const struct matcher *matchers, size_t n,
                         struct range r, struct selection *out)
{
    struct block *b = v->version->blocks[number];
    struct block_match *found;
    size_t found_n = block_select(b, matchers, n, r.start, r.end, out->arena, &found);
    grow_slots(out, found_n);
    for (size_t i = 0; i < found_n; i++) {
        if (all_deleted(v->version, b, found[i].at, out->arena))
            continue;
        struct found *f = find_found(out, found[i].hash);
        if (!f) {
            f = add_found(out, found[i].hash);
            f->labels = block_labels(b, found[i].at, out->arena);
            place_slot(out, out->n - 1);
        }
        struct place *p = ARENA_NEW(out->arena, struct place);
        *p = (struct place){NULL, number, found[i].at};
        *f->end = p;
        f->end = &p->next;
    }
}

static void select_all(struct view *v, const struct matcher *matchers, size_t n, struct range r,
                       struct selection *out)
{
    select_head(v, matchers, n, r, out);
    for (size_t i = 0; i < v->version->n; i++) {
        const struct block *b = v->version->blocks[i];
        if (b->min_t <= r.end && b->max_t >= r.start)
            select_block(v, (uint32_t)i, matchers, n, r, out);
    }
}

static enum status view_select(struct source *source, const struct matcher *matchers, size_t n,
                               const struct select_hints *hints, struct arena *arena,
                               struct selected **out, size_t *n_out, struct err *err)
{
    (void)err;
    struct view *v = CONTAINER_OF(source, struct view, face);
    struct selection s = {.arena = arena};
    select_all(v, matchers, n, range_of(hints), &s);
    struct selected *list = *out = ARENA_ARRAY(arena, struct selected, s.n);
    for (size_t i = 0; i < s.n; i++)
        list[i] = (struct selected){.labels = s.at[i]->labels, .ref = (uintptr_t)s.at[i]};
    *n_out = s.n;
    v->ahead.list = list;
    v->ahead.list_n = s.n;
    v->ahead.n = v->ahead.alone = 0;
    return OK;
}

/* ---- read ---- */

struct block_cursor *view_cursor(struct view *v, uint32_t block)
{
    if (!v->cursors)
        v->cursors = mem_zero(v->version->n, sizeof *v->cursors);
    if (!v->cursors[block])
        v->cursors[block] = block_cursor_open_shared(v->version->blocks[block]);
    return v->cursors[block];
}

static void read_block(struct view *v, const struct place *p, struct labels labels, struct range r,
                       struct samples *out)
{
    struct block *b = v->version->blocks[p->block];
    if (b->min_t > r.end || b->max_t < r.start)
        return;
    size_t before = out->n;
    block_read(view_cursor(v, p->block), p->at, r.start, r.end, out);
    samples_bury(v->version, b, labels, before, out);
}

/* About how many samples the series has in the blocks, so that they need not be moved. */
size_t view_expects(const struct view *v, const struct found *f, struct range r)
{
    double all = 0;
    for (const struct place *p = f->first; p; p = p->next) {
        const struct block_part *part = &v->version->blocks[p->block]->parts[p->at.part];
        double length = (double)(part->max_t - part->min_t) + 1;
        double asked = (double)MIN(part->max_t, r.end) - (double)MAX(part->min_t, r.start) + 1;
        if (asked > 0 && part->series)
            all += (double)part->samples / part->series * MIN(asked / length, 1);
    }
    return (size_t)(all * 1.02) + HEAD_STAGE;
}

static enum status view_read(struct source *source, struct selected *series,
                             const struct select_hints *hints, struct arena *arena, struct err *err)
{
    struct view *v = CONTAINER_OF(source, struct view, face);
    const struct found *f = (const struct found *)(uintptr_t)series->ref;
    struct range r = range_of(hints);
    if (hints && hints->brief && ahead_read(v, series, r))
        return OK;
    struct samples out = {.arena = arena, .times = hints && hints->brief ? &v->times : NULL};
    bool ok = true;
    if (f->first)
        samples_room(&out, view_expects(v, f, r));
    times_begin(&v->times);
    for (const struct place *p = f->first; p; p = p->next)
        read_block(v, p, series->labels, r, &out);
    if (f->series) {
        pthread_mutex_lock(f->series->group->shard);
        ok = series_read(f->series, v->parts, r.start, r.end, &out);
        pthread_mutex_unlock(f->series->group->shard);
    }
    samples_sort(&out);
    if (out.times)
        times_end(out.times, out.n);
    series->times_id = out.times ? out.times->id : 0;
    series->numbers = !out.nans;
    series->rising = !out.falls && !out.nans;
    series->t_ms = out.t;
    series->v = out.v;
    series->n = out.n;
    return ok ? OK : err_set(err, CORRUPT, "the samples in memory are damaged");
}

/* ---- label values ---- */

struct values {
    struct map seen;
    struct arena *arena;
    struct span *at;
    size_t n, size;
};

static void add_value(void *arg, struct span value)
{
    struct values *v = arg;
    if (map_get(&v->seen, value))
        return;
    if (v->n == v->size) {
        size_t size = v->size * 2 + 64;
        v->at = arena_grow(v->arena, v->at, v->size * sizeof *v->at, size * sizeof *v->at);
        v->size = size;
    }
    v->at[v->n] = arena_span(v->arena, value);
    map_put(&v->seen, v->at[v->n], v);
    v->n++;
}

static bool pair_in_head(struct view *v, const struct pair *p, struct range r)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const struct series *s = head_series(&v->store->head, p->series[i]);
        if (s && view_in_head(v, s, r))
            return true;
    }
    return false;
}

/* Without matchers: one series for each value is enough. */
static void all_values(struct view *v, struct span name, struct range r, struct values *out)
{
    struct head *h = &v->store->head;
    pthread_rwlock_rdlock(&h->index_lock);
    const struct label_key *key = name.len ? index_key(&h->index, name) : NULL;
    for (uint32_t i = 0; key && i < key->n; i++)
        if (pair_in_head(v, key->pairs[i], r))
            add_value(out, key->pairs[i]->value);
    for (uint32_t k = 1; !name.len && k < h->index.keys_end; k++) {
        key = h->index.keys[k];
        bool any = false;
        for (uint32_t i = 0; key && !any && i < key->n; i++)
            any = pair_in_head(v, key->pairs[i], r);
        if (any)
            add_value(out, key->name);
    }
    pthread_rwlock_unlock(&h->index_lock);
    for (size_t i = 0; i < v->version->n; i++) {
        struct block *b = v->version->blocks[i];
        if (b->min_t <= r.end && b->max_t >= r.start)
            block_values(b, name, r.start, r.end, add_value, out);
    }
}

static void matching_values(struct view *v, struct span name, const struct matcher *matchers,
                            size_t n, struct range r, struct values *out)
{
    auto_arena scratch = {0};
    struct selection s = {.arena = &scratch};
    select_all(v, matchers, n, r, &s);
    for (size_t i = 0; i < s.n; i++) {
        struct labels l = s.at[i]->labels;
        struct span value = name.len ? labels_get(l, name) : (struct span){0};
        if (value.at)
            add_value(out, value);
        for (size_t k = 0; !name.len && k < l.n; k++)
            add_value(out, l.at[k].name);
    }
}

static int by_text(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static enum status view_values(struct source *source, struct span name,
                               const struct matcher *matchers, size_t n, int64_t start_ms,
                               int64_t end_ms, struct arena *arena, struct span **out,
                               size_t *n_out, struct err *err)
{
    (void)err;
    struct view *v = CONTAINER_OF(source, struct view, face);
    struct values values = {.arena = arena};
    struct range r = {start_ms, end_ms};
    size_t deletions;
    tombstones_list(v->version->tombstones, &deletions);
    if (n || deletions)
        matching_values(v, name, matchers, n, r, &values);
    else
        all_values(v, name, r, &values);
    if (values.n)
        qsort(values.at, values.n, sizeof *values.at, by_text);
    map_free(&values.seen);
    *out = values.at;
    *n_out = values.n;
    return OK;
}

/* ---- begin and end ---- */

struct source *store_read_begin(struct store *s)
{
    struct view *v = mem_zero(1, sizeof *v);
    v->face = (struct source){view_select, view_read, view_values};
    v->store = s;
    v->version = version_hold(&s->versions);
    v->parts = HEAD_NOW | (v->version->frozen ? HEAD_FROZEN : 0);
    return &v->face;
}

void store_read_end(struct source *source)
{
    if (!source)
        return;
    struct view *v = CONTAINER_OF(source, struct view, face);
    for (size_t i = 0; v->cursors && i < v->version->n; i++)
        block_cursor_close(v->cursors[i]);
    free(v->cursors);
    times_free(&v->times);
    ahead_free(&v->ahead);
    version_release(&v->store->versions, v->version);
    free(v);
}

void stored_samples(struct store *s, const struct series *series, int64_t start, int64_t end,
                    struct samples *out)
{
    struct version *v = version_hold(&s->versions);
    struct label_builder b = {0};
    struct labels labels;
    if (write_labels(series_raw(series), &b, &labels, NULL))
        labels = (struct labels){0}; /* they were read before: cannot be */
    for (size_t i = 0; i < v->n; i++) {
        struct block_place at;
        if (v->blocks[i]->min_t > end || v->blocks[i]->max_t < start ||
            !block_find(v->blocks[i], labels, &at))
            continue;
        struct block_cursor *c = block_cursor_open(v->blocks[i]);
        size_t before = out->n;
        block_read(c, at, start, end, out);
        samples_bury(v, v->blocks[i], labels, before, out);
        block_cursor_close(c);
    }
    series_read(series, HEAD_NOW | (v->frozen ? HEAD_FROZEN : 0), start, end, out);
    version_release(&s->versions, v);
}
