#include "unit.h"

#include "probe/judge.h"

static void test_units(void **state UNUSED)
{
    static const struct {
        const char *load, *active, *sub;
        enum raw_state want;
        const char *reason;
    } cases[] = {
        {"loaded", "active", "running", RAW_RUNNING, ""},
        {"loaded", "reloading", "reload", RAW_RUNNING, ""},
        {"loaded", "inactive", "dead", RAW_STOPPED, "the unit is inactive (dead)"},
        {"loaded", "activating", "auto-restart", RAW_STOPPED,
         "the unit is activating (auto-restart)"},
        {"loaded", "failed", "failed", RAW_ERROR, "the unit has failed (failed)"},
        {"not-found", "inactive", "dead", RAW_NOT_FOUND, ""},
        {"bad-setting", "inactive", "dead", RAW_ERROR,
         "systemd could not load the unit (bad-setting)"},
        {"loaded", "strange", "x", RAW_UNKNOWN, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf reason = {0};
        struct unit_state u = {span_of(cases[i].load), span_of(cases[i].active),
                               span_of(cases[i].sub)};
        assert_int_equal(judge_unit(&u, &reason), cases[i].want);
        assert_string_equal(buf_text(&reason), cases[i].reason);
    }
}

static void test_health(void **state UNUSED)
{
    static const struct {
        enum raw_state state;
        enum verdict_of_check a, b;
        enum health want;
        const char *reason;
    } cases[] = {
        {RAW_RUNNING, CHECK_OK, CHECK_OK, HEALTHY, ""},
        {RAW_RUNNING, CHECK_PENDING, CHECK_SKIPPED, HEALTHY, ""},
        {RAW_RUNNING, CHECK_OK, CHECK_FAILED, DEGRADED, "b: no"},
        {RAW_RUNNING, CHECK_FAILED, CHECK_FAILED, DEGRADED, "a: no; b: no"},
        {RAW_STOPPED, CHECK_SKIPPED, CHECK_SKIPPED, DOWN, ""},
        {RAW_STOPPED, CHECK_OK, CHECK_SKIPPED, DEGRADED, "it answers all the same"},
        {RAW_ERROR, CHECK_FAILED, CHECK_PENDING, DOWN, "a: no"},
        {RAW_NOT_FOUND, CHECK_OK, CHECK_SKIPPED, HEALTHY, ""},
        {RAW_NOT_FOUND, CHECK_OK, CHECK_FAILED, DEGRADED, "b: no"},
        {RAW_NOT_FOUND, CHECK_FAILED, CHECK_SKIPPED, DOWN, "a: no"},
        {RAW_NOT_FOUND, CHECK_SKIPPED, CHECK_SKIPPED, HEALTH_UNKNOWN,
         "no unit, init script or process of it is here"},
        {RAW_TIMEOUT, CHECK_PENDING, CHECK_PENDING, HEALTH_UNKNOWN,
         "the service manager did not answer"},
        {RAW_UNKNOWN, CHECK_PENDING, CHECK_PENDING, HEALTH_UNKNOWN, "nothing tells its state"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf reason = {0};
        struct check_result checks[] = {{cases[i].a, "a", "no"}, {cases[i].b, "b", "no"}};
        assert_int_equal(judge(cases[i].state, checks, 2, &reason), cases[i].want);
        assert_string_equal(buf_text(&reason), cases[i].reason);
    }
}

const struct CMUnitTest judge_tests[] = {
    cmocka_unit_test(test_units),
    cmocka_unit_test(test_health),
};
const size_t judge_tests_n = COUNT(judge_tests);
