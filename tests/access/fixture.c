#include "fixture.h"

#include "access/access_state.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fixture_empty(void **state)
{
    struct err err;
    struct fixture *f = mem_zero(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/galen-access-XXXXXX");
    if (!mkdtemp(f->dir) || record_open(f->dir, &f->record, &err))
        return -1;
    f->access = access_open(f->record);
    *state = f;
    return 0;
}

void put_user(struct fixture *f, const char *name, enum role role, const char *password)
{
    char hash[PASSWORD_HASH_TEXT_MAX];
    assert_ok(password_hash(f->access, span_of(password), hash, err));
    struct user_row user = {.name = span_of(name), .password_hash = span_of(hash), .role = role};
    assert_ok(record_user_put(f->record, &user, err));
}

int fixture_admin(void **state)
{
    if (fixture_empty(state))
        return -1;
    put_user(*state, "admin", ROLE_ADMIN, PASSWORD);
    return 0;
}

int fixture_close(void **state)
{
    struct fixture *f = *state;
    access_close(f->access);
    record_close(f->record);
    arena_free(&f->arena);
    char path[64];
    snprintf(path, sizeof path, "%s/server_analysis.db", f->dir);
    unlink(path);
    int failed = rmdir(f->dir);
    free(f);
    return failed;
}

enum status login(struct fixture *f, const char *user, const char *password, int64_t now_ms,
                  char *cookie)
{
    char session[SESSION_TEXT_MAX];
    struct principal who;
    int64_t retry_s;
    enum status st = access_login(f->access, span_of(user), span_of(password), SPAN("192.0.2.1"),
                                  now_ms, session, &who, &retry_s, NULL);
    assert_int_equal(st == AGAIN, retry_s > 0);
    if (!st && cookie)
        snprintf(cookie, 128, "theme=dark; galen_session=%s", session);
    return st;
}

enum status check_token(struct fixture *f, const char *token, int64_t now_ms, struct principal *out,
                        struct err *err)
{
    const char *header = arena_printf(&f->arena, "Bearer %s", token);
    return access_check(f->access, span_of(header), SPAN(""), now_ms, out, err);
}

int64_t raw_number(struct fixture *f, const char *sql)
{
    char path[64];
    sqlite3 *db;
    sqlite3_stmt *statement;
    snprintf(path, sizeof path, "%s/server_analysis.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return n;
}
