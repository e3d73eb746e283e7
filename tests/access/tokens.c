#include "access/access_state.h"
#include "fixture.h"

static void roles_are_ordered_and_named(void **state UNUSED)
{
    static const char *const names[] = {"none", "viewer", "operator", "admin"};
    for (size_t i = 0; i < COUNT(names); i++) {
        enum role role = ROLE_NONE;
        assert_string_equal(role_name((enum role)i), names[i]);
        assert_int_equal(role_of(span_of(names[i]), &role), i > 0);
        assert_int_equal(role, i);
        for (size_t k = 0; k < COUNT(names); k++) {
            struct principal user = {.kind = WHO_USER, .role = (enum role)i};
            struct principal token = {.kind = WHO_API_TOKEN, .role = (enum role)i};
            assert_int_equal(principal_is(&user, (enum role)k), i >= k);
            assert_int_equal(principal_is(&token, (enum role)k), i >= k);
        }
    }
    enum role role;
    assert_string_equal(role_name((enum role)99), "none");
    assert_false(role_of(SPAN("Admin"), &role));
    assert_false(role_of(SPAN(""), &role));
    /* An agent reads nothing, whatever stands in its role. */
    struct principal others[] = {{.kind = WHO_AGENT, .role = ROLE_ADMIN},
                                 {.kind = WHO_JOIN, .role = ROLE_ADMIN},
                                 {.kind = WHO_NOBODY, .role = ROLE_ADMIN}};
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(principal_is(&others[i], ROLE_VIEWER));
}

static void an_api_token_has_its_role_until_it_expires(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int64_t expires_ms, at_ms;
        bool ok;
    } cases[] = {
        {0, NOW_MS + 1000 * DAY_MS, true},
        {NOW_MS + DAY_MS, NOW_MS + DAY_MS - 1, true},
        {NOW_MS + DAY_MS, NOW_MS + DAY_MS, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char token[TOKEN_TEXT_MAX];
        struct principal who;
        assert_ok(access_api_token(f->access, "grafana", ROLE_OPERATOR, cases[i].expires_ms, NOW_MS,
                                   token, err));
        if (!cases[i].ok) {
            assert_fails(check_token(f, token, cases[i].at_ms, &who, err), DENIED, "expired");
            assert_int_equal(who.kind, WHO_NOBODY);
            continue;
        }
        assert_ok(check_token(f, token, cases[i].at_ms, &who, err));
        assert_int_equal(who.kind, WHO_API_TOKEN);
        assert_int_equal(who.role, ROLE_OPERATOR);
        assert_string_equal(who.name, "grafana");
    }
}

/* What was checked is believed for some seconds; expiry is not forgotten meanwhile. */
static void a_believed_token_still_expires(void **state)
{
    struct fixture *f = *state;
    char token[TOKEN_TEXT_MAX];
    struct principal who;
    assert_ok(access_api_token(f->access, "x", ROLE_VIEWER, NOW_MS + 1000, NOW_MS, token, err));
    assert_ok(check_token(f, token, NOW_MS + 999, &who, err));
    assert_fails(check_token(f, token, NOW_MS + 1000, &who, err), DENIED, "expired");
}

static void a_revoked_token_ends_within_seconds(void **state)
{
    struct fixture *f = *state;
    char token[TOKEN_TEXT_MAX];
    uint8_t hash[SHA256_BYTES];
    struct principal who;
    assert_ok(access_api_token(f->access, "x", ROLE_VIEWER, 0, NOW_MS, token, err));
    assert_ok(check_token(f, token, NOW_MS, &who, err));
    secret_hash(span_of(token), hash);
    assert_ok(record_token_revoke(f->record, hash, err));
    assert_ok(check_token(f, token, NOW_MS + TOKEN_FRESH_MS, &who, err));
    assert_fails(check_token(f, token, NOW_MS + TOKEN_FRESH_MS + 1, &who, err), DENIED, "revoked");
    /* A clock that goes back believes nothing. */
    assert_fails(check_token(f, token, NOW_MS - 1, &who, err), DENIED, "revoked");
}

static void what_is_no_token_is_refused(void **state)
{
    struct fixture *f = *state;
    char token[TOKEN_TEXT_MAX];
    assert_ok(access_api_token(f->access, "x", ROLE_ADMIN, 0, NOW_MS, token, err));
    const struct {
        const char *header;
        bool ok;
        const char *says;
    } cases[] = {
        {arena_printf(&f->arena, "Bearer %s", token), true, ""},
        {arena_printf(&f->arena, "bearer   %s  ", token), true, ""},
        {arena_printf(&f->arena, "Bearer %sx", token), false, "not known"},
        {arena_printf(&f->arena, "Bearer %.*s", (int)strlen(token) - 1, token), false, "not known"},
        {arena_printf(&f->arena, "Bearer %s %s", token, token), false, "not known"},
        {arena_printf(&f->arena, "Basic %s", token), false, "must be \"Bearer TOKEN\""},
        {token, false, "must be \"Bearer TOKEN\""},
        {"Bearer", false, "must be \"Bearer TOKEN\""},
        {"Bearer ", false, "must be \"Bearer TOKEN\""},
        {"Bearer ' OR 1=1 --", false, "not known"},
        {"", false, "sign in"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct principal who;
        struct span header = span_of(cases[i].header);
        if (cases[i].ok) {
            assert_ok(access_check(f->access, header, SPAN(""), NOW_MS, &who, err));
            continue;
        }
        assert_fails(access_check(f->access, header, SPAN(""), NOW_MS, &who, err), DENIED,
                     cases[i].says);
        assert_int_equal(who.kind, WHO_NOBODY);
    }
}

static void a_join_token_makes_agents(void **state)
{
    struct fixture *f = *state;
    char join[TOKEN_TEXT_MAX], agents[2][TOKEN_TEXT_MAX], third[TOKEN_TEXT_MAX];
    struct principal who;
    assert_ok(access_join_token(f->access, 2, NOW_MS + HOUR_MS, "admin", NOW_MS, join, err));
    struct span header = span_of(arena_printf(&f->arena, "Bearer %s", join));
    assert_ok(check_token(f, join, NOW_MS, &who, err));
    assert_int_equal(who.kind, WHO_JOIN);
    for (int i = 0; i < 2; i++)
        assert_ok(access_enroll(f->access, header, i ? SPAN("id-2") : SPAN("id-1"),
                                i ? SPAN("db") : SPAN("web"), NOW_MS, agents[i], err));
    assert_fails(access_enroll(f->access, header, SPAN("id-3"), SPAN("x"), NOW_MS, third, err),
                 DENIED, "used up");
    assert_fails(check_token(f, join, NOW_MS, &who, err), DENIED, "used up");
    for (int i = 0; i < 2; i++) {
        assert_ok(check_token(f, agents[i], NOW_MS + 1000 * DAY_MS, &who, err));
        assert_int_equal(who.kind, WHO_AGENT);
        assert_int_equal(who.role, ROLE_NONE);
        assert_string_equal(who.host_id, i ? "id-2" : "id-1");
        assert_string_equal(who.name, i ? "db" : "web");
    }
    assert_string_not_equal(agents[0], agents[1]);
    assert_int_equal(raw_number(f, "SELECT count(*) FROM audit WHERE what = 'agent enrolled'"), 2);
}

static void a_join_token_expires(void **state)
{
    struct fixture *f = *state;
    char join[TOKEN_TEXT_MAX], agent[TOKEN_TEXT_MAX];
    struct principal who;
    assert_ok(access_join_token(f->access, 5, NOW_MS + HOUR_MS, "admin", NOW_MS, join, err));
    struct span header = span_of(arena_printf(&f->arena, "Bearer %s", join));
    int64_t last_ms = NOW_MS + HOUR_MS - 1;
    assert_ok(access_enroll(f->access, header, SPAN("id-1"), SPAN("web"), last_ms, agent, err));
    assert_fails(
        access_enroll(f->access, header, SPAN("id-2"), SPAN("db"), last_ms + 1, agent, err), DENIED,
        "expired");
    assert_fails(check_token(f, join, last_ms + 1, &who, err), DENIED, "expired");
}

/* A token of another kind does not make agents, and a bad name uses nothing up. */
static void enrolling_is_for_join_tokens(void **state)
{
    struct fixture *f = *state;
    char api[TOKEN_TEXT_MAX], join[TOKEN_TEXT_MAX], agent[TOKEN_TEXT_MAX];
    char name[RECORD_NAME_MAX_BYTES + 1];
    memset(name, 'x', sizeof name);
    struct span fits = span_from(name, RECORD_NAME_MAX_BYTES), over = span_from(name, sizeof name);
    assert_ok(access_api_token(f->access, "x", ROLE_ADMIN, 0, NOW_MS, api, err));
    struct span header = span_of(arena_printf(&f->arena, "Bearer %s", api));
    assert_fails(access_enroll(f->access, header, SPAN("id"), SPAN("web"), NOW_MS, agent, err),
                 DENIED, "join token");
    assert_fails(access_enroll(f->access, SPAN(""), SPAN("id"), SPAN("web"), NOW_MS, agent, err),
                 DENIED, "join token");
    assert_ok(access_join_token(f->access, 1, 0, "admin", NOW_MS, join, err));
    header = span_of(arena_printf(&f->arena, "Bearer %s", join));
    assert_fails(access_enroll(f->access, header, over, fits, NOW_MS, agent, err), INVALID, "255");
    assert_fails(access_enroll(f->access, header, fits, over, NOW_MS, agent, err), INVALID, "255");
    assert_fails(access_enroll(f->access, header, SPAN(""), fits, NOW_MS, agent, err), INVALID,
                 "255");
    assert_ok(access_enroll(f->access, header, fits, fits, NOW_MS, agent, err));
    struct principal who;
    assert_ok(check_token(f, agent, NOW_MS, &who, err));
    assert_int_equal(strlen(who.host_id), RECORD_NAME_MAX_BYTES);
}

static void development_tokens_are_what_was_given(void **state)
{
    struct fixture *f = *state;
    struct principal who;
    assert_fails(check_token(f, "dev-admin", NOW_MS, &who, err), DENIED, "not known");
    access_dev_tokens(f->access, "dev-admin", "dev-writer");
    assert_ok(check_token(f, "dev-admin", NOW_MS, &who, err));
    assert_int_equal(who.kind, WHO_API_TOKEN);
    assert_int_equal(who.role, ROLE_ADMIN);
    assert_ok(check_token(f, "dev-writer", NOW_MS, &who, err));
    assert_int_equal(who.kind, WHO_AGENT);
    assert_string_equal(who.host_id, "");
    assert_fails(check_token(f, "dev-", NOW_MS, &who, err), DENIED, "not known");
    assert_int_equal(raw_number(f, "SELECT count(*) FROM tokens"), 0);
    access_close(NULL);
}

/* A token in the header counts, not the cookie beside it. */
static void a_bad_token_is_not_helped_by_a_cookie(void **state)
{
    struct fixture *f = *state;
    char cookie[128];
    struct principal who;
    assert_int_equal(login(f, "admin", PASSWORD, NOW_MS, cookie), OK);
    assert_fails(
        access_check(f->access, SPAN("Bearer nothing"), span_of(cookie), NOW_MS, &who, err), DENIED,
        "not known");
    assert_ok(access_check(f->access, SPAN(""), span_of(cookie), NOW_MS, &who, err));
}

const struct CMUnitTest tokens_tests[] = {
    cmocka_unit_test(roles_are_ordered_and_named),
    EMPTY_TEST(an_api_token_has_its_role_until_it_expires),
    EMPTY_TEST(a_believed_token_still_expires),
    EMPTY_TEST(a_revoked_token_ends_within_seconds),
    EMPTY_TEST(what_is_no_token_is_refused),
    EMPTY_TEST(a_join_token_makes_agents),
    EMPTY_TEST(a_join_token_expires),
    EMPTY_TEST(enrolling_is_for_join_tokens),
    EMPTY_TEST(development_tokens_are_what_was_given),
    ACCESS_TEST(a_bad_token_is_not_helped_by_a_cookie),
};
const size_t tokens_tests_n = COUNT(tokens_tests);
