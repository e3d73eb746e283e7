#include "access/access_state.h"
#include "base/clock.h"
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void rules_have_two_sides(void **state UNUSED)
{
    static char longest[PASSWORD_MAX_BYTES + 2];
    memset(longest, 'x', sizeof longest - 1);
    static const struct {
        const char *password;
        size_t cut; /* 0: all of it */
        const char *says;
    } cases[] = {
        {"", 0, "at least 8"},
        {"1234567", 0, "at least 8"},
        {"1234567x", 0, NULL},
        {"h\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 0, "at least 8"}, /* 9 bytes, 5 characters */
        {"h\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9fxyz", 0, NULL},
        {"a sentence of sixty-four characters or more, blanks and all, is fine", 0, NULL},
        {longest, PASSWORD_MAX_BYTES, NULL},
        {longest, PASSWORD_MAX_BYTES + 1, "at most 1024"},
        {"password", 0, "first that are guessed"},
        {"PassWord", 0, "first that are guessed"},
        {"12345678", 0, "first that are guessed"},
        {"galen123", 0, "first that are guessed"},
        {"password!", 0, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span password = span_of(cases[i].password);
        if (cases[i].cut)
            password.len = cases[i].cut;
        if (cases[i].says)
            assert_fails(password_fits(password, err), INVALID, cases[i].says);
        else
            assert_ok(password_fits(password, err));
    }
}

static void a_hash_is_argon2id_and_salted(void **state)
{
    struct fixture *f = *state;
    char one[PASSWORD_HASH_TEXT_MAX], two[PASSWORD_HASH_TEXT_MAX];
    assert_ok(password_hash(f->access, SPAN(PASSWORD), one, err));
    assert_ok(password_hash(f->access, SPAN(PASSWORD), two, err));
    assert_true(span_starts(span_of(one), SPAN("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_string_not_equal(one, two);
    assert_true(password_matches(f->access, span_of(one), SPAN(PASSWORD)));
    assert_true(password_matches(f->access, span_of(two), SPAN(PASSWORD)));
}

static void only_the_same_bytes_match(void **state)
{
    struct fixture *f = *state;
    char hash[PASSWORD_HASH_TEXT_MAX];
    assert_ok(password_hash(f->access, SPAN(PASSWORD), hash, err));
    static const char *const others[] = {"", "Correct horse battery", PASSWORD " ",
                                         "correct horse batter"};
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(password_matches(f->access, span_of(hash), span_of(others[i])));
    assert_false(password_matches(f->access, span_of(hash), span_from(PASSWORD "\0x", 23)));
    static const char *const broken[] = {"", "x", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv"};
    for (size_t i = 0; i < COUNT(broken); i++)
        assert_false(password_matches(f->access, span_of(broken[i]), SPAN(PASSWORD)));
}

/* No byte is cut off: two long ones that differ at the end are different. */
static void nothing_is_cut(void **state)
{
    struct fixture *f = *state;
    char hash[PASSWORD_HASH_TEXT_MAX], password[200];
    memset(password, 'x', sizeof password);
    assert_ok(password_hash(f->access, span_from(password, sizeof password), hash, err));
    password[sizeof password - 1] = 'y';
    assert_false(password_matches(f->access, span_of(hash), span_from(password, sizeof password)));
}

/* Time is not measured here but work: it does not depend on the machine's load. */
static void an_unknown_user_costs_the_same_work(void **state)
{
    struct fixture *f = *state;
    int64_t cpu_ns[2];
    static const char *const users[] = {"admin", "nobody"};
    for (size_t i = 0; i < COUNT(users); i++) {
        int64_t before_ns = clock_cpu_ns();
        for (int k = 0; k < 4; k++)
            assert_int_equal(login(f, users[i], "wrong password", NOW_MS, NULL), DENIED);
        cpu_ns[i] = clock_cpu_ns() - before_ns;
    }
    assert_true(cpu_ns[1] > cpu_ns[0] / 2 && cpu_ns[0] > cpu_ns[1] / 2);
}

enum { CALLERS = 8 };

static void *hash_one(void *arg)
{
    char hash[PASSWORD_HASH_TEXT_MAX];
    return password_hash(arg, SPAN(PASSWORD), hash, NULL) ? arg : NULL;
}

static unsigned hashings_now(struct access *a)
{
    auto_lock *lock = access_lock(a);
    return a->hashings;
}

static void four_at_most_are_hashed_at_once(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[CALLERS];
    unsigned most = 0;
    for (int i = 0; i < CALLERS; i++)
        pthread_create(&threads[i], NULL, hash_one, f->access);
    for (int i = 0; i < 1000 && (!most || hashings_now(f->access)); i++) {
        most = MAX(most, hashings_now(f->access));
        usleep(200);
    }
    for (int i = 0; i < CALLERS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_in_range(most, 1, HASHINGS_MAX);
    assert_int_equal(hashings_now(f->access), 0);
}

const struct CMUnitTest password_tests[] = {
    cmocka_unit_test(rules_have_two_sides),
    EMPTY_TEST(a_hash_is_argon2id_and_salted),
    EMPTY_TEST(only_the_same_bytes_match),
    EMPTY_TEST(nothing_is_cut),
    ACCESS_TEST(an_unknown_user_costs_the_same_work),
    EMPTY_TEST(four_at_most_are_hashed_at_once),
};
const size_t password_tests_n = COUNT(password_tests);
