/* A record in a directory of its own, and another program's view of the same file. */
#pragma once

#include "record/record.h"
#include "unit.h"

struct fixture {
    char dir[32], path[64];
    struct record *record;
    struct arena arena;
};

int fixture_open(void **state);  /* a new, opened record */
int fixture_empty(void **state); /* only the directory */
int fixture_close(void **state);

void reopen(struct fixture *f);
/* Runs SQL on a connection of its own, as sqlite3(1) would; the rows as "a|b\n", or the error. */
void raw_sql(const struct fixture *f, const char *sql, struct buf *out);
void assert_sql(const struct fixture *f, const char *sql, const char *want);

/* SQL, markup and bytes that must come back as they went in. */
extern const char *const hostile_texts[];
extern const size_t hostile_texts_n;

#define RECORD_TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_open, fixture_close)
#define EMPTY_TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_empty, fixture_close)
