#include "alert/template.h"
#include "unit.h"

static enum status ask(void *arg, struct span text, struct arena *arena, struct tmpl_sample **out,
                       size_t *n, struct err *err)
{
    static struct label a[] = {{SPAN("instance"), SPAN("b")}},
                        b[] = {{SPAN("instance"), SPAN("a")}};
    (void)arg;
    if (span_is(text, "bad"))
        return err_set(err, INVALID, "a bad query");
    *n = span_is(text, "none") ? 0 : 2;
    *out = ARENA_ARRAY(arena, struct tmpl_sample, 2);
    (*out)[0] = (struct tmpl_sample){{a, 1}, 11};
    (*out)[1] = (struct tmpl_sample){{b, 1}, 21};
    return OK;
}

static enum status run(const char *text, struct buf *out, struct err *err)
{
    static struct label labels[] = {{SPAN("instance"), SPAN("db1:9100")},
                                    {SPAN("job"), SPAN("node")}};
    static struct label external[] = {{SPAN("site"), SPAN("north")}};
    struct tmpl_data data = {.labels = {labels, 2},
                             .external_labels = {external, 1},
                             .external_url = SPAN("http://galen.example"),
                             .value = 1234567.5,
                             .query = ask};
    auto_arena arena = {0};
    struct tmpl *t;
    enum status st = tmpl_parse(span_of(text), &arena, &t, err);
    return st ? st : tmpl_expand(t, &data, &arena, out, err);
}

static void what_prometheus_gives(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"plain } text {", "plain } text {"},
        {"", ""},
        {"{{ $labels.instance }} is {{ $value }}", "db1:9100 is 1.2345675e+06"},
        {"{{ .Labels.job }} {{ .Value }}", "node 1.2345675e+06"},
        {"{{ $labels.none }}|", "|"},
        {"{{ $externalLabels.site }} {{ $externalURL }} {{ externalURL }}",
         "north http://galen.example http://galen.example"},
        {"{{ humanize $value }}", "1.235M"},
        {"{{ $value | humanize1024 }}", "1.177Mi"},
        {"{{ humanize 0.001234 }} {{ humanize 0.0 }} {{ humanize 999.9 }}", "1.234m 0 999.9"},
        {"{{ humanizeDuration 3661 }} {{ humanizeDuration 86400 }} {{ humanizeDuration 59.9999 }}",
         "1h 1m 1s 1d 0h 0m 0s 60s"},
        {"{{ humanizeDuration 0.1 }} {{ humanizeDuration -90 }} {{ humanizeDuration 0 }}",
         "100ms -1m 30s 0s"},
        {"{{ humanizePercentage 0.1234567 }}", "12.35%"},
        {"{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"},
        {"{{ humanizeTimestamp 0 }}", "1970-01-01 00:00:00 +0000 UTC"},
        {"{{ \"1.5\" | humanizePercentage }}", "150%"},
        {"{{ printf \"%.2f|%s|%5d|%-5d|%05.1f|%q|%%|%v\" 1.5 \"x\" 42 7 2.25 \"a\\\"b\" true }}",
         "1.50|x|   42|7    |002.2|\"a\\\"b\"|%|true"},
        {"{{ printf \"%d\" $value }}", "%!d(float64=1.2345675e+06)"},
        {"{{ printf \"%d %s\" 1 }}", "1 %!s(MISSING)"},
        {"{{ printf \"a\" 1 }}", "a%!(EXTRA int=1)"},
        {"{{ query \"x\" | first | value }}", "11"},
        {"{{ with query \"x\" }}{{ . | first | label \"instance\" }}{{ end }}", "b"},
        {"{{ with query \"none\" }}some{{ else }}none{{ end }}", "none"},
        {"{{ range query \"x\" | sortByLabel \"instance\" }}{{ .Labels.instance }}={{ .Value }} "
         "{{ end }}",
         "a=21 b=11 "},
        {"{{ range $i, $s := query \"x\" }}{{ $i }}{{ $s.Value }},{{ end }}", "011,121,"},
        {"{{ range query \"none\" }}x{{ else }}nothing{{ end }}", "nothing"},
        {"{{ if gt $value 100.0 }}much{{ else if eq 1 1 }}one{{ else }}few{{ end }}", "much"},
        {"{{ if lt $value 100.0 }}few{{ else if eq 1 1 }}one{{ else }}x{{ end }}", "one"},
        {"{{ if false }}a{{ else if false }}b{{ else }}c{{ end }}d", "cd"},
        {"{{ if and true (not false) }}yes{{ end }}", "yes"},
        {"a {{- 1 -}} b", "a1b"},
        {"a{{/* nothing }} here */}}b", "ab"},
        {"{{ $x := 5 }}{{ $x = 6 }}{{ $x }}", "6"},
        {"{{ toUpper \"aB\" }}{{ toLower \"aB\" }} {{ title \"the quick one\" }}",
         "ABab The Quick One"},
        {"{{ match \"b[0-9]\" \"db1:\" }} {{ match \"^b\" \"db\" }}", "true false"},
        {"{{ reReplaceAll \"([a-z]+)([0-9])\" \"$2-${1}\" \"db1 x web2\" }}", "1-db x 2-web"},
        {"{{ reReplaceAll \"(.*):\\\\d+\" \"$1\" $labels.instance }}", "db1"},
        {"{{ reReplaceAll \"^a\" \"b\" \"aa\" }}", "ba"},
        {"{{ stripPort $labels.instance }} {{ stripPort \"[::1]:80\" }} {{ stripPort \"a\" }}",
         "db1 ::1 a"},
        {"{{ stripDomain \"db1.example.com:80\" }} {{ stripDomain \"10.0.0.1:80\" }}",
         "db1:80 10.0.0.1:80"},
        {"{{ len \"abc\" }}{{ len (query \"x\") }}", "32"},
        {"{{ index $labels \"job\" }}", "node"},
        {"{{ (query \"x\" | first).Value }}", "11"},
        {"{{ graphLink \"up{a=\\\"b\\\"}\" }}", "/graph?g0.expr=up%7Ba%3D%22b%22%7D&g0.tab=0"},
        {"{{ `raw \\n` }}", "raw \\n"},
        {"{{ print 1 2 \"a\" 3 }}", "1 2a3"},
        {"{{ parseDuration \"1h30m\" }}", "5400"},
        {"{{ range $k, $v := $labels }}{{ $k }}:{{ $v }} {{ end }}", "instance:db1:9100 job:node "},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        struct err err = {0};
        if (run(cases[i].text, &out, &err))
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_string_equal(buf_text(&out), cases[i].want);
    }
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum status status;
        const char *says;
    } cases[] = {
        {"{{ ", INVALID, "unclosed action"},
        {"a\n{{ nothing 1 }}", INVALID, "line 2: function \"nothing\" not defined"},
        {"{{ if true }}", INVALID, "without {{end}}"},
        {"{{ end }}", INVALID, "unexpected {{end}}"},
        {"{{ else }}", INVALID, "unexpected {{else}}"},
        {"{{ \"a }}", INVALID, "unclosed action"},
        {"{{ (1 }}", INVALID, "unclosed left paren"},
        {"{{ 1 | 2 }}", INVALID, "must be a function"},
        {"{{ 1 2 }}", INVALID, "non-function"},
        {"{{ }}{{ | }}", INVALID, "missing value"},
        {"{{ template \"x\" }}", UNSUPPORTED, "template"},
        {"{{ define \"x\" }}{{ end }}", UNSUPPORTED, "define"},
        {"{{/* open", INVALID, "unclosed comment"},
        {"{{ $nothing }}", INVALID, "undefined variable"},
        {"{{ .Nothing }}", INVALID, "can't evaluate field"},
        {"{{ $value.x }}", INVALID, "can't evaluate field"},
        {"{{ query \"bad\" }}", INVALID, "a bad query"},
        {"{{ query \"none\" | first }}", INVALID, "no elements"},
        {"{{ humanize \"x\" }}", INVALID, "not a number"},
        {"{{ eq 1 \"a\" }}", INVALID, "incompatible types"},
        {"{{ lt 1 2.0 }}", INVALID, "incompatible types"},
        {"{{ humanize }}", INVALID, "want 1 got 0"},
        {"{{ label \"a\" }}", INVALID, "wrong number of args"},
        {"{{ match \"(\" \"a\" }}", INVALID, ""},
        {"{{ printf \"%600d\" 1 }}", FULL, "width above 512"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_buf out = {0};
        struct err err = {0};
        enum status st = run(cases[i].text, &out, &err);
        if (st != cases[i].status || !strstr(err.text, cases[i].says))
            fail_msg("%s: %d \"%s\"", cases[i].text, st, err.text);
    }
}

static void repeated(struct buf *out, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buf_str(out, text);
}

/* Each ceiling: what is just below it passes, what is above does not. */
static void bombs_are_stopped(void **state)
{
    static const struct {
        const char *before, *piece, *after;
        size_t pass, stop;
        const char *says;
    } cases[] = {
        {"", "x", "", TMPL_TEXT_MAX_BYTES, TMPL_TEXT_MAX_BYTES + 1, "65536 are allowed"},
        {"", "{{ if true }}", "", 0, 33, "nested deeper than 32"},
        {"{{ ", "(", "1 }}", 0, 33, "nested deeper than 32"},
        {"", "{{ query \"x\" | len }}", "", TMPL_QUERIES_MAX, TMPL_QUERIES_MAX + 1, "queries"},
        {"", "{{ $a := 1 }}", "", TMPL_VARIABLES_MAX - 5, TMPL_VARIABLES_MAX - 4, "variables"},
        {"{{ $a := printf \"%512d\" 1 }}", "{{ $a }}", "", 128, 129, "longer than 65536"},
        {"",
         "{{ $a := `xxxxxxxxxxxxxxxx` }}{{ $a = print $a $a }}{{ $a = print $a $a }}"
         "{{ $a = print $a $a }}{{ $a = print $a $a }}{{ $a = print $a $a }}"
         "{{ $a = print $a $a }}{{ $a = print $a $a }}{{ $a = print $a $a }}"
         "{{ $a = print $a $a }}{{ $a = print $a $a }}{{ $a = print $a $a }}{{ $a }}",
         "", 1, 4, "longer than 65536"},
        {"{{ range $a, $b := query \"x\" }}{{ range query \"x\" }}{{ range query \"x\" }}",
         "{{ range query \"x\" }}", "{{ end }}{{ end }}{{ end }}{{ end }}", 0, 1, "queries"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int above = 0; above < 2; above++) {
            auto_buf text = {0}, out = {0};
            struct err err = {0};
            if (!above && !cases[i].pass)
                continue;
            buf_str(&text, cases[i].before);
            repeated(&text, cases[i].piece, above ? cases[i].stop : cases[i].pass);
            buf_str(&text, cases[i].after);
            enum status st = run(buf_text(&text), &out, &err);
            if (above ? st != FULL || !strstr(err.text, cases[i].says) : st != OK)
                fail_msg("case %zu %s: %d \"%s\"", i, above ? "above" : "below", st, err.text);
        }
}

static void loops_take_steps(void **state)
{
    auto_buf text = {0}, out = {0};
    (void)state;
    /* Samples of one query, walked again and again: 2^17 steps. */
    buf_str(&text, "{{ $q := query \"x\" }}");
    for (int i = 0; i < 17; i++)
        buf_str(&text, "{{ range $q }}");
    for (int i = 0; i < 17; i++)
        buf_str(&text, "{{ end }}");
    assert_fails(run(buf_text(&text), &out, err), FULL, "more than 100000 steps");
}

const struct CMUnitTest template_tests[] = {
    cmocka_unit_test(what_prometheus_gives),
    cmocka_unit_test(what_is_refused),
    cmocka_unit_test(bombs_are_stopped),
    cmocka_unit_test(loops_take_steps),
};
const size_t template_tests_n = COUNT(template_tests);
