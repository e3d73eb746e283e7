#include "base/buf.h"

#include "base/arena.h"
#include "base/shortest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_FIRST_BYTES = 256, DOUBLE_MAX_BYTES = 32 };

char *buf_reserve(struct buf *b, size_t n)
{
    size_t max = b->max ? b->max : BUF_DEFAULT_MAX_BYTES;
    if (b->failed || n > max || b->len > max - n) {
        b->failed = true;
        return NULL;
    }
    size_t need = b->len + n;
    if (need > b->size || !b->at) {
        size_t size = MAX(b->size * 2, (size_t)BUF_FIRST_BYTES);
        size = MIN(MAX(size, need), MAX(max, (size_t)1));
        b->at = mem_grow(b->at, size);
        b->size = size;
    }
    return b->at + b->len;
}

void buf_put(struct buf *b, const void *bytes, size_t n)
{
    char *to = buf_reserve(b, n);
    if (!to)
        return;
    if (n)
        memcpy(to, bytes, n);
    b->len += n;
}

void buf_span(struct buf *b, struct span s)
{
    buf_put(b, s.at, s.len);
}

void buf_str(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_char(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_fill(struct buf *b, char c, size_t times)
{
    char *to = buf_reserve(b, times);
    if (!to)
        return;
    memset(to, c, times);
    b->len += times;
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    char small[256];
    int n = vsnprintf(small, sizeof small, format, args);
    if (n >= 0 && (size_t)n < sizeof small) {
        buf_put(b, small, (size_t)n);
    } else if (n >= 0) {
        char *to = buf_reserve(b, (size_t)n + 1); /* vsnprintf also writes a terminator */
        if (to) {
            vsnprintf(to, (size_t)n + 1, format, again);
            b->len += (size_t)n;
        }
    } else {
        b->failed = true;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

/* Two digits each: 00 01 02 ... 99. */
static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

/* Writes the digits of n so that they end before end; back: where they begin. */
static char *digits_before(char *end, uint64_t n)
{
    for (; n >= 100; n /= 100)
        memcpy(end -= 2, digit_pairs + n % 100 * 2, 2);
    if (n >= 10)
        return memcpy(end - 2, digit_pairs + n * 2, 2);
    *--end = (char)('0' + n);
    return end;
}

void buf_u64(struct buf *b, uint64_t n)
{
    char text[DOUBLE_MAX_BYTES], *end = text + sizeof text;
    char *digits = digits_before(end, n);
    buf_put(b, digits, (size_t)(end - digits));
}

void buf_i64(struct buf *b, int64_t n)
{
    if (n < 0)
        buf_char(b, '-');
    buf_u64(b, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

static void put_exponent(struct buf *b, const char *digits, size_t n, int exponent)
{
    buf_put(b, digits, 1);
    if (n > 1) {
        buf_char(b, '.');
        buf_put(b, digits + 1, n - 1);
    }
    buf_printf(b, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

/* Go's 'g' format with the shortest precision, which Prometheus uses: plain digits from
 * 10^smallest up to 1e21, an exponent outside. */
static void put_shortest(struct buf *b, double v, int smallest)
{
    struct decimal d = decimal_shortest(fabs(v));
    char text[DOUBLE_MAX_BYTES], *end = text + sizeof text;
    char *digits = digits_before(end, d.digits);
    size_t n = (size_t)(end - digits);
    int exponent = d.exponent + (int)n - 1; /* of the first digit */
    if (v < 0)
        buf_char(b, '-');
    if (exponent < smallest || exponent >= 21) {
        put_exponent(b, digits, n, exponent);
        return;
    }
    if (exponent < 0) {
        buf_put(b, "0.000000000", (size_t)(1 - exponent));
        buf_put(b, digits, n);
        return;
    }
    size_t whole = (size_t)exponent + 1;
    buf_put(b, digits, MIN(n, whole));
    if (whole > n) {
        buf_fill(b, '0', whole - n);
    } else if (n > whole) {
        buf_char(b, '.');
        buf_put(b, digits + whole, n - whole);
    }
}

static void put_double(struct buf *b, double v, int smallest)
{
    if (isnan(v)) {
        buf_str(b, "NaN");
    } else if (isinf(v)) {
        buf_str(b, v > 0 ? "+Inf" : "-Inf");
    } else if (v == 0) {
        buf_str(b, signbit(v) ? "-0" : "0");
    } else if (fabs(v) < 1e15 && v == (double)(int64_t)v) {
        buf_i64(b, (int64_t)v); /* most values are whole: no need to search for digits */
    } else {
        put_shortest(b, v, smallest);
    }
}

void buf_double(struct buf *b, double v)
{
    put_double(b, v, -4);
}

void buf_double_json(struct buf *b, double v)
{
    size_t start = b->len;
    put_double(b, v, -6);
    if (b->failed || b->len - start < 4)
        return;
    char *end = b->at + b->len;
    if (end[-4] == 'e' && end[-3] == '-' && end[-2] == '0') {
        end[-2] = end[-1];
        b->len--;
    }
}

void buf_varint(struct buf *b, uint64_t n)
{
    char bytes[10];
    size_t len = 0;
    while (n >= 0x80) {
        bytes[len++] = (char)(n | 0x80);
        n >>= 7;
    }
    bytes[len++] = (char)n;
    buf_put(b, bytes, len);
}

const char *buf_text(struct buf *b)
{
    if (!buf_reserve(b, 1)) {
        if (!b->len || !b->at)
            return "";
        b->at[b->len - 1] = 0; /* full: the last byte gives way */
        return b->at;
    }
    b->at[b->len] = 0;
    return b->at;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

void buf_free(struct buf *b)
{
    free(b->at);
    *b = (struct buf){.max = b->max};
}
