/* See control.h. */
#include "agent/control.h"

#include "base/arena.h"
#include "base/file.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ASK_TIMEOUT_S = 5 };

struct control {
    int fd;
    char *path;
    struct event *event;
    control_fn fn;
    void *arg;
};

static enum status address_of(const char *path, struct sockaddr_un *out, struct err *err)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n >= sizeof out->sun_path)
        return err_set(err, INVALID, "the socket's path %s is longer than %zu bytes", path,
                       sizeof out->sun_path - 1);
    memcpy(out->sun_path, path, n);
    return OK;
}

/* The answer fits the socket's buffer: whoever does not read it holds up nobody. */
static void on_connection(evutil_socket_t fd, short what UNUSED, void *arg)
{
    struct control *c = arg;
    auto_fd peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    auto_buf answer = {.max = CONTROL_ANSWER_MAX_BYTES};
    if (peer < 0)
        return;
    c->fn(&answer, c->arg);
    if (!answer.failed)
        (void)!send(peer, answer.at, answer.len, MSG_NOSIGNAL);
}

static enum status listen_at(struct control *c, struct err *err)
{
    struct sockaddr_un address;
    enum status st = address_of(c->path, &address, err);
    if (st)
        return st;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return err_errno(err, "create a socket");
    unlink(c->path); /* of an agent that was killed */
    mode_t before = umask(0177);
    int failed = bind(c->fd, (struct sockaddr *)&address, sizeof address);
    umask(before);
    if (failed || listen(c->fd, 4))
        return err_errno(err, "listen on %s", c->path);
    return OK;
}

enum status control_open(struct loop *loop, const char *path, control_fn fn, void *arg,
                         struct control **out, struct err *err)
{
    struct control *c = mem_zero(1, sizeof *c);
    *c = (struct control){.fd = -1, .path = mem_dup(path), .fn = fn, .arg = arg};
    enum status st = listen_at(c, err);
    *out = st ? NULL : c;
    if (st) {
        fd_close(&c->fd);
        free(c->path);
        free(c);
        return st;
    }
    c->event = event_new(loop_base(loop), c->fd, EV_READ | EV_PERSIST, on_connection, c);
    event_add(c->event, NULL);
    return OK;
}

void control_close(struct control *c)
{
    if (!c)
        return;
    event_free(c->event);
    fd_close(&c->fd);
    unlink(c->path);
    free(c->path);
    free(c);
}

void control_path(const char *state, struct buf *out)
{
    const char *run = getenv("RUNTIME_DIRECTORY");
    static const char standard[] = "/run/galen-agent";
    bool by_systemd = !run && strcmp(state, "/var/lib/galen-agent") == 0;
    if (by_systemd && access(standard, X_OK) == 0)
        run = standard;
    buf_printf(out, "%s/control.sock", run && *run ? run : state);
}

enum status control_ask(const char *path, struct buf *out, struct err *err)
{
    struct sockaddr_un address;
    enum status st = address_of(path, &address, err);
    if (st)
        return st;
    auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = ASK_TIMEOUT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
        err_errno(err, "no agent answers at %s", path);
        return err ? err->status : UNREACHABLE;
    }
    char piece[4096];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) > 0)
        buf_put(out, piece, (size_t)n);
    if (n < 0 || !out->len)
        return err_set(err, TIMED_OUT, "the agent at %s does not answer", path);
    return OK;
}

int64_t resident_bytes(void)
{
    auto_buf text = {.max = 4096};
    struct span rest, word;
    uint64_t pages = 0;
    if (file_read("/proc/self/statm", &text, NULL))
        return 0;
    rest = buf_view(&text);
    if (!span_word(&rest, &word) || !span_word(&rest, &word) || !span_u64(word, &pages))
        return 0;
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}
