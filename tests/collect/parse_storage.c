/* The pure parsers of what storage and its networks say. */
#include "unit.h"

#include "base/buf.h"
#include "collect/parse.h"

static void test_md_array(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool ok, odd;
        const char *state;
        uint64_t blocks, synced, active, required, failed, spare;
    } cases[] = {
        {"md0 : active raid1 sda1[0] sdb1[1]\n  8 blocks [2/2] [UU]\n", true, false, "active", 8, 8,
         2, 2, 0, 0},
        {"Personalities : [raid1]\nmd0 : active raid1 a[0](F) b[1]\n  8 blocks super 1.2 [2/1] "
         "[_U]\n"
         "  [=>..]  recovery =  8.5% (3/8) finish=1.0min speed=2K/sec\n\nunused devices: <none>\n",
         true, false, "recovering", 8, 3, 1, 2, 1, 0},
        {"md0 : active (auto-read-only) raid1 a[0] b[1] c[2](S)\n  8 blocks [2/2] [UU]\n"
         "\tresync=PENDING\n",
         true, false, "resync", 8, 0, 2, 2, 0, 1},
        {"md0 : active raid1 a[0] b[1]\n  8 blocks [2/2] [UU]\n  [>] check = 5.7% (1/8) x\n"
         "  bitmap: 0/1 pages\n",
         true, false, "check", 8, 1, 2, 2, 0, 0},
        {"md0 : active raid5 a[0] b[1] c[2]\n  8 blocks [3/3] [UUU]\n  [>] reshape = 1% (2/8) x\n",
         true, false, "active", 8, 2, 3, 3, 0, 0},
        {"md0 : inactive sda3[0](S)\n  8 blocks\n", true, false, "inactive", 8, 8, 0, 0, 0, 1},
        {"md0 : active raid0 a[0] b[1]\n  8 blocks 64k chunks\n", true, false, "active", 8, 8, 2, 2,
         0, 0},
        {"Personalities : \nunused devices: <none>\n", false, false, NULL, 0, 0, 0, 0, 0, 0},
        {"md0 : active raid1 a[0]\n", false, true, NULL, 0, 0, 0, 0, 0, 0},
        {"md0 : broken raid1 a[0]\n  8 blocks [1/1] [U]\n", false, true, NULL, 0, 0, 0, 0, 0, 0},
        {"md0 : active raid1 a[0]\n  many blocks\n", false, true, NULL, 0, 0, 0, 0, 0, 0},
        {"md0 : active raid1 a[0]\n  8 blocks [x/1]\n", false, true, NULL, 0, 0, 0, 0, 0, 0},
        {"md0 : active raid1 a[0]\n  8 blocks [1/1]\n  [>] resync = 1% (x/8)\n", false, true, NULL,
         0, 0, 0, 0, 0, 0},
        {"md0", false, true, NULL, 0, 0, 0, 0, 0, 0},
        {"", false, false, NULL, 0, 0, 0, 0, 0, 0},
        /* the broken one does not take the next with it */
        {"md1 : what\nmd0 : active raid1 a[0]\n  8 blocks [1/1] [U]\n", true, true, "active", 8, 8,
         1, 1, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span text = span_of(cases[i].in);
        struct md_array got;
        bool odd = false, ok = next_md_array(&text, &got, &odd);
        if (ok != cases[i].ok || odd != cases[i].odd)
            fail_msg("%zu: %d, odd %d: %s", i, ok, odd, cases[i].in);
        if (!ok)
            continue;
        assert_span(got.name, "md0");
        assert_span(got.state, cases[i].state);
        assert_int_equal(got.blocks, cases[i].blocks);
        assert_int_equal(got.synced, cases[i].synced);
        assert_int_equal(got.active, cases[i].active);
        assert_int_equal(got.required, cases[i].required);
        assert_int_equal(got.failed, cases[i].failed);
        assert_int_equal(got.spare, cases[i].spare);
        assert_false(next_md_array(&text, &got, &odd));
    }
}

static void test_rpc_line(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool ok;
        size_t n;
        uint64_t first, last;
    } cases[] = {
        {"net 18628 3 18625 6", true, 4, 18628, 6},
        {"proc3 3 7 8 9", true, 3, 7, 9},
        {"th 8 0 0.000 0.000", true, 2, 8, 0},
        {"", false, 0, 0, 0},
        {"net", false, 0, 0, 0},
        {"net x", false, 0, 0, 0},
        {"net 1 0.5", false, 0, 0, 0},
        {"th 0.5", false, 0, 0, 0},
        {"proc3 3 7 8", false, 0, 0, 0}, /* its count is another */
        {"proc3 x 7", false, 0, 0, 0},
        {"proc3 0", false, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rpc_line got;
        assert_int_equal(parse_rpc_line(span_of(cases[i].in), &got), cases[i].ok);
        if (cases[i].ok) {
            assert_int_equal(got.n, cases[i].n);
            assert_int_equal(got.v[0], cases[i].first);
            assert_int_equal(got.v[got.n - 1], cases[i].last);
        }
    }
}

/* One procedure more than are kept is no error, and not kept. */
static void test_rpc_line_is_bounded(void **state UNUSED)
{
    for (size_t n = RPC_NUMBERS_MAX - 1; n <= RPC_NUMBERS_MAX + 1; n++) {
        auto_buf text = {0};
        struct rpc_line got;
        buf_printf(&text, "proc4ops %zu", n);
        for (size_t i = 0; i < n; i++)
            buf_printf(&text, " %zu", i);
        assert_true(parse_rpc_line(buf_view(&text), &got));
        assert_int_equal(got.n, MIN(n, RPC_NUMBERS_MAX));
    }
}

static void test_kstat_row(void **state UNUSED)
{
    static const struct {
        const char *in, *text;
        bool ok;
        uint64_t type, v;
    } cases[] = {
        {"hits                            4    8772612", "8772612", true, 4, 8772612},
        {"memory_available_bytes  3    -922337203", "-922337203", true, 3, 0},
        {"dataset_name  7    tank/a name", "tank/a name", true, 7, 0},
        {"hits 4 x", NULL, false, 0, 0},
        {"hits 4", NULL, false, 0, 0},
        {"hits x 4", NULL, false, 0, 0},
        {"hits", NULL, false, 0, 0},
        {"", NULL, false, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct kstat_row got;
        assert_int_equal(parse_kstat_row(span_of(cases[i].in), &got), cases[i].ok);
        if (cases[i].ok) {
            assert_span(got.text, cases[i].text);
            assert_true(got.type == cases[i].type && got.v == cases[i].v);
        }
    }
}

static void test_btrfs_ratio(void **state UNUSED)
{
    static const struct {
        const char *layout;
        uint64_t devices;
        double ratio;
    } cases[] = {
        {"single", 1, 1},  {"dup", 1, 2},     {"raid0", 2, 1},   {"raid1", 2, 2}, {"raid10", 4, 2},
        {"raid1c3", 3, 3}, {"raid1c4", 4, 4}, {"raid5", 3, 1.5}, {"raid6", 4, 2}, {"raid5", 1, 0},
        {"raid6", 2, 0},   {"raid7", 9, 0},   {"", 1, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(btrfs_ratio(span_of(cases[i].layout), cases[i].devices) == cases[i].ratio);
}

static void test_numa_line(void **state UNUSED)
{
    struct meminfo_line m;
    assert_true(parse_numa_line(SPAN("Node 1 Active(anon):    7 kB"), &m));
    assert_span(m.name, "Active(anon)");
    assert_true(m.bytes && m.value == 7168);
    assert_true(parse_numa_line(SPAN("Node 0 HugePages_Total:     3"), &m));
    assert_true(!m.bytes && m.value == 3);
    static const char *const bad[] = {"",
                                      "Node",
                                      "Node 0",
                                      "Node x MemFree: 1 kB",
                                      "MemFree: 1 kB",
                                      "Node 0 MemFree: kB",
                                      "Node 0 : 1 kB"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(parse_numa_line(span_of(bad[i]), &m));
}

static void test_mountinfo(void **state UNUSED)
{
    uint64_t major, minor;
    struct span place;
    assert_true(parse_mountinfo_line(
        SPAN("36 35 98:1 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw"), &major, &minor,
        &place));
    assert_true(major == 98 && minor == 1);
    assert_span(place, "/mnt\\0402");
    static const char *const bad[] = {
        "", "36 35", "36 35 98 / /mnt", "36 35 x:1 / /mnt", "36 35 98:1 /", "x 35 98:1 / /mnt"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(parse_mountinfo_line(span_of(bad[i]), &major, &minor, &place));
}

static void test_nfs_device(void **state UNUSED)
{
    struct span export;
    bool nfs;
    assert_true(parse_nfs_device(SPAN("device a:/b mounted on /c with fstype nfs4 statvers=1.1"),
                                 &export, &nfs));
    assert_span(export, "a:/b");
    assert_true(nfs);
    assert_true(
        parse_nfs_device(SPAN("device proc mounted on /proc with fstype proc"), &export, &nfs));
    assert_false(nfs);
    assert_true(
        parse_nfs_device(SPAN("device a:/b mounted on /c with fstype nfsd"), &export, &nfs));
    assert_false(nfs);
    assert_true(parse_nfs_device(SPAN("device a:/b fstype"), &export, &nfs));
    assert_false(nfs);
    static const char *const bad[] = {"", "device", "no device mounted on /", "\tage:\t4"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(parse_nfs_device(span_of(bad[i]), &export, &nfs));
}

static void test_disk_of_link(void **state UNUSED)
{
    struct span disk;
    assert_true(disk_of_link(SPAN("../../devices/virtual/block/dm-0"), false, &disk));
    assert_span(disk, "dm-0");
    assert_true(disk_of_link(SPAN("../../devices/pci0/block/sda/sda1"), true, &disk));
    assert_span(disk, "sda");
    assert_false(disk_of_link(SPAN(""), false, &disk));
    assert_false(disk_of_link(SPAN("sda1"), true, &disk));
    assert_false(disk_of_link(SPAN("../sda1"), true, &disk));
}

static void test_infiniband(void **state UNUSED)
{
    double rate;
    uint64_t id;
    assert_true(parse_infiniband_rate(SPAN("40 Gb/sec (4X QDR)"), &rate) && rate == 5e9);
    assert_true(parse_infiniband_rate(SPAN("2.5 Gb/sec (1X)"), &rate) && rate == 312.5e6);
    assert_false(parse_infiniband_rate(SPAN("40 Mb/sec"), &rate));
    assert_false(parse_infiniband_rate(SPAN("nan Gb/sec"), &rate));
    assert_false(parse_infiniband_rate(SPAN("40"), &rate));
    assert_false(parse_infiniband_rate(SPAN(""), &rate));
    assert_true(parse_infiniband_state(SPAN("4: ACTIVE"), &id) && id == 4);
    assert_false(parse_infiniband_state(SPAN("ACTIVE"), &id));
    assert_false(parse_infiniband_state(SPAN(""), &id));
}

const struct CMUnitTest parse_storage_tests[] = {
    cmocka_unit_test(test_md_array),
    cmocka_unit_test(test_rpc_line),
    cmocka_unit_test(test_rpc_line_is_bounded),
    cmocka_unit_test(test_kstat_row),
    cmocka_unit_test(test_btrfs_ratio),
    cmocka_unit_test(test_numa_line),
    cmocka_unit_test(test_infiniband),
    cmocka_unit_test(test_mountinfo),
    cmocka_unit_test(test_disk_of_link),
    cmocka_unit_test(test_nfs_device),
};
const size_t parse_storage_tests_n = COUNT(parse_storage_tests);
