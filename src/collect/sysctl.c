/* Kernel parameters: /proc/sys, those of a list. Parameters of several numbers have a label for
 * each. */
#include "collect/collectors.h"
#include "collect/parse.h"
#include "series/parameter.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { SYSCTL_NAME_MAX = 256, SYSCTLS_MAX = 512 };

static const struct metric sysctl_metrics[] = {
    {"galen_sysctl",
     METRIC_GAUGE,
     "Kernel parameter; field tells the numbers of one apart where it has several.",
     {"name", "field"}},
    {"galen_sysctl_fingerprint",
     METRIC_GAUGE,
     "Changes when the value of any collected kernel parameter does; means nothing else.",
     {0}},
};

/* Everything that a tuning rule proposes a value for or computes with. "x.*" is all below. */
static const char *const defaults[] = {
    "fs.aio-max-nr",
    "fs.file-max",
    "fs.inotify.*",
    "fs.nr_open",
    "fs.pipe-user-pages-soft",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.numa_balancing",
    "kernel.pid_max",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.threads-max",
    "net.core.netdev_budget",
    "net.core.netdev_budget_usecs",
    "net.core.netdev_max_backlog",
    "net.core.rmem_default",
    "net.core.rmem_max",
    "net.core.somaxconn",
    "net.core.wmem_default",
    "net.core.wmem_max",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ipfrag_high_thresh",
    "net.ipv4.ipfrag_low_thresh",
    "net.ipv4.neigh.default.gc_thresh1",
    "net.ipv4.neigh.default.gc_thresh2",
    "net.ipv4.neigh.default.gc_thresh3",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_wmem",
    "net.ipv4.udp_mem",
    "net.ipv6.neigh.default.gc_thresh1",
    "net.ipv6.neigh.default.gc_thresh2",
    "net.ipv6.neigh.default.gc_thresh3",
    "net.netfilter.nf_conntrack_buckets",
    "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_tcp_timeout_established",
    "vm.dirty_background_bytes",
    "vm.dirty_background_ratio",
    "vm.dirty_bytes",
    "vm.dirty_expire_centisecs",
    "vm.dirty_ratio",
    "vm.max_map_count",
    "vm.min_free_kbytes",
    "vm.nr_hugepages",
    "vm.overcommit_memory",
    "vm.overcommit_ratio",
    "vm.swappiness",
    "vm.vfs_cache_pressure",
    "vm.watermark_scale_factor",
    "vm.zone_reclaim_mode",
};

struct parameter {
    struct kfile file;
    struct span name;
    char *path;
};

struct sysctl_state {
    struct parameter *at;
    size_t n, size;
    bool looked; /* for what the list names */
};

static bool is_harmless(const char *name)
{
    return *name && strlen(name) < SYSCTL_NAME_MAX && *name != '.' && *name != '/' &&
           !strstr(name, "..") && !strstr(name, "//");
}

static void add_parameter(struct tick *t, struct sysctl_state *s, const char *name)
{
    if (s->n >= SYSCTLS_MAX)
        return;
    if (s->n == s->size) { /* none has been read yet: they may still move */
        s->size = s->size ? 2 * s->size : 64;
        s->at = mem_grow(s->at, s->size * sizeof *s->at);
    }
    struct parameter *p = &s->at[s->n++];
    char *path = arena_printf(tick_arena(t), "proc/sys/%s", name);
    parameter_swap_separators(path + strlen("proc/sys/"));
    *p = (struct parameter){.name = arena_span(tick_arena(t), span_of(name)), .path = path};
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_plain(const struct dirent *e)
{
    return e->d_type == DT_REG;
}

/* "fs.inotify.*": the files of that directory. */
static void add_below(struct tick *t, struct sysctl_state *s, const char *pattern)
{
    char path[SYSCTL_NAME_MAX + 16];
    int prefix = (int)strlen(pattern) - 2;
    snprintf(path, sizeof path, "%.*s", prefix, pattern);
    parameter_swap_separators(path);
    auto_buf whole = {0};
    buf_printf(&whole, "proc/sys/%s", path);
    struct dirent **entries;
    int n = scandirat(t->c->root_fd, buf_text(&whole), &entries, is_plain, compare_names);
    for (int i = 0; i < n; i++) {
        char *name = entries[i]->d_name;
        parameter_swap_separators(name);
        add_parameter(t, s, arena_printf(tick_arena(t), "%.*s.%s", prefix, pattern, name));
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

static void find_parameters(struct tick *t, struct sysctl_state *s)
{
    const char *const *names = t->c->sysctls.n ? t->c->sysctls.items : defaults;
    size_t n = t->c->sysctls.n ? t->c->sysctls.n : COUNT(defaults);
    s->looked = true;
    for (size_t i = 0; i < n; i++) {
        if (!is_harmless(names[i]))
            tick_odd(t, "list of kernel parameters", span_of(names[i]));
        else if (span_ends(span_of(names[i]), SPAN(".*")))
            add_below(t, s, names[i]);
        else
            add_parameter(t, s, names[i]);
    }
}

static void emit_parameter(struct tick *t, const struct parameter *p, struct span text)
{
    int64_t v[PARAMETER_FIELDS_MAX];
    size_t n = 0;
    struct span rest = span_trim(text), word;
    while (n < COUNT(v) && span_word(&rest, &word)) {
        if (!span_i64(word, &v[n])) {
            /* shmmax and its like go up to 2^64 - 1 */
            uint64_t big;
            if (!span_u64(word, &big))
                return; /* a word, such as tcp_congestion_control's: no number to send */
            emit1(t, &sysctl_metrics[0], p->name, (double)big);
            return;
        }
        n++;
    }
    if (n == 1)
        emit1(t, &sysctl_metrics[0], p->name, (double)v[0]);
    for (size_t i = 0; n > 1 && i < n; i++)
        emit2(t, &sysctl_metrics[0], p->name, parameter_field(p->name, i), (double)v[i]);
}

/* 53 bits, so that it is exact as a float64. The text is part of the name's hash: two parameters
 * that swap their values change it. */
static uint64_t fingerprint_of(struct span name, struct span text)
{
    uint64_t h = span_hash(name) * 31 + span_hash(span_trim(text));
    return (h ^ h >> 29) * UINT64_C(0x9e3779b97f4a7c15);
}

bool sysctl_is_collected(const struct tick *t, struct span name)
{
    const char *const *names = t->c->sysctls.n ? t->c->sysctls.items : defaults;
    size_t n = t->c->sysctls.n ? t->c->sysctls.n : COUNT(defaults);
    for (size_t i = 0; i < n; i++) {
        struct span known = span_of(names[i]);
        if (span_eq(known, name))
            return true;
        if (span_ends(known, SPAN(".*")) && name.len > known.len - 1 &&
            memcmp(name.at, known.at, known.len - 1) == 0)
            return true;
    }
    return false;
}

/* A parameter that this kernel does not have, or that only root may read, is left out. */
static enum status sysctl_collect(struct tick *t, void *state, struct err *err UNUSED)
{
    struct sysctl_state *s = state;
    if (!s->looked)
        find_parameters(t, s);
    uint64_t fingerprint = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct span text;
        if (tick_read_small(t, &s->at[i].file, s->at[i].path, &text, NULL))
            continue;
        emit_parameter(t, &s->at[i], text);
        fingerprint += fingerprint_of(s->at[i].name, text);
    }
    if (fingerprint)
        emit(t, &sysctl_metrics[1], (double)(fingerprint >> 11));
    return OK;
}

static void sysctl_free(void *state)
{
    struct sysctl_state *s = state;
    free(s->at);
}

const struct collector sysctl_collector = {COLLECTOR_OF(sysctl, struct sysctl_state), .every_s = 10,
                                           .free = sysctl_free};
