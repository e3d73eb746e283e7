/* /proc/vmstat: the fields that node_exporter takes by default, and those that the tuning rules
 * look at. */
#include "collect/collectors.h"
#include "collect/parse.h"

static const struct metric vmstat_metrics[] = {
    {"node_vmstat_%", METRIC_UNTYPED, "/proc/vmstat information field %.", {0}},
};

struct vmstat_state {
    struct kfile file;
    struct picker picker;
};

/* node_exporter's ^(oom_kill|pgpg|pswp|pg.*fault).* */
static bool default_field(struct span name)
{
    if (span_starts(name, SPAN("oom_kill")) || span_starts(name, SPAN("pgpg")) ||
        span_starts(name, SPAN("pswp")))
        return true;
    return span_starts(name, SPAN("pg")) && name.len > 2 &&
           memmem(name.at + 2, name.len - 2, "fault", 5);
}

bool vmstat_wanted(struct span group UNUSED, struct span name)
{
    static const struct span prefixes[] = {
        SPAN("allocstall"),
        SPAN("workingset_refault"), /* workingset_refault alone before Linux 5.9 */
        SPAN("kswapd_low_wmark_hit_quickly"),
    };
    static const char *const fields[] = {
        "nr_dirty_threshold",   "nr_dirty_background_threshold",
        "nr_dirtied",           "nr_written",
        "nr_throttled_written", "nr_vmscan_write",
        "pgscan_kswapd",        "pgscan_direct",
        "pgscan_anon",          "pgscan_file",
        "pgsteal_kswapd",       "pgsteal_direct",
        "compact_stall",        "compact_fail",
        "compact_success",      "thp_fault_alloc",
        "thp_fault_fallback",   "zone_reclaim_failed",
    };
    if (default_field(name))
        return true;
    for (size_t i = 0; i < COUNT(prefixes); i++)
        if (span_starts(name, prefixes[i]))
            return true;
    for (size_t i = 0; i < COUNT(fields); i++)
        if (span_is(name, fields[i]))
            return true;
    return false;
}

static enum status vmstat_collect(struct tick *t, void *state, struct err *err)
{
    struct vmstat_state *s = state;
    struct span text, line;
    enum status st = tick_read(t, &s->file, "proc/vmstat", &text, err);
    for (size_t i = 0; !st && span_line(&text, &line); i++) {
        struct span rest = line, name;
        uint64_t v;
        if (!span_word(&rest, &name) ||
            !pick(t, &s->picker, i, (struct span){0}, name, vmstat_wanted))
            continue;
        if (next_u64(&rest, &v))
            emit1(t, &vmstat_metrics[0], name, (double)v);
        else
            tick_odd(t, "proc/vmstat", line);
    }
    return st;
}

const struct collector vmstat_collector = {COLLECTOR_OF(vmstat, struct vmstat_state)};
