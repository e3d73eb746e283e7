/* This machine. Skips what its kernel does not offer. */
#include "unit.h"

#include "collect/guard.h"
#include "collect/sockdiag.h"
#include "machine.h"

#include "base/clock.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void test_steady_state_allocates_nothing(void **state UNUSED)
{
    struct collect *c = NULL;
    auto_buf message = {0};
    assert_ok(collect_open(&(struct collect_config){.root = "/"}, &c, err));
    size_t used = 0;
    for (int i = 0; i < 40; i++) {
        int64_t now = 1000 * i;
        collect_run(c, now, now, false);
        buf_clear(&message);
        assert_true(collect_write(c, &message) > 50);
        if (i == 20)
            used = mallinfo2().uordblks;
    }
    /* Something may have come or gone meanwhile (a port, a mount), not hundreds. */
    assert_true(mallinfo2().uordblks < used + 4096);
    collect_close(c);
}

/* Every collector runs on this machine without a word that is not understood. */
static void test_nothing_is_odd(void **state UNUSED)
{
    struct collect *c = NULL;
    auto_buf text = {0};
    assert_ok(collect_open(&(struct collect_config){.root = "/"}, &c, err));
    collect_run(c, clock_wall_ms(), clock_mono_ms(), true);
    collect_run(c, clock_wall_ms(), clock_mono_ms(), true);
    collect_expose(c, &text, true);
    collect_close(c);
    double total = -1;
    size_t n;
    const struct collector *const *all = collect_table(&n);
    for (size_t i = 0; i < n; i++) {
        auto_buf name = {0};
        buf_printf(&name, "galen_agent_collector_faults_total{collector=\"%s\"}", all[i]->name);
        assert_true(text_value(&text, buf_text(&name), &total));
        if (total != 0)
            fail_msg("collector %s has faults", all[i]->name);
    }
    assert_true(text_value(&text, "node_memory_MemTotal_bytes", &total) && total > 0);
    assert_true(text_value(&text, "galen_sysctl{name=\"vm.swappiness\"}", &total));
}

static int listen_on(uint16_t *port, int backlog)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (void *)&a, sizeof a) || listen(fd, backlog) ||
        getsockname(fd, (void *)&a, &len))
        fail_msg("a listener on loopback");
    *port = ntohs(a.sin_port);
    return fd;
}

static void expect_listener(const struct buf *text, const char *metric, uint16_t port, double want)
{
    auto_buf name = {0};
    double got = -1;
    buf_printf(&name, "%s{port=\"%u\"}", metric, port);
    if (!text_value(text, buf_text(&name), &got) || got != want)
        fail_msg("%s is %g, not %g", buf_text(&name), got, want);
}

static void connect_some(int *clients, size_t n, uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t i = 0; i < n; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(clients[i] >= 0);
        (void)!connect(clients[i], (void *)&a, sizeof a);
    }
}

/* Where the kernel is busy it answers on the loopback a little later. */
static void wait_for_queue(struct collect *c, struct buf *text, uint16_t port, double want)
{
    auto_buf name = {0};
    buf_printf(&name, "galen_listener_queue_length{port=\"%u\"}", port);
    double got = -1;
    for (int i = 0; i < 500 && got != want; i++) {
        nanosleep(&(struct timespec){.tv_nsec = i ? 20000000 : 0}, NULL);
        collect_run(c, 2000 + i, 2000 + i, true);
        buf_clear(text);
        collect_expose(c, text, true);
        (void)!text_value(text, buf_text(&name), &got);
    }
}

/* A real accept queue: three may wait, more come, the kernel drops, and the listener is named as
 * the one to blame, with its program's limit. */
static void test_real_overflow(void **state UNUSED)
{
    enum { BACKLOG = 3, CLIENTS = 12 };
    struct collect *c = NULL;
    uint16_t port;
    int clients[CLIENTS];
    auto_buf text = {0};
    auto_fd fd UNUSED = listen_on(&port, BACKLOG);
    assert_ok(collect_open(&(struct collect_config){.root = "/"}, &c, err));
    collect_run(c, 1000, 1000, true);
    collect_expose(c, &text, true);
    expect_listener(&text, "galen_listener_queue_limit", port, BACKLOG);
    expect_listener(&text, "galen_listener_queue_length", port, 0);
    connect_some(clients, CLIENTS, port);
    wait_for_queue(c, &text, port, BACKLOG + 1);
    expect_listener(&text, "galen_listener_queue_length", port, BACKLOG + 1);
    expect_listener(&text, "galen_listener_limit_is_somaxconn", port, 0);
    for (size_t i = 0; i < CLIENTS; i++)
        close(clients[i]);
    collect_close(c);
}

/* The thread has its time to answer as wanted. */
static void expect_answer(struct guard **g, const char *path, enum guard_answer want)
{
    struct statvfs v;
    enum guard_answer answer = guard_ask(g, path, 1000, &v);
    for (int i = 0; i < 400 && answer != want; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        answer = guard_ask(g, path, 1000, &v);
    }
    assert_int_equal(answer, want);
}

static void test_guard(void **state UNUSED)
{
    struct guard *g = NULL, *bad = NULL;
    struct statvfs v;
    assert_int_equal(guard_ask(&g, "/", 0, &v), GUARD_WAITING);
    expect_answer(&g, "/", GUARD_ANSWERED);
    expect_answer(&bad, "/no/such/place", GUARD_FAILED);
    guard_drop(g);
    guard_drop(bad);
    guard_drop(NULL);
}

static pthread_mutex_t hanging = PTHREAD_MUTEX_INITIALIZER;

static int hang(const char *path, struct statvfs *out)
{
    if (strncmp(path, "/hang", 5) == 0) {
        pthread_mutex_lock(&hanging);
        pthread_mutex_unlock(&hanging);
    }
    return statvfs("/", out);
}

static void until_asking(unsigned threads)
{
    for (int i = 0; i < 2000 && guard_asking() != threads; i++)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    assert_int_equal(guard_asking(), threads);
}

/* A server of files goes away: its mounts fail after two seconds, others answer as long as a
 * thread is free for them; when it is back all is well again. */
static void test_guard_of_hanging_mounts(void **state UNUSED)
{
    struct guard *hung[GUARD_THREADS_MAX] = {0}, *other = NULL;
    struct statvfs v;
    until_asking(0);
    guard_statvfs = hang;
    pthread_mutex_lock(&hanging);
    for (size_t i = 0; i + 1 < COUNT(hung); i++) {
        assert_int_equal(guard_ask(&hung[i], "/hang", 0, &v), GUARD_WAITING);
        assert_int_equal(guard_ask(&hung[i], "/hang", GUARD_TIMEOUT_MS - 1, &v), GUARD_WAITING);
        assert_int_equal(guard_ask(&hung[i], "/hang", GUARD_TIMEOUT_MS, &v), GUARD_FAILED);
    }
    expect_answer(&other, "/other", GUARD_ANSWERED);
    until_asking(COUNT(hung) - 1);
    assert_int_equal(guard_ask(&hung[COUNT(hung) - 1], "/hang", 5000, &v), GUARD_WAITING);
    /* Every thread hangs: the last answer is good for a minute. */
    struct guard *late = NULL;
    guard_ask(&late, "/hang", 5000, &v);
    assert_int_equal(guard_ask(&other, "/other", 6000, &v), GUARD_ANSWERED);
    assert_int_equal(guard_ask(&other, "/other", 1000 + 2 * GUARD_KEEP_MS, &v), GUARD_FAILED);
    guard_drop(hung[0]); /* while its thread hangs */
    pthread_mutex_unlock(&hanging);
    expect_answer(&hung[1], "/hang", GUARD_ANSWERED);
    expect_answer(&late, "/hang", GUARD_ANSWERED);
    for (size_t i = 1; i < COUNT(hung); i++)
        guard_drop(hung[i]);
    guard_drop(other);
    guard_drop(late);
    guard_statvfs = statvfs;
}

/* A datagram socket with a small buffer of its own choice, and more sent than fits. */
static void test_udp_drops(void **state UNUSED)
{
    enum { SENT = 200, BYTES = 1000 };
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int small = 4096;
    char bytes[BYTES] = {0};
    struct collect *c = NULL;
    auto_buf text = {0}, name = {0};
    double v = 0;
    auto_fd to = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    auto_fd from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(to, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    assert_true(bind(to, (void *)&a, sizeof a) == 0 && getsockname(to, (void *)&a, &len) == 0);
    assert_ok(collect_open(&(struct collect_config){.root = "/"}, &c, err));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < SENT; i++)
            (void)!sendto(from, bytes, sizeof bytes, 0, (void *)&a, sizeof a);
        collect_run(c, 1000 + 100000 * round, 1000 + 100000 * round, true);
    }
    collect_expose(c, &text, true);
    buf_printf(&name, "galen_udp_socket_drops_total{port=\"%u\"}", ntohs(a.sin_port));
    assert_true(text_value(&text, buf_text(&name), &v) && v >= SENT && v <= 2 * SENT);
    buf_clear(&name);
    buf_printf(&name, "galen_udp_drops_limited_by{parameter=\"program\",port=\"%u\"}",
               ntohs(a.sin_port));
    assert_true(text_value(&text, buf_text(&name), &v) && v == 1);
    collect_close(c);
}

static void test_inotify(void **state UNUSED)
{
    struct collect *c = NULL;
    auto_buf text = {0}, name = {0};
    double before = 0, after = 0;
    buf_printf(&name, "galen_inotify_watches{uid=\"%u\"}", geteuid());
    assert_ok(collect_open(&(struct collect_config){.root = "/"}, &c, err));
    collect_run(c, 1000, 1000, true);
    collect_expose(c, &text, true);
    (void)!text_value(&text, buf_text(&name), &before);
    auto_fd fd = inotify_init1(IN_CLOEXEC);
    assert_true(inotify_add_watch(fd, "/", IN_CREATE) > 0 &&
                inotify_add_watch(fd, "/tmp", IN_DELETE_SELF) > 0);
    collect_run(c, 2000, 2000, true);
    buf_clear(&text);
    collect_expose(c, &text, true);
    assert_true(text_value(&text, buf_text(&name), &after));
    assert_true(after >= 2);
    collect_close(c);
}

static size_t times_told(const struct collect *c, const char *name)
{
    auto_buf out = {0};
    size_t n = 0;
    collect_write(c, &out);
    for (size_t at = 0; at + strlen(name) <= out.len; at++)
        n += memcmp(out.at + at, name, strlen(name)) == 0;
    return n;
}

/* Queries look back five minutes: what is read every ten is told in between, too. */
static void test_seldom_values_are_told_again(void **state UNUSED)
{
    static const char name[] = "galen_inotify_unseen_processes";
    struct collect *c = NULL;
    assert_ok(collect_open(&(struct collect_config){.root = "/"}, &c, err));
    collect_run(c, 1000, 1000, false);
    assert_int_equal(times_told(c, name), 1);
    collect_run(c, 120 * 1000, 120 * 1000, false);
    assert_int_equal(times_told(c, name), 0);
    collect_run(c, 121 * 1000, 121 * 1000, false);
    assert_int_equal(times_told(c, name), 1);
    collect_run(c, 122 * 1000, 122 * 1000, false);
    assert_int_equal(times_told(c, name), 0);
    collect_close(c);
}

/* Many mappings of little memory: neither large nor among the largest. */
static void test_many_mappings_are_found(void **state UNUSED)
{
    enum { PAGES = 5000, PAGE_BYTES = 4096 };
    struct collect *c = NULL;
    auto_buf text = {0};
    char *at =
        mmap(NULL, (size_t)PAGES * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    for (size_t i = 0; i < PAGES; i += 2) /* alternate rights, so that they are not one mapping */
        assert_int_equal(mprotect(at + i * PAGE_BYTES, PAGE_BYTES, PROT_READ), 0);
    assert_ok(collect_open(&(struct collect_config){.root = "/"}, &c, err));
    collect_run(c, 1000, 1000, true);
    collect_expose(c, &text, true);
    double most = 0;
    struct span rest = buf_view(&text);
    for (struct span line; span_line(&rest, &line);)
        if (span_starts(line, SPAN("galen_process_maps{"))) {
            const char *value = memrchr(line.at, ' ', line.len);
            double v = strtod(value, NULL);
            most = v > most ? v : most;
        }
    assert_true(most >= PAGES);
    munmap(at, (size_t)PAGES * PAGE_BYTES);
    collect_close(c);
}

static void count(const struct tcp_socket *s, void *arg)
{
    size_t *n = arg;
    assert_int_equal(s->state, TCP_STATE_LISTEN);
    (*n)++;
}

static void test_sockdiag(void **state UNUSED)
{
    struct sockdiag d = {0};
    uint16_t port;
    size_t first = 0, second = 0;
    assert_ok(sockdiag_tcp(&d, 1u << TCP_STATE_LISTEN, count, &first, err));
    auto_fd fd UNUSED = listen_on(&port, 1);
    assert_ok(sockdiag_tcp(&d, 1u << TCP_STATE_LISTEN, count, &second, err));
    assert_true(second >= 1);
    sockdiag_close(&d);
    sockdiag_close(&d);
}

const struct CMUnitTest live_tests[] = {
    cmocka_unit_test(test_steady_state_allocates_nothing),
    cmocka_unit_test(test_nothing_is_odd),
    cmocka_unit_test(test_real_overflow),
    cmocka_unit_test(test_guard),
    cmocka_unit_test(test_guard_of_hanging_mounts),
    cmocka_unit_test(test_sockdiag),
    cmocka_unit_test(test_udp_drops),
    cmocka_unit_test(test_inotify),
    cmocka_unit_test(test_seldom_values_are_told_again),
    cmocka_unit_test(test_many_mappings_are_found),
};
const size_t live_tests_n = COUNT(live_tests);
