/* Bodies that are taken piece by piece instead of being gathered. */
#include "rig.h"
#include "unit.h"

enum { MAX_BYTES = 3000000, AT_ONCE = 100000, WAIT_MS = 5 };

static struct {
    struct rig *rig;
    struct http_request *req; /* under way */
    struct timer *more;
    uint64_t bytes, wrong, since_full;
    unsigned waits, released;
    bool full;
} sink;

static void go_on(void *arg UNUSED)
{
    sink.full = false;
    sink.since_full = 0;
    if (sink.req)
        http_request_body_more(sink.req);
}

/* Byte number i is i % 251. */
static bool take(void *arg UNUSED, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        sink.wrong += (uint8_t)bytes.at[i] != (sink.bytes + i) % 251;
    sink.bytes += bytes.len;
    sink.since_full += bytes.len;
    if (sink.since_full < AT_ONCE)
        return true;
    if (!sink.full) {
        sink.waits++;
        timer_once(sink.more, WAIT_MS);
    }
    sink.full = true;
    return false;
}

static void release(void *arg UNUSED)
{
    sink.released++;
    sink.req = NULL;
}

static void on_head(struct http_request *req, void *arg UNUSED)
{
    sink.req = req;
    sink.rig->heads++;
    http_request_body_to(req, &(struct http_body_sink){MAX_BYTES, take, release, NULL});
}

static void answer(struct http_request *req, void *arg UNUSED)
{
    assert_int_equal(http_request_body(req).len, 0);
    http_reply(req, 200, "text/plain", SPAN("taken"));
}

static void begin(struct rig *rig)
{
    struct http_server_config config = {.body_max_bytes = 10, .on_head = on_head};
    rig->handler = answer;
    rig_open(rig, &config);
    memset(&sink, 0, sizeof sink);
    sink.rig = rig;
    sink.more = timer_open(rig->loop, go_on, NULL);
}

static void end(struct rig *rig)
{
    timer_close(sink.more);
    sink.more = NULL;
    rig_close(rig);
}

static void send_bytes(struct raw *r, size_t n, bool chunked)
{
    auto_buf out = {.max = SIZE_MAX};
    for (size_t i = 0; i < n; i++) {
        if (chunked && i % 1000 == 0)
            buf_printf(&out, "%s%zx\r\n", i ? "\r\n" : "", MIN(n - i, (size_t)1000));
        buf_char(&out, (char)(i % 251));
    }
    if (chunked)
        buf_str(&out, "\r\n0\r\n\r\n");
    raw_send(r, buf_view(&out));
}

static void in_pieces(void **state UNUSED)
{
    for (int chunked = 0; chunked < 2; chunked++) {
        struct rig rig = {0};
        begin(&rig);
        struct raw *r = raw_open(&rig, NULL);
        raw_send(r, SPAN("POST / HTTP/1.1\r\nHost: a\r\n"));
        raw_send(r, chunked ? SPAN("Transfer-Encoding: chunked\r\n\r\n")
                            : SPAN("Content-Length: 3000000\r\n\r\n"));
        send_bytes(r, MAX_BYTES, chunked);
        raw_wait_for(r, "taken");
        assert_int_equal(sink.bytes, MAX_BYTES);
        assert_int_equal(sink.wrong, 0);
        assert_true(sink.waits > 3); /* and while it waits hardly more comes */
        assert_true(sink.waits <= MAX_BYTES / AT_ONCE);
        assert_int_equal(sink.released, 1);
        /* the connection goes on, with another body */
        raw_send(r, SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
                         "Connection: close\r\n\r\n"));
        raw_rest(r);
        assert_int_equal(rig.requests, 2);
        assert_int_equal(sink.released, 2);
        raw_close(r);
        end(&rig);
    }
}

static void ceilings(void **state UNUSED)
{
    for (int chunked = 0; chunked < 2; chunked++) {
        struct rig rig = {0};
        begin(&rig);
        struct raw *r = raw_open(&rig, NULL);
        raw_send(r, SPAN("POST / HTTP/1.1\r\nHost: a\r\n"));
        raw_send(r, chunked ? SPAN("Transfer-Encoding: chunked\r\n\r\n")
                            : SPAN("Content-Length: 3000001\r\n\r\n"));
        send_bytes(r, MAX_BYTES + 1, chunked);
        raw_wait_for(r, "413");
        assert_true(chunked ? sink.bytes <= MAX_BYTES : sink.bytes == 0);
        assert_int_equal(rig.requests, 0);
        raw_close(r);
        end(&rig);
        assert_int_equal(sink.released, 1);
    }
}

static void senders_that_go(void **state UNUSED)
{
    struct rig rig = {0};
    begin(&rig);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n"));
    send_bytes(r, 1000, false);
    while (sink.bytes < 1000)
        rig_run_ms(&rig, 5);
    raw_close(r);
    rig_run(&rig, &sink.released, 1);
    assert_int_equal(sink.released, 1);
    assert_int_equal(rig.requests, 0);
    end(&rig);
}

const struct CMUnitTest sink_tests[] = {
    cmocka_unit_test(in_pieces),
    cmocka_unit_test(ceilings),
    cmocka_unit_test(senders_that_go),
};
const size_t sink_tests_n = COUNT(sink_tests);
