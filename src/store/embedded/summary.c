/* Summaries of chunks. Decimal ones are differences of integers, a constant is one byte. */
#include "store/embedded/chunk.h"

enum { SUMMARY_RAW = 15, SUMMARY_SAME = 16, SUMMARY_RISING = 32 };

void chunk_summarise(const double *v, size_t n, struct chunk_summary *out)
{
    double nan = bits_double(NORMAL_NAN_BITS), before = nan;
    *out = (struct chunk_summary){v[0], v[n - 1], nan, nan, nan};
    for (size_t i = 0; i < n; i++) {
        if (isnan(v[i]))
            continue;
        if (isnan(before))
            out->min = out->max = v[i], out->increase = 0;
        else
            out->increase += v[i] < before ? v[i] : v[i] - before;
        out->min = v[i] < out->min ? v[i] : out->min;
        out->max = v[i] > out->max ? v[i] : out->max;
        before = v[i];
    }
}

static bool all_same(const struct chunk_summary *s, double base)
{
    uint64_t b = double_bits(base);
    return double_bits(s->first) == b && double_bits(s->last) == b && double_bits(s->min) == b &&
           double_bits(s->max) == b && double_bits(s->increase) == 0;
}

/* What never fell needs only its ends. */
static bool rising(const struct chunk_summary *s)
{
    return double_bits(s->min) == double_bits(s->first) &&
           double_bits(s->max) == double_bits(s->last) &&
           double_bits(s->increase) == double_bits(s->last - s->first);
}

static bool decimals(const struct chunk_summary *s, bool rises, unsigned e, int64_t x[5])
{
    return decimal_of(s->first, e, &x[0]) && decimal_of(s->last, e, &x[1]) &&
           (rises || (decimal_of(s->min, e, &x[2]) && decimal_of(s->max, e, &x[3]) &&
                      decimal_of(s->increase, e, &x[4])));
}

size_t summary_encode(const struct chunk_summary *s, double base, uint8_t *out)
{
    if (all_same(s, base)) {
        *out = SUMMARY_SAME;
        return 1;
    }
    bool rises = rising(s);
    int64_t x[5] = {0}, from;
    unsigned e = 0;
    while (e <= CHUNK_MAX_DECIMALS && !decimals(s, rises, e, x))
        e++;
    uint8_t *at = out + 1;
    if (e > CHUNK_MAX_DECIMALS) {
        *out = (uint8_t)(SUMMARY_RAW | (rises ? SUMMARY_RISING : 0));
        memcpy(at, s, rises ? 16 : sizeof *s);
        return rises ? 17 : 1 + sizeof *s;
    }
    if (!decimal_of(base, e, &from))
        from = 0;
    *out = (uint8_t)(e | (rises ? SUMMARY_RISING : 0));
    at = varint_put(at, zigzag(x[0] - from));
    at = varint_put(at, zigzag(x[1] - x[0]));
    if (!rises) {
        at = varint_put(at, (uint64_t)(x[0] - x[2]));
        at = varint_put(at, (uint64_t)(x[3] - x[0]));
        at = varint_put(at, zigzag(x[4]));
    }
    return (size_t)(at - out);
}

static double scaled(uint64_t x, unsigned e)
{
    return (double)(int64_t)x / decimal_power[e];
}

bool summary_decode(struct bytes_in *in, double base, struct chunk_summary *out)
{
    unsigned head = byte_get(in), e = head & 15;
    bool rises = head & SUMMARY_RISING;
    if (!in->at)
        return false;
    if (head == SUMMARY_SAME) {
        *out = (struct chunk_summary){base, base, base, base, 0};
        return true;
    }
    if (e == SUMMARY_RAW) {
        const uint8_t *at = bytes_get(in, rises ? 16 : sizeof *out);
        if (!at)
            return false;
        memcpy(out, at, rises ? 16 : sizeof *out);
    } else {
        int64_t from;
        if (e > CHUNK_MAX_DECIMALS)
            return false;
        if (!decimal_of(base, e, &from))
            from = 0;
        uint64_t first = (uint64_t)from + (uint64_t)unzigzag(varint_get(in));
        out->first = scaled(first, e);
        out->last = scaled(first + (uint64_t)unzigzag(varint_get(in)), e);
        if (!rises) {
            out->min = scaled(first - varint_get(in), e);
            out->max = scaled(first + varint_get(in), e);
            out->increase = scaled((uint64_t)unzigzag(varint_get(in)), e);
        }
    }
    if (rises) {
        out->min = out->first;
        out->max = out->last;
        out->increase = out->last - out->first;
    }
    return in->at != NULL;
}
