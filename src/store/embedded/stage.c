/* Samples of the head: the stage, the packed bytes, the clocks and what comes late. */
#include "store/embedded/head.h"

/* ---- clocks ---- */

static uint32_t clock_new(struct group *g, int64_t t)
{
    g->clocks = mem_grow(g->clocks, (g->clocks_n + 1) * sizeof *g->clocks);
    g->clocks[g->clocks_n] = (struct clock){.base = t};
    return g->last_clock = g->clocks_n++;
}

static bool clock_push(struct clock *c, int64_t t)
{
    if ((uint64_t)t - (uint64_t)c->base > UINT32_MAX)
        return false;
    if (c->n == c->size) {
        c->size = c->n < 16 ? 16 : c->n + c->n / 2;
        c->after = mem_grow(c->after, c->size * sizeof *c->after);
    }
    c->after[c->n++] = (uint32_t)(t - c->base);
    c->last = t;
    return true;
}

/* The first place whose time is not before t. */
static uint32_t clock_find(const struct clock *c, int64_t t)
{
    uint32_t low = 0, high = c->n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (c->base + c->after[mid] < t)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Whether the time is on the clock; mostly it is the last, or the first of a request that brings
 * several for each series. */
static bool clock_has(const struct clock *c, int64_t t, uint32_t *place)
{
    if (t > c->last || t < c->base)
        return false;
    *place = c->last == t ? c->n - 1 : clock_find(c, t);
    return c->base + c->after[*place] == t;
}

/* The clock and place for a sample that does not simply follow its neighbours: the first of a
 * request, one after a gap, one of a series that has changed its company. */
static void clock_place(struct group *g, const struct series *s, int64_t t, uint32_t *clock,
                        uint32_t *place)
{
    if (s->clock < g->clocks_n) {
        struct clock *c = &g->clocks[s->clock];
        *clock = s->clock;
        if (t > c->last && s->end == c->n && clock_push(c, t)) {
            *place = c->n - 1;
            return;
        }
        *place = clock_find(c, t);
        if (*place < c->n && c->base + c->after[*place] == t)
            return;
    }
    for (uint32_t i = 0; i < MIN(g->clocks_n, (uint32_t)HEAD_CLOCKS_LOOKED_AT); i++) {
        /* the one used last, then the newest */
        *clock = i ? g->clocks_n - i : g->last_clock;
        if (*clock < g->clocks_n && clock_has(&g->clocks[*clock], t, place)) {
            g->last_clock = *clock;
            return;
        }
    }
    *clock = clock_new(g, t);
    *place = 0;
    clock_push(&g->clocks[*clock], t);
}

/* ---- packing ---- */

/* How much is allocated for so many bytes: an eighth of their power of two at a time, with what
 * malloc puts in front of them. */
static uint32_t packed_room(uint32_t len)
{
    enum { MALLOC_HEAD = sizeof(size_t), LITTLE = 32 };
    uint32_t all = len + MALLOC_HEAD, step = all < 512 ? LITTLE : 1u << (28 - __builtin_clz(all));
    return ((all + step - 1) & ~(step - 1)) - MALLOC_HEAD;
}

void series_pack(struct head *h, struct series *s)
{
    if (!s->staged)
        return;
    uint8_t bytes[CHUNK_MAX_BYTES(HEAD_STAGE) + 1 + 2 * VARINT_MAX_BYTES], *at = bytes;
    uint32_t start = s->end - s->staged;
    bool new_run = !s->packed_len || s->clock != s->run_clock || start != s->run_end;
    *at++ = (uint8_t)((s->staged - 1) | (new_run ? HEAD_NEW_RUN : 0));
    if (new_run) {
        at = varint_put(at, s->clock);
        at = varint_put(at, start);
    }
    double base = s->packed_len ? s->packed_v : 0;
    at += chunk_encode(CHUNK_RECENT, base, s->stage, s->staged, at);
    uint32_t n = (uint32_t)(at - bytes), room = packed_room(s->packed_len);
    if (!s->packed || s->packed_len + n > room)
        s->packed = mem_grow(s->packed, packed_room(s->packed_len + n));
    memcpy(s->packed + s->packed_len, bytes, n);
    s->packed_len += n;
    s->packed_v = s->stage[s->staged - 1];
    s->run_clock = s->clock;
    s->run_end = s->end;
    s->staged = 0;
    atomic_fetch_add_explicit(&h->bytes, n, memory_order_relaxed);
}

void series_push_slow(struct head *h, struct series *s, int64_t t, double v)
{
    uint32_t clock, place;
    clock_place(s->group, s, t, &clock, &place);
    if (s->staged && (clock != s->clock || place != s->end))
        series_pack(h, s);
    s->clock = clock;
    s->end = place + 1;
    s->stage[s->staged++] = v;
    s->last_t = t;
    s->last_v = v;
    if (s->staged == HEAD_STAGE)
        series_pack(h, s);
}

/* ---- late ones ---- */

enum late_result series_push_late(struct head *h, struct series *s, struct sample sample)
{
    if (!s->late)
        s->late = mem_zero(2, sizeof *s->late);
    struct late *l = s->late[0];
    if (!l || l->n == l->size) {
        uint32_t size = l ? l->size * 2 : 8;
        l = mem_grow(l, sizeof *l + size * sizeof l->at[0]);
        l->n = s->late[0] ? l->n : 0;
        l->size = size;
        s->late[0] = l;
        atomic_fetch_add_explicit(&h->bytes, size * sizeof l->at[0], memory_order_relaxed);
    }
    uint32_t at = l->n;
    while (at && l->at[at - 1].t_ms > sample.t_ms)
        at--;
    if (at && l->at[at - 1].t_ms == sample.t_ms)
        return double_bits(l->at[at - 1].v) == double_bits(sample.v) ? LATE_SAME : LATE_OTHER;
    memmove(l->at + at + 1, l->at + at, (l->n - at) * sizeof l->at[0]);
    l->at[at] = sample;
    l->n++;
    return LATE_TAKEN;
}

/* ---- freezing ---- */

void group_freeze(struct head *h, struct group *g)
{
    for (uint32_t i = 0; i < g->series_n; i++) {
        struct series *s = g->series[i];
        series_pack(h, s);
        s->frozen = s->packed;
        s->frozen_len = s->packed_len;
        s->packed = NULL;
        s->packed_len = 0;
        s->clock = s->run_clock = UINT32_MAX;
        if (s->late) {
            s->late[1] = s->late[0];
            s->late[0] = NULL;
        }
    }
    g->frozen_clocks = g->clocks;
    g->frozen_clocks_n = g->clocks_n;
    g->clocks = NULL;
    g->clocks_n = g->last_clock = 0;
}

void group_thaw(struct group *g)
{
    for (uint32_t i = 0; i < g->series_n; i++) {
        struct series *s = g->series[i];
        free(s->frozen);
        s->frozen = NULL;
        s->frozen_len = 0;
        if (s->late) {
            free(s->late[1]);
            s->late[1] = NULL;
        }
        if (s->late && !s->late[0]) {
            free(s->late);
            s->late = NULL;
        }
    }
    for (uint32_t i = 0; i < g->frozen_clocks_n; i++)
        free(g->frozen_clocks[i].after);
    free(g->frozen_clocks);
    g->frozen_clocks = NULL;
    g->frozen_clocks_n = 0;
}

/* ---- reading ---- */

struct span_of_time {
    int64_t start, end;
};

static bool put_run(const struct clock *clocks, uint32_t clocks_n, uint32_t clock, uint32_t place,
                    const double *v, uint32_t n, struct span_of_time range, struct samples *out)
{
    if (clock >= clocks_n || place > clocks[clock].n || clocks[clock].n - place < n)
        return false;
    const struct clock *c = &clocks[clock];
    if (!n || c->base + c->after[place] > range.end ||
        c->base + c->after[place + n - 1] < range.start)
        return true;
    for (uint32_t i = 0; i < n; i++) {
        int64_t t = c->base + c->after[place + i];
        if (t >= range.start && t <= range.end)
            samples_put(out, t, v[i]);
    }
    return true;
}

static bool read_packed(const uint8_t *packed, uint32_t len, const struct clock *clocks,
                        uint32_t clocks_n, struct span_of_time range, struct samples *out)
{
    struct bytes_in in = bytes_of(span_from(packed, len));
    uint32_t clock = 0, place = 0;
    double v[HEAD_STAGE], base = 0;
    while (bytes_left(&in)) {
        uint8_t head = byte_get(&in);
        uint32_t n = (head & 15u) + 1;
        if (head & HEAD_NEW_RUN) {
            clock = (uint32_t)varint_get(&in);
            place = (uint32_t)varint_get(&in);
        }
        if (!in.at || !chunk_decode(&in, base, v, n) ||
            !put_run(clocks, clocks_n, clock, place, v, n, range, out))
            return false;
        base = v[n - 1];
        place += n;
    }
    return true;
}

static void read_late(const struct late *l, struct span_of_time range, struct samples *out)
{
    for (uint32_t i = 0; l && i < l->n; i++)
        if (l->at[i].t_ms >= range.start && l->at[i].t_ms <= range.end)
            samples_put(out, l->at[i].t_ms, l->at[i].v);
}

bool series_read(const struct series *s, unsigned parts, int64_t start, int64_t end,
                 struct samples *out)
{
    const struct group *g = s->group;
    struct span_of_time range = {start, end};
    bool ok = true;
    if (parts & HEAD_FROZEN) {
        ok =
            read_packed(s->frozen, s->frozen_len, g->frozen_clocks, g->frozen_clocks_n, range, out);
        read_late(s->late ? s->late[1] : NULL, range, out);
    }
    if (parts & HEAD_NOW) {
        /* late ones first: what follows is newer, and mostly nothing is late */
        read_late(s->late ? s->late[0] : NULL, range, out);
        ok &= read_packed(s->packed, s->packed_len, g->clocks, g->clocks_n, range, out);
        ok &= put_run(g->clocks, g->clocks_n, s->staged ? s->clock : 0, s->end - s->staged,
                      s->stage, s->staged, range, out) ||
              !s->staged;
    }
    return ok;
}

/* The time at which packed bytes begin. */
static int64_t packed_start(const uint8_t *packed, uint32_t len, const struct clock *clocks)
{
    struct bytes_in in = bytes_of(span_from(packed, len));
    byte_get(&in);
    uint32_t clock = (uint32_t)varint_get(&in);
    uint32_t place = (uint32_t)varint_get(&in);
    return clocks[clock].base + clocks[clock].after[place];
}

bool series_range(const struct series *s, unsigned parts, int64_t *first, int64_t *last)
{
    const struct group *g = s->group;
    int64_t low = INT64_MAX;
    for (unsigned frozen = 0; frozen < 2; frozen++) {
        if (!(parts & (frozen ? HEAD_FROZEN : HEAD_NOW)))
            continue;
        const struct late *l = s->late ? s->late[frozen] : NULL;
        if (l && l->n)
            low = MIN(low, l->at[0].t_ms);
        if (frozen && s->frozen_len)
            low = MIN(low, packed_start(s->frozen, s->frozen_len, g->frozen_clocks));
        if (!frozen && s->packed_len)
            low = MIN(low, packed_start(s->packed, s->packed_len, g->clocks));
        else if (!frozen && s->staged)
            low =
                MIN(low, g->clocks[s->clock].base + g->clocks[s->clock].after[s->end - s->staged]);
    }
    *first = low;
    *last = s->last_t;
    return low != INT64_MAX;
}

static size_t count_packed(const uint8_t *packed, uint32_t len)
{
    struct bytes_in in = bytes_of(span_from(packed, len));
    double v[HEAD_STAGE], base = 0;
    size_t n = 0;
    while (bytes_left(&in)) {
        uint8_t head = byte_get(&in);
        if (head & HEAD_NEW_RUN) {
            varint_get(&in);
            varint_get(&in);
        }
        if (!chunk_decode(&in, base, v, (head & 15u) + 1))
            break;
        base = v[head & 15];
        n += (head & 15u) + 1;
    }
    return n;
}

size_t series_count(const struct series *s, unsigned parts)
{
    size_t n = 0;
    for (unsigned frozen = 0; frozen < 2; frozen++)
        if (s->late && s->late[frozen] && parts & (frozen ? HEAD_FROZEN : HEAD_NOW))
            n += s->late[frozen]->n;
    if (parts & HEAD_FROZEN)
        n += count_packed(s->frozen, s->frozen_len);
    if (parts & HEAD_NOW)
        n += count_packed(s->packed, s->packed_len) + s->staged;
    return n;
}
