/* What watching costs: this process's own processor time and memory, and each collector's. */
#include "collect/collectors.h"
#include "collect/parse.h"

#include "base/clock.h"
#include "base/file.h"

#include <math.h>
#include <unistd.h>

enum { CPU, RESIDENT, SERIES, COLLECTOR_SECONDS, INTERVAL, STRETCHED, FAULTS, BUILD, NOT_ALLOWED };

static const struct metric self_metrics[] = {
    [CPU] = {"galen_agent_cpu_seconds_total",
             METRIC_COUNTER,
             "Processor time that the agent has used.",
             {0}},
    [RESIDENT] = {"galen_agent_resident_bytes",
                  METRIC_GAUGE,
                  "Memory of the agent that is resident.",
                  {0}},
    [SERIES] = {"galen_agent_series", METRIC_GAUGE, "Series that the agent keeps up.", {0}},
    [COLLECTOR_SECONDS] = {"galen_agent_collector_seconds_total",
                           METRIC_COUNTER,
                           "Time that a collector has taken.",
                           {"collector"}},
    [INTERVAL] = {"galen_agent_collector_interval_seconds",
                  METRIC_GAUGE,
                  "How often a collector runs; 0: at every collection.",
                  {"collector"}},
    [STRETCHED] = {"galen_agent_collector_stretched",
                   METRIC_GAUGE,
                   "1 for a collector that runs more rarely, to keep within its budget.",
                   {"collector"}},
    [FAULTS] = {"galen_agent_collector_faults_total",
                METRIC_COUNTER,
                "Runs that failed and lines that were not understood.",
                {"collector"}},
    [NOT_ALLOWED] =
        {"galen_agent_collector_denied",
         METRIC_GAUGE,
         "Files or processes that a collector may not look at, the most in a run, and what "
         "would let it: root or a capability.",
         {"collector", "needs"}},
    [BUILD] = {"galen_agent_build_info",
               METRIC_GAUGE,
               "The agent's version; always 1.",
               {"version"}},
};

/* Of this process, whatever machine it looks at. */
static bool resident_bytes(double *out)
{
    auto_buf text = {.max = 256};
    if (file_read("/proc/self/statm", &text, NULL))
        return false;
    struct span rest = buf_view(&text);
    uint64_t size, resident;
    if (!next_u64(&rest, &size) || !next_u64(&rest, &resident))
        return false;
    *out = (double)resident * (double)sysconf(_SC_PAGESIZE);
    return true;
}

/* Rounded: digits that mean nothing would only cost bytes. */
static double rounded_seconds(int64_t ns)
{
    return round((double)ns / 1e4) / 1e5;
}

static double interval_s(const struct active *a)
{
    return MAX((double)a->collector->every_s, (double)a->budget.stretch_ms / 1000);
}

static enum status self_collect(struct tick *t, void *state UNUSED, struct err *err UNUSED)
{
    const struct collect *c = t->c;
    double bytes;
    emit(t, &self_metrics[CPU], rounded_seconds(clock_cpu_ns()));
    if (resident_bytes(&bytes))
        emit(t, &self_metrics[RESIDENT], bytes);
    emit(t, &self_metrics[SERIES], (double)c->n_series);
    emit1(t, &self_metrics[BUILD], SPAN(GALEN_VERSION), 1);
    for (size_t i = 0; i < c->n_active; i++)
        emit1(t, &self_metrics[COLLECTOR_SECONDS], span_of(c->active[i].collector->name),
              rounded_seconds(c->active[i].budget.total_ns));
    for (size_t i = 0; i < c->n_active; i++)
        emit1(t, &self_metrics[INTERVAL], span_of(c->active[i].collector->name),
              interval_s(&c->active[i]));
    for (size_t i = 0; i < c->n_active; i++)
        emit1(t, &self_metrics[STRETCHED], span_of(c->active[i].collector->name),
              c->active[i].budget.stretch_ms > 0);
    for (size_t i = 0; i < c->n_active; i++)
        emit1(t, &self_metrics[FAULTS], span_of(c->active[i].collector->name),
              (double)c->active[i].faults);
    for (size_t i = 0; i < c->n_active; i++)
        if (c->active[i].denied_most)
            emit2(t, &self_metrics[NOT_ALLOWED], span_of(c->active[i].collector->name),
                  span_of(c->active[i].needs), c->active[i].denied_most);
    return OK;
}

const struct collector self_collector = {COLLECTOR_OF(self, char), .every_s = 15};
