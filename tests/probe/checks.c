/* Checks against listeners of this process, and a whole probe without a bus. */
#include "unit.h"

#include "probe/check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void stop(void *arg)
{
    loop_stop(arg);
}

static struct check_result run(const struct check_config *config, int64_t timeout_ms,
                               struct check **out)
{
    struct loop *loop = NULL;
    assert_ok(loop_open(&loop, err));
    struct check *c = check_open(loop, config, timeout_ms, stop, loop);
    check_start(c);
    loop_run(loop);
    struct check_result result = check_result(c);
    result.reason = result.reason ? strdup(result.reason) : NULL;
    check_close(c);
    loop_close(loop);
    (void)out;
    return result;
}

/* backlog -1: bound, but nobody listens. */
static int bound(char *target, size_t size, int backlog)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (void *)&a, sizeof a) == 0);
    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (void *)&a, &len), 0);
    snprintf(target, size, "127.0.0.1:%u", ntohs(a.sin_port));
    return fd;
}

static void expect(struct check_result r, enum verdict_of_check want, const char *says)
{
    assert_int_equal(r.verdict, want);
    if (says && (!r.reason || !strstr(r.reason, says)))
        fail_msg("\"%s\" does not say \"%s\"", r.reason ? r.reason : "", says);
    free((void *)r.reason);
}

static void test_tcp(void **state UNUSED)
{
    char good[64], bad[64];
    int listener = bound(good, sizeof good, 5), nobody = bound(bad, sizeof bad, -1);
    struct check_config c = {.kind = CHECK_TCP, .name = "tcp", .target = good};
    expect(run(&c, 2000, NULL), CHECK_OK, NULL);
    c.target = bad;
    expect(run(&c, 2000, NULL), CHECK_FAILED, "Connection refused");
    c.guess = true;
    expect(run(&c, 2000, NULL), CHECK_SKIPPED, NULL);
    close(listener);
    close(nobody);
}

static void test_unix(void **state UNUSED)
{
    char long_path[200] = "/";
    memset(long_path + 1, 'x', sizeof long_path - 2);
    struct check_config c = {.kind = CHECK_UNIX, .name = "unix", .target = "/no/such/socket"};
    expect(run(&c, 2000, NULL), CHECK_FAILED, "No such file");
    c.target = long_path;
    expect(run(&c, 2000, NULL), CHECK_FAILED, "too long");
}

/* A listener that accepts nothing: the connection stands, no answer comes. */
static void test_http_timeout(void **state UNUSED)
{
    char target[64], url[96];
    int listener = bound(target, sizeof target, 5);
    snprintf(url, sizeof url, "http://%s/", target);
    struct check_config c = {.kind = CHECK_HTTP, .name = "http", .target = url};
    expect(run(&c, 100, NULL), CHECK_FAILED, NULL);
    close(listener);
}

static void test_probe_without_bus(void **state UNUSED)
{
    struct loop *loop = NULL;
    struct collect *collect = NULL;
    struct probe *p = NULL;
    const char *names[] = {"test_probe", "no-such-service"};
    auto_buf json = {0};
    assert_ok(loop_open(&loop, err));
    assert_ok(collect_open(&(struct collect_config){.root = "/"}, &collect, err));
    collect_run(collect, 1000, 1000, true);
    struct probe_config config = {
        .collect = collect, .names = {names, COUNT(names)}, .bus = "/no/bus"};
    assert_ok(probe_open(loop, &config, &p, err));
    services_json(p, &json);
    assert_string_equal(buf_text(&json), "[]");
    struct timer *timer = timer_open(loop, stop, loop);
    timer_once(timer, 1000);
    loop_run(loop);
    buf_clear(&json);
    services_json(p, &json);
    assert_non_null(strstr(buf_text(&json), "{\"name\":\"test_probe\",\"state\":\"running\","
                                            "\"health\":\"healthy\",\"source\":\"process\""));
    assert_non_null(strstr(buf_text(&json), "{\"name\":\"no-such-service\",\"state\":\"not_found\","
                                            "\"health\":\"unknown\",\"reason\":\""));
    probe_set(p, (struct setting_list){names, 1}, (struct setting_list){0});
    buf_clear(&json);
    services_json(p, &json);
    assert_string_equal(buf_text(&json), "[]");
    probe_close(p);
    timer_close(timer);
    collect_close(collect);
    loop_close(loop);
}

const struct CMUnitTest checks_tests[] = {
    cmocka_unit_test(test_tcp),
    cmocka_unit_test(test_unix),
    cmocka_unit_test(test_http_timeout),
    cmocka_unit_test(test_probe_without_bus),
};
const size_t checks_tests_n = COUNT(checks_tests);
