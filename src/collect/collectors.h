/* Private to collect/: the collectors by name. */
#pragma once

#include "collect/tick.h"

/* The rest of a collector's initialiser: what a file that names its things as all do has. */
#define COLLECTOR_OF(n, state_type)                                                                \
    .name = #n, .state_bytes = sizeof(state_type), .collect = n##_collect, .metrics = n##_metrics, \
    .n_metrics = COUNT(n##_metrics)

extern const struct collector arp_collector, cgroup_collector, hardware_collector, hwmon_collector,
    cpufreq_collector, bonding_collector, schedstat_collector, inotify_collector, udp_collector,
    conntrack_collector, disk_collector, entropy_collector, filefd_collector, filesystem_collector,
    host_collector, listeners_collector, loadavg_collector, meminfo_collector, netdev_collector,
    netstat_collector, nic_collector, os_collector, pressure_collector, processes_collector,
    products_collector, self_collector, sockstat_collector, softnet_collector, stat_collector,
    sysctl_collector, sysctl_files_collector, sysvipc_collector, tcpstates_collector,
    mdadm_collector, mountdisk_collector, mountstats_collector, nfs_collector, nfsd_collector,
    xfs_collector, btrfs_collector, zfs_collector, numa_collector, infiniband_collector,
    textfile_collector, thp_collector, time_collector, uname_collector, vmstat_collector;

/* Is it one of the kernel parameters that are collected (sysctl.c)? Name with dots. */
bool sysctl_is_collected(const struct tick *t, struct span name);
