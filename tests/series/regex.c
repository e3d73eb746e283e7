#include "base/clock.h"
#include "series/matcher.h"
#include "unit.h"

static struct regex *compiled(const char *pattern)
{
    struct regex *r = NULL;
    assert_ok(regex_compile(span_of(pattern), &r, err));
    return r;
}

static void it_matches_whole_values_as_prometheus_does(void **state UNUSED)
{
    static const struct {
        const char *pattern, *yes, *no; /* texts divided by | */
    } cases[] = {
        {"abc", "abc", "ab|abcd|xabc||ABC"},
        {"", "", "a"},
        {"a|b|c", "a|b|c", "|ab|d"},
        {"(a|b)c", "ac|bc", "c|abc|a"},
        {"x(a|b)(c|d)?y", "xay|xby|xacy|xbdy", "xy|xaby|xcy"},
        {"web-[1-3]", "web-1|web-3", "web-4|web-|web-11"},
        {"10[.]0[.].*", "10.0.|10.0.1", "10x0.1|10.0"},
        {"foo.*", "foo|foobar|foo\nbar", "fo|xfoo"},
        {"foo.+", "fooo|foo\n", "foo|fo"},
        {".*", "|a|\n|a\nb", NULL},
        {".+", "a|\n|\xc3\xa4", ""},
        {".*foo", "foo|xfoo|\nfoo", "foox|fo"},
        {".*foo.*", "foo|xfoo|foox|xfoox", "fo|f oo"},
        {".*foo.+bar.*", "foo-bar|xfoo--barx", "foobar|barfoo-"},
        {".*a.*b.*c", "abc|xaxbxc|aabbcc", "acb|ab|abcd"},
        {"a.*a", "aa|aba|aaa", "a|ab"},
        {"ab.*ba", "abba|abxba", "aba"},
        {"foo.*|.*bar", "foo|foox|bar|xbar", "xfoo|barx|"},
        {"..", "ab|\xc3\xa4\xc3\xb6", "a|abc|\xc3\xa4"},
        {".+.+", "ab|\xc3\xa4\xc3\xb6", "a|\xc3\xa4|"},
        {"^abc$", "abc", "ab|abcd"},
        {"^a.*$", "a|ab", "ba"},
        {"a$|^b", "a|b", "ab"},
        {"(?:a|^)b", "b|ab", "cb"},
        {"[^a]", "b|\n|\xc3\xa4", "a|bb|"},
        {"[]a]", "a", "b|[]"},
        {"[^]a]", "b", "a"},
        {"[a-]", "a|-", "b"},
        {"[\\d-z]", "5|-|z", "a"},
        {"[[:alpha:]_]+", "aB_", "1|a1|"},
        {"[[:^digit:]]", "a|\xc3\xa4|\xf0\x9f\x98\x80", "1"},
        {"[[:word:]]+", "a_1", "-"},
        {"\\d{2,3}", "12|123", "1|1234"},
        {"\\d{2}", "12", "1|123"},
        {"\\d{2,}", "12|12345", "1"},
        {"a{,2}", "a{,2}", "a|aa|"},
        {"a{x}", "a{x}", "a"},
        {"a{", "a{", "a"},
        {"{", "{", ""},
        {"a}", "a}", "a"},
        {"]", "]", "["},
        {"\\w+\\W", "ab-|a\xc3\xa4", "ab|-"},
        {"\\s", " |\t|\r|\n|\f", "\v|a"},
        {"\\S", "a|\v", " |\n"},
        {"[\\s\\S]*", "|a \n", NULL},
        {"\\v", "\v", "\n|v"},
        {"\\a\\f\\t\\n\\r", "\a\f\t\n\r", ""},
        {"\\101\\x42\\x{43}", "ABC", "101"},
        {"\\x{e4}", "\xc3\xa4", "\xe4"},
        {"\\.\\*\\-\\_\\/", ".*-_/", ""},
        {"\\Qa.b\\E.", "a.bx", "axbx|a.b"},
        {"\\Qab\\E*", "a|ab|abb", "abab|"},
        {"\\Qa.b)", "a.b)", "axb)"},
        {"\\Aab\\z", "ab", "ab\n|abc"},
        {"ab$", "ab", "ab\n"},
        {"\\bab\\b-\\Bx?", "ab-", "ab"},
        {"(?i)abc", "abc|ABC|aBc", "ab"},
        {"(?i:a)b", "ab|Ab", "AB|aB"},
        {"(?i)a(?-i)b", "ab|Ab", "AB"},
        {"((?i)a)b", "ab|Ab", "AB"},
        {"(?i)\xc3\xa4", "\xc3\xa4|\xc3\x84", "a"},
        {"(?i)[a-c]+", "abcABC", "d"},
        {"(?i)1.2", "1x2", "1"},
        {"(?-s).*", "a|", "a\nb"},
        {"(?-s)a.", "ab", "a\n"},
        {"(?s-i).", "\n", ""},
        {"(?m)a$\n^b", "a\nb", "ab"},
        {"(?U)a+", "a|aa", "b"},
        {"\\p{Greek}+", "\xce\xb1\xce\xb2", "a"},
        {"\\pL", "a|\xc3\xa4", "1"},
        {"\\PL", "1", "a"},
        {"[\\p{Lu}\\d]+", "A1", "a"},
        {"\\p{^Greek}", "a", "\xce\xb1"},
        {"(?P<n>a)(?<m>b)", "ab", "a"},
        {"a*?b+?c??", "b|ab|aabbc", "a"},
        {"(a*)*b", "b|aab", "a"},
        {"^*a", "a", "b"},
        {"a||b", "a||b", "c"},
        {"(|a)", "|a", "b"},
        {"()", "", "a"},
        {"(a{30}){30}", NULL, "a|"},
        {"\xe6\x97\xa5.*", "\xe6\x97\xa5|\xe6\x97\xa5\xe6", NULL},
        {"#a b", "#a b", "ab"},
        {"/var/lib/.+/_data", "/var/lib/docker/_data", "/var/lib//_data"},
        {"(lo|veth.*|docker[0-9]+|br-.+)", "lo|vethab|veth|docker12|br-1", "eth0|docker|br-|loo"},
        {"(?:(?:sd|vd)[a-z]+|nvme[0-9]+n[0-9]+)", "sda|vdb|nvme0n1", "sda1|nvme0"},
        {"node_(cpu|memory)_.*", "node_cpu_seconds_total", "node_disk_x"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct regex *r = compiled(cases[i].pattern);
        for (int wanted = 0; wanted < 2; wanted++) {
            const char *texts = wanted ? cases[i].yes : cases[i].no;
            if (!texts)
                continue;
            for (bool more = true; more;) {
                size_t len = strcspn(texts, "|");
                if (regex_match(r, span_from(texts, len)) != wanted)
                    fail_msg("/%s/ and \"%.*s\": not %d", cases[i].pattern, (int)len, texts,
                             wanted);
                more = texts[len];
                texts += len + more;
            }
        }
        regex_free(r);
    }
}

static void what_re2_does_not_have_is_refused(void **state UNUSED)
{
    static const struct {
        const char *pattern, *says;
    } cases[] = {
        {"(a)\\1", "at 4: \\1: backreferences"},
        {"\\8", "backreferences"},
        {"(?P<n>a)(?P=n)", "(?P=: backreferences"},
        {"\\k<n>", "\\k is not part"},
        {"\\g1", "\\g is not part"},
        {"a(?=b)", "at 2: (?=: lookahead"},
        {"a(?!b)", "(?!: lookahead"},
        {"(?<=a)b", "(?<=: lookbehind"},
        {"(?<!a)b", "(?<!: lookbehind"},
        {"(?>a)", "atomic groups"},
        {"(?|a|b)", "branch reset"},
        {"(?#c)", "comments"},
        {"(?R)", "recursion"},
        {"(a(?1)?)", "recursion"},
        {"(?&n)", "recursion"},
        {"(?P>n)", "recursion"},
        {"(?+1)", "recursion"},
        {"(?(1)a|b)", "conditions"},
        {"(?C1)", "callouts"},
        {"(*UTF)a", "at 2: nothing before the repetition"},
        {"(*COMMIT)", "nothing before"},
        {"a++", "at 3: a repetition of a repetition"},
        {"a*+", "repetition of a repetition"},
        {"a?+", "repetition of a repetition"},
        {"a**", "repetition of a repetition"},
        {"a{2}{3}", "repetition of a repetition"},
        {"a{2}+", "repetition of a repetition"},
        {"*a", "at 1: nothing before"},
        {"+", "nothing before"},
        {"a|*", "nothing before"},
        {"(?i)*", "nothing before"},
        {"{2}", "nothing before"},
        {"(a", "at 1: the group is not closed"},
        {"a)", "at 2: a ) without its ("},
        {"(?i", "(? needs"},
        {"(?)", "(? needs"},
        {"(?-)a", "(? needs"},
        {"(?x)a", "(? needs"},
        {"(?i--s)a", "(? needs"},
        {"(?P<1-2>a)", "a group's name"},
        {"(?P<>a)", "a group's name"},
        {"(?P<n>a)(?<n>b)", "two groups are named n"},
        {"(?'n'a)", "(? needs"},
        {"[a", "at 1: the class is not closed"},
        {"[]", "not closed"},
        {"[z-a]", "ends before it begins"},
        {"[a-\\d]", "\\d is not part"},
        {"[[:nope:]]", "no class [:nope:]"},
        {"\\", "a backslash at the end"},
        {"a\\", "a backslash at the end"},
        {"\\Z", "\\Z is not part"},
        {"\\G", "\\G is not part"},
        {"\\K", "\\K is not part"},
        {"\\C", "\\C is not part"},
        {"\\R", "\\R is not part"},
        {"\\X", "\\X is not part"},
        {"\\h", "\\h is not part"},
        {"\\N", "\\N is not part"},
        {"\\E", "\\E is not part"},
        {"\\c", "\\c is not part"},
        {"\\e", "\\e is not part"},
        {"\\u00e4", "\\u is not part"},
        {"\\\xc3\xa4", "needs none"},
        {"\\x1", "\\x needs"},
        {"\\x{110000}", "\\x needs"},
        {"\\x{d800}", "\\x needs"},
        {"\\x{}", "\\x needs"},
        {"\\p", "\\p needs"},
        {"\\p{", "\\p needs"},
        {"\\p{Greek", "\\p needs"},
        {"\\p{sc:Greek}", "\\p needs"},
        {"\\p{Nope}", "unknown property"},
        {"a{3,2}", "a count must rise"},
        {"a{1001}", "not exceed 1000"},
        {"a{1,99999999999999}", "not exceed 1000"},
        {"(a{40}){40}", "multiply to more than 1000"},
        {"((a{10}){10}){11}", "multiply"},
        {"a\xff", "not UTF-8"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct regex *r = NULL;
        struct err e = {0};
        if (regex_compile(span_of(cases[i].pattern), &r, &e) != INVALID ||
            !strstr(e.text, cases[i].says) || r)
            fail_msg("/%s/: %s", cases[i].pattern, e.text);
    }
}

static void ceilings_hold_on_both_sides(void **state UNUSED)
{
    for (size_t over = 0; over < 2; over++) {
        auto_buf longest = {0}, nested = {0};
        buf_fill(&longest, 'x', REGEX_MAX_BYTES + over);
        buf_fill(&nested, '(', 200 + over);
        buf_fill(&nested, ')', 200 + over);
        struct regex *r = NULL;
        const struct {
            struct buf *pattern;
            const char *says;
        } cases[] = {{&longest, "at most 16384"}, {&nested, "more than 200 groups"}};
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (over) {
                assert_fails(regex_compile(buf_view(cases[i].pattern), &r, err), INVALID,
                             cases[i].says);
            } else {
                assert_ok(regex_compile(buf_view(cases[i].pattern), &r, err));
                regex_free(r);
            }
        }
    }
    struct regex *r = compiled("(a{100}){10}b{1000}");
    regex_free(r);
    /* Each is within every count, but the engine's own size is reached. */
    assert_fails(regex_compile(SPAN("([a-z]y|x){1000}([a-z]z|x){1000}"), &r, err), INVALID,
                 "too large");
}

static void hostile_patterns_take_bounded_time_and_answer_right(void **state UNUSED)
{
    static const char *const patterns[] = {
        "(a*)*[bc]",
        "(a|aa)+[bc]",
        "(a+)+[bc]",
        "(.*a){20}[bc]",
        "(a|a|a|a)*[bc]",
        "((((a*)*)*)*)*[bc]",
        "(a+a+)+[bc]",
        "(?:[a-b]+)*[bc]",
        "(a?){200}[bc]a{200}.*",
        "(a|b|ab)*[cb]",
        "[a-c]*[a-d]*[a-e]*[a-f]*[a-g]*[bc]",
    };
    enum { TEXT_BYTES = 2000, CPU_MAX_MS = 5000 };
    auto_buf text = {0};
    buf_fill(&text, 'a', TEXT_BYTES);
    int64_t before_ns = clock_cpu_ns();
    for (size_t i = 0; i < COUNT(patterns); i++) {
        struct regex *r = compiled(patterns[i]);
        assert_false(regex_match(r, buf_view(&text)));
        /* The same with what it looks for: "no" above was not merely given up. */
        auto_buf with = {0};
        buf_span(&with, buf_view(&text));
        buf_char(&with, 'b');
        if (!strstr(patterns[i], "200"))
            assert_true(regex_match(r, buf_view(&with)));
        regex_free(r);
    }
    assert_true((clock_cpu_ns() - before_ns) / 1000000 < CPU_MAX_MS);
}

static void literals_and_prefixes_are_found(void **state UNUSED)
{
    static const struct {
        const char *pattern, *literals, *prefix; /* literals joined by blanks; NULL: none */
    } cases[] = {
        {"abc", "abc", "abc"},
        {"", "", ""},
        {"b|a|b", "a b", ""},
        {"(a|b)c", "ac bc", ""},
        {"^(web|win)-0[12]$", "web-01 web-02 win-01 win-02", "w"},
        {"ab?c", "abc ac", "a"},
        {"a\\.b", "a.b", "a.b"},
        {"abc.*", NULL, "abc"},
        {"abc|abd.*", NULL, "ab"},
        {".*", NULL, ""},
        {"abc[0-9]+", NULL, "abc"},
        {"(abc)+", NULL, "abc"},
        {"(abc)*", NULL, ""},
        {"(?i)abc", NULL, ""},
        {"(?i)12", "12", "12"},
        {"a{2}", NULL, "a"},
        {"\xc3\xa4|\xc3\xb6.*", NULL, "\xc3"},
        {"[a-z]", "a b c d e f g h i j k l m n o p q r s t u v w x y z", ""},
        {"[a-zA-Z]", NULL, ""},
        {"[^a]", NULL, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct regex *r = compiled(cases[i].pattern);
        size_t n;
        const struct span *literals = regex_literals(r, &n);
        auto_buf out = {0};
        for (size_t k = 0; k < n; k++)
            buf_printf(&out, "%s%.*s", k ? " " : "", SPAN_ARG(literals[k]));
        assert_int_equal(n > 0, cases[i].literals != NULL);
        if (cases[i].literals)
            assert_string_equal(buf_text(&out), cases[i].literals);
        assert_span(regex_prefix(r), cases[i].prefix);
        regex_free(r);
    }
}

static void a_large_alternation_is_a_set(void **state UNUSED)
{
    auto_buf pattern = {0};
    for (int i = 0; i < 1000; i++)
        buf_printf(&pattern, "%shost-%d", i ? "|" : "", i);
    struct regex *r = compiled(buf_text(&pattern));
    size_t n;
    regex_literals(r, &n);
    assert_int_equal(n, 1000);
    assert_true(regex_match(r, SPAN("host-999")));
    assert_false(regex_match(r, SPAN("host-1000")));
    regex_free(r);

    /* 4^7 combinations are too many to list; the engine still knows. */
    r = compiled("[0-3][0-3][0-3][0-3][0-3][0-3][0-3]");
    regex_literals(r, &n);
    assert_int_equal(n, 0);
    assert_true(regex_match(r, SPAN("0123012")));
    assert_false(regex_match(r, SPAN("0123014")));
    regex_free(r);
}

static void replacing_follows_gos_templates(void **state UNUSED)
{
    static const struct {
        const char *pattern, *text, *template, *want; /* NULL: no match */
    } cases[] = {
        {"(.*):(.*)", "host:9100", "$1", "host"},
        {"(.*):(.*)", "host:9100", "${2}-$1", "9100-host"},
        {"(.*):.*", "host:9100", "$1x", ""},
        {"(.*):.*", "host:9100", "${1}x", "hostx"},
        {"(.*):.*", "host", "$1", NULL},
        {"(?P<h>.*):(?<p>.*)", "host:9100", "$h/${p}", "host/9100"},
        {"a(b)?c", "ac", "<$1>", "<>"},
        {"abc", "abc", "$0!", "abc!"},
        {"abc", "abc", "$1", ""},
        {"abc", "abc", "$99999999999999999999", ""},
        {"abc", "abc", "$$1 $ $- ${ ${} ${x", "$1 $ $- ${ ${} ${x"},
        {"abc", "abc", "", ""},
        {"a|(b)", "b", "$1", "b"},
        {"(?i)(a)B", "Ab", "$1", "A"},
        {"(a*?)(a*)", "aaa", "$1|$2", "|aaa"},
        {"(?U)(a*)(a*)", "aaa", "$1|$2", "|aaa"},
        {".*", "", "x", "x"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct regex *r = compiled(cases[i].pattern);
        auto_buf out = {0};
        bool matches = regex_replace(r, span_of(cases[i].text), span_of(cases[i].template), &out);
        assert_int_equal(matches, cases[i].want != NULL);
        if (matches)
            assert_string_equal(buf_text(&out), cases[i].want);
        regex_free(r);
    }
}

const struct CMUnitTest regex_tests[] = {
    cmocka_unit_test(it_matches_whole_values_as_prometheus_does),
    cmocka_unit_test(what_re2_does_not_have_is_refused),
    cmocka_unit_test(ceilings_hold_on_both_sides),
    cmocka_unit_test(hostile_patterns_take_bounded_time_and_answer_right),
    cmocka_unit_test(literals_and_prefixes_are_found),
    cmocka_unit_test(a_large_alternation_is_a_set),
    cmocka_unit_test(replacing_follows_gos_templates),
};
const size_t regex_tests_n = COUNT(regex_tests);
