/* For how long each host has been silent, as series, so that a rule sees a host that has gone: what
 * a host no longer sends cannot be asked for. The server's own absence is not the host's silence;
 * neither is the time between two samples of a host that sends every five minutes. Both are known
 * again after a restart, from the series of before. A host of which no second and third sample has
 * come is not waited for. */
#include "server/alerts_state.h"

#include "base/log.h"
#include "promql/promql.h"
#include "record/record.h"
#include "series/remote_write.h"

#include <stdlib.h>

enum {
    GAP_MAX_MS = 5 * 60 * 1000, /* the longest interval that an agent can be told */
    LATE_GAPS = 3,              /* so many intervals without a sample are no accident */
};

struct heard {
    char *name;
    int64_t last_ms; /* the newest sample that was seen */
    /* Between the newest samples of two looks, the last two times: an outage widens one. */
    int64_t gaps_ms[2];
};

static const char GAPS[] = "max by (instance) (last_over_time("
                           "galen_host_interval_seconds{job=\"galen-server\"}[1d]))";
/* The time of the newest sample of ours, of the last week. */
static const char STOPPED[] =
    "max(max_over_time(timestamp(galen_server_cpu_seconds_total{job=\"galen-server\"})[7d:4m]))";

static struct heard *heard_of(struct alerts *a, struct span host)
{
    struct heard *h = map_get(&a->heard, host);
    if (!h) {
        h = mem_zero(1, sizeof *h);
        h->name = mem_dup_span(host);
        map_put(&a->heard, span_of(h->name), h);
    }
    return h;
}

static bool ask(struct alerts *a, const char *text, int64_t now_ms, struct arena *arena,
                struct result *out)
{
    struct expr *expr = NULL;
    struct err err = {0};
    struct source *view = store_read_begin(a->config.store);
    enum status st = promql_parse(span_of(text), arena, &expr, &err);
    struct query q = {.expr = expr, .start_ms = now_ms, .end_ms = now_ms};
    if (!st)
        st = promql_eval(&q, view, arena, out, &err);
    store_read_end(view);
    promql_free(expr);
    if (st)
        log_warn("how long hosts were silent before the start is not known: %s", err.text);
    return !st && out->kind == VALUE_VECTOR;
}

void alerts_silence_open(struct alerts *a, int64_t now_ms)
{
    auto_arena arena = {0};
    struct result gaps = {0}, stopped = {0};
    if (ask(a, GAPS, now_ms, &arena, &gaps))
        for (size_t i = 0; i < gaps.n; i++) {
            struct heard *h = heard_of(a, labels_get(gaps.series[i].labels, SPAN("instance")));
            h->gaps_ms[0] = h->gaps_ms[1] = (int64_t)(gaps.series[i].at[0].v * 1000);
        }
    a->back_ms = now_ms;
    a->away_ms = ask(a, STOPPED, now_ms, &arena, &stopped) && stopped.n
                     ? now_ms - (int64_t)(stopped.series[0].at[0].v * 1000)
                     : 0;
}

void alerts_silence_close(struct alerts *a)
{
    const struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&a->heard, &at));) {
        struct heard *h = slot->value;
        free(h->name);
        free(h);
    }
    map_free(&a->heard);
}

static void put(struct buf *out, const char *name, struct span host, int64_t ms, int64_t now_ms)
{
    struct label labels[] = {{SPAN(LABEL_NAME), span_of(name)},
                             {SPAN("instance"), host},
                             {SPAN("job"), SPAN("galen-server")}};
    struct sample sample = {now_ms, (double)ms / 1000};
    write_series(out, (struct labels){labels, COUNT(labels)}, &sample, 1);
}

static int64_t gap_ms(const struct heard *h)
{
    return MIN(h->gaps_ms[0], h->gaps_ms[1]);
}

/* Milliseconds of silence that count: not the server's own absence, and none while the next sample
 * is not late. */
static int64_t silent_ms(struct alerts *a, struct heard *h, int64_t last_ms, int64_t now_ms)
{
    if (last_ms > h->last_ms) {
        if (h->last_ms) {
            h->gaps_ms[1] = h->gaps_ms[0];
            h->gaps_ms[0] = MIN(last_ms - h->last_ms, (int64_t)GAP_MAX_MS);
        }
        h->last_ms = last_ms;
    }
    int64_t away_ms = last_ms < a->back_ms - a->away_ms ? a->away_ms : a->back_ms - last_ms;
    int64_t ms = now_ms - last_ms - MAX(away_ms, (int64_t)0);
    return ms > LATE_GAPS * gap_ms(h) ? ms : 0;
}

void alerts_silence(struct alerts *a, int64_t now_ms, struct buf *out)
{
    auto_arena arena = {0};
    struct host_row *hosts;
    size_t n;
    if (record_hosts(a->config.record, &arena, &hosts, &n, NULL))
        return;
    for (size_t i = 0; i < n; i++) {
        struct heard *h = heard_of(a, hosts[i].name);
        int64_t ms = silent_ms(a, h, hosts[i].last_seen_ms, now_ms);
        if (!h->gaps_ms[1])
            continue; /* imported, or analysed once: nobody expects more of it */
        put(out, "galen_host_silent_seconds", hosts[i].name, ms, now_ms);
        put(out, "galen_host_interval_seconds", hosts[i].name, gap_ms(h), now_ms);
    }
}
