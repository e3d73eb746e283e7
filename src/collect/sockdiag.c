/* NETLINK_SOCK_DIAG, with the older of its two requests: only that one answers for IPv4 and IPv6
 * in a single walk. */
#include "collect/sockdiag.h"

#include "base/arena.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    REPLY_BYTES = 32 << 10, /* the most that the kernel puts into one message of a dump */
    ANSWER_S = 1,
};

static enum status diag_open(struct sockdiag *d, struct err *err)
{
    if (d->fd_plus_1)
        return OK;
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return err_errno(err, "netlink socket for the list of TCP sockets");
    struct timeval limit = {.tv_sec = ANSWER_S};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) {
        enum status st = err_errno(err, "netlink socket");
        close(fd);
        return st;
    }
    d->fd_plus_1 = fd + 1;
    if (!d->reply)
        d->reply = mem_alloc(REPLY_BYTES);
    return OK;
}

static enum status ask(struct sockdiag *d, uint32_t states, struct err *err)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req req;
    } message = {
        .head = {.nlmsg_len = sizeof message,
                 .nlmsg_type = TCPDIAG_GETSOCK,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .req = {.idiag_family = AF_INET,
                .idiag_states = states,
                .idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1)},
    };
    if (send(d->fd_plus_1 - 1, &message, sizeof message, 0) < 0)
        return err_errno(err, "ask for the list of TCP sockets");
    return OK;
}

/* The number of drops is the ninth of the memory figures, in kernels that have it (4.11). */
static void take_attributes(const struct nlmsghdr *head, struct tcp_socket *s)
{
    const char *at = (const char *)NLMSG_DATA(head) + sizeof(struct inet_diag_msg);
    const char *end = (const char *)head + head->nlmsg_len;
    struct rtattr a;
    while (end - at >= (ptrdiff_t)sizeof a) {
        memcpy(&a, at, sizeof a);
        if (a.rta_len < sizeof a || a.rta_len > end - at)
            return;
        if (a.rta_type == INET_DIAG_SKMEMINFO &&
            a.rta_len >= sizeof a + (SK_MEMINFO_DROPS + 1) * sizeof s->drops) {
            memcpy(&s->drops, at + sizeof a + SK_MEMINFO_DROPS * sizeof s->drops, sizeof s->drops);
            s->has_drops = true;
        }
        at += RTA_ALIGN(a.rta_len);
    }
}

static void take_socket(const struct nlmsghdr *head, tcp_socket_fn fn, void *arg)
{
    const struct inet_diag_msg *m = NLMSG_DATA(head);
    if (head->nlmsg_len < NLMSG_LENGTH(sizeof *m))
        return;
    struct tcp_socket s = {.state = m->idiag_state,
                           .local_port = ntohs(m->id.idiag_sport),
                           .remote_port = ntohs(m->id.idiag_dport)};
    memcpy(s.remote, m->id.idiag_dst, sizeof s.remote);
    if (s.state == TCP_STATE_LISTEN) {
        s.queue = m->idiag_rqueue;
        s.limit = m->idiag_wqueue;
        s.has_limit = true;
        take_attributes(head, &s);
    }
    fn(&s, arg);
}

/* True when that was the last message. */
static bool take_messages(struct sockdiag *d, size_t len, tcp_socket_fn fn, void *arg,
                          enum status *st, struct err *err)
{
    for (const struct nlmsghdr *h = (const void *)d->reply; NLMSG_OK(h, len);
         h = NLMSG_NEXT(h, len)) {
        if (h->nlmsg_type == NLMSG_DONE)
            return true;
        if (h->nlmsg_type == NLMSG_ERROR) {
            *st = err_set(err, UNSUPPORTED, "this kernel does not list TCP sockets by netlink");
            return true;
        }
        take_socket(h, fn, arg);
    }
    return false;
}

enum status sockdiag_tcp(struct sockdiag *d, uint32_t states, tcp_socket_fn fn, void *arg,
                         struct err *err)
{
    enum status st = diag_open(d, err);
    if (!st)
        st = ask(d, states, err);
    for (bool done = false; !st && !done;) {
        ssize_t got = recv(d->fd_plus_1 - 1, d->reply, REPLY_BYTES, 0);
        if (got <= 0)
            st = err_errno(err, "list of TCP sockets");
        else
            done = take_messages(d, (size_t)got, fn, arg, &st, err);
    }
    /* What is left of a broken answer must not be taken for that of the next question. */
    if (st)
        sockdiag_close(d);
    return st;
}

void sockdiag_close(struct sockdiag *d)
{
    if (d->fd_plus_1)
        close(d->fd_plus_1 - 1);
    d->fd_plus_1 = 0;
    free(d->reply);
    d->reply = NULL;
}
