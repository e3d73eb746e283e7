/* Machines that change between two collections: processors that are unplugged, counters that wrap
 * or begin again, files that come. Series end with a marker and come back; values go out as the
 * kernel has them, so that it is the reader of counters who sees a reset. */
#include "unit.h"

#include "scratch.h"

#define CPU(n, user) "cpu" #n " " #user " 2 3 4 5 6 7 8 9 10\n"
#define SOFTNET(processed) processed " 00000000 00000001 0 0 0 0 0 0 0 0 0\n"

static void expect(struct scratch *s, int64_t t_ms, const char *metric, const char *label,
                   const char *value, int kind, double v)
{
    auto_buf m = {0};
    double got = 0;
    scratch_collect(s, t_ms, &m);
    int found = scratch_sample(&m, metric, label, value, &got);
    if (found != kind || (kind == 1 && got != v))
        fail_msg("%s{%s=%s} at %lld: %d, %.17g", metric, label, value, (long long)t_ms, found, got);
}

static void test_processor_unplugged(void **state UNUSED)
{
    static const char metric[] = "node_cpu_guest_seconds_total";
    struct scratch s = scratch_open();
    auto_buf m = {0};
    double v;
    scratch_put(&s, "proc/stat", "cpu 1 2 3 4\n" CPU(0, 10) CPU(1, 20) CPU(2, 30) "ctxt 5\n");
    expect(&s, 1000, metric, "cpu", "1", 1, 0.09);
    /* unplugged: its series end, once, and its neighbours are not taken for it */
    scratch_put(&s, "proc/stat", "cpu 1 2 3 4\n" CPU(0, 11) CPU(2, 31) "ctxt 6\n");
    scratch_collect(&s, 2000, &m);
    assert_int_equal(scratch_sample(&m, metric, "cpu", "1", &v), 2);
    assert_int_equal(scratch_count(&m, "node_cpu_seconds_total", "cpu", "1"), 8);
    assert_int_equal(scratch_sample(&m, metric, "cpu", "2", &v), 1);
    assert_int_equal(scratch_sample(&m, "node_context_switches_total", "job", "node", &v), 1);
    assert_true(v == 6);
    expect(&s, 3000, metric, "cpu", "1", 0, 0);
    /* back again: the kernel went on counting where it was */
    scratch_put(&s, "proc/stat", "cpu 1 2 3 4\n" CPU(0, 12) CPU(1, 20) CPU(2, 32) "ctxt 7\n");
    scratch_collect(&s, 4000, &m);
    assert_int_equal(scratch_sample(&m, metric, "cpu", "1", &v), 1);
    assert_int_equal(scratch_count(&m, "node_cpu_seconds_total", "cpu", "1"), 8);
    assert_int_equal(scratch_sample(&m, metric, "cpu", "2", &v), 1);
    scratch_close(&s);
}

/* softnet_stat names no processor before Linux 5.10: rows are the ones that are online. */
static void test_softnet_rows(void **state UNUSED)
{
    static const char metric[] = "node_softnet_processed_total";
    struct scratch s = scratch_open();
    scratch_put(&s, "proc/net/softnet_stat", SOFTNET("0000000a") SOFTNET("0000000b"));
    expect(&s, 1000, metric, "cpu", "1", 1, 11);
    scratch_put(&s, "proc/net/softnet_stat", SOFTNET("0000000c"));
    expect(&s, 2000, metric, "cpu", "1", 2, 0);
    scratch_put(&s, "proc/net/softnet_stat", SOFTNET("0000000d") SOFTNET("0000000e"));
    expect(&s, 3000, metric, "cpu", "1", 1, 14);
    scratch_close(&s);
}

static void put_device(const struct scratch *s, const char *bytes)
{
    auto_buf text = {0};
    buf_printf(&text, "head\nhead\neth0: %s 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", bytes);
    scratch_put(s, "proc/net/dev", buf_text(&text));
}

/* A kernel of 32 bits counts to 2^32 - 1, one of 64 to 2^64 - 1, a device that is reset from 0. */
static void test_counters_wrap(void **state UNUSED)
{
    static const char metric[] = "node_network_receive_bytes_total";
    static const struct {
        const char *bytes;
        double v;
    } steps[] = {
        {"4294967295", 4294967295.0},
        {"41", 41},
        {"4294967296", 4294967296.0},
        {"18446744073709551615", 18446744073709551615.0},
        {"7", 7},
        {"0", 0},
        {"9007199254740993", 9007199254740992.0}, /* beyond 2^53 a float64 is exact to 2 */
    };
    struct scratch s = scratch_open();
    for (size_t i = 0; i < COUNT(steps); i++) {
        put_device(&s, steps[i].bytes);
        expect(&s, 1000 * (int64_t)i, metric, "device", "eth0", 1, steps[i].v);
    }
    /* one more than 64 bits hold is no number: no value, and never one that is cut */
    put_device(&s, "18446744073709551616");
    expect(&s, 60000, metric, "device", "eth0", 2, 0);
    scratch_close(&s);
}

/* What diskstats counts in 32 bits wraps there (milliseconds, on every kernel). */
static void test_disk_time_wraps(void **state UNUSED)
{
    static const char metric[] = "node_disk_io_time_seconds_total";
    struct scratch s = scratch_open();
    scratch_put(&s, "proc/diskstats", "8 0 sda 1 2 3 4 5 6 7 8 0 4294967295 12\n");
    expect(&s, 1000, metric, "device", "sda", 1, 4294967.295);
    scratch_put(&s, "proc/diskstats", "8 0 sda 2 2 3 4 5 6 7 8 0 500 12\n");
    expect(&s, 2000, metric, "device", "sda", 1, 0.5);
    scratch_close(&s);
}

/* A module that is loaded later brings its file; it is looked for once a minute. */
static void test_file_comes(void **state UNUSED)
{
    static const char metric[] = "node_md_disks_required";
    struct scratch s = scratch_open();
    expect(&s, 1000, metric, "device", "md0", 0, 0);
    scratch_put(&s, "proc/mdstat", "md0 : active raid1 a[0] b[1]\n      8 blocks [2/2] [UU]\n");
    expect(&s, 16000, metric, "device", "md0", 0, 0);
    expect(&s, 76000, metric, "device", "md0", 1, 2);
    scratch_close(&s);
}

const struct CMUnitTest changes_tests[] = {
    cmocka_unit_test(test_processor_unplugged), cmocka_unit_test(test_softnet_rows),
    cmocka_unit_test(test_counters_wrap),       cmocka_unit_test(test_disk_time_wraps),
    cmocka_unit_test(test_file_comes),
};
const size_t changes_tests_n = COUNT(changes_tests);
