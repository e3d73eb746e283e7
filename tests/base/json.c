#include "base/json.h"
#include "unit.h"

#include <math.h>

static void commas_and_nesting(void **state UNUSED)
{
    auto_buf b = {0};
    struct json j = json_to(&b);
    json_begin_object(&j);
    json_field(&j, "a", "x");
    json_key(&j, "list");
    json_begin_array(&j);
    json_i64(&j, -1);
    json_begin_object(&j);
    json_end_object(&j);
    json_put_null(&j);
    json_end_array(&j);
    json_field_bool(&j, "b", true);
    json_field_double(&j, "nan", NAN);
    json_end_object(&j);
    assert_string_equal(buf_text(&b),
                        "{\"a\":\"x\",\"list\":[-1,{},null],\"b\":true,\"nan\":null}");
}

static void text_is_made_harmless(void **state UNUSED)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", "\"\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"line\nnext\ttab\x01", "\"line\\nnext\\ttab\\u0001\""},
        {"</script>&", "\"\\u003c/script\\u003e\\u0026\""},
        {"h\xc3\xa9", "\"h\xc3\xa9\""},
        {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
        {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong */
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* surrogate */
        {"a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},               /* cut short */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf b = {0};
        struct json j = json_to(&b);
        json_text(&j, cases[i].in);
        assert_string_equal(buf_text(&b), cases[i].want);
    }
}

static void too_deep_fails_instead_of_writing_outside(void **state UNUSED)
{
    for (int depth = JSON_WRITE_MAX_DEPTH - 1; depth <= JSON_WRITE_MAX_DEPTH; depth++) {
        auto_buf b = {0};
        struct json j = json_to(&b);
        for (int i = 0; i < depth; i++)
            json_begin_array(&j);
        assert_int_equal(b.failed, depth == JSON_WRITE_MAX_DEPTH);
    }
}

const struct CMUnitTest json_tests[] = {
    cmocka_unit_test(commas_and_nesting),
    cmocka_unit_test(text_is_made_harmless),
    cmocka_unit_test(too_deep_fails_instead_of_writing_outside),
};
const size_t json_tests_n = COUNT(json_tests);
