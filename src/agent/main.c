/* galen-agent: reads this machine's kernel figures and sends them to a server. */
#include "agent/agent.h"
#include "agent/settle.h"
#include "agent/status.h"

#include "base/clock.h"
#include "base/file.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 5 };

static int print_text(struct buf *text)
{
    struct err err = {0};
    if (fd_write_all(STDOUT_FILENO, text->at, text->len, &err)) {
        log_error("standard output: %s", err.text);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

static int show(enum agent_mode mode)
{
    auto_buf text = {0};
    if (mode != MODE_VERSION)
        config_help(&text, mode == MODE_HELP_ALL);
    else
        buf_str(&text, "galen-agent " GALEN_VERSION "\n");
    return print_text(&text);
}

static int print_once(const struct agent_config *config)
{
    struct err err = {0};
    struct collect *c;
    if (agent_collect_open(config, &c, &err)) {
        log_error("%s", err.text);
        return EXIT_FAILED;
    }
    collect_run(c, clock_wall_ms(), clock_mono_ms(), true);
    auto_buf text = {0};
    collect_expose(c, &text, true);
    collect_close(c);
    return print_text(&text);
}

static int send_once(const struct agent_config *config)
{
    struct err err = {0};
    if (agent_once(config, &err)) {
        printf("Failed to send data: %s\n", err.text);
        return EXIT_FAILED;
    }
    printf("Data successfully sent for analysis\n");
    return EXIT_OK;
}

/* SIGHUP: the settings are read anew; those that are wrong are told, and the old ones stay. */
static void read_again(int argc, char **argv, struct agent_config *config, struct arena *arena)
{
    struct agent_config fresh;
    struct err err = {0};
    if (config_read(argc, argv, &fresh, arena, &err)) {
        log_error("the settings stay as they were: %s", err.text);
        return;
    }
    *config = fresh;
    log_setup("galen-agent", config->log_level, config->log_json);
    log_info("the settings were read again");
}

static int run(int argc, char **argv, struct agent_config *config, struct arena *arena)
{
    struct err err = {0};
    for (bool again = true; again;) {
        if (agent_run(config, &again, &err)) {
            log_error("%s", err.text);
            return EXIT_FAILED;
        }
        if (again)
            read_again(argc, argv, config, arena);
    }
    return EXIT_OK;
}

/* Before anything comes from outside. */
static enum status confine(const struct agent_config *config)
{
    struct err err = {0};
    bool outside = config->mode == MODE_RUN || config->mode == MODE_ONCE;
    enum status st = outside ? confine_self(config->confine, &err) : OK;
    if (st && config->confine == CONFINE_STRICT)
        log_error("%s", err.text);
    else if (st)
        log_info("any system call is possible: %s", err.text);
    return config->confine == CONFINE_STRICT ? st : OK;
}

int main(int argc, char **argv)
{
    settle_prepare();
    auto_arena arena = {0};
    struct agent_config config;
    struct err err = {0};
    log_setup("galen-agent", LOG_INFO, false);
    signal(SIGPIPE, SIG_IGN);
    int st = config_read(argc, argv, &config, &arena, &err);
    if (st) {
        fprintf(stderr, "galen-agent: %s\n", err.text);
        return st == CONFIG_USAGE ? EXIT_USAGE : EXIT_CONFIG;
    }
    log_setup("galen-agent", config.log_level, config.log_json);
    if (confine(&config))
        return EXIT_FAILED;
    switch (config.mode) {
    case MODE_HELP:
    case MODE_HELP_ALL:
    case MODE_VERSION:
        return show(config.mode);
    case MODE_CHECK_CONFIG:
        return EXIT_OK;
    case MODE_PRINT:
        return print_once(&config);
    case MODE_ONCE:
        return send_once(&config);
    case MODE_STATUS:
        return status_show(&config) ? EXIT_FAILED : EXIT_OK;
    case MODE_RUN:
        return run(argc, argv, &config, &arena);
    }
    return EXIT_FAILED;
}
