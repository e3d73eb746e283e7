/* Order: flag, environment, file, default. */
#include "agent/config.h"

#include "agent/action.h"
#include "agent/direct.h"
#include "agent/proxy.h"
#include "probe/probe.h"

#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_FILE "/etc/galen/agent.yaml"

#define FIELD(member) offsetof(struct agent_config, member)

/* The settings from here on are left out of --help, which fits a screen. */
#define FIRST_RARE "hostname"

static const struct setting settings[] = {
    {"server", SETTING_STRING, FIELD(server), 0, 0,
     "URL of the server; with a path: any remote-write receiver"},
    {"token_file", SETTING_STRING, FIELD(token_file), 0, 0, "file with this agent's token"},
    {"join_token_file", SETTING_STRING, FIELD(join_token_file), 0, 0,
     "file with a join token, to get a token of its own"},
    {"ca", SETTING_STRING, FIELD(ca), 0, 0, "PEM file of authorities for the server's certificate"},
    {"proxy", SETTING_STRING, FIELD(proxy), 0, 0,
     "http://host:port to reach the server through ($https_proxy)"},
    {"interval", SETTING_DURATION, FIELD(interval_ms), 500, 300000,
     "time between collections, 500ms to 5m (the server's, 5s)"},
    {"state", SETTING_STRING, FIELD(state), 0, 0, "directory for spool and token"},
    {"root", SETTING_STRING, FIELD(root), 0, 0, "where proc/ and sys/ are (/)"},
    {"listen", SETTING_STRING, FIELD(listen), 0, 0, "ADDR:PORT for /metrics and /healthz (none)"},
    {"spool_max", SETTING_BYTES, FIELD(spool_max_bytes), 1 << 20, 0x1p40,
     "disk for data that waits (256MiB)"},
    {"collectors_off", SETTING_LIST, FIELD(collectors_off), 0, 0, "collectors that shall not run"},
    {"log_level", SETTING_STRING, FIELD(log_level_name), 0, 0,
     "error, warn, info or debug (info; warn if it runs once)"},
    {"log_format", SETTING_STRING, FIELD(log_format), 0, 0, "logfmt or json (logfmt)"},
    {"hostname", SETTING_STRING, FIELD(hostname), 0, 0, "the label instance (the host name)"},
    {"send_interval", SETTING_DURATION, FIELD(send_ms), 1000, 300000,
     "time between messages, 1s to 5m (at each collection)"},
    {"display_interval", SETTING_DURATION, FIELD(display_ms), 100, 10000,
     "time between live frames while watched (500ms)"},
    {"processes_top", SETTING_INT, FIELD(processes_top), 1, 20,
     "processes in a snapshot, by each measure (5)"},
    {"collector_budget", SETTING_DURATION, FIELD(budget_ms), 1, 60000,
     "processor time of a collector a minute, 1ms to 1m (600ms)"},
    {"textfiles", SETTING_STRING, FIELD(textfiles), 0, 0,
     "directory whose *.prom files are sent too (none)"},
    {"live_listen", SETTING_STRING, FIELD(live_listen), 0, 0,
     "ADDR:PORT for live values, a WebSocket (" DIRECT_LISTEN " with a token)"},
    {"live_token_file", SETTING_STRING, FIELD(live_token_file), 0, 0,
     "file with the token that who watches must show"},
    {"services", SETTING_TREE, FIELD(services_tree), 0, 0,
     "further services to watch; in the file with their probes"},
    {"services_off", SETTING_LIST, FIELD(services_off), 0, 0, "services not to watch"},
    {"no_link", SETTING_BOOL, FIELD(no_link), 0, 0, "true: send samples only, take no orders"},
    {"allow_actions", SETTING_LIST, FIELD(allow_actions), 0, 0,
     "what the server may do here, as sysctl:net.core.somaxconn (nothing)"},
    {"targets", SETTING_LIST, FIELD(targets), 0, 0,
     "URLs of further remote-write receivers, each with a spool"},
    {"seccomp", SETTING_STRING, FIELD(seccomp_name), 0, 0,
     "filter of system calls: on, strict (ends the agent) or off (on)"},
    {"sysctls", SETTING_LIST, FIELD(sysctls), 0, 0,
     "kernel parameters to send (all that rules need)"},
};

static const struct {
    const char *flag;
    enum agent_mode mode;
    const char *help;
} modes[] = {
    {"--once", MODE_ONCE, "collect and send once, say how it went, exit 0 or 1"},
    {"--print", MODE_PRINT, "collect once and print it, send nothing"},
    {"--check-config", MODE_CHECK_CONFIG, "exit 0 when the settings are right, else 5"},
    {"--help", MODE_HELP, "this text; --help-all: the rarer settings too"},
    {"--help-all", MODE_HELP_ALL, NULL},
    {"status", MODE_STATUS, "what the running agent does; --json for programs"},
    {"--version", MODE_VERSION, "name and version"},
};

/* token_file as --token-file or GALEN_TOKEN_FILE. */
static char *spelled(struct arena *arena, const char *prefix, const char *key, char dash,
                     bool upper)
{
    char *text = arena_printf(arena, "%s%s", prefix, key);
    for (char *at = text + strlen(prefix); *at; at++)
        *at = *at == '_' ? dash : upper ? (char)toupper((unsigned char)*at) : *at;
    return text;
}

static int usage(struct err *err, const char *format, const char *what)
{
    err_set(err, INVALID, format, what);
    return CONFIG_USAGE;
}

/* The value of "--flag=value" or "--flag value"; NULL when there is none. */
static const char *value_of(int argc, char **argv, int *i, size_t flag_len)
{
    if (argv[*i][flag_len] == '=')
        return argv[*i] + flag_len + 1;
    return *i + 1 < argc ? argv[++*i] : NULL;
}

static bool is_flag(const char *arg, const char *flag, bool with_value)
{
    size_t n = strlen(flag);
    return strncmp(arg, flag, n) == 0 && (arg[n] == '\0' || (with_value && arg[n] == '='));
}

static bool take_mode(const char *arg, struct agent_config *c)
{
    if (strcmp(arg, "--json") == 0) {
        c->json = true;
        return true;
    }
    for (size_t i = 0; i < COUNT(modes); i++) {
        if (strcmp(arg, modes[i].flag) == 0) {
            c->mode = modes[i].mode;
            return true;
        }
    }
    return false;
}

static int take_setting(int argc, char **argv, int *i, struct agent_config *c, struct arena *arena,
                        struct err *err)
{
    for (size_t k = 0; k < COUNT(settings); k++) {
        const char *flag = spelled(arena, "--", settings[k].key, '-', false);
        if (!is_flag(argv[*i], flag, true))
            continue;
        const char *value = value_of(argc, argv, i, strlen(flag));
        if (!value)
            return usage(err, "%s needs a value", flag);
        return (int)settings_set(settings, COUNT(settings), settings[k].key, value, flag, c, arena,
                                 err);
    }
    return usage(err, "there is no option %s (--help lists them)", argv[*i]);
}

static int read_flags(int argc, char **argv, struct agent_config *c, struct arena *arena,
                      struct err *err)
{
    for (int i = 1; i < argc; i++) {
        if (take_mode(argv[i], c))
            continue;
        if (is_flag(argv[i], "--config", true)) {
            if (!value_of(argc, argv, &i, strlen("--config")))
                return usage(err, "%s needs a value", "--config");
            continue; /* read before */
        }
        int st = take_setting(argc, argv, &i, c, arena, err);
        if (st)
            return st;
    }
    return OK;
}

static enum status read_environment(struct agent_config *c, struct arena *arena, struct err *err)
{
    for (size_t k = 0; k < COUNT(settings); k++) {
        const char *name = spelled(arena, "GALEN_", settings[k].key, '_', true);
        const char *value = getenv(name);
        enum status st = OK;
        if (value && *value)
            st = settings_set(settings, COUNT(settings), settings[k].key, value, name, c, arena,
                              err);
        if (st)
            return st;
    }
    return OK;
}

static enum status read_file(int argc, char **argv, struct agent_config *c, struct arena *arena,
                             struct err *err)
{
    const char *path = getenv("GALEN_CONFIG");
    for (int i = 1; i < argc; i++)
        if (is_flag(argv[i], "--config", true))
            path = value_of(argc, argv, &i, strlen("--config"));
    if (!path && access(DEFAULT_FILE, F_OK) != 0)
        return OK;
    return settings_load(path ? path : DEFAULT_FILE, settings, COUNT(settings), c, arena, err);
}

/* The names of the services of the list, which must be right. */
static enum status check_services(struct agent_config *c, struct arena *arena, struct err *err)
{
    const struct yaml *list = c->services_tree;
    if (!list)
        return OK;
    c->services.items = ARENA_ARRAY(arena, const char *, list->n + 1);
    for (size_t i = 0; i < list->n; i++) {
        struct service_config service;
        enum status st = service_parse(list->items[i], arena, &service, err);
        if (st)
            return st;
        c->services.items[c->services.n++] = service.name;
    }
    return OK;
}

static enum status check(struct agent_config *c, struct err *err)
{
    if (!c->log_level_name)
        c->log_level_name = c->mode == MODE_RUN ? "info" : "warn";
    if (!log_level_of(c->log_level_name, &c->log_level))
        return err_set(err, INVALID, "log_level is error, warn, info or debug, not \"%s\"",
                       c->log_level_name);
    c->log_json = strcmp(c->log_format, "json") == 0;
    if (!c->log_json && strcmp(c->log_format, "logfmt") != 0)
        return err_set(err, INVALID, "log_format is logfmt or json, not \"%s\"", c->log_format);
    if (actions_check(&c->allow_actions, err))
        return INVALID;
    if (!confine_mode_of(c->seccomp_name, &c->confine))
        return err_set(err, INVALID, "seccomp is on, strict or off, not \"%s\"", c->seccomp_name);
    if (c->live_listen && !c->live_token_file)
        return err_set(err, INVALID, "live_listen needs live_token_file, a file with a token");
    if (c->live_token_file && !c->live_listen)
        c->live_listen = DIRECT_LISTEN;
    bool sends = c->mode == MODE_RUN || c->mode == MODE_ONCE;
    if (sends && !c->server && !(c->listen && c->mode == MODE_RUN))
        return err_set(err, INVALID, "--server URL is missing (--help tells more)");
    return OK;
}

int config_read(int argc, char **argv, struct agent_config *out, struct arena *arena,
                struct err *err)
{
    *out = (struct agent_config){.state = "/var/lib/galen-agent",
                                 .root = "/",
                                 .log_format = "logfmt",
                                 .seccomp_name = "on",
                                 .spool_max_bytes = UINT64_C(256) << 20};
    for (int i = 1; i < argc; i++)
        if (take_mode(argv[i], out) &&
            (out->mode == MODE_HELP || out->mode == MODE_HELP_ALL || out->mode == MODE_VERSION))
            return OK;
    int st = (int)read_file(argc, argv, out, arena, err);
    if (!st)
        st = (int)read_environment(out, arena, err);
    if (!st)
        st = read_flags(argc, argv, out, arena, err);
    if (!st && !out->proxy && out->server)
        out->proxy = proxy_of_environment(out->server);
    if (!st)
        st = (int)check_services(out, arena, err);
    return st ? st : (int)check(out, err);
}

/* Fits a terminal of 80 by 24. */
void config_help(struct buf *out, bool all)
{
    auto_arena arena = {0};
    buf_str(out, "galen-agent --server URL --token-file FILE: sends this machine's figures\n");
    for (size_t i = 0; i < COUNT(settings) && (all || strcmp(settings[i].key, FIRST_RARE) != 0);
         i++)
        buf_printf(out, "  %-18s %s\n", spelled(&arena, "--", settings[i].key, '-', false),
                   settings[i].help);
    buf_printf(out, "  %-18s %s\n", "--config", "YAML file with these settings (" DEFAULT_FILE ")");
    for (size_t i = 0; i < COUNT(modes); i++)
        if (modes[i].help)
            buf_printf(out, "  %-18s %s\n", modes[i].flag, modes[i].help);
    buf_str(out, "Each option is also a key of the file (token_file) and a variable\n"
                 "(GALEN_TOKEN_FILE). Exit: 0 well, 1 failed, 2 usage, 5 settings are wrong.\n");
}
