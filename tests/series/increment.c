/* Increments: what is written is read back as the same remote-write message; what is damaged, or
 * does not follow, is refused. */
#include "message_collection.h"
#include "unit.h"

#include "base/arena.h"
#include "series/increment.h"

#include <stdio.h>

struct value {
    const char *metric, *host; /* host NULL: no label instance */
    double v;
};

static void put(struct buf *message, const struct value *v, int64_t t_ms)
{
    struct label_builder b = {.n = 0};
    label_set(&b, SPAN("__name__"), span_of(v->metric));
    if (v->host)
        label_set(&b, SPAN("instance"), span_of(v->host));
    label_set(&b, SPAN("job"), SPAN("node"));
    struct sample s = {t_ms, v->v};
    write_series(message, label_builder_end(&b), &s, 1);
}

struct pair {
    struct increment_writer *w;
    struct increment_labels *labels;
    struct increment_reader *r;
    struct buf message, bytes, back;
    int64_t t_ms;
};

static void pair_open(struct pair *p)
{
    *p = (struct pair){.w = increment_writer_open(), .labels = increment_labels_open()};
    p->r = increment_reader_open(p->labels);
    p->t_ms = 1700000000000;
}

static void pair_close(struct pair *p)
{
    increment_writer_close(p->w);
    increment_reader_close(p->r);
    assert_int_equal(increment_labels_count(p->labels), 0);
    increment_labels_close(p->labels);
    buf_free(&p->message);
    buf_free(&p->bytes);
    buf_free(&p->back);
}

static enum status write_message(struct increment_writer *w, const struct buf *message,
                                 struct buf *out, bool *whole, struct err *err)
{
    struct span text = buf_view(message);
    struct collection c = message_collection(&text);
    return increment_write(w, &c, out, whole, err);
}

/* Bytes on the wire; the message must come back, series perhaps in another order when some are
 * new. */
static size_t pass(struct pair *p, const struct value *v, size_t n, bool whole, bool same_order)
{
    bool was_whole;
    buf_clear(&p->message);
    buf_clear(&p->bytes);
    buf_clear(&p->back);
    p->t_ms += 1000;
    for (size_t i = 0; i < n; i++)
        put(&p->message, &v[i], p->t_ms);
    assert_ok(write_message(p->w, &p->message, &p->bytes, &was_whole, err));
    assert_int_equal(was_whole, whole);
    assert_ok(increment_read(p->r, buf_view(&p->bytes), &p->back, err));
    assert_int_equal(p->back.len, p->message.len);
    if (same_order)
        assert_memory_equal(p->back.at, p->message.at, p->message.len);
    return p->bytes.len;
}

static void test_values(void **state UNUSED)
{
    static const double values[] = {0,
                                    1,
                                    -1,
                                    0.01,
                                    123.45,
                                    0.1,
                                    1e15,
                                    9007199254740991,
                                    0x1p53,
                                    1e300,
                                    -0.0,
                                    INFINITY,
                                    -INFINITY,
                                    NAN,
                                    3.14159265358979,
                                    99.9999,
                                    -123456.789,
                                    5e-324,
                                    0.07,
                                    1700000000.123};
    struct pair p;
    pair_open(&p);
    struct value v = {"m", "h", 0};
    bool whole = true;
    for (size_t i = 0; i < COUNT(values); i++) {
        for (size_t k = 0; k < COUNT(values); k++) {
            v.v = values[i];
            pass(&p, &v, 1, whole, true);
            whole = false;
            v.v = values[k];
            pass(&p, &v, 1, false, true);
        }
    }
    pair_close(&p);
}

static void test_series_come_and_go(void **state UNUSED)
{
    const double stale = bits_double(STALE_NAN_BITS);
    struct pair p;
    pair_open(&p);
    pass(&p, (struct value[]){{"a", "h", 1}, {"b", "h", 2}, {"c", NULL, 3}}, 3, true, true);
    pass(&p, (struct value[]){{"a", "h", 1}, {"c", NULL, 4}}, 2, false, true); /* b is not due */
    pass(&p, (struct value[]){{"a", "h", 1}, {"d", "other", 9}, {"b", "h", 2}}, 3, false, false);
    pass(&p, (struct value[]){{"a", "h", 1}, {"b", "h", stale}, {"c", NULL, 5}}, 3, false, true);
    assert_int_equal(increment_labels_count(p.labels), 3);
    pass(&p, (struct value[]){{"b", "h", 7}, {"a", "h", 2}}, 2, false, false); /* b is new again */
    pass(&p, (struct value[]){{"a", "h", 2}}, 1, false, true);
    increment_writer_reset(p.w);
    pass(&p, (struct value[]){{"a", "h", 2}}, 1, true, true);
    pair_close(&p);
}

static void test_small(void **state UNUSED)
{
    enum { N = 500 };
    char names[N][16];
    struct value v[N];
    struct pair p;
    pair_open(&p);
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "metric_%zu", i);
        v[i] = (struct value){names[i], "host-1.example", (double)(i * 1000)};
    }
    pass(&p, v, N, true, true);
    for (size_t i = 0; i < N; i += 3)
        v[i].v += (double)i;
    assert_true(pass(&p, v, N, false, true) < 500); /* the message has 40,000 bytes */
    pair_close(&p);
}

static void test_shared_labels(void **state UNUSED)
{
    struct increment_labels *labels = increment_labels_open();
    struct increment_reader *r[3];
    static const char *const hosts[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        struct increment_writer *w = increment_writer_open();
        auto_buf message = {0}, bytes = {0}, back = {0};
        bool whole;
        put(&message, &(struct value){"m", hosts[i], 1}, 1000);
        put(&message, &(struct value){"n", hosts[i], 1}, 1000);
        assert_ok(write_message(w, &message, &bytes, &whole, err));
        r[i] = increment_reader_open(labels);
        assert_ok(increment_read(r[i], buf_view(&bytes), &back, err));
        assert_memory_equal(back.at, message.at, message.len);
        increment_writer_close(w);
    }
    assert_int_equal(increment_labels_count(labels), 2);
    for (size_t i = 0; i < 3; i++)
        increment_reader_close(r[i]);
    increment_labels_close(labels);
}

static void test_does_not_follow(void **state UNUSED)
{
    struct pair p;
    bool whole;
    pair_open(&p);
    struct value v = {"m", "h", 1};
    pass(&p, &v, 1, true, true);
    pass(&p, &v, 1, false, true);
    buf_clear(&p.back);
    /* the same once more */
    assert_fails(increment_read(p.r, buf_view(&p.bytes), &p.back, err), NOT_FOUND, "whole");
    assert_int_equal(p.back.len, 0);
    buf_clear(&p.message);
    buf_clear(&p.bytes);
    put(&p.message, &v, p.t_ms + 1);
    assert_ok(write_message(p.w, &p.message, &p.bytes, &whole, err));
    assert_fails(increment_read(p.r, buf_view(&p.bytes), &p.back, err), NOT_FOUND, "whole");
    increment_writer_reset(p.w);
    pass(&p, &v, 1, true, true);
    pair_close(&p);
}

static void test_not_as_an_increment(void **state UNUSED)
{
    struct pair p;
    bool whole;
    pair_open(&p);
    assert_fails(write_message(p.w, &p.message, &p.bytes, &whole, err), UNSUPPORTED, "nothing");
    pass(&p, (struct value[]){{"a", "h", 1}}, 1, true, true);
    buf_clear(&p.message);
    put(&p.message, &(struct value){"a", "h", 1}, 1000);
    put(&p.message, &(struct value){"a", "h", 1}, 1000);
    assert_fails(write_message(p.w, &p.message, &p.bytes, &whole, err), UNSUPPORTED, "twice");
    pass(&p, (struct value[]){{"a", "h", 1}}, 1, true, true);
    pair_close(&p);
}

struct many {
    uint64_t first_id;
    size_t n, labels_bytes;
};

static void each_of_many(const void *owner, collection_fn fn, void *arg)
{
    static const char zeros[INCREMENT_LABELS_MAX_BYTES + 1];
    const struct many *m = owner;
    for (size_t i = 0; i < m->n; i++)
        fn(m->first_id + i, span_from(zeros, m->labels_bytes), 1, arg);
}

static void test_limits(void **state UNUSED)
{
    static const struct {
        struct many many;
        enum status st;
    } cases[] = {
        {{1, INCREMENT_SERIES_MAX, 4}, OK},
        {{1, INCREMENT_SERIES_MAX + 1, 4}, UNSUPPORTED},
        {{1, 1, INCREMENT_LABELS_MAX_BYTES}, OK},
        {{1, 1, INCREMENT_LABELS_MAX_BYTES + 1}, UNSUPPORTED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct increment_writer *w = increment_writer_open();
        struct collection c = {&cases[i].many, each_of_many, 1000, cases[i].many.n};
        auto_buf bytes = {0};
        struct err err;
        bool whole;
        assert_int_equal(increment_write(w, &c, &bytes, &whole, &err), cases[i].st);
        increment_writer_close(w);
    }
}

/* Ids that come back out of order, and smaller ones that are new. */
static void test_any_order_of_ids(void **state UNUSED)
{
    struct increment_writer *w = increment_writer_open();
    static const struct many some[] = {{50, 40, 8}, {70, 40, 8}, {10, 60, 8}, {10, 100, 8}};
    static const size_t fresh[] = {40, 20, 40, 0};
    for (size_t i = 0; i < COUNT(some); i++) {
        struct collection c = {&some[i], each_of_many, 1000 * (int64_t)i, some[i].n};
        auto_buf bytes = {0};
        bool whole;
        assert_ok(increment_write(w, &c, &bytes, &whole, err));
        assert_int_equal(whole, i == 0);
        /* kind, stream, seq, time, of a whole one the common field (here none), how many are new */
        const unsigned char *at = (const unsigned char *)bytes.at + 1;
        for (int skip = whole ? 4 : 3; skip > 0; at++)
            skip -= *at < 0x80;
        size_t n = *at;
        assert_int_equal(n, fresh[i]);
    }
    increment_writer_close(w);
}

/* Every byte changed and every length: refused, or read as something, never worse. */
static void test_damaged(void **state UNUSED)
{
    struct pair p;
    pair_open(&p);
    pass(&p, (struct value[]){{"a", "h", 1}, {"b", "h", 2.5}}, 2, true, true);
    auto_buf good = {0};
    buf_span(&good, buf_view(&p.bytes));
    for (size_t i = 0; i < good.len; i++) {
        struct err err;
        buf_clear(&p.back);
        assert_int_not_equal(increment_read(p.r, span_from(good.at, i), &p.back, &err), OK);
        for (int bit = 0; bit < 8; bit++) {
            good.at[i] = (char)(good.at[i] ^ 1 << bit);
            buf_clear(&p.back);
            if (increment_read(p.r, buf_view(&good), &p.back, &err))
                assert_int_equal(p.back.len, 0);
            good.at[i] = (char)(good.at[i] ^ 1 << bit);
        }
    }
    pair_close(&p);
}

const struct CMUnitTest increment_tests[] = {
    cmocka_unit_test(test_values),          cmocka_unit_test(test_series_come_and_go),
    cmocka_unit_test(test_small),           cmocka_unit_test(test_shared_labels),
    cmocka_unit_test(test_does_not_follow), cmocka_unit_test(test_not_as_an_increment),
    cmocka_unit_test(test_limits),          cmocka_unit_test(test_any_order_of_ids),
    cmocka_unit_test(test_damaged),
};
const size_t increment_tests_n = COUNT(increment_tests);
