#include "exchange/exchange.h"
#include "unit.h"

#include <inttypes.h>

#define NOW INT64_C(1795176000000)

static enum status put_series(void *arg, struct labels labels, const struct sample *s, size_t n,
                              struct err *err)
{
    struct buf *out = arg;
    (void)err;
    labels_print(out, labels);
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, " %" PRId64 "=", s[i].t_ms);
        if (s[i].v != s[i].v)
            buf_printf(out, "%016" PRIx64, double_bits(s[i].v));
        else
            buf_double(out, s[i].v);
    }
    buf_char(out, '\n');
    return OK;
}

static void put_bad(void *arg, size_t line_no, const char *why)
{
    buf_printf(arg, "! %zu: %s\n", line_no, why);
}

/* Everything that the text says, fed in pieces of that size. */
static void describe(struct buf *out, struct span text, enum exchange_format f, size_t piece)
{
    static const struct label extra = {{"job", 3}, {"import", 6}};
    struct importer_config config = {.format = f,
                                     .now_ms = NOW,
                                     .labels = {&extra, 1},
                                     .take = put_series,
                                     .bad = put_bad,
                                     .arg = out};
    struct importer *in = importer_open(&config);
    struct err err = {0};
    enum status st = OK;
    while (!st && text.len) {
        size_t n = MIN(piece, text.len);
        st = importer_feed(in, span_from(text.at, n), &err);
        text = span_from(text.at + n, text.len - n);
    }
    if (!st)
        st = importer_end(in, &err);
    if (st)
        buf_printf(out, "FAILED %s\n", err.text);
    importer_close(in);
}

static const struct {
    enum exchange_format format;
    const char *text, *says;
} cases[] = {
    {EXCHANGE_AUTO, "up{instance=\"a\"} 1 1795176000123\n# a comment\nup 0\n",
     "up{instance=\"a\", job=\"import\"} 1795176000123=1\n"
     "up{job=\"import\"} 1795176000000=0\n"},
    {EXCHANGE_PROMETHEUS, "up 1 1795176000\nup{ 1\nup 2",
     "! 1: 1795176000 milliseconds is a time in 1970 to 1973; in seconds it would be OpenMetrics "
     "(format openmetrics, ends with # EOF)\n"
     "! 2: a label's name should be [a-zA-Z_][a-zA-Z0-9_]*\n"
     "up{job=\"import\"} 1795176000000=2\n"},
    {EXCHANGE_AUTO, "# TYPE up unknown\nup{job=\"n\"} 1 1795176000.123\n# EOF\n",
     "up{job=\"n\"} 1795176000123=1\n"},
    {EXCHANGE_OPENMETRICS, "up 1\nup 2 1.5\n",
     "up{job=\"import\"} 1795176000000=1\nup{job=\"import\"} 1500=2\n"
     "! 2: the text ends without # EOF\n"},
    /* long */
    {EXCHANGE_AUTO,
     "timestamp,metric,instance,mode,value\r\n"
     "2026-11-21T06:30:00Z,up,\"a,\"\"b\"\"\nc\",,1\r\n"
     "1795176000,up,'=x,m,-0\n"
     "1795176000123,up,,,NaN(0x7ff0000000000002)\n"
     "1795176000.5,up,a,b,Inf",
     "up{instance=\"a,\\\"b\\\"\\nc\", job=\"import\"} 1795242600000=1\n"
     "up{instance=\"=x\", job=\"import\", mode=\"m\"} 1795176000000=-0\n"
     "up{job=\"import\"} 1795176000123=7ff0000000000002\n"
     "up{instance=\"a\", job=\"import\", mode=\"b\"} 1795176000500=+Inf\n"},
    {EXCHANGE_CSV,
     "time,name,value\nx,up,1\n1,up\n1,up,1,2\n1,up,y\n1,,1\n1,up,\"1\"2\n1,u\"p,1\n1,up,3\n",
     "! 2: the timestamp should be RFC 3339 (2026-11-21T06:30:00Z), or seconds or milliseconds "
     "since 1970\n"
     "! 3: the record has 2 cells, the header 3\n"
     "! 4: the record has more cells than the header\n"
     "! 5: the value is not a number, NaN, Inf or -Inf\n"
     "! 6: the metric has no name\n"
     "! 7: there is text behind a closing quote; quotes inside a cell are doubled\n"
     "! 8: a quote stands inside a cell that does not begin with one\n"
     "up{job=\"import\"} 1000=3\n"},
    {EXCHANGE_CSV, "a,b\n1,2\n",
     "FAILED line 1: the header has no column \"timestamp\"; it should be "
     "timestamp,metric,LABEL...,value or timestamp,instance,METRIC...\n"},
    {EXCHANGE_CSV, "", "FAILED line 1: the file is empty; a CSV file begins with a header\n"},
    {EXCHANGE_CSV, "timestamp,metric,value\n1,\"up,1\n", "FAILED line 2: a quote is not closed\n"},
    {EXCHANGE_CSV, "timestamp,metric,,value\n", "FAILED line 1: column 3 has no name\n"},
    /* wide */
    {EXCHANGE_AUTO,
     "\xef\xbb\xbftimestamp,host,node_load1,\"cpu{mode=\"\"idle\"\"}\"\n"
     "10,a,0.5,7\n20,a,,x\n",
     "node_load1{instance=\"a\", job=\"import\"} 10000=0.5\n"
     "cpu{instance=\"a\", job=\"import\", mode=\"idle\"} 10000=7\n"
     "! 3: column 4: \"x\" is not a number\n"},
    {EXCHANGE_CSV, "timestamp,instance,my metric\n",
     "FAILED line 1: the column \"my metric\" is neither a metric nor a label: line 1: the value "
     "is "
     "not a number, NaN, +Inf or -Inf\n"},
    {EXCHANGE_CSV, "timestamp,instance\n", "FAILED line 1: the header names no metric\n"},
    /* JSON */
    {EXCHANGE_AUTO,
     "{\"metric\":{\"__name__\":\"up\",\"job\":\"n\"},\"values\":[1,-0,\"NaN(0x7ff0000000000002)\","
     "null,\"-Inf\"],\"timestamps\":[1795176000000,1795176000001,1795176000002,1795176000003,"
     "1795176000004]}\n",
     "up{job=\"n\"} 1795176000000=1 1795176000001=-0 1795176000002=7ff0000000000002 "
     "1795176000003=7ff8000000000001 1795176000004=-Inf\n"},
    {EXCHANGE_JSON,
     "{\"metric\":{\"__name__\":\"up\"},\"values\":[],\"timestamps\":[]}\n"
     "{\"metric\":{\"__name__\":\"up\"},\"values\":[1],\"timestamps\":[2}\n"
     "nonsense\n"
     "{\"a\":1}\n"
     "{\"metric\":{\"__name__\":\"up\"},\"values\":[1],\"timestamps\":[1,2]}\n"
     "{\"metric\":{\"__name__\":\"up\"},\"values\":[[1]]}\n"
     "{\"metric\":{\"__name__\":7},\"values\":[]}\n"
     "{\"metric\":{\"x\":\"up\"},\"value\":[1,\"1\"]}\n"
     "{\"metric\":{\"__name__\":\"up\"},\"values\":[[5,\"1\"],[6.25,2]]}",
     "! 2: not JSON: ']' expected near '}' (column 57)\n"
     "! 3: an object should begin here with {\n"
     "! 4: the object has neither \"metric\" with \"values\" and \"timestamps\" nor the members of "
     "a "
     "payload\n"
     "! 5: 1 values, but 2 timestamps\n"
     "! 6: value 1 is not [seconds, \"value\"], and there are no \"timestamps\"\n"
     "! 7: the value of label \"__name__\" is not text\n"
     "! 8: the metric has no name\n"
     "up{job=\"import\"} 5000=1 6250=2\n"},
    {EXCHANGE_AUTO,
     "[\n {\"metric\":{\"__name__\":\"u\\\"}p\"},\n  \"value\":[1,\"2\"]},\n {\"metric\":{}}]",
     "{__name__=\"u\\\"}p\", job=\"import\"} 1000=2\n! 4: \"values\" should be an array\n"},
    {EXCHANGE_JSON,
     "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__"
     "name__\":"
     "\"up\"},\"values\":[[1.5,\"+Inf\"]]}]}}",
     "up{job=\"import\"} 1500=+Inf\n"},
};

static void formats(void **state)
{
    (void)state;
    static const size_t pieces[] = {SIZE_MAX, 1, 7};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t k = 0; k < COUNT(pieces); k++) {
            auto_buf out = {0};
            if (cases[i].format == EXCHANGE_AUTO && k)
                continue; /* how it begins decides: some of it has to be there */
            describe(&out, span_of(cases[i].text), cases[i].format, pieces[k]);
            assert_string_equal(buf_text(&out), cases[i].says);
        }
}

static const char payload[] =
    "{\"total_memory\":1000,\"used_memory\":400,\"cpu_usage\":25,\"total_disk\":\"50G\","
    "\"used_disk\":\"10G\",\"total_swap\":0,\"used_swap\":0,\"server_id\":\"web1\","
    "\"timestamp\":\"2026-11-20T12:00:00Z\",\"kernel_params\":{\"fs.file-max\":100000,"
    "\"net.ipv4.tcp_fin_timeout\":60,\"kernel.msgmax\":8192,\"vm.swappiness\":60}}\n";

static void seeds_payload(void **state)
{
    (void)state;
    auto_buf out = {0};
    describe(&out, SPAN(payload), EXCHANGE_AUTO, SIZE_MAX);
    const char *const lines[] = {
        "node_memory_MemTotal_bytes{instance=\"web1\", job=\"import\"} "
        "1795176000000=1048576000\n",
        "node_cpu_seconds_total{instance=\"web1\", job=\"import\", mode=\"user\"} "
        "1795176000000=15\n",
        "node_filesystem_avail_bytes{instance=\"web1\", job=\"import\", mountpoint=\"/\"} "
        "1795176000000=42949672960\n",
        "galen_sysctl{instance=\"web1\", job=\"import\", name=\"vm.swappiness\"} "
        "1795176000000=60\n"};
    for (size_t i = 0; i < COUNT(lines); i++)
        if (!strstr(buf_text(&out), lines[i]))
            fail_msg("no %s in %s", lines[i], buf_text(&out));
    assert_null(strchr(out.at, '!'));
    buf_clear(&out);
    describe(&out, SPAN("{\"total_memory\":\"x\",\"kernel_params\":{}}"), EXCHANGE_JSON, 3);
    assert_string_equal(buf_text(&out), "! 1: total_memory must be a number, or a text such as "
                                        "\"50G\", of 0 or more\n");
}

/* The longest record, and one that is longer. */
static void record_limit(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        const char *says;
    } sizes[] = {
        {EXCHANGE_RECORD_MAX_BYTES - 100, "! 2: a label's value is longer than 4096 bytes\n"},
        {EXCHANGE_RECORD_MAX_BYTES + (64 << 10), "FAILED line 2: a record is longer than"}};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        auto_buf text = {0}, out = {0};
        buf_str(&text, "timestamp,metric,x,value\n1,up,");
        buf_fill(&text, 'x', sizes[i].bytes);
        buf_str(&text, ",1\n");
        describe(&out, buf_view(&text), EXCHANGE_CSV, 1 << 20);
        if (!span_starts(buf_view(&out), span_of(sizes[i].says)))
            fail_msg("%s", buf_text(&out));
    }
}

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum exchange_format format;
    } files[] = {{"a.csv", EXCHANGE_CSV},         {"a.csv.gz", EXCHANGE_CSV},
                 {"a.jsonl.gz", EXCHANGE_JSON},   {"a.json", EXCHANGE_JSON},
                 {"a.prom", EXCHANGE_PROMETHEUS}, {"a.om", EXCHANGE_OPENMETRICS},
                 {"csv", EXCHANGE_AUTO},          {"a.txt", EXCHANGE_AUTO}};
    for (size_t i = 0; i < COUNT(files); i++)
        assert_int_equal(exchange_format_of_file(span_of(files[i].file)), files[i].format);
    enum exchange_format f;
    assert_true(exchange_format_of(SPAN("openmetrics"), &f));
    assert_int_equal(f, EXCHANGE_OPENMETRICS);
    assert_false(exchange_format_of(SPAN("xml"), &f));
}

const struct CMUnitTest importing_tests[] = {
    cmocka_unit_test(formats),
    cmocka_unit_test(seeds_payload),
    cmocka_unit_test(record_limit),
    cmocka_unit_test(names),
};
const size_t importing_tests_n = COUNT(importing_tests);
