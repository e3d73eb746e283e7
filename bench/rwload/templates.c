#include "templates.h"

#include "util.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct template templates[BASE];
static int ntemplates;

static void add(enum kind kind, double scale, const char *name, const char *k1, const char *v1,
                const char *k2, const char *v2)
{
    if (ntemplates == BASE)
        die("internal: too many templates");
    struct template *t = &templates[ntemplates++];
    t->kind = kind;
    t->scale = scale;
    snprintf(t->name, sizeof t->name, "%s", name);
    if (k1) {
        snprintf(t->labels[0][0], sizeof t->labels[0][0], "%s", k1);
        snprintf(t->labels[0][1], sizeof t->labels[0][1], "%s", v1);
        t->nlabels = 1;
    }
    if (k2) {
        snprintf(t->labels[1][0], sizeof t->labels[1][0], "%s", k2);
        snprintf(t->labels[1][1], sizeof t->labels[1][1], "%s", v2);
        t->nlabels = 2;
    }
}

static void make_templates(void)
{
    static const char *modes[] = {"idle",    "iowait", "irq",    "nice",
                                  "softirq", "steal",  "system", "user"};
    static const double share[] = {0.7, 0.02, 0, 0.001, 0.01, 0.005, 0.07, 0.2};
    static const char *nics[] = {"docker0", "eth0", "eth1", "lo"};
    static const char *disks[] = {"vda", "vdb"};
    static const char *mounts[] = {"/", "/boot", "/home", "/tmp", "/var"};
    char text[64], cpu[16];
    /* 112 counters */
    for (int c = 0; c < 8; c++)
        for (int m = 0; m < 8; m++) {
            snprintf(cpu, sizeof cpu, "%d", c);
            add(CPU, share[m], "node_cpu_seconds_total", "cpu", cpu, "mode", modes[m]);
        }
    for (int n = 0; n < 4; n++)
        for (int d = 0; d < 2; d++) {
            static const char *dir[] = {"receive", "transmit"},
                              *what[] = {"bytes", "packets", "errs", "drop"};
            static const enum kind kinds[] = {BYTES, PACKETS, ERRORS, ERRORS};
            for (int w = 0; w < 4; w++) {
                snprintf(text, sizeof text, "node_network_%s_%s_total", dir[d], what[w]);
                add(kinds[w], n == 0 ? 0 : 1, text, "device", nics[n], NULL, NULL);
            }
        }
    for (int n = 0; n < 2; n++) {
        static const char *what[] = {"reads_completed",   "read_bytes",
                                     "read_time_seconds", "writes_completed",
                                     "written_bytes",     "write_time_seconds",
                                     "io_time_seconds",   "io_time_weighted_seconds"};
        static const enum kind kinds[] = {PACKETS, BYTES,  MILLIS, PACKETS,
                                          BYTES,   MILLIS, MILLIS, MILLIS};
        for (int w = 0; w < 8; w++) {
            snprintf(text, sizeof text, "node_disk_%s_total", what[w]);
            add(kinds[w], n ? 0.2 : 1, text, "device", disks[n], NULL, NULL);
        }
    }
    /* 62 slowly moving integers, nearly all in bytes */
    static const char *mem[] = {
        "MemFree",       "MemAvailable",   "Buffers",        "Cached",
        "SwapCached",    "Active",         "Inactive",       "Active_anon",
        "Inactive_anon", "Active_file",    "Inactive_file",  "Unevictable",
        "Mlocked",       "SwapFree",       "Dirty",          "Writeback",
        "AnonPages",     "Mapped",         "Shmem",          "KReclaimable",
        "Slab",          "SReclaimable",   "SUnreclaim",     "KernelStack",
        "PageTables",    "NFS_Unstable",   "Bounce",         "WritebackTmp",
        "Committed_AS",  "VmallocUsed",    "Percpu",         "HardwareCorrupted",
        "AnonHugePages", "ShmemHugePages", "ShmemPmdMapped", "FileHugePages",
        "DirectMap4k",   "DirectMap2M"};
    for (size_t i = 0; i < 38; i++) {
        snprintf(text, sizeof text, "node_memory_%s_bytes", mem[i]);
        add(SLOW, 1024, text, NULL, NULL, NULL, NULL);
    }
    for (int m = 0; m < 5; m++) {
        add(SLOW, 4096, "node_filesystem_avail_bytes", "device", "/dev/vda1", "mountpoint",
            mounts[m]);
        add(SLOW, 4096, "node_filesystem_free_bytes", "device", "/dev/vda1", "mountpoint",
            mounts[m]);
        add(COUNT, 200000, "node_filesystem_files_free", "device", "/dev/vda1", "mountpoint",
            mounts[m]);
    }
    static const char *counts[] = {
        "node_filefd_allocated", "node_sockstat_TCP_alloc",    "node_sockstat_TCP_inuse",
        "node_sockstat_TCP_tw",  "node_netstat_Tcp_CurrEstab", "node_processes_threads",
        "node_procs_running",    "node_procs_blocked",         "node_processes_pids"};
    for (int i = 0; i < 9; i++)
        add(COUNT,
            i == 0             ? 3000
            : i == 5           ? 700
            : i == 8           ? 300
            : i == 6 || i == 7 ? 2
                               : 90,
            counts[i], NULL, NULL, NULL, NULL);
    /* 50 constants */
    static const char *sysctls[] = {"fs_file_max",
                                    "fs_nr_open",
                                    "fs_aio_max_nr",
                                    "fs_inotify_max_user_watches",
                                    "kernel_msgmax",
                                    "kernel_msgmnb",
                                    "kernel_msgmni",
                                    "kernel_pid_max",
                                    "kernel_shmall",
                                    "kernel_shmmax",
                                    "kernel_shmmni",
                                    "kernel_threads_max",
                                    "net_core_netdev_budget",
                                    "net_core_netdev_max_backlog",
                                    "net_core_rmem_default",
                                    "net_core_rmem_max",
                                    "net_core_somaxconn",
                                    "net_core_wmem_default",
                                    "net_core_wmem_max",
                                    "net_ipv4_tcp_fin_timeout",
                                    "net_ipv4_tcp_keepalive_time",
                                    "net_ipv4_tcp_max_orphans",
                                    "net_ipv4_tcp_max_syn_backlog",
                                    "net_ipv4_tcp_max_tw_buckets",
                                    "net_ipv4_tcp_tw_reuse",
                                    "vm_dirty_background_ratio",
                                    "vm_dirty_ratio",
                                    "vm_max_map_count",
                                    "vm_min_free_kbytes",
                                    "vm_overcommit_memory",
                                    "vm_swappiness"};
    for (size_t i = 0; i < 31; i++) {
        snprintf(text, sizeof text, "node_sysctl_%s", sysctls[i]);
        add(CONST, pow(2, 1 + (double)(i % 24)), text, NULL, NULL, NULL, NULL);
    }
    for (int m = 0; m < 5; m++) {
        add(CONST, 53660876800.0, "node_filesystem_size_bytes", "device", "/dev/vda1", "mountpoint",
            mounts[m]);
        add(CONST, 3276800, "node_filesystem_files", "device", "/dev/vda1", "mountpoint",
            mounts[m]);
    }
    for (int n = 0; n < 4; n++) {
        add(CONST, 1500, "node_network_mtu_bytes", "device", nics[n], NULL, NULL);
        add(CONST, 1, "node_network_up", "device", nics[n], NULL, NULL);
    }
    add(CONST, 1795000000, "node_boot_time_seconds", NULL, NULL, NULL, NULL);
    /* 26 noisy ones */
    for (int c = 0; c < 8; c++) {
        snprintf(cpu, sizeof cpu, "%d", c);
        add(RATIO, 0.3, "galen_cpu_busy_ratio", "cpu", cpu, NULL, NULL);
    }
    for (int n = 0; n < 2; n++) {
        add(RATIO, 0.1, "galen_disk_busy_ratio", "device", disks[n], NULL, NULL);
        add(RATIO, 0.004, "galen_disk_await_seconds", "device", disks[n], NULL, NULL);
    }
    add(CENTI, 2, "node_load1", NULL, NULL, NULL, NULL);
    add(CENTI, 2, "node_load5", NULL, NULL, NULL, NULL);
    add(CENTI, 2, "node_load15", NULL, NULL, NULL, NULL);
    static const char *res[] = {"cpu", "io", "memory"};
    for (int i = 0; i < 3; i++) {
        add(CENTI, 3, "galen_pressure_some_avg10", "resource", res[i], NULL, NULL);
        add(CENTI, 1, "galen_pressure_full_avg10", "resource", res[i], NULL, NULL);
    }
    static const char *chips[] = {"temp1", "temp2", "temp3", "temp4"};
    for (int i = 0; i < 4; i++)
        add(TENTH, 50, "node_hwmon_temp_celsius", "sensor", chips[i], NULL, NULL);
    add(RATIO, 0.0002, "node_timex_offset_seconds", NULL, NULL, NULL, NULL);
    if (ntemplates != BASE)
        die("internal: %d templates", ntemplates);
}

static void rename_to(struct template *t, enum kind kind, double scale, const char *name)
{
    t->kind = kind;
    t->scale = scale;
    t->nlabels = 0;
    snprintf(t->name, sizeof t->name, "%s", name);
}

/* node_sysctl_net_core_somaxconn as galen_sysctl{name="net.core.somaxconn"} */
static void rename_parameter(struct template *t)
{
    char name[64];
    snprintf(name, sizeof name, "%s", t->name + strlen("node_sysctl_"));
    int dots = strncmp(name, "net_", 4) ? 1 : 2;
    for (char *c = name; *c && dots; c++)
        if (*c == '_') {
            *c = '.';
            dots--;
        }
    if (!strcmp(name, "fs.file_max"))
        snprintf(name, sizeof name, "fs.file-max");
    rename_to(t, t->kind, t->scale, "galen_sysctl");
    t->nlabels = 1;
    snprintf(t->labels[0][0], sizeof t->labels[0][0], "name");
    snprintf(t->labels[0][1], sizeof t->labels[0][1], "%s", name);
}

static void rename_for_agent(void)
{
    for (int i = 0; i < ntemplates; i++) {
        struct template *t = &templates[i];
        if (!strncmp(t->name, "node_sysctl_", 12)) {
            rename_parameter(t);
        } else if (!strcmp(t->name, "node_memory_DirectMap4k_bytes")) {
            rename_to(t, CONST, 0x1p34, "node_memory_MemTotal_bytes");
        } else if (!strcmp(t->name, "node_memory_DirectMap2M_bytes")) {
            rename_to(t, CONST, 0x1p32, "node_memory_SwapTotal_bytes");
        } else if (!strcmp(t->name, "galen_pressure_some_avg10")) {
            char name[sizeof t->name];
            snprintf(name, sizeof name, "node_pressure_%.20s_waiting_seconds_total",
                     t->labels[0][1]);
            rename_to(t, MILLIS, 0.1, name);
        }
    }
}

const struct template *templates_make(bool agent)
{
    make_templates();
    if (agent)
        rename_for_agent();
    return templates;
}
