#include "series/remote_write.h"
#include "unit.h"

static const struct sample samples[] = {
    {1763706600123, 42.5}, {1763706605123, -0.0},  {0, 0},   {-1, 1e300},
    {INT64_MAX, INFINITY}, {INT64_MIN, -INFINITY}, {127, 1}, {128, 5e-324},
};

static struct labels some_labels(void)
{
    static struct label at[] = {
        {{"__name__", 8}, {"node_load1", 10}},
        {{"instance", 8}, {"h\xc3\xa4user", 7}},
        {{"job", 3}, {"node", 4}},
    };
    return (struct labels){at, COUNT(at)};
}

static void assert_labels(struct labels got, struct labels want)
{
    if (labels_eq(got, want))
        return;
    auto_buf out = {0};
    labels_print(&out, got);
    fail_msg("labels are %s", buf_text(&out));
}

static void what_is_written_is_read(void **state UNUSED)
{
    auto_buf out = {0}, raw = {0};
    write_series(&out, some_labels(), samples, COUNT(samples));
    write_labels_raw(&raw, some_labels());
    size_t first = out.len;
    write_series_raw(&out, buf_view(&raw), samples, COUNT(samples));
    assert_int_equal(out.len, 2 * first);
    assert_memory_equal(out.at, out.at + first, first);
    write_series(&out, some_labels(), NULL, 0);

    struct write_reader r = write_reader_of(buf_view(&out));
    struct write_entry e;
    size_t entries = 0;
    while (write_next(&r, &e)) {
        struct label_builder b;
        struct labels got;
        assert_ok(write_labels(e.labels_raw, &b, &got, err));
        assert_labels(got, some_labels());
        assert_true(span_eq(e.labels_raw, buf_view(&raw)));
        struct sample s;
        const char *fault = NULL;
        size_t n = 0;
        for (; write_sample_next(&e.samples_raw, &s, &fault); n++) {
            assert_int_equal(s.t_ms, samples[n].t_ms);
            assert_true(double_bits(s.v) == double_bits(samples[n].v));
        }
        assert_null(fault);
        assert_int_equal(n, entries < 2 ? COUNT(samples) : 0);
        entries++;
    }
    assert_null(r.fault);
    assert_int_equal(entries, 3);
}

/* Each length of the varint and each bit of the value comes through the short way. */
static void every_time_and_every_bit_survives(void **state UNUSED)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int around = -1; around <= 1; around++) {
            struct sample in = {(int64_t)((UINT64_C(1) << bit) + (uint64_t)around),
                                bits_double(UINT64_C(1) << bit)};
            auto_buf out = {0};
            write_series(&out, some_labels(), &in, 1);
            struct write_reader r = write_reader_of(buf_view(&out));
            struct write_entry e;
            struct sample s;
            const char *fault = NULL;
            assert_true(write_next(&r, &e));
            assert_true(write_sample_next(&e.samples_raw, &s, &fault));
            assert_int_equal(s.t_ms, in.t_ms);
            assert_true(double_bits(s.v) == double_bits(in.v));
        }
    }
}

static void the_stale_marker_keeps_its_bits(void **state UNUSED)
{
    const uint64_t marks[] = {STALE_NAN_BITS, NORMAL_NAN_BITS};
    for (size_t i = 0; i < COUNT(marks); i++) {
        struct sample in = {1, bits_double(marks[i])}, s;
        auto_buf out = {0};
        write_series(&out, some_labels(), &in, 1);
        struct write_reader r = write_reader_of(buf_view(&out));
        struct write_entry e;
        const char *fault = NULL;
        assert_true(write_next(&r, &e));
        assert_true(write_sample_next(&e.samples_raw, &s, &fault));
        assert_true(double_bits(s.v) == marks[i]);
        assert_int_equal(is_stale(s.v), i == 0);
    }
}

/* Walks all of a message; the first fault, or NULL. */
static const char *walk(struct span message, size_t *n_samples)
{
    struct write_reader r = write_reader_of(message);
    struct write_entry e;
    const char *fault = NULL;
    *n_samples = 0;
    while (write_next(&r, &e)) {
        struct sample s;
        while (write_sample_next(&e.samples_raw, &s, &fault))
            ++*n_samples;
        if (fault)
            return fault;
    }
    return r.fault;
}

static void other_senders_layouts_are_taken(void **state UNUSED)
{
    static const struct {
        struct span message;
        size_t n;
        struct sample want;
    } cases[] = {
        {SPAN(""), 0, {0, 0}},
        {SPAN("\x0a\x00"), 0, {0, 0}},
        /* time first; a zero left out, on either side */
        {SPAN("\x0a\x0d\x12\x0b\x10\x05\x09\0\0\0\0\0\0\xf0\x3f"), 1, {5, 1}},
        {SPAN("\x0a\x04\x12\x02\x10\x05"), 1, {5, 0}},
        {SPAN("\x0a\x0b\x12\x09\x09\0\0\0\0\0\0\xf0\x3f"), 1, {0, 1}},
        {SPAN("\x0a\x02\x12\x00"), 1, {0, 0}},
        /* twice: the last one counts */
        {SPAN("\x0a\x06\x12\x04\x10\x05\x10\x06"), 1, {6, 0}},
        /* lengths and tags in more bytes than needed */
        {SPAN("\x0a\x86\x80\x00\x12\x83\x00\x10\x85\x00"), 1, {5, 0}},
        /* an unknown field in the sample, an exemplar and a histogram behind the samples */
        {SPAN("\x0a\x0a\x12\x04\x10\x05\x18\x07\x1a\x00\x22\x00"), 1, {5, 0}},
        /* metadata, a fixed64 and a fixed32 around the series */
        {SPAN("\x1a\x02hi\x0a\x04\x12\x02\x10\x05\x21"
              "12345678\x2d"
              "1234"),
         1,
         {5, 0}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct write_reader r = write_reader_of(cases[i].message);
        struct write_entry e;
        struct sample s = {0};
        const char *fault = NULL;
        size_t n = 0;
        while (write_next(&r, &e))
            while (write_sample_next(&e.samples_raw, &s, &fault))
                n++;
        if (r.fault || fault || n != cases[i].n)
            fail_msg("case %zu: %zu samples, %s", i, n, r.fault ? r.fault : fault);
        assert_int_equal(s.t_ms, cases[i].want.t_ms);
        assert_true(double_bits(s.v) == double_bits(cases[i].want.v));
    }
}

static void malformed_messages_are_refused(void **state UNUSED)
{
    static const struct {
        struct span message;
        const char *says;
    } cases[] = {
        {SPAN("\x0a"), "varint"},
        {SPAN("\x0a\x01"), "longer"},
        {SPAN("\x0a\x80"), "varint"},
        {SPAN("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), "varint"},
        {SPAN("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "longer"},
        {SPAN("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "varint"}, /* 65 bits */
        {SPAN("\x00"), "number 0"},
        {SPAN("\x02\x00"), "number 0"},
        {SPAN("\x0b"), "wire type"}, /* a group */
        {SPAN("\x0c"), "wire type"},
        {SPAN("\x0f"), "wire type"},
        {SPAN("\xfa\xff\xff\xff\x7f\x00"), "too high"},
        {SPAN("\x09\x00"), "longer"},
        {SPAN("\x0d\x00"), "longer"},
        {SPAN("\x08"), "varint"},
        {SPAN("\x0a\x02\x0a\x05"), "longer"},
        {SPAN("\x0a\x02\x12\x05"), "longer"},
        {SPAN("\x0a\x04\x12\x00\x0a\x00"), "mixed"},         /* a label behind a sample */
        {SPAN("\x0a\x06\x12\x00\x1a\x00\x12\x00"), "mixed"}, /* a sample behind an exemplar */
        {SPAN("\x0a\x06\x0a\x00\x1a\x00\x0a\x00"), "mixed"},
        {SPAN("\x0a\x03\x12\x01\x09"), "longer"}, /* a value of no bytes */
        {SPAN("\x0a\x03\x12\x01\x10"), "varint"},
        {SPAN("\x0a\x04\x12\x02\x10\x80"), "varint"},
        {SPAN("\x0a\x03\x12\x01\x0b"), "wire type"},
        {SPAN("\x0a\x0c\x12\x0a\x09\0\0\0\0\0\0\xf0\x3f\x10"), "varint"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t n;
        const char *fault = walk(cases[i].message, &n);
        if (!fault || !strstr(fault, cases[i].says))
            fail_msg("case %zu: %s", i, fault ? fault : "taken");
    }
}

static void a_message_cut_anywhere_never_gives_more(void **state UNUSED)
{
    auto_buf out = {0};
    size_t ends[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        write_series(&out, some_labels(), samples, 2);
        ends[i] = out.len;
    }
    for (size_t len = 0; len <= out.len; len++) {
        char *copy = mem_dup_span(span_from(out.at, len)); /* so that sanitizers see its end */
        size_t n;
        const char *fault = walk(span_from(copy, len), &n);
        size_t whole = (size_t)(len >= ends[0]) + (len >= ends[1]) + (len >= ends[2]);
        bool at_end = len == 0 || len == ends[0] || len == ends[1] || len == ends[2];
        assert_int_equal(n, whole * 2);
        assert_int_equal(fault == NULL, at_end);
        free(copy);
    }
}

static void put_label(struct buf *out, struct span name, struct span value)
{
    write_labels_raw(out, (struct labels){&(struct label){name, value}, 1});
}

static void labels_are_sorted_and_checked(void **state UNUSED)
{
    static const struct {
        const char *names[4], *values[4];
        const char *want, *says;
    } cases[] = {
        {{"__name__"}, {"up"}, "up", NULL},
        {{"job", "__name__"}, {"node", "up"}, "up{job=\"node\"}", NULL},
        {{"__name__", "a", "b"}, {"up", "", "x"}, "up{b=\"x\"}", NULL},
        {{"__name__", "host.name"},
         {"http.time", "x"}, /* OpenTelemetry's names */
         "{__name__=\"http.time\", \"host.name\"=\"x\"}",
         NULL},
        {{NULL}, {NULL}, NULL, "no metric name"},
        {{"job"}, {"node"}, NULL, "no metric name"},
        {{"__name__"}, {""}, NULL, "no metric name"},
        {{"__name__", ""}, {"up", "x"}, NULL, "no name"},
        {{"__name__", "a", "a"}, {"up", "x", "y"}, NULL, "twice"},
        {{"a", "__name__", "a"}, {"x", "up", "x"}, NULL, "twice"},
        {{"__name__", "a\xff"}, {"up", "x"}, NULL, "not UTF-8"},
        {{"__name__", "a"}, {"up", "\xc3"}, NULL, "label a is not UTF-8"},
        {{"__name__"}, {"\xed\xa0\x80"}, NULL, "not UTF-8"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf raw = {0};
        for (size_t k = 0; k < 4 && cases[i].names[k]; k++)
            put_label(&raw, span_of(cases[i].names[k]), span_of(cases[i].values[k]));
        struct label_builder b;
        struct labels got;
        if (cases[i].says) {
            assert_fails(write_labels(buf_view(&raw), &b, &got, err), INVALID, cases[i].says);
            continue;
        }
        assert_ok(write_labels(buf_view(&raw), &b, &got, err));
        auto_buf text = {0};
        labels_print(&text, got);
        assert_string_equal(buf_text(&text), cases[i].want);
    }
}

static void labels_cut_anywhere_are_refused(void **state UNUSED)
{
    auto_buf raw = {0};
    put_label(&raw, SPAN("__name__"), SPAN("up"));
    size_t first = raw.len;
    put_label(&raw, SPAN("job"), SPAN("node"));
    struct label_builder b;
    struct labels got;
    for (size_t len = 1; len < raw.len; len++) {
        char *copy = mem_dup_span(span_from(raw.at, len));
        enum status st = write_labels(span_from(copy, len), &b, &got, NULL);
        assert_int_equal(st, len == first ? OK : INVALID);
        free(copy);
    }
    assert_fails(write_labels(SPAN("\x12\x00"), &b, &got, err), INVALID, "malformed");
    assert_fails(write_labels(SPAN("\x0a\x02\x0b\x00"), &b, &got, err), INVALID, "malformed");
}

static void one_label_is_found_without_the_others(void **state UNUSED)
{
    auto_buf raw = {0};
    put_label(&raw, SPAN("__name__"), SPAN("up"));
    put_label(&raw, SPAN("instance"), SPAN("web-1"));
    put_label(&raw, SPAN("job"), SPAN("node"));
    struct span whole = buf_view(&raw);
    assert_span(write_label(whole, SPAN("instance")), "web-1");
    assert_span(write_label(whole, SPAN("job")), "node");
    assert_span(write_label(whole, SPAN("inst")), "");
    assert_span(write_label(SPAN(""), SPAN("job")), "");
    assert_span(write_label(span_from(whole.at, whole.len - 1), SPAN("job")), ""); /* cut */
}

static void labels_have_ceilings(void **state UNUSED)
{
    static char long_text[LABEL_VALUE_MAX_BYTES + 1];
    memset(long_text, 'x', sizeof long_text);
    static const struct {
        size_t name, value, labels; /* bytes of one label's name and value; labels in all */
        const char *says;
    } cases[] = {
        {LABEL_NAME_MAX_BYTES, LABEL_VALUE_MAX_BYTES, LABELS_MAX, NULL},
        {LABEL_NAME_MAX_BYTES + 1, 1, 2, "name has 257 bytes, at most 256"},
        {1, LABEL_VALUE_MAX_BYTES + 1, 2, "value of 4097 bytes, at most 4096"},
        {1, 1, LABELS_MAX + 1, "more than 64 labels"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf raw = {0};
        put_label(&raw, SPAN("__name__"), SPAN("up"));
        put_label(&raw, span_from(long_text, cases[i].name), span_from(long_text, cases[i].value));
        for (size_t k = 2; k < cases[i].labels; k++) {
            char name[8] = {'l', (char)('0' + k / 10), (char)('0' + k % 10)};
            put_label(&raw, span_of(name), SPAN("v"));
        }
        struct label_builder b;
        struct labels got;
        if (cases[i].says) {
            assert_fails(write_labels(buf_view(&raw), &b, &got, err), INVALID, cases[i].says);
            continue;
        }
        assert_ok(write_labels(buf_view(&raw), &b, &got, err));
        assert_int_equal(got.n, cases[i].labels);
    }
}

const struct CMUnitTest remote_write_tests[] = {
    cmocka_unit_test(what_is_written_is_read),
    cmocka_unit_test(every_time_and_every_bit_survives),
    cmocka_unit_test(the_stale_marker_keeps_its_bits),
    cmocka_unit_test(other_senders_layouts_are_taken),
    cmocka_unit_test(malformed_messages_are_refused),
    cmocka_unit_test(a_message_cut_anywhere_never_gives_more),
    cmocka_unit_test(labels_are_sorted_and_checked),
    cmocka_unit_test(labels_cut_anywhere_are_refused),
    cmocka_unit_test(one_label_is_found_without_the_others),
    cmocka_unit_test(labels_have_ceilings),
};
const size_t remote_write_tests_n = COUNT(remote_write_tests);
