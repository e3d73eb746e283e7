/* The pure parsers: what they take and what they refuse. */
#include "unit.h"

#include "collect/parse.h"

static void test_numbers(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool ok;
        const char *name;
        size_t n;
        uint64_t first, last;
    } cases[] = {
        {"ctxt 12", true, "ctxt", 1, 12, 12},
        {"cpu0 1 2 3", true, "cpu0", 3, 1, 3},
        {"TCP: 5", true, "TCP", 1, 5, 5},
        {"big 18446744073709551615", true, "big", 1, UINT64_MAX, UINT64_MAX},
        {"many 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 "
         "31 32 x",
         true, "many", NUMBERS_MAX, 0, NUMBERS_MAX - 1},
        {"", false, NULL, 0, 0, 0},
        {"name", false, NULL, 0, 0, 0},
        {": 1", false, NULL, 0, 0, 0},
        {"x 1 two", false, NULL, 0, 0, 0},
        {"x -1", false, NULL, 0, 0, 0},
        {"x 18446744073709551616", false, NULL, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct numbers got;
        assert_int_equal(parse_numbers(span_of(cases[i].in), &got), cases[i].ok);
        if (!cases[i].ok)
            continue;
        assert_span(got.name, cases[i].name);
        assert_int_equal(got.n, cases[i].n);
        assert_true(got.v[0] == cases[i].first && got.v[got.n - 1] == cases[i].last);
    }
}

static void test_cpu_line(void **state UNUSED)
{
    static const struct {
        const char *in;
        const char *cpu; /* NULL: not a processor's line */
    } cases[] = {
        {"cpu0 1 2 3 4", "0"},  {"cpu127 1 2 3 4 5 6 7 8 9 10", "127"},
        {"cpu 1 2 3 4", NULL},  {"cpu0 1 2 3", NULL},
        {"cpux 1 2 3 4", NULL}, {"intr 1 2 3 4", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct numbers line;
        struct span cpu;
        assert_true(parse_numbers(span_of(cases[i].in), &line));
        assert_int_equal(parse_cpu_line(&line, &cpu), cases[i].cpu != NULL);
        if (cases[i].cpu)
            assert_span(cpu, cases[i].cpu);
    }
}

static void test_loadavg(void **state UNUSED)
{
    struct loadavg l;
    assert_true(parse_loadavg(SPAN("0.01 12.03 1000.00 3/94 7534\n"), &l));
    assert_true(l.load1 == 0.01 && l.load5 == 12.03 && l.load15 == 1000);
    assert_true(l.running == 3 && l.tasks == 94);
    static const char *const bad[] = {"", "0.01", "0.01 0.02 x 1/2 3", "0.01 0.02 0.03 12 3",
                                      "0.01 0.02 0.03 1/x 3"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(parse_loadavg(span_of(bad[i]), &l));
}

static void test_meminfo(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool ok, bytes;
        uint64_t value;
    } cases[] = {
        {"MemTotal:       1014968 kB", true, true, UINT64_C(1014968) * 1024},
        {"HugePages_Total:       7", true, false, 7},
        {"Active(anon):     12 kB", true, true, 12288},
        {"Max: 18014398509481983 kB", true, true, UINT64_C(18446744073709550592)},
        {"Over: 18014398509481984 kB", false, false, 0},
        {"MemTotal: 12 MB", false, false, 0},
        {"MemTotal: many kB", false, false, 0},
        {"MemTotal:", false, false, 0},
        {"MemTotal 12 kB", false, false, 0},
        {": 12 kB", false, false, 0},
        {"", false, false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct meminfo_line got;
        assert_int_equal(parse_meminfo_line(span_of(cases[i].in), &got), cases[i].ok);
        if (cases[i].ok)
            assert_true(got.value == cases[i].value && got.bytes == cases[i].bytes);
    }
}

static void test_vmstat_fields(void **state UNUSED)
{
    static const struct {
        const char *name;
        bool wanted;
    } cases[] = {
        {"oom_kill", true},
        {"pgpgin", true},
        {"pswpout", true},
        {"pgmajfault", true},
        {"pgfault", true},
        {"pglazyfree", false},
        {"allocstall_normal", true},
        {"allocstall", true},
        {"workingset_refault_file", true},
        {"nr_dirty_threshold", true},
        {"nr_throttled_written", true},
        {"compact_stall", true},
        {"pg", false},
        {"nr_free_pages", false},
        {"numa_hit", false},
        {"", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(vmstat_wanted((struct span){0}, span_of(cases[i].name)), cases[i].wanted);
}

static void test_pressure(void **state UNUSED)
{
    struct pressure p;
    assert_true(parse_pressure(SPAN("some avg10=0.00 avg60=0.02 avg300=0.10 total=7316240\n"
                                    "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"),
                               &p));
    assert_true(p.has_some && p.some_us == 7316240 && p.has_full && p.full_us == 5);
    assert_true(parse_pressure(SPAN("some avg10=0.00 total=1\n"), &p)); /* cpu before 5.13 */
    assert_true(p.has_some && !p.has_full);
    assert_false(parse_pressure(SPAN(""), &p));
    assert_false(parse_pressure(SPAN("some avg10=0.00\n"), &p));
    assert_false(parse_pressure(SPAN("some total=x\n"), &p));
    assert_false(parse_pressure(SPAN("none total=1\n"), &p));
}

static void test_choice(void **state UNUSED)
{
    struct span s;
    assert_true(parse_choice(SPAN("always [madvise] never\n"), &s));
    assert_span(s, "madvise");
    static const char *const bad[] = {"", "always madvise", "[]", "]x[", "[x", "x]"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(parse_choice(span_of(bad[i]), &s));
}

static void test_disks(void **state UNUSED)
{
    static const struct {
        const char *in;
        size_t n; /* 0: refused */
    } cases[] = {
        {" 8 0 sda 1 2 3 4 5 6 7 8 9 10 11", 11},
        {" 8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", 15},
        {" 254 0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", 17},
        {" 254 0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19", 17},
        {" 8 1 sda1 1 2 3 4", 0},
        {" 8 0 sda 1 2 3 4 5 6 7 8 9 10 x", 0},
        {" x 0 sda 1 2 3 4 5 6 7 8 9 10 11", 0},
        {"", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct disk_line d;
        assert_int_equal(parse_disk_line(span_of(cases[i].in), &d), cases[i].n > 0);
        if (cases[i].n)
            assert_int_equal(d.n, cases[i].n);
    }
    static const char *const excluded[] = {"ram0", "loop12", "fd0",       "sda1",      "vda15",
                                           "hdb3", "xvda1",  "nvme0n1p1", "nvme10n2p3"};
    static const char *const kept[] = {"sda",   "vda",     "xvda",     "nvme0n1",  "md0",   "dm-0",
                                       "zram0", "mmcblk0", "sr0",      "sdaa1",    "loopx", "nbd0p",
                                       "ram",   "",        "nvme0n1p", "nvmen1p1", "xvd1"};
    for (size_t i = 0; i < COUNT(excluded); i++)
        assert_true(disk_excluded(span_of(excluded[i])));
    for (size_t i = 0; i < COUNT(kept); i++)
        assert_false(disk_excluded(span_of(kept[i])));
}

static void test_mounts(void **state UNUSED)
{
    struct mount_line m;
    char text[16];
    assert_true(parse_mount_line(SPAN("/dev/sda1 /a\\040b ext4 rw,relatime 0 0"), &m));
    assert_span(m.device, "/dev/sda1");
    assert_span(m.fstype, "ext4");
    assert_int_equal(mount_unescape(m.mountpoint, text, sizeof text), 4);
    assert_string_equal(text, "/a b");
    assert_false(parse_mount_line(SPAN("/dev/sda1 /a ext4"), &m));
    assert_int_equal(mount_unescape(SPAN("\\04 \\999 \\777 \\"), text, sizeof text), 15);
    assert_int_equal(mount_unescape(SPAN("0123456789abcdefXYZ"), text, sizeof text), 15);
    assert_string_equal(text, "0123456789abcde");

    static const char *const excluded[] = {"/dev",
                                           "/dev/shm",
                                           "/proc",
                                           "/run/lock",
                                           "/sys/fs",
                                           "/mnt",
                                           "/media/usb",
                                           "/var/lib/docker/overlay2/x",
                                           "/var/lib/containers/storage/y"};
    static const char *const kept[] = {
        "/", "/home", "/device", "/running", "/var/lib/docker", "/var/lib/docker/", "/srv/mnt"};
    for (size_t i = 0; i < COUNT(excluded); i++)
        assert_true(mount_excluded(span_of(excluded[i])));
    for (size_t i = 0; i < COUNT(kept); i++)
        assert_false(mount_excluded(span_of(kept[i])));
    assert_true(fstype_excluded(SPAN("overlay")) && fstype_excluded(SPAN("cgroup2")));
    assert_false(fstype_excluded(SPAN("ext4")) || fstype_excluded(SPAN("tmpfs")) ||
                 fstype_excluded(SPAN("nfs4")) || fstype_excluded(SPAN("")));
    assert_true(mount_readonly(SPAN("ro")) && mount_readonly(SPAN("noatime,ro")));
    assert_false(mount_readonly(SPAN("rw,errors=remount-ro")) || mount_readonly(SPAN("")));
}

static void test_netdev(void **state UNUSED)
{
    struct netdev_line d;
    assert_true(
        parse_netdev_line(SPAN("  eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"), &d)); /* 2.6 */
    assert_span(d.device, "eth0");
    assert_true(d.v[0] == 1 && d.v[15] == 16);
    static const char *const bad[] = {"",
                                      "eth0 1 2",
                                      "eth0: 1 2 3",
                                      "eth0:",
                                      ": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
                                      "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 x"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(parse_netdev_line(span_of(bad[i]), &d));
}

static void test_stat_pairs(void **state UNUSED)
{
    struct span text = SPAN("TcpExt: A B\nTcpExt: 1 2\nlost\nIpExt: C\nTcpExt: D\nTcpExt: 3\nX: a");
    struct stat_pair p;
    bool odd = false;
    assert_true(next_stat_pair(&text, &p, &odd));
    assert_false(odd);
    assert_span(p.group, "TcpExt");
    assert_span(p.names, " A B");
    assert_span(p.values, " 1 2");
    assert_true(next_stat_pair(&text, &p, &odd));
    assert_true(odd); /* "lost" and "IpExt" */
    assert_span(p.names, " D");
    odd = false;
    assert_false(next_stat_pair(&text, &p, &odd));
    assert_true(odd);
}

static void test_netstat_fields(void **state UNUSED)
{
    static const struct {
        const char *group, *field;
        bool wanted;
    } cases[] = {
        {"TcpExt", "ListenOverflows", true},
        {"TcpExt", "ListenDrops", true},
        {"TcpExt", "SyncookiesSent", true},
        {"TcpExt", "TCPReqQFullDoCookies", true},
        {"TcpExt", "TCPTimeouts", true},
        {"TcpExt", "TCPTimeWaitOverflow", true},
        {"TcpExt", "DelayedACKs", false},
        {"Tcp", "CurrEstab", true},
        {"Tcp", "RtoMin", false},
        {"Udp", "InErrors", true},
        {"UdpLite6", "InErrors", true},
        {"Tcp", "InErrs", true},
        {"Udp", "MemErrors", true},
        {"Ip", "ReasmFails", true},
        {"Ip", "InOctets", false},
        {"IpExt", "InOctets", true},
        {"Ip6", "OutOctets", true},
        {"Icmp6", "OutMsgs", true},
        {"Icmp", "OutErrors", false},
        {"", "", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(netstat_wanted(span_of(cases[i].group), span_of(cases[i].field)),
                         cases[i].wanted);
    struct span group, field;
    assert_true(split_snmp6_name(SPAN("UdpLite6InErrors"), &group, &field));
    assert_span(group, "UdpLite6");
    assert_span(field, "InErrors");
    assert_false(split_snmp6_name(SPAN("InErrors"), &group, &field));
    assert_false(split_snmp6_name(SPAN("Ip6"), &group, &field));
    assert_false(split_snmp6_name(SPAN(""), &group, &field));
}

static void test_softnet(void **state UNUSED)
{
    struct softnet_line s;
    assert_true(parse_softnet_line(SPAN("00000ca8 00000002 ffffffff"), &s));
    assert_true(s.n == 3 && s.v[0] == 0xca8 && s.v[1] == 2 && s.v[2] == 0xffffffff);
    assert_false(parse_softnet_line(SPAN("00000ca8 00000002"), &s));
    assert_false(parse_softnet_line(SPAN("00000ca8 zz 00000000"), &s));
    assert_false(parse_softnet_line(SPAN(""), &s));
}

static void test_hex_table(void **state UNUSED)
{
    struct hex_column c[] = {{.name = "entries"}, {.name = "drop"}, {.name = "gone"}};
    assert_true(parse_hex_table(SPAN("entries  found drop\n0000000a 1 2\n0000000a 3 10\n"), c, 3));
    assert_true(c[0].found && c[0].first == 10 && c[0].sum == 20);
    assert_true(c[1].found && c[1].sum == 18);
    assert_false(c[2].found); /* not in this kernel: missing, not 0 */
    assert_true(parse_hex_table(SPAN("entries\n"), c, 3));
    assert_false(c[0].found);
    assert_false(parse_hex_table(SPAN(""), c, 3));
    assert_false(parse_hex_table(SPAN("entries drop\n1\n"), c, 3));
    assert_false(parse_hex_table(SPAN("entries drop\n1 q\n"), c, 3));
}

static void test_tcp_rows(void **state UNUSED)
{
    struct tcp_row r;
    assert_true(
        parse_tcp_row(SPAN("   0: 00000000:0582 00000000:0000 0A 00001000:00001001 00:0 0"), &r));
    assert_true(r.local_port == 1410 && r.state == 10 && r.tx_queue == 4096 && r.rx_queue == 4097);
    assert_true(parse_tcp_row(
        SPAN("12: 00000000000000000000000001000000:01BB 0000000000000000FFFF00000100007F:9C40 06 "
             "0:0"),
        &r));
    assert_true(r.local_port == 443 && r.remote_port == 40000 && r.remote_address.len == 32);
    static const char *const bad[] = {
        "",
        "  sl  local_address rem_address   st tx_queue rx_queue",
        "0: 00000000:10000 0:0 0A 0:0",
        "0: 00000000 0:0 0A 0:0",
        "0: 0:1 0:0 0D 0:0",
        "0: 0:1 0:0 0A 0",
        "0: 0:1 0:0 0A 100000000:0",
        "0: 0:1 0:0 xx 0:0",
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(parse_tcp_row(span_of(bad[i]), &r));
}

static void test_os_release(void **state UNUSED)
{
    static const struct {
        const char *in, *key, *value;
    } cases[] = {
        {"ID=debian", "ID", "debian"},
        {"NAME=\"Debian GNU/Linux\"", "NAME", "Debian GNU/Linux"},
        {"X='a b'", "X", "a b"},
        {"EMPTY=", "EMPTY", ""},
        {"OPEN=\"", "OPEN", "\""},
        {"# ID=x", NULL, NULL},
        {"no equals", NULL, NULL},
        {"=value", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span key, value;
        assert_int_equal(parse_os_line(span_of(cases[i].in), &key, &value), cases[i].key != NULL);
        if (cases[i].key) {
            assert_span(key, cases[i].key);
            assert_span(value, cases[i].value);
        }
    }
    double v = 0;
    assert_true(parse_version(SPAN("22.04.3 LTS"), &v) && v == 22.04);
    assert_true(parse_version(SPAN("12"), &v) && v == 12);
    assert_true(parse_version(SPAN("9.5beta"), &v) && v == 9.5);
    assert_false(parse_version(SPAN(""), &v) || parse_version(SPAN("x"), &v) ||
                 parse_version(SPAN(".5"), &v));
}

static void test_sysvipc(void **state UNUSED)
{
    struct sysvipc v;
    assert_true(parse_sysvipc(SPAN(" key id cbytes\n 1 2 10\n 1 3 30\n"), "cbytes", &v));
    assert_true(v.rows == 2 && v.sum == 40 && v.max == 30);
    assert_true(parse_sysvipc(SPAN(" key id cbytes\n"), "cbytes", &v));
    assert_true(v.rows == 0 && v.sum == 0 && v.max == 0);
    assert_false(parse_sysvipc(SPAN(" key id\n 1 2\n"), "cbytes", &v));
    assert_false(parse_sysvipc(SPAN(" key id cbytes\n 1 2\n"), "cbytes", &v));
    assert_false(parse_sysvipc(SPAN(" key id cbytes\n 1 2 x\n"), "cbytes", &v));
    assert_false(parse_sysvipc(SPAN(""), "cbytes", &v));
}

const struct CMUnitTest parse_tests[] = {
    cmocka_unit_test(test_numbers),       cmocka_unit_test(test_cpu_line),
    cmocka_unit_test(test_loadavg),       cmocka_unit_test(test_meminfo),
    cmocka_unit_test(test_vmstat_fields), cmocka_unit_test(test_pressure),
    cmocka_unit_test(test_choice),        cmocka_unit_test(test_disks),
    cmocka_unit_test(test_mounts),        cmocka_unit_test(test_netdev),
    cmocka_unit_test(test_stat_pairs),    cmocka_unit_test(test_netstat_fields),
    cmocka_unit_test(test_softnet),       cmocka_unit_test(test_hex_table),
    cmocka_unit_test(test_tcp_rows),      cmocka_unit_test(test_os_release),
    cmocka_unit_test(test_sysvipc),
};
const size_t parse_tests_n = COUNT(parse_tests);
