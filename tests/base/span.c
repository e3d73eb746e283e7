#include "unit.h"

#include <math.h>

static void u64_takes_whole_numbers_only(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool ok;
        uint64_t want;
    } cases[] = {
        {"0", true, 0},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t got = 0;
        assert_int_equal(span_u64(span_of(cases[i].in), &got), cases[i].ok);
        assert_int_equal(got, cases[i].want);
    }
}

static void i64_keeps_its_limits(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool ok;
        int64_t want;
    } cases[] = {
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"-0", true, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t got = 0;
        assert_int_equal(span_i64(span_of(cases[i].in), &got), cases[i].ok);
        assert_true(got == cases[i].want);
    }
}

static void hex_reads_up_to_64_bits(void **state UNUSED)
{
    uint64_t v = 0;
    assert_true(span_hex(SPAN("ffffffffffffffff"), &v) && v == UINT64_MAX);
    assert_true(span_hex(SPAN("00fA"), &v) && v == 250);
    assert_false(span_hex(SPAN("10000000000000000"), &v));
    assert_false(span_hex(SPAN("0x1"), &v));
    assert_false(span_hex(SPAN(""), &v));
}

static void double_reads_all_of_it_or_nothing(void **state UNUSED)
{
    double v = 0;
    assert_true(span_double(SPAN("1e3"), &v) && v == 1000);
    assert_true(span_double(SPAN("+Inf"), &v) && isinf(v));
    assert_true(span_double(SPAN("NaN"), &v) && isnan(v));
    assert_false(span_double(SPAN("1x"), &v));
    assert_false(span_double(SPAN(" 1"), &v));
    assert_false(span_double(SPAN(""), &v));
}

static void next_cuts_at_the_separator(void **state UNUSED)
{
    struct span rest = SPAN("a,,b,"), part;
    assert_true(span_next(&rest, ',', &part));
    assert_span(part, "a");
    assert_true(span_next(&rest, ',', &part));
    assert_span(part, "");
    assert_true(span_next(&rest, ',', &part));
    assert_span(part, "b");
    assert_false(span_next(&rest, ',', &part));
}

static void lines_lose_their_ends(void **state UNUSED)
{
    struct span rest = SPAN("one\r\n\ntwo"), line;
    assert_true(span_line(&rest, &line));
    assert_span(line, "one");
    assert_true(span_line(&rest, &line));
    assert_span(line, "");
    assert_true(span_line(&rest, &line));
    assert_span(line, "two");
    assert_false(span_line(&rest, &line));
}

static void words_skip_blanks(void **state UNUSED)
{
    struct span rest = SPAN(" \tcpu  1 "), word;
    assert_true(span_word(&rest, &word));
    assert_span(word, "cpu");
    assert_true(span_word(&rest, &word));
    assert_span(word, "1");
    assert_false(span_word(&rest, &word));
    rest = (struct span){0};
    assert_false(span_word(&rest, &word));
}

static void order_is_by_unsigned_bytes(void **state UNUSED)
{
    assert_true(span_compare(SPAN("a"), SPAN("ab")) < 0);
    assert_true(span_compare(SPAN("\xff"), SPAN("a")) > 0);
    assert_true(span_compare(SPAN(""), SPAN("")) == 0);
    assert_true(span_eq_nocase(SPAN("Content-TYPE"), SPAN("content-type")));
    assert_true(span_starts(SPAN("abc"), SPAN("ab")) && span_ends(SPAN("abc"), SPAN("bc")));
    assert_false(span_starts(SPAN("a"), SPAN("ab")) || span_ends(SPAN("a"), SPAN("ba")));
    assert_span(span_trim(SPAN(" \t x y\r\n")), "x y");
}

static void hash_depends_on_every_byte(void **state UNUSED)
{
    char text[64] = {0};
    for (size_t len = 1; len <= sizeof text; len++) {
        uint64_t before = span_hash(span_from(text, len));
        for (size_t i = 0; i < len; i++) {
            text[i] = 1;
            assert_true(span_hash(span_from(text, len)) != before);
            text[i] = 0;
        }
        assert_true(span_hash(span_from(text, len - 1)) != before);
    }
}

const struct CMUnitTest span_tests[] = {
    cmocka_unit_test(u64_takes_whole_numbers_only),
    cmocka_unit_test(i64_keeps_its_limits),
    cmocka_unit_test(hex_reads_up_to_64_bits),
    cmocka_unit_test(double_reads_all_of_it_or_nothing),
    cmocka_unit_test(next_cuts_at_the_separator),
    cmocka_unit_test(lines_lose_their_ends),
    cmocka_unit_test(words_skip_blanks),
    cmocka_unit_test(order_is_by_unsigned_bytes),
    cmocka_unit_test(hash_depends_on_every_byte),
};
const size_t span_tests_n = COUNT(span_tests);
