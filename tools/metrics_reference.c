/* Prints docs/METRICS.md from the agent's own tables, so that the page cannot differ from the
 * program (a test compares them). */
#include "collect/collect.h"

#include <stdio.h>

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
    return 0;
}
