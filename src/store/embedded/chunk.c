#include "store/embedded/chunk.h"

#include "store/embedded/floats.h"
#include "store/embedded/lanes.h"

const double decimal_power[CHUNK_MAX_DECIMALS + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};

/* The first byte: kind in the low three bits. */
enum kind { KIND_SAME, KIND_DECIMAL, KIND_WINDOW, KIND_TOPS, KINDS };
/* Of KIND_DECIMAL, the first byte: kind (3), decimals (4), delta2 (1); the second: coding (2),
 * shift (6). */
enum { DECIMALS_SHIFT = 3, DELTA2_BIT = 128, SHIFT_SHIFT = 2 };

/* ---- decimal ---- */

/* Fills x with the integers; false when there is no e for which all are exact. */
static bool decimals_of(const double *v, size_t n, int64_t *x, unsigned *e_out)
{
    unsigned e = 0;
    for (size_t i = 0; i < n;) {
        if (decimal_of(v[i], e, &x[i])) {
            i++;
            continue;
        }
        /* The values before were exact with a smaller e; they are with a larger one too,
         * unless they grow out of 53 bits: that is why all start again. */
        do {
            if (++e > CHUNK_MAX_DECIMALS)
                return false;
        } while (!decimal_of(v[i], e, &x[i]));
        i = 0;
    }
    *e_out = e;
    return true;
}

static int64_t decimal_base(double base, unsigned e)
{
    int64_t x;
    return decimal_of(base, e, &x) ? x : 0;
}

static unsigned width_of(uint64_t z)
{
    return 64 - (unsigned)__builtin_clzll(z | 1);
}

/* Differences of second order are worth it when they are clearly smaller: counters. */
static bool delta2_better(const int64_t *d, size_t n)
{
    size_t one = 0, two = 0;
    for (size_t i = 1; i < n; i++) {
        one += width_of(zigzag(d[i]));
        two += width_of(zigzag(d[i] - d[i - 1]));
    }
    return two < one;
}

static size_t decimal_encode(bool rice, double base, const int64_t *x, size_t n, unsigned e,
                             uint8_t *out)
{
    int64_t d[CHUNK_MAX_SAMPLES];
    uint64_t z[CHUNK_MAX_SAMPLES], any = 0;
    d[0] = x[0] - decimal_base(base, e);
    for (size_t i = 1; i < n; i++)
        d[i] = x[i] - x[i - 1];
    for (size_t i = 0; i < n; i++)
        any |= (uint64_t)d[i];
    unsigned shift = any ? (unsigned)__builtin_ctzll(any) : 0;
    for (size_t i = 0; i < n; i++)
        d[i] >>= shift;
    bool two = n > 2 && delta2_better(d + 1, n - 1);
    uint8_t *at = varint_put(out + 2, zigzag(d[0]));
    size_t from = 1;
    if (two)
        at = varint_put(at, zigzag(d[from++]));
    for (size_t i = from; i < n; i++)
        z[i - from] = zigzag(two ? d[i] - d[i - 1] : d[i]);
    enum ints_coding coding = ints_encode(z, n - from, rice, &at);
    out[0] = (uint8_t)(KIND_DECIMAL | e << DECIMALS_SHIFT | (two ? DELTA2_BIT : 0));
    out[1] = (uint8_t)((unsigned)coding | shift << SHIFT_SHIFT);
    return (size_t)(at - out);
}

/* A decimal chunk between its header and its values. */
struct decimal_in {
    uint64_t z[CHUNK_MAX_SAMPLES];
    size_t from; /* the first number of those in ints.h; as many have been read before */
    unsigned decimals, shift;
};

static bool decimal_open(struct chunk_job *job, struct decimal_in *d, struct ints_job *ints)
{
    unsigned first = byte_get(&job->in), second = byte_get(&job->in);
    d->decimals = first >> DECIMALS_SHIFT & 15;
    d->shift = second >> SHIFT_SHIFT;
    d->from = first & DELTA2_BIT ? 2 : 1;
    if (d->decimals > CHUNK_MAX_DECIMALS || d->from > job->n)
        return false;
    d->z[0] = varint_get(&job->in);
    if (d->from == 2)
        d->z[1] = varint_get(&job->in);
    *ints = (struct ints_job){(enum ints_coding)(second & 3), job->in, d->z + d->from,
                              job->n - d->from, false};
    return job->in.at != NULL;
}

#define INLINE static inline __attribute__((always_inline))

/* Divides integers by a power of ten, correctly rounded: by a division, or where multiplication
 * and addition are one operation by Markstein's correction of the product with the reciprocal
 * ("IA-64 and Elementary Functions", 2000, theorem 8.7), done twice as the product alone may be
 * more than one place off. In blocks, so that compilers make vector code of it. */
INLINE void divide(double *v, size_t n, double by, bool fma)
{
    enum { BLOCK = 8 };
    double inverse = 1 / by;
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        for (size_t k = 0; k < BLOCK; k++) {
            double x = v[i + k], q = x * inverse;
            if (fma) {
                q = __builtin_fma(__builtin_fma(-by, q, x), inverse, q);
                q = __builtin_fma(__builtin_fma(-by, q, x), inverse, q);
            } else {
                q = x / by;
            }
            v[i + k] = q;
        }
    for (; i < n; i++)
        v[i] /= by;
}

/* Whether no value is less than the one before. */
INLINE bool fill(const struct decimal_in *d, double base, double *v, size_t n, bool fma)
{
    /* In unsigned numbers: damaged bytes may overflow, which must not be undefined. */
    uint64_t x = (uint64_t)decimal_base(base, d->decimals), step = (uint64_t)unzigzag(d->z[0]);
    const uint64_t *z = d->z;
    unsigned shift = d->shift;
    uint64_t signs = 0; /* the highest bit: of any step */
    x += step << shift;
    v[0] = (double)(int64_t)x;
    if (d->from == 1) {
        for (size_t i = 1; i < n; i++) {
            step = (uint64_t)unzigzag(z[i]) << shift;
            signs |= step;
            x += step;
            v[i] = (double)(int64_t)x;
        }
    } else {
        step = (uint64_t)unzigzag(z[1]) << shift;
        signs = step;
        x += step;
        v[1] = (double)(int64_t)x;
        for (size_t i = 2; i < n; i++) {
            step += (uint64_t)unzigzag(z[i]) << shift;
            signs |= step;
            x += step;
            v[i] = (double)(int64_t)x;
        }
    }
    if (d->decimals)
        divide(v, n, decimal_power[d->decimals], fma);
    return !(signs >> 63);
}

#if defined __x86_64__
__attribute__((target("avx2,bmi,bmi2,fma"))) static bool fill_fma(const struct decimal_in *d,
                                                                  double base, double *v, size_t n)
{
    return fill(d, base, v, n, true);
}
#endif

static bool decimal_fill(const struct decimal_in *d, double base, double *v, size_t n)
{
#if defined __x86_64__
    if (!ints_plain && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
        return fill_fma(d, base, v, n);
#endif
    return fill(d, base, v, n, false);
}

static bool decimal_decode(struct bytes_in *in, double base, double *v, size_t n)
{
    struct decimal_in d;
    struct chunk_job job = {.in = *in, .base = base, .v = v, .n = n};
    struct ints_job ints;
    if (!decimal_open(&job, &d, &ints) || !ints_decode(ints.coding, &ints.in, ints.z, ints.n))
        return false;
    (void)decimal_fill(&d, base, v, n);
    *in = ints.in;
    return true;
}

/* ---- the choice ---- */

size_t chunk_encode(enum chunk_style style, double base, const double *v, size_t n, uint8_t *out)
{
    uint64_t base_bits = double_bits(base), differs = 0;
    for (size_t i = 0; i < n; i++)
        differs |= double_bits(v[i]) ^ base_bits;
    if (!differs) {
        out[0] = KIND_SAME;
        return 1;
    }
    int64_t x[CHUNK_MAX_SAMPLES];
    unsigned e;
    if (decimals_of(v, n, x, &e))
        return decimal_encode(style == CHUNK_COMPACT, base, x, n, e, out);
    size_t bits = SIZE_MAX;
    struct tops tops;
    bool with_tops = tops_of(v, n, &tops, &bits);
    if (with_tops && bits <= window_bits(base, v, n)) {
        out[0] = KIND_TOPS;
        return (size_t)(tops_put(&tops, v, n, out + 1) - out);
    }
    out[0] = KIND_WINDOW;
    return (size_t)(window_put(base, v, n, out + 1) - out);
}

bool chunk_decode(struct bytes_in *in, double base, double *v, size_t n)
{
    if (!bytes_left(in) || n < 1 || n > CHUNK_MAX_SAMPLES)
        return false;
    if ((*in->at & 7) == KIND_DECIMAL)
        return decimal_decode(in, base, v, n);
    uint8_t first = byte_get(in);
    switch (first & 7) {
    case KIND_SAME:
        for (size_t i = 0; i < n; i++)
            v[i] = base;
        return first == KIND_SAME;
    case KIND_WINDOW:
        return first == KIND_WINDOW && window_get(in, base, v, n);
    case KIND_TOPS:
        return first == KIND_TOPS && tops_get(in, v, n);
    default:
        return false;
    }
}

/* What is no decimal, and what is no chunk. */
static bool other_decode(struct chunk_job *j)
{
    bool same = bytes_left(&j->in) && (*j->in.at & 7) == KIND_SAME;
    j->numbers = same && !isnan(j->base);
    j->rising = same;
    return chunk_decode(&j->in, j->base, j->v, j->n);
}

/* What comes before the numbers of a chunk is not theirs to read. */
static void decimal_begin(const struct decimal_in *d, struct chunk_job *j, struct lane_job *lane)
{
    double by = decimal_power[d->decimals];
    uint64_t x = (uint64_t)decimal_base(j->base, d->decimals);
    x += (uint64_t)unzigzag(d->z[0]) << d->shift;
    j->rising = true;
    j->v[0] = (double)(int64_t)x / by;
    if (d->from == 2) {
        lane->step = (uint64_t)unzigzag(d->z[1]) << d->shift;
        x += lane->step;
        j->v[1] = (double)(int64_t)x / by;
        j->rising = !(lane->step >> 63);
    }
    lane->second = d->from == 2;
    lane->shift = d->shift;
    lane->by = by;
    lane->x = x;
    lane->v = j->v + d->from;
    lane->n = j->n - d->from;
}

/* Opened chunks, all of them in Rice codes, as lanes. */
static bool decode_lanes(struct chunk_job **jobs, const struct decimal_in *decimals,
                         const struct ints_job *ints, size_t n)
{
    struct lane_job lanes[LANES];
    for (size_t i = 0; i < n; i++) {
        lanes[i] = (struct lane_job){.in = ints[i].in, .zeros = ints[i].coding == INTS_RICE_ZEROS};
        decimal_begin(&decimals[i], jobs[i], &lanes[i]);
    }
    lanes_decode(lanes, n);
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        ok &= lanes[i].ok;
        jobs[i]->in = lanes[i].in;
        jobs[i]->numbers = true;
        jobs[i]->rising &= !lanes[i].falls;
    }
    return ok;
}

/* Opened chunks, some at a time. */
static bool decode_ints(struct chunk_job **jobs, const struct decimal_in *decimals,
                        struct ints_job *ints, size_t n)
{
    for (size_t from = 0; from < n; from += INTS_AT_ONCE)
        ints_decode_many(ints + from, MIN(n - from, (size_t)INTS_AT_ONCE));
    for (size_t i = 0; i < n; i++) {
        struct chunk_job *j = jobs[i];
        if (!ints[i].ok)
            return false;
        j->in = ints[i].in;
        j->numbers = true;
        j->rising = decimal_fill(&decimals[i], j->base, j->v, j->n);
    }
    return true;
}

bool chunks_decode(struct chunk_job *jobs, size_t n)
{
    enum { LANES_WORTH = 3 }; /* fewer are quicker one after the other */
    struct decimal_in decimals[CHUNKS_AT_ONCE];
    struct ints_job ints[CHUNKS_AT_ONCE];
    struct chunk_job *of[CHUNKS_AT_ONCE];
    size_t open = 0;
    bool wide = n >= LANES_WORTH && lanes_there();
    for (size_t i = 0; i < n; i++) {
        struct chunk_job *j = &jobs[i];
        if (!bytes_left(&j->in) || j->n < 1 || j->n > CHUNK_MAX_SAMPLES)
            return false;
        if ((*j->in.at & 7) != KIND_DECIMAL) {
            if (!other_decode(j))
                return false;
            continue;
        }
        if (!decimal_open(j, &decimals[open], &ints[open]))
            return false;
        of[open] = j;
        bool rice = ints[open].coding == INTS_RICE || ints[open].coding == INTS_RICE_ZEROS;
        if (!wide || rice) {
            open++;
            continue;
        }
        if (!decode_ints(&j, &decimals[open], &ints[open], 1))
            return false;
    }
    if (wide && open >= LANES_WORTH)
        return decode_lanes(of, decimals, ints, open);
    return decode_ints(of, decimals, ints, open);
}
