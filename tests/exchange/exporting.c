#include "exchange/exchange.h"
#include "series/remote_write.h"
#include "unit.h"

#define T0 INT64_C(1795176000000)
#define DAY INT64_C(86400000)

static void put(struct memory_source *m, const char *name, const char *instance, const char *more,
                int64_t t, double v)
{
    struct label_builder b = {0};
    label_set(&b, SPAN(LABEL_NAME), span_of(name));
    label_set(&b, SPAN("instance"), span_of(instance));
    label_set(&b, SPAN("more"), span_of(more));
    assert_ok(memory_source_append(m, label_builder_end(&b), (struct sample){t, v}, err));
}

/* Odd values, odd labels, gaps of many days, a series without a host. */
static struct memory_source *world(bool odd)
{
    static const uint64_t bits[] = {0x8000000000000000, 0x7ff0000000000000, 0xfff0000000000000,
                                    NORMAL_NAN_BITS,    STALE_NAN_BITS,     0x7ff8000000000abc,
                                    0x0000000000000001, 0x4340000000000001, 0x3fb999999999999a};
    struct memory_source *m = memory_source_open();
    for (int64_t i = 0; i < 2000; i++)
        put(m, "steady", "a", "", T0 - 3 * DAY + i * 60000, (double)i / 7);
    for (size_t i = 0; odd && i < COUNT(bits); i++)
        put(m, "odd", "b", "=1+1", T0 - 200 * DAY + (int64_t)i * 20 * DAY, bits_double(bits[i]));
    put(m, "labels", "b", "a \"quoted\", \\ and\nbroken", T0, 1);
    put(m, "labels", "b", "'=guarded already", T0, 2);
    put(m, "labels", "b", "-1 ", T0 + 1, 3);
    put(m, "alone", "", "", T0, 4);
    return m;
}

static void export_all(struct memory_source *m, enum exchange_format f, int64_t start,
                       const char *const *names, size_t n, struct buf *out)
{
    struct matcher matchers[4];
    struct export_selector selectors[4];
    for (size_t i = 0; i < n; i++) {
        assert_ok(
            matcher_init(&matchers[i], MATCH_REGEX, SPAN(LABEL_NAME), span_of(names[i]), err));
        selectors[i] = (struct export_selector){&matchers[i], 1};
    }
    struct exporter_config config = {
        .format = f, .selectors = selectors, .n = n, .start_ms = start, .end_ms = T0 + DAY};
    struct exporter *x = exporter_open(&config);
    for (bool more = true; more;) {
        size_t before = out->len;
        assert_ok(exporter_next(x, memory_source_face(m), out, &more, err));
        assert_true(out->len - before < 4 * EXPORT_PIECE_BYTES);
    }
    assert_int_equal(exporter_progress(x)->groups_done, exporter_progress(x)->groups);
    exporter_close(x);
    for (size_t i = 0; i < n; i++)
        matcher_free(&matchers[i]);
}

static enum status add(void *arg, struct labels labels, const struct sample *s, size_t n,
                       struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        enum status st = memory_source_append(arg, labels, s[i], err);
        if (st)
            return st;
    }
    return OK;
}

static void bad(void *arg, size_t line_no, const char *why)
{
    (void)arg;
    fail_msg("line %zu: %s", line_no, why);
}

/* Out, in again and out: the same bytes, which say every bit. */
static void round_trip(void **state)
{
    (void)state;
    static const char *const all[] = {".+"};
    static const enum exchange_format formats[] = {EXCHANGE_JSON, EXCHANGE_CSV,
                                                   EXCHANGE_OPENMETRICS};
    for (size_t i = 0; i < COUNT(formats); i++) {
        auto_buf text = {0}, json = {0}, again = {0};
        bool odd = formats[i] != EXCHANGE_OPENMETRICS;
        struct memory_source *m = world(odd), *other = memory_source_open();
        export_all(m, formats[i], T0 - 400 * DAY, all, 1, &text);
        struct importer_config config = {
            .format = formats[i], .take = add, .bad = bad, .arg = other};
        struct importer *in = importer_open(&config);
        assert_ok(importer_feed(in, buf_view(&text), err));
        assert_ok(importer_end(in, err));
        importer_close(in);
        export_all(m, EXCHANGE_JSON, T0 - 400 * DAY, all, 1, &json);
        export_all(other, EXCHANGE_JSON, T0 - 400 * DAY, all, 1, &again);
        assert_string_equal(buf_text(&again), buf_text(&json));
        assert_non_null(strstr(json.at, "\"broken") ? json.at : strstr(json.at, "nbroken"));
        assert_true(!odd || strstr(json.at, "NaN(0x7ff0000000000002)"));
        memory_source_close(m);
        memory_source_close(other);
    }
}

static void texts(void **state)
{
    (void)state;
    static const struct {
        enum exchange_format format;
        const char *names[2];
        const char *want;
    } cases[] = {
        {EXCHANGE_CSV,
         {"labels|alone", "labels"}, /* a series that two selectors find comes once */
         "timestamp,metric,instance,more,value\r\n"
         "2026-11-20T12:00:00.000Z,alone,,,4\r\n"
         "2026-11-20T12:00:00.000Z,labels,b,''=guarded already,2\r\n"
         "2026-11-20T12:00:00.001Z,labels,b,\"'-1 \",3\r\n"
         "2026-11-20T12:00:00.000Z,labels,b,\"a \"\"quoted\"\", \\ and\nbroken\",1\r\n"},
        {EXCHANGE_OPENMETRICS,
         {"alone", "labels"},
         "# TYPE alone unknown\nalone 4 1795176000.000\n# TYPE labels unknown\n"
         "labels{instance=\"b\",more=\"'=guarded already\"} 2 1795176000.000\n"
         "labels{instance=\"b\",more=\"-1 \"} 3 1795176000.001\n"
         "labels{instance=\"b\",more=\"a \\\"quoted\\\", \\\\ and\\nbroken\"} 1 1795176000.000\n"
         "# EOF\n"},
        {EXCHANGE_JSON,
         {"alone", "nothing"},
         "{\"metric\":{\"__name__\":\"alone\"},\"values\":[4],\"timestamps\":[1795176000000]}\n"},
        {EXCHANGE_OPENMETRICS, {"nothing", "none"}, "# EOF\n"},
        {EXCHANGE_CSV, {"nothing", "none"}, "timestamp,metric,value\r\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        struct memory_source *m = world(true);
        export_all(m, cases[i].format, T0, cases[i].names, 2, &out);
        assert_string_equal(buf_text(&out), cases[i].want);
        memory_source_close(m);
    }
}

static void batches(void **state)
{
    (void)state;
    struct write_batch *b = write_batch_open();
    const struct label name = {SPAN(LABEL_NAME), {"m", 1}}, other = {SPAN(LABEL_NAME), {"n", 1}};
    struct sample s[3] = {{30, 3}, {10, 1}, {20, 2}};
    assert_int_equal(write_batch_add(b, (struct labels){&name, 1}, s, 2), 2);
    assert_int_equal(write_batch_add(b, (struct labels){&other, 1}, s, 1), 1);
    assert_int_equal(write_batch_add(b, (struct labels){&name, 1}, s + 2, 1), 1);
    assert_int_equal(write_batch_samples(b), 4);
    auto_buf message = {0};
    write_batch_encode(b, &message);
    struct write_reader r = write_reader_of(buf_view(&message));
    struct write_entry e;
    const char *fault = NULL;
    struct sample got;
    assert_true(write_next(&r, &e)); /* together, and ascending */
    for (int i = 1; i <= 3; i++) {
        assert_true(write_sample_next(&e.samples_raw, &got, &fault));
        assert_int_equal(got.t_ms, i * 10);
    }
    assert_true(write_next(&r, &e));
    assert_false(write_next(&r, &e));
    /* full: the rest is the next batch's */
    size_t taken = 0;
    for (size_t i = 0; i <= WRITE_BATCH_SAMPLES; i++)
        taken += write_batch_add(b, (struct labels){&name, 1}, s, 1);
    assert_int_equal(taken, WRITE_BATCH_SAMPLES);
    write_batch_close(b);
}

const struct CMUnitTest exporting_tests[] = {
    cmocka_unit_test(round_trip),
    cmocka_unit_test(texts),
    cmocka_unit_test(batches),
};
const size_t exporting_tests_n = COUNT(exporting_tests);
