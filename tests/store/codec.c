/* Chunks, summaries and integer sequences give back the very bits, and damaged bytes are never
 * more than refused. */
#include "random.h"
#include "unit.h"

#include "base/arena.h"

#include "store/embedded/chunk.h"

enum { ROUNDS = 4000 };

static void same_bits(const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (double_bits(a[i]) != double_bits(b[i]))
            fail_msg("value %zu of %zu: %a became %a", i, n, a[i], b[i]);
}

static void round_trip(enum chunk_style style, double base, const double *v, size_t n)
{
    uint8_t bytes[CHUNK_MAX_BYTES(CHUNK_MAX_SAMPLES)];
    double back[CHUNK_MAX_SAMPLES];
    size_t len = chunk_encode(style, base, v, n, bytes);
    assert_true(len + BITS_SLACK_BYTES <= CHUNK_MAX_BYTES(n));
    /* an exact copy, so that a sanitizer sees a read beyond the end */
    uint8_t *exact = mem_alloc(len);
    memcpy(exact, bytes, len);
    struct bytes_in in = bytes_of(span_from(exact, len));
    assert_true(chunk_decode(&in, base, back, n));
    assert_int_equal(bytes_left(&in), 0);
    same_bits(v, back, n);
    for (size_t cut = 0; cut < len; cut++) { /* must be refused, or give something: not crash */
        in = bytes_of(span_from(exact, cut));
        if (chunk_decode(&in, base, back, n))
            assert_true(bytes_left(&in) <= cut);
    }
    free(exact);
}

static void chunk_round_trips(void **state)
{
    (void)state;
    struct dice d = dice_of(1);
    for (int round = 0; round < ROUNDS; round++) {
        double v[CHUNK_MAX_SAMPLES + 1];
        size_t n = 1 + (round % 8 ? roll_below(&d, 40) : roll_below(&d, CHUNK_MAX_SAMPLES));
        random_values(&d, v, n + 1);
        round_trip(round % 2 ? CHUNK_RECENT : CHUNK_COMPACT, round % 3 ? v[0] : 0, v + 1, n);
    }
}

/* In hundredths, as CPU seconds are. */
static void counter_values(struct dice *d, double *v, size_t n)
{
    uint64_t x = roll_below(d, 1 << 20), most = 1 + roll_below(d, 2000);
    for (size_t i = 0; i < n; i++) {
        x += roll_below(d, most);
        v[i] = (double)x / 100;
    }
}

/* Four chunks at once, with and without code for special processors, give what each alone gives;
 * what is said of the values holds. */
static void chunks_side_by_side(void **state)
{
    (void)state;
    struct dice d = dice_of(7);
    for (int round = 0; round < ROUNDS; round++) {
        double v[CHUNKS_AT_ONCE][CHUNK_MAX_SAMPLES], back[CHUNKS_AT_ONCE][CHUNK_MAX_SAMPLES];
        uint8_t *bytes[CHUNKS_AT_ONCE];
        struct chunk_job jobs[CHUNKS_AT_ONCE];
        size_t n = 1 + roll_below(&d, CHUNKS_AT_ONCE);
        for (size_t i = 0; i < n; i++) {
            uint8_t room[CHUNK_MAX_BYTES(CHUNK_MAX_SAMPLES)];
            size_t length = 1 + roll_below(&d, round % 4 ? 60 : CHUNK_MAX_SAMPLES);
            if (round % 2)
                counter_values(&d, v[i], length);
            else
                random_values(&d, v[i], length);
            size_t len = chunk_encode(CHUNK_COMPACT, v[i][0], v[i], length, room);
            bytes[i] = mem_alloc(len); /* exact, so that a sanitizer sees a read beyond */
            memcpy(bytes[i], room, len);
            jobs[i] = (struct chunk_job){.in = bytes_of(span_from(bytes[i], len)),
                                         .base = v[i][0],
                                         .v = back[i],
                                         .n = length};
        }
        ints_plain = round / 2 % 2;
        assert_true(chunks_decode(jobs, n));
        ints_plain = false;
        for (size_t i = 0; i < n; i++) {
            same_bits(v[i], back[i], jobs[i].n);
            assert_int_equal(bytes_left(&jobs[i].in), 0);
            for (size_t k = 0; k < jobs[i].n; k++) {
                assert_false(jobs[i].numbers && isnan(v[i][k]));
                assert_false(jobs[i].rising && k && v[i][k] < v[i][k - 1]);
            }
            free(bytes[i]);
        }
    }
}

/* Every decimal that is stored must come back, whichever way integers are divided. */
static void decimals_are_divided_exactly(void **state)
{
    (void)state;
    struct dice d = dice_of(8);
    for (int round = 0; round < ROUNDS; round++) {
        double v[16], back[16];
        unsigned e = 1 + (unsigned)roll_below(&d, CHUNK_MAX_DECIMALS);
        unsigned width = 1 + (unsigned)roll_below(&d, 52);
        for (size_t i = 0; i < COUNT(v); i++)
            v[i] = (double)(roll(&d) >> (64 - width)) / decimal_power[e];
        uint8_t bytes[CHUNK_MAX_BYTES(16)];
        size_t len = chunk_encode(CHUNK_RECENT, 0, v, COUNT(v), bytes);
        for (int plain = 0; plain < 2; plain++) {
            struct bytes_in in = bytes_of(span_from(bytes, len));
            ints_plain = plain;
            assert_true(chunk_decode(&in, 0, back, COUNT(v)));
            ints_plain = false;
            same_bits(v, back, COUNT(v));
        }
    }
}

static void chunk_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        double from, step;
        size_t most;
    } cases[] = {
        {"constant", 1795000000, 0, 10}, {"linear", 5e12, 4096, 16}, {"decimal", 0.25, 0.25, 12}};
    for (size_t c = 0; c < COUNT(cases); c++) {
        double v[120];
        uint8_t bytes[CHUNK_MAX_BYTES(120)];
        for (size_t i = 0; i < COUNT(v); i++)
            v[i] = cases[c].from + (double)i * cases[c].step;
        if (chunk_encode(CHUNK_RECENT, 0, v, COUNT(v), bytes) > cases[c].most)
            fail_msg("%s is too large", cases[c].what);
    }
}

static void chunk_hostile(void **state)
{
    (void)state;
    struct dice d = dice_of(2);
    double v[CHUNK_MAX_SAMPLES];
    uint8_t bytes[CHUNK_MAX_BYTES(CHUNK_MAX_SAMPLES)];
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = 1 + roll_below(&d, CHUNK_MAX_SAMPLES);
        random_values(&d, v, n);
        size_t len = chunk_encode(round & 1 ? CHUNK_RECENT : CHUNK_COMPACT, 0, v, n, bytes);
        size_t flips = 1 + roll_below(&d, 8);
        for (size_t i = 0; i < flips; i++)
            bytes[roll_below(&d, MIN(len, (size_t)40))] ^= (uint8_t)(1 << roll_below(&d, 8));
        struct bytes_in in = bytes_of(span_from(bytes, len));
        if (chunk_decode(&in, 0, v, n))
            assert_true(bytes_left(&in) <= len);
        in = bytes_of(span_from(bytes, len));
        assert_false(chunk_decode(&in, 0, v, CHUNK_MAX_SAMPLES + 1));
    }
}

static void ints_round_trips(void **state)
{
    (void)state;
    struct dice d = dice_of(3);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t z[CHUNK_MAX_SAMPLES], back[CHUNK_MAX_SAMPLES];
        uint8_t bytes[INTS_MAX_BYTES(CHUNK_MAX_SAMPLES)], *end = bytes;
        size_t n = 1 + roll_below(&d, round % 8 ? 30 : CHUNK_MAX_SAMPLES);
        unsigned width = (unsigned)roll_below(&d, INTS_MAX_BITS + 1);
        bool zeros = roll(&d) & 1;
        for (size_t i = 0; i < n; i++) {
            unsigned own = roll_below(&d, 30) ? width : INTS_MAX_BITS;
            z[i] = own ? roll(&d) >> (64 - own) : 0;
            if (zeros && roll(&d) & 1)
                z[i] = 0;
        }
        enum ints_coding coding = ints_encode(z, n, round & 1, &end);
        assert_true((size_t)(end - bytes) + BITS_SLACK_BYTES <= INTS_MAX_BYTES(n));
        struct bytes_in in = bytes_of(span_from(bytes, (size_t)(end - bytes)));
        assert_true(ints_decode(coding, &in, back, n));
        assert_int_equal(bytes_left(&in), 0);
        assert_memory_equal(z, back, n * sizeof *z);
    }
}

static void summaries(void **state)
{
    (void)state;
    struct dice d = dice_of(4);
    for (int round = 0; round < ROUNDS; round++) {
        double v[64];
        size_t n = 1 + roll_below(&d, COUNT(v));
        random_values(&d, v, n);
        struct chunk_summary s, back;
        uint8_t bytes[SUMMARY_MAX_BYTES];
        double base = round & 1 ? v[0] : 0;
        chunk_summarise(v, n, &s);
        size_t len = summary_encode(&s, base, bytes);
        struct bytes_in in = bytes_of(span_from(bytes, len));
        assert_true(summary_decode(&in, base, &back));
        assert_int_equal(bytes_left(&in), 0);
        same_bits(&s.first, &back.first, 5);
    }
    double v[] = {5, 7, 2, bits_double(STALE_NAN_BITS), 3};
    struct chunk_summary s;
    chunk_summarise(v, COUNT(v), &s);
    assert_true(s.first == 5 && s.last == 3 && s.min == 2 && s.max == 7 && s.increase == 5);
}

static void varints(void **state)
{
    (void)state;
    static const uint64_t cases[] = {0, 1, 127, 128, 16383, 16384, UINT64_MAX};
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[VARINT_MAX_BYTES];
        size_t len = (size_t)(varint_put(bytes, cases[i]) - bytes);
        assert_int_equal(len, varint_size(cases[i]));
        struct bytes_in in = bytes_of(span_from(bytes, len));
        assert_true(varint_get(&in) == cases[i] && in.at);
        in = bytes_of(span_from(bytes, len - 1));
        varint_get(&in);
        assert_null(in.at);
    }
}

const struct CMUnitTest codec_tests[] = {
    cmocka_unit_test(chunk_round_trips),
    cmocka_unit_test(chunks_side_by_side),
    cmocka_unit_test(decimals_are_divided_exactly),
    cmocka_unit_test(chunk_sizes),
    cmocka_unit_test(chunk_hostile),
    cmocka_unit_test(ints_round_trips),
    cmocka_unit_test(summaries),
    cmocka_unit_test(varints),
};
const size_t codec_tests_n = COUNT(codec_tests);
