/* Processes: how many in which state, and those that use most. The series carry no process's
 * number: a series for each would never end; who it was is in the snapshot (processes_json). */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "collect/process.h"

#include "base/json.h"

#include <fnmatch.h>
#include <stdio.h>
#include <unistd.h>

enum {
    STATE,
    THREADS,
    MAX_THREADS,
    MAX_PIDS,
    PIDS,
    DESCRIPTORS,
    DESCRIPTORS_LIMIT,
    DESCRIPTORS_HARD,
    MAPS,
};

enum { SERIES_NAMES = 5 }; /* of descriptors and maps */

#define OF_NAME(name, text)                                                                        \
    {                                                                                              \
        "galen_process_" name, METRIC_GAUGE, text,                                                 \
        {                                                                                          \
            "process", "unit"                                                                      \
        }                                                                                          \
    }

static const struct metric processes_metrics[] = {
    [STATE] = {"node_processes_state",
               METRIC_GAUGE,
               "Number of processes in each state.",
               {"state"}},
    [THREADS] = {"node_processes_threads", METRIC_GAUGE, "Allocated threads in system", {0}},
    [MAX_THREADS] = {"node_processes_max_threads",
                     METRIC_GAUGE,
                     "Limit of threads in the system",
                     {0}},
    [MAX_PIDS] = {"node_processes_max_processes", METRIC_GAUGE, "Number of max PIDs limit", {0}},
    [PIDS] = {"node_processes_pids", METRIC_GAUGE, "Number of PIDs", {0}},
    [DESCRIPTORS] =
        OF_NAME("descriptors", "Open descriptors of the processes that use most of their limit; of "
                               "several of one name the one nearest to its limit."),
    [DESCRIPTORS_LIMIT] = OF_NAME("descriptors_limit", "Its limit of open files (soft)."),
    [DESCRIPTORS_HARD] =
        OF_NAME("descriptors_hard_limit", "How far it may raise its own limit of open files."),
    [MAPS] = OF_NAME("maps", "Mappings of the largest processes, of vm.max_map_count; of several "
                             "of one name the highest."),
};

/* ---- series ---- */

static void emit_states(struct tick *t, const struct processes *p)
{
    static const char usual[] = "RSDZTI";
    for (const char *state = usual; *state; state++)
        emit1(t, &processes_metrics[STATE], span_from(state, 1),
              (double)p->states[(unsigned char)*state]);
    for (size_t i = 'A'; i < COUNT(p->states); i++) {
        char state = (char)i;
        if (p->states[i] && !strchr(usual, state))
            emit1(t, &processes_metrics[STATE], span_from(&state, 1), (double)p->states[i]);
    }
}

static bool has_use(const struct process *one)
{
    return one->has_descriptors && one->detail && one->detail->has_limit &&
           one->detail->limit_soft > 0;
}

static double use_of(const struct process *one)
{
    return (double)one->descriptors / (double)one->detail->limit_soft;
}

static bool has_mappings(const struct process *one)
{
    return one->detail && one->detail->has_maps;
}

static double mappings_of(const struct process *one)
{
    return (double)one->detail->maps;
}

static bool same_name(const struct process *a, const struct process *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->detail->unit, b->detail->unit) == 0;
}

/* The highest of each name, at most max names, highest first. */
static size_t highest_of_names(struct processes *p, bool (*has)(const struct process *),
                               double (*value)(const struct process *), struct process **best,
                               size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct process *one = &p->at[i];
        if (!has(one))
            continue;
        size_t at = 0;
        while (at < n && !same_name(best[at], one))
            at++;
        if (at < n && value(best[at]) >= value(one))
            continue;
        if (at == n && n == max && value(best[n - 1]) >= value(one))
            continue;
        at = at < n ? at : n < max ? n++ : n - 1;
        for (; at > 0 && value(best[at - 1]) < value(one); at--)
            best[at] = best[at - 1];
        best[at] = one;
    }
    return n;
}

static void emit_limit(struct tick *t, const struct metric *m, const struct process *one,
                       uint64_t limit)
{
    if (limit != UINT64_MAX)
        emit2(t, m, span_of(one->name), span_of(one->detail->unit), (double)limit);
}

static void emit_highest(struct tick *t, struct processes *p)
{
    struct process *best[SERIES_NAMES];
    size_t n = highest_of_names(p, has_use, use_of, best, SERIES_NAMES);
    for (size_t i = 0; i < n; i++) {
        emit2(t, &processes_metrics[DESCRIPTORS], span_of(best[i]->name),
              span_of(best[i]->detail->unit), best[i]->descriptors);
        emit_limit(t, &processes_metrics[DESCRIPTORS_LIMIT], best[i], best[i]->detail->limit_soft);
        emit_limit(t, &processes_metrics[DESCRIPTORS_HARD], best[i], best[i]->detail->limit_hard);
    }
    n = highest_of_names(p, has_mappings, mappings_of, best, SERIES_NAMES);
    for (size_t i = 0; i < n; i++)
        emit2(t, &processes_metrics[MAPS], span_of(best[i]->name), span_of(best[i]->detail->unit),
              mappings_of(best[i]));
}

static enum status processes_collect(struct tick *t, void *state, struct err *err)
{
    struct processes *p = state;
    p->top = t->c->processes_top;
    enum status st = processes_scan(t, p, err);
    if (st)
        return st;
    if (p->n == 0)
        return err_set(err, NOT_FOUND, "proc has no processes");
    processes_rank(t, p);
    emit_states(t, p);
    emit(t, &processes_metrics[THREADS], (double)p->threads);
    emit(t, &processes_metrics[PIDS], (double)(p->n + p->left_out));
    st = tick_number(t, &p->threads_max, "proc/sys/kernel/threads-max",
                     &processes_metrics[MAX_THREADS], err);
    if (!st)
        st = tick_number(t, &p->pid_max, "proc/sys/kernel/pid_max", &processes_metrics[MAX_PIDS],
                         err);
    emit_highest(t, p);
    return st == NOT_FOUND ? OK : st;
}

static void processes_end(void *state)
{
    processes_free(state);
}

const struct collector processes_collector = {COLLECTOR_OF(processes, struct processes),
                                              .every_s = 10, .optional = true,
                                              .free = processes_end};

size_t collect_processes_named(const struct collect *c, const char *pattern)
{
    const struct processes *p = collect_state(c, &processes_collector);
    char cut[PROCESS_NAME_MAX];
    size_t n = 0;
    bool plain = !strpbrk(pattern, "*?[\\");
    snprintf(cut, sizeof cut, "%s", pattern);
    for (size_t i = 0; p && i < p->n; i++) {
        const struct process *one = &p->at[i];
        if (one->state == 'Z')
            continue;
        n += plain ? strcmp(one->name, cut) == 0 : fnmatch(pattern, one->name, 0) == 0;
    }
    return n;
}

/* ---- the snapshot ---- */

static void put_number(struct json *j, const char *key, bool has, double v)
{
    if (has)
        json_field_double(j, key, v);
}

static double rounded(double v)
{
    return (double)(int64_t)(v * 1e4 + 0.5) / 1e4;
}

static int64_t started_ms(const struct processes *p, const struct process *one)
{
    return (int64_t)(p->boot_s * 1000 + one->start_ticks * 10); /* ticks of 10 ms */
}

static void put_detail(struct json *j, const struct detail *d)
{
    if (d->has_uid)
        json_field_i64(j, "uid", d->uid);
    if (*d->user)
        json_field(j, "user", d->user);
    if (*d->command)
        json_field(j, "command", d->command);
    if (*d->unit)
        json_field(j, "unit", d->unit);
    put_number(j, "descriptors_limit", d->has_limit && d->limit_soft != UINT64_MAX,
               (double)d->limit_soft);
    put_number(j, "maps", d->has_maps, (double)d->maps);
}

static void put_process(struct json *j, const struct processes *p, const struct process *one)
{
    char state[2] = {one->state, '\0'};
    json_begin_object(j);
    json_field_i64(j, "pid", one->pid);
    json_field(j, "name", one->name);
    json_field(j, "state", state);
    json_field_i64(j, "threads", one->threads);
    if (p->boot_s)
        json_field_i64(j, "started_ms", started_ms(p, one));
    put_number(j, "cpu", one->has_cpu, rounded(one->cpu));
    json_field_double(j, "cpu_seconds", (double)one->cpu_ticks / 100);
    json_field_double(j, "resident_bytes",
                      (double)one->resident_pages * (double)sysconf(_SC_PAGESIZE));
    put_number(j, "read_bytes_per_s", one->has_io_rate, rounded(one->read_per_s));
    put_number(j, "write_bytes_per_s", one->has_io_rate, rounded(one->write_per_s));
    put_number(j, "descriptors", one->has_descriptors, one->descriptors);
    if (one->detail)
        put_detail(j, one->detail);
    json_end_object(j);
}

static bool ranked_before(const struct processes *p, size_t order, size_t at)
{
    const struct process *one = p->ranked[order][at];
    for (size_t o = 0; o < order; o++)
        for (size_t i = 0; i < p->n_ranked[o]; i++)
            if (p->ranked[o][i] == one)
                return true;
    return false;
}

static void put_ranked(struct json *j, const struct processes *p)
{
    json_key(j, "processes");
    json_begin_array(j);
    for (size_t order = 0; order < PROCESS_ORDERS; order++)
        for (size_t i = 0; i < p->n_ranked[order]; i++)
            if (!ranked_before(p, order, i))
                put_process(j, p, p->ranked[order][i]);
    json_end_array(j);
}

static void put_orders(struct json *j, const struct processes *p)
{
    static const char *const names[PROCESS_ORDERS] = {
        [BY_CPU] = "cpu", [BY_MEMORY] = "memory", [BY_IO] = "io", [BY_DESCRIPTORS] = "descriptors"};
    json_key(j, "top");
    json_begin_object(j);
    for (size_t order = 0; order < PROCESS_ORDERS; order++) {
        json_key(j, names[order]);
        json_begin_array(j);
        for (size_t i = 0; i < p->n_ranked[order]; i++)
            json_i64(j, p->ranked[order][i]->pid);
        json_end_array(j);
    }
    json_end_object(j);
}

static void put_states(struct json *j, const struct processes *p)
{
    json_key(j, "states");
    json_begin_object(j);
    for (size_t i = 'A'; i < COUNT(p->states); i++) {
        char state[2] = {(char)i, '\0'};
        if (p->states[i])
            json_field_i64(j, state, (int64_t)p->states[i]);
    }
    json_end_object(j);
}

bool processes_json(struct collect *c, struct buf *out)
{
    const struct processes *p = collect_state(c, &processes_collector);
    if (!p || p->n == 0)
        return false;
    struct json j = json_to(out);
    json_begin_object(&j);
    json_field_i64(&j, "at_ms", p->pass_wall_ms);
    if (p->before_mono_ms)
        json_field_i64(&j, "over_ms", p->pass_mono_ms - p->before_mono_ms);
    json_field_i64(&j, "count", (int64_t)(p->n + p->left_out));
    json_field_i64(&j, "threads", (int64_t)p->threads);
    put_states(&j, p);
    put_orders(&j, p);
    put_ranked(&j, p);
    json_end_object(&j);
    return !out->failed;
}
