/* The ring on disk: order, limits, and what a crash or a bad disk leaves. */
#include "unit.h"

#include "agent/spool.h"
#include "base/file.h"
#include "folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BYTES = 1 << 20 };

static struct spool *open_in(const char *folder)
{
    struct spool *s = NULL;
    assert_ok(spool_open(folder, MAX_BYTES, &s, err));
    return s;
}

/* Batch number i: its length varies, its content tells it. */
static void make_batch(size_t i, struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "batch %zu:", i);
    buf_fill(out, (char)('a' + i % 26), i * 7 % 300);
}

static void put(struct spool *s, size_t i)
{
    auto_buf b = {0};
    make_batch(i, &b);
    assert_ok(spool_put(s, buf_view(&b), err));
}

/* What is in the spool is first..first+n-1, whole. */
static void expect(struct spool *s, size_t first, size_t n)
{
    struct spool_cursor at = {0};
    auto_buf got = {0}, want = {0};
    assert_int_equal(spool_count(s), n);
    for (size_t i = first; i < first + n; i++) {
        assert_true(spool_next(s, &at, &got));
        make_batch(i, &want);
        assert_true(span_eq(buf_view(&got), buf_view(&want)));
    }
    assert_false(spool_next(s, &at, &got));
    assert_int_equal(spool_count(s), n);
}

static void test_order_and_drop(void **state UNUSED)
{
    char *folder = folder_make();
    struct spool *s = open_in(folder);
    expect(s, 0, 0);
    spool_drop(s, 3); /* more than there is */
    for (size_t i = 0; i < 10; i++)
        put(s, i);
    expect(s, 0, 10);
    spool_drop(s, 4);
    expect(s, 4, 6);
    assert_int_equal(spool_gone(s), 4);
    put(s, 10);
    expect(s, 4, 7);
    spool_drop(s, 7);
    expect(s, 0, 0);
    assert_int_equal(spool_bytes(s), 0);
    assert_int_equal(spool_lost(s), 0);
    put(s, 11);
    expect(s, 11, 1);
    spool_close(s);
    folder_remove(folder);
}

static void test_survives_reopening(void **state UNUSED)
{
    char *folder = folder_make();
    for (size_t round = 0; round < 5; round++) {
        struct spool *s = open_in(folder);
        expect(s, round * 2, round * 3);
        for (size_t i = 0; i < 5; i++)
            put(s, round * 5 + i);
        spool_drop(s, 2);
        spool_sync(s);
        spool_close(s);
    }
    struct spool *s = open_in(folder);
    expect(s, 10, 15);
    assert_int_equal(spool_lost(s), 0);
    spool_close(s);
    folder_remove(folder);
}

/* Files: many records, dropped one file after the other. */
static void test_many_files(void **state UNUSED)
{
    enum { N = 2000, BODY = 200 };
    char *folder = folder_make();
    struct spool *s = open_in(folder);
    for (size_t i = 0; i < N; i++)
        put(s, i);
    auto_arena a = {0};
    char *names[64];
    assert_true(folder_list(folder, ".spool", &a, names, COUNT(names)) > 3);
    expect(s, 0, N);
    for (size_t left = N; left; left -= 250) {
        expect(s, N - left, left);
        spool_drop(s, 250);
    }
    assert_int_equal(folder_list(folder, ".spool", &a, names, COUNT(names)), 0);
    spool_close(s);
    folder_remove(folder);
}

static void test_full_ring_drops_the_oldest(void **state UNUSED)
{
    char *folder = folder_make();
    struct spool *s = open_in(folder);
    size_t n = 0;
    while (spool_lost(s) == 0) {
        put(s, n++);
        assert_true(spool_bytes(s) <= MAX_BYTES);
    }
    size_t lost = spool_lost(s);
    assert_int_equal(spool_gone(s), lost);
    expect(s, lost, n - lost);
    for (size_t i = 0; i < 5000; i++) {
        put(s, n++);
        assert_true(spool_bytes(s) <= MAX_BYTES);
    }
    expect(s, spool_lost(s), n - spool_lost(s));
    spool_close(s);
    folder_remove(folder);
}

static void test_record_ceiling(void **state UNUSED)
{
    char *folder = folder_make();
    struct spool *s = NULL;
    assert_ok(spool_open(folder, UINT64_C(64) << 20, &s, err));
    auto_buf big = {0}, got = {0};
    buf_fill(&big, 'x', SPOOL_RECORD_MAX_BYTES);
    assert_ok(spool_put(s, buf_view(&big), err));
    buf_char(&big, 'x');
    assert_fails(spool_put(s, buf_view(&big), err), FULL, "larger than a spool record");
    assert_ok(spool_put(s, SPAN(""), err));
    struct spool_cursor at = {0};
    assert_true(spool_next(s, &at, &got));
    assert_int_equal(got.len, SPOOL_RECORD_MAX_BYTES);
    assert_true(spool_next(s, &at, &got));
    assert_int_equal(got.len, 0);
    spool_close(s);
    folder_remove(folder);
}

/* ---- crashes and damage ---- */

static void read_only_file(const char *folder, struct arena *a, char **path, struct buf *content)
{
    char *names[4];
    assert_int_equal(folder_list(folder, ".spool", a, names, COUNT(names)), 1);
    *path = folder_path(a, folder, names[0]);
    assert_ok(file_read(*path, content, err));
}

static void write_file(const char *path, struct span content)
{
    auto_fd fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(fd_write_all(fd, content.at, content.len, err));
}

/* Killed at any byte of writing: the whole records are there, in order, and work goes on. */
static void test_torn_at_every_byte(void **state UNUSED)
{
    enum { N = 4 };
    char *folder = folder_make(), *path;
    auto_arena a = {0};
    auto_buf whole = {0}, batch = {0};
    struct spool *s = open_in(folder);
    size_t ends[N + 1] = {0};
    for (size_t i = 0; i < N; i++) {
        put(s, i);
        make_batch(i, &batch);
        ends[i + 1] = ends[i] + SPOOL_HEAD_BYTES + batch.len;
    }
    spool_close(s);
    read_only_file(folder, &a, &path, &whole);
    assert_int_equal(whole.len, ends[N]);
    for (size_t cut = 0; cut <= whole.len; cut++) {
        write_file(path, (struct span){whole.at, cut});
        size_t complete = 0;
        while (complete < N && ends[complete + 1] <= cut)
            complete++;
        s = open_in(folder);
        expect(s, 0, complete);
        assert_int_equal(spool_lost(s), cut != ends[complete]);
        put(s, complete);
        expect(s, 0, complete + 1);
        spool_close(s);
        s = open_in(folder);
        expect(s, 0, complete + 1);
        spool_drop(s, complete + 1);
        spool_close(s);
        /* everything was delivered: the file is gone */
        assert_int_not_equal(access(path, F_OK), 0);
        auto_fd fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
    }
    folder_remove(folder);
}

/* Any flipped bit: what comes before it is whole, nothing wrong is ever handed out. */
static void test_flipped_bits(void **state UNUSED)
{
    enum { N = 3 };
    char *folder = folder_make(), *path;
    auto_arena a = {0};
    auto_buf whole = {0}, want = {0}, got = {0};
    struct spool *s = open_in(folder);
    for (size_t i = 0; i < N; i++)
        put(s, i);
    spool_close(s);
    read_only_file(folder, &a, &path, &whole);
    for (size_t bit = 0; bit < whole.len * 8; bit++) {
        whole.at[bit / 8] = (char)(whole.at[bit / 8] ^ 1 << bit % 8);
        write_file(path, buf_view(&whole));
        s = open_in(folder);
        struct spool_cursor at = {0};
        for (size_t i = 0; spool_next(s, &at, &got);) {
            /* a record marked done by the flip is skipped, never altered */
            do
                make_batch(i++, &want);
            while (i < N && !span_eq(buf_view(&got), buf_view(&want)));
            assert_true(span_eq(buf_view(&got), buf_view(&want)));
        }
        put(s, 9);
        spool_close(s);
        s = open_in(folder);
        assert_true(spool_count(s) >= 1);
        spool_drop(s, spool_count(s));
        spool_close(s);
        whole.at[bit / 8] = (char)(whole.at[bit / 8] ^ 1 << bit % 8);
        auto_fd fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
    }
    folder_remove(folder);
}

/* Damage that comes while the spool is open. */
static void test_damage_under_our_feet(void **state UNUSED)
{
    char *folder = folder_make(), *path;
    auto_arena a = {0};
    auto_buf whole = {0}, batch = {0};
    struct spool *s = open_in(folder);
    for (size_t i = 0; i < 4; i++)
        put(s, i);
    read_only_file(folder, &a, &path, &whole);
    make_batch(0, &batch);
    size_t second = SPOOL_HEAD_BYTES + batch.len;
    auto_fd fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "X", 1, (off_t)(second + SPOOL_HEAD_BYTES)), 1);
    struct spool_cursor at = {0};
    assert_true(spool_next(s, &at, &batch));
    assert_false(spool_next(s, &at, &batch));
    assert_int_equal(spool_count(s), 1);
    assert_int_equal(spool_lost(s), 3);
    put(s, 1);
    expect(s, 0, 2);
    spool_close(s);
    s = open_in(folder);
    expect(s, 0, 2);
    spool_close(s);
    folder_remove(folder);
}

static void test_files_that_are_not_ours(void **state UNUSED)
{
    char *folder = folder_make();
    auto_arena a = {0};
    static const char *const names[] = {"x.spool", "0000000000000001.tmp",
                                        "000000000000000g.spool"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_ok(file_write_atomic(folder_path(&a, folder, names[i]), SPAN("mine"), 0600, err));
    assert_ok(file_write_atomic(folder_path(&a, folder, "0000000000000007.spool"), SPAN("junk"),
                                0600, err));
    struct spool *s = open_in(folder);
    expect(s, 0, 0);
    assert_int_equal(spool_lost(s), 1);
    put(s, 0);
    spool_close(s);
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(access(folder_path(&a, folder, names[i]), F_OK), 0);
    folder_remove(folder);
}

static void test_one_owner(void **state UNUSED)
{
    char *folder = folder_make();
    struct spool *s = open_in(folder), *second = NULL;
    assert_fails(spool_open(folder, MAX_BYTES, &second, err), AGAIN, "in use by another agent");
    assert_non_null(second);
    put(second, 5);
    expect(second, 5, 1); /* in memory */
    spool_close(second);
    expect(s, 0, 0);
    spool_close(s);
    folder_remove(folder);
}

/* ---- without a disk ---- */

static void test_memory_only(void **state UNUSED)
{
    struct spool *s = NULL;
    assert_int_not_equal(spool_open("/proc/no/such/place", MAX_BYTES, &s, NULL), OK);
    assert_non_null(s);
    for (size_t i = 0; i < 5; i++)
        put(s, i);
    expect(s, 0, 5);
    spool_drop(s, 2);
    expect(s, 2, 3);
    auto_buf big = {0};
    buf_fill(&big, 'x', SPOOL_MEMORY_BYTES / 2);
    for (size_t i = 0; i < 4; i++)
        assert_ok(spool_put(s, buf_view(&big), err));
    assert_true(spool_bytes(s) <= SPOOL_MEMORY_BYTES);
    assert_int_equal(spool_count(s), 2);
    assert_int_equal(spool_lost(s), 5);
    assert_int_equal(spool_gone(s), 7);
    spool_close(s);
}

/* The disk refuses for a while: nothing is lost, the order stays. */
static void test_disk_refuses(void **state UNUSED)
{
    char *folder = folder_make();
    struct spool *s = open_in(folder);
    auto_arena a = {0};
    char *aside = arena_printf(&a, "%s.aside", folder);
    auto_buf b = {0};
    assert_int_equal(rename(folder, aside), 0);
    for (size_t i = 0; i < 3; i++) {
        make_batch(i, &b);
        assert_int_not_equal(spool_put(s, buf_view(&b), NULL), OK);
    }
    expect(s, 0, 3);
    assert_int_equal(rename(aside, folder), 0);
    put(s, 3);
    expect(s, 0, 4);
    spool_close(s);
    s = open_in(folder);
    expect(s, 0, 4);
    spool_close(s);
    folder_remove(folder);
}

const struct CMUnitTest spool_tests[] = {
    cmocka_unit_test(test_order_and_drop),
    cmocka_unit_test(test_survives_reopening),
    cmocka_unit_test(test_many_files),
    cmocka_unit_test(test_full_ring_drops_the_oldest),
    cmocka_unit_test(test_record_ceiling),
    cmocka_unit_test(test_torn_at_every_byte),
    cmocka_unit_test(test_flipped_bits),
    cmocka_unit_test(test_damage_under_our_feet),
    cmocka_unit_test(test_files_that_are_not_ours),
    cmocka_unit_test(test_one_owner),
    cmocka_unit_test(test_memory_only),
    cmocka_unit_test(test_disk_refuses),
};
const size_t spool_tests_n = COUNT(spool_tests);
