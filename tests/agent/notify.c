/* What systemd is told. */
#include "unit.h"

#include "agent/notify.h"
#include "folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void test_datagram(void **state UNUSED)
{
    char *folder = folder_make(), got[32] = {0};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", folder);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    notify("READY=1");
    assert_int_equal(recv(fd, got, sizeof got - 1, 0), strlen("READY=1"));
    assert_string_equal(got, "READY=1");
    setenv("NOTIFY_SOCKET", "relative", 1);
    notify("READY=1");
    assert_true(recv(fd, got, sizeof got - 1, 0) < 0);
    unsetenv("NOTIFY_SOCKET");
    notify("READY=1");
    close(fd);
    folder_remove(folder);
}

static void test_watchdog(void **state UNUSED)
{
    char pid[24];
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "60000000", 1);
    assert_int_equal(notify_watchdog_ms(), 30000);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_ms(), 30000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(notify_watchdog_ms(), 0);
    unsetenv("WATCHDOG_PID");
    setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(notify_watchdog_ms(), 0);
    unsetenv("WATCHDOG_USEC");
}

const struct CMUnitTest notify_tests[] = {
    cmocka_unit_test(test_datagram),
    cmocka_unit_test(test_watchdog),
};
const size_t notify_tests_n = COUNT(notify_tests);
