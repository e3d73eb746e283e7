/* galen export: samples of a server, or of a data directory, as CSV, JSON, OpenMetrics or SQLite.
 */
#include "cli/cli.h"
#include "cli/export_sqlite.h"
#include "cli/progress.h"

#include "base/clock.h"
#include "exchange/exchange.h"
#include "promql/promql.h"
#include "store/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t KEEP_ALL_MS = INT64_C(36500) * 24 * 3600 * 1000;
static const int64_t EXPORT_WHOLE_MS = INT64_C(24) * 3600 * 1000; /* it takes what it takes */

static const char usage[] =
    "usage: galen export [OPTIONS] [SELECTOR...]\n"
    "\n"
    "Writes the samples of all series, or of those that one of the selectors\n"
    "matches, as '{instance=\"web1\"}' or 'node_load1'.\n"
    "\n"
    "  --format F          csv (default), json, openmetrics or sqlite (with --output)\n"
    "  --start T --end T   RFC 3339 or seconds since 1970 (default: everything until\n"
    "                      now)\n"
    "  --output FILE       a new file; default: standard output\n"
    "  --data DIR          a server's data directory, while that server is not\n"
    "                      running\n"
    "\n"
    "JSON and CSV carry every bit, stale markers too; OpenMetrics leaves these out;\n"
    "SQLite has NULL for NaN: tables series and samples, view sample_rows.\n"
    "\n" CLI_SERVER_HELP;

struct export
{
    struct cli_server server;
    const char *data, *start, *end, *output;
    enum exchange_format format;
    char **selectors;
    int n;
    FILE *to;                 /* NULL: sqlite */
    struct export_sqlite *db; /* NULL: to */
    struct err fault;         /* of db */
    bool failed;
    uint64_t bytes;
    struct progress progress;
};

static void write_piece(void *arg, struct span bytes)
{
    struct export *x = arg;
    if (x->db)
        x->failed |= !x->failed && export_sqlite_feed(x->db, bytes, &x->fault);
    else
        x->failed |= fwrite(bytes.at, 1, bytes.len, x->to) != bytes.len;
    x->bytes += bytes.len;
    progress_show(&x->progress, x->bytes);
}

/* ---- from a server ---- */

static void add(struct buf *path, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(path, "&%s=", name);
    url_encode(path, span_of(value));
}

static enum status from_server(struct export *x, struct err *err)
{
    auto_buf path = {0};
    buf_printf(&path, "/api/galen/v1/export?format=%s", exchange_format_name(x->format));
    add(&path, "start", x->start);
    add(&path, "end", x->end);
    for (int i = 0; i < x->n; i++)
        add(&path, "match[]", x->selectors[i]);
    return cli_stream(&x->server, buf_text(&path), write_piece, x, EXPORT_WHOLE_MS, err);
}

/* ---- from a directory ---- */

static enum status time_of(const char *option, const char *text, int64_t *out, struct err *err)
{
    double seconds;
    if (!text || clock_rfc3339_parse(span_of(text), out))
        return OK;
    if (!span_double(span_of(text), &seconds) || !(fabs(seconds) < 9e12))
        return err_set(err, INVALID, "%s: \"%s\" is neither RFC 3339 nor seconds since 1970",
                       option, text);
    *out = llround(seconds * 1000);
    return OK;
}

static enum status first_sample(struct store *s, int64_t *start_ms, struct err *err)
{
    auto_arena arena = {0};
    struct store_host_stats *hosts;
    size_t n;
    int64_t first = INT64_MAX;
    enum status st = store_hosts(s, &arena, &hosts, &n, err);
    for (size_t i = 0; !st && i < n; i++)
        first = MIN(first, hosts[i].min_t_ms);
    if (!st && n)
        *start_ms = MAX(*start_ms, first);
    return st;
}

static enum status write_all(struct export *x, struct store *s, struct exporter_config *config,
                             struct err *err)
{
    auto_buf piece = {0};
    bool more = true;
    enum status st = first_sample(s, &config->start_ms, err);
    struct exporter *exporter = exporter_open(config);
    while (!st && more && !x->failed) {
        struct source *view = store_read_begin(s);
        buf_clear(&piece);
        st = exporter_next(exporter, view, &piece, &more, err);
        store_read_end(view);
        if (!st)
            write_piece(x, buf_view(&piece));
    }
    exporter_close(exporter);
    return st;
}

static enum status from_directory(struct export *x, struct err *err)
{
    auto_arena arena = {0};
    struct expr *match[EXPORT_SELECTORS_MAX] = {0};
    struct export_selector selectors[EXPORT_SELECTORS_MAX];
    struct exporter_config config = {
        .format = x->format, .selectors = selectors, .end_ms = clock_wall_ms()};
    static const char *const all[] = {"{__name__!=\"\"}"};
    size_t n = x->n ? (size_t)x->n : 1;
    enum status st = n > EXPORT_SELECTORS_MAX
                         ? err_set(err, INVALID, "more than %d selectors", EXPORT_SELECTORS_MAX)
                         : OK;
    for (; !st && config.n < n; config.n++) {
        const char *text = x->n ? x->selectors[config.n] : all[0];
        st = promql_parse(span_of(text), &arena, &match[config.n], err);
        if (st)
            break;
        selectors[config.n].matchers = promql_matchers(match[config.n], &selectors[config.n].n);
        if (!selectors[config.n].matchers)
            st = err_set(err, INVALID, "%s is not a series selector", text);
    }
    if (!st)
        st = time_of("--start", x->start, &config.start_ms, err);
    if (!st)
        st = time_of("--end", x->end, &config.end_ms, err);
    struct store *s = NULL;
    if (!st)
        st = store_open(&(struct store_config){.dir = x->data, .retention_ms = KEEP_ALL_MS}, &s,
                        err);
    if (!st)
        st = write_all(x, s, &config, err);
    store_close(s);
    for (size_t i = 0; i < COUNT(match); i++)
        promql_free(match[i]);
    return st;
}

/* ---- the command ---- */

static enum status begin(struct export *x, bool sqlite, struct err *err)
{
    if (sqlite)
        return export_sqlite_open(x->output, &x->db, err);
    x->to = x->output ? fopen(x->output, "wxe") : stdout;
    return x->to ? OK : err_errno(err, "open %s", x->output);
}

static enum status end(struct export *x, enum status st, struct err *err)
{
    if (x->db) {
        if (x->fault.status)
            *err = x->fault;
        st = x->fault.status ? x->fault.status : st ? st : export_sqlite_end(x->db, err);
        export_sqlite_close(x->db);
        return st;
    }
    x->failed |= fflush(x->to) != 0;
    if (!st && x->failed)
        st = err_errno(err, "write %s", x->output ? x->output : "standard output");
    if (x->output)
        fclose(x->to);
    return st;
}

static int run(struct export *x, bool sqlite)
{
    struct err err = {0};
    enum status st = begin(x, sqlite, &err);
    if (st)
        return cli_fail("export", &err);
    x->progress.name = "export";
    st = x->data ? from_directory(x, &err) : from_server(x, &err);
    progress_end(&x->progress);
    st = end(x, st, &err);
    if (st && x->output)
        unlink(x->output); /* a part is no export */
    return st ? cli_fail("export", &err) : EXIT_OK;
}

int cli_export(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_SERVER_OPTIONS,
        {"format", required_argument, NULL, 'f'},
        {"start", required_argument, NULL, 'S'},
        {"end", required_argument, NULL, 'E'},
        {"output", required_argument, NULL, 'o'},
        {"data", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct export x = {.format = EXCHANGE_CSV};
    bool good = true, sqlite = false;
    cli_server_defaults(&x.server);
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'f':
            sqlite = strcmp(optarg, "sqlite") == 0;
            x.format = EXCHANGE_JSON; /* which the file is made of */
            good &= sqlite || (exchange_format_of(span_of(optarg), &x.format) &&
                               x.format != EXCHANGE_AUTO && x.format != EXCHANGE_PROMETHEUS);
            break;
        case 'S':
            x.start = optarg;
            break;
        case 'E':
            x.end = optarg;
            break;
        case 'o':
            x.output = optarg;
            break;
        case 'd':
            x.data = optarg;
            break;
        case 'h':
            return cli_usage("export", usage, stdout);
        default:
            good &= cli_server_option(&x.server, c, optarg);
        }
    }
    if (!good)
        return cli_usage("export", usage, stderr);
    if (sqlite && !x.output) {
        fputs("galen export: --format sqlite needs --output FILE\n", stderr);
        return EXIT_USAGE;
    }
    x.selectors = argv + optind;
    x.n = argc - optind;
    return run(&x, sqlite);
}
