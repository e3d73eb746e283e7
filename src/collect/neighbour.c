/* The neighbour (ARP, NDP) tables and their limits. */
#include "collect/collectors.h"
#include "collect/parse.h"

static const struct metric arp_metrics[] = {
    {"galen_neighbour_entries",
     METRIC_GAUGE,
     "Entries of the neighbour table, of net.FAMILY.neigh.default.gc_thresh3.",
     {"family"}},
    {"galen_neighbour_table_fulls_total",
     METRIC_COUNTER,
     "Times the neighbour table was full and an entry could not be made.",
     {"family"}},
    {"node_arp_entries", METRIC_GAUGE, "ARP entries by device", {"device"}},
};

enum { DEVICES_MAX = 64 };

struct arp_state {
    struct kfile stat[2], arp;
};

static enum status collect_neighbours(struct tick *t, struct kfile *file, const char *path,
                                      struct span family, struct err *err)
{
    struct span text;
    enum status st = tick_read(t, file, path, &text, err);
    if (st)
        return st;
    struct hex_column columns[] = {{.name = "entries"}, {.name = "table_fulls"}};
    if (!parse_hex_table(text, columns, COUNT(columns)))
        return err_set(err, INVALID, "%s is not understood", path);
    if (columns[0].found)
        emit1(t, &arp_metrics[0], family, (double)columns[0].first); /* each CPU tells the same */
    if (columns[1].found)
        emit1(t, &arp_metrics[1], family, (double)columns[1].sum);
    return OK;
}

static void count_device(struct span *devices, double *counts, size_t *n, struct span device)
{
    for (size_t i = 0; i < *n; i++) {
        if (span_eq(devices[i], device)) {
            counts[i]++;
            return;
        }
    }
    if (*n < DEVICES_MAX) {
        devices[*n] = device;
        counts[(*n)++] = 1;
    }
}

static enum status arp_collect(struct tick *t, void *state, struct err *err)
{
    struct arp_state *s = state;
    enum status st =
        collect_neighbours(t, &s->stat[0], "proc/net/stat/arp_cache", SPAN("ipv4"), err);
    if (!st)
        st = collect_neighbours(t, &s->stat[1], "proc/net/stat/ndisc_cache", SPAN("ipv6"), err);
    struct span text, line, word, device = {0}, devices[DEVICES_MAX];
    double counts[DEVICES_MAX];
    size_t n = 0;
    if (tick_read(t, &s->arp, "proc/net/arp", &text, NULL))
        return st;
    span_line(&text, &line); /* the head */
    while (span_line(&text, &line)) {
        while (span_word(&line, &word))
            device = word; /* the last column */
        if (device.len)
            count_device(devices, counts, &n, device);
    }
    for (size_t i = 0; i < n; i++)
        emit1(t, &arp_metrics[2], devices[i], counts[i]);
    return st;
}

const struct collector arp_collector = {COLLECTOR_OF(arp, struct arp_state), .every_s = 15,
                                        .optional = true};
