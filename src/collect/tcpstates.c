/* How many TCP sockets are in each of the states of opening and closing. FIN_WAIT2, which
 * net.ipv4.tcp_fin_timeout shortens, is told apart from TIME_WAIT, which nothing does: sockstat
 * counts both as "tw". Established connections are node_netstat_Tcp_CurrEstab. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/sockdiag.h"

#include "base/clock.h"

enum {
    DESTINATIONS_MAX = 8192,
    /* A machine with a million sockets answers slowly: the longer it took, the longer until it
     * is asked again, so that this costs at most 1/REST_FACTOR of a processor. */
    REST_FACTOR = 500,
};

static const struct metric tcpstates_metrics[] = {
    {"galen_tcp_sockets", METRIC_GAUGE, "TCP sockets by state.", {"state"}},
    {"galen_tcp_time_wait_destination_max",
     METRIC_GAUGE,
     "Sockets in TIME_WAIT towards the address and port that has most of them.",
     {0}},
};

static const struct {
    enum tcp_state state;
    struct span name;
} states[] = {
    {TCP_STATE_SYN_SENT, {"syn_sent", 8}},   {TCP_STATE_SYN_RECV, {"syn_recv", 8}},
    {TCP_STATE_FIN_WAIT1, {"fin_wait1", 9}}, {TCP_STATE_FIN_WAIT2, {"fin_wait2", 9}},
    {TCP_STATE_TIME_WAIT, {"time_wait", 9}}, {TCP_STATE_CLOSE_WAIT, {"close_wait", 10}},
    {TCP_STATE_LAST_ACK, {"last_ack", 8}},   {TCP_STATE_CLOSING, {"closing", 7}},
};

struct destination {
    char key[18];
    uint32_t n;
};

struct tcpstates_state {
    struct sockdiag diag;
    struct kfile tcp, tcp6;
    uint64_t count[TCP_STATES];
    uint32_t worst; /* TIME_WAIT of one destination */
    int64_t rest_until_ms;
    struct map destinations;
    struct arena arena; /* of destinations */
};

static void count_destination(struct tcpstates_state *s, const struct tcp_socket *socket)
{
    char key[sizeof(((struct destination *)0)->key)];
    memcpy(key, socket->remote, sizeof socket->remote);
    memcpy(key + sizeof socket->remote, &socket->remote_port, sizeof socket->remote_port);
    struct destination *d = map_get(&s->destinations, span_from(key, sizeof key));
    if (!d && s->destinations.count < DESTINATIONS_MAX) {
        d = ARENA_NEW(&s->arena, struct destination);
        memcpy(d->key, key, sizeof key);
        map_put(&s->destinations, span_from(d->key, sizeof d->key), d);
    }
    if (!d)
        return;
    d->n++;
    s->worst = MAX(s->worst, d->n);
}

static void take(const struct tcp_socket *socket, void *arg)
{
    struct tcpstates_state *s = arg;
    if (socket->state >= TCP_STATES)
        return;
    s->count[socket->state]++;
    if (socket->state == TCP_STATE_TIME_WAIT)
        count_destination(s, socket);
}

static enum status count_all(struct tick *t, struct tcpstates_state *s, struct err *err)
{
    memset(s->count, 0, sizeof s->count);
    s->worst = 0;
    map_free(&s->destinations);
    s->destinations = (struct map){0};
    arena_reset(&s->arena);
    uint32_t mask = 0;
    for (size_t i = 0; i < COUNT(states); i++)
        mask |= 1u << states[i].state;
    if (t->c->live && !t->c->namespaces.other_net)
        return sockdiag_tcp(&s->diag, mask, take, s, err);
    return recorded_tcp(t, &s->tcp, &s->tcp6, mask, take, s, err);
}

static enum status tcpstates_collect(struct tick *t, void *state, struct err *err)
{
    struct tcpstates_state *s = state;
    if (tick_mono_ms(t) >= s->rest_until_ms) {
        int64_t began = clock_mono_ms();
        enum status st = count_all(t, s, err);
        if (st)
            return st;
        s->rest_until_ms = tick_mono_ms(t) + REST_FACTOR * (clock_mono_ms() - began);
    }
    for (size_t i = 0; i < COUNT(states); i++)
        emit1(t, &tcpstates_metrics[0], states[i].name, (double)s->count[states[i].state]);
    emit(t, &tcpstates_metrics[1], s->worst);
    return OK;
}

static void tcpstates_free(void *state)
{
    struct tcpstates_state *s = state;
    sockdiag_close(&s->diag);
    map_free(&s->destinations);
    arena_free(&s->arena);
}

const struct collector tcpstates_collector = {COLLECTOR_OF(tcpstates, struct tcpstates_state),
                                              .every_s = 15, .optional = true,
                                              .free = tcpstates_free};
