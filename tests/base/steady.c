#include "unit.h"

#include "base/clock.h"
#include "base/steady.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define NOON INT64_C(1795176000000) /* 2026-11-20 12:00 UTC */

static bool look(struct steady *s)
{
    return steady_look(s, clock_wall_ms(), clock_mono_ms());
}

static void begin(struct steady *s, int64_t newest)
{
    clock_fake(NOON);
    steady_begin(s, clock_wall_ms(), clock_mono_ms(), newest);
}

static void a_clock_that_is_right(void **state)
{
    (void)state;
    struct steady s;
    begin(&s, NOON - 5000);
    for (int i = 0; i < 100; i++) {
        clock_fake_advance(HOUR);
        assert_false(look(&s));
        assert_int_equal(steady_early(&s), NOON + (i + 1) * HOUR);
        assert_int_equal(steady_late(&s), NOON + (i + 1) * HOUR);
    }
    clock_real();
}

/* Wall time set to at while no time passes. */
static bool set_to(struct steady *s, int64_t at)
{
    return steady_look(s, at, clock_mono_ms());
}

static void steps(void **state)
{
    (void)state;
    static const int64_t to[] = {NOON + HOUR,
                                 NOON + DAY,
                                 NOON - HOUR,
                                 NOON - DAY,
                                 0,                          /* 1970 */
                                 INT64_C(2147483648) * 1000, /* 2038 */
                                 INT64_C(4102444800) * 1000, /* 2100 */
                                 NOON + STEADY_STEP_MS + 1,
                                 NOON - STEADY_STEP_MS - 1};
    for (size_t i = 0; i < COUNT(to); i++) {
        struct steady s;
        begin(&s, INT64_MIN);
        assert_true(set_to(&s, to[i]));
        assert_int_equal(steady_early(&s), MIN(NOON, to[i]));
        assert_int_equal(steady_late(&s), MAX(NOON, to[i]));
        clock_fake_advance(HOUR);
        assert_false(set_to(&s, to[i] + HOUR));
        assert_int_equal(steady_early(&s), MIN(NOON, to[i]) + HOUR);
        /* not believed until it has gone on for a day */
        clock_fake_advance(DAY - HOUR - 1);
        assert_false(set_to(&s, to[i] + DAY - 1));
        assert_true(s.away);
        clock_fake_advance(1);
        assert_false(set_to(&s, to[i] + DAY));
        assert_false(s.away);
        assert_int_equal(steady_early(&s), to[i] + DAY);
        assert_int_equal(steady_late(&s), to[i] + DAY);
        clock_real();
    }
}

static void small_corrections_are_followed(void **state)
{
    (void)state;
    struct steady s;
    begin(&s, INT64_MIN);
    assert_false(set_to(&s, NOON + STEADY_STEP_MS));
    assert_int_equal(steady_early(&s), NOON + STEADY_STEP_MS);
    assert_false(set_to(&s, NOON));
    assert_int_equal(steady_late(&s), NOON);
    clock_real();
}

static void there_and_back(void **state)
{
    (void)state;
    struct steady s;
    begin(&s, INT64_MIN);
    assert_true(set_to(&s, NOON + DAY));
    clock_fake_advance(HOUR);
    assert_true(set_to(&s, NOON + HOUR));
    assert_false(s.away);
    assert_int_equal(steady_early(&s), NOON + HOUR);
    assert_int_equal(steady_late(&s), NOON + HOUR);
    /* a second step starts the wait anew */
    assert_true(set_to(&s, NOON + 2 * DAY));
    clock_fake_advance(DAY / 2);
    assert_true(set_to(&s, NOON + 9 * DAY));
    clock_fake_advance(DAY / 2);
    assert_false(set_to(&s, NOON + 9 * DAY + DAY / 2));
    assert_true(s.away);
    clock_real();
}

static void what_the_data_say(void **state)
{
    (void)state;
    struct steady s;
    begin(&s, NOON - STEADY_TRUST_MS);
    assert_false(s.away);
    begin(&s, NOON - STEADY_TRUST_MS - 1); /* off for long, or a clock that is wrong */
    assert_true(s.away);
    assert_int_equal(steady_early(&s), NOON - STEADY_TRUST_MS - 1);
    assert_int_equal(steady_late(&s), NOON);
    begin(&s, NOON + STEADY_STEP_MS);
    assert_false(s.away);
    begin(&s, NOON + STEADY_STEP_MS + 1); /* data from after now */
    assert_true(s.away);
    assert_int_equal(steady_early(&s), NOON);
    clock_real();
}

const struct CMUnitTest steady_tests[] = {
    cmocka_unit_test(a_clock_that_is_right),
    cmocka_unit_test(steps),
    cmocka_unit_test(small_corrections_are_followed),
    cmocka_unit_test(there_and_back),
    cmocka_unit_test(what_the_data_say),
};
const size_t steady_tests_n = COUNT(steady_tests);
