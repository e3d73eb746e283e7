/* NETLINK_SOCK_DIAG, with the older of its two requests: only that one answers for IPv4 and IPv6
 * in a single walk. */
#include "collect/sockdiag.h"

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

/* The memory figures; drops are the ninth, in kernels that have it (4.11). Returns how many. */
static size_t take_memory(const struct nlmsghdr *head, uint32_t figures[SK_MEMINFO_VARS])
{
    const char *at = (const char *)NLMSG_DATA(head) + sizeof(struct inet_diag_msg);
    const char *end = (const char *)head + head->nlmsg_len;
    struct rtattr a;
    while (end - at >= (ptrdiff_t)sizeof a) {
        memcpy(&a, at, sizeof a);
        if (a.rta_len < sizeof a || a.rta_len > end - at)
            return 0;
        if (a.rta_type == INET_DIAG_SKMEMINFO) {
            size_t n = MIN((a.rta_len - sizeof a) / sizeof *figures, (size_t)SK_MEMINFO_VARS);
            memcpy(figures, at + sizeof a, n * sizeof *figures);
            return n;
        }
        at += RTA_ALIGN(a.rta_len);
    }
    return 0;
}

/* Whom the messages of a dump are for. */
struct taker {
    tcp_socket_fn tcp;
    udp_socket_fn udp;
    void *arg;
};

static void take_udp(const struct nlmsghdr *head, udp_socket_fn fn, void *arg)
{
    const struct inet_diag_msg *m = NLMSG_DATA(head);
    uint32_t figures[SK_MEMINFO_VARS];
    if (head->nlmsg_len < NLMSG_LENGTH(sizeof *m))
        return;
    size_t n = take_memory(head, figures);
    struct udp_socket s = {.ipv6 = m->idiag_family == AF_INET6,
                           .local_port = ntohs(m->id.idiag_sport),
                           .receive_bytes = m->idiag_rqueue,
                           .send_bytes = m->idiag_wqueue,
                           .receive_limit = n > SK_MEMINFO_RCVBUF ? figures[SK_MEMINFO_RCVBUF] : 0,
                           .drops = n > SK_MEMINFO_DROPS ? figures[SK_MEMINFO_DROPS] : 0};
    fn(&s, arg);
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
        uint32_t figures[SK_MEMINFO_VARS];
        s.has_drops = take_memory(head, figures) > SK_MEMINFO_DROPS;
        s.drops = s.has_drops ? figures[SK_MEMINFO_DROPS] : 0;
    }
    fn(&s, arg);
}

/* True when that was the last message. */
static bool take_messages(const struct nlmsghdr *h, size_t len, const struct taker *to,
                          enum status *st, struct err *err)
{
    for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
        if (h->nlmsg_type == NLMSG_DONE)
            return true;
        if (h->nlmsg_type == NLMSG_ERROR) {
            *st = err_set(err, UNSUPPORTED, "this kernel does not list these sockets by netlink");
            return true;
        }
        if (to->udp)
            take_udp(h, to->udp, to->arg);
        else
            take_socket(h, to->tcp, to->arg);
    }
    return false;
}

static enum status take_dump(struct sockdiag *d, enum status st, const struct taker *to,
                             struct err *err)
{
    _Alignas(struct nlmsghdr) char reply[REPLY_BYTES];
    for (bool done = false; !st && !done;) {
        ssize_t got = recv(d->fd_plus_1 - 1, reply, sizeof reply, 0);
        if (got <= 0)
            st = err_errno(err, "list of TCP sockets");
        else
            done = take_messages((const void *)reply, (size_t)got, to, &st, err);
    }
    /* What is left of a broken answer must not be taken for that of the next question. */
    if (st)
        sockdiag_close(d);
    return st;
}

enum status sockdiag_tcp(struct sockdiag *d, uint32_t states, tcp_socket_fn fn, void *arg,
                         struct err *err)
{
    enum status st = diag_open(d, err);
    if (!st)
        st = ask(d, states, err);
    return take_dump(d, st, &(struct taker){.tcp = fn, .arg = arg}, err);
}

static enum status ask_udp(struct sockdiag *d, uint8_t family, struct err *err)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 req;
    } message = {
        .head = {.nlmsg_len = sizeof message,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .req = {.sdiag_family = family,
                .sdiag_protocol = IPPROTO_UDP,
                .idiag_states = UINT32_MAX,
                .idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1)},
    };
    if (send(d->fd_plus_1 - 1, &message, sizeof message, 0) < 0)
        return err_errno(err, "ask for the list of UDP sockets");
    return OK;
}

enum status sockdiag_udp(struct sockdiag *d, udp_socket_fn fn, void *arg, struct err *err)
{
    static const uint8_t families[] = {AF_INET, AF_INET6};
    enum status st = OK;
    for (size_t i = 0; i < COUNT(families) && !st; i++) {
        st = diag_open(d, err);
        if (!st)
            st = ask_udp(d, families[i], err);
        st = take_dump(d, st, &(struct taker){.udp = fn, .arg = arg}, err);
    }
    return st;
}

void sockdiag_close(struct sockdiag *d)
{
    if (d->fd_plus_1)
        close(d->fd_plus_1 - 1);
    d->fd_plus_1 = 0;
}
