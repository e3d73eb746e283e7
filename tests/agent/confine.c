/* What the filter of system calls lets through and what not: each case in a process of its own. */
#include "unit.h"

#include "agent/confine.h"
#include "base/file.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool refused(long result)
{
    return result == -1 && errno == EPERM;
}

static bool no_program(void)
{
    char *args[] = {"/bin/true", NULL};
    return refused(execv("/bin/true", args));
}

static bool no_child(void)
{
    return refused(fork());
}

static bool no_packets(void)
{
    return refused(socket(AF_PACKET, SOCK_RAW, 0));
}

static bool no_tracing(void)
{
    return refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static bool no_mount(void)
{
    return refused(mount("none", "/mnt", "tmpfs", 0, NULL));
}

static bool no_signal(void)
{
    return refused(kill(getppid(), SIGTERM));
}

static bool no_rights(void)
{
    return refused(setuid(0));
}

static void *nothing(void *arg)
{
    return arg;
}

static bool a_thread(void)
{
    pthread_t thread;
    void *got = NULL;
    int here;
    return pthread_create(&thread, NULL, nothing, &here) == 0 && pthread_join(thread, &got) == 0 &&
           got == &here;
}

static bool a_name(void)
{
    struct addrinfo *found = NULL;
    bool ok = getaddrinfo("localhost", "80", NULL, &found) == 0;
    if (ok)
        freeaddrinfo(found);
    return ok;
}

static bool a_file(void)
{
    auto_buf text = {0};
    char path[] = "/tmp/galen-confine-XXXXXX";
    int fd = mkstemp(path);
    bool ok = fd >= 0 && file_write_atomic(path, SPAN("x"), 0600, NULL) == OK &&
              file_read(path, &text, NULL) == OK && text.len == 1;
    close(fd);
    return unlink(path) == 0 && ok;
}

static bool sockets(void)
{
    int a = socket(AF_INET6, SOCK_STREAM, 0), b = socket(AF_NETLINK, SOCK_RAW, 4);
    int c = socket(AF_UNIX, SOCK_STREAM, 0);
    return (a >= 0 || errno == EAFNOSUPPORT) && b >= 0 && c >= 0;
}

/* The exit status as waitpid tells it; what it wrote on standard error in out. */
static int in_child(enum confine_mode mode, bool (*check)(void), struct buf *out)
{
    int ends[2], status = -1;
    char piece[512];
    ssize_t n;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        _exit(confine_self(mode, NULL) ? 3 : check() ? 0 : 1);
    }
    close(ends[1]);
    while ((n = read(ends[0], piece, sizeof piece)) > 0)
        buf_put(out, piece, (size_t)n);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* ThreadSanitizer's own thread needs calls that the filter refuses. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CANNOT_FILTER true
#endif
#endif
#ifndef CANNOT_FILTER
#define CANNOT_FILTER false
#endif

static bool has_filters(void)
{
    if (CANNOT_FILTER)
        return false;
    auto_buf said = {0};
    int status = in_child(CONFINE_ON, a_thread, &said);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static const struct {
    const char *name;
    bool (*check)(void);
    bool refused;
} cases[] = {
    {"execve", no_program, true}, {"fork", no_child, true},      {"AF_PACKET", no_packets, true},
    {"ptrace", no_tracing, true}, {"mount", no_mount, true},     {"kill", no_signal, true},
    {"setuid", no_rights, true},  {"a thread", a_thread, false}, {"getaddrinfo", a_name, false},
    {"a file", a_file, false},    {"sockets", sockets, false}};

static void test_on(void **state UNUSED)
{
    if (!has_filters())
        skip();
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf said = {0};
        int status = in_child(CONFINE_ON, cases[i].check, &said);
        bool told = said.len && strstr(buf_text(&said), "is not allowed and was refused");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || told != cases[i].refused)
            fail_msg("%s: status %d, said \"%s\"", cases[i].name, status,
                     said.len ? buf_text(&said) : "");
    }
}

static void test_strict(void **state UNUSED)
{
    if (!has_filters())
        skip();
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf said = {0};
        int status = in_child(CONFINE_STRICT, cases[i].check, &said);
        if (cases[i].refused)
            assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
        else
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static bool no_new_privs_holds(void)
{
    auto_buf text = {0};
    return file_read("/proc/self/status", &text, NULL) == OK &&
           strstr(buf_text(&text), "NoNewPrivs:\t1") && !refused(socket(AF_UNIX, SOCK_STREAM, 0));
}

static void test_off(void **state UNUSED)
{
    auto_buf said = {0};
    assert_int_equal(in_child(CONFINE_OFF, no_new_privs_holds, &said), 0);
    assert_int_equal(WEXITSTATUS(in_child(CONFINE_OFF, no_child, &said)), 1);
}

static void test_names(void **state UNUSED)
{
    enum confine_mode mode;
    assert_true(confine_mode_of("on", &mode) && mode == CONFINE_ON);
    assert_true(confine_mode_of("off", &mode) && mode == CONFINE_OFF);
    assert_true(confine_mode_of("strict", &mode) && mode == CONFINE_STRICT);
    assert_false(confine_mode_of("yes", &mode));
}

const struct CMUnitTest confine_tests[] = {
    cmocka_unit_test(test_on),
    cmocka_unit_test(test_strict),
    cmocka_unit_test(test_off),
    cmocka_unit_test(test_names),
};
const size_t confine_tests_n = COUNT(confine_tests);
