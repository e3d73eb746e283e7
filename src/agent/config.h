/* The agent's settings: one table for command line, environment, file and help. */
#pragma once

#include "agent/confine.h"
#include "base/log.h"
#include "base/yaml.h"

enum agent_mode {
    MODE_RUN,
    MODE_ONCE,
    MODE_PRINT,
    MODE_CHECK_CONFIG,
    MODE_STATUS,
    MODE_HELP,
    MODE_HELP_ALL,
    MODE_VERSION
};

struct agent_config {
    enum agent_mode mode;
    const char *server;          /* URL; NULL: none */
    const char *token_file;      /* NULL: STATE/token */
    const char *join_token_file; /* NULL: no enrolment */
    const char *ca, *proxy;      /* NULL: the system's roots; none */
    const char *state;           /* directory */
    const char *root;
    const char *hostname;                      /* NULL: the machine's */
    const char *listen;                        /* NULL: no local endpoint */
    const char *live_listen, *live_token_file; /* live values on a port of their own; NULL: none */
    const char *textfiles;                     /* directory of custom metrics; NULL: none */
    const char *log_level_name, *log_format;
    /* 0, or a list without items: the server decides (remote.h) */
    int64_t interval_ms, send_ms, display_ms, processes_top;
    int64_t budget_ms; /* of each collector, a minute; 0: the default */
    struct setting_list collectors_off, services, services_off;
    const struct yaml *services_tree;  /* the list as it stands in the file; NULL: none */
    struct setting_list allow_actions; /* what the server may have done here (action.h) */
    bool no_link;                      /* only samples go to the server */
    uint64_t spool_max_bytes;
    struct setting_list sysctls;
    struct setting_list targets; /* further receivers: URLs */
    const char *seccomp_name;
    enum confine_mode confine;
    enum log_level log_level;
    bool log_json;
    bool json; /* of MODE_STATUS */
};

enum { CONFIG_USAGE = 100 }; /* beyond enum status: the command line itself is wrong */

/* Defaults, then the file, the environment (GALEN_*), the command line. Returns OK, an enum
 * status for a setting that is wrong, or CONFIG_USAGE. Strings live in the arena. */
MUST_USE int config_read(int argc, char **argv, struct agent_config *out, struct arena *arena,
                         struct err *err);
/* all: also what few need. */
void config_help(struct buf *out, bool all);
