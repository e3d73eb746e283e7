/* Writes WriteRequest. Both fields of a sample are always written, also when zero: any reader
 * takes that, and the layout stays the one that write_sample_next reads fastest. */
#include "series/remote_write.h"

#include <endian.h>

enum {
    TAG_SERIES = 0x0a,
    TAG_LABEL = 0x0a,
    TAG_SAMPLE = 0x12,
    TAG_NAME = 0x0a,
    TAG_VALUE = 0x12,
    TAG_SAMPLE_VALUE = 0x09,
    TAG_SAMPLE_TIME = 0x10,

    SAMPLE_MAX_BYTES = 2 + 9 + 1 + 10,
};

static size_t varint_bytes(uint64_t n)
{
    size_t bits = 64 - (size_t)__builtin_clzll(n | 1);
    return (bits + 6) / 7;
}

static size_t field_bytes(size_t len)
{
    return 1 + varint_bytes(len) + len;
}

static size_t label_bytes(const struct label *l)
{
    return field_bytes(l->name.len) + field_bytes(l->value.len);
}

static size_t sample_bytes(const struct sample *s)
{
    return 9 + 1 + varint_bytes((uint64_t)s->t_ms);
}

static void put_bytes(struct buf *out, char tag, struct span bytes)
{
    buf_char(out, tag);
    buf_varint(out, bytes.len);
    buf_span(out, bytes);
}

static void put_sample(struct buf *out, const struct sample *s)
{
    char *p = buf_reserve(out, SAMPLE_MAX_BYTES);
    if (!p)
        return;
    const char *start = p;
    *p++ = TAG_SAMPLE;
    *p++ = (char)sample_bytes(s);
    *p++ = TAG_SAMPLE_VALUE;
    uint64_t bits = htole64(double_bits(s->v));
    memcpy(p, &bits, 8);
    p += 8;
    *p++ = TAG_SAMPLE_TIME;
    uint64_t t = (uint64_t)s->t_ms;
    for (; t >= 0x80; t >>= 7)
        *p++ = (char)(t | 0x80);
    *p++ = (char)t;
    out->len += (size_t)(p - start);
}

static void start_series(struct buf *out, size_t labels_bytes, const struct sample *samples,
                         size_t n)
{
    size_t body = labels_bytes;
    for (size_t i = 0; i < n; i++)
        body += field_bytes(sample_bytes(&samples[i]));
    buf_char(out, TAG_SERIES);
    buf_varint(out, body);
}

void write_labels_raw(struct buf *out, struct labels labels)
{
    for (size_t i = 0; i < labels.n; i++) {
        const struct label *l = &labels.at[i];
        buf_char(out, TAG_LABEL);
        buf_varint(out, label_bytes(l));
        put_bytes(out, TAG_NAME, l->name);
        put_bytes(out, TAG_VALUE, l->value);
    }
}

void write_series(struct buf *out, struct labels labels, const struct sample *samples, size_t n)
{
    size_t labels_bytes = 0;
    for (size_t i = 0; i < labels.n; i++)
        labels_bytes += field_bytes(label_bytes(&labels.at[i]));
    start_series(out, labels_bytes, samples, n);
    write_labels_raw(out, labels);
    for (size_t i = 0; i < n; i++)
        put_sample(out, &samples[i]);
}

void write_series_raw(struct buf *out, struct span labels_raw, const struct sample *samples,
                      size_t n)
{
    start_series(out, labels_raw.len, samples, n);
    buf_span(out, labels_raw);
    for (size_t i = 0; i < n; i++)
        put_sample(out, &samples[i]);
}
