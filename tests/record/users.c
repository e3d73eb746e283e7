/* Users, their sessions, and tokens. */
#include "fixture.h"

static void put_user(struct fixture *f, const char *name)
{
    struct user_row user = {
        .name = span_of(name), .password_hash = SPAN("$argon2id$x"), .role = ROLE_VIEWER};
    assert_ok(record_user_put(f->record, &user, err));
}

static void a_user_is_put_and_changed(void **state)
{
    struct fixture *f = *state;
    struct user_row in = {.name = SPAN("eva"),
                          .password_hash = SPAN("$argon2id$one"),
                          .role = ROLE_ADMIN,
                          .must_change = true,
                          .one_time_until_ms = 5000},
                    out;
    uint64_t n;
    for (int round = 0; round < 2; round++) {
        assert_ok(record_user_put(f->record, &in, err));
        assert_ok(record_user(f->record, SPAN("eva"), &f->arena, &out, err));
        assert_span(out.name, "eva");
        assert_true(span_eq(out.password_hash, in.password_hash));
        assert_int_equal(out.role, in.role);
        assert_int_equal(out.must_change, in.must_change);
        assert_int_equal(out.one_time_until_ms, in.one_time_until_ms);
        in = (struct user_row){
            .name = SPAN("eva"), .password_hash = SPAN("$argon2id$two"), .role = ROLE_VIEWER};
    }
    assert_ok(record_users_count(f->record, &n, err));
    assert_int_equal(n, 1);
    assert_fails(record_user(f->record, SPAN("Eva"), &f->arena, &out, err), NOT_FOUND,
                 "no user \"Eva\"");
}

static void names_have_a_ceiling(void **state)
{
    struct fixture *f = *state;
    char name[RECORD_NAME_MAX_BYTES + 1];
    memset(name, 'x', sizeof name);
    static const struct {
        size_t len;
        bool ok;
    } cases[] = {
        {0, false}, {1, true}, {RECORD_NAME_MAX_BYTES, true}, {RECORD_NAME_MAX_BYTES + 1, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct user_row user = {.name = span_from(name, cases[i].len), .password_hash = SPAN("")};
        struct token_row token = {.name = span_from(name, cases[i].len), .hash = {(uint8_t)i}};
        struct token_row bound = {.host_id = span_from(name, cases[i].len),
                                  .hash = {(uint8_t)(100 + i)}};
        bool long_one = cases[i].len > RECORD_NAME_MAX_BYTES;
        assert_int_equal(record_user_put(f->record, &user, NULL), cases[i].ok ? OK : INVALID);
        assert_int_equal(record_token_put(f->record, &token, NULL), long_one ? INVALID : OK);
        assert_int_equal(record_token_put(f->record, &bound, NULL), long_one ? INVALID : OK);
    }
}

static void any_text_is_only_text(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < hostile_texts_n; i++) {
        struct span text = span_of(hostile_texts[i]);
        struct user_row in = {.name = text, .password_hash = text, .role = ROLE_VIEWER}, out;
        assert_ok(record_user_put(f->record, &in, err));
        assert_ok(record_user(f->record, text, &f->arena, &out, err));
        assert_true(span_eq(out.name, text) && span_eq(out.password_hash, text));
        struct token_row token = {.name = text, .host_id = text, .hash = {(uint8_t)i}}, again;
        assert_ok(record_token_put(f->record, &token, err));
        assert_ok(record_token(f->record, token.hash, &f->arena, &again, err));
        assert_true(span_eq(again.name, text) && span_eq(again.host_id, text));
        assert_ok(record_sessions_delete_user(f->record, text, NULL, err));
    }
    uint64_t n;
    assert_ok(record_users_count(f->record, &n, err));
    assert_int_equal(n, hostile_texts_n);
}

static void put_session(struct fixture *f, const char *user, uint8_t id, int64_t created_ms,
                        int64_t used_ms)
{
    struct session_row s = {
        .hash = {id}, .user = span_of(user), .created_ms = created_ms, .used_ms = used_ms};
    assert_ok(record_session_put(f->record, &s, err));
}

static bool has_session(struct fixture *f, uint8_t id)
{
    struct session_row s;
    const uint8_t hash[SHA256_BYTES] = {id};
    enum status st = record_session(f->record, hash, &f->arena, &s, NULL);
    assert_true(st == OK || st == NOT_FOUND);
    if (st == OK)
        assert_memory_equal(s.hash, hash, sizeof hash);
    return st == OK;
}

static void a_session_is_put_used_and_ended(void **state)
{
    struct fixture *f = *state;
    struct session_row s;
    put_user(f, "eva");
    put_session(f, "eva", 1, 1000, 1000);
    put_session(f, "eva", 1, 9999, 2000); /* used again: created stays */
    const uint8_t hash[SHA256_BYTES] = {1};
    assert_ok(record_session(f->record, hash, &f->arena, &s, err));
    assert_span(s.user, "eva");
    assert_int_equal(s.created_ms, 1000);
    assert_int_equal(s.used_ms, 2000);
    assert_ok(record_session_delete(f->record, hash, err));
    assert_false(has_session(f, 1));
    assert_ok(record_session_delete(f->record, hash, err)); /* twice is fine */
}

static void a_session_needs_its_user(void **state)
{
    struct fixture *f = *state;
    struct session_row s = {.hash = {1}, .user = SPAN("nobody")};
    assert_fails(record_session_put(f->record, &s, err), INVALID, "FOREIGN KEY");
    put_user(f, "eva");
    put_session(f, "eva", 1, 1, 1);
    assert_sql(f, "PRAGMA foreign_keys = ON; DELETE FROM users WHERE name = 'eva'", "");
    assert_false(has_session(f, 1));
}

static void a_users_sessions_end_but_for_one(void **state)
{
    struct fixture *f = *state;
    put_user(f, "eva");
    put_user(f, "max");
    for (uint8_t i = 1; i <= 3; i++)
        put_session(f, i == 3 ? "max" : "eva", i, 1, 1);
    const uint8_t kept[SHA256_BYTES] = {2};
    assert_ok(record_sessions_delete_user(f->record, SPAN("eva"), kept, err));
    assert_false(has_session(f, 1));
    assert_true(has_session(f, 2));
    assert_ok(record_sessions_delete_user(f->record, SPAN("eva"), NULL, err));
    assert_false(has_session(f, 2));
    assert_true(has_session(f, 3));
}

static void sessions_expire_by_age_and_by_rest(void **state)
{
    static const struct {
        int64_t created_ms, used_ms;
        bool stays; /* created before 100 or used before 200 goes */
    } cases[] = {{99, 500, false}, {100, 500, true},  {100, 199, false},
                 {100, 200, true}, {500, 100, false}, {500, 500, true}};
    struct fixture *f = *state;
    put_user(f, "eva");
    for (uint8_t i = 0; i < COUNT(cases); i++)
        put_session(f, "eva", i, cases[i].created_ms, cases[i].used_ms);
    assert_ok(record_sessions_expire(f->record, 100, 200, err));
    for (uint8_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(has_session(f, i), cases[i].stays);
}

static void a_token_comes_back_whole(void **state)
{
    struct fixture *f = *state;
    static const struct token_row tokens[] = {
        {.hash = {1}, .kind = TOKEN_API, .role = ROLE_OPERATOR, .name = {"grafana", 7}},
        {.hash = {2}, .kind = TOKEN_AGENT, .name = {"web", 3}, .host_id = {"id-1", 4}},
        {.hash = {3}, .kind = TOKEN_JOIN, .uses_left = 5, .created_ms = 7, .expires_ms = 9},
    };
    for (size_t i = 0; i < COUNT(tokens); i++) {
        struct token_row out;
        const struct token_row *in = &tokens[i];
        assert_ok(record_token_put(f->record, in, err));
        assert_fails(record_token_put(f->record, in, err), EXISTS, "UNIQUE");
        assert_ok(record_token(f->record, in->hash, &f->arena, &out, err));
        assert_memory_equal(out.hash, in->hash, SHA256_BYTES);
        assert_int_equal(out.kind, in->kind);
        assert_int_equal(out.role, in->role);
        assert_true(span_eq(out.name, in->name) && span_eq(out.host_id, in->host_id));
        assert_int_equal(out.created_ms, in->created_ms);
        assert_int_equal(out.expires_ms, in->expires_ms);
        assert_int_equal(out.uses_left, in->uses_left);
        assert_false(out.revoked);
        assert_ok(record_token_revoke(f->record, in->hash, err));
        assert_ok(record_token(f->record, in->hash, &f->arena, &out, err));
        assert_true(out.revoked);
    }
    struct token_row out;
    const uint8_t unknown[SHA256_BYTES] = {99};
    assert_fails(record_token(f->record, unknown, &f->arena, &out, err), NOT_FOUND, "no such");
    assert_fails(record_token_revoke(f->record, unknown, err), NOT_FOUND, "no such");
}

static void a_join_token_is_used_up(void **state)
{
    static const struct {
        struct token_row token;
        int64_t now_ms;
        int times; /* that it works */
    } cases[] = {
        {{.hash = {1}, .kind = TOKEN_JOIN, .uses_left = 1}, 0, 1},
        {{.hash = {2}, .kind = TOKEN_JOIN, .uses_left = 3}, 0, 3},
        {{.hash = {3}, .kind = TOKEN_JOIN, .uses_left = 0}, 0, 0},
        {{.hash = {4}, .kind = TOKEN_JOIN, .uses_left = 1, .expires_ms = 1000}, 999, 1},
        {{.hash = {5}, .kind = TOKEN_JOIN, .uses_left = 1, .expires_ms = 1000}, 1000, 0},
        {{.hash = {6}, .kind = TOKEN_JOIN, .uses_left = 1, .revoked = true}, 0, 0},
        {{.hash = {7}, .kind = TOKEN_AGENT, .uses_left = 1}, 0, 0},
        {{.hash = {8}, .kind = TOKEN_API, .uses_left = 1}, 0, 0},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_ok(record_token_put(f->record, &cases[i].token, err));
        for (int k = 0; k < cases[i].times; k++)
            assert_ok(record_token_use(f->record, cases[i].token.hash, cases[i].now_ms, err));
        assert_fails(record_token_use(f->record, cases[i].token.hash, cases[i].now_ms, err), DENIED,
                     "join token");
    }
    const uint8_t unknown[SHA256_BYTES] = {99};
    assert_fails(record_token_use(f->record, unknown, 0, err), DENIED, "join token");
}

const struct CMUnitTest users_tests[] = {
    RECORD_TEST(a_user_is_put_and_changed),
    RECORD_TEST(names_have_a_ceiling),
    RECORD_TEST(any_text_is_only_text),
    RECORD_TEST(a_session_is_put_used_and_ended),
    RECORD_TEST(a_session_needs_its_user),
    RECORD_TEST(a_users_sessions_end_but_for_one),
    RECORD_TEST(sessions_expire_by_age_and_by_rest),
    RECORD_TEST(a_token_comes_back_whole),
    RECORD_TEST(a_join_token_is_used_up),
};
const size_t users_tests_n = COUNT(users_tests);
