/* See increment.h. The series of a message come in nearly the same order as in the one before: the
 * one that followed last time is tried first, a map finds the others. */
#include "series/increment_code.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "base/map.h"

#include <endian.h>

struct known {
    size_t len;
    size_t at; /* in the order */
    char raw[];
};

struct increment_writer {
    struct known **order;
    double *values;
    uint32_t *seen; /* the message in which it was last */
    double *next;   /* values of this message, by place */
    size_t n, size;
    struct map by_raw;
    char *common; /* the label field that is left out */
    size_t common_len;
    uint32_t message;
    uint64_t stream, seq;
    int64_t t_ms;
    bool begun;
};

struct increment_writer *increment_writer_open(void)
{
    return mem_zero(1, sizeof(struct increment_writer));
}

void increment_writer_reset(struct increment_writer *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->order[i]);
    w->n = 0;
    map_free(&w->by_raw);
    w->by_raw = (struct map){0};
    free(w->common);
    w->common = NULL;
    w->common_len = 0;
    w->begun = false;
}

void increment_writer_close(struct increment_writer *w)
{
    if (!w)
        return;
    increment_writer_reset(w);
    free(w->order);
    free(w->values);
    free(w->seen);
    free(w->next);
    free(w);
}

static void grow(struct increment_writer *w)
{
    if (w->n < w->size)
        return;
    w->size = w->size ? 2 * w->size : 512;
    w->order = mem_grow(w->order, w->size * sizeof(struct known *));
    w->values = mem_grow(w->values, w->size * sizeof *w->values);
    w->seen = mem_grow(w->seen, w->size * sizeof *w->seen);
    w->next = mem_grow(w->next, w->size * sizeof *w->next);
}

static bool is_known(const struct known *k, struct span raw)
{
    return k->len == raw.len && memcmp(k->raw, raw.at, raw.len) == 0;
}

/* Its place; a new one is added at the end. */
static size_t place_of(struct increment_writer *w, struct span raw, size_t guess)
{
    if (guess < w->n && is_known(w->order[guess], raw))
        return guess;
    struct known *k = map_get(&w->by_raw, raw);
    if (k)
        return k->at;
    grow(w);
    k = mem_alloc(sizeof *k + raw.len);
    *k = (struct known){.len = raw.len, .at = w->n};
    memcpy(k->raw, raw.at, raw.len);
    map_put(&w->by_raw, span_from(k->raw, k->len), k);
    w->order[w->n] = k;
    w->values[w->n] = 0;
    w->seen[w->n] = w->message - 1;
    return w->n++;
}

/* Places and values of the message's samples. False when it is not of one time. */
static bool take(struct increment_writer *w, struct span message, int64_t *t_ms)
{
    struct write_reader r = write_reader_of(message);
    struct write_entry e;
    bool first = true;
    for (size_t guess = 0; write_next(&r, &e);) {
        struct sample s;
        const char *fault = NULL;
        if (!write_sample_next(&e.samples_raw, &s, &fault) || e.samples_raw.len)
            return false;
        if ((!first && s.t_ms != *t_ms) || e.labels_raw.len > INCREMENT_LABELS_MAX_BYTES)
            return false;
        *t_ms = s.t_ms;
        first = false;
        size_t at = place_of(w, e.labels_raw, guess);
        if (w->seen[at] == w->message || w->n > INCREMENT_SERIES_MAX)
            return false; /* twice in one message */
        w->seen[at] = w->message;
        w->next[at] = s.v;
        guess = at + 1;
    }
    return !r.fault && !first;
}

/* The first label field of raw that is named instance, or empty. Fields are: tag, length, and
 * inside tag, length, name. */
static struct span instance_field(struct span raw)
{
    static const char head[] = "\x0a\x08instance";
    const char *found = memmem(raw.at, raw.len, head, sizeof head - 1);
    if (!found || found < raw.at + 2 || found[-2] != '\x0a' || (unsigned char)found[-1] >= 0x80)
        return (struct span){0};
    size_t len = (unsigned char)found[-1];
    size_t left = (size_t)(raw.at + raw.len - found);
    return len <= left ? span_from(found - 2, len + 2) : (struct span){0};
}

static void put_common(struct increment_writer *w, struct buf *out)
{
    struct span field =
        w->n ? instance_field(span_from(w->order[0]->raw, w->order[0]->len)) : (struct span){0};
    w->common = field.len ? mem_dup_span(field) : NULL;
    w->common_len = field.len;
    buf_varint(out, w->common_len);
    buf_put(out, w->common, w->common_len);
}

static size_t shared(struct span a, struct span b)
{
    size_t n = 0;
    while (n < a.len && n < b.len && a.at[n] == b.at[n])
        n++;
    return n;
}

static void put_new(struct increment_writer *w, size_t from, struct buf *out)
{
    auto_buf before = {0}, bare = {0};
    buf_varint(out, w->n - from);
    for (size_t i = from; i < w->n; i++) {
        struct span raw = span_from(w->order[i]->raw, w->order[i]->len);
        const char *cut = w->common_len ? memmem(raw.at, raw.len, w->common, w->common_len) : NULL;
        size_t head = cut ? (size_t)(cut - raw.at) : raw.len;
        buf_clear(&bare);
        buf_put(&bare, raw.at, head);
        if (cut)
            buf_put(&bare, cut + w->common_len, raw.len - head - w->common_len);
        size_t same = shared(buf_view(&before), buf_view(&bare));
        buf_varint(out, same);
        buf_varint(out, bare.len - same);
        buf_put(out, bare.at + same, bare.len - same);
        buf_varint(out, cut ? head + 1 : 0);
        buf_clear(&before);
        buf_span(&before, buf_view(&bare));
    }
}

static void put_runs(const struct increment_writer *w, struct buf *out)
{
    bool present = true;
    for (size_t i = 0; i < w->n; present = !present) {
        size_t start = i;
        while (i < w->n && (w->seen[i] == w->message) == present)
            i++;
        buf_varint(out, i - start);
    }
}

static void put_changed(const struct increment_writer *w, struct buf *out)
{
    unsigned bits = 0, n = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->seen[i] != w->message)
            continue;
        bool changed = double_bits(w->next[i]) != double_bits(w->values[i]);
        bits |= (unsigned)changed << n;
        if (++n == 8) {
            buf_char(out, (char)bits);
            bits = n = 0;
        }
    }
    if (n)
        buf_char(out, (char)bits);
}

static void put_value(struct buf *out, double before, double v)
{
    for (unsigned scale = 0; scale < SCALES; scale++) {
        int64_t n = scaled(v, scale);
        if (double_bits((double)n / scale_of(scale)) != double_bits(v))
            continue;
        buf_varint(out, zigzag(n - scaled(before, scale)) << 2 | scale);
        return;
    }
    uint64_t bits = htole64(double_bits(v));
    buf_varint(out, SCALE_RAW);
    buf_put(out, &bits, sizeof bits);
}

static void put_values(struct increment_writer *w, struct buf *out)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->seen[i] != w->message || double_bits(w->next[i]) == double_bits(w->values[i]))
            continue;
        put_value(out, w->values[i], w->next[i]);
        w->values[i] = w->next[i];
    }
    uint32_t crc = htole32(crc32c(0, w->values, w->n * sizeof *w->values));
    buf_put(out, &crc, sizeof crc);
}

static void forget_ended(struct increment_writer *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        struct known *k = w->order[i];
        if (is_stale(w->values[i])) {
            map_remove(&w->by_raw, span_from(k->raw, k->len));
            free(k);
            continue;
        }
        k->at = n;
        w->order[n] = k;
        w->values[n] = w->values[i];
        w->seen[n++] = w->seen[i];
    }
    w->n = n;
}

enum status increment_write(struct increment_writer *w, struct span message, struct buf *out,
                            bool *whole, struct err *err)
{
    size_t known = w->n, start = out->len;
    int64_t t_ms = 0;
    w->message++;
    if (!take(w, message, &t_ms)) {
        increment_writer_reset(w);
        return err_set(err, UNSUPPORTED,
                       "the message has samples of several times, or too many "
                       "series");
    }
    *whole = !w->begun;
    if (*whole) {
        w->stream = random_u64() >> 32;
        w->seq = 0;
        w->t_ms = 0;
        known = 0;
    }
    buf_char(out, *whole ? INCREMENT_WHOLE : INCREMENT_NEXT);
    buf_varint(out, w->stream);
    buf_varint(out, w->seq++);
    buf_varint(out, zigzag(t_ms - w->t_ms));
    if (*whole)
        put_common(w, out);
    put_new(w, known, out);
    put_runs(w, out);
    put_changed(w, out);
    put_values(w, out);
    forget_ended(w);
    w->t_ms = t_ms;
    w->begun = true;
    if (!out->failed)
        return OK;
    out->len = start;
    increment_writer_reset(w);
    return err_set(err, FULL, "there is no room for the message");
}
