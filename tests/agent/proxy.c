/* Proxies from the environment. */
#include "unit.h"

#include "agent/proxy.h"

#include <stdlib.h>

static void test_excluded(void **state UNUSED)
{
    static const struct {
        const char *host, *no_proxy;
        bool excluded;
    } cases[] = {
        {"a.example", "a.example", true},
        {"a.example", "example", true},
        {"a.example", ".example", true},
        {"a.example", "b.example", false},
        {"aexample", "example", false},
        {"A.Example", "a.example", true},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "0.1", true},
        {"a.example", "x, a.example ,y", true},
        {"a.example", "*", true},
        {"a.example", "", false},
        {"a.example", ",.,", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(proxy_is_excluded(span_of(cases[i].host), span_of(cases[i].no_proxy)),
                         cases[i].excluded);
}

static void test_environment(void **state UNUSED)
{
    unsetenv("https_proxy");
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    setenv("HTTPS_PROXY", "http://proxy:3128", 1);
    setenv("HTTP_PROXY", "http://evil:1", 1);
    unsetenv("http_proxy");
    assert_string_equal(proxy_of_environment("https://galen.example"), "http://proxy:3128");
    assert_null(proxy_of_environment("http://galen.example"));
    setenv("http_proxy", "http://plain:1", 1);
    assert_string_equal(proxy_of_environment("http://galen.example"), "http://plain:1");
    setenv("https_proxy", "http://small:1", 1);
    assert_string_equal(proxy_of_environment("https://galen.example"), "http://small:1");
    setenv("NO_PROXY", "example", 1);
    assert_null(proxy_of_environment("https://galen.example"));
    assert_null(proxy_of_environment("no url"));
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("http_proxy");
    unsetenv("HTTP_PROXY");
    unsetenv("NO_PROXY");
}

const struct CMUnitTest proxy_tests[] = {
    cmocka_unit_test(test_excluded),
    cmocka_unit_test(test_environment),
};
const size_t proxy_tests_n = COUNT(proxy_tests);
