/* What parses, how it prints, what is refused and where. */
#include "promql/promql.h"
#include "unit.h"

#include <math.h>

/* in prints as want (in itself when NULL), and so does what was printed. */
static const struct {
    const char *in, *want;
} accepted[] = {
    {"1", NULL},
    {"-1.5e3", "-1500"},
    {"0x1F", "31"},
    {"5m", NULL},
    {"-5m", NULL},
    {"\"a\\\"b\"", NULL},
    {"'a\"b'", "\"a\\\"b\""},
    {"`a\\b`", "\"a\\\\b\""},
    {"foo", NULL},
    {"foo:bar", NULL},
    {"foo{}", "foo"},
    {"foo{a=\"b\",}", "foo{a=\"b\"}"},
    {"foo{z='1', a!=\"2\", m=~\"3\", b!~'4'}", "foo{a!=\"2\",b!~\"4\",m=~\"3\",z=\"1\"}"},
    {"{__name__=\"a\"}", NULL},
    {"{'my.metric', \"label.x\"='y'}", "{\"label.x\"=\"y\",__name__=\"my.metric\"}"},
    {"sum{min=\"x\"}", NULL},
    {"by", NULL},
    {"and or unless", NULL},
    {"start{end=\"a\"}", NULL},
    {"foo[5m]", NULL},
    {"foo[90]", "foo[1m30s]"},
    {"foo[5m] offset 1h", NULL},
    {"foo offset -90s", "foo offset -1m30s"},
    {"foo offset 30", "foo offset 30s"},
    {"foo @ 1.5", "foo @ 1.500"},
    {"foo @ -1", "foo @ -1.000"},
    {"foo offset 1m @ end()", "foo @ end() offset 1m"},
    {"foo[1m] @ start()", NULL},
    {"foo[1h:5m]", NULL},
    {"foo[1h:]", NULL},
    {"(a + b)[1h:] offset 5m", NULL},
    {"rate(foo[5m])[1h:1m] @ 10", "rate(foo[5m])[1h:1m] @ 10.000"},
    {"foo and bar or baz unless qux", NULL},
    {"a+b*c^d^e", "a + b * c ^ d ^ e"},
    {"(a+b)*c", "(a + b) * c"},
    {"-a^2", "-a ^ 2"},
    {"+a", NULL},
    {"- - a", "--a"},
    {"a atan2 b", NULL},
    {"a > bool b", NULL},
    {"a - on() c", "a - on () c"},
    {"a - ignoring() c", "a - c"},
    {"a - on(b,c) group_left d", "a - on (b, c) group_left () d"},
    {"a - ignoring(b) group_right(x,y) c", "a - ignoring (b) group_right (x, y) c"},
    {"sum(a)", NULL},
    {"SUM BY (x) (a)", "sum by (x) (a)"},
    {"sum(a) by (x,)", "sum by (x) (a)"},
    {"sum by () (a)", "sum(a)"},
    {"sum without () (a)", NULL},
    {"sum by (\"a.b\", by, 'c') (a)", "sum by (\"a.b\", by, c) (a)"},
    {"topk(5, a)", NULL},
    {"count_values without (x) (\"v\", a)", NULL},
    {"quantile(0.9, a)", NULL},
    {"histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))", NULL},
    {"label_replace(a, \"x\", \"$1\", \"y\", \"(.*)\")", NULL},
    {"label_join(a, \"x\", \",\")", NULL},
    {"time()", NULL},
    {"hour()", NULL},
    {"round(a)", NULL},
    {"round(a, 5)", NULL},
    {"1 == bool 1", NULL},
    {"holt_winters(a[5m], 0.5, 0.5)", NULL},
    {"double_exponential_smoothing(a[5m], 0.5, 0.5)", NULL},
};

static void accepts_and_prints(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        auto_arena arena = {0};
        auto_buf first = {0}, second = {0};
        struct expr *e;
        assert_ok(promql_parse(span_of(accepted[i].in), &arena, &e, err));
        promql_print(&first, e);
        assert_string_equal(buf_text(&first), accepted[i].want ? accepted[i].want : accepted[i].in);
        promql_free(e);
        assert_ok(promql_parse(buf_view(&first), &arena, &e, err));
        promql_print(&second, e);
        assert_string_equal(buf_text(&first), buf_text(&second));
        promql_free(e);
    }
}

static const struct {
    const char *in, *want;
} refused[] = {
    {"", "1:1: parse error: no expression found in input"},
    {"1 +", "1:4: parse error: unexpected end of input"},
    {"1 +\n\n  *", "3:3: parse error: unexpected <op:*>"},
    {"a b", "1:3: parse error: unexpected identifier \"b\""},
    {"sum(a b)", "1:7: parse error: unexpected identifier \"b\" in aggregation"},
    {"rate(a b)", "1:8: parse error: unexpected identifier \"b\""},
    {"(a", "1:3: parse error: unclosed left parenthesis"},
    {"a{b}", "1:4: parse error: unexpected \"}\" in label matching, expected label matching "
             "operator"},
    {"a{b=c}", "1:5: parse error: unexpected identifier \"c\" in label matching, expected string"},
    {"a{,}", "1:3: parse error: unexpected \",\" in label matching, expected identifier or \"}\""},
    {"a{b=\"c\" d}", "1:9: parse error: unexpected identifier \"d\" in label matching, expected "
                     "\",\" or \"}\""},
    {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a=~\".*\"}", "at least one non-empty matcher"},
    {"a{__name__=\"b\"}", "1:1: parse error: metric name must not be set twice: \"a\" or \"b\""},
    {"a{b=~\"(\"}", "1:3: parse error: "},
    {"a[]", "1:3: parse error: unexpected \"]\" in subquery or range selector, expected number, "
            "duration"},
    {"a[0s]", "1:3: parse error: duration must be greater than 0"},
    {"a[-5m]", "1:3: parse error: duration must be greater than 0"},
    {"a[5m1h]", "1:3: parse error: not a valid duration string: \"5m1h\""},
    {"a[400y]", "duration out of range"},
    {"a offset 1m[5m]", "1:12: parse error: no offset modifiers allowed before range"},
    {"a @ 1 [5m]", "1:7: parse error: no @ modifiers allowed before range"},
    {"sum(a)[5m]", "1:7: parse error: ranges only allowed for vector selectors"},
    {"a[5m:1m][5m:]", "1:1: parse error: subquery is only allowed on instant vector, got matrix "
                      "instead"},
    {"a offset", "1:9: parse error: unexpected end of input in offset, expected number, duration"},
    {"1 offset 1m", "1:1: parse error: offset modifier must be preceded by an instant vector "
                    "selector or range vector selector or a subquery"},
    {"a offset 1m offset 2m", "offset may not be set multiple times"},
    {"a @ 1 @ 2", "@ <timestamp> may not be set multiple times"},
    {"a @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
    {"a @ b", "1:5: parse error: unexpected identifier \"b\" in @, expected timestamp"},
    {"rate(a[5m]) @ 1", "@ modifier must be preceded by"},
    {"1 and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
    {"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
    {"a + bool b", "1:3: parse error: bool modifier can only be used on comparison operators"},
    {"a and on(b) group_left c", "no grouping allowed for \"and\" operation"},
    {"a + on(b) group_left(b) c", "label \"b\" must not occur in ON and GROUP clause at once"},
    {"a == on(b) 1", "vector matching only allowed between instant vectors"},
    {"a + group_left(b) c", "1:5: parse error: unexpected <group_left>"},
    {"a[5m] + b", "binary expression must contain only scalar and instant vector types"},
    {"-\"a\"", "unary expression only allowed on expressions of type scalar or instant vector, "
               "got \"string\""},
    {"sum by a (b)", "1:8: parse error: unexpected identifier \"a\" in grouping opts, expected "
                     "\"(\""},
    {"sum by (,) (b)", "unexpected \",\" in grouping opts, expected label"},
    {"sum by (a b) (c)", "unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""},
    {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
    {"topk(a)", "wrong number of arguments for aggregate expression provided, expected 2, got 1"},
    {"topk(a, b)", "1:6: parse error: expected type scalar in aggregation parameter, got instant "
                   "vector"},
    {"sum(1)", "1:5: parse error: expected type instant vector in aggregation expression, got "
               "scalar"},
    {"abs(a, )", "1:6: parse error: trailing commas not allowed in function call args"},
    {"nope(a)", "1:1: parse error: unknown function with name \"nope\""},
    {"abs()", "expected 1 argument(s) in call to \"abs\", got 0"},
    {"hour(a, b)", "expected at most 1 argument(s) in call to \"hour\", got 2"},
    {"label_join(a, \"b\")", "expected at least 3 argument(s) in call to \"label_join\", got 2"},
    {"rate(a)", "1:6: parse error: expected type range vector in call to function \"rate\", got "
                "instant vector"},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        auto_arena arena = {0};
        struct expr *e;
        assert_fails(promql_parse(span_of(refused[i].in), &arena, &e, err), INVALID,
                     refused[i].want);
        assert_null(e);
    }
}

/* What Prometheus has behind feature flags, and native histograms, is told apart. */
static void unsupported(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "limitk(2, a)",
        "limit_ratio by (x) (0.1, a)",
        "info(a)",
        "a[5m + 1m]",
        "a offset (5m)",
        "a[step()]",
        "a anchored",
        "rate(a[5m] smoothed)",
        "a + fill(0) b",
        "a >/ 1",
        "histogram_count(a)",
        "mad_over_time(a[5m])",
        "sort_by_label(a)",
        "start()",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct expr *e;
        assert_fails(promql_parse(span_of(cases[i]), &arena, &e, err), UNSUPPORTED,
                     "parse error: ");
    }
}

static void kinds(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        enum value_kind want;
    } cases[] = {
        {"1", VALUE_SCALAR},      {"(1 + 2)", VALUE_SCALAR},   {"\"a\"", VALUE_STRING},
        {"a", VALUE_VECTOR},      {"a + 1", VALUE_VECTOR},     {"a[5m]", VALUE_MATRIX},
        {"a[5m:]", VALUE_MATRIX}, {"scalar(a)", VALUE_SCALAR}, {"-(1)", VALUE_SCALAR},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct expr *e;
        assert_ok(promql_parse(span_of(cases[i].in), &arena, &e, err));
        assert_int_equal(promql_kind(e), cases[i].want);
        promql_free(e);
    }
}

/* n times before, then an operand, then n times after */
static enum status parse_nested(const char *before, const char *after, size_t n, struct err *err)
{
    auto_arena arena = {0};
    auto_buf text = {0};
    for (size_t i = 0; i < n; i++)
        buf_str(&text, before);
    buf_str(&text, "a");
    for (size_t i = 0; i < n; i++)
        buf_str(&text, after);
    struct expr *e;
    enum status st = promql_parse(buf_view(&text), &arena, &e, err);
    promql_free(e);
    return st;
}

static void depth_limits(void **state)
{
    (void)state;
    assert_ok(parse_nested("(", ")", PROMQL_DEPTH_MAX - 1, err));
    assert_fails(parse_nested("(", ")", PROMQL_DEPTH_MAX, err), INVALID, "nested deeper than 200");
    assert_fails(parse_nested("(", ")", 60000, err), INVALID, "longer than");
    assert_fails(parse_nested("-", "", 30000, err), INVALID, "nested deeper than 200");
    assert_ok(parse_nested("", " or a", 900, err));
    assert_fails(parse_nested("", " or a", 1100, err), INVALID, "more than 1000 operators");
    assert_fails(parse_nested("", "[1m:]", 300, err), INVALID, "only allowed on instant vector");
}

static void text_limit(void **state)
{
    (void)state;
    auto_arena arena = {0};
    auto_buf text = {0};
    struct expr *e;
    buf_char(&text, 'a');
    buf_fill(&text, ' ', PROMQL_TEXT_MAX_BYTES - 1);
    assert_ok(promql_parse(buf_view(&text), &arena, &e, err));
    buf_char(&text, ' ');
    assert_fails(promql_parse(buf_view(&text), &arena, &e, err), INVALID,
                 "longer than 65536 bytes");
}

/* The value of an expression that compares it with a number, for those who draw it. */
static void trees(void **state)
{
    (void)state;
#define SELECTOR(name)                                                                             \
    "{\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"" name                       \
    "\"}],\"name\":\"" name                                                                        \
    "\",\"offset\":0,\"startOrEnd\":null,\"timestamp\":null,\"type\":\"vectorSelector\"}"
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"1", "{\"type\":\"numberLiteral\",\"val\":\"1\"}"},
        {"0.00000125", "{\"type\":\"numberLiteral\",\"val\":\"0.00000125\"}"},
        {"1.25e-9", "{\"type\":\"numberLiteral\",\"val\":\"0.00000000125\"}"},
        {"1.25e23", "{\"type\":\"numberLiteral\",\"val\":\"125000000000000000000000\"}"},
        {"Inf", "{\"type\":\"numberLiteral\",\"val\":\"+Inf\"}"},
        {"5m", "{\"type\":\"numberLiteral\",\"val\":\"300\"}"},
        {"'a\"b'", "{\"type\":\"stringLiteral\",\"val\":\"a\\\"b\"}"},
        {"up", SELECTOR("up")},
        {"-(up)", "{\"expr\":{\"expr\":" SELECTOR(
                      "up") ",\"type\":\"parenExpr\"},\"op\":\"-\",\"type\":\"unaryExpr\"}"},
        {"{'my.metric',\"x.y\"!~'z'}[5m] @ 1.5 offset -1m",
         "{\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"my.metric\"},"
         "{\"name\":\"x.y\",\"type\":\"!~\",\"value\":\"z\"}],\"name\":\"\",\"offset\":-60000,"
         "\"range\":300000,\"startOrEnd\":null,\"timestamp\":1500,\"type\":\"matrixSelector\"}"},
        {"up[1h:5m] @ end()",
         "{\"expr\":" SELECTOR("up") ",\"offset\":0,\"range\":3600000,\"startOrEnd\":\"end\","
                                     "\"step\":300000,\"timestamp\":null,\"type\":\"subquery\"}"},
        {"round(a)", "{\"args\":[" SELECTOR("a") "],\"func\":{\"argTypes\":[\"vector\",\"scalar\"],"
                                                 "\"name\":\"round\",\"returnType\":\"vector\","
                                                 "\"variadic\":1},\"type\":\"call\"}"},
        {"topk without(b)(2, a)",
         "{\"expr\":" SELECTOR("a") ",\"grouping\":[\"b\"],\"op\":\"topk\",\"param\":"
                                    "{\"type\":\"numberLiteral\",\"val\":\"2\"},"
                                    "\"type\":\"aggregation\",\"without\":true}"},
        {"a > bool 1",
         "{\"bool\":true,\"lhs\":" SELECTOR(
             "a") ",\"matching\":null,\"op\":\">\",\"rhs\":"
                  "{\"type\":\"numberLiteral\",\"val\":\"1\"},\"type\":\"binaryExpr\"}"},
        {"a * on(x) group_left(y) b",
         "{\"bool\":false,\"lhs\":" SELECTOR("a") ",\"matching\":{\"card\":\"many-to-one\","
                                                  "\"include\":[\"y\"],\"labels\":[\"x\"],"
                                                  "\"on\":true},\"op\":\"*\",\"rhs\":" SELECTOR(
                                                      "b") ",\"type\":\"binaryExpr\"}"},
        {"a or b",
         "{\"bool\":false,\"lhs\":" SELECTOR(
             "a") ",\"matching\":{\"card\":\"many-to-many\",\"include\":[],\"labels\":[],"
                  "\"on\":false},\"op\":\"or\",\"rhs\":" SELECTOR("b") ",\"type\":\"binaryExpr\"}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        auto_buf out = {0};
        struct expr *e;
        assert_ok(promql_parse(span_of(cases[i].in), &arena, &e, err));
        promql_tree(&out, e);
        assert_string_equal(buf_text(&out), cases[i].want);
        promql_free(e);
    }
#undef SELECTOR
}

static void what_is_compared(void **state)
{
    static const struct {
        const char *text, *value; /* value NULL: it is none */
        double with;
    } cases[] = {
        {"a > 5", "a", 5},
        {"(a <= -5)", "a", -5},
        {"a{b=\"c\"} / 2 != (0.5)", "a{b=\"c\"} / 2", 0.5},
        {"sum by (x) (rate(a[5m])) < +Inf", "sum by (x) (rate(a[5m]))", INFINITY},
        {"a == bool 5", NULL, 0},
        {"5 < a", NULL, 0},
        {"1 < bool 2", NULL, 0},
        {"a > b", NULL, 0},
        {"a + 5", NULL, 0},
        {"a > 5 and b", NULL, 0},
        {"a", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        auto_buf value = {0};
        struct expr *e;
        double with = 0;
        assert_ok(promql_parse(span_of(cases[i].text), &arena, &e, err));
        bool is = promql_compared(e, &value, &with);
        if (is != (cases[i].value != NULL) || (is && with != cases[i].with) ||
            !span_is(buf_view(&value), cases[i].value ? cases[i].value : ""))
            fail_msg("%s: \"%s\" %g", cases[i].text, buf_text(&value), with);
        promql_free(e);
    }
}

const struct CMUnitTest parser_tests[] = {
    cmocka_unit_test(what_is_compared),   cmocka_unit_test(trees),
    cmocka_unit_test(accepts_and_prints), cmocka_unit_test(refuses),
    cmocka_unit_test(unsupported),        cmocka_unit_test(kinds),
    cmocka_unit_test(depth_limits),       cmocka_unit_test(text_limit),
};
const size_t parser_tests_n = COUNT(parser_tests);
