#include "base/buf.h"
#include "base/shortest.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void doubles_are_written_as_prometheus_does(void **state UNUSED)
{
    static const struct {
        double v;
        const char *want;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {1.5, "1.5"},
        {-2.25, "-2.25"},
        {123456789, "123456789"},
        {1e15, "1000000000000000"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {1.5e300, "1.5e+300"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {0.30000000000000004, "0.30000000000000004"},
        {0x1p53, "9007199254740992"},
        {INFINITY, "+Inf"},
        {-INFINITY, "-Inf"},
        {NAN, "NaN"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf b = {0};
        buf_double(&b, cases[i].v);
        assert_string_equal(buf_text(&b), cases[i].want);
    }
}

static void json_doubles_stay_plain_longer(void **state UNUSED)
{
    static const struct {
        double v;
        const char *want;
    } cases[] = {
        {0.00001, "0.00001"},
        {0.000001, "0.000001"},
        {0.0000001, "1e-7"},
        {1.5e-10, "1.5e-10"},
        {1e21, "1e+21"},
        {NAN, "NaN"},
        {1, "1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf b = {0};
        buf_double_json(&b, cases[i].v);
        assert_string_equal(buf_text(&b), cases[i].want);
    }
}

static void doubles_read_back_as_the_same_bits(void **state UNUSED)
{
    uint64_t seed = 88172645463325252u;
    auto_buf b = {0};
    for (int i = 0; i < 20000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        double v;
        memcpy(&v, &seed, sizeof v);
        if (isnan(v))
            continue;
        buf_clear(&b);
        buf_double(&b, v);
        double back = strtod(buf_text(&b), NULL);
        assert_memory_equal(&back, &v, sizeof v);
    }
}

/* Fewer digits than the C library needs to get back, or the same. */
static void check_shortest(double v)
{
    char want[40], got[40];
    int digits = 0;
    do
        snprintf(want, sizeof want, "%.*e", digits, v);
    while (strtod(want, NULL) != v && ++digits < 17);
    struct decimal d = decimal_shortest(v);
    snprintf(got, sizeof got, "%llue%d", (unsigned long long)d.digits, d.exponent);
    assert_true(strtod(got, NULL) == v);
    int n = snprintf(got, sizeof got, "%llu", (unsigned long long)d.digits);
    assert_true(n <= digits + 1);
    assert_int_not_equal(d.digits % 10, 0);
    if (n <= digits)
        return; /* where a power of two has a nearer neighbour below */
    assert_int_equal(want[0], got[0]);
    assert_memory_equal(want + 2, got + 1, (size_t)n - 1);
    assert_int_equal(atoi(strchr(want, 'e') + 1), d.exponent + n - 1);
}

static void decimals_are_the_shortest(void **state UNUSED)
{
    uint64_t seed = 88172645463325252u;
    for (int e = -1074; e < 1024; e++) {
        double power = ldexp(1, e), next;
        for (int64_t step = e > -1074 ? -1 : 0; step <= 1; step++) {
            int64_t bits;
            memcpy(&bits, &power, sizeof bits);
            bits += step;
            memcpy(&next, &bits, sizeof next);
            check_shortest(next);
        }
    }
    for (int e = -323; e < 309; e++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", e);
        check_shortest(strtod(text, NULL));
    }
    for (int i = 0; i < 20000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        double v;
        uint64_t bits = seed & INT64_MAX;
        memcpy(&v, &bits, sizeof v);
        if (isfinite(v))
            check_shortest(v);
        check_shortest((double)(seed % 1000003 + 1) / 7);
        check_shortest((double)(seed % 100000007 + 1) / 1000);
    }
}

static void the_ceiling_holds_and_is_remembered(void **state UNUSED)
{
    auto_buf b = {.max = 4};
    buf_str(&b, "abcd");
    assert_false(b.failed);
    buf_str(&b, "");
    assert_false(b.failed);
    buf_char(&b, 'e');
    assert_true(b.failed);
    assert_int_equal(b.len, 4);
    buf_clear(&b);
    buf_str(&b, "ok");
    assert_false(b.failed);
    assert_string_equal(buf_text(&b), "ok");
}

static void long_formats_are_not_cut(void **state UNUSED)
{
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    auto_buf b = {0};
    buf_printf(&b, "%s%d", text, 7);
    assert_int_equal(b.len, sizeof text);
    assert_int_equal(b.at[b.len - 1], '7');
}

static void varints_are_protobufs(void **state UNUSED)
{
    auto_buf b = {0};
    buf_varint(&b, 0);
    buf_varint(&b, 127);
    buf_varint(&b, 128);
    buf_varint(&b, UINT64_MAX);
    assert_int_equal(b.len, 1 + 1 + 2 + 10);
    assert_memory_equal(b.at, "\0\x7f\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 14);
}

static void integers_reach_their_limits(void **state UNUSED)
{
    auto_buf b = {0};
    buf_i64(&b, INT64_MIN);
    buf_char(&b, ' ');
    buf_u64(&b, UINT64_MAX);
    assert_string_equal(buf_text(&b), "-9223372036854775808 18446744073709551615");
}

const struct CMUnitTest buf_tests[] = {
    cmocka_unit_test(doubles_are_written_as_prometheus_does),
    cmocka_unit_test(json_doubles_stay_plain_longer),
    cmocka_unit_test(doubles_read_back_as_the_same_bits),
    cmocka_unit_test(decimals_are_the_shortest),
    cmocka_unit_test(the_ceiling_holds_and_is_remembered),
    cmocka_unit_test(long_formats_are_not_cut),
    cmocka_unit_test(varints_are_protobufs),
    cmocka_unit_test(integers_reach_their_limits),
};
const size_t buf_tests_n = COUNT(buf_tests);
