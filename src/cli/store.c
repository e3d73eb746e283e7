/* galen store stats|check|clean-up: what is stored, whether it is whole, and space given back. */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/json.h"
#include "store/store.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: galen store stats [--json]              what is stored, of which hosts\n"
    "       galen store check [--json] [DIR]        is it what was written?\n"
    "       galen store clean-up --older-than 7d    drop what is older, now\n"
    "\n"
    "check asks the server, or reads DIR: a data directory whose server is not\n"
    "running, or a backup; nothing is changed. It exits 0 when all is well and 1\n"
    "when something is damaged. Gaps (a host was silent for more than three of its\n"
    "usual intervals) are told, but are no damage.\n"
    "\n"
    "  --json              the answer as JSON\n"
    "  --older-than D      a duration of at least 1h, as 1d, 7d, 30d\n" CLI_SERVER_HELP;

struct store_options {
    struct cli_server server;
    const char *older_than;
    bool json;
};

static void print_bytes(double n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    for (; n >= 1024 && u + 1 < COUNT(units); u++)
        n /= 1024;
    printf(u ? "%10.1f %-3s" : "%10.0f %-3s", n, units[u]);
}

static int64_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char *time_text(int64_t ms, char text[TIME_TEXT_MAX])
{
    return ms ? clock_rfc3339(ms, text) : "-";
}

static json_t *parsed(const struct buf *body)
{
    return json_loadb(body->at ? body->at : "", body->len, 0, NULL);
}

static int print_json(const struct buf *body)
{
    fwrite(body->at, 1, body->len, stdout);
    putchar('\n');
    return EXIT_OK;
}

/* ---- stats ---- */

static void print_stats(const json_t *answer)
{
    char first[TIME_TEXT_MAX], last[TIME_TEXT_MAX];
    const json_t *totals = json_object_get(answer, "totals"),
                 *disk = json_object_get(answer, "disk");
    const json_t *retention = json_object_get(answer, "retention");
    json_t *hosts = json_object_get(answer, "hosts"), *host;
    size_t i;
    printf("%-32s %12s %8s %14s  %-24s  %s\n", "host", "samples", "series", "bytes", "first",
           "last");
    json_array_foreach(hosts, i, host)
    {
        const char *name = json_string_value(json_object_get(host, "host"));
        printf("%-32s %12" PRId64 " %8" PRId64 " ", name && *name ? name : "(none)",
               number(host, "samples"), number(host, "series"));
        print_bytes((double)number(host, "bytes"));
        printf("  %-24s  %s\n", time_text(number(host, "first_ms"), first),
               time_text(number(host, "last_ms"), last));
    }
    printf("\nsamples   %" PRId64 " in %" PRId64 " blocks and the log\n", number(totals, "samples"),
           number(totals, "blocks"));
    printf("series    %" PRId64 ", %" PRId64 " of them active\n", number(totals, "series"),
           number(totals, "series_active"));
    printf("on disk   ");
    print_bytes((double)number(totals, "bytes"));
    printf(" with ");
    print_bytes((double)number(totals, "log_bytes"));
    printf(" of log; free ");
    print_bytes((double)number(disk, "free_bytes"));
    printf("\nkept for  %.1f days\n", (double)number(retention, "time_ms") / 86400e3);
}

static int stats(const struct store_options *o)
{
    auto_buf body = {0};
    struct err err = {0};
    if (cli_get(&o->server, "/api/galen/v1/storage", &body, &err))
        return cli_fail("store", &err);
    if (o->json)
        return print_json(&body);
    json_t *answer = parsed(&body);
    print_stats(answer);
    json_decref(answer);
    return EXIT_OK;
}

/* ---- check ---- */

static void print_finding(const json_t *f)
{
    char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
    const char *file = json_string_value(json_object_get(f, "file"));
    const char *host = json_string_value(json_object_get(f, "host"));
    printf("%-12s %s%s%s%s", json_string_value(json_object_get(f, "kind")), file ? file : "",
           file && host ? ", " : "", host ? host : "", file || host ? ": " : "");
    if (json_object_get(f, "from_ms"))
        printf("%s to %s: ", clock_rfc3339(number(f, "from_ms"), from),
               clock_rfc3339(number(f, "to_ms"), to));
    puts(json_string_value(json_object_get(f, "text")));
}

static void print_check(const json_t *answer)
{
    json_t *findings = json_object_get(answer, "findings"),
           *found = json_object_get(answer, "found");
    json_t *f, *n;
    const char *kind;
    size_t i;
    json_int_t told = (json_int_t)json_array_size(findings), all = 0;
    json_array_foreach(findings, i, f) print_finding(f);
    json_object_foreach(found, kind, n) all += json_integer_value(n);
    if (all > told)
        printf("... and %" PRId64 " more\n", (int64_t)(all - told));
    printf("%" PRId64 " samples of %" PRId64 " hosts in %" PRId64 " blocks, %" PRId64
           " records of the log: ",
           number(answer, "samples"), number(answer, "hosts"), number(answer, "blocks"),
           number(answer, "log_records"));
    if (json_is_true(json_object_get(answer, "ok")))
        puts("all is well");
    else
        printf("%" PRId64 " faults\n", number(answer, "faults"));
    if (number(answer, "unchecked_samples"))
        printf("%" PRId64
               " newer samples are in the log and were not checked: they become a block within"
               " two hours, or when the server ends\n",
               number(answer, "unchecked_samples"));
}

static int check(const struct store_options *o, const char *dir)
{
    auto_buf body = {0};
    struct err err = {0};
    enum status st = dir ? store_check_json(NULL, dir, clock_wall_ms(), &body, &err)
                         : cli_stream(&o->server, "/api/galen/v1/storage/check", cli_to_buf, &body,
                                      (int64_t)CLI_PATIENCE_MS, &err);
    if (st)
        return cli_fail("store", &err);
    json_t *answer = parsed(&body);
    bool ok = json_is_true(json_object_get(answer, "ok"));
    if (o->json)
        print_json(&body);
    else
        print_check(answer);
    json_decref(answer);
    return ok ? EXIT_OK : EXIT_FAILED;
}

/* ---- clean-up ---- */

static int clean_up(const struct store_options *o)
{
    auto_buf body = {0}, question = {0};
    struct err err = {0};
    struct json j = json_to(&question);
    json_begin_object(&j);
    json_field(&j, "older_than", o->older_than);
    json_end_object(&j);
    if (cli_send(&o->server, "POST", "/api/galen/v1/storage/clean-up", "application/json",
                 buf_view(&question), &body, &err))
        return cli_fail("store", &err);
    if (o->json)
        return print_json(&body);
    json_t *answer = parsed(&body);
    char before[TIME_TEXT_MAX];
    printf("dropped what was before %s: %" PRId64 " samples, ",
           clock_rfc3339(number(answer, "before_ms"), before), number(answer, "samples"));
    print_bytes((double)number(answer, "bytes"));
    putchar('\n');
    json_decref(answer);
    return EXIT_OK;
}

int cli_store(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_SERVER_OPTIONS,
        {"json", no_argument, NULL, 'j'},
        {"older-than", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct store_options o = {0};
    bool good = true;
    cli_server_defaults(&o.server);
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'j')
            o.json = true;
        else if (c == 'o')
            o.older_than = optarg;
        else if (c == 'h')
            return cli_usage("store", usage, stdout);
        else
            good &= cli_server_option(&o.server, c, optarg);
    }
    int words = argc - optind;
    struct span what = words ? span_of(argv[optind]) : SPAN("");
    if (good && words == 1 && span_is(what, "stats"))
        return stats(&o);
    if (good && words <= 2 && span_is(what, "check"))
        return check(&o, words == 2 ? argv[optind + 1] : NULL);
    if (good && words == 1 && span_is(what, "clean-up") && o.older_than)
        return clean_up(&o);
    if (!good || !words || span_is(what, "stats") || span_is(what, "check") ||
        span_is(what, "clean-up"))
        return cli_usage("store", usage, stderr);
    return cli_no_command("store", argv[optind], "stats, check and clean-up");
}
