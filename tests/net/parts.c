/* The other pure parts: chunks, URLs, WebSocket frames, gzip. */
#include "base/buf.h"
#include "net/chunked.h"
#include "net/gzip.h"
#include "net/http.h"
#include "net/ws_guard.h"
#include "unit.h"

/* The body, decoded in pieces of at most step bytes; false when refused. left: what follows. */
static bool decode(struct span text, size_t step, struct buf *out, bool *ended, size_t *left)
{
    struct chunked c = {0};
    *ended = false;
    *left = 0;
    for (size_t at = 0; at < text.len;) {
        struct span in = {text.at + at, MIN(step, text.len - at)}, piece;
        at += in.len;
        for (bool more = true; more;) {
            switch (chunked_next(&c, &in, &piece)) {
            case CHUNKED_BYTES:
                buf_span(out, piece);
                break;
            case CHUNKED_END:
                *ended = true;
                *left = in.len + text.len - at;
                return true;
            case CHUNKED_BAD:
                return false;
            case CHUNKED_MORE:
                more = false;
            }
        }
    }
    return true;
}

static void takes_chunks(void **state UNUSED)
{
    static const struct {
        struct span in;
        const char *body;
        size_t left;
    } cases[] = {
        {SPAN("0\r\n\r\n"), "", 0},
        {SPAN("5\r\nhello\r\n0\r\n\r\n"), "hello", 0},
        {SPAN("5\r\nhello\r\n0\r\n\r\nGET"), "hello", 3},
        {SPAN("1\r\na\r\n00A\r\n0123456789\r\n0\r\n\r\n"), "a0123456789", 0},
        {SPAN("b\r\nhello\r\nworl\r\n000\r\n\r\n"), "hello\r\nworl", 0},
        {SPAN("1;x=\"y\"\r\na\r\n0;z\r\n\r\n"), "a", 0},
        {SPAN("1\r\na\r\n0\r\nX: y\r\nZ: \tq\r\n\r\n"), "a", 0},
        {SPAN("000000000000001\r\na\r\n0\r\n\r\n"), "a", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t step = 1; step <= cases[i].in.len; step++) {
            auto_buf out = {0};
            bool ended;
            size_t left;
            if (!decode(cases[i].in, step, &out, &ended, &left) || !ended)
                fail_msg("%.*s in steps of %zu", SPAN_ARG(cases[i].in), step);
            assert_span(buf_view(&out), cases[i].body);
            assert_int_equal(left, cases[i].left);
        }
    }
}

static void refuses_chunks(void **state UNUSED)
{
    static const struct span cases[] = {
        SPAN("\r\n"),
        SPAN("x\r\n"),
        SPAN(" 5\r\nhello\r\n"),
        SPAN("5 \r\nhello\r\n"),
        SPAN("+5\r\nhello\r\n"),
        SPAN("-5\r\nhello\r\n"),
        SPAN("0x5\r\nhello\r\n"),
        SPAN("5\nhello\n"),
        SPAN("5\r\rhello"),
        SPAN("5\r\nhelloX"),
        SPAN("5\r\nhello\n"),
        SPAN("5\r\nhello\rX"),
        SPAN("5\r\nhello\r\n\r\n"),
        SPAN("0000000000000001\r\n"),
        SPAN("5;a\nhello\r\n"),
        SPAN("5;a\rb\r\nhello\r\n"),
        SPAN("5;a\0b\r\nhello\r\n"),
        SPAN("0\r\n\rX"),
        SPAN("0\r\n\nX"),
        SPAN("0\r\n X: y\r\n\r\n"),
        SPAN("0\r\nX: \x01\r\n\r\n"),
        SPAN("0\r\nX: y\n\r\n"),
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        bool ended;
        size_t left;
        if (decode(cases[i], 1, &out, &ended, &left))
            fail_msg("%.*s", SPAN_ARG(cases[i]));
    }
}

static void chunk_lines_have_ceilings(void **state UNUSED)
{
    static const struct {
        const char *start;
        size_t max;
    } cases[] = {{"1;", CHUNK_LINE_MAX_BYTES - 1}, {"0\r\n", TRAILERS_MAX_BYTES - 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t over = 0; over < 2; over++) {
            auto_buf in = {0}, out = {0};
            bool ended;
            size_t left;
            buf_str(&in, cases[i].start);
            buf_fill(&in, 'x', cases[i].max + over);
            assert_int_equal(decode(buf_view(&in), 100, &out, &ended, &left), !over);
        }
    }
}

static void reads_urls(void **state UNUSED)
{
    static const struct {
        const char *text;
        bool tls;
        const char *host;
        uint16_t port;
        const char *path, *user_info;
    } good[] = {
        {"http://a", false, "a", 80, "", ""},
        {"https://a.b-c", true, "a.b-c", 443, "", ""},
        {"http://a:5000/x/?y=z", false, "a", 5000, "/x/?y=z", ""},
        {"https://[::1]:65535/", true, "::1", 65535, "/", ""},
        {"https://[fe80::1]", true, "fe80::1", 443, "", ""},
        {"http://u:p%40@h:1", false, "h", 1, "", "u:p%40"},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct url u;
        assert_ok(url_parse(span_of(good[i].text), &u, err));
        assert_int_equal(u.tls, good[i].tls);
        assert_span(u.host, good[i].host);
        assert_int_equal(u.port, good[i].port);
        assert_span(u.path, good[i].path);
        assert_span(u.user_info, good[i].user_info);
    }
}

static void refuses_urls(void **state UNUSED)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "http://"},
        {"a", "http://"},
        {"ftp://a", "http://"},
        {"HTTP://a", "http://"},
        {"http://", "no host"},
        {"http:///x", "no host"},
        {"http://:1", "host"},
        {"http://a:", "port"},
        {"http://a:0", "port"},
        {"http://a:65536", "port"},
        {"http://a:+1", "port"},
        {"http://a b", "blank"},
        {"http://a\r\nX: y", "blank"},
        {"http://a#b", "fragment"},
        {"http://a?b", "path"},
        {"http://[::1", "\"]\""},
        {"http://[::1]x", "port"},
        {"http://u@v@w", "host"},
        {"http://a,b", "host"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct url u;
        assert_fails(url_parse(span_of(bad[i].text), &u, err), INVALID, bad[i].says);
    }
    struct url u;
    struct err err;
    assert_int_equal(url_parse(SPAN("http://user:secret@host:x"), &u, &err), INVALID);
    assert_null(strstr(err.text, "secret"));
}

static void escapes(void **state UNUSED)
{
    auto_buf out = {0};
    url_encode(&out, SPAN("a b/\xc3\xa9~%\0"));
    assert_span(buf_view(&out), "a%20b%2F%C3%A9~%25%00");
    static const struct {
        const char *in, *want;
        bool form;
    } cases[] = {
        {"a%20b", "a b", false},       {"a+b", "a+b", false}, {"a+b", "a b", true},
        {"%c3%A9", "\xc3\xa9", false}, {"", "", false},       {"%", NULL, false},
        {"%4", NULL, false},           {"%4g", NULL, false},  {"%00", NULL, false},
        {"%u0041", NULL, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf text = {0};
        bool ok = url_decode(&text, span_of(cases[i].in), cases[i].form);
        assert_int_equal(ok, cases[i].want != NULL);
        if (ok)
            assert_span(buf_view(&text), cases[i].want);
    }
}

static bool guard(struct span frames, bool want_mask, size_t step)
{
    struct ws_guard g = {0};
    const char *why;
    for (size_t at = 0; at < frames.len; at += step)
        if (!ws_guard_check(&g, span_from(frames.at + at, MIN(step, frames.len - at)), want_mask,
                            &why))
            return false;
    return true;
}

static void walks_frames(void **state UNUSED)
{
    /* text "ab", close, masked by zeros; a binary frame with a 16-bit length between */
    auto_buf masked = {0}, plain = {0};
    buf_put(&masked, "\x81\x82\0\0\0\0ab", 8);
    buf_put(&masked, "\x82\xfe\x01\x00\0\0\0\0", 8);
    buf_fill(&masked, '\x81', 256);
    buf_put(&masked, "\x82\xff\0\0\0\0\0\0\0\x02\0\0\0\0zz", 16);
    buf_put(&masked, "\x88\x80\0\0\0\0", 6);
    buf_put(&plain,
            "\x81\x02"
            "ab\x88\x00",
            6);
    for (size_t step = 1; step < 20; step++) {
        assert_true(guard(buf_view(&masked), true, step));
        assert_false(guard(buf_view(&masked), false, step));
        assert_true(guard(buf_view(&plain), false, step));
        assert_false(guard(buf_view(&plain), true, step));
    }
}

static void frames_have_a_ceiling(void **state UNUSED)
{
    auto_buf pieces = {0};
    buf_put(&pieces, "\x01\x00", 2);
    for (int i = 1; i < WS_FRAMES_MAX; i++) {
        buf_put(&pieces, "\x00\x00", 2);
        buf_put(&pieces, "\x89\x00", 2); /* a ping between is no part of the message */
    }
    assert_true(guard(buf_view(&pieces), false, 1));
    auto_buf too_many = {0};
    buf_span(&too_many, buf_view(&pieces));
    buf_put(&too_many, "\x00\x00", 2);
    assert_false(guard(buf_view(&too_many), false, 1));
    buf_put(&pieces, "\x80\x00\x01\x00", 4); /* the end; another message may begin */
    assert_true(guard(buf_view(&pieces), false, 1));
}

static void packs(void **state UNUSED)
{
    struct gzip g = {0};
    auto_buf in = {0};
    buf_fill(&in, 'x', 5000);
    for (int i = 0; i < 2; i++) {
        auto_buf out = {0};
        assert_true(gzip_pack(&g, buf_view(&in), &out));
        assert_true(out.len > 18 && out.len < 100);
        assert_memory_equal(out.at, "\x1f\x8b\x08", 3);
    }
    auto_buf none = {0};
    assert_false(gzip_pack(&g, SPAN("abcdefgh"), &none)); /* would grow */
    assert_false(gzip_pack(&g, SPAN(""), &none));
    gzip_free(&g);
}

const struct CMUnitTest parts_tests[] = {
    cmocka_unit_test(takes_chunks),
    cmocka_unit_test(refuses_chunks),
    cmocka_unit_test(chunk_lines_have_ceilings),
    cmocka_unit_test(reads_urls),
    cmocka_unit_test(refuses_urls),
    cmocka_unit_test(escapes),
    cmocka_unit_test(walks_frames),
    cmocka_unit_test(frames_have_a_ceiling),
    cmocka_unit_test(packs),
};
const size_t parts_tests_n = COUNT(parts_tests);
