/* See overlay.h. A selected series of the view says by its ref which sides have it. */
#include "api/overlay.h"

#include "base/arena.h"
#include "base/map.h"
#include "series/remote_write.h"

#include <pthread.h>

struct overlaid {
    struct labels labels;
    struct span key;
    struct sample at[OVERLAY_SAMPLES]; /* a ring, ascending */
    size_t first, n;
};

struct overlay {
    pthread_mutex_t lock;
    unsigned users;
    struct map by_key;
    struct arena arena;
    struct buf key;
    int64_t newest_ms;
};

/* What ref of a selected series points to. */
struct both {
    struct selected base; /* ref valid when in_base */
    struct overlaid *top; /* NULL: only in base */
    bool in_base;
};

struct overlay *overlay_open(void)
{
    struct overlay *o = mem_zero(1, sizeof *o);
    pthread_mutex_init(&o->lock, NULL);
    o->users = 1;
    return o;
}

struct overlay *overlay_share(struct overlay *o)
{
    pthread_mutex_lock(&o->lock);
    o->users++;
    pthread_mutex_unlock(&o->lock);
    return o;
}

void overlay_close(struct overlay *o)
{
    if (!o)
        return;
    pthread_mutex_lock(&o->lock);
    bool last = --o->users == 0;
    pthread_mutex_unlock(&o->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&o->lock);
    map_free(&o->by_key);
    arena_free(&o->arena);
    buf_free(&o->key);
    free(o);
}

/* 0xff never occurs in UTF-8, so two different label sets have different keys. */
static struct span key_of(struct buf *key, struct labels l)
{
    buf_clear(key);
    for (size_t i = 0; i < l.n; i++) {
        buf_span(key, l.at[i].name);
        buf_char(key, '\xff');
        buf_span(key, l.at[i].value);
        buf_char(key, '\xff');
    }
    return buf_view(key);
}

static struct overlaid *find_or_add(struct overlay *o, struct labels labels)
{
    struct span key = key_of(&o->key, labels);
    struct overlaid *s = map_get(&o->by_key, key);
    if (s || o->by_key.count >= OVERLAY_SERIES_MAX)
        return s;
    s = ARENA_NEW(&o->arena, struct overlaid);
    s->labels = labels_dup(&o->arena, labels);
    s->key = arena_span(&o->arena, key);
    map_put(&o->by_key, s->key, s);
    return s;
}

static struct sample *newest(struct overlaid *s)
{
    return s->n ? &s->at[(s->first + s->n - 1) % OVERLAY_SAMPLES] : NULL;
}

static void append(struct overlaid *s, struct sample sample)
{
    const struct sample *last = newest(s);
    if (last && sample.t_ms <= last->t_ms)
        return;
    if (s->n == OVERLAY_SAMPLES) {
        s->first = (s->first + 1) % OVERLAY_SAMPLES;
        s->n--;
    }
    s->at[(s->first + s->n++) % OVERLAY_SAMPLES] = sample;
}

void overlay_take(struct overlay *o, struct span message)
{
    struct write_reader r = write_reader_of(message);
    struct write_entry e;
    pthread_mutex_lock(&o->lock);
    while (write_next(&r, &e)) {
        struct label_builder b = {.n = 0};
        struct labels labels;
        struct sample sample;
        const char *fault = NULL;
        if (write_labels(e.labels_raw, &b, &labels, NULL))
            continue;
        struct overlaid *s = find_or_add(o, labels);
        while (s && write_sample_next(&e.samples_raw, &sample, &fault)) {
            append(s, sample);
            o->newest_ms = MAX(o->newest_ms, sample.t_ms);
        }
    }
    pthread_mutex_unlock(&o->lock);
}

/* ---- reading ---- */

static bool is_within(const struct overlay *o, struct overlaid *s, const struct select_hints *h)
{
    const struct sample *last = newest(s);
    return last && last->t_ms > h->start_ms && last->t_ms > o->newest_ms - OVERLAY_KEPT_MS;
}

static enum status view_select(struct source *face, const struct matcher *matchers, size_t n,
                               const struct select_hints *hints, struct arena *arena,
                               struct selected **out, size_t *n_out, struct err *err)
{
    struct overlay_view *v = CONTAINER_OF(face, struct overlay_view, face);
    struct overlay *o = v->overlay;
    struct selected *base;
    size_t n_base, count = 0;
    enum status st = v->base->select(v->base, matchers, n, hints, arena, &base, &n_base, err);
    if (st)
        return st;
    CLEANUP(map_free) struct map seen = {0};
    auto_buf key = {0};
    pthread_mutex_lock(&o->lock);
    struct selected *list = ARENA_ARRAY(arena, struct selected, n_base + o->by_key.count);
    for (size_t i = 0; i < n_base; i++) {
        struct both *both = ARENA_NEW(arena, struct both);
        *both = (struct both){.base = base[i], .in_base = true};
        both->top = map_get(&o->by_key, key_of(&key, base[i].labels));
        if (both->top)
            map_put(&seen, both->top->key, both);
        list[count++] = (struct selected){.labels = base[i].labels, .ref = (uintptr_t)both};
    }
    size_t at = 0;
    for (const struct map_slot *slot; (slot = map_next(&o->by_key, &at));) {
        struct overlaid *s = slot->value;
        if (map_get(&seen, s->key) || !is_within(o, s, hints) ||
            !matchers_match(matchers, n, s->labels))
            continue;
        struct both *both = ARENA_NEW(arena, struct both);
        both->top = s;
        list[count++] = (struct selected){.labels = s->labels, .ref = (uintptr_t)both};
    }
    pthread_mutex_unlock(&o->lock);
    *out = list;
    *n_out = count;
    return OK;
}

/* Samples of both in the order of time; where both have one, the store's. */
static void lay_over(struct selected *to, const struct selected *base, const struct sample *top,
                     size_t n_top, struct arena *arena)
{
    int64_t *t_ms = arena_alloc(arena, (base->n + n_top) * sizeof *t_ms);
    double *v = arena_alloc(arena, (base->n + n_top) * sizeof *v);
    size_t n = 0, i = 0, k = 0;
    while (i < base->n || k < n_top) {
        bool from_base = k == n_top || (i < base->n && base->t_ms[i] <= top[k].t_ms);
        if (from_base) {
            while (k < n_top && top[k].t_ms == base->t_ms[i])
                k++;
            t_ms[n] = base->t_ms[i];
            v[n++] = base->v[i++];
        } else {
            t_ms[n] = top[k].t_ms;
            v[n++] = top[k++].v;
        }
    }
    to->t_ms = t_ms;
    to->v = v;
    to->n = n;
}

static enum status view_read(struct source *face, struct selected *series,
                             const struct select_hints *hints, struct arena *arena, struct err *err)
{
    struct overlay_view *v = CONTAINER_OF(face, struct overlay_view, face);
    struct overlay *o = v->overlay;
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): ref is the source's own handle */
    struct both *both = (struct both *)(uintptr_t)series->ref;
    struct sample top[OVERLAY_SAMPLES];
    size_t n_top = 0;
    if (both->in_base) {
        enum status st = v->base->read(v->base, &both->base, hints, arena, err);
        if (st)
            return st;
    }
    pthread_mutex_lock(&o->lock);
    for (size_t i = 0; both->top && i < both->top->n; i++) {
        struct sample s = both->top->at[(both->top->first + i) % OVERLAY_SAMPLES];
        if (s.t_ms > hints->start_ms && s.t_ms <= hints->end_ms &&
            s.t_ms > o->newest_ms - OVERLAY_KEPT_MS)
            top[n_top++] = s;
    }
    pthread_mutex_unlock(&o->lock);
    lay_over(series, &both->base, top, n_top, arena);
    return OK;
}

static enum status view_label_values(struct source *face, struct span name,
                                     const struct matcher *matchers, size_t n, int64_t start_ms,
                                     int64_t end_ms, struct arena *arena, struct span **out,
                                     size_t *n_out, struct err *err)
{
    struct overlay_view *v = CONTAINER_OF(face, struct overlay_view, face);
    return v->base->label_values(v->base, name, matchers, n, start_ms, end_ms, arena, out, n_out,
                                 err);
}

struct source *overlay_view(struct overlay_view *view, struct source *base, struct overlay *o)
{
    *view = (struct overlay_view){
        .face = {view_select, view_read, view_label_values}, .base = base, .overlay = o};
    return &view->face;
}
