/* Rules and classifier together: who is believed, and when that is uncertain. */
#include "unit.h"

#include "advise/tick.h"

static void who_is_believed(void **state)
{
    (void)state;
    static const struct {
        bool rule, preliminary;
        unsigned rule_class;
        enum finding_kind kind;
        double p[CLASSES];
        unsigned class;
        bool uncertain;
        const char *says;
    } cases[] = {
        {false, false, 0, 0, {0.9, 0.1, 0, 0}, 0, false, "No changes needed: 5 checks"},
        {false, true, 0, 0, {0.9, 0.1, 0, 0}, 0, false, "No changes needed so far: 5 checks"},
        /* no rule: the classifier must be sure, and the host known */
        {false, false, 0, 0, {0.2, 0.8, 0, 0}, 0, false, "No changes needed"},
        {false, false, 0, 0, {0.05, 0, 0, 0.95}, 3, true, "no rule names a parameter"},
        {false, true, 0, 0, {0.05, 0, 0, 0.95}, 0, false, "so far"},
        /* a rule stands */
        {true, false, 1, KIND_LIMIT, {0.1, 0.9, 0, 0}, 1, false, "Raise it."},
        {true, false, 1, KIND_LIMIT, {0.9, 0.1, 0, 0}, 1, true, "Raise it."},
        {true, false, 1, KIND_LIMIT, {0, 0, 1, 0}, 1, true, "Raise it."},
        {true, false, 3, KIND_PRESSURE, {1, 0, 0, 0}, 3, true, "Raise it."},
        /* proof outranks the classifier */
        {true, false, 1, KIND_PROOF, {0.9, 0.1, 0, 0}, 1, false, "Raise it."},
        /* a finding of class none is no advice */
        {true, false, 0, KIND_PROOF, {0.9, 0.1, 0, 0}, 0, false, "No changes needed"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct finding f = {
            .class = cases[i].rule_class, .kind = cases[i].kind, .sentence = "Raise it. Because."};
        struct analysis a = {.findings = &f,
                             .n_findings = cases[i].rule,
                             .preliminary = cases[i].preliminary,
                             .has_probabilities = true,
                             .checks = 5};
        memcpy(a.probabilities, cases[i].p, sizeof a.probabilities);
        analysis_decide(&a, &arena);
        if (a.class != cases[i].class || a.uncertain != cases[i].uncertain ||
            !strstr(a.summary, cases[i].says))
            fail_msg("case %zu: class %u, uncertain %d, \"%s\"", i, a.class, a.uncertain,
                     a.summary);
    }
}

static void without_a_classifier(void **state)
{
    (void)state;
    auto_arena arena = {0};
    struct finding f[2] = {{.class = 2, .kind = KIND_LIMIT, .sentence = "Lower it. Because."},
                           {.class = 1, .kind = KIND_LIMIT, .sentence = "Raise that. Because."}};
    struct analysis a = {.findings = f, .n_findings = 2};
    analysis_decide(&a, &arena);
    assert_int_equal(a.class, 2);
    assert_false(a.uncertain);
    assert_string_equal(a.summary, "Lower it. 1 more finding.");
}

const struct CMUnitTest decide_tests[] = {
    cmocka_unit_test(who_is_believed),
    cmocka_unit_test(without_a_classifier),
};
const size_t decide_tests_n = COUNT(decide_tests);
