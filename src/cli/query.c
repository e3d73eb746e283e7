/* galen query 'EXPR': a PromQL question to the server, answered as a table, a chart, JSON or CSV.
 */
#include "cli/cli.h"
#include "cli/query_print.h"

#include "base/clock.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char usage[] =
    "usage: galen query 'EXPR' [OPTIONS]\n"
    "\n"
    "Asks the server a PromQL question: an instant query, or with --start, --end and\n"
    "--step a range query.\n"
    "\n"
    "  --time T            when (RFC 3339 or seconds since 1970; default now)\n"
    "  --start T --end T   the range\n"
    "  --step S            its step, as 15s or 0.5\n"
    "  -o, --output FORM   table (the default), json (the server's, as it came) or\n"
    "                      csv (RFC 4180; text that begins like a formula gets a '\n"
    "                      before it)\n"
    "  --json              the same as -o json\n" CLI_SERVER_HELP "\n"
    "On a terminal a range is drawn as a chart for each series, in colours unless\n"
    "NO_COLOR is set; otherwise its points are listed. Where the server cannot read\n"
    "the expression, the place is shown under it.\n";

enum form { FORM_TABLE, FORM_JSON, FORM_CSV };
enum { WIDTH_DEFAULT = 80 };

struct query_options {
    struct cli_server server;
    const char *expr, *time, *start, *end, *step;
    enum form form;
};

static void add(struct buf *path, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(path, "&%s=", name);
    url_encode(path, span_of(value));
}

/* The width of the terminal; 0 when standard output is none. */
static size_t terminal_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    uint64_t n;
    if (!isatty(STDOUT_FILENO))
        return 0;
    if (columns && span_u64(span_of(columns), &n) && n > 0)
        return (size_t)n;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col
                                                                       : WIDTH_DEFAULT;
}

static int64_t time_ms(const char *text)
{
    double seconds;
    int64_t ms = 0;
    if (span_double(span_of(text), &seconds))
        return (int64_t)(seconds * 1000);
    return clock_rfc3339_parse(span_of(text), &ms) ? ms : 0;
}

static void print_answer(const struct query_options *o, json_t *data)
{
    auto_buf out = {0};
    size_t width = terminal_width();
    if (o->form == FORM_CSV)
        query_print_csv(data, &out);
    else if (o->start && width)
        query_print_charts(data, time_ms(o->start), time_ms(o->end), width, !getenv("NO_COLOR"),
                           &out);
    else
        query_print_table(data, &out);
    fwrite(out.at, 1, out.len, stdout);
}

/* Warnings go to the people, not into what programs read. */
static void print_notes(json_t *answer, const char *key)
{
    json_t *note;
    size_t i;
    json_array_foreach(json_object_get(answer, key), i, note)
        fprintf(stderr, "galen query: %s\n", json_string_value(note));
}

static int fail(const struct query_options *o, const struct err *err)
{
    auto_buf place = {0};
    int code = cli_fail("query", err);
    query_print_place(span_of(o->expr), span_of(err->text), &place);
    fwrite(place.at, 1, place.len, stderr);
    return code;
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
        return fail(o, &err);
    if (o->form == FORM_JSON) {
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
    print_answer(o, data);
    print_notes(answer, "warnings");
    print_notes(answer, "infos");
    json_decref(answer);
    return EXIT_OK;
}

static bool form_of(const char *text, enum form *out)
{
    static const char *const names[] = {
        [FORM_TABLE] = "table", [FORM_JSON] = "json", [FORM_CSV] = "csv"};
    for (size_t i = 0; i < COUNT(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum form)i;
            return true;
        }
    }
    return false;
}

int cli_query(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_SERVER_OPTIONS,
        {"time", required_argument, NULL, 'T'},
        {"start", required_argument, NULL, 'S'},
        {"end", required_argument, NULL, 'E'},
        {"step", required_argument, NULL, 'p'},
        {"output", required_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct query_options o = {0};
    cli_server_defaults(&o.server);
    for (int c; (c = getopt_long(argc, argv, "ho:", options, NULL)) != -1;) {
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
            o.form = FORM_JSON;
            break;
        case 'o':
            if (!form_of(optarg, &o.form))
                return cli_usage("query", usage, stderr);
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
