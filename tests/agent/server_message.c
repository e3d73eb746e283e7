/* What a server may say, and orders to act. */
#include "unit.h"

#include "agent/action.h"
#include "agent/server_message.h"
#include "apply/apply.h"

static void test_reads(void **state UNUSED)
{
    static const struct {
        const char *text;
        enum server_op op; /* when says is NULL */
        const char *says;  /* refused, with this */
    } cases[] = {
        {"{\"op\":\"settings\",\"version\":3,\"settings\":{}}", SERVER_SETTINGS, NULL},
        {"{\"op\":\"live\",\"every_s\":0}", SERVER_LIVE, NULL},
        {"{\"op\":\"live\",\"every_s\":3600}", SERVER_LIVE, NULL},
        {"{\"op\":\"live\",\"every_s\":3601}", SERVER_OTHER, "3600"},
        {"{\"op\":\"live\",\"every_s\":-1}", SERVER_OTHER, "0"},
        {"{\"op\":\"live\",\"every_s\":\"often\"}", SERVER_OTHER, "number"},
        {"{\"op\":\"live\"}", SERVER_OTHER, "every_s"},
        {"{\"op\":\"snapshot\"}", SERVER_SNAPSHOT, NULL},
        {"{\"op\":\"advice\",\"recommendation\":null}", SERVER_ADVICE, NULL},
        {"{\"op\":\"act\"}", SERVER_ACT, NULL},
        {"{\"op\":\"token\",\"token\":\"gla_x\"}", SERVER_TOKEN, NULL},
        {"{\"op\":\"token\"}", SERVER_OTHER, "token has token"},
        {"{\"op\":\"token\",\"token\":{}}", SERVER_OTHER, "text"},
        {"{\"op\":\"news\",\"of\":\"next year\"}", SERVER_OTHER, NULL},
        {"{\"op\":\"\"}", SERVER_OTHER, NULL},
        {"{\"op\":7}", SERVER_OTHER, NULL}, /* a text like any other to YAML */
        {"{\"op\":[]}", SERVER_OTHER, "an object with \"op\""},
        {"{}", SERVER_OTHER, "an object with \"op\""},
        {"[\"op\"]", SERVER_OTHER, "an object with \"op\""},
        {"", SERVER_OTHER, "an object with \"op\""},
        {"{\"op\":", SERVER_OTHER, "message:2:1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct err err = {0};
        struct server_message m;
        enum status st = server_message_read(span_of(cases[i].text), &arena, &m, &err);
        if (cases[i].says && (st != INVALID || !strstr(err.text, cases[i].says)))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, err.text, cases[i].says);
        if (!cases[i].says && (st || m.op != cases[i].op))
            fail_msg("%s: %d, %s", cases[i].text, (int)m.op, err.text);
    }
}

static void test_values(void **state UNUSED)
{
    auto_arena arena = {0};
    struct server_message m;
    assert_ok(server_message_read(SPAN("{\"op\":\"live\",\"every_s\":0.25}"), &arena, &m, err));
    assert_int_equal(m.live_every_ms, 250);
    assert_ok(server_message_read(SPAN("{\"op\":\"token\",\"token\":\"gla_x\"}"), &arena, &m, err));
    assert_string_equal(m.token, "gla_x");
}

static void test_length(void **state UNUSED)
{
    for (size_t more = 0; more < 2; more++) {
        auto_arena arena = {0};
        auto_buf text = {0};
        struct server_message m;
        buf_str(&text, "{\"op\":\"snapshot\",\"x\":\"");
        while (text.len < SERVER_MESSAGE_MAX_BYTES + more - 2)
            buf_char(&text, 'x');
        buf_str(&text, "\"}");
        assert_int_equal(text.len, SERVER_MESSAGE_MAX_BYTES + more);
        if (more)
            assert_fails(server_message_read(buf_view(&text), &arena, &m, err), INVALID, "65536");
        else
            assert_ok(server_message_read(buf_view(&text), &arena, &m, err));
    }
}

#define APPLY(more)                                                                                \
    "{\"op\":\"act\",\"id\":1,\"action\":\"apply\",\"parameter\":\"vm.swappiness\"" more "}"

static void test_orders(void **state UNUSED)
{
    static const struct {
        const char *text, *says; /* says NULL: it is one */
        int64_t confirm_s;
    } cases[] = {
        {APPLY(",\"value\":\"10\",\"confirm_s\":600"), NULL, 600},
        {APPLY(",\"value\":\"10\",\"confirm_s\":1"), NULL, 1},
        {APPLY(",\"value\":\"10\",\"confirm_s\":86400"), NULL, 86400},
        {APPLY(",\"value\":\"10\",\"confirm_s\":0"), "1", 0},
        {APPLY(",\"value\":\"10\",\"confirm_s\":86401"), "86400", 0},
        {APPLY(",\"value\":\"10\""), "confirm_s", 0}, /* never for good */
        {APPLY(",\"confirm_s\":600"), "value", 0},
        {"{\"op\":\"act\",\"id\":1,\"action\":\"confirm\",\"parameter\":\"vm.swappiness\"}", NULL,
         0},
        {"{\"op\":\"act\",\"id\":0,\"action\":\"confirm\",\"parameter\":\"vm.swappiness\"}", "1",
         0},
        {"{\"op\":\"act\",\"action\":\"confirm\",\"parameter\":\"vm.swappiness\"}", "id", 0},
        {"{\"op\":\"act\",\"id\":1,\"parameter\":\"vm.swappiness\"}", "action", 0},
        {"{\"op\":\"act\",\"id\":1,\"action\":\"confirm\"}", "parameter", 0},
        {"{\"op\":\"act\",\"id\":1,\"action\":\"confirm\",\"parameter\":[]}", "text", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct server_message m;
        struct action_order o = {.action = "", .parameter = ""};
        struct err err = {0};
        assert_int_equal(server_message_read(span_of(cases[i].text), &arena, &m, NULL), OK);
        enum status st = action_order_read(m.root, &o, &err);
        if (cases[i].says ? st != INVALID || !strstr(err.text, cases[i].says) : st != OK)
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_int_equal(cases[i].says ? 0 : o.confirm_s, cases[i].confirm_s);
    }
}

/* ---- orders that are not obeyed ---- */

static void keep_answer(struct span text, void *arg)
{
    buf_clear(arg);
    buf_span(arg, text);
}

static void test_only_what_is_allowed(void **state UNUSED)
{
    static const char *const allowed[] = {ACTION_SYSCTL "vm.swappiness"};
    static const struct {
        const char *order, *says;
    } cases[] = {
        {"{\"op\":\"act\",\"id\":1,\"action\":\"apply\",\"parameter\":\"vm.dirty_ratio\","
         "\"value\":\"10\",\"confirm_s\":60}",
         "allow_actions does not list sysctl:vm.dirty_ratio"},
        {"{\"op\":\"act\",\"id\":1,\"action\":\"remove\",\"parameter\":\"vm.swappiness\"}",
         "no action \\\"remove\\\""},
        {"{\"op\":\"act\",\"id\":1,\"action\":\"apply\",\"parameter\":\"vm.swappiness\","
         "\"value\":\"100000\",\"confirm_s\":60}",
         "\"ok\":false"},
        {"{\"op\":\"act\"}", "an act has id"},
    };
    struct loop *loop;
    auto_buf said = {0};
    assert_ok(loop_open(&loop, err));
    struct actions *a = actions_open(
        &(struct actions_config){.loop = loop,
                                 .root = "/nonexistent",
                                 .allowed = {(const char **)(uintptr_t)allowed, COUNT(allowed)},
                                 .send = keep_answer,
                                 .arg = &said});
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct server_message m;
        assert_ok(server_message_read(span_of(cases[i].order), &arena, &m, err));
        actions_take(a, m.root);
        if (!strstr(buf_text(&said), cases[i].says) || !strstr(buf_text(&said), "\"ok\":false"))
            fail_msg("%s: %s", cases[i].order, buf_text(&said));
    }
    actions_close(a);
    loop_close(loop);
}

const struct CMUnitTest server_message_tests[] = {
    cmocka_unit_test(test_reads),
    cmocka_unit_test(test_values),
    cmocka_unit_test(test_length),
    cmocka_unit_test(test_orders),
    cmocka_unit_test(test_only_what_is_allowed),
};
const size_t server_message_tests_n = COUNT(server_message_tests);
