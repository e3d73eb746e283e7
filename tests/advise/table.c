/* Every case makes one shipped rule speak with an exact step, and is then repeated with its guard:
 * the same host, and one thing more that makes the advice wrong. A line is a metric, its labels and
 * "=level" or "+pace a second". */
#include "world.h"

#include <stdio.h>

struct rule_case {
    const char *rule;
    unsigned minutes;
    const char *series;
    const char *want; /* "from -> to"; "" when the rule proposes no value */
    const char *guard;
};

#define PORTS                                                                                      \
    "galen_sysctl name=net.ipv4.ip_local_port_range,field=low =32768\n"                            \
    "galen_sysctl name=net.ipv4.ip_local_port_range,field=high =60999\n"

static const struct rule_case cases[] = {
    {"FD1", 8, "node_filefd_allocated - =90000\n", "100000 -> 262144",
     "node_filefd_allocated - =50000\n"},
    {"FD2", 6,
     "galen_process_descriptors process=java,unit=app.service =900\n"
     "galen_process_descriptors_limit process=java,unit=app.service =1024\n"
     "galen_sysctl name=fs.nr_open =1048576\n",
     "1024 -> 2048", "galen_process_descriptors process=java,unit=app.service =700\n"},
    {"FD3", 6,
     "galen_process_descriptors process=java,unit=a =1000000\n"
     "galen_process_descriptors_limit process=java,unit=a =1048576\n"
     "galen_process_descriptors_hard_limit process=java,unit=a =1048576\n"
     "galen_sysctl name=fs.nr_open =1048576\n",
     "1048576 -> 2097152", "galen_sysctl name=fs.nr_open =2097152\n"},
    {"FS1", 40,
     "galen_inotify_watches uid=1000 =60000\ngalen_sysctl name=fs.inotify.max_user_watches "
     "=65536\n",
     "65536 -> 131072", "galen_inotify_watches uid=1000 =40000\n"},
    {"FS2", 40,
     "galen_inotify_instances uid=1000 =120\n"
     "galen_sysctl name=fs.inotify.max_user_instances =128\n",
     "128 -> 512", "galen_inotify_instances uid=1000 =90\n"},
    {"IP3", 8, "galen_sysctl name=kernel.msgmax =65536\ngalen_sysctl name=kernel.msgmnb =16384\n",
     "", "galen_sysctl name=kernel.msgmnb =65536\n"},
    {"MI1", 8, "node_entropy_available_bits - =100\nnode_entropy_pool_size_bits - =4096\n", "",
     "node_entropy_pool_size_bits - =256\n"},
    {"PR1", 4, "galen_tasks - =30000\ngalen_sysctl name=kernel.pid_max =32768\n", "32768 -> 65536",
     "galen_tasks - =20000\n"},
    {"PR3", 6,
     "galen_unit_pids unit=mq.service =500\ngalen_unit_pids_limit unit=mq.service =512\n"
     "galen_sysctl name=kernel.threads-max =100000\n",
     "512 -> 1024", "galen_unit_pids unit=mq.service =300\n"},
    {"CP4", 14,
     "galen_unit_cpu_periods_total unit=a.service +10\n"
     "galen_unit_cpu_throttled_periods_total unit=a.service +5\n"
     "galen_unit_cpu_quota_ratio unit=a.service =0.5\n",
     "50 -> 100",
     "node_cpu_seconds_total cpu=0,mode=idle +0.05\nnode_cpu_seconds_total cpu=1,mode=idle "
     "+0.05\n"},
    {"ME11", 6,
     "galen_process_maps process=java =60000\ngalen_sysctl name=vm.max_map_count =65530\n",
     "65530 -> 262144", "galen_process_maps process=java =40000\n"},
    {"ME14", 20,
     "node_vmstat_compact_stall - +50\ngalen_transparent_hugepage mode=always =1\n"
     "node_pressure_memory_waiting_seconds_total - +0.1\n",
     "1 -> 0", "galen_transparent_hugepage mode=always =0\n"},
    {"ME13", 20,
     "node_memory_HugePages_Total - =1000\nnode_memory_HugePages_Free - =0\n"
     "node_memory_HugePages_Rsvd - =0\nnode_memory_Hugepagesize_bytes - =2097152\n"
     "galen_sysvipc_shm_bytes - =4194304000\ngalen_sysctl name=vm.nr_hugepages =1000\n"
     "galen_product_processes process=postgres =20\n",
     "1000 -> 2040", "galen_product_processes process=postgres =0\n"},
    {"TC6", 6,
     PORTS "galen_tcp_sockets state=fin_wait2 =10000\n"
           "galen_sysctl name=net.ipv4.tcp_fin_timeout =60\n",
     "60 -> 30", "galen_tcp_sockets state=fin_wait2 =100\n"},
    {"TC8", 8,
     "galen_sysctl name=net.ipv4.tcp_keepalive_time =7200\n"
     "galen_product_processes process=amqzxma0 =1\n",
     "7200 -> 300", "galen_product_processes process=amqzxma0 =0\n"},
    {"TC10", 14,
     "node_sockstat_TCP_mem - =800000\n"
     "galen_sysctl name=net.ipv4.tcp_mem,field=low =600000\n"
     "galen_sysctl name=net.ipv4.tcp_mem,field=pressure =800000\n"
     "galen_sysctl name=net.ipv4.tcp_mem,field=high =1048576\n"
     "galen_sysctl name=net.ipv4.tcp_rmem,field=min =4096\n"
     "galen_sysctl name=net.ipv4.tcp_rmem,field=default =131072\n"
     "galen_sysctl name=net.ipv4.tcp_rmem,field=max =8388608\n",
     "4096 131072 8388608 -> 4096 131072 6291456",
     "galen_sysctl name=net.ipv4.tcp_rmem,field=max =1048576\n"},
    {"NE6", 8,
     "node_nf_conntrack_entries - =60000\nnode_nf_conntrack_entries_limit - =65536\n"
     "galen_tcp_sockets state=established =100\nnode_sockstat_UDP_inuse - =10\n"
     "galen_sysctl name=net.ipv4.tcp_keepalive_time =7200\n"
     "galen_sysctl name=net.netfilter.nf_conntrack_tcp_timeout_established =432000\n",
     "432000 -> 86400", "galen_tcp_sockets state=established =50000\n"},
    {"TC1", 6,
     "node_netstat_TcpExt_ListenOverflows - +5\ngalen_listener_limit_is_somaxconn port=1414 =1\n"
     "galen_listener_queue_limit port=1414 =128\ngalen_sysctl name=net.core.somaxconn =128\n",
     "128 -> 512", "galen_listener_limit_is_somaxconn port=1414 =0\n"},
    /* Who asks for nothing has rmem_default, who asks for much is cut at rmem_max: never the other.
     */
    {"UD1", 6,
     "node_netstat_Udp_RcvbufErrors - +50\ngalen_sysctl name=net.core.rmem_default =212992\n"
     "galen_udp_drops_limited_by port=514,parameter=net.core.rmem_default =1\n",
     "212992 -> 524288",
     "galen_udp_drops_limited_by port=514,parameter=net.core.rmem_default =0\n"
     "galen_udp_drops_limited_by port=514,parameter=net.core.rmem_max =1\n"},
    {"UD1-max", 6,
     "node_netstat_Udp_RcvbufErrors - +50\ngalen_sysctl name=net.core.rmem_max =212992\n"
     "galen_udp_drops_limited_by port=514,parameter=net.core.rmem_max =1\n",
     "212992 -> 524288",
     "galen_udp_drops_limited_by port=514,parameter=net.core.rmem_max =0\n"
     "galen_udp_drops_limited_by port=514,parameter=net.core.rmem_default =1\n"},
    {"UD1-program", 6,
     "node_netstat_Udp_RcvbufErrors - +50\n"
     "galen_udp_drops_limited_by port=514,parameter=program =1\n",
     "", "galen_udp_drops_limited_by port=514,parameter=net.core.rmem_default =1\n"},
    {"UD1-unseen", 6,
     "node_netstat_Udp_RcvbufErrors - +50\ngalen_sysctl name=net.core.rmem_default =212992\n",
     "212992 -> 524288", "galen_udp_drops_limited_by port=514,parameter=program =1\n"},
    /* Its own limit, not the host's memory; a kill for want of the host's is another rule's. */
    {"ME4-unit", 4,
     "galen_unit_oom_kills_total unit=a.service +0.1\n"
     "galen_unit_memory_limit_hits_total unit=a.service +1\n"
     "galen_unit_memory_limit_bytes unit=a.service =1073741824\n"
     "node_vmstat_oom_kill - +0.1\n",
     "", "node_memory_MemAvailable_bytes - =1073741824\n"},
    {"ME4-group", 4, "node_vmstat_oom_kill - +0.1\n", "",
     "node_memory_MemAvailable_bytes - =1073741824\n"},
    {"ME4-group", 4, "node_vmstat_oom_kill - +0.1\n", "",
     "galen_unit_oom_kills_total unit=a.service +0.1\n"
     "galen_unit_memory_limit_hits_total unit=a.service +1\n"
     "galen_unit_memory_limit_bytes unit=a.service =1073741824\n"},
    {"ME4", 4, "node_vmstat_oom_kill - +0.1\nnode_memory_MemAvailable_bytes - =1073741824\n", "",
     "node_memory_MemAvailable_bytes - =4294967296\n"},
};

static void put_line(struct world *w, struct span line)
{
    auto_arena arena = {0};
    struct span metric, labels, value;
    double v;
    assert_true(span_word(&line, &metric) && span_word(&line, &labels) && span_word(&line, &value));
    assert_true(span_double(span_from(value.at + 1, value.len - 1), &v));
    const char *name = arena_dup_span(&arena, metric);
    const char *of = span_is(labels, "-") ? "" : arena_dup_span(&arena, labels);
    if (value.at[0] == '+')
        world_pace(w, name, of, v);
    else
        world_set(w, name, of, v);
}

static void put_lines(struct world *w, const char *text)
{
    struct span rest = span_of(text), line;
    while (span_line(&rest, &line))
        put_line(w, line);
}

static const struct finding *look(struct world *w, const struct rule_case *c, bool guarded)
{
    world_open(w);
    put_lines(w, c->series);
    if (guarded)
        put_lines(w, c->guard);
    world_minutes(w, c->minutes);
    return world_finding(w, c->rule);
}

static void rules_speak_with_their_step(void **state UNUSED)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        const struct rule_case *c = &cases[i];
        const struct finding *f = look(&w, c, false);
        char got[200] = "";
        if (!f)
            fail_msg("%s is silent", c->rule);
        if (f->to)
            snprintf(got, sizeof got, "%s -> %s", f->from, f->to);
        if (strcmp(got, c->want) != 0)
            fail_msg("%s: \"%s\" is not \"%s\"", c->rule, got, c->want);
        world_close(&w);
    }
}

static void guards_keep_rules_silent(void **state UNUSED)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        const struct finding *f = look(&w, &cases[i], true);
        if (f)
            fail_msg("%s speaks in spite of its guard: %s", cases[i].rule, f->sentence);
        world_close(&w);
    }
}

const struct CMUnitTest table_tests[] = {
    cmocka_unit_test(rules_speak_with_their_step),
    cmocka_unit_test(guards_keep_rules_silent),
};
const size_t table_tests_n = COUNT(table_tests);
