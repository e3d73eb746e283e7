/* Connection tracking; there only while the module is loaded. */
#include "collect/collectors.h"
#include "collect/parse.h"

#define CONNTRACK(name, text)                                                                      \
    {                                                                                              \
        "node_nf_conntrack_" name, METRIC_GAUGE, text,                                             \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct metric conntrack_metrics[] = {
    CONNTRACK("entries", "Number of currently allocated flow entries for connection tracking."),
    CONNTRACK("entries_limit", "Maximum size of connection tracking table."),
    CONNTRACK("stat_found", "Number of searched entries which were successful."),
    CONNTRACK("stat_invalid", "Number of packets seen which can not be tracked."),
    CONNTRACK("stat_ignore",
              "Number of packets seen which are already connected to a conntrack entry."),
    CONNTRACK("stat_insert", "Number of entries inserted into the list."),
    CONNTRACK("stat_insert_failed",
              "Number of entries for which list insertion was attempted but failed."),
    CONNTRACK("stat_drop", "Number of packets dropped due to conntrack failure."),
    CONNTRACK("stat_early_drop", "Number of dropped conntrack entries to make room for new ones, "
                                 "if maximum table size was reached."),
    CONNTRACK("stat_search_restart", "Number of conntrack table lookups which had to be restarted "
                                     "due to hashtable resizes."),
};

struct conntrack_state {
    struct kfile count, max, stat;
};

static enum status conntrack_collect(struct tick *t, void *state, struct err *err)
{
    static const char stat_path[] = "proc/net/stat/nf_conntrack";
    struct conntrack_state *s = state;
    enum status st = tick_number(t, &s->count, "proc/sys/net/netfilter/nf_conntrack_count",
                                 &conntrack_metrics[0], err);
    if (!st)
        st = tick_number(t, &s->max, "proc/sys/net/netfilter/nf_conntrack_max",
                         &conntrack_metrics[1], err);
    struct span text;
    if (st || tick_read(t, &s->stat, stat_path, &text, NULL))
        return st;
    struct hex_column columns[] = {{.name = "found"},         {.name = "invalid"},
                                   {.name = "ignore"},        {.name = "insert"},
                                   {.name = "insert_failed"}, {.name = "drop"},
                                   {.name = "early_drop"},    {.name = "search_restart"}};
    if (!parse_hex_table(text, columns, COUNT(columns)))
        return err_set(err, INVALID, "%s is not understood", stat_path);
    for (size_t i = 0; i < COUNT(columns); i++)
        if (columns[i].found)
            emit(t, &conntrack_metrics[2 + i], (double)columns[i].sum);
    return OK;
}

const struct collector conntrack_collector = {COLLECTOR_OF(conntrack, struct conntrack_state),
                                              .every_s = 5, .optional = true};
