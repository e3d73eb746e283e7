/* Rule files: the shipped ones load, bad ones are refused with their place and the reason. */
#include "unit.h"

#include "advise/rule.h"

#include <stdlib.h>

#include "paths.h"

static void shipped_rules(void **state)
{
    (void)state;
    struct rules *r;
    assert_ok(rules_load(GALEN_SOURCE_DIR "/rules", NULL, 0, &r, err));
    assert_true(r->n_rules >= 50);
    assert_true(r->n_features >= 60);
    static const char *const eleven[ELEVEN] = {
        "total_memory",  "used_memory",  "cpu_usage",
        "total_disk",    "used_disk",    "total_swap",
        "used_swap",     "fs.file-max",  "net.ipv4.tcp_fin_timeout",
        "kernel.msgmax", "vm.swappiness"};
    for (size_t i = 0; i < ELEVEN; i++)
        assert_string_equal(r->eleven[i].name, eleven[i]);
    for (size_t i = 0; i < r->n_rules; i++) {
        const struct rule *u = &r->rules[i];
        if (!u->source || !u->title || (u->parameter && !u->takes_effect))
            fail_msg("%s: no source, title or takes_effect", u->id);
    }
    rules_close(r);
}

#define HEAD "- id: X1\n  title: T\n  class: increase\n  kind: proof\n"
#define BODY                                                                                       \
    "  parameter: vm.x\n  signal: rate(a[$window])\n  above: 1\n  propose: 2 * $value\n"           \
    "  bounds: [1, 10]\n  sentence: why\n"
#define GOOD HEAD BODY

static void rule_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
        const char *says;
    } cases[] = {
        {GOOD, OK, ""},
        {"", OK, ""},
        {HEAD "  parameter: vm.x\n  use: a / b\n  above: 0.7\n  when: $use > 0\n"
              "  propose: 2 * $value\n  bounds: [1, 10]\n  sentence: why {use:percent}\n",
         OK, ""},
        {HEAD "  parameter: kernel.sem\n  fields: [a, b]\n  signal: x\n  above: 1\n"
              "  propose: [1, 2]\n  step: exact\n  sentence: why\n",
         OK, ""},
        {"- id: X2\n  title: T\n  class: none\n  kind: limit\n  when: a > 1\n  advice: Leave it.\n"
         "  sentence: why\n",
         OK, ""},
        {HEAD "  parameter: vm.x\n  counter: a\n  above: 1\n  propose: 1\n  step: exact\n"
              "  sentence: why\n",
         OK, ""},
        {"a: b\n", INVALID, "r.yaml:1:1: must be a list of rules"},
        {"- a\n", INVALID, "r.yaml:1:3: a rule must be a map"},
        {"- title: T\n", INVALID, "r.yaml:1:3: the rule has no \"id\""},
        {"- id: X1\n  title: T\n", INVALID, "no \"class\""},
        {"- id: X1\n  title: T\n  class: more\n  kind: proof\n", INVALID,
         "r.yaml:3:10: class: \"more\" is none of none, increase, decrease, upgrade"},
        {"- id: X1\n  title: T\n  class: none\n  kind: hunch\n", INVALID, "proof, limit, pressure"},
        {GOOD "  bogus: 1\n", INVALID, "r.yaml:11:"},
        {GOOD "  propos: 1\n", INVALID, "\"propos\""},
        {GOOD GOOD, INVALID, "r.yaml:11:3: the rule \"X1\" is already in r.yaml:1"},
        {HEAD "  parameter: vm.x\n  signal: rate(a[)\n  above: 1\n", INVALID,
         "r.yaml:6:11: signal: 1:8: parse error"},
        {HEAD "  signal: a[5m]\n  above: 1\n", INVALID, "must give one number for each host"},
        {HEAD "  signal: $nothing\n  above: 1\n", INVALID, "\"$nothing\" means nothing here"},
        {HEAD "  signal: a{b=~\"x$\"}\n  above: 1\n", INVALID, "needs \"parameter\""},
        {HEAD "  signal: $use\n  above: 1\n", INVALID, "\"$use\" means nothing here"},
        {HEAD "  parameter: vm.x\n", INVALID, "needs a \"signal\", a \"use\" or a \"when\""},
        {HEAD "  parameter: vm.x\n  signal: a\n", INVALID, "needs \"above\" or \"when\""},
        {HEAD "  parameter: vm.x\n  signal: a\n  above: x\n", INVALID, "r.yaml:7:10"},
        {HEAD "  parameter: vm.x\n  signal: a\n  above: 1\n  sentence: why\n", INVALID,
         "needs \"parameter\" and \"propose\""},
        {HEAD "  parameter: vm.x\n  signal: a\n  above: 1\n  propose: 1\n  sentence: why\n",
         INVALID, "needs \"bounds: [lowest, highest]\""},
        {HEAD "  parameter: vm.x\n  signal: a\n  above: 1\n  propose: 1\n  bounds: [1]\n", INVALID,
         "bounds: must be [lowest, highest]"},
        {HEAD "  parameter: vm.x\n  signal: a\n  above: 1\n  propose: [1, 2]\n", INVALID,
         "2 values for a parameter of 1"},
        {HEAD "  window: 0s\n" BODY, INVALID, "r.yaml:5:11"},
        {HEAD "  window: soon\n" BODY, INVALID, "r.yaml:5:11"},
        {HEAD "  for: 8d\n" BODY, INVALID, "r.yaml:5:8"},
        {GOOD "  evidence: [a, b, c, d, e, f, g, h, i]\n", INVALID, "at most 8"},
        {GOOD "  evidence: [{name: a}]\n", INVALID, "needs \"expr\""},
        {GOOD "  evidence: [{expr: a, tex: b}]\n", INVALID, "tex"},
        {GOOD "  effect: \"{nothing}\"\n", INVALID, "{nothing} is neither"},
        {GOOD "  effect: \"{value:heavy}\"\n", INVALID, "an unknown format"},
        {GOOD "  effect: \"{value\"\n", INVALID, "a { without its }"},
        {GOOD "  effect: \"value}\"\n", INVALID, "a } without its {"},
        {GOOD "  confidence: some\n", INVALID, "none of high, low"},
        {GOOD "  step: big\n", INVALID, "none of count, exact"},
        {"- id: X2\n  title: T\n  class: none\n  kind: limit\n  when: a > 1\n  sentence: why\n",
         INVALID, "class none needs \"advice\""},
        {"- id: X2\n  title: T\n  class: none\n  kind: limit\n  when: a > 1\n  advice: b\n",
         INVALID, "no \"sentence\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rules *r = mem_zero(1, sizeof *r);
        struct err err = {0};
        enum status st = rules_add(r, span_of(cases[i].text), "r.yaml", 0, &err);
        if (st != cases[i].status || !strstr(err.text, cases[i].says))
            fail_msg("case %zu:\n%s\nstatus %d \"%s\", wanted \"%s\"", i, cases[i].text, (int)st,
                     err.text, cases[i].says);
        rules_close(r);
    }
}

static void a_rule_is_read(void **state)
{
    (void)state;
    struct rules *r = mem_zero(1, sizeof *r);
    assert_ok(rules_add(r, SPAN(GOOD), "r.yaml", 0, err));
    const struct rule *u = &r->rules[0];
    assert_int_equal(u->class, 1);
    assert_int_equal(u->kind, KIND_PROOF);
    assert_int_equal(u->window_ms, 300000);
    assert_int_equal(u->for_ms, 900000);
    assert_string_equal(u->signal.text, "rate(a[300000ms])");
    assert_string_equal(u->value[0].text, "max by (instance) (galen_sysctl{name=\"vm.x\"})");
    rules_close(r);
    /* A look of ten seconds has short windows. */
    r = mem_zero(1, sizeof *r);
    assert_ok(rules_add(r, SPAN(GOOD), "r.yaml", 10000, err));
    assert_string_equal(r->rules[0].signal.text, "rate(a[10000ms])");
    rules_close(r);
}

static void too_many_rules(void **state)
{
    (void)state;
    for (int extra = 0; extra <= 1; extra++) {
        struct rules *r = mem_zero(1, sizeof *r);
        auto_buf text = {0};
        for (int i = 0; i < RULES_MAX + extra; i++)
            buf_printf(&text,
                       "- {id: R%d, title: T, class: none, kind: limit, when: a, advice: b, "
                       "sentence: c}\n",
                       i);
        assert_int_equal(rules_add(r, buf_view(&text), "r.yaml", 0, NULL), extra ? FULL : OK);
        rules_close(r);
    }
}

static void folders(void **state)
{
    (void)state;
    struct rules *r;
    assert_fails(rules_load("/nonexistent", NULL, 0, &r, err), NOT_FOUND,
                 "/nonexistent/features.yaml");
    assert_null(r);
}

static bool never(void *arg UNUSED, struct span name, struct template_value *out)
{
    out->has_number = true;
    out->number = 4097;
    return span_is(name, "n");
}

static void formats(void **state)
{
    (void)state;
    static const struct {
        enum template_format format;
        double v;
        const char *want;
    } cases[] = {
        {FORMAT_PLAIN, 0, "0"},
        {FORMAT_PLAIN, 14.234, "14.2"},
        {FORMAT_PLAIN, 14, "14"},
        {FORMAT_PLAIN, 0.0123, "0.012"},
        {FORMAT_PLAIN, 210.4, "210"},
        {FORMAT_PLAIN, 8100, "8,100"},
        {FORMAT_COUNT, 4097, "4,097"},
        {FORMAT_COUNT, 999, "999"},
        {FORMAT_COUNT, 1000000, "1,000,000"},
        {FORMAT_COUNT, -1234, "-1,234"},
        {FORMAT_PERCENT, 0.29, "29 %"},
        {FORMAT_PERCENT, 0.012, "1.2 %"},
        {FORMAT_PERCENT, 1.5, "150 %"},
        {FORMAT_BYTES, 512, "512 bytes"},
        {FORMAT_BYTES, 9.6 * 1073741824, "9.6 GB"},
        {FORMAT_BYTES, 455.0 * 1073741824, "455 GB"},
        {FORMAT_BYTES, 16.0 * 1073741824, "16 GB"},
        {FORMAT_DURATION, 900, "15 minutes"},
        {FORMAT_DURATION, 60, "1 minute"},
        {FORMAT_DURATION, 30, "30 seconds"},
        {FORMAT_DURATION, 22.0 * 86400, "22 days"},
        {FORMAT_DURATION, 3600, "1 hour"},
        {FORMAT_DURATION, 5400, "90 minutes"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        format_value(&out, cases[i].format, cases[i].v);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
    auto_buf out = {0};
    assert_true(template_fill("a {n:count} b", never, NULL, &out));
    assert_string_equal(buf_text(&out), "a 4,097 b");
    assert_false(template_fill("a {m}", never, NULL, &out));
}

const struct CMUnitTest rules_tests[] = {
    cmocka_unit_test(shipped_rules),  cmocka_unit_test(rule_files),
    cmocka_unit_test(a_rule_is_read), cmocka_unit_test(too_many_rules),
    cmocka_unit_test(folders),        cmocka_unit_test(formats),
};
const size_t rules_tests_n = COUNT(rules_tests);
