#include "unit.h"

#include "agent/answer.h"

static void test_verdicts(void **state UNUSED)
{
    static const struct {
        int status;
        const char *body;
        enum verdict want;
        const char *says;
    } cases[] = {
        {200, "", TAKEN, ""},
        {204, "", TAKEN, ""},
        {408, "", LATER, "answered 408"},
        {429, "slow down", LATER, "answered 429: slow down"},
        {500, "", LATER, "answered 500"},
        {503, "", LATER, "answered 503"},
        {400, "bad\nlabel\x01", REFUSED, "answered 400: bad label "},
        {413, "", REFUSED, "413"},
        {422, "", REFUSED, "422"},
        {401, "", UNWELCOME, "the token in /etc/t was refused by http://s (401)"},
        {403, "", UNWELCOME, "token"},
        {404, "", MISPLACED, "check --server"},
        {405, "", MISPLACED, "check --server"},
        {301, "", MISPLACED, "check --server"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf why = {0};
        struct http_answer a = {.status = cases[i].status, .body = span_of(cases[i].body)};
        assert_int_equal(answer_judge(&a, "http://s", "/etc/t", &why), cases[i].want);
        if (!strstr(buf_text(&why), cases[i].says))
            fail_msg("%d: \"%s\"", cases[i].status, buf_text(&why));
        if (cases[i].want == TAKEN)
            assert_int_equal(why.len, 0);
    }
}

static void test_no_answer(void **state UNUSED)
{
    auto_buf why = {0};
    struct err err = {.status = UNREACHABLE, .text = "connect 127.0.0.1:1: refused"};
    struct http_answer a = {.err = &err};
    assert_int_equal(answer_judge(&a, "http://s", "/etc/t", &why), LATER);
    assert_string_equal(buf_text(&why), "connect 127.0.0.1:1: refused");
}

static void test_headers(void **state UNUSED)
{
    static const struct {
        const char *value;
        int64_t want_ms;
    } retry[] = {{"5", 5000}, {"0", 0}, {"100000", 600000}, {"soon", 0}, {"", 0}, {"-1", 0}};
    for (size_t i = 0; i < COUNT(retry); i++) {
        struct http_header h = {SPAN("Retry-After"), span_of(retry[i].value)};
        struct http_answer a = {.status = 429, .headers = &h, .n_headers = 1};
        assert_int_equal(answer_retry_after_ms(&a), retry[i].want_ms);
    }
    static const struct {
        const char *value;
        bool ok;
        int64_t skew_s;
    } dates[] = {
        {"Thu, 01 Jan 1970 00:16:40 GMT", true, 0},
        {"Thu, 01 Jan 1970 00:18:40 GMT", true, 120},
        {"Thu, 01 Jan 1970 00:00:00 GMT", true, -1000},
        {"Thu, 01 Jan 1970 00:16:40", false, 0},
        {"yesterday", false, 0},
        {"", false, 0},
        {"Thu, 01 Jan 1970 00:16:40 GMT and much more", false, 0},
    };
    for (size_t i = 0; i < COUNT(dates); i++) {
        struct http_header h = {SPAN("Date"), span_of(dates[i].value)};
        struct http_answer a = {.status = 204, .headers = &h, .n_headers = 1};
        int64_t skew_s = 0;
        assert_int_equal(answer_skew_s(&a, 1000000, &skew_s), dates[i].ok);
        assert_int_equal(skew_s, dates[i].skew_s);
    }
}

const struct CMUnitTest answer_tests[] = {
    cmocka_unit_test(test_verdicts),
    cmocka_unit_test(test_no_answer),
    cmocka_unit_test(test_headers),
};
const size_t answer_tests_n = COUNT(answer_tests);
