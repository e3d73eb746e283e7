#include "api/metadata.h"

#include "unit.h"

#include <stdio.h>

/* One MetricMetadata as a field of a WriteRequest. */
static void put_told(struct buf *out, unsigned type, const char *name, const char *help,
                     const char *unit)
{
    auto_buf body = {0};
    const struct {
        char tag;
        const char *text;
    } texts[] = {{0x12, name}, {0x22, help}, {0x2a, unit}};
    buf_char(&body, 0x08);
    buf_varint(&body, type);
    for (size_t i = 0; i < COUNT(texts); i++) {
        buf_char(&body, texts[i].tag);
        buf_varint(&body, strlen(texts[i].text));
        buf_str(&body, texts[i].text);
    }
    buf_char(out, 0x1a);
    buf_varint(out, body.len);
    buf_span(out, buf_view(&body));
}

static void the_agents_metrics_are_known(void **state UNUSED)
{
    static const struct {
        const char *metric, *type; /* NULL: not known */
    } cases[] = {
        {"node_cpu_seconds_total", "counter"},
        {"node_load1", "gauge"},
        {"node_memory_MemTotal_bytes", "gauge"},
        {"node_vmstat_pgfault", "untyped"},
        {"node_netstat_TcpExt_ListenDrops", "untyped"},
        {"galen_finding", "gauge"},
        {"node_netstat_", NULL},
        {"node_vmstat_", NULL},
        {"none", NULL},
        {"node_load1_bucket", NULL},
    };
    auto_arena arena = {0};
    struct metadata *m = metadata_open();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct metadata_entry e = {0};
        bool found = metadata_find(m, span_of(cases[i].metric), &arena, &e);
        if (found != (cases[i].type != NULL) || (found && !span_is(e.type, cases[i].type)))
            fail_msg("%s: %.*s", cases[i].metric, SPAN_ARG(e.type));
        assert_true(!found || (e.help.len && span_find(e.help, '%') == e.help.len));
    }
    metadata_close(m);
}

static void what_writers_tell_is_kept(void **state UNUSED)
{
    auto_arena arena = {0};
    auto_buf message = {0};
    struct metadata_entry e, *all;
    struct metadata *m = metadata_open();
    put_told(&message, 3, "latency_seconds", "How long.", "seconds");
    put_told(&message, 1, "requests_total", "Old.", "");
    put_told(&message, 1, "requests_total", "New.", "");
    put_told(&message, 99, "strange", "", "");
    put_told(&message, 1, "", "no name", "");
    metadata_take(m, buf_view(&message));
    assert_int_equal(metadata_told(m, &arena, &all), 3);
    assert_true(metadata_find(m, SPAN("latency_seconds_bucket"), &arena, &e));
    assert_span(e.name, "latency_seconds");
    assert_span(e.type, "histogram");
    assert_span(e.unit, "seconds");
    assert_true(metadata_find(m, SPAN("requests_total"), &arena, &e));
    assert_span(e.help, "New.");
    assert_false(metadata_find(m, SPAN("requests_total_count"), &arena, &e));
    assert_true(metadata_find(m, SPAN("strange"), &arena, &e));
    assert_span(e.type, "unknown");
    metadata_take(m, SPAN("\x1a\xff")); /* damaged: passed over */
    metadata_close(m);
}

static void families_and_texts_have_ceilings(void **state UNUSED)
{
    auto_arena arena = {0};
    struct metadata *m = metadata_open();
    struct metadata_entry e, *all;
    auto_buf help = {0}, name = {0};
    buf_fill(&help, 'h', METADATA_TEXT_MAX_BYTES - 1);
    buf_str(&help, "\u00e9"); /* two bytes, of which one would fit */
    auto_buf first = {0};
    put_told(&first, 1, "long_help", buf_text(&help), "");
    buf_fill(&name, 'n', METADATA_TEXT_MAX_BYTES + 1);
    put_told(&first, 1, buf_text(&name), "", "");
    put_told(&first, 1, buf_text(&name) + 1, "", "");
    metadata_take(m, buf_view(&first));
    assert_int_equal(metadata_told(m, &arena, &all), 2);
    assert_true(metadata_find(m, SPAN("long_help"), &arena, &e));
    assert_int_equal(e.help.len, METADATA_TEXT_MAX_BYTES - 1);
    auto_buf many = {0};
    for (int i = 0; i < METADATA_FAMILIES_MAX; i++) {
        char text[16];
        snprintf(text, sizeof text, "m%d", i);
        put_told(&many, 1, text, "", "");
    }
    metadata_take(m, buf_view(&many));
    assert_int_equal(metadata_told(m, &arena, &all), METADATA_FAMILIES_MAX);
    metadata_close(m);
}

const struct CMUnitTest metadata_tests[] = {
    cmocka_unit_test(the_agents_metrics_are_known),
    cmocka_unit_test(what_writers_tell_is_kept),
    cmocka_unit_test(families_and_texts_have_ceilings),
};
const size_t metadata_tests_n = COUNT(metadata_tests);
