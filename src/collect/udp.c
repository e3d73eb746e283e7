/* UDP sockets that lost packets for want of room in their receive buffer, and who set that
 * buffer's size: net.core.rmem_default, net.core.rmem_max (what setsockopt asks for is cut there
 * and then doubled by the kernel), or the program. /proc/net/udp has the drops and not the sizes.
 *
 * As for listeners, galen_udp_drops_limited_by has series only for sockets that dropped in the
 * last 5 minutes, so that a rule can join the machine's counter with whoever is to blame. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/sockdiag.h"

#include "base/clock.h"

#include <stdio.h>

enum {
    UDP_PORTS_MAX = 64, /* of those that ever dropped */
    DROPPED_FOR_MS = 5 * 60 * 1000,
    REST_FACTOR = 500, /* as tcpstates: at most 1/500 of a processor */
};

enum { QUEUES, DROPS, LIMIT, LIMITED_BY };

static const struct metric udp_metrics[] = {
    [QUEUES] = {"node_udp_queues",
                METRIC_GAUGE,
                "Number of allocated memory in the kernel for UDP datagrams in bytes.",
                {"queue", "ip"}},
    [DROPS] = {"galen_udp_socket_drops_total",
               METRIC_COUNTER,
               "Datagrams that sockets of the port lost because their receive buffer was full; "
               "only of ports that lost some.",
               {"port"}},
    [LIMIT] = {"galen_udp_socket_receive_limit_bytes",
               METRIC_GAUGE,
               "Receive buffer of the socket that lost most on the port.",
               {"port"}},
    [LIMITED_BY] = {"galen_udp_drops_limited_by",
                    METRIC_GAUGE,
                    "1 for what sets the receive buffer of a socket that lost datagrams in the "
                    "last 5 minutes: net.core.rmem_default, net.core.rmem_max or program.",
                    {"port", "parameter"}},
};

struct port {
    uint16_t number;
    char text[6];
    bool seen, known;
    uint32_t limit, worst; /* worst: drops of the socket that limit is of */
    uint64_t drops, before;
    int64_t dropped_until_ms;
};

struct udp_state {
    struct sockdiag diag;
    struct kfile rmem_default, rmem_max;
    struct port ports[UDP_PORTS_MAX];
    size_t n;
    uint64_t queues[2][2]; /* of IPv4 and IPv6: receive, transmit */
    int64_t rest_until_ms;
    bool asked; /* before: a port that is new has lost what it lost since then */
};

static struct port *port_of(struct udp_state *s, uint16_t number)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->ports[i].number == number)
            return &s->ports[i];
    if (s->n == UDP_PORTS_MAX)
        return NULL;
    struct port *p = &s->ports[s->n++];
    *p = (struct port){.number = number};
    snprintf(p->text, sizeof p->text, "%u", number);
    return p;
}

static void take(const struct udp_socket *socket, void *arg)
{
    struct udp_state *s = arg;
    s->queues[socket->ipv6][0] += socket->receive_bytes;
    s->queues[socket->ipv6][1] += socket->send_bytes;
    struct port *p = socket->drops ? port_of(s, socket->local_port) : NULL;
    if (!p)
        return;
    if (!p->seen || socket->drops > p->worst) {
        p->worst = socket->drops;
        p->limit = socket->receive_limit;
    }
    p->drops = socket->drops + (p->seen ? p->drops : 0);
    p->seen = true;
}

static enum status ask(struct tick *t, struct udp_state *s, struct err *err)
{
    size_t kept = 0;
    memset(s->queues, 0, sizeof s->queues);
    for (size_t i = 0; i < s->n; i++)
        s->ports[i].seen = false;
    enum status st = sockdiag_udp(&s->diag, take, s, err);
    for (size_t i = 0; i < s->n; i++) {
        struct port *p = &s->ports[i];
        /* Fewer than before: another socket, and it lost some already. */
        if (p->seen && s->asked && (!p->known || p->drops != p->before))
            p->dropped_until_ms = tick_mono_ms(t) + DROPPED_FOR_MS;
        if (p->seen)
            p->before = p->drops;
        p->known = true;
        if (p->seen || tick_mono_ms(t) < p->dropped_until_ms)
            s->ports[kept++] = *p;
    }
    s->n = kept;
    s->asked = true;
    return st;
}

static bool number(struct tick *t, struct kfile *f, const char *path, uint64_t *v)
{
    struct span text;
    return tick_read_small(t, f, path, &text, NULL) == OK && parse_u64(text, v);
}

static struct span limited_by(const struct port *p, uint64_t rmem_default, uint64_t rmem_max)
{
    if (p->limit == rmem_default)
        return SPAN("net.core.rmem_default");
    return p->limit == 2 * rmem_max ? SPAN("net.core.rmem_max") : SPAN("program");
}

static void emit_ports(struct tick *t, struct udp_state *s)
{
    uint64_t rmem_default, rmem_max;
    bool known = number(t, &s->rmem_default, "proc/sys/net/core/rmem_default", &rmem_default) &&
                 number(t, &s->rmem_max, "proc/sys/net/core/rmem_max", &rmem_max);
    for (size_t i = 0; i < s->n; i++) {
        const struct port *p = &s->ports[i];
        emit1(t, &udp_metrics[DROPS], span_of(p->text), (double)p->drops);
        emit1(t, &udp_metrics[LIMIT], span_of(p->text), p->limit);
        if (known && tick_mono_ms(t) < p->dropped_until_ms)
            emit2(t, &udp_metrics[LIMITED_BY], span_of(p->text),
                  limited_by(p, rmem_default, rmem_max), 1);
    }
}

static enum status udp_collect(struct tick *t, void *state, struct err *err)
{
    struct udp_state *s = state;
    if (!t->c->live || t->c->namespaces.other_net)
        return NOT_FOUND; /* sizes of buffers are not in /proc */
    if (tick_mono_ms(t) >= s->rest_until_ms) {
        int64_t began = clock_mono_ms();
        enum status st = ask(t, s, err);
        if (st)
            return st;
        s->rest_until_ms = tick_mono_ms(t) + REST_FACTOR * (clock_mono_ms() - began);
    }
    for (size_t v6 = 0; v6 < 2; v6++) {
        struct span ip = v6 ? SPAN("v6") : SPAN("v4");
        emit2(t, &udp_metrics[QUEUES], SPAN("rx"), ip, (double)s->queues[v6][0]);
        emit2(t, &udp_metrics[QUEUES], SPAN("tx"), ip, (double)s->queues[v6][1]);
    }
    emit_ports(t, s);
    return OK;
}

static void udp_free(void *state)
{
    struct udp_state *s = state;
    sockdiag_close(&s->diag);
}

const struct collector udp_collector = {COLLECTOR_OF(udp, struct udp_state), .every_s = 15,
                                        .optional = true, .free = udp_free};
