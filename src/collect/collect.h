/* collect/ turns one machine's kernel into samples: one small file for each source of /proc and
 * /sys. It knows nothing of servers, spools or analysis.
 *
 * A collector is a line of the table in collectors.c. It reads its files through descriptors
 * that stay open, parses with pure functions (parse.h) and emits values. Each collector
 * remembers the series of its last run by position: the n-th value is first compared with the
 * n-th series of last time, so that in steady state nothing is looked up or allocated and
 * labels are encoded once in their life.
 *
 * Names, labels, types and units are node_exporter's where it has the metric, else galen_*. */
#pragma once

#include "base/yaml.h"
#include "series/collection.h"
#include "series/exposition.h"

enum {
    METRIC_LABELS_MAX = 12,
    SERIES_MAX = 50000,       /* of one machine; more are left out and counted */
    FILE_MAX_BYTES = 16 << 20 /* of one kernel file */
};

/* One family. A '%' in the name stands for the first values given to emit, with characters that
 * a name cannot have replaced: "node_vmstat_%". The other values are those of the labels. */
struct metric {
    const char *name;
    enum metric_type type;
    const char *help; /* '%' as in the name */
    const char *labels[METRIC_LABELS_MAX];
};

struct tick; /* one run of one collector */

struct collector {
    const char *name;
    unsigned every_s; /* 0: at every collection */
    bool optional;    /* its file may be missing without a word */
    size_t state_bytes;
    /* NOT_FOUND: the source is not there; INVALID: it is not understood. What was emitted
     * before the failure counts. State is all zero at first. */
    enum status (*collect)(struct tick *t, void *state, struct err *err);
    const struct metric *metrics;
    size_t n_metrics;
    void (*free)(void *state); /* what state holds beyond its own bytes; may be NULL */
    /* The family of a metric, which for samples of histograms and summaries is not its name; its
     * help is then meant as it stands, also a '%'. NULL: the name. */
    const char *(*family)(const struct metric *m);
};

/* ---- for collectors ---- */

void emit(struct tick *t, const struct metric *m, double v);
void emit1(struct tick *t, const struct metric *m, struct span a, double v);
void emit2(struct tick *t, const struct metric *m, struct span a, struct span b, double v);
void emit_values(struct tick *t, const struct metric *m, const struct span *values, size_t n,
                 double v);
int64_t tick_wall_ms(const struct tick *t);
int64_t tick_mono_ms(const struct tick *t);

/* ---- for the agent ---- */

struct collect;

struct collect_config {
    const char *root;            /* "/", or a directory that holds proc/ and sys/ */
    const char *instance;        /* NULL: the machine's host name */
    struct setting_list sysctls; /* none: the default list */
    struct setting_list off;     /* names of collectors that shall not run */
    unsigned processes_top;      /* how many in each order of processes_json; 0: 5, at most 50 */
    const char *textfiles;       /* directory with *.prom files; NULL: none */
    int64_t budget_ms;           /* processor time of each collector a minute; 0: 600 */
};

/* The tree of a machine that is not this one is recognised by a proc/ that is no procfs: then
 * nothing is asked of this machine's kernel (sockets, statvfs, clock). */
MUST_USE enum status collect_open(const struct collect_config *config, struct collect **out,
                                  struct err *err);
void collect_close(struct collect *c); /* NULL is fine */
/* A collector of the caller's own; its state is arg. Before the first run. */
void collect_add(struct collect *c, const struct collector *collector, void *arg);

/* From now on these collectors do not run and all others do; their series end with stale markers.
 * Names that are not known are passed over. */
void collect_off(struct collect *c, const struct setting_list *off);
/* From now on so many processes in each order, at most 50. */
void collect_processes_top(struct collect *c, unsigned n);
/* Runs what is due (everything when all). What goes wrong is logged once and counted. A collector
 * that costs more than its budget runs more rarely: that is logged and a series. */
void collect_run(struct collect *c, int64_t wall_ms, int64_t mono_ms, bool all);
/* Runs the collectors that run at every collection, for those who watch: collect_write then has
 * what they found, and the next collect_run is as if this one had not been. */
void collect_run_live(struct collect *c, int64_t wall_ms, int64_t mono_ms);
/* What each collector cost, as a JSON array: name, every_s, stretched_ms (0: it is within its
 * budget), last_us, total_us, runs, faults, series. */
struct json;
void collect_costs_json(const struct collect *c, struct json *j);
/* What the last run found, stale markers for series that have ended included. It holds until the
 * next run, of which collect_before_run tells. */
struct collection collect_found(const struct collect *c);
/* Calls fn before each run, live or not. One at a time; fn NULL: nobody. */
void collect_before_run(struct collect *c, void (*fn)(void *arg), void *arg);
/* Appends what collect_found has as remote-write TimeSeries; returns their number. */
size_t collect_write(const struct collect *c, struct buf *out);
/* The latest value of everything as text; without the labels job and instance when bare. */
void collect_expose(const struct collect *c, struct buf *out, bool bare);

/* The same as OpenMetrics, bare. */
void collect_openmetrics(const struct collect *c, struct buf *out);
/* As collect_write, but the latest of everything, also of what was not due, and no stale markers.
 */
size_t collect_write_all(const struct collect *c, struct buf *out);

/* Appends the processes that used most at the last scan (every 10 s) as JSON:
 *   {"at_ms":1763717400000,         when they were looked at, UTC
 *    "over_ms":10000,               what "cpu" and the rates are averaged over; absent at first
 *    "count":126,"threads":301,
 *    "states":{"R":1,"S":120,...},  as ps has them
 *    "top":{"cpu":[pid,...],"memory":[...],"io":[...],"descriptors":[...]},  highest first
 *    "processes":[{"pid":1,"name":"nginx","state":"S","threads":1,"started_ms":...,
 *      "cpu":0.25,                  processors used (2 is two of them); absent at first
 *      "cpu_seconds":12.5,"resident_bytes":...,
 *      "read_bytes_per_s":...,"write_bytes_per_s":...,  of storage; absent when not told
 *      "descriptors":14,"descriptors_limit":1024,"maps":200,
 *      "uid":33,"user":"www-data","command":"nginx: worker process","unit":"nginx.service"}]}
 * What is not known is absent. Arguments that look like secrets are "***" in command. False when
 * there was no scan yet or the collector "processes" is off. */
bool processes_json(struct collect *c, struct buf *out);
/* Appends what this machine is as JSON; reads some 100 files, so not at every collection:
 *   {"version":"32 hex digits","boot_id":"...","boot_ms":...,"facts":{...}}
 * version is a digest of facts: it is another one when hardware, kernel, distribution, mounts or
 * the agent changed, and the same after a mere restart. docs/PROTOCOL.md has the facts. */
void inventory_json(struct collect *c, struct buf *out);

/* How many processes had a name that fits the shell pattern, at the last scan. Names are the
 * kernel's, of 15 characters at most: a longer pattern without a sign is cut. */
size_t collect_processes_named(const struct collect *c, const char *pattern);
bool collect_is_live(const struct collect *c); /* this machine, not a recorded one */
int collect_root_fd(const struct collect *c);  /* the root directory; not the caller's to close */

const char *collect_instance(const struct collect *c);
/* 32 hex digits that stand for the machine; not its machine-id, which is confidential. */
MUST_USE enum status collect_machine_id(const struct collect *c, char id[33], struct err *err);

/* The table, for help and documentation. */
const struct collector *const *collect_table(size_t *n);
