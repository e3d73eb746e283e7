#include "fixture.h"

static char long_name[RECORD_NAME_MAX_BYTES + 2];

static struct host_row get(struct fixture *f, const char *id)
{
    struct host_row host = {0};
    assert_ok(record_host(f->record, span_of(id), &f->arena, &host, err));
    return host;
}

static void a_host_is_added_and_moves_forward(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int64_t at_ms, first_ms, last_ms;
        const char *name;
    } steps[] = {
        {5000, 5000, 5000, "web"},
        {9000, 5000, 9000, "web"},
        {7000, 5000, 9000, "web"}, /* a replay does not take it back */
        {9500, 5000, 9500, "web-renamed"},
    };
    for (size_t i = 0; i < COUNT(steps); i++) {
        assert_ok(
            record_host_seen(f->record, SPAN("id-1"), span_of(steps[i].name), steps[i].at_ms, err));
        struct host_row host = get(f, "id-1");
        assert_int_equal(host.first_seen_ms, steps[i].first_ms);
        assert_int_equal(host.last_seen_ms, steps[i].last_ms);
        assert_span(host.name, steps[i].name);
        assert_true(host.analysis);
    }
}

static void a_host_without_id_is_its_name(void **state)
{
    struct fixture *f = *state;
    assert_ok(record_host_seen(f->record, SPAN(""), SPAN("web"), 1000, err));
    assert_int_equal(get(f, "web").first_seen_ms, 1000);
    assert_ok(record_host_seen(f->record, SPAN("id-9"), SPAN("db"), 1000, err));
    assert_ok(record_host_seen(f->record, SPAN(""), SPAN("db"), 2000, err));
    assert_int_equal(get(f, "id-9").last_seen_ms, 2000);
}

/* It was known by its name, or has been installed anew: what people set and its history go
 * with the name. */
static void a_new_id_takes_over_a_name(void **state)
{
    struct fixture *f = *state;
    struct result_row row = {.server_id = SPAN("web"), .data = SPAN("{}"), .result = SPAN("{}")};
    assert_ok(record_host_seen(f->record, SPAN(""), SPAN("web"), 1000, err));
    assert_ok(record_host_analysis(f->record, SPAN("web"), false, err));
    assert_ok(record_result_add(f->record, &row, NULL, err));
    assert_ok(record_host_seen(f->record, SPAN("id-1"), SPAN("web"), 2000, err));
    struct host_row host = get(f, "id-1"), old;
    assert_int_equal(host.first_seen_ms, 1000);
    assert_int_equal(host.last_seen_ms, 2000);
    assert_false(host.analysis);
    assert_fails(record_host(f->record, SPAN("web"), &f->arena, &old, err), NOT_FOUND,
                 "no host with id \"web\"");
    assert_sql(f, "SELECT server_id FROM analysis_results", "id-1\n");
}

/* Two known machines; one takes the other's name. */
static void a_known_id_takes_over_a_name(void **state)
{
    struct fixture *f = *state;
    assert_ok(record_host_seen(f->record, SPAN("id-1"), SPAN("web"), 1000, err));
    assert_ok(record_host_seen(f->record, SPAN("id-2"), SPAN("db"), 500, err));
    assert_ok(record_host_analysis(f->record, SPAN("id-2"), false, err));
    assert_ok(record_host_seen(f->record, SPAN("id-2"), SPAN("web"), 2000, err));
    struct host_row host = get(f, "id-2");
    assert_span(host.name, "web");
    assert_int_equal(host.first_seen_ms, 500);
    assert_false(host.analysis);
    assert_sql(f, "SELECT count(*) FROM hosts", "1\n");
}

static void several_are_seen_in_one_go(void **state)
{
    struct fixture *f = *state;
    memset(long_name, 'x', sizeof long_name - 1);
    const struct host_seen seen[] = {
        {SPAN("b"), 10}, {SPAN(""), 20},  {span_from(long_name, RECORD_NAME_MAX_BYTES + 1), 20},
        {SPAN("a"), 30}, {SPAN("b"), 40},
    };
    struct host_row *hosts;
    size_t n;
    assert_ok(record_hosts_seen(f->record, NULL, 0, err));
    assert_ok(record_hosts_seen(f->record, seen, COUNT(seen), err));
    assert_ok(record_hosts(f->record, &f->arena, &hosts, &n, err));
    assert_int_equal(n, 2);
    assert_span(hosts[0].name, "a");
    assert_span(hosts[1].name, "b");
    assert_int_equal(hosts[1].last_seen_ms, 40);
}

static void lists_grow(void **state)
{
    struct fixture *f = *state;
    struct host_seen *seen = ARENA_ARRAY(&f->arena, struct host_seen, 100);
    for (size_t i = 0; i < 100; i++)
        seen[i] = (struct host_seen){span_of(arena_printf(&f->arena, "host-%02zu", i)), 1};
    assert_ok(record_hosts_seen(f->record, seen, 100, err));
    struct host_row *hosts;
    size_t n;
    assert_ok(record_hosts(f->record, &f->arena, &hosts, &n, err));
    assert_int_equal(n, 100);
    for (size_t i = 0; i < n; i++)
        assert_true(span_eq(hosts[i].name, seen[i].name));
}

static void analysis_is_stopped_and_started(void **state)
{
    struct fixture *f = *state;
    assert_ok(record_host_seen(f->record, SPAN("id"), SPAN("web"), 1, err));
    assert_ok(record_host_analysis(f->record, SPAN("id"), false, err));
    assert_ok(record_host_seen(f->record, SPAN("id"), SPAN("web"), 2, err));
    assert_false(get(f, "id").analysis);
    assert_ok(record_host_analysis(f->record, SPAN("id"), true, err));
    assert_true(get(f, "id").analysis);
    assert_fails(record_host_analysis(f->record, SPAN("none"), true, err), NOT_FOUND, "\"none\"");
}

static void names_and_ids_have_a_ceiling(void **state)
{
    struct fixture *f = *state;
    memset(long_name, 'x', sizeof long_name - 1);
    struct span fits = span_from(long_name, RECORD_NAME_MAX_BYTES);
    struct span over = span_from(long_name, RECORD_NAME_MAX_BYTES + 1);
    assert_ok(record_host_seen(f->record, fits, fits, 1, err));
    assert_fails(record_host_seen(f->record, SPAN("id"), over, 1, err), INVALID, "1 to 255 bytes");
    assert_fails(record_host_seen(f->record, over, SPAN("web"), 1, err), INVALID, "0 to 255 bytes");
    assert_fails(record_host_seen(f->record, SPAN("id"), SPAN(""), 1, err), INVALID, "not 0");
}

static void any_text_is_only_text(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < hostile_texts_n; i++) {
        struct span text = span_of(hostile_texts[i]);
        struct host_row host;
        assert_ok(record_host_seen(f->record, text, text, (int64_t)i, err));
        assert_ok(record_host(f->record, text, &f->arena, &host, err));
        assert_true(span_eq(host.name, text));
        assert_ok(record_host_analysis(f->record, text, false, err));
    }
    assert_sql(f, "SELECT count(*), sum(analysis) FROM hosts", "10|0\n");
}

const struct CMUnitTest hosts_tests[] = {
    RECORD_TEST(a_host_is_added_and_moves_forward),
    RECORD_TEST(a_host_without_id_is_its_name),
    RECORD_TEST(a_new_id_takes_over_a_name),
    RECORD_TEST(a_known_id_takes_over_a_name),
    RECORD_TEST(several_are_seen_in_one_go),
    RECORD_TEST(lists_grow),
    RECORD_TEST(analysis_is_stopped_and_started),
    RECORD_TEST(names_and_ids_have_a_ceiling),
    RECORD_TEST(any_text_is_only_text),
};
const size_t hosts_tests_n = COUNT(hosts_tests);
