/* The link, against a server on the same loop; and when it is tried again. */
#include "unit.h"

#include "agent/link.h"
#include "agent/server_message.h"
#include "net/http.h"
#include "net/websocket.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEADLINE_MS = 20000, SEEN_MAX = 8 };

struct bench {
    struct loop *loop;
    struct http_server *server;
    struct link *link;
    struct websocket *peer; /* the server's side */
    struct timer *deadline;
    struct arena arena;
    struct agent_config config;
    int refuse_with; /* 0: the upgrade is taken */
    unsigned requests, stop_after_requests;
    unsigned stop_after_events;
    const char *token;
    struct buf log; /* what both sides saw, a line each */
    unsigned events;
    bool timed_out;
};

static void note(struct bench *b, const char *what, struct span detail)
{
    buf_printf(&b->log, "%s%s%.*s\n", what, detail.len ? " " : "", SPAN_ARG(detail));
    if (++b->events == b->stop_after_events)
        loop_stop(b->loop);
}

/* ---- the server's side ---- */

static void peer_message(struct websocket *ws UNUSED, struct span text, bool is_text UNUSED,
                         void *arg)
{
    note(arg, "agent:", text);
}

static void peer_close(struct websocket *ws UNUSED, const char *reason, void *arg)
{
    struct bench *b = arg;
    b->peer = NULL;
    note(b, "server: closed:", span_of(reason));
}

static void on_request(struct http_request *req, void *arg)
{
    static const struct websocket_events events = {.on_message = peer_message,
                                                   .on_close = peer_close};
    struct bench *b = arg;
    b->requests++;
    if (b->requests == b->stop_after_requests)
        loop_stop(b->loop);
    if (b->refuse_with) {
        http_problem(req, b->refuse_with, "as told");
        return;
    }
    note(b, "token:", http_request_header(req, "Authorization"));
    assert_ok(websocket_accept(req, &events, b, &b->peer, err));
}

/* ---- the agent's side ---- */

static void on_open(void *arg)
{
    note(arg, "open", SPAN(""));
}

static void on_settings(const struct yaml *m UNUSED, struct span text, void *arg)
{
    note(arg, "settings:", text);
}

static void on_live(int64_t every_ms, void *arg)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)every_ms);
    note(arg, "live:", span_of(text));
}

static void on_snapshot(void *arg)
{
    note(arg, "snapshot", SPAN(""));
}

static void on_advice(struct span text, void *arg)
{
    note(arg, "advice:", text);
}

static void on_act(const struct yaml *m UNUSED, void *arg)
{
    note(arg, "act", SPAN(""));
}

static void on_token(const char *token, void *arg)
{
    note(arg, "new token:", span_of(token));
}

static void on_close(void *arg)
{
    note(arg, "close", SPAN(""));
}

static const char *token_of(void *arg)
{
    const struct bench *b = arg;
    return b->token;
}

static const struct link_events events = {on_open, on_settings, on_live,  on_snapshot, on_advice,
                                          on_act,  on_token,    on_close, token_of};

static void on_deadline(void *arg)
{
    struct bench *b = arg;
    b->timed_out = true;
    loop_stop(b->loop);
}

static void bench_open(struct bench *b)
{
    b->token = "gla_first";
    assert_ok(loop_open(&b->loop, err));
    assert_ok(http_server_open(
        b->loop,
        &(struct http_server_config){.listen = "127.0.0.1:0", .on_request = on_request, .arg = b},
        &b->server, err));
    b->config.server = arena_printf(&b->arena, "http://127.0.0.1:%u", http_server_port(b->server));
    b->deadline = timer_open(b->loop, on_deadline, b);
    assert_ok(link_open(
        b->loop,
        &(struct link_config){
            .agent = &b->config, .instance = "web1", .boot_id = "b", .on = &events, .arg = b},
        &b->link, err));
}

static void bench_close(struct bench *b)
{
    link_close(b->link);
    if (b->peer)
        websocket_drop(b->peer, 1000, "the test ends");
    http_server_close(b->server, 0);
    timer_close(b->deadline);
    loop_close(b->loop);
    buf_free(&b->log);
    arena_free(&b->arena);
}

/* Until so many further lines are in the log. */
static void run(struct bench *b, unsigned lines)
{
    b->stop_after_events = b->events + lines;
    timer_once(b->deadline, DEADLINE_MS);
    loop_run(b->loop);
    if (b->timed_out)
        fail_msg("no end:\n%s", buf_text(&b->log));
}

static void say(struct bench *b, const char *text)
{
    assert_ok(websocket_send(b->peer, span_of(text), true, err));
}

static void clear(struct bench *b)
{
    buf_clear(&b->log);
}

#define HELLO                                                                                      \
    "agent: {\"op\":\"hello\",\"protocol\":1,\"version\":\"" GALEN_VERSION                         \
    "\",\"instance\":\"web1\",\"boot_id\":\"b\"}\n"

static void test_speaks(void **state UNUSED)
{
    struct bench b = {0};
    bench_open(&b);
    assert_false(link_is_open(b.link));
    assert_false(link_send(b.link, SPAN("{}"), true));
    run(&b, 3);
    assert_string_equal(buf_text(&b.log), "token: Bearer gla_first\nopen\n" HELLO);
    assert_true(link_is_open(b.link));
    assert_string_equal(link_why(b.link), "");
    clear(&b);
    say(&b, "{\"op\":\"settings\",\"version\":1,\"settings\":{}}");
    say(&b, "{\"op\":\"live\",\"every_s\":0.5}");
    say(&b, "{\"op\":\"snapshot\"}");
    say(&b, "{\"op\":\"advice\",\"summary\":\"s\"}");
    say(&b, "{\"op\":\"act\"}");
    say(&b, "{\"op\":\"of next year\"}");
    say(&b, "{\"op\":\"token\",\"token\":\"gla_second\"}");
    run(&b, 6);
    assert_string_equal(buf_text(&b.log),
                        "settings: {\"op\":\"settings\",\"version\":1,\"settings\":{}}\n"
                        "live: 500\nsnapshot\nadvice: {\"op\":\"advice\",\"summary\":\"s\"}\nact\n"
                        "new token: gla_second\n");
    clear(&b);
    b.token = "gla_second";
    link_reconnect(b.link);
    run(&b, 5);
    assert_non_null(strstr(buf_text(&b.log), "token: Bearer gla_second\nopen\n" HELLO));
    bench_close(&b);
}

/* What is not understood ends the link with the reason; it comes back. */
static void test_bad_messages(void **state UNUSED)
{
    static const char *const bad[] = {"{\"op\":", "[]", "{\"op\":\"live\",\"every_s\":-1}"};
    struct bench b = {0};
    bench_open(&b);
    run(&b, 3);
    for (size_t i = 0; i < COUNT(bad); i++) {
        clear(&b);
        say(&b, bad[i]);
        run(&b, 5);
        if (!strstr(buf_text(&b.log), "1007") || !strstr(buf_text(&b.log), "open\n" HELLO))
            fail_msg("%s:\n%s", bad[i], buf_text(&b.log));
    }
    clear(&b);
    assert_ok(websocket_send(b.peer, SPAN("\x01"), false, err));
    run(&b, 5);
    assert_non_null(strstr(buf_text(&b.log), "1007"));
    bench_close(&b);
}

static void test_comes_back(void **state UNUSED)
{
    struct bench b = {0};
    bench_open(&b);
    run(&b, 3);
    clear(&b);
    websocket_drop(b.peer, 1001, "the server is stopping");
    run(&b, 4); /* the first line came at once */
    assert_string_equal(
        buf_text(&b.log),
        "server: closed: the server is stopping\nclose\ntoken: Bearer gla_first\nopen\n" HELLO);
    bench_close(&b);
}

static void test_says_why_not(void **state UNUSED)
{
    struct bench b = {.refuse_with = 401, .stop_after_requests = 1};
    bench_open(&b);
    timer_once(b.deadline, DEADLINE_MS);
    loop_run(b.loop);
    assert_false(b.timed_out);
    struct timer *soon = timer_open(b.loop, on_deadline, &b);
    timer_once(soon, 200); /* the answer is on its way */
    loop_run(b.loop);
    timer_close(soon);
    assert_false(link_is_open(b.link));
    assert_non_null(strstr(link_why(b.link), "401"));
    assert_int_equal(b.requests, 1); /* LINK_UNWELCOME_MS is long */
    bench_close(&b);
}

static void test_waits_for_the_enrolment(void **state UNUSED)
{
    struct bench b = {0};
    bench_open(&b);
    b.token = NULL;
    struct timer *later = timer_open(b.loop, on_deadline, &b);
    timer_once(later, 200);
    loop_run(b.loop);
    timer_close(later);
    assert_int_equal(b.requests, 0);
    b.timed_out = false;
    b.token = "gla_own";
    run(&b, 3);
    assert_non_null(strstr(buf_text(&b.log), "Bearer gla_own"));
    bench_close(&b);
}

static void test_other_receivers_have_none(void **state UNUSED)
{
    struct agent_config config = {.server = "http://127.0.0.1:9090/api/v1/write"};
    struct link *l;
    struct loop *loop;
    assert_ok(loop_open(&loop, err));
    assert_ok(link_open(loop, &(struct link_config){.agent = &config, .on = &events}, &l, err));
    assert_null(l);
    assert_false(link_is_open(l));
    link_reconnect(l);
    link_close(l);
    loop_close(loop);
}

/* ---- when ---- */

static void test_backoff_bounds(void **state UNUSED)
{
    static const struct {
        unsigned failures;
        int64_t low_ms, high_ms;
    } cases[] = {{0, 250, 500},     {1, 500, 1000},     {2, 1000, 2000},    {5, 8000, 16000},
                 {6, 15000, 30000}, {15, 15000, 30000}, {16, 15000, 30000}, {~0U, 15000, 30000}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t whole = cases[i].high_ms;
        assert_int_equal(link_backoff_ms(cases[i].failures, 0), cases[i].low_ms);
        assert_int_equal(link_backoff_ms(cases[i].failures, (uint64_t)whole / 2), whole);
        int64_t any = link_backoff_ms(cases[i].failures, UINT64_MAX);
        assert_true(any >= cases[i].low_ms && any <= cases[i].high_ms);
    }
}

/* A server that is restarted gets its agents back spread over time: 1,000 that fail together are
 * never more than a few in any 10 ms of the third try. */
static void test_a_storm_is_spread(void **state UNUSED)
{
    enum { AGENTS = 1000, SLOT_MS = 10, SLOTS = 200, IN_A_SLOT_MAX = 40 };
    unsigned in_slot[SLOTS + 1] = {0}, used = 0;
    uint64_t chance = 88172645463325252U; /* xorshift: the same in every run */
    for (int i = 0; i < AGENTS; i++) {
        int64_t at = 0;
        for (unsigned tries = 0; tries < 3; tries++) {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            at += link_backoff_ms(tries, chance);
        }
        in_slot[(at - 1750) / SLOT_MS]++; /* 250 + 500 + 1,000 at least */
    }
    for (size_t i = 0; i < COUNT(in_slot); i++) {
        assert_true(in_slot[i] <= IN_A_SLOT_MAX);
        used += in_slot[i] > 0;
    }
    assert_true(used > 100);
}

const struct CMUnitTest link_tests[] = {
    cmocka_unit_test(test_speaks),
    cmocka_unit_test(test_bad_messages),
    cmocka_unit_test(test_comes_back),
    cmocka_unit_test(test_says_why_not),
    cmocka_unit_test(test_waits_for_the_enrolment),
    cmocka_unit_test(test_other_receivers_have_none),
    cmocka_unit_test(test_backoff_bounds),
    cmocka_unit_test(test_a_storm_is_spread),
};
const size_t link_tests_n = COUNT(link_tests);
