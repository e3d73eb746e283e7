#include "series/remote_read.h"
#include "series/remote_write.h"
#include "unit.h"

static void put_matcher(struct buf *out, unsigned type, struct span name, struct span value)
{
    auto_buf body = {0};
    buf_char(&body, 0x08);
    buf_varint(&body, type);
    buf_char(&body, 0x12);
    buf_varint(&body, name.len);
    buf_span(&body, name);
    buf_char(&body, 0x1a);
    buf_varint(&body, value.len);
    buf_span(&body, value);
    buf_char(out, 0x1a);
    buf_varint(out, body.len);
    buf_span(out, buf_view(&body));
}

static void put_query(struct buf *out, int64_t start, int64_t end, size_t matchers)
{
    static const char *const values[] = {"up", "b", "c|d", "e.*"};
    auto_buf body = {0};
    buf_char(&body, 0x08);
    buf_varint(&body, (uint64_t)start);
    buf_char(&body, 0x10);
    buf_varint(&body, (uint64_t)end);
    for (size_t i = 0; i < matchers; i++)
        put_matcher(&body, (unsigned)(i % 4), SPAN("label"), span_of(values[i % 4]));
    buf_char(out, 0x0a);
    buf_varint(out, body.len);
    buf_span(out, buf_view(&body));
}

static void queries_are_read(void **state UNUSED)
{
    auto_arena arena = {0};
    auto_buf message = {0};
    struct read_request r;
    put_query(&message, -5, 1700000000000, 4);
    put_query(&message, 0, 7, 1);
    buf_str(&message, "\x10\x01"); /* accepted_response_types */
    assert_ok(read_request_parse(buf_view(&message), &arena, &r, err));
    assert_int_equal(r.n, 2);
    assert_true(r.queries[0].start_ms == -5 && r.queries[0].end_ms == 1700000000000);
    assert_int_equal(r.queries[0].n, 4);
    static const enum matcher_kind kinds[] = {MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_REGEX,
                                              MATCH_NOT_REGEX};
    for (size_t i = 0; i < COUNT(kinds); i++)
        assert_int_equal(r.queries[0].matchers[i].kind, kinds[i]);
    assert_true(matcher_value_matches(&r.queries[0].matchers[2], SPAN("d")));
    read_request_free(&r);
    assert_ok(read_request_parse(SPAN(""), &arena, &r, err));
    assert_int_equal(r.n, 0);
}

static void bad_requests_are_refused(void **state UNUSED)
{
    static const struct {
        struct span message;
        const char *says;
    } cases[] = {
        {SPAN("\x0a\x05"
              "ab"),
         "longer than what holds it"},
        {SPAN("\x0a\x00"), "no matcher"},
        {SPAN("\x0a\x04\x1a\x02\x12\x00"), "names no label"},
        {SPAN("\x0a\x07\x1a\x05\x08\x04\x12\x01"
              "a"),
         "of type 4"},
        {SPAN("\x0a\x0a\x1a\x08\x08\x02\x12\x01"
              "a\x1a\x01("),
         "the group is not closed"},
        {SPAN("\xff"), "varint"},
        {SPAN("\x00"), "number 0"},
    };
    auto_arena arena = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct read_request r;
        assert_fails(read_request_parse(cases[i].message, &arena, &r, err), INVALID, cases[i].says);
        assert_int_equal(r.n, 0);
    }
}

static void queries_and_matchers_have_ceilings(void **state UNUSED)
{
    for (size_t over = 0; over < 2; over++) {
        auto_arena arena = {0};
        auto_buf queries = {0}, matchers = {0};
        struct read_request r;
        for (size_t i = 0; i < READ_QUERIES_MAX + over; i++)
            put_query(&queries, 0, 1, 1);
        put_query(&matchers, 0, 1, READ_MATCHERS_MAX + over);
        if (over) {
            assert_fails(read_request_parse(buf_view(&queries), &arena, &r, err), INVALID,
                         "more than 16 queries");
            assert_fails(read_request_parse(buf_view(&matchers), &arena, &r, err), INVALID,
                         "more than 64 matchers");
            continue;
        }
        assert_ok(read_request_parse(buf_view(&queries), &arena, &r, err));
        read_request_free(&r);
        assert_ok(read_request_parse(buf_view(&matchers), &arena, &r, err));
        read_request_free(&r);
    }
}

static void a_request_cut_anywhere_is_refused_or_shorter(void **state UNUSED)
{
    auto_arena arena = {0};
    auto_buf message = {0};
    put_query(&message, 1, 2, 4);
    for (size_t n = 1; n < message.len; n++) {
        struct read_request r;
        struct err err;
        assert_int_equal(read_request_parse(span_from(message.at, n), &arena, &r, &err), INVALID);
    }
}

static void snappy_in_pieces_is_one_text(void **state UNUSED)
{
    auto_buf plain = {0}, packed = {0}, out = {0};
    for (int i = 0; plain.len < 5 * SNAPPY_PIECE_BYTES / 2; i++)
        buf_printf(&plain, "%d %d,", i % 100, i * i);
    buf_varint(&packed, plain.len);
    struct span rest = buf_view(&plain);
    while (rest.len) {
        size_t n = MIN(rest.len, (size_t)SNAPPY_PIECE_BYTES);
        assert_ok(snappy_piece(span_from(rest.at, n), &packed, err));
        rest = span_from(rest.at + n, rest.len - n);
    }
    assert_true(packed.len < plain.len);
    assert_ok(unpack(COMPRESSION_SNAPPY, buf_view(&packed), plain.len, &out, err));
    assert_true(span_eq(buf_view(&plain), buf_view(&out)));
    assert_fails(snappy_piece(span_from(plain.at, SNAPPY_PIECE_BYTES + 1), &packed, err), FULL,
                 "cannot be packed");
}

const struct CMUnitTest remote_read_tests[] = {
    cmocka_unit_test(queries_are_read),
    cmocka_unit_test(bad_requests_are_refused),
    cmocka_unit_test(queries_and_matchers_have_ceilings),
    cmocka_unit_test(a_request_cut_anywhere_is_refused_or_shorter),
    cmocka_unit_test(snappy_in_pieces_is_one_text),
};
const size_t remote_read_tests_n = COUNT(remote_read_tests);
