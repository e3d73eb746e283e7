/* Memory by NUMA node, where there is more than one. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/sysfs.h"

enum { MEMORY, HITS };

static const struct metric numa_metrics[] = {
    [MEMORY] = {"node_memory_numa_%", METRIC_GAUGE, "Memory information field %.", {"node"}},
    [HITS] = {"node_memory_numa_%_total",
              METRIC_COUNTER,
              "Memory information field %_total.",
              {"node"}},
};

bool parse_numa_line(struct span line, struct meminfo_line *out)
{
    struct span word;
    uint64_t node;
    return span_word(&line, &word) && span_is(word, "Node") && next_u64(&line, &node) &&
           parse_meminfo_line(span_trim(line), out);
}

static bool is_number(const char *text)
{
    uint64_t v;
    return span_u64(span_of(text), &v);
}

static void put_node(struct tick *t, const char *path, const char *node)
{
    struct span text, line;
    struct meminfo_line m;
    struct numbers n;
    if (!is_number(node))
        return;
    if (sysfs_read(t, path, "meminfo", &text))
        while (span_line(&text, &line)) {
            if (parse_numa_line(line, &m))
                emit2(t, &numa_metrics[MEMORY], m.name, span_of(node), (double)m.value);
            else
                tick_odd(t, path, line);
        }
    if (sysfs_read(t, path, "numastat", &text))
        while (span_line(&text, &line)) {
            if (parse_numbers(line, &n))
                emit2(t, &numa_metrics[HITS], n.name, span_of(node), (double)n.v[0]);
            else
                tick_odd(t, path, line);
        }
}

/* A machine with one node has the same figures in meminfo and vmstat. */
static enum status numa_collect(struct tick *t, void *state, struct err *err)
{
    struct span text;
    enum status st =
        tick_read_small(t, state, "sys/devices/system/node/node1/numastat", &text, err);
    if (st)
        return st;
    sysfs_each(t, "sys/devices/system/node", "node", put_node);
    return OK;
}

const struct collector numa_collector = {COLLECTOR_OF(numa, struct kfile), .every_s = 15,
                                         .optional = true};
