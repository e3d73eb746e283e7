/* The client: against our server, and against raw servers that misbehave. */
#include "rig.h"

#include "net/wire.h"
#include "unit.h"

#include <arpa/inet.h>
#include <event2/listener.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server of which each connection says what the script tells, then does what it tells. */
struct script {
    const char *answers[4]; /* by connection; NULL: close at once */
    bool stay;              /* leave the connection open after the answer */
    unsigned connections;
    char request[4096];
    struct evconnlistener *listener;
    struct wire wires[4];
    char url[64];
};

static void script_readable(void *arg)
{
    struct script *s = arg;
    struct wire *w = &s->wires[s->connections - 1];
    size_t have = strlen(s->request);
    size_t n = wire_read(w, s->request + have, sizeof s->request - 1 - have);
    if (wire_over(w)) {
        wire_close(w);
        return;
    }
    if (!n || !strstr(s->request, "\r\n\r\n"))
        return;
    wire_write_span(w, span_of(s->answers[s->connections - 1]));
    if (!s->stay)
        wire_close(w);
}

static void script_ignore(void *arg UNUSED)
{
}

static const struct wire_events script_events = {script_ignore, script_readable, script_ignore};

static void script_accept(struct evconnlistener *l UNUSED, evutil_socket_t fd,
                          struct sockaddr *from UNUSED, int len UNUSED, void *arg)
{
    struct script *s = arg;
    if (s->connections == COUNT(s->answers) || !s->answers[s->connections++]) {
        close(fd);
        return;
    }
    memset(s->request, 0, sizeof s->request);
    wire_accept(&s->wires[s->connections - 1], evconnlistener_get_base(s->listener), fd, NULL,
                &script_events, s);
}

static void script_open(struct script *s, struct rig *rig)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    s->listener =
        evconnlistener_new_bind(loop_base(rig->loop), script_accept, s, LEV_OPT_CLOSE_ON_FREE, 8,
                                (struct sockaddr *)&a, sizeof a);
    assert_non_null(s->listener);
    socklen_t len = sizeof a;
    getsockname(evconnlistener_get_fd(s->listener), (struct sockaddr *)&a, &len);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", ntohs(a.sin_port));
}

static void script_close(struct script *s)
{
    for (size_t i = 0; i < COUNT(s->wires); i++)
        wire_close(&s->wires[i]);
    evconnlistener_free(s->listener);
}

static void sends_and_reuses(void **state UNUSED)
{
    struct rig rig = {.want_header = "content-type"};
    rig_open_client(&rig, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        rig_send(&rig, "POST", "/echo", SPAN("hello"));
        assert_int_equal(rig.status, 200);
        assert_memory_equal(rig.body, "hello", 5);
        assert_string_equal(rig.header, "application/octet-stream");
    }
    rig_send(&rig, "HEAD", "/text", SPAN(""));
    assert_int_equal(rig.status, 200);
    assert_int_equal(rig.body_len, 0);
    rig_send(&rig, "GET", "/empty", SPAN(""));
    assert_int_equal(rig.status, 204);
    assert_false(http_client_busy(rig.client));
    struct raw *other = raw_open(&rig, NULL);
    raw_send(other, SPAN("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n"));
    raw_wait_for(other, "127.0.0.1");
    raw_close(other);
    rig_close(&rig);
}

static void one_at_a_time(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open_client(&rig, NULL, NULL);
    assert_ok(http_client_send(rig.client, "GET", "/keep", NULL, 0, SPAN(""), NULL, NULL, err));
    assert_true(http_client_busy(rig.client));
    assert_fails(http_client_send(rig.client, "GET", "/keep", NULL, 0, SPAN(""), NULL, NULL, err),
                 AGAIN, "under way");
    rig_run(&rig, &rig.requests, 1);
    http_client_close(rig.client); /* no callback: it would be a call of NULL */
    rig.client = NULL;
    rig_run_ms(&rig, 20);
    assert_true(http_request_gone(rig.kept));
    http_reply(rig.kept, 204, NULL, SPAN(""));
    rig_close(&rig);
}

static void refuses_bad_requests(void **state UNUSED)
{
    static const struct {
        const char *method, *path, *name, *value;
    } cases[] = {
        {"GE T", "/", "a", "b"},        {"", "/", "a", "b"},        {"GET", "x", "a", "b"},
        {"GET", "/a b", "a", "b"},      {"GET", "/\r\n", "a", "b"}, {"GET", "/", "a b", "c"},
        {"GET", "/", "a", "b\r\nc: d"}, {"GET", "/", "", "b"},
    };
    struct rig rig = {0};
    rig_open_client(&rig, NULL, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_header h = {span_of(cases[i].name), span_of(cases[i].value)};
        assert_fails(http_client_send(rig.client, cases[i].method, cases[i].path, &h, 1, SPAN(""),
                                      NULL, NULL, err),
                     INVALID, "");
    }
    rig_close(&rig);
}

static void says_what_failed(void **state UNUSED)
{
    static const struct {
        const char *answer, *says;
    } cases[] = {
        {NULL, "before an answer"},
        {"", "before an answer"},
        {"HTTP/1.1 200", "in the middle of the answer"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "in the middle of the answer"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
         "in the middle of the answer"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx", "malformed"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "two Content-Length"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "exceeds 100 bytes"},
        {"ICY 200 OK\r\n\r\n", "status line"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig = {0};
        rig_open(&rig, NULL);
        struct script script = {.answers = {cases[i].answer}};
        script_open(&script, &rig);
        struct http_client_config config = {.url = script.url, .body_max_bytes = 100};
        assert_ok(http_client_open(rig.loop, &config, &rig.client, err));
        rig_send(&rig, "GET", "/", SPAN(""));
        assert_int_equal(rig.status, 0);
        if (!strstr(rig.error, cases[i].says) || !strstr(rig.error, script.url + 7))
            fail_msg("\"%s\" does not say \"%s\"", rig.error, cases[i].says);
        script_close(&script);
        rig_close(&rig);
    }
}

static void reads_every_framing(void **state UNUSED)
{
    static const struct {
        const char *answer;
        int status;
        const char *body;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellosurplus", 200, "hello"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200,
         "hello"},
        {"HTTP/1.0 200 OK\r\n\r\nhello", 200, "hello"},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
         "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
         404, ""},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig = {0};
        rig_open(&rig, NULL);
        struct script script = {.answers = {cases[i].answer}};
        script_open(&script, &rig);
        struct http_client_config config = {.url = script.url};
        assert_ok(http_client_open(rig.loop, &config, &rig.client, err));
        rig_send(&rig, "GET", "/", SPAN(""));
        assert_string_equal(rig.error, "");
        assert_int_equal(rig.status, cases[i].status);
        assert_int_equal(rig.body_len, strlen(cases[i].body));
        assert_memory_equal(rig.body, cases[i].body, rig.body_len);
        script_close(&script);
        rig_close(&rig);
    }
}

/* The server closes a kept connection when the next request comes: it is asked once more. */
static void retries_once(void **state UNUSED)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    static const struct {
        const char *method;
        bool retried;
    } cases[] = {{"GET", true}, {"PUT", true}, {"POST", false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig = {0};
        rig_open(&rig, NULL);
        struct script script = {.answers = {ok, ok}, .stay = true};
        script_open(&script, &rig);
        struct http_client_config config = {.url = script.url};
        assert_ok(http_client_open(rig.loop, &config, &rig.client, err));
        rig_send(&rig, "GET", "/", SPAN(""));
        assert_int_equal(rig.status, 200);
        script.answers[0] = ""; /* the next request is read and the connection closed */
        script.stay = false;
        rig_send(&rig, cases[i].method, "/", SPAN("x"));
        assert_int_equal(rig.status, cases[i].retried ? 200 : 0);
        assert_int_equal(script.connections, cases[i].retried ? 2 : 1);
        script_close(&script);
        rig_close(&rig);
    }
}

/* Closed while idle, before anything was sent: also a POST just takes a new connection. */
static void notices_a_closed_connection(void **state UNUSED)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for (int loop_runs = 0; loop_runs < 2; loop_runs++) {
        struct rig rig = {0};
        rig_open(&rig, NULL);
        struct script script = {.answers = {ok, ok}, .stay = true};
        script_open(&script, &rig);
        struct http_client_config config = {.url = script.url};
        assert_ok(http_client_open(rig.loop, &config, &rig.client, err));
        rig_send(&rig, "GET", "/", SPAN(""));
        wire_close(&script.wires[0]);
        if (loop_runs)
            rig_run_ms(&rig, 10);
        rig_send(&rig, "POST", "/", SPAN("x"));
        assert_string_equal(rig.error, "");
        assert_int_equal(script.connections, 2);
        script_close(&script);
        rig_close(&rig);
    }
}

static void keeps_deadlines(void **state UNUSED)
{
    struct http_client_config config = {.request_ms = 50};
    struct rig rig = {0};
    rig_open_client(&rig, NULL, &config);
    rig_send(&rig, "GET", "/keep", SPAN(""));
    assert_non_null(strstr(rig.error, "no answer within 50 ms"));
    http_reply(rig.kept, 204, NULL, SPAN(""));
    rig_send(&rig, "GET", "/peer", SPAN(""));
    assert_int_equal(rig.status, 200);
    rig_close(&rig);
}

/* A listener whose queue is full swallows connections, as a firewall does. */
static void keeps_the_connect_deadline(void **state UNUSED)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), full[3];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 0), 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    for (size_t i = 0; i < COUNT(full); i++) {
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int ignored UNUSED = connect(full[i], (struct sockaddr *)&a, sizeof a);
    }
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(a.sin_port));
    struct http_client_config config = {.url = url, .connect_ms = 60};
    struct rig rig = {0};
    rig_open_client(&rig, NULL, &config);
    rig_send(&rig, "GET", "/", SPAN(""));
    assert_non_null(strstr(rig.error, "connect 127.0.0.1:"));
    assert_non_null(strstr(rig.error, "no answer within 60 ms"));
    rig_close(&rig);
    for (size_t i = 0; i < COUNT(full); i++)
        close(full[i]);
    close(fd);
}

static void says_refused(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    struct script script = {0};
    script_open(&script, &rig);
    struct http_client_config config = {.url = script.url};
    script_close(&script); /* the port is free again, and nobody listens */
    assert_ok(http_client_open(rig.loop, &config, &rig.client, err));
    rig_send(&rig, "GET", "/", SPAN(""));
    char want[128];
    snprintf(want, sizeof want, "connect %s: Connection refused", script.url + 7);
    assert_string_equal(rig.error, want);
    rig_close(&rig);
}

static void keeps_the_prefix_and_user(void **state UNUSED)
{
    static const struct {
        const char *suffix, *path, *line;
    } cases[] = {
        {"", "", "GET / HTTP/1.1\r\n"},         {"", "/x?y", "GET /x?y HTTP/1.1\r\n"},
        {"/p/", "/x", "GET /p/x HTTP/1.1\r\n"}, {"/p", "/x", "GET /p/x HTTP/1.1\r\n"},
        {"/p/", "", "GET /p/ HTTP/1.1\r\n"},    {"/p?k=1", "", "GET /p?k=1 HTTP/1.1\r\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig = {0};
        rig_open(&rig, NULL);
        struct script script = {.answers = {"HTTP/1.1 204 No Content\r\n\r\n"}};
        script_open(&script, &rig);
        char url[128];
        snprintf(url, sizeof url, "http://me:p%%40@%s%s", script.url + 7, cases[i].suffix);
        struct http_client_config config = {.url = url, .user_agent = "galen/1"};
        assert_ok(http_client_open(rig.loop, &config, &rig.client, err));
        rig_send(&rig, "GET", cases[i].path, SPAN(""));
        assert_int_equal(rig.status, 204);
        assert_true(span_starts(span_of(script.request), span_of(cases[i].line)));
        assert_non_null(strstr(script.request, "\r\nAuthorization: Basic bWU6cEA=\r\n"));
        assert_non_null(strstr(script.request, "\r\nUser-Agent: galen/1\r\n"));
        assert_non_null(strstr(script.request, script.url + 7)); /* Host */
        script_close(&script);
        rig_close(&rig);
    }
}

static void speaks_to_a_proxy(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    struct script script = {.answers = {"HTTP/1.1 204 No Content\r\n\r\n"}};
    script_open(&script, &rig);
    char proxy[128];
    snprintf(proxy, sizeof proxy, "http://a:b@%s", script.url + 7);
    struct http_client_config config = {.url = "http://server.invalid:81/p", .proxy = proxy};
    assert_ok(http_client_open(rig.loop, &config, &rig.client, err));
    rig_send(&rig, "GET", "/x", SPAN(""));
    assert_int_equal(rig.status, 204);
    assert_true(
        span_starts(span_of(script.request), SPAN("GET http://server.invalid:81/p/x HTTP/1.1\r\n"
                                                  "Host: server.invalid:81\r\n")));
    assert_non_null(strstr(script.request, "\r\nProxy-Authorization: Basic YTpi\r\n"));
    script_close(&script);
    rig_close(&rig);
}

static void proxy_may_refuse(void **state UNUSED)
{
    static const struct {
        const char *answer, *says;
    } cases[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "status 407"},
        {"HTTP/1.1 200 OK\r\nX\r\n\r\n", "NAME: VALUE"},
        {"", "closed"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig = {0};
        rig_open(&rig, NULL);
        struct script script = {.answers = {cases[i].answer}};
        script_open(&script, &rig);
        struct http_client_config config = {.url = "https://server.invalid", .proxy = script.url};
        assert_ok(http_client_open(rig.loop, &config, &rig.client, err));
        rig_send(&rig, "GET", "/x", SPAN(""));
        assert_true(
            span_starts(span_of(script.request), SPAN("CONNECT server.invalid:443 HTTP/1.1\r\n")));
        if (!strstr(rig.error, cases[i].says) || !strstr(rig.error, "proxy 127.0.0.1:"))
            fail_msg("%s", rig.error);
        script_close(&script);
        rig_close(&rig);
    }
}

struct chain {
    struct rig *rig;
    unsigned n;
};

static void sends_the_next(const struct http_answer *a, void *arg)
{
    struct chain *c = arg;
    assert_null(a->err);
    assert_span(a->body, "hello");
    if (++c->n == 5) {
        http_client_close(c->rig->client);
        c->rig->client = NULL;
        return;
    }
    assert_ok(http_client_send(c->rig->client, "POST", "/echo", NULL, 0, SPAN("hello"),
                               sends_the_next, c, err));
    assert_span(a->body, "hello"); /* still there */
}

static void callback_may_send_and_close(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open_client(&rig, NULL, NULL);
    struct chain chain = {.rig = &rig};
    assert_ok(http_client_send(rig.client, "POST", "/echo", NULL, 0, SPAN("hello"), sends_the_next,
                               &chain, err));
    rig_run(&rig, &chain.n, 5);
    rig_close(&rig);
}

static void *serve(void *arg)
{
    loop_run(arg);
    return NULL;
}

static void fetches(void **state UNUSED)
{
    struct rig rig = {0};
    rig_open(&rig, NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, rig.loop), 0);
    struct http_client_config config = {.url = rig.url};
    auto_buf out = {0};
    int status = 0;
    assert_ok(http_fetch(&config, "POST", "/echo", NULL, 0, SPAN("abc"), &status, &out, err));
    assert_int_equal(status, 200);
    assert_span(buf_view(&out), "abc");
    /* A label of 64 characters: no resolver needs the network to refuse it. */
    struct http_client_config nobody = {
        .url = "http://0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef:1"};
    assert_fails(http_fetch(&nobody, "GET", "/", NULL, 0, SPAN(""), &status, &out, err),
                 UNREACHABLE, "resolve 0123456789abcdef");
    struct http_client_config wrong = {.url = "htp://x"};
    assert_fails(http_fetch(&wrong, "GET", "/", NULL, 0, SPAN(""), &status, &out, err), INVALID,
                 "http://");
    loop_stop(rig.loop);
    pthread_join(thread, NULL);
    rig_close(&rig);
}

const struct CMUnitTest client_tests[] = {
    cmocka_unit_test(sends_and_reuses),
    cmocka_unit_test(one_at_a_time),
    cmocka_unit_test(refuses_bad_requests),
    cmocka_unit_test(says_what_failed),
    cmocka_unit_test(reads_every_framing),
    cmocka_unit_test(retries_once),
    cmocka_unit_test(notices_a_closed_connection),
    cmocka_unit_test(keeps_deadlines),
    cmocka_unit_test(keeps_the_connect_deadline),
    cmocka_unit_test(says_refused),
    cmocka_unit_test(keeps_the_prefix_and_user),
    cmocka_unit_test(speaks_to_a_proxy),
    cmocka_unit_test(proxy_may_refuse),
    cmocka_unit_test(callback_may_send_and_close),
    cmocka_unit_test(fetches),
};
const size_t client_tests_n = COUNT(client_tests);
