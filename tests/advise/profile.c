/* Profiles: both sides of each judgement, and files that are wrong. */
#include "world.h"

#include "advise/profile_state.h"

static enum profile_result result_of(struct world *w, const char *profile, const char *row)
{
    auto_arena a = {0};
    struct profile_report *reports;
    size_t n;
    world_steps(w, 2);
    assert_ok(advise_profiles(w->adviser, memory_source_face(w->source), SPAN(""), profile,
                              w->now_ms, &a, &reports, &n, err));
    for (size_t i = 0; i < reports[0].n_rows; i++)
        if (strcmp(reports[0].rows[i].name, row) == 0)
            return reports[0].rows[i].result;
    fail_msg("%s has no row %s", profile, row);
    return PROFILE_UNKNOWN;
}

/* A value against the vendor's: least, most with a WARN above it, a range, exactly, not. */
static void values(void **state UNUSED)
{
    static const struct {
        const char *profile, *parameter;
        double value;
        enum profile_result want;
    } cases[] = {
        {"ibm-mq", "kernel.shmmni", 4096, PROFILE_PASS},
        {"ibm-mq", "kernel.shmmni", 4095, PROFILE_FAIL},
        {"ibm-mq", "net.ipv4.tcp_keepalive_time", 300, PROFILE_PASS},
        {"ibm-mq", "net.ipv4.tcp_keepalive_time", 301, PROFILE_WARN},
        {"ibm-mq", "net.ipv4.tcp_keepalive_time", 600, PROFILE_WARN},
        {"ibm-mq", "net.ipv4.tcp_keepalive_time", 601, PROFILE_FAIL},
        {"postgresql", "vm.swappiness", 0, PROFILE_FAIL},
        {"postgresql", "vm.swappiness", 1, PROFILE_PASS},
        {"postgresql", "vm.swappiness", 10, PROFILE_PASS},
        {"postgresql", "vm.swappiness", 11, PROFILE_FAIL},
        {"postgresql", "vm.overcommit_memory", 1, PROFILE_FAIL},
        {"postgresql", "vm.overcommit_memory", 2, PROFILE_PASS},
        {"redis", "vm.overcommit_memory", 1, PROFILE_PASS},
        {"redis", "vm.overcommit_memory", 0, PROFILE_FAIL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        auto_arena a = {0};
        world_open(&w);
        world_set(&w, "galen_sysctl", arena_printf(&a, "name=%s", cases[i].parameter),
                  cases[i].value);
        enum profile_result got = result_of(&w, cases[i].profile, cases[i].parameter);
        if (got != cases[i].want)
            fail_msg("%s: %s = %g is %s", cases[i].profile, cases[i].parameter, cases[i].value,
                     profile_results[got]);
        world_close(&w);
    }
}

/* The use against the value, as mqconfig: below 75 % PASS, to 95 % WARN, above FAIL. */
static void uses(void **state UNUSED)
{
    static const struct {
        double use;
        enum profile_result want;
    } cases[] = {
        {7499, PROFILE_PASS}, {7500, PROFILE_WARN}, {9500, PROFILE_WARN}, {9501, PROFILE_FAIL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        world_open(&w);
        world_set(&w, "galen_sysctl", "name=kernel.shmmni", 10000);
        world_set(&w, "galen_sysvipc_shm_segments", "", cases[i].use);
        assert_int_equal(result_of(&w, "ibm-mq", "kernel.shmmni"), cases[i].want);
        world_close(&w);
    }
}

static void unknown_is_no_fault(void **state UNUSED)
{
    struct world w;
    world_open(&w);
    assert_int_equal(result_of(&w, "ibm-mq", "nofile (soft)"), PROFILE_UNKNOWN);
    assert_int_equal(result_of(&w, "containers", "net.netfilter.nf_conntrack_max"), PROFILE_PASS);
    world_close(&w);
}

#define ONE "name: mine\ntitle: Mine\nchecks:\n  - "

static void files(void **state UNUSED)
{
    static const struct {
        const char *text, *says; /* NULL: good */
    } cases[] = {
        {ONE "{parameter: vm.swappiness, most: 10}\n", NULL},
        {ONE "{parameter: kernel.sem, field: semmns, least: 10}\n", NULL},
        {ONE "{name: load, value: node_load1, most: 10}\n", NULL},
        {"[]\n", "p.yaml:1:1: must hold name, title and checks"},
        {"title: Mine\nchecks: [{parameter: a, most: 1}]\n", "needs \"name\" and \"title\""},
        {"name: ibm-mq\ntitle: Mine\nchecks: [{parameter: a, most: 1}]\n", "is there already"},
        {"name: mine\ntitle: Mine\nchecks: []\n", "checks: must be a list of 1..40"},
        {"name: mine\ntitle: Mine\nprocesses: java\nchecks: []\n", "processes: must be a list"},
        {ONE "3\n", "must be a map"},
        {ONE "{parameter: vm.swappiness}\n", "needs \"least\", \"most\", both"},
        {ONE "{parameter: vm.swappiness, exactly: 1, not: 2}\n", "needs \"least\", \"most\", both"},
        {ONE "{parameter: vm.swappiness, least: 1, warn: 2}\n", "\"warn\" goes with \"most\""},
        {ONE "{parameter: ../x, most: 1}\n", "\"../x\" is no name"},
        {ONE "{parameter: kernel.sem, field: semmax, least: 1}\n", "has no number \"semmax\""},
        {ONE "{parameter: kernel.sem, field: semmns, value: node_load1, least: 1}\n",
         "does not go with \"value\""},
        {ONE "{name: x, field: semmns, value: node_load1, least: 1}\n",
         "does not go with \"value\""},
        {ONE "{value: node_load1, most: 1}\n", "needs a \"name\""},
        {ONE "{name: x, most: 1}\n", "needs \"parameter\" or \"value\""},
        {ONE "{name: x, value: 'rate(', most: 1}\n", "p.yaml:4:"},
        {ONE "{parameter: vm.swappiness, most: 10, lesst: 1}\n", "lesst"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        struct err fault = {0};
        world_open(&w);
        enum status st =
            profiles_add(w.adviser->rules, span_of(cases[i].text), "p.yaml", 0, &fault);
        if (!st != !cases[i].says || (cases[i].says && !strstr(fault.text, cases[i].says)))
            fail_msg("case %zu: %s", i, fault.text);
        world_close(&w);
    }
}

const struct CMUnitTest profile_tests[] = {
    cmocka_unit_test(values),
    cmocka_unit_test(uses),
    cmocka_unit_test(unknown_is_no_fault),
    cmocka_unit_test(files),
};
const size_t profile_tests_n = COUNT(profile_tests);
