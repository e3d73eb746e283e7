#include "unit.h"

#include "agent/config.h"
#include "base/file.h"
#include "folder.h"

#include <stdlib.h>

enum { ARGS_MAX = 8 };

static int read_args(const char *const *args, struct agent_config *c, struct arena *a,
                     struct err *err)
{
    char *argv[ARGS_MAX + 1] = {"galen-agent"};
    int argc = 1;
    for (; args[argc - 1]; argc++)
        argv[argc] = arena_dup(a, args[argc - 1]);
    return config_read(argc, argv, c, a, err);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_flags(void **state UNUSED)
{
    auto_arena a = {0};
    struct agent_config c;
    struct err fault = {0};
    assert_int_equal(read_args(ARGS("--server", "http://x", "--interval=1m30s", "--spool-max",
                                    "2MiB", "--collectors-off", "disk, nic", "--once"),
                               &c, &a, &fault),
                     OK);
    assert_string_equal(c.server, "http://x");
    assert_int_equal(c.interval_ms, 90000);
    assert_int_equal(c.spool_max_bytes, 2 << 20);
    assert_int_equal(c.collectors_off.n, 2);
    assert_string_equal(c.collectors_off.items[1], "nic");
    assert_int_equal(c.mode, MODE_ONCE);
    assert_string_equal(c.state, "/var/lib/galen-agent");
}

static void test_refused(void **state UNUSED)
{
    static const struct {
        const char *args[4];
        int status;
        const char *says;
    } cases[] = {
        {{"--sever", "x"}, CONFIG_USAGE, "no option --sever"},
        {{"stray"}, CONFIG_USAGE, "no option stray"},
        {{"--server"}, CONFIG_USAGE, "--server needs a value"},
        {{"--config"}, CONFIG_USAGE, "--config needs a value"},
        {{"--interval", "5", "--print"}, INVALID, "--interval"},
        {{"--interval", "100ms", "--print"}, INVALID, "--interval"},
        {{"--interval", "6m", "--print"}, INVALID, "--interval"},
        {{"--spool-max", "1KiB", "--print"}, INVALID, "--spool-max"},
        {{"--log-level", "loud", "--print"}, INVALID, "log_level"},
        {{"--log-format", "xml", "--print"}, INVALID, "log_format"},
        {{"--config", "/no/such/file", "--print"}, NOT_FOUND, "/no/such/file"},
        {{"--once"}, INVALID, "--server URL is missing"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena a = {0};
        struct agent_config c;
        struct err fault = {0};
        assert_int_equal(read_args(cases[i].args, &c, &a, &fault), cases[i].status);
        if (!strstr(fault.text, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", fault.text, cases[i].says);
    }
}

/* Flag, then environment, then file, then default. */
static void test_precedence(void **state UNUSED)
{
    auto_arena a = {0};
    struct agent_config c;
    struct err fault = {0};
    char *folder = folder_make(), *file = folder_path(&a, folder, "agent.yaml");
    assert_ok(file_write_atomic(file,
                                SPAN("server: http://file\ninterval: 10s\nstate: /file\n"
                                     "sysctls:\n  - vm.swappiness\n"),
                                0600, err));
    setenv("GALEN_INTERVAL", "20s", 1);
    setenv("GALEN_STATE", "/env", 1);
    assert_int_equal(read_args(ARGS("--config", file, "--state", "/flag"), &c, &a, &fault), OK);
    assert_string_equal(c.server, "http://file");
    assert_int_equal(c.interval_ms, 20000);
    assert_string_equal(c.state, "/flag");
    assert_int_equal(c.sysctls.n, 1);
    setenv("GALEN_INTERVAL", "soon", 1);
    assert_int_equal(read_args(ARGS("--config", file), &c, &a, &fault), INVALID);
    assert_non_null(strstr(fault.text, "GALEN_INTERVAL"));
    unsetenv("GALEN_INTERVAL");
    unsetenv("GALEN_STATE");
    assert_ok(file_write_atomic(file, SPAN("server: http://x\nintervall: 10s\n"), 0600, err));
    assert_int_equal(read_args(ARGS("--config", file), &c, &a, &fault), INVALID);
    assert_non_null(strstr(fault.text, "agent.yaml:2:"));
    folder_remove(folder);
}

static void test_help(void **state UNUSED)
{
    auto_arena a = {0};
    auto_buf text = {0};
    struct agent_config c;
    assert_int_equal(read_args(ARGS("--nonsense", "--help"), &c, &a, NULL), OK);
    assert_int_equal(c.mode, MODE_HELP);
    config_help(&text, false);
    size_t lines = 0;
    struct span rest = buf_view(&text), line;
    while (span_line(&rest, &line)) {
        assert_true(line.len <= 80);
        lines++;
    }
    assert_true(lines <= 24);
    assert_non_null(strstr(buf_text(&text), "--token-file"));
}

const struct CMUnitTest config_tests[] = {
    cmocka_unit_test(test_flags),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_precedence),
    cmocka_unit_test(test_help),
};
const size_t config_tests_n = COUNT(config_tests);
