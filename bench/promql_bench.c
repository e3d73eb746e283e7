/* CPU of the query engine alone, over samples in memory: the shapes of the fleet and the long
 * queries that the server is measured with, without store, HTTP and JSON.
 *
 *   promql_bench [N hosts, default 1000]      one line for each query */
#include "base/clock.h"
#include "promql/promql.h"

#include <stdio.h>
#include <stdlib.h>

enum { REPEATS = 9, STEP_MS = 10000, HOUR_MS = 3600000 };

static uint64_t random_state = 88172645463325252;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static void add_series(struct memory_source *source, const char *const *pairs, bool counter,
                       int64_t start_ms, int64_t end_ms, int64_t every_ms)
{
    struct label_builder b = {0};
    for (; pairs[0]; pairs += 2)
        label_set(&b, span_of(pairs[0]), span_of(pairs[1]));
    struct labels labels = label_builder_end(&b);
    double v = (double)(next_random() % 100000);
    for (int64_t t = start_ms; t <= end_ms; t += every_ms) {
        double step = (double)(next_random() % 1000);
        v = counter ? v + step / 100 : step * 4096;
        if (memory_source_append(source, labels, (struct sample){t, v}, NULL))
            abort();
    }
}

static struct memory_source *fleet(int hosts)
{
    static const char *const modes[] = {"user", "system", "iowait", "idle"};
    struct memory_source *source = memory_source_open();
    for (int h = 0; h < hosts; h++) {
        char host[32], cpu[2] = "0";
        snprintf(host, sizeof host, "host-%04d.example.net", h);
        for (int c = 0; c < 8; c++) {
            cpu[0] = (char)('0' + c / 4);
            const char *pairs[] = {"__name__", "node_cpu_seconds_total",
                                   "job",      "node",
                                   "instance", host,
                                   "cpu",      cpu,
                                   "mode",     modes[c % 4],
                                   NULL};
            add_series(source, pairs, true, 0, HOUR_MS + 300000, STEP_MS);
        }
        const char *memory[] = {
            "__name__", "node_memory_MemAvailable_bytes", "job", "node", "instance", host, NULL};
        const char *total[] = {
            "__name__", "node_memory_MemTotal_bytes", "job", "node", "instance", host, NULL};
        add_series(source, memory, false, 0, HOUR_MS + 300000, STEP_MS);
        add_series(source, total, false, 0, HOUR_MS + 300000, STEP_MS);
    }
    return source;
}

static struct memory_source *month(void)
{
    struct memory_source *source = memory_source_open();
    for (int i = 0; i < 64; i++) {
        char cpu[16];
        snprintf(cpu, sizeof cpu, "%d", i);
        const char *pairs[] = {"__name__", "long_total", "job", "node", "instance",
                               "a",        "cpu",        cpu,   NULL};
        add_series(source, pairs, true, 0, INT64_C(30) * 24 * HOUR_MS, 15000);
    }
    return source;
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void measure(struct memory_source *source, const char *what, const char *text,
                    int64_t start_ms, int64_t end_ms, int64_t step_ms)
{
    int64_t times[REPEATS];
    struct arena arena = {0};
    struct err err = {0};
    struct result result = {0};
    size_t held = 0;
    for (int i = 0; i < REPEATS; i++) {
        arena_reset(&arena);
        int64_t begin = clock_cpu_ns();
        struct expr *e;
        if (promql_parse(span_of(text), &arena, &e, &err)) {
            fprintf(stderr, "%s: %s\n", text, err.text);
            exit(1);
        }
        struct query q = {.expr = e, .start_ms = start_ms, .end_ms = end_ms, .step_ms = step_ms};
        if (promql_eval(&q, memory_source_face(source), &arena, &result, &err)) {
            fprintf(stderr, "%s: %s\n", text, err.text);
            exit(1);
        }
        promql_free(e);
        times[i] = clock_cpu_ns() - begin;
        held = arena.total_bytes;
    }
    arena_free(&arena);
    qsort(times, REPEATS, sizeof *times, compare_times);
    double ms = (double)times[REPEATS / 2] / 1e6;
    printf("%-28s %9.3f ms %10zu samples %6.1f ns each %8.1f MiB  %zu series\n", what, ms,
           result.samples_read, ms * 1e6 / (double)(result.samples_read + 1),
           (double)held / (1 << 20), result.n);
}

int main(int argc, char **argv)
{
    int hosts = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1000;
    struct memory_source *a = fleet(hosts), *c = month();
    const int64_t now = HOUR_MS + 300000, start = now - HOUR_MS, day = 24 * HOUR_MS;
    const char *cpu = "sum by (instance) (rate(node_cpu_seconds_total{mode!=\"idle\"}[5m]))";
    measure(a, "nothing", "vector(1)", now, now, 0);
    measure(a, "gauge, all hosts", "node_memory_MemAvailable_bytes", now, now, 0);
    measure(a, "rate, one series",
            "rate(node_cpu_seconds_total{instance=\"host-0001.example.net\",cpu=\"0\","
            "mode=\"user\"}[5m])",
            now, now, 0);
    measure(a, "CPU by host", "sum by (instance) (rate(node_cpu_seconds_total[5m]))", now, now, 0);
    measure(a, "CPU by host, one less", cpu, now, now, 0);
    measure(a, "topk of it", "topk(10, sum by (instance) (rate(node_cpu_seconds_total[5m])))", now,
            now, 0);
    measure(a, "quantile", "quantile(0.9, node_memory_MemAvailable_bytes)", now, now, 0);
    measure(a, "division, filter",
            "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.1", now, now, 0);
    measure(a, "changes[20m]", "changes(node_memory_MemTotal_bytes[20m])", now, now, 0);
    measure(a, "1 host, 1 h by 15 s",
            "rate(node_cpu_seconds_total{instance=\"host-0001.example.net\"}[5m])", start, now,
            15000);
    measure(a, "fleet average, 1 h by 60 s", "avg(rate(node_cpu_seconds_total[5m]))", start, now,
            60000);
    measure(a, "avg_over_time, 1 h by 60 s", "avg_over_time(node_memory_MemAvailable_bytes[10m])",
            start, now, 60000);
    measure(a, "max_over_time, 1 h by 60 s", "max_over_time(node_cpu_seconds_total[10m])", start,
            now, 60000);
    measure(a, "histogram_quantile none", "histogram_quantile(0.9, nothing)", start, now, 60000);
    measure(a, "or, unless",
            "node_memory_MemAvailable_bytes > 1e6 unless node_memory_MemTotal_bytes"
            " > 2e6 or node_memory_MemTotal_bytes",
            start, now, 60000);
    measure(c, "one series 30 d, avg 1 h", "avg_over_time(long_total{cpu=\"7\"}[1h])", day,
            30 * day, HOUR_MS);
    measure(c, "64 series 30 d, rate 1 h", "rate(long_total[1h])", day, 30 * day, HOUR_MS);
    measure(c, "64 series 30 d, sum of it", "sum(rate(long_total[1h]))", day, 30 * day, HOUR_MS);
    measure(c, "gauge 30 d by 1 h", "long_total{cpu=\"7\"}", day, 30 * day, HOUR_MS);
    measure(c, "quantile_over_time 30 d", "quantile_over_time(0.9, long_total{cpu=\"7\"}[6h])", day,
            30 * day, HOUR_MS);
    memory_source_close(a);
    memory_source_close(c);
    return 0;
}
