/* Rules whose condition is a course of events: dirty memory that comes and goes in bursts, a
 * parameter that was raised while its program went on, a quota beside work of others. */
#include "world.h"

/* Dirty memory fills for a minute and is then written at once, again and again. */
static void bursts(struct world *w, double most, double least, double write_ms, size_t minutes)
{
    world_open(w);
    world_pace(w, "node_pressure_io_waiting_seconds_total", "", .2);
    world_pace(w, "node_disk_writes_completed_total", "device=sda", 100);
    world_pace(w, "node_disk_write_time_seconds_total", "device=sda", write_ms / 10);
    world_pace(w, "node_disk_written_bytes_total", "device=sda", 40e6);
    world_set(w, "galen_sysctl", "name=vm.dirty_bytes", 0);
    for (size_t i = 0; i < minutes; i++) {
        world_set(w, "node_memory_Dirty_bytes", "", i % 2 ? least : most);
        world_minutes(w, 1);
    }
}

static void write_back_in_bursts(void **state UNUSED)
{
    static const struct {
        const char *name;
        double most, least, write_ms;
        const char *to;
    } cases[] = {
        {"four seconds of what the disk writes", 800e6, 100e6, 30, "160000000"},
        {"just as much as counts", 524288001, 100e6, 30, "160000000"},
        {"too little", 524288000, 100e6, 30, NULL},
        {"less than half of it goes", 800e6, 401e6, 30, NULL},
        {"a fast disk", 800e6, 100e6, 1.9, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        bursts(&w, cases[i].most, cases[i].least, cases[i].write_ms, 24);
        const struct finding *f = world_finding(&w, "ME6");
        if (!f != !cases[i].to || (f && strcmp(f->to, cases[i].to) != 0))
            fail_msg("%s: %s", cases[i].name, f ? f->sentence : "silent");
        if (f)
            assert_string_equal(f->parameter, "vm.dirty_bytes");
        world_close(&w);
    }
}

/* Others work for some minutes of every five: CPUQuota is what holds a group back as long as the
 * processors are idle on the whole. */
static void a_quota_beside_others(void **state UNUSED)
{
    static const struct {
        const char *name;
        size_t busy; /* minutes of five without an idle processor */
        double idle; /* share in the others */
        bool speaks;
    } cases[] = {
        {"nobody else", 0, .9, true},
        {"little is idle, but always", 0, .21, true},
        {"too little is idle", 0, .19, false},
        {"a build now and then", 3, .9, true},
        {"a quarter is left on the whole", 3, .6, true},
        {"a sixth is left on the whole", 3, .4, false},
        {"busy all the time", 5, 0, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        world_open(&w);
        world_pace(&w, "galen_unit_cpu_periods_total", "unit=a.service", 10);
        world_pace(&w, "galen_unit_cpu_throttled_periods_total", "unit=a.service", 9);
        world_set(&w, "galen_unit_cpu_quota_ratio", "unit=a.service", .2);
        for (size_t minute = 0; minute < 30; minute++) {
            double idle = minute % 5 < cases[i].busy ? 0 : cases[i].idle;
            world_pace(&w, "node_cpu_seconds_total", "cpu=0,mode=idle", idle);
            world_pace(&w, "node_cpu_seconds_total", "cpu=1,mode=idle", idle);
            world_minutes(&w, 1);
        }
        const struct finding *f = world_finding(&w, "CP4");
        if ((f != NULL) != cases[i].speaks)
            fail_msg("%s: %s", cases[i].name, f ? f->sentence : "silent");
        if (f)
            assert_string_equal(f->to, "40");
        world_close(&w);
    }
}

/* Pressure on both sides of its threshold, and a limit that is set already. */
static void write_back_within_bounds(void **state UNUSED)
{
    static const struct {
        double waits, dirty_bytes;
        bool speaks;
    } cases[] = {{.101, 0, true}, {.099, 0, false}, {.2, 1e8, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        bursts(&w, 800e6, 100e6, 30, 1);
        world_pace(&w, "node_pressure_io_waiting_seconds_total", "", cases[i].waits);
        world_set(&w, "galen_sysctl", "name=vm.dirty_bytes", cases[i].dirty_bytes);
        for (size_t k = 0; k < 24; k++) {
            world_set(&w, "node_memory_Dirty_bytes", "", k % 2 ? 100e6 : 800e6);
            world_minutes(&w, 1);
        }
        assert_int_equal(world_finding(&w, "ME6") != NULL, cases[i].speaks);
        world_close(&w);
    }
}

/* somaxconn was raised; the listener has the queue that it got before. */
static void raised_but_not_restarted(void **state UNUSED)
{
    static const struct {
        double rate, limit;
        bool speaks;
    } cases[] = {{1.01, 128, true}, {.99, 128, false}, {5, 100, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        world_open(&w);
        world_set(&w, "galen_sysctl", "name=net.core.somaxconn", 128);
        world_minutes(&w, 5);
        world_set(&w, "galen_sysctl", "name=net.core.somaxconn", 1024);
        world_set(&w, "galen_listener_queue_limit", "port=1414", cases[i].limit);
        world_set(&w, "galen_listener_limit_is_somaxconn", "port=1414", 0);
        world_pace(&w, "node_netstat_TcpExt_ListenOverflows", "", cases[i].rate);
        world_minutes(&w, 6);
        const struct finding *f = world_finding(&w, "TC1-restart");
        assert_int_equal(f != NULL, cases[i].speaks);
        if (f) {
            assert_int_equal(f->class, 0);
            assert_null(world_finding(&w, "TC2")); /* which would blame the program */
            world_set(&w, "galen_listener_limit_is_somaxconn", "port=80", 1);
            world_minutes(&w, 16);
            assert_null(world_finding(&w, "TC1-restart")); /* another listener is at somaxconn */
        }
        world_close(&w);
    }
}

static void fills(struct world *w, double free_bytes, size_t minutes)
{
    static const char at[] = "device=sda,fstype=ext4,mountpoint=/var";
    world_open(w);
    world_set(w, "node_filesystem_size_bytes", at, 1e11);
    world_set(w, "node_filesystem_avail_bytes", at, free_bytes);
    world_pace(w, "node_filesystem_avail_bytes", at, -277777); /* a GB an hour */
    world_minutes(w, minutes);
}

/* A file system that fills: an hour of it must have been seen, and then half an hour more; a day is
 * the threshold. */
static void a_trend_needs_an_hour(void **state UNUSED)
{
    static const struct {
        double free_bytes;
        size_t minutes;
        bool speaks;
    } cases[] = {{22e9, 88, false}, {22e9, 92, true}, {25.9e9, 110, false}, {24.9e9, 110, true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        fills(&w, cases[i].free_bytes, cases[i].minutes);
        const struct finding *f = world_finding(&w, "IO2-soon");
        if ((f != NULL) != cases[i].speaks)
            fail_msg("case %zu: %s", i, f ? f->sentence : "silent");
        if (f)
            assert_int_equal(f->class, 3);
        world_close(&w);
    }
}

/* The first loss of datagrams, many: the agent will say in some seconds whose buffer it is. */
static void the_first_loss_waits_for_its_cause(void **state UNUSED)
{
    struct world w;
    world_open(&w);
    world_set(&w, "galen_sysctl", "name=net.core.rmem_default", 212992);
    world_set(&w, "node_netstat_Udp_RcvbufErrors", "", 0);
    world_minutes(&w, 5);
    world_pace(&w, "node_netstat_Udp_RcvbufErrors", "", 1000);
    world_steps(&w, 1);
    assert_null(world_finding(&w, "UD1-unseen"));
    world_steps(&w, 4); /* nobody has said it */
    assert_non_null(world_finding(&w, "UD1-unseen"));
    world_close(&w);
}

const struct CMUnitTest trends_tests[] = {
    cmocka_unit_test(a_quota_beside_others),
    cmocka_unit_test(write_back_in_bursts),
    cmocka_unit_test(write_back_within_bounds),
    cmocka_unit_test(a_trend_needs_an_hour),
    cmocka_unit_test(the_first_loss_waits_for_its_cause),
    cmocka_unit_test(raised_but_not_restarted),
};
const size_t trends_tests_n = COUNT(trends_tests);
