/* Every five minutes a row of each host for those who ask in SQL (record/usage.h). */
#include "server/usage.h"

#include "base/log.h"
#include "base/map.h"
#include "promql/promql.h"
#include "record/usage.h"

/* A column is a question to all hosts at once. */
static const struct {
    const char *expr;
    size_t field;
} columns[] = {
    {"node_memory_MemAvailable_bytes / 1048576", offsetof(struct usage_row, memory_free_mb)},
    {"avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100",
     offsetof(struct usage_row, cpu_idle_pct)},
    {"avg by (instance) (rate(node_cpu_seconds_total{mode=\"system\"}[5m])) * 100",
     offsetof(struct usage_row, cpu_kernel_pct)},
    {"sum by (instance) (node_disk_io_now)", offsetof(struct usage_row, disk_io)},
    {"max by (instance) (node_filesystem_avail_bytes{mountpoint=\"/\"}) / 1048576",
     offsetof(struct usage_row, disk_available_mb)},
};

struct usages {
    struct arena *arena;
    struct map by_host;
    struct usage_row *rows;
    size_t n, size;
};

static struct usage_row *row_of(struct usages *u, struct span host, int64_t now_ms)
{
    void *place = map_get(&u->by_host, host);
    if (place)
        return &u->rows[(uintptr_t)place - 1];
    if (u->n == u->size) {
        size_t size = u->size * 2 + 64;
        u->rows = arena_grow(u->arena, u->rows, u->size * sizeof *u->rows, size * sizeof *u->rows);
        u->size = size;
    }
    u->rows[u->n] = (struct usage_row){host, now_ms, -1, -1, -1, -1, -1};
    map_put(&u->by_host, host, (void *)(uintptr_t)(u->n + 1));
    return &u->rows[u->n++];
}

static enum status ask(struct usages *u, size_t column, struct source *view, int64_t now_ms,
                       struct err *err)
{
    struct expr *e;
    struct result r = {0};
    enum status st = promql_parse(span_of(columns[column].expr), u->arena, &e, err);
    if (st)
        return st;
    struct query q = {.expr = e, .start_ms = now_ms, .end_ms = now_ms};
    st = promql_eval(&q, view, u->arena, &r, err);
    for (size_t i = 0; !st && i < r.n; i++) {
        struct span host = labels_get(r.series[i].labels, SPAN("instance"));
        double v = r.series[i].at[0].v;
        if (!host.len || !(v >= 0 && v < 9e15))
            continue;
        struct usage_row *row = row_of(u, host, now_ms);
        int64_t whole = (int64_t)(v + 0.5);
        memcpy((char *)row + columns[column].field, &whole, sizeof whole);
    }
    promql_free(e);
    return st;
}

bool usage_note(struct record *record, struct source *view, int64_t now_ms, struct arena *arena)
{
    struct usages u = {.arena = arena};
    struct err err = {0};
    enum status st = OK;
    for (size_t i = 0; !st && i < COUNT(columns); i++)
        st = ask(&u, i, view, now_ms, &err);
    if (!st && u.n)
        st = record_usage_add(record, u.rows, u.n, &err);
    if (st)
        log_warn("host_usage gets no row: %s", err.text);
    map_free(&u.by_host);
    return !st && u.n;
}
