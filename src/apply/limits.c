/* What Galen may set a parameter to, whatever a rule, a server or a person says. */
#include "apply/apply.h"

static const struct {
    const char *name;
    double low, high;
} limits[] = {
    {"fs.aio-max-nr", 65536, 16777216},
    {"fs.file-max", 65536, 9223372036854775807.0},
    {"fs.inotify.max_user_instances", 128, 65536},
    {"fs.inotify.max_user_watches", 8192, 16777216},
    {"fs.nr_open", 1048576, 1073741816},
    {"kernel.msgmax", 8192, 16777216},
    {"kernel.msgmnb", 16384, 16777216},
    {"kernel.msgmni", 32, 32768},
    {"kernel.pid_max", 32768, 4194304},
    {"kernel.sem", 1, 2147483647},
    {"kernel.shmall", 65536, 18446744073692774399.0},
    {"kernel.shmmax", 33554432, 18446744073692774399.0},
    {"kernel.shmmni", 4096, 32768},
    {"kernel.threads-max", 8192, 8388608},
    {"net.core.netdev_budget", 100, 1200},
    {"net.core.netdev_budget_usecs", 1000, 20000},
    {"net.core.netdev_max_backlog", 1000, 65536},
    {"net.core.rmem_default", 65536, 16777216},
    {"net.core.rmem_max", 65536, 67108864},
    {"net.core.somaxconn", 128, 65535},
    {"net.core.wmem_default", 65536, 16777216},
    {"net.core.wmem_max", 65536, 67108864},
    {"net.ipv4.ip_local_port_range", 1024, 65535},
    {"net.ipv4.ipfrag_high_thresh", 262144, 67108864},
    {"net.ipv4.neigh.default.gc_thresh1", 128, 65536},
    {"net.ipv4.neigh.default.gc_thresh2", 512, 65536},
    {"net.ipv4.neigh.default.gc_thresh3", 1024, 65536},
    {"net.ipv4.tcp_fin_timeout", 15, 120},
    {"net.ipv4.tcp_keepalive_intvl", 5, 75},
    {"net.ipv4.tcp_keepalive_probes", 3, 9},
    {"net.ipv4.tcp_keepalive_time", 60, 7200},
    {"net.ipv4.tcp_max_orphans", 4096, 1048576},
    {"net.ipv4.tcp_max_syn_backlog", 128, 65535},
    {"net.ipv4.tcp_max_tw_buckets", 4096, 4194304},
    {"net.ipv4.tcp_mem", 4096, 1073741824},
    {"net.ipv4.tcp_rmem", 4096, 67108864},
    {"net.ipv4.tcp_tw_reuse", 0, 2},
    {"net.ipv4.tcp_wmem", 4096, 67108864},
    {"net.ipv4.udp_mem", 4096, 1073741824},
    {"net.netfilter.nf_conntrack_max", 16384, 4194304},
    {"net.netfilter.nf_conntrack_tcp_timeout_established", 3600, 432000},
    {"vm.dirty_background_bytes", 0, 1073741824},
    {"vm.dirty_background_ratio", 0, 50},
    {"vm.dirty_bytes", 0, 4294967296.0},
    {"vm.dirty_ratio", 0, 60},
    {"vm.max_map_count", 65530, 4194304},
    {"vm.min_free_kbytes", 16384, 1048576},
    {"vm.nr_hugepages", 0, 1048576},
    {"vm.overcommit_memory", 0, 2},
    {"vm.overcommit_ratio", 1, 95},
    {"vm.swappiness", 0, 100},
    {"vm.watermark_scale_factor", 10, 1000},
    {"vm.zone_reclaim_mode", 0, 7},
};

static enum status check_number(size_t i, struct span word, struct err *err)
{
    int64_t whole;
    uint64_t big;
    if (!span_i64(word, &whole) && !span_u64(word, &big))
        return err_set(err, INVALID, "%s: \"%.*s\" is no whole number", limits[i].name,
                       (int)MIN(word.len, (size_t)40), word.at);
    double v = 0;
    (void)!span_double(word, &v);
    if (v >= limits[i].low && v <= limits[i].high)
        return OK;
    return err_set(err, INVALID, "%s: %.*s is outside %.0f..%.0f, which Galen may set",
                   limits[i].name, SPAN_ARG(word), limits[i].low, limits[i].high);
}

enum status apply_check(struct span parameter, struct span value, struct err *err)
{
    size_t i = 0, words = 0;
    while (i < COUNT(limits) && !span_is(parameter, limits[i].name))
        i++;
    if (i == COUNT(limits))
        return err_set(err, NOT_FOUND, "%.*s is none of the parameters that Galen changes",
                       (int)MIN(parameter.len, (size_t)80), parameter.at);
    if (value.len > APPLY_VALUE_MAX_BYTES)
        return err_set(err, INVALID, "%s: the value has more than %d bytes", limits[i].name,
                       APPLY_VALUE_MAX_BYTES);
    struct span word;
    for (; span_word(&value, &word); words++) {
        enum status st = check_number(i, word, err);
        if (st)
            return st;
    }
    return words ? OK : err_set(err, INVALID, "%s: the value is empty", limits[i].name);
}
