/* See compat.h. */
#include "agent/compat.h"

#include "series/exposition.h"
#include "series/remote_write.h"

#include <math.h>

static void take(struct compat *c, struct labels l, double v)
{
    struct span name = labels_metric(l);
    struct span mode = labels_get(l, SPAN("mode"));
    bool root = span_is(labels_get(l, SPAN("mountpoint")), "/");
    if (span_is(name, "node_cpu_seconds_total")) {
        bool idle = span_is(mode, "idle") || span_is(mode, "iowait");
        c->has_cpu = true;
        c->all_s += v;
        c->busy_s += idle ? 0 : v;
    } else if (span_is(name, "node_memory_MemTotal_bytes")) {
        c->mem_total = v;
    } else if (span_is(name, "node_memory_MemAvailable_bytes")) {
        c->mem_available = v;
        c->has_memory = true;
    } else if (root && span_is(name, "node_filesystem_size_bytes")) {
        c->disk_size = v;
        c->has_disk = true;
    } else if (root && span_is(name, "node_filesystem_free_bytes")) {
        c->disk_free = v;
    } else if (root && span_is(name, "node_filesystem_avail_bytes")) {
        c->disk_available = v;
    } else if (span_is(name, "node_network_transmit_bytes_total")) {
        c->sent_bytes += v;
        c->has_network = true;
    } else if (span_is(name, "node_network_receive_bytes_total")) {
        c->received_bytes += v;
    }
}

void compat_read(struct span message, struct compat *out)
{
    struct write_reader r = write_reader_of(message);
    struct write_entry e;
    *out = (struct compat){0};
    while (write_next(&r, &e)) {
        struct label_builder b = {.n = 0};
        struct labels l;
        struct sample s;
        const char *fault = NULL;
        if (write_labels(e.labels_raw, &b, &l, NULL) == OK &&
            write_sample_next(&e.samples_raw, &s, &fault))
            take(out, l, s.v);
    }
}

static double percent(double part, double whole)
{
    return whole > 0 ? fmin(100, 100 * part / whole) : 0;
}

void compat_write(const struct compat *before, const struct compat *now, bool openmetrics,
                  struct buf *out)
{
    double used = now->disk_size - now->disk_free;
    const struct {
        bool has;
        const char *name, *help;
        double v;
    } rows[] = {
        {now->has_cpu, "cpu_usage_percent", "CPU usage percentage",
         percent(now->busy_s - before->busy_s, now->all_s - before->all_s)},
        {now->has_memory, "memory_usage_percent", "Memory usage percentage",
         percent(now->mem_total - now->mem_available, now->mem_total)},
        {now->has_disk, "disk_usage_percent", "Disk usage percentage",
         percent(used, used + now->disk_available)},
        {now->has_network, "network_bytes_sent", "Network bytes sent", now->sent_bytes},
        {now->has_network, "network_bytes_recv", "Network bytes received", now->received_bytes},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct label name = {SPAN(LABEL_NAME), span_of(rows[i].name)};
        struct labels labels = {&name, 1};
        if (!rows[i].has)
            continue;
        if (openmetrics)
            openmetrics_family(out, name.value, METRIC_GAUGE, rows[i].help);
        else
            exposition_family(out, name.value, METRIC_GAUGE, rows[i].help);
        exposition_sample(out, labels, (struct sample){0, rows[i].v}, false);
    }
    if (openmetrics)
        buf_str(out, "# EOF\n");
}
