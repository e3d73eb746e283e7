#include "series/exposition.h"
#include "unit.h"

/* Everything that a text says, one line each; faults too. */
static void describe(struct buf *out, struct span text, bool openmetrics)
{
    struct exposition_reader *r = exposition_open(text, openmetrics);
    for (;;) {
        struct exposition_line line;
        struct err err;
        enum status st = exposition_next(r, &line, &err);
        if (st == NOT_FOUND)
            break;
        if (st) {
            buf_printf(out, "! %s\n", err.text);
            continue;
        }
        buf_printf(out, "%zu ", line.line_no);
        if (line.kind == EXPOSITION_SAMPLE) {
            labels_print(out, line.labels);
            buf_char(out, ' ');
            buf_double(out, line.v);
            if (line.has_time)
                buf_printf(out, " @%lld", (long long)line.t_ms);
        } else if (line.kind == EXPOSITION_EOF) {
            buf_str(out, "end");
        } else {
            bool help = line.kind == EXPOSITION_HELP;
            buf_printf(out, "%s %.*s %.*s", help ? "help" : "type", SPAN_ARG(line.name),
                       SPAN_ARG(help ? line.text : span_of(metric_type_name(line.type))));
        }
        buf_char(out, '\n');
    }
    exposition_close(r);
}

static void the_text_format_is_read(void **state UNUSED)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", ""},
        {"\n\n  \n", ""},
        {"up 1", "1 up 1\n"},
        {"up 1\n", "1 up 1\n"},
        {"up 1\r\n", "1 up 1\n"},
        {"  up\t  1  \n", "1 up 1\n"},
        {"up{} 1", "1 up 1\n"},
        {"up {job=\"a\"} 1", "1 up{job=\"a\"} 1\n"},
        {"up{job=\"a\",} 1", "1 up{job=\"a\"} 1\n"},
        {"up{ z = \"1\" , a=\"2\" } 1", "1 up{a=\"2\", z=\"1\"} 1\n"},
        {"up{a=\"\"} 1", "1 up 1\n"},
        {"up{a=\"x\\\\y\\\"z\\n\"} 1", "1 up{a=\"x\\\\y\\\"z\\n\"} 1\n"},
        {"up{a=\"}, {#\"} 1", "1 up{a=\"}, {#\"} 1\n"},
        {"a:b_1 1", "1 a:b_1 1\n"},
        {"up 1 1395066363000", "1 up 1 @1395066363000\n"},
        {"up 1 -1", "1 up 1 @-1\n"},
        {"up NaN", "1 up NaN\n"},
        {"up +Inf\nup -Inf\nup Inf", "1 up +Inf\n2 up -Inf\n3 up +Inf\n"},
        {"up 1.458255915e9", "1 up 1458255915\n"},
        {"up -1.5E-3", "1 up -0.0015\n"},
        {"# HELP up Is it\\nup \\\\ \"x\"\n# TYPE up gauge\nup 1",
         "1 help up Is it\nup \\ \"x\"\n2 type up gauge\n3 up 1\n"},
        {"#HELP x\n# a comment\n#\n# TYPEx\nup 1", "1 help x \n5 up 1\n"},
        {"# TYPE a counter\n# TYPE b histogram\n# TYPE c summary\n# TYPE d untyped",
         "1 type a counter\n2 type b histogram\n3 type c summary\n4 type d untyped\n"},
        {"{\"http.time\",\"host.name\"=\"a\"} 1",
         "1 {__name__=\"http.time\", \"host.name\"=\"a\"} 1\n"},
        {"{a=\"b\",\"up\"} 1", "1 up{a=\"b\"} 1\n"},
        {"# TYPE \"http.time\" gauge", "1 type http.time gauge\n"},
        {"# EOF", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        describe(&out, span_of(cases[i].in), false);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
}

static void faults_name_their_line_and_reading_goes_on(void **state UNUSED)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"up", "the value is missing"},
        {"up{a=\"b\"}", "the value is missing"},
        {"up one", "not a number"},
        {"up 1x", "not a number"},
        {"up 0x10", "not a number"},
        {"up infinity", "not a number"},
        {"up nan(1)", "not a number"},
        {"up 1_000", "not a number"},
        {"up 1 1.5", "whole number of milliseconds"},
        {"up 1 99999999999999999999", "whole number"},
        {"up 1 2 3", "text behind"},
        {"up 1 # {a=\"b\"} 1", "text behind"},
        {"1up 1", "metric's name"},
        {"http.time 1", "metric's name"},
        {"up{1a=\"b\"} 1", "label's name"},
        {"up{a:b=\"b\"} 1", "label's name"},
        {"up{=\"b\"} 1", "label's name"},
        {"up{a\"b\"} 1", "followed by ="},
        {"up{a=b} 1", "in quotes"},
        {"up{a=\"b} 1", "does not end"},
        {"up{a=\"b\\\"} 1", "does not end"},
        {"up{a=\"b\\", "does not end"},
        {"up{a=\"b\\t\"} 1", "\\ must be followed"},
        {"up{a=\"b\" c=\"d\"} 1", "commas"},
        {"up{a=\"b\"", "commas"},
        {"up{,a=\"b\"} 1", "label's name"},
        {"up{a=\"b\",,} 1", "label's name"},
        {"up{a=\"b\"}1", "a blank should stand"},
        {"up{a=\"1\",a=\"2\"} 1", "twice"},
        {"up{__name__=\"x\"} 1", "in front of the braces"},
        {"{a=\"b\"} 1", "no name"},
        {"{\"a\",\"b\"} 1", "two names"},
        {"up{\"b\"} 1", "two names"},
        {"{\"\"} 1", "metric's name"},
        {"up{a=\"\xff\"} 1", "not UTF-8"},
        {"# TYPE up meter", "the type is none of"},
        {"# TYPE up", "the type is none of"},
        {"# HELP", "metric's name"},
        {"# HELP up a\\b", "\\ must be followed"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf in = {0}, out = {0};
        buf_printf(&in, "before 1\n%s\nafter 2\n", cases[i].line);
        describe(&out, buf_view(&in), false);
        const char *text = buf_text(&out);
        if (!strstr(text, "1 before 1\n! line 2: ") || !strstr(text, "\n3 after 2\n") ||
            !strstr(text, cases[i].says))
            fail_msg("%s: %s", cases[i].line, text);
    }
}

static void openmetrics_is_read(void **state UNUSED)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"# EOF", "1 end\n"},
        {"# EOF\n", "1 end\n"},
        {"up 1 1395066363.5\n# EOF\n", "1 up 1 @1395066363500\n2 end\n"},
        {"up 1 -0.001\n# EOF\n", "1 up 1 @-1\n2 end\n"},
        {"a_total 1 2 # {trace=\"x\"} 0.5 1.5\n# EOF\n", "1 a_total 1 @2000\n2 end\n"},
        {"a_total 1 # {} 0.5\n# EOF\n", "1 a_total 1\n2 end\n"},
        {"# TYPE a info\n# TYPE b unknown\n# UNIT c seconds\n# HELP d \\\"\n# EOF\n",
         "1 type a gauge\n2 type b untyped\n4 help d \"\n5 end\n"},
        {"up 1\n", "1 up 1\n! line 2: the text ends without # EOF\n"},
        {"", "! line 1: the text ends without # EOF\n"},
        {"# EOF\nup 1\n", "1 end\n! line 2: there is text behind # EOF\n"},
        {"\n# EOF", "! line 1: OpenMetrics has no empty lines\n2 end\n"},
        {"up 1 now\n# EOF", "! line 1: the time is not a number of seconds\n2 end\n"},
        {"up 1 nan\n# EOF", "! line 1: the time is not a number of seconds\n2 end\n"},
        {"up 1 1e300\n# EOF", "! line 1: the time is not a number of seconds\n2 end\n"},
        {"up 1 # nothing\n# EOF", "! line 1: there is text behind the value and the time\n2 end\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        describe(&out, span_of(cases[i].in), true);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
}

static void ceilings_hold_on_both_sides(void **state UNUSED)
{
    static const struct {
        size_t metric, name, value, labels;
        const char *says;
    } cases[] = {
        {LABEL_NAME_MAX_BYTES, LABEL_NAME_MAX_BYTES, LABEL_VALUE_MAX_BYTES, LABELS_MAX - 1, NULL},
        {LABEL_NAME_MAX_BYTES + 1, 1, 1, 1, "longer than 256"},
        {1, LABEL_NAME_MAX_BYTES + 1, 1, 1, "longer than 256"},
        {1, 1, LABEL_VALUE_MAX_BYTES + 1, 1, "longer than 4096"},
        {1, 1, 1, LABELS_MAX, "more than 64"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf in = {0}, out = {0};
        buf_fill(&in, 'm', cases[i].metric);
        buf_char(&in, '{');
        buf_fill(&in, 'n', cases[i].name);
        buf_str(&in, "=\"");
        buf_fill(&in, 'v', cases[i].value);
        buf_char(&in, '"');
        for (size_t k = 1; k < cases[i].labels; k++)
            buf_printf(&in, ",l%zu=\"x\"", k);
        buf_str(&in, "} 1\n");
        describe(&out, buf_view(&in), false);
        const char *fault = strstr(buf_text(&out), "! line 1");
        assert_int_equal(fault != NULL, cases[i].says != NULL);
        if (fault)
            assert_non_null(strstr(fault, cases[i].says));
    }
}

static void what_is_written_is_read_again(void **state UNUSED)
{
    static const char text[] = "# HELP node_x A \\\\ and \\n end\n"
                               "# TYPE node_x gauge\n"
                               "node_x 1\n"
                               "node_x{a=\"b\\\"c\\\\d\\ne\",z=\"1\"} -0.5 1763706600123\n"
                               "{\"node.y\",\"k.l\"=\"m\"} +Inf\n"
                               "{\"node.z\"} NaN\n";
    auto_buf out = {0};
    exposition_family(&out, SPAN("node_x"), METRIC_GAUGE, "A \\ and \n end");
    struct label plain[] = {{SPAN("__name__"), SPAN("node_x")}};
    exposition_sample(&out, (struct labels){plain, 1}, (struct sample){5, 1}, false);
    struct label full[] = {{SPAN("__name__"), SPAN("node_x")},
                           {SPAN("a"), SPAN("b\"c\\d\ne")},
                           {SPAN("z"), SPAN("1")}};
    exposition_sample(&out, (struct labels){full, 3}, (struct sample){1763706600123, -0.5}, true);
    struct label dotted[] = {{SPAN("__name__"), SPAN("node.y")}, {SPAN("k.l"), SPAN("m")}};
    exposition_sample(&out, (struct labels){dotted, 2}, (struct sample){1, INFINITY}, false);
    struct label bare[] = {{SPAN("__name__"), SPAN("node.z")}};
    exposition_sample(&out, (struct labels){bare, 1}, (struct sample){1, NAN}, false);
    assert_string_equal(buf_text(&out), text);

    auto_buf described = {0};
    describe(&described, buf_view(&out), false);
    assert_string_equal(buf_text(&described),
                        "1 help node_x A \\ and \n end\n2 type node_x gauge\n3 node_x 1\n"
                        "4 node_x{a=\"b\\\"c\\\\d\\ne\", z=\"1\"} -0.5 @1763706600123\n"
                        "5 {__name__=\"node.y\", \"k.l\"=\"m\"} +Inf\n"
                        "6 {__name__=\"node.z\"} NaN\n");
}

const struct CMUnitTest exposition_tests[] = {
    cmocka_unit_test(the_text_format_is_read),
    cmocka_unit_test(faults_name_their_line_and_reading_goes_on),
    cmocka_unit_test(openmetrics_is_read),
    cmocka_unit_test(ceilings_hold_on_both_sides),
    cmocka_unit_test(what_is_written_is_read_again),
};
const size_t exposition_tests_n = COUNT(exposition_tests);
