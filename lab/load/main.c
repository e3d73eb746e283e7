/* labload: runs one workload, lets somebody look just before it and at the end of the load (while
 * queues, sockets and descriptors are still held), and prints one JSON line with the workload's
 * own result. Every workload ends by itself; an alarm is the backstop.
 *
 *   labload -s SCENARIO -p PARAM -v SETTING -r ROLE -l LABEL [-t SECONDS] [-u FILE]
 *           WORKLOAD [name=value ...]
 *
 * -u FILE: goes on until FILE exists. A workload that holds something (descriptors, queues, space)
 * holds it so long; any other is done again and again, with a line for each round.
 *
 * ROLE  before | after | trap: the state before the intervention, the state after it, or an
 *       intervention that looks right and is not
 * LABEL none | increase | decrease | upgrade: what an adviser who sees this trial's signals ought
 *       to say
 *
 * If LAB_HOOK is set it is run by /bin/sh twice, inside the same namespaces, with LAB_PHASE=begin
 * and LAB_PHASE=end (before teardown). */
#include "load.h"

#include <stdarg.h>

static int n_args;
static char **args;
static char result_text[512];
static const char *hook;
static bool ended;
static const char *until; /* NULL: once */
static bool holds;        /* the workload's use of a limit stands still: nothing is repeated */

/* LAB_VARY=seed moves the sizes of a load by up to 15 percent either way, so that repeated runs
 * are no copies; no scenario changes its label by that. */
static long vary(const char *name, long v)
{
    static const char *const names[] = {"burst",   "stall_ms",    "n",       "pps",
                                        "cold_mb", "file_hot_mb", "pace_us", NULL};
    const char *seed = getenv("LAB_VARY");
    if (!seed || v < 7)
        return v;
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) {
            uint64_t x = strtoull(seed, NULL, 0) * UINT64_C(0x9e3779b97f4a7c15) +
                         (uint64_t)(unsigned char)name[0] * UINT64_C(0xbf58476d1ce4e5b9);
            x ^= x >> 31;
            x *= UINT64_C(0x94d049bb133111eb);
            x ^= x >> 29;
            return v * (85 + (long)(x % 31)) / 100;
        }
    return v;
}

const char *sarg(const char *name, const char *otherwise)
{
    size_t n = strlen(name);
    for (int i = 0; i < n_args; i++)
        if (strncmp(args[i], name, n) == 0 && args[i][n] == '=')
            return args[i] + n + 1;
    return otherwise;
}

long arg(const char *name, long otherwise)
{
    const char *text = sarg(name, NULL);
    return vary(name, text ? strtol(text, NULL, 0) : otherwise);
}

void result(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(result_text, sizeof result_text, format, list);
    va_end(list);
}

static void run_hook(const char *phase)
{
    if (!hook)
        return;
    setenv("LAB_PHASE", phase, 1);
    pid_t p = fork();
    if (p == 0) {
        close_range(3, ~0U, 0); /* the load may hold nearly all descriptors there are */
        execl("/bin/sh", "sh", "-c", hook, (char *)NULL);
        _exit(127);
    }
    if (p > 0)
        waitpid(p, NULL, 0);
}

void end_of_load(void)
{
    if (ended)
        return;
    ended = true;
    run_hook("end");
    while (until && holds && access(until, F_OK) != 0)
        msleep(100);
}

/* Busy and all time of the processors, in ticks. */
static void read_cpu(double *busy, double *all)
{
    double v[8] = {0};
    *busy = *all = 0;
    FILE *f = fopen("/proc/stat", "r");
    if (!f)
        return;
    if (fscanf(f, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", v, v + 1, v + 2, v + 3, v + 4, v + 5,
               v + 6, v + 7) == 8)
        for (int i = 0; i < 8; i++) {
            *all += v[i];
            *busy += i == 3 || i == 4 ? 0 : v[i]; /* idle and iowait */
        }
    fclose(f);
}

/* Share of all processor time that others used in half a second. */
static double background(void)
{
    double busy[2], all[2];
    read_cpu(&busy[0], &all[0]);
    msleep(500);
    read_cpu(&busy[1], &all[1]);
    return all[1] > all[0] ? (busy[1] - busy[0]) / (all[1] - all[0]) : 0;
}

static const struct workload {
    const char *name;
    void (*run)(void);
    bool holds;
} workloads[] = {
    {"accept", w_accept, false}, {"aio", w_aio, true},         {"cpu", w_cpu, false},
    {"fill", w_fill, true},      {"filemax", w_filemax, true}, {"flows", w_flows, false},
    {"fsync", w_fsync, false},   {"hold", w_hold, false},      {"inotify", w_inotify, true},
    {"ipcids", w_ipcids, true},  {"maps", w_maps, true},       {"mem", w_mem, false},
    {"msgq", w_msgq, false},     {"nofile", w_nofile, true},   {"pids", w_pids, true},
    {"ports", w_ports, false},   {"slots", w_slots, false},    {"udp", w_udp, false},
    {"unread", w_unread, true},  {"group", w_group, false},    {"look", w_look, false},
};

struct trial {
    const char *scenario, *parameter, *setting, *role, *label;
};

static void run(const struct trial *t, const struct workload *w)
{
    double others = w->run == w_hold ? 0 : background();
    run_hook("begin");
    double start = now();
    w->run();
    double seconds = now() - start;
    end_of_load();
    printf("{\"scenario\":\"%s\",\"parameter\":\"%s\",\"setting\":\"%s\",\"role\":\"%s\","
           "\"label\":\"%s\",\"background_busy\":%.2f,\"seconds\":%.1f,\"workload\":\"%s\","
           "\"workload_result\":{%s}}\n",
           t->scenario, t->parameter, t->setting, t->role, t->label, others, seconds, w->name,
           result_text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct trial t = {"?", "?", "?", "before", "none"};
    unsigned limit_s = 55;
    for (int c; (c = getopt(argc, argv, "+s:p:v:r:l:t:u:")) != -1;) {
        switch (c) {
        case 's':
            t.scenario = optarg;
            break;
        case 'p':
            t.parameter = optarg;
            break;
        case 'v':
            t.setting = optarg;
            break;
        case 'r':
            t.role = optarg;
            break;
        case 'l':
            t.label = optarg;
            break;
        case 't':
            limit_s = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'u':
            until = optarg;
            break;
        default:
            return 2;
        }
    }
    if (optind >= argc)
        return 2;
    n_args = argc - optind - 1;
    args = argv + optind + 1;
    signal(SIGPIPE, SIG_IGN);
    alarm(limit_s);
    hook = getenv("LAB_HOOK");
    setenv("LAB_SCENARIO", t.scenario, 1);
    setenv("LAB_PARAM", t.parameter, 1);
    setenv("LAB_SETTING", t.setting, 1);
    setenv("LAB_ROLE", t.role, 1);
    setenv("LAB_LABEL", t.label, 1);
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (strcmp(workloads[i].name, argv[optind]) == 0) {
            holds = workloads[i].holds;
            do {
                ended = false;
                run(&t, &workloads[i]);
            } while (until && access(until, F_OK) != 0);
            return 0;
        }
    fprintf(stderr, "no such workload: %s\n", argv[optind]);
    return 2;
}
