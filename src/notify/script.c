/* Remediation: a program of the server's own directory for such programs is started, without a
 * shell; what it is about stands in its environment. Off unless the directory is set. */
#include "notify/channel.h"

#include "base/arena.h"
#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 12, VALUE_MAX_BYTES = 4096, LOOK_EVERY_US = 20000 };

static enum status check_script(struct sending *s)
{
    const char *name = config_text(s, "name"), *dir = s->settings->scripts_dir;
    struct stat st;
    auto_buf path = {0};
    if (!dir || !*dir)
        return err_set(s->err, INVALID, "scripts are off: alerts.scripts names no directory");
    if (!name || !*name || name[0] == '.' || strchr(name, '/') || strlen(name) > 100)
        return err_set(s->err, INVALID, "\"name\" is a file in %s, without a path", dir);
    buf_printf(&path, "%s/%s", dir, name);
    if (lstat(buf_text(&path), &st) || !S_ISREG(st.st_mode) || !(st.st_mode & 0111) ||
        (st.st_mode & 0022))
        return err_set(s->err, INVALID, "%s must be a program there, writable by its owner alone",
                       name);
    return OK;
}

static char *variable(const char *name, const char *value)
{
    auto_buf text = {0};
    buf_printf(&text, "GALEN_%s=", name);
    for (size_t i = 0; value[i] && i < VALUE_MAX_BYTES; i++)
        buf_char(&text, (unsigned char)value[i] < ' ' ? ' ' : value[i]);
    return mem_dup(buf_text(&text));
}

static void fill(const struct sending *s, char **environment)
{
    auto_buf title = {0}, count = {0};
    const json_t *alerts = json_object_get(s->note, "alerts");
    const json_t *first = json_array_get(alerts, 0);
    size_t n = 0;
    text_title(s, &title);
    buf_printf(&count, "%zu", json_array_size(alerts));
    environment[n++] = mem_dup("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    environment[n++] = variable("STATUS", note_firing(s) ? "firing" : "resolved");
    environment[n++] = variable("TITLE", buf_text(&title));
    environment[n++] = variable("ALERTS", buf_text(&count));
    environment[n++] = variable("ALERTNAME", alert_text(first, "labels", "alertname"));
    environment[n++] = variable("INSTANCE", alert_text(first, "labels", "instance"));
    environment[n++] = variable("SEVERITY", alert_text(first, "labels", "severity"));
    environment[n++] = variable("SUMMARY", alert_text(first, "annotations", "summary"));
}

static enum status wait_for(struct sending *s, pid_t pid, const char *name)
{
    int64_t end_ms = clock_mono_ms() + NOTIFY_SCRIPT_MS;
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_mono_ms() >= end_ms) {
            kill(-pid, SIGKILL);
            waitpid(pid, &status, 0);
            return err_set(s->err, INVALID, "%s was ended: it took more than %d s", name,
                           NOTIFY_SCRIPT_MS / 1000);
        }
        usleep(LOOK_EVERY_US);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return OK;
    return err_set(s->err, INVALID, "%s failed: %s %d", name,
                   WIFEXITED(status) ? "it ended with" : "it was ended by signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static enum status send_script(struct sending *s)
{
    char *environment[ENVIRONMENT_MAX] = {NULL};
    const char *name = config_text(s, "name");
    auto_buf path = {0};
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    sigset_t none;
    pid_t pid;
    buf_printf(&path, "%s/%s", s->settings->scripts_dir, name);
    char *argv[] = {(char *)(uintptr_t)buf_text(&path), NULL};
    fill(s, environment);
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", 0, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", 1, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", 1, 0);
    int failed = posix_spawn(&pid, argv[0], &files, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    for (size_t i = 0; environment[i]; i++)
        free(environment[i]);
    if (failed) {
        errno = failed;
        return err_errno(s->err, "start %s", name);
    }
    return wait_for(s, pid, name);
}

static const char *const script_keys[] = {"name", NULL};
const struct channel_kind channel_script = {"script", check_script, send_script, script_keys};
