/* Clocks that are wrong and disks that become full, from both sides of each limit. */
#include "fixture.h"

#include "store/embedded/disk.h"

#include <errno.h>
#include <stdio.h>

#define HOUR INT64_C(3600000)
#define MIB (UINT64_C(1) << 20)

static int64_t mono_now;
static uint64_t free_now, total_now;

static int64_t mono(void)
{
    return mono_now;
}

/* Time passes for both clocks. */
static void pass(int64_t ms)
{
    fixture_now += ms;
    mono_now += ms;
}

static void open_clocked(struct fixture *f)
{
    fixture_init(f);
    mono_now = 1000;
    f->config.mono_ms = mono;
    f->config.retention_ms = 3 * DAY_MS;
    fixture_open(f);
    for (int day = 0; day < 3; day++)
        fixture_put(f, "m{instance=\"a\"}", NOON - (2 - day) * DAY_MS, day);
    assert_ok(store_compact(f->store, err));
}

static uint64_t blocks_of(struct fixture *f)
{
    struct store_stats stats;
    store_stats(f->store, &stats);
    return stats.blocks;
}

static bool is_taken(struct fixture *f, int64_t t, const char *why)
{
    static int number;
    char name[64];
    snprintf(name, sizeof name, "one%d{instance=\"b\"}", number++);
    struct append_result r = fixture_append(f, name, &(struct sample){t, 1}, 1);
    assert_int_equal(r.samples + r.refused, 1);
    if (r.refused)
        assert_non_null(strstr(r.refused_why, why));
    return r.samples == 1;
}

static void clock_set(void **state)
{
    (void)state;
    static const int64_t to[] = {
        NOON + 5 * HOUR, NOON + 365 * DAY_MS, INT64_C(2147483648) * 1000, /* 2038 */
        NOON - 5 * HOUR, NOON - 365 * DAY_MS, 0};                         /* 1970 */
    for (size_t i = 0; i < COUNT(to); i++) {
        struct fixture f;
        struct store_stats stats;
        open_clocked(&f);
        fixture_now = to[i];
        assert_ok(store_maintain(f.store, err));
        assert_int_equal(blocks_of(&f), 3);
        store_stats(f.store, &stats);
        assert_true(stats.clock_doubted);
        assert_int_equal(store_age_clock_ms(f.store), MIN(NOON, to[i]));
        /* both times are taken, what is after both is refused with the reason */
        int64_t late = MAX(NOON, to[i]) + STORE_FUTURE_MAX_MS;
        assert_true(is_taken(&f, NOON, ""));
        assert_true(is_taken(&f, late, ""));
        assert_false(is_taken(&f, late + 1, "future"));
        assert_true(is_taken(&f, day_of(MIN(NOON, to[i]) - 3 * DAY_MS) * DAY_MS, ""));
        /* flushed, compacted and opened again it is all there */
        assert_ok(store_compact(f.store, err));
        const struct sample want[] = {{NOON - 2 * DAY_MS, 0}, {NOON - DAY_MS, 1}, {NOON, 2}};
        assert_samples(&f, "m{instance=\"a\"}", want, 3);
        fixture_close(&f);
        fixture_open(&f);
        assert_samples(&f, "m{instance=\"a\"}", want, 3);
        fixture_free(&f);
    }
}

static void clock_is_believed_after_a_day(void **state)
{
    (void)state;
    struct fixture f;
    open_clocked(&f);
    fixture_now += 10 * DAY_MS;
    assert_ok(store_maintain(f.store, err));
    pass(STEADY_TRUST_MS - 1);
    assert_ok(store_maintain(f.store, err)); /* by the old opinion one of the days is over */
    assert_int_equal(blocks_of(&f), 3);
    pass(1);
    assert_ok(store_maintain(f.store, err));
    assert_int_equal(blocks_of(&f), 0);
    fixture_free(&f);
}

static void opened_with_a_wrong_clock(void **state)
{
    (void)state;
    static const struct {
        int64_t after_ms;
        uint64_t blocks;
    } cases[] = {{DAY_MS, 3}, {STEADY_TRUST_MS + 1, 3}, {20 * DAY_MS, 3}, {-20 * DAY_MS, 3}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fixture f;
        open_clocked(&f);
        fixture_close(&f);
        fixture_now = NOON + cases[i].after_ms;
        fixture_open(&f);
        assert_ok(store_maintain(f.store, err));
        assert_int_equal(blocks_of(&f), cases[i].blocks);
        assert_true(is_taken(&f, NOON, ""));
        fixture_free(&f);
    }
}

/* ---- space ---- */

static void floors(void **state)
{
    (void)state;
    static const struct {
        uint64_t total, min;
        unsigned percent;
        uint64_t floor;
    } cases[] = {
        {1000 * 1024 * MIB, 256 * MIB, 5, 16 * 1024 * MIB}, /* the share has a limit */
        {100 * 1024 * MIB, 256 * MIB, 5, 100 * 1024 * MIB / 100 * 5},
        {2 * 1024 * MIB, 256 * MIB, 5, 256 * MIB},
        {64 * MIB, 256 * MIB, 5, 16 * MIB}, /* a quarter of a small one */
        {64 * MIB, 0, 5, 64 * MIB / 100 * 5},
        {64 * MIB, 256 * MIB, 50, 64 * MIB / 100 * 50},
        {64 * MIB, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(guard_floor(cases[i].total, cases[i].min, cases[i].percent),
                         cases[i].floor);
}

static int space(struct disk *d, const char *path, uint64_t *free_bytes, uint64_t *total_bytes)
{
    (void)d, (void)path;
    *free_bytes = free_now;
    *total_bytes = total_now;
    return 0;
}

static enum status put(struct fixture *f, int64_t t, struct err *err)
{
    auto_buf message = {0};
    struct append_result r;
    message_add(&message, "m{instance=\"a\"}", &(struct sample){t, 1}, 1);
    return store_append_wait(f->writer, buf_view(&message), &r, err);
}

static void low_space(void **state)
{
    (void)state;
    struct fixture f;
    struct store_stats stats;
    static struct disk disk; /* SQLite keeps it */
    fixture_init(&f);
    disk = *f.tuning.disk;
    disk.space = space;
    f.tuning.disk = &disk;
    f.config.free_min_bytes = 256 * MIB;
    f.config.free_min_percent = 5;
    total_now = 10000 * MIB;
    free_now = total_now / 100 * 5; /* the floor: enough */
    mono_now = 1000;
    f.config.mono_ms = mono;
    fixture_open(&f);
    assert_ok(put(&f, NOON, err));
    free_now--;
    assert_ok(put(&f, NOON + 1, err)); /* the last look still holds */
    pass(GUARD_SPACE_LOOK_MS);
    assert_fails(put(&f, NOON + 2, err), FULL, "500 MiB must stay free");
    store_stats(f.store, &stats);
    assert_true(stats.low_space);
    assert_fails(store_takes(f.store, err), FULL, "must stay free");
    assert_int_equal(stats.free_min_bytes, 500 * MIB);
    /* what was taken goes into blocks, is merged and can be asked for */
    assert_ok(store_compact(f.store, err));
    const struct sample want[] = {{NOON, 1}, {NOON + 1, 1}};
    assert_samples(&f, "m{instance=\"a\"}", want, 2);
    free_now++;
    pass(GUARD_SPACE_LOOK_MS - 1);
    assert_fails(put(&f, NOON + 2, err), FULL, "nothing is taken");
    pass(1);
    assert_ok(put(&f, NOON + 2, err));
    store_stats(f.store, &stats);
    assert_false(stats.low_space);
    assert_ok(store_takes(f.store, err));
    fixture_free(&f);
}

static int no_answer(struct disk *d, const char *path, uint64_t *free_bytes, uint64_t *total_bytes)
{
    (void)d, (void)path, (void)free_bytes, (void)total_bytes;
    return -EIO;
}

static void space_that_is_not_known(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    static struct disk disk;
    disk = *f.tuning.disk;
    disk.space = no_answer;
    f.tuning.disk = &disk;
    f.config.free_min_bytes = 256 * MIB;
    fixture_open(&f);
    assert_ok(put(&f, NOON, err));
    fixture_free(&f);
}

const struct CMUnitTest guards_tests[] = {
    cmocka_unit_test(clock_set),
    cmocka_unit_test(clock_is_believed_after_a_day),
    cmocka_unit_test(opened_with_a_wrong_clock),
    cmocka_unit_test(floors),
    cmocka_unit_test(low_space),
    cmocka_unit_test(space_that_is_not_known),
};
const size_t guards_tests_n = COUNT(guards_tests);
