/* The server against raw sockets: what it answers, refuses, and how long it waits. */
#include "rig.h"

#include "net/server_state.h"
#include "unit.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(path) "POST " path " HTTP/1.1\r\nHost: a\r\n"

static unsigned count_of(struct span text, const char *what)
{
    unsigned n = 0;
    for (const char *at = text.at;
         at && (at = memmem(at, text.len - (size_t)(at - text.at), what, strlen(what))); at++)
        n++;
    return n;
}

static bool contains(struct span text, const char *what)
{
    return count_of(text, what) > 0;
}

/* Each is refused, answered once, and what follows is never taken for a request. */
static void refuses_and_closes(void **state UNUSED)
{
    static const struct {
        struct span in;
        const char *status;
    } cases[] = {
        {SPAN(POST("/echo") "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), "400"},
        {SPAN(POST("/echo") "Content-Length: +5\r\n\r\nhello"), "400"},
        {SPAN(POST("/echo") "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "400"},
        {SPAN(POST("/echo") "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), "501"},
        {SPAN(POST("/echo") "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), "400"},
        {SPAN(POST("/echo") "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n"), "400"},
        {SPAN(POST("/echo") "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"), "400"},
        {SPAN("GET /echo HTTP/1.1\nHost: a\n\n"), "400"},
        {SPAN("GET /echo HTTP/1.1\r\n\r\n"), "400"},
        {SPAN("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"), "400"},
        {SPAN("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"), "400"},
        {SPAN("GET /%0a HTTP/1.1\r\nHost: a\r\n\r\n"), "400"},
        {SPAN("GET /\r\n"), "400"},
        {SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "505"},
        {SPAN("\x16\x03\x01\x02\x00\x01"), "400"},
    };
    struct rig rig = {0};
    rig_open(&rig, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct raw *r = raw_open(&rig, NULL);
        raw_send(r, cases[i].in);
        raw_send(r, SPAN(GET("/smuggled")));
        struct span answer = raw_rest(r);
        char start[16];
        snprintf(start, sizeof start, "HTTP/1.1 %s ", cases[i].status);
        if (!span_starts(answer, span_of(start)) || count_of(answer, "\r\nDate: ") != 1 ||
            !contains(answer, "Connection: close\r\n") || !contains(answer, "\"detail\":\""))
            fail_msg("%.*s -> %.*s", SPAN_ARG(cases[i].in), SPAN_ARG(answer));
        raw_close(r);
    }
    assert_int_equal(rig.requests, 0);
    rig_close(&rig);
}

static void answers_in_order(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(GET("/peer") POST("/echo") "Content-Length: 5\r\n\r\nhello" POST("/echo")));
    raw_send(r, SPAN("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" GET("/nothing")));
    raw_send(r, SPAN("GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET("/no")));
    struct span answer = raw_rest(r);
    assert_int_equal(count_of(answer, "HTTP/1.1 200 OK\r\n"), 3);
    const char *peer = memmem(answer.at, answer.len, "\r\n\r\n127.0.0.1HTTP", 17);
    const char *hello = memmem(answer.at, answer.len, "\r\n\r\nhelloHTTP", 13);
    const char *abc = memmem(answer.at, answer.len, "\r\n\r\nabcHTTP", 11);
    const char *none = memmem(answer.at, answer.len, "there is no /nothing", 20);
    assert_true(peer && hello > peer && abc > hello && none > abc);
    assert_true(contains(answer, "HTTP/1.1 204 No Content\r\n"));
    assert_false(
        contains(span_from(none, answer.len - (size_t)(none - answer.at)), "Content-Length: 0"));
    assert_int_equal(rig.requests, 5);
    raw_close(r);
    rig_close(&rig);
}

/* A byte at a time, and while a request is under way. */
static void takes_any_pace(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    static const char text[] = POST("/echo") "Content-Length: 3\r\n\r\nabc" GET("/keep");
    for (size_t i = 0; i < sizeof text - 1; i++) {
        raw_send(r, span_from(text + i, 1));
        event_base_loop(loop_base(rig.loop), EVLOOP_NONBLOCK);
    }
    rig_run(&rig, &rig.requests, 2);
    assert_non_null(rig.kept);
    raw_send(r, SPAN(GET("/peer")));
    rig_run_ms(&rig, 30);
    assert_int_equal(rig.requests, 2); /* one at a time */
    http_reply(rig.kept, 200, "text/plain", SPAN("late"));
    raw_wait_for(r, "127.0.0.1");
    raw_wait_for(r, "\r\n\r\nlateHTTP/1.1 200");
    raw_close(r);
    rig_close(&rig);
}

/* While a request is under way only so much is read; then all of it is answered. */
static void pipelining_is_bounded(void **state UNUSED)
{
    enum { N = 20000 };
    struct rig rig = {0};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(GET("/keep")));
    for (int i = 0; i < N; i++)
        raw_send(r, SPAN(GET("/empty")));
    rig_run_ms(&rig, 50);
    assert_int_equal(rig.requests, 1);
    assert_true(rig.server->connections->in.len <= PIPELINED_MAX_BYTES);
    http_reply(rig.kept, 204, NULL, SPAN(""));
    rig_run(&rig, &rig.requests, N + 1);
    raw_send(r, SPAN(GET("/peer")));
    raw_wait_for(r, "127.0.0.1");
    raw_close(r);
    rig_close(&rig);
}

static void old_clients(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN("GET /peer HTTP/1.0\r\n\r\n"));
    assert_true(contains(raw_rest(r), "Connection: close\r\n"));
    raw_close(r);
    r = raw_open(&rig, NULL);
    raw_send(r, SPAN("GET /peer HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    raw_wait_for(r, "Connection: keep-alive\r\n");
    raw_send(r, SPAN("GET /empty HTTP/1.0\r\n\r\n"));
    assert_int_equal(count_of(raw_rest(r), "HTTP/1.1 20"), 2);
    raw_close(r);
    rig_close(&rig);
}

static void head_is_get_without_body(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN("HEAD /text HTTP/1.1\r\nHost: a\r\n\r\n" GET("/peer")));
    raw_wait_for(r, "127.0.0.1");
    struct span answer = raw_wait(r, 1);
    assert_true(contains(answer, "Content-Length: 5000\r\n"));
    assert_false(contains(answer, "xxx"));
    raw_close(r);
    rig_close(&rig);
}

static void waits_for_continue(void **state UNUSED)
{
    struct http_server_config config = {.body_max_bytes = 10};
    struct rig rig = {0};
    rig_open(&rig, &config);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(POST("/echo") "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    raw_wait_for(r, "HTTP/1.1 100 Continue\r\n\r\n");
    raw_send(r, SPAN("hello"));
    raw_wait_for(r, "\r\n\r\nhello");
    raw_send(r, SPAN(POST("/echo") "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n"));
    struct span answer = raw_rest(r);
    assert_int_equal(count_of(answer, "100 Continue"), 1);
    assert_true(contains(answer, "HTTP/1.1 413 "));
    raw_close(r);
    rig_close(&rig);
}

static void bodies_have_a_ceiling(void **state UNUSED)
{
    static const struct {
        struct span in;
        const char *status;
    } cases[] = {
        {SPAN(POST("/echo") "Content-Length: 10\r\n\r\n0123456789"), "200"},
        {SPAN(POST("/echo") "Content-Length: 11\r\n\r\n01234567890"), "413"},
        {SPAN(POST("/echo") "Content-Length: 18446744073709551615\r\n\r\n"), "413"},
        {SPAN(POST("/echo") "Transfer-Encoding: chunked\r\n\r\n"
                            "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"),
         "200"},
        {SPAN(POST("/echo") "Transfer-Encoding: chunked\r\n\r\n"
                            "5\r\n01234\r\n6\r\n567890\r\n0\r\n\r\n"),
         "413"},
    };
    struct http_server_config config = {.body_max_bytes = 10};
    struct rig rig = {0};
    rig_open(&rig, &config);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct raw *r = raw_open(&rig, NULL);
        raw_send(r, cases[i].in);
        raw_wait_for(r, cases[i].status);
        raw_close(r);
    }
    assert_int_equal(rig.server->bodies_bytes, 0);
    rig_close(&rig);
}

static void all_bodies_have_a_ceiling(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    rig.server->bodies_bytes = BODIES_MAX_BYTES - 5; /* as if others were being received */
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(POST("/echo") "Content-Length: 5\r\n\r\nhello"));
    raw_wait_for(r, "\r\n\r\nhello");
    raw_send(r, SPAN(POST("/echo") "Content-Length: 6\r\n\r\nhello!"));
    assert_true(contains(raw_rest(r), "HTTP/1.1 503 "));
    assert_int_equal(rig.server->bodies_bytes, BODIES_MAX_BYTES - 5);
    raw_close(r);
    rig_close(&rig);
}

/* Who asks and does not read the answers is not asked to wait for more of them. */
static void answers_wait_bounded(void **state UNUSED)
{
    enum { N = 10000 };
    struct rig rig = {0};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    raw_stop_reading(r);
    for (int i = 0; i < N; i++)
        raw_send_only(r, SPAN(GET("/text")));
    for (int i = 0; i < 20; i++) {
        raw_send_only(r, SPAN(""));
        rig_run_ms(&rig, 10);
    }
    assert_true(rig.requests > 10 && rig.requests < N);
    assert_true(wire_queued(&rig.server->connections->wire) < PIPELINE_OUT_MAX_BYTES + 6000);
    raw_send(r, SPAN("")); /* reads again */
    rig_run(&rig, &rig.requests, N);
    raw_send(r, SPAN(GET("/peer")));
    raw_wait_for(r, "\r\n\r\n127.0.0.1");
    raw_close(r);
    rig_close(&rig);
}

static void large_answer(struct http_request *req, void *arg UNUSED)
{
    auto_buf text = {0};
    buf_fill(&text, 'x', 20 << 20);
    http_reply(req, 200, "application/octet-stream", buf_view(&text));
}

/* An answer may take its time as long as it moves. */
static void answers_must_be_read(void **state UNUSED)
{
    struct http_server_config config = {.head_deadline_ms = 80}; /* for a frequent sweep */
    struct rig rig = {.handler = large_answer};
    rig_open(&rig, &config);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(GET("/")));
    raw_stop_reading(r);
    rig_run_ms(&rig, 50);
    struct connection *c = rig.server->connections;
    assert_true(wire_queued(&c->wire) > 0);
    assert_true(c->deadline_ms > 0);
    c->sent_mark = c->wire.socket.sent_bytes - STALL_BYTES;
    c->deadline_ms = 1; /* it has passed, and enough was taken meanwhile */
    rig_run_ms(&rig, 50);
    assert_int_equal(rig.server->n_connections, 1);
    c->sent_mark = c->wire.socket.sent_bytes - STALL_BYTES + 1;
    c->deadline_ms = 1;
    rig_run_ms(&rig, 50);
    assert_int_equal(rig.server->n_connections, 0);
    raw_close(r);
    rig_close(&rig);
}

/* A client that goes on sending a large body still reads why it was refused. */
static void refusal_reaches_a_busy_sender(void **state UNUSED)
{
    struct http_server_config config = {.body_max_bytes = 10};
    struct rig rig = {0};
    rig_open(&rig, &config);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(POST("/echo") "Content-Length: 4000000\r\n\r\n"));
    auto_buf body = {0};
    buf_fill(&body, 'x', 4000000);
    raw_send(r, buf_view(&body));
    raw_half_close(r);
    assert_true(contains(raw_rest(r), "HTTP/1.1 413 "));
    raw_close(r);
    rig_close(&rig);
}

static void head_decides(struct http_request *req, void *arg)
{
    struct rig *rig = arg;
    rig->heads++;
    if (span_is(http_request_path(req), "/denied"))
        http_problem(req, 401, "who are you?");
    else if (span_is(http_request_path(req), "/echo"))
        http_request_body_max(req, 20);
}

static void handler_sees_the_head_first(void **state UNUSED)
{
    struct http_server_config config = {.body_max_bytes = 10, .on_head = head_decides};
    struct rig rig = {0};
    rig_open(&rig, &config);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(POST("/echo") "Content-Length: 20\r\n\r\n01234567890123456789"));
    raw_wait_for(r, "01234567890123456789");
    raw_send(r, SPAN(GET("/denied") GET("/peer"))); /* no body: the connection goes on */
    raw_wait_for(r, "127.0.0.1");
    raw_send(r, SPAN(POST("/denied") "Content-Length: 5\r\n\r\nhello" GET("/peer")));
    struct span answer = raw_rest(r);
    assert_int_equal(count_of(answer, "HTTP/1.1 401 "), 2);
    assert_int_equal(count_of(answer, "127.0.0.1"), 1);
    assert_int_equal(rig.heads, 4);
    assert_int_equal(rig.requests, 2);
    raw_close(r);
    rig_close(&rig);
}

static void deadlines(void **state UNUSED)
{
    static const struct {
        struct span in;
        const char *says; /* NULL: closed without a word */
    } cases[] = {
        {SPAN(""), NULL},
        {SPAN("GET / HTTP/1.1\r\nHost:"), "408"},
        {SPAN(POST("/echo") "Content-Length: 5\r\n\r\nhell"), "408"},
        {SPAN(POST("/echo") "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), "408"},
        {SPAN(GET("/empty")), "204"},
        {SPAN(GET("/empty") "GET / HT"), "408"},
    };
    struct http_server_config config = {
        .head_deadline_ms = 100, .body_deadline_ms = 100, .idle_ms = 100};
    struct rig rig = {0};
    rig_open(&rig, &config);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct raw *r = raw_open(&rig, NULL);
        raw_send(r, cases[i].in);
        struct span answer = raw_rest(r);
        if (cases[i].says ? !contains(answer, cases[i].says) : answer.len != 0)
            fail_msg("%.*s -> %.*s", SPAN_ARG(cases[i].in), SPAN_ARG(answer));
        raw_close(r);
    }
    rig_close(&rig);
}

/* A byte now and then does not move the deadline. */
static void deadlines_are_absolute(void **state UNUSED)
{
    struct http_server_config config = {.head_deadline_ms = 200};
    struct rig rig = {0};
    rig_open(&rig, &config);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN("GET / HTTP/1.1\r\nX: "));
    for (int i = 0; i < 100 && !raw_ended(r); i++) {
        raw_send(r, SPAN("x"));
        rig_run_ms(&rig, 20);
    }
    assert_true(raw_ended(r));
    assert_true(contains(raw_rest(r), "HTTP/1.1 408 "));
    raw_close(r);
    rig_close(&rig);
}

static void connections_have_a_ceiling(void **state UNUSED)
{
    struct http_server_config config = {.connections_max = 3, .per_address_max = 1};
    struct rig rig = {0};
    rig_open(&rig, &config);
    struct raw *r[4];
    for (int i = 0; i < 4; i++)
        r[i] = raw_open(&rig, "127.0.0.2");
    assert_true(span_starts(raw_rest(r[3]), SPAN("HTTP/1.1 503 ")));
    raw_close(r[3]);
    raw_send(r[0], SPAN("GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    assert_true(contains(raw_rest(r[0]), "\r\n\r\n127.0.0.2"));
    raw_close(r[0]);
    rig_run_ms(&rig, 20);
    r[0] = raw_open(&rig, NULL); /* there is room again */
    raw_send(r[0], SPAN(GET("/peer")));
    raw_wait_for(r[0], "127.0.0.1");
    for (int i = 0; i < 3; i++)
        raw_close(r[i]);
    rig_close(&rig);
}

/* An address of this machine that is not loopback; false when it has none. */
static bool own_address(char text[INET_ADDRSTRLEN])
{
    struct ifaddrs *all = NULL;
    bool found = false;
    if (getifaddrs(&all))
        return false;
    for (struct ifaddrs *a = all; a && !found; a = a->ifa_next) {
        if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || a->ifa_flags & IFF_LOOPBACK)
            continue;
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a->ifa_addr;
        found = inet_ntop(AF_INET, &v4->sin_addr, text, INET_ADDRSTRLEN) != NULL;
    }
    freeifaddrs(all);
    return found;
}

static void addresses_have_a_ceiling(void **state UNUSED)
{
    char address[INET_ADDRSTRLEN];
    if (!own_address(address)) {
        print_message("no address but loopback, which is exempt: not tested\n");
        skip();
    }
    struct http_server_config config = {.per_address_max = 2};
    struct rig rig = {0};
    rig_open(&rig, &config);
    struct raw *r[3];
    for (int round = 0; round < 2; round++) { /* what goes makes room */
        for (int i = 0; i < 3; i++)
            r[i] = raw_open(&rig, address);
        assert_true(span_starts(raw_rest(r[2]), SPAN("HTTP/1.1 503 ")));
        raw_send(r[1], SPAN(GET("/peer")));
        raw_wait_for(r[1], address);
        struct raw *loopback = raw_open(&rig, "127.0.0.3");
        raw_send(loopback, SPAN(GET("/peer")));
        raw_wait_for(loopback, "127.0.0.3");
        raw_close(loopback);
        for (int i = 0; i < 3; i++)
            raw_close(r[i]);
        rig_run_ms(&rig, 20);
        assert_int_equal(rig.server->addresses.count, 0);
    }
    rig_close(&rig);
}

static void peer_goes_first(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(GET("/keep")));
    rig_run(&rig, &rig.requests, 1);
    assert_false(http_request_gone(rig.kept));
    raw_close(r);
    rig_run_ms(&rig, 20);
    assert_true(http_request_gone(rig.kept));
    http_reply(rig.kept, 200, "text/plain", SPAN("nobody reads this"));
    rig_run_ms(&rig, 20);
    assert_int_equal(rig.server->n_connections, 0);
    assert_int_equal(rig.server->n_requests, 0);
    rig_close(&rig);
}

/* A reset while the handler has the request: the connection goes, the request stays valid. */
static void reset_during_a_request(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(GET("/keep")));
    rig_run(&rig, &rig.requests, 1);
    struct raw *other = raw_open(&rig, NULL);
    connection_close(rig.kept->conn);
    assert_true(http_request_gone(rig.kept));
    assert_span(http_request_peer(rig.kept), "127.0.0.1");
    assert_span(http_request_path(rig.kept), "/keep");
    *http_request_connection_data(rig.kept, free) = malloc(1);
    http_reply_header(rig.kept, "X", "y");
    http_reply(rig.kept, 200, "text/plain", SPAN("x"));
    raw_send(other, SPAN(GET("/peer")));
    raw_wait_for(other, "127.0.0.1");
    raw_close(other);
    raw_close(r);
    rig_close(&rig);
}

static void half_closed_is_answered(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(GET("/keep")));
    raw_half_close(r);
    rig_run(&rig, &rig.requests, 1);
    rig_run_ms(&rig, 20);
    http_reply(rig.kept, 200, "text/plain", SPAN("here"));
    assert_true(contains(raw_rest(r), "\r\n\r\nhere"));
    raw_close(r);
    rig_close(&rig);
}

static unsigned freed;

static void count_free(void *p UNUSED)
{
    freed++;
}

static void keeps_place(struct http_request *req, void *arg)
{
    struct rig *rig = arg;
    void **place = http_request_connection_data(req, count_free);
    if (!*place)
        *place = rig;
    else
        rig->done++;
    http_reply(req, 204, NULL, SPAN(""));
}

static void data_lives_with_the_connection(void **state UNUSED)
{
    struct rig rig = {.handler = keeps_place};
    rig_open(&rig, NULL);
    freed = 0;
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(GET("/") GET("/")));
    rig_run(&rig, &rig.requests, 2);
    assert_int_equal(rig.done, 1);
    assert_int_equal(freed, 0);
    raw_close(r);
    rig_run_ms(&rig, 20);
    assert_int_equal(freed, 1);
    rig_close(&rig);
}

static void parameters(struct http_request *req, void *arg)
{
    struct rig *rig = arg;
    struct span v[4] = {{0}};
    assert_true(http_request_param(req, "a", &v[0]));
    assert_span(v[0], "1 &=");
    assert_true(http_request_param(req, "empty", &v[0]));
    assert_span(v[0], "");
    assert_true(http_request_param(req, "bare", &v[0]));
    assert_span(v[0], "");
    assert_false(http_request_param(req, "b", &v[0]));
    assert_false(http_request_param(req, "bad", &v[0]));
    assert_int_equal(http_request_params(req, "match[]", v, 4), 3);
    assert_span(v[0], "up");
    assert_span(v[1], "x");
    assert_span(v[2], "from the body");
    assert_int_equal(http_request_params(req, "match[]", v, 2), 2);
    assert_span(http_request_query(req), "a=1+%26%3D&empty=&bare&bad=%zz&match[]=up&match%5b%5D=x");
    assert_span(http_request_path(req), "/p q");
    rig->done++;
    http_reply(req, 204, NULL, SPAN(""));
}

static void reads_parameters(void **state UNUSED)
{
    struct rig rig = {.handler = parameters};
    rig_open(&rig, NULL);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN("POST /p%20q?a=1+%26%3D&empty=&bare&bad=%zz&match[]=up&match%5b%5D=x "
                     "HTTP/1.1\r\nHost: a\r\n"
                     "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
                     "Content-Length: 23\r\n\r\nmatch[]=from+the+body&c"));
    rig_run(&rig, &rig.done, 1);
    raw_close(r);
    rig_close(&rig);
}

static void refuses_to_listen(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%u", http_server_port(rig.server));
    static const struct {
        const char *listen;
        enum status status;
        const char *says;
    } cases[] = {
        {NULL, 0, ": Address already in use"},
        {"5000", INVALID, "ADDRESS:PORT"},
        {"::1:5000", INVALID, "ADDRESS:PORT"},
        {"127.0.0.1:65536", INVALID, "ADDRESS:PORT"},
        {"127.0.0.1:x", INVALID, "ADDRESS:PORT"},
        {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef:1", INVALID,
         "listen 0123456789abcdef"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_server_config config = {.listen = cases[i].listen ? cases[i].listen : taken};
        struct http_server *s = NULL;
        struct err err;
        assert_int_not_equal(http_server_open(rig.loop, &config, &s, &err), OK);
        assert_null(s);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s", err.text);
    }
    rig_close(&rig);
}

static void listens_everywhere(void **state UNUSED)
{
    struct http_server_config config = {.listen = ":0"};
    struct rig rig = {0};
    rig_open(&rig, &config);
    struct raw *r = raw_open(&rig, NULL); /* by IPv4 */
    raw_send(r, SPAN(GET("/peer")));
    raw_wait_for(r, "\r\n\r\n127.0.0.1");
    raw_close(r);
    rig_close(&rig);
}

static unsigned closings;

static void on_closed(void *arg UNUSED)
{
    closings++;
}

static void closes_with_grace(void **state UNUSED)
{
    struct http_server_config config = {.on_closed = on_closed};
    struct rig rig = {0};
    closings = 0;
    rig_open(&rig, &config);
    struct raw *idle = raw_open(&rig, NULL), *busy = raw_open(&rig, NULL);
    raw_send(idle, SPAN(GET("/peer")));
    raw_wait_for(idle, "127.0.0.1");
    raw_send(busy, SPAN(GET("/keep")));
    rig_run(&rig, &rig.requests, 2);
    http_server_close(rig.server, 5000);
    raw_rest(idle);
    assert_int_equal(closings, 0);
    assert_false(raw_ended(busy));
    http_reply(rig.kept, 200, "text/plain", SPAN("at last"));
    assert_true(contains(raw_rest(busy), "Connection: close\r\n"));
    raw_close(busy);
    raw_close(idle);
    rig_run(&rig, &closings, 1);
    rig.server = NULL; /* it has freed itself */
    rig_close(&rig);
}

static void closes_when_grace_ends(void **state UNUSED)
{
    struct http_server_config config = {.on_closed = on_closed};
    struct rig rig = {0};
    closings = 0;
    rig_open(&rig, &config);
    struct raw *busy = raw_open(&rig, NULL);
    raw_send(busy, SPAN(GET("/keep")));
    rig_run(&rig, &rig.requests, 1);
    http_server_close(rig.server, 50);
    assert_int_equal(raw_rest(busy).len, 0);
    rig_run(&rig, &closings, 1);
    assert_true(http_request_gone(rig.kept));
    http_problem(rig.kept, 503, "too late"); /* frees the request, and with it the server */
    rig.server = NULL;
    raw_close(busy);
    rig_close(&rig);
}

const struct CMUnitTest server_tests[] = {
    cmocka_unit_test(refuses_and_closes),
    cmocka_unit_test(answers_in_order),
    cmocka_unit_test(takes_any_pace),
    cmocka_unit_test(pipelining_is_bounded),
    cmocka_unit_test(old_clients),
    cmocka_unit_test(head_is_get_without_body),
    cmocka_unit_test(waits_for_continue),
    cmocka_unit_test(bodies_have_a_ceiling),
    cmocka_unit_test(all_bodies_have_a_ceiling),
    cmocka_unit_test(answers_wait_bounded),
    cmocka_unit_test(answers_must_be_read),
    cmocka_unit_test(refusal_reaches_a_busy_sender),
    cmocka_unit_test(handler_sees_the_head_first),
    cmocka_unit_test(deadlines),
    cmocka_unit_test(deadlines_are_absolute),
    cmocka_unit_test(connections_have_a_ceiling),
    cmocka_unit_test(addresses_have_a_ceiling),
    cmocka_unit_test(peer_goes_first),
    cmocka_unit_test(reset_during_a_request),
    cmocka_unit_test(half_closed_is_answered),
    cmocka_unit_test(data_lives_with_the_connection),
    cmocka_unit_test(reads_parameters),
    cmocka_unit_test(refuses_to_listen),
    cmocka_unit_test(listens_everywhere),
    cmocka_unit_test(closes_with_grace),
    cmocka_unit_test(closes_when_grace_ends),
};
const size_t server_tests_n = COUNT(server_tests);
