/* Remediation: a program of the server's own directory for such programs is started, without a
 * shell; what it is about stands in its environment. Off unless the directory is set. */
#include "notify/channel.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 12, VALUE_MAX_BYTES = 4096, LOOK_EVERY_US = 20000 };

/* Nobody but the owner, who is root or who we are, may change it. */
static bool is_ours(const struct stat *st)
{
    return !(st->st_mode & 0022) && (st->st_uid == 0 || st->st_uid == geteuid());
}

static enum status check_script(struct sending *s)
{
    const char *name = config_text(s, "name"), *dir = s->settings->scripts_dir;
    struct stat st;
    auto_buf path = {0};
    if (!dir || !*dir)
        return err_set(s->err, INVALID, "scripts are off: alerts.scripts names no directory");
    if (!name || !*name || name[0] == '.' || strchr(name, '/') || strlen(name) > 100)
        return err_set(s->err, INVALID, "\"name\" is a file in %s, without a path", dir);
    if (stat(dir, &st) || !S_ISDIR(st.st_mode) || !is_ours(&st))
        return err_set(s->err, INVALID, "%s must be a directory, writable by its owner alone", dir);
    buf_printf(&path, "%s/%s", dir, name);
    /* lstat: a link may lead out of the directory. */
    if (lstat(buf_text(&path), &st) || !S_ISREG(st.st_mode) || !(st.st_mode & 0111) ||
        !is_ours(&st))
        return err_set(s->err, INVALID,
                       "%s must be a program there (no link), writable by its owner alone", name);
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

/* What it writes is read, so that it never waits for us; the beginning is kept for the log. */
static void drain(int fd, struct buf *said)
{
    char bytes[4096];
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        buf_put(said, bytes,
                MIN((size_t)n, NOTIFY_ANSWER_BYTES - MIN(said->len, (size_t)NOTIFY_ANSWER_BYTES)));
}

static const char *words(struct buf *said)
{
    for (size_t i = 0; i < said->len; i++)
        if ((unsigned char)said->at[i] < ' ' || said->at[i] == 0x7f)
            said->at[i] = ' ';
    return buf_text(said);
}

/* Its group ends with it: nothing is left behind that nobody watches. The program is not waited for
 * before that, so that its number is not another's. */
static enum status wait_for(struct sending *s, pid_t pid, int out, const char *name)
{
    int64_t most_ms = s->settings->script_ms ? s->settings->script_ms : NOTIFY_SCRIPT_MS;
    int64_t end_ms = clock_mono_ms() + most_ms;
    auto_buf said = {0};
    siginfo_t info = {0};
    bool late = false;
    while (!late && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0) {
        drain(out, &said);
        late = clock_mono_ms() >= end_ms;
        usleep(LOOK_EVERY_US);
    }
    kill(-pid, SIGKILL);
    drain(out, &said);
    int status = 0;
    waitpid(pid, &status, 0);
    if (late)
        return err_set(s->err, INVALID, "%s was ended: it took more than %lld s", name,
                       (long long)most_ms / 1000);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return OK;
    return err_set(s->err, INVALID, "%s failed: %s %d%s%s", name,
                   WIFEXITED(status) ? "it ended with" : "it was ended by signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), said.len ? ": " : "",
                   words(&said));
}

static int spawn(const char *path, char **environment, int out, pid_t *pid)
{
    char *argv[] = {(char *)(uintptr_t)path, NULL};
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", 0, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_adddup2(&files, out, 2);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    int failed = posix_spawn(pid, path, &files, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return failed;
}

static enum status send_script(struct sending *s)
{
    char *environment[ENVIRONMENT_MAX] = {NULL};
    const char *name = config_text(s, "name");
    auto_buf path = {0};
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC))
        return err_errno(s->err, "start %s", name);
    auto_fd out = ends[0];
    (void)fcntl(out, F_SETFL, O_NONBLOCK);
    buf_printf(&path, "%s/%s", s->settings->scripts_dir, name);
    fill(s, environment);
    int failed = spawn(buf_text(&path), environment, ends[1], &pid);
    close(ends[1]);
    for (size_t i = 0; environment[i]; i++)
        free(environment[i]);
    if (failed) {
        errno = failed;
        return err_errno(s->err, "start %s", name);
    }
    return wait_for(s, pid, out, name);
}

static const char *const script_keys[] = {"name", NULL};
const struct channel_kind channel_script = {"script", check_script, send_script, script_keys};
