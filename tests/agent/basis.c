/* Batches packed against one another: what they take, what they become again, and what is left of
 * the files. */
#include "unit.h"

#include "agent/basis.h"
#include "base/file.h"
#include "folder.h"
#include "series/remote_write.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

enum { SERIES = 200, BATCH_MAX_BYTES = 1 << 20 };

struct bench {
    struct arena arena;
    char *folder;
    struct basis *basis;
};

static void bench_open(struct bench *b)
{
    *b = (struct bench){.folder = folder_make()};
    b->basis = basis_open(b->folder);
}

static void bench_close(struct bench *b)
{
    basis_close(b->basis);
    folder_remove(b->folder);
    arena_free(&b->arena);
}

/* Number i of batches with the same n series. */
static struct span batch_of(struct bench *b, unsigned i, unsigned n)
{
    auto_buf out = {0};
    for (unsigned k = 0; k < n; k++) {
        char name[32];
        struct label_builder l = {.n = 0};
        snprintf(name, sizeof name, "metric_%u_total", k * k);
        label_set(&l, SPAN(LABEL_NAME), span_of(name));
        write_series(&out, label_builder_end(&l),
                     &(struct sample){1000 * i, (double)(k * 2654435761u % 1000003) * 1.37 +
                                                    (k % 9 == i % 9)},
                     1);
    }
    return arena_span(&b->arena, buf_view(&out));
}

static struct span packed(struct bench *b, struct span batch)
{
    auto_buf record = {0};
    assert_ok(basis_pack(b->basis, batch, &record, err));
    return arena_span(&b->arena, buf_view(&record));
}

static void expect(struct bench *b, struct span record, struct span want)
{
    auto_buf got = {0};
    assert_ok(basis_unpack(b->basis, record, want.len, &got, err));
    assert_true(span_eq(buf_view(&got), want));
}

static size_t files_of(struct bench *b)
{
    size_t n = 0;
    DIR *dir = opendir(b->folder);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir));)
        n += span_ends(span_of(e->d_name), SPAN(".basis"));
    closedir(dir);
    return n;
}

static void test_smaller_and_the_same(void **state UNUSED)
{
    struct bench b;
    bench_open(&b);
    struct span records[5];
    auto_buf alone = {0};
    assert_ok(pack(COMPRESSION_ZSTD, batch_of(&b, 4, SERIES), &alone, err));
    for (unsigned i = 0; i < COUNT(records); i++)
        records[i] = packed(&b, batch_of(&b, i, SERIES));
    assert_true(records[4].len < alone.len * 3 / 4);
    assert_int_equal(files_of(&b), 1);
    basis_close(b.basis); /* another process reads them */
    b.basis = basis_open(b.folder);
    for (unsigned i = 0; i < COUNT(records); i++)
        expect(&b, records[i], batch_of(&b, i, SERIES));
    expect(&b, packed(&b, batch_of(&b, 9, SERIES)), batch_of(&b, 9, SERIES));
    assert_int_equal(files_of(&b), 2); /* one of its own */
    bench_close(&b);
}

/* As all records were packed before there were bases. */
static void test_packed_alone(void **state UNUSED)
{
    struct bench b;
    auto_buf alone = {0};
    bench_open(&b);
    assert_ok(pack(COMPRESSION_ZSTD, batch_of(&b, 1, SERIES), &alone, err));
    expect(&b, buf_view(&alone), batch_of(&b, 1, SERIES));
    bench_close(&b);
}

static void test_renewed(void **state UNUSED)
{
    struct bench b;
    bench_open(&b);
    struct span batch = batch_of(&b, 1, SERIES), more = batch_of(&b, 1, SERIES * 5 / 4 - 20);
    for (unsigned i = 0; i < BASIS_BATCHES_MAX; i++)
        packed(&b, batch);
    assert_int_equal(files_of(&b), 1);
    packed(&b, batch);
    assert_int_equal(files_of(&b), 2);
    packed(&b, more);
    assert_int_equal(files_of(&b), 2);
    packed(&b, batch_of(&b, 1, SERIES * 5 / 4 + 20));
    assert_int_equal(files_of(&b), 3);
    bench_close(&b);
}

static void test_nowhere_to_write(void **state UNUSED)
{
    struct bench b;
    bench_open(&b);
    basis_close(b.basis);
    b.basis = basis_open("/proc/none");
    struct span record = packed(&b, batch_of(&b, 1, SERIES));
    basis_close(b.basis);
    b.basis = basis_open(b.folder);
    expect(&b, record, batch_of(&b, 1, SERIES));
    bench_close(&b);
}

static void test_forget(void **state UNUSED)
{
    struct bench b;
    bench_open(&b);
    struct span first = batch_of(&b, 1, 50), second = batch_of(&b, 2, 100);
    struct span older = packed(&b, first), newer = packed(&b, second);
    auto_buf alone = {0};
    assert_ok(pack(COMPRESSION_ZSTD, first, &alone, err));
    basis_forget(b.basis, buf_view(&alone));
    basis_forget(b.basis, older);
    assert_int_equal(files_of(&b), 2);
    expect(&b, older, first);
    basis_forget(b.basis, newer);
    assert_int_equal(files_of(&b), 1);
    expect(&b, newer, second);
    auto_buf got = {0};
    assert_fails(basis_unpack(b.basis, older, BATCH_MAX_BYTES, &got, err), NOT_FOUND, "basis ");
    basis_forget(b.basis, (struct span){0});
    assert_int_equal(files_of(&b), 0);
    /* Never a number again that a record may have. */
    expect(&b, packed(&b, first), first);
    assert_fails(basis_unpack(b.basis, older, BATCH_MAX_BYTES, &got, err), NOT_FOUND, "basis ");
    bench_close(&b);
}

static void test_damage(void **state UNUSED)
{
    struct bench b;
    bench_open(&b);
    struct span batch = batch_of(&b, 1, SERIES), record = packed(&b, batch);
    auto_buf got = {0}, other = {0}, text = {0};
    assert_fails(basis_unpack(b.basis, record, batch.len - 1, &got, err), INVALID, "at most");
    for (size_t n = 1; n < record.len; n++) {
        assert_int_not_equal(basis_unpack(b.basis, span_from(record.at, n), batch.len, &got, NULL),
                             OK);
        assert_int_equal(got.len, 0);
    }
    assert_ok(pack(COMPRESSION_ZSTD, batch_of(&b, 2, SERIES), &other, err));
    buf_printf(&text, "%s/0000000000000001.basis", b.folder);
    basis_close(b.basis);
    b.basis = basis_open(b.folder);
    assert_ok(file_write_atomic(buf_text(&text), buf_view(&other), 0600, err));
    assert_fails(basis_unpack(b.basis, record, batch.len, &got, err), INVALID, "another");
    assert_ok(file_write_atomic(buf_text(&text), SPAN("no frame"), 0600, err));
    assert_int_not_equal(basis_unpack(b.basis, record, batch.len, &got, NULL), OK);
    assert_int_equal(got.len, 0);
    bench_close(&b);
}

const struct CMUnitTest basis_tests[] = {
    cmocka_unit_test(test_smaller_and_the_same),
    cmocka_unit_test(test_packed_alone),
    cmocka_unit_test(test_renewed),
    cmocka_unit_test(test_nowhere_to_write),
    cmocka_unit_test(test_forget),
    cmocka_unit_test(test_damage),
};
const size_t basis_tests_n = COUNT(basis_tests);
