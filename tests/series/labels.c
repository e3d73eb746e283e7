#include "series/labels.h"
#include "series/matcher.h"
#include "unit.h"

/* "name=value,name=value" in the order given. */
static struct labels parse(struct arena *a, const char *text)
{
    struct span rest = span_of(text), part;
    struct label *at = ARENA_ARRAY(a, struct label, 100);
    size_t n = 0;
    while (span_next(&rest, ',', &part)) {
        size_t eq = span_find(part, '=');
        at[n++] =
            (struct label){span_from(part.at, eq), span_from(part.at + eq + 1, part.len - eq - 1)};
    }
    return (struct labels){at, n};
}

static void absent_and_empty_are_the_same(void **state UNUSED)
{
    auto_arena a = {0};
    struct labels l = parse(&a, "__name__=up,empty=,job=node");
    assert_span(labels_get(l, SPAN("job")), "node");
    assert_span(labels_metric(l), "up");
    assert_null(labels_get(l, SPAN("empty")).at);
    assert_null(labels_get(l, SPAN("nothing")).at);
    assert_null(labels_metric((struct labels){0}).at);
}

static void they_have_one_order(void **state UNUSED)
{
    static const char *const ascending[] = {
        "", "a=1", "a=1,b=1", "a=1,b=2", "a=1,c=1", "a=2", "a=2,b=1", "aa=1", "b=", "b=\xc3\xa4",
    };
    auto_arena a = {0};
    for (size_t i = 0; i < COUNT(ascending); i++) {
        for (size_t k = 0; k < COUNT(ascending); k++) {
            struct labels x = parse(&a, ascending[i]), y = parse(&a, ascending[k]);
            int order = labels_compare(x, y);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
            assert_int_equal(labels_eq(x, y), i == k);
            assert_int_equal(labels_hash(x) == labels_hash(y), i == k);
        }
    }
}

static void a_byte_that_moves_changes_the_hash(void **state UNUSED)
{
    auto_arena a = {0};
    uint64_t h = labels_hash(parse(&a, "ab=c"));
    assert_true(h != labels_hash(parse(&a, "a=bc")));
    assert_true(labels_hash(parse(&a, "a=b,c=d")) != labels_hash(parse(&a, "c=d,a=b")));
}

static void a_copy_owns_its_bytes(void **state UNUSED)
{
    auto_arena a = {0};
    char text[] = "__name__=up,job=node";
    struct labels from = parse(&a, text), copy = labels_dup(&a, from);
    memset(text, 'x', sizeof text);
    auto_buf out = {0};
    labels_print(&out, copy);
    assert_string_equal(buf_text(&out), "up{job=\"node\"}");
}

static void sorting_finds_doubles(void **state UNUSED)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", "{}"},
        {"b=1", "{b=\"1\"}"},
        {"b=2,a=1", "{a=\"1\", b=\"2\"}"},
        {"c=3,b=2,a=1,__name__=m,A=0", "m{A=\"0\", a=\"1\", b=\"2\", c=\"3\"}"},
        {"a=1,a=1", NULL},
        {"b=1,c=1,a=1,b=2", NULL},
    };
    auto_arena a = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct labels l = parse(&a, cases[i].in);
        struct label at[8];
        memcpy(at, l.at, l.n * sizeof *at);
        assert_int_equal(labels_sort(at, l.n), cases[i].out != NULL);
        if (!cases[i].out)
            continue;
        auto_buf out = {0};
        labels_print(&out, (struct labels){at, l.n});
        assert_string_equal(buf_text(&out), cases[i].out);
    }
}

static void values_are_quoted_as_prometheus_does(void **state UNUSED)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", "\"\""},
        {"C:\\dir \"x\"", "\"C:\\\\dir \\\"x\\\"\""},
        {"a\nb\tc\rd\ae\bf\vg\fh", "\"a\\nb\\tc\\rd\\ae\\bf\\vg\\fh\""},
        {"\x01\x1f\x7f", "\"\\x01\\x1f\\x7f\""},
        {"h\xc3\xa4user \xe6\x97\xa5 \xf0\x9f\x98\x80",
         "\"h\xc3\xa4user \xe6\x97\xa5 \xf0\x9f\x98\x80\""},
        {"\xc2\x85|\xe2\x80\xa8|\xef\xbb\xbf", "\"\\u0085|\\u2028|\\ufeff\""},
        {"\xff\xc3", "\"\\xff\\xc3\""},
        {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        label_value_print(&out, span_of(cases[i].in));
        assert_string_equal(buf_text(&out), cases[i].out);
    }
}

static void printing_shows_names_that_need_quotes(void **state UNUSED)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"__name__=up", "up"},
        {"__name__=a:b,x=1", "a:b{x=\"1\"}"},
        {"x=1", "{x=\"1\"}"},
        {"__name__=http.time,host.name=a", "{__name__=\"http.time\", \"host.name\"=\"a\"}"},
    };
    auto_arena a = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        labels_print(&out, parse(&a, cases[i].in));
        assert_string_equal(buf_text(&out), cases[i].out);
    }
}

static void names_have_a_grammar(void **state UNUSED)
{
    static const struct {
        const char *name;
        bool label, metric;
    } cases[] = {
        {"", false, false},       {"a", true, true},          {"_", true, true},
        {"__name__", true, true}, {"a1", true, true},         {"1a", false, false},
        {"a:b", false, true},     {":a", false, true},        {"a-b", false, false},
        {"a.b", false, false},    {"\xc3\xa4", false, false}, {"a ", false, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(label_name_valid(span_of(cases[i].name)), cases[i].label);
        assert_int_equal(metric_name_valid(span_of(cases[i].name)), cases[i].metric);
    }
}

static void escaped_names_are_read(void **state UNUSED)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"job", "job"},
        {"U__my_2e_metric", "my.metric"},
        {"U__a__b:c9", "a_b:c9"},
        {"U___e9__20ac__1F600_", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"U___20_", " "},
        /* none: as they are */
        {"U__", "U__"},
        {"U__a_", "U__a_"},
        {"U__a_2e", "U__a_2e"},
        {"U__a_g_", "U__a_g_"},
        {"U__a.b", "U__a.b"},
        {"U___d800_", "U___d800_"},
        {"U___110000_", "U___110000_"},
        {"U___0000041_", "U___0000041_"},
        {"u__a_2e_b", "u__a_2e_b"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct span got = label_name_unescape(&arena, span_of(cases[i].in));
        assert_int_equal(got.len, strlen(cases[i].want));
        assert_memory_equal(got.at, cases[i].want, got.len);
    }
}

static void utf8_is_checked_strictly(void **state UNUSED)
{
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
        {"", true},
        {"plain text longer than a word", true},
        {"\x7f", true},
        {"\x80", false},
        {"\xc2\x80", true},
        {"\xc1\xbf", false}, /* U+007F in two bytes */
        {"\xc2", false},
        {"\xc2\x20", false},
        {"\xe0\xa0\x80", true},
        {"\xe0\x9f\xbf", false},
        {"\xed\x9f\xbf", true},
        {"\xed\xa0\x80", false}, /* a surrogate */
        {"\xef\xbf\xbf", true},
        {"\xe2\x82", false},
        {"\xf0\x90\x80\x80", true},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xf0\x90\x80", false},
        {"12345678\xff", false},
        {"1234567\xc3\xa4", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(utf8_valid(span_of(cases[i].text)), cases[i].ok);
    assert_true(utf8_valid(span_from("a\0b", 3)));
}

static void a_builder_sets_replaces_and_removes(void **state UNUSED)
{
    auto_arena a = {0};
    struct label_builder b;
    label_builder_start(&b, parse(&a, "__name__=up,a=1,z=2"));
    label_set(&b, SPAN("m"), SPAN("new"));
    label_set(&b, SPAN("z"), SPAN("other"));
    label_set(&b, SPAN("a"), SPAN(""));
    label_set(&b, SPAN("not there"), SPAN(""));
    auto_buf out = {0};
    labels_print(&out, label_builder_end(&b));
    assert_false(b.failed);
    assert_string_equal(buf_text(&out), "up{m=\"new\", z=\"other\"}");
}

static void a_builder_has_a_ceiling(void **state UNUSED)
{
    auto_arena a = {0};
    struct label_builder b;
    label_builder_start(&b, (struct labels){0});
    for (int i = 0; i < LABELS_MAX; i++)
        label_set(&b, span_of(arena_printf(&a, "l%02d", i)), SPAN("x"));
    assert_int_equal(label_builder_end(&b).n, LABELS_MAX);
    label_set(&b, SPAN("l00"), SPAN("replaced"));
    assert_false(b.failed);
    label_set(&b, SPAN("one more"), SPAN("x"));
    assert_true(b.failed);
    assert_int_equal(label_builder_end(&b).n, LABELS_MAX);
}

static void matchers_see_a_missing_label_as_empty(void **state UNUSED)
{
    static const struct {
        enum matcher_kind kind;
        const char *name, *value;
        bool want;
        const char *printed;
    } cases[] = {
        {MATCH_EQUAL, "job", "node", true, "job=\"node\""},
        {MATCH_EQUAL, "job", "nod", false, "job=\"nod\""},
        {MATCH_EQUAL, "none", "", true, "none=\"\""},
        {MATCH_EQUAL, "none", "x", false, "none=\"x\""},
        {MATCH_NOT_EQUAL, "none", "", false, "none!=\"\""},
        {MATCH_NOT_EQUAL, "job", "x", true, "job!=\"x\""},
        {MATCH_REGEX, "job", "no.*", true, "job=~\"no.*\""},
        {MATCH_REGEX, "job", "no", false, "job=~\"no\""},
        {MATCH_REGEX, "none", ".*", true, "none=~\".*\""},
        {MATCH_REGEX, "none", ".+", false, "none=~\".+\""},
        {MATCH_NOT_REGEX, "none", ".+", true, "none!~\".+\""},
        {MATCH_NOT_REGEX, "job", "a|node", false, "job!~\"a|node\""},
        {MATCH_EQUAL, "host.name", "a\"b", false, "\"host.name\"=\"a\\\"b\""},
    };
    auto_arena a = {0};
    struct labels l = parse(&a, "__name__=up,job=node");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct matcher m;
        assert_ok(
            matcher_init(&m, cases[i].kind, span_of(cases[i].name), span_of(cases[i].value), err));
        assert_int_equal(matchers_match(&m, 1, l), cases[i].want);
        auto_buf out = {0};
        matcher_print(&out, &m);
        assert_string_equal(buf_text(&out), cases[i].printed);
        matcher_free(&m);
    }
    assert_true(matchers_match(NULL, 0, l));
}

const struct CMUnitTest labels_tests[] = {
    cmocka_unit_test(absent_and_empty_are_the_same),
    cmocka_unit_test(they_have_one_order),
    cmocka_unit_test(a_byte_that_moves_changes_the_hash),
    cmocka_unit_test(a_copy_owns_its_bytes),
    cmocka_unit_test(sorting_finds_doubles),
    cmocka_unit_test(values_are_quoted_as_prometheus_does),
    cmocka_unit_test(printing_shows_names_that_need_quotes),
    cmocka_unit_test(names_have_a_grammar),
    cmocka_unit_test(escaped_names_are_read),
    cmocka_unit_test(utf8_is_checked_strictly),
    cmocka_unit_test(a_builder_sets_replaces_and_removes),
    cmocka_unit_test(a_builder_has_a_ceiling),
    cmocka_unit_test(matchers_see_a_missing_label_as_empty),
};
const size_t labels_tests_n = COUNT(labels_tests);
