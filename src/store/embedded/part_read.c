/* Reading parts: part.h has the format. */
#include "store/embedded/part.h"

#include "base/crypto.h"

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

/* Goes through the runs of a series. */
struct run_walk {
    struct bytes_in in;
    size_t clock, left, end, all; /* runs to come; places passed; all: when it is the whole clock */
};

static struct run_walk walk_runs(const struct part_head *h, const struct part_entry *e)
{
    struct run_walk w = {.left = 1, .all = h->clocks[0].n};
    if (!e->runs)
        return w;
    w.in = bytes_of(span_from(h->text.at + e->runs, h->text.len - e->runs));
    w.clock = (size_t)varint_get(&w.in);
    w.left = (size_t)varint_get(&w.in);
    w.all = w.left ? 0 : h->clocks[w.clock].n;
    if (!w.left)
        w.left = 1;
    return w;
}

static bool next_run(struct run_walk *w, size_t *first, size_t *n)
{
    if (!w->left--)
        return false;
    *first = w->all ? 0 : w->end + (size_t)varint_get(&w->in);
    *n = w->all ? w->all : (size_t)varint_get(&w->in);
    w->end = *first + *n;
    return true;
}

size_t part_samples(const struct part_head *h, const struct part_entry *e)
{
    struct run_walk w = walk_runs(h, e);
    size_t first, n, all = 0;
    while (next_run(&w, &first, &n))
        all += n;
    return all;
}

static bool get_runs(struct bytes_in *in, const struct part_head *h, struct part_entry *e)
{
    e->runs = (uint32_t)((const char *)in->at - h->text.at) & INT32_MAX;
    uint64_t clock = varint_get(in), runs = varint_get(in);
    if (!in->at || clock >= h->clocks_n || runs > bytes_left(in))
        return false;
    uint64_t n = h->clocks[clock].n;
    for (uint64_t end = 0, i = 0; i < runs; i++) {
        uint64_t gap = varint_get(in), len = varint_get(in);
        if (!in->at || gap > n - end || len > n - end - gap || !len)
            return false;
        end += gap + len;
    }
    return true;
}

static bool get_entry(struct bytes_in *in, const struct part_head *h, uint64_t *section,
                      struct part_entry *e)
{
    uint8_t flags = byte_get(in);
    *e = (struct part_entry){.constant = (flags & ENTRY_CONSTANT) != 0};
    if (!in->at || !h->clocks_n)
        return false;
    if (!(flags & ENTRY_WHOLE) && !get_runs(in, h, e))
        return false;
    if (e->constant) {
        double value;
        bool ok = chunk_decode(in, 0, &value, 1);
        memcpy(e->value, &value, sizeof e->value);
        return ok;
    }
    uint64_t bytes = varint_get(in);
    if (!in->at || bytes > UINT32_MAX || *section + bytes > UINT32_MAX)
        return false;
    e->section = (uint32_t)*section;
    e->bytes = (uint32_t)bytes;
    *section += bytes;
    return true;
}

bool part_parse(struct span head, uint32_t number, struct arena *arena, struct part_head *out)
{
    struct bytes_in in;
    if (!checked(head, number, &in))
        return false;
    uint64_t n = varint_get(&in), clocks = varint_get(&in);
    if (!in.at || n > PART_MAX_SERIES || clocks > n)
        return false;
    *out = (struct part_head){.text = head,
                              .clocks = ARENA_ARRAY(arena, struct part_clock_in, clocks),
                              .entries = ARENA_ARRAY(arena, struct part_entry, n),
                              .clocks_n = (size_t)clocks,
                              .n = (size_t)n};
    for (size_t i = 0; i < clocks; i++)
        if (!get_clock(&in, arena, &out->clocks[i]))
            return false;
    uint64_t section = 0;
    for (size_t i = 0; i < n; i++)
        if (!get_entry(&in, out, &section, &out->entries[i]))
            return false;
    return true;
}

size_t part_head_copy(const struct part_head *h, struct part_head *out, void **memory)
{
    size_t times = 0, clocks = h->clocks_n * sizeof *h->clocks, entries = h->n * sizeof *h->entries;
    bool runs = false;
    for (size_t i = 0; i < h->clocks_n; i++)
        times += h->clocks[i].n * sizeof *h->clocks[i].t;
    for (size_t i = 0; !runs && i < h->n; i++)
        runs = h->entries[i].runs;
    size_t text = runs ? h->text.len : 0, bytes = clocks + times + entries + text;
    char *at = *memory = mem_alloc(bytes);
    *out = *h;
    out->clocks = (struct part_clock_in *)(void *)at;
    at += clocks;
    for (size_t i = 0; i < h->clocks_n; i++) {
        size_t n = h->clocks[i].n * sizeof *h->clocks[i].t;
        out->clocks[i] = (struct part_clock_in){(int64_t *)(void *)at, h->clocks[i].n};
        memcpy(at, h->clocks[i].t, n);
        at += n;
    }
    out->entries = (struct part_entry *)(void *)at;
    if (entries)
        memcpy(at, h->entries, entries);
    at += entries;
    if (text)
        memcpy(at, h->text.at, text);
    out->text = span_from(at, text);
    return bytes;
}

bool part_entry_in(const struct part_head *h, const struct part_entry *e, int64_t start,
                   int64_t end)
{
    if (!e->runs) {
        const struct part_clock_in *all = &h->clocks[0];
        return all->t[0] <= end && all->t[all->n - 1] >= start;
    }
    struct run_walk w = walk_runs(h, e);
    const int64_t *t = h->clocks[w.clock].t;
    size_t first, n, lowest = SIZE_MAX;
    while (next_run(&w, &first, &n))
        lowest = MIN(lowest, first);
    return t[lowest] <= end && t[w.end - 1] >= start;
}

/* The times of a series one after the other: places first, first + 1, ... of a clock; or a copy
 * when there are gaps, and then the clock is said to be SIZE_MAX. */
static const int64_t *times_of(const struct part_head *h, const struct part_entry *e,
                               struct arena *arena, size_t *clock, size_t *first, size_t *all)
{
    struct run_walk w = walk_runs(h, e);
    const int64_t *from = h->clocks[w.clock].t;
    size_t n, at = 0;
    *clock = w.clock;
    if (w.left == 1 && next_run(&w, first, all))
        return from + *first;
    *clock = SIZE_MAX;
    *all = part_samples(h, e);
    int64_t *t = arena_alloc(arena, *all * sizeof *t);
    for (; next_run(&w, first, &n); at += n)
        memcpy(t + at, from + *first, n * sizeof *t);
    return t;
}

/* Times come at even distances mostly: the place is where they say, or near it. */
static size_t first_not_before(const int64_t *t, size_t n, int64_t time)
{
    enum { NEAR = 2 };
    size_t low = 0, high = n;
    if (n == 0 || time <= t[0])
        return 0;
    if (time > t[n - 1])
        return n;
    double share = (double)(time - t[0]) / (double)(t[n - 1] - t[0]);
    size_t guess = (size_t)(share * (double)(n - 1));
    if (guess > NEAR && t[guess - NEAR] < time)
        low = guess - NEAR;
    if (guess + NEAR < n && t[guess + NEAR] >= time)
        high = guess + NEAR;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (t[mid] < time)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct part_piece part_piece(const struct part_head *h, const struct part_entry *e,
                             struct part_name name, int64_t start, int64_t end, struct arena *arena)
{
    size_t clock, first = 0, all = 0;
    const int64_t *t = times_of(h, e, arena, &clock, &first, &all);
    size_t from = first_not_before(t, all, start);
    size_t to = end == INT64_MAX ? all : first_not_before(t, all, end + 1);
    return (struct part_piece){
        .times = {clock == SIZE_MAX ? NULL : name.block, name.part, (uint32_t)clock, first + from,
                  to > from ? to - from : 0},
        .t = t + from,
        .from = from,
        .all = all,
    };
}

void part_put_times(const struct part_piece *p, struct samples *out)
{
    samples_room(out, p->times.n);
    out->mixed |= out->n && p->t[0] <= out->t[out->n - 1];
    if (!out->times || !times_known(out->times, &p->times))
        memcpy(out->t + out->n, p->t, p->times.n * sizeof *p->t);
}

/* The chunks of a section and where they begin, from what stands in front of them. */
struct section {
    struct bytes_in heads, body;
    double before; /* the last value of the chunk before */
};

static bool open_section(struct span bytes, uint32_t number, size_t chunks, struct section *s)
{
    if (!checked(bytes, number, &s->heads))
        return false;
    s->body = s->heads;
    s->before = 0;
    double before = 0;
    for (size_t i = 0; i < chunks; i++) { /* the bodies begin behind all summaries */
        struct chunk_summary ignored;
        if (!summary_decode(&s->body, before, &ignored))
            return false;
        before = ignored.last;
        varint_get(&s->body);
    }
    return true;
}

static bool next_chunk(struct section *s, double *base, struct bytes_in *out)
{
    struct chunk_summary summary;
    summary_decode(&s->heads, s->before, &summary);
    s->before = summary.last;
    *base = summary.first;
    const uint8_t *bytes = bytes_get(&s->body, (size_t)varint_get(&s->heads));
    *out = (struct bytes_in){bytes, s->body.at};
    return s->heads.at && bytes;
}

/* ---- chunks side by side ---- */

/* Longest first, so that those decoded together are about as long. */
static void sort_batch(struct part_batch *b, struct batch_chunk **order)
{
    for (size_t i = 0; i < b->n; i++) {
        size_t k = i;
        for (; k > 0 && order[k - 1]->job.n < b->at[i].job.n; k--)
            order[k] = order[k - 1];
        order[k] = &b->at[i];
    }
}

static bool decode_some(struct batch_chunk **chunks, size_t n)
{
    struct chunk_job jobs[CHUNKS_AT_ONCE];
    for (size_t i = 0; i < n; i++)
        jobs[i] = chunks[i]->job;
    if (!chunks_decode(jobs, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct batch_chunk *c = chunks[i];
        c->of->nans |= !jobs[i].numbers;
        c->of->falls |= !jobs[i].rising;
        if (c->job.v != c->to)
            memcpy(c->to, c->job.v + c->skip, c->take * sizeof *c->to);
    }
    return true;
}

bool part_decode(struct part_batch *batch)
{
    struct batch_chunk *order[BATCH_CHUNKS];
    bool ok = true;
    sort_batch(batch, order);
    for (size_t i = 0; i < batch->n && ok; i += CHUNKS_AT_ONCE)
        ok = decode_some(order + i, MIN(batch->n - i, (size_t)CHUNKS_AT_ONCE));
    batch->n = 0;
    return ok;
}

static bool queue_section(struct span bytes, const struct part_piece *p, double *v,
                          struct samples *of, struct part_batch *batch)
{
    struct section s;
    size_t chunks = part_chunks(p->all), from = p->from, to = from + p->times.n;
    if (!open_section(bytes, p->times.part, chunks, &s))
        return false;
    for (size_t i = 0; i < chunks; i++) {
        size_t start = part_chunk_start(p->all, chunks, i);
        size_t end = part_chunk_start(p->all, chunks, i + 1);
        if (batch->n == BATCH_CHUNKS && !part_decode(batch))
            return false;
        struct batch_chunk *c = &batch->at[batch->n];
        double before = s.before;
        if (!next_chunk(&s, &c->job.base, &c->job.in))
            return false;
        if (end <= from || start >= to)
            continue;
        of->falls |= start > from && c->job.base < before;
        size_t low = MAX(from, start), high = MIN(to, end);
        c->of = of;
        c->job.n = end - start;
        c->to = c->job.v = v + (low - from);
        c->skip = (uint32_t)(low - start);
        c->take = (uint32_t)(high - low);
        if (c->take < c->job.n)
            c->job.v = arena_alloc(batch->arena, c->job.n * sizeof *c->job.v);
        batch->n++;
    }
    return true;
}

bool part_queue(const struct part_entry *e, struct span section, const struct part_piece *p,
                double *v, struct samples *of, struct part_batch *batch)
{
    if (!e->constant)
        return queue_section(section, p, v, of, batch);
    double value;
    memcpy(&value, e->value, sizeof value);
    for (size_t i = 0; i < p->times.n; i++)
        v[i] = value;
    of->nans |= isnan(value);
    return true;
}

bool part_read(const struct part_head *h, const struct part_entry *e, struct part_name name,
               struct span section, int64_t start, int64_t end, struct samples *out)
{
    struct part_batch batch;
    const struct part_piece piece = part_piece(h, e, name, start, end, out->arena);
    if (!piece.times.n)
        return true;
    batch.arena = out->arena;
    batch.n = 0;
    part_put_times(&piece, out);
    if (!part_queue(e, section, &piece, out->v + out->n, out, &batch) || !part_decode(&batch)) {
        samples_moved(out);
        return false;
    }
    out->falls |= out->n && out->v[out->n] < out->v[out->n - 1];
    out->n += piece.times.n;
    return true;
}
