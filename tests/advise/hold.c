/* What must not be said for a time: by rule and subject, by parameter (changed by hand), by
 * resource (one step at a time). */
#include "world.h"

#include "advise/verify.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static void two_steps_of_one_resource(struct world *w)
{
    world_open(w);
    world_set(w, "galen_tasks", "", 30000);
    world_set(w, "galen_sysctl", "name=kernel.pid_max", 32768);
    world_set(w, "galen_sysctl", "name=kernel.threads-max", 32768);
    world_minutes(w, 5);
    assert_non_null(world_finding(w, "PR1"));
    assert_non_null(world_finding(w, "PR2"));
}

static const struct held_back *held_of(const struct world *w, const char *rule)
{
    const struct analysis *a = world_host(w, "web1");
    for (size_t i = 0; i < a->n_held; i++)
        if (strcmp(a->held[i].rule, rule) == 0)
            return &a->held[i];
    return NULL;
}

static void changed_by_hand_is_quiet_for_a_day(void **state UNUSED)
{
    struct world w;
    two_steps_of_one_resource(&w);
    int64_t until_ms = w.now_ms + DAY_MS;
    adviser_mute(w.adviser, SPAN("web1"), "=kernel.pid_max", NULL, until_ms, "by hand");
    world_steps(&w, 1);
    assert_null(world_finding(&w, "PR1"));
    assert_non_null(world_finding(&w, "PR2")); /* another parameter */
    const struct held_back *h = held_of(&w, "PR1");
    assert_non_null(h);
    assert_string_equal(h->why, "by hand");
    assert_int_equal(h->until_ms, until_ms);
    w.now_ms = until_ms - STEP_S * 1000 - 1; /* the last look of the day */
    world_minutes(&w, 0);
    world_steps(&w, 1);
    assert_null(world_finding(&w, "PR1"));
    world_minutes(&w, 5);
    assert_non_null(world_finding(&w, "PR1"));
    world_close(&w);
}

static void a_resource_is_held(void **state UNUSED)
{
    struct world w;
    two_steps_of_one_resource(&w);
    adviser_mute(w.adviser, SPAN("web1"), "@kernel.threads-max", NULL, w.now_ms + DAY_MS, "check");
    world_steps(&w, 1);
    assert_null(world_finding(&w, "PR2"));
    assert_non_null(world_finding(&w, "PR1"));
    adviser_mute(w.adviser, SPAN("web1"), "@kernel.threads-max", NULL, 0, "");
    world_minutes(&w, 5); /* its condition must hold again for its time */
    assert_non_null(world_finding(&w, "PR2"));
    world_close(&w);
}

/* Of one host, of one rule: others speak. */
static void only_what_was_named_is_held(void **state UNUSED)
{
    struct world w;
    two_steps_of_one_resource(&w);
    adviser_mute(w.adviser, SPAN("web2"), "PR1", NULL, INT64_MAX, "dismissed there");
    adviser_mute(w.adviser, SPAN("web1"), "PR1", "of a subject", INT64_MAX, "of another");
    world_steps(&w, 1);
    assert_non_null(world_finding(&w, "PR1"));
    adviser_mute(w.adviser, SPAN("web1"), "PR1", NULL, INT64_MAX, "dismissed");
    world_steps(&w, 1);
    assert_null(world_finding(&w, "PR1"));
    assert_non_null(world_finding(&w, "PR2"));
    world_close(&w);
}

const struct CMUnitTest hold_tests[] = {
    cmocka_unit_test(changed_by_hand_is_quiet_for_a_day),
    cmocka_unit_test(a_resource_is_held),
    cmocka_unit_test(only_what_was_named_is_held),
};
const size_t hold_tests_n = COUNT(hold_tests);
