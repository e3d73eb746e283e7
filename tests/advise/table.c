/* tests/advise/cases.yaml: every case makes one shipped rule speak with an exact step, and is then
 * repeated with its guard: the same host, and one thing more that makes the advice wrong. */
#include "world.h"

#include "advise/rule.h"

#include <stdio.h>

struct rule_case {
    const char *rule, *given, *guard;
    const char *want; /* "from -> to"; "" when the rule proposes no value */
    int64_t minutes;
};

enum { CASES_MAX = 400 };

static size_t read_cases(struct arena *arena, struct rule_case *out)
{
    struct yaml *root;
    assert_ok(yaml_load(GALEN_SOURCE_DIR "/tests/advise/cases.yaml", arena, &root, err));
    assert_true(root && root->kind == YAML_LIST && root->n <= CASES_MAX);
    for (size_t i = 0; i < root->n; i++) {
        struct rule_case *c = &out[i];
        const struct yaml *m = root->items[i], *want = yaml_get(m, "want");
        *c = (struct rule_case){.want = ""};
        assert_ok(yaml_string(yaml_get(m, "rule"), &c->rule, err));
        assert_ok(yaml_i64(yaml_get(m, "minutes"), 1, 60, &c->minutes, err));
        assert_ok(yaml_string(yaml_get(m, "given"), &c->given, err));
        assert_ok(yaml_string(yaml_get(m, "guard"), &c->guard, err));
        if (want)
            assert_ok(yaml_string(want, &c->want, err));
    }
    return root->n;
}

static void put_line(struct world *w, struct span line)
{
    auto_arena arena = {0};
    struct span metric = {0}, labels = {0}, value = {0};
    double v;
    assert_true(span_word(&line, &metric) && span_word(&line, &labels) && span_word(&line, &value));
    assert_true(span_double(span_from(value.at + 1, value.len - 1), &v));
    const char *name = arena_dup_span(&arena, metric);
    const char *of = span_is(labels, "-") ? "" : arena_dup_span(&arena, labels);
    if (value.at[0] == '+')
        world_pace(w, name, of, v);
    else
        world_set(w, name, of, v);
}

static void put_lines(struct world *w, const char *text)
{
    struct span rest = span_of(text), line;
    while (span_line(&rest, &line))
        put_line(w, line);
}

static const struct finding *look(struct world *w, const struct rule_case *c, bool guarded)
{
    world_open(w);
    put_lines(w, c->given);
    if (guarded)
        put_lines(w, c->guard);
    world_minutes(w, (size_t)c->minutes);
    return world_finding(w, c->rule);
}

static bool speaks_as_wanted(const struct rule_case *c)
{
    struct world w;
    const struct finding *f = look(&w, c, false);
    char got[200] = "";
    if (f && f->to)
        snprintf(got, sizeof got, "%s -> %s", f->from, f->to);
    bool good = f && (strcmp(got, c->want) == 0);
    if (!f)
        print_error("%s is silent\n", c->rule);
    else if (!good)
        print_error("%s: \"%s\" is not \"%s\"\n", c->rule, got, c->want);
    world_close(&w);
    return good;
}

static void rules_speak_with_their_step(void **state UNUSED)
{
    static struct rule_case cases[CASES_MAX];
    auto_arena arena = {0};
    size_t n = read_cases(&arena, cases), bad = 0;
    for (size_t i = 0; i < n; i++)
        bad += !speaks_as_wanted(&cases[i]);
    assert_int_equal(bad, 0);
}

static bool guard_holds(const struct rule_case *c)
{
    struct world w;
    const struct finding *f = look(&w, c, true);
    if (f)
        print_error("%s speaks in spite of its guard: %s\n", c->rule, f->sentence);
    world_close(&w);
    return !f;
}

static void guards_keep_rules_silent(void **state UNUSED)
{
    static struct rule_case cases[CASES_MAX];
    auto_arena arena = {0};
    size_t n = read_cases(&arena, cases), bad = 0;
    for (size_t i = 0; i < n; i++)
        bad += !guard_holds(&cases[i]);
    assert_int_equal(bad, 0);
}

/* Rules whose conditions need hours or a trend have tests of their own. */
static const char *const elsewhere[] = {"IO2-soon", "ME12", "ME6", "NE3", "TC1-restart"};

static bool is_elsewhere(const char *rule)
{
    for (size_t i = 0; i < COUNT(elsewhere); i++)
        if (strcmp(elsewhere[i], rule) == 0)
            return true;
    return false;
}

static void every_rule_has_a_case(void **state UNUSED)
{
    static struct rule_case cases[CASES_MAX];
    auto_arena arena = {0};
    struct world w;
    size_t n = read_cases(&arena, cases);
    world_open(&w);
    const struct rules *rules = w.adviser->rules;
    for (size_t i = 0; i < rules->n_rules; i++) {
        bool found = is_elsewhere(rules->rules[i].id);
        for (size_t k = 0; k < n; k++)
            found |= strcmp(cases[k].rule, rules->rules[i].id) == 0;
        if (!found)
            fail_msg("%s has no case", rules->rules[i].id);
    }
    world_close(&w);
}

const struct CMUnitTest table_tests[] = {
    cmocka_unit_test(rules_speak_with_their_step),
    cmocka_unit_test(guards_keep_rules_silent),
    cmocka_unit_test(every_rule_has_a_case),
};
const size_t table_tests_n = COUNT(table_tests);
