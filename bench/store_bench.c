/* store_bench: the embedded store alone, in this process, with the load of rwload/mix.h. The CPU
 * time of making the messages is measured and taken off; HTTP and decompression are not in it.
 *
 *   store_bench [--hosts N] [--duration S] [--interval S] [--batch-samples K] [--writers N]
 *               [--dir DIR] [--keep]
 *   store_bench --dir DIR --open N     only opens what --crash left, N times, and the last time
 *                                      finds series by =, =~, != and !~ (CPU time each)
 *   ... --crash                        loads, and leaves all of it in the log
 *
 * Prints one line for loading (every message awaited until it is durable), one for compacting,
 * one for restarts after a clean end and after a crash. */
#include "rwload/mix.h"
#include "rwload/payload.h"
#include "rwload/util.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/embedded/embedded.h"

#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct writer {
    pthread_t thread;
    struct store *store;
    int number, count;
    uint64_t samples, generating_ns;
    double *latency;
    size_t latency_n, latency_size;
};

static int64_t start_ms, steps;
static int batch = 1;
static double duration = 600;

static uint64_t tree_bytes;

static int add_size(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)path, (void)ftw;
    if (kind == FTW_F)
        tree_bytes += (uint64_t)info->st_blocks * 512;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info, (void)kind, (void)ftw;
    return remove(path);
}

static uint64_t disk_used(const char *dir)
{
    tree_bytes = 0;
    nftw(dir, add_size, 16, FTW_PHYS);
    return tree_bytes;
}

static uint64_t resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long size = 0, pages = 0;
    if (f && fscanf(f, "%lu %lu", &size, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return (uint64_t)pages * 4096;
}

static uint64_t thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void make_message(struct buffer *raw, struct buffer *labels, int h, int64_t step,
                         int64_t count)
{
    raw->len = 0;
    for (int i = 0; i < mix.series_per_host; i++) {
        labels->len = 0;
        payload_labels(labels, h, i);
        payload_series(raw, h, i, labels->data, labels->len, start_ms, step, count);
    }
}

static void *load(void *arg)
{
    struct writer *w = arg;
    struct store_writer *out = store_writer_open(w->store);
    struct buffer raw = {0}, labels = {0};
    for (int64_t step = 0; step < steps; step += batch) {
        int64_t count = steps - step < batch ? steps - step : batch;
        for (int h = w->number; h < mix.hosts; h += w->count) {
            uint64_t begin = thread_ns();
            make_message(&raw, &labels, h, step, count);
            w->generating_ns += thread_ns() - begin;
            struct append_result result;
            struct err err;
            double t = seconds_now();
            while (store_append_wait(out, span_from(raw.data, raw.len), &result, &err) == AGAIN)
                usleep(1000);
            t = seconds_now() - t;
            w->samples += result.samples;
            if (w->latency_n == w->latency_size) {
                w->latency_size = w->latency_size ? w->latency_size * 2 : 4096;
                w->latency = need(realloc(w->latency, w->latency_size * sizeof *w->latency));
            }
            w->latency[w->latency_n++] = t;
        }
    }
    store_writer_close(out);
    free(raw.data);
    free(labels.data);
    return NULL;
}

static struct store *open_store(const char *dir, double *seconds)
{
    struct store_config config = {.dir = dir, .retention_ms = INT64_C(400) * 86400000};
    struct store *s;
    struct err err;
    double t = seconds_now();
    if (store_open(&config, &s, &err))
        die("%s", err.text);
    *seconds = seconds_now() - t;
    return s;
}

static void report_load(struct writer *w, int n, double seconds, double cpu, uint64_t memory,
                        const char *dir)
{
    uint64_t samples = 0, generating = 0;
    size_t latencies = 0;
    double *all_latencies = NULL;
    for (int i = 0; i < n; i++) {
        samples += w[i].samples;
        generating += w[i].generating_ns;
        all_latencies =
            need(realloc(all_latencies, (latencies + w[i].latency_n + 1) * sizeof(double)));
        memcpy(all_latencies + latencies, w[i].latency, w[i].latency_n * sizeof(double));
        latencies += w[i].latency_n;
    }
    qsort(all_latencies, latencies, sizeof(double), by_value);
    cpu -= (double)generating / 1e9;
    uint64_t disk = disk_used(dir);
    printf("load samples=%" PRIu64 " cpu_s=%.2f samples_per_cpu_s=%.0f wall_s=%.2f p50_ms=%.2f "
           "p99_ms=%.2f max_ms=%.1f memory_per_series=%.0f disk_per_sample=%.3f\n",
           samples, cpu, (double)samples / cpu, seconds, all_latencies[latencies / 2] * 1e3,
           all_latencies[latencies * 99 / 100] * 1e3, all_latencies[latencies - 1] * 1e3,
           (double)memory / ((double)mix.hosts * mix.series_per_host),
           (double)disk / (double)samples);
    free(all_latencies);
}

static uint64_t highest;
static volatile bool watching;

static void *watch(void *arg)
{
    (void)arg;
    while (watching) {
        uint64_t bytes = resident();
        highest = bytes > highest ? bytes : highest;
        usleep(50000);
    }
    return NULL;
}

/* What an index is asked: by one series, one metric, one host; by patterns; by what is not. */
static void find_series(struct store *s)
{
    static const struct {
        const char *text;
        struct {
            enum matcher_kind kind;
            const char *name, *value;
        } at[2];
    } cases[] = {
        {"name= instance=",
         {{MATCH_EQUAL, "__name__", "node_load1"}, {MATCH_EQUAL, "instance", "host-00007:9100"}}},
        {"name=", {{MATCH_EQUAL, "__name__", "node_load1"}}},
        {"instance=", {{MATCH_EQUAL, "instance", "host-00007:9100"}}},
        {"name= instance=~prefix",
         {{MATCH_EQUAL, "__name__", "node_load1"}, {MATCH_REGEX, "instance", "host-0000.*"}}},
        {"instance=~any of 3", {{MATCH_REGEX, "instance", "host-0000(1|2|3):9100"}}},
        {"instance=~middle", {{MATCH_REGEX, "instance", ".*77.*"}}},
        {"name=~suffix", {{MATCH_REGEX, "__name__", ".*_total"}}},
        {"name= instance!=",
         {{MATCH_EQUAL, "__name__", "node_load1"},
          {MATCH_NOT_EQUAL, "instance", "host-00007:9100"}}},
        {"name= instance!~",
         {{MATCH_EQUAL, "__name__", "node_load1"}, {MATCH_NOT_REGEX, "instance", "host-0000.*"}}},
        {"name!=", {{MATCH_NOT_EQUAL, "__name__", "node_load1"}}},
        {"no such", {{MATCH_EQUAL, "__name__", "nothing"}}},
    };
    struct select_hints hints = {.start_ms = 0, .end_ms = INT64_MAX, .labels_only = true};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct matcher m[2];
        struct arena arena = {0};
        struct selected *found;
        struct err err;
        size_t n = 0, found_n;
        for (; n < 2 && cases[i].at[n].name; n++)
            if (matcher_init(&m[n], cases[i].at[n].kind, span_of(cases[i].at[n].name),
                             span_of(cases[i].at[n].value), &err))
                die("%s", err.text);
        uint64_t best = UINT64_MAX;
        for (int round = 0; round < 5; round++) {
            arena_reset(&arena);
            uint64_t begin = thread_ns();
            struct source *view = store_read_begin(s);
            if (view->select(view, m, n, &hints, &arena, &found, &found_n, &err))
                die("%s", err.text);
            store_read_end(view);
            begin = thread_ns() - begin;
            best = begin < best ? begin : best;
        }
        printf("match %-24s found=%zu cpu_ms=%.3f\n", cases[i].text, found_n, (double)best / 1e6);
        for (size_t k = 0; k < n; k++)
            matcher_free(&m[k]);
        arena_free(&arena);
    }
}

static int open_often(const char *dir, int times)
{
    for (int i = 0; i < times; i++) {
        double seconds;
        int64_t cpu = clock_cpu_ns();
        struct store *s = open_store(dir, &seconds);
        struct store_stats stats;
        store_stats(s, &stats);
        printf("open restart_s=%.3f cpu_s=%.3f series=%" PRIu64 " samples=%" PRIu64 "\n", seconds,
               (double)(clock_cpu_ns() - cpu) / 1e9, stats.series_active, stats.samples_stored);
        if (i == times - 1)
            find_series(s);
        store_abandon(s);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"hosts", 1, 0, 'n'},
                                            {"series-per-host", 1, 0, 'm'},
                                            {"interval", 1, 0, 'i'},
                                            {"duration", 1, 0, 'd'},
                                            {"batch-samples", 1, 0, 'b'},
                                            {"writers", 1, 0, 'w'},
                                            {"dir", 1, 0, 'D'},
                                            {"keep", 0, 0, 'k'},
                                            {"open", 1, 0, 'o'},
                                            {"crash", 0, 0, 'c'},
                                            {0}};
    char made[] = "/tmp/store-bench-XXXXXX";
    const char *dir = NULL;
    int writers = 2;
    double seconds;
    bool keep = false, crash = false;
    int opens = 0;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (o) {
        case 'n':
            mix.hosts = atoi(optarg);
            break;
        case 'm':
            mix.series_per_host = atoi(optarg);
            break;
        case 'i':
            mix.interval_ms = llround(atof(optarg) * 1000);
            break;
        case 'd':
            duration = atof(optarg);
            break;
        case 'b':
            batch = atoi(optarg);
            break;
        case 'w':
            writers = atoi(optarg);
            break;
        case 'D':
            dir = optarg;
            break;
        case 'k':
            keep = true;
            break;
        case 'o':
            opens = atoi(optarg);
            break;
        case 'c':
            crash = keep = true;
            break;
        default:
            die("see the head of store_bench.c for the options");
        }
    dir = dir ? dir : mkdtemp(made);
    log_setup("store_bench", LOG_WARN, false);
    if (opens)
        return open_often(dir, opens);
    steps = (int64_t)(duration * 1000) / mix.interval_ms;
    start_ms = (int64_t)time(NULL) * 1000 - steps * mix.interval_ms;
    mix_begin(false);

    uint64_t before = resident();
    pthread_t watcher;
    watching = true;
    pthread_create(&watcher, NULL, watch, NULL);
    struct store *s = open_store(dir, &seconds);
    struct writer *w = need(calloc((size_t)writers, sizeof *w));
    int64_t cpu = clock_cpu_ns();
    double begin = seconds_now();
    for (int i = 0; i < writers; i++) {
        w[i].store = s;
        w[i].number = i;
        w[i].count = writers;
        pthread_create(&w[i].thread, NULL, load, &w[i]);
    }
    for (int i = 0; i < writers; i++)
        pthread_join(w[i].thread, NULL);
    watching = false;
    pthread_join(watcher, NULL);
    report_load(w, writers, seconds_now() - begin, (double)(clock_cpu_ns() - cpu) / 1e9,
                highest - before, dir);

    store_abandon(s);
    if (crash)
        return open_often(dir, 3);
    s = open_store(dir, &seconds);
    printf("crash restart_s=%.3f\n", seconds);
    cpu = clock_cpu_ns();
    begin = seconds_now();
    struct err err;
    if (store_compact(s, &err))
        die("%s", err.text);
    struct store_stats stats;
    store_stats(s, &stats);
    printf("compact wall_s=%.2f cpu_s=%.2f samples=%" PRIu64 " blocks=%" PRIu64 "\n",
           seconds_now() - begin, (double)(clock_cpu_ns() - cpu) / 1e9, stats.samples_stored,
           stats.blocks);
    store_close(s);
    uint64_t bytes = disk_used(dir);
    s = open_store(dir, &seconds);
    printf("clean restart_s=%.3f bytes_per_sample=%.4f\n", seconds,
           (double)bytes / (double)stats.samples_stored);
    store_close(s);
    if (!keep)
        nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
