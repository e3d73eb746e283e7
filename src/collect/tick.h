/* Private to collect/: what a collector gets besides emit. */
#pragma once

#include "base/map.h"
#include "collect/budget.h"
#include "collect/collect.h"
#include "collect/namespaces.h"

/* One series of one collector, for as long as it is emitted. */
struct series {
    const struct metric *metric;
    uint64_t id;     /* no other series of this machine has or had it */
    uint32_t run;    /* of the collector, in which it was last emitted */
    struct span key; /* the values, each ended by NUL */
    struct span raw; /* encoded labels, for remote write */
    char bytes[];
};

struct slot {
    struct series *series;
    double v;
};

/* A collector at work: its state, and its series in the order of emission. */
struct active {
    const struct collector *collector;
    void *state;
    int64_t next_ms;    /* mono: not due before */
    uint32_t run;       /* number of runs */
    bool off;           /* it shall not run */
    bool fresh;         /* its values go out with the last collect_run */
    int64_t told_ms;    /* mono: they went out last */
    struct slot *slots; /* of this run; beyond n: of the one before */
    size_t n, known, size;
    bool changed;          /* this run did not follow the last one's order */
    struct map by_key;     /* metric and values to series */
    struct series **ended; /* series without a value in this run; freed at the next */
    size_t n_ended, ended_size;
    size_t n_told; /* of ended: written with the last run that was not live */
    bool missing_told, odd_told;
    uint64_t faults; /* runs that failed, lines not understood */
    /* What it may not look at: in this run, and the most of all. NULL: nothing. */
    const char *needs;
    uint32_t denied, denied_most;
    int64_t cost_ns; /* of the last run */
    struct budget budget;
};

struct collect {
    char *root;
    int root_fd;
    bool live; /* root's proc/ is a real procfs: sockets, statvfs and clock belong to it */
    struct namespaces namespaces;
    char *instance;
    char *textfiles; /* NULL: none */
    struct setting_list sysctls;
    unsigned processes_top;
    int64_t budget_ms; /* of each collector, see budget.h */
    int64_t ran_ms;    /* the last collection that was not live */
    int64_t gap_ms;    /* between the last two of them */
    struct active *active;
    size_t n_active, active_size;
    struct buf text;     /* the file being read; one at a time */
    struct buf key;      /* scratch of emit */
    struct kfile *files; /* all that were ever opened */
    size_t n_series;
    uint64_t last_id;              /* of a series */
    uint64_t left_out;             /* emissions beyond SERIES_MAX */
    void (*before_run)(void *arg); /* NULL: nobody asked */
    void *before_run_arg;
    bool live_run; /* only for those who watch (collect_run_live) */
    int64_t wall_ms, mono_ms;
    struct arena arena; /* what collectors keep for the machine's lifetime */
};

struct tick {
    struct collect *c;
    struct active *a;
};

/* A kernel file that stays open. All zero is a valid start; it must not move afterwards. */
struct kfile {
    int fd_plus_1;
    bool known;       /* linked in collect.files */
    int64_t retry_ms; /* not opened again before, when missing */
    struct kfile *next;
};

enum {
    SMALL_READ_BYTES = 512, /* for /proc/sys: the kernel clears a buffer of the size asked for */
    RETRY_MISSING_MS = 60000,
};

/* The whole file at path below the root; valid until the next read. NOT_FOUND when it is not
 * there. */
MUST_USE enum status tick_read(struct tick *t, struct kfile *f, const char *path, struct span *out,
                               struct err *err);
/* The same for a file of at most SMALL_READ_BYTES, in one system call. */
MUST_USE enum status tick_read_small(struct tick *t, struct kfile *f, const char *path,
                                     struct span *out, struct err *err);
/* A file that is read rarely: opened, read and closed. */
MUST_USE enum status tick_read_once(struct tick *t, const char *path, struct span *out,
                                    struct err *err);
/* A file that is one number, emitted as one metric. */
MUST_USE enum status tick_number(struct tick *t, struct kfile *f, const char *path,
                                 const struct metric *m, struct err *err);
void kfile_close(struct kfile *f);
/* A line that is not understood: counted, and named once in the log. */
void tick_odd(struct tick *t, const char *path, struct span line);
/* Something that this process has not the right to look at; needs is what would give it: "root" or
 * a capability. Said once and counted. */
void tick_denied(struct tick *t, const char *needs);
struct arena *tick_arena(struct tick *t);

/* Remembers for each position of a file which names are wanted there, so that a filter is asked
 * once a name. {0} is valid. */
struct picker {
    struct {
        char *name;
        uint32_t len;
        bool wanted;
    } * at;
    size_t n;
};

typedef bool (*pick_fn)(struct span group, struct span name);
bool pick(struct tick *t, struct picker *p, size_t position, struct span group, struct span name,
          pick_fn wanted);

/* The state of a collector of the table; NULL when it is off. */
void *collect_state(const struct collect *c, const struct collector *collector);

/* emit.c's other half */
void active_start(struct tick *t);
void active_end(struct tick *t);
void active_free(struct active *a);
