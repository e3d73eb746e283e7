/* Private to collect/: what each process does, from one pass over /proc. A pass reads
 * /proc/PID/stat alone; whatever costs more is asked of the few that stand out.
 *
 * A stat file that stays open costs 2.8 us a reading instead of 6.5 and some 5 KiB of kernel
 * memory (bench/process_bench.c), so the first KEPT_MAX processes have theirs kept open; it also
 * tells a number that was given to another process (ESRCH) from one that was not. */
#pragma once

#include "collect/tick.h"

enum {
    PROCESSES_MAX = 65536, /* more are counted as left out */
    PROCESS_KEPT_MAX = 512,
    PROCESS_NAME_MAX = 16, /* TASK_COMM_LEN */
    PROCESS_TOP_MAX = 50,
    PROCESS_TOP_DEFAULT = 5,
};

struct process {
    uint64_t start_ticks; /* with pid: who it is */
    uint64_t cpu_ticks, resident_pages, virtual_bytes;
    uint64_t read_bytes, write_bytes; /* when has_io; the time is io_ms */
    int64_t io_ms;
    double cpu;                     /* processors used since the pass before; when has_cpu */
    double read_per_s, write_per_s; /* when has_io_rate */
    struct detail *detail;          /* of those that stood out; NULL: of no other */
    int pid;
    int fd_plus_1;
    uint32_t threads, seen;   /* seen: number of the pass */
    uint32_t descriptors;     /* when has_descriptors */
    uint32_t counted, mapped; /* passes that looked at descriptors and at mappings; 0: none */
    uint32_t delta_ticks;
    char name[PROCESS_NAME_MAX];
    char state;
    bool has_cpu, has_io, has_io_rate, has_descriptors;
};

/* What is read once for each process and program: again when its name changes (exec). */
struct detail {
    char name[PROCESS_NAME_MAX];
    uint32_t uid;
    bool has_uid, has_limit, has_maps;
    uint64_t limit_soft, limit_hard; /* of open files; UINT64_MAX: none */
    uint64_t maps;
    int64_t limit_ms, maps_ms; /* mono, when they were read */
    uint32_t seen;
    char *command, *unit; /* "" when there is none */
    char *user;           /* the number when it has no name */
};

enum process_order { BY_CPU, BY_MEMORY, BY_IO, BY_DESCRIPTORS, PROCESS_ORDERS };

struct processes {
    struct process *at; /* by pid */
    struct process *next;
    size_t n, size, next_size;
    size_t kept, kept_max; /* descriptors */
    int proc_fd;
    uint32_t pass;
    uint64_t left_out, threads, states[128]; /* by letter */
    int64_t pass_wall_ms, pass_mono_ms, before_mono_ms;
    uint64_t boot_s; /* 0: not known */
    size_t rotation; /* the process whose descriptors were counted last */
    size_t maps_rotation;
    bool size_counts; /* stat of /proc/PID/fd tells the number of descriptors (Linux 6.2) */
    unsigned top;     /* how many of each order */
    struct process *ranked[PROCESS_ORDERS][PROCESS_TOP_MAX];
    size_t n_ranked[PROCESS_ORDERS];
    struct kfile pid_max, threads_max, max_map_count;
    struct buf line; /* scratch */
};

/* One pass over /proc (process_scan.c): fills at, states, threads and each process's cpu. */
MUST_USE enum status processes_scan(struct tick *t, struct processes *p, struct err *err);
/* Asks more of those that stand out, and ranks (process_rank.c). */
void processes_rank(struct tick *t, struct processes *p);
/* Reads /proc/PID/file into p->line, cut at max bytes; false when it cannot be read. */
bool process_file(struct processes *p, int pid, const char *file, size_t max, struct span *out);
/* The arguments as one line, allocated; what looks like a secret is hidden. */
char *process_command(struct span cmdline);
void process_forget(struct processes *p, struct process *one);
void processes_free(struct processes *p);
