#include "random.h"

#include "base/defs.h"

static double odd_value(struct dice *d)
{
    static const uint64_t odd[] = {
        0,
        UINT64_C(0x8000000000000000), /* -0 */
        STALE_NAN_BITS,
        NORMAL_NAN_BITS,
        UINT64_C(0x7ff0000000000000), /* inf */
        UINT64_C(0xfff0000000000000),
        UINT64_C(0xfff8dead0000beef), /* a NaN with a payload */
        1,                            /* the smallest denormal */
        UINT64_C(0x7fefffffffffffff), /* the largest number */
        UINT64_C(0x4340000000000000), /* 2^53 */
        UINT64_C(0xc340000000000000),
        UINT64_C(0x433fffffffffffff), /* 2^53 - 1 */
        UINT64_C(0x3fb999999999999a), /* 0.1 */
        UINT64_C(0x3fb999999999999b), /* just above */
        UINT64_C(0x3ff0000000000000),
    };
    return bits_double(odd[roll_below(d, COUNT(odd))]);
}

void random_values(struct dice *d, double *v, size_t n)
{
    unsigned kind = (unsigned)roll_below(d, 12), decimals = (unsigned)roll_below(d, 10);
    double x = (double)roll_below(d, 1000000), power = pow(10, decimals);
    double step = (double)roll_below(d, 1u << roll_below(d, 30));
    for (size_t i = 0; i < n; i++) {
        uint64_t r = roll(d);
        double u = (double)(r >> 11) * 0x1p-53;
        switch (kind) {
        case 0: /* constant */
            v[i] = x;
            break;
        case 1: /* a counter */
            x += floor(step * u);
            v[i] = x;
            break;
        case 2: /* a counter that resets */
            x = r % 50 ? x + floor(step * u) : 0;
            v[i] = x;
            break;
        case 3: /* decimals, rounded as a program prints them */
            x += floor((u - 0.5) * 1000);
            v[i] = round(x) / power;
            break;
        case 4: /* slow pages, half repeat */
            x += r & 1 ? floor((u - 0.5) * 256) : 0;
            v[i] = x * 4096;
            break;
        case 5: /* ratios */
            v[i] = 0.25 + u / 3;
            break;
        case 6: /* any bits */
            v[i] = bits_double(r);
            break;
        case 7: /* odd ones between ordinary ones */
            v[i] = r % 4 ? x : odd_value(d);
            break;
        case 8:
            v[i] = odd_value(d);
            break;
        case 9: /* linear: the second difference is zero */
            v[i] = x + (double)i * step;
            break;
        case 10: /* spikes */
            v[i] = r % 20 ? x : x + u * 1e15;
            break;
        default: /* around 2^53 */
            v[i] = 0x1p53 + (double)(int64_t)(r % 64) - 32;
        }
    }
}
