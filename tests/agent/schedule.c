#include "unit.h"

#include "agent/schedule.h"

static void test_grid(void **state UNUSED)
{
    struct schedule s;
    schedule_start(&s, 1000, 5000, 0);
    int64_t now = 1000, first = schedule_next(&s, now);
    assert_true(first >= 1 && first <= 5000);
    now += first;
    for (int i = 0; i < 100; i++) {
        int64_t late = i % 3; /* the timer is never quite on time */
        int64_t wait = schedule_next(&s, now + late);
        assert_int_equal(wait, 5000 - late);
        now += 5000;
    }
    assert_int_equal(s.missed, 0);
}

/* Held up for three intervals (a suspended machine): the next is on the grid again. */
static void test_missed(void **state UNUSED)
{
    struct schedule s;
    schedule_start(&s, 0, 1000, 0);
    int64_t start = schedule_next(&s, 0);
    assert_int_equal(schedule_next(&s, start + 3400), 600);
    assert_int_equal(s.missed, 3);
    assert_int_equal(schedule_next(&s, start + 4000), 1000);
    assert_int_equal(s.missed, 3);
}

/* The timer counts from when the loop woke up, so that it fires early by as much as a collection
 * takes: one collection each, not two. */
static void test_early(void **state UNUSED)
{
    struct schedule s;
    schedule_start(&s, 0, 1000, 0);
    int64_t start = schedule_next(&s, 0);
    assert_int_equal(schedule_next(&s, start - 1), 1001);
    assert_int_equal(schedule_next(&s, start + 1000 - 125), 1125); /* an eighth */
    assert_int_equal(schedule_next(&s, start + 2000 - 126), 126);  /* more is another matter */
    assert_int_equal(schedule_next(&s, start + 2000), 1000);
    assert_int_equal(s.missed, 0);
}

static void test_phase_is_spread(void **state UNUSED)
{
    int64_t least = INT64_MAX, most = 0;
    for (uint64_t phase = 0; phase < 100000; phase += 777) {
        struct schedule s;
        schedule_start(&s, 0, 1000, phase);
        int64_t first = schedule_next(&s, 0);
        assert_true(first >= 250 && first <= 1000);
        least = first < least ? first : least;
        most = first > most ? first : most;
    }
    assert_true(most - least > 600);
}

const struct CMUnitTest schedule_tests[] = {
    cmocka_unit_test(test_grid),
    cmocka_unit_test(test_missed),
    cmocka_unit_test(test_early),
    cmocka_unit_test(test_phase_is_spread),
};
const size_t schedule_tests_n = COUNT(schedule_tests);
