#include "cli/cli.h"

#include "base/log.h"

#include <unistd.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"advice", cli_advice, "what the server advises for each host"},
    {"alerts", cli_alerts, "what fires, what fired, and what a person does about it"},
    {"apply", cli_apply, "change a kernel parameter on this host, or put it back"},
    {"backup", cli_backup, "back a running server up"},
    {"check", cli_check, "look at this host and say what to change; no server needed"},
    {"export", cli_export, "samples as CSV, JSON, OpenMetrics or SQLite"},
    {"features", cli_features, "rows to train the classifier with"},
    {"hosts", cli_hosts, "the hosts; one is deleted with its samples"},
    {"import", cli_import, "samples of CSV, JSON, Prometheus or OpenMetrics files"},
    {"predict", cli_predict, "class probabilities for rows of features"},
    {"query", cli_query, "ask the server a PromQL question"},
    {"restore", cli_restore, "a data directory of a backup"},
    {"rules", cli_rules, "check, test and export rule files"},
    {"store", cli_store, "what is stored; is it whole; clean up"},
    {"train", cli_train, "train the classifier"},
};

static void help(FILE *to)
{
    fputs("galen: what to change on a Linux server, why, and whether it helped\n\n"
          "usage: galen COMMAND [OPTIONS]\n\n",
          to);
    for (size_t i = 0; i < COUNT(commands); i++)
        fprintf(to, "  %-14s%s\n", commands[i].name, commands[i].help);
    fputs("\n`galen COMMAND --help` shows a command's options; `galen --version` the version.\n",
          to);
}

int main(int argc, char **argv)
{
    log_setup("galen", LOG_WARN, false);
    struct span name = argc > 1 ? span_of(argv[1]) : SPAN("");
    if (span_is(name, "--version") || span_is(name, "-V")) {
        puts("galen " GALEN_VERSION);
        return EXIT_OK;
    }
    if (span_is(name, "--help") || span_is(name, "-h") || span_is(name, "help")) {
        help(stdout);
        return EXIT_OK;
    }
    for (size_t i = 0; i < COUNT(commands); i++)
        if (span_is(name, commands[i].name)) {
            char full[32]; /* what getopt names in its complaints */
            snprintf(full, sizeof full, "galen %s", argv[1]);
            argv[1] = full;
            return commands[i].run(argc - 1, argv + 1);
        }
    if (name.len)
        fprintf(stderr, "galen: there is no command \"%s\"; see galen --help\n", argv[1]);
    else
        help(stderr);
    return EXIT_USAGE;
}
