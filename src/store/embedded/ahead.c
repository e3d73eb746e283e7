/* Reading series together: view.h. Only what is plain is taken: series of one host in the same
 * blocks with the same times, nothing of them in the head, nothing deleted. The rest, and what
 * turns out to be damaged, is read one by one. */
#include "store/embedded/view.h"

#include <stdlib.h>

/* A block that has samples of the series at hand. */
struct stretch {
    struct block *block;
    struct block_cursor *cursor;
    const struct part_head *head;
    struct part_piece piece;
};

static const struct found *found_at(const struct ahead *a, size_t i)
{
    return (const struct found *)(uintptr_t)a->list[i].ref;
}

static bool plain(const struct view *v, const struct found *f, struct range r)
{
    return f->first && (!f->series || !view_in_head(v, f->series, r));
}

static bool same_parts(const struct found *a, const struct found *b)
{
    const struct place *p = a->first, *q = b->first;
    while (p && q && p->block == q->block && p->at.part == q->at.part) {
        p = p->next;
        q = q->next;
    }
    return !p && !q;
}

/* How many series from the first on may be read together, as far as their places tell. */
static size_t candidates(const struct view *v, size_t first, struct range r)
{
    const struct ahead *a = &v->ahead;
    const struct found *f = found_at(a, first);
    if (!plain(v, f, r))
        return 0;
    size_t n = 1, most = MIN(a->list_n - first, (size_t)AHEAD_SERIES);
    most = MIN(most, AHEAD_SAMPLES / view_expects(v, f, r) + 1);
    while (n < most && same_parts(f, found_at(a, first + n)) && plain(v, found_at(a, first + n), r))
        n++;
    return n;
}

static const struct part_entry *entry_of(const struct part_head *h, const struct place *p)
{
    return p->at.place < h->n ? &h->entries[p->at.place] : NULL;
}

/* The place in a later series' list that belongs to the same block. */
static const struct place *place_at(const struct ahead *a, size_t series, size_t number)
{
    const struct place *p = found_at(a, a->first + series)->first;
    while (number--)
        p = p->next;
    return p;
}

static bool same_piece(const struct part_piece *a, const struct part_piece *b)
{
    return a->times.n == b->times.n &&
           (!a->times.n ||
            (b->times.block && a->times.clock == b->times.clock && a->times.from == b->times.from));
}

/* What of a block is wanted; fewer series when the others' times differ. False: damaged. */
static bool open_stretch(struct view *v, size_t number, struct range r, struct stretch *out)
{
    struct ahead *a = &v->ahead;
    const struct place *p = place_at(a, 0, number);
    const struct part_name name = {v->version->blocks[p->block], p->at.part};
    out->block = v->version->blocks[p->block];
    out->cursor = view_cursor(v, p->block);
    out->head = block_cursor_part(out->cursor, p->at.part);
    const struct part_entry *first = out->head ? entry_of(out->head, p) : NULL;
    for (size_t i = 0; out->head && i < a->n; i++) {
        const struct part_entry *e = entry_of(out->head, place_at(a, i, number));
        if (!e)
            return false;
        if (i > 0 && !e->runs && !first->runs)
            continue; /* both have all of the first clock */
        struct part_piece piece = {0};
        if (part_entry_in(out->head, e, r.start, r.end))
            piece = part_piece(out->head, e, name, r.start, r.end, &a->arena);
        if (i == 0)
            out->piece = piece;
        else if (!same_piece(&out->piece, &piece))
            a->n = i;
    }
    return out->head != NULL;
}

static struct buf *next_room(struct ahead *a)
{
    if (a->rooms_used == a->rooms_n) {
        size_t n = a->rooms_n * 2 + 4;
        a->rooms = mem_grow(a->rooms, n * sizeof *a->rooms);
        for (size_t i = a->rooms_n; i < n; i++)
            a->rooms[i] = (struct buf){.max = SIZE_MAX};
        a->rooms_n = n;
    }
    return &a->rooms[a->rooms_used++];
}

static const char *read_bytes(struct ahead *a, const struct stretch *s, size_t at, size_t n)
{
    const char *bytes;
    uint32_t part = s->piece.times.part;
    return block_read_raw(s->block, part, s->block->parts[part].head_bytes + at, n, next_room(a),
                          &bytes)
               ? bytes
               : NULL;
}

/* What lies from the first to the last section of the series. */
struct extent {
    size_t low, high, wanted;
};

static bool extent_of(const struct ahead *a, const struct stretch *s, size_t number,
                      struct extent *out)
{
    *out = (struct extent){.low = SIZE_MAX};
    for (size_t i = 0; i < a->n; i++) {
        const struct part_entry *e = entry_of(s->head, place_at(a, i, number));
        if (!e)
            return false;
        if (e->constant)
            continue;
        out->low = MIN(out->low, (size_t)e->section);
        out->high = MAX(out->high, (size_t)e->section + e->bytes);
        out->wanted += e->bytes;
    }
    return true;
}

/* Sections of neighbours lie near each other: one read for all, unless much lies between. */
static bool queue_stretch(struct ahead *a, const struct stretch *s, size_t number, size_t done)
{
    enum { BETWEEN_BYTES = 16 << 10 };
    struct extent x;
    if (!extent_of(a, s, number, &x))
        return false;
    bool together = x.wanted && x.high - x.low <= x.wanted * 2 + BETWEEN_BYTES;
    const char *all = together ? read_bytes(a, s, x.low, x.high - x.low) : NULL;
    if (together && !all)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct part_entry *e = entry_of(s->head, place_at(a, i, number));
        if (!e)
            return false;
        struct span section = {0};
        if (!e->constant) {
            const char *own =
                all ? all + (e->section - x.low) : read_bytes(a, s, e->section, e->bytes);
            if (!own)
                return false;
            section = span_from(own, e->bytes);
        }
        if (!part_queue(e, section, &s->piece, a->at[i].v + done, &a->at[i], &a->batch))
            return false;
    }
    return true;
}

/* All samples of the series, which are n. */
static bool read_all(struct view *v, const struct stretch *stretches, size_t stretches_n, size_t n)
{
    struct ahead *a = &v->ahead;
    struct samples *first = &a->at[0];
    for (size_t i = 0; i < a->n; i++) {
        a->at[i] = (struct samples){.arena = &a->arena};
        if (i > 0)
            a->at[i].v = arena_alloc(&a->arena, n * sizeof *a->at[i].v);
    }
    first->times = &v->times;
    samples_room(first, n);
    a->batch.arena = &a->arena;
    a->batch.n = 0;
    for (size_t k = 0; k < stretches_n; k++) {
        const struct stretch *s = &stretches[k];
        if (!s->piece.times.n)
            continue;
        size_t done = first->n;
        part_put_times(&s->piece, first);
        if (first->mixed || !queue_stretch(a, s, k, done))
            return false;
        first->n += s->piece.times.n;
    }
    return part_decode(&a->batch);
}

/* Where one block's samples follow another's, nobody has looked yet. */
static void look_between(struct ahead *a, const struct stretch *stretches, size_t stretches_n)
{
    size_t at = 0;
    for (size_t k = 0; k < stretches_n; k++) {
        size_t n = stretches[k].piece.times.n;
        for (size_t i = 0; n && at && i < a->n; i++)
            a->at[i].falls |= a->at[i].v[at] < a->at[i].v[at - 1];
        at += n;
    }
}

static bool read_ahead(struct view *v, size_t first, struct range r)
{
    struct ahead *a = &v->ahead;
    size_t places = 0, samples = 0;
    a->first = first;
    a->range = r;
    a->n = candidates(v, first, r);
    a->rooms_used = 0;
    arena_reset(&a->arena);
    if (!a->n)
        return false;
    for (const struct place *p = found_at(a, first)->first; p; p = p->next)
        places++;
    struct stretch *stretches = ARENA_ARRAY(&a->arena, struct stretch, places);
    for (size_t k = 0; k < places; k++) {
        if (!open_stretch(v, k, r, &stretches[k]))
            return false;
        samples += stretches[k].piece.times.n;
        if (stretches[k].piece.times.n && !stretches[k].piece.times.block)
            return false;
    }
    times_begin(&v->times);
    bool ok = read_all(v, stretches, places, samples);
    if (!ok)
        samples_moved(&a->at[0]);
    times_end(&v->times, a->at[0].n);
    if (ok)
        look_between(a, stretches, places);
    return ok;
}

bool ahead_read(struct view *v, struct selected *series, struct range r)
{
    struct ahead *a = &v->ahead;
    size_t i = ((uintptr_t)series - (uintptr_t)a->list) / sizeof *series, deletions;
    if (!a->list || i >= a->list_n) {
        a->n = 0;
        return false;
    }
    bool there = i - a->first < a->n && r.start == a->range.start && r.end == a->range.end;
    (void)tombstones_list(v->version->tombstones, &deletions);
    if (!there && (deletions || i < a->alone || !read_ahead(v, i, r))) {
        a->alone = MAX(a->alone, i + 1);
        a->n = 0;
        return false;
    }
    const struct samples *s = &a->at[i - a->first];
    series->times_id = v->times.id;
    series->numbers = !s->nans;
    series->rising = !s->falls && !s->nans;
    series->t_ms = v->times.t;
    series->v = s->v;
    series->n = a->at[0].n;
    return true;
}

void ahead_free(struct ahead *a)
{
    for (size_t i = 0; i < a->rooms_n; i++)
        buf_free(&a->rooms[i]);
    free(a->rooms);
    arena_free(&a->arena);
}
