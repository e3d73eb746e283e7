#include "alert/alert.h"
#include "unit.h"

#define HEAD "groups:\n- name: g\n  rules:\n"

static void what_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"- a\n", "t.yml:1:1: a rule file begins with \"groups:\""},
        {"grups: []\n", "t.yml:1:1: "},
        {"groups:\n- rules: []\n", "Groupname must not be empty"},
        {"groups:\n- name: a\n- name: a\n", "\"a\" is repeated"},
        {"groups:\n- name: a\n  interval: fast\n", "t.yml:3:"},
        {HEAD "  - alert: A\n", "field 'expr' must be set"},
        {HEAD "  - expr: up\n", "either \"record\" or \"alert\""},
        {HEAD "  - {alert: A, record: b, expr: up}\n", "either \"record\" or \"alert\""},
        {HEAD "  - {alert: A, expr: 'up =='}\n", "t.yml:4:22: could not parse expression: 1:"},
        {HEAD "  - {alert: A, expr: '\"text\"'}\n", "instant vector or a scalar"},
        {HEAD "  - {alert: A, expr: 'up[5m]'}\n", "instant vector or a scalar"},
        {HEAD "  - {record: 'a b', expr: up}\n", "invalid recording rule name"},
        {HEAD "  - {record: a, expr: up, for: 5m}\n", "invalid field 'for' in recording rule"},
        {HEAD "  - {alert: A, expr: up, labels: {'a-b': c}}\n", "invalid name in labels: a-b"},
        {HEAD "  - {alert: A, expr: up, labels: {__name__: c}}\n", "invalid name in labels"},
        {HEAD "  - {alert: A, expr: up, annotations: {s: '{{ nothing }}'}}\n",
         "annotations \"s\": line 1: function \"nothing\" not defined"},
        {HEAD "  - {alert: A, expr: up, sumary: x}\n", "sumary"},
        {HEAD "  - {alert: A, expr: up, thresholds: {}}\n", "thresholds need a level"},
        {HEAD "  - {alert: A, expr: up, thresholds: {warning: {for: 5m}}}\n", "no \"value\""},
        {HEAD "  - {alert: A, expr: up, thresholds: {warning: {value: 80, clear: 85}}}\n",
         "clears at 85, which is beyond the threshold 80"},
        {HEAD "  - {alert: A, expr: up, thresholds: {when: near, warning: {value: 1}}}\n",
         "neither above nor below"},
        {HEAD "  - {record: a, expr: up, thresholds: {warning: {value: 1}}}\n",
         "recording rule has no thresholds"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct alert_rules r;
        struct err err = {0};
        rules_init(&r);
        enum status st = rules_read(&r, span_of(cases[i].text), "t.yml", 15000, &err);
        if (st != INVALID || !strstr(err.text, cases[i].says))
            fail_msg("%s: %d \"%s\"", cases[i].text, st, err.text);
        assert_int_equal(r.n, 0);
        rules_free(&r);
    }
}

static void what_is_read(void **state)
{
    struct alert_rules r;
    (void)state;
    rules_init(&r);
    assert_ok(
        rules_read(&r,
                   SPAN("groups:\n- name: one\n  interval: 30s\n  limit: 7\n  rules:\n"
                        "  - {record: 'a:b', expr: 'sum( up )', labels: {x: y}}\n"
                        "  - {alert: A, expr: up == 0, for: 5m, keep_firing_for: 1m,"
                        " labels: {severity: page}, annotations: {summary: 'is {{ $value }}'}}\n"
                        "- name: two\n"),
                   "t.yml", 15000, err));
    assert_int_equal(r.n, 2);
    assert_int_equal(r.groups[0].interval_ms, 30000);
    assert_int_equal(r.groups[1].interval_ms, 15000);
    assert_int_equal(r.groups[0].limit, 7);
    assert_true(r.groups[0].rules[0].records);
    assert_span(r.groups[0].rules[0].expr_text, "sum(up)");
    assert_int_equal(r.groups[0].rules[1].for_ms, 300000);
    assert_int_equal(r.groups[0].rules[1].keep_firing_ms, 60000);
    rules_free(&r);
}

static void thresholds_have_a_plain_form(void **state)
{
    struct alert_rules r;
    auto_buf out = {0};
    (void)state;
    rules_init(&r);
    assert_ok(rules_read(&r,
                         SPAN(HEAD "  - alert: A\n    expr: a + b\n    keep_firing_for: 2m\n"
                                   "    thresholds:\n      unit: percent\n"
                                   "      warning: {value: 80, clear: 75, for: 5m}\n"
                                   "      critical: {value: 90}\n"),
                         "t.yml", 15000, err));
    rules_plain(&r, &out);
    assert_string_equal(buf_text(&out), "groups:\n  - name: \"g\"\n    interval: 15s\n    rules:\n"
                                        "      - alert: \"A\"\n        expr: \"(a + b) > 80\"\n"
                                        "        for: 5m\n        keep_firing_for: 2m\n"
                                        "        labels:\n          severity: \"warning\"\n"
                                        "      - alert: \"A\"\n        expr: \"(a + b) > 90\"\n"
                                        "        keep_firing_for: 2m\n"
                                        "        labels:\n          severity: \"critical\"\n");
    rules_free(&r);
}

const struct CMUnitTest rule_file_tests[] = {
    cmocka_unit_test(what_is_refused),
    cmocka_unit_test(what_is_read),
    cmocka_unit_test(thresholds_have_a_plain_form),
};
const size_t rule_file_tests_n = COUNT(rule_file_tests);
