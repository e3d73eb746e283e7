#include "unit.h"

#include "probe/probe.h"

static enum status parse(const char *text, struct arena *arena, struct service_config *out,
                         struct err *err)
{
    struct yaml *root = NULL;
    enum status st = yaml_parse(span_of(text), "agent.yaml", arena, &root, err);
    return st ? st : service_parse(root, arena, out, err);
}

static void test_good(void **state UNUSED)
{
    auto_arena arena = {0};
    struct service_config s;
    assert_ok(parse("nginx", &arena, &s, err));
    assert_true(s.wanted && s.n_checks == 1 && s.checks[0].guess);
    assert_ok(parse("shop", &arena, &s, err));
    assert_string_equal(s.units[0], "shop.service");
    assert_string_equal(s.processes[0], "shop");
    assert_int_equal(s.every_ms, PROBE_EVERY_MS);
    assert_ok(parse("name: shop\n"
                    "unit: [shopd, shop.socket]\n"
                    "process: shopd*\n"
                    "interval: 1s\n"
                    "timeout: 100ms\n"
                    "probes:\n"
                    "  - {http: 'https://localhost/x', status: 204, text: ok, ca: /ca.pem}\n"
                    "  - {http: 'http://localhost/'}\n"
                    "  - {tcp: '[::1]:80'}\n"
                    "  - {unix: /run/x, name: bus}\n",
                    &arena, &s, err));
    assert_string_equal(s.units[0], "shopd.service");
    assert_string_equal(s.units[1], "shop.socket");
    assert_int_equal(s.n_checks, 4);
    assert_int_equal(s.checks[0].status, 204);
    assert_string_equal(s.checks[0].name, "http");
    assert_string_equal(s.checks[1].name, "http2");
    assert_string_equal(s.checks[3].name, "bus");
    assert_int_equal(s.timeout_ms, PROBE_TIMEOUT_MIN_MS);
    /* A known service with a probe of its own: the guess is gone, its units stay. */
    assert_ok(parse("name: redis\nprobes: [{tcp: 'localhost:7000'}]", &arena, &s, err));
    assert_true(s.n_checks == 1 && !s.checks[0].guess);
    assert_string_equal(s.units[0], "redis-server.service");
}

static void test_bad(void **state UNUSED)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"unit: x", "a service needs a name"},
        {"name: ''", "1 to 64 characters"},
        {"name: x\nwhat: 1", "unknown key \"what\""},
        {"name: x\nprobes: 1", "probes is a list"},
        {"name: x\nprobes: [1]", "a probe is a map"},
        {"name: x\nprobes: [{status: 200}]", "a probe needs http, tcp or unix"},
        {"name: x\nprobes: [{tcp: 'a:1', unix: /x}]", "has one of"},
        {"name: x\nprobes: [{tcp: 'a'}]", "is not HOST:PORT"},
        {"name: x\nprobes: [{tcp: 'a:0'}]", "is not HOST:PORT"},
        {"name: x\nprobes: [{tcp: 'a:65536'}]", "is not HOST:PORT"},
        {"name: x\nprobes: [{unix: run/x}]", "is not the path of a socket"},
        {"name: x\nprobes: [{http: 'ftp://x/'}]", "agent.yaml:2"},
        {"name: x\nprobes: [{http: 'http://x/', status: 99}]", "100"},
        {"name: x\nprobes: [{tcp: 'a:1', status: 200}]", "are of http probes"},
        {"name: x\nprobes: [{tcp: 'a:1', name: y}, {tcp: 'a:2', name: y}]", "two probes named y"},
        {"name: x\ninterval: 999ms", "1s"},
        {"name: x\ntimeout: 99ms", "100ms"},
        {"name: x\nunit: [a,b,c,d,e,f,g,h]", "at most 7 names"},
        {"name: x\nprobes: [{tcp: 'a:1'},{tcp: 'a:1'},{tcp: 'a:1'},{tcp: 'a:1'},{tcp: 'a:1'},"
         "{tcp: 'a:1'},{tcp: 'a:1'},{tcp: 'a:1'},{tcp: 'a:1'}]",
         "at most 8 probes"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct service_config s;
        assert_fails(parse(cases[i].text, &arena, &s, err), INVALID, cases[i].says);
    }
}

static void test_known(void **state UNUSED)
{
    static const char *const wanted[] = {
        "nginx",         "apache",  "mysql",  "postgresql", "mongodb", "redis",
        "elasticsearch", "php-fpm", "nodejs", "docker",     "ssh"};
    size_t n;
    const struct service_config *known = services_known(&n);
    for (size_t i = 0; i < COUNT(wanted); i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found = found || strcmp(known[k].name, wanted[i]) == 0;
        assert_true(found);
    }
}

const struct CMUnitTest names_tests[] = {
    cmocka_unit_test(test_good),
    cmocka_unit_test(test_bad),
    cmocka_unit_test(test_known),
};
const size_t names_tests_n = COUNT(names_tests);
