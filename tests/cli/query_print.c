#include "cli/query_print.h"
#include "cli/chart.h"
#include "unit.h"

#include <jansson.h>
#include <math.h>

static json_t *parse(const char *text)
{
    json_error_t fault;
    json_t *root = json_loads(text, 0, &fault);
    if (!root)
        fail_msg("%s: %s", text, fault.text);
    return root;
}

#define VECTOR(rows) "{\"resultType\":\"vector\",\"result\":[" rows "]}"

static void tables_line_up(void **state UNUSED)
{
    static const struct {
        const char *data, *want;
    } cases[] = {
        {"{\"resultType\":\"scalar\",\"result\":[1,\"+Inf\"]}", "+Inf\n"},
        {"{\"resultType\":\"string\",\"result\":[1,\"a b\"]}", "a b\n"},
        {VECTOR(""), "no series\n"},
        {VECTOR("{\"metric\":{},\"value\":[1,\"2\"]}"), "VALUE\n2\n"},
        {VECTOR("{\"metric\":{\"a\":\"x\\u00e9\",\"__name__\":\"up\"},\"value\":[1,\"2\"]},"
                "{\"metric\":{\"a\":\"long one\",\"b\":\"q\\u001b[2J\"},\"value\":[1,\"NaN\"]}"),
         "METRIC  a         b      VALUE\n"
         "up      x\xc3\xa9               2\n"
         "        long one  q?[2J  NaN\n"},
        {"{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"up\",\"a\":\"b\"},"
         "\"values\":[[1.5,\"2\"],[3,\"4\"]]}]}",
         "up{a=\"b\"}\n         1.500  2\n         3.000  4\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        json_t *data = parse(cases[i].data);
        query_print_table(data, &out);
        assert_string_equal(buf_text(&out), cases[i].want);
        json_decref(data);
    }
}

static void csv_is_rfc_4180_and_no_formula(void **state UNUSED)
{
    static const struct {
        const char *data, *want;
    } cases[] = {
        {"{\"resultType\":\"scalar\",\"result\":[1.25,\"-3\"]}", "time,value\r\n1.250,-3\r\n"},
        {"{\"resultType\":\"string\",\"result\":[1,\"=1+1\"]}",
         "time,value\r\n1.000,\"'=1+1\"\r\n"},
        {VECTOR("{\"metric\":{\"a\":\"x,\\\"y\\\"\",\"b\":\"1\\n2\"},\"value\":[1,\"2\"]},"
                "{\"metric\":{\"a\":\"@cmd\",\"b\":\"+1\"},\"value\":[1,\"-5\"]},"
                "{\"metric\":{\"a\":\"-x\",\"b\":\"\\tq\"},\"value\":[1,\"NaN\"]}"),
         "a,b,time,value\r\n"
         "\"x,\"\"y\"\"\",\"1\n2\",1.000,2\r\n"
         "\"'@cmd\",\"'+1\",1.000,-5\r\n"
         "\"'-x\",\"'\tq\",1.000,NaN\r\n"},
        {"{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"up\"},"
         "\"values\":[[1.5,\"2\"],[3,\"4\"]]}]}",
         "__name__,time,value\r\nup,1.500,2\r\nup,3.000,4\r\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        json_t *data = parse(cases[i].data);
        query_print_csv(data, &out);
        assert_string_equal(buf_text(&out), cases[i].want);
        json_decref(data);
    }
}

static void the_place_of_an_error_is_shown(void **state UNUSED)
{
    static const struct {
        const char *query, *sentence, *want;
    } cases[] = {
        {"sum(up", "answered 400: invalid parameter \"query\": 1:7: parse error: unclosed",
         "  sum(up\n        ^\n"},
        {"a +\n\tb c", "2:4: parse error: x", "  \tb c\n  \t  ^\n"},
        {"\xc3\xa9 x", "1:4: parse error: x", "  \xc3\xa9 x\n    ^\n"},
        {"up", "1:9: parse error: x", ""},
        {"up", "3:1: parse error: x", ""},
        {"up", "0:0: parse error: x", ""},
        {"up", ": parse error: x", ""},
        {"up", "the server cannot be reached", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        query_print_place(span_of(cases[i].query), span_of(cases[i].sentence), &out);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
}

/* A rising line goes from the lower left to the upper right. */
static void charts_are_drawn(void **state UNUSED)
{
    struct sample rising[20];
    for (size_t i = 0; i < COUNT(rising); i++)
        rising[i] = (struct sample){(int64_t)i * 1000, (double)i};
    struct chart c = {.at = rising, .n = COUNT(rising), .end_ms = 19000, .width = 21};
    auto_buf out = {0};
    chart_draw(&c, &out);
    assert_string_equal(buf_text(&out), "        19         \xe2\xa1\xa0\xe2\xa0\x8a\n"
                                        "                 \xe2\xa1\xa0\xe2\xa0\x8a\n"
                                        "               \xe2\xa1\xa0\xe2\xa0\x8a\n"
                                        "             \xe2\xa1\xa0\xe2\xa0\x8a\n"
                                        "         0 \xe2\xa1\xa0\xe2\xa0\x8a\n"
                                        "           1970-01-01T00:00:00Z\n");
    /* colours, a flat line, gaps of what is not finite; nothing for nothing */
    struct sample flat[] = {{0, 1}, {1000, NAN}, {2000, INFINITY}, {3000, 1}};
    c = (struct chart){.at = flat, .n = 4, .end_ms = 3000, .width = 90, .colour = "\x1b[36m"};
    buf_clear(&out);
    chart_draw(&c, &out);
    assert_non_null(strstr(buf_text(&out), "\x1b[36m"));
    assert_non_null(strstr(buf_text(&out), "1970-01-01T00:00:03Z"));
    c.n = 0;
    buf_clear(&out);
    chart_draw(&c, &out);
    assert_int_equal(out.len, 0);
    c = (struct chart){.at = rising, .n = 20, .end_ms = 19000, .width = 100000};
    chart_draw(&c, &out); /* as wide as may be */
    assert_true(out.len < (CHART_ROWS + 1) * CHART_WIDTH_MAX * 3);
}

const struct CMUnitTest query_print_tests[] = {
    cmocka_unit_test(tables_line_up),
    cmocka_unit_test(csv_is_rfc_4180_and_no_formula),
    cmocka_unit_test(the_place_of_an_error_is_shown),
    cmocka_unit_test(charts_are_drawn),
};
const size_t query_print_tests_n = COUNT(query_print_tests);
