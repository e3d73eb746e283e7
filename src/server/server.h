/* The server: what DESIGN calls the house, put together. main.c reads the options, server.c opens
 * and closes the parts, pipeline.c is the way of the data through them. */
#pragma once

#include "api/api.h"
#include "base/yaml.h"

struct server;

struct server_settings {
    const char *data;   /* directory of everything */
    const char *listen; /* ADDR:PORT */
    const char *tls_cert, *tls_key;
    const char *rules;       /* directory with advice/ and features.yaml */
    const char *rules_extra; /* an administrator's: a file or a folder; NULL: /etc/galen/rules.d */
    const char *model;       /* .h5 */
    bool dev;
    bool remediation; /* may an admin have agents change what they allow? */
    int64_t retention_ms;
    uint64_t retention_bytes; /* 0: no limit */
    uint64_t free_min_bytes;  /* store.h */
    int64_t free_min_percent;
    int64_t results_ms; /* how long analysis results are kept */
    int64_t analysis_interval_ms;
    int64_t alerts_interval_ms; /* of groups that say none themselves */
    const char *alerts_external_url;
    const char *alerts_scripts; /* directory of the programs that channels may start */
    bool alerts_private;        /* notifications may go to private addresses */
    const char *alerts_dead_man_url;
    int64_t alerts_dead_man_ms;
    const char *log_level, *log_format;
    struct query_limits query;
    /* The table that these fields were filled by, for who shows them. */
    const struct setting *table;
    size_t table_n;
};

/* The settings must live as long as the server. Opens everything and listens; what a person must
 * know (address, one-time password) goes to standard output. */
MUST_USE enum status server_open(const struct server_settings *settings, struct server **out,
                                 struct err *err);
void server_run(struct server *s);   /* until SIGTERM or SIGINT */
void server_close(struct server *s); /* NULL is fine */
