/* Statistics of each host. */
#include "store/embedded/embedded.h"

#include "base/map.h"

#include <stdlib.h>

struct hosts {
    struct arena *arena;
    struct map by_instance;
    struct store_host_stats **at;
    size_t n, size;
};

static struct store_host_stats *host_of(struct hosts *h, struct span instance)
{
    struct store_host_stats *host = map_get(&h->by_instance, instance);
    if (host)
        return host;
    host = ARENA_NEW(h->arena, struct store_host_stats);
    host->instance = arena_span(h->arena, instance);
    if (h->n == h->size) {
        size_t size = h->size * 2 + 64;
        h->at = arena_grow(h->arena, h->at, h->size * sizeof *h->at, size * sizeof *h->at);
        h->size = size;
    }
    h->at[h->n++] = host;
    map_put(&h->by_instance, host->instance, host);
    return host;
}

static void add(struct store_host_stats *host, uint64_t samples, uint64_t bytes, int64_t min_t,
                int64_t max_t)
{
    if (!samples)
        return;
    host->min_t_ms = host->samples ? MIN(host->min_t_ms, min_t) : min_t;
    host->max_t_ms = host->samples ? MAX(host->max_t_ms, max_t) : max_t;
    host->samples += samples;
    host->bytes += bytes;
}

static void add_group(struct hosts *out, const struct group *g, unsigned parts)
{
    struct store_host_stats *host = host_of(out, span_of(g->instance));
    pthread_mutex_lock(g->shard);
    uint64_t alive = 0;
    for (uint32_t i = 0; i < g->series_n; i++) {
        const struct series *s = g->series[i];
        int64_t first, last;
        if (!series_range(s, parts, &first, &last))
            continue;
        alive++;
        uint64_t bytes = s->packed_len + s->staged * sizeof(double) + s->frozen_len;
        add(host, series_count(s, parts), bytes, first, last);
    }
    pthread_mutex_unlock(g->shard);
    host->series = MAX(host->series, alive);
}

static void add_block(struct hosts *out, const struct block *b)
{
    uint64_t series = 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct block_part *p = &b->parts[i];
        struct store_host_stats *host = host_of(out, p->instance);
        bool same = i && span_eq(p->instance, b->parts[i - 1].instance);
        series = (same ? series : 0) + p->series;
        host->series = MAX(host->series, series);
        add(host, p->samples, p->bytes, p->min_t, p->max_t);
    }
}

static int by_instance(const void *a, const void *b)
{
    return span_compare((*(struct store_host_stats *const *)a)->instance,
                        (*(struct store_host_stats *const *)b)->instance);
}

enum status store_hosts(struct store *s, struct arena *arena, struct store_host_stats **out,
                        size_t *n, struct err *err)
{
    (void)err;
    struct hosts hosts = {.arena = arena};
    struct version *v = version_hold(&s->versions);
    unsigned parts = HEAD_NOW | (v->frozen ? HEAD_FROZEN : 0);
    pthread_rwlock_rdlock(&s->head.index_lock);
    for (uint32_t i = 1; i < s->head.groups_end; i++)
        if (s->head.groups[i])
            add_group(&hosts, s->head.groups[i], parts);
    pthread_rwlock_unlock(&s->head.index_lock);
    for (size_t i = 0; i < v->n; i++)
        add_block(&hosts, v->blocks[i]);
    version_release(&s->versions, v);
    if (hosts.n)
        qsort(hosts.at, hosts.n, sizeof *hosts.at, by_instance);
    *out = ARENA_ARRAY(arena, struct store_host_stats, hosts.n);
    *n = 0;
    for (size_t i = 0; i < hosts.n; i++)
        if (hosts.at[i]->samples)
            (*out)[(*n)++] = *hosts.at[i];
    map_free(&hosts.by_instance);
    return OK;
}
