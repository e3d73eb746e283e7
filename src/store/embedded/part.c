#include "store/embedded/part.h"

#include "base/buf.h"
#include "base/crypto.h"

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
    size_t chunks = part_chunks(n), start = p->sections.len;
    auto_buf bodies = {.max = SIZE_MAX};
    uint32_t crc = 0;
    buf_put(&p->sections, &crc, 4);
    double before = 0;
    for (size_t i = 0; i < chunks; i++) {
        size_t from = part_chunk_start(n, chunks, i), to = part_chunk_start(n, chunks, i + 1);
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
