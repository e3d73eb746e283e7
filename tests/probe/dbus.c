/* Messages as the specification lays them out, and what is not one. */
#include "unit.h"

#include "probe/dbus.h"

/* The bytes that dbus-send writes for such a call, but for the order of the fields. */
static void test_call(void **state UNUSED)
{
    static const char want[] = "l\1\0\1\0\0\0\0\1\0\0\0m\0\0\0"
                               "\1\1o\0\25\0\0\0/org/freedesktop/DBus\0\0\0"
                               "\2\1s\0\24\0\0\0org.freedesktop.DBus\0\0\0\0"
                               "\3\1s\0\5\0\0\0Hello\0\0\0"
                               "\6\1s\0\24\0\0\0org.freedesktop.DBus\0\0\0\0";
    auto_buf out = {0};
    struct dbus_call hello = {.destination = "org.freedesktop.DBus",
                              .path = "/org/freedesktop/DBus",
                              .interface = "org.freedesktop.DBus",
                              .member = "Hello"};
    dbus_put_call(&out, 1, &hello);
    assert_int_equal(out.len, sizeof want - 1);
    assert_memory_equal(out.at, want, out.len);
    assert_int_equal(dbus_length(buf_view(&out)), out.len);
}

static void put_u32(struct buf *b, uint32_t v)
{
    while (b->len % 4)
        buf_char(b, '\0');
    buf_put(b, &v, 4);
}

static void put_string(struct buf *b, const char *s)
{
    put_u32(b, (uint32_t)strlen(s));
    buf_str(b, s);
    buf_char(b, '\0');
}

static void put_unit(struct buf *b, const char *name, const char *active)
{
    while (b->len % 8)
        buf_char(b, '\0');
    put_string(b, name);
    put_string(b, "a description");
    put_string(b, "loaded");
    put_string(b, active);
    put_string(b, "running");
    put_string(b, "");
    put_string(b, "/org/freedesktop/systemd1/unit/x");
    put_u32(b, 0);
    put_string(b, "");
    put_string(b, "/");
}

static void units_body(struct buf *b)
{
    put_u32(b, 0);
    put_u32(b, 0); /* the padding before the first */
    put_unit(b, "a.service", "active");
    put_unit(b, "a-longer-name.service", "failed");
    uint32_t len = (uint32_t)b->len - 8;
    memcpy(b->at, &len, 4);
}

static void test_units(void **state UNUSED)
{
    auto_buf body = {0};
    units_body(&body);
    struct dbus_message m = {.type = DBUS_RETURN, .body = buf_view(&body)};
    struct dbus_unit u;
    size_t at = 0;
    bool bad = false;
    assert_true(dbus_next_unit(&m, &at, &u, &bad));
    assert_span(u.name, "a.service");
    assert_span(u.active, "active");
    assert_true(dbus_next_unit(&m, &at, &u, &bad));
    assert_span(u.name, "a-longer-name.service");
    assert_span(u.active, "failed");
    assert_span(u.sub, "running");
    assert_false(dbus_next_unit(&m, &at, &u, &bad));
    assert_false(bad);
}

/* Cut anywhere, it is not taken for whole. */
static void test_cut_units(void **state UNUSED)
{
    auto_buf body = {0};
    units_body(&body);
    for (size_t len = 0; len < body.len; len++) {
        struct dbus_message m = {.type = DBUS_RETURN, .body = {body.at, len}};
        struct dbus_unit u;
        size_t at = 0;
        bool bad = false;
        while (dbus_next_unit(&m, &at, &u, &bad))
            continue;
        assert_true(bad);
    }
}

static void test_no_units(void **state UNUSED)
{
    static const struct span empty[] = {SPAN("\0\0\0\0"), SPAN("\0\0\0\0\0\0\0\0")};
    for (size_t i = 0; i < COUNT(empty); i++) {
        struct dbus_message m = {.body = empty[i]};
        struct dbus_unit u;
        size_t at = 0;
        bool bad = false;
        assert_false(dbus_next_unit(&m, &at, &u, &bad));
        assert_false(bad);
    }
}

static void test_heads(void **state UNUSED)
{
    static const struct {
        struct span head;
        size_t length;
    } cases[] = {
        {SPAN("l\2\0\1\4\0\0\0\1\0\0\0\0\0\0\0"), 20},
        {SPAN("l\2\0\1\4\0\0\0\1\0\0\0\1\0\0\0"), 28},
        {SPAN("B\2\0\1\0\0\0\4\0\0\0\1\0\0\0\1"), 28},
        {SPAN("l\2\0\2\4\0\0\0\1\0\0\0\0\0\0\0"), 0}, /* another version */
        {SPAN("x\2\0\1\4\0\0\0\1\0\0\0\0\0\0\0"), 0},
        {SPAN("l\2\0\1\0\0\0\1\1\0\0\0\0\0\0\0"), 0}, /* 16 MiB of body */
        {SPAN("l\2\0\1\4\0\0\0\1\0\0\0\1\0\1\0"), 0}, /* 64 KiB and a byte of fields */
        {SPAN("l\2\0\1\4\0\0\0\1\0\0\0\0\0\0"), 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(dbus_length(cases[i].head), cases[i].length);
}

static void test_error_message(void **state UNUSED)
{
    static const char text[] = "l\3\1\1\6\0\0\0\7\0\0\0\37\0\0\0"
                               "\4\1s\0\3\0\0\0a.b\0\0\0\0\0"
                               "\5\1u\0\2\0\0\0"
                               "\10\1g\0\1s\0\0"
                               "\1\0\0\0x";
    struct dbus_message m;
    struct span why;
    assert_true(dbus_parse(span_from(text, sizeof text), &m));
    assert_int_equal(m.type, DBUS_ERROR);
    assert_int_equal(m.reply_to, 2);
    assert_span(m.error, "a.b");
    assert_span(m.signature, "s");
    assert_true(dbus_string(&m, &why));
    assert_span(why, "x");
    for (size_t len = 0; len < sizeof text; len++)
        assert_false(dbus_parse(span_from(text, len), &m));
}

const struct CMUnitTest dbus_tests[] = {
    cmocka_unit_test(test_call),      cmocka_unit_test(test_units),
    cmocka_unit_test(test_cut_units), cmocka_unit_test(test_no_units),
    cmocka_unit_test(test_heads),     cmocka_unit_test(test_error_message),
};
const size_t dbus_tests_n = COUNT(dbus_tests);
