/* The state machine of alerts, as Prometheus has it: inactive, pending, firing, and resolved for a
 * quarter of an hour; and the series that follow from it. */
#include "alert/alerter_state.h"

static void change(struct evaluation *e, enum alert_change c, const struct alert *a)
{
    if (e->world->changed)
        e->world->changed(e->world->arg, c, a);
}

void write_out(struct evaluation *e, struct rule_state *s, struct labels l, double v)
{
    buf_clear(&e->key);
    labels_key(&e->key, l);
    struct written *w = map_get(&s->series, buf_view(&e->key));
    if (!w) {
        w = written_new(buf_view(&e->key), l);
        map_put(&s->series, w->key, w);
    }
    w->again = true;
    e->world->append(e->world->arg, l, (struct sample){e->now_ms, v});
    e->pending = true;
}

void write_ends(struct evaluation *e, struct rule_state *s)
{
    const struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&s->series, &at));) {
        struct written *w = slot->value;
        if (w->again) {
            w->again = false;
            continue;
        }
        e->world->append(e->world->arg, w->labels,
                         (struct sample){e->now_ms, bits_double(STALE_NAN_BITS)});
        e->pending = true;
        map_remove(&s->series, w->key);
        written_free(w);
    }
}

static void write_alert(struct evaluation *e, struct rule_state *s, const struct alert *a)
{
    struct label_builder b;
    label_builder_start(&b, a->labels);
    label_set(&b, SPAN(LABEL_NAME), SPAN("ALERTS"));
    label_set(&b, SPAN("alertname"), s->rule->name);
    label_set(&b, SPAN("alertstate"), span_of(alert_state_name(a->state)));
    if (b.failed)
        return; /* the alert's own labels fill the room: it has no series */
    write_out(e, s, label_builder_end(&b), 1);
    label_builder_start(&b, a->labels);
    label_set(&b, SPAN(LABEL_NAME), SPAN("ALERTS_FOR_STATE"));
    label_set(&b, SPAN("alertname"), s->rule->name);
    int64_t active_s = a->active_ms / 1000;
    write_out(e, s, label_builder_end(&b), (double)active_s);
}

static void set_annotations(struct alert *a, struct labels annotations)
{
    if (labels_eq(a->annotations, annotations))
        return;
    labels_release(a->annotations);
    a->annotations = labels_own(annotations);
}

static void take_found(struct evaluation *e, struct rule_state *s, const struct found *f)
{
    struct alert *a = map_get(&s->active, span_from(&f->fingerprint, sizeof f->fingerprint));
    if (a && a->state == ALERT_INACTIVE) { /* resolved a while ago: a new one */
        map_remove(&s->active, alert_key(a));
        alert_free(a);
        a = NULL;
    }
    if (a) {
        a->value = f->value;
        set_annotations(a, f->annotations);
    } else {
        a = alert_new(&(struct alert){.fingerprint = f->fingerprint,
                                      .labels = f->labels,
                                      .annotations = f->annotations,
                                      .rule = s->rule,
                                      .state = ALERT_PENDING,
                                      .value = f->value,
                                      .active_ms = e->now_ms});
        map_put(&s->active, alert_key(a), a);
        if (f->for_ms > 0)
            change(e, CHANGE_PENDING, a);
    }
    a->for_ms = f->for_ms;
    a->seen = true;
}

/* The condition does not hold any more: true while it counts as firing all the same. */
static bool keeps_firing(struct evaluation *e, struct rule_state *s, struct alert *a)
{
    if (a->state != ALERT_FIRING || s->rule->keep_firing_ms <= 0)
        return false;
    if (!a->keep_since_ms)
        a->keep_since_ms = e->now_ms;
    return e->now_ms - a->keep_since_ms < s->rule->keep_firing_ms;
}

/* True when the alert is over; it may have been freed. */
static bool ended(struct evaluation *e, struct rule_state *s, struct alert *a)
{
    if (keeps_firing(e, s, a))
        return false;
    if (a->state == ALERT_PENDING) {
        change(e, CHANGE_DROPPED, a);
        map_remove(&s->active, alert_key(a));
        alert_free(a);
        return true;
    }
    if (a->resolved_ms && e->now_ms - a->resolved_ms > RULE_RESOLVED_KEPT_MS) {
        map_remove(&s->active, alert_key(a));
        alert_free(a);
        return true;
    }
    if (a->state == ALERT_FIRING) {
        a->state = ALERT_INACTIVE;
        a->resolved_ms = e->now_ms;
        change(e, CHANGE_RESOLVED, a);
    }
    return true;
}

static size_t step_each(struct evaluation *e, struct rule_state *s)
{
    const struct map_slot *slot;
    size_t active = 0;
    for (size_t at = 0; (slot = map_next(&s->active, &at));) {
        struct alert *a = slot->value;
        if (a->seen)
            a->keep_since_ms = 0;
        else if (ended(e, s, a))
            continue;
        a->seen = false;
        active++;
        if (a->state == ALERT_PENDING && e->now_ms - a->active_ms >= a->for_ms) {
            a->state = ALERT_FIRING;
            a->fired_ms = e->now_ms;
            change(e, CHANGE_FIRING, a);
        }
        if (e->group->restored)
            write_alert(e, s, a);
    }
    return active;
}

/* More alerts than the group allows: the rule counts as failed and forgets them. */
static void forget_all(struct evaluation *e, struct rule_state *s)
{
    const struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&s->active, &at));) {
        struct alert *a = slot->value;
        if (a->state != ALERT_INACTIVE) {
            enum alert_change c = a->state == ALERT_FIRING ? CHANGE_RESOLVED : CHANGE_DROPPED;
            a->state = ALERT_INACTIVE;
            a->resolved_ms = e->now_ms;
            change(e, c, a);
        }
        alert_free(a);
    }
    map_free(&s->active);
    s->active = (struct map){0};
}

enum status alerts_step(struct evaluation *e, struct rule_state *s, const struct found *found,
                        size_t n, struct err *err)
{
    size_t limit = e->group->group->limit;
    pthread_mutex_lock(&e->alerter->lock);
    size_t active = 0;
    /* What is too much must not be announced first. */
    bool too_many = n > RULE_ALERTS_MAX || (limit && n > limit);
    for (size_t i = 0; !too_many && i < n; i++)
        take_found(e, s, &found[i]);
    if (!too_many)
        active = step_each(e, s);
    too_many |= limit && active > limit;
    if (too_many)
        forget_all(e, s);
    pthread_mutex_unlock(&e->alerter->lock);
    if (too_many)
        return err_set(err, FULL, "exceeded limit of %zu with %zu alerts",
                       limit ? limit : (size_t)RULE_ALERTS_MAX, MAX(n, active));
    return OK;
}
