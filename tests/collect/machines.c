/* Collectors over recorded and made-up machines: tests/machines. */
#include "unit.h"

#include "machine.h"

struct expected {
    const char *machine, *series;
    double value;
};

static const struct expected there[] = {
    {"debian12", "node_cpu_seconds_total{cpu=\"1\",mode=\"idle\"}", -1},
    {"debian12", "node_load1", -1},
    {"debian12", "node_memory_MemTotal_bytes", 25276510208},
    {"debian12", "node_memory_HugePages_Total", 0},
    {"debian12", "node_memory_Active_anon_bytes", -1},
    {"debian12", "node_vmstat_oom_kill", 0},
    {"debian12", "node_disk_read_bytes_total{device=\"vda\"}", 3424170 * 512.0},
    {"debian12", "node_disk_read_time_seconds_total{device=\"vda\"}", 11.187},
    {"debian12", "node_disk_io_now{device=\"vda\"}", 0},
    {"debian12", "node_disk_flush_requests_time_seconds_total{device=\"vda\"}", 0.063},
    {"debian12",
     "node_filesystem_avail_bytes{device=\"/dev/vda1\",fstype=\"ext4\",mountpoint=\"/\"}",
     20430197 * 4096.0},
    {"debian12",
     "node_filesystem_readonly{device=\"/dev/vdb\",fstype=\"xfs\",mountpoint=\"/srv/two words\"}",
     1},
    {"debian12", "node_network_receive_drop_total{device=\"eth0\"}", 2},
    {"debian12", "node_network_transmit_compressed_total{device=\"eth0\"}", 12},
    {"debian12", "node_network_speed_bytes{device=\"eth0\"}", 1.25e9},
    {"debian12", "node_netstat_Tcp_CurrEstab", -1},
    {"debian12", "node_netstat_TcpExt_ListenOverflows", 0},
    {"debian12", "node_netstat_Udp6_InDatagrams", 0},
    {"debian12", "node_sockstat_TCP_mem_bytes", -1},
    {"debian12", "node_sockstat_UDP6_inuse", -1},
    {"debian12", "node_softnet_dropped_total{cpu=\"1\"}", 0},
    {"debian12", "node_pressure_io_stalled_seconds_total", -1},
    {"debian12", "node_filefd_maximum", 2466177},
    {"debian12", "node_arp_entries{device=\"eth0\"}", 2},
    {"debian12", "node_nf_conntrack_entries_limit", 262144},
    {"debian12", "node_time_seconds", 1000},
    {"debian12",
     "node_uname_info{machine=\"x86_64\",nodename=\"recorded\",release=\"6.18.44-fc-v657\","
     "sysname=\"Linux\",version=\"#1 SMP PREEMPT_DYNAMIC @0\"}",
     1},
    {"debian12", "node_os_version{id=\"debian\",name=\"Debian GNU/Linux\"}", 12},
    {"debian12", "galen_sysctl{name=\"vm.swappiness\"}", 60},
    {"debian12", "galen_sysctl{name=\"fs.inotify.max_user_watches\"}", -1},
    {"debian12", "galen_sysctl{name=\"kernel.shmmax\"}", 18446744073692774399.0},
    {"debian12", "galen_sysctl{field=\"semmni\",name=\"kernel.sem\"}", 32000},
    {"debian12", "galen_sysctl{field=\"pressure\",name=\"net.ipv4.tcp_mem\"}", -1},
    {"debian12", "galen_sysvipc_msg_queue_max_bytes", 12000},
    {"debian12", "galen_sysvipc_msg_queues", 2},
    {"debian12", "galen_sysvipc_semaphores", 42},
    {"debian12", "galen_tasks", -1},
    {"debian12", "galen_listener_queue_limit{port=\"22\"}", 128},
    {"debian12", "galen_tcp_sockets{state=\"time_wait\"}", 3},
    {"debian12", "galen_tcp_sockets{state=\"fin_wait2\"}", 1},
    {"debian12", "galen_tcp_time_wait_destination_max", 2},
    {"debian12", "galen_transparent_hugepage{mode=\"madvise\"}", 1},
    {"debian12", "galen_neighbour_entries{family=\"ipv4\"}", 2},

    {"cpus128", "node_cpu_seconds_total{cpu=\"127\",mode=\"user\"}", 2.27},
    {"cpus128", "node_intr_total", 123456789},
    {"cpus128", "node_procs_blocked", 1},
    {"cpus128", "node_softnet_processed_total{cpu=\"127\"}", 2032},

    {"linux310", "node_vmstat_allocstall", 3},
    {"linux310", "node_memory_SwapTotal_bytes", 0},
    {"linux310", "node_disk_io_time_weighted_seconds_total{device=\"sda\"}", 0.9},
    {"linux310", "node_softnet_times_squeezed_total{cpu=\"0\"}", 3},
    {"linux310", "node_netstat_TcpExt_ListenOverflows", 12},
    {"linux310", "node_netstat_Ip_ReasmFails", 2},

    {"lxc", "node_cpu_seconds_total{cpu=\"3\",mode=\"system\"}", 0.2},
    {"lxc", "node_load15", 0.3},
    {"lxc",
     "node_filesystem_size_bytes{device=\"rpool/data/"
     "subvol-101-disk-0\",fstype=\"zfs\",mountpoint=\"/\"}",
     8589934592},

    {"odd", "node_cpu_seconds_total{cpu=\"1\",mode=\"user\"}", 184467440737095516.15},
    {"odd", "node_procs_running", 2},
    {"odd", "node_memory_Cached_bytes", 5120},
    {"odd", "node_vmstat_oom_kill", 1},
    {"odd", "node_disk_reads_completed_total{device=\"sdd\"}", 1}, /* the first of two */
    {"odd", "node_network_receive_bytes_total{device=\"eth2\"}", 1},
    {"odd", "node_netstat_IpExt_OutOctets", 7},
    {"odd", "node_sockstat_RAW_inuse", 1},
    {"odd", "galen_agent_collector_faults_total{collector=\"meminfo\"}", 5},

    {"odd", "node_md_disks{device=\"md8\",state=\"active\"}", 2},
    {"odd", "node_nfs_packets_total{protocol=\"udp\"}", 2},
    {"odd", "node_zfs_arc_hits", 12},
    {"odd", "node_xfs_extent_allocation_extents_allocated_total{device=\"sdb\"}", 5},
    {"odd", "node_btrfs_global_rsv_size_bytes{uuid=\"v\"}", 7},
    {"odd", "node_memory_numa_MemUsed{node=\"1\"}", 2048},
    {"odd", "node_memory_numa_numa_miss_total{node=\"1\"}", 4},
    {"odd", "galen_agent_collector_faults_total{collector=\"mdadm\"}", 1},
    {"odd", "galen_agent_collector_faults_total{collector=\"nfs\"}", 2},
    {"odd", "galen_agent_collector_faults_total{collector=\"zfs\"}", 2},
    {"odd", "galen_agent_collector_faults_total{collector=\"xfs\"}", 1},
    {"odd", "galen_agent_collector_faults_total{collector=\"numa\"}", 2},

    {"listen-overflow", "galen_listener_queue_length{port=\"1414\"}", 4097},
    {"listen-overflow", "galen_listener_queue_limit{port=\"1414\"}", 4096},
    {"listen-overflow", "galen_listener_limit_is_somaxconn{port=\"1414\"}", 1},
    {"listen-overflow", "galen_listener_queue_limit{port=\"22\"}", 128},
    {"listen-overflow", "galen_sysctl{name=\"net.core.somaxconn\"}", 4096},

    {"cgroup2", "galen_unit_cpu_seconds_total{unit=\"nginx.service\"}", 2.5},
    {"cgroup2", "galen_unit_cpu_throttled_periods_total{unit=\"nginx.service\"}", 25},
    {"cgroup2", "galen_unit_cpu_throttled_seconds_total{unit=\"nginx.service\"}", 0.75},
    {"cgroup2", "galen_unit_memory_limit_bytes{unit=\"nginx.service\"}", 4194304},
    {"cgroup2", "galen_unit_oom_kills_total{unit=\"nginx.service\"}", 2},
    {"cgroup2", "galen_unit_memory_limit_hits_total{unit=\"nginx.service\"}", 7},
    {"cgroup2", "galen_unit_memory_high_hits_total{unit=\"nginx.service\"}", 4},
    {"cgroup2", "galen_unit_pids_limit{unit=\"nginx.service\"}", 100},
    {"cgroup2",
     "galen_unit_pressure_stalled_seconds_total{resource=\"memory\",unit=\"nginx.service\"}", 1},
    {"cgroup2", "galen_unit_pids{unit=\"user.slice\"}", 9},
    {"cgroup2", "galen_units_left_out", 0},
    {"cgroup1", "galen_unit_cpu_seconds_total{unit=\"0123abc\"}", 2.5},
    {"cgroup1", "galen_unit_cpu_throttled_seconds_total{unit=\"0123abc\"}", 1.5},
    {"cgroup1", "galen_unit_memory_bytes{unit=\"0123abc\"}", 1048576},
    {"cgroup1", "galen_unit_oom_kills_total{unit=\"0123abc\"}", 3},
    {"cgroup1", "galen_unit_pids{unit=\"0123abc\"}", 5},
    {"cgroup1", "galen_unit_pids_limit{unit=\"batch\"}", 8}, /* not one of systemd's */
    {"cgroup1", "galen_unit_cpu_quota_ratio{unit=\"0123abc\"}", 1.5},
    {"cgroup2", "galen_unit_cpu_quota_ratio{unit=\"nginx.service\"}", 0.5},

    {"hardware", "node_thermal_zone_temp{type=\"x86_pkg_temp\",zone=\"0\"}", 47.5},
    {"hardware", "node_edac_correctable_errors_total{controller=\"0\"}", 3},
    {"hardware", "node_edac_uncorrectable_errors_total{controller=\"0\"}", 0},
    {"hardware", "node_hwmon_temp_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"}", 47.5},
    {"hardware", "node_hwmon_temp_max_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"}", 80},
    {"hardware", "node_hwmon_temp_crit_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"}",
     100},
    {"hardware", "node_hwmon_fan_rpm{chip=\"platform_coretemp_0\",sensor=\"fan2\"}", 1200},
    {"hardware", "node_hwmon_in_volts{chip=\"platform_coretemp_0\",sensor=\"in0\"}", 1.032},
    {"hardware", "node_hwmon_power_watt{chip=\"platform_coretemp_0\",sensor=\"power1\"}", 12.5},
    {"hardware",
     "node_hwmon_sensor_label{chip=\"platform_coretemp_0\",label=\"Package id "
     "0\",sensor=\"temp1\"}",
     1},
    {"hardware", "node_hwmon_chip_names{chip=\"platform_coretemp_0\",chip_name=\"coretemp\"}", 1},
    {"hardware", "node_hwmon_chip_names{chip=\"bare_chip\",chip_name=\"bare_chip\"}", 1},
    {"hardware", "node_hwmon_temp_celsius{chip=\"bare_chip\",sensor=\"temp1\"}", -1},
    {"hardware", "node_bonding_slaves{master=\"bond0\"}", 2},
    {"hardware", "node_bonding_active{master=\"bond0\"}", 1},
    {"hardware", "node_cpu_scaling_frequency_hertz{cpu=\"0\"}", 2.3e9},
    {"hardware", "node_cpu_scaling_frequency_min_hertz{cpu=\"0\"}", 8e8},
    {"hardware", "node_cpu_frequency_max_hertz{cpu=\"0\"}", 3.6e9},
    {"hardware", "node_schedstat_running_seconds_total{cpu=\"0\"}", 2.5},
    {"hardware", "node_schedstat_waiting_seconds_total{cpu=\"0\"}", 1.5},
    {"hardware", "node_schedstat_timeslices_total{cpu=\"0\"}", 42},
    {"hardware", "node_time_clocksource_current_info{clocksource=\"tsc\",device=\"0\"}", 1},

    {"storage", "node_md_disks{device=\"md6\",state=\"failed\"}", 1},
    {"storage", "node_md_state{device=\"md6\",state=\"recovering\"}", 1},
    {"storage", "node_md_blocks_synced{device=\"md6\"}", 16775552},
    {"storage", "node_md_state{device=\"md4\",state=\"inactive\"}", 1},
    {"storage", "node_nfs_rpc_retransmissions_total", 12},
    {"storage", "node_nfs_requests_total{method=\"ReadDirPlus\",proto=\"3\"}", 241},
    {"storage", "node_nfsd_disk_bytes_written_total", 72864},
    {"storage", "node_nfsd_requests_total{method=\"Write\",proto=\"4\"}", 3},
    {"storage", "node_xfs_write_calls_total{device=\"dm-0\"}", 323217},
    {"storage",
     "node_btrfs_used_bytes{block_group_type=\"data\",mode=\"raid1\","
     "uuid=\"7f07c59f-6136-449c-ab87-e1cf2328731b\"}",
     808189952},
    {"storage", "galen_filesystem_disk{device=\"sda\",mountpoint=\"/\"}", 1},
    {"storage", "galen_filesystem_disk{device=\"dm-0\",mountpoint=\"/srv/two words\"}", 1},
    {"storage",
     "node_mountstats_nfs_operations_request_time_seconds_total{export=\"filer:/"
     "export\",operation=\"READ\",protocol=\"tcp\"}",
     79.407},
    {"storage",
     "node_mountstats_nfs_total_read_bytes_total{export=\"filer:/export\",protocol=\"tcp\"}",
     1210214218},
    {"storage", "node_zfs_arc_size", 1603939792},
    {"storage", "node_zfs_zpool_state{state=\"degraded\",zpool=\"tank\"}", 1},
    {"storage", "node_zfs_zpool_dataset_nread{dataset=\"tank/data\",zpool=\"tank\"}", 196},
    {"storage", "node_memory_numa_numa_miss_total{node=\"1\"}", 59858626709},
    {"storage", "node_infiniband_port_data_received_bytes_total{device=\"mlx4_0\",port=\"1\"}",
     18527668},

    {"processes", "node_processes_state{state=\"D\"}", 1},
    {"processes", "node_processes_state{state=\"Z\"}", 0},
    {"processes", "node_processes_pids", 4},
    {"processes", "node_processes_threads", 13},
    {"processes", "node_processes_max_threads", 192000},
    {"processes", "galen_process_descriptors{process=\"nginx\",unit=\"nginx.service\"}", 3},
    {"processes", "galen_process_descriptors_limit{process=\"nginx\",unit=\"nginx.service\"}", 4},
    {"processes", "galen_process_maps{process=\"my sql) d\"}", 2},
};

/* Nothing that begins so: what is missing is absent, never zero. */
static const struct {
    const char *machine, *start;
} absent[] = {
    {"debian12", "node_disk_io_now{device=\"vda1\""},
    {"debian12", "node_disk_io_now{device=\"loop"},
    {"debian12", "node_network_receive_bytes_total{device=\"lo\""},
    {"debian12", "node_filesystem_size_bytes{device=\"proc"},
    {"debian12", "node_filesystem_size_bytes{device=\"tmpfs"},
    {"debian12", "node_filesystem_size_bytes{device=\"overlay"},
    {"debian12", "galen_listener_limit_is_somaxconn"}, /* no queue is full */
    {"debian12", "galen_listener_drops_total"},        /* not in /proc/net/tcp */
    {"debian12", "node_timex"},                        /* that of this machine's clock */
    {"cpus128", "node_memory"},
    {"cgroup2", "galen_unit_pids_limit{unit=\"user.slice\""}, /* "max" is no number */
    {"cgroup2", "galen_unit_memory_limit_bytes{unit=\"user.slice\""},
    {"cgroup2", "galen_unit_pids{unit=\"tmp.mount\""},
    {"cgroup1", "galen_unit_memory_high_hits_total"},
    {"cgroup1", "galen_unit_memory_limit_bytes"}, /* "no limit" in version 1's words */
    {"cgroup1", "galen_unit_pids_limit{unit=\"0123abc\""},
    {"cgroup1", "galen_unit_cpu_quota_ratio{unit=\"batch\""}, /* -1: none */
    {"cgroup2", "galen_unit_cpu_quota_ratio{unit=\"user.slice\""},
    {"hardware", "node_thermal_zone_temp{type=\"asleep\""},
    {"hardware", "node_hwmon_temp_celsius{chip=\"bare_chip\",sensor=\"temp2\""}, /* no number */
    {"hardware", "node_schedstat_running_seconds_total{cpu=\"1\""}, /* a row cut short */
    {"linux310", "node_hwmon"},
    {"linux310", "node_bonding"},
    {"linux310", "node_cpu_scaling"},
    {"linux310", "node_schedstat"},
    {"linux310", "node_memory_MemAvailable_bytes"},
    {"linux310", "node_pressure"},
    {"linux310", "node_disk_discards"},
    {"linux310", "node_disk_io_now{device=\"sda1\""},
    {"linux310", "node_sockstat_TCP6"},
    {"linux310", "node_vmstat_oom_kill"},
    {"linux310", "node_nf_conntrack"},
    {"linux310", "galen_sysvipc"},
    {"lxc", "node_vmstat"},
    {"lxc", "node_netstat"},
    {"lxc", "node_intr_total"},
    {"lxc", "galen_sysctl"},
    {"debian12", "node_md_"},
    {"debian12", "node_nfs"},
    {"debian12", "node_xfs_"},
    {"debian12", "node_btrfs_"},
    {"debian12", "node_zfs_"},
    {"debian12", "node_memory_numa_"},
    {"debian12", "node_infiniband_"},
    {"odd", "node_md_blocks{device=\"md7\"}"},
    {"odd", "node_md_blocks{device=\"md9\"}"},
    {"odd", "node_nfs_rpcs_total"},
    {"odd", "node_nfs_requests_total"},
    {"odd", "node_zfs_arc_misses"},
    {"odd", "node_zfs_zpool"},
    {"odd", "node_xfs_write"},
    {"odd", "node_btrfs_size"},
    {"odd", "node_infiniband_state"},
    {"odd", "node_infiniband_symbol"},
    {"storage", "galen_filesystem_disk{device=\"\""},
    {"storage",
     "node_mountstats_nfs_operations_requests_total{export=\"filer:/export\",operation=\"NULL\""},
    {"odd", "node_mountstats"},
    {"odd", "node_load"},
    {"odd", "node_cpu_seconds_total{cpu=\"0\""},
    {"odd", "node_cpu_seconds_total{cpu=\"2\""},
    {"odd", "node_boot_time_seconds"},
    {"odd", "node_memory_MemTotal"},
    {"odd", "node_memory_Buffers"},
    {"odd", "node_pressure"},
    {"odd", "node_disk_reads_completed_total{device=\"sdb\""},
    {"odd", "node_netstat_IpExt_InOctets"},
    {"odd", "node_filefd"},
    {"odd", "galen_sysvipc"},
    {"odd", "galen_sysctl{name=\"net.core.somaxconn\"}"},
    {"odd", "galen_listener"},
    {"listen-overflow", "galen_listener_limit_is_somaxconn{port=\"22\"}"},
};

static void test_there(void **state UNUSED)
{
    auto_buf text = {0};
    const char *machine = "";
    for (size_t i = 0; i < COUNT(there); i++) {
        const struct expected *e = &there[i];
        if (strcmp(machine, e->machine) != 0) {
            buf_clear(&text);
            machine_text(machine = e->machine, &text);
        }
        double got = 0;
        if (!text_value(&text, e->series, &got))
            fail_msg("%s has no %s", machine, e->series);
        if (e->value >= 0 && got != e->value)
            fail_msg("%s: %s is %.17g, not %.17g", machine, e->series, got, e->value);
    }
}

static void test_absent(void **state UNUSED)
{
    auto_buf text = {0};
    const char *machine = "";
    for (size_t i = 0; i < COUNT(absent); i++) {
        if (strcmp(machine, absent[i].machine) != 0) {
            buf_clear(&text);
            machine_text(machine = absent[i].machine, &text);
        }
        struct span rest = buf_view(&text), line;
        while (span_line(&rest, &line))
            if (span_starts(line, span_of(absent[i].start)))
                fail_msg("%s has \"%.*s\"", machine, SPAN_ARG(line));
    }
}

/* Names, types and labels are such that Prometheus takes the page. */
static void test_page_is_exposition(void **state UNUSED)
{
    auto_buf text = {0};
    machine_text("debian12", &text);
    struct exposition_reader *r = exposition_open(buf_view(&text), false);
    struct exposition_line line;
    size_t samples = 0, families = 0;
    struct err err = {0};
    enum status st;
    while ((st = exposition_next(r, &line, &err)) == OK) {
        samples += line.kind == EXPOSITION_SAMPLE;
        families += line.kind == EXPOSITION_TYPE;
    }
    exposition_close(r);
    assert_int_equal(st, NOT_FOUND);
    assert_true(samples > 300 && families > 150);
}

static void test_empty_root(void **state UNUSED)
{
    struct collect *c = NULL;
    assert_fails(collect_open(&(struct collect_config){.root = TESTS_DIR "/machines"}, &c, err),
                 NOT_FOUND, "this machine's name");
    assert_null(c);
    assert_fails(collect_open(&(struct collect_config){.root = TESTS_DIR "/none"}, &c, err),
                 NOT_FOUND, "root directory");
    const char *names[] = {"stat", "sat"};
    assert_fails(collect_open(&(struct collect_config){.root = "/", .off = {names, 2}}, &c, err),
                 INVALID, "\"sat\"");
    /* with a name nothing else is needed */
    assert_ok(collect_open(&(struct collect_config){.root = TESTS_DIR "/machines", .instance = "x"},
                           &c, err));
    collect_run(c, 1, 1, true);
    assert_string_equal(collect_instance(c), "x");
    collect_close(c);
}

static void test_sysctl_list(void **state UNUSED)
{
    const char *names[] = {"vm.swappiness", "../../etc/passwd", "", "fs.inotify.*", "no.such.name"};
    struct collect_config config = {.root = TESTS_DIR "/machines/debian12",
                                    .sysctls = {names, COUNT(names)}};
    struct collect *c = NULL;
    assert_ok(collect_open(&config, &c, err));
    collect_run(c, 1, 1, true);
    auto_buf text = {0};
    collect_expose(c, &text, true);
    collect_close(c);
    size_t n = 0;
    struct span rest = buf_view(&text), line;
    while (span_line(&rest, &line))
        n += span_starts(line, SPAN("galen_sysctl{"));
    assert_int_equal(n, 2);
    double v;
    assert_true(text_value(&text, "galen_sysctl{name=\"vm.swappiness\"}", &v) && v == 60);
    assert_true(text_value(&text, "galen_sysctl{name=\"fs.inotify.max_user_watches\"}", &v));
}

static void test_machine_id(void **state UNUSED)
{
    struct collect *c = machine_open("debian12");
    char id[33];
    assert_ok(collect_machine_id(c, id, err));
    assert_int_equal(strlen(id), 32);
    assert_null(strstr(id, "00000000000000000000000000000000"));
    collect_close(c);
    c = machine_open("lxc");
    assert_fails(collect_machine_id(c, id, err), NOT_FOUND, "machine-id");
    collect_close(c);
}

const struct CMUnitTest machines_tests[] = {
    cmocka_unit_test(test_there),
    cmocka_unit_test(test_absent),
    cmocka_unit_test(test_page_is_exposition),
    cmocka_unit_test(test_empty_root),
    cmocka_unit_test(test_sysctl_list),
    cmocka_unit_test(test_machine_id),
};
const size_t machines_tests_n = COUNT(machines_tests);
