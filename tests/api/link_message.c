/* What agents may say on their link, with both sides of each ceiling. */
#include "unit.h"

#include "api/link_message.h"
#include "base/buf.h"
#include "series/host_settings.h"

static void test_reads(void **state UNUSED)
{
    static const struct {
        const char *text;
        enum link_op op; /* when says is NULL */
        const char *says;
    } cases[] = {
        {"{\"op\":\"hello\",\"protocol\":1,\"version\":\"0\",\"instance\":\"web1\"}", LINK_HELLO,
         NULL},
        {"{\"op\":\"hello\",\"protocol\":9,\"version\":\"\",\"instance\":\"w\",\"new\":{}}",
         LINK_HELLO, NULL},
        {"{\"op\":\"hello\",\"version\":\"0\",\"instance\":\"web1\"}", LINK_OTHER, "protocol"},
        {"{\"op\":\"hello\",\"protocol\":\"1\",\"version\":\"0\",\"instance\":\"web1\"}",
         LINK_OTHER, "protocol"},
        {"{\"op\":\"hello\",\"protocol\":1,\"instance\":\"web1\"}", LINK_OTHER, "version"},
        {"{\"op\":\"hello\",\"protocol\":1,\"version\":\"0\"}", LINK_OTHER, "instance"},
        {"{\"op\":\"hello\",\"protocol\":1,\"version\":\"0\",\"instance\":\"\"}", LINK_OTHER,
         "instance"},
        {"{\"op\":\"hello\",\"protocol\":1,\"version\":\"0\",\"instance\":7}", LINK_OTHER,
         "instance"},
        {"{\"op\":\"applied\",\"version\":3,\"settings\":{},\"fixed\":[]}", LINK_APPLIED, NULL},
        {"{\"op\":\"applied\"}", LINK_APPLIED, NULL},
        {"{\"op\":\"refused\",\"detail\":\"why\"}", LINK_REFUSED, NULL},
        {"{\"op\":\"refused\"}", LINK_REFUSED, NULL},
        {"{\"op\":\"processes\",\"processes\":{}}", LINK_PROCESSES, NULL},
        {"{\"op\":\"processes\"}", LINK_OTHER, "processes are missing"},
        {"{\"op\":\"inventory\",\"inventory\":{\"facts\":{\"a\":1}}}", LINK_INVENTORY, NULL},
        {"{\"op\":\"inventory\",\"inventory\":{\"facts\":[]}}", LINK_OTHER, "no facts"},
        {"{\"op\":\"inventory\",\"inventory\":{}}", LINK_OTHER, "no facts"},
        {"{\"op\":\"inventory\",\"inventory\":[]}", LINK_OTHER, "no facts"},
        {"{\"op\":\"services\",\"services\":[]}", LINK_SERVICES, NULL},
        {"{\"op\":\"services\"}", LINK_OTHER, "services are missing"},
        {"{\"op\":\"acted\",\"id\":12}", LINK_ACTED, NULL},
        {"{\"op\":\"of next year\"}", LINK_OTHER, NULL},
        {"{\"op\":null}", LINK_OTHER, "an object with \"op\""},
        {"{}", LINK_OTHER, "an object with \"op\""},
        {"[]", LINK_OTHER, "an object with \"op\""},
        {"", LINK_OTHER, "not JSON: line 1"},
        {"{\"op\":\"hello\"", LINK_OTHER, "not JSON: line 1, column 13"},
        {"{\"op\":\"a\",\"op\":\"b\"}", LINK_OTHER, "duplicate"},
        {"{\"op\":\"a\xff\"}", LINK_OTHER, "decode byte 0xff"},
        {"{\"op\":\"a\\u0000b\"}", LINK_OTHER, "NUL"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct link_message m;
        enum status st = link_message_read(span_of(cases[i].text), &m, &err);
        if (cases[i].says && (st != INVALID || !strstr(err.text, cases[i].says)))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, err.text, cases[i].says);
        if (!cases[i].says && (st || m.op != cases[i].op))
            fail_msg("%s: %d, %s", cases[i].text, (int)m.op, err.text);
        link_message_free(&m);
    }
}

static void test_values(void **state UNUSED)
{
    struct link_message m;
    assert_ok(link_message_read(SPAN("{\"op\":\"applied\",\"version\":3,\"settings\":{\"collect_"
                                     "s\": 1.0},\"fixed\":[\"a\"]}"),
                                &m, err));
    assert_int_equal(m.settings_version, 3);
    assert_string_equal(m.settings, "{\"collect_s\":1.0}");
    assert_string_equal(m.fixed, "[\"a\"]");
    assert_int_equal(m.at_ms, 0);
    link_message_free(&m);
    assert_ok(link_message_read(
        SPAN("{\"op\":\"processes\",\"at_ms\":17,\"asked\":true,\"processes\":{\"count\":2}}"), &m,
        err));
    assert_true(m.asked);
    assert_int_equal(m.at_ms, 17);
    assert_string_equal(m.json, "{\"count\":2}");
    link_message_free(&m);
    assert_ok(
        link_message_read(SPAN("{\"op\":\"services\",\"at_ms\":-5,\"services\":[]}"), &m, err));
    assert_int_equal(m.at_ms, 0); /* no time of a machine */
    link_message_free(&m);
    assert_ok(link_message_read(SPAN("{\"op\":\"refused\"}"), &m, err));
    assert_string_equal(m.detail, "no reason was given");
    link_message_free(&m);
}

/* head, so many 'x', tail; with the quotes the text member is x long. */
static void fill(struct buf *text, const char *head, size_t n, const char *tail)
{
    buf_str(text, head);
    for (size_t i = 0; i < n; i++)
        buf_char(text, 'x');
    buf_str(text, tail);
}

static void test_ceilings(void **state UNUSED)
{
    static const struct {
        const char *head, *tail;
        size_t max; /* 'x' that still fit */
    } cases[] = {
        {"{\"op\":\"hello\",\"protocol\":1,\"version\":\"0\",\"instance\":\"", "\"}",
         LINK_TEXT_MAX_BYTES},
        {"{\"op\":\"hello\",\"protocol\":1,\"instance\":\"w\",\"version\":\"", "\"}",
         LINK_TEXT_MAX_BYTES},
        {"{\"op\":\"processes\",\"processes\":\"", "\"}", LINK_PROCESSES_MAX_BYTES - 2},
        {"{\"op\":\"services\",\"services\":\"", "\"}", LINK_SERVICES_MAX_BYTES - 2},
        {"{\"op\":\"inventory\",\"inventory\":{\"facts\":{\"a\":\"", "\"}}}",
         LINK_INVENTORY_MAX_BYTES - 8},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t more = 0; more < 2; more++) {
            auto_buf text = {0};
            struct link_message m;
            fill(&text, cases[i].head, cases[i].max + more, cases[i].tail);
            enum status st = link_message_read(buf_view(&text), &m, NULL);
            if (st != (more ? INVALID : OK))
                fail_msg("%s... of %zu: %d", cases[i].head, cases[i].max + more, (int)st);
            link_message_free(&m);
        }
}

/* What is too long of a message whose rest is good counts as not said. */
static void test_too_long_is_not_said(void **state UNUSED)
{
    auto_buf reason = {0}, settings = {0};
    struct link_message m;
    fill(&reason, "{\"op\":\"refused\",\"detail\":\"", LINK_TEXT_MAX_BYTES + 1, "\"}");
    assert_ok(link_message_read(buf_view(&reason), &m, err));
    assert_string_equal(m.detail, "no reason was given");
    link_message_free(&m);
    fill(&settings, "{\"op\":\"applied\",\"version\":1,\"settings\":\"", HOST_SETTINGS_MAX_BYTES,
         "\"}");
    assert_ok(link_message_read(buf_view(&settings), &m, err));
    assert_null(m.settings);
    link_message_free(&m);
}

const struct CMUnitTest link_message_tests[] = {
    cmocka_unit_test(test_reads),
    cmocka_unit_test(test_values),
    cmocka_unit_test(test_ceilings),
    cmocka_unit_test(test_too_long_is_not_said),
};
const size_t link_message_tests_n = COUNT(link_message_tests);
