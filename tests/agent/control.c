/* The socket of `galen-agent status`: who asks is on a thread of its own, as another program is. */
#include "unit.h"

#include "agent/control.h"
#include "folder.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct asker {
    struct loop *loop;
    const char *path;
    enum status st;
    struct buf answer;
    struct err err;
};

static void *ask(void *arg)
{
    struct asker *a = arg;
    a->st = control_ask(a->path, &a->answer, &a->err);
    loop_stop(a->loop);
    return NULL;
}

static void say(struct buf *out, void *arg)
{
    size_t *n = arg;
    for (size_t i = 0; i < *n; i++)
        buf_char(out, 'x');
}

/* One question and its answer of n bytes. */
static void converse(struct asker *a, const char *path, size_t n)
{
    struct control *c;
    pthread_t thread;
    *a = (struct asker){.path = path};
    assert_ok(loop_open(&a->loop, err));
    assert_ok(control_open(a->loop, path, say, &n, &c, err));
    struct stat s;
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    assert_int_equal(pthread_create(&thread, NULL, ask, a), 0);
    loop_run(a->loop);
    pthread_join(thread, NULL);
    control_close(c);
    loop_close(a->loop);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_answers(void **state UNUSED)
{
    static const size_t sizes[] = {1, 5000, CONTROL_ANSWER_MAX_BYTES};
    auto_arena arena = {0};
    char *folder = folder_make();
    const char *path = folder_path(&arena, folder, "control.sock");
    struct asker a;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        converse(&a, path, sizes[i]);
        if (a.st)
            fail_msg("%zu bytes: %s", sizes[i], a.err.text);
        assert_int_equal(a.answer.len, sizes[i]);
        buf_free(&a.answer);
    }
    converse(&a, path, CONTROL_ANSWER_MAX_BYTES + 1); /* rather none than half of one */
    assert_int_equal(a.st, TIMED_OUT);
    assert_int_equal(a.answer.len, 0);
    buf_free(&a.answer);
    folder_remove(folder);
}

static void test_nobody(void **state UNUSED)
{
    auto_arena arena = {0};
    auto_buf out = {0};
    char *folder = folder_make();
    const char *path = folder_path(&arena, folder, "control.sock");
    struct err err = {0};
    assert_int_not_equal(control_ask(path, &out, &err), OK);
    assert_non_null(strstr(err.text, "no agent answers"));
    assert_non_null(strstr(err.text, path));
    folder_remove(folder);
}

/* An agent that was killed leaves its socket behind. */
static void test_takes_over(void **state UNUSED)
{
    auto_arena arena = {0};
    char *folder = folder_make();
    const char *path = folder_path(&arena, folder, "control.sock");
    struct loop *loop;
    struct control *first, *second;
    size_t n = 1;
    assert_ok(loop_open(&loop, err));
    assert_ok(control_open(loop, path, say, &n, &first, err));
    assert_ok(control_open(loop, path, say, &n, &second, err));
    control_close(second);
    control_close(first);
    loop_close(loop);
    folder_remove(folder);
}

static void test_path_too_long(void **state UNUSED)
{
    struct loop *loop;
    struct control *c;
    auto_buf path = {0}, out = {0};
    buf_str(&path, "/tmp/");
    while (path.len < 108)
        buf_char(&path, 'x');
    assert_ok(loop_open(&loop, err));
    assert_fails(control_open(loop, buf_text(&path), say, NULL, &c, err), INVALID, "107 bytes");
    assert_null(c);
    assert_fails(control_ask(buf_text(&path), &out, err), INVALID, "107 bytes");
    loop_close(loop);
}

static void test_path(void **state UNUSED)
{
    auto_buf at_state = {0}, at_run = {0};
    unsetenv("RUNTIME_DIRECTORY");
    control_path("/tmp/a", &at_state);
    assert_string_equal(buf_text(&at_state), "/tmp/a/control.sock");
    setenv("RUNTIME_DIRECTORY", "/run/b", 1);
    control_path("/tmp/a", &at_run);
    assert_string_equal(buf_text(&at_run), "/run/b/control.sock");
    unsetenv("RUNTIME_DIRECTORY");
}

const struct CMUnitTest control_tests[] = {
    cmocka_unit_test(test_answers),    cmocka_unit_test(test_nobody),
    cmocka_unit_test(test_takes_over), cmocka_unit_test(test_path_too_long),
    cmocka_unit_test(test_path),
};
const size_t control_tests_n = COUNT(control_tests);
