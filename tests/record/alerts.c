#include "record/alerts.h"
#include "fixture.h"

static struct alert_put firing(const char *fingerprint, int64_t at_ms)
{
    return (struct alert_put){.row = {.fingerprint = span_of(fingerprint),
                                      .file = SPAN("f"),
                                      .group = SPAN("g"),
                                      .name = SPAN("A"),
                                      .host = SPAN("web"),
                                      .severity = SPAN("warning"),
                                      .labels = SPAN("{\"instance\":\"web\"}"),
                                      .annotations = SPAN("{}"),
                                      .state = SPAN("firing"),
                                      .value = 1.5,
                                      .active_ms = at_ms,
                                      .fired_ms = at_ms,
                                      .changed_ms = at_ms},
                              .who = SPAN("rules"),
                              .what = SPAN("firing")};
}

static size_t count(struct fixture *f, const char *state)
{
    struct alert_row *rows;
    size_t n;
    struct alert_filter filter = {.state = span_of(state), .limit = 100};
    assert_ok(record_alerts(f->record, &filter, &f->arena, &rows, &n, err));
    return n;
}

static void an_alert_and_its_history(void **state)
{
    struct fixture *f = *state;
    struct alert_put p = firing("a", 100);
    struct alert_row row;
    struct alert_event *events;
    size_t n;
    assert_ok(record_alerts_put(f->record, &p, 1, err));
    p.row.value = 2;
    p.what = SPAN("");
    assert_ok(record_alerts_put(f->record, &p, 1, err)); /* the same one */
    assert_int_equal(count(f, "active"), 1);
    assert_ok(record_alert_acknowledge(f->record, 1, SPAN("ann"), SPAN("mine"), 150, err));
    assert_fails(record_alert_acknowledge(f->record, 1, SPAN("bob"), SPAN(""), 160, err), EXISTS,
                 "ann has acknowledged it already");
    reopen(f);
    p.row.state = p.what = SPAN("resolved");
    p.row.resolved_ms = p.row.changed_ms = 200;
    assert_ok(record_alerts_put(f->record, &p, 1, err));
    assert_ok(record_alert(f->record, 1, &f->arena, &row, err));
    assert_span(row.acknowledged_by, "ann");
    assert_int_equal(row.resolved_ms, 200);
    assert_ok(record_alert_history(f->record, 1, &(struct alert_filter){.limit = 10}, &f->arena,
                                   &events, &n, err));
    assert_int_equal(n, 3);
    assert_span(events[0].what, "resolved");
    assert_span(events[2].who, "rules");
    p = firing("a", 300);
    assert_ok(record_alerts_put(f->record, &p, 1, err)); /* another time: a row of its own */
    assert_int_equal(count(f, "active"), 1);
    assert_int_equal(count(f, ""), 2);
}

static void a_person_resolves(void **state)
{
    struct fixture *f = *state;
    struct alert_put p = firing("a", 100);
    assert_ok(record_alerts_put(f->record, &p, 1, err));
    assert_ok(record_alert_resolve(f->record, 1, SPAN("ann"), SPAN(""), 150, err));
    assert_fails(record_alert_resolve(f->record, 1, SPAN("ann"), SPAN(""), 150, err), NOT_FOUND,
                 "no open alert 1");
    p.row.state = SPAN("resolved"); /* the rules find it over later: nothing new */
    assert_ok(record_alerts_put(f->record, &p, 1, err));
    assert_int_equal(count(f, ""), 1);
}

static void documents_have_versions(void **state)
{
    struct fixture *f = *state;
    struct document_row d = {.kind = SPAN("channel"),
                             .name = SPAN("ops"),
                             .json = SPAN("{}"),
                             .changed_by = SPAN("ann"),
                             .changed_ms = 1};
    struct document_row again = d, got;
    assert_ok(record_document_put(f->record, &d, -1, 1, err));
    assert_int_equal(d.version, 1);
    assert_fails(record_document_put(f->record, &again, -1, 9, err), EXISTS, "already");
    again.name = SPAN("other");
    assert_fails(record_document_put(f->record, &again, -1, 1, err), FULL, "there are 1");
    d.json = SPAN("{\"a\":1}");
    assert_fails(record_document_put(f->record, &d, 7, 1, err), EXISTS, "version 1");
    assert_ok(record_document_put(f->record, &d, 1, 1, err));
    assert_ok(record_document(f->record, SPAN("channel"), 0, SPAN("ops"), &f->arena, &got, err));
    assert_int_equal(got.version, 2);
    assert_span(got.json, "{\"a\":1}");
    assert_ok(record_document_delete(f->record, SPAN("channel"), d.id, err));
    assert_fails(record_document_delete(f->record, SPAN("channel"), d.id, err), NOT_FOUND, "");
}

static size_t due(struct fixture *f, int64_t now_ms, int64_t *first)
{
    struct delivery_row *rows;
    size_t n;
    int64_t next_ms;
    assert_ok(record_deliveries_due(f->record, now_ms, &f->arena, &rows, &n, &next_ms, err));
    *first = n ? rows[0].id : 0;
    return n;
}

static void deliveries_wait_in_order(void **state)
{
    struct fixture *f = *state;
    struct delivery_row rows[] = {
        {.channel_id = 1, .created_ms = 10, .group_key = SPAN("g"), .payload = SPAN("{}")},
        {.channel_id = 1, .created_ms = 10, .group_key = SPAN("g"), .payload = SPAN("{}")},
        {.channel_id = 2, .created_ms = 10, .group_key = SPAN("g"), .payload = SPAN("{}")}};
    struct sent_row sent = {.group_key = SPAN("g"), .json = SPAN("a b"), .at_ms = 10}, *told;
    int64_t first, waiting, failed;
    size_t n;
    assert_ok(record_deliveries_add(f->record, rows, 3, &sent, 1, err));
    reopen(f); /* a restart loses none */
    assert_int_equal(due(f, 9, &first), 0);
    assert_int_equal(due(f, 10, &first), 2); /* one of each channel, the oldest */
    assert_int_equal(first, 1);
    assert_ok(record_delivery_done(f->record, 1, SPAN("waiting"), 50, SPAN("busy"), 11, err));
    assert_ok(record_delivery_done(f->record, 3, SPAN("sent"), 0, SPAN(""), 11, err));
    assert_ok(record_deliveries_count(f->record, &waiting, &failed, err));
    assert_int_equal(waiting, 2);
    assert_ok(record_delivery_done(f->record, 2, SPAN("failed"), 0, SPAN("no"), 12, err));
    assert_ok(record_deliveries_count(f->record, &waiting, &failed, err));
    assert_int_equal(failed, 1);
    assert_int_equal(due(f, 50, &first), 1);
    assert_ok(record_sent(f->record, &f->arena, &told, &n, err));
    assert_int_equal(n, 1);
    assert_span(told[0].json, "a b");
    assert_ok(record_sent_delete(f->record, SPAN("g"), err));
    assert_ok(record_deliveries_trim(f->record, 100, &n, err));
    assert_int_equal(n, 2); /* what waits stays */
}

static struct delivery_row logged(struct fixture *f, int64_t now_ms, size_t *interrupted)
{
    struct delivery_row *rows;
    size_t n;
    reopen(f); /* as after a kill */
    assert_ok(record_deliveries_recover(f->record, now_ms, interrupted, err));
    assert_ok(record_deliveries(f->record, 1, 0, 10, &f->arena, &rows, &n, err));
    assert_int_equal(n, 1);
    return rows[0];
}

/* Killed between every two steps: an attempt that began is made once more, and never again. */
static void a_delivery_is_cut_off_twice_at_most(void **state)
{
    struct fixture *f = *state;
    struct delivery_row d = {
        .channel_id = 1, .created_ms = 10, .group_key = SPAN("g"), .payload = SPAN("{}")};
    int64_t first;
    size_t cut;
    assert_ok(record_deliveries_add(f->record, &d, 1, NULL, 0, err));
    d = logged(f, 20, &cut); /* before it began: nothing was sent */
    assert_int_equal(cut, 0);
    assert_span(d.state, "waiting");
    assert_ok(record_delivery_begin(f->record, d.id, &f->arena, &d, err));
    assert_int_equal(record_delivery_begin(f->record, d.id, &f->arena, &d, NULL), NOT_FOUND);
    assert_int_equal(due(f, 1000, &first), 0); /* it is under way */
    d = logged(f, 30, &cut);
    assert_int_equal(cut, 1);
    assert_span(d.state, "waiting");
    assert_int_equal(d.attempts, 1);
    assert_int_equal(d.next_ms, 30);
    assert_int_equal(due(f, 30, &first), 1);
    /* refused for now is an end that is known: such attempts do not count */
    for (int i = 0; i < 3; i++) {
        assert_ok(record_delivery_begin(f->record, d.id, &f->arena, &d, err));
        assert_ok(record_delivery_done(f->record, d.id, SPAN("waiting"), 40, SPAN("503"), 31, err));
        d = logged(f, 32, &cut);
        assert_int_equal(cut, 0);
        assert_span(d.state, "waiting");
    }
    assert_ok(record_delivery_begin(f->record, d.id, &f->arena, &d, err));
    d = logged(f, 50, &cut);
    assert_int_equal(cut, 1);
    assert_span(d.state, "failed");
    assert_int_equal(d.attempts, 5);
    assert_int_equal(d.done_ms, 50);
    assert_non_null(strstr(d.error.at, "may have arrived"));
    assert_int_equal(due(f, 1000, &first), 0);
    assert_int_equal(record_delivery_begin(f->record, d.id, &f->arena, &d, NULL), NOT_FOUND);
}

/* A channel's next: in order, of one group and recipient only the oldest, so many at once. */
static void what_is_due(void **state)
{
    struct fixture *f = *state;
    struct delivery_row *rows, d[70];
    int64_t next_ms;
    size_t n;
    for (size_t i = 0; i < COUNT(d); i++)
        d[i] = (struct delivery_row){
            .channel_id = 1,
            .created_ms = 10,
            .group_key = span_of(arena_printf(&f->arena, "g%zu", i / 2)),
            .recipient = i % 2 ? SPAN("+2") : SPAN("+1"),
            .payload = SPAN("{}"),
        };
    assert_ok(record_deliveries_add(f->record, d, COUNT(d), NULL, 0, err));
    assert_ok(record_deliveries_due(f->record, 10, &f->arena, &rows, &n, &next_ms, err));
    assert_int_equal(n, DELIVERIES_DUE_MAX);
    assert_int_equal(next_ms, 0);
    assert_span(rows[1].recipient, "+2");
    /* The first of a group waits: its second does, too, and hastens it. */
    assert_ok(record_delivery_begin(f->record, 1, &f->arena, &d[0], err));
    assert_span(d[0].payload, "{}");
    assert_ok(record_delivery_done(f->record, 1, SPAN("waiting"), 500, SPAN("503"), 11, err));
    assert_ok(record_deliveries_due(f->record, 20, &f->arena, &rows, &n, &next_ms, err));
    assert_int_equal(rows[0].id, 2);
    assert_int_equal(next_ms, 500);
    d[0] = (struct delivery_row){.channel_id = 1,
                                 .created_ms = 30,
                                 .group_key = SPAN("g0"),
                                 .recipient = SPAN("+1"),
                                 .payload = SPAN("{}")};
    assert_ok(record_deliveries_add(f->record, d, 1, NULL, 0, err));
    assert_ok(record_deliveries_due(f->record, 30, &f->arena, &rows, &n, &next_ms, err));
    assert_int_equal(rows[0].id, 1);
    for (size_t i = 0; i < n; i++)
        assert_int_not_equal(rows[i].id, 71);
    /* What is to be there once. */
    d[0].channel_id = 2;
    d[0].once = true;
    for (int i = 0; i < 3; i++)
        assert_ok(record_deliveries_add(f->record, d, 1, NULL, 0, err));
    assert_ok(record_deliveries(f->record, 2, 0, 10, &f->arena, &rows, &n, err));
    assert_int_equal(n, 1);
}

/* Sent without an answer is like a kill in the middle: once more, and never again. */
static void unanswered_twice_at_most(void **state)
{
    struct fixture *f = *state;
    struct delivery_row *rows,
        d = {.channel_id = 1, .created_ms = 10, .group_key = SPAN("g"), .payload = SPAN("{}")};
    int64_t first;
    size_t n;
    assert_ok(record_deliveries_add(f->record, &d, 1, NULL, 0, err));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(due(f, 40, &first), 1);
        assert_ok(record_delivery_begin(f->record, 1, &f->arena, &d, err));
        assert_ok(record_delivery_unanswered(f->record, 1, 40, SPAN("silent"), 20, err));
        assert_int_equal(due(f, 39, &first), 0);
    }
    assert_int_equal(due(f, 1000, &first), 0);
    assert_ok(record_deliveries(f->record, 1, 0, 10, &f->arena, &rows, &n, err));
    assert_span(rows[0].state, "failed");
    assert_span(rows[0].error, "it was sent twice without an answer, and may have arrived: silent");
    assert_int_equal(rows[0].done_ms, 20);
    assert_int_equal(record_delivery_begin(f->record, 1, &f->arena, &d, NULL), NOT_FOUND);
}

const struct CMUnitTest alerts_tests[] = {
    RECORD_TEST(what_is_due),
    RECORD_TEST(unanswered_twice_at_most),
    RECORD_TEST(an_alert_and_its_history),
    RECORD_TEST(a_person_resolves),
    RECORD_TEST(documents_have_versions),
    RECORD_TEST(deliveries_wait_in_order),
    RECORD_TEST(a_delivery_is_cut_off_twice_at_most),
};
const size_t alerts_tests_n = COUNT(alerts_tests);
