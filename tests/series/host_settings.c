/* Settings of agents: what is taken, and what is refused with its field. */
#include "unit.h"

#include "base/arena.h"
#include "series/host_settings.h"

static void test_taken(void **state UNUSED)
{
    static const struct {
        const char *in;
        int64_t collect_ms, send_ms, display_ms, top;
    } cases[] = {
        {"{}", 5000, 1000, 500, 5},
        {"{\"collect_s\":0.5,\"send_s\":1,\"display_s\":0.1,\"processes_top\":1}", 500, 1000, 100,
         1},
        {"{\"collect_s\":300,\"send_s\":300,\"display_s\":10,\"processes_top\":20}", 300000, 300000,
         10000, 20},
        {"{\"preset\":\"trend\"}", 60000, 120000, 5000, 5},
        {"{\"collect_s\":30,\"preset\":\"trend\"}", 30000, 120000, 5000, 5},
        {"{\"preset\":null,\"collect_s\":null}", 5000, 1000, 500, 5},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct host_settings s;
        struct settings_faults faults;
        assert_true(host_settings_parse(span_of(cases[i].in), &arena, &s, &faults));
        assert_int_equal(s.collect_ms, cases[i].collect_ms);
        assert_int_equal(s.send_ms, cases[i].send_ms);
        assert_int_equal(s.display_ms, cases[i].display_ms);
        assert_int_equal(s.processes_top, cases[i].top);
    }
}

static void test_refused(void **state UNUSED)
{
    static const struct {
        const char *in, *field, *why;
    } cases[] = {
        {"{\"collect_s\":0.499}", "collect_s", "0.5 to 300 seconds"},
        {"{\"collect_s\":300.1}", "collect_s", "0.5 to 300 seconds"},
        {"{\"collect_s\":\"5\"}", "collect_s", "number"},
        {"{\"send_s\":0.99}", "send_s", "1 to 300"},
        {"{\"display_s\":0.09}", "display_s", "0.1 to 10"},
        {"{\"display_s\":10.1}", "display_s", "0.1 to 10"},
        {"{\"processes_top\":1.5}", "processes_top", "whole number"},
        {"{\"processes_top\":21}", "processes_top", "1 to 20"},
        {"{\"processes_top\":0}", "processes_top", "1 to 20"},
        {"{\"collectors_off\":\"nic\"}", "collectors_off", "list"},
        {"{\"services\":[\"a b\"]}", "services", "item 1"},
        {"{\"services_off\":[\"\"]}", "services_off", "item 1"},
        {"{\"preset\":\"fast\"}", "preset", "realtime"},
        {"{\"colect_s\":5}", "colect_s", "no such setting"},
        {"[]", "", "object"},
        {"{", "", "settings:"},
        {"", "", "object"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct host_settings s;
        struct settings_faults faults;
        assert_false(host_settings_parse(span_of(cases[i].in), &arena, &s, &faults));
        assert_int_equal(faults.n, 1);
        assert_string_equal(faults.at[0].field, cases[i].field);
        if (!strstr(faults.at[0].why, cases[i].why))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].in, faults.at[0].why, cases[i].why);
    }
}

static void test_ceilings(void **state UNUSED)
{
    for (size_t n = HOST_NAMES_MAX; n <= HOST_NAMES_MAX + 1; n++) {
        auto_arena arena = {0};
        auto_buf text = {0};
        struct host_settings s;
        struct settings_faults faults;
        buf_str(&text, "{\"services\":[");
        for (size_t i = 0; i < n; i++)
            buf_printf(&text, "%s\"s%zu\"", i ? "," : "", i);
        buf_str(&text, "]}");
        assert_int_equal(host_settings_parse(buf_view(&text), &arena, &s, &faults),
                         n == HOST_NAMES_MAX);
    }
    for (size_t n = HOST_NAME_MAX_BYTES; n <= HOST_NAME_MAX_BYTES + 1; n++) {
        auto_arena arena = {0};
        auto_buf text = {0};
        struct host_settings s;
        struct settings_faults faults;
        buf_str(&text, "{\"services\":[\"");
        buf_fill(&text, 'a', n);
        buf_str(&text, "\"]}");
        assert_int_equal(host_settings_parse(buf_view(&text), &arena, &s, &faults),
                         n == HOST_NAME_MAX_BYTES);
    }
    for (size_t n = HOST_SETTINGS_MAX_BYTES; n <= HOST_SETTINGS_MAX_BYTES + 1; n++) {
        auto_arena arena = {0};
        auto_buf text = {0};
        struct host_settings s;
        struct settings_faults faults;
        buf_str(&text, "{}");
        buf_fill(&text, ' ', n - text.len);
        assert_int_equal(host_settings_parse(buf_view(&text), &arena, &s, &faults),
                         n == HOST_SETTINGS_MAX_BYTES);
    }
}

static void test_presets_read_back(void **state UNUSED)
{
    struct host_settings preset, back;
    const char *what_for = NULL;
    for (size_t i = 0; host_preset(i, &preset, &what_for); i++) {
        auto_arena arena = {0};
        auto_buf text = {0}, again = {0};
        struct settings_faults faults;
        struct json j = json_to(&text), k = json_to(&again);
        assert_non_null(what_for);
        host_settings_write(&j, &preset);
        assert_true(host_settings_parse(buf_view(&text), &arena, &back, &faults));
        host_settings_write(&k, &back);
        assert_string_equal(buf_text(&text), buf_text(&again));
    }
}

const struct CMUnitTest host_settings_tests[] = {
    cmocka_unit_test(test_taken),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_ceilings),
    cmocka_unit_test(test_presets_read_back),
};
const size_t host_settings_tests_n = COUNT(host_settings_tests);
