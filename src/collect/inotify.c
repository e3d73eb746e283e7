/* inotify: how many instances and watches each user has, of fs.inotify.max_user_instances and
 * max_user_watches. The kernel counts them and tells nobody: they are counted in the descriptors
 * of all processes, every ten minutes at most. */
#include "collect/collectors.h"
#include "collect/parse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    USERS_MAX = 32,
    LINKS_MAX = 50000, /* descriptors looked at in one run: some 100 ms */
    FDINFO_MAX_BYTES = 4 << 20,
    PID_PATH_MAX = 64,
};

enum { INSTANCES, WATCHES, UNSEEN };

static const struct metric inotify_metrics[] = {
    [INSTANCES] = {"galen_inotify_instances",
                   METRIC_GAUGE,
                   "inotify instances of the user, of fs.inotify.max_user_instances.",
                   {"uid"}},
    [WATCHES] = {"galen_inotify_watches",
                 METRIC_GAUGE,
                 "inotify watches of the user, of fs.inotify.max_user_watches.",
                 {"uid"}},
    [UNSEEN] = {"galen_inotify_unseen_processes",
                METRIC_GAUGE,
                "Processes whose descriptors could not be looked at: their instances and watches "
                "are missing.",
                {0}},
};

struct user {
    uint32_t uid;
    uint64_t instances, watches;
};

struct count {
    struct user users[USERS_MAX];
    size_t n;
    uint64_t links, unseen;
};

uint64_t count_inotify_watches(struct span text)
{
    uint64_t n = 0;
    for (struct span line; span_line(&text, &line);)
        n += span_starts(line, SPAN("inotify "));
    return n;
}

static struct user *user_of(struct count *c, uint32_t uid)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->users[i].uid == uid)
            return &c->users[i];
    if (c->n == USERS_MAX)
        return NULL;
    c->users[c->n] = (struct user){.uid = uid};
    return &c->users[c->n++];
}

static bool is_inotify(int fd_dir, const char *name)
{
    char target[32];
    ssize_t n = readlinkat(fd_dir, name, target, sizeof target);
    return n > 0 && span_is(span_from(target, (size_t)n), "anon_inode:inotify");
}

static void count_instance(struct tick *t, struct count *c, const char *pid, const char *fd)
{
    char path[PID_PATH_MAX];
    struct span text;
    uint32_t uid;
    snprintf(path, sizeof path, "proc/%.12s/status", pid);
    if (tick_read_once(t, path, &text, NULL) || !parse_status_uid(text, &uid))
        return;
    struct user *user = user_of(c, uid);
    snprintf(path, sizeof path, "proc/%.12s/fdinfo/%.12s", pid, fd);
    if (!user || tick_read_once(t, path, &text, NULL))
        return;
    user->instances++;
    user->watches += count_inotify_watches(text);
}

static void count_process(struct tick *t, struct count *c, const char *pid)
{
    char path[PID_PATH_MAX];
    snprintf(path, sizeof path, "proc/%.12s/fd", pid);
    int fd = openat(t->c->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        c->unseen++;
        if (errno == EACCES || errno == EPERM)
            tick_denied(t, "CAP_SYS_PTRACE");
        return;
    }
    for (const struct dirent *e; c->links < LINKS_MAX && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        c->links++;
        if (is_inotify(dirfd(dir), e->d_name))
            count_instance(t, c, pid, e->d_name);
    }
    closedir(dir);
}

static enum status count_all(struct tick *t, struct count *c, struct err *err)
{
    int fd = openat(t->c->root_fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return err_errno(err, "list proc");
    for (const struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9') {
            if (c->links < LINKS_MAX)
                count_process(t, c, e->d_name);
            else
                c->unseen++;
        }
    closedir(dir);
    return OK;
}

static int by_uid(const void *a, const void *b)
{
    const struct user *x = a, *y = b;
    return (x->uid > y->uid) - (x->uid < y->uid);
}

static enum status inotify_collect(struct tick *t, void *state UNUSED, struct err *err)
{
    struct count c = {.n = 0};
    enum status st = count_all(t, &c, err);
    if (st)
        return st;
    qsort(c.users, c.n, sizeof *c.users, by_uid);
    for (size_t i = 0; i < c.n; i++) {
        char uid[16];
        int n = snprintf(uid, sizeof uid, "%u", c.users[i].uid);
        emit1(t, &inotify_metrics[INSTANCES], span_from(uid, (size_t)n),
              (double)c.users[i].instances);
        emit1(t, &inotify_metrics[WATCHES], span_from(uid, (size_t)n), (double)c.users[i].watches);
    }
    emit(t, &inotify_metrics[UNSEEN], (double)c.unseen);
    return OK;
}

const struct collector inotify_collector = {COLLECTOR_OF(inotify, char), .every_s = 600,
                                            .optional = true};
