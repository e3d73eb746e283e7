/* The table of collectors, in the order in which they run and are sent. */
#include "collect/collectors.h"

static const struct collector *const collectors[] = {
    /* at every collection */
    &stat_collector,
    &loadavg_collector,
    &meminfo_collector,
    &vmstat_collector,
    &pressure_collector,
    &disk_collector,
    &netdev_collector,
    &netstat_collector,
    &sockstat_collector,
    &softnet_collector,
    &filefd_collector,
    &time_collector,
    /* every 5 s */
    &listeners_collector,
    &filesystem_collector,
    &conntrack_collector,
    &sysvipc_collector,
    /* more rarely */
    &sysctl_collector,
    &processes_collector,
    &cgroup_collector,
    &inotify_collector,
    &hardware_collector,
    &hwmon_collector,
    &cpufreq_collector,
    &bonding_collector,
    &schedstat_collector,
    &mountdisk_collector,
    &mountstats_collector,
    &mdadm_collector,
    &nfs_collector,
    &nfsd_collector,
    &xfs_collector,
    &btrfs_collector,
    &zfs_collector,
    &numa_collector,
    &infiniband_collector,
    &udp_collector,
    &sysctl_files_collector,
    &products_collector,
    &arp_collector,
    &tcpstates_collector,
    &nic_collector,
    &entropy_collector,
    &thp_collector,
    &uname_collector,
    &os_collector,
    &host_collector,
    &textfile_collector,
    &self_collector,
};

const struct collector *const *collect_table(size_t *n)
{
    *n = COUNT(collectors);
    return collectors;
}
