/* /proc/net/dev: what each network interface has sent and received, and /proc/net/softnet_stat:
 * how each processor kept up with it. */
#include "collect/collectors.h"
#include "collect/parse.h"

#include <inttypes.h>
#include <stdio.h>

#define NETWORK(what)                                                                              \
    {                                                                                              \
        "node_network_" what "_total", METRIC_COUNTER, "Network device statistic " what ".",       \
        {                                                                                          \
            "device"                                                                               \
        }                                                                                          \
    }

/* In the order of the file's columns. */
static const struct metric netdev_metrics[] = {
    NETWORK("receive_bytes"),       NETWORK("receive_packets"),   NETWORK("receive_errs"),
    NETWORK("receive_drop"),        NETWORK("receive_fifo"),      NETWORK("receive_frame"),
    NETWORK("receive_compressed"),  NETWORK("receive_multicast"), NETWORK("transmit_bytes"),
    NETWORK("transmit_packets"),    NETWORK("transmit_errs"),     NETWORK("transmit_drop"),
    NETWORK("transmit_fifo"),       NETWORK("transmit_colls"),    NETWORK("transmit_carrier"),
    NETWORK("transmit_compressed"),
};
_Static_assert(COUNT(netdev_metrics) == NETDEV_FIELDS, "one metric for each column");

bool parse_netdev_line(struct span line, struct netdev_line *out)
{
    size_t colon = span_find(line, ':');
    if (colon == line.len)
        return false;
    out->device = span_trim((struct span){line.at, colon});
    line = (struct span){line.at + colon + 1, line.len - colon - 1};
    for (size_t i = 0; i < NETDEV_FIELDS; i++)
        if (!next_u64(&line, &out->v[i]))
            return false;
    return out->device.len > 0;
}

static enum status netdev_collect(struct tick *t, void *state, struct err *err)
{
    struct span text, line;
    enum status st = tick_read(t, state, "proc/net/dev", &text, err);
    if (st)
        return st;
    for (size_t i = 0; span_line(&text, &line); i++) {
        struct netdev_line d;
        if (i < 2)
            continue; /* the head of the table */
        if (!parse_netdev_line(line, &d)) {
            tick_odd(t, "proc/net/dev", line);
            continue;
        }
        if (span_is(d.device, "lo"))
            continue; /* as node_exporter by default */
        for (size_t k = 0; k < NETDEV_FIELDS; k++)
            emit1(t, &netdev_metrics[k], d.device, (double)d.v[k]);
    }
    return OK;
}

const struct collector netdev_collector = {COLLECTOR_OF(netdev, struct kfile)};

/* ---- softnet ---- */

static const struct metric softnet_metrics[] = {
    {"node_softnet_processed_total", METRIC_COUNTER, "Number of processed packets", {"cpu"}},
    {"node_softnet_dropped_total", METRIC_COUNTER, "Number of dropped packets", {"cpu"}},
    {"node_softnet_times_squeezed_total",
     METRIC_COUNTER,
     "Number of times processing packets ran out of quota",
     {"cpu"}},
};

bool parse_softnet_line(struct span line, struct softnet_line *out)
{
    struct span word;
    for (out->n = 0; out->n < SOFTNET_FIELDS_MAX && span_word(&line, &word); out->n++)
        if (!span_hex(word, &out->v[out->n]))
            return false;
    return out->n >= 3;
}

/* Since Linux 5.10 the 13th column names the CPU; before, lines of processors that are offline
 * were left out without a trace. */
static enum status softnet_collect(struct tick *t, void *state, struct err *err)
{
    enum { CPU_COLUMN = 12 };
    struct span text, line;
    enum status st = tick_read(t, state, "proc/net/softnet_stat", &text, err);
    if (st)
        return st;
    for (size_t row = 0; span_line(&text, &line); row++) {
        struct softnet_line s;
        if (!parse_softnet_line(line, &s)) {
            tick_odd(t, "proc/net/softnet_stat", line);
            continue;
        }
        char digits[24];
        int n = snprintf(digits, sizeof digits, "%" PRIu64,
                         s.n > CPU_COLUMN ? s.v[CPU_COLUMN] : (uint64_t)row);
        for (size_t i = 0; i < COUNT(softnet_metrics); i++)
            emit1(t, &softnet_metrics[i], span_from(digits, (size_t)n), (double)s.v[i]);
    }
    return OK;
}

const struct collector softnet_collector = {COLLECTOR_OF(softnet, struct kfile), .optional = true};
