/* /sys/class/net: what a network interface is (link, speed, queue), and for real hardware the
 * packets that it lost before the kernel saw them. */
#include "collect/collectors.h"
#include "collect/parse.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NICS_MAX = 256, SYSFS_PATH_MAX = 320 };

#define NIC(metric_name, metric_type, text)                                                        \
    {                                                                                              \
        "node_network_" metric_name, metric_type, text,                                            \
        {                                                                                          \
            "device"                                                                               \
        }                                                                                          \
    }
#define PROPERTY(name) NIC(name, METRIC_GAUGE, "Network device property: " name)

enum { UP, INFO, SPEED, MISSED, NOHANDLER, PROPERTIES };

static const struct metric nic_metrics[] = {
    [UP] = NIC("up", METRIC_GAUGE, "Value is 1 if operstate is 'up', 0 otherwise."),
    [INFO] = {"node_network_info",
              METRIC_GAUGE,
              "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
              {"device", "address", "duplex", "operstate"}},
    [SPEED] = PROPERTY("speed_bytes"),
    [MISSED] = {"galen_network_receive_missed_total",
                METRIC_COUNTER,
                "Packets that the hardware lost because its ring was full.",
                {"device"}},
    [NOHANDLER] = NIC("receive_nohandler_total", METRIC_COUNTER,
                      "Network device statistic receive_nohandler."),
    [PROPERTIES] = PROPERTY("carrier"),
    NIC("carrier_changes_total", METRIC_COUNTER, "Network device property: carrier_changes_total"),
    NIC("carrier_up_changes_total", METRIC_COUNTER,
        "Network device property: carrier_up_changes_total"),
    NIC("carrier_down_changes_total", METRIC_COUNTER,
        "Network device property: carrier_down_changes_total"),
    PROPERTY("mtu_bytes"),
    PROPERTY("transmit_queue_length"),
    PROPERTY("protocol_type"),
};

/* The file of each of nic_metrics from PROPERTIES on. */
static const char *const property_files[] = {
    "carrier", "carrier_changes", "carrier_up_count", "carrier_down_count", "mtu", "tx_queue_len",
    "type",
};
_Static_assert(COUNT(nic_metrics) == PROPERTIES + COUNT(property_files), "one file for each");

/* One word of a file; empty when it cannot be read, as carrier of an interface that is down. */
static struct span read_word(struct tick *t, const char *device, const char *file)
{
    char path[SYSFS_PATH_MAX];
    struct span text;
    snprintf(path, sizeof path, "sys/class/net/%s/%s", device, file);
    if (tick_read_once(t, path, &text, NULL))
        return (struct span){0};
    return span_trim(text);
}

static void emit_property(struct tick *t, const char *device, const char *file,
                          const struct metric *m)
{
    int64_t v;
    if (span_i64(read_word(t, device, file), &v))
        emit1(t, m, span_of(device), (double)v);
}

/* -1 or nothing means that the speed is not known. */
static void emit_speed(struct tick *t, const char *device)
{
    int64_t megabits;
    if (span_i64(read_word(t, device, "speed"), &megabits) && megabits > 0)
        emit1(t, &nic_metrics[SPEED], span_of(device), (double)megabits * 1e6 / 8);
}

static void emit_info(struct tick *t, const char *device)
{
    enum { WORD_MAX = 64 };
    static const char *const files[] = {"address", "duplex", "operstate"};
    char words[COUNT(files)][WORD_MAX];
    struct span values[COUNT(files) + 1] = {span_of(device)};
    for (size_t i = 0; i < COUNT(files); i++) {
        struct span word = read_word(t, device, files[i]);
        word.len = MIN(word.len, WORD_MAX);
        if (word.len)
            memcpy(words[i], word.at, word.len);
        values[i + 1] = span_from(words[i], word.len);
    }
    emit1(t, &nic_metrics[UP], span_of(device), span_is(values[3], "up"));
    emit_values(t, &nic_metrics[INFO], values, COUNT(values), 1);
}

static bool is_hardware(struct tick *t, const char *device)
{
    char path[SYSFS_PATH_MAX];
    snprintf(path, sizeof path, "sys/class/net/%s/device", device);
    return faccessat(t->c->root_fd, path, F_OK, 0) == 0;
}

static void collect_nic(struct tick *t, const char *device)
{
    emit_info(t, device);
    emit_speed(t, device);
    for (size_t i = 0; i < COUNT(property_files); i++)
        emit_property(t, device, property_files[i], &nic_metrics[PROPERTIES + i]);
    if (!is_hardware(t, device))
        return;
    emit_property(t, device, "statistics/rx_missed_errors", &nic_metrics[MISSED]);
    emit_property(t, device, "statistics/rx_nohandler", &nic_metrics[NOHANDLER]);
}

/* The other end of a container's cable: the container's own business, and often hundreds. */
static int is_wanted(const struct dirent *e)
{
    return e->d_name[0] != '.' && strcmp(e->d_name, "bonding_masters") != 0 &&
           strncmp(e->d_name, "veth", 4) != 0 && strncmp(e->d_name, "cali", 4) != 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum status nic_collect(struct tick *t, void *state UNUSED, struct err *err)
{
    struct dirent **devices;
    int n = scandirat(t->c->root_fd, "sys/class/net", &devices, is_wanted, compare_names);
    if (n < 0)
        return err_errno(err, "list sys/class/net");
    for (int i = 0; i < n; i++) {
        if (i < NICS_MAX)
            collect_nic(t, devices[i]->d_name);
        free(devices[i]);
    }
    free(devices);
    return OK;
}

/* Reading these takes a lock of the kernel's that may be held long: not too often. */
const struct collector nic_collector = {COLLECTOR_OF(nic, char), .every_s = 60, .optional = true};
