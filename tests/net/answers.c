/* Long, compressed and streamed answers. */
#include "rig.h"

#include "net/server_state.h"
#include "unit.h"

#include <stdlib.h>
#include <zlib.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

enum { STREAM_BYTES = 64 << 20, PIECE_BYTES = 64 << 10 };

struct flow {
    size_t sent;
    size_t most_queued;
    unsigned ended;
    char piece[PIECE_BYTES];
};

static struct flow flow;

static void next_piece(struct http_request *req, void *arg UNUSED)
{
    if (flow.sent == STREAM_BYTES || http_request_gone(req)) {
        http_stream_end(req);
        flow.ended++;
        return;
    }
    memset(flow.piece, (int)('a' + flow.sent / PIECE_BYTES % 26), sizeof flow.piece);
    http_stream_write(req, span_from(flow.piece, sizeof flow.piece));
    flow.sent += sizeof flow.piece;
    if (req->conn)
        flow.most_queued = MAX(flow.most_queued, wire_queued(&req->conn->wire));
}

static void streams(struct http_request *req, void *arg UNUSED)
{
    http_reply_header(req, "X-Kind", "stream");
    http_stream_start(req, 200, "text/plain", next_piece, NULL);
}

struct check {
    size_t bytes;
    unsigned done;
    bool wrong;
    char error[ERR_TEXT_MAX];
};

static void whole_came(const struct http_answer *a, void *arg)
{
    struct check *c = arg;
    c->bytes = a->body.len;
    for (size_t i = 0; i < a->body.len; i += 4096)
        c->wrong |= a->body.at[i] != (char)('a' + i / PIECE_BYTES % 26);
    snprintf(c->error, sizeof c->error, "%s", a->err ? a->err->text : "");
    c->done++;
}

static void streams_with_bounded_memory(void **state UNUSED)
{
    struct http_client_config config = {.body_max_bytes = STREAM_BYTES};
    struct rig rig = {.handler = streams};
    rig_open_client(&rig, NULL, &config);
    flow = (struct flow){0};
    struct check check = {0};
    assert_ok(http_client_send(rig.client, "GET", "/", NULL, 0, SPAN(""), whole_came, &check, err));
    rig_run(&rig, &check.done, 1);
    assert_string_equal(check.error, "");
    assert_int_equal(check.bytes, STREAM_BYTES);
    assert_false(check.wrong);
    assert_int_equal(flow.ended, 1);
    assert_true(flow.most_queued <= 2 * PIECE_BYTES);
    rig_close(&rig);
}

static void slow_reader_holds_the_stream(void **state UNUSED)
{
    struct rig rig = {.handler = streams};
    rig_open(&rig, NULL);
    flow = (struct flow){0};
    struct raw *r = raw_open(&rig, NULL);
    event_base_loop(loop_base(rig.loop), EVLOOP_NONBLOCK);
    raw_send(r, SPAN(GET("/")));
    raw_stop_reading(r);
    rig_run_ms(&rig, 100);
    size_t before = flow.sent;
    assert_true(before > 0 && before < STREAM_BYTES);
    rig_run_ms(&rig, 50);
    assert_int_equal(flow.sent, before);
    assert_int_equal(flow.ended, 0);
    raw_close(r); /* and when it goes, the stream is told and ends */
    rig_run(&rig, &flow.ended, 1);
    rig_run_ms(&rig, 10);
    assert_int_equal(rig.server->n_requests, 0);
    rig_close(&rig);
}

static void stream_in_old_http(void **state UNUSED)
{
    struct rig rig = {.handler = streams};
    rig_open(&rig, NULL);
    flow = (struct flow){.sent = STREAM_BYTES - PIECE_BYTES};
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    struct span answer = raw_rest(r);
    const char *body = memmem(answer.at, answer.len, "\r\n\r\n", 4);
    assert_non_null(body);
    assert_int_equal(answer.len - (size_t)(body + 4 - answer.at), PIECE_BYTES);
    assert_null(memmem(answer.at, answer.len, "chunked", 7));
    assert_non_null(memmem(answer.at, answer.len, "X-Kind: stream\r\n", 16));
    raw_close(r);
    rig_close(&rig);
}

/* A handler that does not wait for on_drained is cut off. */
static void floods(struct http_request *req, void *arg)
{
    struct rig *rig = arg;
    http_stream_start(req, 200, "text/plain", NULL, NULL);
    while (!http_request_gone(req) && rig->done++ < 100000)
        http_stream_write(req, span_from(flow.piece, sizeof flow.piece));
    http_stream_end(req);
}

static void flood_has_a_ceiling(void **state UNUSED)
{
    struct rig rig = {.handler = floods};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(GET("/")));
    raw_stop_reading(r);
    rig_run(&rig, &rig.requests, 1);
    assert_true(rig.done > STREAM_QUEUE_MAX_BYTES / PIECE_BYTES);
    assert_true(rig.done < 1000);
    rig_run_ms(&rig, 10);
    assert_int_equal(rig.server->n_connections, 0);
    raw_close(r);
    rig_close(&rig);
}

static void starts_late(struct http_request *req, void *arg)
{
    ((struct rig *)arg)->kept = req;
}

static void stream_for_nobody(void **state UNUSED)
{
    struct rig rig = {.handler = starts_late};
    rig_open(&rig, NULL);
    for (int end_at_once = 0; end_at_once < 2; end_at_once++) {
        flow = (struct flow){0};
        struct raw *r = raw_open(&rig, NULL);
        raw_send(r, SPAN(GET("/")));
        rig_run(&rig, &rig.requests, (unsigned)end_at_once + 1);
        connection_close(rig.kept->conn);
        http_stream_start(rig.kept, 200, "text/plain", next_piece, NULL);
        http_stream_write(rig.kept, SPAN("x"));
        if (end_at_once)
            http_stream_end(rig.kept);
        rig_run_ms(&rig, 10);
        assert_int_equal(flow.ended, !end_at_once);
        assert_int_equal(rig.server->n_requests, 0);
        raw_close(r);
    }
    rig_close(&rig);
}

static void large(struct http_request *req, void *arg UNUSED)
{
    auto_buf text = {0};
    buf_fill(&text, 'x', 10 << 20);
    http_reply(req, 200, "application/octet-stream", buf_view(&text));
}

static void long_answers_then_more(void **state UNUSED)
{
    struct rig rig = {.handler = large};
    rig_open_client(&rig, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        rig_send(&rig, "GET", "/", SPAN(""));
        assert_string_equal(rig.error, "");
        assert_int_equal(rig.body_len, 10 << 20);
    }
    assert_int_equal(rig.server->n_connections, 1);
    assert_true(rig.server->connections->wire.out.size <= 4096);
    rig_close(&rig);
}

static void inflate_all(struct span packed, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.at, .avail_in = (uInt)packed.len};
    assert_int_equal(inflateInit2(&z, 31), Z_OK);
    z.next_out = (Bytef *)buf_reserve(out, 100000);
    z.avail_out = 100000;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    out->len = z.total_out;
    inflateEnd(&z);
}

static void compresses_what_gains(void **state UNUSED)
{
    struct rig rig = {.want_header = "Content-Encoding"};
    rig_open_client(&rig, NULL, NULL);
    rig_send(&rig, "GET", "/text", SPAN("")); /* rig_send takes gzip */
    assert_string_equal(rig.header, "gzip");
    assert_true(rig.body_len < 200);
    auto_buf out = {0};
    inflate_all(span_from(rig.body, rig.body_len), &out);
    assert_int_equal(out.len, 5000);
    rig_send(&rig, "GET", "/peer", SPAN("")); /* too short */
    assert_string_equal(rig.header, "");
    auto_buf body = {0};
    buf_fill(&body, 'x', 4000);
    rig_send(&rig, "POST", "/echo", buf_view(&body)); /* not text */
    assert_string_equal(rig.header, "");
    assert_int_equal(rig.body_len, 4000);
    rig_close(&rig);
}

static void compresses_only_when_asked(void **state UNUSED)
{
    static const struct {
        const char *accept;
        bool packed;
    } cases[] = {
        {"", false},
        {"Accept-Encoding: gzip\r\n", true},
        {"Accept-Encoding: br;q=1.0, GZIP;q=0.5\r\n", true},
        {"Accept-Encoding: gzip;q=0\r\n", false},
        {"Accept-Encoding: gzip; q=0.000\r\n", false},
        {"Accept-Encoding: identity, br\r\n", false},
    };
    struct rig rig = {0};
    rig_open(&rig, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct raw *r = raw_open(&rig, NULL);
        auto_buf text = {0};
        buf_printf(&text, "GET /text HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n",
                   cases[i].accept);
        raw_send(r, buf_view(&text));
        struct span answer = raw_rest(r);
        bool packed = memmem(answer.at, answer.len, "Content-Encoding: gzip\r\n", 24);
        assert_int_equal(packed, cases[i].packed);
        assert_int_equal(answer.len > 5000, !cases[i].packed);
        assert_non_null(memmem(answer.at, answer.len, "Vary: Accept-Encoding\r\n", 23));
        raw_close(r);
    }
    rig_close(&rig);
}

static void bad_headers(struct http_request *req, void *arg UNUSED)
{
    http_reply_header(req, "X-Bad", "a\r\nX-Evil: 1");
    http_reply_header(req, "X Bad", "a");
    http_reply_header(req, "X-Good", "a, b");
    http_reply(req, 200, NULL, SPAN(""));
}

static void drops_bad_headers(void **state UNUSED)
{
    struct rig rig = {.handler = bad_headers};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(GET("/")));
    raw_wait_for(r, "\r\n\r\n");
    struct span answer = raw_wait(r, 1);
    assert_null(memmem(answer.at, answer.len, "Evil", 4));
    assert_null(memmem(answer.at, answer.len, "Bad", 3));
    assert_non_null(memmem(answer.at, answer.len, "X-Good: a, b\r\n", 14));
    assert_non_null(memmem(answer.at, answer.len, "Content-Length: 0\r\n", 19));
    raw_close(r);
    rig_close(&rig);
}

/* ---- streams that fail, clients that go, answers that are counted ---- */

static void breaks_off(struct http_request *req, void *arg UNUSED)
{
    http_stream_start(req, 200, "text/plain", NULL, NULL);
    http_stream_write(req, SPAN("half of it"));
    http_stream_abort(req);
}

static void aborted_stream_is_not_whole(void **state UNUSED)
{
    struct rig rig = {.handler = breaks_off};
    rig_open_client(&rig, NULL, NULL);
    rig_send(&rig, "GET", "/", SPAN(""));
    assert_int_equal(rig.status, 0);
    assert_string_not_equal(rig.error, "");
    rig_run_ms(&rig, 10);
    assert_int_equal(rig.server->n_requests, 0);
    rig_close(&rig);
}

static unsigned told;

static void note_gone(struct http_request *req UNUSED, void *arg UNUSED)
{
    told++;
}

static void waits_for_going(struct http_request *req, void *arg)
{
    ((struct rig *)arg)->kept = req;
    http_request_on_gone(req, note_gone, NULL);
}

static void going_is_told_once(void **state UNUSED)
{
    struct rig rig = {.handler = waits_for_going};
    rig_open(&rig, NULL);
    for (unsigned half = 0; half < 2; half++) {
        told = 0;
        struct raw *r = raw_open(&rig, NULL);
        raw_send(r, SPAN(GET("/")));
        rig_run(&rig, &rig.requests, half + 1);
        assert_int_equal(told, 0);
        if (half)
            raw_half_close(r);
        else
            raw_close(r);
        rig_run(&rig, &told, 1);
        rig_run_ms(&rig, 10);
        assert_int_equal(told, 1);
        http_reply(rig.kept, 200, NULL, SPAN(""));
        if (half) /* it still listens, and is answered */
            assert_true(span_starts(raw_rest(r), SPAN("HTTP/1.1 200 OK\r\n")));
        assert_int_equal(told, 1);
        if (half)
            raw_close(r);
    }
    rig_close(&rig);
}

static struct {
    unsigned n;
    int status;
} counted;

static void count_answer(struct http_request *req UNUSED, int status, void *arg UNUSED)
{
    counted.n++;
    counted.status = status;
}

static void every_answer_is_counted_once(void **state UNUSED)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {GET("/text"), 200},
        {GET("/empty"), 204},
        {GET("/nothing"), 404},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400}, /* refused by net itself */
    };
    struct http_server_config config = {.on_answered = count_answer};
    struct rig rig = {0};
    rig_open(&rig, &config);
    for (size_t i = 0; i < COUNT(cases); i++) {
        counted.n = 0;
        struct raw *r = raw_open(&rig, NULL);
        raw_send(r, span_of(cases[i].request));
        rig_run(&rig, &counted.n, 1);
        assert_int_equal(counted.status, cases[i].status);
        raw_close(r);
    }
    rig_close(&rig);
    struct rig streaming = {.handler = streams};
    rig_open_client(&streaming, &config, NULL);
    counted.n = 0;
    flow = (struct flow){.sent = STREAM_BYTES - PIECE_BYTES};
    rig_send(&streaming, "GET", "/", SPAN(""));
    assert_int_equal(counted.n, 1);
    assert_int_equal(counted.status, 200);
    rig_close(&streaming);
    struct rig late = {.handler = starts_late};
    rig_open(&late, &config);
    struct raw *r = raw_open(&late, NULL);
    raw_send(r, SPAN(GET("/")));
    rig_run(&late, &late.requests, 1);
    raw_close(r);
    rig_run_ms(&late, 10);
    connection_close(late.kept->conn);
    http_reply(late.kept, 200, NULL, SPAN(""));
    assert_int_equal(counted.n, 2);
    assert_int_equal(counted.status, 499);
    rig_close(&late);
}

static void gzip_in_pieces_is_one_text(void **state UNUSED)
{
    struct gzip g = {0};
    auto_buf packed = {0}, plain = {0}, out = {0};
    for (int i = 0; i < 5; i++) {
        auto_buf piece = {0};
        for (int k = 0; k < 3000; k++)
            buf_printf(&piece, "%d,", i * k);
        buf_span(&plain, buf_view(&piece));
        size_t before = packed.len;
        assert_true(gzip_piece(&g, buf_view(&piece), false, &packed));
        assert_true(packed.len > before); /* a stream never waits for nothing */
    }
    assert_true(gzip_piece(&g, SPAN(""), true, &packed));
    assert_true(packed.len < plain.len);
    inflate_all(buf_view(&packed), &out);
    assert_true(span_eq(buf_view(&plain), buf_view(&out)));
    gzip_free(&g);
}

const struct CMUnitTest answers_tests[] = {
    cmocka_unit_test(aborted_stream_is_not_whole),
    cmocka_unit_test(going_is_told_once),
    cmocka_unit_test(every_answer_is_counted_once),
    cmocka_unit_test(gzip_in_pieces_is_one_text),
    cmocka_unit_test(streams_with_bounded_memory),
    cmocka_unit_test(slow_reader_holds_the_stream),
    cmocka_unit_test(stream_in_old_http),
    cmocka_unit_test(flood_has_a_ceiling),
    cmocka_unit_test(stream_for_nobody),
    cmocka_unit_test(long_answers_then_more),
    cmocka_unit_test(compresses_what_gains),
    cmocka_unit_test(compresses_only_when_asked),
    cmocka_unit_test(drops_bad_headers),
};
const size_t answers_tests_n = COUNT(answers_tests);
