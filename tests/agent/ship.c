/* Shipping, against a receiver on the same loop that answers as told. */
#include "message_collection.h"
#include "unit.h"

#include "agent/ship.h"
#include "agent/spool.h"
#include "base/clock.h"
#include "base/file.h"
#include "folder.h"
#include "net/http.h"
#include "series/remote_write.h"

#include <stdio.h>
#include <unistd.h>

enum { ANSWERS_MAX = 8, DEADLINE_MS = 20000 };

struct bench {
    struct loop *loop;
    struct http_server *server;
    struct ship *ship;
    char *folder;
    struct arena arena;
    struct agent_config config;
    struct timer *deadline;
    /* the receiver */
    int answers[ANSWERS_MAX]; /* for the first requests; then 204 */
    const char *reply;        /* body of 200 */
    size_t requests;
    int64_t at_ms[ANSWERS_MAX]; /* of the first requests, mono */
    size_t bytes[ANSWERS_MAX];
    struct buf log;    /* "zstd a=1@10 ..." a line for each request */
    size_t stop_after; /* requests */
    bool hang;         /* answers only when the test ends */
    struct http_request *hung;
    bool timed_out;
};

static void log_message(struct bench *b, struct http_request *req)
{
    struct span encoding = http_request_header(req, "Content-Encoding");
    enum compression c;
    auto_buf plain = {0};
    buf_printf(&b->log, "%.*s", SPAN_ARG(encoding));
    assert_true(compression_of(encoding, &c));
    assert_ok(unpack(c, http_request_body(req), WRITE_MESSAGE_MAX_BYTES, &plain, err));
    struct write_reader r = write_reader_of(buf_view(&plain));
    struct write_entry e;
    while (write_next(&r, &e)) {
        struct label_builder builder = {.n = 0};
        struct labels l;
        struct sample s;
        const char *fault = NULL;
        assert_ok(write_labels(e.labels_raw, &builder, &l, err));
        buf_printf(&b->log, " %.*s", SPAN_ARG(labels_metric(l)));
        for (char sign = '='; write_sample_next(&e.samples_raw, &s, &fault); sign = ',')
            buf_printf(&b->log, "%c%g", sign, s.v);
    }
    buf_char(&b->log, '\n');
}

static void on_request(struct http_request *req, void *arg)
{
    struct bench *b = arg;
    int status = b->requests < ANSWERS_MAX ? b->answers[b->requests] : 0;
    if (b->requests < ANSWERS_MAX) {
        b->at_ms[b->requests] = clock_mono_ms();
        b->bytes[b->requests] = http_request_body(req).len;
    }
    b->requests++;
    struct span path = http_request_path(req);
    if (span_is(path, "/api/v1/write")) {
        struct span token = http_request_header(req, "Authorization");
        if (token.len)
            buf_printf(&b->log, "[%.*s] ", SPAN_ARG(token));
        log_message(b, req);
    } else {
        buf_printf(&b->log, "%.*s %.*s\n", SPAN_ARG(path), SPAN_ARG(http_request_body(req)));
    }
    if (b->stop_after && b->requests >= b->stop_after)
        loop_stop(b->loop);
    if (b->hang) {
        b->hung = req;
        return;
    }
    if (status == 200)
        http_reply(req, 200, "application/json", span_of(b->reply));
    else if (status && status != 204)
        http_problem(req, status, "as told");
    else
        http_reply(req, 204, NULL, SPAN(""));
}

static void on_deadline(void *arg)
{
    struct bench *b = arg;
    b->timed_out = true;
    loop_stop(b->loop);
}

static void on_result(enum status st UNUSED, const char *why UNUSED, void *arg)
{
    struct bench *b = arg;
    if (!b->stop_after)
        loop_stop(b->loop);
}

static void open_ship(struct bench *b)
{
    assert_ok(ship_open(b->loop,
                        &(struct ship_config){.agent = &b->config,
                                              .machine_id = "0123",
                                              .hostname = "h",
                                              .result = on_result,
                                              .arg = b},
                        &b->ship, err));
}

static void bench_open(struct bench *b)
{
    b->folder = folder_make();
    assert_ok(loop_open(&b->loop, err));
    assert_ok(http_server_open(
        b->loop,
        &(struct http_server_config){.listen = "127.0.0.1:0", .on_request = on_request, .arg = b},
        &b->server, err));
    b->config.server = arena_printf(&b->arena, "http://127.0.0.1:%u", http_server_port(b->server));
    b->config.state = b->folder;
    b->config.spool_max_bytes = 4 << 20;
    open_ship(b);
    b->deadline = timer_open(b->loop, on_deadline, b);
}

static void bench_close(struct bench *b)
{
    ship_close(b->ship);
    if (b->hung)
        http_reply(b->hung, 204, NULL, SPAN(""));
    http_server_close(b->server, 0);
    timer_close(b->deadline);
    loop_close(b->loop);
    buf_free(&b->log);
    arena_free(&b->arena);
    folder_remove(b->folder);
}

/* Until everything is sent, or the first failure; with stop_after until so many requests. */
static void run(struct bench *b)
{
    timer_once(b->deadline, DEADLINE_MS);
    loop_run(b->loop);
    assert_false(b->timed_out);
}

/* Lives as long as the bench. */
static struct collection kept(struct bench *b, const struct buf *message)
{
    struct span *text = ARENA_ARRAY(&b->arena, struct span, 1);
    *text = arena_span(&b->arena, buf_view(message));
    return message_collection(text);
}

static struct collection collection_of(struct bench *b, const char *names, double v)
{
    auto_buf message = {0};
    for (; *names; names++) {
        struct label_builder l = {.n = 0};
        label_set(&l, SPAN(LABEL_NAME), span_from(names, 1));
        write_series(&message, label_builder_end(&l), &(struct sample){(int64_t)v, v}, 1);
    }
    return kept(b, &message);
}

static void take(struct bench *b, const char *names, double v)
{
    struct collection c = collection_of(b, names, v);
    ship_take(b->ship, &c);
}

static size_t left_in_spool(struct bench *b)
{
    struct spool *s = NULL;
    ship_close(b->ship);
    b->ship = NULL;
    assert_ok(spool_open(folder_path(&b->arena, b->folder, "spool"), 1 << 20, &s, err));
    size_t n = spool_count(s);
    spool_close(s);
    return n;
}

static void test_live(void **state UNUSED)
{
    struct bench b = {0};
    bench_open(&b);
    take(&b, "ab", 1);
    run(&b);
    take(&b, "ab", 2);
    run(&b);
    assert_string_equal(buf_text(&b.log), "zstd a=1 b=1\nzstd a=2 b=2\n");
    assert_int_equal(left_in_spool(&b), 0);
    bench_close(&b);
}

/* Neither a receiver that says 415 nor one that stumbles over the body sees zstd again. */
static void test_falls_back_to_snappy(void **state UNUSED)
{
    static const int says[] = {415, 400};
    for (size_t i = 0; i < COUNT(says); i++) {
        struct bench b = {.answers = {says[i]}};
        bench_open(&b);
        take(&b, "a", 1);
        run(&b);
        take(&b, "a", 2);
        run(&b);
        assert_string_equal(buf_text(&b.log), "zstd a=1\nsnappy a=1\nsnappy a=2\n");
        bench_close(&b);
    }
}

/* The server is busy: what comes meanwhile waits, and goes as one message, oldest first. */
static void test_busy_server(void **state UNUSED)
{
    struct bench b = {.answers = {503}};
    bench_open(&b);
    take(&b, "ab", 1);
    run(&b);
    take(&b, "ab", 2);
    take(&b, "ab", 3);
    run(&b);
    assert_string_equal(buf_text(&b.log), "zstd a=1 b=1\nzstd a=1,2,3 b=1,2,3\n");
    assert_int_equal(left_in_spool(&b), 0);
    bench_close(&b);
}

static void test_retry_after(void **state UNUSED)
{
    struct bench b = {.answers = {429, 429}};
    bench_open(&b);
    int64_t start = clock_mono_ms();
    take(&b, "a", 1);
    run(&b);
    run(&b);
    run(&b);
    assert_true(clock_mono_ms() - start >= 1400); /* at least 0.5 s, then 1 s, less rounding */
    assert_int_equal(b.requests, 3);
    bench_close(&b);
}

/* What the server will never take is dropped, and does not hold up the rest. */
static void test_refused_for_good(void **state UNUSED)
{
    struct bench b = {.answers = {204, 400, 204}};
    bench_open(&b);
    for (double v = 1; v <= 3; v++) {
        take(&b, "a", v);
        run(&b);
    }
    assert_string_equal(buf_text(&b.log), "zstd a=1\nzstd a=2\nzstd a=3\n");
    assert_int_equal(left_in_spool(&b), 0);
    bench_close(&b);
}

/* A wrong token or address is not the data's fault. */
static void test_kept_while_misconfigured(void **state UNUSED)
{
    static const int says[] = {401, 403, 404};
    for (size_t i = 0; i < COUNT(says); i++) {
        struct bench b = {.answers = {says[i]}};
        bench_open(&b);
        take(&b, "a", 1);
        run(&b);
        take(&b, "a", 2);
        assert_int_equal(b.requests, 1);
        assert_int_equal(left_in_spool(&b), 2);
        bench_close(&b);
    }
}

static void test_too_large_is_split(void **state UNUSED)
{
    struct bench b = {.answers = {503, 413, 413}};
    bench_open(&b);
    take(&b, "a", 1);
    run(&b);
    for (double v = 2; v <= 4; v++)
        take(&b, "a", v);
    run(&b);
    assert_string_equal(buf_text(&b.log),
                        "zstd a=1\nzstd a=1,2,3,4\nzstd a=1,2\nzstd a=1\nzstd a=2,3,4\n");
    assert_int_equal(left_in_spool(&b), 0);
    bench_close(&b);
}

/* With 1 and 2 in the spool of one that was stopped: another sends them with the next. */
static void assert_goes_on(struct bench *b)
{
    assert_int_equal(left_in_spool(b), 2);
    b->hang = false;
    b->stop_after = 0;
    open_ship(b);
    take(b, "a", 3);
    run(b);
    assert_string_equal(buf_text(&b->log), "zstd a=1\nzstd a=1,2,3\n");
}

/* A batch that came while the one before it was under way stands behind it. */
static void test_stopped_while_under_way(void **state UNUSED)
{
    struct bench b = {.hang = true, .stop_after = 1};
    bench_open(&b);
    take(&b, "a", 1);
    run(&b);
    take(&b, "a", 2);
    assert_goes_on(&b);
    bench_close(&b);
}

/* What is under way is kept as it was given, though its owner writes over it then. */
static void test_let_go_while_under_way(void **state UNUSED)
{
    struct bench b = {.hang = true, .stop_after = 1};
    bench_open(&b);
    struct collection c = collection_of(&b, "a", 1);
    ship_take(b.ship, &c);
    run(&b);
    ship_let_go(b.ship);
    const struct span *message = c.owner;
    memset((char *)(uintptr_t)message->at, 0, message->len);
    take(&b, "a", 2);
    assert_goes_on(&b);
    ship_let_go(NULL);
    bench_close(&b);
}

static void test_no_server(void **state UNUSED)
{
    struct bench b = {0};
    bench_open(&b);
    http_server_close(b.server, 0);
    b.server = NULL;
    take(&b, "a", 1);
    run(&b);
    assert_int_equal(b.requests, 0);
    assert_int_equal(left_in_spool(&b), 1);
    ship_close(b.ship);
    timer_close(b.deadline);
    loop_close(b.loop);
    arena_free(&b.arena);
    folder_remove(b.folder);
}

static void test_enrolment(void **state UNUSED)
{
    struct bench b = {.answers = {200}, .reply = "{\"token\":\"gla_own\",\"host_id\":\"1\"}"};
    bench_open(&b);
    ship_close(b.ship);
    char *join = folder_path(&b.arena, b.folder, "join");
    assert_ok(file_write_atomic(join, SPAN("joinme\n"), 0600, err));
    b.config.join_token_file = join;
    open_ship(&b);
    take(&b, "a", 1);
    run(&b);
    take(&b, "a", 2);
    run(&b);
    assert_string_equal(buf_text(&b.log),
                        "/api/galen/v1/enroll {\"machine_id\":\"0123\",\"hostname\":\"h\"}\n"
                        "[Bearer gla_own] zstd a=1\n[Bearer gla_own] zstd a=2\n");
    /* the next start has its own token and does not enrol again */
    ship_close(b.ship);
    buf_clear(&b.log);
    open_ship(&b);
    take(&b, "a", 3);
    run(&b);
    assert_string_equal(buf_text(&b.log), "[Bearer gla_own] zstd a=3\n");
    bench_close(&b);
}

/* A day without a server, a collection every 30 seconds: all of it arrives afterwards, once and
 * in order. */
static void test_a_day_without_server(void **state UNUSED)
{
    enum { COLLECTIONS = 24 * 3600 / 30 };
    struct bench b = {.answers = {503}};
    bench_open(&b);
    clock_fake(1700000000000);
    take(&b, "m", 0);
    run(&b); /* 503: from now on it waits */
    for (int i = 1; i < COLLECTIONS; i++) {
        clock_fake_advance(30000);
        take(&b, "m", (double)i);
    }
    clock_real();
    buf_clear(&b.log);
    run(&b);
    double next = 0;
    struct span rest = buf_view(&b.log), word;
    size_t lines = 0;
    while (span_line(&rest, &word)) {
        struct span values, value;
        lines++;
        span_next(&word, '=', &values); /* "zstd m=0,1,2": what follows the sign stays in word */
        while (span_next(&word, ',', &value)) {
            double v;
            assert_true(span_double(value, &v));
            assert_true(v == next);
            next++;
        }
    }
    assert_true(next == COLLECTIONS);
    assert_true(lines < COLLECTIONS / 20); /* many collections in one message */
    bench_close(&b);
}

/* A batch of 2,000 series whose values nothing can pack: some 16 KiB. */
static void take_noise(struct bench *b, uint64_t *chance, int64_t t_ms)
{
    auto_buf message = {0};
    for (int i = 0; i < 2000; i++) {
        char name[8];
        double v;
        struct label_builder l = {.n = 0};
        *chance ^= *chance << 13;
        *chance ^= *chance >> 7;
        *chance ^= *chance << 17;
        uint64_t bits = (*chance & ~(UINT64_C(0x7ff) << 52)) | UINT64_C(0x3ff) << 52;
        memcpy(&v, &bits, sizeof v);
        snprintf(name, sizeof name, "n%d", i);
        label_set(&l, SPAN(LABEL_NAME), span_of(name));
        write_series(&message, label_builder_end(&l), &(struct sample){t_ms, v}, 1);
    }
    struct collection c = kept(b, &message);
    ship_take(b->ship, &c);
}

/* A server that is back has other agents, too: no more than a MiB a second of what waited. */
static void test_replay_is_rate_limited(void **state UNUSED)
{
    enum { BATCHES = 96 };
    struct bench b = {.answers = {503}};
    uint64_t chance = 88172645463325252U;
    bench_open(&b);
    take(&b, "m", 0);
    run(&b); /* 503: from now on it waits */
    for (int i = 1; i < BATCHES; i++)
        take_noise(&b, &chance, i);
    run(&b);
    assert_int_equal(b.requests, 1 + BATCHES / 32);
    for (size_t i = 1; i < BATCHES / 32; i++) {
        assert_true(b.bytes[i] > 300000);
        int64_t pause_ms = (int64_t)b.bytes[i] * 1000 / (1 << 20);
        assert_true(b.at_ms[i + 1] - b.at_ms[i] >= pause_ms - 20); /* a timer may be early */
    }
    bench_close(&b);
}

static void test_missing_token_file(void **state UNUSED)
{
    struct loop *loop = NULL;
    struct ship *ship = NULL;
    assert_ok(loop_open(&loop, err));
    struct agent_config config = {
        .server = "http://127.0.0.1:1", .state = "/tmp", .token_file = "/no/t"};
    assert_fails(ship_open(loop, &(struct ship_config){.agent = &config}, &ship, err), NOT_FOUND,
                 "/no/t");
    assert_null(ship);
    config.token_file = NULL;
    config.server = "ftp://x";
    assert_fails(ship_open(loop, &(struct ship_config){.agent = &config}, &ship, err), INVALID,
                 "--server");
    loop_close(loop);
}

const struct CMUnitTest ship_tests[] = {
    cmocka_unit_test(test_live),
    cmocka_unit_test(test_falls_back_to_snappy),
    cmocka_unit_test(test_busy_server),
    cmocka_unit_test(test_retry_after),
    cmocka_unit_test(test_refused_for_good),
    cmocka_unit_test(test_kept_while_misconfigured),
    cmocka_unit_test(test_too_large_is_split),
    cmocka_unit_test(test_stopped_while_under_way),
    cmocka_unit_test(test_let_go_while_under_way),
    cmocka_unit_test(test_no_server),
    cmocka_unit_test(test_a_day_without_server),
    cmocka_unit_test(test_replay_is_rate_limited),
    cmocka_unit_test(test_enrolment),
    cmocka_unit_test(test_missing_token_file),
};
const size_t ship_tests_n = COUNT(ship_tests);
