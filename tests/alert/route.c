/* Grouping and routing, hours in zones, silences, inhibition; and time zones themselves. */
#include "alert/route.h"
#include "alert/zone.h"
#include "base/clock.h"
#include "unit.h"

#include <stdlib.h>

#define S INT64_C(1000)
#define M (60 * S)
#define H (60 * M)

/* ---- zones ---- */

static void offsets_follow_the_clock_changes(void **state)
{
    static const struct {
        const char *zone;
        int64_t at_s, want_s;
    } cases[] = {
        {"UTC", 0, 0},
        {"Europe/Berlin", 1774745999, 3600},      /* 2026-03-29 00:59:59 UTC */
        {"Europe/Berlin", 1774746000, 7200},      /* 01:00:00 */
        {"Europe/Berlin", 1792889999, 7200},      /* 2026-10-25 00:59:59 UTC */
        {"Europe/Berlin", 1792890000, 3600},      /* 01:00:00 */
        {"America/New_York", 1793512799, -14400}, /* 2026-11-01 05:59:59 UTC */
        {"America/New_York", 1793512800, -18000}, /* 06:00:00 */
        {"Asia/Kolkata", 1793512800, 19800},
        {"Australia/Lord_Howe", 1767225600, 39600}, /* summer there, by half an hour */
        {"Europe/Berlin", 3180720000, 7200},        /* 2070-10-16: by the rule alone */
        {"Europe/Berlin", 3187296000, 3600},        /* 2070-12-31 */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct zone *z;
        assert_ok(zone_open(span_of(cases[i].zone), &z, err));
        int64_t got = zone_offset_s(z, cases[i].at_s);
        if (got != cases[i].want_s)
            fail_msg("%s at %lld: %lld", cases[i].zone, (long long)cases[i].at_s, (long long)got);
        zone_close(z);
    }
}

static void zones_that_are_none(void **state)
{
    static const char *const names[] = {"", "../etc/passwd", "/etc/passwd", "Europe/Nowhere",
                                        "a b"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        struct zone *z;
        assert_int_not_equal(zone_open(span_of(names[i]), &z, NULL), OK);
        assert_null(z);
    }
}

static void hours_over_midnight(void **state)
{
    /* 1970-01-01 was a Thursday. Window: Thursday 22:00 to 06:00 of Friday. */
    struct hours h = {.days = 1U << 4, .from_m = 22 * 60, .to_m = 6 * 60};
    (void)state;
    assert_false(hours_contain(&h, 3 * H));
    assert_false(hours_contain(&h, 21 * H + 59 * M));
    assert_true(hours_contain(&h, 22 * H));
    assert_true(hours_contain(&h, 29 * H));
    assert_false(hours_contain(&h, 30 * H));
    assert_false(hours_contain(&h, 46 * H));
}

/* ---- routes ---- */

struct play {
    struct routing *routing;
    struct silences *silences;
    struct groups *groups;
    struct routed_alert alerts[8];
    struct label labels[8][4];
    size_t n;
    struct buf log; /* "30 default:{...} firing 2; " */
    int64_t now_ms;
    bool refuse;
};

static int play_open(void **state)
{
    struct play *p = mem_zero(1, sizeof *p);
    p->groups = groups_open();
    p->silences = silences_open();
    *state = p;
    return routing_read(SPAN(""), &p->routing, NULL) != OK;
}

static int play_close(void **state)
{
    struct play *p = *state;
    groups_close(p->groups);
    routing_close(p->routing);
    silences_close(p->silences);
    buf_free(&p->log);
    free(p);
    return 0;
}

static void set_routes(struct play *p, const char *json)
{
    routing_close(p->routing);
    assert_ok(routing_read(span_of(json), &p->routing, err));
}

static struct routed_alert *fire(struct play *p, const char *name, const char *host,
                                 const char *severity, const char *category)
{
    static const char *const prints[] = {"a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"};
    size_t i = p->n++, n = 0;
    p->labels[i][n++] = (struct label){SPAN("alertname"), span_of(name)};
    if (category)
        p->labels[i][n++] = (struct label){SPAN("category"), span_of(category)};
    p->labels[i][n++] = (struct label){SPAN("instance"), span_of(host)};
    p->labels[i][n++] = (struct label){SPAN("severity"), span_of(severity)};
    p->alerts[i] = (struct routed_alert){.id = (int64_t)i + 1,
                                         .fingerprint = span_of(prints[i]),
                                         .labels = {p->labels[i], n},
                                         .firing = true,
                                         .starts_ms = p->now_ms};
    return &p->alerts[i];
}

static enum status send(void *arg, const struct message *m)
{
    struct play *p = arg;
    size_t n = 0;
    for (struct span rest = m->json; rest.len;) {
        const char *at = memmem(rest.at, rest.len, "\"startsAt\"", 10);
        if (!at)
            break;
        n++;
        rest = span_from(at + 10, rest.len - (size_t)(at + 10 - rest.at));
    }
    if (p->refuse)
        return AGAIN;
    bool firing =
        memmem(m->json.at, MIN(m->json.len, (size_t)400), "\"status\":\"firing\",\"rec", 22);
    buf_printf(&p->log, "%lld %.*s %s %zu; ", (long long)(p->now_ms / 1000), SPAN_ARG(m->group_key),
               firing ? "firing" : "resolved", n);
    return OK;
}

static void run_until(struct play *p, int64_t end_ms)
{
    for (; p->now_ms <= end_ms; p->now_ms += S) {
        routing_judge(p->routing, p->silences, p->alerts, p->n, p->now_ms);
        groups_tick(p->groups, p->routing, p->alerts, p->n, SPAN("http://g"), p->now_ms, send, NULL,
                    p);
    }
}

static void expect(struct play *p, const char *want)
{
    assert_string_equal(buf_text(&p->log), want);
    buf_clear(&p->log);
}

static void expect_length(struct play *p, size_t messages)
{
    size_t n = 0;
    for (size_t i = 0; i < p->log.len; i++)
        n += p->log.at[i] == ';';
    assert_int_equal(n, messages);
    buf_clear(&p->log);
}

#define GROUP "default:{instance=\"db\", alertname=\"Disk\"}"

static void waits_then_interval_then_repeats(void **state)
{
    struct play *p = *state;
    struct routed_alert *a = fire(p, "Disk", "db", "warning", NULL);
    run_until(p, 10 * S);
    fire(p, "Disk", "db", "warning", NULL);
    run_until(p, 60 * S);
    expect(p, "30 " GROUP " firing 2; ");
    fire(p, "Disk", "db", "warning", NULL);
    run_until(p, 6 * M);
    expect(p, "330 " GROUP " firing 3; ");
    run_until(p, 5 * H);
    expect(p, "14730 " GROUP " firing 3; "); /* 330 s + 4 h */
    for (size_t i = 0; i < p->n; i++)
        p->alerts[i].firing = false;
    a->ends_ms = p->now_ms;
    run_until(p, 5 * H + 60 * S);
    expect(p, "18031 " GROUP " resolved 3; ");
    run_until(p, 10 * H);
    expect(p, "");
}

static void services_first_at_once_then_ten_minutes(void **state)
{
    struct play *p = *state;
    p->now_ms = S;
    fire(p, "ServiceDown", "a", "critical", "service");
    run_until(p, S);
    expect(p, "1 services:{category=\"service\"} firing 1; ");
    fire(p, "ServiceDown", "b", "critical", "service");
    run_until(p, M);
    fire(p, "ServiceDown", "c", "critical", "service");
    run_until(p, 11 * M);
    expect(p, "601 services:{category=\"service\"} firing 3; ");
    run_until(p, 30 * M);
    fire(p, "ServiceDown", "d", "critical", "service"); /* the window is over: at once again */
    run_until(p, 31 * M);
    expect(p, "1801 services:{category=\"service\"} firing 4; ");
}

static void silenced_inhibited_acknowledged(void **state)
{
    struct play *p = *state;
    assert_ok(silences_add(p->silences, 9,
                           SPAN("{\"matchers\":[\"instance=\\\"quiet\\\"\"],\"starts_ms\":0,"
                                "\"ends_ms\":120000}"),
                           err));
    fire(p, "Disk", "quiet", "warning", NULL);
    fire(p, "HostSilent", "dead", "critical", NULL);
    fire(p, "Disk", "dead", "warning", NULL);
    fire(p, "Cpu", "hot", "warning", NULL);
    fire(p, "Cpu", "hot", "critical", NULL);
    run_until(p, 100 * S);
    assert_non_null(strstr(buf_text(&p->log), "30 default:{instance=\"dead\", "
                                              "alertname=\"HostSilent\"} firing 1; "));
    expect_length(p, 2);
    assert_int_equal(p->alerts[0].silenced_by, 9);
    assert_true(p->alerts[2].inhibited);
    assert_true(p->alerts[3].inhibited);
    p->alerts[1].acknowledged = true;
    run_until(p, 5 * M); /* the silence ends: that alert comes up */
    expect(p, "150 default:{instance=\"quiet\", alertname=\"Disk\"} firing 1; ");
    run_until(p, 4 * H + 2 * M); /* the acknowledged one is not repeated */
    expect(p, "14430 default:{instance=\"hot\", alertname=\"Cpu\"} firing 1; ");
}

static void short_ones_are_never_told(void **state)
{
    struct play *p = *state;
    fire(p, "Disk", "db", "warning", NULL);
    run_until(p, 20 * S);
    p->alerts[0].firing = false;
    run_until(p, H);
    expect(p, "");
}

static void what_was_told_survives_a_restart(void **state)
{
    struct play *p = *state;
    fire(p, "Disk", "db", "warning", NULL);
    groups_told(p->groups, SPAN(GROUP), SPAN("a0 "), 0);
    run_until(p, H);
    expect(p, "");
    p->alerts[0].firing = false;
    run_until(p, H + M);
    expect(p, "3631 " GROUP " resolved 1; ");
}

static void what_is_not_taken_comes_again(void **state)
{
    struct play *p = *state;
    fire(p, "Disk", "db", "warning", NULL);
    p->refuse = true;
    run_until(p, 40 * S);
    p->refuse = false;
    run_until(p, M);
    expect(p, "41 " GROUP " firing 1; ");
}

static void office_hours_hold_back(void **state)
{
    struct play *p = *state;
    set_routes(p, "{\"routes\":[{\"name\":\"day\",\"hours\":{\"days\":[\"thu\",\"fri\"],"
                  "\"from\":\"08:00\",\"to\":\"17:00\"}}]}");
    fire(p, "Disk", "db", "warning", NULL);
    run_until(p, 9 * H);
    expect(p, "28830 day:{instance=\"db\", alertname=\"Disk\"} firing 1; ");
}

static void routes_that_are_wrong(void **state)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"{", "not JSON"},
        {"[]", "must be an object"},
        {"{\"rotes\":[]}", "there is no \"rotes\" here"},
        {"{\"group_wait\":30}", "group_wait is a duration"},
        {"{\"routes\":[{\"matchers\":[\"severity\"]}]}", "route 1: a matcher is written"},
        {"{\"routes\":[{\"matchers\":[\"a=~\\\"(\\\"\"]}]}", "route 1"},
        {"{\"routes\":[{\"hours\":{\"from\":\"8\",\"to\":\"17:00\"}}]}", "from and to are times"},
        {"{\"routes\":[{\"hours\":{\"from\":\"08:00\",\"to\":\"17:00\",\"zone\":\"Mars\"}}]}",
         "no time zone \"Mars\""},
        {"{\"routes\":[{\"channels\":[\"\"]}]}", "number 1 is not a text"},
        {"{\"inhibit\":[{\"source\":[]}]}", "need matchers"},
        {"{\"summary\":{\"at\":\"8\"}}", "\"at\" is a time"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct routing *r;
        struct err err = {0};
        enum status st = routing_read(span_of(cases[i].json), &r, &err);
        if (!st || !strstr(err.text, cases[i].says))
            fail_msg("%s: %d \"%s\"", cases[i].json, st, err.text);
    }
}

static int64_t utc(const char *text)
{
    int64_t ms = 0;
    assert_true(clock_rfc3339_parse(span_of(text), &ms));
    return ms;
}

/* Looked at each minute of two days: when the summary is made. The clocks change in Berlin at 01:00
 * UTC of 2026-03-29 (02:00 is left out) and of 2026-10-25 (02:00 comes twice). */
static void summaries_once_a_day(void **state)
{
    static const struct {
        const char *at, *zone, *from;
        const char *made[3];
    } cases[] = {
        {"08:00", "UTC", "2026-11-21T00:00:00Z", {"2026-11-21T08:00:00Z", "2026-11-22T08:00:00Z"}},
        {"08:00",
         "Europe/Berlin",
         "2026-03-28T00:00:00Z",
         {"2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z"}},
        {"02:30",
         "Europe/Berlin",
         "2026-03-28T00:00:00Z",
         {"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"}},
        {"08:00",
         "Europe/Berlin",
         "2026-10-24T00:00:00Z",
         {"2026-10-24T06:00:00Z", "2026-10-25T07:00:00Z"}},
        {"02:30",
         "Europe/Berlin",
         "2026-10-24T00:00:00Z",
         {"2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"}},
        {"00:00",
         "America/New_York",
         "2026-11-01T00:00:00Z",
         {"2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"}},
        {"23:59",
         "Australia/Lord_Howe", /* half an hour of summer */
         "2026-04-04T00:00:00Z",
         {"2026-04-04T12:59:00Z", "2026-04-05T13:29:00Z"}},
    };
    struct play *p = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf routes = {0};
        int64_t last_ms = 0, from_ms = utc(cases[i].from);
        size_t made = 0;
        buf_printf(&routes, "{\"summary\":{\"at\":\"%s\",\"zone\":\"%s\",\"channels\":[\"mail\"]}}",
                   cases[i].at, cases[i].zone);
        set_routes(p, buf_text(&routes));
        for (int64_t ms = from_ms; ms < from_ms + 48 * H; ms += M) {
            char text[TIME_TEXT_MAX];
            if (!routing_summary_due(p->routing, ms, last_ms))
                continue;
            last_ms = ms;
            clock_rfc3339(ms, text);
            if (made >= 2 || ms != utc(cases[i].made[made]))
                fail_msg("case %zu: made at %s", i, text);
            made++;
        }
        if (made != 2)
            fail_msg("case %zu: made %zu times", i, made);
    }
}

static void late_summaries(void **state)
{
    static const struct {
        const char *now, *last; /* NULL: never */
        bool due;
    } cases[] = {
        {"2026-11-21T07:59:59Z", NULL, false},
        {"2026-11-21T08:00:00Z", NULL, true},
        {"2026-11-21T08:59:59Z", NULL, true},
        {"2026-11-21T09:00:00Z", NULL, false},                  /* asked for at nine: tomorrow */
        {"2026-11-21T15:00:00Z", "2026-11-20T08:00:00Z", true}, /* the server was off at eight */
        {"2026-11-21T15:00:00Z", "2026-11-21T08:00:00Z", false},
        {"2026-11-21T08:10:00Z", "2026-11-21T08:00:00Z", false}, /* started again */
        {"2026-11-21T15:00:00Z", "2026-08-01T08:00:00Z", false}, /* asked for again after months */
        {"2026-11-21T08:00:00Z", "2026-08-01T08:00:00Z", true},
        {"2026-11-21T07:00:00Z", "2026-11-20T08:00:00Z", false},
        {"2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z", false}, /* the clock was set back */
    };
    struct play *p = *state;
    assert_false(routing_summary_due(p->routing, utc(cases[1].now), 0)); /* nobody asked for one */
    set_routes(p, "{\"summary\":{\"at\":\"08:00\",\"channels\":[\"mail\"]}}");
    for (size_t i = 0; i < COUNT(cases); i++)
        if (routing_summary_due(p->routing, utc(cases[i].now),
                                cases[i].last ? utc(cases[i].last) : 0) != cases[i].due)
            fail_msg("%s after %s", cases[i].now, cases[i].last ? cases[i].last : "never");
}

/* A group is told in one message, however many alerts it has; the message has the first ones. */
static enum status count_message(void *arg, const struct message *m)
{
    size_t *seen = arg;
    seen[0]++;
    seen[1] +=
        memmem(m->json.at, MIN(m->json.len, (size_t)200), "\"truncatedAlerts\":4000", 22) != NULL;
    return OK;
}

enum { STORM = 10000 };

static void a_storm_is_one_message_for_each_group(void **state)
{
    struct play *p = *state;
    auto_arena arena = {0};
    struct routed_alert *all = ARENA_ARRAY(&arena, struct routed_alert, STORM);
    size_t seen[2] = {0};
    set_routes(p, "{\"group_by\":[\"alertname\"],\"group_wait\":\"30s\"}");
    for (size_t i = 0; i < STORM; i++) {
        struct label *l = ARENA_ARRAY(&arena, struct label, 2);
        l[0] = (struct label){SPAN("alertname"), i % 2 ? SPAN("Disk") : SPAN("Cpu")};
        l[1] = (struct label){SPAN("instance"), span_of(arena_printf(&arena, "h%zu", i))};
        all[i] = (struct routed_alert){.id = (int64_t)i + 1,
                                       .fingerprint = span_of(arena_printf(&arena, "%016zx", i)),
                                       .labels = {l, 2},
                                       .firing = true};
    }
    for (; p->now_ms < M; p->now_ms += S) {
        /* They come up little by little: within the waiting time all go into the first. */
        size_t n = MIN((size_t)STORM, (size_t)(p->now_ms / S + 1) * 500);
        routing_judge(p->routing, p->silences, all, n, p->now_ms);
        groups_tick(p->groups, p->routing, all, n, SPAN("http://g"), p->now_ms, count_message, NULL,
                    seen);
    }
    assert_int_equal(seen[0], 2);
    assert_int_equal(seen[1], 2);
}

static void the_next_look(void **state)
{
    struct play *p = *state;
    assert_int_equal(routing_next_ms(p->routing, p->silences, 5 * S), 0);
    assert_ok(silences_add(
        p->silences, 1,
        SPAN("{\"matchers\":[\"a=\\\"b\\\"\"],\"starts_ms\":90000,\"ends_ms\":150000}"), err));
    assert_int_equal(routing_next_ms(p->routing, p->silences, 5 * S), 90 * S);
    assert_int_equal(routing_next_ms(p->routing, p->silences, 90 * S), 150 * S);
    assert_int_equal(routing_next_ms(p->routing, p->silences, 150 * S), 0);
    set_routes(p, "{\"routes\":[{\"name\":\"day\",\"hours\":{\"days\":[\"thu\"],\"from\":"
                  "\"08:00\",\"to\":\"17:00\"}}]}");
    assert_int_equal(routing_next_ms(p->routing, p->silences, 5 * S), M);
    /* Of groups: the end of the waiting time, and the repetition. */
    set_routes(p, "{\"repeat_interval\":\"1h\"}");
    fire(p, "Disk", "db", "warning", NULL);
    assert_int_equal(groups_tick(p->groups, p->routing, p->alerts, 1, SPAN(""), 0, send, NULL, p),
                     30 * S);
    assert_int_equal(
        groups_tick(p->groups, p->routing, p->alerts, 1, SPAN(""), 30 * S, send, NULL, p),
        H + 30 * S);
    assert_int_equal(groups_tick(p->groups, p->routing, p->alerts, 1, SPAN(""), M, send, NULL, p),
                     H + 30 * S);
}

/* Office hours in their zone, over both changes of the clocks, and over midnight. */
static void office_hours_follow_the_clock(void **state)
{
    static const struct {
        const char *at;
        bool open;
    } cases[] = {
        {"2026-03-27T06:59:00Z", false}, {"2026-03-27T07:00:00Z", true}, /* Friday, winter */
        {"2026-03-27T15:59:00Z", true},  {"2026-03-27T16:00:00Z", false},
        {"2026-03-28T10:00:00Z", false},                                 /* Saturday */
        {"2026-03-30T05:59:00Z", false}, {"2026-03-30T06:00:00Z", true}, /* Monday, summer */
        {"2026-10-23T06:00:00Z", true},  {"2026-10-26T06:00:00Z", false},
        {"2026-10-26T07:00:00Z", true},
    };
    struct hours h = {.days = 0x3e, .from_m = 8 * 60, .to_m = 17 * 60};
    (void)state;
    assert_ok(zone_open(SPAN("Europe/Berlin"), &h.zone, err));
    for (size_t i = 0; i < COUNT(cases); i++)
        if (hours_contain(&h, utc(cases[i].at)) != cases[i].open)
            fail_msg("%s", cases[i].at);
    zone_close(h.zone);
}

#define PLAY_TEST(fn) cmocka_unit_test_setup_teardown(fn, play_open, play_close)

const struct CMUnitTest route_tests[] = {
    cmocka_unit_test(offsets_follow_the_clock_changes),
    cmocka_unit_test(zones_that_are_none),
    cmocka_unit_test(hours_over_midnight),
    PLAY_TEST(waits_then_interval_then_repeats),
    PLAY_TEST(services_first_at_once_then_ten_minutes),
    PLAY_TEST(silenced_inhibited_acknowledged),
    PLAY_TEST(short_ones_are_never_told),
    PLAY_TEST(what_was_told_survives_a_restart),
    PLAY_TEST(what_is_not_taken_comes_again),
    PLAY_TEST(office_hours_hold_back),
    cmocka_unit_test(routes_that_are_wrong),
    PLAY_TEST(summaries_once_a_day),
    PLAY_TEST(late_summaries),
    PLAY_TEST(a_storm_is_one_message_for_each_group),
    PLAY_TEST(the_next_look),
    cmocka_unit_test(office_hours_follow_the_clock),
};
const size_t route_tests_n = COUNT(route_tests);
