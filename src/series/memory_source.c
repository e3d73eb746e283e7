/* Series in memory behind the face of struct source. Selecting walks all series: made for
 * hundreds of them, not for a fleet. */
#include "series/source.h"

#include "base/map.h"

struct memory_series {
    struct span key;
    struct labels labels;
    int64_t *t_ms;
    double *v;
    size_t n, size;
};

struct memory_source {
    struct source face;
    struct arena arena; /* series, keys and labels */
    struct map by_key;
    struct memory_series **series; /* in order of arrival */
    size_t n, size;
    struct buf key;
};

/* 0xff never occurs in UTF-8, so two different label sets have different keys. */
static void put_key(struct buf *key, struct labels l)
{
    buf_clear(key);
    for (size_t i = 0; i < l.n; i++) {
        buf_span(key, l.at[i].name);
        buf_char(key, '\xff');
        buf_span(key, l.at[i].value);
        buf_char(key, '\xff');
    }
}

static struct memory_series *find_or_add(struct memory_source *m, struct labels labels)
{
    put_key(&m->key, labels);
    struct memory_series *s = map_get(&m->by_key, buf_view(&m->key));
    if (s)
        return s;
    s = ARENA_NEW(&m->arena, struct memory_series);
    s->key = arena_span(&m->arena, buf_view(&m->key));
    s->labels = labels_dup(&m->arena, labels);
    map_put(&m->by_key, s->key, s);
    if (m->n == m->size) {
        m->size = MAX(m->size * 2, (size_t)64);
        m->series = mem_grow(m->series, m->size * sizeof(struct memory_series *));
    }
    m->series[m->n++] = s;
    return s;
}

enum status memory_source_append(struct memory_source *m, struct labels labels,
                                 struct sample sample, struct err *err)
{
    struct memory_series *s = find_or_add(m, labels);
    if (s->n && sample.t_ms <= s->t_ms[s->n - 1])
        return err_set(err, INVALID, "a sample at %lld ms does not come after %lld ms",
                       (long long)sample.t_ms, (long long)s->t_ms[s->n - 1]);
    if (s->n == s->size) {
        s->size = MAX(s->size * 2, (size_t)16);
        s->t_ms = mem_grow(s->t_ms, s->size * sizeof *s->t_ms);
        s->v = mem_grow(s->v, s->size * sizeof *s->v);
    }
    s->t_ms[s->n] = sample.t_ms;
    s->v[s->n++] = sample.v;
    return OK;
}

/* Index of the first sample later than t_ms. */
static size_t first_after(const struct memory_series *s, int64_t t_ms)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->t_ms[middle] > t_ms)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool has_samples(const struct memory_series *s, int64_t after_ms, int64_t end_ms)
{
    size_t i = first_after(s, after_ms);
    return i < s->n && s->t_ms[i] <= end_ms;
}

static enum status memory_select(struct source *face, const struct matcher *matchers, size_t n,
                                 const struct select_hints *hints, struct arena *arena,
                                 struct selected **out, size_t *n_out, struct err *err UNUSED)
{
    struct memory_source *m = CONTAINER_OF(face, struct memory_source, face);
    struct selected *found = ARENA_ARRAY(arena, struct selected, m->n);
    size_t count = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct memory_series *s = m->series[i];
        if (has_samples(s, hints->start_ms, hints->end_ms) &&
            matchers_match(matchers, n, s->labels))
            found[count++] = (struct selected){.labels = s->labels, .ref = i};
    }
    *out = found;
    *n_out = count;
    return OK;
}

static enum status memory_read(struct source *face, struct selected *series,
                               const struct select_hints *hints, struct arena *arena,
                               struct err *err UNUSED)
{
    struct memory_source *m = CONTAINER_OF(face, struct memory_source, face);
    const struct memory_series *s = m->series[series->ref];
    size_t from = first_after(s, hints->start_ms), to = first_after(s, hints->end_ms);
    size_t n = to > from ? to - from : 0;
    /* Copies: the arrays move when samples are appended. */
    int64_t *t_ms = arena_alloc(arena, n * sizeof *t_ms);
    double *v = arena_alloc(arena, n * sizeof *v);
    if (n) {
        memcpy(t_ms, s->t_ms + from, n * sizeof *t_ms);
        memcpy(v, s->v + from, n * sizeof *v);
    }
    series->t_ms = t_ms;
    series->v = v;
    series->n = n;
    return OK;
}

static int compare_spans(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static enum status memory_label_values(struct source *face, struct span name,
                                       const struct matcher *matchers, size_t n, int64_t start_ms,
                                       int64_t end_ms, struct arena *arena, struct span **out,
                                       size_t *n_out, struct err *err UNUSED)
{
    struct memory_source *m = CONTAINER_OF(face, struct memory_source, face);
    CLEANUP(map_free) struct map seen = {0};
    int64_t after_ms = start_ms > INT64_MIN ? start_ms - 1 : start_ms;
    for (size_t i = 0; i < m->n; i++) {
        const struct memory_series *s = m->series[i];
        if (!has_samples(s, after_ms, end_ms) || !matchers_match(matchers, n, s->labels))
            continue;
        for (size_t k = 0; k < s->labels.n; k++) {
            const struct label *l = &s->labels.at[k];
            if (!name.len)
                map_put(&seen, l->name, m);
            else if (span_eq(l->name, name))
                map_put(&seen, l->value, m);
        }
    }
    struct span *values = ARENA_ARRAY(arena, struct span, seen.count);
    const struct map_slot *slot;
    size_t count = 0;
    for (size_t at = 0; (slot = map_next(&seen, &at));)
        values[count++] = arena_span(arena, slot->key);
    qsort(values, count, sizeof *values, compare_spans);
    *out = values;
    *n_out = count;
    return OK;
}

struct memory_source *memory_source_open(void)
{
    struct memory_source *m = mem_zero(1, sizeof *m);
    m->face = (struct source){memory_select, memory_read, memory_label_values};
    return m;
}

void memory_source_close(struct memory_source *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++) {
        free(m->series[i]->t_ms);
        free(m->series[i]->v);
    }
    free(m->series);
    map_free(&m->by_key);
    arena_free(&m->arena);
    buf_free(&m->key);
    free(m);
}

struct source *memory_source_face(struct memory_source *m)
{
    return &m->face;
}
