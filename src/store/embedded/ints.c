#include "store/embedded/rice.h"

static unsigned bit_width(uint64_t v)
{
    return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

/* ---- packed ---- */

/* The width with the least bits in total; a patch costs about a byte for its place and one for
 * each seven high bits. */
static unsigned packed_width(const uint32_t hist[65], size_t n, unsigned widest, size_t *bits)
{
    unsigned best = widest;
    size_t best_bits = n * widest;
    for (unsigned w = widest; w-- > 0;) {
        size_t cost = n * w;
        for (unsigned more = w + 1; more <= widest && cost < best_bits; more++)
            cost += hist[more] * (size_t)(8 + (more - w + 6) / 7 * 8);
        if (cost < best_bits) {
            best_bits = cost;
            best = w;
        }
    }
    *bits = best_bits + 16;
    return best;
}

static uint8_t *packed_put(const uint64_t *z, size_t n, unsigned width, uint8_t *out)
{
    uint64_t mask = (UINT64_C(1) << width) - 1;
    size_t patches = 0;
    for (size_t i = 0; i < n; i++)
        patches += z[i] > mask;
    *out++ = (uint8_t)width;
    out = varint_put(out, patches);
    for (size_t i = 0, last = 0; patches && i < n; i++)
        if (z[i] > mask) {
            out = varint_put(out, i - last);
            out = varint_put(out, z[i] >> width);
            last = i;
        }
    struct bits_out bits = {.at = out};
    for (size_t i = 0; i < n; i++)
        bits_put(&bits, z[i] & mask, width);
    return bits_end(&bits);
}

static void packed_unpack(const uint8_t *at, size_t len, unsigned width, uint64_t *z, size_t n)
{
    uint64_t mask = (UINT64_C(1) << width) - 1;
    size_t i = 0, bit = 0;
    for (; i < n && (bit >> 3) + 8 <= len; i++, bit += width) {
        uint64_t w;
        memcpy(&w, at + (bit >> 3), 8);
        z[i] = w >> (bit & 7) & mask;
    }
    struct bits_in rest = {.at = at, .len = len, .bit = bit};
    for (; i < n; i++)
        z[i] = bits_get(&rest, width);
}

static bool packed_get(struct bytes_in *in, uint64_t *z, size_t n)
{
    unsigned width = byte_get(in);
    uint64_t patches = varint_get(in);
    if (!in->at || width > INTS_MAX_BITS || patches > n)
        return false;
    struct bytes_in patch = *in;
    for (uint64_t i = 0; i < patches * 2; i++)
        varint_get(in);
    if (!in->at)
        return false;
    size_t len = (n * width + 7) / 8;
    const uint8_t *at = bytes_get(in, len);
    if (!at)
        return false;
    if (width == 0)
        memset(z, 0, n * sizeof *z);
    else
        packed_unpack(at, len, width, z, n);
    for (size_t i = 0, place = 0; i < patches; i++) {
        place += (size_t)varint_get(&patch);
        uint64_t high = varint_get(&patch);
        if (place >= n || bit_width(high) + width > INTS_MAX_BITS)
            return false;
        z[place] |= high << width;
    }
    return true;
}

/* ---- Rice ---- */

/* What k costs, in bits, about (an escape is taken as RICE_ESCAPE + 32). Numbers are decreased by
 * less: 1 when zeros have their own flag, and then they need nothing else. */
static size_t rice_bits(const uint64_t *z, size_t n, size_t zeros, unsigned k, unsigned less)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t q = (z[i] - (z[i] ? less : 0)) >> k;
        sum += q < RICE_ESCAPE ? q : RICE_ESCAPE + 32;
    }
    return (size_t)sum + (less ? n + (n - zeros) * (1 + k) : n * (1 + k));
}

/* Downhill from near: the cost has one minimum. */
static size_t rice_best(const uint64_t *z, size_t n, size_t zeros, unsigned less, unsigned near,
                        unsigned *best_k)
{
    unsigned k = MIN(near, (unsigned)RICE_MAX_K);
    size_t best = rice_bits(z, n, zeros, k, less);
    bool moved = false;
    for (; k > 0; k--, moved = true) {
        size_t bits = rice_bits(z, n, zeros, k - 1, less);
        if (bits >= best)
            break;
        best = bits;
    }
    for (; !moved && k < RICE_MAX_K; k++) {
        size_t bits = rice_bits(z, n, zeros, k + 1, less);
        if (bits >= best)
            break;
        best = bits;
    }
    *best_k = k;
    return best + 8;
}

static void rice_put_one(struct bits_out *bits, uint64_t v, unsigned k)
{
    uint64_t q = v >> k;
    if (q < RICE_ESCAPE) {
        bits_put(bits, (UINT64_C(1) << q) - 1, (unsigned)q + 1);
        bits_put(bits, v & ((UINT64_C(1) << k) - 1), k);
        return;
    }
    unsigned width = bit_width(v);
    bits_put(bits, (UINT64_C(1) << RICE_ESCAPE) - 1, RICE_ESCAPE);
    bits_put(bits, width, 6);
    bits_put(bits, v, width);
}

static uint8_t *rice_put(const uint64_t *z, size_t n, unsigned k, bool zeros, uint8_t *out)
{
    *out++ = (uint8_t)k;
    struct bits_out bits = {.at = out};
    for (size_t i = 0; i < n; i++) {
        if (zeros)
            bits_put(&bits, z[i] != 0, 1);
        if (!zeros || z[i])
            rice_put_one(&bits, z[i] - zeros, k);
    }
    return bits_end(&bits);
}

struct rice_in {
    struct bits_in bits;
    unsigned k;
    uint64_t *z;
    size_t n, done;
    size_t limit; /* as long as bit is below, eight bytes can be read at once */
    bool bad;
};

static bool rice_open(struct bytes_in *in, uint64_t *z, size_t n, struct rice_in *out)
{
    *out = (struct rice_in){.k = byte_get(in), .z = z, .n = n};
    if (!in->at || out->k > RICE_MAX_K)
        return false;
    out->bits = (struct bits_in){.at = in->at, .len = bytes_left(in)};
    out->limit = out->bits.len >= 8 ? (out->bits.len - 7) * 8 : 0;
    return true;
}

/* One number, whatever it is and wherever it stands. */
static inline void rice_next(struct rice_in *r, bool zeros)
{
    uint64_t z = 0;
    if (!zeros || bits_get(&r->bits, 1))
        z = rice_get_one(&r->bits, r->k) + zeros;
    r->z[r->done++] = z;
    r->bad |= r->bits.bad || z >> INTS_MAX_BITS;
}

/* What a sequence's next number depends on, for registers. */
struct lane {
    const uint8_t *at;
    size_t bit, limit;
    uint64_t mask, *z;
    unsigned k;
};

static inline __attribute__((always_inline)) struct lane lane_of(const struct rice_in *r)
{
    return (struct lane){r->bits.at,     r->bits.bit, r->limit, (UINT64_C(1) << r->k) - 1,
                         r->z + r->done, r->k};
}

/* Reads a number without taking it; back: its quotient, RICE_ESCAPE when it is escaped. */
static inline __attribute__((always_inline)) uint64_t lane_read(const struct lane *l, bool zeros,
                                                                uint64_t *z, uint64_t *bits)
{
    uint64_t word;
    memcpy(&word, l->at + (l->bit >> 3), 8);
    word >>= l->bit & 7;
    uint64_t taken = zeros ? 0 - (word & 1) : ~UINT64_C(0);
    word >>= zeros;
    uint64_t q = (uint64_t)__builtin_ctzll(~word | UINT64_C(1) << RICE_ESCAPE);
    *z = ((q << l->k) + (word >> 1 >> q & l->mask) + zeros) & taken;
    *bits = zeros + ((q + 1 + l->k) & taken);
    return q & taken;
}

static inline __attribute__((always_inline)) size_t rice_run_one(struct rice_in *r, size_t n,
                                                                 bool zeros)
{
    struct lane l = lane_of(r);
    size_t i = 0;
    uint64_t bits;
    for (; i < n && l.bit < l.limit && lane_read(&l, zeros, &l.z[i], &bits) < RICE_ESCAPE; i++)
        l.bit += bits;
    r->done += i;
    r->bits.bit = l.bit;
    return i;
}

static inline size_t lane_safe(const struct lane *l)
{
    return l->bit < l->limit ? (l->limit - l->bit) / RICE_SHORT_BITS : 0;
}

/* The numbers of four sequences in turn, so that the processor has independent work while one
 * waits for the end of its last number. Stops at an escape and near an end. */
static inline __attribute__((always_inline)) size_t rice_run_four(struct rice_in *r, size_t n,
                                                                  bool zeros)
{
    struct lane a = lane_of(&r[0]), b = lane_of(&r[1]), c = lane_of(&r[2]), d = lane_of(&r[3]);
    size_t i = 0, safe = 0;
    for (; i < n; i++) {
        uint64_t bits_a, bits_b, bits_c, bits_d, q;
        if (i == safe) {
            size_t more = MIN(MIN(lane_safe(&a), lane_safe(&b)), MIN(lane_safe(&c), lane_safe(&d)));
            if (!more)
                break;
            safe = i + more;
        }
        q = lane_read(&a, zeros, &a.z[i], &bits_a) | lane_read(&b, zeros, &b.z[i], &bits_b) |
            lane_read(&c, zeros, &c.z[i], &bits_c) | lane_read(&d, zeros, &d.z[i], &bits_d);
        if ((q & RICE_ESCAPE) == RICE_ESCAPE) /* one of them, or quotients that add up to it */
            break;
        a.bit += bits_a;
        b.bit += bits_b;
        c.bit += bits_c;
        d.bit += bits_d;
    }
    const size_t bit[] = {a.bit, b.bit, c.bit, d.bit};
    for (size_t w = 0; w < 4; w++) {
        r[w].done += i;
        r[w].bits.bit = bit[w];
    }
    return i;
}

/* The same code for processors with shifts that do not go by way of the flags. */
#if defined __x86_64__
__attribute__((target("bmi,bmi2"))) static size_t run_one_bmi(struct rice_in *r, size_t n,
                                                              bool zeros)
{
    return zeros ? rice_run_one(r, n, true) : rice_run_one(r, n, false);
}

__attribute__((target("bmi,bmi2"))) static size_t run_four_bmi(struct rice_in *r, size_t n,
                                                               bool zeros)
{
    return zeros ? rice_run_four(r, n, true) : rice_run_four(r, n, false);
}
#endif

static size_t run_one(struct rice_in *r, size_t n, bool zeros)
{
    return zeros ? rice_run_one(r, n, true) : rice_run_one(r, n, false);
}

static size_t run_four(struct rice_in *r, size_t n, bool zeros)
{
    return zeros ? rice_run_four(r, n, true) : rice_run_four(r, n, false);
}

bool ints_plain;

typedef size_t (*rice_run)(struct rice_in *r, size_t n, bool zeros);

static rice_run rice_run_of(bool four)
{
#if defined __x86_64__
    if (!ints_plain && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("bmi"))
        return four ? run_four_bmi : run_one_bmi;
#endif
    return four ? run_four : run_one;
}

static bool rice_short(const struct rice_in *r, size_t n)
{
    bool all = true;
    for (size_t i = 0; i < n; i++)
        all &= r[i].k <= RICE_SHORT_K && !r[i].bad;
    return all;
}

/* Four at once as long as all go on; an escape is read by itself. */
static void rice_side_by_side(struct rice_in *r, bool zeros)
{
    rice_run run = rice_run_of(true);
    while (rice_short(r, 4)) {
        size_t n = SIZE_MAX;
        for (size_t w = 0; w < 4; w++)
            n = MIN(n, r[w].n - r[w].done);
        run(r, n, zeros);
        for (size_t w = 0; w < 4; w++) {
            if (r[w].done == r[w].n || r[w].bits.bit + RICE_SHORT_BITS > r[w].limit)
                return;
        }
        for (size_t w = 0; w < 4; w++)
            rice_next(&r[w], zeros);
    }
}

/* What is left of one. */
static bool rice_finish(struct rice_in *r, bool zeros, struct bytes_in *in)
{
    rice_run run = rice_run_of(false);
    while (r->done < r->n && !r->bad) {
        if (rice_short(r, 1))
            run(r, r->n - r->done, zeros);
        if (r->done < r->n)
            rice_next(r, zeros);
    }
    return !r->bad && bytes_get(in, (r->bits.bit + 7) / 8);
}

static bool rice_get(struct bytes_in *in, uint64_t *z, size_t n, bool zeros)
{
    struct rice_in r;
    return rice_open(in, z, n, &r) && rice_finish(&r, zeros, in);
}

static void rice_get_many(struct ints_job **jobs, size_t n, bool zeros)
{
    struct rice_in r[INTS_AT_ONCE];
    size_t opened = 0;
    for (size_t i = 0; i < n; i++) {
        jobs[i]->ok = rice_open(&jobs[i]->in, jobs[i]->z, jobs[i]->n, &r[opened]);
        if (jobs[i]->ok)
            jobs[opened++] = jobs[i];
    }
    if (opened == 4)
        rice_side_by_side(r, zeros);
    for (size_t i = 0; i < opened; i++)
        jobs[i]->ok = rice_finish(&r[i], zeros, &jobs[i]->in);
}

/* ---- the choice ---- */

enum ints_coding ints_encode(const uint64_t *z, size_t n, bool rice, uint8_t **out)
{
    uint32_t hist[65] = {0};
    uint64_t any = 0;
    for (size_t i = 0; i < n; i++) {
        hist[bit_width(z[i])]++;
        any |= z[i];
    }
    if (!any)
        return INTS_ZERO;
    size_t packed_bits;
    unsigned width = packed_width(hist, n, bit_width(any), &packed_bits);
    if (rice) {
        /* the widths' median is near the best k */
        unsigned near = 0, near_zeros = 0, k = 0, k_zeros = 0;
        for (size_t seen = 0; (seen += hist[near]) * 2 < n;)
            near++;
        for (size_t seen = 0; (seen += near_zeros ? hist[near_zeros] : 0) * 2 < n - hist[0];)
            near_zeros++;
        /* one less than the median's width is the best for a geometric distribution */
        size_t plain = rice_best(z, n, hist[0], 0, near ? near - 1 : 0, &k);
        size_t zeros = hist[0] * 8 < n
                           ? SIZE_MAX
                           : rice_best(z, n, hist[0], 1, near_zeros ? near_zeros - 1 : 0, &k_zeros);
        if (MIN(plain, zeros) < packed_bits) {
            bool z0 = zeros < plain;
            *out = rice_put(z, n, z0 ? k_zeros : k, z0, *out);
            return z0 ? INTS_RICE_ZEROS : INTS_RICE;
        }
    }
    *out = packed_put(z, n, width, *out);
    return INTS_PACKED;
}

bool ints_decode(enum ints_coding coding, struct bytes_in *in, uint64_t *z, size_t n)
{
    switch (coding) {
    case INTS_ZERO:
        memset(z, 0, n * sizeof *z);
        return in->at != NULL;
    case INTS_PACKED:
        return packed_get(in, z, n);
    case INTS_RICE:
        return rice_get(in, z, n, false);
    case INTS_RICE_ZEROS:
        return rice_get(in, z, n, true);
    default:
        return false;
    }
}

void ints_decode_many(struct ints_job *jobs, size_t n)
{
    struct ints_job *rice[2][INTS_AT_ONCE];
    size_t rice_n[2] = {0};
    for (size_t i = 0; i < n; i++) {
        bool zeros = jobs[i].coding == INTS_RICE_ZEROS;
        if (zeros || jobs[i].coding == INTS_RICE)
            rice[zeros][rice_n[zeros]++] = &jobs[i];
        else
            jobs[i].ok = ints_decode(jobs[i].coding, &jobs[i].in, jobs[i].z, jobs[i].n);
    }
    rice_get_many(rice[0], rice_n[0], false);
    rice_get_many(rice[1], rice_n[1], true);
}
