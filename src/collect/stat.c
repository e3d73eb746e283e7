/* /proc/stat: processor time by mode, interrupts, context switches, forks, boot time. */
#include "collect/collectors.h"
#include "collect/parse.h"

/* USER_HZ: what the kernel counts processor time in, on every architecture of today. */
static const double TICKS_PER_SECOND = 100;

enum { CPU, GUEST, INTR, CTXT, FORKS, BTIME, RUNNING, BLOCKED };

static const struct metric stat_metrics[] = {
    [CPU] = {"node_cpu_seconds_total",
             METRIC_COUNTER,
             "Seconds the CPUs spent in each mode.",
             {"cpu", "mode"}},
    [GUEST] = {"node_cpu_guest_seconds_total",
               METRIC_COUNTER,
               "Seconds the CPUs spent in guests (VMs) for each mode.",
               {"cpu", "mode"}},
    [INTR] = {"node_intr_total", METRIC_COUNTER, "Total number of interrupts serviced.", {0}},
    [CTXT] = {"node_context_switches_total",
              METRIC_COUNTER,
              "Total number of context switches.",
              {0}},
    [FORKS] = {"node_forks_total", METRIC_COUNTER, "Total number of forks.", {0}},
    [BTIME] = {"node_boot_time_seconds", METRIC_GAUGE, "Node boot time, in unixtime.", {0}},
    [RUNNING] = {"node_procs_running", METRIC_GAUGE, "Number of processes in runnable state.", {0}},
    [BLOCKED] = {"node_procs_blocked",
                 METRIC_GAUGE,
                 "Number of processes blocked waiting for I/O to complete.",
                 {0}},
};

/* The columns of a cpu line. */
static const struct {
    struct span mode;
    int metric;
} columns[] = {
    {{"user", 4}, CPU},   {{"nice", 4}, CPU},   {{"system", 6}, CPU},  {{"idle", 4}, CPU},
    {{"iowait", 6}, CPU}, {{"irq", 3}, CPU},    {{"softirq", 7}, CPU}, {{"steal", 5}, CPU},
    {{"user", 4}, GUEST}, {{"nice", 4}, GUEST},
};

static const struct {
    const char *name;
    int metric;
} scalars[] = {
    {"intr", INTR},
    {"ctxt", CTXT},
    {"processes", FORKS},
    {"btime", BTIME},
    {"procs_running", RUNNING},
    {"procs_blocked", BLOCKED},
};

bool parse_cpu_line(const struct numbers *line, struct span *cpu)
{
    uint64_t n;
    if (!span_starts(line->name, SPAN("cpu")) || line->n < 4)
        return false;
    *cpu = (struct span){line->name.at + 3, line->name.len - 3};
    return span_u64(*cpu, &n);
}

static void emit_line(struct tick *t, const struct numbers *line)
{
    struct span cpu;
    if (parse_cpu_line(line, &cpu)) {
        for (size_t i = 0; i < MIN(line->n, COUNT(columns)); i++)
            emit2(t, &stat_metrics[columns[i].metric], cpu, columns[i].mode,
                  (double)line->v[i] / TICKS_PER_SECOND);
        return;
    }
    for (size_t i = 0; i < COUNT(scalars); i++)
        if (span_is(line->name, scalars[i].name))
            emit(t, &stat_metrics[scalars[i].metric], (double)line->v[0]);
}

static enum status stat_collect(struct tick *t, void *state, struct err *err)
{
    struct span text, line;
    enum status st = tick_read(t, state, "proc/stat", &text, err);
    if (st)
        return st;
    while (span_line(&text, &line)) {
        struct numbers numbers;
        if (parse_numbers(line, &numbers))
            emit_line(t, &numbers);
        else
            tick_odd(t, "proc/stat", line);
    }
    return OK;
}

const struct collector stat_collector = {COLLECTOR_OF(stat, struct kfile)};
