/* Access over a record in a directory of its own, with an admin who has chosen a password. */
#pragma once

#include "access/access.h"
#include "unit.h"

#define NOW_MS INT64_C(1763706600000)
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define PASSWORD "correct horse battery"

struct fixture {
    char dir[32];
    struct record *record;
    struct access *access;
    struct arena arena;
};

int fixture_empty(void **state); /* nobody yet */
int fixture_admin(void **state); /* user admin with PASSWORD */
int fixture_close(void **state);

void put_user(struct fixture *f, const char *name, enum role role, const char *password);
/* access_login from address "192.0.2.1"; the cookie header of the session into cookie[128]. */
enum status login(struct fixture *f, const char *user, const char *password, int64_t now_ms,
                  char *cookie);
/* access_check with "Bearer token". */
enum status check_token(struct fixture *f, const char *token, int64_t now_ms, struct principal *out,
                        struct err *err);
/* The result of a select that gives one number. */
int64_t raw_number(struct fixture *f, const char *sql);

#define EMPTY_TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_empty, fixture_close)
#define ACCESS_TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_admin, fixture_close)
