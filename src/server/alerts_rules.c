/* Rules from files and from the record, their evaluation, and what comes of it. */
#include "server/alerts_state.h"

#include "alert/labels_json.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/yaml.h"
#include "record/events.h"
#include "series/remote_write.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* ---- loading ---- */

static enum status load_documents(struct alerts *a, struct alert_rules *rules, struct err *err)
{
    struct document_row *rows;
    size_t n;
    enum status st =
        record_documents(a->config.record, SPAN("rules"), &rules->arena, &rows, &n, err);
    for (size_t i = 0; !st && i < n; i++) {
        struct err why = {0};
        const char *name = arena_printf(&rules->arena, "console/%.*s", SPAN_ARG(rows[i].name));
        /* They were checked when they were written: one that is wrong now must not stop us. */
        if (rules_read(rules, rows[i].json, name, a->config.interval_ms, &why))
            log_error("rules of the console are left out: %s", why.text);
    }
    return st;
}

enum status alerts_load(struct alerts *a, struct rules_loaded *out, struct err *err)
{
    auto_buf dir = {0};
    *out = (struct rules_loaded){0};
    rules_init(&out->rules);
    enum status st = OK;
    if (a->config.rules_dir) {
        buf_printf(&dir, "%s/alerts", a->config.rules_dir);
        st = rules_read_dir(&out->rules, buf_text(&dir), a->config.interval_ms, err);
    }
    if (!st)
        st = load_documents(a, &out->rules, err);
    if (st) {
        rules_free(&out->rules);
        return st;
    }
    out->alerter = alerter_open(&out->rules);
    out->next_ms = mem_zero(out->rules.n, sizeof *out->next_ms);
    alerts_overrides(a, out->alerter);
    return OK;
}

void alerts_unload(struct rules_loaded *l)
{
    alerter_close(l->alerter);
    rules_free(&l->rules);
    free(l->next_ms);
    *l = (struct rules_loaded){0};
}

static struct span member(const json_t *j, const char *key, struct arena *arena)
{
    const char *text = json_string_value(json_object_get(j, key));
    return text ? span_of(arena_dup(arena, text)) : SPAN("");
}

static void read_override(const json_t *j, struct arena *arena, struct rule_override *o)
{
    const json_t *value = json_object_get(j, "value"), *clear = json_object_get(j, "clear");
    const char *for_text = json_string_value(json_object_get(j, "for"));
    *o = (struct rule_override){.rule = member(j, "rule", arena),
                                .level = member(j, "level", arena),
                                .instance = member(j, "instance", arena),
                                .has_value = json_is_number(value),
                                .value = json_number_value(value),
                                .has_clear = json_is_number(clear),
                                .clear = json_number_value(clear),
                                .disabled = json_is_true(json_object_get(j, "disabled"))};
    o->has_for = for_text &&
                 (span_is(span_of(for_text), "0") || duration_parse(span_of(for_text), &o->for_ms));
}

void alerts_overrides(struct alerts *a, struct alerter *to)
{
    auto_arena arena = {0};
    struct document_row *rows;
    size_t n, count = 0;
    if (record_documents(a->config.record, SPAN("override"), &arena, &rows, &n, NULL))
        return;
    struct rule_override *all = ARENA_ARRAY(&arena, struct rule_override, n);
    for (size_t i = 0; i < n; i++) {
        json_t *j = json_loadb(rows[i].json.at, rows[i].json.len, 0, NULL);
        if (j)
            read_override(j, &arena, &all[count++]);
        json_decref(j);
    }
    alerter_override(to, all, count);
}

/* ---- before the start ---- */

void alerts_recall(struct alerts *a)
{
    auto_arena arena = {0};
    struct alert_row *rows;
    size_t n;
    struct alert_filter active = {.state = SPAN("active"), .limit = 1 << 20};
    struct err err = {0};
    if (record_alerts(a->config.record, &active, &arena, &rows, &n, &err)) {
        log_error("what fired before the start is not known: %s", err.text);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct alert was = {.labels = labels_of_json(rows[i].labels, &arena),
                            .annotations = labels_of_json(rows[i].annotations, &arena),
                            .state =
                                span_is(rows[i].state, "firing") ? ALERT_FIRING : ALERT_PENDING,
                            .value = rows[i].value,
                            .active_ms = rows[i].active_ms,
                            .fired_ms = rows[i].fired_ms,
                            .keep_since_ms = rows[i].keep_since_ms};
        was.fingerprint = labels_fingerprint(was.labels);
        if (!alerter_restore(a->loaded.alerter, rows[i].file, rows[i].group, &was))
            (void)!record_alert_resolve(a->config.record, rows[i].id, SPAN("rules"),
                                        SPAN("its rule is no more"), clock_wall_ms(), NULL);
    }
}

/* ---- the world of an evaluation ---- */

static struct source *view(void *arg)
{
    return store_read_begin(((struct alerts *)arg)->config.store);
}

static void view_end(void *arg, struct source *v)
{
    (void)arg;
    store_read_end(v);
}

static void append(void *arg, struct labels labels, struct sample sample)
{
    write_series(&((struct alerts *)arg)->message, labels, &sample, 1);
}

static enum status commit(void *arg, struct err *err)
{
    struct alerts *a = arg;
    struct append_result result;
    if (!a->message.len)
        return OK;
    enum status st = store_append_wait(a->writer, buf_view(&a->message), &result, err);
    buf_clear(&a->message);
    return st;
}

static struct span as_json(struct labels l, struct arena *arena)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    json_begin_object(&j);
    for (size_t i = 0; i < l.n; i++) {
        json_key_span(&j, l.at[i].name);
        json_span(&j, l.at[i].value);
    }
    json_end_object(&j);
    return arena_span(arena, buf_view(&text));
}

static struct span dup_label(struct labels l, const char *name, struct arena *arena)
{
    struct span value = labels_get(l, span_of(name));
    return value.len ? arena_span(arena, value) : SPAN("");
}

static void changed(void *arg, enum alert_change change, const struct alert *alert)
{
    static const char *const states[] = {"pending", "firing", "resolved", "dropped"};
    struct alerts *a = arg;
    struct arena *arena = &a->puts_arena;
    if (a->n_puts == a->puts_size) {
        a->puts_size = MAX(2 * a->puts_size, (size_t)64);
        a->puts = mem_grow(a->puts, a->puts_size * sizeof *a->puts);
    }
    struct alert_put *p = &a->puts[a->n_puts++];
    *p = (struct alert_put){
        .row = {.fingerprint =
                    span_of(arena_printf(arena, "%016llx", (unsigned long long)alert->fingerprint)),
                .file = span_of(a->group->file),
                .group = a->group->name,
                .name = alert->rule ? arena_span(arena, alert->rule->name) : SPAN(""),
                .host = dup_label(alert->labels, "instance", arena),
                .severity = dup_label(alert->labels, "severity", arena),
                .labels = as_json(alert->labels, arena),
                .annotations = as_json(alert->annotations, arena),
                .state = span_of(states[change]),
                .value = alert->value,
                .active_ms = alert->active_ms,
                .fired_ms = alert->fired_ms,
                .resolved_ms = change == CHANGE_RESOLVED ? alert->resolved_ms : 0,
                .changed_ms = a->now_ms},
        .who = SPAN("rules"),
        .what = change == CHANGE_FIRING || change == CHANGE_RESOLVED ? span_of(states[change])
                                                                     : SPAN("")};
}

/* ---- what changed goes to the record ---- */

static void add_event(struct alerts *a, const struct alert_put *p)
{
    auto_arena arena = {0};
    auto_buf text = {0}, data = {0};
    struct labels annotations = labels_of_json(p->row.annotations, &arena);
    struct span summary = labels_get(annotations, SPAN("summary"));
    struct json j = json_to(&data);
    buf_printf(&text, "%.*s: %.*s", SPAN_ARG(p->row.state),
               SPAN_ARG(summary.len ? summary : p->row.name));
    json_begin_object(&j);
    json_field_span(&j, "alert", p->row.name);
    json_field_span(&j, "state", p->row.state);
    json_field_span(&j, "severity", p->row.severity);
    json_field_span(&j, "fingerprint", p->row.fingerprint);
    json_end_object(&j);
    (void)!record_event_add(a->config.record,
                            &(struct event_row){.at_ms = p->row.changed_ms,
                                                .host = p->row.host,
                                                .kind = SPAN("alert"),
                                                .text = buf_view(&text),
                                                .data = buf_view(&data)},
                            NULL, NULL);
}

enum { EVENTS_OF_ONE_EVALUATION = 100 };

/* The processes of the moment when it fires, from each host once. */
static void ask_snapshots(struct alerts *a, const struct alert_put *puts, size_t n)
{
    auto_arena arena = {0};
    CLEANUP(map_free) struct map asked = {0};
    struct host_row *hosts;
    size_t n_hosts;
    for (size_t i = 0; i < n; i++)
        if (puts[i].row.host.len && span_is(puts[i].row.state, "firing"))
            map_put(&asked, puts[i].row.host, a);
    if (!asked.count || !a->api || record_hosts(a->config.record, &arena, &hosts, &n_hosts, NULL))
        return;
    for (size_t i = 0; i < n_hosts; i++)
        if (map_get(&asked, hosts[i].name))
            api_snapshot_now(a->api, hosts[i].id);
}

static void keep_changes(struct alerts *a)
{
    struct err err = {0};
    size_t n = 0, events = 0;
    for (size_t i = 0; i < a->n_puts; i++) {
        struct alert_put *p = &a->puts[i];
        if (span_is(p->row.state, "dropped"))
            (void)!record_alert_drop(a->config.record, p->row.fingerprint, NULL);
        else
            a->puts[n++] = *p;
    }
    if (n && record_alerts_put(a->config.record, a->puts, n, &err))
        log_error("alerts are not recorded: %s", err.text);
    for (size_t i = 0; i < n; i++)
        if (a->puts[i].what.len && events++ < EVENTS_OF_ONE_EVALUATION)
            add_event(a, &a->puts[i]);
    ask_snapshots(a, a->puts, n);
    a->n_puts = 0;
    arena_reset(&a->puts_arena);
    if (n) {
        pthread_mutex_lock(&a->lock);
        a->dirty = true;
        pthread_mutex_unlock(&a->lock);
        alerts_poke(a, &a->sender);
    }
}

/* ---- evaluating ---- */

static void evaluate_group(struct alerts *a, size_t i, int64_t due_ms, int64_t now_ms)
{
    struct rules_loaded *l = &a->loaded;
    const struct rule_group *g = &l->rules.groups[i];
    struct alert_world w = {.arg = a,
                            .view = view,
                            .view_end = view_end,
                            .append = append,
                            .commit = commit,
                            .changed = changed,
                            .external_url = span_of(a->config.external_url)};
    struct err err = {0};
    int64_t start_ns = clock_mono_ns();
    bool first = l->next_ms[i] == 0;
    uint64_t missed = due_ms ? (uint64_t)MAX((now_ms - due_ms) / g->interval_ms, (int64_t)0) : 0;
    a->group = g;
    a->now_ms = now_ms;
    if (alerter_evaluate(l->alerter, i, now_ms, &w, &err))
        log_error("group %.*s: its series are not stored: %s", SPAN_ARG(g->name), err.text);
    if (first)
        alerter_restore_for(l->alerter, i, now_ms, &w);
    alerter_timed(l->alerter, i, clock_mono_ns() - start_ns, due_ms ? now_ms - due_ms : 0, missed);
    keep_changes(a);
}

/* Groups begin at different moments of their interval, each always at the same. */
static int64_t slot_after(const struct rule_group *g, int64_t now_ms)
{
    uint64_t offset = span_hash(g->name) % (uint64_t)g->interval_ms;
    return (now_ms - (int64_t)offset) / g->interval_ms * g->interval_ms + (int64_t)offset +
           g->interval_ms;
}

static void reload(struct alerts *a)
{
    struct rules_loaded next;
    struct err err = {0};
    alerts_mail_load(a);
    if (alerts_load(a, &next, &err)) {
        log_error("the old rules stay: %s", err.text);
        return;
    }
    alerter_take_over(next.alerter, a->loaded.alerter);
    pthread_mutex_lock(&a->rules_lock);
    struct rules_loaded old = a->loaded;
    a->loaded = next;
    pthread_mutex_unlock(&a->rules_lock);
    alerts_unload(&old);
}

int64_t alerts_evaluate(struct alerts *a, int64_t now_ms)
{
    pthread_mutex_lock(&a->lock);
    bool again = a->reload_rules, overrides = a->reload_overrides;
    a->reload_rules = a->reload_overrides = false;
    pthread_mutex_unlock(&a->lock);
    if (again)
        reload(a);
    if (overrides) { /* here: an evaluation looks at them all the time */
        pthread_mutex_lock(&a->rules_lock);
        alerts_overrides(a, a->loaded.alerter);
        pthread_mutex_unlock(&a->rules_lock);
    }
    int64_t soonest_ms = now_ms + a->config.interval_ms;
    for (size_t i = 0; i < a->loaded.rules.n; i++) {
        const struct rule_group *g = &a->loaded.rules.groups[i];
        int64_t *next_ms = &a->loaded.next_ms[i];
        if (*next_ms > now_ms + 2 * g->interval_ms)
            *next_ms = slot_after(g, now_ms); /* the clock was set back */
        if (*next_ms <= now_ms) {
            evaluate_group(a, i, *next_ms, alerts_now_ms(a));
            *next_ms = slot_after(g, now_ms);
        }
        soonest_ms = MIN(soonest_ms, *next_ms);
    }
    return soonest_ms;
}
