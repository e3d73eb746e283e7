/* Control groups: what each unit (slice, service, container) uses of its limits, how often it was
 * throttled or ran out of memory, and how long it waited. Version 2, or the hierarchies of
 * version 1. Of the tree the first level and what stands below the slices of UNIT_PARENTS. */
#include "collect/collectors.h"
#include "collect/parse.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    UNITS_MAX = 64, /* nine files each, some 70 us */
    UNIT_NAME_MAX = 128,
    GROUP_PATH_MAX = 512,
};

enum {
    CPU_SECONDS,
    PERIODS,
    THROTTLED,
    THROTTLED_SECONDS,
    MEMORY,
    MEMORY_LIMIT,
    OOM_KILLS,
    LIMIT_HITS,
    HIGH_HITS,
    PIDS,
    PIDS_LIMIT,
    CPU_QUOTA,
    WAITING,
    STALLED,
    LEFT_OUT,
};

#define UNIT(name, kind, text)                                                                     \
    {                                                                                              \
        "galen_unit_" name, kind, text,                                                            \
        {                                                                                          \
            "unit"                                                                                 \
        }                                                                                          \
    }

static const struct metric cgroup_metrics[] = {
    [CPU_SECONDS] = UNIT("cpu_seconds_total", METRIC_COUNTER, "Processor time of the unit."),
    [PERIODS] = UNIT("cpu_periods_total", METRIC_COUNTER,
                     "Periods in which the unit's processor quota was in force."),
    [THROTTLED] = UNIT("cpu_throttled_periods_total", METRIC_COUNTER,
                       "Periods in which the unit had used up its quota."),
    [THROTTLED_SECONDS] = UNIT("cpu_throttled_seconds_total", METRIC_COUNTER,
                               "Time that the unit was held back by its quota."),
    [MEMORY] = UNIT("memory_bytes", METRIC_GAUGE, "Memory of the unit, page cache included."),
    [MEMORY_LIMIT] = UNIT("memory_limit_bytes", METRIC_GAUGE, "Memory that the unit may have."),
    [OOM_KILLS] = UNIT("oom_kills_total", METRIC_COUNTER,
                       "Processes of the unit that were killed for want of memory."),
    [LIMIT_HITS] = UNIT("memory_limit_hits_total", METRIC_COUNTER,
                        "Times that the unit was about to exceed its memory limit."),
    [HIGH_HITS] = UNIT("memory_high_hits_total", METRIC_COUNTER,
                       "Times that the unit was held back for exceeding its soft memory limit."),
    [PIDS] = UNIT("pids", METRIC_GAUGE, "Processes and threads of the unit."),
    [PIDS_LIMIT] = UNIT("pids_limit", METRIC_GAUGE, "Processes and threads that it may have."),
    [CPU_QUOTA] = UNIT("cpu_quota_ratio", METRIC_GAUGE,
                       "Processors that the unit may keep busy, where it has a quota."),
    [WAITING] = {"galen_unit_pressure_waiting_seconds_total",
                 METRIC_COUNTER,
                 "Time in which some process of the unit waited for the resource.",
                 {"unit", "resource"}},
    [STALLED] = {"galen_unit_pressure_stalled_seconds_total",
                 METRIC_COUNTER,
                 "Time in which all processes of the unit waited for the resource.",
                 {"unit", "resource"}},
    [LEFT_OUT] = {"galen_units_left_out",
                  METRIC_GAUGE,
                  "Units beyond the 64 that are looked at.",
                  {0}},
};

/* One figure: where it stands in version 2 and in version 1, and what it is times factor. */
static const struct figure {
    int metric;
    const char *file, *key; /* key NULL: the file is the number */
    const char *hierarchy, *v1_file, *v1_key;
    double factor, v1_factor;
} figures[] = {
    {CPU_SECONDS, "cpu.stat", "usage_usec", "cpuacct", "cpuacct.usage", NULL, 1e-6, 1e-9},
    {PERIODS, "cpu.stat", "nr_periods", "cpu", "cpu.stat", "nr_periods", 1, 1},
    {THROTTLED, "cpu.stat", "nr_throttled", "cpu", "cpu.stat", "nr_throttled", 1, 1},
    {THROTTLED_SECONDS, "cpu.stat", "throttled_usec", "cpu", "cpu.stat", "throttled_time", 1e-6,
     1e-9},
    {MEMORY, "memory.current", NULL, "memory", "memory.usage_in_bytes", NULL, 1, 1},
    {MEMORY_LIMIT, "memory.max", NULL, "memory", "memory.limit_in_bytes", NULL, 1, 1},
    {OOM_KILLS, "memory.events", "oom_kill", "memory", "memory.oom_control", "oom_kill", 1, 1},
    {LIMIT_HITS, "memory.events", "max", "memory", "memory.failcnt", NULL, 1, 1},
    {HIGH_HITS, "memory.events", "high", NULL, NULL, NULL, 1, 1},
    {PIDS, "pids.current", NULL, "pids", "pids.current", NULL, 1, 1},
    {PIDS_LIMIT, "pids.max", NULL, "pids", "pids.max", NULL, 1, 1},
};

/* Version 1 says "no limit" by the largest multiple of a page. */
enum { NO_LIMIT_BITS = 62 };

bool parse_flat_key(struct span text, const char *key, uint64_t *out)
{
    struct span line, word;
    while (span_line(&text, &line))
        if (span_word(&line, &word) && span_is(word, key))
            return next_u64(&line, out);
    return false;
}

struct cgroup_state {
    bool v1;
    size_t n;
    uint64_t left_out;
    struct arena arena;           /* of one run */
    const char *paths[UNITS_MAX]; /* below the hierarchy, begun by a slash */
};

/* ---- which ---- */

static bool is_parent(const char *path)
{
    static const char *const parents[] = {
        "/system.slice", "/machine.slice", "/user.slice", "/kubepods.slice",
        "/kubepods",     "/docker",        "/lxc",        "/lxc.payload",
    };
    for (size_t i = 0; i < COUNT(parents); i++)
        if (strcmp(path, parents[i]) == 0)
            return true;
    return false;
}

static int is_group(const struct dirent *e)
{
    return e->d_type == DT_DIR && e->d_name[0] != '.' && strlen(e->d_name) < UNIT_NAME_MAX;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Mounts, devices and the like have groups of their own, and nothing in them. */
static bool has_work(const char *name)
{
    static const struct span ends[] = {SPAN(".mount"), SPAN(".swap"), SPAN(".device"),
                                       SPAN(".socket")};
    for (size_t i = 0; i < COUNT(ends); i++)
        if (span_ends(span_of(name), ends[i]))
            return false;
    return true;
}

/* Of version 1's hierarchies each may have the group. */
static void add_group(struct cgroup_state *s, const char *path)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->paths[i], path) == 0)
            return;
    if (s->n < UNITS_MAX)
        s->paths[s->n++] = arena_dup(&s->arena, path);
    else
        s->left_out++;
}

static void list_groups(struct tick *t, struct cgroup_state *s, const char *top, const char *path,
                        int depth)
{
    char where[GROUP_PATH_MAX];
    struct dirent **entries;
    snprintf(where, sizeof where, "%s%s", top, path);
    int n = scandirat(t->c->root_fd, where, &entries, is_group, by_name);
    for (int i = 0; i < n; i++) {
        char below[GROUP_PATH_MAX];
        int len = snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
        bool fits = len > 0 && (size_t)len < sizeof below;
        if (fits && has_work(entries[i]->d_name)) {
            add_group(s, below);
            if (depth == 0 && is_parent(below))
                list_groups(t, s, top, below, 1);
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

static bool there_is(struct tick *t, const char *path)
{
    return faccessat(t->c->root_fd, path, F_OK, 0) == 0;
}

/* systemd names the units of version 1 in a hierarchy of its own; who makes groups without it
 * makes them in those of the resources. */
static bool list_all(struct tick *t, struct cgroup_state *s)
{
    static const char *const tops[] = {"sys/fs/cgroup/systemd", "sys/fs/cgroup/pids",
                                       "sys/fs/cgroup/memory", "sys/fs/cgroup/cpu"};
    bool found = false;
    s->n = 0;
    s->left_out = 0;
    s->v1 = !there_is(t, "sys/fs/cgroup/cgroup.controllers");
    if (!s->v1) {
        list_groups(t, s, "sys/fs/cgroup", "", 0);
        return true;
    }
    for (size_t i = 0; i < COUNT(tops); i++)
        if (there_is(t, tops[i])) {
            list_groups(t, s, tops[i], "", 0);
            found = true;
        }
    return found;
}

/* ---- figures of one ---- */

static bool read_figure(struct tick *t, const char *path, const char *key, uint64_t *v)
{
    struct span text;
    if (tick_read_once(t, path, &text, NULL))
        return false;
    return key ? parse_flat_key(text, key, v) : parse_u64(text, v); /* "max" is none */
}

static void emit_figure(struct tick *t, bool v1, const char *group, struct span unit,
                        const struct figure *f)
{
    char path[2 * GROUP_PATH_MAX];
    uint64_t v;
    if (v1 && !f->hierarchy) /* version 1 has no such thing */
        return;
    if (v1)
        snprintf(path, sizeof path, "sys/fs/cgroup/%s%s/%s", f->hierarchy, group, f->v1_file);
    else
        snprintf(path, sizeof path, "sys/fs/cgroup%s/%s", group, f->file);
    if (!read_figure(t, path, v1 ? f->v1_key : f->key, &v))
        return;
    if ((f->metric == MEMORY_LIMIT || f->metric == PIDS_LIMIT) && v >> NO_LIMIT_BITS)
        return;
    emit1(t, &cgroup_metrics[f->metric], unit, (double)v * (v1 ? f->v1_factor : f->factor));
}

static void emit_pressure(struct tick *t, const char *group, struct span unit)
{
    static const struct span resources[] = {{"cpu", 3}, {"memory", 6}, {"io", 2}};
    for (size_t i = 0; i < COUNT(resources); i++) {
        char path[2 * GROUP_PATH_MAX];
        struct span text;
        struct pressure p;
        snprintf(path, sizeof path, "sys/fs/cgroup%s/%s.pressure", group, resources[i].at);
        if (tick_read_once(t, path, &text, NULL) || !parse_pressure(text, &p))
            continue;
        emit2(t, &cgroup_metrics[WAITING], unit, resources[i], (double)p.some_us / 1e6);
        if (p.has_full)
            emit2(t, &cgroup_metrics[STALLED], unit, resources[i], (double)p.full_us / 1e6);
    }
}

/* Version 2: "50000 100000" or "max 100000"; version 1: two files, -1 for none. */
static void emit_quota(struct tick *t, bool v1, const char *group, struct span unit)
{
    char path[2 * GROUP_PATH_MAX];
    struct span text, rest;
    uint64_t quota, period;
    snprintf(path, sizeof path,
             v1 ? "sys/fs/cgroup/cpu%s/cpu.cfs_quota_us" : "sys/fs/cgroup%s/cpu.max", group);
    if (tick_read_once(t, path, &text, NULL))
        return;
    rest = span_trim(text);
    bool has = next_u64(&rest, &quota);
    if (v1 && has) {
        snprintf(path, sizeof path, "sys/fs/cgroup/cpu%s/cpu.cfs_period_us", group);
        has = !tick_read_once(t, path, &rest, NULL);
        rest = span_trim(rest);
    }
    if (has && next_u64(&rest, &period) && period > 0)
        emit1(t, &cgroup_metrics[CPU_QUOTA], unit, (double)quota / (double)period);
}

static void emit_group(struct tick *t, const struct cgroup_state *s, const char *group)
{
    const char *name = strrchr(group, '/') + 1;
    for (size_t i = 0; i < COUNT(figures); i++)
        emit_figure(t, s->v1, group, span_of(name), &figures[i]);
    emit_quota(t, s->v1, group, span_of(name));
    if (!s->v1)
        emit_pressure(t, group, span_of(name));
}

static enum status cgroup_collect(struct tick *t, void *state, struct err *err)
{
    struct cgroup_state *s = state;
    bool found = list_all(t, s);
    for (size_t i = 0; i < s->n; i++)
        emit_group(t, s, s->paths[i]);
    if (s->n)
        emit(t, &cgroup_metrics[LEFT_OUT], (double)s->left_out);
    arena_free(&s->arena);
    return found ? OK : err_set(err, NOT_FOUND, "sys/fs/cgroup is not there");
}

const struct collector cgroup_collector = {COLLECTOR_OF(cgroup, struct cgroup_state), .every_s = 30,
                                           .optional = true};
