/* What alert rules cost: the built-in rules and plain ones beside them, 60 together, over 1,000
 * hosts in the real store, evaluated each 15 s of its time. Prints the share of a core.
 *
 *   build/bench/alerts_bench RULES_DIR [HOSTS] */
#include "alert/alert.h"
#include "base/clock.h"
#include "series/remote_write.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { INTERVAL_MS = 15000, MINUTES = 10, ROUNDS = 10, RULES_WANTED = 60 };

static int64_t now_ms = INT64_C(1795000000000);

static int64_t store_now(void)
{
    return now_ms;
}

static struct buf message;

static void put(const char *metric, const char *host, const char *name, const char *value,
                const char *name2, const char *value2, double v)
{
    struct label_builder b = {0};
    struct sample sample = {now_ms, v};
    label_set(&b, SPAN(LABEL_NAME), span_of(metric));
    label_set(&b, SPAN("instance"), span_of(host));
    label_set(&b, span_of(name), span_of(value));
    label_set(&b, span_of(name2), span_of(value2));
    write_series(&message, label_builder_end(&b), &sample, 1);
}

/* What one host sends of what the rules look at. */
static void put_host(int i, int round)
{
    static const char *const modes[] = {"idle", "iowait"};
    static const char *const cpus[] = {"0", "1", "2", "3"}, *const mounts[] = {"/", "/var"};
    char host[16];
    snprintf(host, sizeof host, "host%04d", i);
    for (size_t c = 0; c < COUNT(cpus); c++)
        for (size_t m = 0; m < COUNT(modes); m++)
            put("node_cpu_seconds_total", host, "cpu", cpus[c], "mode", modes[m],
                round * 15 * (m ? 0.01 : (i % 100) / 100.0));
    put("node_load5", host, "", "", "", "", i % 7);
    put("node_memory_MemAvailable_bytes", host, "", "", "", "", 1e9 * (i % 10 + 1));
    put("node_memory_MemTotal_bytes", host, "", "", "", "", 1.1e10);
    put("node_memory_SwapFree_bytes", host, "", "", "", "", 1e9);
    put("node_memory_SwapTotal_bytes", host, "", "", "", "", 1e9);
    put("node_boot_time_seconds", host, "", "", "", "", 1.79e9);
    put("galen_sysctl_fingerprint", host, "", "", "", "", 5);
    for (size_t m = 0; m < COUNT(mounts); m++) {
        put("node_filesystem_avail_bytes", host, "mountpoint", mounts[m], "fstype", "ext4",
            1e9 * (i % 20));
        put("node_filesystem_size_bytes", host, "mountpoint", mounts[m], "fstype", "ext4", 2e10);
        put("node_filesystem_files_free", host, "mountpoint", mounts[m], "fstype", "ext4", 1e6);
        put("node_filesystem_files", host, "mountpoint", mounts[m], "fstype", "ext4", 2e6);
    }
}

struct world {
    struct store *store;
    struct store_writer *writer;
    struct buf out;
    size_t changes;
};

static struct source *view(void *arg)
{
    return store_read_begin(((struct world *)arg)->store);
}

static void view_end(void *arg, struct source *v)
{
    (void)arg;
    store_read_end(v);
}

static void append(void *arg, struct labels labels, struct sample sample)
{
    write_series(&((struct world *)arg)->out, labels, &sample, 1);
}

static enum status commit(void *arg, struct err *err)
{
    struct world *w = arg;
    struct append_result result;
    enum status st = store_append_wait(w->writer, buf_view(&w->out), &result, err);
    buf_clear(&w->out);
    return st;
}

static void changed(void *arg, enum alert_change change, const struct alert *a)
{
    (void)change;
    (void)a;
    ((struct world *)arg)->changes++;
}

static void die(const struct err *err)
{
    fprintf(stderr, "alerts_bench: %s\n", err->text);
    exit(1);
}

static void read_rules(struct alert_rules *rules, const char *dir)
{
    struct err err = {0};
    auto_buf more = {0};
    rules_init(rules);
    if (rules_read_dir(rules, dir, INTERVAL_MS, &err))
        die(&err);
    buf_str(&more, "groups:\n- name: more\n  rules:\n");
    for (size_t i = rules->n_rules; i < RULES_WANTED; i++)
        buf_printf(&more, "  - {alert: More%zu, expr: 'node_load5 > %zu.5'}\n", i, i % 5 + 4);
    if (rules_read(rules, buf_view(&more), "more.yml", INTERVAL_MS, &err))
        die(&err);
}

static void send_round(struct world *w, int hosts, int round)
{
    struct err err = {0};
    struct append_result result;
    now_ms += INTERVAL_MS;
    buf_clear(&message);
    for (int i = 0; i < hosts; i++)
        put_host(i, round);
    if (store_append_wait(w->writer, buf_view(&message), &result, &err))
        die(&err);
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/galen-alerts-bench-XXXXXX";
    int hosts = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1000, round = 0;
    struct alert_rules rules;
    struct world w = {0};
    struct err err = {0};
    if (argc < 2 || !mkdtemp(dir))
        return 2;
    if (store_open(&(struct store_config){.dir = dir, .now_ms = store_now}, &w.store, &err))
        die(&err);
    w.writer = store_writer_open(w.store);
    read_rules(&rules, argv[1]);
    struct alerter *a = alerter_open(&rules);
    struct alert_world world = {.arg = &w,
                                .view = view,
                                .view_end = view_end,
                                .append = append,
                                .commit = commit,
                                .changed = changed};
    for (; round < MINUTES * 4; round++)
        send_round(&w, hosts, round);
    for (size_t g = 0; g < rules.n; g++)
        alerter_restore_for(a, g, now_ms, NULL);
    int64_t cpu_ns = 0;
    for (int i = 0; i < ROUNDS; i++, round++) {
        send_round(&w, hosts, round);
        int64_t start_ns = clock_cpu_ns();
        for (size_t g = 0; g < rules.n; g++)
            if (alerter_evaluate(a, g, now_ms, &world, &err))
                die(&err);
        cpu_ns += i ? clock_cpu_ns() - start_ns : 0; /* the first one makes every alert */
    }
    double ms = (double)cpu_ns / 1e6 / (ROUNDS - 1);
    struct alerter_stats stats;
    alerter_stats(a, &stats);
    printf("%zu rules x %d hosts, %zu alerts firing, %zu pending: %.0f ms of CPU each 15 s, "
           "%.2f %% of a core\n",
           rules.n_rules, hosts, stats.firing, stats.pending, ms, ms / INTERVAL_MS * 100);
    alerter_close(a);
    rules_free(&rules);
    store_writer_close(w.writer);
    store_close(w.store);
    return 0;
}
