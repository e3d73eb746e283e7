/* The head parser: what it takes, and the smuggling corpus that it refuses. */
#include "net/head.h"

#include "base/buf.h"
#include "unit.h"

static bool parse(const char *text, size_t len, struct head *h, struct refusal *why)
{
    size_t line_at = 0, end = 0;
    struct span data = {text, len};
    if (head_scan(data, &line_at, &end, why) != HEAD_WHOLE) {
        if (!why->status)
            head_begins_well(data, line_at, why);
        return false;
    }
    return head_parse_request(span_from(text, end), h, why);
}

#define HOST "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST

static const struct {
    const char *name;
    struct span text;
    int status;
} refused[] = {
    {"two Content-Length", SPAN(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), 400},
    {"the same twice", SPAN(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), 400},
    {"a list of lengths", SPAN(POST "Content-Length: 5, 5\r\n\r\n"), 400},
    {"plus", SPAN(POST "Content-Length: +5\r\n\r\n"), 400},
    {"minus", SPAN(POST "Content-Length: -5\r\n\r\n"), 400},
    {"hex", SPAN(POST "Content-Length: 0x5\r\n\r\n"), 400},
    {"blank inside", SPAN(POST "Content-Length: 1 2\r\n\r\n"), 400},
    {"empty length", SPAN(POST "Content-Length:\r\n\r\n"), 400},
    {"65 bits", SPAN(POST "Content-Length: 18446744073709551616\r\n\r\n"), 400},
    {"vertical tab", SPAN(POST "Content-Length: \v5\r\n\r\n"), 400},
    {"both", SPAN(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"both, other order", SPAN(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
     400},
    {"identity", SPAN(POST "Transfer-Encoding: identity\r\n\r\n"), 501},
    {"chunked, identity", SPAN(POST "Transfer-Encoding: chunked, identity\r\n\r\n"), 501},
    {"gzip, chunked", SPAN(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501},
    {"xchunked", SPAN(POST "Transfer-Encoding: xchunked\r\n\r\n"), 501},
    {"quoted", SPAN(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 501},
    {"empty encoding", SPAN(POST "Transfer-Encoding:\r\n\r\n"), 501},
    {"two encodings", SPAN(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
     400},
    {"blank before the colon", SPAN(POST "Content-Length : 5\r\n\r\n"), 400},
    {"tab before the colon", SPAN(POST "Transfer-Encoding\t: chunked\r\n\r\n"), 400},
    {"blank before the name", SPAN(GET " Host: a\r\n\r\n"), 400},
    {"folded", SPAN(GET HOST "X: a\r\n b\r\n\r\n"), 400},
    {"folded by a tab", SPAN(GET HOST "X: a\r\n\tb\r\n\r\n"), 400},
    {"no name", SPAN(GET HOST ": a\r\n\r\n"), 400},
    {"no colon", SPAN(GET HOST "X\r\n\r\n"), 400},
    {"bare CR in a value", SPAN(GET HOST "X: a\rb\r\n\r\n"), 400},
    {"bare CR before the end", SPAN(GET HOST "X: a\r\r\n\r\n"), 400},
    {"bare LF", SPAN(GET "Host: a\nX: b\r\n\r\n"), 400},
    {"only LF", SPAN("GET / HTTP/1.1\nHost: a\n\n"), 400},
    {"LF LF at the end", SPAN(GET "Host: a\r\n\n"), 400},
    {"NUL in a value", SPAN(GET HOST "X: a\0b\r\n\r\n"), 400},
    {"NUL in a name", SPAN(GET HOST "X\0: a\r\n\r\n"), 400},
    {"NUL in the target", SPAN("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"delete in a value", SPAN(GET HOST "X: \x7f\r\n\r\n"), 400},
    {"8-bit name", SPAN(GET HOST "X\xc3\xa9: a\r\n\r\n"), 400},
    {"no Host", SPAN(GET "\r\n"), 400},
    {"two Hosts", SPAN(GET HOST HOST "\r\n"), 400},
    {"two Hosts in 1.0", SPAN("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), 400},
    {"empty Host", SPAN(GET "Host:\r\n\r\n"), 400},
    {"Host with a path", SPAN(GET "Host: a/b\r\n\r\n"), 400},
    {"Host with a user", SPAN(GET "Host: u@a\r\n\r\n"), 400},
    {"Host list", SPAN(GET "Host: a, b\r\n\r\n"), 400},
    {"Host against the target", SPAN("GET http://b/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"target of another scheme", SPAN("GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"target with a user", SPAN("GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"target without a path", SPAN("GET http://a HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"target without a slash", SPAN("GET x HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"target with a fragment", SPAN("GET /#a HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"8-bit target", SPAN("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"asterisk", SPAN("GET * HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"CONNECT", SPAN("CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n"), 501},
    {"two blanks", SPAN("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"blank at the end", SPAN("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400},
    {"tab", SPAN("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"no method", SPAN(" / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"bad method", SPAN("GE(T / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"long method", SPAN("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" HOST "\r\n"), 400},
    {"HTTP/0.9", SPAN("GET /\r\n"), 400},
    {"HTTP/0.9 with a head", SPAN("GET /\r\n" HOST "\r\n"), 400},
    {"HTTP/1.2", SPAN("GET / HTTP/1.2\r\n" HOST "\r\n"), 505},
    {"HTTP/2.0", SPAN("GET / HTTP/2.0\r\n" HOST "\r\n"), 505},
    {"HTTP/2's preface", SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    {"http/1.1", SPAN("GET / http/1.1\r\n" HOST "\r\n"), 400},
    {"HTTP/1.10", SPAN("GET / HTTP/1.10\r\n" HOST "\r\n"), 400},
    {"HTTP/01.1", SPAN("GET / HTTP/01.1\r\n" HOST "\r\n"), 400},
    {"an answer", SPAN("HTTP/1.1 200 OK\r\n\r\n"), 400},
    {"an empty line first", SPAN("\r\n" GET HOST "\r\n"), 400},
    {"TLS", SPAN("\x16\x03\x01\x02"), 400},
    {"chunked in 1.0", SPAN("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"other expectation", SPAN(POST "Expect: miracle\r\n\r\n"), 417},
};

static void refuses(void **state UNUSED)
{
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct head h;
        struct refusal why = {0};
        if (parse(refused[i].text.at, refused[i].text.len, &h, &why))
            fail_msg("%s: taken", refused[i].name);
        if (why.status != refused[i].status)
            fail_msg("%s: %d \"%s\"", refused[i].name, why.status, why.why);
        assert_true(strlen(why.why) > 10);
    }
}

static const struct {
    struct span text;
    const char *path, *query, *host;
    enum body_kind body;
    uint64_t length;
    bool keep_alive;
} taken[] = {
    {SPAN(GET HOST "\r\n"), "/", "", "a", BODY_NONE, 0, true},
    {SPAN("GET / HTTP/1.0\r\n\r\n"), "/", "", "", BODY_NONE, 0, false},
    {SPAN("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), "/", "", "", BODY_NONE, 0, true},
    {SPAN(GET HOST "Connection: foo, Close\r\n\r\n"), "/", "", "a", BODY_NONE, 0, false},
    {SPAN("GET /a%20b?c=d?&e=/ HTTP/1.1\r\nHost: [::1]:5000\r\n\r\n"), "/a%20b", "c=d?&e=/",
     "[::1]:5000", BODY_NONE, 0, true},
    {SPAN("GET http://A/x?y HTTP/1.1\r\n" HOST "\r\n"), "/x", "y", "a", BODY_NONE, 0, true},
    {SPAN("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), "*", "", "a", BODY_NONE, 0, true},
    {SPAN(POST "content-LENGTH:\t 0012 \r\n\r\n"), "/", "", "a", BODY_LENGTH, 12, true},
    {SPAN(POST "Content-Length: 0\r\n\r\n"), "/", "", "a", BODY_NONE, 0, true},
    {SPAN(POST "Transfer-Encoding: Chunked\r\n\r\n"), "/", "", "a", BODY_CHUNKED, 0, true},
    {SPAN(POST "X:\r\nY: \xc3\xa9\tz\r\n\r\n"), "/", "", "a", BODY_NONE, 0, true},
};

static void takes(void **state UNUSED)
{
    for (size_t i = 0; i < COUNT(taken); i++) {
        struct head h;
        struct refusal why = {0};
        if (!parse(taken[i].text.at, taken[i].text.len, &h, &why))
            fail_msg("%.*s: %d %s", SPAN_ARG(taken[i].text), why.status, why.why);
        assert_span(h.path, taken[i].path);
        assert_span(h.query, taken[i].query);
        assert_span(h.host, taken[i].host);
        assert_int_equal(h.body, taken[i].body);
        assert_int_equal(h.content_length, taken[i].length);
        assert_int_equal(h.keep_alive, taken[i].keep_alive);
    }
}

/* However the bytes arrive, the verdict is the same; nothing is taken before its empty line. */
static void cut_anywhere(void **state UNUSED)
{
    for (size_t i = 0; i < COUNT(taken); i++) {
        size_t line_at = 0, end = 0;
        struct refusal why = {0};
        struct span text = taken[i].text;
        for (size_t n = 1; n <= text.len; n++) {
            enum head_state verdict = head_scan(span_from(text.at, n), &line_at, &end, &why);
            assert_int_equal(verdict, n < text.len ? HEAD_INCOMPLETE : HEAD_WHOLE);
            assert_true(n == text.len || head_begins_well(span_from(text.at, n), line_at, &why));
        }
        assert_int_equal(end, text.len);
    }
}

static void put_fields(struct buf *b, size_t n)
{
    buf_str(b, GET HOST);
    for (size_t i = 1; i < n; i++)
        buf_printf(b, "X-%zu: y\r\n", i);
    buf_str(b, "\r\n");
}

static void fields_have_a_ceiling(void **state UNUSED)
{
    struct head h;
    struct refusal why = {0};
    auto_buf most = {0}, too_many = {0};
    put_fields(&most, HTTP_HEADERS_MAX);
    assert_true(parse(most.at, most.len, &h, &why));
    assert_int_equal(h.n_headers, HTTP_HEADERS_MAX);
    assert_span(head_field(h.headers, h.n_headers, "x-63"), "y");
    put_fields(&too_many, HTTP_HEADERS_MAX + 1);
    assert_false(parse(too_many.at, too_many.len, &h, &why));
    assert_int_equal(why.status, 431);
}

static void heads_have_a_ceiling(void **state UNUSED)
{
    struct head h;
    auto_buf text = {0};
    buf_str(&text, GET HOST "X: ");
    buf_fill(&text, 'x', HTTP_HEAD_MAX_BYTES - text.len - 4);
    buf_str(&text, "\r\n\r\n");
    assert_int_equal(text.len, HTTP_HEAD_MAX_BYTES);
    struct refusal why = {0};
    assert_true(parse(text.at, text.len, &h, &why));
    text.len -= 4;
    buf_str(&text, "x\r\n\r\n");
    assert_false(parse(text.at, text.len, &h, &why));
    assert_int_equal(why.status, 431);
    why.status = 0;
    assert_false(parse(text.at, HTTP_HEAD_MAX_BYTES, &h, &why)); /* and without an end */
    assert_int_equal(why.status, 431);

    auto_buf line = {0};
    buf_str(&line, "GET /");
    buf_fill(&line, 'x', HTTP_HEAD_MAX_BYTES);
    why.status = 0;
    assert_false(parse(line.at, line.len, &h, &why));
    assert_int_equal(why.status, 414);
}

static const struct {
    const char *text;
    int status;
    enum body_kind body;
    bool keep_alive;
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200, BODY_LENGTH, true},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, BODY_NONE, true},
    {"HTTP/1.1 200 \r\nConnection: close\r\n\r\n", 200, BODY_UNTIL_CLOSE, false},
    {"HTTP/1.0 404 Not here\r\n\r\n", 404, BODY_UNTIL_CLOSE, false},
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, BODY_NONE, true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, BODY_NONE, true},
    {"HTTP/1.1 100 Continue\r\n\r\n", 100, BODY_NONE, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, BODY_CHUNKED, true},
    {"HTTP/1.1 20 OK\r\n\r\n", 0, 0, false},
    {"HTTP/1.1 2000 OK\r\n\r\n", 0, 0, false},
    {"HTTP/1.1 099 OK\r\n\r\n", 0, 0, false},
    {"HTTP/1.1 +20 OK\r\n\r\n", 0, 0, false},
    {"HTTP/2 200 OK\r\n\r\n", 0, 0, false},
    {"HTTP/1.1 200 O\x01K\r\n\r\n", 0, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 0, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, false},
    {"GET / HTTP/1.1\r\n\r\n", 0, 0, false},
    {"\r\n", 0, 0, false},
};

static void reads_answers(void **state UNUSED)
{
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct head h;
        struct refusal why;
        bool ok = head_parse_answer(span_of(answers[i].text), &h, &why);
        if (ok != (answers[i].status != 0))
            fail_msg("%s: %s", answers[i].text, ok ? "taken" : why.why);
        if (!ok)
            continue;
        assert_int_equal(h.status, answers[i].status);
        assert_int_equal(h.body, answers[i].body);
        assert_int_equal(h.keep_alive, answers[i].keep_alive);
    }
}

static void reads_lists(void **state UNUSED)
{
    assert_true(list_has(SPAN("a, websocket"), "websocket"));
    assert_true(list_has(SPAN("WebSocket;x=1"), "websocket"));
    assert_true(list_has(SPAN("\tgzip ,br"), "gzip"));
    assert_false(list_has(SPAN("gzipx, xgzip"), "gzip"));
    assert_false(list_has(SPAN(""), "gzip"));
}

const struct CMUnitTest head_tests[] = {
    cmocka_unit_test(refuses),
    cmocka_unit_test(takes),
    cmocka_unit_test(cut_anywhere),
    cmocka_unit_test(fields_have_a_ceiling),
    cmocka_unit_test(heads_have_a_ceiling),
    cmocka_unit_test(reads_answers),
    cmocka_unit_test(reads_lists),
};
const size_t head_tests_n = COUNT(head_tests);
