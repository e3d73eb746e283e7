/* galen-server: options, configuration, start, stop. */
#include "server/server.h"

#include "base/log.h"
#include "promql/promql.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 5 };

#define CONFIG_DEFAULT "/etc/galen/server.yaml"
#define MINUTE_MS 60e3
#define DAY_MS 86400e3

#define AT(field) offsetof(struct server_settings, field)
/* Key in the file; --key with dashes; GALEN_SERVER_KEY in the environment. */
static const struct setting table[] = {
    {"data", SETTING_STRING, AT(data), 0, 0, "directory that holds everything"},
    {"listen", SETTING_STRING, AT(listen), 0, 0, "address and port to listen on"},
    {"tls.cert", SETTING_STRING, AT(tls_cert), 0, 0, "certificate chain, PEM"},
    {"tls.key", SETTING_STRING, AT(tls_key), 0, 0, "its private key, PEM"},
    {"rules", SETTING_STRING, AT(rules), 0, 0, "directory with features.yaml and advice/"},
    {"rules-extra", SETTING_STRING, AT(rules_extra), 0, 0,
     "further rules, a file or a folder (default /etc/galen/rules.d)"},
    {"model", SETTING_STRING, AT(model), 0, 0, "classifier, a Keras .h5 file"},
    {"dev", SETTING_BOOL, AT(dev), 0, 0, "loopback only, tokens written into the data directory"},
    {"remediation.enabled", SETTING_BOOL, AT(remediation), 0, 0,
     "an administrator may have agents change what they allow (off)"},
    {"retention.time", SETTING_DURATION, AT(retention_ms), 60 * MINUTE_MS, 36500 * DAY_MS,
     "how long samples are kept"},
    {"retention.size", SETTING_BYTES, AT(retention_bytes), 0, 1e18,
     "how many bytes of samples are kept at most (0: no limit)"},
    {"storage.min-free", SETTING_BYTES, AT(free_min_bytes), 0, 1e18,
     "no samples are taken while less of the disk is free"},
    {"storage.min-free-percent", SETTING_INT, AT(free_min_percent), 0, 50,
     "the same as a share of the disk, 16 GiB at most"},
    {"retention.results", SETTING_DURATION, AT(results_ms), 60 * MINUTE_MS, 36500 * DAY_MS,
     "how long analysis results are kept"},
    {"analysis.interval", SETTING_DURATION, AT(analysis_interval_ms), 1000, 60 * MINUTE_MS,
     "how often each host is analysed"},
    {"alerts.interval", SETTING_DURATION, AT(alerts_interval_ms), 1000, 60 * MINUTE_MS,
     "how often alert rules are evaluated"},
    {"alerts.external-url", SETTING_STRING, AT(alerts_external_url), 0, 0,
     "how people reach this server, for links in notifications"},
    {"alerts.private-addresses", SETTING_BOOL, AT(alerts_private), 0, 0,
     "notifications may go to loopback and private addresses, and without TLS"},
    {"alerts.scripts", SETTING_STRING, AT(alerts_scripts), 0, 0,
     "directory of programs that channels may start (none: off)"},
    {"alerts.dead-man-url", SETTING_STRING, AT(alerts_dead_man_url), 0, 0,
     "webhook that is told every while that the server lives"},
    {"alerts.dead-man-interval", SETTING_DURATION, AT(alerts_dead_man_ms), 1000, 1440 * MINUTE_MS,
     "how often"},
    {"query.timeout", SETTING_DURATION, AT(query.timeout_ms), 1, 60 * MINUTE_MS,
     "how long a PromQL query may take, waiting included"},
    {"query.max-samples", SETTING_INT, AT(query.samples_max), 1000, 1e10,
     "samples that one PromQL query may hold in memory"},
    {"query.max-concurrency", SETTING_INT, AT(query.max_concurrency), 1, 256,
     "PromQL queries evaluated at once; others wait"},
    {"query.lookback-delta", SETTING_DURATION, AT(query.lookback_ms), 1000, 1440 * MINUTE_MS,
     "how old a sample may be and still be the current one"},
    {"log.level", SETTING_STRING, AT(log_level), 0, 0, "error, warn, info or debug"},
    {"log.format", SETTING_STRING, AT(log_format), 0, 0, "logfmt or json"},
};

static const struct server_settings defaults = {
    .data = "/var/lib/galen-server",
    .listen = "127.0.0.1:5000",
    .retention_ms = (int64_t)(30 * DAY_MS),
    .free_min_bytes = 256 << 20,
    .free_min_percent = 5,
    .results_ms = (int64_t)(365 * DAY_MS),
    .analysis_interval_ms = 30000,
    .alerts_interval_ms = 15000,
    .alerts_dead_man_ms = 60000,
    .query = {.timeout_ms = 2 * 60000,
              .samples_max = PROMQL_SAMPLES_MAX,
              .max_concurrency = 20,
              .lookback_ms = PROMQL_LOOKBACK_MS},
    .table = table,
    .table_n = COUNT(table),
    .log_level = "info",
    .log_format = "logfmt",
};

static void help(FILE *to)
{
    fputs("galen-server: receives, stores, analyses; console and APIs on one port\n\n"
          "usage: galen-server [OPTIONS]\n\n",
          to);
    for (size_t i = 0; i < COUNT(table); i++) {
        auto_buf option = {0};
        buf_printf(&option, "--%s", table[i].key);
        for (size_t k = 0; k < option.len; k++)
            if (option.at[k] == '.')
                option.at[k] = '-';
        fprintf(to, "  %-22s %s\n", buf_text(&option), table[i].help);
    }
    fputs("  --config               configuration file (default " CONFIG_DEFAULT ", if it exists)\n"
          "  --check-config         read the configuration, say what is wrong, and end\n"
          "  --help, --version\n\n"
          "Each option is also a key of the file (tls-cert is cert below tls:) and a variable\n"
          "of the environment (GALEN_SERVER_TLS_CERT). The command line wins, then the\n"
          "environment, then the file. Signals: SIGTERM ends, SIGHUP reads certificate,\n"
          "rules and model again; what is wrong stays as it was.\n",
          to);
}

/* "tls.cert" -> "tls-cert" or "GALEN_SERVER_TLS_CERT". */
static const char *spelled(struct arena *arena, const char *prefix, const char *key, bool upper)
{
    char *name = arena_printf(arena, "%s%s", prefix, key);
    for (char *p = name + strlen(prefix); *p; p++) {
        if (*p == '.' || *p == '-')
            *p = upper ? '_' : '-';
        else if (upper && *p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    }
    return name;
}

static enum status from_environment(struct server_settings *s, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *name = spelled(arena, "GALEN_SERVER_", table[i].key, true);
        const char *value = getenv(name);
        if (!value || !*value)
            continue;
        enum status st =
            settings_set(table, COUNT(table), table[i].key, value, name, s, arena, err);
        if (st)
            return st;
    }
    return OK;
}

struct command_line {
    const char *config;
    const char *values[COUNT(table)];
    bool check;
};

enum { OPTION_CONFIG = 1000, OPTION_CHECK, OPTION_HELP, OPTION_VERSION };

/* -1: go on; else the exit code. */
static int read_command_line(int argc, char **argv, struct arena *arena, struct command_line *line)
{
    struct option options[COUNT(table) + 5] = {
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"check-config", no_argument, NULL, OPTION_CHECK},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        options[4 + i] = (struct option){
            .name = spelled(arena, "", table[i].key, false),
            .has_arg = table[i].kind == SETTING_BOOL ? no_argument : required_argument,
            .val = (int)i};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c >= 0 && (size_t)c < COUNT(table)) {
            line->values[c] = optarg ? optarg : "true";
        } else if (c == OPTION_CONFIG) {
            line->config = optarg;
        } else if (c == OPTION_CHECK) {
            line->check = true;
        } else if (c == OPTION_HELP) {
            help(stdout);
            return EXIT_OK;
        } else if (c == OPTION_VERSION) {
            puts("galen-server " GALEN_VERSION);
            return EXIT_OK;
        } else {
            fputs("galen-server: see galen-server --help\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "galen-server: \"%s\" is not an option; see galen-server --help\n",
            argv[optind]);
    return EXIT_USAGE;
}

static enum status read_settings(const struct command_line *line, struct server_settings *s,
                                 struct arena *arena, struct err *err)
{
    enum status st = OK;
    if (line->config || access(CONFIG_DEFAULT, F_OK) == 0)
        st = settings_load(line->config ? line->config : CONFIG_DEFAULT, table, COUNT(table), s,
                           arena, err);
    if (!st)
        st = from_environment(s, arena, err);
    for (size_t i = 0; !st && i < COUNT(table); i++)
        if (line->values[i])
            st = settings_set(table, COUNT(table), table[i].key, line->values[i],
                              spelled(arena, "--", table[i].key, false), s, arena, err);
    return st;
}

static enum status setup_log(const struct server_settings *s, struct err *err)
{
    enum log_level level;
    bool json = span_is(span_of(s->log_format), "json");
    if (!log_level_of(s->log_level, &level))
        return err_set(err, INVALID, "log.level: \"%s\" is not error, warn, info or debug",
                       s->log_level);
    if (!json && !span_is(span_of(s->log_format), "logfmt"))
        return err_set(err, INVALID, "log.format: \"%s\" is not logfmt or json", s->log_format);
    if (!s->tls_cert != !s->tls_key)
        return err_set(err, INVALID, "tls.cert and tls.key go together: one is missing");
    log_setup("galen-server", level, json);
    return OK;
}

int main(int argc, char **argv)
{
    auto_arena arena = {0};
    struct command_line line = {0};
    struct server_settings settings = defaults;
    struct err err = {0};
    int code = read_command_line(argc, argv, &arena, &line);
    if (code >= 0)
        return code;
    if (read_settings(&line, &settings, &arena, &err) || setup_log(&settings, &err)) {
        fprintf(stderr, "galen-server: %s\n", err.text);
        return EXIT_CONFIG;
    }
    if (line.check) {
        puts("the configuration is good");
        return EXIT_OK;
    }
    umask(0077);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0); /* the one-time password must not wait in a buffer */
    struct server *server;
    if (server_open(&settings, &server, &err)) {
        fprintf(stderr, "galen-server: %s\n", err.text);
        return EXIT_FAILED;
    }
    server_run(server);
    server_close(server);
    return EXIT_OK;
}
