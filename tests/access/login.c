#include "fixture.h"

#include <stdio.h>

static enum status check_cookie(struct fixture *f, const char *cookie, int64_t now_ms,
                                struct principal *out)
{
    return access_check(f->access, SPAN(""), span_of(cookie), now_ms, out, NULL);
}

static void the_first_start_makes_an_admin(void **state)
{
    struct fixture *f = *state;
    char password[TOKEN_TEXT_MAX], cookie[128];
    bool made = false;
    struct principal who;
    assert_ok(access_first_start(f->access, NOW_MS, password, &made, err));
    assert_true(made);
    assert_int_equal(strlen(password), 20);
    assert_int_equal(login(f, "admin", password, NOW_MS, cookie), OK);
    assert_int_equal(check_cookie(f, cookie, NOW_MS, &who), OK);
    assert_int_equal(who.kind, WHO_USER);
    assert_int_equal(who.role, ROLE_ADMIN);
    assert_true(who.must_change);
    assert_string_equal(who.name, "admin");
}

static void the_one_time_password_lasts_a_day(void **state)
{
    struct fixture *f = *state;
    char password[TOKEN_TEXT_MAX];
    bool made;
    assert_ok(access_first_start(f->access, NOW_MS, password, &made, err));
    assert_int_equal(login(f, "admin", password, NOW_MS + DAY_MS, NULL), OK);
    assert_int_equal(login(f, "admin", password, NOW_MS + DAY_MS + 1, NULL), DENIED);
}

/* Nobody has chosen a password: a new one is made, and the old one and its session are void. */
static void each_start_until_then_makes_another(void **state)
{
    struct fixture *f = *state;
    char first[TOKEN_TEXT_MAX], second[TOKEN_TEXT_MAX], cookie[128];
    bool made;
    struct principal who;
    assert_ok(access_first_start(f->access, NOW_MS, first, &made, err));
    assert_int_equal(login(f, "admin", first, NOW_MS, cookie), OK);
    assert_ok(access_first_start(f->access, NOW_MS + 2 * DAY_MS, second, &made, err));
    assert_true(made);
    assert_string_not_equal(first, second);
    assert_int_equal(check_cookie(f, cookie, NOW_MS, &who), DENIED);
    assert_int_equal(login(f, "admin", first, NOW_MS + 2 * DAY_MS, NULL), DENIED);
    assert_int_equal(login(f, "admin", second, NOW_MS + 2 * DAY_MS, NULL), OK);
}

static void a_chosen_password_stays(void **state)
{
    struct fixture *f = *state;
    char one_time[TOKEN_TEXT_MAX], cookie[128];
    bool made;
    struct principal who;
    assert_ok(access_first_start(f->access, NOW_MS, one_time, &made, err));
    assert_int_equal(login(f, "admin", one_time, NOW_MS, cookie), OK);
    assert_int_equal(check_cookie(f, cookie, NOW_MS, &who), OK);
    assert_ok(access_password(f->access, &who, span_of(one_time), SPAN(PASSWORD), NOW_MS, err));
    assert_int_equal(check_cookie(f, cookie, NOW_MS, &who), OK);
    assert_false(who.must_change);
    assert_ok(access_first_start(f->access, NOW_MS, one_time, &made, err));
    assert_false(made);
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS + 100 * DAY_MS, NULL), OK);
}

static void every_refusal_says_the_same(void **state)
{
    struct fixture *f = *state;
    char longest[PASSWORD_MAX_BYTES + 2] = {0};
    memset(longest, 'x', PASSWORD_MAX_BYTES + 1);
    const struct {
        const char *user, *password;
    } cases[] = {
        {"admin", "wrong"},
        {"admin", ""},
        {"nobody", PASSWORD},
        {"", ""},
        {"ADMIN", PASSWORD},
        {"admin", longest},
        {"' OR 1=1 --", "' OR 1=1 --"},
        {"admin\n", PASSWORD},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char session[SESSION_TEXT_MAX];
        struct principal who;
        struct err err = {0};
        int64_t retry_s;
        enum status st = access_login(f->access, span_of(cases[i].user), span_of(cases[i].password),
                                      SPAN("192.0.2.1"), NOW_MS, session, &who, &retry_s, &err);
        assert_int_equal(st, DENIED);
        assert_string_equal(err.text, "name or password is wrong");
        assert_int_equal(who.kind, WHO_NOBODY);
        assert_int_equal(retry_s, 0);
    }
}

static void guessing_is_slowed_even_with_the_right_one(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(login(f, "admin", "wrong", NOW_MS, NULL), DENIED);
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, NULL), AGAIN);
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS + MINUTE_MS, NULL), OK);
}

static void a_session_ends_when_unused_and_when_old(void **state)
{
    struct fixture *f = *state;
    char cookie[128];
    struct principal who;
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, cookie), OK);
    assert_int_equal(check_cookie(f, cookie, NOW_MS + 8 * HOUR_MS, &who), OK); /* used: goes on */
    assert_int_equal(check_cookie(f, cookie, NOW_MS + 16 * HOUR_MS, &who), OK);
    assert_int_equal(check_cookie(f, cookie, NOW_MS + 24 * HOUR_MS + 1, &who), DENIED);
    assert_int_equal(who.kind, WHO_NOBODY);

    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, cookie), OK);
    for (int64_t hour = 0; hour <= 7 * 24; hour += 6)
        assert_int_equal(check_cookie(f, cookie, NOW_MS + hour * HOUR_MS, &who), OK);
    assert_int_equal(check_cookie(f, cookie, NOW_MS + 7 * DAY_MS + 1, &who), DENIED);
}

static void signing_out_ends_the_session_alone(void **state)
{
    struct fixture *f = *state;
    char one[128], two[128];
    struct principal who;
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, one), OK);
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, two), OK);
    assert_string_not_equal(one, two);
    assert_int_equal(check_cookie(f, one, NOW_MS, &who), OK);
    assert_ok(access_logout(f->access, &who, err));
    assert_int_equal(check_cookie(f, one, NOW_MS, &who), DENIED);
    assert_int_equal(check_cookie(f, two, NOW_MS, &who), OK);
}

static void a_new_password_ends_the_other_sessions(void **state)
{
    struct fixture *f = *state;
    char mine[128], other[128];
    struct principal who;
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, mine), OK);
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, other), OK);
    assert_int_equal(check_cookie(f, mine, NOW_MS, &who), OK);
    assert_ok(
        access_password(f->access, &who, SPAN(PASSWORD), SPAN("another good one"), NOW_MS, err));
    assert_int_equal(check_cookie(f, mine, NOW_MS, &who), OK);
    assert_int_equal(check_cookie(f, other, NOW_MS, &who), DENIED);
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, NULL), DENIED);
    assert_int_equal(login(f, "admin", "another good one", NOW_MS, NULL), OK);
}

static void changing_a_password_needs_the_old_one(void **state)
{
    struct fixture *f = *state;
    char cookie[128];
    struct principal who, token = {.kind = WHO_API_TOKEN, .role = ROLE_ADMIN, .name = "admin"};
    struct span old = SPAN(PASSWORD), new = SPAN("another good one");
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, cookie), OK);
    assert_int_equal(check_cookie(f, cookie, NOW_MS, &who), OK);
    assert_fails(access_password(f->access, &who, old, old, NOW_MS, err), INVALID, "the old one");
    assert_fails(access_password(f->access, &who, old, SPAN("short"), NOW_MS, err), INVALID,
                 "at least 8");
    assert_fails(access_password(f->access, &who, old, SPAN("password"), NOW_MS, err), INVALID,
                 "guessed");
    /* A token that happens to have the name is not the person. */
    assert_fails(access_password(f->access, &token, old, new, NOW_MS, err), DENIED, "signed in");
    for (int i = 0; i < 5; i++)
        assert_fails(access_password(f->access, &who, SPAN("wrong"), new, NOW_MS, err), DENIED,
                     "old password is wrong");
    assert_fails(access_password(f->access, &who, old, new, NOW_MS, err), AGAIN, "wait 60 s");
    assert_ok(access_password(f->access, &who, old, new, NOW_MS + MINUTE_MS, err));
}

static void secrets_are_kept_as_digests_only(void **state)
{
    struct fixture *f = *state;
    char cookie[128], token[TOKEN_TEXT_MAX];
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, cookie), OK);
    assert_ok(access_api_token(f->access, "grafana", ROLE_VIEWER, 0, NOW_MS, token, err));
    assert_int_equal(raw_number(f, "SELECT count(*) FROM sessions WHERE length(hash) = 32"), 1);
    assert_int_equal(raw_number(f, "SELECT count(*) FROM tokens WHERE length(hash) = 32"), 1);
    assert_int_equal(raw_number(f, "SELECT count(*) FROM users WHERE password_hash LIKE '$argon%'"),
                     1);
}

static void the_audit_tells_who_came_and_who_did_not(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, NULL), OK);
    assert_int_equal(login(f, "eve", "wrong", NOW_MS, NULL), DENIED);
    assert_int_equal(raw_number(f, "SELECT count(*) FROM audit WHERE who = 'admin' AND"
                                   " what = 'login' AND detail = '192.0.2.1'"),
                     1);
    assert_int_equal(raw_number(f, "SELECT count(*) FROM audit WHERE who = 'eve' AND"
                                   " what = 'login refused' AND detail = '192.0.2.1'"),
                     1);
}

static void the_cookie_is_found_among_others(void **state)
{
    struct fixture *f = *state;
    char cookie[128];
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, cookie), OK);
    const char *value = strchr(cookie, ';') + 2 + strlen("galen_session=");
    static const struct {
        const char *before, *after;
        bool found;
    } cases[] = {
        {"galen_session=", "", true},
        {"__Host-galen_session=", "", true},
        {"a=1;galen_session=", ";b=2", true},
        {"a=1;  galen_session=", " ; b=2", true},
        {"a=galen_session; galen_session=", "", true},
        {"", "", false},
        {"galen_session", "", false},
        {"galen_sessions=", "", false},
        {"xgalen_session=", "", false},
        {"Galen_Session=", "", false},
        {"galen_session=x", "", false},
        {"galen_session=", "x", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf header = {0};
        struct principal who;
        buf_printf(&header, "%s%s%s", cases[i].before, value, cases[i].after);
        enum status st = check_cookie(f, buf_text(&header), NOW_MS, &who);
        if ((st == OK) != cases[i].found)
            fail_msg("%s", buf_text(&header));
    }
}

static void cookies_are_strict(void **state UNUSED)
{
    static const struct {
        const char *value;
        bool tls;
        const char *want;
    } cases[] = {
        {"abc", false, "galen_session=abc; Path=/; HttpOnly; SameSite=Strict"},
        {"abc", true, "__Host-galen_session=abc; Path=/; HttpOnly; SameSite=Strict; Secure"},
        {"", false, "galen_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"},
        {"", true, "__Host-galen_session=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        access_cookie(&out, cases[i].value, cases[i].tls);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
}

static void other_sites_are_told_apart(void **state UNUSED)
{
    static const struct {
        const char *origin, *site, *host;
        bool same;
    } cases[] = {
        {"", "", "h:5000", true}, /* a program */
        {"", "same-origin", "h", true},
        {"", "none", "h", true},
        {"", "same-site", "h", false},
        {"", "cross-site", "h", false},
        {"", "SAME-ORIGIN", "h", false},
        {"https://h", "cross-site", "h", false},
        {"https://h", "", "h", true},
        {"http://h:5000", "", "h:5000", true},
        {"http://H:5000", "", "h:5000", true},
        {"http://h:5001", "", "h:5000", false},
        {"http://h", "", "h:5000", false},
        {"https://evil", "", "h", false},
        {"https://h.evil", "", "h", false},
        {"https://evilh", "", "h", false},
        {"https://h/", "", "h", false},
        {"https://user@h", "", "h", false},
        {"null", "", "h", false},
        {"null", "", "null", false},
        {"file://h", "", "h", false},
        {"https://", "", "h", false},
        {"https://[::1]:5000", "", "[::1]:5000", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool same = access_same_origin(span_of(cases[i].origin), span_of(cases[i].site),
                                       span_of(cases[i].host));
        if (same != cases[i].same)
            fail_msg("Origin %s, site %s, Host %s", cases[i].origin, cases[i].site, cases[i].host);
    }
}

const struct CMUnitTest login_tests[] = {
    EMPTY_TEST(the_first_start_makes_an_admin),
    EMPTY_TEST(the_one_time_password_lasts_a_day),
    EMPTY_TEST(each_start_until_then_makes_another),
    EMPTY_TEST(a_chosen_password_stays),
    ACCESS_TEST(every_refusal_says_the_same),
    ACCESS_TEST(guessing_is_slowed_even_with_the_right_one),
    ACCESS_TEST(a_session_ends_when_unused_and_when_old),
    ACCESS_TEST(signing_out_ends_the_session_alone),
    ACCESS_TEST(a_new_password_ends_the_other_sessions),
    ACCESS_TEST(changing_a_password_needs_the_old_one),
    ACCESS_TEST(secrets_are_kept_as_digests_only),
    ACCESS_TEST(the_audit_tells_who_came_and_who_did_not),
    ACCESS_TEST(the_cookie_is_found_among_others),
    cmocka_unit_test(cookies_are_strict),
    cmocka_unit_test(other_sites_are_told_apart),
};
const size_t login_tests_n = COUNT(login_tests);
