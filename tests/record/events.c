#include "record/events.h"
#include "fixture.h"

#include <stdio.h>

static int64_t add(struct fixture *f, const char *host, const char *kind, int64_t at_ms)
{
    int64_t id = 0;
    struct event_row e = {.host = span_of(host),
                          .kind = span_of(kind),
                          .at_ms = at_ms,
                          .text = SPAN("something happened"),
                          .data = SPAN("{\"a\":1}")};
    assert_ok(record_event_add(f->record, &e, &id, err));
    return id;
}

static const char *find(struct fixture *f, struct event_filter filter)
{
    struct event_row *rows;
    size_t n;
    auto_buf out = {0};
    assert_ok(record_events(f->record, &filter, &f->arena, &rows, &n, err));
    for (size_t i = 0; i < n; i++)
        buf_printf(&out, "%s%lld", i ? " " : "", (long long)rows[i].id);
    return arena_dup(&f->arena, buf_text(&out));
}

static void an_event_comes_back_whole(void **state)
{
    struct fixture *f = *state;
    struct event_row *rows;
    size_t n;
    assert_ok(record_host_seen(f->record, SPAN("id-1"), SPAN("web"), 1, err));
    add(f, "web", "change", 123);
    assert_ok(
        record_events(f->record, &(struct event_filter){.limit = 10}, &f->arena, &rows, &n, err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].at_ms, 123);
    assert_span(rows[0].host, "id-1");
    assert_span(rows[0].host_name, "web");
    assert_span(rows[0].kind, "change");
    assert_span(rows[0].text, "something happened");
    assert_span(rows[0].data, "{\"a\":1}");
}

static void filters_narrow(void **state)
{
    struct fixture *f = *state;
    assert_ok(record_host_seen(f->record, SPAN("id-1"), SPAN("web"), 1, err));
    add(f, "web", "change", 100);
    add(f, "id-1", "finding", 200);
    add(f, "other", "change", 300);
    add(f, "", "start", 400);
    static const struct {
        struct event_filter filter;
        const char *want;
    } cases[] = {
        {{.limit = 10}, "4 3 2 1"},
        {{.limit = 2}, "4 3"},
        {{.limit = 2, .before_id = 3}, "2 1"},
        {{.limit = 0}, "4"},
        {{.limit = 10, .host = SPAN("web")}, "2 1"},
        {{.limit = 10, .host = SPAN("id-1")}, "2 1"},
        {{.limit = 10, .host = SPAN("other")}, "3"},
        {{.limit = 10, .host = SPAN("none")}, ""},
        {{.limit = 10, .kind = SPAN("change")}, "3 1"},
        {{.limit = 10, .kind = SPAN("change"), .host = SPAN("web")}, "1"},
        {{.limit = 10, .from_ms = 200}, "4 3 2"},
        {{.limit = 10, .to_ms = 200}, "1"},
        {{.limit = 10, .from_ms = 200, .to_ms = 300}, "2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *got = find(f, cases[i].filter);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("case %zu: \"%s\" is not \"%s\"", i, got, cases[i].want);
    }
}

static void limits_hold_on_both_sides(void **state)
{
    struct fixture *f = *state;
    char *text = mem_alloc(EVENT_DATA_MAX_BYTES + 1);
    memset(text, '1', EVENT_DATA_MAX_BYTES + 1);
    struct event_row e = {.kind = SPAN("k"), .data = span_from(text, EVENT_DATA_MAX_BYTES)};
    assert_ok(record_event_add(f->record, &e, NULL, err));
    e.data.len++;
    assert_fails(record_event_add(f->record, &e, NULL, err), FULL, "bytes of data");
    e = (struct event_row){.kind = span_from(text, EVENT_KIND_MAX_BYTES)};
    assert_ok(record_event_add(f->record, &e, NULL, err));
    e.kind.len++;
    assert_fails(record_event_add(f->record, &e, NULL, err), INVALID, "kind");
    e = (struct event_row){0};
    assert_fails(record_event_add(f->record, &e, NULL, err), INVALID, "kind");
    e = (struct event_row){.kind = SPAN("k"), .text = span_from(text, EVENT_TEXT_MAX_BYTES + 1)};
    assert_ok(record_event_add(f->record, &e, NULL, err));
    assert_sql(f, "SELECT max(length(text)) FROM events", "1000\n");
    free(text);
}

static void old_ones_go(void **state)
{
    struct fixture *f = *state;
    size_t deleted;
    add(f, "a", "k", 100);
    add(f, "a", "k", 200);
    assert_ok(record_events_trim(f->record, 200, &deleted, err));
    assert_int_equal(deleted, 1);
    assert_ok(record_events_trim(f->record, 200, &deleted, err));
    assert_int_equal(deleted, 0);
    assert_string_equal(find(f, (struct event_filter){.limit = 10}), "2");
}

static void a_new_id_takes_the_events_along(void **state)
{
    struct fixture *f = *state;
    assert_ok(record_host_seen(f->record, SPAN(""), SPAN("web"), 1, err));
    add(f, "web", "k", 100);
    assert_ok(record_host_seen(f->record, SPAN("id-9"), SPAN("web"), 2, err));
    assert_string_equal(find(f, (struct event_filter){.limit = 10, .host = SPAN("id-9")}), "1");
}

const struct CMUnitTest events_tests[] = {
    RECORD_TEST(an_event_comes_back_whole),       RECORD_TEST(filters_narrow),
    RECORD_TEST(limits_hold_on_both_sides),       RECORD_TEST(old_ones_go),
    RECORD_TEST(a_new_id_takes_the_events_along),
};
const size_t events_tests_n = COUNT(events_tests);
