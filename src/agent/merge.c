/* Messages of one agent have nearly the same series in the same order: the series that follows
 * in this message is first looked for after the one that was found last. */
#include "agent/merge.h"

#include "base/map.h"
#include "series/remote_write.h"

struct piece {
    struct span samples_raw;
    struct piece *next;
};

struct merged {
    struct span labels_raw;
    struct piece *first, **end;
    size_t at; /* in the order */
};

struct merge {
    struct arena arena;
    struct merged **order;
    size_t n, size;
    struct map by_labels;
    size_t bytes;
    struct sample *samples; /* scratch */
    size_t samples_size;
};

struct merge *merge_open(void)
{
    return mem_zero(1, sizeof(struct merge));
}

void merge_close(struct merge *m)
{
    if (!m)
        return;
    arena_free(&m->arena);
    map_free(&m->by_labels);
    free(m->order);
    free(m->samples);
    free(m);
}

static struct merged *find(struct merge *m, struct span labels_raw, size_t guess)
{
    if (guess < m->n && span_eq(m->order[guess]->labels_raw, labels_raw))
        return m->order[guess];
    struct merged *found = map_get(&m->by_labels, labels_raw);
    if (found)
        return found;
    found = ARENA_NEW(&m->arena, struct merged);
    *found = (struct merged){.labels_raw = labels_raw, .end = &found->first, .at = m->n};
    if (m->n == m->size) {
        m->size = m->size ? 2 * m->size : 512;
        m->order = mem_grow(m->order, m->size * sizeof(struct merged *));
    }
    m->order[m->n++] = found;
    map_put(&m->by_labels, labels_raw, found);
    return found;
}

static bool well_formed(struct span message)
{
    struct write_reader r = write_reader_of(message);
    struct write_entry e;
    const char *fault = NULL;
    struct sample s;
    while (write_next(&r, &e)) {
        while (write_sample_next(&e.samples_raw, &s, &fault)) {
        }
        if (fault)
            return false;
    }
    return !r.fault;
}

enum status merge_add(struct merge *m, struct span message, struct err *err)
{
    if (!well_formed(message))
        return err_set(err, INVALID, "a batch of the spool is no remote-write message");
    struct span copy = arena_span(&m->arena, message);
    struct write_reader r = write_reader_of(copy);
    struct write_entry e;
    for (size_t guess = 0; write_next(&r, &e);) {
        struct merged *s = find(m, e.labels_raw, guess);
        guess = s->at + 1;
        struct piece *p = ARENA_NEW(&m->arena, struct piece);
        p->samples_raw = e.samples_raw;
        *s->end = p;
        s->end = &p->next;
    }
    m->bytes += message.len;
    return OK;
}

size_t merge_bytes(const struct merge *m)
{
    return m->bytes;
}

static size_t collect_samples(struct merge *m, const struct merged *s)
{
    size_t n = 0;
    const char *fault = NULL;
    for (const struct piece *p = s->first; p; p = p->next) {
        struct span rest = p->samples_raw;
        struct sample sample;
        while (write_sample_next(&rest, &sample, &fault)) {
            if (n == m->samples_size) {
                m->samples_size = m->samples_size ? 2 * m->samples_size : 64;
                m->samples = mem_grow(m->samples, m->samples_size * sizeof *m->samples);
            }
            m->samples[n++] = sample;
        }
    }
    return n;
}

size_t merge_take(struct merge *m, struct buf *out)
{
    size_t total = 0;
    for (size_t i = 0; i < m->n; i++) {
        size_t n = collect_samples(m, m->order[i]);
        write_series_raw(out, m->order[i]->labels_raw, m->samples, n);
        total += n;
    }
    m->n = 0;
    m->bytes = 0;
    map_free(&m->by_labels);
    m->by_labels = (struct map){0};
    arena_free(&m->arena); /* after an outage it is large, and then not needed for long */
    return total;
}
