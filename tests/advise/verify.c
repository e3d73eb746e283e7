/* The judgement of a change: a table of figures before and after. */
#include "world.h"

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
     {3, 100, .31, .5},
     LATE_MS,
     true,
     VERDICT_HARMED},
    {"by half and no more",
     KIND_PROOF,
     1,
     {20, 100, .2, .5},
     {3, 100, .3, .5},
     LATE_MS,
     true,
     VERDICT_NO_EFFECT},
    {"a pressure that the change cannot have raised",
     KIND_PROOF,
     1,
     {20, 100, .2, .5},
     {0, 100, .9, .5},
     LATE_MS,
     true,
     VERDICT_HELPED},
    {"and nothing was cured",
     KIND_PROOF,
     1,
     {20, 100, .2, .5},
     {20, 100, .9, .5},
     LATE_MS,
     true,
     VERDICT_HARMED},
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
                                .earlier = of(a[0], a[1], a[2], a[3]),
                                .second_look = true,
                                .age_ms = cases[i].age_ms,
                                .effective = cases[i].in_effect};
        enum verdict got = verify_judge(&v, &why);
        if (got != cases[i].want || !why.len)
            fail_msg("%s: %s (%s), not %s", cases[i].name, verdict_names[got], buf_text(&why),
                     verdict_names[cases[i].want]);
    }
}

/* A burst of some seconds during one of the two windows is not the change's doing. */
static void harm_shows_in_two_windows(void **state UNUSED)
{
    static const struct {
        bool second;
        double earlier, after;
        enum verdict want;
    } looks[] = {
        {false, 0, .9, VERDICT_WAIT},      {true, .9, .9, VERDICT_HARMED},
        {true, .2, .9, VERDICT_NO_EFFECT}, {true, .9, .2, VERDICT_NO_EFFECT},
        {true, .31, .31, VERDICT_HARMED},  {true, .3, .31, VERDICT_NO_EFFECT},
        {false, 0, .3, VERDICT_NO_EFFECT},
    };
    struct check check = {.kind = KIND_PROOF, .has_above = true, .above = 1, .window_ms = 60000};
    for (size_t i = 0; i < COUNT(looks); i++) {
        auto_buf why = {0};
        struct verify_case v = {.check = &check,
                                .before = of(20, 100, .2, .5),
                                .after = of(20, 100, looks[i].after, .5),
                                .earlier = of(20, 100, looks[i].earlier, .5),
                                .second_look = looks[i].second,
                                .age_ms = LATE_MS,
                                .effective = true};
        enum verdict got = verify_judge(&v, &why);
        if (got != looks[i].want)
            fail_msg("look %zu: %s (%s)", i, verdict_names[got], buf_text(&why));
    }
}

/* The signal is cured: only what the rule burdens counts, the rest is told. */
static void what_was_cured_is_harmed_by_its_own_burden_only(void **state UNUSED)
{
    struct check check = {.kind = KIND_PROOF, .has_above = true, .above = 1, .window_ms = 60000};
    struct verify_case v = {.check = &check,
                            .before = of(20, 100, .2, .5),
                            .after = of(0, 100, .9, .5),
                            .earlier = of(0, 100, .9, .5),
                            .second_look = true,
                            .age_ms = LATE_MS,
                            .effective = true};
    auto_buf beside = {0}, harm = {0}, memory = {0};
    assert_int_equal(verify_judge(&v, &beside), VERDICT_HELPED);
    assert_non_null(strstr(buf_text(&beside), "beside it somebody waits for processors 90 %"));
    check.burdens = 1 << PRESSURE_CPU;
    assert_int_equal(verify_judge(&v, &harm), VERDICT_HARMED);
    check.burdens = 1 << PRESSURE_IO;
    v.after.available.value = v.earlier.available.value = .04;
    assert_int_equal(verify_judge(&v, &memory), VERDICT_HARMED);
    assert_non_null(strstr(buf_text(&memory), "available memory"));
}

/* A parameter changed for its own sake, and something else keeps the processors busy. */
static void what_was_well_before_is_harmed_by_its_own_burden_only(void **state UNUSED)
{
    struct check check = {.kind = KIND_PROOF, .has_above = true, .above = 1, .window_ms = 60000};
    struct verify_case v = {.check = &check,
                            .before = of(.8, 100, .2, .5), /* at the level where findings end */
                            .after = of(0, 100, .9, .5),
                            .earlier = of(0, 100, .9, .5),
                            .second_look = true,
                            .age_ms = LATE_MS,
                            .effective = true};
    auto_buf why = {0}, harm = {0}, cause = {0};
    assert_int_equal(verify_judge(&v, &why), VERDICT_UNJUDGED);
    check.burdens = 1 << PRESSURE_CPU;
    assert_int_equal(verify_judge(&v, &harm), VERDICT_HARMED);
    check.burdens = 0;
    v.before.signal.value = v.after.signal.value = .81;
    assert_int_equal(verify_judge(&v, &cause), VERDICT_HARMED);
}

static void a_change_that_no_rule_knows(void **state UNUSED)
{
    auto_buf why = {0};
    struct verify_case v = {.before = of(0, -1, .1, .5), .after = of(0, -1, .1, .5)};
    assert_int_equal(verify_judge(&v, &why), VERDICT_UNJUDGED);
    v.second_look = true;
    v.after.pressure[PRESSURE_IO].value = .5;
    v.earlier = v.after;
    assert_int_equal(verify_judge(&v, &why), VERDICT_HARMED);
}

/* A level over a minute, a rate over its window, kills when the last half hour is of after. */
static void shipped_rules_are_judged_over_what_they_look_at(void **state UNUSED)
{
    static const struct {
        const char *rule;
        int64_t window_s, reach_s;
    } wants[] = {{"TC1", 60, 60},   {"IO2", 60, 0},    {"FS1", 60, 0},         {"FD1", 60, 0},
                 {"CP4", 120, 120}, {"ME4", 60, 1800}, {"ME4-unit", 60, 1800}, {"TC13", 300, 900}};
    struct world w;
    world_open(&w);
    for (size_t i = 0; i < COUNT(wants); i++) {
        struct check c;
        assert_true(adviser_check(w.adviser, wants[i].rule, &c));
        assert_int_equal(c.window_ms / 1000, wants[i].window_s);
        assert_int_equal(c.reach_ms / 1000, wants[i].reach_s);
    }
    world_close(&w);
}

static void windows_lie_behind_the_change(void **state UNUSED)
{
    struct check c = {.window_ms = 60000};
    assert_int_equal(verify_due_ms(&c, 1000), 1000 + 120000 + VERIFY_SCRAPE_MS);
    assert_int_equal(verify_second_ms(&c, 1000), 1000 + 180000 + VERIFY_SCRAPE_MS);
    c.reach_ms = 60000; /* a rate over the window */
    assert_int_equal(verify_due_ms(&c, 1000), 1000 + 120000 + VERIFY_SCRAPE_MS);
    c.reach_ms = 1800000; /* kills in half an hour */
    assert_int_equal(verify_due_ms(&c, 1000), 1000 + 1860000 + VERIFY_SCRAPE_MS);
    c.reach_ms = 0;
    c.window_ms = 1;
    assert_int_equal(verify_due_ms(&c, 0), 2 * VERIFY_WINDOW_MIN_MS + VERIFY_SCRAPE_MS);
}

const struct CMUnitTest verify_tests[] = {
    cmocka_unit_test(changes_are_judged),
    cmocka_unit_test(harm_shows_in_two_windows),
    cmocka_unit_test(what_was_cured_is_harmed_by_its_own_burden_only),
    cmocka_unit_test(what_was_well_before_is_harmed_by_its_own_burden_only),
    cmocka_unit_test(shipped_rules_are_judged_over_what_they_look_at),
    cmocka_unit_test(a_change_that_no_rule_knows),
    cmocka_unit_test(windows_lie_behind_the_change),
};
const size_t verify_tests_n = COUNT(verify_tests);
