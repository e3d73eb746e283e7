/* From collection to collection: prediction, series that come and go, what is due when. */
#include "unit.h"

#include "scratch.h"

#include <unistd.h>

#define DEV_HEAD "head\nhead\n"
#define DEV_ROW(name, bytes) name ": " #bytes " 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"

static void test_come_and_go(void **state UNUSED)
{
    struct scratch s = scratch_open();
    auto_buf m = {0};
    double v = 0;
    static const char metric[] = "node_network_receive_bytes_total";
    scratch_put(&s, "proc/net/dev", DEV_HEAD DEV_ROW("a", 10) DEV_ROW("c", 30));
    scratch_collect(&s, 1000, &m);
    assert_int_equal(scratch_sample(&m, metric, "device", "a", &v), 1);
    assert_int_equal(scratch_sample(&m, metric, "device", "c", &v), 1);
    assert_true(v == 30);
    /* one in the middle: nothing is mixed up */
    scratch_put(&s, "proc/net/dev", DEV_HEAD DEV_ROW("a", 11) DEV_ROW("b", 20) DEV_ROW("c", 31));
    scratch_collect(&s, 2000, &m);
    assert_int_equal(scratch_sample(&m, metric, "device", "b", &v), 1);
    assert_true(v == 20);
    assert_int_equal(scratch_sample(&m, metric, "device", "c", &v), 1);
    assert_true(v == 31);
    /* the first leaves: its end is marked once */
    scratch_put(&s, "proc/net/dev", DEV_HEAD DEV_ROW("b", 21) DEV_ROW("c", 32));
    scratch_collect(&s, 3000, &m);
    assert_int_equal(scratch_sample(&m, metric, "device", "a", &v), 2);
    assert_int_equal(scratch_sample(&m, metric, "device", "c", &v), 1);
    assert_true(v == 32);
    scratch_collect(&s, 4000, &m);
    assert_int_equal(scratch_sample(&m, metric, "device", "a", &v), 0);
    /* and comes back */
    scratch_put(&s, "proc/net/dev", DEV_HEAD DEV_ROW("c", 33) DEV_ROW("a", 12) DEV_ROW("b", 22));
    scratch_collect(&s, 5000, &m);
    assert_int_equal(scratch_sample(&m, metric, "device", "a", &v), 1);
    assert_true(v == 12);
    assert_int_equal(scratch_sample(&m, metric, "device", "b", &v), 1);
    assert_true(v == 22);
    scratch_close(&s);
}

static void test_file_vanishes(void **state UNUSED)
{
    struct scratch s = scratch_open();
    auto_buf m = {0}, path = {0};
    double v = 0;
    static const char metric[] = "node_network_receive_bytes_total";
    scratch_put(&s, "proc/net/dev", DEV_HEAD DEV_ROW("a", 10));
    scratch_collect(&s, 1000, &m);
    buf_printf(&path, "%s/proc/net/dev", s.dir);
    assert_int_equal(unlink(buf_text(&path)), 0);
    scratch_collect(&s, 2000, &m);
    assert_int_equal(scratch_sample(&m, metric, "device", "a", &v), 2);
    scratch_put(&s, "proc/net/dev", DEV_HEAD DEV_ROW("a", 10));
    scratch_collect(&s, 3000, &m); /* it is looked for again after a minute */
    assert_int_equal(scratch_sample(&m, metric, "device", "a", &v), 0);
    scratch_collect(&s, 63000, &m);
    assert_int_equal(scratch_sample(&m, metric, "device", "a", &v), 1);
    scratch_close(&s);
}

static void test_due(void **state UNUSED)
{
    struct scratch s = scratch_open();
    auto_buf m = {0};
    double v;
    static const char slow[] = "galen_agent_resident_bytes"; /* every 15 s */
    static const int64_t sent[] = {0, 14900, 30000, 100000};
    static const int64_t silent[] = {1000, 14000, 15000, 29000};
    for (size_t i = 0; i < COUNT(sent); i++) {
        scratch_collect(&s, sent[i], &m);
        assert_int_equal(scratch_sample(&m, slow, "job", "node", &v), 1);
        if (i + 1 < COUNT(sent)) {
            scratch_collect(&s, sent[i] + 1, &m);
            assert_int_equal(scratch_sample(&m, slow, "job", "node", &v), 0);
        }
    }
    struct scratch t = scratch_open();
    scratch_collect(&t, 0, &m);
    for (size_t i = 0; i < COUNT(silent) && silent[i] < 14800; i++) {
        scratch_collect(&t, silent[i], &m);
        assert_int_equal(scratch_sample(&m, slow, "job", "node", &v), 0);
    }
    scratch_close(&s);
    scratch_close(&t);
}

#define TCP_HEAD "  sl  local_address rem_address   st tx_queue rx_queue\n"
#define TCP_LISTENER(port, limit, queue) "0: 00000000:" port " 0:0 0A " limit ":" queue " 0 0 0\n"

/* The series that tells who is to blame stands only while somebody is. */
static void test_full_listener(void **state UNUSED)
{
    struct scratch s = scratch_open();
    auto_buf m = {0};
    double v = -1;
    static const char blame[] = "galen_listener_limit_is_somaxconn";
    scratch_put(&s, "proc/sys/net/core/somaxconn", "4096\n");
    scratch_put(&s, "proc/net/tcp",
                TCP_HEAD TCP_LISTENER("0586", "1000", "0") TCP_LISTENER("0050", "80", "0"));
    scratch_collect(&s, 0, &m);
    assert_int_equal(scratch_sample(&m, blame, "port", "1414", &v), 0);
    /* 1414 is full at somaxconn; 80 is idle with a limit of its own */
    scratch_put(&s, "proc/net/tcp",
                TCP_HEAD TCP_LISTENER("0586", "1000", "1001") TCP_LISTENER("0050", "80", "7F"));
    scratch_collect(&s, 5000, &m);
    assert_int_equal(scratch_sample(&m, blame, "port", "1414", &v), 1);
    assert_true(v == 1);
    assert_int_equal(scratch_sample(&m, blame, "port", "80", &v), 0);
    /* it drains: the blame stays for five minutes */
    scratch_put(&s, "proc/net/tcp",
                TCP_HEAD TCP_LISTENER("0586", "1000", "0") TCP_LISTENER("0050", "80", "81"));
    scratch_collect(&s, 10000, &m);
    assert_int_equal(scratch_sample(&m, blame, "port", "1414", &v), 1);
    assert_int_equal(scratch_sample(&m, blame, "port", "80", &v), 1);
    assert_true(v == 0); /* its program's limit */
    scratch_put(&s, "proc/net/tcp", TCP_HEAD TCP_LISTENER("0586", "1000", "0"));
    scratch_collect(&s, 300000, &m);
    assert_int_equal(scratch_sample(&m, blame, "port", "1414", &v), 1);
    scratch_collect(&s, 305000, &m);
    assert_int_equal(scratch_sample(&m, blame, "port", "1414", &v), 2);
    scratch_close(&s);
}

/* ---- ceilings ---- */

static size_t count_lines(struct scratch *s, const char *start)
{
    auto_buf text = {0};
    collect_expose(s->c, &text, true);
    struct span rest = buf_view(&text), line;
    size_t n = 0;
    while (span_line(&rest, &line))
        n += span_starts(line, span_of(start));
    return n;
}

static void put_devices(struct scratch *s, size_t n)
{
    auto_buf text = {0};
    buf_str(&text, DEV_HEAD);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "d%zu: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", i);
    scratch_put(s, "proc/net/dev", buf_text(&text));
}

static void test_series_ceiling(void **state UNUSED)
{
    struct scratch s = scratch_open();
    auto_buf m = {0};
    put_devices(&s, SERIES_MAX / 16 - 100);
    scratch_collect(&s, 1000, &m);
    assert_int_equal(count_lines(&s, "node_network_receive_bytes_total{"), SERIES_MAX / 16 - 100);
    put_devices(&s, SERIES_MAX / 16 + 100);
    scratch_collect(&s, 2000, &m);
    size_t n = count_lines(&s, "node_network");
    assert_true(n > SERIES_MAX - 1000 && n <= SERIES_MAX);
    put_devices(&s, 1); /* and there is room again */
    scratch_collect(&s, 3000, &m);
    scratch_collect(&s, 4000, &m);
    assert_int_equal(count_lines(&s, "node_network"), 16);
    scratch_close(&s);
}

static void test_listener_ceiling(void **state UNUSED)
{
    enum { MOST = 1024 };
    static const size_t given[] = {MOST, MOST + 1};
    for (size_t i = 0; i < COUNT(given); i++) {
        struct scratch s = scratch_open();
        auto_buf text = {0}, m = {0};
        buf_str(&text, TCP_HEAD);
        for (size_t port = 1; port <= given[i]; port++)
            buf_printf(&text, "0: 0:%zX 0:0 0A 80:0 0 0 0\n", port);
        scratch_put(&s, "proc/net/tcp", buf_text(&text));
        scratch_collect(&s, 1000, &m);
        assert_int_equal(count_lines(&s, "galen_listener_queue_length{"), MOST);
        scratch_close(&s);
    }
}

static void test_file_ceiling(void **state UNUSED)
{
    static const size_t sizes[] = {FILE_MAX_BYTES / 2, FILE_MAX_BYTES + 1};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct scratch s = scratch_open();
        auto_buf text = {0}, m = {0};
        buf_str(&text, DEV_HEAD DEV_ROW("a", 1));
        buf_fill(&text, '\n', sizes[i] - text.len);
        scratch_put(&s, "proc/net/dev", buf_text(&text));
        scratch_collect(&s, 1000, &m);
        assert_int_equal(count_lines(&s, "node_network_receive_bytes_total{"), i == 0);
        scratch_close(&s);
    }
}

const struct CMUnitTest series_tests[] = {
    cmocka_unit_test(test_come_and_go),
    cmocka_unit_test(test_file_vanishes),
    cmocka_unit_test(test_due),
    cmocka_unit_test(test_full_listener),
    cmocka_unit_test(test_series_ceiling),
    cmocka_unit_test(test_listener_ceiling),
    cmocka_unit_test(test_file_ceiling),
};
const size_t series_tests_n = COUNT(series_tests);
