/* Tokens, numbers, durations and strings. */
#include "unit.h"

#include "promql/lexer.h"

#include <math.h>

/* All tokens of a text as "what@place", separated by blanks. */
static void lex_all(const char *text, struct buf *out)
{
    struct lexer l = {.text = span_of(text)};
    struct token t;
    do {
        lex_next(&l, &t);
        if (out->len > 0)
            buf_char(out, ' ');
        if (t.kind == TOKEN_ERROR)
            buf_printf(out, "error(%.*s)", SPAN_ARG(t.text));
        else
            token_describe(out, &t);
        buf_printf(out, "@%u", t.pos);
    } while (t.kind != TOKEN_END && t.kind != TOKEN_ERROR);
}

static void tokens(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", "end of input@0"},
        {" # all comment", "end of input@14"},
        {"a # b\n+c", "identifier \"a\"@0 <op:+>@6 identifier \"c\"@7 end of input@8"},
        {"a:b", "metric identifier \"a:b\"@0 end of input@3"},
        {"SUM by(x)", "<aggr:SUM>@0 <by>@4 \"(\"@6 identifier \"x\"@7 \")\"@8 end of input@9"},
        {"1 .5 5. 1e-3 0x1F 5m 1h30m",
         "number \"1\"@0 number \".5\"@2 number \"5.\"@5 number \"1e-3\"@8 number \"0x1F\"@13 "
         "duration \"5m\"@18 duration \"1h30m\"@21 end of input@26"},
        {"Inf nAn", "number \"Inf\"@0 number \"nAn\"@4 end of input@7"},
        {"a{by=~'x'}", "identifier \"a\"@0 \"{\"@1 identifier \"by\"@2 <op:=~>@4 "
                       "string \"'x'\"@6 \"}\"@9 end of input@10"},
        {"a[5m:1m]", "identifier \"a\"@0 \"[\"@1 duration \"5m\"@2 \":\"@4 duration \"1m\"@5 "
                     "\"]\"@7 end of input@8"},
        {"a atan2 b", "identifier \"a\"@0 <op:atan2>@2 identifier \"b\"@8 end of input@9"},
        {"`a\\`", "string \"`a\\\\`\"@0 end of input@4"},
        {"a >= b != c",
         "identifier \"a\"@0 <op:>=>@2 identifier \"b\"@5 <op:!=>@7 identifier \"c\"@10 end of "
         "input@11"},
        {"a @ 1", "identifier \"a\"@0 <op:@>@2 number \"1\"@4 end of input@5"},
        /* faults */
        {"2.5.", "error(bad number or duration syntax: \"2.5.\")@0"},
        {"5mm", "error(bad number or duration syntax: \"5mm\")@0"},
        {"$", "error(unexpected character: '$')@0"},
        {"a ~", "identifier \"a\"@0 error(unexpected character: '~')@2"},
        {"'a", "error(unterminated quoted string)@0"},
        {"'a\nb'", "error(unterminated quoted string)@0"},
        {"`a", "error(unterminated raw string)@0"},
        {"'\\z'", "error(unknown escape sequence U+007A 'z')@0"},
        {"'\\x.'", "error(illegal character U+002E '.' in escape sequence)@0"},
        {"'\\uD800'", "error(escape sequence is an invalid Unicode code point)@0"},
        {"'\\", "error(escape sequence not terminated)@0"},
        {"'\xff'", "error(invalid UTF-8 rune)@0"},
        {"(", "\"(\"@0 error(unclosed left parenthesis)@1"},
        {")", "error(unexpected right parenthesis ')')@1"},
        {"a{", "identifier \"a\"@0 \"{\"@1 error(unexpected end of input inside braces)@2"},
        {"a{{", "identifier \"a\"@0 \"{\"@1 error(unexpected left brace '{')@2"},
        {"a{!}", "identifier \"a\"@0 \"{\"@1 error(unexpected character after '!' inside braces: "
                 "'}')@2"},
        {"a[", "identifier \"a\"@0 \"[\"@1 error(unexpected end of input in duration "
               "expression)@2"},
        {"a[5m", "identifier \"a\"@0 \"[\"@1 duration \"5m\"@2 error(unclosed left bracket)@4"},
        {"a[:", "identifier \"a\"@0 \"[\"@1 error(unexpected colon before duration in duration "
                "expression)@2"},
        {"]", "error(unexpected right bracket ']')@0"},
        {"a =~ b", "identifier \"a\"@0 error(unexpected character after '=': '~')@2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        lex_all(cases[i].in, &out);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        bool ok;
        double want;
    } cases[] = {
        {"0", true, 0},          {"12.5", true, 12.5},
        {"1_000", true, 1000},   {"0x1F", true, 31},
        {"0755", true, 493},     {"0b101", true, 5},
        {"09", true, 9},         {"1e3", true, 1000},
        {"inf", true, INFINITY}, {"1.7976931348623157e308", true, 1.7976931348623157e308},
        {"1.8e308", false, 0},   {"1__0", false, 0},
        {"1e", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        const char *why = NULL;
        double got = 0;
        assert_int_equal(number_parse(span_of(cases[i].in), &got, &arena, &why), cases[i].ok);
        assert_true(got == cases[i].want);
        assert_true(cases[i].ok || strstr(why, "error parsing number"));
    }
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int64_t want; /* -1: refused */
        const char *printed;
    } cases[] = {
        {"0", 0, "0s"},
        {"5ms", 5, "5ms"},
        {"90s", 90000, "1m30s"},
        {"1h30m", 5400000, "1h30m"},
        {"7d", 604800000, "1w"},
        {"8d", 691200000, "8d"},
        {"365d", 31536000000, "1y"},
        {"1y2w3d4h5m6s7ms", 33019506007, "382d4h5m6s7ms"},
        {"292y", 292 * INT64_C(31536000000), "292y"},
        {"293y", -1, NULL},
        {"", -1, NULL},
        {"5", -1, NULL},
        {"5x", -1, NULL},
        {"1m1h", -1, NULL},
        {"1m1m", -1, NULL},
        {"99999999999999999999s", -1, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        auto_buf out = {0};
        const char *why = NULL;
        int64_t got = 0;
        bool ok = promql_duration_parse(span_of(cases[i].in), &got, &arena, &why);
        assert_int_equal(ok, cases[i].want >= 0);
        if (!ok) {
            assert_non_null(why);
            continue;
        }
        assert_int_equal(got, cases[i].want);
        promql_duration_print(&out, got);
        assert_string_equal(buf_text(&out), cases[i].printed);
    }
}

static void strings(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"\"\"", ""},
        {"'it''", "it'"}, /* only what the lexer passes comes here; the ends are cut */
        {"\"a\\n\\t\\\\\\\"\"", "a\n\t\\\""},
        {"'\\x41\\101\\u00e9\\U0001F600'", "AA\xc3\xa9\xf0\x9f\x98\x80"},
        {"`raw\\n`", "raw\\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        assert_span(string_unquote(span_of(cases[i].in), &arena), cases[i].want);
    }
}

static void printed_numbers(void **state)
{
    (void)state;
    static const struct {
        double in;
        const char *want;
    } cases[] = {
        {1, "1"},
        {-0.5, "-0.5"},
        {1e21, "1000000000000000000000"},
        {1.25e22, "12500000000000000000000"},
        {1e-7, "0.0000001"},
        {-1.5e-9, "-0.0000000015"},
        {INFINITY, "+Inf"},
        {NAN, "NaN"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        number_print(&out, cases[i].in);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
}

const struct CMUnitTest lexer_tests[] = {
    cmocka_unit_test(tokens),  cmocka_unit_test(numbers),         cmocka_unit_test(durations),
    cmocka_unit_test(strings), cmocka_unit_test(printed_numbers),
};
const size_t lexer_tests_n = COUNT(lexer_tests);
