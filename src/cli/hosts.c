/* galen hosts [delete NAME]: which hosts there are; one goes, with its samples. */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 300, NAME_WIDTH = 32 };

static const char usage[] =
    "usage: galen hosts                       the hosts and when they were seen\n"
    "       galen hosts delete NAME [--yes]   deletes a host with all that is stored\n"
    "\n"
    "A host whose agent still runs comes back with its next samples.\n"
    "\n"
    "  --yes               do not ask\n" CLI_SERVER_HELP;

static enum status load(const struct cli_server *s, json_t **out, struct err *err)
{
    auto_buf body = {0};
    enum status st = cli_get(s, "/api/galen/v1/hosts", &body, err);
    *out = st ? NULL : json_loadb(body.at ? body.at : "", body.len, 0, NULL);
    if (!st && !json_is_array(json_object_get(*out, "hosts")))
        st = err_set(err, INVALID, "%s did not answer with hosts", s->url);
    return st;
}

static void print_hosts(const json_t *answer)
{
    json_t *host;
    size_t i;
    json_array_foreach(json_object_get(answer, "hosts"), i, host)
    {
        char seen[TIME_TEXT_MAX];
        const char *name = json_string_value(json_object_get(host, "name"));
        size_t columns = text_columns(span_of(name ? name : ""));
        printf("%s%*s %-10s %s\n", name ? name : "", (int)(NAME_WIDTH - MIN(NAME_WIDTH, columns)),
               "", json_string_value(json_object_get(host, "state")),
               clock_rfc3339(json_integer_value(json_object_get(host, "last_seen_ms")), seen));
    }
}

/* The name typed again; false when it is another one, or nobody is there to type. */
static bool confirmed(const char *name)
{
    char answer[ANSWER_MAX];
    if (!isatty(STDIN_FILENO))
        return false;
    fprintf(stderr, "All samples and results of %s will be deleted. Type its name: ", name);
    if (!fgets(answer, sizeof answer, stdin))
        return false;
    return span_is(span_trim(span_of(answer)), name);
}

static enum status delete_host(const struct cli_server *s, const json_t *answer, const char *name,
                               struct err *err)
{
    json_t *host;
    size_t i;
    json_array_foreach(json_object_get(answer, "hosts"), i, host)
    {
        auto_buf path = {0}, body = {0};
        const char *own = json_string_value(json_object_get(host, "name"));
        const char *id = json_string_value(json_object_get(host, "id"));
        if (!own || !id || strcmp(own, name) != 0)
            continue;
        buf_str(&path, "/api/galen/v1/hosts/");
        url_encode(&path, span_of(id));
        return cli_send(s, "DELETE", buf_text(&path), NULL, SPAN(""), &body, err);
    }
    return err_set(err, NOT_FOUND, "there is no host %s; galen hosts lists them", name);
}

int cli_hosts(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_SERVER_OPTIONS,
        {"yes", no_argument, NULL, 'y'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct cli_server server;
    bool yes = false, good = true;
    cli_server_defaults(&server);
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'y')
            yes = true;
        else if (c == 'h')
            return cli_usage("hosts", usage, stdout);
        else
            good &= cli_server_option(&server, c, optarg);
    }
    int words = argc - optind;
    bool deletes = words == 2 && strcmp(argv[optind], "delete") == 0;
    if (good && words && strcmp(argv[optind], "delete") != 0)
        return cli_no_command("hosts", argv[optind], "delete; without one the hosts are listed");
    if (!good || (words && !deletes))
        return cli_usage("hosts", usage, stderr);
    struct err err = {0};
    json_t *answer;
    enum status st = load(&server, &answer, &err);
    if (!st && deletes && !yes && !confirmed(argv[optind + 1]))
        st = err_set(&err, INVALID, "nothing was deleted; --yes deletes without asking");
    else if (!st && deletes)
        st = delete_host(&server, answer, argv[optind + 1], &err);
    else if (!st)
        print_hosts(answer);
    json_decref(answer);
    return st ? cli_fail("hosts", &err) : EXIT_OK;
}
