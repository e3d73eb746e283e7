#include "unit.h"

#include "base/text.h"

static void columns(void **state UNUSED)
{
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {
        {"", 0},
        {"web-1", 5},
        {"gr\xc3\xbc\xc3\x9f", 4},
        {"e\xcc\x81", 1},                /* with a combining accent */
        {"\xe6\x97\xa5\xe6\x9c\xac", 4}, /* two wide characters */
        {"\xf0\x9f\x9a\x80", 2},         /* a rocket */
        {"\xe1\x84\x80", 2},             /* U+1100, where wide ones begin */
        {"\xe1\x83\xbf", 1},             /* U+10FF */
        {"\xff\xff", 2},
        {"\xc3", 1},
        {"\xe6\x97", 2}, /* no UTF-8 */
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (text_columns(span_of(cases[i].text)) != cases[i].columns)
            fail_msg("\"%s\": %zu", cases[i].text, text_columns(span_of(cases[i].text)));
}

static void cells(void **state UNUSED)
{
    static const struct {
        const char *text;
        size_t width;
        const char *want;
    } cases[] = {
        {"abc", 5, "abc  "},      {"abc", 3, "abc"},       {"abcd", 3, "ab…"},
        {"a\x1b[m", 6, "a?[m  "}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"},
        {"日本語", 4, "日… "},    {"abc", 0, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        text_cell(&out, span_of(cases[i].text), cases[i].width);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
}

static void wraps(void **state UNUSED)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "\n"},
        {"one two", "one two\n"},
        {"one two three", "one two\n  three\n"},
        {"one  twelve", "one\n  twelve\n"},
        {"one 38 % b", "one\n  38 % b\n"},
        {"one two 38 %, b", "one two\n  38 %, b\n"},
        {"% b", "% b\n"},
        {"averylongword b", "averylongword\n  b\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        text_wrap(&out, span_of(cases[i].text), 2, 9);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
}

const struct CMUnitTest text_tests[] = {
    cmocka_unit_test(columns),
    cmocka_unit_test(cells),
    cmocka_unit_test(wraps),
};
const size_t text_tests_n = COUNT(text_tests);
