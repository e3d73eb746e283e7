/* The command `galen`: a table of sub-commands in main.c, one small file each. A sub-command gets
 * its own words (argv[0] is its name) and returns the exit code. */
#pragma once

#include "base/err.h"
#include "net/http.h"

#include <getopt.h>
#include <stdio.h>

enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1, /* galen check: there is advice */
    EXIT_USAGE = 2,  /* galen check: it could not be done */
    EXIT_UNREACHABLE = 3,
    EXIT_DENIED = 4,
    EXIT_CONFIG = 5,
};

int cli_advice(int argc, char **argv);
int cli_backup(int argc, char **argv);
int cli_apply(int argc, char **argv);
int cli_alerts(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_hosts(int argc, char **argv);
int cli_restore(int argc, char **argv);
int cli_store(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_features(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_predict(int argc, char **argv);
int cli_query(int argc, char **argv);
int cli_rules(int argc, char **argv);
int cli_train(int argc, char **argv);

/* "galen NAME: sentence" on stderr; the exit code that fits the status. */
int cli_fail(const char *name, const struct err *err);
/* An unknown or incomplete option: says so and where help is. */
int cli_usage(const char *name, const char *usage, FILE *to);

/* The same with what is wrong: a sentence without its dot. */
int cli_wrong(const char *name, const char *sentence, ...) PRINTF(2, 3);
/* A word that is no command of `galen NAME`: says which there are. */
int cli_no_command(const char *name, const char *word, const char *there_are);
/* For commands without options of their own: true when the words (argv + optind) are to be used;
 * else help or a wrong option was answered, with *exit_code. */
bool cli_words(const char *name, const char *usage, int argc, char **argv, int *exit_code);

/* --server and --token-file with their environment GALEN_SERVER, GALEN_TOKEN_FILE. */
struct cli_server {
    const char *url; /* default http://127.0.0.1:5000 */
    const char *token_file, *ca_file;
};

#define CLI_SERVER_OPTIONS                                                                         \
    {"server", required_argument, NULL, 's'}, {"token-file", required_argument, NULL, 't'},        \
    {                                                                                              \
        "ca", required_argument, NULL, 'a'                                                         \
    }
#define CLI_SERVER_HELP                                                                            \
    "  --server URL        the server (default $GALEN_SERVER, else\n"                              \
    "                      http://127.0.0.1:5000)\n"                                               \
    "  --token-file FILE   file with an API token (or $GALEN_TOKEN_FILE)\n"                        \
    "  --ca FILE           certificates to trust, PEM\n"

void cli_server_defaults(struct cli_server *s);
/* True when option was one of CLI_SERVER_OPTIONS. */
bool cli_server_option(struct cli_server *s, int option, const char *value);
/* GET, with the token; body is appended to out. Any status but 200 is an error with the answer's
 * own sentence. */
MUST_USE enum status cli_get(const struct cli_server *s, const char *path, struct buf *out,
                             struct err *err);
/* The same with a method and a body (type NULL: none); any status of 2xx is good. Waits up to
 * CLI_PATIENCE_MS: what is asked for may take a while. */
enum { CLI_PATIENCE_MS = 3600 * 1000 };
MUST_USE enum status cli_send(const struct cli_server *s, const char *method, const char *path,
                              const char *type, struct span body, struct buf *out, struct err *err);
/* GET of something long: on_piece is given the bytes as they come. */
MUST_USE enum status cli_stream(const struct cli_server *s, const char *path,
                                void (*on_piece)(void *arg, struct span bytes), void *arg,
                                int64_t patience_ms, struct err *err);
/* on_piece that gathers: arg is a struct buf. */
void cli_to_buf(void *arg, struct span bytes);
