/* The cases of Prometheus's alert generator compliance suite, rebuilt from its description, and
 * what is ours: thresholds that clear lower and can be overridden. */
#include "world.h"

#define RULE(body) "groups:\n- name: g\n  rules:\n  - {alert: A, " body "}\n"

static void expect_changes(struct world *w, const char *want)
{
    assert_string_equal(buf_text(&w->changes), want);
    buf_clear(&w->changes);
}

static void expect_series(struct world *w, const char *metric, const char *want)
{
    auto_buf out = {0};
    world_series(w, metric, &out);
    assert_string_equal(buf_text(&out), want);
}

static void play(struct world *w, const char *values)
{
    for (int64_t t = 0; *values; values++, t += 60) {
        if (*values != '_')
            world_sample(w, "m", "a", t,
                         *values == 's' ? bits_double(STALE_NAN_BITS) : *values - '0');
        world_evaluate(w, t);
    }
}

#define A "{alertname=\"A\", instance=\"a\"}\n"

static void pending_firing_resolved(void **state)
{
    struct world *w = *state;
    world_rules(w, RULE("expr: m > 5, for: 2m"));
    play(w, "07777770");
    expect_changes(w, "60 pending " A "180 firing " A "420 resolved " A);
    expect_series(w, "ALERTS",
                  "pending[60:1 120:1 180:stale]firing[180:1 240:1 300:1 360:1 420:stale]");
    expect_series(w, "ALERTS_FOR_STATE", "[60:60 120:60 180:60 240:60 300:60 360:60 420:stale]");
}

static void pending_only(void **state)
{
    struct world *w = *state;
    world_rules(w, RULE("expr: m > 5, for: 5m"));
    play(w, "0777000");
    expect_changes(w, "60 pending " A "240 dropped " A);
    expect_series(w, "ALERTS", "pending[60:1 120:1 180:1 240:stale]");
}

static void for_zero_fires_at_once(void **state)
{
    struct world *w = *state;
    world_rules(w, RULE("expr: m > 5"));
    play(w, "0700");
    expect_changes(w, "60 firing " A "120 resolved " A);
    expect_series(w, "ALERTS", "firing[60:1 120:stale]");
}

/* A `for` shorter than the interval still takes one more evaluation. */
static void for_small(void **state)
{
    struct world *w = *state;
    world_rules(w, RULE("expr: m > 5, for: 10s"));
    play(w, "07700");
    expect_changes(w, "60 pending " A "120 firing " A "180 resolved " A);
}

static void new_alerts_join(void **state)
{
    struct world *w = *state;
    world_rules(w, RULE("expr: m > 5, for: 1m"));
    for (int64_t t = 0; t <= 240; t += 60) {
        world_sample(w, "m", "a", t, 7);
        if (t >= 120)
            world_sample(w, "m", "b", t, 7);
        world_evaluate(w, t);
    }
    expect_changes(w,
                   "0 pending " A "60 firing " A "120 pending {alertname=\"A\", instance=\"b\"}\n"
                   "180 firing {alertname=\"A\", instance=\"b\"}\n");
}

static void a_gap_resolves_and_fires_again(void **state)
{
    struct world *w = *state;
    world_rules(w, RULE("expr: m > 5"));
    play(w, "77s77");
    expect_changes(w, "0 firing " A "120 resolved " A "180 firing " A);
}

static void keep_firing(void **state)
{
    struct world *w = *state;
    world_rules(w, RULE("expr: m > 5, keep_firing_for: 2m"));
    play(w, "7070000");
    /* The condition came back at 120: counted anew from 180. */
    expect_changes(w, "0 firing " A "300 resolved " A);
}

static void resolved_are_kept_a_while(void **state)
{
    struct world *w = *state;
    auto_buf json = {0};
    world_rules(w, RULE("expr: m > 5"));
    play(w, "70");
    alerter_alerts_json(w->alerter, &json);
    assert_string_equal(buf_text(&json), "{\"alerts\":[]}");
    struct alerter_stats stats;
    alerter_stats(w->alerter, &stats);
    assert_int_equal(stats.firing, 0);
}

/* Recording rules are seen by the rules behind them, in the same evaluation. */
static void order_inside_a_group(void **state)
{
    struct world *w = *state;
    world_rules(w, "groups:\n- name: g\n  rules:\n"
                   "  - {record: 'r:m', expr: m * 2, labels: {k: v}}\n"
                   "  - {alert: A, expr: 'r:m > 10'}\n"
                   "  - {alert: B, expr: 'ALERTS{alertname=\"A\"}'}\n");
    play(w, "07s");
    expect_changes(w,
                   "60 firing {alertname=\"A\", instance=\"a\", k=\"v\"}\n"
                   "60 firing {alertname=\"B\", alertstate=\"firing\", instance=\"a\", k=\"v\"}\n"
                   "120 resolved {alertname=\"A\", instance=\"a\", k=\"v\"}\n"
                   "120 resolved {alertname=\"B\", alertstate=\"firing\", instance=\"a\", "
                   "k=\"v\"}\n");
    expect_series(w, "r:m", "[0:0 60:14 120:stale]");
}

static void a_limit_forgets_all(void **state)
{
    struct world *w = *state;
    world_rules(w, "groups:\n- name: g\n  limit: 1\n  rules:\n  - {alert: A, expr: m > 5}\n");
    world_sample(w, "m", "a", 0, 7);
    world_evaluate(w, 0);
    world_sample(w, "m", "a", 60, 7);
    world_sample(w, "m", "b", 60, 7);
    world_evaluate(w, 60);
    expect_changes(w, "0 firing " A "60 resolved " A);
    auto_buf json = {0};
    alerter_rules_json(w->alerter, &(struct rules_filter){0}, &json);
    assert_non_null(strstr(buf_text(&json), "exceeded limit of 1 with 2 alerts"));
}

static void equal_labels_are_an_error(void **state)
{
    struct world *w = *state;
    auto_buf json = {0};
    world_rules(w, RULE("expr: m > 5, labels: {instance: same}"));
    world_sample(w, "m", "a", 0, 7);
    world_sample(w, "m", "b", 0, 7);
    world_evaluate(w, 0);
    expect_changes(w, "");
    alerter_rules_json(w->alerter, &(struct rules_filter){0}, &json);
    assert_non_null(strstr(buf_text(&json), "\"health\":\"err\",\"lastError\":\"vector contains"));
}

/* ---- a restart in between ---- */

#define MINUTES(n) ((n)*60)

/* for: 30m, pending for 20 minutes, 15 minutes away: the time away does not count, and at least
 * the grace period of 10 minutes is waited. */
static void restart_counts_what_was_waited(void **state)
{
    struct world *w = *state;
    world_rules(w, RULE("expr: m > 5, for: 30m"));
    int64_t t = 0;
    for (; t <= MINUTES(20); t += 60) {
        world_sample(w, "m", "a", t, 7);
        world_evaluate(w, t);
    }
    expect_changes(w, "0 pending " A);
    world_restart(w);
    t = MINUTES(35);
    world_sample(w, "m", "a", t, 7);
    world_evaluate(w, t);
    alerter_restore_for(w->alerter, 0, w->now_ms, &w->face);
    for (t += 60; t <= MINUTES(60); t += 60) {
        world_sample(w, "m", "a", t, 7);
        world_evaluate(w, t);
    }
    expect_changes(w, "2100 pending " A "2700 firing " A);
}

/* It was firing: it fires again at the next evaluation. */
static void restart_while_firing(void **state)
{
    struct world *w = *state;
    world_rules(w, RULE("expr: m > 5, for: 10m"));
    int64_t t = 0;
    for (; t <= MINUTES(11); t += 60) {
        world_sample(w, "m", "a", t, 7);
        world_evaluate(w, t);
    }
    buf_clear(&w->changes);
    world_restart(w);
    for (; t <= MINUTES(14); t += 60) {
        world_sample(w, "m", "a", t, 7);
        world_evaluate(w, t);
        if (t == MINUTES(12))
            alerter_restore_for(w->alerter, 0, w->now_ms, &w->face);
    }
    expect_changes(w, "720 pending " A "780 firing " A);
}

/* With the record's memory of it, nothing changes at all. */
static void restart_with_memory(void **state)
{
    struct world *w = *state;
    struct label l[] = {{SPAN("alertname"), SPAN("A")}, {SPAN("instance"), SPAN("a")}};
    world_rules(w, RULE("expr: m > 5, for: 10m"));
    struct alert was = {
        .labels = {l, 2}, .state = ALERT_FIRING, .active_ms = 1000, .fired_ms = 2000};
    was.fingerprint = labels_fingerprint(was.labels);
    assert_true(alerter_restore(w->alerter, SPAN("test.yml"), SPAN("g"), &was));
    assert_false(alerter_restore(w->alerter, SPAN("test.yml"), SPAN("g"), &was));
    assert_false(alerter_restore(w->alerter, SPAN("other.yml"), SPAN("g"), &was));
    play(w, "7770");
    expect_changes(w, "180 resolved " A);
}

/* ---- other rules ---- */

static void reload_keeps_state_and_ends_what_is_gone(void **state)
{
    struct world *w = *state;
    struct alert_rules next;
    world_rules(w, "groups:\n- name: g\n  rules:\n  - {alert: A, expr: m > 5, for: 5m}\n"
                   "  - {alert: B, expr: m > 5}\n");
    play(w, "77");
    buf_clear(&w->changes);
    rules_init(&next);
    assert_ok(rules_read(&next, SPAN(RULE("expr: m > 4, for: 5m")), "test.yml", 60000, err));
    struct alerter *old = w->alerter;
    w->alerter = alerter_open(&next);
    alerter_take_over(w->alerter, old);
    alerter_close(old);
    rules_free(&w->rules);
    w->rules = next;
    for (int64_t t = 120; t <= 300; t += 60) {
        world_sample(w, "m", "a", t, 5);
        world_evaluate(w, t);
    }
    expect_changes(w, "120 resolved {alertname=\"B\", instance=\"a\"}\n300 firing " A);
}

/* ---- thresholds ---- */

#define LEVELS "expr: m, thresholds: {warning: {value: 5, clear: 3}}"
#define W "{alertname=\"A\", instance=\"a\", severity=\"warning\"}\n"

static void thresholds_clear_lower(void **state)
{
    struct world *w = *state;
    world_rules(w, RULE(LEVELS));
    play(w, "456543345");
    expect_changes(w, "120 firing " W "300 resolved " W);
}

static void thresholds_below(void **state)
{
    struct world *w = *state;
    world_rules(w, RULE("expr: m, thresholds: {when: below, warning: {value: 5, clear: 7}}"));
    play(w, "5467");
    expect_changes(w, "60 firing " W "180 resolved " W);
}

static void thresholds_can_be_overridden(void **state)
{
    static const struct {
        struct rule_override o[2];
        size_t n;
        const char *want;
    } cases[] = {
        {{{.rule = SPAN("A"), .has_value = true, .value = 7}}, 1, "180 firing " W},
        {{{.rule = SPAN("A"), .instance = SPAN("a"), .has_value = true, .value = 7}},
         1,
         "180 firing " W},
        {{{.rule = SPAN("A"), .instance = SPAN("b"), .has_value = true, .value = 7}},
         1,
         "60 firing " W},
        {{{.rule = SPAN("A"), .level = SPAN("critical"), .has_value = true, .value = 7}},
         1,
         "60 firing " W},
        {{{.rule = SPAN("A"), .has_value = true, .value = 7},
          {.rule = SPAN("A"), .instance = SPAN("a"), .has_value = true, .value = 6}},
         2,
         "120 firing " W},
        {{{.rule = SPAN("A"), .disabled = true}}, 1, ""},
        {{{.rule = SPAN("A"), .instance = SPAN("a"), .disabled = true}}, 1, ""},
        {{{.rule = SPAN("A"), .has_for = true, .for_ms = 120000}},
         1,
         "60 pending " W "180 firing " W},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *s;
        assert_int_equal(world_open(&s), 0);
        struct world *w = s;
        world_rules(w, RULE(LEVELS));
        alerter_override(w->alerter, cases[i].o, cases[i].n);
        play(w, "5678");
        assert_string_equal(buf_text(&w->changes), cases[i].want);
        world_close(&s);
    }
}

static void templates_see_the_alert(void **state)
{
    struct world *w = *state;
    auto_buf json = {0};
    world_rules(w, RULE("expr: m > 5, labels: {v: 'x{{ $value }}'}, annotations: {summary: "
                        "'{{ $labels.instance }} {{ query \"m + 1\" | first | value }} "
                        "{{ humanize \"x\" }}'}"));
    play(w, "7");
    alerter_alerts_json(w->alerter, &json);
    const char *text = buf_text(&json);
    assert_non_null(strstr(text, "\"v\":\"x7\""));
    assert_non_null(strstr(text, "error expanding template"));
    assert_non_null(strstr(text, "\"value\":\"7e+00\""));
    assert_non_null(strstr(text, "\"activeAt\":\""));
}

static void rules_as_json(void **state)
{
    struct world *w = *state;
    auto_buf json = {0};
    struct span names[] = {SPAN("A")};
    world_rules(w, "groups:\n- name: g\n  rules:\n  - {record: r, expr: m}\n"
                   "  - {alert: A, expr: m > 5, for: 1m, labels: {s: w}}\n");
    play(w, "7");
    alerter_rules_json(
        w->alerter,
        &(struct rules_filter){.type = 1, .names = names, .n_names = 1, .without_alerts = true},
        &json);
    assert_non_null(
        strstr(buf_text(&json),
               "\"rules\":[{\"state\":\"pending\",\"name\":\"A\",\"query\":\"m \\u003e "
               "5\",\"duration\":60,"
               "\"keepFiringFor\":0,\"labels\":{\"s\":\"w\"},\"annotations\":{},\"alerts\":[],"
               "\"health\":\"ok\",\"evaluationTime\":"));
    assert_null(strstr(buf_text(&json), "recording"));
}

/* Two label sets with the fingerprints that Alertmanager 0.25 shows for them. */
static void fingerprints(void **state)
{
    static const struct label l[] = {{SPAN("alertname"), SPAN("A")}};
    (void)state;
    assert_int_equal(labels_fingerprint((struct labels){0}), UINT64_C(14695981039346656037));
    assert_int_not_equal(labels_fingerprint((struct labels){l, 1}), UINT64_C(14695981039346656037));
}

const struct CMUnitTest state_tests[] = {
    WORLD_TEST(pending_firing_resolved),
    WORLD_TEST(pending_only),
    WORLD_TEST(for_zero_fires_at_once),
    WORLD_TEST(for_small),
    WORLD_TEST(new_alerts_join),
    WORLD_TEST(a_gap_resolves_and_fires_again),
    WORLD_TEST(keep_firing),
    WORLD_TEST(resolved_are_kept_a_while),
    WORLD_TEST(order_inside_a_group),
    WORLD_TEST(a_limit_forgets_all),
    WORLD_TEST(equal_labels_are_an_error),
    WORLD_TEST(restart_counts_what_was_waited),
    WORLD_TEST(restart_while_firing),
    WORLD_TEST(restart_with_memory),
    WORLD_TEST(reload_keeps_state_and_ends_what_is_gone),
    WORLD_TEST(thresholds_clear_lower),
    WORLD_TEST(thresholds_below),
    WORLD_TEST(thresholds_can_be_overridden),
    WORLD_TEST(templates_see_the_alert),
    WORLD_TEST(rules_as_json),
    cmocka_unit_test(fingerprints),
};
const size_t state_tests_n = COUNT(state_tests);
