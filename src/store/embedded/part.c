#include "store/embedded/part.h"

#include "base/buf.h"
#include "base/crypto.h"

enum { ENTRY_WHOLE = 1, ENTRY_CONSTANT = 2 };
enum { RUNS_PER_SAMPLES = 16 }; /* a series with more gaps gets its own clock */

struct part_clock {
    int64_t *t;
    size_t n;
};

static uint8_t *room(struct buf *b, size_t n)
{
    b->max = SIZE_MAX;
    return (uint8_t *)buf_reserve(b, n);
}

static void put_varint(struct buf *b, uint64_t v)
{
    uint8_t *at = room(b, VARINT_MAX_BYTES);
    b->len += (size_t)(varint_put(at, v) - at);
}

/* Samples are cut into chunks of nearly the same size. */
static size_t chunks_of(size_t samples)
{
    return (samples + CHUNK_MAX_SAMPLES - 1) / CHUNK_MAX_SAMPLES;
}

static size_t chunk_start(size_t samples, size_t chunks, size_t i)
{
    return i * (samples / chunks) + MIN(i, samples % chunks);
}

/* ---- clocks ---- */

/* How many runs of places on the clock the times are; 0 when one is not there or it takes more
 * than most. */
static size_t runs_on(const struct part_clock *c, const int64_t *t, size_t n, size_t most,
                      struct buf *out)
{
    size_t place = 0, runs = 0, end = 0;
    for (size_t i = 0; i < n; runs++) {
        while (place < c->n && c->t[place] < t[i])
            place++;
        if (place == c->n || c->t[place] != t[i] || runs == most)
            return 0;
        size_t first = place;
        while (i < n && place < c->n && c->t[place] == t[i])
            place++, i++;
        if (out) {
            put_varint(out, first - end);
            put_varint(out, place - first);
        }
        end = place;
    }
    return runs;
}

static size_t new_clock(struct part_builder *p, const int64_t *t, size_t n)
{
    if (p->clocks_n == p->clocks_size) {
        p->clocks_size = p->clocks_size * 2 + 4;
        p->clocks = mem_grow(p->clocks, p->clocks_size * sizeof *p->clocks);
    }
    struct part_clock *c = &p->clocks[p->clocks_n];
    *c = (struct part_clock){mem_alloc(n * sizeof *t), n};
    memcpy(c->t, t, n * sizeof *t);
    return p->clocks_n++;
}

/* Appends what says at which times a series has its samples; returns the entry's flag. */
static unsigned put_times(struct part_builder *p, const int64_t *t, size_t n)
{
    size_t most = 1 + n / RUNS_PER_SAMPLES;
    size_t looked_at = MIN(p->clocks_n, (size_t)HEAD_CLOCKS_LOOKED_AT);
    for (size_t i = 0; i < looked_at; i++) {
        size_t k = i ? p->clocks_n - i : 0;
        const struct part_clock *c = &p->clocks[k];
        if (c->n == n && memcmp(c->t, t, n * sizeof *t) == 0) {
            if (k == 0)
                return ENTRY_WHOLE;
            put_varint(&p->entries, k);
            put_varint(&p->entries, 0);
            return 0;
        }
        size_t runs = runs_on(c, t, n, most, NULL);
        if (runs) {
            put_varint(&p->entries, k);
            put_varint(&p->entries, runs);
            runs_on(c, t, n, most, &p->entries);
            return 0;
        }
    }
    size_t k = new_clock(p, t, n);
    if (k == 0)
        return ENTRY_WHOLE;
    put_varint(&p->entries, k);
    put_varint(&p->entries, 0);
    return 0;
}

/* A block is a day, so the differences are far below 2^INTS_MAX_BITS. */
static void put_clock(struct buf *out, const struct part_clock *c)
{
    put_varint(out, c->n);
    put_varint(out, zigzag(c->t[0]));
    int64_t step = 0;
    for (size_t i = 1; i < c->n;) {
        uint64_t z[CHUNK_MAX_SAMPLES];
        size_t n = MIN(c->n - i, (size_t)CHUNK_MAX_SAMPLES);
        for (size_t k = 0; k < n; k++) {
            int64_t own = c->t[i + k] - c->t[i + k - 1];
            z[k] = zigzag(own - step);
            step = own;
        }
        uint8_t *at = room(out, INTS_MAX_BYTES(CHUNK_MAX_SAMPLES) + 1), *end = at + 1;
        *at = (uint8_t)ints_encode(z, n, true, &end);
        out->len += (size_t)(end - at);
        i += n;
    }
}

/* ---- writing ---- */

static void put_section(struct part_builder *p, uint32_t number, const double *v, size_t n)
{
    size_t chunks = chunks_of(n), start = p->sections.len;
    auto_buf bodies = {.max = SIZE_MAX};
    uint32_t crc = 0;
    buf_put(&p->sections, &crc, 4);
    double before = 0;
    for (size_t i = 0; i < chunks; i++) {
        size_t from = chunk_start(n, chunks, i), to = chunk_start(n, chunks, i + 1);
        struct chunk_summary summary;
        chunk_summarise(v + from, to - from, &summary);
        uint8_t *body = room(&bodies, CHUNK_MAX_BYTES(CHUNK_MAX_SAMPLES));
        size_t bytes = chunk_encode(p->style, summary.first, v + from, to - from, body);
        bodies.len += bytes;
        uint8_t *head = room(&p->sections, SUMMARY_MAX_BYTES);
        p->sections.len += summary_encode(&summary, before, head);
        put_varint(&p->sections, bytes);
        before = summary.last;
    }
    buf_span(&p->sections, buf_view(&bodies));
    crc = crc32c(number, p->sections.at + start + 4, p->sections.len - start - 4);
    memcpy(p->sections.at + start, &crc, 4);
}

void part_add(struct part_builder *p, uint32_t number, const int64_t *t, const double *v, size_t n)
{
    bool constant = true;
    for (size_t i = 1; constant && i < n; i++)
        constant = double_bits(v[i]) == double_bits(v[0]);
    p->sections.max = p->entries.max = SIZE_MAX;
    size_t at = p->entries.len;
    buf_char(&p->entries, 0);
    unsigned flags = put_times(p, t, n) | (constant ? ENTRY_CONSTANT : 0);
    p->entries.at[at] = (char)flags;
    if (constant) {
        uint8_t *one = room(&p->entries, CHUNK_MAX_BYTES(1));
        p->entries.len += chunk_encode(p->style, 0, v, 1, one);
    } else {
        size_t before = p->sections.len;
        put_section(p, number, v, n);
        put_varint(&p->entries, p->sections.len - before);
    }
    p->min_t = p->series ? MIN(p->min_t, t[0]) : t[0];
    p->max_t = p->series ? MAX(p->max_t, t[n - 1]) : t[n - 1];
    p->series++;
    p->samples += n;
}

static void part_clear(struct part_builder *p)
{
    for (size_t i = 0; i < p->clocks_n; i++)
        free(p->clocks[i].t);
    p->clocks_n = p->series = p->samples = 0;
    buf_clear(&p->entries);
    buf_clear(&p->sections);
}

void part_finish(struct part_builder *p, uint32_t number, struct buf *out, size_t *head_bytes)
{
    size_t start = out->len;
    uint32_t crc = 0;
    out->max = SIZE_MAX;
    buf_put(out, &crc, 4);
    put_varint(out, p->series);
    put_varint(out, p->clocks_n);
    for (size_t i = 0; i < p->clocks_n; i++)
        put_clock(out, &p->clocks[i]);
    buf_span(out, buf_view(&p->entries));
    crc = crc32c(number, out->at + start + 4, out->len - start - 4);
    memcpy(out->at + start, &crc, 4);
    *head_bytes = out->len - start;
    buf_span(out, buf_view(&p->sections));
    part_clear(p);
}

void part_builder_free(struct part_builder *p)
{
    part_clear(p);
    free(p->clocks);
    buf_free(&p->entries);
    buf_free(&p->sections);
}

/* ---- reading ---- */

static bool checked(struct span bytes, uint32_t number, struct bytes_in *in)
{
    uint32_t crc;
    if (bytes.len < 4)
        return false;
    memcpy(&crc, bytes.at, 4);
    *in = bytes_of(span_from(bytes.at + 4, bytes.len - 4));
    return crc == crc32c(number, bytes.at + 4, bytes.len - 4);
}

static bool get_clock(struct bytes_in *in, struct arena *arena, struct part_clock_in *out)
{
    uint64_t n = varint_get(in);
    if (!in->at || n == 0 || n > PART_MAX_TIMES || n / CHUNK_MAX_SAMPLES > bytes_left(in))
        return false;
    int64_t *t = arena_alloc(arena, n * sizeof *t);
    uint64_t at = (uint64_t)unzigzag(varint_get(in)), step = 0;
    t[0] = (int64_t)at;
    for (size_t i = 1; i < n;) {
        uint64_t z[CHUNK_MAX_SAMPLES];
        size_t piece = MIN((size_t)n - i, (size_t)CHUNK_MAX_SAMPLES);
        if (!ints_decode((enum ints_coding)byte_get(in), in, z, piece) || !in->at)
            return false;
        for (size_t k = 0; k < piece; k++, i++) {
            step += (uint64_t)unzigzag(z[k]);
            at += step;
            t[i] = (int64_t)at;
        }
    }
    *out = (struct part_clock_in){t, (size_t)n};
    return in->at != NULL;
}

static bool get_runs(struct bytes_in *in, const struct part_head *h, struct part_entry *e)
{
    uint64_t clock = varint_get(in), runs = varint_get(in);
    if (!in->at || clock >= h->clocks_n || runs > bytes_left(in))
        return false;
    e->clock = (uint32_t)clock;
    e->whole = runs == 0;
    e->samples = e->whole ? h->clocks[clock].n : 0;
    e->runs_n = (uint32_t)runs;
    e->runs = *in;
    for (uint64_t end = 0, i = 0; i < runs; i++) {
        uint64_t gap = varint_get(in), len = varint_get(in), n = h->clocks[clock].n;
        if (!in->at || gap > n - end || len > n - end - gap || !len)
            return false;
        end += gap + len;
        e->samples += (size_t)len;
    }
    return true;
}

static bool get_entry(struct bytes_in *in, const struct part_head *h, size_t *section,
                      struct part_entry *e)
{
    uint8_t flags = byte_get(in);
    *e = (struct part_entry){.constant = flags & ENTRY_CONSTANT, .section = *section};
    if (!in->at || !h->clocks_n)
        return false;
    if (flags & ENTRY_WHOLE) {
        e->whole = true;
        e->samples = h->clocks[0].n;
    } else if (!get_runs(in, h, e)) {
        return false;
    }
    if (e->constant)
        return chunk_decode(in, 0, &e->value, 1);
    e->section_bytes = (size_t)varint_get(in);
    *section += e->section_bytes;
    return in->at && e->section_bytes < UINT32_MAX;
}

bool part_parse(struct span head, uint32_t number, struct arena *arena, struct part_head *out)
{
    struct bytes_in in;
    if (!checked(head, number, &in))
        return false;
    uint64_t n = varint_get(&in), clocks = varint_get(&in);
    if (!in.at || n > PART_MAX_SERIES || clocks > n)
        return false;
    *out = (struct part_head){.clocks = ARENA_ARRAY(arena, struct part_clock_in, clocks),
                              .entries = ARENA_ARRAY(arena, struct part_entry, n),
                              .clocks_n = (size_t)clocks,
                              .n = (size_t)n};
    for (size_t i = 0; i < clocks; i++)
        if (!get_clock(&in, arena, &out->clocks[i]))
            return false;
    size_t section = 0;
    for (size_t i = 0; i < n; i++)
        if (!get_entry(&in, out, &section, &out->entries[i]))
            return false;
    return true;
}

/* Goes through the runs of a series. */
struct run_walk {
    const struct part_entry *e;
    struct bytes_in in;
    size_t left, end; /* runs; places passed */
};

static struct run_walk walk_runs(const struct part_entry *e)
{
    return (struct run_walk){e, e->runs, e->whole ? 1 : e->runs_n, 0};
}

static bool next_run(struct run_walk *w, size_t *first, size_t *n)
{
    if (!w->left--)
        return false;
    *first = w->e->whole ? 0 : w->end + (size_t)varint_get(&w->in);
    *n = w->e->whole ? w->e->samples : (size_t)varint_get(&w->in);
    w->end = *first + *n;
    return true;
}

bool part_entry_in(const struct part_head *h, const struct part_entry *e, int64_t start,
                   int64_t end)
{
    const int64_t *t = h->clocks[e->clock].t;
    struct run_walk w = walk_runs(e);
    size_t first, n, lowest = SIZE_MAX;
    while (next_run(&w, &first, &n))
        lowest = MIN(lowest, first);
    return e->samples && t[lowest] <= end && t[w.end - 1] >= start;
}

/* The times of a series one after the other: the clock's own when it has all of them. */
static const int64_t *times_of(const struct part_head *h, const struct part_entry *e,
                               struct arena *arena)
{
    const int64_t *clock = h->clocks[e->clock].t;
    struct run_walk w = walk_runs(e);
    size_t first, n, at = 0;
    if (e->whole)
        return clock;
    if (e->runs_n == 1 && next_run(&w, &first, &n))
        return clock + first;
    int64_t *t = arena_alloc(arena, e->samples * sizeof *t);
    for (; next_run(&w, &first, &n); at += n)
        memcpy(t + at, clock + first, n * sizeof *t);
    return t;
}

static size_t first_not_before(const int64_t *t, size_t n, int64_t time)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (t[mid] < time)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void put_range(struct samples *out, const int64_t *t, const double *v, size_t n)
{
    if (!n)
        return;
    samples_room(out, n);
    out->mixed |= out->n && t[0] <= out->t[out->n - 1];
    memcpy(out->t + out->n, t, n * sizeof *t);
    memcpy(out->v + out->n, v, n * sizeof *v);
    out->n += n;
}

static bool read_section(const struct part_entry *e, struct span section, uint32_t number,
                         const int64_t *t, size_t from, size_t to, struct samples *out)
{
    struct bytes_in heads, body;
    size_t chunks = chunks_of(e->samples);
    if (!checked(section, number, &heads))
        return false;
    body = heads;
    double before = 0;
    for (size_t i = 0; i < chunks; i++) { /* the bodies begin behind all summaries */
        struct chunk_summary ignored;
        if (!summary_decode(&body, before, &ignored))
            return false;
        before = ignored.last;
        varint_get(&body);
    }
    before = 0;
    for (size_t i = 0; i < chunks; i++) {
        size_t start = chunk_start(e->samples, chunks, i);
        size_t end = chunk_start(e->samples, chunks, i + 1);
        struct chunk_summary summary;
        double v[CHUNK_MAX_SAMPLES];
        summary_decode(&heads, before, &summary);
        before = summary.last;
        const uint8_t *bytes = bytes_get(&body, (size_t)varint_get(&heads));
        if (!heads.at || !bytes)
            return false;
        if (end <= from || start >= to)
            continue;
        struct bytes_in in = {bytes, body.at};
        if (!chunk_decode(&in, summary.first, v, end - start))
            return false;
        size_t low = MAX(from, start), high = MIN(to, end);
        put_range(out, t + low, v + (low - start), high - low);
    }
    return true;
}

bool part_read(const struct part_head *h, const struct part_entry *e, uint32_t number,
               struct span section, int64_t start, int64_t end, struct samples *out)
{
    const int64_t *t = times_of(h, e, out->arena);
    size_t from = first_not_before(t, e->samples, start);
    size_t to = end == INT64_MAX ? e->samples : first_not_before(t, e->samples, end + 1);
    if (!e->constant)
        return from >= to || read_section(e, section, number, t, from, to, out);
    for (size_t i = from; i < to; i++)
        samples_put(out, t[i], e->value);
    return true;
}
