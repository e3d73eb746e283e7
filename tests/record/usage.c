/* host_usage; a host that is deleted with what is kept of it; a copy while others write. */
#include "fixture.h"

#include "record/usage.h"

#include <stdio.h>
#include <unistd.h>

#define NOON INT64_C(1795176000000) /* 2026-11-20 12:00 UTC */

static void rows_of_known_hosts(void **state)
{
    struct fixture *f = *state;
    const struct usage_row rows[] = {
        {SPAN("web"), NOON, 900, 95, 3, 0, 50000},
        {SPAN("nobody"), NOON, 1, 1, 1, 1, 1},
        {SPAN("web"), NOON + 999, -1, 0, -1, 7, -1}, /* what is not known is NULL */
    };
    assert_ok(record_host_seen(f->record, SPAN("id-1"), SPAN("web"), NOON, err));
    assert_ok(record_usage_add(f->record, rows, COUNT(rows), err));
    assert_sql(f, "SELECT * FROM host_usage ORDER BY rowid",
               "2026-11-20 12:00:00|id-1|900|95|3|0|50000\n"
               "2026-11-20 12:00:00|id-1|NULL|0|NULL|7|NULL\n");
    assert_ok(record_usage_add(f->record, NULL, 0, err));
    assert_sql(f, "SELECT count(*) FROM host_usage", "2\n");
}

static void old_rows_go(void **state)
{
    struct fixture *f = *state;
    size_t deleted = 9;
    assert_ok(record_host_seen(f->record, SPAN("id-1"), SPAN("web"), NOON, err));
    for (int64_t i = 0; i < 3; i++) {
        struct usage_row row = {SPAN("web"), NOON + i * 1000, 1, 1, 1, 1, 1};
        assert_ok(record_usage_add(f->record, &row, 1, err));
    }
    assert_ok(record_usage_trim(f->record, NOON, &deleted, err)); /* none is before */
    assert_int_equal(deleted, 0);
    assert_ok(record_usage_trim(f->record, NOON + 2000, &deleted, err));
    assert_int_equal(deleted, 2);
    assert_ok(record_usage_trim(f->record, NOON + 2000, &deleted, err));
    assert_int_equal(deleted, 0);
    assert_sql(f, "SELECT \"timestamp\" FROM host_usage", "2026-11-20 12:00:02\n");
}

static void a_host_goes_with_all_of_it(void **state)
{
    struct fixture *f = *state;
    static const char *const ids[] = {"id-1", "id-2"};
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct span id = span_of(ids[i]);
        struct usage_row row = {id, NOON, 1, 1, 1, 1, 1};
        struct result_row result = {.server_id = id, .data = SPAN("{}"), .result = SPAN("{}")};
        assert_ok(record_host_seen(f->record, id, id, NOON, err));
        assert_ok(record_usage_add(f->record, &row, 1, err));
        assert_ok(record_result_add(f->record, &result, NULL, err));
    }
    assert_ok(record_audit(f->record, NOON, SPAN("admin"), SPAN("host"), SPAN("id-1"), err));
    assert_ok(record_host_delete(f->record, SPAN("id-1"), err));
    assert_sql(f, "SELECT id FROM hosts", "id-2\n");
    assert_sql(f, "SELECT host_id FROM host_usage", "id-2\n");
    assert_sql(f, "SELECT server_id FROM analysis_results", "id-2\n");
    assert_sql(f, "SELECT detail FROM audit", "id-1\n"); /* which is never deleted */
    assert_fails(record_host_delete(f->record, SPAN("id-1"), err), NOT_FOUND, "id-1");
    assert_ok(record_host_seen(f->record, SPAN("id-1"), SPAN("id-1"), NOON, err)); /* it runs */
    assert_sql(f, "SELECT count(*) FROM hosts", "2\n");
}

static void a_copy_is_whole(void **state)
{
    struct fixture *f = *state;
    struct fixture copy = {0};
    const char *path = copy.path;
    snprintf(copy.path, sizeof copy.path, "%s/copy.db", f->dir);
    assert_ok(record_host_seen(f->record, SPAN("id-1"), SPAN("web"), NOON, err));
    assert_ok(record_backup(f->record, path, err));
    assert_ok(record_host_seen(f->record, SPAN("id-2"), SPAN("db"), NOON, err)); /* not in it */
    assert_sql(&copy, "PRAGMA integrity_check", "ok\n");
    assert_sql(&copy, "SELECT id FROM hosts", "id-1\n");
    assert_fails(record_backup(f->record, "/proc/no/copy.db", err), NOT_FOUND, "/proc/no");
    unlink(path);
}

const struct CMUnitTest usage_tests[] = {
    RECORD_TEST(rows_of_known_hosts),
    RECORD_TEST(old_rows_go),
    RECORD_TEST(a_host_goes_with_all_of_it),
    RECORD_TEST(a_copy_is_whole),
};
const size_t usage_tests_n = COUNT(usage_tests);
