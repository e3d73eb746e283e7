/* One pass over /proc: the list of numbers, and stat of each. */
#include "collect/identity.h"
#include "collect/parse.h"
#include "collect/process.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    STAT_MAX_BYTES = 2048,  /* some 350 in life: numbers of 20 digits would make 1100 */
    ROOM_FIRST = 256,       /* processes */
    ROOM_TIMES = 2,         /* so much more room than processes is kept */
    TICKS_PER_SECOND = 100, /* USER_HZ, the same on every Linux that we run on */
};

/* ---- the list ---- */

static bool number_of(const char *name, int *pid)
{
    uint64_t v;
    if (name[0] < '1' || name[0] > '9' || !span_u64(span_of(name), &v) || v > INT32_MAX)
        return false;
    *pid = (int)v;
    return true;
}

static int compare_pids(const void *a, const void *b)
{
    const struct process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static void add_number(struct processes *p, size_t *n, int pid)
{
    if (*n >= PROCESSES_MAX) {
        p->left_out++;
        return;
    }
    if (*n == p->next_size) {
        p->next_size = p->next_size ? 2 * p->next_size : ROOM_FIRST;
        p->next = mem_grow(p->next, p->next_size * sizeof *p->next);
    }
    p->next[(*n)++] = (struct process){.pid = pid};
}

/* Numbers come in order from the kernel; a recorded machine's files may not. */
static enum status list_numbers(struct processes *p, size_t *n, struct err *err)
{
    int copy = openat(p->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir) {
        enum status st = err_errno(err, "list proc");
        fd_close(&copy);
        return st;
    }
    bool ordered = true;
    int pid, before = 0;
    *n = 0;
    p->left_out = 0;
    for (const struct dirent *e; (e = readdir(dir));) {
        if (!number_of(e->d_name, &pid))
            continue;
        ordered = ordered && pid > before;
        before = pid;
        add_number(p, n, pid);
    }
    closedir(dir);
    if (!ordered)
        qsort(p->next, *n, sizeof *p->next, compare_pids);
    return OK;
}

/* The room of a time with many more processes goes back; the next pass takes what it needs. */
static void give_back(struct processes *p)
{
    if (p->next_size <= ROOM_TIMES * MAX(p->n, (size_t)ROOM_FIRST))
        return;
    free(p->next);
    p->next = NULL;
    p->next_size = 0;
}

/* Those of the pass before go on where the number is still there; the others end. */
static void carry_over(struct processes *p, size_t n)
{
    size_t old = 0;
    for (size_t i = 0; i < n; i++) {
        while (old < p->n && p->at[old].pid < p->next[i].pid)
            process_forget(p, &p->at[old++]);
        if (old < p->n && p->at[old].pid == p->next[i].pid)
            p->next[i] = p->at[old++];
    }
    while (old < p->n)
        process_forget(p, &p->at[old++]);
    struct process *at = p->at;
    size_t size = p->size;
    p->at = p->next;
    p->size = p->next_size;
    p->n = n;
    p->next = at;
    p->next_size = size;
    give_back(p);
}

/* ---- one process ---- */

static int open_stat(const struct processes *p, int pid)
{
    char path[32];
    snprintf(path, sizeof path, "%d/stat", pid);
    return openat(p->proc_fd, path, O_RDONLY | O_CLOEXEC);
}

static ssize_t read_stat(struct processes *p, struct process *one, char *text, size_t size)
{
    if (one->fd_plus_1) {
        ssize_t got = pread(one->fd_plus_1 - 1, text, size, 0);
        if (got > 0)
            return got;
        process_forget(p, one); /* that process has ended; the number may be another's now */
        *one = (struct process){.pid = one->pid};
    }
    int fd = open_stat(p, one->pid);
    if (fd < 0)
        return -1;
    ssize_t got = pread(fd, text, size, 0);
    if (got > 0 && p->kept < p->kept_max) {
        one->fd_plus_1 = fd + 1;
        p->kept++;
    } else {
        close(fd);
    }
    return got;
}

static void take_stat(struct processes *p, struct process *one, const struct process_stat *s)
{
    if (one->seen && one->start_ticks != s->start_ticks) {
        int fd_plus_1 = one->fd_plus_1;
        one->fd_plus_1 = 0;
        process_forget(p, one);
        *one = (struct process){.pid = one->pid, .fd_plus_1 = fd_plus_1};
    }
    double elapsed_s = (double)(p->pass_mono_ms - p->before_mono_ms) / 1000;
    one->has_cpu = one->seen && s->cpu_ticks >= one->cpu_ticks && elapsed_s > 0;
    one->delta_ticks = one->has_cpu ? (uint32_t)MIN(s->cpu_ticks - one->cpu_ticks, UINT32_MAX) : 0;
    one->cpu = one->delta_ticks / (elapsed_s * TICKS_PER_SECOND);
    if (!one->has_cpu)
        one->cpu = 0;
    one->start_ticks = s->start_ticks;
    one->cpu_ticks = s->cpu_ticks;
    one->resident_pages = s->resident_pages > 0 ? (uint64_t)s->resident_pages : 0;
    one->virtual_bytes = s->virtual_bytes;
    one->threads = (uint32_t)MIN(s->threads, UINT32_MAX);
    one->state = s->state;
    one->seen = p->pass;
    size_t len = MIN(s->name.len, PROCESS_NAME_MAX - 1);
    memset(one->name, 0, sizeof one->name);
    memcpy(one->name, s->name.at, len);
    p->threads += one->threads;
    p->states[one->state & 127]++;
}

static bool scan_one(struct tick *t, struct processes *p, struct process *one)
{
    char text[STAT_MAX_BYTES];
    struct process_stat s;
    ssize_t got = read_stat(p, one, text, sizeof text);
    if (got <= 0)
        return false; /* it has ended since it was listed */
    if (!parse_process_stat(span_from(text, (size_t)got), &s)) {
        tick_odd(t, "proc/PID/stat", span_from(text, (size_t)got));
        return false;
    }
    take_stat(p, one, &s);
    return true;
}

/* ---- the pass ---- */

/* At most half of what this process may open. */
static size_t may_keep(const struct collect *c)
{
    struct rlimit limit;
    if (!c->live || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    return MIN(PROCESS_KEPT_MAX, (size_t)(limit.rlim_cur / 2));
}

static enum status open_proc(struct tick *t, struct processes *p, struct err *err)
{
    if (p->pass == 0) {
        p->proc_fd = -1;
        p->kept_max = may_keep(t->c);
    }
    if (!t->c->live)
        fd_close(&p->proc_fd);
    if (p->proc_fd < 0)
        p->proc_fd = openat(t->c->root_fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return p->proc_fd < 0 ? err_errno(err, "open proc") : OK;
}

enum status processes_scan(struct tick *t, struct processes *p, struct err *err)
{
    size_t n = 0, kept = 0;
    enum status st = open_proc(t, p, err);
    if (!st)
        st = list_numbers(p, &n, err);
    if (st)
        return st;
    p->before_mono_ms = p->pass_mono_ms;
    p->pass_mono_ms = tick_mono_ms(t);
    p->pass_wall_ms = tick_wall_ms(t);
    if (p->boot_s == 0)
        p->boot_s = host_boot_s(t);
    p->pass++;
    p->threads = 0;
    memset(p->states, 0, sizeof p->states);
    carry_over(p, n);
    for (size_t i = 0; i < p->n; i++) {
        if (scan_one(t, p, &p->at[i]))
            p->at[kept++] = p->at[i];
        else
            process_forget(p, &p->at[i]);
    }
    p->n = kept;
    return OK;
}

bool process_file(struct processes *p, int pid, const char *file, size_t max, struct span *out)
{
    char path[64];
    snprintf(path, sizeof path, "%d/%s", pid, file);
    auto_fd fd = openat(p->proc_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    buf_clear(&p->line);
    char *at = buf_reserve(&p->line, max);
    ssize_t got = pread(fd, at, max, 0);
    *out = span_from(at, got > 0 ? (size_t)got : 0);
    return got >= 0;
}

static void detail_free(struct detail *d)
{
    if (!d)
        return;
    free(d->command);
    free(d->unit);
    free(d->user);
    free(d);
}

void process_forget(struct processes *p, struct process *one)
{
    if (one->fd_plus_1) {
        close(one->fd_plus_1 - 1);
        p->kept--;
    }
    one->fd_plus_1 = 0;
    detail_free(one->detail); // NOLINT(clang-analyzer-unix.Malloc): NULL after the first time
    one->detail = NULL;
}

void processes_free(struct processes *p)
{
    for (size_t i = 0; i < p->n; i++)
        process_forget(p, &p->at[i]);
    free(p->at);
    free(p->next);
    buf_free(&p->line);
    if (p->pass)
        fd_close(&p->proc_fd);
}
