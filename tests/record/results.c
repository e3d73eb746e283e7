#include "base/clock.h"
#include "fixture.h"

#include <stdio.h>

#define DAY_MS (86400 * INT64_C(1000))
#define START_MS INT64_C(1763683200000) /* 2025-11-21T00:00:00Z */

static int64_t add(struct fixture *f, const char *server, unsigned class, int64_t at_ms,
                   const char *data)
{
    struct result_row row = {.server_id = span_of(server),
                             .predicted_class = class,
                             .created_ms = at_ms,
                             .data = span_of(data),
                             .result = SPAN("{\"recommendation\":\"R\"}")};
    int64_t id = 0;
    assert_ok(record_result_add(f->record, &row, &id, err));
    return id;
}

/* The ids that a filter finds, newest first, as "3 2 1". */
static const char *find(struct fixture *f, struct result_filter filter)
{
    struct result_row *rows;
    size_t n;
    auto_buf out = {0};
    assert_ok(record_results(f->record, &filter, &f->arena, &rows, &n, err));
    for (size_t i = 0; i < n; i++)
        buf_printf(&out, "%s%lld", i ? " " : "", (long long)rows[i].id);
    return arena_dup(&f->arena, buf_text(&out));
}

static void a_result_comes_back_whole(void **state)
{
    struct fixture *f = *state;
    struct result_row *rows;
    size_t n;
    assert_ok(record_host_seen(f->record, SPAN("id-1"), SPAN("web"), 1, err));
    int64_t id = add(f, "id-1", 3, START_MS + 123, "{\"cpu_usage\":97.5}");
    assert_ok(record_results(f->record, &(struct result_filter){.predicted_class = -1, .limit = 10},
                             &f->arena, &rows, &n, err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].id, id);
    assert_int_equal(rows[0].created_ms, START_MS + 123);
    assert_int_equal(rows[0].predicted_class, 3);
    assert_span(rows[0].server_id, "id-1");
    assert_span(rows[0].host, "web");
    assert_span(rows[0].data, "{\"cpu_usage\":97.5}");
    assert_span(rows[0].result, "{\"recommendation\":\"R\"}");
    assert_sql(f, "SELECT created_at FROM analysis_results", "2025-11-21T00:00:00.123Z\n");
}

static void filters_narrow(void **state)
{
    struct fixture *f = *state;
    assert_ok(record_host_seen(f->record, SPAN("id-1"), SPAN("web"), 1, err));
    add(f, "id-1", 0, START_MS, "{\"a\":\"one\"}");
    add(f, "id-1", 1, START_MS + DAY_MS, "{\"a\":\"Two\"}");
    add(f, "other", 1, START_MS + DAY_MS + 1, "{\"a\":\"50%_x\"}");
    add(f, "", 3, START_MS + 2 * DAY_MS, "{}");
    static const struct {
        struct result_filter filter;
        const char *want;
    } cases[] = {
        {{.predicted_class = -1, .limit = 10}, "4 3 2 1"},
        {{.predicted_class = -1, .limit = 2}, "4 3"},
        {{.predicted_class = -1, .limit = 2, .before_id = 3}, "2 1"},
        {{.predicted_class = -1, .limit = 2, .before_id = 1}, ""},
        {{.predicted_class = -1, .limit = 0}, "4"}, /* at least one */
        {{.predicted_class = 1, .limit = 10}, "3 2"},
        {{.predicted_class = 2, .limit = 10}, ""},
        {{.predicted_class = -1, .limit = 10, .server_id = SPAN("id-1")}, "2 1"},
        {{.predicted_class = 1, .limit = 10, .server_id = SPAN("id-1")}, "2"},
        {{.predicted_class = -1, .limit = 1, .server_id = SPAN("id-1"), .before_id = 2}, "1"},
        {{.predicted_class = -1, .limit = 10, .server_id = SPAN("none")}, ""},
        {{.predicted_class = -1, .limit = 10, .from_ms = START_MS + DAY_MS}, "4 3 2"},
        {{.predicted_class = -1, .limit = 10, .to_ms = START_MS + DAY_MS}, "1"},
        {{.predicted_class = -1, .limit = 10, .from_ms = START_MS, .to_ms = START_MS + 1}, "1"},
        {{.predicted_class = -1, .limit = 10, .from_ms = START_MS + 1, .to_ms = START_MS}, ""},
        {{.predicted_class = -1, .limit = 10, .to_ms = INT64_MAX}, "4 3 2 1"},
        {{.predicted_class = -1, .limit = 10, .from_ms = INT64_MAX}, ""},
        {{.predicted_class = -1, .limit = 10, .from_ms = INT64_MIN}, "4 3 2 1"},
        {{.predicted_class = -1, .limit = 10, .to_ms = INT64_MIN}, ""},
        {{.predicted_class = -1, .limit = 10, .text = SPAN("one")}, "1"},
        {{.predicted_class = -1, .limit = 10, .text = SPAN("two")}, "2"},   /* in any case */
        {{.predicted_class = -1, .limit = 10, .text = SPAN("WEB")}, "2 1"}, /* the host */
        {{.predicted_class = -1, .limit = 10, .text = SPAN("recommendation")}, "4 3 2 1"},
        {{.predicted_class = -1, .limit = 10, .text = SPAN("%")}, "3"},
        {{.predicted_class = -1, .limit = 10, .text = SPAN("%_")}, "3"},
        {{.predicted_class = -1, .limit = 10, .text = SPAN("o_e")}, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *got = find(f, cases[i].filter);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("case %zu: \"%s\" is not \"%s\"", i, got, cases[i].want);
    }
}

static void searched_text_is_only_text(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < hostile_texts_n; i++) {
        struct span text = span_of(hostile_texts[i]);
        struct result_row row = {.server_id = text, .data = text, .result = text};
        assert_ok(record_result_add(f->record, &row, NULL, err));
    }
    for (size_t i = 0; i < hostile_texts_n; i++) {
        struct span text = span_of(hostile_texts[i]);
        struct result_filter filters[] = {
            {.predicted_class = -1, .limit = 10, .text = text},
            {.predicted_class = -1, .limit = 10, .server_id = text},
        };
        char want[24];
        snprintf(want, sizeof want, "%zu", i + 1);
        for (size_t k = 0; k < COUNT(filters); k++)
            assert_string_equal(find(f, filters[k]), want);
    }
}

static void a_page_has_a_ceiling(void **state)
{
    struct fixture *f = *state;
    struct result_row *rows = ARENA_ARRAY(&f->arena, struct result_row, RESULTS_LIMIT_MAX + 1);
    for (size_t i = 0; i <= RESULTS_LIMIT_MAX; i++)
        rows[i] = (struct result_row){.data = SPAN("{}"), .result = SPAN("{}")};
    int64_t *ids = ARENA_ARRAY(&f->arena, int64_t, RESULTS_LIMIT_MAX + 1);
    assert_ok(record_results_add(f->record, rows, RESULTS_LIMIT_MAX + 1, ids, err));
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[RESULTS_LIMIT_MAX], RESULTS_LIMIT_MAX + 1);
    static const struct {
        size_t limit, n;
    } cases[] = {{RESULTS_LIMIT_MAX - 1, 999}, {RESULTS_LIMIT_MAX, 1000}, {SIZE_MAX, 1000}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct result_filter filter = {.predicted_class = -1, .limit = cases[i].limit};
        struct result_row *found;
        size_t n;
        assert_ok(record_results(f->record, &filter, &f->arena, &found, &n, err));
        assert_int_equal(n, cases[i].n);
    }
}

static void json_has_a_ceiling_and_a_tick_is_whole(void **state)
{
    struct fixture *f = *state;
    auto_buf text = {0};
    buf_fill(&text, ' ', RESULT_JSON_MAX_BYTES + 1);
    struct span fits = span_from(text.at, RESULT_JSON_MAX_BYTES);
    struct result_row rows[] = {{.data = fits, .result = fits},
                                {.data = SPAN("{}"), .result = buf_view(&text)}};
    assert_ok(record_result_add(f->record, &rows[0], NULL, err));
    assert_fails(record_results_add(f->record, rows, 2, NULL, err), FULL, "1048576 bytes");
    assert_sql(f, "SELECT count(*) FROM analysis_results", "1\n");
}

static void the_summary_counts(void **state)
{
    struct fixture *f = *state;
    add(f, "a", 0, START_MS, "{}");
    add(f, "a", 1, START_MS + DAY_MS - 1, "{}");
    add(f, "b", 1, START_MS + DAY_MS, "{}");
    add(f, "b", 3, START_MS + 3 * DAY_MS, "{}");
    static const struct {
        struct result_filter filter;
        const char *want; /* total: by class; day=count ... */
    } cases[] = {
        {{.from_ms = 0}, "4: 1 2 0 1; 2025-11-21=2 2025-11-22=1 2025-11-24=1"},
        {{.server_id = SPAN("a")}, "2: 1 1 0 0; 2025-11-21=2"},
        {{.server_id = SPAN("none")}, "0: 0 0 0 0;"},
        {{.from_ms = START_MS + DAY_MS}, "2: 0 1 0 1; 2025-11-22=1 2025-11-24=1"},
        {{.to_ms = START_MS + DAY_MS}, "2: 1 1 0 0; 2025-11-21=2"},
        {{.from_ms = START_MS + 1, .to_ms = START_MS + DAY_MS + 1, .server_id = SPAN("b")},
         "1: 0 1 0 0; 2025-11-22=1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct result_summary s;
        auto_buf out = {0};
        assert_ok(record_results_summary(f->record, &cases[i].filter, &f->arena, &s, err));
        buf_printf(&out, "%llu: %llu %llu %llu %llu;", (unsigned long long)s.total,
                   (unsigned long long)s.by_class[0], (unsigned long long)s.by_class[1],
                   (unsigned long long)s.by_class[2], (unsigned long long)s.by_class[3]);
        for (size_t k = 0; k < s.n_days; k++)
            buf_printf(&out, " %s=%llu", s.days[k].day, (unsigned long long)s.days[k].count);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
}

static void deleting_takes_one(void **state)
{
    struct fixture *f = *state;
    add(f, "a", 0, START_MS, "{}");
    int64_t id = add(f, "a", 0, START_MS, "{}");
    assert_ok(record_result_delete(f->record, id, err));
    assert_fails(record_result_delete(f->record, id, err), NOT_FOUND, "no result 2");
    assert_string_equal(find(f, (struct result_filter){.predicted_class = -1, .limit = 9}), "1");
    assert_int_equal(add(f, "a", 0, START_MS, "{}"), 3); /* an id is never given twice */
}

static void the_latest_of_each_host(void **state)
{
    struct fixture *f = *state;
    struct result_row *rows;
    size_t n;
    assert_ok(record_results_latest(f->record, &f->arena, &rows, &n, err));
    assert_int_equal(n, 0);
    assert_ok(record_host_seen(f->record, SPAN("a"), SPAN("web"), 1, err));
    assert_ok(record_host_seen(f->record, SPAN("b"), SPAN("db"), 1, err));
    assert_ok(record_host_seen(f->record, SPAN("c"), SPAN("new"), 1, err));
    add(f, "a", 0, START_MS, "{}");
    add(f, "b", 0, START_MS, "{}");
    add(f, "a", 1, START_MS, "{}");
    add(f, "unknown", 1, START_MS, "{}");
    assert_ok(record_results_latest(f->record, &f->arena, &rows, &n, err));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].id + rows[1].id, 2 + 3);
}

/* The statements that the documents give to other programs. */
static void other_programs_sql_works(void **state)
{
    struct fixture *f = *state;
    assert_sql(f,
               "INSERT INTO analysis_results (data, result) VALUES"
               " ('{\"cpu_usage\": 1}', '{\"predicted_class\": 2, \"recommendation\": \"D\"}'),"
               " ('x', '{\"predicted_class\": 4}'), ('x', '{\"predicted_class\": \"1\"}'),"
               " ('x', 'no json'), (NULL, NULL), ('x', '[1]')",
               "");
    assert_sql(f, "SELECT id, data, result FROM analysis_results LIMIT 1",
               "1|{\"cpu_usage\": 1}|{\"predicted_class\": 2, \"recommendation\": \"D\"}\n");
    assert_sql(f, "SELECT predicted_class FROM analysis_results ORDER BY id", "2\n0\n0\n0\n0\n0\n");
    assert_sql(f,
               "SELECT count(*) FROM analysis_results WHERE"
               " created_at GLOB '20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:*.[0-9][0-9][0-9]Z'"
               " AND abs(julianday('now') - julianday(created_at)) < 1",
               "6\n");
    struct result_row *rows;
    size_t n;
    assert_ok(record_results(f->record, &(struct result_filter){.predicted_class = 2, .limit = 10},
                             &f->arena, &rows, &n, err));
    assert_int_equal(n, 1);
    assert_span(rows[0].host, "");
}

/* Times and classes that other programs wrote in their own way. */
static void odd_rows_are_read_as_far_as_they_go(void **state)
{
    static const struct {
        const char *created_at;
        int64_t ms;
    } cases[] = {
        {"2025-11-21T00:00:00.123Z", START_MS + 123},
        {"2025-11-21T00:00:00Z", START_MS},
        {"2025-11-21 00:00:05", START_MS + 5000},
        {"2025-11-21", START_MS},
        {"2025-11-21T00:00:00.12Z", START_MS + 120},
        {"2025-11-21T00:00:00.123456+00:00", START_MS + 123},
        {"yesterday", 0},
        {"2025-11-21\xff\xff", START_MS},
        {"", 0}, /* not in the summary: it belongs to no day */
        {"2025-13-41T00:00:00Z", 0},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf sql = {0};
        buf_printf(&sql,
                   "DELETE FROM analysis_results; INSERT INTO analysis_results (data, result,"
                   " created_at, predicted_class) VALUES ('', '', '%s', %d)",
                   cases[i].created_at, i & 1 ? 7 : -5);
        assert_sql(f, buf_text(&sql), "");
        struct result_row *rows;
        struct result_summary s;
        size_t n;
        struct result_filter all = {.predicted_class = -1, .limit = 10};
        assert_ok(record_results(f->record, &all, &f->arena, &rows, &n, err));
        assert_int_equal(n, 1);
        assert_int_equal(rows[0].created_ms, cases[i].ms);
        assert_int_equal(rows[0].predicted_class, 0);
        assert_ok(record_results_summary(f->record, &all, &f->arena, &s, err));
        assert_int_equal(s.by_class[0], *cases[i].created_at != 0);
    }
}

static void old_results_are_trimmed_in_steps(void **state)
{
    enum { OLD = 2500 };
    struct fixture *f = *state;
    struct result_row *rows = ARENA_ARRAY(&f->arena, struct result_row, OLD + 1);
    for (size_t i = 0; i <= OLD; i++)
        rows[i] = (struct result_row){
            .data = SPAN("{}"), .result = SPAN("{}"), .created_ms = START_MS - (i < OLD)};
    assert_ok(record_results_add(f->record, rows, OLD + 1, NULL, err));
    size_t deleted, total = 0, calls = 0;
    do {
        assert_ok(record_results_trim(f->record, START_MS, &deleted, err));
        total += deleted;
        calls++;
    } while (deleted);
    assert_int_equal(total, OLD);
    assert_true(calls > 2);
    assert_sql(f, "SELECT id FROM analysis_results", "2501\n");
}

const struct CMUnitTest results_tests[] = {
    RECORD_TEST(a_result_comes_back_whole),
    RECORD_TEST(filters_narrow),
    RECORD_TEST(searched_text_is_only_text),
    RECORD_TEST(a_page_has_a_ceiling),
    RECORD_TEST(json_has_a_ceiling_and_a_tick_is_whole),
    RECORD_TEST(the_summary_counts),
    RECORD_TEST(deleting_takes_one),
    RECORD_TEST(the_latest_of_each_host),
    RECORD_TEST(other_programs_sql_works),
    RECORD_TEST(odd_rows_are_read_as_far_as_they_go),
    RECORD_TEST(old_results_are_trimmed_in_steps),
};
const size_t results_tests_n = COUNT(results_tests);
