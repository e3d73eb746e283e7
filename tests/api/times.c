#include "api/times.h"
#include "unit.h"

static void times_are_seconds_or_rfc_3339(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool ok;
        int64_t ms;
    } cases[] = {
        {"0", true, 0},
        {"1435781451.781", true, 1435781451781},
        {"-1.5", true, -1500},
        {"1e9", true, 1000000000000},
        {"2015-07-01T20:10:51.781Z", true, 1435781451781},
        {"2015-07-01T22:10:51.781+02:00", true, 1435781451781},
        {"2015-07-01T20:10:51Z", true, 1435781451000},
        {"2016-02-29T00:00:00Z", true, 1456704000000},
        {"2015-02-29T00:00:00Z", false, 0},
        {"2015-13-01T00:00:00Z", false, 0},
        {"2015-07-01T24:00:00Z", false, 0},
        {"2015-07-01T20:10:51", false, 0},
        {"2015-07-01T20:10:51.Z", false, 0},
        {"2015-07-01T20:10:51+2:00", false, 0},
        {"2015-07-01", false, 0},
        {"NaN", false, 0},
        {"Inf", false, 0},
        {"1e14", false, 0},
        {"", false, 0},
        {"now", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = 0;
        if (time_parse(span_of(cases[i].in), &ms) != cases[i].ok || ms != cases[i].ms)
            fail_msg("\"%s\" gave %lld", cases[i].in, (long long)ms);
    }
}

static void steps_are_seconds_or_durations(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool ok;
        int64_t ms;
    } cases[] = {
        {"15", true, 15000}, {"0.5", true, 500}, {"1m30s", true, 90000}, {"15s", true, 15000},
        {"-1", true, -1000}, {"x", false, 0},    {"", false, 0},         {"1e99", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = 0;
        assert_int_equal(step_parse(span_of(cases[i].in), &ms), cases[i].ok);
        assert_true(ms == cases[i].ms);
    }
}

const struct CMUnitTest times_tests[] = {
    cmocka_unit_test(times_are_seconds_or_rfc_3339),
    cmocka_unit_test(steps_are_seconds_or_durations),
};
const size_t times_tests_n = COUNT(times_tests);
