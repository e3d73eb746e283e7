/* InfiniBand adapters: their ports' states, speeds and counters in /sys/class/infiniband. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/sysfs.h"

#include <stdio.h>

enum { INFO, STATE, PHYSICAL_STATE, RATE, COUNTERS };
enum { NAME_MAX_BYTES = 64 };

static const struct metric infiniband_metrics[] = {
    [INFO] = {"node_infiniband_info",
              METRIC_GAUGE,
              "Non-numeric data from /sys/class/infiniband/<device>, value is always 1.",
              {"board_id", "device", "firmware_version", "hca_type"}},
    [STATE] = {"node_infiniband_state_id",
               METRIC_GAUGE,
               "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, "
               "5: act defer)",
               {"device", "port"}},
    [PHYSICAL_STATE] =
        {"node_infiniband_physical_state_id",
         METRIC_GAUGE,
         "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, "
         "4: shift, 5: link up, 6: link error recover, 7: phytest)",
         {"device", "port"}},
    [RATE] = {"node_infiniband_rate_bytes_per_second",
              METRIC_GAUGE,
              "Maximum signal transfer rate",
              {"device", "port"}},
    [COUNTERS] = {"node_infiniband_excessive_buffer_overrun_errors_total",
                  METRIC_COUNTER,
                  "Number of times that OverrunErrors consecutive flow control update periods "
                  "occurred, each having at least one overrun error.",
                  {"device", "port"}},
    {"node_infiniband_link_downed_total",
     METRIC_COUNTER,
     "Number of times the link failed to recover from an error state and went down",
     {"device", "port"}},
    {"node_infiniband_link_error_recovery_total",
     METRIC_COUNTER,
     "Number of times the link successfully recovered from an error state",
     {"device", "port"}},
    {"node_infiniband_local_link_integrity_errors_total",
     METRIC_COUNTER,
     "Number of times that the count of local physical errors exceeded the threshold specified by "
     "LocalPhyErrors.",
     {"device", "port"}},
    {"node_infiniband_multicast_packets_received_total",
     METRIC_COUNTER,
     "Number of multicast packets received (including errors)",
     {"device", "port"}},
    {"node_infiniband_multicast_packets_transmitted_total",
     METRIC_COUNTER,
     "Number of multicast packets transmitted (including errors)",
     {"device", "port"}},
    {"node_infiniband_port_constraint_errors_received_total",
     METRIC_COUNTER,
     "Number of packets received on the switch physical port that are discarded",
     {"device", "port"}},
    {"node_infiniband_port_constraint_errors_transmitted_total",
     METRIC_COUNTER,
     "Number of packets not transmitted from the switch physical port",
     {"device", "port"}},
    {"node_infiniband_port_data_received_bytes_total",
     METRIC_COUNTER,
     "Number of data octets received on all links",
     {"device", "port"}},
    {"node_infiniband_port_data_transmitted_bytes_total",
     METRIC_COUNTER,
     "Number of data octets transmitted on all links",
     {"device", "port"}},
    {"node_infiniband_port_discards_transmitted_total",
     METRIC_COUNTER,
     "Number of outbound packets discarded by the port because the port is down or congested",
     {"device", "port"}},
    {"node_infiniband_port_errors_received_total",
     METRIC_COUNTER,
     "Number of packets containing an error that were received on this port",
     {"device", "port"}},
    {"node_infiniband_port_packets_received_total",
     METRIC_COUNTER,
     "Number of packets received on all VLs by this port (including errors)",
     {"device", "port"}},
    {"node_infiniband_port_packets_transmitted_total",
     METRIC_COUNTER,
     "Number of packets transmitted on all VLs from this port (including errors)",
     {"device", "port"}},
    {"node_infiniband_port_receive_remote_physical_errors_total",
     METRIC_COUNTER,
     "Number of packets marked with the EBP (End of Bad Packet) delimiter received on the port.",
     {"device", "port"}},
    {"node_infiniband_port_receive_switch_relay_errors_total",
     METRIC_COUNTER,
     "Number of packets that could not be forwarded by the switch.",
     {"device", "port"}},
    {"node_infiniband_port_transmit_wait_total",
     METRIC_COUNTER,
     "Number of ticks during which the port had data to transmit but no data was sent during the "
     "entire tick",
     {"device", "port"}},
    {"node_infiniband_symbol_error_total",
     METRIC_COUNTER,
     "Number of minor link errors detected on one or more physical lanes.",
     {"device", "port"}},
    {"node_infiniband_unicast_packets_received_total",
     METRIC_COUNTER,
     "Number of unicast packets received (including errors)",
     {"device", "port"}},
    {"node_infiniband_unicast_packets_transmitted_total",
     METRIC_COUNTER,
     "Number of unicast packets transmitted (including errors)",
     {"device", "port"}},
    {"node_infiniband_vl15_dropped_total",
     METRIC_COUNTER,
     "Number of incoming VL15 packets dropped due to resource limitations.",
     {"device", "port"}},
};

/* The counters in the order of their metrics. Data are counted in words of four bytes. */
static const struct {
    const char *file;
    unsigned unit;
} counters[] = {
    {"counters/excessive_buffer_overrun_errors", 1},
    {"counters/link_downed", 1},
    {"counters/link_error_recovery", 1},
    {"counters/local_link_integrity_errors", 1},
    {"counters/multicast_rcv_packets", 1},
    {"counters/multicast_xmit_packets", 1},
    {"counters/port_rcv_constraint_errors", 1},
    {"counters/port_xmit_constraint_errors", 1},
    {"counters/port_rcv_data", 4},
    {"counters/port_xmit_data", 4},
    {"counters/port_xmit_discards", 1},
    {"counters/port_rcv_errors", 1},
    {"counters/port_rcv_packets", 1},
    {"counters/port_xmit_packets", 1},
    {"counters/port_rcv_remote_physical_errors", 1},
    {"counters/port_rcv_switch_relay_errors", 1},
    {"counters/port_xmit_wait", 1},
    {"counters/symbol_error", 1},
    {"counters/unicast_rcv_packets", 1},
    {"counters/unicast_xmit_packets", 1},
    {"counters/VL15_dropped", 1},
};

struct infiniband_state {
    char device[NAME_MAX_BYTES]; /* that is being read */
};

bool parse_infiniband_rate(struct span text, double *bytes_per_s)
{
    struct span number, unit;
    double gigabits;
    if (!span_word(&text, &number) || !span_double(number, &gigabits) || !(gigabits >= 0) ||
        !span_word(&text, &unit) || !span_is(unit, "Gb/sec"))
        return false;
    *bytes_per_s = gigabits * 1e9 / 8;
    return true;
}

bool parse_infiniband_state(struct span text, uint64_t *id)
{
    struct span number;
    return span_next(&text, ':', &number) && span_u64(number, id);
}

static void put_port(struct tick *t, const char *path, const char *port)
{
    const struct infiniband_state *s = t->a->state;
    struct span device = span_of(s->device), text;
    uint64_t v;
    double rate;
    if (sysfs_read(t, path, "state", &text) && parse_infiniband_state(text, &v))
        emit2(t, &infiniband_metrics[STATE], device, span_of(port), (double)v);
    if (sysfs_read(t, path, "phys_state", &text) && parse_infiniband_state(text, &v))
        emit2(t, &infiniband_metrics[PHYSICAL_STATE], device, span_of(port), (double)v);
    if (sysfs_read(t, path, "rate", &text) && parse_infiniband_rate(text, &rate))
        emit2(t, &infiniband_metrics[RATE], device, span_of(port), rate);
    for (size_t i = 0; i < COUNT(counters); i++)
        if (sysfs_read(t, path, counters[i].file, &text) && span_u64(text, &v))
            emit2(t, &infiniband_metrics[COUNTERS + i], device, span_of(port),
                  (double)v * counters[i].unit);
}

static void put_device(struct tick *t, const char *path, const char *device)
{
    static const char *const files[] = {"board_id", "fw_ver", "hca_type"};
    struct infiniband_state *s = t->a->state;
    char facts[COUNT(files)][NAME_MAX_BYTES], ports[2 * SYSFS_PATH_MAX];
    struct span text;
    for (size_t i = 0; i < COUNT(files); i++)
        snprintf(facts[i], sizeof facts[i], "%.*s",
                 SPAN_ARG(sysfs_read(t, path, files[i], &text) ? text : (struct span){0}));
    snprintf(s->device, sizeof s->device, "%s", device);
    emit_values(t, &infiniband_metrics[INFO],
                (struct span[]){span_of(facts[0]), span_of(s->device), span_of(facts[1]),
                                span_of(facts[2])},
                4, 1);
    snprintf(ports, sizeof ports, "%s/ports", path);
    sysfs_each(t, ports, "", put_port);
}

static enum status infiniband_collect(struct tick *t, void *state UNUSED, struct err *err UNUSED)
{
    sysfs_each(t, "sys/class/infiniband", "", put_device);
    return OK;
}

const struct collector infiniband_collector = {COLLECTOR_OF(infiniband, struct infiniband_state),
                                               .every_s = 15, .optional = true};
