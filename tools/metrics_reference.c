/* Prints docs/METRICS.md from the agent's own tables, so that the page cannot differ from the
 * program (a test compares them). */
#include "collect/collect.h"
#include "probe/probe.h"

#include <stdio.h>

/* What Debian's node_exporter shows otherwise on the same machine; tests/collect/node_exporter.py
 * compares both and holds each reason against this page. */
static const char *const differences[][3] = {
    {"left out", "node_scrape_collector_*, node_exporter_build_info, node_textfile_*",
     "of the exporter itself; ours are galen_agent_*"},
    {"left out", "node_disk_info", "identity of disks: inventory, not a measurement"},
    {"left out",
     "node_network_(address_assign_type, device_id, dormant, flags, iface_id, iface_link, "
     "iface_link_mode, name_assign_type, net_dev_group)",
     "constants of an interface that no rule or chart uses, 9 files an interface"},
    {"left out", "node_timex_(loop_time_constant, pps_*, tick_seconds)",
     "no PPS source on servers; constants"},
    {"left out", "node_time_zone_offset_seconds", "constants"},
    {"left out",
     "node_selinux_*, node_(cooling, nvme, power, rapl, "
     "cpu_core, cpu_package, ipvs, dmi, fibrechannel, bcache, tapestats, network_route, lnstat)*",
     "hardware and subsystems that the tuning rules do not look at yet"},
    {"left out", "node_mountstats_nfs_(age, event, transport)_*",
     "no rule or chart uses what a mount counts besides its operations"},
    {"left out", "node_btrfs_device_(errors_total, unused_bytes)",
     "told by an ioctl on the mount alone"},
    {"label sets differ", "node_network_info (broadcast, ifalias)",
     "two labels that say nothing are left out"},
    {"other series", "node_network_speed_bytes",
     "node_exporter gives -125000 for \"not known\", we give nothing"},
    {"other series", "node_network_carrier", "read once a minute by us"},
    {"other series", "node_network_receive_nohandler_total", "of hardware only, once a minute"},
    {"other series", "node_filesystem_*",
     "a mount of the same device and place twice is one series"},
};

static void print_differences(void)
{
    puts("\n## Where node_exporter differs\n\nCompared by `tests/collect/node_exporter.py` on a "
         "running "
         "machine; everything else has the same name,\ntype, labels and value.\n\n| how | family | "
         "why "
         "|\n|---|---|---|");
    for (size_t i = 0; i < COUNT(differences); i++)
        printf("| %s | `%s` | %s |\n", differences[i][0], differences[i][1], differences[i][2]);
}

static void print_labels(const struct metric *m)
{
    /* A '%' of the name is filled by the first label's place. */
    for (size_t i = 0; i < METRIC_LABELS_MAX && m->labels[i]; i++)
        printf("%s`%s`", i ? ", " : "", m->labels[i]);
}

static void print_collector(const struct collector *c)
{
    printf("\n## %s\n\n| metric | type | labels | what |\n|---|---|---|---|\n", c->name);
    for (size_t i = 0; i < c->n_metrics; i++) {
        const struct metric *m = &c->metrics[i];
        if (!m->name)
            continue;
        printf("| `%s` | %s | ", m->name, metric_type_name(m->type));
        print_labels(m);
        printf(" | %s |\n", m->help);
    }
}

int main(void)
{
    size_t n;
    const struct collector *const *table = collect_table(&n);
    puts("# Metrics\n\nWhat `galen-agent` sends, by collector; made by `tools/metrics_reference.c` "
         "from "
         "the program's own\ntables. Every series also has `instance` (the host's name) and "
         "`job=\"node\"`. Names, labels and units are\nnode_exporter's where it has the metric; a "
         "`%` "
         "stands for a part that the kernel names.\n\nThe server adds what it finds: "
         "`galen_recommendation`, `galen_recommendation_probability{class}`,\n"
         "`galen_finding{rule,parameter,class}`; its own figures are at `/metrics`.");
    for (size_t i = 0; i < n; i++)
        print_collector(table[i]);
    print_collector(&services_collector);
    print_collector(&systemd_collector);
    print_differences();
    return 0;
}
