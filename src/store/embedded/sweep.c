/* Series without samples for a while leave the head, and the definitions of those that stay are
 * written anew, packed. Both would take long with millions of series, so requests wait only for
 * the end of it: who is idle and the definitions of all others are gathered while ingest goes on;
 * then, with everybody shut out, those that came or woke up meanwhile are added, the idle ones
 * taken away and the files exchanged. */
#include "store/embedded/embedded.h"

#include "base/log.h"

#include <stdlib.h>

enum {
    DEFINES_AT_ONCE = 1 << 20, /* bytes that are packed together */
    DEFINES_FAT_BYTES = 24,    /* of a series: packed they are less */
    SERIES_LOOKED_AT = 4096,   /* with the index locked */
    REST_MAX = 16384,          /* series that are defined with the index locked */
    CATCH_UP_MAX = 8,          /* times */
};

struct sweep {
    struct store *store;
    int64_t before; /* idle: the last sample came before it */
    uint32_t *idle; /* ascending; without samples when they were looked at */
    size_t idle_n, idle_size;
    struct log_definitions *definitions;
    struct buf gathered, packed;
    uint32_t looked_at; /* so many of the index' list of series are gathered */
    size_t next_idle;   /* of idle: the first that is not before them */
};

static bool is_idle(const struct sweep *w, const struct series *s)
{
    return s->last_t < w->before && !s->staged && !s->packed_len && !s->frozen_len &&
           (!s->late || (!s->late[0] && !s->late[1]));
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void find_idle(struct sweep *w)
{
    size_t n;
    struct group **groups = head_groups(&w->store->head, &n);
    for (size_t i = 0; i < n; i++) {
        struct group *g = groups[i];
        pthread_mutex_lock(g->shard);
        for (uint32_t k = 0; k < g->series_n; k++) {
            if (!is_idle(w, g->series[k]))
                continue;
            if (w->idle_n == w->idle_size) {
                w->idle_size = w->idle_size ? w->idle_size * 2 : 256;
                w->idle = mem_grow(w->idle, w->idle_size * sizeof *w->idle);
            }
            w->idle[w->idle_n++] = g->series[k]->id;
        }
        pthread_mutex_unlock(g->shard);
    }
    free(groups);
    if (w->idle_n)
        qsort(w->idle, w->idle_n, sizeof *w->idle, by_id);
}

/* ---- definitions ---- */

static enum status pack(struct sweep *w, struct err *err)
{
    if (!w->gathered.len)
        return OK;
    buf_clear(&w->packed);
    defines_encode(&w->packed, buf_view(&w->gathered));
    buf_clear(&w->gathered);
    return log_definitions_add(w->store->log, w->definitions, buf_view(&w->packed), err);
}

static enum status define(struct sweep *w, uint32_t id, struct err *err)
{
    const struct series *s = head_series(&w->store->head, id);
    if (s)
        define_gather(&w->gathered, s->id, series_raw(s));
    return w->gathered.len < DEFINES_AT_ONCE ? OK : pack(w, err);
}

/* The next numbers of the index' list; index_lock held. */
static size_t next_series(struct sweep *w, uint32_t *ids)
{
    const struct index *ix = &w->store->head.index;
    size_t n = MIN(ix->n - w->looked_at, (uint32_t)SERIES_LOOKED_AT);
    if (n)
        memcpy(ids, ix->series + w->looked_at, n * sizeof *ids);
    w->looked_at += (uint32_t)n;
    return n;
}

/* Those that are not idle. Series are never removed meanwhile: that is done here alone. */
static enum status define_some(struct sweep *w, const uint32_t *ids, size_t n, struct err *err)
{
    enum status st = OK;
    for (size_t i = 0; !st && i < n; i++) {
        while (w->next_idle < w->idle_n && w->idle[w->next_idle] < ids[i])
            w->next_idle++;
        if (w->next_idle == w->idle_n || w->idle[w->next_idle] != ids[i])
            st = define(w, ids[i], err);
    }
    return st;
}

static enum status define_all(struct sweep *w, uint32_t *come, struct err *err)
{
    struct head *h = &w->store->head;
    uint32_t ids[SERIES_LOOKED_AT], begun_at = w->looked_at;
    enum status st = OK;
    for (size_t n = 1; !st && n;) {
        pthread_rwlock_rdlock(&h->index_lock);
        n = next_series(w, ids);
        pthread_rwlock_unlock(&h->index_lock);
        st = define_some(w, ids, n, err);
    }
    *come = w->looked_at - begun_at;
    return st ? st : pack(w, err);
}

/* Until few come while the others are written. */
static enum status define_beside(struct sweep *w, struct err *err)
{
    uint32_t come = REST_MAX;
    enum status st = log_definitions_begin(w->store->log, &w->definitions, err);
    for (int i = 0; !st && i < CATCH_UP_MAX && come >= REST_MAX; i++) {
        st = define_all(w, &come, err);
        if (!st)
            st = log_definitions_sync(w->store->log, w->definitions, err);
    }
    return st;
}

/* ---- with everybody shut out ---- */

/* What came since, and those of the idle ones that are not idle any more, which leave the list. */
static enum status define_rest(struct sweep *w, struct err *err)
{
    uint32_t ids[SERIES_LOOKED_AT];
    enum status st = OK;
    size_t kept = 0;
    for (size_t n; !st && (n = next_series(w, ids));)
        st = define_some(w, ids, n, err);
    for (size_t i = 0; !st && i < w->idle_n; i++) {
        if (is_idle(w, head_series(&w->store->head, w->idle[i])))
            w->idle[kept++] = w->idle[i];
        else
            st = define(w, w->idle[i], err);
    }
    w->idle_n = st ? 0 : kept;
    return st ? st : pack(w, err);
}

/* The exchange. Nobody appends while series are taken away; when none is, only new ones wait. */
static enum status exchange(struct sweep *w, struct graveyard *graves, struct err *err)
{
    struct store *s = w->store;
    bool taking = w->idle_n > 0;
    enum status st = log_drain(s->log, err); /* so that little is left to be waited for */
    if (st)
        return st;
    if (taking)
        pthread_rwlock_wrlock(&s->head.table);
    pthread_rwlock_wrlock(&s->head.index_lock);
    st = define_rest(w, err);
    if (!st) /* what was defined since the drain must be in the file that is replaced */
        st = log_drain(s->log, err);
    if (!st) {
        st = log_definitions_end(s->log, w->definitions, err);
        w->definitions = NULL;
    }
    if (!st && w->idle_n)
        head_sweep(&s->head, w->idle, w->idle_n, graves);
    pthread_rwlock_unlock(&s->head.index_lock);
    if (taking)
        pthread_rwlock_unlock(&s->head.table);
    return st;
}

static void leave(struct sweep *w, struct graveyard *graves)
{
    log_definitions_abandon(w->store->log, w->definitions);
    graveyard_free(graves);
    buf_free(&w->gathered);
    buf_free(&w->packed);
    free(w->idle);
}

enum status sweep_head(struct store *s, struct err *err)
{
    struct sweep w = {.store = s,
                      .before = guard_clock(&s->guard).early - STORE_IDLE_MS,
                      .gathered.max = SIZE_MAX,
                      .packed.max = SIZE_MAX};
    struct graveyard graves = {0};
    uint32_t alive = s->head.alive;
    bool fat = log_series_bytes(s->log) > DEFINES_AT_ONCE + (uint64_t)alive * DEFINES_FAT_BYTES;
    if (!s->frozen)
        find_idle(&w);
    if (w.idle_n < alive / STORE_SWEEP_PART)
        w.idle_n = 0;
    enum status st = OK;
    if (fat || w.idle_n) {
        st = define_beside(&w, err);
        if (!st)
            st = exchange(&w, &graves, err);
    }
    if (!st && w.idle_n) {
        store_replace_blocks(s, NULL, 0, NULL, 0, true);
        versions_drain(&s->versions);
        log_info("%zu series without new samples have left the memory", w.idle_n);
    }
    leave(&w, &graves);
    return st;
}
