/* The file itself: opening, migrating, sharing, refusing. */
#include "base/file.h"
#include "fixture.h"
#include "record/db.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void only_the_owner_reads_it(void **state)
{
    struct fixture *f = *state;
    assert_ok(record_host_seen(f->record, SPAN("id"), SPAN("web"), 1, err));
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        char path[80];
        struct stat info;
        snprintf(path, sizeof path, "%s%s", f->path, suffixes[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
}

static void a_missing_directory_is_made(void **state)
{
    struct fixture *f = *state;
    char deep[64], path[96];
    snprintf(deep, sizeof deep, "%s/a", f->dir);
    struct record *r = NULL;
    assert_ok(record_open(deep, &r, err));
    assert_ok(record_writable(r, err));
    record_close(r);
    snprintf(path, sizeof path, "%s/server_analysis.db", deep);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(deep), 0);
}

static void everything_survives_closing(void **state)
{
    struct fixture *f = *state;
    struct host_row host;
    assert_ok(record_host_seen(f->record, SPAN("id"), SPAN("web"), 1000, err));
    reopen(f);
    assert_ok(record_host(f->record, SPAN("id"), &f->arena, &host, err));
    assert_span(host.name, "web");
    record_close(NULL);
}

static void two_opens_see_each_other(void **state)
{
    struct fixture *f = *state;
    struct record *other = NULL;
    struct host_row host;
    assert_ok(record_open(f->dir, &other, err));
    assert_ok(record_host_seen(f->record, SPAN("a"), SPAN("web"), 1, err));
    assert_ok(record_host_seen(other, SPAN("b"), SPAN("db"), 2, err));
    assert_ok(record_host(other, SPAN("a"), &f->arena, &host, err));
    assert_ok(record_host(f->record, SPAN("b"), &f->arena, &host, err));
    assert_span(host.name, "db");
    record_close(other);
}

enum { WRITERS = 4, WRITES = 25 };

static void *write_many(void *arg)
{
    struct record *r = arg;
    for (int i = 0; i < WRITES; i++) {
        struct result_row row = {.data = SPAN("{}"), .result = SPAN("{}")};
        if (record_result_add(r, &row, NULL, NULL))
            return (void *)1;
    }
    return NULL;
}

/* Threads of one record, and two records, at once: all rows are there. */
static void many_write_at_once(void **state)
{
    struct fixture *f = *state;
    struct record *other = NULL;
    assert_ok(record_open(f->dir, &other, err));
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, write_many, i & 1 ? other : f->record);
    for (int i = 0; i < WRITERS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    record_close(other);
    struct result_summary s;
    assert_ok(record_results_summary(f->record, &(struct result_filter){0}, &f->arena, &s, err));
    assert_int_equal(s.total, WRITERS * WRITES);
}

static void *open_and_close(void *arg)
{
    struct record *r = NULL;
    if (record_open(arg, &r, NULL))
        return (void *)1;
    record_close(r);
    return NULL;
}

static void two_may_make_it_at_once(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 5; round++) {
        pthread_t threads[WRITERS];
        for (int i = 0; i < WRITERS; i++)
            pthread_create(&threads[i], NULL, open_and_close, f->dir);
        for (int i = 0; i < WRITERS; i++) {
            void *failed;
            pthread_join(threads[i], &failed);
            assert_null(failed);
        }
        unlink(f->path);
    }
}

static void a_newer_database_is_refused(void **state)
{
    struct fixture *f = *state;
    record_close(f->record);
    f->record = NULL;
    assert_sql(f, "PRAGMA user_version = 1000", "");
    assert_fails(record_open(f->dir, &f->record, err), UNSUPPORTED,
                 "was written by a newer version");
    assert_fails(record_open(f->dir, &f->record, err), UNSUPPORTED, f->path);
    assert_null(f->record);
    assert_sql(f, "SELECT name FROM sqlite_schema WHERE name = 'hosts'; PRAGMA user_version",
               "hosts\n1000\n");
}

static void other_bytes_are_refused_by_name(void **state)
{
    struct fixture *f = *state;
    auto_buf bytes = {0};
    for (int i = 0; i < 1000; i++)
        buf_str(&bytes, "this is no database ");
    assert_ok(file_write_atomic(f->path, buf_view(&bytes), 0600, err));
    assert_fails(record_open(f->dir, &f->record, err), CORRUPT, f->path);
    assert_null(f->record);
}

/* A page in the middle is overwritten: whoever meets it says so. */
static void damage_is_told_with_the_file(void **state)
{
    struct fixture *f = *state;
    auto_buf text = {0};
    buf_fill(&text, 'x', 3000);
    struct result_row row = {.data = buf_view(&text), .result = SPAN("{}")};
    for (int i = 0; i < 50; i++)
        assert_ok(record_result_add(f->record, &row, NULL, err));
    record_close(f->record);
    f->record = NULL;
    FILE *file = fopen(f->path, "r+");
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fseek(file, 4096, SEEK_SET);
    for (long i = 4096; i < size; i++)
        fputc(0x55, file);
    fclose(file);
    struct err err = {0};
    enum status st = record_open(f->dir, &f->record, &err);
    struct result_row *rows;
    size_t n;
    if (!st)
        st = record_results(f->record, &(struct result_filter){.predicted_class = -1, .limit = 100},
                            &f->arena, &rows, &n, &err);
    assert_int_equal(st, CORRUPT);
    assert_non_null(strstr(err.text, f->path));
}

static void another_programs_database_is_left_alone(void **state)
{
    struct fixture *f = *state;
    assert_sql(f, "CREATE TABLE hosts (name TEXT, role TEXT); INSERT INTO hosts VALUES ('a', 'b')",
               "");
    assert_fails(record_open(f->dir, &f->record, err), INVALID, "tables of another program");
    assert_fails(record_open(f->dir, &f->record, err), INVALID, f->path);
    assert_sql(f, "SELECT * FROM hosts", "a|b\n");
}

/* A database with the three columns alone, as it is made by hand, is taken over. */
static void a_table_made_by_hand_is_taken_over(void **state)
{
    struct fixture *f = *state;
    assert_sql(f,
               "CREATE TABLE analysis_results (id INTEGER PRIMARY KEY AUTOINCREMENT, data TEXT,"
               " result TEXT);"
               "INSERT INTO analysis_results (id, data, result) VALUES"
               " (3, '{\"cpu_usage\": 7}', '{\"predicted_class\": 2}'), (9, 'no', 'json')",
               "");
    assert_ok(record_open(f->dir, &f->record, err));
    assert_sql(f, "SELECT id, data, result, predicted_class FROM analysis_results",
               "3|{\"cpu_usage\": 7}|{\"predicted_class\": 2}|2\n9|no|json|0\n");
    int64_t id;
    struct result_row row = {.data = SPAN("{}"), .result = SPAN("{}")};
    assert_ok(record_result_add(f->record, &row, &id, err));
    assert_int_equal(id, 10);
    reopen(f);
}

/* As somebody who may not write. Tests may run as root, whom no mode stops. */
static void a_read_only_place_is_named(void **state)
{
    struct fixture *f = *state;
    chmod(f->dir, 0555);
    pid_t child = fork();
    if (child == 0) {
        struct record *r = NULL;
        struct err err = {0};
        if (getuid() == 0 && setuid(65534))
            _exit(3);
        enum status st = record_open(f->dir, &r, &err);
        _exit(st == DENIED && strstr(err.text, f->path) ? 0 : 1);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

static void a_file_in_the_way_is_named(void **state)
{
    struct fixture *f = *state;
    assert_ok(file_write_atomic(f->path, SPAN(""), 0600, err));
    assert_fails(record_open(f->path, &f->record, err), INVALID, "is not a directory");
}

static void a_full_disk_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct db *db = NULL;
    auto_buf text = {0};
    buf_fill(&text, 'x', 100000);
    assert_ok(db_open(f->path, &db, err));
    assert_ok(db_script(db, "CREATE TABLE t (x TEXT); PRAGMA max_page_count = 20", err));
    assert_ok(db_begin(db, err));
    enum status st = db_run(db, NULL, "INSERT INTO t VALUES ('kept?')", "");
    assert_int_equal(st, OK);
    struct err full = {0};
    st = db_run(db, &full, "INSERT INTO t VALUES (?)", "t", buf_view(&text));
    assert_int_equal(db_finish(db, st, &full), FULL);
    assert_non_null(strstr(full.text, f->path));
    assert_ok(db_run(db, err, "INSERT INTO t VALUES ('small')", ""));
    db_close(db);
    assert_sql(f, "SELECT x FROM t", "small\n");
}

static void a_locked_database_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct db *db = NULL;
    assert_ok(db_open(f->path, &db, err));
    assert_ok(db_script(db, "PRAGMA busy_timeout = 0", err));
    struct db *other = NULL;
    assert_ok(db_open(f->path, &other, err));
    assert_ok(db_begin(other, err));
    assert_fails(db_begin(db, err), AGAIN, f->path);
    assert_ok(db_finish(other, OK, err));
    assert_ok(db_begin(db, err));
    assert_ok(db_finish(db, OK, err));
    db_close(db);
    db_close(other);
}

static void a_deadline_ends_a_long_statement(void **state)
{
    static const char endless[] = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                                  " SELECT count(*) FROM n";
    struct fixture *f = *state;
    struct db *db = NULL;
    struct db_rows rows;
    assert_ok(db_open(f->path, &db, err));
    db_deadline(db, 1); /* long past */
    struct err timed_out = {0};
    db_select(db, &rows, &timed_out, endless, "");
    assert_false(db_next(&rows));
    assert_int_equal(db_end(&rows), TIMED_OUT);
    db_deadline(db, 0);
    assert_ok(db_run(db, err, "CREATE TABLE t (x TEXT)", ""));
    db_close(db);
}

static void broken_constraints_are_told_apart(void **state)
{
    struct fixture *f = *state;
    struct db *db = NULL;
    assert_ok(db_open(f->path, &db, err));
    assert_ok(db_script(db, "CREATE TABLE t (x TEXT PRIMARY KEY CHECK (x <> 'bad'))", err));
    assert_ok(db_run(db, err, "INSERT INTO t VALUES (?)", "t", SPAN("a")));
    assert_fails(db_run(db, err, "INSERT INTO t VALUES (?)", "t", SPAN("a")), EXISTS, f->path);
    assert_fails(db_run(db, err, "INSERT INTO t VALUES (?)", "t", SPAN("bad")), INVALID, "CHECK");
    assert_fails(db_run(db, err, "INSERT INTO missing VALUES (1)", ""), IO_FAILED, "no such table");
    db_close(db);
    db_close(NULL);
}

static void the_audit_is_only_added_to(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < hostile_texts_n; i++)
        assert_ok(record_audit(f->record, (int64_t)i, span_of(hostile_texts[i]), SPAN("what"),
                               span_of(hostile_texts[i]), err));
    assert_sql(f, "SELECT count(*), min(at_ms), max(at_ms), sum(who = detail) FROM audit",
               "10|0|9|10\n");
    assert_sql(f, "UPDATE audit SET who = 'me'", "! the audit is never changed");
    assert_sql(f, "DELETE FROM audit", "! the audit is never deleted");
    assert_sql(f, "SELECT count(*) FROM audit", "10\n");
}

/* Names in it come from outside, as long as a request may be. */
static void the_audit_cuts_what_is_long(void **state)
{
    struct fixture *f = *state;
    auto_buf text = {0};
    buf_fill(&text, 'x', 100000);
    assert_ok(record_audit(f->record, 1, buf_view(&text), buf_view(&text), buf_view(&text), err));
    assert_ok(record_audit(f->record, 2, (struct span){0}, SPAN("w"), (struct span){0}, err));
    assert_sql(f, "SELECT length(who), length(what), length(detail) FROM audit",
               "255|255|4096\n0|1|0\n");
}

const struct CMUnitTest database_tests[] = {
    RECORD_TEST(only_the_owner_reads_it),
    EMPTY_TEST(a_missing_directory_is_made),
    RECORD_TEST(everything_survives_closing),
    RECORD_TEST(two_opens_see_each_other),
    RECORD_TEST(many_write_at_once),
    EMPTY_TEST(two_may_make_it_at_once),
    RECORD_TEST(a_newer_database_is_refused),
    EMPTY_TEST(other_bytes_are_refused_by_name),
    RECORD_TEST(damage_is_told_with_the_file),
    EMPTY_TEST(another_programs_database_is_left_alone),
    EMPTY_TEST(a_table_made_by_hand_is_taken_over),
    EMPTY_TEST(a_read_only_place_is_named),
    EMPTY_TEST(a_file_in_the_way_is_named),
    EMPTY_TEST(a_full_disk_changes_nothing),
    RECORD_TEST(a_locked_database_is_asked_again),
    EMPTY_TEST(a_deadline_ends_a_long_statement),
    EMPTY_TEST(broken_constraints_are_told_apart),
    RECORD_TEST(the_audit_is_only_added_to),
    RECORD_TEST(the_audit_cuts_what_is_long),
};
const size_t database_tests_n = COUNT(database_tests);
