/* Judging alerts, and groups of them: when each is to be told, and what. */
#include "alert/route_state.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"

#include <stdlib.h>

/* ---- silenced, inhibited ---- */

/* The labels that must be equal, and the number of the inhibition, as bytes. */
static void inhibition_key(const struct inhibition *in, size_t i, struct labels l, struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%zu", i);
    for (size_t k = 0; k < in->n_equal; k++) {
        buf_char(out, '\xff');
        buf_span(out, labels_get(l, in->equal[k]));
    }
}

void routing_judge(const struct routing *r, const struct silences *s, struct routed_alert *alerts,
                   size_t n, int64_t now_ms)
{
    CLEANUP(map_free) struct map sources = {0};
    auto_arena arena = {0};
    auto_buf key = {0};
    for (size_t k = 0; k < n; k++) {
        alerts[k].silenced_by = s ? silences_match(s, alerts[k].labels, now_ms) : 0;
        alerts[k].inhibited = false;
        alerts[k].inhibited_by = 0;
        for (size_t i = 0; alerts[k].firing && i < r->n_inhibitions; i++) {
            if (!match_fits(&r->inhibitions[i].source, alerts[k].labels))
                continue;
            inhibition_key(&r->inhibitions[i], i, alerts[k].labels, &key);
            map_put(&sources, arena_span(&arena, buf_view(&key)), &alerts[k]);
        }
    }
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; sources.count && i < r->n_inhibitions; i++) {
            if (!match_fits(&r->inhibitions[i].target, alerts[k].labels))
                continue;
            inhibition_key(&r->inhibitions[i], i, alerts[k].labels, &key);
            const struct routed_alert *by = map_get(&sources, buf_view(&key));
            if (by && by != &alerts[k]) {
                alerts[k].inhibited = true;
                alerts[k].inhibited_by = by->id;
            }
        }
}

/* ---- groups ---- */

struct told {
    struct span fingerprint;
    bool now; /* still in the group */
};

struct group {
    struct span key;
    struct map told; /* fingerprints that were told as firing -> struct told */
    int64_t told_ms; /* when, last; 0: never */
    int64_t due_ms;  /* 0: nothing new */
    const struct route *route;
    const struct routed_alert **alerts; /* of this tick */
    size_t n, size;
    bool seen;
};

struct groups {
    struct map by_key;
};

struct groups *groups_open(void)
{
    return mem_zero(1, sizeof(struct groups));
}

static void told_clear(struct group *g)
{
    const struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&g->told, &at));) {
        struct told *t = slot->value;
        free((void *)(uintptr_t)t->fingerprint.at);
        free(t);
    }
    map_free(&g->told);
    g->told = (struct map){0};
}

static void group_free(struct group *g)
{
    told_clear(g);
    free((void *)(uintptr_t)g->key.at);
    free(g->alerts);
    free(g);
}

void groups_close(struct groups *g)
{
    const struct map_slot *slot;
    if (!g)
        return;
    for (size_t at = 0; (slot = map_next(&g->by_key, &at));)
        group_free(slot->value);
    map_free(&g->by_key);
    free(g);
}

static struct group *group_of(struct groups *g, struct span key)
{
    struct group *one = map_get(&g->by_key, key);
    if (one)
        return one;
    one = mem_zero(1, sizeof *one);
    one->key = span_from(mem_dup_span(key), key.len);
    map_put(&g->by_key, one->key, one);
    return one;
}

static void told_add(struct group *g, struct span fingerprint)
{
    struct told *t = mem_zero(1, sizeof *t);
    t->fingerprint = span_from(mem_dup_span(fingerprint), fingerprint.len);
    map_put(&g->told, t->fingerprint, t);
}

void groups_told(struct groups *g, struct span group_key, struct span told, int64_t at_ms)
{
    struct group *one = group_of(g, group_key);
    struct span fingerprint;
    one->told_ms = at_ms;
    while (span_word(&told, &fingerprint))
        told_add(one, fingerprint);
}

static void group_key(const struct route *r, const struct routed_alert *a, struct buf *out)
{
    buf_clear(out);
    buf_span(out, r->name);
    buf_char(out, ':');
    if (r->by_all) {
        buf_span(out, a->fingerprint);
        return;
    }
    buf_char(out, '{');
    for (size_t i = 0; i < r->n_group_by; i++) {
        buf_printf(out, "%s%.*s=", i ? ", " : "", SPAN_ARG(r->group_by[i]));
        label_value_print(out, labels_get(a->labels, r->group_by[i]));
    }
    buf_char(out, '}');
}

static void join(struct groups *g, const struct route *r, const struct routed_alert *a,
                 struct buf *key)
{
    group_key(r, a, key);
    struct group *one = group_of(g, buf_view(key));
    if (!one->seen) {
        one->seen = true;
        one->route = r;
        one->n = 0;
    }
    if (one->n == one->size) {
        one->size = MAX(2 * one->size, (size_t)8);
        one->alerts = mem_grow(one->alerts, one->size * sizeof(struct routed_alert *));
    }
    one->alerts[one->n++] = a;
}

/* Held back: nobody is told that it fires. */
static bool held(const struct routed_alert *a)
{
    return a->silenced_by || a->inhibited;
}

static void distribute(struct groups *g, const struct routing *r, const struct routed_alert *alerts,
                       size_t n)
{
    auto_buf key = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < r->n; k++) {
            const struct route *route = &r->routes[k];
            if (!match_fits(&route->match, alerts[i].labels))
                continue;
            if (route->n_channels)
                join(g, route, &alerts[i], &key);
            if (!route->go_on)
                break;
        }
}

enum { SUMMARY_LATE_MIN = 60 };

enum news { NEWS_NONE, NEWS_REPEAT, NEWS_CHANGE };

static int64_t soonest(int64_t a_ms, int64_t b_ms) /* 0: never */
{
    return !a_ms || (b_ms && b_ms < a_ms) ? b_ms : a_ms;
}

/* repeat_ms: when it is to be told again if nothing changes; 0: not. */
static enum news news_of(const struct group *g, int64_t now_ms, int64_t *repeat_ms)
{
    size_t firing = 0;
    bool changed = false, unheard = false;
    for (size_t i = 0; i < g->n; i++) {
        const struct routed_alert *a = g->alerts[i];
        bool told = map_get(&g->told, a->fingerprint) != NULL;
        if (held(a))
            continue;
        firing += a->firing;
        unheard |= a->firing && !a->acknowledged;
        changed |= a->firing != told && (a->firing ? !a->acknowledged : true);
    }
    *repeat_ms = firing && unheard && g->told_ms ? g->told_ms + g->route->repeat_ms : 0;
    if (changed)
        return NEWS_CHANGE;
    return *repeat_ms && now_ms >= *repeat_ms ? NEWS_REPEAT : NEWS_NONE;
}

/* ---- one group's message ---- */

static void put_labels(struct json *j, const char *key, struct labels l)
{
    json_key(j, key);
    json_begin_object(j);
    for (size_t i = 0; i < l.n; i++) {
        json_key_span(j, l.at[i].name);
        json_span(j, l.at[i].value);
    }
    json_end_object(j);
}

static void put_time(struct json *j, const char *key, int64_t ms)
{
    char text[TIME_TEXT_MAX];
    json_field(j, key, ms ? clock_rfc3339(ms, text) : "0001-01-01T00:00:00Z");
}

void routed_alert_json(struct json *j, const struct routed_alert *a, struct span url)
{
    auto_buf link = {0};
    buf_printf(&link, "%.*s/alerts/%lld", SPAN_ARG(url), (long long)a->id);
    json_begin_object(j);
    json_field(j, "status", a->firing ? "firing" : "resolved");
    put_labels(j, "labels", a->labels);
    put_labels(j, "annotations", a->annotations);
    put_time(j, "startsAt", a->starts_ms);
    put_time(j, "endsAt", a->firing ? 0 : a->ends_ms);
    json_field_span(j, "generatorURL", buf_view(&link));
    json_field_span(j, "fingerprint", a->fingerprint);
    json_end_object(j);
}

/* What all of them have in common. */
static struct labels common(const struct routed_alert **alerts, size_t n, bool annotations,
                            struct arena *arena)
{
    struct labels first = annotations ? alerts[0]->annotations : alerts[0]->labels;
    struct label *at = ARENA_ARRAY(arena, struct label, first.n);
    size_t count = 0;
    for (size_t i = 0; i < first.n; i++) {
        bool all = true;
        for (size_t k = 1; all && k < n; k++)
            all = span_eq(labels_get(annotations ? alerts[k]->annotations : alerts[k]->labels,
                                     first.at[i].name),
                          first.at[i].value);
        if (all)
            at[count++] = first.at[i];
    }
    return (struct labels){at, count};
}

/* Those that are told: what fires and is not held back, and what was told to fire and is over. */
static size_t told_now(const struct group *g, const struct routed_alert **out)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        const struct routed_alert *a = g->alerts[i];
        bool was = map_get(&g->told, a->fingerprint) != NULL;
        if (held(a) ? was && !a->firing : a->firing || was)
            out[n++] = a;
    }
    return n;
}

static void write_message(const struct group *g, const struct routed_alert **alerts, size_t n,
                          struct span url, struct arena *arena, struct buf *out)
{
    struct json j = json_to(out);
    struct label group_labels[ROUTE_GROUP_BY_MAX];
    const struct route *r = g->route;
    bool firing = false;
    size_t n_labels = 0;
    for (size_t i = 0; i < n; i++)
        firing |= alerts[i]->firing;
    for (size_t i = 0; i < r->n_group_by && !r->by_all; i++) {
        struct span value = labels_get(alerts[0]->labels, r->group_by[i]);
        if (value.len)
            group_labels[n_labels++] = (struct label){r->group_by[i], value};
    }
    labels_sort(group_labels, n_labels);
    json_begin_object(&j);
    json_field(&j, "version", "4");
    json_field_span(&j, "groupKey", g->key);
    json_field_i64(&j, "truncatedAlerts",
                   n > MESSAGE_ALERTS_MAX ? (int64_t)n - MESSAGE_ALERTS_MAX : 0);
    json_field(&j, "status", firing ? "firing" : "resolved");
    json_field_span(&j, "receiver", r->name);
    put_labels(&j, "groupLabels", (struct labels){group_labels, n_labels});
    put_labels(&j, "commonLabels", common(alerts, n, false, arena));
    put_labels(&j, "commonAnnotations", common(alerts, n, true, arena));
    json_field_span(&j, "externalURL", url);
    json_key(&j, "alerts");
    json_begin_array(&j);
    for (size_t i = 0; i < MIN(n, (size_t)MESSAGE_ALERTS_MAX); i++)
        routed_alert_json(&j, alerts[i], url);
    json_end_array(&j);
    json_end_object(&j);
}

static void remember(struct group *g, const struct routed_alert **alerts, size_t n, int64_t now_ms)
{
    told_clear(g);
    for (size_t i = 0; i < n; i++)
        if (alerts[i]->firing)
            told_add(g, alerts[i]->fingerprint);
    g->told_ms = now_ms;
    g->due_ms = 0;
}

static enum status tell(struct group *g, struct span url, int64_t now_ms,
                        enum status (*send)(void *arg, const struct message *m), void *arg)
{
    auto_arena arena = {0};
    auto_buf json = {0}, told = {0};
    const struct routed_alert **alerts =
        arena_alloc(&arena, g->n * sizeof(const struct routed_alert *));
    size_t n = told_now(g, alerts);
    if (!n) {
        g->due_ms = 0;
        return OK;
    }
    write_message(g, alerts, n, url, &arena, &json);
    for (size_t i = 0; i < n; i++)
        if (alerts[i]->firing) {
            buf_span(&told, alerts[i]->fingerprint);
            buf_char(&told, ' ');
        }
    struct message m = {.group_key = g->key,
                        .channels = g->route->channels,
                        .n_channels = g->route->n_channels,
                        .json = buf_view(&json),
                        .told = told.len ? buf_view(&told) : SPAN("")};
    enum status st = send(arg, &m);
    if (!st)
        remember(g, alerts, n, now_ms);
    return st;
}

/* When the group is due: 0 for not at all. */
static int64_t when(struct group *g, int64_t now_ms)
{
    int64_t repeat_ms;
    enum news news = news_of(g, now_ms, &repeat_ms);
    if (g->route->has_hours && !hours_contain(&g->route->hours, now_ms))
        return 0; /* held until the hours begin; looked at again with every tick */
    if (news == NEWS_REPEAT)
        return now_ms;
    if (news == NEWS_NONE) {
        g->due_ms = 0;
        return repeat_ms;
    }
    if (!g->due_ms)
        g->due_ms =
            MAX(now_ms + g->route->wait_ms, g->told_ms ? g->told_ms + g->route->interval_ms : 0);
    return g->due_ms;
}

int64_t groups_tick(struct groups *g, const struct routing *r, const struct routed_alert *alerts,
                    size_t n, struct span external_url, int64_t now_ms,
                    enum status (*send)(void *arg, const struct message *m),
                    void (*forget)(void *arg, struct span group_key), void *arg)
{
    const struct map_slot *slot;
    int64_t next_ms = 0;
    distribute(g, r, alerts, n);
    for (size_t at = 0; (slot = map_next(&g->by_key, &at));) {
        struct group *one = slot->value;
        if (!one->seen) { /* all of it has been over for long */
            if (forget)
                forget(arg, one->key);
            map_remove(&g->by_key, one->key);
            group_free(one);
            continue;
        }
        int64_t due_ms = when(one, now_ms);
        if (due_ms && due_ms <= now_ms && tell(one, external_url, now_ms, send, arg))
            due_ms = now_ms + 1000;
        else if (due_ms && due_ms <= now_ms)
            due_ms = now_ms + one->route->repeat_ms;
        next_ms = soonest(next_ms, due_ms);
        one->seen = false;
        one->n = 0;
    }
    return next_ms;
}

bool routing_summary_due(const struct routing *r, int64_t now_ms, int64_t last_ms)
{
    if (!r->has_summary)
        return false;
    struct local_time t = zone_local(r->summary_zone, now_ms);
    int64_t days = last_ms ? t.day - zone_local(r->summary_zone, last_ms).day : 0;
    if (t.minute < r->summary_m || (last_ms && days < 1))
        return false;
    /* Of a summary that was just asked for, or not for long, today's is over. */
    return days == 1 || t.minute < r->summary_m + SUMMARY_LATE_MIN;
}

const struct span *routing_summary_channels(const struct routing *r, size_t *n)
{
    *n = r->n_summary_channels;
    return r->summary_channels;
}
