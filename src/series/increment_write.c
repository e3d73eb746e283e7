/* See increment.h. The series of a message come in nearly the same order as in the one before: the
 * one that followed last time is tried first, then those behind it. */
#include "series/increment_code.h"

#include "base/arena.h"
#include "base/crypto.h"

#include <endian.h>
#include <stdlib.h>

struct increment_writer {
    uint64_t *order; /* ids */
    double *values;
    uint32_t *seen; /* the message in which it was last */
    double *next;   /* values of this message, by place */
    size_t n, size;
    uint64_t newest;  /* no known id is larger */
    struct buf fresh; /* labels_raw of those that are new in this message, one after the other */
    char *common;     /* the label field that is left out */
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
    w->n = 0;
    w->newest = 0;
    buf_free(&w->fresh);
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
    w->size = w->size ? w->size + w->size / 2 : 512;
    w->order = mem_grow(w->order, w->size * sizeof *w->order);
    w->values = mem_grow(w->values, w->size * sizeof *w->values);
    w->seen = mem_grow(w->seen, w->size * sizeof *w->seen);
    w->next = mem_grow(w->next, w->size * sizeof *w->next);
}

static size_t add(struct increment_writer *w, uint64_t id, struct span raw)
{
    grow(w);
    buf_put(&w->fresh, &raw.len, sizeof raw.len);
    buf_span(&w->fresh, raw);
    w->order[w->n] = id;
    w->values[w->n] = 0;
    w->seen[w->n] = w->message - 1;
    w->newest = MAX(w->newest, id);
    return w->n++;
}

/* Its place; a new one is added at the end. All of a whole message are new, and so is what is newer
 * than all that are known: nothing is searched then. */
static size_t place_of(struct increment_writer *w, uint64_t id, struct span raw, size_t guess)
{
    if (!w->begun || id > w->newest)
        return add(w, id, raw);
    for (size_t i = guess; i < w->n; i++)
        if (w->order[i] == id)
            return i;
    for (size_t i = 0; i < w->n && i < guess; i++)
        if (w->order[i] == id)
            return i;
    return add(w, id, raw);
}

struct taking {
    struct increment_writer *w;
    size_t guess;
    bool failed;
};

static void take_one(uint64_t id, struct span raw, double v, void *arg)
{
    struct taking *t = arg;
    struct increment_writer *w = t->w;
    if (t->failed || raw.len > INCREMENT_LABELS_MAX_BYTES) {
        t->failed = true;
        return;
    }
    size_t at = place_of(w, id, raw, t->guess);
    t->failed = w->seen[at] == w->message || w->n > INCREMENT_SERIES_MAX || w->fresh.failed;
    w->seen[at] = w->message;
    w->next[at] = v;
    t->guess = at + 1;
}

/* Places and values of the samples. False when there are none or it cannot be. */
static bool take(struct increment_writer *w, const struct collection *c)
{
    struct taking t = {.w = w};
    if (c->n)
        c->each(c->owner, take_one, &t);
    return c->n && !t.failed;
}

/* Takes the labels of one that is new off the front. */
static struct span next_fresh(struct span *fresh)
{
    size_t len;
    memcpy(&len, fresh->at, sizeof len);
    struct span raw = span_from(fresh->at + sizeof len, len);
    *fresh = span_from(raw.at + len, fresh->len - sizeof len - len);
    return raw;
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
    struct span fresh = buf_view(&w->fresh);
    struct span field = instance_field(next_fresh(&fresh));
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
    struct span fresh = buf_view(&w->fresh);
    buf_varint(out, w->n - from);
    for (size_t i = from; i < w->n; i++) {
        struct span raw = next_fresh(&fresh);
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
    buf_free(&w->fresh);
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
        if (is_stale(w->values[i]))
            continue;
        w->order[n] = w->order[i];
        w->values[n] = w->values[i];
        w->seen[n++] = w->seen[i];
    }
    w->n = n;
}

enum status increment_write(struct increment_writer *w, const struct collection *c, struct buf *out,
                            bool *whole, struct err *err)
{
    size_t known = w->n, start = out->len;
    w->message++;
    if (!take(w, c)) {
        increment_writer_reset(w);
        return err_set(err, UNSUPPORTED,
                       "the collection has nothing, a series twice, or more than %d series",
                       INCREMENT_SERIES_MAX);
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
    buf_varint(out, zigzag(c->t_ms - w->t_ms));
    if (*whole)
        put_common(w, out);
    put_new(w, known, out);
    put_runs(w, out);
    put_changed(w, out);
    put_values(w, out);
    forget_ended(w);
    w->t_ms = c->t_ms;
    w->begun = true;
    if (!out->failed)
        return OK;
    out->len = start;
    increment_writer_reset(w);
    return err_set(err, FULL, "there is no room for the message");
}
