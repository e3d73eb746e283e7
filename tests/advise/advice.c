/* Rules at work: when they begin and cease to speak, how far a step goes, and what they must not
 * say. */
#include "world.h"

#include <stdio.h>
#include <unistd.h>

#include "paths.h"

static const char limit_rule[] =
    "- id: L1\n  title: T\n  class: increase\n  kind: limit\n  limit: things\n  parameter: vm.x\n"
    "  use: max by (instance) (things) / max by (instance) (galen_sysctl{name=\"vm.x\"})\n"
    "  above: 0.75\n  window: 1m\n  for: 3m\n  propose: 2 * $value\n  bounds: [1024, 65536]\n"
    "  sentence: \"Use is {use:percent}.\"\n  takes_effect: at once\n";
static const char proof_rule[] =
    "- id: P1\n  title: T\n  class: increase\n  kind: proof\n  parameter: vm.x\n"
    "  counter: drops\n  above: 1\n  window: 1m\n  for: 3m\n  propose: 2 * $value\n"
    "  bounds: [1024, 65536]\n  sentence: \"{value} a second.\"\n  takes_effect: at once\n";

static void open_with(struct world *w, const char *rules)
{
    world_open_rules(w, rules);
    world_set(w, "galen_sysctl", "name=vm.x", 4096);
    world_set(w, "things", "", 100);
    world_pace(w, "drops", "", 0);
    world_minutes(w, 12);
}

static void fires_after_its_time(void **state)
{
    (void)state;
    struct world w;
    open_with(&w, limit_rule);
    world_set(&w, "things", "", 3500);
    world_minutes(&w, 3);
    assert_null(world_finding(&w, "L1"));
    world_minutes(&w, 1);
    const struct finding *f = world_finding(&w, "L1");
    assert_non_null(f);
    assert_string_equal(f->from, "4096");
    assert_string_equal(f->to, "8192");
    assert_string_equal(f->sentence, "Raise vm.x from 4096 to 8192. Use is 85 %.");
    assert_string_equal(f->line, "vm.x = 8192");
    assert_string_equal(f->file, "/etc/sysctl.d/90-galen.conf");
    assert_string_equal(f->command, "sysctl -w vm.x=8192");
    assert_string_equal(f->undo, "sysctl -w vm.x=4096");
    const struct analysis *a = world_host(&w, "web1");
    assert_int_equal(a->class, 1);
    assert_false(a->uncertain);
    assert_string_equal(a->summary, "Raise vm.x from 4096 to 8192.");
    world_close(&w);
}

static void a_short_peak_is_nothing(void **state)
{
    (void)state;
    struct world w;
    open_with(&w, limit_rule);
    for (int i = 0; i < 5; i++) {
        world_set(&w, "things", "", 3500);
        world_minutes(&w, 2);
        world_set(&w, "things", "", 100);
        world_minutes(&w, 1);
        assert_null(world_finding(&w, "L1"));
    }
    world_close(&w);
}

static void ends_slowly(void **state)
{
    (void)state;
    struct world w;
    open_with(&w, limit_rule);
    world_set(&w, "things", "", 3500);
    world_minutes(&w, 4);
    int64_t since = world_finding(&w, "L1")->since_ms;
    /* Below the threshold but above 80 % of it: stays, for as long as it lasts. */
    world_set(&w, "things", "", 2700);
    world_minutes(&w, 60);
    assert_non_null(world_finding(&w, "L1"));
    assert_true(world_finding(&w, "L1")->since_ms == since);
    /* Below 80 %: 15 minutes more. */
    world_set(&w, "things", "", 2400);
    world_minutes(&w, 15);
    assert_non_null(world_finding(&w, "L1"));
    world_minutes(&w, 1);
    assert_null(world_finding(&w, "L1"));
    world_minutes(&w, 10);
    assert_null(world_finding(&w, "L1"));
    world_close(&w);
}

static void the_end_is_told_once(void **state)
{
    (void)state;
    struct world w;
    open_with(&w, limit_rule);
    world_set(&w, "things", "", 3500);
    world_minutes(&w, 4);
    world_set(&w, "things", "", 10);
    size_t told = 0;
    for (int i = 0; i < 60; i++) {
        world_steps(&w, 1);
        told += world_host(&w, "web1")->n_ended;
    }
    assert_int_equal(told, 1);
    world_close(&w);
}

static void proof_at_ten_times_fires_at_once(void **state)
{
    (void)state;
    struct world w;
    open_with(&w, proof_rule);
    world_pace(&w, "drops", "", 5);
    world_minutes(&w, 3);
    assert_null(world_finding(&w, "P1"));
    world_minutes(&w, 1);
    assert_non_null(world_finding(&w, "P1"));
    world_close(&w);
    open_with(&w, proof_rule);
    world_pace(&w, "drops", "", 30);
    world_steps(&w, 2);
    assert_non_null(world_finding(&w, "P1"));
    world_close(&w);
}

static void a_counter_that_restarts_is_no_proof(void **state)
{
    (void)state;
    struct world w;
    open_with(&w, proof_rule);
    world_set(&w, "drops", "", 5e6);
    world_minutes(&w, 20);
    assert_null(world_finding(&w, "P1")); /* the jump up is seen for a minute only */
    world_set(&w, "drops", "", 4.9e6);
    world_steps(&w, 1);
    assert_null(world_finding(&w, "P1"));
    world_minutes(&w, 5);
    assert_null(world_finding(&w, "P1"));
    world_close(&w);
}

static void nothing_after_boot(void **state)
{
    (void)state;
    struct world w;
    open_with(&w, proof_rule);
    world_set(&w, "node_boot_time_seconds", "", (double)w.now_ms / 1000);
    world_set(&w, "drops", "", 0);
    world_pace(&w, "drops", "", 100);
    world_minutes(&w, 9);
    assert_null(world_finding(&w, "P1"));
    assert_int_equal(world_host(&w, "web1")->class, 0);
    world_minutes(&w, 2);
    assert_non_null(world_finding(&w, "P1"));
    /* A boot ends what was found before it. */
    world_set(&w, "node_boot_time_seconds", "", (double)w.now_ms / 1000);
    world_steps(&w, 1);
    assert_null(world_finding(&w, "P1"));
    world_close(&w);
}

static void a_change_gets_its_time(void **state)
{
    (void)state;
    struct world w;
    open_with(&w, proof_rule);
    world_pace(&w, "drops", "", 30);
    world_minutes(&w, 2);
    assert_non_null(world_finding(&w, "P1"));
    world_set(&w, "galen_sysctl", "name=vm.x", 8192);
    world_minutes(&w, 15);
    assert_null(world_finding(&w, "P1"));
    world_minutes(&w, 1);
    const struct finding *f = world_finding(&w, "P1"); /* it did not help: the next step */
    assert_non_null(f);
    assert_string_equal(f->from, "8192");
    assert_string_equal(f->to, "16384");
    world_close(&w);
}

static void steps(void **state)
{
    (void)state;
    static const struct {
        double now;
        const char *to; /* NULL: no further step */
    } cases[] = {
        {128, "512"},     {100, "400"},     {1000, "2048"}, {4096, "8192"}, {5000, "16384"},
        {40000, "65536"}, {65535, "65536"}, {65536, NULL},  {100000, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        open_with(&w, proof_rule);
        world_set(&w, "galen_sysctl", "name=vm.x", cases[i].now);
        world_pace(&w, "drops", "", 30);
        world_minutes(&w, 2);
        const struct finding *f = world_finding(&w, "P1");
        assert_non_null(f);
        if (cases[i].to) {
            assert_string_equal(f->to, cases[i].to);
        } else {
            assert_null(f->to);
            assert_int_equal(f->class, 0);
            assert_non_null(strstr(f->sentence, "no further step"));
        }
        world_close(&w);
    }
}

static void missing_signals_are_silent(void **state)
{
    (void)state;
    struct world w;
    open_with(&w, limit_rule);
    assert_int_equal(world_host(&w, "web1")->checks, 1);
    assert_int_equal(world_host(&w, "web1")->silent, 0);
    world_gone(&w, "things", "");
    world_minutes(&w, 6); /* longer than PromQL looks back */
    assert_int_equal(world_host(&w, "web1")->checks, 0);
    assert_int_equal(world_host(&w, "web1")->silent, 1);
    world_close(&w);
}

static void hosts_are_told_apart(void **state)
{
    (void)state;
    struct world w;
    open_with(&w, limit_rule);
    world_set(&w, "node_memory_MemTotal_bytes", "instance=db1", 1e9);
    world_set(&w, "things", "instance=db1", 3500);
    world_set(&w, "galen_sysctl", "instance=db1,name=vm.x", 4096);
    world_minutes(&w, 5);
    assert_int_equal(w.advice.n, 2);
    assert_int_equal(world_host(&w, "web1")->n_findings, 0);
    assert_int_equal(world_host(&w, "db1")->n_findings, 1);
    /* A host that falls silent has no analysis; when it is back, its condition begins anew. */
    for (size_t i = 0; i < w.n; i++)
        if (labels_get(w.series[i].labels, SPAN("instance")).at[0] == 'd')
            w.series[i].gone = true;
    world_minutes(&w, 8);
    assert_null(world_host(&w, "db1"));
    for (size_t i = 0; i < w.n; i++)
        w.series[i].gone = false;
    world_steps(&w, 1);
    assert_non_null(world_host(&w, "db1"));
    assert_int_equal(world_host(&w, "db1")->n_findings, 0);
    world_close(&w);
}

static void subjects_are_told_apart(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    static const char *const mounts[] = {"/", "/var", "/home"};
    static const double avail[] = {50e9, 4e9, 2e9};
    for (size_t i = 0; i < 3; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "mountpoint=%s,fstype=ext4,device=sda%zu", mounts[i], i);
        world_set(&w, "node_filesystem_size_bytes", labels, 100e9);
        world_set(&w, "node_filesystem_avail_bytes", labels, avail[i]);
    }
    world_minutes(&w, 10);
    const struct analysis *a = world_host(&w, "web1");
    assert_int_equal(a->n_findings, 2);
    assert_string_equal(a->findings[0].subject, "/home");
    assert_string_equal(a->findings[1].subject, "/var");
    assert_non_null(strstr(a->findings[1].sentence, "to /var. It holds"));
    assert_int_equal(a->class, 3);
    world_close(&w);
}

static void stronger_evidence_first(void **state)
{
    (void)state;
    struct world w;
    auto_buf rules = {0};
    buf_str(&rules, limit_rule);
    buf_str(&rules, proof_rule);
    open_with(&w, buf_text(&rules));
    world_set(&w, "things", "", 3500);
    world_minutes(&w, 4);
    assert_non_null(world_finding(&w, "L1"));
    /* The same parameter twice: the proof stays. */
    world_pace(&w, "drops", "", 30);
    world_minutes(&w, 2);
    assert_non_null(world_finding(&w, "P1"));
    assert_null(world_finding(&w, "L1"));
    world_close(&w);
}

static void a_broken_rule_does_not_stop_others(void **state)
{
    (void)state;
    struct world w;
    auto_buf rules = {0};
    buf_str(&rules, "- {id: B1, title: T, class: none, kind: limit, signal: a * on (instance) b, "
                    "above: 0, advice: b., sentence: c}\n");
    buf_str(&rules, proof_rule);
    open_with(&w, buf_text(&rules));
    world_set(&w, "a", "x=1", 1);
    world_set(&w, "a", "x=2", 1);
    world_set(&w, "b", "x=1", 1);
    world_set(&w, "b", "x=2", 1);
    world_pace(&w, "drops", "", 30);
    world_minutes(&w, 2);
    assert_non_null(world_finding(&w, "P1"));
    world_close(&w);
}

/* ---- the shipped rules ---- */

static void overflow(struct world *w, double is_somaxconn)
{
    world_set(w, "galen_sysctl", "name=net.core.somaxconn", 4096);
    world_pace(w, "node_netstat_TcpExt_ListenOverflows", "", 0);
    world_pace(w, "node_netstat_TcpExt_ListenDrops", "", 0);
    world_pace(w, "node_netstat_TcpExt_TCPReqQFullDrop", "", 0);
    world_pace(w, "node_netstat_TcpExt_TCPReqQFullDoCookies", "", 0);
    world_pace(w, "node_netstat_Tcp_PassiveOpens", "", 100);
    world_set(w, "galen_sysctl", "name=net.ipv4.tcp_max_syn_backlog", 1024);
    world_minutes(w, 12);
    world_pace(w, "node_netstat_TcpExt_ListenOverflows", "", 14);
    world_pace(w, "node_netstat_TcpExt_ListenDrops", "", 14);
    world_pace(w, "node_netstat_TcpExt_TCPReqQFullDoCookies", "", 5);
    world_set(w, "galen_listener_queue_length", "port=1414", 4097);
    world_set(w, "galen_listener_queue_limit", "port=1414", is_somaxconn > 0 ? 4096 : 128);
    world_set(w, "galen_listener_limit_is_somaxconn", "port=1414", is_somaxconn);
    world_minutes(w, 5);
}

static void tc1(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    overflow(&w, 1);
    const struct analysis *a = world_host(&w, "web1");
    assert_int_equal(a->n_findings, 1); /* not TC2, not TC3 */
    const struct finding *f = world_finding(&w, "TC1");
    assert_non_null(f);
    assert_string_equal(f->from, "4096");
    assert_string_equal(f->to, "8192");
    assert_string_equal(f->sentence,
                        "Raise net.core.somaxconn from 4096 to 8192. Port 1414 refused 14 "
                        "connections a second for 1 minute: its queue held 4,097 of 4,096.");
    assert_true(f->evidence[0].has_value && fabs(f->evidence[0].value - 14) < 0.1);
    assert_int_equal(a->class, 1);
    world_close(&w);
}

static void tc2_is_the_programs_own(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    overflow(&w, 0);
    const struct analysis *a = world_host(&w, "web1");
    assert_int_equal(a->n_findings, 1);
    assert_string_equal(a->findings[0].rule, "TC2");
    assert_int_equal(a->class, 0);
    assert_null(a->findings[0].line);
    assert_non_null(strstr(a->findings[0].sentence, "asked for a queue of 128"));
    world_close(&w);
}

static void ports(struct world *w, double low, double high)
{
    world_set(w, "galen_sysctl", "name=net.ipv4.ip_local_port_range,field=low", low);
    world_set(w, "galen_sysctl", "name=net.ipv4.ip_local_port_range,field=high", high);
    world_set(w, "galen_sysctl", "name=net.ipv4.tcp_fin_timeout", 60);
    world_set(w, "galen_sysctl", "name=net.ipv4.tcp_timestamps", 1);
    world_set(w, "galen_sysctl", "name=net.ipv4.tcp_tw_reuse", 2);
}

static void time_wait_is_not_fin_timeouts(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    ports(&w, 32768, 60999);
    world_set(&w, "galen_tcp_sockets", "state=time_wait", 27000);
    world_set(&w, "galen_tcp_sockets", "state=fin_wait2", 10);
    world_set(&w, "galen_tcp_time_wait_destination_max", "", 27000);
    world_minutes(&w, 15);
    const struct analysis *a = world_host(&w, "web1");
    assert_int_equal(a->n_findings, 1);
    assert_string_equal(a->findings[0].rule, "TC4");
    assert_string_equal(a->findings[0].to, "1024 65000");
    assert_string_equal(a->findings[0].command,
                        "sysctl -w 'net.ipv4.ip_local_port_range=1024 65000'");
    ports(&w, 1024, 65000);
    world_set(&w, "galen_tcp_time_wait_destination_max", "", 50000);
    world_minutes(&w, 40);
    a = world_host(&w, "web1");
    assert_int_equal(a->n_findings, 1);
    assert_string_equal(a->findings[0].rule, "TC5");
    world_close(&w);
}

static void fin_wait2_halves_the_timeout(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    ports(&w, 32768, 60999);
    world_set(&w, "galen_tcp_sockets", "state=fin_wait2", 8100);
    world_minutes(&w, 15);
    const struct finding *f = world_finding(&w, "TC6");
    assert_non_null(f);
    assert_string_equal(f->sentence,
                        "Lower net.ipv4.tcp_fin_timeout from 60 to 30 seconds. 8,100 closed "
                        "connections wait for the other side's last packet, 29 % of the 28,232 "
                        "local ports. It does not shorten TIME_WAIT; nothing does.");
    assert_int_equal(world_host(&w, "web1")->class, 2);
    world_close(&w);
}

static void page_cache_is_not_need(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_set(&w, "node_memory_MemFree_bytes", "", 0.3 * 1073741824);
    world_set(&w, "node_memory_MemAvailable_bytes", "", 9.9 * 1073741824);
    world_minutes(&w, 20);
    const struct analysis *a = world_host(&w, "web1");
    assert_int_equal(a->class, 0);
    assert_int_equal(a->n_findings, 1);
    assert_string_equal(a->findings[0].sentence,
                        "No change: memory is fine. 15.7 GB of 16 GB is in use, but 9.6 GB is file "
                        "cache that is given back on demand; nothing waited for memory in 15 "
                        "minutes.");
    world_close(&w);
}

static void rmem_max_is_never_guessed(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_set(&w, "galen_sysctl", "name=net.core.rmem_default", 212992);
    world_set(&w, "galen_sysctl", "name=net.core.rmem_max", 212992);
    world_pace(&w, "node_netstat_Udp_RcvbufErrors", "", 200);
    world_pace(&w, "node_netstat_Udp_InDatagrams", "", 1000);
    world_minutes(&w, 15);
    const struct finding *f = world_finding(&w, "UD1-unseen");
    assert_non_null(f);
    assert_string_equal(f->parameter, "net.core.rmem_default");
    assert_string_equal(f->to, "524288");
    assert_true(f->low_confidence);
    assert_int_equal(strncmp(f->sentence, "Try raising", 11), 0);
    world_close(&w);
}

static void kills_in_a_group_are_the_groups(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_pace(&w, "node_vmstat_oom_kill", "", 0);
    world_minutes(&w, 20);
    world_set(&w, "node_vmstat_oom_kill", "", 2);
    world_minutes(&w, 2);
    assert_non_null(world_finding(&w, "ME4-group"));
    assert_null(world_finding(&w, "ME4"));
    assert_int_equal(world_host(&w, "web1")->class, 3);
    world_close(&w);
}

static void flood_is_no_reason(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_set(&w, "galen_sysctl", "name=net.core.somaxconn", 1024);
    world_set(&w, "galen_listener_queue_limit", "port=80", 1024);
    world_pace(&w, "node_netstat_TcpExt_ListenOverflows", "", 0);
    world_pace(&w, "node_netstat_TcpExt_TCPReqQFullDrop", "", 0);
    world_pace(&w, "node_netstat_TcpExt_TCPReqQFullDoCookies", "", 5000);
    world_pace(&w, "node_netstat_Tcp_PassiveOpens", "", 20);
    world_minutes(&w, 15);
    assert_null(world_finding(&w, "TC3-somaxconn"));
    world_pace(&w, "node_netstat_TcpExt_TCPReqQFullDoCookies", "", 50);
    world_pace(&w, "node_netstat_Tcp_PassiveOpens", "", 2000);
    world_minutes(&w, 6);
    assert_non_null(world_finding(&w, "TC3-somaxconn"));
    world_close(&w);
}

static void semaphores(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    static const char *const fields[] = {"semmsl", "semmns", "semopm", "semmni"};
    static const double now[] = {32, 4096, 32, 128};
    for (size_t i = 0; i < 4; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "name=kernel.sem,field=%s", fields[i]);
        world_set(&w, "galen_sysctl", labels, now[i]);
    }
    world_set(&w, "galen_sysvipc_sem_sets", "", 127);
    world_set(&w, "galen_sysvipc_semaphores", "", 127 * 20);
    world_minutes(&w, 15);
    const struct finding *f = world_finding(&w, "IP5");
    assert_non_null(f);
    assert_string_equal(f->from, "32 4096 32 128");
    assert_string_equal(f->to, "32 8192 32 256");
    world_close(&w);
}

static void a_restart_keeps_findings(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_set(&w, "node_filefd_allocated", "", 80000);
    world_set(&w, "node_filesystem_size_bytes", "mountpoint=/var", 100e9);
    world_set(&w, "node_filesystem_avail_bytes", "mountpoint=/var", 4e9);
    world_minutes(&w, 10);
    assert_non_null(world_finding(&w, "FD1"));
    /* What the server would have written, seen by an adviser that knows nothing. */
    const struct analysis *a = world_host(&w, "web1");
    struct analysis_sample *samples;
    size_t n = analysis_series(a, &w.answer, &samples);
    for (size_t i = 0; i < n; i++)
        assert_ok(memory_source_append(w.source, samples[i].labels,
                                       (struct sample){w.now_ms, samples[i].v}, err));
    adviser_close(w.adviser);
    struct adviser_config config = {.rules_dir = GALEN_SOURCE_DIR "/rules", .model_path = ""};
    assert_ok(adviser_open(&config, &w.adviser, err));
    world_steps(&w, 1);
    assert_non_null(world_finding(&w, "FD1"));
    assert_non_null(world_finding(&w, "IO2"));
    assert_string_equal(world_finding(&w, "IO2")->subject, "/var");
    assert_int_equal(world_host(&w, "web1")->n_findings, 2);
    world_close(&w);
}

static void a_healthy_host(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_steps(&w, 1);
    const struct analysis *a = world_host(&w, "web1");
    assert_non_null(a);
    assert_true(a->preliminary);
    assert_non_null(strstr(a->summary, "No changes needed so far: "));
    assert_non_null(strstr(a->summary, "closest limit open files at 1.0 %"));
    world_minutes(&w, 20);
    a = world_host(&w, "web1");
    assert_false(a->preliminary);
    assert_int_equal(a->n_findings, 0);
    assert_int_equal(a->class, 0);
    assert_true(a->checks > 3 && a->silent > 10);
    assert_int_equal(a->checks + a->silent, adviser_rules(w.adviser));
    assert_true(fabs(a->eleven[0] - 16384) < 1e-9);
    assert_true(fabs(a->eleven[1] - 4096) < 1e-9);
    assert_true(fabs(a->eleven[2] - 10) < 0.5);
    assert_true(isnan(a->eleven[3]));
    assert_true(a->eleven[7] == 100000);
    world_close(&w);
}

const struct CMUnitTest advice_tests[] = {
    cmocka_unit_test(fires_after_its_time),
    cmocka_unit_test(a_short_peak_is_nothing),
    cmocka_unit_test(ends_slowly),
    cmocka_unit_test(the_end_is_told_once),
    cmocka_unit_test(proof_at_ten_times_fires_at_once),
    cmocka_unit_test(a_counter_that_restarts_is_no_proof),
    cmocka_unit_test(nothing_after_boot),
    cmocka_unit_test(a_change_gets_its_time),
    cmocka_unit_test(steps),
    cmocka_unit_test(missing_signals_are_silent),
    cmocka_unit_test(hosts_are_told_apart),
    cmocka_unit_test(subjects_are_told_apart),
    cmocka_unit_test(stronger_evidence_first),
    cmocka_unit_test(a_broken_rule_does_not_stop_others),
    cmocka_unit_test(tc1),
    cmocka_unit_test(tc2_is_the_programs_own),
    cmocka_unit_test(time_wait_is_not_fin_timeouts),
    cmocka_unit_test(fin_wait2_halves_the_timeout),
    cmocka_unit_test(page_cache_is_not_need),
    cmocka_unit_test(rmem_max_is_never_guessed),
    cmocka_unit_test(kills_in_a_group_are_the_groups),
    cmocka_unit_test(flood_is_no_reason),
    cmocka_unit_test(semaphores),
    cmocka_unit_test(a_restart_keeps_findings),
    cmocka_unit_test(a_healthy_host),
};
const size_t advice_tests_n = COUNT(advice_tests);
