#include "base/span.h"

#include <ctype.h>
#include <stdlib.h>

int span_compare(struct span a, struct span b)
{
    size_t n = MIN(a.len, b.len);
    int order = n ? memcmp(a.at, b.at, n) : 0;
    if (order)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool span_eq_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (tolower((unsigned char)a.at[i]) != tolower((unsigned char)b.at[i]))
            return false;
    return true;
}

bool span_starts(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_eq(span_from(s.at, prefix.len), prefix);
}

bool span_ends(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_eq(span_from(s.at + s.len - suffix.len, suffix.len), suffix);
}

size_t span_find(struct span s, char c)
{
    const char *hit = s.len ? memchr(s.at, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.at) : s.len;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
    while (s.len && is_blank(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

bool span_next(struct span *rest, char sep, struct span *part)
{
    if (!rest->len)
        return false;
    size_t end = span_find(*rest, sep);
    *part = span_from(rest->at, end);
    size_t used = MIN(end + 1, rest->len);
    *rest = span_from(rest->at + used, rest->len - used);
    return true;
}

bool span_line(struct span *rest, struct span *line)
{
    if (!span_next(rest, '\n', line))
        return false;
    if (line->len && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

bool span_word(struct span *rest, struct span *word)
{
    *word = *rest;
    if (!rest->len)
        return false; /* also when at is NULL: no arithmetic on it */
    size_t i = 0;
    while (i < rest->len && (rest->at[i] == ' ' || rest->at[i] == '\t'))
        i++;
    size_t start = i;
    while (i < rest->len && rest->at[i] != ' ' && rest->at[i] != '\t')
        i++;
    *word = span_from(rest->at + start, i - start);
    *rest = span_from(rest->at + i, rest->len - i);
    return word->len > 0;
}

bool span_u64(struct span s, uint64_t *out)
{
    if (!s.len)
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        if (__builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (uint64_t)(s.at[i] - '0'), &n))
            return false;
    }
    *out = n;
    return true;
}

bool span_i64(struct span s, int64_t *out)
{
    bool negative = s.len && s.at[0] == '-';
    uint64_t n;
    if (!span_u64(negative ? span_from(s.at + 1, s.len - 1) : s, &n))
        return false;
    if (n > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

bool span_hex(struct span s, uint64_t *out)
{
    if (!s.len || s.len > 16)
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return false;
        n = n << 4 | (uint64_t)digit;
    }
    *out = n;
    return true;
}

bool span_double(struct span s, double *out)
{
    enum { NUMBER_MAX_BYTES = 512 };
    char text[NUMBER_MAX_BYTES];
    if (!s.len || s.len >= sizeof text || isspace((unsigned char)s.at[0]))
        return false;
    memcpy(text, s.at, s.len);
    text[s.len] = 0;
    char *end;
    double v = strtod(text, &end);
    if (end != text + s.len)
        return false;
    *out = v;
    return true;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load_tail(const char *p, size_t n)
{
    uint64_t v = 0;
    if (n) /* p may be NULL */
        memcpy(&v, p, n);
    return v;
}

/* Multiply and fold, 16 bytes a step: the shape of wyhash, with constants of our own (the
 * fractional parts of square roots of primes). */
uint64_t span_hash(struct span s)
{
    const uint64_t k0 = 0x6a09e667f3bcc909u, k1 = 0xbb67ae8584caa73bu, k2 = 0x3c6ef372fe94f82bu;
    uint64_t h = k0 ^ s.len;
    const char *p = s.at;
    size_t n = s.len;
    for (; n > 16; p += 16, n -= 16)
        h = mix(load_tail(p, 8) ^ k1, load_tail(p + 8, 8) ^ h);
    uint64_t a = load_tail(p, MIN(n, 8u)), b = n > 8 ? load_tail(p + 8, n - 8) : 0;
    return mix(k2 ^ s.len, mix(a ^ k1, b ^ h));
}
