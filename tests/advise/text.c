/* What is printed for a terminal: nothing wider than 80 columns but what is there to be copied,
 * nothing cut without a sign of it. */
#include "world.h"

#include "advise/profile.h"
#include "base/text.h"

enum { TERMINAL = 80 };

/* No line is wider; `but` (NULL: nothing) may be. */
static void fits(struct span text, const char *but)
{
    struct span line;
    while (span_line(&text, &line))
        if (text_columns(line) > TERMINAL && (!but || !memmem(line.at, line.len, but, strlen(but))))
            fail_msg("%zu columns: %.*s", text_columns(line), SPAN_ARG(line));
}

static struct profile_report *judged(struct world *w, struct arena *a, const char *name)
{
    struct profile_report *reports;
    size_t n;
    world_steps(w, 2);
    assert_ok(advise_profiles(w->adviser, memory_source_face(w->source), SPAN(""), name, w->now_ms,
                              a, &reports, &n, err));
    assert_int_equal(n, 1);
    return &reports[0];
}

/* Several numbers of one parameter that fail: one line sets them all, the others stay. */
static void one_line_for_a_parameter(void **state UNUSED)
{
    static const struct {
        double low, high;
        const char *line; /* NULL: none */
    } cases[] = {
        {32768, 60999, "  net.ipv4.ip_local_port_range = 9000 65499\n"},
        {9000, 60999, "  net.ipv4.ip_local_port_range = 9000 65499\n"},
        {32768, 65535, "  net.ipv4.ip_local_port_range = 9000 65535\n"},
        {9000, 65499, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        auto_arena a = {0};
        auto_buf text = {0};
        world_open(&w);
        world_set(&w, "galen_sysctl", "name=net.ipv4.ip_local_port_range,field=low", cases[i].low);
        world_set(&w, "galen_sysctl", "name=net.ipv4.ip_local_port_range,field=high",
                  cases[i].high);
        profile_text(&text, judged(&w, &a, "oracle"), false);
        const char *found = strstr(buf_text(&text), "  net.ipv4.ip_local_port_range =");
        if (!found != !cases[i].line ||
            (found && strncmp(found, cases[i].line, strlen(cases[i].line)) != 0) ||
            (found && strstr(found + 1, "  net.ipv4.ip_local_port_range =")))
            fail_msg("case %zu: %s", i, buf_text(&text));
        world_close(&w);
    }
}

static void every_profile_fits(void **state UNUSED)
{
    static const char *const names[] = {"containers", "elasticsearch", "ibm-mq", "ibm-mq-7",
                                        "kafka",      "mongodb",       "nginx",  "oracle",
                                        "postgresql", "redis",         "sap"};
    static const char *const fields[] = {"semmsl", "semmns", "semopm", "semmni"};
    struct world w;
    world_open(&w);
    for (size_t i = 0; i < COUNT(fields); i++) {
        auto_arena a = {0};
        world_set(&w, "galen_sysctl", arena_printf(&a, "name=kernel.sem,field=%s", fields[i]),
                  2147483647);
    }
    world_set(&w, "galen_sysctl", "name=net.ipv4.neigh.default.gc_thresh3", 1048576);
    world_set(&w, "galen_neighbour_entries", "family=ipv4", 1000000);
    world_set(&w, "galen_sysvipc_semaphores", "", 100000);
    world_set(&w, "galen_sysctl", "name=vm.swappiness", 60);
    for (size_t i = 0; i < COUNT(names); i++) {
        auto_arena a = {0};
        auto_buf text = {0};
        const struct profile_report *r = judged(&w, &a, names[i]);
        profile_text(&text, r, false);
        fits(buf_view(&text), NULL);
        for (size_t k = 0; k < r->n_rows; k++)
            if (!strstr(buf_text(&text), r->rows[k].name))
                fail_msg("%s is cut: %s", r->rows[k].name, buf_text(&text));
    }
    world_close(&w);
}

/* A name that is too long for the table gives way, with a sign. */
static void a_long_name_is_cut_with_a_sign(void **state UNUSED)
{
    struct profile_row row = {
        .name = "a.parameter.with.a.name.that.nobody.would.give.to.it.or.read.aloud.to.another",
        .wanted = ">= 1024000000",
        .value = "1024000000",
        .use = "1024000000 (100 %)"};
    struct profile_report r = {.title = "T", .rows = &row, .n_rows = 1};
    auto_buf text = {0};
    profile_text(&text, &r, false);
    fits(buf_view(&text), NULL);
    assert_non_null(strstr(buf_text(&text), "a.parameter.with."));
    assert_non_null(strstr(buf_text(&text), "…"));
    assert_non_null(strstr(buf_text(&text), "1024000000 (100 %)  >= 1024000000  PASS"));
}

static void long_findings_fit(void **state UNUSED)
{
    static const char command[] = "systemctl set-property a-service-with-a-very-long-name-of-many-"
                                  "words@instance.service CPUQuota=40%";
    static char host[65];
    memset(host, 'h', 64);
    struct finding f = {
        .rule = "TC9",
        .class = 1,
        .parameter = "net.ipv4.tcp_mem",
        .from = "3094272 4125696 6188544",
        .to = "3867840 5157120 7735680",
        .sentence =
            "日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語",
        .line = "net.ipv4.tcp_mem = 3867840 5157120 7735680",
        .file = "/etc/sysctl.d/90-galen.conf",
        .command = command};
    struct finding two[] = {f, f};
    struct analysis a = {.instance = span_of(host),
                         .class = 1,
                         .findings = two,
                         .n_findings = 2,
                         .summary = "Increase kernel parameters: two findings"};
    for (int colour = 0; colour < 2; colour++) {
        auto_buf text = {0};
        analysis_text(&text, &a, colour);
        if (!colour)
            fits(buf_view(&text), command);
        assert_non_null(strstr(buf_text(&text), command)); /* whole, to be copied */
        assert_non_null(strstr(buf_text(&text), f.line));
    }
}

const struct CMUnitTest text_tests[] = {
    cmocka_unit_test(one_line_for_a_parameter),
    cmocka_unit_test(every_profile_fits),
    cmocka_unit_test(a_long_name_is_cut_with_a_sign),
    cmocka_unit_test(long_findings_fit),
};
const size_t text_tests_n = COUNT(text_tests);
