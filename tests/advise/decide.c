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
        struct host h = {0};
        note_sure(&h, &a, true);
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

/* A build of some minutes looks like a host that is too small. */
static void alone_it_must_have_been_sure_for_long(void **state UNUSED)
{
    static const struct {
        int64_t minute;
        double p[CLASSES];
        bool lasting;
    } looks[] = {
        {0, {0, 0, 0, 1}, false},      {14, {.05, 0, 0, .95}, false}, {15, {.1, 0, 0, .9}, true},
        {16, {.11, 0, 0, .89}, false}, {17, {0, 0, 0, 1}, false},     {31, {0, 0, 0, 1}, false},
        {32, {0, 0, 0, 1}, true},      {33, {0, 1, 0, 0}, false},     {48, {0, 1, 0, 0}, true},
        {49, {1, 0, 0, 0}, false},     {64, {1, 0, 0, 0}, false},
    };
    struct host h = {0};
    for (size_t i = 0; i < COUNT(looks); i++) {
        struct analysis a = {.has_probabilities = true,
                             .at_ms = INT64_C(1800000000000) + looks[i].minute * 60000};
        memcpy(a.probabilities, looks[i].p, sizeof a.probabilities);
        note_sure(&h, &a, false);
        if (a.lasting != looks[i].lasting)
            fail_msg("look %zu", i);
    }
}

const struct CMUnitTest decide_tests[] = {
    cmocka_unit_test(alone_it_must_have_been_sure_for_long),
    cmocka_unit_test(who_is_believed),
    cmocka_unit_test(without_a_classifier),
};
const size_t decide_tests_n = COUNT(decide_tests);
