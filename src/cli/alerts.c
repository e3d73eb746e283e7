/* galen alerts: what fires, and what a person does about it. */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/yaml.h"
#include "series/labels.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: galen alerts [list] [OPTIONS]       what is pending or fires\n"
    "       galen alerts history [OPTIONS]      what happened, newest first\n"
    "       galen alerts rules [OPTIONS]        the rules and their thresholds\n"
    "       galen alerts ack ID [--note TEXT]   take care of one: it is not repeated\n"
    "       galen alerts resolve ID [--note TEXT]\n"
    "       galen alerts preset NAME            standard, critical, simple thresholds\n"
    "       galen alerts silence MATCHER... --for 2h [--note TEXT]\n"
    "\n"
    "A matcher is name=value, or as in PromQL: name=~\"a|b\".\n"
    "\n"
    "  --state S           active (default of list), pending, firing, resolved or all\n"
    "  --host HOST, --severity S, --name ALERT\n"
    "  --for DURATION      how long a silence holds\n"
    "  --note TEXT         why\n"
    "  -o, --output F      table (default), json or csv\n" CLI_SERVER_HELP;

struct options {
    struct cli_server server;
    const char *state, *host, *severity, *name, *note, *output, *how_long;
};

static const char *text(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));
    return s ? s : "";
}

/* RFC 4180; what a spreadsheet would take for a formula gets an apostrophe. */
static void csv(const char *s, bool last)
{
    auto_buf cell = {0};
    if (*s && strchr("=+-@\t\r", *s))
        buf_char(&cell, '\'');
    buf_str(&cell, s);
    if (!strpbrk(buf_text(&cell), ",\"\r\n")) {
        printf("%s%s", buf_text(&cell), last ? "\r\n" : ",");
        return;
    }
    putchar('"');
    for (const char *p = buf_text(&cell); *p; p++)
        printf(*p == '"' ? "\"\"" : "%c", *p);
    printf("\"%s", last ? "\r\n" : ",");
}

/* A terminal is not to be steered by a label. */
static void cell(const char *s, int width, bool last)
{
    int n = 0;
    for (; *s && (last || n < 4 * width); s++, n++)
        putchar((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s);
    for (; n < width && !last; n++)
        putchar(' ');
    fputs(last ? "\n" : "  ", stdout);
}

struct column {
    const char *title;
    int width;
};

static void row(const char *const *values, const struct column *columns, size_t n, bool as_csv)
{
    for (size_t i = 0; i < n; i++)
        if (as_csv)
            csv(values[i], i + 1 == n);
        else
            cell(values[i], columns[i].width, i + 1 == n);
}

static void titles(const struct column *columns, size_t n, bool as_csv)
{
    const char *values[8];
    for (size_t i = 0; i < n; i++)
        values[i] = columns[i].title;
    row(values, columns, n, as_csv);
}

static const char *when(const json_t *j, const char *key, char *to)
{
    int64_t ms = json_integer_value(json_object_get(j, key));
    if (!ms)
        return "";
    clock_rfc3339(ms, to);
    to[19] = 0; /* without the fraction */
    return to;
}

/* What keeps it quiet says more than that it fires. */
static const char *state_of(const json_t *alert)
{
    if (json_is_true(json_object_get(alert, "silenced")))
        return "silenced";
    if (json_is_true(json_object_get(alert, "inhibited")))
        return "inhibited";
    bool firing = strcmp(text(alert, "state"), "firing") == 0;
    return firing && *text(alert, "acknowledged_by") ? "acked" : text(alert, "state");
}

static void print_alerts(const json_t *root, bool as_csv)
{
    static const struct column columns[] = {{"ID", 6},     {"STATE", 9},  {"SEVERITY", 8},
                                            {"HOST", 16},  {"ALERT", 20}, {"SINCE", 20},
                                            {"SUMMARY", 0}};
    const json_t *list = json_object_get(root, "alerts");
    titles(columns, COUNT(columns), as_csv);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *a = json_array_get(list, i);
        char id[24], since[TIME_TEXT_MAX];
        snprintf(id, sizeof id, "%lld", (long long)json_integer_value(json_object_get(a, "id")));
        const char *state = state_of(a);
        const char *values[] = {id,
                                state,
                                text(a, "severity"),
                                text(a, "host"),
                                text(a, "name"),
                                when(a, "active_ms", since),
                                text(json_object_get(a, "annotations"), "summary")};
        row(values, columns, COUNT(columns), as_csv);
    }
}

static void print_history(const json_t *root, bool as_csv)
{
    static const struct column columns[] = {{"TIME", 20}, {"WHAT", 12},  {"WHO", 12},
                                            {"HOST", 16}, {"ALERT", 20}, {"NOTE", 0}};
    const json_t *list = json_object_get(root, "history");
    titles(columns, COUNT(columns), as_csv);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        char at[TIME_TEXT_MAX];
        const char *values[] = {when(e, "at_ms", at), text(e, "what"), text(e, "who"),
                                text(e, "host"),      text(e, "name"), text(e, "note")};
        row(values, columns, COUNT(columns), as_csv);
    }
}

static void print_rules(const json_t *root, bool as_csv)
{
    static const struct column columns[] = {
        {"RULE", 24}, {"LEVEL", 8}, {"THRESHOLD", 14}, {"FOR", 8}, {"QUERY", 0}};
    const json_t *list = json_object_get(root, "rules");
    titles(columns, COUNT(columns), as_csv);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *r = json_array_get(list, i), *t = json_object_get(r, "threshold");
        auto_buf threshold = {0}, wait = {0};
        if (json_is_object(t)) {
            buf_printf(&threshold, "%s ", strcmp(text(t, "when"), "above") ? "<" : ">");
            buf_double(&threshold, json_number_value(json_object_get(t, "value")));
            buf_printf(&threshold, " %s", text(t, "unit"));
        }
        duration_print(&wait, (int64_t)(json_number_value(json_object_get(r, "for_s")) * 1000));
        const char *values[] = {text(r, "name"), text(json_object_get(r, "labels"), "severity"),
                                buf_text(&threshold), buf_text(&wait), text(r, "query")};
        row(values, columns, COUNT(columns), as_csv);
    }
}

static int show(const struct options *o, const char *path,
                void (*print)(const json_t *root, bool as_csv))
{
    auto_buf body = {0};
    struct err err = {0};
    if (cli_get(&o->server, path, &body, &err))
        return cli_fail("alerts", &err);
    if (o->output && strcmp(o->output, "json") == 0) {
        puts(buf_text(&body));
        return EXIT_OK;
    }
    json_t *root = json_loadb(body.at, body.len, 0, NULL);
    print(root, o->output && strcmp(o->output, "csv") == 0);
    json_decref(root);
    return EXIT_OK;
}

static void parameter(struct buf *path, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    buf_printf(path, "%c%s=", memchr(path->at, '?', path->len) ? '&' : '?', name);
    url_encode(path, span_of(value));
}

static int list(const struct options *o, bool history)
{
    auto_buf path = {0};
    const char *state = o->state ? o->state : history ? "" : "active";
    buf_printf(&path, "/api/galen/v1/alerts%s", history ? "/history" : "");
    parameter(&path, "state", strcmp(state, "all") ? state : "");
    parameter(&path, "host", o->host);
    parameter(&path, "severity", o->severity);
    parameter(&path, "name", o->name);
    parameter(&path, "limit", "1000");
    return show(o, buf_text(&path), history ? print_history : print_alerts);
}

static int act(const struct options *o, const char *id, const char *what)
{
    auto_buf path = {0}, body = {0}, answer = {0};
    struct json j = json_to(&body);
    struct err err = {0};
    uint64_t n;
    if (!id || !span_u64(span_of(id), &n))
        return cli_usage("alerts", usage, stderr);
    buf_printf(&path, "/api/galen/v1/alerts/%s/%s", id, what);
    json_begin_object(&j);
    if (o->note)
        json_field(&j, "note", o->note);
    json_end_object(&j);
    if (cli_send(&o->server, "POST", buf_text(&path), "application/json", buf_view(&body), &answer,
                 &err))
        return cli_fail("alerts", &err);
    return EXIT_OK;
}

static int preset(const struct options *o, const char *name)
{
    auto_buf path = {0}, answer = {0};
    struct err err = {0};
    if (!name)
        return cli_usage("alerts", usage, stderr);
    buf_str(&path, "/api/galen/v1/alert-presets/");
    url_encode(&path, span_of(name));
    if (cli_send(&o->server, "POST", buf_text(&path), NULL, SPAN(""), &answer, &err))
        return cli_fail("alerts", &err);
    return EXIT_OK;
}

/* host=db1 -> host="db1"; anything in quotes stays. */
static void put_matcher(struct json *j, const char *given)
{
    auto_buf matcher = {0};
    const char *equals = strchr(given, '=');
    if (!equals || strchr(given, '"')) {
        json_text(j, given);
        return;
    }
    const char *value = equals[1] == '~' ? equals + 2 : equals + 1;
    buf_put(&matcher, given, (size_t)(value - given));
    label_value_print(&matcher, span_of(value));
    json_span(j, buf_view(&matcher));
}

static int silence(const struct options *o, char **matchers, int n)
{
    auto_buf body = {0}, answer = {0};
    struct json j = json_to(&body);
    struct err err = {0};
    int64_t ms, now_ms = clock_wall_ms();
    if (n < 1 || !o->how_long || !duration_parse(span_of(o->how_long), &ms) || ms <= 0)
        return cli_usage("alerts", usage, stderr);
    json_begin_object(&j);
    json_key(&j, "matchers");
    json_begin_array(&j);
    for (int i = 0; i < n; i++)
        put_matcher(&j, matchers[i]);
    json_end_array(&j);
    json_field_i64(&j, "starts_ms", now_ms);
    json_field_i64(&j, "ends_ms", now_ms + ms);
    json_field(&j, "comment", o->note ? o->note : "");
    json_end_object(&j);
    if (cli_send(&o->server, "POST", "/api/galen/v1/silences", "application/json", buf_view(&body),
                 &answer, &err))
        return cli_fail("alerts", &err);
    puts(buf_text(&answer));
    return EXIT_OK;
}

static bool read_options(int argc, char **argv, struct options *o, int *exit_code)
{
    static const struct option options[] = {CLI_SERVER_OPTIONS,
                                            {"state", required_argument, NULL, 'S'},
                                            {"host", required_argument, NULL, 'H'},
                                            {"severity", required_argument, NULL, 'V'},
                                            {"name", required_argument, NULL, 'N'},
                                            {"note", required_argument, NULL, 'T'},
                                            {"for", required_argument, NULL, 'F'},
                                            {"output", required_argument, NULL, 'o'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    cli_server_defaults(&o->server);
    *exit_code = EXIT_USAGE;
    for (int c; (c = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
        const char **to = c == 'S'   ? &o->state
                          : c == 'H' ? &o->host
                          : c == 'V' ? &o->severity
                          : c == 'N' ? &o->name
                          : c == 'T' ? &o->note
                          : c == 'F' ? &o->how_long
                          : c == 'o' ? &o->output
                                     : NULL;
        if (to) {
            *to = optarg;
        } else if (c == 'j') {
            o->output = "json";
        } else if (c == 'h') {
            *exit_code = cli_usage("alerts", usage, stdout);
            return false;
        } else if (!cli_server_option(&o->server, c, optarg)) {
            *exit_code = cli_usage("alerts", usage, stderr);
            return false;
        }
    }
    return true;
}

int cli_alerts(int argc, char **argv)
{
    struct options o = {0};
    int exit_code;
    if (!read_options(argc, argv, &o, &exit_code))
        return exit_code;
    const char *verb = optind < argc ? argv[optind++] : "list";
    const char *id = optind < argc ? argv[optind] : NULL;
    if (strcmp(verb, "list") == 0)
        return list(&o, false);
    if (strcmp(verb, "history") == 0)
        return list(&o, true);
    if (strcmp(verb, "rules") == 0)
        return show(&o, "/api/galen/v1/alert-rules", print_rules);
    if (strcmp(verb, "ack") == 0)
        return act(&o, id, "acknowledge");
    if (strcmp(verb, "resolve") == 0)
        return act(&o, id, "resolve");
    if (strcmp(verb, "preset") == 0)
        return preset(&o, id);
    if (strcmp(verb, "silence") == 0)
        return silence(&o, argv + optind, argc - optind);
    return cli_no_command("alerts", verb, "list, history, rules, ack, resolve, preset and silence");
}
