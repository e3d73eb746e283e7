/* Processes and inventory: parsers, made-up machines, this machine. */
#include "unit.h"

#include "collect/parse.h"
#include "collect/process.h"
#include "machine.h"
#include "scratch.h"

#include "base/clock.h"

#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#define STAT_TAIL                                                                                  \
    " S 1 2 3 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 9 0 4242 1048576 77 18446744073709551615 1"

static void test_stat(void **state UNUSED)
{
    static const struct {
        const char *text, *name;
    } good[] = {
        {"17 (nginx)" STAT_TAIL, "nginx"},
        {"17 (a b) c)" STAT_TAIL "\n", "a b) c"},
        {"17 (()" STAT_TAIL, "("},
        {"17 (new\nline)" STAT_TAIL, "new\nline"},
    };
    static const char *const bad[] = {
        "",
        "17",
        "17 ()",
        "17 (x",
        "17 (x) S 1 2",
        "17 (x) SS 1 2 3 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 9 0 4242 1048576 77",
        "17 (x) S 1 2 3 0 -1 4194560 1 2 3 4 -1 50 7 8 20 0 9 0 4242 1048576 77",
        "17 (x) S 1 2 3 0 -1 0 1 2 3 4 18446744073709551615 50 7 8 20 0 9 0 1 1 7",
    };
    struct process_stat s;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(parse_process_stat(span_of(good[i].text), &s));
        assert_true(span_is(s.name, good[i].name));
        assert_int_equal(s.state, 'S');
        assert_int_equal(s.cpu_ticks, 200);
        assert_int_equal(s.threads, 9);
        assert_int_equal(s.start_ticks, 4242);
        assert_int_equal(s.virtual_bytes, 1048576);
        assert_int_equal(s.resident_pages, 77);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(parse_process_stat(span_of(bad[i]), &s));
}

static void test_small_files(void **state UNUSED)
{
    uint64_t a, b;
    uint32_t uid;
    struct span out;
    assert_true(parse_process_io(SPAN("rchar: 1\nread_bytes: 5\nwrite_bytes: 6\n"), &a, &b));
    assert_true(a == 5 && b == 6);
    assert_false(parse_process_io(SPAN("read_bytes: 5\n"), &a, &b));
    assert_true(parse_open_files_limit(
        SPAN("Limit Soft Hard\nMax open files            1024                 unlimited  files\n"),
        &a, &b));
    assert_true(a == 1024 && b == UINT64_MAX);
    assert_false(parse_open_files_limit(SPAN("Max open files  1024\n"), &a, &b));
    assert_true(parse_status_uid(SPAN("Name:\tx\nUid:\t0\t33\t33\t33\n"), &uid) && uid == 33);
    assert_false(parse_status_uid(SPAN("Uid:\t0\n"), &uid));
    assert_false(parse_status_uid(SPAN("Uid:\t0\t4294967296\n"), &uid));
    assert_true(parse_passwd_line(SPAN("www-data:x:33:33::/:/bin/sh"), &out, &uid) && uid == 33);
    assert_false(parse_passwd_line(SPAN(":x:33:"), &out, &uid));
    assert_false(parse_passwd_line(SPAN("a:x"), &out, &uid));
}

static void test_units(void **state UNUSED)
{
    static const struct {
        const char *text, *unit;
    } cases[] = {
        {"0::/system.slice/nginx.service\n", "nginx.service"},
        {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n", "x.scope"},
        {"12:pids:/a\n1:name=systemd:/system.slice/ssh.service\n0::/\n", "ssh.service"},
        {"0::/docker/0123abc\n", "0123abc"},
        {"0::/\n", NULL},
        {"", NULL},
        {"12:pids:/a.service\n", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span unit;
        assert_int_equal(parse_cgroup_unit(span_of(cases[i].text), &unit), cases[i].unit != NULL);
        if (cases[i].unit)
            assert_true(span_is(unit, cases[i].unit));
    }
}

static void test_secrets(void **state UNUSED)
{
    static const struct {
        struct span in;
        const char *out;
    } cases[] = {
        {SPAN("nginx: worker process\0"), "nginx: worker process"},
        {SPAN("a\0-b\0\0c"), "a -b c"},
        {SPAN("x\0--password=hunter2\0y"), "x --password=*** y"},
        {SPAN("x\0--Password\0hunter2\0y"), "x --Password *** y"},
        {SPAN("x\0DB_PASSWORD=hunter2"), "x DB_PASSWORD=***"},
        {SPAN("x\0--password\0-v\0y"), "x --password -v y"},
        {SPAN("x\0--token-file\0/etc/t"), "x --token-file /etc/t"},
        {SPAN("say password please"), "say password please"},
        {SPAN(""), ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *got = process_command(cases[i].in);
        assert_string_equal(got, cases[i].out);
        free(got);
    }
}

static json_t *snapshot(struct collect *c)
{
    auto_buf out = {0};
    assert_true(processes_json(c, &out));
    json_error_t e;
    json_t *root = json_loadb(out.at, out.len, 0, &e);
    assert_non_null(root);
    return root;
}

static json_t *process_of(json_t *root, int64_t pid)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(root, "processes"), i,
                       one) if (json_integer_value(json_object_get(one, "pid")) == pid) return one;
    return NULL;
}

static int64_t first_of(json_t *root, const char *order)
{
    json_t *list = json_object_get(json_object_get(root, "top"), order);
    return json_integer_value(json_array_get(list, 0));
}

/* This test itself uses the processor, and is seen with its own name, user and start. */
static void test_this_process(void **state UNUSED)
{
    struct collect *c = NULL;
    auto_buf none = {0};
    assert_ok(collect_open(&(struct collect_config){.root = "/", .processes_top = 20}, &c, err));
    assert_false(processes_json(c, &none));
    collect_run(c, 1000000, 1000, true);
    int64_t until = clock_cpu_ns() + 200 * 1000000;
    while (clock_cpu_ns() < until)
        continue;
    collect_run(c, 1001000, 2000, true);
    json_t *root = snapshot(c), *me = process_of(root, getpid());
    assert_non_null(me);
    assert_string_equal(json_string_value(json_object_get(me, "name")), "test_collect");
    assert_string_equal(json_string_value(json_object_get(me, "state")), "R");
    /* 0.2 s of it over what the caller says was one second */
    double cpu = json_number_value(json_object_get(me, "cpu"));
    assert_true(cpu >= 0.15 && cpu < 100);
    assert_int_equal(json_integer_value(json_object_get(me, "uid")), geteuid());
    assert_true(json_number_value(json_object_get(me, "resident_bytes")) > 1e6);
    assert_int_equal(json_integer_value(json_object_get(root, "over_ms")), 1000);
    json_decref(root);
    collect_close(c);
}

static void test_recorded_processes(void **state UNUSED)
{
    struct collect *c = machine_open("processes");
    collect_run(c, 1000000, 1000, true);
    json_t *root = snapshot(c);
    assert_int_equal(json_integer_value(json_object_get(root, "count")), 4);
    assert_int_equal(json_integer_value(json_object_get(root, "threads")), 13);
    assert_int_equal(first_of(root, "memory"), 200);
    assert_int_equal(first_of(root, "descriptors"), 100);
    json_t *nginx = process_of(root, 100), *kernel = process_of(root, 2);
    assert_string_equal(json_string_value(json_object_get(nginx, "unit")), "nginx.service");
    assert_string_equal(json_string_value(json_object_get(nginx, "user")), "www-data");
    assert_string_equal(json_string_value(json_object_get(nginx, "command")), "nginx: worker");
    assert_int_equal(json_integer_value(json_object_get(nginx, "started_ms")), 1000000001000);
    assert_int_equal(json_integer_value(json_object_get(nginx, "descriptors_limit")), 4);
    assert_null(json_object_get(nginx, "cpu")); /* one pass tells no share */
    assert_null(kernel);                        /* no memory, no descriptors, no time */
    json_decref(root);
    collect_close(c);
}

enum { CROWD = 3000 };

static void put_crowd(const struct scratch *s)
{
    for (int pid = 1000; pid < 1000 + CROWD; pid++) {
        char path[64], text[256];
        snprintf(path, sizeof path, "proc/%d/stat", pid);
        snprintf(text, sizeof text,
                 "%d (worker) S 1 1 1 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 100 1000000 10 0 0 0\n", pid);
        scratch_put(s, path, text);
    }
}

static void remove_crowd(const struct scratch *s)
{
    for (int pid = 1000; pid < 1000 + CROWD; pid++) {
        char path[96];
        snprintf(path, sizeof path, "%s/proc/%d/stat", s->dir, pid);
        assert_int_equal(unlink(path), 0);
        *strrchr(path, '/') = '\0';
        assert_int_equal(rmdir(path), 0);
    }
}

static size_t used_after(struct scratch *s, int64_t t_ms)
{
    auto_buf message = {0};
    scratch_collect(s, t_ms, &message);
    scratch_collect(s, t_ms + 60000, &message);
    scratch_collect(s, t_ms + 120000, &message);
    buf_free(&message);
    return mallinfo2().uordblks;
}

static void test_a_crowd_leaves_no_room(void **state UNUSED)
{
    struct scratch s = scratch_open();
    scratch_put(&s, "proc/1/stat",
                "1 (init) S 0 1 1 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 1 1000000 10 0 0 0\n");
    size_t few = used_after(&s, 1000000);
    put_crowd(&s);
    size_t many = used_after(&s, 2000000);
    remove_crowd(&s);
    size_t after = used_after(&s, 3000000);
    scratch_close(&s);
    if (few) /* a sanitizer's allocator counts nothing */
        assert_true(many - few > CROWD * sizeof(struct process));
    assert_true(after - few < CROWD * sizeof(struct process) / 4);
}

static void inventory_of(const char *machine, json_t **root)
{
    struct collect *c = machine_open(machine);
    auto_buf out = {0}, again = {0};
    json_error_t e;
    inventory_json(c, &out);
    inventory_json(c, &again);
    assert_true(span_eq(buf_view(&out), buf_view(&again)));
    *root = json_loadb(out.at, out.len, 0, &e);
    assert_non_null(*root);
    collect_close(c);
}

static void test_inventory(void **state UNUSED)
{
    json_t *root, *other;
    inventory_of("debian12", &root);
    inventory_of("lxc", &other);
    json_t *facts = json_object_get(root, "facts");
    assert_string_equal(json_string_value(json_object_get(facts, "hostname")), "recorded");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(facts, "memory"), "total_bytes")),
        25276510208);
    assert_true(json_array_size(json_object_get(facts, "mounts")) >= 2);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(other, "facts"), "container")), "lxc");
    assert_string_not_equal(json_string_value(json_object_get(root, "version")),
                            json_string_value(json_object_get(other, "version")));
    json_decref(root);
    json_decref(other);
}

const struct CMUnitTest processes_tests[] = {
    cmocka_unit_test(test_stat),         cmocka_unit_test(test_small_files),
    cmocka_unit_test(test_units),        cmocka_unit_test(test_secrets),
    cmocka_unit_test(test_this_process), cmocka_unit_test(test_recorded_processes),
    cmocka_unit_test(test_inventory),    cmocka_unit_test(test_a_crowd_leaves_no_room),
};
const size_t processes_tests_n = COUNT(processes_tests);
