/* Snappy's format against the library that defines it, both ways; and what is damaged. */
#include "unit.h"

#include "base/arena.h"
#include "series/snappy.h"

#include <snappy-c.h>
#include <stdlib.h>

enum { N = 200000 };

/* Text of every kind between noise and one letter. */
static void fill(char *to, size_t n, unsigned kind)
{
    uint32_t x = 12345 + kind;
    for (size_t i = 0; i < n; i++) {
        x = x * 1103515245 + 12345;
        switch (kind) {
        case 0:
            to[i] = (char)(x >> 16);
            break;
        case 1:
            to[i] = 'a';
            break;
        case 2:
            to[i] = "metric_name{instance=\"h\"} "[(i + (x >> 28)) % 26];
            break;
        default: /* repeats at many distances */
            to[i] = i > 70 && (x >> 16) % 8 ? to[i - 1 - (x >> 20) % 70] : (char)(x >> 24);
        }
    }
}

static void both_ways(const char *plain, size_t n)
{
    auto_free char *packed = mem_alloc(snappy_bound(n)), *back = mem_alloc(n + 1);
    size_t len = snappy_pack(span_from(plain, n), packed), out = n;
    assert_true(len <= snappy_bound(n));
    assert_int_equal(snappy_uncompress(packed, len, back, &out), SNAPPY_OK);
    assert_int_equal(out, n);
    assert_memory_equal(back, plain, n);
    assert_true(snappy_length(span_from(packed, len), &out) && out == n);
    assert_true(snappy_unpack(span_from(packed, len), back, n));
    assert_memory_equal(back, plain, n);

    size_t theirs = snappy_max_compressed_length(n);
    auto_free char *other = mem_alloc(theirs);
    assert_int_equal(snappy_compress(plain, n, other, &theirs), SNAPPY_OK);
    memset(back, 0, n);
    assert_true(snappy_unpack(span_from(other, theirs), back, n));
    assert_memory_equal(back, plain, n);
}

static void test_both_ways(void **state UNUSED)
{
    static const size_t sizes[] = {0,  1,   4,   15,  16,   17,    59,    60,    61,     64,
                                   65, 255, 256, 257, 1000, 65535, 65536, 65537, 100000, N};
    char *plain = mem_alloc(N);
    for (unsigned kind = 0; kind < 4; kind++) {
        fill(plain, N, kind);
        for (size_t i = 0; i < COUNT(sizes); i++)
            both_ways(plain, sizes[i]);
    }
    free(plain);
}

static void test_packs(void **state UNUSED)
{
    char *plain = mem_alloc(N), *packed = mem_alloc(snappy_bound(N));
    fill(plain, N, 1);
    assert_true(snappy_pack(span_from(plain, N), packed) < N / 20);
    free(plain);
    free(packed);
}

static void test_refused(void **state UNUSED)
{
    static const struct {
        struct span in;
        size_t len;
    } cases[] = {
        {SPAN(""), 0}, /* no length */
        {SPAN("\x80\x80\x80\x80\x80"), 0},
        {SPAN("\xff\xff\xff\xff\x1f"), 1}, /* above 32 bits */
        {SPAN("\x02\x00"
              "a"),
         2}, /* one byte short */
        {SPAN("\x01\x04"
              "ab"),
         1},                       /* one too many */
        {SPAN("\x04\x01\x01"), 4}, /* a copy of nothing */
        {SPAN("\x05\x00"
              "a\x01\x02"),
         5}, /* from before the start */
        {SPAN("\x05\x00"
              "a\x01\x00"),
         5}, /* offset 0 */
        {SPAN("\x05\x00"
              "a\x01"),
         5},                   /* cut in the offset */
        {SPAN("\x05\xf0"), 5}, /* cut in the length */
        {SPAN("\x05\xfc\xff\xff\xff\xff"
              "a"),
         5},
        {SPAN("\x02\x00"
              "a\x01\x01"),
         2}, /* copies 4 where 1 is left */
    };
    char out[16];
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_false(snappy_unpack(cases[i].in, out, cases[i].len));
}

const struct CMUnitTest snappy_tests[] = {
    cmocka_unit_test(test_both_ways),
    cmocka_unit_test(test_packs),
    cmocka_unit_test(test_refused),
};
const size_t snappy_tests_n = COUNT(snappy_tests);
