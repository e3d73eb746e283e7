/* galen query 'EXPR': a PromQL question to the server, answered as a table or as JSON. */
#include "cli/cli.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: galen query 'EXPR' [OPTIONS]\n\n"
    "Asks the server a PromQL question: an instant query, or with --start, --end and --step\n"
    "a range query.\n\n"
    "  --time T            when (RFC 3339 or seconds since 1970; default now)\n"
    "  --start T --end T   the range\n"
    "  --step S            its step, as 15s or 0.5\n"
    "  --json              the server's JSON as it came\n" CLI_SERVER_HELP;

struct query_options {
    struct cli_server server;
    const char *expr, *time, *start, *end, *step;
    bool json;
};

static void add(struct buf *path, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(path, "&%s=", name);
    url_encode(path, span_of(value));
}

static void print_labels(json_t *metric)
{
    const char *key, *name = json_string_value(json_object_get(metric, "__name__"));
    json_t *value;
    printf("%s{", name ? name : "");
    const char *comma = "";
    json_object_foreach(metric, key, value)
    {
        if (strcmp(key, "__name__") == 0)
            continue;
        printf("%s%s=\"%s\"", comma, key, json_string_value(value));
        comma = ", ";
    }
    putchar('}');
}

static void print_point(json_t *point)
{
    printf("%14.3f  %s\n", json_number_value(json_array_get(point, 0)),
           json_string_value(json_array_get(point, 1)));
}

static void print_series(json_t *series)
{
    json_t *values = json_object_get(series, "values"), *point;
    size_t i;
    print_labels(json_object_get(series, "metric"));
    if (!values) {
        printf("  %s\n", json_string_value(json_array_get(json_object_get(series, "value"), 1)));
        return;
    }
    putchar('\n');
    json_array_foreach(values, i, point) print_point(point);
}

static void print_answer(json_t *data)
{
    json_t *result = json_object_get(data, "result"), *series;
    const char *type = json_string_value(json_object_get(data, "resultType"));
    size_t i;
    if (!type || strcmp(type, "scalar") == 0 || strcmp(type, "string") == 0) {
        puts(json_string_value(json_array_get(result, 1)));
        return;
    }
    json_array_foreach(result, i, series) print_series(series);
}

static int run(const struct query_options *o)
{
    auto_buf path = {0}, body = {0};
    struct err err = {0};
    buf_str(&path, o->start ? "/api/v1/query_range?query=" : "/api/v1/query?query=");
    url_encode(&path, span_of(o->expr));
    add(&path, "time", o->time);
    add(&path, "start", o->start);
    add(&path, "end", o->end);
    add(&path, "step", o->step);
    if (cli_get(&o->server, buf_text(&path), &body, &err))
        return cli_fail("query", &err);
    if (o->json) {
        fwrite(body.at, 1, body.len, stdout);
        putchar('\n');
        return EXIT_OK;
    }
    json_t *answer = json_loadb(body.at ? body.at : "", body.len, 0, NULL);
    json_t *data = json_object_get(answer, "data");
    if (!data) {
        err_set(&err, INVALID, "%s did not answer with Prometheus's JSON", o->server.url);
        json_decref(answer);
        return cli_fail("query", &err);
    }
    print_answer(data);
    json_decref(answer);
    return EXIT_OK;
}

int cli_query(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_SERVER_OPTIONS,
        {"time", required_argument, NULL, 'T'},
        {"start", required_argument, NULL, 'S'},
        {"end", required_argument, NULL, 'E'},
        {"step", required_argument, NULL, 'p'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct query_options o = {0};
    cli_server_defaults(&o.server);
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'T':
            o.time = optarg;
            break;
        case 'S':
            o.start = optarg;
            break;
        case 'E':
            o.end = optarg;
            break;
        case 'p':
            o.step = optarg;
            break;
        case 'j':
            o.json = true;
            break;
        case 'h':
            return cli_usage("query", usage, stdout);
        default:
            if (!cli_server_option(&o.server, c, optarg))
                return cli_usage("query", usage, stderr);
        }
    }
    bool range = o.start || o.end || o.step;
    if (optind != argc - 1 || (range && !(o.start && o.end && o.step)))
        return cli_usage("query", usage, stderr);
    o.expr = argv[optind];
    return run(&o);
}
