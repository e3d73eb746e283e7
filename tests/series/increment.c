/* Increments: what is written is read back as the same remote-write message; what is damaged, or
 * does not follow, is refused. */
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
    assert_ok(increment_write(p->w, buf_view(&p->message), &p->bytes, &was_whole, err));
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
        assert_ok(increment_write(w, buf_view(&message), &bytes, &whole, err));
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
    assert_ok(increment_write(p.w, buf_view(&p.message), &p.bytes, &whole, err));
    assert_fails(increment_read(p.r, buf_view(&p.bytes), &p.back, err), NOT_FOUND, "whole");
    increment_writer_reset(p.w);
    pass(&p, &v, 1, true, true);
    pair_close(&p);
}

static void test_not_of_one_time(void **state UNUSED)
{
    struct pair p;
    bool whole;
    pair_open(&p);
    put(&p.message, &(struct value){"a", "h", 1}, 1000);
    put(&p.message, &(struct value){"b", "h", 1}, 2000);
    assert_fails(increment_write(p.w, buf_view(&p.message), &p.bytes, &whole, err), UNSUPPORTED,
                 "several times");
    buf_clear(&p.message);
    put(&p.message, &(struct value){"a", "h", 1}, 1000);
    put(&p.message, &(struct value){"a", "h", 1}, 1000);
    assert_fails(increment_write(p.w, buf_view(&p.message), &p.bytes, &whole, err), UNSUPPORTED,
                 "several times");
    pass(&p, (struct value[]){{"a", "h", 1}}, 1, true, true);
    pair_close(&p);
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
    cmocka_unit_test(test_does_not_follow), cmocka_unit_test(test_not_of_one_time),
    cmocka_unit_test(test_damaged),
};
const size_t increment_tests_n = COUNT(increment_tests);
