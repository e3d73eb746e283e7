/* What a channel may be, where it may not go, and that secrets stay secret. */
#include "notify/notify.h"
#include "unit.h"

static const struct notify_settings strict = {.user_agent = "test"};

static const char note[] =
    "{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[{\"status\":\"firing\",\"labels\":{"
    "\"alertname\":\"A\"},\"annotations\":{},\"startsAt\":\"2026-11-21T06:30:00.000Z\"}]}";

static void configurations(void **state)
{
    static const struct {
        const char *kind, *config, *says; /* says NULL: fine */
    } cases[] = {
        {"pigeon", "{}", "no channel of kind \"pigeon\""},
        {"slack", "[]", "is an object"},
        {"slack", "{", "not JSON"},
        {"slack", "{}", "needs \"url\""},
        {"slack", "{\"url\":\"https://hooks.example.com/x\"}", NULL},
        {"slack", "{\"url\":\"http://hooks.example.com/x\"}", "must begin with https://"},
        {"slack", "{\"url\":\"file:///etc/passwd\"}", "is not an http:// or https://"},
        {"slack", "{\"url\":\"gopher://example.com/\"}", "is not an http:// or https://"},
        {"slack", "{\"url\":\"https://a/\\r\\nX: y\"}", "is not an http:// or https://"},
        {"slack", "{\"url\":\"https://a/\",\"hannel\":1}", "has no \"hannel\""},
        {"webhook", "{\"url\":{\"env\":\"GALEN_NO_SUCH\"}}", "the environment has no"},
        {"webhook", "{\"url\":{\"credential\":\"../x\"}}", "there is no credential"},
        {"webhook", "{\"url\":5}", "a text, {\"file\""},
        {"email", "{\"host\":\"m\",\"from\":\"a@b.c\",\"to\":[\"d@e.f\"]}", NULL},
        {"email", "{\"host\":\"m/x\",\"from\":\"a@b.c\",\"to\":[\"d@e.f\"]}", "\"host\" is"},
        {"email", "{\"host\":\"m\",\"from\":\"a\",\"to\":[\"d@e.f\"]}", "\"from\" is an address"},
        {"email", "{\"host\":\"m\",\"from\":\"a@b.c\",\"to\":[]}", "1 to 50 addresses"},
        {"email", "{\"host\":\"m\",\"from\":\"a@b.c\",\"to\":[\"d@e.f\\nBcc: x@y.z\"]}",
         "number 1 is not an address"},
        {"email", "{\"host\":\"m\",\"from\":\"a@b.c>\",\"to\":[\"d@e.f\"]}", "\"from\""},
        {"email", "{\"host\":\"m\",\"from\":\"a@b.c\",\"to\":[\"d@e.f\"],\"port\":0}", "1..65535"},
        {"email", "{\"host\":\"m\",\"from\":\"a@b.c\",\"to\":[\"d@e.f\"],\"tls\":\"maybe\"}",
         "starttls, tls or none"},
        {"email",
         "{\"host\":\"m\",\"from\":\"a@b.c\",\"to\":[\"d@e.f\"],\"tls\":\"none\",\"user\":\"u\"}",
         "not sent without TLS"},
        {"sms", "{\"account\":\"AC1\",\"token\":\"t\",\"from\":\"+1\",\"to\":[\"+49\"]}", NULL},
        {"sms", "{\"account\":\"A/../C\",\"token\":\"t\",\"from\":\"+1\",\"to\":[\"+49\"]}",
         "letters and digits"},
        {"sms", "{\"account\":\"AC1\",\"token\":\"t\",\"from\":\"+1\",\"to\":[\"49\"]}",
         "+4930123456"},
        {"script", "{\"name\":\"x\"}", "scripts are off"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        enum status st =
            notify_check(span_of(cases[i].kind), span_of(cases[i].config), &strict, &err);
        if (cases[i].says ? !st || !strstr(err.text, cases[i].says) : st != OK)
            fail_msg("%s %s: %d \"%s\"", cases[i].kind, cases[i].config, st, err.text);
    }
}

static void scripts_stay_in_their_directory(void **state)
{
    static const char *const names[] = {"../sh", "/bin/sh", ".", "..", "", "no-such"};
    struct notify_settings with = {.scripts_dir = "/bin"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        auto_buf config = {0};
        buf_printf(&config, "{\"name\":\"%s\"}", names[i]);
        assert_int_equal(notify_check(SPAN("script"), buf_view(&config), &with, NULL), INVALID);
    }
}

/* Whatever way an address is written, a private one is not connected to. */
static void private_addresses_are_refused(void **state)
{
    enum { PLAIN = 15 }; /* these need nothing that this machine may not have */
    static const char *const hosts[] = {
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "017700000001",
        "0x7f.0x0.0x0.0x1",
        "0",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
        "[::]",
        "127.0.0.1.",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(hosts); i++) {
        auto_buf config = {0};
        struct err err = {0};
        buf_printf(&config, "{\"url\":\"https://%s:9/hush\"}", hosts[i]);
        enum status st = notify_send(&(struct notification){.kind = SPAN("webhook"),
                                                            .config = buf_view(&config),
                                                            .json = span_of(note)},
                                     &strict, &err);
        /* An address that this machine cannot even name is refused all the same. */
        if (st != DENIED && st != UNREACHABLE && st != AGAIN)
            fail_msg("%s: %d \"%s\"", hosts[i], st, err.text);
        if (i < PLAIN && i != 1)
            assert_int_equal(st, DENIED);
        assert_null(strstr(err.text, "hush"));
    }
}

static void secrets_are_masked_and_kept(void **state)
{
    auto_buf masked = {0}, merged = {0};
    (void)state;
    static const char config[] =
        "{\"url\":\"https://hush\",\"secret\":{\"file\":\"/s\"},\"to\":[1]}";
    assert_ok(notify_masked(span_of(config), &masked, err));
    assert_null(strstr(buf_text(&masked), "hush"));
    assert_non_null(strstr(buf_text(&masked), "\"url\":{\"set\":true}"));
    assert_non_null(strstr(buf_text(&masked), "\"file\":\"/s\"")); /* where, but not what */
    assert_ok(notify_unmasked(buf_view(&masked), span_of(config), &merged, err));
    assert_non_null(strstr(buf_text(&merged), "https://hush"));
}

/* A secret that nobody may see is not sent to where somebody would like to have it. */
static void secrets_stay_with_their_place(void **state)
{
    static const struct {
        const char *old_config, *new_config, *says; /* says NULL: kept */
    } cases[] = {
        {"{\"host\":\"m\",\"password\":\"p\"}",
         "{\"host\":\"m\",\"password\":{\"set\":true},\"from\":\"a@b\"}", NULL},
        {"{\"host\":\"m\",\"password\":\"p\"}", "{\"host\":\"evil\",\"password\":{\"set\":true}}",
         "\"host\" has changed: write \"password\" again"},
        {"{\"host\":\"m\",\"password\":\"p\"}", "{\"host\":\"evil\",\"password\":\"q\"}", NULL},
        {"{\"host\":\"m\",\"password\":\"p\"}",
         "{\"host\":\"m\",\"port\":1,\"password\":{\"set\":true}}", "\"port\""},
        {"{\"host\":\"m\",\"tls\":\"tls\",\"password\":\"p\"}",
         "{\"host\":\"m\",\"password\":{\"set\":true}}", "\"tls\""},
        {"{\"token\":\"t\"}", "{\"token\":{\"set\":true},\"api_url\":\"https://evil\"}",
         "\"api_url\""},
        {"{\"url\":\"https://a\",\"bearer\":\"b\"}",
         "{\"url\":\"https://evil\",\"bearer\":{\"set\":true}}", "\"url\""},
        {"{\"url\":\"https://a\",\"bearer\":\"b\"}",
         "{\"url\":{\"set\":true},\"bearer\":{\"set\":true}}", NULL},
        {"{}", "{\"url\":\"https://a\",\"bearer\":{\"set\":true}}", NULL}, /* there is none */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        struct err err = {0};
        enum status st =
            notify_unmasked(span_of(cases[i].new_config), span_of(cases[i].old_config), &out, &err);
        if (cases[i].says ? !st || !strstr(err.text, cases[i].says) : st != OK)
            fail_msg("case %zu: %d \"%s\"", i, st, err.text);
    }
}

static const struct CMUnitTest notify_tests[] = {
    cmocka_unit_test(secrets_stay_with_their_place),
    cmocka_unit_test(configurations),
    cmocka_unit_test(scripts_stay_in_their_directory),
    cmocka_unit_test(private_addresses_are_refused),
    cmocka_unit_test(secrets_are_masked_and_kept),
};
static const size_t notify_tests_n = COUNT(notify_tests);

UNIT_DECLARE(chart);
UNIT_DECLARE(guards);

int main(void)
{
    struct err err = {0};
    if (notify_init(&err))
        return 1;
    int failed = UNIT_RUN(notify) + UNIT_RUN(chart) + UNIT_RUN(guards);
    notify_end();
    return failed;
}
