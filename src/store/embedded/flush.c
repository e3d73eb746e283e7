/* From the head into blocks: a new gen of the log begins, the hosts' samples are frozen one
 * host after the other while others go on, written as one block for each day, and only when
 * these are durable the log's old segments may be used again. When something fails the samples
 * stay frozen and the next attempt writes them. */
#include "store/embedded/embedded.h"

#include "base/log.h"

#include <stdlib.h>

enum {
    FLUSH_DAYS_AT_ONCE = 64,
};

struct day_writer {
    int64_t day;
    struct block_writer *w;
};

struct flush {
    struct store *store;
    int64_t now;
    char dir[BLOCK_PATH_MAX];
    struct day_writer days[FLUSH_DAYS_AT_ONCE];
    size_t n;
    bool postponed; /* a day found no place in this pass */
    struct block **blocks;
    size_t blocks_n;
};

uint64_t flush_due_at(const struct store *s)
{
    uint64_t by_series = (uint64_t)s->head.alive * s->tuning.flush_per_series;
    return MAX(s->tuning.flush_samples, by_series);
}

/* ---- groups ---- */

struct group_list {
    struct group **at;
    size_t n;
};

static int by_instance(const void *a, const void *b)
{
    const struct group *const *x = a, *const *y = b;
    return span_compare(span_of((*x)->instance), span_of((*y)->instance));
}

/* Groups go away only in the sweep, which does not run beside a flush. */
static struct group_list all_groups(struct head *h)
{
    struct group_list list = {0};
    list.at = head_groups(h, &list.n);
    if (list.n)
        qsort(list.at, list.n, sizeof *list.at, by_instance);
    return list;
}

struct labelled {
    struct labels labels; /* without instance */
    struct series *series;
};

static int by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct labelled *)a)->labels,
                          ((const struct labelled *)b)->labels);
}

/* The series of a group in the order of a block. Their order in the group means nothing to
 * others, so the sorted one stays and the next flush finds it. */
static struct labelled *sorted_series(struct head *h, struct group *g, struct arena *arena,
                                      size_t *n)
{
    pthread_rwlock_rdlock(&h->index_lock);
    pthread_mutex_lock(g->shard);
    *n = g->series_n;
    struct labelled *list = ARENA_ARRAY(arena, struct labelled, *n);
    for (size_t i = 0; i < *n; i++) {
        struct label *at = arena_alloc(arena, g->series[i]->pairs_n * sizeof *at);
        struct labels all = head_labels(h, g->series[i], at);
        size_t kept = 0;
        for (size_t k = 0; k < all.n; k++)
            if (!span_is(all.at[k].name, GROUP_LABEL))
                at[kept++] = all.at[k];
        list[i] = (struct labelled){{at, kept}, g->series[i]};
    }
    if (!g->sorted && *n)
        qsort(list, *n, sizeof *list, by_labels);
    for (size_t i = 0; i < *n; i++)
        g->series[i] = list[i].series;
    g->sorted = true;
    pthread_mutex_unlock(g->shard);
    pthread_rwlock_unlock(&h->index_lock);
    return list;
}

/* ---- writing ---- */

/* NULL with OK: an earlier pass has written that day, or a later one will: places become free
 * only between passes, so a day is written by one pass as a whole. */
static enum status writer_of(struct flush *f, int64_t day, struct block_writer **out,
                             struct err *err)
{
    *out = NULL;
    for (size_t i = 0; i < f->blocks_n; i++)
        if (f->blocks[i]->id.day == day)
            return OK;
    for (size_t i = 0; i < f->n; i++)
        if (f->days[i].day == day) {
            *out = f->days[i].w;
            return OK;
        }
    if (f->n == FLUSH_DAYS_AT_ONCE) {
        f->postponed = true;
        return OK;
    }
    /* A day that is over is written in the form in which it stays: alone it is not merged. */
    bool over = day_is_over(day, f->now);
    struct block_id id = {day, f->store->frozen_gen, f->store->frozen_gen, over ? 1 : 0};
    enum status st = block_writer_open(f->store->tuning.disk, f->dir, id,
                                       over ? CHUNK_COMPACT : CHUNK_RECENT, 0, out, err);
    if (!st)
        f->days[f->n++] = (struct day_writer){day, *out};
    return st;
}

static enum status write_series(struct flush *f, struct span instance, const struct labelled *l,
                                const struct samples *all, struct err *err)
{
    for (size_t from = 0, to; from < all->n; from = to) {
        int64_t day = day_of(all->t[from]);
        int64_t next = (day + 1) * DAY_MS;
        for (to = from + 1; to < all->n && all->t[to] < next;)
            to++;
        struct block_writer *w;
        enum status st = writer_of(f, day, &w, err);
        if (!st && w)
            st = block_writer_add(w, instance, l->labels, all->t + from, all->v + from, to - from,
                                  err);
        if (st)
            return st;
    }
    return OK;
}

static enum status write_group(struct flush *f, struct group *g, struct arena *arena,
                               struct err *err)
{
    size_t n;
    struct labelled *list = sorted_series(&f->store->head, g, arena, &n);
    auto_arena scratch = {0};
    for (size_t i = 0; i < n; i++) {
        arena_reset(&scratch);
        struct samples all = {.arena = &scratch};
        pthread_mutex_lock(g->shard); /* for what is beside the frozen samples */
        bool ok = series_read(list[i].series, HEAD_FROZEN, INT64_MIN, INT64_MAX, &all);
        pthread_mutex_unlock(g->shard);
        if (!ok)
            return err_set(err, CORRUPT, "samples of %s in memory are damaged", g->instance);
        samples_sort(&all);
        enum status st = write_series(f, span_of(g->instance), &list[i], &all, err);
        if (st)
            return st;
    }
    return OK;
}

static void abandon(struct flush *f)
{
    for (size_t i = 0; i < f->n; i++)
        block_writer_abandon(f->days[i].w);
    f->n = 0;
}

static enum status finish_days(struct flush *f, struct err *err)
{
    for (size_t i = 0; i < f->n; i++) {
        struct block *b;
        enum status st = block_writer_finish(f->days[i].w, &b, err);
        f->days[i].w = NULL;
        if (st) {
            abandon(f);
            return st;
        }
        if (!b)
            continue;
        f->blocks = mem_grow(f->blocks, (f->blocks_n + 1) * sizeof *f->blocks);
        f->blocks[f->blocks_n++] = b;
    }
    f->n = 0;
    return OK;
}

/* All days, some dozens in one pass. */
static enum status write_days(struct flush *f, const struct group_list *groups, struct err *err)
{
    do {
        auto_arena arena = {0};
        f->postponed = false;
        for (size_t i = 0; i < groups->n; i++) {
            arena_reset(&arena);
            enum status st = write_group(f, groups->at[i], &arena, err);
            if (st) {
                abandon(f);
                return st;
            }
        }
        enum status st = finish_days(f, err);
        if (st)
            return st;
    } while (f->postponed);
    return OK;
}

/* ---- freezing ---- */

static enum status freeze(struct store *s, const struct group_list *groups, struct err *err)
{
    /* Whoever began between the last flush's blocks and its end does not look at what is
     * frozen: such readers must be gone before something else is. */
    versions_drain_unfrozen(&s->versions);
    enum status st = log_rotate(s->log, &s->frozen_gen, err);
    if (st)
        return st;
    s->frozen = true;
    s->frozen_samples = atomic_exchange(&s->head.samples, 0);
    s->head.bytes = 0;
    s->head.since_ms = 0;
    for (size_t i = 0; i < groups->n; i++) {
        pthread_mutex_lock(groups->at[i]->shard);
        group_freeze(&s->head, groups->at[i]);
        pthread_mutex_unlock(groups->at[i]->shard);
    }
    return OK;
}

static void thaw(struct store *s, const struct group_list *groups)
{
    for (size_t i = 0; i < groups->n; i++) {
        struct group *g = groups->at[i];
        pthread_mutex_lock(g->shard);
        group_thaw(g);
        for (uint32_t k = 0; k < g->series_n; k++)
            g->blocks_max_t = MAX(g->blocks_max_t, g->series[k]->last_t);
        pthread_mutex_unlock(g->shard);
    }
    s->frozen = false;
}

enum status flush_head(struct store *s, struct err *err)
{
    if (!s->frozen && !s->head.samples)
        return OK;
    struct group_list groups = all_groups(&s->head);
    struct flush f = {.store = s, .now = guard_clock(&s->guard).early};
    store_blocks_dir(s, f.dir);
    enum status st = s->frozen ? OK : freeze(s, &groups, err);
    if (!st)
        st = write_days(&f, &groups, err);
    if (!st) {
        store_replace_blocks(s, NULL, 0, f.blocks, f.blocks_n, false);
        s->frozen_samples = 0;
        versions_drain(&s->versions); /* who looks at what is frozen may go on until then */
        thaw(s, &groups);
        store_replace_blocks(s, NULL, 0, NULL, 0, true);
        st = log_recycle(s->log, s->frozen_gen, err);
    } else {
        /* Files that are complete hold what the log holds too: the next attempt writes them
         * again under the same names. */
        for (size_t i = 0; i < f.blocks_n; i++) {
            s->tuning.disk->unlink(s->tuning.disk, f.blocks[i]->path);
            block_release(f.blocks[i]);
        }
    }
    free(f.blocks);
    free(groups.at);
    return st;
}
