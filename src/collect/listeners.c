/* Listening TCP sockets: how many connections wait to be accepted, how many may wait, and
 * whether it is net.core.somaxconn that sets this limit.
 *
 * The counter ListenOverflows says that some queue of this machine was full, not which one; and
 * a program's own backlog, when it is smaller than somaxconn, makes raising somaxconn useless.
 * So galen_listener_limit_is_somaxconn has a series only for listeners that are to blame:
 * those whose own count of drops rose, or whose queue was seen full, in the last FULL_FOR_MS.
 * "overflows > 1 and on(instance) galen_listener_limit_is_somaxconn == 1" is then true exactly
 * when a listener that overflows is held back by the kernel parameter, and "== 0" when one is by
 * its program.
 *
 * A recorded machine has its listeners in proc/net/tcp. There the kernel leaves tx_queue of a
 * listener 0; a recording that holds the limit there (as ss shows it under Send-Q) gives one. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/sockdiag.h"

#include <stdio.h>
#include <stdlib.h>

enum { LISTENERS_MAX = 1024, FULL_FOR_MS = 5 * 60 * 1000, OTHER_NET_EVERY_MS = 15 * 1000 };

enum { LENGTH, LIMIT, DROPS, IS_SOMAXCONN };

static const struct metric listeners_metrics[] = {
    [LENGTH] = {"galen_listener_queue_length",
                METRIC_GAUGE,
                "Connections that wait to be accepted; of several sockets on a port the fullest.",
                {"port"}},
    [LIMIT] = {"galen_listener_queue_limit",
               METRIC_GAUGE,
               "Connections that may wait to be accepted.",
               {"port"}},
    [DROPS] = {"galen_listener_drops_total",
               METRIC_COUNTER,
               "Connections that the listener refused, because its queue was full or otherwise.",
               {"port"}},
    [IS_SOMAXCONN] = {"galen_listener_limit_is_somaxconn",
                      METRIC_GAUGE,
                      "Only of listeners that overflowed in the last 5 minutes: 1 when "
                      "net.core.somaxconn sets the limit, 0 when the program does.",
                      {"port"}},
};

struct listener {
    uint16_t port;
    char text[6]; /* the port */
    bool seen, known /* in an earlier run */;
    uint32_t queue, limit;
    bool has_limit, has_drops;
    uint64_t drops, drops_before;
    int64_t full_until_ms;
};

struct listeners_state {
    struct sockdiag diag;
    struct kfile tcp, tcp6, somaxconn;
    struct listener *at; /* sorted by port */
    size_t n, size;
    bool looked;
    int64_t rest_until_ms; /* of another network */
};

/* The place of a port, or where it belongs. */
static size_t find_port(const struct listeners_state *s, uint16_t port)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->at[middle].port < port)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct listener *listener_of(struct listeners_state *s, uint16_t port)
{
    size_t i = find_port(s, port);
    if (i < s->n && s->at[i].port == port)
        return &s->at[i];
    if (s->n >= LISTENERS_MAX)
        return NULL;
    if (s->n == s->size) {
        s->size = s->size ? 2 * s->size : 16;
        s->at = mem_grow(s->at, s->size * sizeof *s->at);
    }
    memmove(&s->at[i + 1], &s->at[i], (s->n - i) * sizeof *s->at);
    s->n++;
    s->at[i] = (struct listener){.port = port};
    snprintf(s->at[i].text, sizeof s->at[i].text, "%u", port);
    return &s->at[i];
}

/* Which of two sockets on one port is the fuller one. */
static bool is_fuller(const struct tcp_socket *a, const struct listener *b)
{
    return (double)a->queue * (b->limit + 1.0) > (double)b->queue * (a->limit + 1.0);
}

static void take(const struct tcp_socket *socket, void *arg)
{
    struct listener *l = listener_of(arg, socket->local_port);
    if (!l)
        return;
    if (!l->seen || is_fuller(socket, l)) {
        l->queue = socket->queue;
        l->limit = socket->limit;
        l->has_limit = socket->has_limit;
    }
    l->drops = socket->drops + (l->seen ? l->drops : 0);
    l->has_drops = socket->has_drops;
    l->seen = true;
}

static void judge(struct listener *l, int64_t mono_ms)
{
    bool dropped = l->has_drops && l->known && l->drops > l->drops_before;
    bool full = l->has_limit && l->queue > 0 && l->queue >= l->limit;
    if (dropped || full)
        l->full_until_ms = mono_ms + FULL_FOR_MS;
    l->drops_before = l->drops;
    l->known = true;
}

static void emit_listener(struct tick *t, const struct listener *l, const uint64_t *somaxconn)
{
    struct span port = span_of(l->text);
    emit1(t, &listeners_metrics[LENGTH], port, l->queue);
    if (l->has_limit)
        emit1(t, &listeners_metrics[LIMIT], port, l->limit);
    if (l->has_drops)
        emit1(t, &listeners_metrics[DROPS], port, (double)l->drops);
    if (l->has_limit && somaxconn && tick_mono_ms(t) < l->full_until_ms)
        emit1(t, &listeners_metrics[IS_SOMAXCONN], port, l->limit >= *somaxconn);
}

static void forget_closed(struct listeners_state *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i].seen)
            s->at[kept++] = s->at[i];
    s->n = kept;
}

static enum status take_all(struct tick *t, struct listeners_state *s, struct err *err)
{
    if (t->c->live && !t->c->namespaces.other_net)
        return sockdiag_tcp(&s->diag, 1u << TCP_STATE_LISTEN, take, s, err);
    return recorded_tcp(t, &s->tcp, &s->tcp6, 1u << TCP_STATE_LISTEN, take, s, err);
}

/* Of another network the kernel walks its whole table of connections: then not each time. */
static enum status look(struct tick *t, struct listeners_state *s, struct err *err)
{
    if (t->c->namespaces.other_net && s->looked && tick_mono_ms(t) < s->rest_until_ms)
        return OK;
    for (size_t i = 0; i < s->n; i++)
        s->at[i].seen = false;
    enum status st = take_all(t, s, err);
    if (st)
        return st;
    forget_closed(s);
    for (size_t i = 0; i < s->n; i++)
        judge(&s->at[i], tick_mono_ms(t));
    s->looked = true;
    s->rest_until_ms = tick_mono_ms(t) + OTHER_NET_EVERY_MS;
    return OK;
}

static enum status listeners_collect(struct tick *t, void *state, struct err *err)
{
    struct listeners_state *s = state;
    struct span text;
    uint64_t somaxconn;
    enum status st = look(t, s, err);
    if (st)
        return st;
    bool known =
        tick_read_small(t, &s->somaxconn, "proc/sys/net/core/somaxconn", &text, NULL) == OK &&
        parse_u64(text, &somaxconn);
    for (size_t i = 0; i < s->n; i++)
        emit_listener(t, &s->at[i], known ? &somaxconn : NULL);
    return OK;
}

static void listeners_free(void *state)
{
    struct listeners_state *s = state;
    sockdiag_close(&s->diag);
    free(s->at);
}

/* The kernel walks its whole table of listeners for each question, some 80 us. A queue's length is
 * a sample at any interval; what overflowed is counted (netstat), at every collection. */
const struct collector listeners_collector = {COLLECTOR_OF(listeners, struct listeners_state),
                                              .every_s = 5, .optional = true,
                                              .free = listeners_free};
