/* One evaluation of one group: its rules in order, each seeing what those before it wrote. */
#include "alert/alerter_state.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

static enum status commit(struct evaluation *e, struct err *err)
{
    if (!e->pending)
        return OK;
    e->pending = false;
    buf_clear(&e->pending_names);
    return e->world->commit(e->world->arg, err);
}

static void view_again(struct evaluation *e)
{
    if (e->view)
        e->world->view_end(e->world->arg, e->view);
    e->view = e->world->view(e->world->arg);
    e->cached = NULL;
}

/* Does the rule ask for something that a rule before it has just written? */
static bool needs_pending(const struct evaluation *e, const struct rule *u)
{
    struct span names = buf_view(&e->pending_names), name;
    if (!names.len)
        return false;
    if (memmem(u->value_text.at, u->value_text.len, LABEL_NAME, sizeof LABEL_NAME - 1))
        return true;
    while (span_next(&names, ' ', &name))
        if (name.len && memmem(u->value_text.at, u->value_text.len, name.at, name.len))
            return true;
    return false;
}

static void name_pending(struct evaluation *e, struct span name)
{
    buf_span(&e->pending_names, name);
    buf_char(&e->pending_names, ' ');
}

enum status rule_value(struct evaluation *e, const struct rule *u, const struct result **out,
                       struct err *err)
{
    *out = &e->result;
    bool again = e->cached && span_eq(e->cached->value_text, u->value_text);
    pthread_mutex_lock(&e->alerter->lock);
    e->alerter->stats.values_reused += again;
    e->alerter->stats.values_asked += !again;
    pthread_mutex_unlock(&e->alerter->lock);
    if (again)
        return OK;
    e->cached = NULL;
    e->result = (struct result){0};
    struct query q = {.expr = u->expr,
                      .start_ms = e->now_ms,
                      .end_ms = e->now_ms,
                      .rules_of_2 = e->world->rules_of_2};
    enum status st = promql_eval(&q, e->view, &e->arena, &e->result, err);
    if (!st)
        e->cached = u;
    return st;
}

/* ---- recording rules ---- */

static struct labels recorded_labels(struct evaluation *e, const struct rule *u, struct labels l)
{
    struct label_builder b;
    label_builder_start(&b, l);
    label_set(&b, SPAN(LABEL_NAME), u->name);
    for (size_t i = 0; i < u->n_labels; i++)
        label_set(&b, u->labels[i].name, u->labels[i].text);
    return b.failed ? l : labels_dup(&e->arena, label_builder_end(&b));
}

static enum status record(struct evaluation *e, struct rule_state *s, struct err *err)
{
    const struct rule *u = s->rule;
    const struct result *r;
    enum status st = rule_value(e, u, &r, err);
    if (st)
        return st;
    size_t n = r->kind == VALUE_SCALAR ? 1 : r->n, limit = e->group->group->limit;
    if (limit && n > limit)
        return err_set(err, FULL, "exceeded limit of %zu with %zu series", limit, n);
    CLEANUP(map_free) struct map seen = {0};
    struct labels *labels = ARENA_ARRAY(&e->arena, struct labels, n);
    for (size_t i = 0; i < n; i++) {
        labels[i] = recorded_labels(
            e, u, r->kind == VALUE_SCALAR ? (struct labels){0} : r->series[i].labels);
        buf_clear(&e->key);
        labels_key(&e->key, labels[i]);
        if (map_put(&seen, arena_span(&e->arena, buf_view(&e->key)), labels))
            return err_set(err, INVALID,
                           "vector contains metrics with the same labelset after applying rule "
                           "labels");
    }
    for (size_t i = 0; i < n; i++)
        write_out(e, s, labels[i], r->kind == VALUE_SCALAR ? r->scalar : r->series[i].at[0].v);
    return OK;
}

static enum status alert(struct evaluation *e, struct rule_state *s, struct err *err)
{
    struct found *found;
    size_t n;
    enum status st = find_alerts(e, s, &found, &n, err);
    return st ? st : alerts_step(e, s, found, n, err);
}

/* ---- rules ---- */

static void note(struct evaluation *e, struct rule_state *s, enum status st, const struct err *err,
                 int64_t took_ns)
{
    struct alerter *a = e->alerter;
    pthread_mutex_lock(&a->lock);
    bool news = st && s->health != HEALTH_BAD;
    s->health = st ? HEALTH_BAD : HEALTH_OK;
    snprintf(s->last_error, sizeof s->last_error, "%s", st ? err->text : "");
    s->evaluated_ms = e->now_ms;
    s->duration_s = (double)took_ns / 1e9;
    a->stats.evaluations++;
    a->stats.failures += st != OK;
    pthread_mutex_unlock(&a->lock);
    if (news)
        log_warn("%s:%u: rule %.*s fails: %s", s->rule->file, s->rule->line,
                 SPAN_ARG(s->rule->name), err->text);
}

static enum status evaluate_rule(struct evaluation *e, struct rule_state *s, struct err *err)
{
    const struct rule *u = s->rule;
    struct err why = {0};
    int64_t start_ns = clock_mono_ns();
    if (needs_pending(e, u)) {
        enum status st = commit(e, err);
        if (st)
            return st;
        view_again(e);
    }
    enum status st = u->records ? record(e, s, &why) : alert(e, s, &why);
    if (!st)
        write_ends(e, s);
    name_pending(e, u->records ? u->name : SPAN("ALERTS"));
    note(e, s, st, &why, clock_mono_ns() - start_ns);
    return OK;
}

/* What rules that are no more had written ends; what fired by them is over. */
static void end_orphans(struct evaluation *e)
{
    struct alerter *a = e->alerter;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->n_orphans; i++) {
        e->world->append(e->world->arg, a->orphans[i]->labels,
                         (struct sample){e->now_ms, bits_double(STALE_NAN_BITS)});
        e->pending = true;
        written_free(a->orphans[i]);
    }
    for (size_t i = 0; i < a->n_gone; i++) {
        struct alert *gone = a->gone[i];
        enum alert_change c = gone->state == ALERT_FIRING ? CHANGE_RESOLVED : CHANGE_DROPPED;
        gone->resolved_ms = e->now_ms;
        if (gone->state != ALERT_INACTIVE && e->world->changed) {
            gone->state = ALERT_INACTIVE;
            e->world->changed(e->world->arg, c, gone);
        }
        alert_free(gone);
    }
    a->n_orphans = a->n_gone = 0;
    pthread_mutex_unlock(&a->lock);
}

enum status alerter_evaluate(struct alerter *a, size_t group, int64_t now_ms,
                             const struct alert_world *w, struct err *err)
{
    struct evaluation e = {.alerter = a, .group = &a->groups[group], .world = w, .now_ms = now_ms};
    enum status st = OK;
    end_orphans(&e);
    view_again(&e);
    for (size_t i = 0; !st && i < e.group->group->n; i++)
        st = evaluate_rule(&e, &e.group->rules[i], err);
    if (!st)
        st = commit(&e, err);
    w->view_end(w->arg, e.view);
    pthread_mutex_lock(&a->lock);
    e.group->evaluated_ms = now_ms;
    pthread_mutex_unlock(&a->lock);
    buf_free(&e.key);
    buf_free(&e.pending_names);
    arena_free(&e.arena);
    return st;
}

/* ---- after a restart ---- */

/* The newest ALERTS_FOR_STATE of an alert within the tolerated outage. */
static bool newest_for_state(struct source *view, const struct alert *a, int64_t now_ms,
                             struct arena *arena, struct sample *out)
{
    struct matcher *m = ARENA_ARRAY(arena, struct matcher, a->labels.n + 1);
    struct select_hints hints = {.start_ms = now_ms - RULE_OUTAGE_MS - 1, .end_ms = now_ms};
    struct selected *found;
    size_t n;
    m[0] = (struct matcher){
        .kind = MATCH_EQUAL, .name = SPAN(LABEL_NAME), .value = SPAN("ALERTS_FOR_STATE")};
    for (size_t i = 0; i < a->labels.n; i++)
        m[i + 1] = (struct matcher){
            .kind = MATCH_EQUAL, .name = a->labels.at[i].name, .value = a->labels.at[i].value};
    if (view->select(view, m, a->labels.n + 1, &hints, arena, &found, &n, NULL))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (found[i].labels.n != a->labels.n + 1 ||
            view->read(view, &found[i], &hints, arena, NULL) || !found[i].n)
            continue;
        *out = (struct sample){found[i].t_ms[found[i].n - 1], found[i].v[found[i].n - 1]};
        return !is_stale(out->v);
    }
    return false;
}

/* Prometheus's RestoreForState. */
static void restore_one(struct alert *a, int64_t now_ms, struct sample last)
{
    int64_t down_ms = last.t_ms, active_ms = (int64_t)last.v * 1000;
    int64_t spent_ms = down_ms - active_ms, remaining_ms = a->for_ms - spent_ms;
    if (remaining_ms > 0 && remaining_ms < RULE_GRACE_MS)
        active_ms = now_ms + RULE_GRACE_MS - a->for_ms;
    else if (remaining_ms > 0)
        active_ms += now_ms - down_ms;
    a->active_ms = active_ms;
}

static void restore_rule(struct rule_state *s, struct source *view, int64_t now_ms)
{
    const struct map_slot *slot;
    auto_arena arena = {0};
    for (size_t at = 0; (slot = map_next(&s->active, &at));) {
        struct alert *a = slot->value;
        struct sample last;
        if (a->restored || a->for_ms < RULE_GRACE_MS)
            continue;
        if (newest_for_state(view, a, now_ms, &arena, &last))
            restore_one(a, now_ms, last);
        arena_reset(&arena);
    }
}

void alerter_restore_for(struct alerter *a, size_t group, int64_t now_ms,
                         const struct alert_world *w)
{
    struct group_state *g = &a->groups[group];
    struct source *view = w ? w->view(w->arg) : NULL;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; view && i < g->group->n; i++)
        if (!g->rules[i].rule->records)
            restore_rule(&g->rules[i], view, now_ms);
    g->restored = true;
    pthread_mutex_unlock(&a->lock);
    if (view)
        w->view_end(w->arg, view);
}
