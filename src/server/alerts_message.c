/* Messages that no group makes: the daily summary, and everything for Alertmanagers. */
#include "server/alerts_state.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdlib.h>

enum {
    DAY_MS = 24 * 3600 * 1000,
    RESOLVED_TOLD_MS = 5 * 60 * 1000,
    SUMMARY_NAMES_MAX = 20,
    SUMMARY_EVENTS_MAX = 100000,
};

/* ---- the daily summary ---- */

struct fired {
    struct span name;
    size_t n, hosts;
    struct map seen; /* hosts */
};

struct day {
    struct arena arena;
    struct map by_name; /* -> struct fired */
    size_t fired;
};

static void count_one(struct day *d, const struct alert_event *e)
{
    struct fired *f = map_get(&d->by_name, e->name);
    if (!f) {
        f = ARENA_NEW(&d->arena, struct fired);
        f->name = e->name;
        map_put(&d->by_name, f->name, f);
    }
    f->n++;
    f->hosts += map_put(&f->seen, e->host, f) == NULL;
    d->fired++;
}

static void count_day(struct alerts *a, int64_t now_ms, struct day *d)
{
    struct alert_filter f = {
        .state = SPAN("firing"), .from_ms = now_ms - DAY_MS, .limit = ALERTS_LIMIT_MAX};
    struct alert_event *events;
    size_t n;
    do {
        if (record_alert_history(a->config.record, 0, &f, &d->arena, &events, &n, NULL))
            return;
        for (size_t i = 0; i < n; i++)
            count_one(d, &events[i]);
        if (n)
            f.before_id = events[n - 1].id;
    } while (n == ALERTS_LIMIT_MAX && d->fired < SUMMARY_EVENTS_MAX);
}

static int most_first(const void *a, const void *b)
{
    const struct fired *x = *(struct fired *const *)a, *y = *(struct fired *const *)b;
    return x->n != y->n ? (x->n < y->n ? 1 : -1) : span_compare(x->name, y->name);
}

/* "DiskSpaceLow: 5 times, on 3 hosts" */
static void describe(struct day *d, struct buf *out)
{
    const struct map_slot *slot;
    struct fired **all = ARENA_ARRAY(&d->arena, struct fired *, d->by_name.count);
    size_t n = 0;
    for (size_t at = 0; (slot = map_next(&d->by_name, &at));)
        all[n++] = slot->value;
    if (n)
        qsort(all, n, sizeof *all, most_first);
    for (size_t i = 0; i < MIN(n, (size_t)SUMMARY_NAMES_MAX); i++)
        buf_printf(out, "%.*s: %zu time%s, on %zu host%s\n", SPAN_ARG(all[i]->name), all[i]->n,
                   all[i]->n == 1 ? "" : "s", all[i]->hosts, all[i]->hosts == 1 ? "" : "s");
    if (n > SUMMARY_NAMES_MAX)
        buf_printf(out, "and %zu other alerts\n", n - SUMMARY_NAMES_MAX);
    for (size_t i = 0; i < n; i++)
        map_free(&all[i]->seen);
}

static void put_firing(struct alerts *a, struct json *j)
{
    const struct sender_view *v = &a->known;
    size_t listed = 0;
    json_key(j, "alerts");
    json_begin_array(j);
    for (size_t i = 0; i < v->n && listed < MESSAGE_ALERTS_MAX; i++)
        if (v->alerts[i].firing) {
            routed_alert_json(j, &v->alerts[i], span_of(a->config.external_url));
            listed++;
        }
    json_end_array(j);
}

void alerts_summary(struct alerts *a, int64_t now_ms, struct buf *out)
{
    struct day day = {0};
    auto_buf title = {0}, text = {0};
    size_t firing = 0;
    for (size_t i = 0; i < a->known.n; i++)
        firing += a->known.alerts[i].firing;
    count_day(a, now_ms, &day);
    describe(&day, &text);
    buf_printf(&title, "Daily summary: %zu alert%s fired in the last 24 hours, %zu fire%s now",
               day.fired, day.fired == 1 ? "" : "s", firing, firing == 1 ? "s" : "");
    struct json j = json_to(out);
    json_begin_object(&j);
    json_field(&j, "version", "4");
    json_field(&j, "groupKey", "summary");
    json_field_i64(&j, "truncatedAlerts",
                   firing > MESSAGE_ALERTS_MAX ? (int64_t)firing - MESSAGE_ALERTS_MAX : 0);
    json_field(&j, "status", firing ? "firing" : "resolved");
    json_field(&j, "receiver", "summary");
    json_key(&j, "groupLabels");
    json_raw(&j, SPAN("{}"));
    json_key(&j, "commonLabels");
    json_raw(&j, SPAN("{\"alertname\":\"DailySummary\"}"));
    json_key(&j, "commonAnnotations");
    json_begin_object(&j);
    json_field_span(&j, "title", buf_view(&title));
    json_field_span(&j, "description", buf_view(&text));
    json_end_object(&j);
    json_field(&j, "externalURL", a->config.external_url);
    put_firing(a, &j);
    json_end_object(&j);
    map_free(&day.by_name);
    arena_free(&day.arena);
}

/* ---- everything ---- */

/* One group, at once. */
static const char everything[] =
    "{\"group_by\":[\"none\"],\"group_wait\":\"0\",\"group_interval\":\"0\"}";

struct bodies {
    char **at;
    size_t n;
};

static enum status take_body(void *arg, const struct message *m)
{
    struct bodies *b = arg;
    b->at = mem_grow(b->at, (b->n + 1) * sizeof *b->at);
    b->at[b->n++] = mem_dup_span(m->json);
    return OK;
}

static void put_slice(struct alerts *a, const struct routing *all,
                      const struct routed_alert *alerts, size_t n, int64_t now_ms,
                      struct bodies *out)
{
    auto_buf told = {0};
    for (size_t i = 0; i < n; i++)
        if (!alerts[i].firing) { /* what is over is told when it was told to fire */
            buf_span(&told, alerts[i].fingerprint);
            buf_char(&told, ' ');
        }
    struct groups *once = groups_open();
    groups_told(once, SPAN("default:{none=\"\"}"), told.len ? buf_view(&told) : SPAN(""), 0);
    groups_tick(once, all, alerts, n, span_of(a->config.external_url), now_ms, take_body, NULL,
                out);
    groups_close(once);
}

size_t alerts_everything(struct alerts *a, int64_t now_ms, char ***out)
{
    auto_arena arena = {0};
    const struct sender_view *v = &a->known;
    struct routed_alert *now = ARENA_ARRAY(&arena, struct routed_alert, v->n);
    struct bodies b = {0};
    struct routing *all;
    size_t n = 0;
    *out = NULL;
    if (routing_read(span_of(everything), &all, NULL))
        return 0;
    for (size_t i = 0; i < v->n; i++)
        if (v->alerts[i].firing || now_ms - v->alerts[i].ends_ms < RESOLVED_TOLD_MS) {
            now[n] = v->alerts[i];
            now[n].silenced_by = 0; /* an Alertmanager has silences of its own */
            now[n].acknowledged = false;
            now[n++].inhibited = false;
        }
    for (size_t i = 0; i < n; i += MESSAGE_ALERTS_MAX)
        put_slice(a, all, now + i, MIN(n - i, (size_t)MESSAGE_ALERTS_MAX), now_ms, &b);
    routing_close(all);
    *out = b.at;
    return b.n;
}
