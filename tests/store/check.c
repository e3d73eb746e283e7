#include "fixture.h"

#include "store/store.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct seen {
    size_t n[STORE_FAULT_KINDS];
    struct store_finding last[STORE_FAULT_KINDS];
};

static void found(void *arg, const struct store_finding *f)
{
    struct seen *s = arg;
    s->n[f->kind]++;
    s->last[f->kind] = *f;
}

static struct seen check(struct fixture *f, struct store_checked *sum)
{
    struct seen s = {0};
    assert_ok(store_check(f->store, found, &s, sum, err));
    return s;
}

static void fill(struct fixture *f)
{
    for (int i = 0; i < 100; i++) {
        fixture_put(f, "m{instance=\"a\"}", NOON + i * 1000, i);
        fixture_put(f, "n{instance=\"a\"}", NOON + i * 1000 + (i == 50), i);
        fixture_put(f, "m{instance=\"b\"}", NOON - DAY_MS + i * 1000, i);
    }
}

/* Three intervals are no gap, more are; from one day to the next too. */
static void gaps(void **state)
{
    (void)state;
    static const struct {
        int64_t step;
        size_t gaps;
    } cases[] = {{3000, 0}, {3001, 1}, {DAY_MS, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fixture f;
        struct store_checked sum;
        fixture_init(&f);
        fixture_open(&f);
        for (int k = 0; k < 20; k++)
            fixture_put(&f, "m{instance=\"a\"}", NOON - DAY_MS + k * 1000, k);
        for (int k = 0; k < 20; k++)
            fixture_put(&f, "m{instance=\"a\"}", NOON - DAY_MS + 19000 + cases[i].step + k * 1000,
                        k);
        assert_ok(store_compact(f.store, err));
        struct seen s = check(&f, &sum);
        assert_int_equal(s.n[STORE_GAP], cases[i].gaps);
        assert_int_equal(sum.found[STORE_GAP], cases[i].gaps);
        if (cases[i].gaps) {
            assert_int_equal(s.last[STORE_GAP].from_ms, NOON - DAY_MS + 19000);
            assert_int_equal(s.last[STORE_GAP].to_ms, NOON - DAY_MS + 19000 + cases[i].step);
        }
        assert_int_equal(sum.samples, 40);
        fixture_free(&f);
    }
}

/* What is in no block is not passed over in silence. */
static void in_the_log(void **state)
{
    (void)state;
    struct fixture f;
    struct store_checked sum;
    struct store_stats stats;
    auto_buf report = {.max = SIZE_MAX};
    fixture_init(&f);
    fixture_open(&f);
    fill(&f);
    check(&f, &sum);
    assert_int_equal(sum.blocks, 0);
    assert_int_equal(sum.samples, 0);
    assert_int_equal(sum.unchecked_samples, 300);
    assert_ok(store_check_json(f.store, NULL, 0, &report, err));
    static const char told[] = "\"unchecked_samples\":300,";
    assert_non_null(memmem(report.at, report.len, told, sizeof told - 1));
    assert_ok(store_compact(f.store, err));
    fixture_put(&f, "m{instance=\"a\"}", NOON + 200 * 1000, 1);
    check(&f, &sum);
    assert_int_equal(sum.samples, 300);
    assert_int_equal(sum.unchecked_samples, 1);
    store_stats(f.store, &stats);
    assert_int_equal(stats.samples_stored, 301);
    fixture_free(&f);
}

static void all_is_well(void **state)
{
    (void)state;
    struct fixture f;
    struct store_checked sum, dir_sum;
    fixture_init(&f);
    fixture_open(&f);
    fill(&f);
    assert_ok(store_compact(f.store, err));
    struct seen s = check(&f, &sum);
    for (size_t k = 0; k < STORE_FAULT_KINDS; k++)
        assert_int_equal(s.n[k], 0);
    assert_int_equal(sum.blocks, 2);
    assert_int_equal(sum.hosts, 2);
    assert_int_equal(sum.series, 3);
    assert_int_equal(sum.samples, 300);
    fixture_crash(&f);
    struct seen of_dir = {0};
    assert_ok(store_check_dir(f.dir, fixture_now, found, &of_dir, &dir_sum, err));
    assert_int_equal(dir_sum.samples, 300);
    assert_int_equal(of_dir.n[STORE_FAULT_LOG] + of_dir.n[STORE_FAULT_CHECKSUM], 0);
    assert_int_equal(store_check_dir("/nothing/here", 0, found, &of_dir, &dir_sum, NULL),
                     NOT_FOUND);
    fixture_open(&f);
    fixture_free(&f);
}

/* Blocks that no flush would write, put beside the others. */
static void write_block(struct fixture *f, struct block_id id, const int64_t *t, size_t n)
{
    char dir[128];
    double v[8] = {0};
    struct label name = {SPAN(LABEL_NAME), SPAN("m")};
    struct block_writer *w;
    struct block *b;
    snprintf(dir, sizeof dir, "%s/blocks", f->dir);
    assert_ok(block_writer_open(&disk_posix, dir, id, CHUNK_RECENT, 0, &w, err));
    assert_ok(block_writer_add(w, SPAN("a"), (struct labels){&name, 1}, t, v, n, err));
    assert_ok(block_writer_finish(w, &b, err));
    block_release(b);
}

static void faults(void **state)
{
    (void)state;
    struct fixture f;
    struct store_checked sum;
    struct seen s = {0};
    char path[160];
    int64_t day = day_of(NOON);
    const int64_t once[] = {NOON, NOON + 1000}, again[] = {NOON + 1000, NOON + 2000};
    const int64_t outside[] = {NOON - 2 * DAY_MS};
    fixture_init(&f);
    fixture_open(&f);
    fixture_close(&f);
    write_block(&f, (struct block_id){day, 1, 2, 0}, once, 2);
    write_block(&f, (struct block_id){day, 2, 3, 0}, again, 2);
    write_block(&f, (struct block_id){day - 1, 1, 1, 0}, outside, 1);
    snprintf(path, sizeof path, "%s/blocks/note.txt", f.dir);
    FILE *stray = fopen(path, "w");
    assert_non_null(stray);
    fclose(stray);
    assert_ok(store_check_dir(f.dir, fixture_now, found, &s, &sum, err));
    assert_int_equal(s.n[STORE_FAULT_OVERLAP], 1);
    assert_int_equal(s.n[STORE_FAULT_DUPLICATE], 1);
    assert_int_equal(s.n[STORE_FAULT_RANGE], 1);
    assert_int_equal(s.n[STORE_FAULT_ORPHAN], 1);
    assert_int_equal(s.n[STORE_FAULT_CHECKSUM] + s.n[STORE_FAULT_ORDER], 0);
    auto_buf json = {0};
    assert_ok(store_check_json(NULL, f.dir, fixture_now, &json, err));
    assert_non_null(strstr(buf_text(&json), "\"faults\":3,\"ok\":false}"));
    remove_tree(f.dir);
}

static void backup(void **state)
{
    (void)state;
    struct fixture f, other;
    struct store_backup b;
    struct store_checked sum;
    char again[160];
    fixture_init(&f);
    fixture_init(&other);
    fixture_open(&f);
    fill(&f);
    auto_arena a = {0};
    struct matcher m[4];
    size_t n = matchers_of(&a, "{instance=\"b\"}", m);
    assert_ok(store_delete(f.store, m, n, INT64_MIN, INT64_MAX, err));
    matchers_free(m, n);
    assert_ok(store_backup(f.store, other.dir, &b, err));
    assert_int_equal(b.samples, 300); /* what is deleted still lies there, hidden */
    fixture_put(&f, "m{instance=\"a\"}", NOON + 500000, 1);
    fixture_open(&other);
    assert_int_equal(fixture_count(&other, "{instance=\"a\"}"), 2);
    assert_int_equal(fixture_count(&other, "{instance=\"b\"}"), 0);
    struct selected got = fixture_read(&other, &a, "m{instance=\"a\"}", INT64_MIN, INT64_MAX);
    assert_int_equal(got.n, 100);
    struct seen s = check(&other, &sum);
    assert_int_equal(s.n[STORE_FAULT_CHECKSUM], 0);
    /* the links are the backup's own: what the store does later is nothing to it */
    assert_ok(store_compact(f.store, err));
    snprintf(again, sizeof again, "%s/second", other.dir);
    assert_ok(store_backup(f.store, again, &b, err));
    assert_int_equal(store_backup(f.store, again, &b, NULL), EXISTS); /* a name is taken */
    fixture_free(&other);
    fixture_free(&f);
}

const struct CMUnitTest check_tests[] = {
    cmocka_unit_test(gaps),   cmocka_unit_test(in_the_log), cmocka_unit_test(all_is_well),
    cmocka_unit_test(faults), cmocka_unit_test(backup),
};
const size_t check_tests_n = COUNT(check_tests);
