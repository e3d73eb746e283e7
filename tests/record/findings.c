/* Findings with their life, silences, changes. */
#include "record/findings.h"
#include "fixture.h"

static int64_t open_finding(struct fixture *f, const char *host, const char *rule, int64_t at_ms)
{
    struct finding_note note = {.row = {.host = span_of(host),
                                        .rule = span_of(rule),
                                        .subject = SPAN(""),
                                        .parameter = SPAN("net.core.somaxconn"),
                                        .from = SPAN("128"),
                                        .to = SPAN("512"),
                                        .opened_ms = at_ms,
                                        .seen_ms = at_ms,
                                        .json = SPAN("{\"a\":1}")}};
    assert_ok(record_findings_note(f->record, &note, 1, err));
    assert_true(note.id > 0);
    return note.id;
}

static void end(struct fixture *f, int64_t id, enum finding_state state)
{
    assert_ok(record_finding_state(f->record, id, state, SPAN("a sentence"), 500, err));
}

static size_t count(struct fixture *f, struct finding_filter filter)
{
    struct finding_row *rows;
    size_t n;
    assert_ok(record_findings(f->record, &filter, &f->arena, &rows, &n, err));
    return n;
}

static void a_finding_comes_back_whole(void **state)
{
    struct fixture *f = *state;
    struct finding_row row;
    assert_ok(record_host_seen(f->record, SPAN("id-1"), SPAN("web"), 1, err));
    int64_t id = open_finding(f, "web", "TC1", 100);
    assert_ok(record_finding(f->record, id, &f->arena, &row, err));
    assert_span(row.host, "id-1");
    assert_span(row.host_name, "web");
    assert_span(row.rule, "TC1");
    assert_span(row.from, "128");
    assert_span(row.to, "512");
    assert_span(row.json, "{\"a\":1}");
    assert_int_equal(row.state, FINDING_OPEN);
    assert_int_equal(row.decided_ms, 0);
    end(f, id, FINDING_HELPED);
    assert_ok(record_finding(f->record, id, &f->arena, &row, err));
    assert_int_equal(row.state, FINDING_HELPED);
    assert_int_equal(row.decided_ms, 500);
    assert_span(row.outcome, "a sentence");
    assert_int_equal(record_finding(f->record, 999, &f->arena, &row, NULL), NOT_FOUND);
    assert_int_equal(record_finding_state(f->record, 999, FINDING_ENDED, SPAN(""), 1, NULL),
                     NOT_FOUND);
}

static void seen_again_is_the_same(void **state)
{
    struct fixture *f = *state;
    struct finding_row row;
    int64_t id = open_finding(f, "web", "TC1", 100);
    struct finding_note again = {.row = {.id = id,
                                         .host = SPAN("web"),
                                         .rule = SPAN("TC1"),
                                         .subject = SPAN(""),
                                         .parameter = SPAN("net.core.somaxconn"),
                                         .from = SPAN("512"),
                                         .to = SPAN("1024"),
                                         .opened_ms = 900,
                                         .seen_ms = 900,
                                         .json = SPAN("{}")}};
    assert_ok(record_findings_note(f->record, &again, 1, err));
    assert_int_equal(again.id, id);
    assert_ok(record_finding(f->record, id, &f->arena, &row, err));
    assert_int_equal(row.opened_ms, 100);
    assert_int_equal(row.seen_ms, 900);
    assert_span(row.to, "1024");
}

static void lists_are_filtered_and_newest_first(void **state)
{
    struct fixture *f = *state;
    struct finding_row *rows;
    size_t n;
    int64_t first = open_finding(f, "web", "TC1", 100), second = open_finding(f, "db", "ME3", 200);
    end(f, first, FINDING_DISMISSED);
    struct finding_filter all = {.state = -1, .limit = 10};
    assert_ok(record_findings(f->record, &all, &f->arena, &rows, &n, err));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].id, second);
    assert_int_equal(count(f, (struct finding_filter){.state = FINDING_OPEN, .limit = 10}), 1);
    assert_int_equal(count(f, (struct finding_filter){.state = -1, .limit = 1}), 1);
    struct finding_filter before = {.state = -1, .limit = 10, .before_id = second};
    assert_int_equal(count(f, before), 1);
    assert_int_equal(
        count(f, (struct finding_filter){.state = -1, .limit = 10, .host = SPAN("db")}), 1);
    assert_int_equal(
        count(f, (struct finding_filter){.state = -1, .limit = 10, .rule = SPAN("TC1")}), 1);
    for (size_t i = 0; i < hostile_texts_n; i++)
        assert_int_equal(count(f, (struct finding_filter){.state = -1,
                                                          .limit = 10,
                                                          .host = span_of(hostile_texts[i])}),
                         0);
}

static void verdicts_are_two_words(void **state)
{
    struct fixture *f = *state;
    int64_t id = open_finding(f, "web", "TC1", 100);
    struct finding_row row;
    assert_ok(record_finding_verdict(f->record, id, SPAN("useful"), SPAN("anna"), err));
    assert_ok(record_finding(f->record, id, &f->arena, &row, err));
    assert_span(row.verdict, "useful");
    assert_span(row.verdict_by, "anna");
    assert_int_equal(record_finding_verdict(f->record, id, SPAN("maybe"), SPAN("anna"), NULL),
                     INVALID);
    assert_ok(record_finding_verdict(f->record, id, SPAN(""), SPAN("anna"), err));
    assert_int_equal(record_finding_verdict(f->record, 999, SPAN("wrong"), SPAN("a"), NULL),
                     NOT_FOUND);
}

static size_t silent(struct fixture *f)
{
    struct silence_row *rows;
    size_t n;
    assert_ok(record_findings_silent(f->record, &f->arena, &rows, &n, err));
    return n;
}

/* Once without effect is chance, twice silences; help in between counts anew. */
static void two_without_effect_silence(void **state)
{
    struct fixture *f = *state;
    uint64_t n;
    end(f, open_finding(f, "web", "TC1", 100), FINDING_NO_EFFECT);
    assert_int_equal(silent(f), 0);
    end(f, open_finding(f, "web", "TC1", 200), FINDING_HELPED);
    end(f, open_finding(f, "web", "TC1", 300), FINDING_NO_EFFECT);
    assert_ok(record_findings_no_effect(f->record, SPAN("web"), SPAN("TC1"), SPAN(""), &n, err));
    assert_int_equal(n, 1);
    assert_int_equal(silent(f), 0);
    end(f, open_finding(f, "web", "TC1", 400), FINDING_NO_EFFECT);
    assert_int_equal(silent(f), 1);
    end(f, open_finding(f, "db", "TC1", 400), FINDING_HARMED);
    end(f, open_finding(f, "mq", "TC1", 400), FINDING_DISMISSED);
    assert_int_equal(silent(f), 3);
}

static int64_t add_change(struct fixture *f, const char *host, int64_t at_ms, const char *verdict)
{
    int64_t id;
    struct change_row row = {.host = span_of(host),
                             .at_ms = at_ms,
                             .before_ms = at_ms - 5,
                             .parameter = SPAN("vm.swappiness"),
                             .from = SPAN("60"),
                             .to = SPAN("10"),
                             .cause = SPAN("hand"),
                             .verdict = span_of(verdict)};
    assert_ok(record_change_add(f->record, &row, &id, err));
    return id;
}

static size_t changes(struct fixture *f, struct change_filter filter)
{
    struct change_row *rows;
    size_t n;
    filter.limit = 10;
    assert_ok(record_changes(f->record, &filter, &f->arena, &rows, &n, err));
    return n;
}

static void changes_wait_and_are_judged(void **state)
{
    struct fixture *f = *state;
    int64_t id = add_change(f, "web", 100, "pending");
    assert_int_equal(changes(f, (struct change_filter){.which = CHANGES_PENDING}), 1);
    struct change_row judged = {.id = id,
                                .verdict = SPAN("harmed"),
                                .outcome = SPAN("worse"),
                                .before = SPAN("{}"),
                                .after = SPAN("{}"),
                                .judged_ms = 200};
    assert_ok(record_change_judged(f->record, &judged, err));
    assert_int_equal(changes(f, (struct change_filter){.which = CHANGES_PENDING}), 0);
    assert_int_equal(changes(f, (struct change_filter){.which = CHANGES_HARMFUL}), 1);
    add_change(f, "web", 300, "unjudged"); /* put back, or changed otherwise */
    assert_int_equal(changes(f, (struct change_filter){.which = CHANGES_HARMFUL}), 0);
}

static void changes_of_a_time(void **state)
{
    struct fixture *f = *state;
    size_t deleted;
    add_change(f, "web", 100, "pending");
    add_change(f, "web", 200, "pending");
    assert_int_equal(changes(f, (struct change_filter){.from_ms = 100, .to_ms = 200}), 1);
    assert_int_equal(changes(f, (struct change_filter){.from_ms = 100, .to_ms = 201}), 2);
    assert_int_equal(changes(f, (struct change_filter){.host = SPAN("db")}), 0);
    assert_ok(record_changes_trim(f->record, 200, &deleted, err));
    assert_int_equal(deleted, 1);
    assert_int_equal(changes(f, (struct change_filter){0}), 1);
}

static void decided_findings_are_trimmed(void **state)
{
    struct fixture *f = *state;
    size_t deleted;
    end(f, open_finding(f, "web", "TC1", 100), FINDING_ENDED);
    open_finding(f, "db", "TC1", 100);
    assert_ok(record_findings_trim(f->record, 500, &deleted, err));
    assert_int_equal(deleted, 0);
    assert_ok(record_findings_trim(f->record, 501, &deleted, err));
    assert_int_equal(deleted, 1);
    assert_int_equal(count(f, (struct finding_filter){.state = -1, .limit = 10}), 1);
}

const struct CMUnitTest findings_tests[] = {
    RECORD_TEST(a_finding_comes_back_whole),
    RECORD_TEST(seen_again_is_the_same),
    RECORD_TEST(lists_are_filtered_and_newest_first),
    RECORD_TEST(verdicts_are_two_words),
    RECORD_TEST(two_without_effect_silence),
    RECORD_TEST(changes_wait_and_are_judged),
    RECORD_TEST(changes_of_a_time),
    RECORD_TEST(decided_findings_are_trimmed),
};
const size_t findings_tests_n = COUNT(findings_tests);
