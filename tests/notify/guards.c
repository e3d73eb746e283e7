/* Addresses that are not gone to, how much a short message holds, secrets at rest, and scripts. */
#include "base/clock.h"
#include "base/file.h"
#include "notify/channel.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void addresses(void **state)
{
    static const struct {
        const char *text;
        bool private;
    } cases[] = {
        {"0.0.0.0", true},
        {"0.255.255.255", true},
        {"1.0.0.0", false},
        {"9.255.255.255", false},
        {"10.0.0.0", true},
        {"10.255.255.255", true},
        {"11.0.0.0", false},
        {"100.63.255.255", false},
        {"100.64.0.0", true},
        {"100.127.255.255", true},
        {"100.128.0.0", false},
        {"126.255.255.255", false},
        {"127.0.0.1", true},
        {"127.255.255.255", true},
        {"128.0.0.0", false},
        {"169.253.255.255", false},
        {"169.254.169.254", true}, /* metadata of clouds */
        {"169.255.0.0", false},
        {"172.15.255.255", false},
        {"172.16.0.0", true},
        {"172.31.255.255", true},
        {"172.32.0.0", false},
        {"192.0.0.8", true},
        {"192.0.1.0", false},
        {"192.0.2.1", true}, /* written in books */
        {"198.51.100.1", true},
        {"203.0.113.1", true},
        {"192.167.255.255", false},
        {"192.168.0.0", true},
        {"192.169.0.0", false},
        {"198.17.255.255", false},
        {"198.18.0.0", true},
        {"198.19.255.255", true},
        {"198.20.0.0", false},
        {"223.255.255.255", false},
        {"224.0.0.1", true},
        {"255.255.255.255", true},
        {"8.8.8.8", false},
        {"::", true},
        {"::1", true},
        {"::127.0.0.1", true},
        {"::ffff:127.0.0.1", true},
        {"::ffff:10.0.0.1", true},
        {"::ffff:8.8.8.8", false},
        {"64:ff9b::7f00:1", true},
        {"64:ff9b::808:808", false},
        {"64:ff9b:1::1", true},
        {"fe80::1", true},
        {"febf::1", true},
        {"fc00::1", true},
        {"fd00::1", true},
        {"ff02::1", true},
        {"100::1", true},
        {"1fff::1", true},
        {"2000::1", false},
        {"2001::1", true}, /* Teredo */
        {"2001:db8::1", true},
        {"2001:1ff::1", true},
        {"2001:200::1", false},
        {"2001:db9::1", false},
        {"2002:7f00:1::1", true}, /* 6to4 */
        {"2606:4700::1111", false},
        {"3fff:ffff::1", false},
        {"4000::1", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool six = strchr(cases[i].text, ':') != NULL;
        void *at = six ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr;
        assert_int_equal(inet_pton(six ? AF_INET6 : AF_INET, cases[i].text, at), 1);
        const void *address = six ? (const void *)&v6 : (const void *)&v4;
        if (address_is_private(address) != cases[i].private)
            fail_msg("%s", cases[i].text);
    }
    struct sockaddr local = {.sa_family = AF_UNIX};
    assert_true(address_is_private(&local));
}

/* ---- short messages ---- */

static void short_messages(void **state)
{
    static const struct {
        const char *unit; /* repeated */
        size_t times, most;
        size_t bytes, segments;
    } cases[] = {
        {"a", 0, 4, 0, 0},
        {"a", 160, 4, 160, 1},
        {"a", 161, 4, 161, 2}, /* 153 + 8 */
        {"a", 306, 4, 306, 2},
        {"a", 307, 4, 307, 3},
        {"a", 612, 4, 612, 4},
        {"a", 613, 4, 612, 4},
        {"a", 161, 1, 153, 1},
        {"\xc3\xbc", 160, 4, 320, 1},    /* u umlaut is GSM's */
        {"\xe2\x82\xac", 80, 4, 240, 1}, /* the euro sign takes two */
        {"\xe2\x82\xac", 81, 4, 243, 2},
        {"{", 76 * 4, 4, 76 * 4, 4}, /* none is divided: 76 in 153 */
        {"{", 76 * 4 + 1, 4, 76 * 4, 4},
        {"\xd0\xb6", 70, 4, 140, 1}, /* Cyrillic is not */
        {"\xd0\xb6", 71, 4, 142, 2},
        {"\xd0\xb6", 268, 4, 536, 4},
        {"\xd0\xb6", 269, 4, 536, 4},
        {"`", 70, 4, 70, 1},
        {"`", 71, 4, 71, 2},
        {"\xf0\x9f\x94\xa5", 35, 4, 140, 1},            /* two units each */
        {"\xf0\x9f\x94\xa5", 33 * 4, 4, 33 * 4 * 4, 4}, /* 33 pairs in 67 */
        {"\xf0\x9f\x94\xa5", 33 * 4 + 1, 4, 33 * 4 * 4, 4},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf text = {0};
        size_t segments = 99;
        for (size_t k = 0; k < cases[i].times; k++)
            buf_str(&text, cases[i].unit);
        size_t n = sms_fit(buf_view(&text), cases[i].most, &segments);
        if (n != cases[i].bytes || segments != cases[i].segments)
            fail_msg("case %zu: %zu bytes in %zu segments", i, n, segments);
    }
    size_t segments;
    assert_int_equal(sms_fit(SPAN("caf\xc3\xa9"), 4, &segments), 5); /* its end is not cut off */
    assert_int_equal(sms_fit(SPAN("a\xc3"), 4, &segments), 2);       /* half a character is one */
}

/* ---- secrets at rest ---- */

static const uint8_t key[NOTIFY_KEY_BYTES] = {1, 2, 3};

static void sealed_and_unsealed(void **state)
{
    auto_buf sealed = {0}, again = {0};
    uint8_t other[NOTIFY_KEY_BYTES] = {9};
    char *plain;
    (void)state;
    secret_seal(key, SPAN("https://hooks.example.com/hush"), &sealed);
    secret_seal(key, SPAN("https://hooks.example.com/hush"), &again);
    assert_false(span_eq(buf_view(&sealed), buf_view(&again)));
    assert_true(secret_unseal(key, buf_view(&sealed), &plain));
    assert_string_equal(plain, "https://hooks.example.com/hush");
    free(plain);
    assert_false(secret_unseal(other, buf_view(&sealed), &plain));
    assert_null(plain);
    for (size_t i = 0; i < sealed.len; i++) {
        char was = sealed.at[i];
        sealed.at[i] = was == '0' ? '1' : '0';
        assert_false(secret_unseal(key, buf_view(&sealed), &plain));
        sealed.at[i] = was;
    }
    for (size_t n = 0; n < sealed.len; n++)
        assert_false(secret_unseal(key, span_from(sealed.at, n), &plain));
}

/* Sealed when they are kept, in no answer, the same ones when they come back as {"set":true}, and
 * known again when they are needed. */
static void a_sealed_configuration(void **state)
{
    static const char config[] =
        "{\"url\":\"https://127.0.0.1:9/hush\",\"bearer\":{\"file\":\"/f\"}}";
    struct notify_settings with = {.key = key}, without = {.user_agent = "test"};
    auto_buf sealed = {0}, masked = {0}, merged = {0}, twice = {0};
    struct err why = {0};
    (void)state;
    assert_ok(notify_sealed(span_of(config), &with, &sealed, err));
    assert_null(strstr(buf_text(&sealed), "hush"));
    assert_non_null(strstr(buf_text(&sealed), "{\"file\":\"/f\"}"));
    assert_ok(notify_masked(buf_view(&sealed), &masked, err));
    assert_string_equal(buf_text(&masked), "{\"url\":{\"set\":true},\"bearer\":{\"file\":\"/f\"}}");
    assert_ok(notify_unmasked(buf_view(&masked), buf_view(&sealed), &merged, err));
    assert_string_equal(buf_text(&merged), buf_text(&sealed));
    assert_ok(notify_sealed(buf_view(&merged), &with, &twice, err));
    assert_string_equal(buf_text(&twice), buf_text(&sealed));
    struct notification n = {
        .kind = SPAN("slack"), .config = SPAN("{}"), .json = SPAN("{\"alerts\":[]}")};
    auto_buf alone = {0}, alone_sealed = {0};
    buf_str(&alone, "{\"url\":\"https://127.0.0.1:9/hush\"}");
    assert_ok(notify_sealed(buf_view(&alone), &with, &alone_sealed, err));
    n.config = buf_view(&alone_sealed);
    assert_int_equal(notify_send(&n, &with, &why), DENIED); /* it knew where to go */
    assert_null(strstr(why.text, "hush"));
    assert_int_equal(notify_send(&n, &without, &why), AGAIN); /* until it is written again */
    assert_non_null(strstr(why.text, "sealed with another key"));
}

static void where_secrets_come_from(void **state)
{
    static const struct {
        const char *url, *says;
    } cases[] = {
        {"{\"env\":\"GALEN_TEST_URL\"}", NULL},
        {"{\"credential\":\"hook\"}", NULL},
        {"{\"file\":\"%s/hook\"}", NULL},
        {"{\"env\":\"GALEN_TEST_NONE\"}", "the environment has no"},
        {"{\"credential\":\"none\"}", "none"},
        {"{\"credential\":\"../hook\"}", "there is no credential"},
        {"{\"file\":\"%s/none\"}", "none"},
    };
    char dir[] = "/tmp/galen-notify-XXXXXX";
    auto_buf path = {0};
    (void)state;
    assert_non_null(mkdtemp(dir));
    buf_printf(&path, "%s/hook", dir);
    assert_ok(
        file_write_atomic(buf_text(&path), SPAN("https://hooks.example.com/hush\n"), 0600, err));
    setenv("GALEN_TEST_URL", "https://hooks.example.com/hush", 1);
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf config = {0};
        struct err why = {0};
        buf_str(&config, "{\"url\":");
        buf_printf(&config, cases[i].url, dir);
        buf_char(&config, '}');
        enum status st =
            notify_check(SPAN("slack"), buf_view(&config), &(struct notify_settings){0}, &why);
        if (cases[i].says ? !st || !strstr(why.text, cases[i].says) : st != OK)
            fail_msg("%s: %d %s", buf_text(&config), st, why.text);
    }
    unsetenv("CREDENTIALS_DIRECTORY");
    unlink(buf_text(&path));
    rmdir(dir);
}

/* ---- scripts ---- */

struct scripts {
    char dir[64], path[128];
    struct notify_settings settings;
    struct err err;
};

static int scripts_open(void **state)
{
    struct scripts *s = mem_zero(1, sizeof *s);
    snprintf(s->dir, sizeof s->dir, "/tmp/galen-scripts-XXXXXX");
    s->settings = (struct notify_settings){.scripts_dir = s->dir};
    *state = s;
    if (!mkdtemp(s->dir))
        return 1;
    snprintf(s->path, sizeof s->path, "%s/fix", s->dir);
    return 0;
}

static int scripts_close(void **state)
{
    struct scripts *s = *state;
    static const char *const names[] = {"fix", "link", "pid"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", s->dir, names[i]);
        unlink(path);
    }
    rmdir(s->dir);
    free(s);
    return 0;
}

static void script(struct scripts *s, const char *text, mode_t mode)
{
    assert_ok(file_write_atomic(s->path, span_of(text), mode, err));
    assert_int_equal(chmod(s->path, mode), 0);
}

static enum status start(struct scripts *s, const char *name)
{
    static const char note[] =
        "{\"status\":\"firing\",\"alerts\":[{\"status\":\"firing\",\"labels\":{\"alertname\":\"A\","
        "\"instance\":\"db1\\nPATH=/evil\"},\"annotations\":{\"summary\":\"$(touch /tmp/x)\"}}]}";
    auto_buf config = {0};
    s->err = (struct err){0};
    buf_printf(&config, "{\"name\":\"%s\"}", name);
    return notify_send(&(struct notification){.kind = SPAN("script"),
                                              .config = buf_view(&config),
                                              .json = span_of(note)},
                       &s->settings, &s->err);
}

static void scripts_that_may_run(void **state)
{
    struct scripts *s = *state;
    char link[128];
    script(s, "#!/bin/sh\nexit 0\n", 0755);
    assert_int_equal(start(s, "fix"), OK);
    s->settings.scripts_dir = NULL;
    assert_int_equal(start(s, "fix"), INVALID); /* off */
    s->settings.scripts_dir = s->dir;
    script(s, "#!/bin/sh\n", 0644);
    assert_int_equal(start(s, "fix"), INVALID);
    script(s, "#!/bin/sh\n", 0775);
    assert_int_equal(start(s, "fix"), INVALID);
    assert_non_null(strstr(s->err.text, "writable by its owner alone"));
    script(s, "#!/bin/sh\n", 0755);
    snprintf(link, sizeof link, "%s/link", s->dir);
    assert_int_equal(symlink("/bin/true", link), 0); /* out of the directory */
    assert_int_equal(start(s, "link"), INVALID);
    assert_non_null(strstr(s->err.text, "no link"));
    assert_int_equal(start(s, "../bin/true"), INVALID);
    assert_int_equal(chmod(s->dir, 0777), 0);
    assert_int_equal(start(s, "fix"), INVALID); /* anybody could put a program there */
    assert_int_equal(chmod(s->dir, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(s->path, 65534, 65534), 0);
        assert_int_equal(start(s, "fix"), INVALID); /* another's */
    }
}

static void arguments_are_the_environment(void **state)
{
    struct scripts *s = *state;
    script(
        s,
        "#!/bin/sh\n"
        "test $# = 0 && test \"$GALEN_STATUS\" = firing && test \"$GALEN_ALERTNAME\" = A &&\n"
        "test \"$GALEN_INSTANCE\" = 'db1 PATH=/evil' && test -z \"$HOME\" &&\n"
        "test \"$GALEN_SUMMARY\" = '$(touch /tmp/x)' && test \"$(ls /proc/$$/fd | wc -w)\" -le 6\n",
        0755);
    if (start(s, "fix"))
        fail_msg("%s", s->err.text);
}

/* What it says is read, however much it is; the beginning is told when it fails. */
static void output_is_bounded(void **state)
{
    struct scripts *s = *state;
    script(s, "#!/bin/sh\necho no disk >&2\nhead -c 3000000 /dev/zero | tr '\\0' x\nexit 3\n",
           0755);
    assert_int_equal(start(s, "fix"), INVALID);
    assert_non_null(strstr(s->err.text, "it ended with 3: no disk x"));
    assert_true(strlen(s->err.text) < NOTIFY_ANSWER_BYTES + 100);
}

static bool gone(pid_t pid)
{
    for (int i = 0; i < 200; i++) {
        char path[64], status[256] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        auto_buf text = {0};
        if (kill(pid, 0) != 0 || file_read(path, &text, NULL))
            return true;
        snprintf(status, sizeof status, "%.200s", buf_text(&text));
        if (strstr(status, ") Z "))
            return true; /* dead; whoever inherited it has not looked yet */
        usleep(10000);
    }
    return false;
}

static pid_t background(struct scripts *s)
{
    auto_buf text = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/pid", s->dir);
    assert_ok(file_read(path, &text, err));
    return (pid_t)strtol(buf_text(&text), NULL, 10);
}

/* It and all that it started. */
static void the_time_limit(void **state)
{
    struct scripts *s = *state;
    s->settings.script_ms = 500;
    script(s, "#!/bin/sh\nsleep 60 & echo $! > ${0%/*}/pid\nsleep 60\n", 0755);
    int64_t before_ms = clock_mono_ms();
    assert_int_equal(start(s, "fix"), INVALID);
    assert_non_null(strstr(s->err.text, "took more than"));
    assert_true(clock_mono_ms() - before_ms < 20000);
    assert_true(gone(background(s)));
    /* Nor is anything left behind of one that ends in time. */
    script(s, "#!/bin/sh\nsleep 60 & echo $! > ${0%/*}/pid\n", 0755);
    assert_int_equal(start(s, "fix"), OK);
    assert_true(gone(background(s)));
}

#define SCRIPT_TEST(fn) cmocka_unit_test_setup_teardown(fn, scripts_open, scripts_close)

const struct CMUnitTest guards_tests[] = {
    cmocka_unit_test(addresses),
    cmocka_unit_test(short_messages),
    cmocka_unit_test(sealed_and_unsealed),
    cmocka_unit_test(a_sealed_configuration),
    cmocka_unit_test(where_secrets_come_from),
    SCRIPT_TEST(scripts_that_may_run),
    SCRIPT_TEST(arguments_are_the_environment),
    SCRIPT_TEST(output_is_bounded),
    SCRIPT_TEST(the_time_limit),
};
const size_t guards_tests_n = COUNT(guards_tests);
