/* galen advice: what the server advises, host by host. */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ADVICE_INDENT = 18 };

static const char usage[] = "usage: galen advice [OPTIONS]\n"
                            "\n"
                            "Prints what the server advises for each host.\n"
                            "\n"
                            "  --host NAME         only this host\n"
                            "  --wait SECONDS      wait that long for a first analysis\n"
                            "  --json              the server's JSON as it came\n" CLI_SERVER_HELP;

struct advice_options {
    struct cli_server server;
    const char *host;
    int64_t wait_s;
    bool json;
};

static const char *text_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* The first line is at column indent already. */
static void print_wrapped(const char *text, size_t indent)
{
    auto_buf lines = {0};
    text_wrap(&lines, span_of(text ? text : ""), indent, TEXT_TERMINAL);
    fputs(buf_text(&lines), stdout);
}

static void print_line(const char *name, const char *text)
{
    if (!text || !*text)
        return;
    printf("    %-13s ", name);
    print_wrapped(text, ADVICE_INDENT);
}

static void print_finding(json_t *finding)
{
    json_t *evidence;
    size_t i;
    const char *rule = text_of(finding, "rule"), *line = text_of(finding, "line");
    printf("\n  %s  ", rule);
    print_wrapped(text_of(finding, "sentence"), strlen(rule) + 4);
    json_array_foreach(json_object_get(finding, "evidence"), i, evidence)
        print_line(i ? "" : "evidence", text_of(evidence, "text"));
    print_line("effect", text_of(finding, "effect"));
    if (line) /* whole, to be copied */
        printf("    %-13s %s\n", "line", line);
    print_line("file", text_of(finding, "file"));
    print_line("takes effect", text_of(finding, "takes_effect"));
    print_line("risk", text_of(finding, "risk"));
    print_line("check", text_of(finding, "check"));
}

static void print_host(json_t *host)
{
    json_t *advice = json_object_get(host, "advice"), *finding;
    size_t i;
    printf("%s: ", text_of(host, "name"));
    if (!json_is_object(advice)) {
        puts("no analysis yet");
        return;
    }
    printf("%s%s\n", text_of(advice, "recommendation"),
           json_is_true(json_object_get(advice, "preliminary")) ? " (preliminary)" : "");
    fputs("  ", stdout);
    print_wrapped(text_of(advice, "summary"), 2);
    json_array_foreach(json_object_get(advice, "findings"), i, finding) print_finding(finding);
}

/* Prints the hosts asked for; how many of them have an analysis. */
static size_t analysed(json_t *answer, const struct advice_options *o, bool print)
{
    json_t *host;
    size_t i, n = 0;
    json_array_foreach(json_object_get(answer, "hosts"), i, host)
    {
        if (o->host && strcmp(o->host, text_of(host, "name")) != 0)
            continue;
        n += json_is_object(json_object_get(host, "advice"));
        if (print)
            print_host(host);
    }
    return n;
}

static int run(const struct advice_options *o)
{
    int64_t end_ms = clock_mono_ms() + o->wait_s * 1000;
    for (;;) {
        auto_buf body = {0};
        struct err err = {0};
        if (cli_get(&o->server, "/api/galen/v1/hosts", &body, &err))
            return cli_fail("advice", &err);
        json_t *answer = json_loadb(body.at ? body.at : "", body.len, 0, NULL);
        bool done = analysed(answer, o, false) > 0 || clock_mono_ms() >= end_ms;
        if (done && o->json)
            printf("%.*s\n", SPAN_ARG(buf_view(&body)));
        size_t n = done ? analysed(answer, o, !o->json) : 0;
        json_decref(answer);
        if (done && !n && !o->json)
            fputs("galen advice: no analysis yet\n", stderr);
        if (done)
            return n ? EXIT_OK : EXIT_FAILED;
        usleep(500000);
    }
}

int cli_advice(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_SERVER_OPTIONS,
        {"host", required_argument, NULL, 'H'},
        {"wait", required_argument, NULL, 'w'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct advice_options o = {0};
    cli_server_defaults(&o.server);
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'H':
            o.host = optarg;
            break;
        case 'w':
            if (!span_i64(span_of(optarg), &o.wait_s) || o.wait_s < 0)
                return cli_usage("advice", usage, stderr);
            break;
        case 'j':
            o.json = true;
            break;
        case 'h':
            return cli_usage("advice", usage, stdout);
        default:
            if (!cli_server_option(&o.server, c, optarg))
                return cli_usage("advice", usage, stderr);
        }
    }
    return optind == argc ? run(&o) : cli_usage("advice", usage, stderr);
}
