#include "base/yaml.h"
#include "base/file.h"
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

static void a_tree_knows_its_places(void **state UNUSED)
{
    auto_arena a = {0};
    struct yaml *root;
    assert_ok(yaml_parse(SPAN("name: galen\nlist:\n  - 1\n  - \"2\"\nnone:\n"), "f.yaml", &a, &root,
                         err));
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->n, 3);
    struct yaml *list = yaml_get(root, "list");
    assert_int_equal(list->kind, YAML_LIST);
    assert_int_equal(list->items[1]->line, 4);
    assert_int_equal(list->items[1]->column, 5);
    assert_true(list->items[1]->quoted);
    assert_true(yaml_is_null(yaml_get(root, "none")));
    assert_null(yaml_get(root, "absent"));
}

static void bad_yaml_is_refused_with_its_place(void **state UNUSED)
{
    static const struct {
        const char *in, *says;
    } cases[] = {
        {"a: [1, 2", "f.yaml:2:1:"},
        {"a: 1\na: 2\n", "f.yaml:2:1: \"a\" is there already, on line 1"},
        {"a: &x 1\nb: *x\n", "f.yaml:1:4: anchors"},
        {"b: *x\n", "f.yaml:1:4: aliases"},
        {"a: !!int 1\n", "f.yaml:1:4: anchors and tags"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2:1: only one document"},
        {"? [x]\n: 1\n", "f.yaml:1:3: a key must be plain text"},
        {"\tx: 1\n", "f.yaml:1:1:"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena a = {0};
        struct yaml *root;
        assert_fails(yaml_parse(span_of(cases[i].in), "f.yaml", &a, &root, err), INVALID,
                     cases[i].says);
        assert_null(root);
    }
}

static void depth_and_size_have_ceilings(void **state UNUSED)
{
    for (int depth = YAML_MAX_DEPTH; depth <= YAML_MAX_DEPTH + 1; depth++) {
        auto_arena a = {0};
        auto_buf text = {0};
        struct yaml *root;
        buf_fill(&text, '[', (size_t)depth);
        buf_char(&text, '1');
        buf_fill(&text, ']', (size_t)depth);
        if (depth == YAML_MAX_DEPTH)
            assert_ok(yaml_parse(buf_view(&text), "f", &a, &root, err));
        else
            assert_fails(yaml_parse(buf_view(&text), "f", &a, &root, err), INVALID, "deep");
    }
    auto_arena a = {0};
    auto_buf text = {0};
    struct yaml *root;
    buf_str(&text, "- ");
    buf_fill(&text, 'x', YAML_MAX_BYTES - 2);
    assert_ok(yaml_parse(buf_view(&text), "f", &a, &root, err));
    buf_char(&text, 'x');
    assert_fails(yaml_parse(buf_view(&text), "f", &a, &root, err), FULL, "larger");
}

static void empty_files_have_no_root(void **state UNUSED)
{
    static const char *const cases[] = {"", "# only a comment\n", "\n\n"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena a = {0};
        struct yaml *root;
        assert_ok(yaml_parse(span_of(cases[i]), "f", &a, &root, err));
        assert_null(root);
    }
}

static void durations(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool ok;
        int64_t ms;
    } cases[] = {
        {"500ms", true, 500},      {"5s", true, 5000},    {"1m30s", true, 90000},
        {"30d", true, 2592000000}, {"1h", true, 3600000}, {"0s", true, 0},
        {"5", false, 0},           {"5 s", false, 0},     {"1s1m", false, 0},
        {"1s1s", false, 0},        {"-5s", false, 0},     {"", false, 0},
        {"s", false, 0},           {"1.5s", false, 0},    {"99999999999y", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = 0;
        assert_int_equal(duration_parse(span_of(cases[i].in), &ms), cases[i].ok);
        assert_true(ms == cases[i].ms);
        if (!cases[i].ok)
            continue;
        auto_buf text = {0};
        duration_print(&text, ms);
        assert_string_equal(buf_text(&text), cases[i].in);
    }
}

static void sizes(void **state UNUSED)
{
    static const struct {
        const char *in;
        bool ok;
        uint64_t bytes;
    } cases[] = {
        {"4096", true, 4096},
        {"64KiB", true, 65536},
        {"1GiB", true, 1 << 30},
        {"1GB", true, 1000000000},
        {"16777215TiB", true, UINT64_C(16777215) << 40},
        {"16777216TiB", false, 0},
        {"1.5GiB", false, 0},
        {"", false, 0},
        {"1GiB2", false, 0},
        {"KiB", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t bytes = 0;
        assert_int_equal(bytes_parse(span_of(cases[i].in), &bytes), cases[i].ok);
        if (cases[i].ok)
            assert_true(bytes == cases[i].bytes);
    }
}

struct example {
    const char *name;
    int64_t interval_ms, count;
    bool on;
    uint64_t size;
    double ratio;
    struct setting_list list;
};

static const struct setting table[] = {
    {"name", SETTING_STRING, offsetof(struct example, name), 0, 0, "a name"},
    {"agent.interval", SETTING_DURATION, offsetof(struct example, interval_ms), 500, 300000, ""},
    {"agent.count", SETTING_INT, offsetof(struct example, count), 1, 10, ""},
    {"agent.on", SETTING_BOOL, offsetof(struct example, on), 0, 0, ""},
    {"spool.size", SETTING_BYTES, offsetof(struct example, size), 1024, 1e9, ""},
    {"ratio", SETTING_DOUBLE, offsetof(struct example, ratio), 0, 1, ""},
    {"list", SETTING_LIST, offsetof(struct example, list), 0, 0, ""},
};

/* Writes the text to a temporary file and loads it. */
static enum status load(const char *text, struct example *out, struct arena *a, struct err *err)
{
    char path[] = "/tmp/galen-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text), err), OK);
    close(fd);
    enum status st = settings_load(path, table, COUNT(table), out, a, err);
    unlink(path);
    return st;
}

static void settings_fill_what_is_named(void **state UNUSED)
{
    auto_arena a = {0};
    struct example e = {.name = "kept", .count = 7};
    assert_ok(load("agent:\n  interval: 5s\n  on: true\nspool:\n  size: 1MiB\nratio: 0.5\n"
                   "list: [x, y]\n",
                   &e, &a, err));
    assert_string_equal(e.name, "kept");
    assert_int_equal(e.count, 7);
    assert_int_equal(e.interval_ms, 5000);
    assert_true(e.on);
    assert_int_equal(e.size, 1 << 20);
    assert_true(e.ratio == 0.5);
    assert_int_equal(e.list.n, 2);
    assert_string_equal(e.list.items[1], "y");
}

static void settings_refuse_with_the_place(void **state UNUSED)
{
    static const struct {
        const char *in, *says;
    } cases[] = {
        {"nam: x\n", ":1:1: unknown key \"nam\"; did you mean \"name\"?"},
        {"agent:\n  intervall: 5s\n",
         ":2:3: unknown key \"intervall\"; did you mean \"interval\"?"},
        {"agent:\n  interval: 5\n", ":2:13: \"5\" is not a duration such as"},
        {"agent:\n  interval: 499ms\n", ":2:13: 499ms is not in 500ms..5m"},
        {"agent:\n  interval: 301s\n", "is not in 500ms..5m"},
        {"agent:\n  count: 0\n", ":2:10: 0 is not in 1..10"},
        {"agent:\n  count: 11\n", "11 is not in 1..10"},
        {"agent:\n  count: x\n", "\"x\" is not a whole number"},
        {"agent:\n  on: maybe\n", "\"maybe\" is not true or false"},
        {"agent: 5\n", ":1:8: a map of"},
        {"spool:\n  size: 1\n", "1 is not in 1024..1000000000 bytes"},
        {"ratio: 1.1\n", "1.1 is not in 0..1"},
        {"list: x\n", "a list was expected"},
        {"name: [x]\n", "text was expected, not a list"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena a = {0};
        struct example e = {0};
        assert_fails(load(cases[i].in, &e, &a, err), INVALID, cases[i].says);
    }
}

static void settings_come_from_a_command_line_too(void **state UNUSED)
{
    auto_arena a = {0};
    struct example e = {0};
    assert_ok(settings_set(table, COUNT(table), "agent.interval", "1s", "--interval", &e, &a, err));
    assert_int_equal(e.interval_ms, 1000);
    assert_ok(settings_set(table, COUNT(table), "list", "a, b,c", "GALEN_LIST", &e, &a, err));
    assert_int_equal(e.list.n, 3);
    assert_string_equal(e.list.items[1], "b");
    assert_fails(
        settings_set(table, COUNT(table), "agent.interval", "x", "--interval", &e, &a, err),
        INVALID, "--interval: \"x\" is not a duration");
    assert_fails(settings_set(table, COUNT(table), "nothing", "x", "--nothing", &e, &a, err),
                 INVALID, "--nothing: there is no setting nothing");
}

/* What is printed is read back as the same. */
static void settings_are_printed_as_they_are_read(void **state UNUSED)
{
    static const struct {
        const char *key, *text;
    } cases[] = {
        {"agent.interval", "1m30s"}, {"list", "a,b"},   {"agent.count", "7"}, {"agent.on", "true"},
        {"spool.size", "4096"},      {"ratio", "0.25"}, {"name", "a name"},
    };
    auto_arena a = {0};
    struct example e = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_ok(
            settings_set(table, COUNT(table), cases[i].key, cases[i].text, "test", &e, &a, err));
        for (size_t k = 0; k < COUNT(table); k++) {
            auto_buf out = {0};
            if (!span_is(span_of(table[k].key), cases[i].key))
                continue;
            setting_print(&table[k], &e, &out);
            assert_string_equal(buf_text(&out), cases[i].text);
        }
    }
}

const struct CMUnitTest yaml_tests[] = {
    cmocka_unit_test(a_tree_knows_its_places),
    cmocka_unit_test(bad_yaml_is_refused_with_its_place),
    cmocka_unit_test(depth_and_size_have_ceilings),
    cmocka_unit_test(empty_files_have_no_root),
    cmocka_unit_test(durations),
    cmocka_unit_test(sizes),
    cmocka_unit_test(settings_fill_what_is_named),
    cmocka_unit_test(settings_refuse_with_the_place),
    cmocka_unit_test(settings_come_from_a_command_line_too),
    cmocka_unit_test(settings_are_printed_as_they_are_read),
};
const size_t yaml_tests_n = COUNT(yaml_tests);
