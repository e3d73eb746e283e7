#include "payload.h"

#include "mix.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

void buffer_reserve(struct buffer *b, size_t more)
{
    if (b->len + more > b->cap) {
        b->cap = (b->len + more) * 2;
        b->data = need(realloc(b->data, b->cap));
    }
}

static void put_varint(struct buffer *b, uint64_t v)
{
    buffer_reserve(b, 10);
    while (v > 127) {
        b->data[b->len++] = (char)(v | 128);
        v >>= 7;
    }
    b->data[b->len++] = (char)v;
}

static size_t varint_size(uint64_t v)
{
    size_t n = 1;
    while (v > 127) {
        v >>= 7;
        n++;
    }
    return n;
}

void buffer_put(struct buffer *b, const void *p, size_t n)
{
    buffer_reserve(b, n);
    memcpy(b->data + b->len, p, n);
    b->len += n;
}

static void put_label(struct buffer *b, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);
    put_varint(b, 1 << 3 | 2);
    put_varint(b, 2 + n + v + (varint_size(n) - 1) + (varint_size(v) - 1) + 2);
    put_varint(b, 1 << 3 | 2);
    put_varint(b, n);
    buffer_put(b, name, n);
    put_varint(b, 2 << 3 | 2);
    put_varint(b, v);
    buffer_put(b, value, v);
}

void payload_labels(struct buffer *b, int host, int index)
{
    const char *list[MAX_LABELS][2];
    char scratch[2][MIX_LABEL_BYTES];
    int n = mix_labels(host, index, list, scratch);
    for (int i = 0; i < n; i++)
        put_label(b, list[i][0], list[i][1]);
}

void payload_series(struct buffer *b, int host, int index, const char *labels, size_t labels_len,
                    int64_t start_ms, int64_t step, int64_t count)
{
    size_t tlen = varint_size((uint64_t)(start_ms + step * mix.interval_ms));
    size_t slen = 1 + 8 + 1 + tlen; /* 1: double value = 1; int64 timestamp = 2 */
    put_varint(b, 1 << 3 | 2);
    put_varint(b, labels_len + (size_t)count * (2 + slen));
    buffer_put(b, labels, labels_len);
    buffer_reserve(b, (size_t)count * (2 + slen) + 16);
    for (int64_t j = 0; j < count; j++) {
        double v = mix_value(host, index, step + j);
        b->data[b->len++] = 2 << 3 | 2;
        b->data[b->len++] = (char)slen;
        b->data[b->len++] = 1 << 3 | 1;
        memcpy(b->data + b->len, &v, 8);
        b->len += 8;
        b->data[b->len++] = 2 << 3 | 0;
        put_varint(b, (uint64_t)(start_ms + (step + j) * mix.interval_ms));
    }
}
