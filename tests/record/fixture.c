#include "fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const hostile_texts[] = {
    "'; DROP TABLE hosts; --",
    "\" OR \"\"=\"",
    "') UNION SELECT password_hash FROM users --",
    "?1 :a @b $c",
    "% _ \\ \\' [a-z]",
    "<script>alert(1)</script>",
    "=1+1",
    "line\nand\ttab\r",
    "h\xc3\xa4user \xf0\x9f\x98\x80",
    "not utf-8: \xff\xc3",
};
const size_t hostile_texts_n = COUNT(hostile_texts);

int fixture_empty(void **state)
{
    struct fixture *f = mem_zero(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/galen-record-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/server_analysis.db", f->dir);
    *state = f;
    return 0;
}

int fixture_open(void **state)
{
    struct err err;
    if (fixture_empty(state))
        return -1;
    struct fixture *f = *state;
    return record_open(f->dir, &f->record, &err) == OK ? 0 : -1;
}

int fixture_close(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    struct fixture *f = *state;
    record_close(f->record);
    arena_free(&f->arena);
    chmod(f->dir, 0700);
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        char path[80];
        snprintf(path, sizeof path, "%s%s", f->path, suffixes[i]);
        unlink(path);
    }
    int failed = rmdir(f->dir);
    free(f);
    return failed;
}

void reopen(struct fixture *f)
{
    record_close(f->record);
    assert_ok(record_open(f->dir, &f->record, err));
}

static int add_row(void *arg, int n, char **values, char **names UNUSED)
{
    struct buf *out = arg;
    for (int i = 0; i < n; i++)
        buf_printf(out, "%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
    buf_char(out, '\n');
    return 0;
}

void raw_sql(const struct fixture *f, const char *sql, struct buf *out)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    char *message = NULL;
    if (sqlite3_exec(db, sql, add_row, out, &message) != SQLITE_OK)
        buf_printf(out, "! %s", message);
    sqlite3_free(message);
    sqlite3_close(db);
}

void assert_sql(const struct fixture *f, const char *sql, const char *want)
{
    auto_buf out = {0};
    raw_sql(f, sql, &out);
    assert_string_equal(buf_text(&out), want);
}
