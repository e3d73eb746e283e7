#include "alert/mail.h"

#include "alert/labels_json.h"
#include "alert/template.h"
#include "base/file.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHIPPED SOURCE_DIR "/rules/alerts/templates"
#define HEAD "{\"version\":\"4\",\"groupKey\":\"k\",\"externalURL\":\"http://g\","
#define HOT                                                                                        \
    "{\"status\":\"firing\",\"labels\":{\"severity\":\"warning\",\"alertname\":\"Hot\","           \
    "\"instance\":\"db1\"},\"annotations\":{\"summary\":\"db1 is <hot> & \\\"so\\\"\","            \
    "\"description\":\"at 7\\n<script>\"},\"startsAt\":\"2026-11-21T12:04:05.123Z\"}"
#define OVER                                                                                       \
    "{\"status\":\"resolved\",\"labels\":{\"alertname\":\"Hot\",\"instance\":\"db1\"},"            \
    "\"annotations\":{},\"startsAt\":\"2026-11-21T12:04:05.123Z\"}"
#define COMMON "\"commonLabels\":{\"alertname\":\"Hot\",\"instance\":\"db1\"},"
#define ONE HEAD "\"status\":\"firing\"," COMMON "\"alerts\":[" HOT "]}"

struct folder {
    char dir[64];
};

static void folder_open(struct folder *f)
{
    snprintf(f->dir, sizeof f->dir, "/tmp/galen-mail-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
}

static void folder_put(const struct folder *f, const char *name, const char *text)
{
    auto_buf path = {0};
    buf_printf(&path, "%s/%s", f->dir, name);
    FILE *file = fopen(buf_text(&path), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void folder_close(const struct folder *f)
{
    static const char *const names[] = {"mail.subject.tmpl", "mail.text.tmpl", "mail.html.tmpl",
                                        "other.tmpl"};
    for (size_t i = 0; i < COUNT(names); i++) {
        auto_buf path = {0};
        buf_printf(&path, "%s/%s", f->dir, names[i]);
        unlink(buf_text(&path));
    }
    rmdir(f->dir);
}

static void what_galen_ships(void **state)
{
    static const struct {
        const char *json, *want[MAIL_PARTS];
        bool chart;
    } cases[] = {
        {ONE,
         {"[FIRING] db1 is <hot> & \"so\"",
          "[FIRING] db1 is <hot> & \"so\"\n\n"
          "firing: db1 is <hot> & \"so\" (warning) since 2026-11-21 12:04 UTC\n"
          "  at 7\n<script>\n\nhttp://g/alerts\n",
          "<!doctype html><html><body style=\"font-family:sans-serif\">"
          "<h2>[FIRING] db1 is &lt;hot&gt; &amp; &quot;so&quot;</h2>\n<p></p>\n"
          "<table cellspacing=\"4\">\n"
          "<tr><td style=\"border-left:4px solid #c62828;padding:6px 12px\">"
          "firing: db1 is &lt;hot&gt; &amp; &quot;so&quot; (warning) since 2026-11-21 12:04 UTC"
          "<br><span style=\"color:#555\">at 7<br>\n&lt;script&gt;</span></td></tr>\n</table>\n"
          "<p><img src=\"cid:chart@galen\" alt=\"the last hour\" width=\"600\" height=\"160\"><br>"
          "<small>the last hour, in UTC</small></p>\n"
          "<p><a href=\"http://g/alerts\">Open in Galen</a></p>\n</body></html>\n"},
         true},
        {HEAD "\"status\":\"firing\",\"truncatedAlerts\":3," COMMON "\"alerts\":[" HOT "," OVER
              "]}",
         {"[FIRING:1] Hot on db1",
          "[FIRING:1] Hot on db1\n\n"
          "firing: db1 is <hot> & \"so\" (warning) since 2026-11-21 12:04 UTC\n"
          "  at 7\n<script>\nresolved: Hot since 2026-11-21 12:04 UTC\nand 3 more\n"
          "\nhttp://g/alerts\n",
          NULL},
         false},
        {"{\"status\":\"resolved\",\"alerts\":[" OVER "," OVER "]}",
         {"[RESOLVED] several alerts",
          "[RESOLVED] several alerts\n\nresolved: Hot since 2026-11-21 12:04 UTC\n"
          "resolved: Hot since 2026-11-21 12:04 UTC\n",
          NULL},
         false},
        {"{\"groupKey\":\"summary\",\"status\":\"resolved\",\"commonAnnotations\":{\"title\":"
         "\"Daily\",\"description\":\"Hot: 3 times\\n\"},\"alerts\":[]}",
         {"Daily", "Daily\n\nHot: 3 times\n", NULL},
         false},
    };
    struct mail_templates *t;
    struct err err = {0};
    (void)state;
    assert_int_equal(mail_templates_open(SHIPPED, NULL, &t, &err), OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_mail_words words = {0};
        assert_int_equal(mail_write(t, span_of(cases[i].json), cases[i].chart, &words, &err), OK);
        for (size_t k = 0; k < MAIL_PARTS; k++)
            if (cases[i].want[k])
                assert_string_equal(buf_text(&words.part[k]), cases[i].want[k]);
    }
    mail_templates_close(t);
}

static void listed_to(size_t n, const char *more)
{
    auto_buf json = {0};
    auto_mail_words words = {0};
    struct mail_templates *t;
    struct err err = {0};
    buf_str(&json, HEAD "\"status\":\"firing\"," COMMON "\"alerts\":[");
    for (size_t i = 0; i < n; i++)
        buf_printf(&json, "%s%s", i ? "," : "", HOT);
    buf_str(&json, "]}");
    assert_int_equal(mail_templates_open(SHIPPED, NULL, &t, &err), OK);
    assert_int_equal(mail_write(t, buf_view(&json), false, &words, &err), OK);
    const char *found = strstr(buf_text(&words.part[MAIL_TEXT]), " more\n");
    assert_true(more ? strstr(buf_text(&words.part[MAIL_TEXT]), more) != NULL : found == NULL);
    mail_templates_close(t);
}

static void twenty_are_listed(void **state)
{
    (void)state;
    listed_to(MAIL_LISTED_MAX, NULL);
    listed_to(MAIL_LISTED_MAX + 1, "and 1 more\n");
}

/* One part of an administrator's own, the others as shipped. */
static void what_an_administrator_writes(void **state)
{
    static const struct {
        const char *name, *text, *want, *refused;
    } cases[] = {
        {"mail.subject.tmpl",
         "{{ .Status }} {{ .CommonLabels.instance }} {{ len .Alerts.Firing }}\n", "firing db1 1",
         NULL},
        {"mail.subject.tmpl",
         "{{ (index .Alerts 0).Labels.alertname }} {{ $.Receiver }}|{{ .ExternalURL }}",
         "Hot |http://g", NULL},
        {"mail.text.tmpl",
         "{{ range $i, $a := .Alerts }}{{ $i }}{{ $a.Labels.instance }} {{ end }}", "0db1 ", NULL},
        {"mail.text.tmpl", "{{ range .Alerts.Resolved }}x{{ else }}none{{ end }}", "none", NULL},
        {"mail.html.tmpl", "<p title=\"{{ .Subject }}\">{{ .Subject | safeHtml }}",
         "<p title=\"[FIRING] db1 is &lt;hot&gt; &amp; &quot;so&quot;\">"
         "[FIRING] db1 is &lt;hot&gt; &amp; &quot;so&quot;",
         NULL},
        {"mail.html.tmpl", "<a href='{{ .Subject }}'>x</a>{{ 1 }} < 2", "<a href='#'>x</a>1 < 2",
         NULL},
        {"mail.html.tmpl", "<a href=\"http://w/?q={{ .Subject }}\">",
         "<a href=\"http://w/?q=[FIRING] db1 is &lt;hot&gt; &amp; &quot;so&quot;\">", NULL},
        {"mail.html.tmpl", "<style>p > b { }</style>{{ .Status }}",
         "<style>p > b { }</style>firing", NULL},
        {"mail.html.tmpl", "<p title={{ .Status }}>", NULL,
         "mail.html.tmpl: line 1: a value stands"},
        {"mail.html.tmpl", "\n<{{ .Status }}>", NULL, "mail.html.tmpl: line 2: a value stands"},
        {"mail.html.tmpl", "<p {{ .Status }}>", NULL, "a value stands"},
        {"mail.html.tmpl", "<script>x({{ .Status }})</script>", NULL, "a value stands"},
        {"mail.html.tmpl", "<style>{{ .Status }}</style>", NULL, "a value stands"},
        {"mail.html.tmpl", "<!-- {{ .Status }} -->", NULL, "a value stands"},
        {"mail.html.tmpl", "<p ONclick=\"{{ .Status }}\">", NULL, "the attribute \"onclick\""},
        {"mail.html.tmpl", "<p style=\"{{ .Status }}\">", NULL, "the attribute \"style\""},
        {"mail.html.tmpl", "{{ .Status }}<p", NULL, "ends inside of a tag"},
        {"mail.text.tmpl", "a\n{{ .Nothing }}", NULL, "line 2: can't evaluate field Nothing"},
        {"mail.text.tmpl", "{{ .Alerts }}", NULL, "this is no text"},
        {"mail.text.tmpl", "{{ if .Status }}", NULL, "without {{end}}"},
        {"mail.text.tmpl", "\n\n{{ nothing }}", NULL, "line 3: function \"nothing\" not defined"},
        {"mail.text.tmpl", "{{ query \"up\" }}", NULL, "quer"},
        {"mail.text.tmpl",
         "{{ $l := .Alerts }}{{ range $l }}{{ range $l }}{{ range $l }}{{ range $l }}{{ range $l }}"
         "{{ range $l }}{{ range $l }}{{ range $l }}{{ range $l }}{{ range $l }}{{ range $l }}"
         "{{ range $l }}{{ range $l }}{{ range $l }}{{ range $l }}{{ range $l }}{{ range $l }}x"
         "{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end "
         "}}"
         "{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}",
         NULL, "steps"},
        {"other.tmpl", "x", NULL, "a template is named mail.subject.tmpl"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct folder f;
        struct mail_templates *t = NULL;
        struct err err = {0};
        auto_buf path = {0};
        auto_mail_words words = {0};
        folder_open(&f);
        folder_put(&f, cases[i].name, cases[i].text);
        buf_printf(&path, "%s/%s", f.dir, cases[i].name);
        enum status st = mail_template_check(buf_text(&path), &err);
        if (cases[i].refused) {
            assert_int_not_equal(st, OK);
            if (!strstr(err.text, cases[i].refused))
                fail_msg("%zu: %s", i, err.text);
            assert_non_null(strstr(err.text, f.dir));
        } else {
            size_t part = strstr(cases[i].name, "subject") ? MAIL_SUBJECT
                          : strstr(cases[i].name, "text")  ? MAIL_TEXT
                                                           : MAIL_HTML;
            if (st)
                fail_msg("%zu: %s", i, err.text);
            assert_int_equal(mail_templates_open(SHIPPED, f.dir, &t, &err), OK);
            assert_int_equal(mail_write(t, span_of(ONE), false, &words, &err), OK);
            assert_string_equal(buf_text(&words.part[part]), cases[i].want);
        }
        mail_templates_close(t);
        folder_close(&f);
    }
}

static void long_output(size_t bytes, enum status want)
{
    struct folder f;
    struct mail_templates *t = NULL;
    struct err err = {0};
    auto_buf json = {0};
    auto_mail_words words = {0};
    folder_open(&f);
    folder_put(&f, "mail.text.tmpl", "{{ .Receiver }}");
    buf_str(&json, "{\"receiver\":\"");
    buf_fill(&json, 'x', bytes);
    buf_str(&json, "\",\"alerts\":[]}");
    assert_int_equal(mail_templates_open(SHIPPED, f.dir, &t, &err), OK);
    assert_int_equal(mail_write(t, buf_view(&json), false, &words, &err), want);
    mail_templates_close(t);
    folder_close(&f);
}

static void output_is_bounded(void **state)
{
    (void)state;
    long_output(MAIL_OUTPUT_MAX, OK);
    long_output(MAIL_OUTPUT_MAX + 1, FULL);
}

static void labels_of_members(void **state)
{
    static const struct {
        const char *json;
        const char *labels;
    } cases[] = {
        {"{\"job\": \"a\", \"instance\": \"b\"}", "{instance=\"b\", job=\"a\"}"},
        {"{\"n\": 1, \"job\": \"a\", \"x\": null}", "{job=\"a\"}"},
        {"{}", "{}"},
        {"[\"a\"]", "{}"},
        {"{\"job\": ", "{}"},
        {"", "{}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        auto_buf text = {0};
        labels_print(&text, labels_of_json(span_of(cases[i].json), &arena));
        assert_string_equal(buf_text(&text), cases[i].labels);
    }
}

const struct CMUnitTest mail_tests[] = {
    cmocka_unit_test(what_galen_ships),
    cmocka_unit_test(twenty_are_listed),
    cmocka_unit_test(what_an_administrator_writes),
    cmocka_unit_test(output_is_bounded),
    cmocka_unit_test(labels_of_members),
};
const size_t mail_tests_n = COUNT(mail_tests);
