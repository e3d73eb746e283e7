/* WebSocket: our client against our server, and raw frames against the server. */
#include "rig.h"

#include "net/ws_state.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

/* One side of a connection, and what it saw. */
struct side {
    struct rig *rig;
    struct websocket *ws;
    bool echoes;
    bool text;
    unsigned opened, messages, closed;
    struct buf last; /* the last message */
    char reason[256];
};

static struct side server_side, client_side;

static void opened(struct websocket *ws UNUSED, void *arg)
{
    ((struct side *)arg)->opened++;
}

static void message_came(struct websocket *ws, struct span message, bool text, void *arg)
{
    struct side *s = arg;
    s->messages++;
    s->text = text;
    buf_clear(&s->last);
    buf_span(&s->last, message);
    if (s->echoes)
        assert_ok(websocket_send(ws, message, text, err));
}

static void closed(struct websocket *ws UNUSED, const char *reason, void *arg)
{
    struct side *s = arg;
    s->closed++;
    s->ws = NULL;
    snprintf(s->reason, sizeof s->reason, "%s", reason);
}

static const struct websocket_events side_events = {opened, message_came, closed};

static void accepts(struct http_request *req, void *arg UNUSED)
{
    if (!span_is(http_request_path(req), "/live")) {
        http_problem(req, 403, "not here");
        return;
    }
    struct err err;
    http_reply_header(req, "X-Galen", "live");
    enum status ignored UNUSED =
        websocket_accept(req, &side_events, &server_side, &server_side.ws, &err);
}

static void reset(struct rig *rig)
{
    rig->handler = accepts;
    server_side = (struct side){.rig = rig};
    client_side = (struct side){.rig = rig};
}

static void connect_to(struct rig *rig, const char *path)
{
    struct http_client_config config = {.url = rig->url};
    assert_ok(websocket_connect(rig->loop, &config, path, NULL, 0, &side_events, &client_side,
                                &client_side.ws, err));
}

static void open_pair(struct rig *rig)
{
    reset(rig);
    rig_open(rig, NULL);
    connect_to(rig, "/live");
    rig_run(rig, &client_side.opened, 1);
    assert_non_null(server_side.ws);
}

static void end(struct rig *rig)
{
    if (client_side.ws)
        websocket_end(client_side.ws, "the test ends");
    rig_close(rig);
    buf_free(&server_side.last);
    buf_free(&client_side.last);
}

static void speaks_both_ways(void **state UNUSED)
{
    struct rig rig = {0};
    open_pair(&rig);
    server_side.echoes = true;
    assert_ok(websocket_send(client_side.ws, SPAN("h\xc3\xa9llo"), true, err));
    rig_run(&rig, &client_side.messages, 1);
    assert_span(buf_view(&client_side.last), "h\xc3\xa9llo");
    assert_true(client_side.text && server_side.text);
    assert_ok(websocket_send(client_side.ws, SPAN("\xff\x00\x01"), false, err));
    rig_run(&rig, &client_side.messages, 2);
    assert_int_equal(client_side.last.len, 3);
    assert_false(client_side.text);
    assert_ok(websocket_send(server_side.ws, SPAN(""), true, err));
    rig_run(&rig, &client_side.messages, 3);
    assert_int_equal(client_side.last.len, 0);
    assert_span(websocket_peer(server_side.ws), "127.0.0.1");
    assert_span(websocket_peer(client_side.ws), rig.url + 7);

    websocket_close(client_side.ws, 1000, "enough");
    rig_run(&rig, &client_side.closed, 1);
    rig_run(&rig, &server_side.closed, 1);
    assert_string_equal(client_side.reason, "enough");
    assert_string_equal(server_side.reason, "the peer closed it with code 1000");
    assert_int_equal(rig.server->n_connections, 0);
    end(&rig);
}

static void server_says_goodbye(void **state UNUSED)
{
    struct rig rig = {0};
    open_pair(&rig);
    websocket_close(server_side.ws, 4001, "token expired");
    assert_fails(websocket_send(server_side.ws, SPAN("x"), true, err), UNREACHABLE, "not open");
    assert_int_equal(server_side.closed, 0); /* never from inside of a call */
    rig_run(&rig, &client_side.closed, 1);
    rig_run(&rig, &server_side.closed, 1);
    assert_string_equal(client_side.reason, "the peer closed it with code 4001");
    assert_string_equal(server_side.reason, "token expired");
    end(&rig);
}

static void server_closes(void **state UNUSED)
{
    for (int grace_ms = 0; grace_ms <= 1000; grace_ms += 1000) {
        struct rig rig = {0};
        open_pair(&rig);
        http_server_close(rig.server, grace_ms);
        rig.server = NULL;
        rig_run(&rig, &server_side.closed, 1);
        rig_run(&rig, &client_side.closed, 1);
        assert_string_equal(server_side.reason, "the server closes");
        if (grace_ms)
            assert_string_equal(client_side.reason, "the peer closed it with code 1001");
        end(&rig);
    }
}

static void pings(void **state UNUSED)
{
    struct rig rig = {0};
    open_pair(&rig);
    timer_every(server_side.ws->timer, 10);
    rig_run_ms(&rig, 100); /* answered: nobody is taken for dead */
    assert_int_equal(server_side.closed + client_side.closed, 0);
    wire_pause(client_side.ws->wire);
    rig_run(&rig, &server_side.closed, 1);
    assert_string_equal(server_side.reason, "the peer does not answer");
    wire_resume(client_side.ws->wire);
    rig_run(&rig, &client_side.closed, 1);
    end(&rig);
}

static void queue_has_a_ceiling(void **state UNUSED)
{
    struct rig rig = {0};
    open_pair(&rig);
    wire_pause(client_side.ws->wire);
    static char message[60000];
    memset(message, 'x', sizeof message);
    unsigned sent = 0;
    struct err err;
    while (!websocket_send(server_side.ws, span_from(message, sizeof message), true, &err) &&
           sent < 10000)
        sent++;
    assert_int_equal(err.status, FULL);
    assert_true(sent > 4 && sent < 10000);
    size_t queued = websocket_queued_bytes(server_side.ws);
    assert_true(queued <= WS_QUEUE_MAX_BYTES + 1024);
    assert_true(queued > WS_QUEUE_MAX_BYTES - sizeof message);
    wire_resume(client_side.ws->wire); /* what was taken arrives */
    rig_run(&rig, &client_side.messages, sent);
    rig_run_ms(&rig, 10);
    assert_int_equal(client_side.messages, sent);
    assert_int_equal(websocket_queued_bytes(server_side.ws), 0);
    end(&rig);
}

static void messages_have_a_ceiling(void **state UNUSED)
{
    struct rig rig = {0};
    open_pair(&rig);
    static char piece[WS_MESSAGE_MAX_BYTES + 1];
    memset(piece, 'x', sizeof piece);
    struct wslay_event_msg m = {WSLAY_TEXT_FRAME, (uint8_t *)piece, WS_MESSAGE_MAX_BYTES};
    assert_int_equal(wslay_event_queue_msg(client_side.ws->ctx, &m), 0);
    assert_ok(websocket_send(client_side.ws, SPAN("next"), true, err)); /* flushes both */
    rig_run(&rig, &server_side.messages, 2);
    m.msg_length++;
    assert_int_equal(wslay_event_queue_msg(client_side.ws->ctx, &m), 0);
    assert_fails(
        websocket_send(client_side.ws, span_from(piece, WS_QUEUE_MAX_BYTES + 1), true, err), FULL,
        "exceed");
    assert_ok(websocket_send(client_side.ws, SPAN("next"), true, err));
    rig_run(&rig, &server_side.closed, 1);
    assert_non_null(strstr(server_side.reason, "1009"));
    rig_run(&rig, &client_side.closed, 1);
    assert_int_equal(server_side.messages, 2);
    end(&rig);
}

static void says_why_not(void **state UNUSED)
{
    struct rig rig = {0};
    reset(&rig);
    rig_open(&rig, NULL);
    connect_to(&rig, "/elsewhere");
    rig_run(&rig, &client_side.closed, 1);
    assert_int_equal(client_side.opened, 0);
    assert_non_null(strstr(client_side.reason, "the server answers 403 Forbidden"));
    connect_to(&rig, "/live"); /* given up at once */
    websocket_close(client_side.ws, 1000, "changed my mind");
    rig_run(&rig, &client_side.closed, 2);
    assert_string_equal(client_side.reason, "changed my mind");
    struct http_client_config config = {.url = "nonsense"};
    struct websocket *ws;
    assert_fails(websocket_connect(rig.loop, &config, "/", NULL, 0, &side_events, NULL, &ws, err),
                 INVALID, "http://");
    assert_null(ws);
    config.url = rig.url;
    assert_fails(websocket_connect(rig.loop, &config, "x", NULL, 0, &side_events, NULL, &ws, err),
                 INVALID, "path");
    end(&rig);
}

/* ---- raw ---- */

#define UPGRADE                                                                                    \
    "GET /live HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"   \
    "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static struct raw *upgrade(struct rig *rig, struct span with)
{
    struct raw *r = raw_open(rig, NULL);
    raw_send(r, SPAN(UPGRADE KEY "\r\n"));
    raw_send(r, with);
    raw_wait_for(r, "\r\n\r\n");
    return r;
}

static void shakes_hands(void **state UNUSED)
{
    struct rig rig = {0};
    reset(&rig);
    server_side.echoes = true;
    rig_open(&rig, NULL);
    /* with the first frame in the same packet: a masked "Hi" */
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN(UPGRADE KEY "\r\n\x81\x82\0\0\0\0Hi"));
    raw_wait_for(r, "\x81\x02Hi");
    struct span answer = raw_wait(r, 1);
    assert_true(span_starts(answer, SPAN("HTTP/1.1 101 Switching Protocols\r\n")));
    /* RFC 6455 1.3's own example */
    assert_non_null(memmem(answer.at, answer.len,
                           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", 52));
    assert_non_null(memmem(answer.at, answer.len, "X-Galen: live\r\n", 15));
    raw_close(r);
    rig_run(&rig, &server_side.closed, 1);
    assert_string_equal(server_side.reason, "the peer closed the connection");
    end(&rig);
}

static void refuses_bad_upgrades(void **state UNUSED)
{
    static const struct {
        struct span in;
        const char *status;
    } cases[] = {
        {SPAN("GET /live HTTP/1.1\r\nHost: a\r\n\r\n"), "426"},
        {SPAN("GET /live HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n" KEY
              "Sec-WebSocket-Version: 13\r\n\r\n"),
         "426"},
        {SPAN("GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" KEY
              "Sec-WebSocket-Version: 13\r\n\r\n"),
         "426"},
        {SPAN("GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" KEY
              "Sec-WebSocket-Version: 8\r\n\r\n"),
         "426"},
        {SPAN(UPGRADE "\r\n"), "400"},
        {SPAN(UPGRADE "Sec-WebSocket-Key: x\r\n\r\n"), "400"},
        {SPAN(UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTEy\r\n\r\n"), "400"},
        {SPAN(UPGRADE "Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ==\r\n\r\n"), "400"},
        {SPAN("POST /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" KEY
              "Sec-WebSocket-Version: 13\r\n\r\n"),
         "400"},
        {SPAN(UPGRADE KEY "Content-Length: 1\r\n\r\nx"), "400"},
    };
    struct rig rig = {0};
    reset(&rig);
    rig_open(&rig, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct raw *r = raw_open(&rig, NULL);
        raw_send(r, cases[i].in);
        raw_wait_for(r, "\r\n\r\n");
        char start[16];
        snprintf(start, sizeof start, "HTTP/1.1 %s ", cases[i].status);
        if (!span_starts(raw_wait(r, 1), span_of(start)))
            fail_msg("%.*s -> %.*s", SPAN_ARG(cases[i].in), SPAN_ARG(raw_wait(r, 1)));
        raw_close(r);
    }
    assert_null(server_side.ws);
    end(&rig);
}

/* What a peer sends against the rules, and the code it is closed with. */
static void breaks_off(void **state UNUSED)
{
    static const struct {
        const char *name;
        struct span frames;
        unsigned code;
    } cases[] = {
        {"not masked", SPAN("\x81\x02Hi"), 1002},
        {"reserved bit", SPAN("\xc1\x82\0\0\0\0Hi"), 1002},
        {"reserved opcode", SPAN("\x83\x82\0\0\0\0Hi"), 1002},
        {"continuation of nothing", SPAN("\x80\x82\0\0\0\0Hi"), 1002},
        {"two beginnings", SPAN("\x01\x81\0\0\0\0H\x81\x81\0\0\0\0i"), 1002},
        {"fragmented ping", SPAN("\x09\x80\0\0\0\0"), 1002},
        {"long ping", SPAN("\x89\xfe\x00\x7e\0\0\0\0"), 1002},
        {"no UTF-8", SPAN("\x81\x82\0\0\0\0\xc3\x28"), 1007},
        {"too long", SPAN("\x82\xff\0\0\0\0\0\x10\0\x01\0\0\0\0x"), 1009},
        {"63 bits", SPAN("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x"), 1009},
        {"close with one byte", SPAN("\x88\x81\0\0\0\0x"), 0 /* any */},
        {"close with code 1005", SPAN("\x88\x82\0\0\0\0\x03\xed"), 1002},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig = {0};
        reset(&rig);
        rig_open(&rig, NULL);
        struct raw *r = upgrade(&rig, cases[i].frames);
        char code[2] = {(char)(cases[i].code >> 8), (char)cases[i].code};
        struct span in = raw_rest(r);
        const char *frame = memmem(in.at, in.len, "\r\n\r\n\x88", 5);
        if (!frame || (cases[i].code && memcmp(frame + 6, code, sizeof code)))
            fail_msg("%s: not closed with %u", cases[i].name, cases[i].code);
        raw_close(r);
        rig_run(&rig, &server_side.closed, 1);
        assert_int_equal(server_side.messages, 0);
        end(&rig);
    }
}

static void takes_fragments(void **state UNUSED)
{
    struct rig rig = {0};
    reset(&rig);
    rig_open(&rig, NULL);
    /* "Hel", a ping between, "lo"; each byte on its own */
    static const struct span frames =
        SPAN("\x01\x83\0\0\0\0Hel\x89\x81\0\0\0\0p\x00\x80\0\0\0\0\x80\x82\0\0\0\0lo");
    struct raw *r = upgrade(&rig, SPAN(""));
    for (size_t i = 0; i < frames.len; i++) {
        raw_send(r, span_from(frames.at + i, 1));
        event_base_loop(loop_base(rig.loop), EVLOOP_NONBLOCK);
    }
    rig_run(&rig, &server_side.messages, 1);
    assert_span(buf_view(&server_side.last), "Hello");
    raw_wait_for(r, "\x8a\x01p"); /* the pong */
    raw_close(r);
    rig_run(&rig, &server_side.closed, 1);
    end(&rig);
}

static void too_many_fragments(void **state UNUSED)
{
    struct rig rig = {0};
    reset(&rig);
    rig_open(&rig, NULL);
    struct raw *r = upgrade(&rig, SPAN("\x01\x80\0\0\0\0"));
    for (int i = 0; i < WS_FRAMES_MAX; i++)
        raw_send(r, SPAN("\x00\x80\0\0\0\0"));
    raw_wait_for(r, "too many frames");
    raw_close(r);
    rig_run(&rig, &server_side.closed, 1);
    assert_string_equal(server_side.reason, "a message comes in too many frames");
    end(&rig);
}

/* A peer that sends pings and never reads cannot fill our memory. */
static void ping_flood(void **state UNUSED)
{
    struct rig rig = {0};
    reset(&rig);
    rig_open(&rig, NULL);
    struct raw *r = upgrade(&rig, SPAN(""));
    raw_stop_reading(r);
    auto_buf pings_text = {0};
    while (pings_text.len < (1 << 20)) {
        buf_put(&pings_text, "\x89\xfd\0\0\0\0", 6);
        buf_fill(&pings_text, 'x', 125);
    }
    for (int i = 0; i < 100 && !server_side.closed; i++) {
        raw_send_only(r, buf_view(&pings_text));
        rig_run_ms(&rig, 1);
    }
    rig_run(&rig, &server_side.closed, 1);
    assert_non_null(strstr(server_side.reason, "does not read"));
    raw_close(r);
    end(&rig);
}

const struct CMUnitTest websocket_tests[] = {
    cmocka_unit_test(speaks_both_ways),     cmocka_unit_test(server_says_goodbye),
    cmocka_unit_test(server_closes),        cmocka_unit_test(pings),
    cmocka_unit_test(queue_has_a_ceiling),  cmocka_unit_test(messages_have_a_ceiling),
    cmocka_unit_test(says_why_not),         cmocka_unit_test(shakes_hands),
    cmocka_unit_test(refuses_bad_upgrades), cmocka_unit_test(breaks_off),
    cmocka_unit_test(takes_fragments),      cmocka_unit_test(too_many_fragments),
    cmocka_unit_test(ping_flood),
};
const size_t websocket_tests_n = COUNT(websocket_tests);
