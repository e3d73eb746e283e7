#include "api/prometheus_json.h"
#include "unit.h"

#include <math.h>

static struct label labels[] = {{SPAN(LABEL_NAME), SPAN("up")}, {SPAN("job"), SPAN("no\"de")}};

static void results_look_like_prometheus(void **state UNUSED)
{
    struct sample points[] = {{1435781430781, 1}, {1435781445000, NAN}, {1435781460050, 1e-7}};
    struct result_series series = {.labels = {labels, 2}, .at = points, .n = 3};
    const char *warning = "careful";
    const struct {
        struct result result;
        const char *want;
    } cases[] = {
        {{.kind = VALUE_SCALAR, .t_ms = 1500, .scalar = INFINITY},
         "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1.500,"
         "\"+Inf\"]}}"},
        {{.kind = VALUE_STRING, .t_ms = -1500, .string = SPAN("a\n")},
         "{\"status\":\"success\",\"data\":{\"resultType\":\"string\",\"result\":[-1.500,"
         "\"a\\n\"]}}"},
        {{.kind = VALUE_VECTOR},
         "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}"},
        {{.kind = VALUE_VECTOR, .series = &series, .n = 1},
         "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":"
         "{\"__name__\":\"up\",\"job\":\"no\\\"de\"},\"value\":[1435781430.781,\"1\"]}]}}"},
        {{.kind = VALUE_MATRIX, .series = &series, .n = 1, .warnings = &warning, .n_warnings = 1},
         "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":"
         "{\"__name__\":\"up\",\"job\":\"no\\\"de\"},\"values\":[[1435781430.781,\"1\"],"
         "[1435781445,\"NaN\"],[1435781460.050,\"1e-7\"]]}]},\"warnings\":[\"careful\"]}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        struct result_writer w = {.result = &cases[i].result};
        assert_true(prometheus_result_write(&w, &out, SIZE_MAX));
        assert_string_equal(buf_text(&out), cases[i].want);
        /* and the same in the smallest pieces */
        auto_buf whole = {0}, piece = {0};
        w = (struct result_writer){.result = &cases[i].result};
        for (bool all = false; !all;) {
            all = prometheus_result_write(&w, &piece, 1);
            buf_span(&whole, buf_view(&piece));
            buf_clear(&piece);
        }
        assert_string_equal(buf_text(&whole), cases[i].want);
    }
}

static void failures_have_their_type_and_status(void **state UNUSED)
{
    static const struct {
        enum status st;
        const char *type;
        int http_status;
    } cases[] = {
        {TIMED_OUT, "timeout", 503}, {AGAIN, "canceled", 503},     {INVALID, "execution", 422},
        {FULL, "execution", 422},    {IO_FAILED, "internal", 500},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0}, want = {0};
        struct err err = {.text = "why"};
        assert_int_equal(prometheus_failure(&out, cases[i].st, &err), cases[i].http_status);
        buf_printf(&want, "{\"status\":\"error\",\"errorType\":\"%s\",\"error\":\"why\"}",
                   cases[i].type);
        assert_string_equal(buf_text(&out), buf_text(&want));
    }
}

const struct CMUnitTest prometheus_json_tests[] = {
    cmocka_unit_test(results_look_like_prometheus),
    cmocka_unit_test(failures_have_their_type_and_status),
};
const size_t prometheus_json_tests_n = COUNT(prometheus_json_tests);
