/* The judgement of a change: a table of figures before and after. */
#include "unit.h"

#include "advise/verify.h"

static struct figures of(double signal, double load, double waits, double available)
{
    return (struct figures){.signal = {true, signal},
                            .load = {load >= 0, load},
                            .pressure = {{true, waits}, {true, 0}, {true, 0}},
                            .available = {true, available}};
}

enum { LATE_MS = 60 * 60 * 1000 };

static const struct {
    const char *name;
    enum finding_kind kind;
    double above, before[4], after[4]; /* signal, load, waiting, available */
    int64_t age_ms;
    bool in_effect;
    enum verdict want;
} cases[] = {
    {"an error rate fell by 90 %",
     KIND_PROOF,
     1,
     {20, 100, .1, .5},
     {2, 100, .1, .5},
     LATE_MS,
     true,
     VERDICT_HELPED},
    {"by a little less",
     KIND_PROOF,
     1,
     {20, 100, .1, .5},
     {2.1, 100, .1, .5},
     LATE_MS,
     true,
     VERDICT_NO_EFFECT},
    {"at the least load",
     KIND_PROOF,
     1,
     {20, 100, .1, .5},
     {0, 70, .1, .5},
     LATE_MS,
     true,
     VERDICT_HELPED},
    {"below it nothing is known",
     KIND_PROOF,
     1,
     {20, 100, .1, .5},
     {0, 69, .1, .5},
     LATE_MS,
     true,
     VERDICT_WAIT},
    {"more load and yet less",
     KIND_PROOF,
     1,
     {20, 100, .1, .5},
     {0, 300, .1, .5},
     LATE_MS,
     true,
     VERDICT_HELPED},
    {"at the highest load",
     KIND_PROOF,
     1,
     {20, 100, .1, .5},
     {20, 130, .1, .5},
     LATE_MS,
     true,
     VERDICT_NO_EFFECT},
    {"more load excuses",
     KIND_PROOF,
     1,
     {20, 100, .1, .5},
     {20, 131, .1, .5},
     LATE_MS,
     true,
     VERDICT_WAIT},
    {"too early for no effect",
     KIND_PROOF,
     1,
     {20, 100, .1, .5},
     {20, 100, .1, .5},
     1000,
     true,
     VERDICT_WAIT},
    {"not in effect",
     KIND_PROOF,
     1,
     {20, 100, .1, .5},
     {20, 100, .1, .5},
     LATE_MS,
     false,
     VERDICT_WAIT},
    {"given up",
     KIND_PROOF,
     1,
     {20, 100, .1, .5},
     {20, 100, .1, .5},
     VERIFY_GIVE_UP_MS,
     false,
     VERDICT_UNJUDGED},
    {"a pressure rose by half",
     KIND_PROOF,
     1,
     {20, 100, .2, .5},
     {0, 100, .31, .5},
     LATE_MS,
     true,
     VERDICT_HARMED},
    {"by half and no more",
     KIND_PROOF,
     1,
     {20, 100, .2, .5},
     {0, 100, .3, .5},
     LATE_MS,
     true,
     VERDICT_HELPED},
    {"by hardly anything",
     KIND_PROOF,
     1,
     {20, 100, .01, .5},
     {0, 100, .05, .5},
     LATE_MS,
     true,
     VERDICT_HELPED},
    {"with more load it is not the change",
     KIND_PROOF,
     1,
     {20, 100, .2, .5},
     {0, 200, .9, .5},
     LATE_MS,
     true,
     VERDICT_HELPED},
    {"memory is gone",
     KIND_PROOF,
     1,
     {20, 100, .1, .5},
     {0, 100, .1, .049},
     LATE_MS,
     true,
     VERDICT_HARMED},
    {"it was gone before",
     KIND_PROOF,
     1,
     {20, 100, .1, .04},
     {0, 100, .1, .03},
     LATE_MS,
     true,
     VERDICT_HELPED},
    {"a level left its band",
     KIND_LIMIT,
     .75,
     {.9, -1, .1, .5},
     {.74, -1, .1, .5},
     LATE_MS,
     true,
     VERDICT_HELPED},
    {"it did not",
     KIND_LIMIT,
     .75,
     {.9, -1, .1, .5},
     {.75, -1, .1, .5},
     LATE_MS,
     true,
     VERDICT_NO_EFFECT},
    {"a level halved",
     KIND_LIMIT,
     .05,
     {.2, -1, .1, .5},
     {.1, -1, .1, .5},
     LATE_MS,
     true,
     VERDICT_HELPED},
    {"a pressure fell",
     KIND_PRESSURE,
     .25,
     {.5, -1, .1, .5},
     {.19, -1, .1, .5},
     LATE_MS,
     true,
     VERDICT_HELPED},
    {"not far enough",
     KIND_PRESSURE,
     .25,
     {.5, -1, .1, .5},
     {.2, -1, .1, .5},
     LATE_MS,
     true,
     VERDICT_NO_EFFECT},
    {"there was nothing to help",
     KIND_PROOF,
     1,
     {.5, 100, .1, .5},
     {0, 100, .1, .5},
     LATE_MS,
     true,
     VERDICT_UNJUDGED},
};

static void changes_are_judged(void **state UNUSED)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf why = {0};
        const double *b = cases[i].before, *a = cases[i].after;
        struct check check = {.kind = cases[i].kind,
                              .has_above = true,
                              .above = cases[i].above,
                              .window_ms = 60000,
                              .settle_ms = 180000};
        struct verify_case v = {.check = &check,
                                .before = of(b[0], b[1], b[2], b[3]),
                                .after = of(a[0], a[1], a[2], a[3]),
                                .age_ms = cases[i].age_ms,
                                .effective = cases[i].in_effect};
        enum verdict got = verify_judge(&v, &why);
        if (got != cases[i].want || !why.len)
            fail_msg("%s: %s (%s), not %s", cases[i].name, verdict_names[got], buf_text(&why),
                     verdict_names[cases[i].want]);
    }
}

static void a_change_that_no_rule_knows(void **state UNUSED)
{
    auto_buf why = {0};
    struct verify_case v = {.before = of(0, -1, .1, .5), .after = of(0, -1, .1, .5)};
    assert_int_equal(verify_judge(&v, &why), VERDICT_UNJUDGED);
    v.after.pressure[PRESSURE_IO].value = .5;
    assert_int_equal(verify_judge(&v, &why), VERDICT_HARMED);
}

static void windows_lie_behind_the_change(void **state UNUSED)
{
    struct check c = {.window_ms = 60000};
    assert_int_equal(verify_due_ms(&c, 1000), 1000 + 120000 + VERIFY_SCRAPE_MS);
    c.window_ms = 1;
    assert_int_equal(verify_due_ms(&c, 0), 2 * VERIFY_WINDOW_MIN_MS + VERIFY_SCRAPE_MS);
}

const struct CMUnitTest verify_tests[] = {
    cmocka_unit_test(changes_are_judged),
    cmocka_unit_test(a_change_that_no_rule_knows),
    cmocka_unit_test(windows_lie_behind_the_change),
};
const size_t verify_tests_n = COUNT(verify_tests);
