/* Limits on guessing, without the hashing. */
#include "access/access_state.h"
#include "fixture.h"

#include <stdio.h>

/* One wrong try; the wait that was answered instead, in seconds. */
static int64_t fail_once(struct fixture *f, const char *user, const char *address, int64_t now_ms)
{
    struct span name = span_of(user), from = span_of(address);
    int64_t wait_s = throttle_begin(f->access, name, from, now_ms);
    if (!wait_s)
        throttle_end(f->access, name, from, TRY_FAILED, now_ms);
    return wait_s;
}

static void an_account_has_five_tries_a_minute(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(fail_once(f, "eva", "", NOW_MS), 0);
    assert_int_equal(fail_once(f, "eva", "", NOW_MS), 60);
    assert_int_equal(fail_once(f, "eva", "", NOW_MS + 59001), 1);
    assert_int_equal(fail_once(f, "max", "", NOW_MS), 0); /* others are not concerned */
}

static void an_address_has_twenty(void **state)
{
    struct fixture *f = *state;
    char user[16];
    for (int i = 0; i < 20; i++) {
        snprintf(user, sizeof user, "user %d", i);
        assert_int_equal(fail_once(f, user, "192.0.2.1", NOW_MS), 0);
    }
    assert_int_equal(fail_once(f, "somebody", "192.0.2.1", NOW_MS), 60);
    assert_int_equal(fail_once(f, "somebody", "192.0.2.2", NOW_MS), 0);
}

static void each_further_one_doubles_the_wait(void **state)
{
    static const int64_t waits_s[] = {60, 120, 240, 480, 900, 900, 900};
    struct fixture *f = *state;
    int64_t now_ms = NOW_MS;
    for (int i = 0; i < 4; i++)
        assert_int_equal(fail_once(f, "eva", "", now_ms), 0);
    for (size_t i = 0; i < COUNT(waits_s); i++) {
        assert_int_equal(fail_once(f, "eva", "", now_ms), 0);
        assert_int_equal(fail_once(f, "eva", "", now_ms), waits_s[i]);
        now_ms += waits_s[i] * 1000 + 777; /* not at the very moment */
    }
}

static void nobody_is_locked_out_for_ever(void **state)
{
    struct fixture *f = *state;
    int64_t now_ms = NOW_MS;
    for (int i = 0; i < 1000; i++)
        now_ms += 1000 * fail_once(f, "eva", "", now_ms);
    assert_in_range(fail_once(f, "eva", "", now_ms), 0, 900);
    /* The last wait, and as long again in quiet: all five are there again. */
    now_ms += 30 * MINUTE_MS + 1;
    for (int i = 0; i < 5; i++)
        assert_int_equal(fail_once(f, "eva", "", now_ms), 0);
    assert_int_equal(fail_once(f, "eva", "", now_ms), 60);
}

static void a_few_mistakes_are_forgotten_after_a_minute(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < 4; i++)
            assert_int_equal(fail_once(f, "eva", "", NOW_MS + round * (MINUTE_MS + 1)), 0);
}

static void the_right_password_forgets_the_accounts(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(fail_once(f, "eva", "192.0.2.1", NOW_MS), 0);
    assert_int_equal(throttle_begin(f->access, SPAN("eva"), SPAN("192.0.2.1"), NOW_MS), 0);
    throttle_end(f->access, SPAN("eva"), SPAN("192.0.2.1"), TRY_PASSED, NOW_MS);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fail_once(f, "eva", "192.0.2.1", NOW_MS), 0);
    /* The address keeps its 9: an own account is no way to go on guessing others'. */
    for (int i = 0; i < 11; i++)
        assert_int_equal(fail_once(f, i & 1 ? "x" : "y", "192.0.2.1", NOW_MS + i), i < 10 ? 0 : 60);
}

static void tries_at_once_count_from_their_begin(void **state)
{
    struct fixture *f = *state;
    struct span eva = SPAN("eva"), none = SPAN("");
    for (int i = 0; i < 5; i++)
        assert_int_equal(throttle_begin(f->access, eva, none, NOW_MS), 0);
    assert_int_equal(throttle_begin(f->access, eva, none, NOW_MS), 1);
    throttle_end(f->access, eva, none, TRY_VOID, NOW_MS);
    assert_int_equal(throttle_begin(f->access, eva, none, NOW_MS), 0);
    for (int i = 0; i < 5; i++)
        throttle_end(f->access, eva, none, TRY_FAILED, NOW_MS);
    assert_int_equal(throttle_begin(f->access, eva, none, NOW_MS), 60);
    /* After the wait it is one at a time. */
    assert_int_equal(throttle_begin(f->access, eva, none, NOW_MS + MINUTE_MS), 0);
    assert_int_equal(throttle_begin(f->access, eva, none, NOW_MS + MINUTE_MS), 1);
    throttle_end(f->access, eva, none, TRY_PASSED, NOW_MS + MINUTE_MS);
    assert_int_equal(throttle_begin(f->access, eva, none, NOW_MS + MINUTE_MS), 0);
    throttle_end(f->access, eva, none, TRY_VOID, NOW_MS + MINUTE_MS);
}

static void one_ipv6_network_is_one_address(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
        {"2001:db8:1:2::1", "2001:0DB8:0001:0002::1", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"192.0.2.1", "192.0.2.2", false},
        {"/run/galen.sock", "/run/other.sock", false},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t now_ms = NOW_MS + (int64_t)i * DAY_MS;
        char user[16];
        for (int k = 0; k < 20; k++) {
            snprintf(user, sizeof user, "%zu %d", i, k);
            assert_int_equal(fail_once(f, user, cases[i].a, now_ms), 0);
        }
        assert_int_equal(fail_once(f, "x", cases[i].b, now_ms), cases[i].same ? 60 : 0);
    }
}

static void any_name_will_do(void **state)
{
    struct fixture *f = *state;
    char name[300];
    memset(name, 'x', sizeof name);
    struct span names[] = {SPAN(""), (struct span){0}, span_from("a\0b", 3), span_from("a\0c", 3),
                           span_from(name, sizeof name)};
    for (size_t i = 0; i < COUNT(names); i++) {
        for (int k = 0; k < 6; k++) {
            int64_t wait_s = throttle_begin(f->access, names[i], names[i], NOW_MS);
            assert_int_equal(wait_s, i == 1 || k == 5 ? 60 : 0); /* 1 is 0 again */
            if (!wait_s)
                throttle_end(f->access, names[i], names[i], TRY_FAILED, NOW_MS);
        }
    }
}

static void guessing_names_fills_no_memory(void **state)
{
    struct fixture *f = *state;
    char user[16];
    for (int k = 0; k < 5; k++)
        assert_int_equal(fail_once(f, "victim", "", NOW_MS), 0);
    for (int i = 0; i < 10100; i++) {
        int length = snprintf(user, sizeof user, "u%d", i);
        user[0] = i & 1 ? 'u' : 0; /* some with a NUL */
        struct span name = span_from(user, (size_t)length);
        assert_int_equal(throttle_begin(f->access, name, SPAN(""), NOW_MS + i), 0);
        throttle_end(f->access, name, SPAN(""), TRY_FAILED, NOW_MS + i);
        if (i % 1000 == 0) /* who goes on being guessed is not forgotten for the new ones */
            fail_once(f, "victim", "", NOW_MS + i);
    }
    assert_in_range(f->access->throttles.count, 9000, 10000);
    /* Much later they are all over and make room for new ones. */
    for (int i = 0; i < 5; i++)
        assert_int_equal(fail_once(f, "late", "", NOW_MS + DAY_MS), 0);
    assert_in_range(f->access->throttles.count, 1, 10000);
}

const struct CMUnitTest throttle_tests[] = {
    EMPTY_TEST(an_account_has_five_tries_a_minute),
    EMPTY_TEST(an_address_has_twenty),
    EMPTY_TEST(each_further_one_doubles_the_wait),
    EMPTY_TEST(nobody_is_locked_out_for_ever),
    EMPTY_TEST(a_few_mistakes_are_forgotten_after_a_minute),
    EMPTY_TEST(the_right_password_forgets_the_accounts),
    EMPTY_TEST(tries_at_once_count_from_their_begin),
    EMPTY_TEST(one_ipv6_network_is_one_address),
    EMPTY_TEST(any_name_will_do),
    EMPTY_TEST(guessing_names_fills_no_memory),
};
const size_t throttle_tests_n = COUNT(throttle_tests);
