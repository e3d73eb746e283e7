#include "base/shortest.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum {
    POWER_MIN = -292, /* of ten: what doubles are scaled by */
    POWER_MAX = 324,
    LONG_WORDS = 20, /* 64 bits each, the lowest first: 10^324 takes 1,077 bits */
    MANTISSA_BITS = 52,
    EXPONENT_BIAS = 1075, /* of a mantissa taken as an integer */
};

struct wide {
    uint64_t high, low;
};

/* The first 128 bits of 10^e, the rest rounded up. */
static struct wide powers[POWER_MAX - POWER_MIN + 1];
static pthread_once_t powers_made = PTHREAD_ONCE_INIT;

/* ---- the powers ---- */

/* The first 128 bits of a number, and 1 more when others follow or anyway. */
static struct wide leading(const uint64_t *w, bool up)
{
    size_t top = LONG_WORDS - 1;
    while (!w[top])
        top--;
    unsigned shift = (unsigned)__builtin_clzll(w[top]);
    uint64_t part[4] = {0}; /* from the top */
    for (size_t i = 0; i < 3 && i <= top; i++)
        part[i] = w[top - i];
    struct wide out = {part[0], part[1]};
    uint64_t rest = part[2];
    if (shift) {
        out.high = part[0] << shift | part[1] >> (64 - shift);
        out.low = part[1] << shift | part[2] >> (64 - shift);
        rest = part[2] << shift;
    }
    for (size_t i = 3; i <= top && !rest; i++)
        rest = w[top - i];
    if (rest || up)
        out.high += ++out.low == 0;
    return out;
}

static void times_ten(uint64_t *w)
{
    unsigned __int128 carry = 0;
    for (size_t i = 0; i < LONG_WORDS; i++) {
        carry += (unsigned __int128)w[i] * 10;
        w[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static void tenth(uint64_t *w)
{
    unsigned __int128 rest = 0;
    for (size_t i = LONG_WORDS; i-- > 0;) {
        rest = rest << 64 | w[i];
        w[i] = (uint64_t)(rest / 10);
        rest %= 10;
    }
}

static void make_powers(void)
{
    uint64_t w[LONG_WORDS] = {1};
    for (int e = 0; e <= POWER_MAX; e++, times_ten(w))
        powers[e - POWER_MIN] = leading(w, false);
    memset(w, 0, sizeof w);
    w[LONG_WORDS - 1] = 1; /* what is left at the end has more than 200 bits */
    for (int e = -1; e >= POWER_MIN; e--) {
        tenth(w);
        powers[e - POWER_MIN] = leading(w, true);
    }
}

/* ---- a double ---- */

static int floor_of_shifted(int a, int b, int c)
{
    return (a * b - c) >> 22;
}

/* floor(log10(2^e)), and of 3/4 of it */
static int log10_of_power(int e, bool three_quarters)
{
    return floor_of_shifted(e, 1262611, three_quarters ? 524031 : 0);
}

/* floor(log2(10^e)) */
static int log2_of_power(int e)
{
    return (e * 1741647) >> 19;
}

/* floor(power * x / 2^128), its last bit set when that is not exact. */
static uint64_t round_to_odd(struct wide power, uint64_t x)
{
    uint64_t carried = (uint64_t)((unsigned __int128)power.low * x >> 64);
    unsigned __int128 y = (unsigned __int128)power.high * x + carried;
    return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

static struct decimal trimmed(uint64_t digits, int exponent)
{
    while (digits % 10 == 0) {
        digits /= 10;
        exponent++;
    }
    return (struct decimal){digits, exponent};
}

struct decimal decimal_shortest(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    pthread_once(&powers_made, make_powers);
    uint64_t mantissa = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1);
    int biased = (int)(bits >> MANTISSA_BITS) & 2047;
    uint64_t c = biased ? mantissa | UINT64_C(1) << MANTISSA_BITS : mantissa;
    int q = (biased ? biased : 1) - EXPONENT_BIAS;
    /* the neighbour below a power of two is at half the distance */
    bool near_below = mantissa == 0 && biased > 1;
    int k = log10_of_power(q, near_below), h = q + log2_of_power(-k) + 1;
    struct wide power = powers[-k - POWER_MIN];
    /* four times v and the ends of what rounds to it; an end counts when c is even */
    uint64_t low = round_to_odd(power, (4 * c - 2 + near_below) << h) + (c & 1);
    uint64_t at = round_to_odd(power, (4 * c) << h);
    uint64_t high = round_to_odd(power, (4 * c + 2) << h) - (c & 1);
    uint64_t s = at / 4;
    if (s >= 10) { /* a digit less, when exactly one such number lies inside */
        uint64_t tens = s / 10;
        bool below = low <= 40 * tens, above = 40 * tens + 40 <= high;
        if (below != above)
            return trimmed(tens + above, k + 1);
    }
    bool below = low <= 4 * s, above = 4 * s + 4 <= high;
    if (below != above)
        return trimmed(s + above, k);
    uint64_t middle = 4 * s + 2;
    return trimmed(s + (at > middle || (at == middle && (s & 1))), k);
}
