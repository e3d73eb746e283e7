#include "store/embedded/rows.h"

#include "series/remote_write.h"

#include <zstd.h>

enum { ROW_KEY = 1, ROW_SHARED = 2 };
enum { VALUE_RAW = 15, ROW_AHEAD = 6 };

void row_free(struct row *r)
{
    free(r->series);
    free(r->counts);
    free(r->samples);
    free(r->bitmap);
    buf_free(&r->runs);
    buf_free(&r->times);
    buf_free(&r->values);
    buf_free(&r->payload);
}

void row_clear(struct row *r)
{
    for (size_t i = 0; i < r->n; i++)
        r->series[i]->in_row = false;
    r->n = r->samples_n = 0;
}

void row_add_series(struct row *r, struct series *s)
{
    if (r->n == r->size) {
        r->size = r->size ? r->size * 2 : 256;
        r->series = mem_grow(r->series, r->size * sizeof *r->series);
        r->counts = mem_grow(r->counts, r->size * sizeof *r->counts);
    }
    s->in_row = true;
    r->series[r->n] = s;
    r->counts[r->n++] = 0;
}

void row_add_sample(struct row *r, struct sample sample)
{
    if (r->samples_n == r->samples_size) {
        r->samples_size = r->samples_size ? r->samples_size * 2 : 256;
        r->samples = mem_grow(r->samples, r->samples_size * sizeof *r->samples);
    }
    r->samples[r->samples_n++] = sample;
    r->counts[r->n - 1]++;
}

/* ---- writing ---- */

static uint8_t *room(struct buf *b, size_t n)
{
    return (uint8_t *)buf_reserve(b, n);
}

static void filled(struct buf *b, const uint8_t *end)
{
    b->len = (size_t)((const char *)end - b->at);
}

static void put_varint(struct buf *b, uint64_t v)
{
    uint8_t *at = room(b, VARINT_MAX_BYTES);
    if (at)
        filled(b, varint_put(at, v));
}

static void encode_runs(struct row *r)
{
    buf_clear(&r->runs);
    put_varint(&r->runs, r->n);
    uint32_t expected = 0;
    for (size_t i = 0; i < r->n;) {
        size_t k = i + 1;
        while (k < r->n && r->series[k]->id == r->series[k - 1]->id + 1)
            k++;
        put_varint(&r->runs, zigzag((int64_t)r->series[i]->id - (int64_t)expected));
        put_varint(&r->runs, k - i);
        expected = r->series[k - 1]->id + 1;
        i = k;
    }
}

static bool times_shared(const struct row *r)
{
    uint32_t k = r->counts[0];
    const struct sample *first = r->samples, *own = r->samples;
    for (size_t i = 0; i < r->n; i++) {
        if (r->counts[i] != k)
            return false;
        for (uint32_t j = 0; j < k; j++)
            if (own[j].t_ms != first[j].t_ms)
                return false;
        own += k;
    }
    return true;
}

static void encode_times(struct row *r, bool shared)
{
    buf_clear(&r->times);
    int64_t before = 0;
    const struct sample *s = r->samples;
    for (size_t i = 0; i < (shared ? 1 : r->n); i++) {
        put_varint(&r->times, r->counts[i]);
        for (uint32_t k = 0; k < r->counts[i]; k++, s++) {
            put_varint(&r->times, zigzag(s->t_ms - before));
            before = s->t_ms;
        }
    }
}

/* One value that is not the one before. */
static uint8_t *put_value(uint8_t *at, double before, double v, uint8_t *decimals)
{
    int64_t x, y;
    if (decimal_of(v, *decimals, &x) && decimal_of(before, *decimals, &y))
        return varint_put(at, zigzag(x - y) << 1);
    for (unsigned e = 0; e <= CHUNK_MAX_DECIMALS; e++)
        if (decimal_of(v, e, &x)) {
            *decimals = (uint8_t)e;
            *at++ = (uint8_t)(e << 1 | 1);
            return varint_put(at, zigzag(x));
        }
    *at++ = VALUE_RAW << 1 | 1;
    memcpy(at, &v, 8);
    return at + 8;
}

static double value_before(struct series *s, uint64_t gen, bool key)
{
    if (!key && s->log_gen == (uint32_t)gen)
        return s->last_v;
    s->decimals = 0;
    return 0;
}

static void encode_values(struct row *r, uint64_t gen, bool key)
{
    size_t bytes = (r->samples_n + 7) / 8, n = 0;
    if (bytes > r->bitmap_size) {
        r->bitmap_size = bytes * 2;
        r->bitmap = mem_grow(r->bitmap, r->bitmap_size);
    }
    memset(r->bitmap, 0, bytes);
    buf_clear(&r->values);
    uint8_t *at = room(&r->values, r->samples_n * (VARINT_MAX_BYTES + 1));
    if (!at)
        return;
    for (size_t i = 0; i < r->n; i++) {
        struct series *s = r->series[i];
        double before = value_before(s, gen, key);
        for (uint32_t k = 0; k < r->counts[i]; k++, n++) {
            double v = r->samples[n].v;
            if (double_bits(v) == double_bits(before))
                continue;
            r->bitmap[n / 8] |= (uint8_t)(1 << n % 8);
            at = put_value(at, before, v, &s->decimals);
            before = v;
        }
    }
    filled(&r->values, at);
}

struct span row_encode(struct row *r, uint64_t gen, uint32_t chain)
{
    bool key = chain % ROW_KEY_EVERY == 0, shared = times_shared(r);
    encode_runs(r);
    encode_times(r, shared);
    encode_values(r, gen, key);
    r->payload.max = r->values.max = r->times.max = r->runs.max = SIZE_MAX;
    buf_clear(&r->payload);
    buf_char(&r->payload, ROW_ROW);
    buf_char(&r->payload, (char)((key ? ROW_KEY : 0) | (shared ? ROW_SHARED : 0)));
    put_varint(&r->payload, chain);
    buf_span(&r->payload, buf_view(&r->runs));
    buf_span(&r->payload, buf_view(&r->times));
    buf_put(&r->payload, r->bitmap, (r->samples_n + 7) / 8);
    buf_span(&r->payload, buf_view(&r->values));
    return buf_view(&r->payload);
}

void row_apply(struct row *r, struct head *h, uint64_t gen)
{
    const struct sample *sample = r->samples;
    for (size_t i = 0; i < r->n; i++) {
        struct series *s = r->series[i];
        s->log_gen = (uint32_t)gen;
        for (uint32_t k = 0; k < r->counts[i]; k++, sample++)
            series_push(h, s, sample->t_ms, sample->v);
    }
}

void late_encode(struct buf *out, const struct series *s, struct sample sample)
{
    if (!out->len)
        buf_char(out, ROW_LATE);
    put_varint(out, s->id);
    put_varint(out, zigzag(sample.t_ms));
    buf_put(out, &sample.v, 8);
}

void define_encode(struct buf *out, uint32_t id, struct span raw)
{
    buf_char(out, ROW_DEFINE);
    put_varint(out, id);
    buf_span(out, raw);
}

void define_gather(struct buf *gathered, uint32_t id, struct span raw)
{
    auto_buf one = {.max = SIZE_MAX};
    define_encode(&one, id, raw);
    put_varint(gathered, one.len);
    buf_span(gathered, buf_view(&one));
}

void defines_encode(struct buf *out, struct span gathered)
{
    buf_char(out, ROW_DEFINES);
    put_varint(out, gathered.len);
    size_t most = ZSTD_compressBound(gathered.len);
    char *at = buf_reserve(out, most);
    size_t n = at ? ZSTD_compress(at, most, gathered.at, gathered.len, DEFINES_LEVEL) : 0;
    if (!at || ZSTD_isError(n))
        out->failed = true;
    else
        out->len += n;
}

/* ---- reading ---- */

static void reader_room(struct row_reader *r, size_t series)
{
    if (series <= r->series_size)
        return;
    r->series_size = series * 2;
    r->series = mem_grow(r->series, r->series_size * sizeof *r->series);
    r->counts = mem_grow(r->counts, r->series_size * sizeof *r->counts);
}

static int64_t *times_room(struct row_reader *r, size_t n)
{
    if (n > r->times_size) {
        r->times_size = n * 2;
        r->times = mem_grow(r->times, r->times_size * sizeof *r->times);
    }
    return r->times;
}

static bool decode_runs(struct row_reader *r, struct bytes_in *in, size_t *n_out)
{
    uint64_t n = varint_get(in), expected = 0;
    /* each has a bit of the bitmap at least */
    if (!in->at || n == 0 || n > HEAD_SERIES_MAX || n / 8 > bytes_left(in))
        return false;
    for (size_t i = 0; i < n;) {
        uint64_t first = expected + (uint64_t)unzigzag(varint_get(in)), count = varint_get(in);
        if (!in->at || count == 0 || count > n - i || first >= UINT32_MAX ||
            first + count >= UINT32_MAX)
            return false;
        reader_room(r, i + (size_t)count);
        for (uint64_t k = 0; k < count; k++)
            r->series[i++] = head_series(r->head, (uint32_t)(first + k));
        expected = first + count;
    }
    *n_out = (size_t)n;
    return true;
}

/* One list of times; *at is where it begins in r->times. */
static bool decode_list(struct row_reader *r, struct bytes_in *in, int64_t *before, size_t at,
                        uint32_t *count)
{
    uint64_t n = varint_get(in);
    if (!in->at || n > bytes_left(in)) /* a time is a byte at least */
        return false;
    times_room(r, at + (size_t)n + 1);
    for (size_t k = 0; k < n; k++) {
        *before = (int64_t)((uint64_t)*before + (uint64_t)unzigzag(varint_get(in)));
        r->times[at + k] = *before;
    }
    *count = (uint32_t)n;
    return in->at != NULL;
}

static bool decode_times(struct row_reader *r, struct bytes_in *in, size_t n, bool shared,
                         size_t *samples)
{
    int64_t before = 0;
    size_t at = 0;
    for (size_t i = 0; i < (shared ? 1 : n); i++) {
        if (!decode_list(r, in, &before, at, &r->counts[i]))
            return false;
        at += r->counts[i];
    }
    for (size_t i = 1; shared && i < n; i++)
        r->counts[i] = r->counts[0];
    *samples = shared ? at * n : at;
    return *samples / 8 <= bytes_left(in);
}

static bool decode_value(struct bytes_in *in, double before, uint8_t *decimals, double *out)
{
    uint64_t w = varint_get(in);
    int64_t y = 0;
    if (!in->at)
        return false;
    if (!(w & 1)) {
        decimal_of(before, *decimals, &y);
        *out =
            (double)(int64_t)((uint64_t)y + (uint64_t)unzigzag(w >> 1)) / decimal_power[*decimals];
        return true;
    }
    if (w >> 1 == VALUE_RAW) {
        *out = bits_double(word_get(in));
        return in->at != NULL;
    }
    if (w >> 1 > CHUNK_MAX_DECIMALS)
        return false;
    *decimals = (uint8_t)(w >> 1);
    *out = (double)unzigzag(varint_get(in)) / decimal_power[*decimals];
    return in->at != NULL;
}

/* Whether the rows of the host are complete up to this one. */
static void follow_chain(struct group *g, uint64_t gen, uint32_t chain)
{
    if (g->gen == gen && chain != g->chain)
        for (uint32_t i = 0; i < g->series_n; i++)
            g->series[i]->log_gen = ROW_LOST;
    if (g->gen != gen && chain != 0) /* a gen begins with number 0 */
        for (uint32_t i = 0; i < g->series_n; i++)
            g->series[i]->log_gen = ROW_LOST;
    g->gen = gen;
    g->chain = chain + 1;
}

static void take_sample(struct row_reader *r, struct series *s, int64_t t, double v)
{
    if (t > s->last_t)
        series_push(r->head, s, t, v);
    else if (series_push_late(r->head, s, (struct sample){t, v}) != LATE_TAKEN)
        return;
    s->last_v = v;
    r->samples++;
}

static bool decode_values(struct row_reader *r, struct bytes_in *in, uint64_t gen, bool key,
                          bool shared, size_t n, size_t samples)
{
    const uint8_t *bitmap = bytes_get(in, (samples + 7) / 8);
    if (!bitmap)
        return false;
    for (size_t i = 0, at = 0; i < n; i++) {
        struct series *s = r->series[i];
        if (i + ROW_AHEAD < n)
            series_prefetch(r->series[i + ROW_AHEAD]);
        const int64_t *times = shared ? r->times : r->times + at;
        bool lost = !s || (!key && s->log_gen == ROW_LOST);
        uint8_t ignored = 0, *decimals = s ? &s->decimals : &ignored;
        double v = s && !lost ? value_before(s, gen, key) : 0;
        for (uint32_t k = 0; k < r->counts[i]; k++, at++) {
            if (bitmap[at / 8] >> at % 8 & 1 && !decode_value(in, v, decimals, &v))
                return false;
            if (!lost)
                take_sample(r, s, times[k], v);
        }
        if (lost)
            r->lost += r->counts[i];
        else
            s->log_gen = (uint32_t)gen;
    }
    return true;
}

/* The host of a row: of the first series that is known. */
static struct group *group_of_row(const struct row_reader *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (r->series[i])
            return r->series[i]->group;
    return NULL;
}

static bool replay_row(struct row_reader *r, uint64_t gen, struct bytes_in *in)
{
    uint8_t flags = byte_get(in);
    uint64_t chain = varint_get(in);
    size_t n, samples;
    if (!in->at || chain > UINT32_MAX || !decode_runs(r, in, &n))
        return false;
    struct group *g = group_of_row(r, n);
    if (!decode_times(r, in, n, flags & ROW_SHARED, &samples))
        return false;
    if (g)
        follow_chain(g, gen, (uint32_t)chain);
    return decode_values(r, in, gen, flags & ROW_KEY, flags & ROW_SHARED, n, samples);
}

static bool replay_late(struct row_reader *r, struct bytes_in *in)
{
    while (bytes_left(in)) {
        uint64_t id = varint_get(in);
        int64_t t = unzigzag(varint_get(in));
        double v = bits_double(word_get(in));
        if (!in->at)
            return false;
        struct series *s = id < UINT32_MAX ? head_series(r->head, (uint32_t)id) : NULL;
        if (!s)
            r->lost++;
        else if (series_push_late(r->head, s, (struct sample){t, v}) == LATE_TAKEN)
            r->samples++;
    }
    return in->at != NULL;
}

bool row_replay(struct row_reader *reader, uint64_t gen, struct span payload)
{
    struct bytes_in in = bytes_of(payload);
    switch (byte_get(&in)) {
    case ROW_ROW:
        return replay_row(reader, gen, &in);
    case ROW_LATE:
        return replay_late(reader, &in);
    default:
        return false;
    }
}

/* The first series that is known of a row's runs. */
static const struct series *known_series(const struct head *h, struct bytes_in *in)
{
    uint64_t n = varint_get(in), expected = 0;
    for (uint64_t i = 0; in->at && i < n;) {
        uint64_t first = expected + (uint64_t)unzigzag(varint_get(in)), count = varint_get(in);
        if (!in->at || count == 0 || count > n - i || first >= UINT32_MAX ||
            first + count >= UINT32_MAX)
            return NULL;
        for (uint64_t k = 0; k < count; k++, i++) {
            const struct series *s = head_series(h, (uint32_t)(first + k));
            if (s)
                return s;
        }
        expected = first + count;
    }
    return NULL;
}

bool row_group(const struct head *h, struct span payload, uint32_t *number)
{
    struct bytes_in in = bytes_of(payload);
    const struct series *s = NULL;
    uint8_t kind = byte_get(&in);
    if (kind == ROW_ROW) {
        byte_get(&in);   /* flags */
        varint_get(&in); /* chain */
        s = known_series(h, &in);
    } else if (kind == ROW_LATE) {
        uint64_t id = varint_get(&in); /* all are of one host */
        s = in.at && id < UINT32_MAX ? head_series(h, (uint32_t)id) : NULL;
    } else {
        return false;
    }
    *number = s ? s->group->number : 0;
    return true;
}

static bool replay_define(struct row_reader *r, struct bytes_in *in)
{
    struct label_builder b; /* write_labels begins it: clearing it for each costs */
    struct labels labels;
    uint64_t id = varint_get(in);
    struct span raw = span_from(in->at, bytes_left(in));
    if (!in->at || !id || id >= UINT32_MAX || write_labels(raw, &b, &labels, NULL))
        return false;
    uint32_t hash = raw_hash(raw);
    return !head_find(r->head, raw, hash) && head_create(r->head, (uint32_t)id, labels, raw, hash);
}

static bool replay_defines(struct row_reader *r, struct bytes_in *in)
{
    uint64_t size = varint_get(in);
    if (!in->at || size > DEFINES_MAX_BYTES)
        return false;
    auto_free char *text = mem_alloc((size_t)size + 1);
    size_t got = ZSTD_decompress(text, (size_t)size, in->at, bytes_left(in));
    if (ZSTD_isError(got))
        return false;
    struct bytes_in all = bytes_of(span_from(text, got));
    bool ok = true;
    while (bytes_left(&all)) {
        uint64_t len = varint_get(&all);
        const uint8_t *at = len <= bytes_left(&all) ? bytes_get(&all, (size_t)len) : NULL;
        if (!at)
            return false;
        struct bytes_in one = bytes_of(span_from(at, (size_t)len));
        ok &= byte_get(&one) == ROW_DEFINE && replay_define(r, &one);
    }
    return ok;
}

bool define_replay(void *reader, uint64_t gen, struct span payload)
{
    (void)gen;
    struct bytes_in in = bytes_of(payload);
    switch (byte_get(&in)) {
    case ROW_DEFINE:
        return replay_define(reader, &in);
    case ROW_DEFINES:
        return replay_defines(reader, &in);
    default:
        return false;
    }
}

void row_reader_free(struct row_reader *r)
{
    free(r->series);
    free(r->counts);
    free(r->times);
}
