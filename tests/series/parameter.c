#include "unit.h"

#include "series/parameter.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void fields_have_names_and_places(void **state UNUSED)
{
    size_t i;
    assert_span(parameter_field(SPAN("kernel.sem"), 1), "semmns");
    assert_span(parameter_field(SPAN("net.ipv4.ip_local_port_range"), 1), "high");
    assert_span(parameter_field(SPAN("vm.lowmem_reserve_ratio"), 2), "2");
    assert_true(parameter_field_place(SPAN("net.ipv4.tcp_rmem"), SPAN("max"), &i) && i == 2);
    assert_false(parameter_field_place(SPAN("net.ipv4.tcp_rmem"), SPAN("most"), &i));
}

static void names_cannot_leave_proc_sys(void **state UNUSED)
{
    static const struct {
        const char *name;
        bool valid;
    } cases[] = {
        {"vm.swappiness", true},
        {"net/ipv4/conf/eth0.1/x", true},
        {"a", true},
        {"", false},
        {"/vm", false},
        {"vm/", false},
        {"vm..x", false},
        {"../etc/passwd", false},
        {"vm/../x", false},
        {"vm.swap piness", false},
        {"vm.x\n", false},
        {"net.*.x", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (parameter_name_valid(span_of(cases[i].name)) != cases[i].valid)
            fail_msg("%s", cases[i].name);
    char longest[PARAMETER_NAME_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_true(parameter_name_valid(span_from(longest, PARAMETER_NAME_MAX - 1)));
    assert_false(parameter_name_valid(span_from(longest, PARAMETER_NAME_MAX)));
}

static void lines_are_read_as_sysctl_does(void **state UNUSED)
{
    auto_arena arena = {0};
    auto_buf got = {0};
    struct sysctl_lines lines = {.rest = SPAN("# a comment\n; another\n\nvm.swappiness=10\n"
                                              "  -net/core/somaxconn =\t4096  \n"
                                              "kernel.sem = 32\t 4096  32 128\r\nnothing\n= 5\n"
                                              "net/ipv4/conf/eth0.1/forwarding=1")};
    struct sysctl_line l;
    while (sysctl_next(&lines, &l))
        buf_printf(&got, "%zu%s %s=%s\n", l.number, l.may_fail ? "-" : "",
                   parameter_dotted(&arena, l.name), parameter_value(&arena, l.value));
    assert_string_equal(buf_text(&got), "4 vm.swappiness=10\n5- net.core.somaxconn=4096\n"
                                        "6 kernel.sem=32 4096 32 128\n"
                                        "9 net.ipv4.conf.eth0/1.forwarding=1\n");
}

static void put(const char *root, const char *path)
{
    auto_buf whole = {0};
    buf_printf(&whole, "%s/%s", root, path);
    (void)buf_text(&whole); /* so that it ends with a NUL */
    for (char *p = whole.at + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(whole.at, 0700);
        *p = '/';
    }
    FILE *f = fopen(buf_text(&whole), "w");
    assert_non_null(f);
    fclose(f);
}

static void the_last_file_wins_and_the_first_folder(void **state UNUSED)
{
    auto_arena arena = {0};
    auto_buf got = {0};
    char root[] = "/tmp/galen-parameter-XXXXXX";
    assert_non_null(mkdtemp(root));
    static const char *const paths[] = {
        "usr/lib/sysctl.d/10-a.conf", "usr/lib/sysctl.d/50-b.conf", "etc/sysctl.d/50-b.conf",
        "run/sysctl.d/60-c.conf",     "etc/sysctl.d/README",        "etc/sysctl.conf",
    };
    for (size_t i = 0; i < COUNT(paths); i++)
        put(root, paths[i]);
    int fd = open(root, O_RDONLY | O_DIRECTORY);
    struct sysctl_file *files;
    size_t n = sysctl_files(fd, &arena, &files);
    close(fd);
    for (size_t i = 0; i < n; i++)
        buf_printf(&got, "%s\n", files[i].path);
    assert_string_equal(buf_text(&got), "usr/lib/sysctl.d/10-a.conf\netc/sysctl.d/50-b.conf\n"
                                        "run/sysctl.d/60-c.conf\netc/sysctl.conf\n");
    for (size_t i = 0; i < COUNT(paths); i++)
        remove(arena_printf(&arena, "%s/%s", root, paths[i]));
    static const char *const dirs[] = {"usr/lib/sysctl.d", "usr/lib", "usr", "etc/sysctl.d", "etc",
                                       "run/sysctl.d",     "run",     ""};
    for (size_t i = 0; i < COUNT(dirs); i++)
        rmdir(arena_printf(&arena, "%s/%s", root, dirs[i]));
}

const struct CMUnitTest parameter_tests[] = {
    cmocka_unit_test(fields_have_names_and_places),
    cmocka_unit_test(names_cannot_leave_proc_sys),
    cmocka_unit_test(lines_are_read_as_sysctl_does),
    cmocka_unit_test(the_last_file_wins_and_the_first_folder),
};
const size_t parameter_tests_n = COUNT(parameter_tests);
