#include "base/file.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/galen-test-XXXXXX";

static int make_dir(void **state UNUSED)
{
    memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state UNUSED)
{
    char command[128];
    snprintf(command, sizeof command, "%s/new/deep", dir);
    rmdir(command);
    snprintf(command, sizeof command, "%s/new", dir);
    rmdir(command);
    snprintf(command, sizeof command, "%s/f", dir);
    unlink(command);
    return rmdir(dir);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void written_files_read_back(void **state UNUSED)
{
    auto_buf big = {0};
    buf_fill(&big, 'x', 100000);
    assert_ok(file_write_atomic(path_of("f"), buf_view(&big), 0600, err));
    struct stat info;
    assert_int_equal(stat(path_of("f"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    auto_buf back = {0};
    assert_ok(file_read(path_of("f"), &back, err));
    assert_true(span_eq(buf_view(&back), buf_view(&big)));
}

static void a_ceiling_stops_reading(void **state UNUSED)
{
    assert_ok(file_write_atomic(path_of("f"), SPAN("12345"), 0600, err));
    auto_buf exact = {.max = 5}, small = {.max = 4};
    assert_ok(file_read(path_of("f"), &exact, err));
    assert_fails(file_read(path_of("f"), &small, err), FULL, "larger than 4 bytes");
}

static void failures_name_the_file(void **state UNUSED)
{
    auto_buf b = {0};
    assert_fails(file_read("/nonexistent/x", &b, err), NOT_FOUND,
                 "open /nonexistent/x: No such file or directory");
    assert_fails(file_write_atomic("/nonexistent/x", SPAN("x"), 0600, err), NOT_FOUND,
                 "/nonexistent/x");
    assert_fails(dir_make("/proc/x/y", 0700, err), NOT_FOUND, "/proc/x");
}

static void directories_are_made_in_one_go(void **state UNUSED)
{
    assert_ok(dir_make(path_of("new/deep"), 0700, err));
    assert_ok(dir_make(path_of("new/deep"), 0700, err));
    assert_ok(file_write_atomic(path_of("f"), SPAN("x"), 0600, err));
    assert_fails(dir_make(path_of("f"), 0700, err), INVALID, "is not a directory");
}

static void secrets_are_one_line(void **state UNUSED)
{
    static const struct {
        struct span in;
        enum status want;
    } cases[] = {
        {SPAN("hunter2\n"), OK}, {SPAN("  hunter2 \r\n"), OK},    {SPAN(""), INVALID},
        {SPAN("\n"), INVALID},   {SPAN("two\nlines\n"), INVALID},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_ok(file_write_atomic(path_of("f"), cases[i].in, 0600, err));
        char *secret = NULL;
        struct err err;
        assert_int_equal(file_read_secret(path_of("f"), &secret, &err), cases[i].want);
        if (!cases[i].want)
            assert_string_equal(secret, "hunter2");
        free(secret);
    }
}

const struct CMUnitTest file_tests[] = {
    cmocka_unit_test_setup_teardown(written_files_read_back, make_dir, drop_dir),
    cmocka_unit_test_setup_teardown(a_ceiling_stops_reading, make_dir, drop_dir),
    cmocka_unit_test(failures_name_the_file),
    cmocka_unit_test_setup_teardown(directories_are_made_in_one_go, make_dir, drop_dir),
    cmocka_unit_test_setup_teardown(secrets_are_one_line, make_dir, drop_dir),
};
const size_t file_tests_n = COUNT(file_tests);
