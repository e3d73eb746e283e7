/* tests/advise/cases.yaml: every case makes one shipped rule speak with an exact step, and is then
 * repeated with its guard: the same host, and one thing more that makes the advice wrong. */
#include "cases.h"

#include <stdio.h>

static const struct finding *look(struct world *w, const struct rule_case *c, const char *guard)
{
    world_open(w);
    put_lines(w, c->given);
    if (guard)
        put_lines(w, guard);
    world_minutes(w, (size_t)c->minutes);
    return world_finding(w, c->rule);
}

/* Evidence is a sentence for a person, each with a number: no expression, nothing without a value.
 */
static bool has_evidence(const struct finding *f)
{
    for (size_t i = 0; i < f->n_evidence; i++) {
        const char *text = f->evidence[i].text;
        if (text && !strstr(text, "by (instance") && !strpbrk(text, "{}"))
            continue;
        print_error("%s shows as evidence: %s\n", f->rule, text ? text : "nothing");
        return false;
    }
    return f->n_evidence > 0;
}

static bool speaks_as_wanted(const struct rule_case *c)
{
    struct world w;
    const struct finding *f = look(&w, c, NULL);
    char got[200] = "";
    if (f && f->to)
        snprintf(got, sizeof got, "%s -> %s", f->from, f->to);
    bool good = f && strcmp(got, c->want) == 0 && has_evidence(f);
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

static bool guard_holds(const struct rule_case *c, const char *guard)
{
    struct world w;
    const struct finding *f = look(&w, c, guard);
    if (f)
        print_error("%s speaks in spite of its guard %s: %s\n", c->rule, guard, f->sentence);
    world_close(&w);
    return !f;
}

static void guards_keep_rules_silent(void **state UNUSED)
{
    static struct rule_case cases[CASES_MAX];
    auto_arena arena = {0};
    size_t n = read_cases(&arena, cases), bad = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < cases[i].n_guards; k++)
            bad += !guard_holds(&cases[i], cases[i].guards[k]);
    assert_int_equal(bad, 0);
}

/* Their conditions change while the host is looked at: trends.c. */
static const char *const elsewhere[] = {"ME6", "TC1-restart"};

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
