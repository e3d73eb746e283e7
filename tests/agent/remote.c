/* Settings from the server: what is taken, what is refused, what holds over a restart. */
#include "unit.h"

#include "agent/remote.h"
#include "agent/server_message.h"
#include "base/file.h"
#include "folder.h"

struct fixture {
    char *folder;
    struct arena arena;
    struct agent_config config;
    struct remote *remote;
};

static void open_fixture(struct fixture *f)
{
    f->folder = folder_make();
    f->config.state = f->folder;
    f->remote = remote_open(&f->config);
}

static void close_fixture(struct fixture *f)
{
    remote_close(f->remote);
    arena_free(&f->arena);
    folder_remove(f->folder);
}

/* The message with these settings, as the link gives it. */
static enum status give(struct fixture *f, int version, const char *settings, struct err *err)
{
    auto_buf text = {0};
    struct server_message m;
    buf_printf(&text, "{\"op\":\"settings\",\"version\":%d,\"settings\":%s}", version, settings);
    assert_int_equal(server_message_read(buf_view(&text), &f->arena, &m, NULL), OK);
    return remote_take(f->remote, m.root, buf_view(&text), err);
}

static void test_ranges(void **state UNUSED)
{
    static const struct {
        const char *settings, *says; /* NULL: taken */
    } cases[] = {
        {"{}", NULL},
        {"{\"collect_s\":0.5}", NULL},
        {"{\"collect_s\":0.49}", "collect_s"},
        {"{\"collect_s\":300}", NULL},
        {"{\"collect_s\":300.1}", "collect_s"},
        {"{\"send_s\":1}", NULL},
        {"{\"send_s\":0.9}", "send_s"},
        {"{\"send_s\":300}", NULL},
        {"{\"send_s\":301}", "send_s"},
        {"{\"display_s\":0.1}", NULL},
        {"{\"display_s\":0.09}", "display_s"},
        {"{\"display_s\":10}", NULL},
        {"{\"display_s\":10.1}", "display_s"},
        {"{\"processes_top\":1}", NULL},
        {"{\"processes_top\":0}", "processes_top"},
        {"{\"processes_top\":20}", NULL},
        {"{\"processes_top\":21}", "processes_top"},
        {"{\"preset\":\"realtime\"}", NULL},
        {"{\"preset\":\"balanced\"}", NULL},
        {"{\"preset\":\"trend\"}", NULL},
        {"{\"preset\":\"cluster\"}", NULL},
        {"{\"preset\":\"fast\"}", "preset"},
        {"{\"collectors_off\":[\"nic\"]}", NULL},
        {"{\"collectors_off\":[\"nix\"]}", "no collector \"nix\""},
        {"{\"services\":[\"shop\"],\"services_off\":[\"ssh\"]}", NULL},
        {"{\"colect_s\":1}", "colect_s"},
        {"[]", ""},
    };
    struct fixture f = {0};
    open_fixture(&f);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        int64_t before = remote_version(f.remote);
        enum status st = give(&f, (int)i + 1, cases[i].settings, &err);
        if (cases[i].says ? st != INVALID || !strstr(err.text, cases[i].says) : st != OK)
            fail_msg("%s: %s", cases[i].settings, err.text);
        assert_int_equal(remote_version(f.remote), cases[i].says ? before : (int64_t)i + 1);
    }
    close_fixture(&f);
}

static void test_holds_over_a_restart(void **state UNUSED)
{
    struct fixture f = {0};
    open_fixture(&f);
    assert_int_equal(remote_version(f.remote), 0);
    assert_int_equal(remote_settings(f.remote)->collect_ms, 5000);
    assert_ok(give(&f, 7, "{\"collect_s\":2,\"collectors_off\":[\"nic\",\"arp\"]}", err));
    assert_int_equal(give(&f, 8, "{\"collect_s\":2000}", NULL), INVALID);
    remote_close(f.remote);
    f.remote = remote_open(&f.config);
    assert_int_equal(remote_version(f.remote), 7);
    assert_int_equal(remote_settings(f.remote)->collect_ms, 2000);
    assert_int_equal(remote_settings(f.remote)->collectors_off.n, 2);
    assert_string_equal(remote_settings(f.remote)->collectors_off.items[1], "arp");
    close_fixture(&f);
}

static void test_a_damaged_file_is_passed_over(void **state UNUSED)
{
    static const char *const kept[] = {
        "", "{\"version\":", "{\"version\":3,\"settings\":{\"collect_s\":0}}",
        "{\"version\":3,\"settings\":{\"collectors_off\":[\"gone\"]}}"};
    for (size_t i = 0; i < COUNT(kept); i++) {
        struct fixture f = {0};
        open_fixture(&f);
        remote_close(f.remote);
        char *file = folder_path(&f.arena, f.folder, "settings.json");
        assert_ok(file_write_atomic(file, span_of(kept[i]), 0600, err));
        f.remote = remote_open(&f.config);
        assert_int_equal(remote_version(f.remote), 0);
        assert_int_equal(remote_settings(f.remote)->collect_ms, 5000);
        close_fixture(&f);
    }
}

/* What this machine's administrator has set stays, and is named. */
static void test_fixed(void **state UNUSED)
{
    struct fixture f = {.config = {.interval_ms = 2000, .processes_top = 3}};
    auto_buf applied = {0};
    open_fixture(&f);
    assert_ok(give(&f, 4, "{\"collect_s\":60,\"send_s\":30,\"processes_top\":9}", err));
    assert_int_equal(remote_settings(f.remote)->collect_ms, 2000);
    assert_int_equal(remote_settings(f.remote)->processes_top, 3);
    assert_int_equal(remote_settings(f.remote)->send_ms, 30000);
    assert_true(remote_fixed(f.remote, FIELD_COLLECT) && !remote_fixed(f.remote, FIELD_SEND));
    remote_applied_json(f.remote, &applied);
    assert_non_null(strstr(buf_text(&applied), "{\"op\":\"applied\",\"version\":4,\"settings\":{"));
    assert_non_null(strstr(buf_text(&applied), "\"fixed\":[\"collect_s\",\"processes_top\"]"));
    close_fixture(&f);
}

static void test_refusal(void **state UNUSED)
{
    auto_buf text = {0};
    remote_refused_json(9, "no \"x\"", &text);
    assert_string_equal(buf_text(&text),
                        "{\"op\":\"refused\",\"version\":9,\"detail\":\"no \\\"x\\\"\"}");
}

/* A disk that refuses: the settings hold until the agent ends. */
static void test_taken_without_a_disk(void **state UNUSED)
{
    struct fixture f = {0};
    open_fixture(&f);
    remote_close(f.remote);
    f.config.state = "/nonexistent/state";
    f.remote = remote_open(&f.config);
    assert_ok(give(&f, 2, "{\"collect_s\":1}", err));
    assert_int_equal(remote_settings(f.remote)->collect_ms, 1000);
    close_fixture(&f);
}

const struct CMUnitTest remote_tests[] = {
    cmocka_unit_test(test_ranges),
    cmocka_unit_test(test_holds_over_a_restart),
    cmocka_unit_test(test_a_damaged_file_is_passed_over),
    cmocka_unit_test(test_fixed),
    cmocka_unit_test(test_refusal),
    cmocka_unit_test(test_taken_without_a_disk),
};
const size_t remote_tests_n = COUNT(remote_tests);
