/* What is kept of agents. */
#include "record/agents.h"
#include "fixture.h"

static void host(struct fixture *f, const char *id)
{
    assert_ok(record_host_seen(f->record, span_of(id), span_of(id), 1000, err));
}

static void settings_have_versions(void **state)
{
    struct fixture *f = *state;
    struct settings_row row, first = {.json = SPAN("{\"a\":1}"), .changed_by = SPAN("ada")};
    struct settings_row second = {.json = SPAN("{\"a\":2}"), .changed_by = SPAN("bob")};
    host(f, "h");
    assert_ok(record_settings(f->record, SPAN("h"), &f->arena, &row, err));
    assert_int_equal(row.version, 0);
    assert_ok(record_settings_put(f->record, SPAN("h"), &first, 0, err));
    assert_int_equal(first.version, 1);
    assert_fails(record_settings_put(f->record, SPAN("h"), &second, 0, err), EXISTS,
                 "version 1, not 0");
    assert_ok(record_settings_put(f->record, SPAN("h"), &second, -1, err));
    reopen(f);
    assert_ok(record_settings(f->record, SPAN("h"), &f->arena, &row, err));
    assert_int_equal(row.version, 2);
    assert_span(row.json, "{\"a\":2}");
    assert_span(row.changed_by, "bob");
}

static void inventory_has_a_history(void **state)
{
    struct fixture *f = *state;
    struct inventory_row before, *rows;
    bool changed;
    size_t n;
    host(f, "h");
    static const char *const told[] = {"1", "1", "2", "1"};
    static const bool want[] = {true, false, true, true};
    for (size_t i = 0; i < COUNT(told); i++) {
        assert_ok(record_inventory_put(f->record, SPAN("h"), span_of(told[i]), (int64_t)i,
                                       &f->arena, &before, &changed, err));
        assert_int_equal(changed, want[i]);
    }
    assert_int_equal(before.version, 2);
    assert_ok(record_inventory(f->record, SPAN("h"), &f->arena, &rows, &n, err));
    assert_int_equal(n, 3);
    assert_int_equal(rows[0].version, 3);
    assert_span(rows[1].json, "2");
    for (int i = 0; i < INVENTORY_VERSIONS_MAX + 5; i++)
        assert_ok(record_inventory_put(f->record, SPAN("h"), i % 2 ? SPAN("a") : SPAN("b"), i,
                                       &f->arena, &before, &changed, err));
    assert_ok(record_inventory(f->record, SPAN("h"), &f->arena, &rows, &n, err));
    assert_int_equal(n, INVENTORY_VERSIONS_MAX);
}

static void snapshots_are_found_by_time(void **state)
{
    struct fixture *f = *state;
    struct snapshot_row got;
    size_t deleted;
    host(f, "h");
    const struct snapshot_row rows[] = {
        {.host_id = SPAN("h"), .cause = SPAN("minute"), .at_ms = 1000, .packed = SPAN("a\0b")},
        {.host_id = SPAN("h"), .cause = SPAN("alert"), .at_ms = 2000, .packed = SPAN("c")},
        {.host_id = SPAN("gone"), .cause = SPAN("minute"), .at_ms = 1, .packed = SPAN("d")},
    };
    assert_ok(record_snapshots_add(f->record, rows, COUNT(rows), err));
    static const struct {
        int64_t at_ms, found_ms; /* 0: none */
    } cases[] = {{999, 0}, {1000, 1000}, {1999, 1000}, {2000, 2000}, {INT64_MAX, 2000}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum status st =
            record_snapshot(f->record, SPAN("h"), cases[i].at_ms, &f->arena, &got, NULL);
        assert_int_equal(st, cases[i].found_ms ? OK : NOT_FOUND);
        if (!st)
            assert_int_equal(got.at_ms, cases[i].found_ms);
    }
    assert_ok(record_snapshot(f->record, SPAN("h"), 1000, &f->arena, &got, err));
    assert_int_equal(got.packed.len, 3);
    assert_fails(record_snapshot(f->record, SPAN("gone"), 5, &f->arena, &got, err), NOT_FOUND, "");
    assert_ok(record_snapshots_trim(f->record, 2000, &deleted, err));
    assert_int_equal(deleted, 1);
}

static void a_successor_ends_the_old_token(void **state)
{
    struct fixture *f = *state;
    struct token_row old = {.hash = {1}, .kind = TOKEN_AGENT, .host_id = SPAN("h")}, got;
    struct token_row new = {.hash = {2},
                            .kind = TOKEN_AGENT,
                            .host_id = SPAN("h"),
                            .is_successor = true,
                            .replaces = {1}};
    assert_ok(record_token_put(f->record, &old, err));
    assert_ok(record_token_put(f->record, &new, err));
    assert_ok(record_token(f->record, new.hash, &f->arena, &got, err));
    assert_true(got.is_successor);
    assert_ok(record_token_succeed(f->record, &got, err));
    assert_ok(record_token(f->record, old.hash, &f->arena, &got, err));
    assert_true(got.revoked);
    assert_ok(record_token(f->record, new.hash, &f->arena, &got, err));
    assert_true(!got.is_successor && !got.revoked);
}

const struct CMUnitTest agents_tests[] = {
    RECORD_TEST(settings_have_versions),
    RECORD_TEST(inventory_has_a_history),
    RECORD_TEST(snapshots_are_found_by_time),
    RECORD_TEST(a_successor_ends_the_old_token),
};
const size_t agents_tests_n = COUNT(agents_tests);
