/* What one pass over /proc costs: files opened for each reading, files kept open, and the whole
 * collector. Usage: process_bench [PROCESSES [ROUNDS]]; starts as many sleeping processes. */
#include "base/arena.h"
#include "base/clock.h"
#include "collect/collect.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NUMBERS = 70000, TEXT_BYTES = 2048 };

static char numbers[NUMBERS][12];
static int kept[NUMBERS];

static size_t list(int proc)
{
    size_t n = 0;
    DIR *dir = fdopendir(dup(proc));
    rewinddir(dir);
    for (const struct dirent *e; n < NUMBERS && (e = readdir(dir));)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
            snprintf(numbers[n++], sizeof numbers[0], "%.11s", e->d_name);
    closedir(dir);
    return n;
}

static int open_stat(int proc, size_t i)
{
    char path[32];
    snprintf(path, sizeof path, "%.11s/stat", numbers[i]);
    return openat(proc, path, O_RDONLY | O_CLOEXEC);
}

static void reopened(int proc)
{
    char text[TEXT_BYTES];
    size_t n = list(proc);
    for (size_t i = 0; i < n; i++) {
        int fd = open_stat(proc, i);
        if (fd < 0)
            continue;
        (void)!pread(fd, text, sizeof text, 0);
        close(fd);
    }
}

static void reread(int proc)
{
    char text[TEXT_BYTES];
    size_t n = list(proc);
    for (size_t i = 0; i < n; i++)
        (void)!pread(kept[i], text, sizeof text, 0);
}

static struct collect *collect;
static int64_t now_ms = 1000;

static void collected(int proc)
{
    (void)proc;
    collect_run(collect, now_ms, now_ms, false);
    now_ms += 10000;
}

static void measure(const char *what, void (*fn)(int), int proc, int rounds, size_t n)
{
    fn(proc);
    int64_t began = clock_cpu_ns();
    for (int i = 0; i < rounds; i++)
        fn(proc);
    double us = (double)(clock_cpu_ns() - began) / 1e3 / rounds;
    printf("%-28s %8.0f us  %6.2f us/process  %6.2f ms/500\n", what, us, us / (double)n,
           us / (double)n / 2);
}

static void open_collect(void)
{
    struct err err = {0};
    size_t n, k = 0;
    const struct collector *const *all = collect_table(&n);
    const char **off = malloc(n * sizeof *off);
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i]->name, "processes") != 0)
            off[k++] = all[i]->name;
    struct collect_config config = {.root = "/", .off = {off, k}};
    if (collect_open(&config, &collect, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    free(off);
}

int main(int argc, char **argv)
{
    int extra = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 500;
    int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 20;
    pid_t *children = malloc((size_t)extra * sizeof *children + 1);
    for (int i = 0; i < extra; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            pause();
            _exit(0);
        }
    }
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t n = list(proc);
    printf("%zu processes\n", n);
    measure("open, read, close", reopened, proc, rounds, n);
    for (size_t i = 0; i < n; i++)
        kept[i] = open_stat(proc, i);
    measure("kept open", reread, proc, rounds, n);
    for (size_t i = 0; i < n; i++)
        close(kept[i]);
    open_collect();
    measure("collector \"processes\"", collected, proc, rounds, n);
    collect_close(collect);
    for (int i = 0; i < extra; i++)
        if (children[i] > 0)
            kill(children[i], SIGTERM);
    free(children);
    return 0;
}
