#include "exchange/exchange.h"

#include "base/map.h"
#include "series/remote_write.h"

struct slot {
    struct span raw;
    struct sample *s;
    size_t n, size;
    bool mixed; /* not ascending */
};

struct write_batch {
    struct arena arena;
    struct map by_labels;
    struct slot **slots;
    size_t n, size, samples, bytes;
    struct buf raw;
    struct slot *last;
};

struct write_batch *write_batch_open(void)
{
    return mem_zero(1, sizeof(struct write_batch));
}

void write_batch_close(struct write_batch *b)
{
    if (!b)
        return;
    map_free(&b->by_labels);
    arena_free(&b->arena);
    buf_free(&b->raw);
    free(b);
}

size_t write_batch_samples(const struct write_batch *b)
{
    return b->samples;
}

static struct slot *slot_of(struct write_batch *b, struct labels labels)
{
    buf_clear(&b->raw);
    write_labels_raw(&b->raw, labels);
    struct span raw = buf_view(&b->raw);
    if (b->last && span_eq(b->last->raw, raw))
        return b->last;
    struct slot *s = map_get(&b->by_labels, raw);
    if (s)
        return s;
    s = ARENA_NEW(&b->arena, struct slot);
    s->raw = arena_span(&b->arena, raw);
    if (b->n == b->size) {
        size_t size = b->size * 2 + 64;
        b->slots =
            arena_grow(&b->arena, b->slots, b->size * sizeof *b->slots, size * sizeof *b->slots);
        b->size = size;
    }
    b->slots[b->n++] = s;
    b->bytes += raw.len;
    map_put(&b->by_labels, s->raw, s);
    return s;
}

size_t write_batch_add(struct write_batch *b, struct labels labels, const struct sample *s,
                       size_t n)
{
    if (b->samples >= WRITE_BATCH_SAMPLES || b->bytes >= WRITE_BATCH_BYTES)
        return 0;
    struct slot *to = b->last = slot_of(b, labels);
    n = MIN(n, WRITE_BATCH_SAMPLES - b->samples);
    if (to->n + n > to->size) {
        size_t size = MAX(to->size * 2, to->n + n);
        to->s = arena_grow(&b->arena, to->s, to->size * sizeof *s, size * sizeof *s);
        to->size = size;
    }
    for (size_t i = 0; i < n; i++) {
        to->mixed |= to->n && s[i].t_ms < to->s[to->n - 1].t_ms;
        to->s[to->n++] = s[i];
    }
    b->samples += n;
    return n;
}

static int by_time(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return (x->t_ms > y->t_ms) - (x->t_ms < y->t_ms);
}

void write_batch_encode(struct write_batch *b, struct buf *out)
{
    for (size_t i = 0; i < b->n; i++) {
        struct slot *s = b->slots[i];
        if (s->mixed)
            qsort(s->s, s->n, sizeof *s->s, by_time);
        write_series_raw(out, s->raw, s->s, s->n);
    }
    map_free(&b->by_labels);
    b->by_labels = (struct map){0};
    arena_reset(&b->arena);
    b->slots = NULL;
    b->last = NULL;
    b->n = b->size = b->samples = b->bytes = 0;
}

/* ---- messages on their way ---- */

static enum status send_batch(struct write_sender *w, struct err *err)
{
    w->message.max = SIZE_MAX;
    buf_clear(&w->message);
    write_batch_encode(w->batch, &w->message);
    return w->message.len ? w->send(w->arg, buf_view(&w->message), err) : OK;
}

enum status write_sender_take(void *sender, struct labels labels, const struct sample *s, size_t n,
                              struct err *err)
{
    struct write_sender *w = sender;
    enum status st = OK;
    if (!w->batch)
        w->batch = write_batch_open();
    for (size_t done = 0; !st && done < n;) {
        done += write_batch_add(w->batch, labels, s + done, n - done);
        if (done < n)
            st = send_batch(w, err);
    }
    return st;
}

enum status write_sender_end(struct write_sender *w, bool send_rest, struct err *err)
{
    enum status st = send_rest && w->batch ? send_batch(w, err) : OK;
    write_batch_close(w->batch);
    buf_free(&w->message);
    w->batch = NULL;
    return st;
}
