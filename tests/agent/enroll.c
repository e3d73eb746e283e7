#include "unit.h"

#include "agent/enroll.h"
#include "base/file.h"
#include "folder.h"

#include <sys/stat.h>
#include <unistd.h>

static void test_request(void **state UNUSED)
{
    auto_buf body = {0};
    enroll_request(&body, "abc", "web\"1");
    assert_string_equal(buf_text(&body), "{\"machine_id\":\"abc\",\"hostname\":\"web\\\"1\"}");
}

static void test_accept(void **state UNUSED)
{
    static const struct {
        const char *answer;
        const char *token; /* NULL: refused */
    } cases[] = {
        {"{\"token\":\"gla_x-Y_z\",\"host_id\":\"7\"}", "gla_x-Y_z\n"},
        {"{ \"host_id\": \"7\", \"token\": \"t\" }", "t\n"},
        {"{\"host_id\":\"7\"}", NULL},
        {"{\"token\":\"\"}", NULL},
        {"{\"token\":\"a b\"}", NULL},
        {"{\"token\":\"a\\nb\"}", NULL},
        {"{\"token\":{\"a\":1}}", NULL},
        {"[]", NULL},
        {"", NULL},
        {"<html>", NULL},
    };
    char *folder = folder_make();
    auto_arena a = {0};
    char *file = folder_path(&a, folder, "token");
    for (size_t i = 0; i < COUNT(cases); i++) {
        unlink(file);
        enum status st = enroll_accept(span_of(cases[i].answer), file, NULL);
        auto_buf text = {0};
        if (!cases[i].token) {
            assert_int_equal(st, INVALID);
            assert_int_not_equal(access(file, F_OK), 0);
            continue;
        }
        assert_int_equal(st, OK);
        assert_ok(file_read(file, &text, err));
        assert_string_equal(buf_text(&text), cases[i].token);
        struct stat s;
        assert_int_equal(stat(file, &s), 0);
        assert_int_equal(s.st_mode & 0777, 0600);
    }
    folder_remove(folder);
}

const struct CMUnitTest enroll_tests[] = {
    cmocka_unit_test(test_request),
    cmocka_unit_test(test_accept),
};
const size_t enroll_tests_n = COUNT(enroll_tests);
