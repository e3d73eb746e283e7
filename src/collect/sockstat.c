/* /proc/net/sockstat and sockstat6: sockets in use and their memory. */
#include "collect/collectors.h"
#include "collect/parse.h"

#include <unistd.h>

static const struct metric sockstat_metrics[] = {
    {"node_sockstat_%_%", METRIC_GAUGE, "Number of % sockets in state %.", {0}},
    {"node_sockstat_sockets_used", METRIC_GAUGE, "Number of IPv4 sockets in use.", {0}},
};

struct sockstat_state {
    struct kfile v4, v6;
};

static void emit_word(struct tick *t, struct span protocol, struct span name, uint64_t v)
{
    if (span_is(protocol, "sockets")) {
        emit(t, &sockstat_metrics[1], (double)v);
        return;
    }
    emit2(t, &sockstat_metrics[0], protocol, name, (double)v);
    if (span_is(name, "mem")) /* in pages */
        emit2(t, &sockstat_metrics[0], protocol, SPAN("mem_bytes"),
              (double)v * (double)sysconf(_SC_PAGESIZE));
}

/* "TCP: inuse 1 orphan 0" */
static bool emit_line(struct tick *t, struct span line)
{
    struct span protocol, name;
    if (!span_word(&line, &protocol) || !span_ends(protocol, SPAN(":")))
        return false;
    protocol.len--;
    while (span_word(&line, &name)) {
        uint64_t v;
        if (!next_u64(&line, &v))
            return false;
        emit_word(t, protocol, name, v);
    }
    return true;
}

static enum status collect_file(struct tick *t, struct kfile *file, const char *path,
                                struct err *err)
{
    struct span text, line;
    enum status st = tick_read_small(t, file, path, &text, err);
    while (!st && span_line(&text, &line))
        if (!emit_line(t, line))
            tick_odd(t, path, line);
    return st;
}

static enum status sockstat_collect(struct tick *t, void *state, struct err *err)
{
    struct sockstat_state *s = state;
    enum status st = collect_file(t, &s->v4, "proc/net/sockstat", err);
    if (st)
        return st;
    st = collect_file(t, &s->v6, "proc/net/sockstat6", err);
    return st == NOT_FOUND ? OK : st; /* no IPv6 */
}

const struct collector sockstat_collector = {COLLECTOR_OF(sockstat, struct sockstat_state),
                                             .optional = true};
