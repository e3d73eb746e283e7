#include "store/embedded/lanes.h"

#include "store/embedded/rice.h"

#if defined __x86_64__
#include <immintrin.h>

enum { WORD_BITS = 57 }; /* of eight bytes, whichever bit of the first one they begin at */

#define WIDE __attribute__((target("avx512f,avx512cd,avx512dq")))
#define WIDE_INLINE                                                                                \
    static inline __attribute__((target("avx512f,avx512cd,avx512dq"), always_inline))

/* What is a number for each lane, in memory. */
struct lanes {
    _Alignas(64) uint64_t at[LANES]; /* addresses */
    uint64_t from[LANES];            /* where the next number begins */
    uint64_t bit[LANES], limit[LANES], k[LANES], zeros[LANES], x[LANES], step[LANES];
    uint64_t shift[LANES], len_rows[LANES];
    double by[LANES];
    size_t len[LANES], longest, shortest;
    unsigned second, bad; /* a bit for each lane */
    unsigned rows;        /* numbers that a word mostly has */
};

/* The same in registers. A lane's next number begins at bit end - have; word has the bits from
 * there on, have of them. */
struct registers {
    __m512i at, limit, k, mask, zeros, fixed, x, step, shift, signs;
    __m512i word, have, end;
    __m512d by, inverse;
    __mmask8 second;
};

/* A number as a word shows it. */
struct number {
    __m512i z, taken;
    __mmask8 hidden; /* lanes in which it cannot be seen: it is escaped, or ends behind the word */
};

static void open_lane(struct lanes *l, size_t i, const struct lane_job *job)
{
    struct bytes_in in = job->in;
    unsigned k = byte_get(&in);
    l->longest = MAX(l->longest, job->n);
    l->shortest = MIN(l->shortest, job->n);
    l->len_rows[i] = job->n;
    l->by[i] = job->by;
    l->x[i] = job->x;
    l->step[i] = job->step;
    l->shift[i] = job->shift;
    l->zeros[i] = job->zeros;
    l->second |= (unsigned)job->second << i;
    if (!in.at || k > RICE_MAX_K) {
        l->bad |= 1u << i;
        l->len_rows[i] = l->shortest = 0;
        return;
    }
    l->k[i] = k;
    l->at[i] = (uint64_t)(uintptr_t)in.at;
    l->len[i] = bytes_left(&in);
    /* below it eight bytes can be read at once, and hold a number whole */
    l->limit[i] = k <= RICE_SHORT_K && l->len[i] >= 8 ? (l->len[i] - 7) * 8 : 0;
    l->rows = MIN(l->rows, WORD_BITS / (k + 3 + (job->zeros ? 1 : 0)));
}

WIDE_INLINE struct registers load(const struct lanes *l)
{
    const __m512i one = _mm512_set1_epi64(1), none = _mm512_setzero_si512();
    struct registers r = {
        .at = _mm512_load_si512(l->at),
        .limit = _mm512_load_si512(l->limit),
        .k = _mm512_load_si512(l->k),
        .zeros = _mm512_load_si512(l->zeros),
        .x = _mm512_load_si512(l->x),
        .step = _mm512_load_si512(l->step),
        .shift = _mm512_load_si512(l->shift),
        .signs = none,
        .word = none,
        .have = none,
        .end = _mm512_load_si512(l->bit),
        .by = _mm512_load_pd(l->by),
        .second = (__mmask8)l->second,
    };
    r.mask = _mm512_sub_epi64(_mm512_sllv_epi64(one, r.k), one);
    r.fixed = _mm512_add_epi64(_mm512_add_epi64(r.k, r.zeros), one);
    r.inverse = _mm512_div_pd(_mm512_set1_pd(1), r.by);
    return r;
}

/* The next number of some lanes, whatever it is and wherever it stands. */
WIDE static __attribute__((noinline)) __m512i read_some(struct lanes *l, struct registers *r,
                                                        unsigned which, __m512i z)
{
    _Alignas(64) uint64_t number[LANES];
    _mm512_store_si512(number, z);
    _mm512_store_si512(l->bit, _mm512_sub_epi64(r->end, r->have));
    for (unsigned i = 0; i < LANES; i++) {
        if (!(which >> i & 1))
            continue;
        struct bits_in bits = {
            .at = (const uint8_t *)(uintptr_t)l->at[i], .len = l->len[i], .bit = l->bit[i]};
        number[i] = 0;
        if (!l->zeros[i] || bits_get(&bits, 1))
            number[i] = rice_get_one(&bits, (unsigned)l->k[i]) + l->zeros[i];
        l->bit[i] = bits.bit;
        if (bits.bad || number[i] >> INTS_MAX_BITS) {
            l->bad |= 1u << i;
            l->bit[i] = 0; /* what follows means nothing, and must not lead away */
        }
    }
    r->end = _mm512_mask_load_epi64(r->end, (__mmask8)which, l->bit);
    r->have = _mm512_maskz_mov_epi64((__mmask8)~which, r->have);
    return _mm512_load_si512(number);
}

WIDE_INLINE __m128i word_pair(uint64_t a, uint64_t b)
{
    __m128i first = _mm_loadu_si64((const void *)(uintptr_t)a);
    __m128i second = _mm_loadu_si64((const void *)(uintptr_t)b);
    return _mm_unpacklo_epi64(first, second);
}

/* Eight bytes of each lane. Not a gather: since it was found to leak (CVE-2022-40982) it is slower
 * than loads. Lanes that may not look so far look at zeros. */
WIDE_INLINE __m512i words_at(struct lanes *l, __mmask8 which, __m512i where)
{
    static const uint64_t nothing;
    __m512i safe = _mm512_set1_epi64((long long)(uintptr_t)&nothing);
    _mm512_store_si512(l->from, _mm512_mask_mov_epi64(safe, which, where));
    const __m128i half[] = {word_pair(l->from[0], l->from[1]), word_pair(l->from[2], l->from[3]),
                            word_pair(l->from[4], l->from[5]), word_pair(l->from[6], l->from[7])};
    __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(half[0]), half[1], 1);
    __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(half[2]), half[3], 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* The bits from each lane's next number on. */
WIDE_INLINE void next_words(struct lanes *l, struct registers *r)
{
    const __m512i seven = _mm512_set1_epi64(7);
    __m512i bit = _mm512_sub_epi64(r->end, r->have), past = _mm512_and_si512(bit, seven);
    __mmask8 plain = _mm512_cmplt_epu64_mask(bit, r->limit);
    __m512i where = _mm512_add_epi64(r->at, _mm512_srli_epi64(bit, 3));
    r->word = _mm512_srlv_epi64(words_at(l, plain, where), past);
    r->have = _mm512_maskz_sub_epi64(plain, _mm512_set1_epi64(64), past);
    r->end = _mm512_add_epi64(bit, r->have);
}

WIDE_INLINE struct number see(const struct registers *r)
{
    const __m512i one = _mm512_set1_epi64(1);
    /* a zero with its own flag has no more than that */
    __mmask8 some =
        _mm512_test_epi64_mask(_mm512_or_si512(r->word, _mm512_xor_si512(r->zeros, one)), one);
    __m512i word = _mm512_srlv_epi64(r->word, r->zeros);
    /* ones before the first zero */
    __m512i first = _mm512_andnot_si512(word, _mm512_add_epi64(word, one));
    __m512i q = _mm512_sub_epi64(_mm512_set1_epi64(63), _mm512_lzcnt_epi64(first));
    __m512i rest = _mm512_and_si512(_mm512_srlv_epi64(_mm512_srli_epi64(word, 1), q), r->mask);
    __m512i z = _mm512_add_epi64(_mm512_sllv_epi64(q, r->k), rest);
    __m512i taken = _mm512_mask_add_epi64(one, some, q, r->fixed);
    __mmask8 escaped = _mm512_mask_cmpge_epu64_mask(some, q, _mm512_set1_epi64(RICE_ESCAPE));
    return (struct number){_mm512_maskz_add_epi64(some, z, r->zeros), taken,
                           escaped | _mm512_cmpgt_epu64_mask(taken, r->have)};
}

/* The next number of each lane wanted. */
WIDE_INLINE __m512i read_row(struct lanes *l, struct registers *r, __mmask8 wanted)
{
    struct number n = see(r);
    __mmask8 hidden = n.hidden & wanted;
    if (__builtin_expect(hidden != 0, 0)) {
        next_words(l, r);
        n = see(r);
        hidden = n.hidden & wanted;
    }
    __mmask8 seen = (__mmask8)(wanted & ~hidden);
    r->word = _mm512_mask_srlv_epi64(r->word, seen, r->word, n.taken);
    r->have = _mm512_mask_sub_epi64(r->have, seen, r->have, n.taken);
    __m512i z = _mm512_maskz_mov_epi64(wanted, n.z);
    return __builtin_expect(hidden != 0, 0) ? read_some(l, r, hidden, z) : z;
}

/* From numbers to values: running sums, then the correctly rounded quotient as in chunk.c. */
WIDE_INLINE __m512d next_values(struct registers *r, __m512i z)
{
    __m512i sign =
        _mm512_sub_epi64(_mm512_setzero_si512(), _mm512_and_si512(z, _mm512_set1_epi64(1)));
    __m512i d = _mm512_xor_si512(_mm512_srli_epi64(z, 1), sign);
    d = _mm512_sllv_epi64(d, r->shift);
    r->step = _mm512_mask_add_epi64(d, r->second, d, r->step);
    r->signs = _mm512_or_si512(r->signs, r->step);
    r->x = _mm512_add_epi64(r->x, r->step);
    __m512d x = _mm512_cvtepi64_pd(r->x), q = _mm512_mul_pd(x, r->inverse);
    q = _mm512_fmadd_pd(_mm512_fnmadd_pd(r->by, q, x), r->inverse, q);
    return _mm512_fmadd_pd(_mm512_fnmadd_pd(r->by, q, x), r->inverse, q);
}

/* Rows of eight lanes as eight columns of eight values each. */
WIDE_INLINE void put_columns(const __m512d row[8], double *const to[LANES], size_t at, size_t n)
{
    __m512d pair[8], four[8];
    for (int i = 0; i < 8; i += 2) {
        pair[i] = _mm512_unpacklo_pd(row[i], row[i + 1]);
        pair[i + 1] = _mm512_unpackhi_pd(row[i], row[i + 1]);
    }
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            four[i * 4 + k] = _mm512_shuffle_f64x2(pair[i * 4 + k], pair[i * 4 + 2 + k], 0x88);
            four[i * 4 + 2 + k] = _mm512_shuffle_f64x2(pair[i * 4 + k], pair[i * 4 + 2 + k], 0xdd);
        }
    /* four[k]: of rows 0..3 lanes k and k + 4; four[2 + k]: lanes 2 + k and 6 + k */
    for (size_t lane = 0; lane < 4 && lane < n; lane++) {
        __m512d low = four[lane], high = four[4 + lane];
        _mm512_storeu_pd(to[lane] + at, _mm512_shuffle_f64x2(low, high, 0x88));
        if (lane + 4 < n)
            _mm512_storeu_pd(to[lane + 4] + at, _mm512_shuffle_f64x2(low, high, 0xdd));
    }
}

WIDE static void decode(struct lanes *l, struct lane_job *jobs, size_t n)
{
    enum { ROWS = 8 };
    struct registers r = load(l);
    const __m512i len = _mm512_load_si512(l->len_rows);
    double *to[LANES] = {0};
    unsigned left = 0; /* rows that the words are good for, mostly */
    for (size_t i = 0; i < n; i++)
        to[i] = jobs[i].v;
    for (size_t at = 0; at < l->longest; at += ROWS) {
        size_t rows = MIN(l->longest - at, (size_t)ROWS);
        __m512d row[ROWS];
        for (size_t i = 0; i < rows; i++) {
            __mmask8 wanted = _mm512_cmpgt_epu64_mask(len, _mm512_set1_epi64((long long)(at + i)));
            if (left-- == 0) {
                next_words(l, &r);
                left = l->rows;
            }
            row[i] = next_values(&r, read_row(l, &r, wanted));
        }
        if (at + ROWS <= l->shortest) {
            put_columns(row, to, at, n);
            continue;
        }
        _Alignas(64) double last[ROWS][LANES];
        for (size_t i = 0; i < rows; i++)
            _mm512_store_pd(last[i], row[i]);
        for (size_t lane = 0; lane < n; lane++)
            for (size_t i = 0; at + i < jobs[lane].n && i < rows; i++)
                to[lane][at + i] = last[i][lane];
    }
    _Alignas(64) uint64_t signs[LANES];
    _mm512_store_si512(signs, r.signs);
    _mm512_store_si512(l->bit, _mm512_sub_epi64(r.end, r.have));
    for (size_t i = 0; i < n; i++)
        jobs[i].falls = signs[i] >> 63;
}

bool lanes_there(void)
{
    return !ints_plain && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512dq");
}

void lanes_decode(struct lane_job *jobs, size_t n)
{
    struct lanes l = {.shortest = SIZE_MAX, .rows = WORD_BITS};
    for (size_t i = 0; i < LANES; i++)
        l.by[i] = 1;
    for (size_t i = 0; i < n; i++)
        open_lane(&l, i, &jobs[i]);
    l.rows = MAX(l.rows, 1u) - 1; /* besides the one for which a word is read */
    decode(&l, jobs, n);
    for (size_t i = 0; i < n; i++) {
        size_t bytes = (size_t)(l.bit[i] + 7) / 8;
        jobs[i].ok = !(l.bad >> i & 1) && bytes <= l.len[i];
        if (jobs[i].ok)
            jobs[i].in.at += 1 + bytes;
    }
}

#else

bool lanes_there(void)
{
    return false;
}

void lanes_decode(struct lane_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        jobs[i].ok = false;
}
#endif
