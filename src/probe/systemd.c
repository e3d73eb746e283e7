/* The connection to the bus stays open between questions; whatever goes wrong with it closes it
 * and the next question begins anew. */
#include "probe/systemd.h"

#include "base/arena.h"
#include "base/file.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 256, READ_BYTES = 16 << 10 };

enum step { CLOSED, GREETING, TALKING };

struct systemd {
    struct loop *loop;
    char *path;
    int fd;
    enum step step;
    struct event *readable;
    struct timer *timer;
    struct buf in, question; /* question: what goes out after the greeting */
    uint32_t serial;         /* of the question under way */
    systemd_fn fn;           /* NULL: none under way */
    void *arg;
    struct err failure; /* told by the timer: never from inside systemd_ask */
};

static void bus_close(struct systemd *s)
{
    if (s->readable)
        event_free(s->readable);
    s->readable = NULL;
    fd_close(&s->fd);
    s->fd = -1;
    s->step = CLOSED;
    buf_clear(&s->in);
}

static void finish(struct systemd *s, const struct dbus_message *answer, enum status st,
                   const char *why)
{
    systemd_fn fn = s->fn;
    s->fn = NULL;
    timer_stop(s->timer);
    if (fn)
        fn(answer, st, why, s->arg);
}

static void give_up(struct systemd *s, enum status st, const char *why)
{
    bus_close(s);
    finish(s, NULL, st, why);
}

static void on_timer(void *arg)
{
    struct systemd *s = arg;
    struct err failure = s->failure;
    s->failure = (struct err){0};
    if (failure.status)
        give_up(s, failure.status, failure.text);
    else
        give_up(s, TIMED_OUT, "systemd did not answer within 5 seconds");
}

static bool send_all(const struct systemd *s, struct span bytes)
{
    return send(s->fd, bytes.at, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)bytes.len;
}

/* ---- the greeting: AUTH EXTERNAL with our user number, in hexadecimal of its digits ---- */

static bool greet(struct systemd *s)
{
    char digits[16];
    auto_buf out = {0};
    int n = snprintf(digits, sizeof digits, "%u", geteuid());
    buf_char(&out, '\0');
    buf_str(&out, "AUTH EXTERNAL ");
    for (int i = 0; i < n; i++)
        buf_printf(&out, "%02x", (unsigned)digits[i]);
    buf_str(&out, "\r\n");
    return send_all(s, buf_view(&out));
}

static bool begin(struct systemd *s)
{
    static const struct dbus_call hello = {.destination = "org.freedesktop.DBus",
                                           .path = "/org/freedesktop/DBus",
                                           .interface = "org.freedesktop.DBus",
                                           .member = "Hello"};
    auto_buf out = {0};
    buf_str(&out, "BEGIN\r\n");
    dbus_put_call(&out, 1, &hello);
    buf_span(&out, buf_view(&s->question));
    return send_all(s, buf_view(&out));
}

/* ---- reading ---- */

static void cut_front(struct buf *in, size_t n)
{
    memmove(in->at, in->at + n, in->len - n);
    in->len -= n;
}

/* False when the connection was given up. */
static bool take_line(struct systemd *s)
{
    struct span in = buf_view(&s->in);
    size_t end = span_find(in, '\n');
    if (end == in.len) {
        if (in.len > LINE_MAX_BYTES)
            give_up(s, INVALID, "the bus does not speak D-Bus");
        return false;
    }
    if (!span_starts(in, SPAN("OK "))) {
        give_up(s, DENIED, "the bus refuses this user");
        return false;
    }
    cut_front(&s->in, end + 1);
    s->step = TALKING;
    if (begin(s))
        return true;
    give_up(s, UNREACHABLE, "the bus does not take what is sent");
    return false;
}

static enum status failure_of(const struct dbus_message *m)
{
    if (span_ends(m->error, SPAN("AccessDenied")))
        return DENIED;
    if (span_ends(m->error, SPAN("UnknownMethod")))
        return UNSUPPORTED; /* ListUnitsByNames came with systemd 230 */
    return span_ends(m->error, SPAN("ServiceUnknown")) ? NOT_FOUND : IO_FAILED;
}

static void take_answer(struct systemd *s, const struct dbus_message *m)
{
    if (m->reply_to != s->serial || !s->fn)
        return; /* of Hello, or a signal */
    if (m->type == DBUS_RETURN) {
        finish(s, m, OK, NULL);
    } else if (m->type == DBUS_ERROR) {
        auto_buf why = {0};
        struct span text;
        buf_printf(&why, "systemd answered %.*s", SPAN_ARG(m->error));
        if (span_is(m->signature, "s") && dbus_string(m, &text))
            buf_printf(&why, ": %.*s", SPAN_ARG(text));
        finish(s, NULL, failure_of(m), buf_text(&why));
    }
}

/* True when there may be more. */
static bool take_message(struct systemd *s)
{
    struct span in = buf_view(&s->in);
    struct dbus_message m;
    if (in.len < DBUS_HEAD_BYTES)
        return false;
    size_t total = dbus_length(in);
    if (total && in.len < total)
        return false;
    if (!total || !dbus_parse((struct span){in.at, total}, &m)) {
        give_up(s, INVALID, "the bus sent a message that is not understood");
        return false;
    }
    take_answer(s, &m);
    if (s->step == TALKING)
        cut_front(&s->in, total);
    return s->step == TALKING;
}

static void on_readable(evutil_socket_t fd, short what UNUSED, void *arg)
{
    struct systemd *s = arg;
    char *at = buf_reserve(&s->in, READ_BYTES);
    ssize_t got = at ? recv(fd, at, READ_BYTES, MSG_DONTWAIT) : -1;
    if (got < 0 && at && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        give_up(s, UNREACHABLE, "the bus closed the connection");
        return;
    }
    s->in.len += (size_t)got;
    if (s->step == GREETING && !take_line(s))
        return;
    while (take_message(s))
        continue;
    /* An answer of some 100 KiB comes once a minute: its memory is given back. */
    if (s->in.len == 0)
        buf_free(&s->in);
}

/* ---- asking ---- */

static enum status bus_connect(struct systemd *s, struct err *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(s->path) >= sizeof to.sun_path)
        return err_set(err, INVALID, "%s is too long for a socket", s->path);
    memcpy(to.sun_path, s->path, strlen(s->path) + 1);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0)
        return err_errno(err, "socket for the system bus");
    if (connect(s->fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        bool nobody = errno == ENOENT || errno == ECONNREFUSED;
        enum status st = err_errno(err, "system bus at %s", s->path);
        return nobody ? NOT_FOUND : st;
    }
    s->readable = event_new(loop_base(s->loop), s->fd, EV_READ | EV_PERSIST, on_readable, s);
    if (!s->readable || event_add(s->readable, NULL) != 0)
        return err_set(err, IO_FAILED, "the system bus cannot be watched");
    s->step = GREETING;
    return greet(s) ? OK : err_set(err, UNREACHABLE, "the bus does not take what is sent");
}

static enum status put_question(struct systemd *s, struct err *err)
{
    if (s->step == CLOSED)
        return bus_connect(s, err);
    return send_all(s, buf_view(&s->question))
               ? OK
               : err_set(err, UNREACHABLE, "the bus does not take what is sent");
}

bool systemd_ask(struct systemd *s, const char *const *names, size_t n, systemd_fn fn, void *arg)
{
    if (s->fn)
        return false;
    struct dbus_call call = {.destination = "org.freedesktop.systemd1",
                             .path = "/org/freedesktop/systemd1",
                             .interface = "org.freedesktop.systemd1.Manager",
                             .member = names ? "ListUnitsByNames" : "ListUnits",
                             .strings = names,
                             .n_strings = n};
    s->serial = s->serial < 2 ? 2 : s->serial + 1;
    s->fn = fn;
    s->arg = arg;
    buf_clear(&s->question);
    dbus_put_call(&s->question, s->serial, &call);
    enum status st = put_question(s, &s->failure);
    if (st)
        s->failure.status = st;
    timer_once(s->timer, st ? 1 : BUS_ANSWER_MS);
    return true;
}

struct systemd *systemd_open(struct loop *loop, const char *path)
{
    struct systemd *s = mem_zero(1, sizeof *s);
    s->loop = loop;
    s->path = mem_dup(path);
    s->fd = -1;
    s->in.max = DBUS_MESSAGE_MAX_BYTES + READ_BYTES;
    s->timer = timer_open(loop, on_timer, s);
    return s;
}

void systemd_close(struct systemd *s)
{
    if (!s)
        return;
    bus_close(s);
    timer_close(s->timer);
    buf_free(&s->in);
    buf_free(&s->question);
    free(s->path);
    free(s);
}
