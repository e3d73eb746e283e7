/* /proc/loadavg: load averages and the number of tasks. */
#include "collect/collectors.h"
#include "collect/parse.h"

enum { LOAD1, LOAD5, LOAD15, TASKS };

static const struct metric loadavg_metrics[] = {
    [LOAD1] = {"node_load1", METRIC_GAUGE, "1m load average.", {0}},
    [LOAD5] = {"node_load5", METRIC_GAUGE, "5m load average.", {0}},
    [LOAD15] = {"node_load15", METRIC_GAUGE, "15m load average.", {0}},
    [TASKS] = {"galen_tasks", METRIC_GAUGE, "Processes and threads that exist.", {0}},
};

bool parse_loadavg(struct span text, struct loadavg *out)
{
    struct span word, running;
    double *loads[] = {&out->load1, &out->load5, &out->load15};
    text = span_trim(text);
    for (size_t i = 0; i < COUNT(loads); i++)
        if (!span_word(&text, &word) || !span_double(word, loads[i]))
            return false;
    return span_word(&text, &word) && span_next(&word, '/', &running) &&
           span_u64(running, &out->running) && span_u64(word, &out->tasks);
}

static enum status loadavg_collect(struct tick *t, void *state, struct err *err)
{
    struct span text;
    enum status st = tick_read_small(t, state, "proc/loadavg", &text, err);
    if (st)
        return st;
    struct loadavg l;
    if (!parse_loadavg(text, &l))
        return err_set(err, INVALID, "proc/loadavg is not understood");
    emit(t, &loadavg_metrics[LOAD1], l.load1);
    emit(t, &loadavg_metrics[LOAD5], l.load5);
    emit(t, &loadavg_metrics[LOAD15], l.load15);
    emit(t, &loadavg_metrics[TASKS], (double)l.tasks);
    return OK;
}

const struct collector loadavg_collector = {COLLECTOR_OF(loadavg, struct kfile)};
