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

const struct CMUnitTest regex_tests[] = {
    cmocka_unit_test(it_matches_whole_values_as_prometheus_does),
};
const size_t regex_tests_n = COUNT(regex_tests);
