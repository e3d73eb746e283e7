/* Scripts of queries and their results: our own in scripts/, and Prometheus's in ../shared. */
#include "unit.h"

#include "base/file.h"
#include "promql/script/script.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static struct script_totals run_folder(const char *path)
{
    struct script_totals totals = {0};
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (!span_ends(span_of(entry->d_name), SPAN(".test")))
            continue;
        auto_buf file = {0}, text = {.max = SCRIPT_MAX_BYTES}, out = {0};
        buf_printf(&file, "%s/%s", path, entry->d_name);
        assert_ok(file_read(buf_text(&file), &text, err));
        size_t failed = totals.failed;
        script_run(entry->d_name, buf_view(&text), &totals, &out);
        if (totals.failed > failed)
            fputs(buf_text(&out), stderr);
    }
    if (dir)
        closedir(dir);
    return totals;
}

static void own_scripts(void **state)
{
    (void)state;
    struct script_totals totals = run_folder(SOURCE_DIR "/tests/promql/scripts");
    assert_int_equal(totals.failed, 0);
    assert_int_equal(totals.skipped, 0);
    assert_true(totals.passed > 250);
}

static void shared_scripts(void **state)
{
    (void)state;
    const char *shared = getenv("GALEN_SHARED");
    auto_buf path = {0};
    buf_printf(&path, "%s/promql", shared ? shared : SOURCE_DIR "/../shared");
    struct script_totals totals = run_folder(buf_text(&path));
    if (totals.passed + totals.failed == 0) {
        print_message("no scripts in %s\n", buf_text(&path));
        skip();
    }
    assert_int_equal(totals.failed, 0);
    assert_true(totals.passed >= 384);
}

/* The runner itself: it must fail what is wrong, at the right line. */
static void runner(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t passed, failed, skipped;
        const char *says;
    } cases[] = {
        {"load 1m\n  m 1 2\n\neval instant at 1m m\n  m 2\n", 1, 0, 0, ""},
        {"load 1m\n  m 1 2\n\neval instant at 1m m\n  m 3\n", 0, 1, 0, "x:4: FAILED: m: "},
        {"load 1m\n  m 1 2\n\neval instant at 1m m\n", 0, 1, 0, "was not expected"},
        {"eval instant at 1m m\n  m 3\n", 0, 1, 0, "was not found"},
        {"eval instant at 1m 1 + 1\n  3\n", 0, 1, 0, "expected 3"},
        {"eval instant at 1m 1 +\n  3\n", 0, 1, 0, "parse error"},
        {"eval instant at 1m limitk(1, m)\n", 0, 0, 1, "not enabled"},
        {"load 1m\n  m {{count:1}}\n\neval instant at 1m m\n", 0, 0, 1, "native"},
        {"load 1m\n  m {{count:1}}\n\nclear\neval instant at 1m m\n", 1, 0, 0, ""},
        {"load_with_nhcb 1m\n  m_bucket{le=\"1\"} 1\n\neval instant at 1m m\n", 0, 0, 1, ""},
        {"eval_fail instant at 1m m + 1\n", 0, 1, 0, "expected to fail"},
        {"eval instant at 1m label_join(m, \"\", \"\", \"a\")\n  expect fail msg: nope\n", 0, 1, 0,
         "expected \"nope\""},
        {"eval instant at 1m m\n  expect warn\n", 0, 1, 0, "no note"},
        {"eval range from 0 to 1m step 1m sort(m)\n  expect no_warn\n", 0, 1, 0, "unexpected note"},
        {"load 1m\n  m{a=\"b} 1\n", 0, 1, 0, "x:1: FAILED: load 1m: no label value"},
        {"load x\n", 0, 1, 0, "FAILED"},
        {"nonsense\n", 0, 1, 0, "x:1: FAILED: nonsense: unknown command"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct script_totals totals = {0};
        auto_buf out = {0};
        script_run("x", span_of(cases[i].text), &totals, &out);
        if (totals.passed != cases[i].passed || totals.failed != cases[i].failed ||
            totals.skipped != cases[i].skipped || !strstr(buf_text(&out), cases[i].says))
            fail_msg("%s: %zu %zu %zu %s", cases[i].text, totals.passed, totals.failed,
                     totals.skipped, buf_text(&out));
    }
}

const struct CMUnitTest scripts_tests[] = {
    cmocka_unit_test(runner),
    cmocka_unit_test(own_scripts),
    cmocka_unit_test(shared_scripts),
};
const size_t scripts_tests_n = COUNT(scripts_tests);
