/* /proc/pressure: the time in which somebody waited for a resource (Linux 4.20 and later). */
#include "collect/collectors.h"
#include "collect/parse.h"

static const struct metric pressure_metrics[] = {
    {"node_pressure_cpu_waiting_seconds_total",
     METRIC_COUNTER,
     "Total time in seconds that processes have waited for CPU time",
     {0}},
    {"node_pressure_memory_waiting_seconds_total",
     METRIC_COUNTER,
     "Total time in seconds that processes have waited for memory",
     {0}},
    {"node_pressure_memory_stalled_seconds_total",
     METRIC_COUNTER,
     "Total time in seconds no process could make progress due to memory congestion",
     {0}},
    {"node_pressure_io_waiting_seconds_total",
     METRIC_COUNTER,
     "Total time in seconds that processes have waited due to IO congestion",
     {0}},
    {"node_pressure_io_stalled_seconds_total",
     METRIC_COUNTER,
     "Total time in seconds no process could make progress due to IO congestion",
     {0}},
};

/* For cpu, "full" has no meaning for a whole machine. */
static const struct {
    const char *path;
    const struct metric *some, *full;
} files[] = {
    {"proc/pressure/cpu", &pressure_metrics[0], NULL},
    {"proc/pressure/memory", &pressure_metrics[1], &pressure_metrics[2]},
    {"proc/pressure/io", &pressure_metrics[3], &pressure_metrics[4]},
};

struct pressure_state {
    struct kfile file[COUNT(files)];
};

static bool find_total(struct span line, uint64_t *us)
{
    struct span word;
    while (span_word(&line, &word))
        if (span_starts(word, SPAN("total=")))
            return span_u64((struct span){word.at + 6, word.len - 6}, us);
    return false;
}

bool parse_pressure(struct span text, struct pressure *out)
{
    struct span line;
    *out = (struct pressure){0};
    while (span_line(&text, &line)) {
        if (span_starts(line, SPAN("some ")))
            out->has_some = find_total(line, &out->some_us);
        else if (span_starts(line, SPAN("full ")))
            out->has_full = find_total(line, &out->full_us);
        else
            return false;
    }
    return out->has_some;
}

static enum status pressure_collect(struct tick *t, void *state, struct err *err)
{
    struct pressure_state *s = state;
    for (size_t i = 0; i < COUNT(files); i++) {
        struct span text;
        struct pressure p;
        /* EOPNOTSUPP when booted with psi=0 */
        enum status st = tick_read_small(t, &s->file[i], files[i].path, &text, err);
        if (st)
            return NOT_FOUND;
        if (!parse_pressure(text, &p))
            return err_set(err, INVALID, "%s is not understood", files[i].path);
        emit(t, files[i].some, (double)p.some_us / 1e6);
        if (p.has_full && files[i].full)
            emit(t, files[i].full, (double)p.full_us / 1e6);
    }
    return OK;
}

const struct collector pressure_collector = {COLLECTOR_OF(pressure, struct pressure_state),
                                             .optional = true};
