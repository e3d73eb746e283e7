/* The alerts of a set of rules between evaluations: opening, closing, taking over, asking. */
#include "alert/alerter_state.h"

#include <stdlib.h>

struct labels labels_own(struct labels l)
{
    size_t bytes = l.n * sizeof(struct label);
    for (size_t i = 0; i < l.n; i++)
        bytes += l.at[i].name.len + l.at[i].value.len;
    struct label *at = mem_alloc(MAX(bytes, (size_t)1));
    char *text = (char *)(at + l.n);
    for (size_t i = 0; i < l.n; i++) {
        struct span from[2] = {l.at[i].name, l.at[i].value}, to[2];
        for (size_t k = 0; k < 2; k++) {
            if (from[k].len)
                memcpy(text, from[k].at, from[k].len);
            to[k] = span_from(text, from[k].len);
            text += from[k].len;
        }
        at[i] = (struct label){to[0], to[1]};
    }
    return (struct labels){at, l.n};
}

void labels_release(struct labels l)
{
    free((void *)(uintptr_t)l.at);
}

void labels_key(struct buf *out, struct labels l)
{
    for (size_t i = 0; i < l.n; i++) {
        buf_span(out, l.at[i].name);
        buf_char(out, '\xff');
        buf_span(out, l.at[i].value);
        buf_char(out, '\xff');
    }
}

uint64_t labels_fingerprint(struct labels l)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < l.n; i++) {
        struct span parts[2] = {l.at[i].name, l.at[i].value};
        for (size_t k = 0; k < 2; k++) {
            for (size_t c = 0; c < parts[k].len; c++)
                hash = (hash ^ (unsigned char)parts[k].at[c]) * UINT64_C(1099511628211);
            hash = (hash ^ 255) * UINT64_C(1099511628211);
        }
    }
    return hash;
}

struct written *written_new(struct span key, struct labels l)
{
    struct written *w = mem_zero(1, sizeof *w);
    w->key = span_from(mem_dup_span(key), key.len);
    w->labels = labels_own(l);
    return w;
}

void written_free(struct written *w)
{
    free((void *)(uintptr_t)w->key.at);
    labels_release(w->labels);
    free(w);
}

struct alert *alert_new(const struct alert *like)
{
    struct alert *a = mem_alloc(sizeof *a);
    *a = *like;
    a->labels = labels_own(like->labels);
    a->annotations = labels_own(like->annotations);
    return a;
}

void alert_free(struct alert *a)
{
    labels_release(a->labels);
    labels_release(a->annotations);
    free(a);
}

struct span alert_key(const struct alert *a)
{
    return span_from(&a->fingerprint, sizeof a->fingerprint);
}

const char *alert_state_name(enum alert_state s)
{
    static const char *const names[] = {"inactive", "pending", "firing"};
    return names[s];
}

/* ---- opening and closing ---- */

struct alerter *alerter_open(const struct alert_rules *rules)
{
    struct alerter *a = mem_zero(1, sizeof *a);
    a->rules = *rules;
    a->groups = mem_zero(rules->n, sizeof *a->groups);
    for (size_t i = 0; i < rules->n; i++) {
        a->groups[i].group = &rules->groups[i];
        a->groups[i].rules = mem_zero(rules->groups[i].n, sizeof *a->groups[i].rules);
        for (size_t k = 0; k < rules->groups[i].n; k++)
            a->groups[i].rules[k].rule = &rules->groups[i].rules[k];
    }
    pthread_mutex_init(&a->lock, NULL);
    return a;
}

static void rule_state_free(struct rule_state *s)
{
    const struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&s->active, &at));)
        alert_free(slot->value);
    for (size_t at = 0; (slot = map_next(&s->series, &at));)
        written_free(slot->value);
    map_free(&s->active);
    map_free(&s->series);
}

void alerter_close(struct alerter *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->rules.n; i++) {
        for (size_t k = 0; k < a->rules.groups[i].n; k++)
            rule_state_free(&a->groups[i].rules[k]);
        free(a->groups[i].rules);
    }
    for (size_t i = 0; i < a->n_orphans; i++)
        written_free(a->orphans[i]);
    for (size_t i = 0; i < a->n_gone; i++)
        alert_free(a->gone[i]);
    free(a->orphans);
    free(a->gone);
    free(a->groups);
    arena_free(&a->overrides_arena);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* ---- another set of rules ---- */

static struct group_state *find_group(struct alerter *a, struct span file, struct span name)
{
    for (size_t i = 0; i < a->rules.n; i++)
        if (span_eq(a->groups[i].group->name, name) && span_is(file, a->groups[i].group->file))
            return &a->groups[i];
    return NULL;
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
    if (a->records != b->records || !span_eq(a->name, b->name) || a->n_labels != b->n_labels)
        return false;
    for (size_t i = 0; i < a->n_labels; i++)
        if (!span_eq(a->labels[i].name, b->labels[i].name) ||
            !span_eq(a->labels[i].text, b->labels[i].text))
            return false;
    return true;
}

static void move_state(struct rule_state *to, struct rule_state *from)
{
    const struct map_slot *slot;
    to->active = from->active;
    to->series = from->series;
    from->active = from->series = (struct map){0};
    for (size_t at = 0; (slot = map_next(&to->active, &at));)
        ((struct alert *)slot->value)->rule = to->rule;
}

static void orphan_all(struct alerter *a, struct rule_state *s)
{
    const struct map_slot *slot;
    a->orphans = mem_grow(a->orphans, (a->n_orphans + s->series.count + 1) * sizeof *a->orphans);
    a->gone = mem_grow(a->gone, (a->n_gone + s->active.count + 1) * sizeof *a->gone);
    for (size_t at = 0; (slot = map_next(&s->series, &at));)
        a->orphans[a->n_orphans++] = slot->value;
    for (size_t at = 0; (slot = map_next(&s->active, &at));)
        a->gone[a->n_gone++] = slot->value;
    map_free(&s->active);
    map_free(&s->series);
    s->active = s->series = (struct map){0};
}

static void take_over_group(struct alerter *a, struct group_state *to, struct group_state *from)
{
    to->restored = from->restored;
    to->evaluated_ms = from->evaluated_ms;
    for (size_t i = 0; i < to->group->n; i++)
        for (size_t k = 0; k < from->group->n; k++) {
            struct rule_state *old = &from->rules[k];
            if (!old->evaluated_ms || !same_rule(to->rules[i].rule, old->rule))
                continue;
            move_state(&to->rules[i], old);
            to->rules[i].evaluated_ms = old->evaluated_ms;
            old->evaluated_ms = 0; /* taken */
            break;
        }
    for (size_t k = 0; k < from->group->n; k++)
        orphan_all(a, &from->rules[k]);
}

void alerter_take_over(struct alerter *a, struct alerter *from)
{
    pthread_mutex_lock(&from->lock);
    for (size_t i = 0; i < from->rules.n; i++) {
        struct group_state *old = &from->groups[i];
        struct group_state *g = find_group(a, span_of(old->group->file), old->group->name);
        if (g)
            take_over_group(a, g, old);
        for (size_t k = 0; !g && k < old->group->n; k++)
            orphan_all(a, &old->rules[k]);
    }
    a->stats = from->stats;
    pthread_mutex_unlock(&from->lock);
}

/* ---- overrides ---- */

void alerter_override(struct alerter *a, const struct rule_override *o, size_t n)
{
    pthread_mutex_lock(&a->lock);
    arena_reset(&a->overrides_arena);
    a->overrides = ARENA_ARRAY(&a->overrides_arena, struct rule_override, n);
    for (size_t i = 0; i < n; i++) {
        a->overrides[i] = o[i];
        a->overrides[i].rule = arena_span(&a->overrides_arena, o[i].rule);
        a->overrides[i].level = arena_span(&a->overrides_arena, o[i].level);
        a->overrides[i].instance = arena_span(&a->overrides_arena, o[i].instance);
    }
    a->n_overrides = n;
    pthread_mutex_unlock(&a->lock);
}

static void apply(struct rule_limits *l, const struct rule_override *o)
{
    double gap = l->value - l->clear;
    if (o->has_value) {
        l->value = o->value;
        l->clear = o->value - gap;
    }
    if (o->has_clear)
        l->clear = o->clear;
    if (o->has_for)
        l->for_ms = o->for_ms;
    l->disabled = o->disabled;
}

struct rule_limits rule_limits(const struct alerter *a, const struct rule *u, struct span instance)
{
    struct rule_limits l = {u->threshold.value, u->threshold.clear, u->for_ms, false};
    const struct rule_override *all = NULL, *one = NULL;
    for (size_t i = 0; i < a->n_overrides; i++) {
        const struct rule_override *o = &a->overrides[i];
        if (!span_eq(o->rule, u->name) || (o->level.len && !span_eq(o->level, u->threshold.level)))
            continue;
        if (!o->instance.len)
            all = o;
        else if (span_eq(o->instance, instance))
            one = o;
    }
    if (all)
        apply(&l, all);
    if (one)
        apply(&l, one);
    return l;
}

/* ---- before a restart ---- */

/* Several rules may have one name: the one whose labels with fixed text are the alert's. */
static bool may_be_of(const struct rule *u, const struct alert *was)
{
    if (u->records || !span_eq(u->name, labels_get(was->labels, SPAN("alertname"))))
        return false;
    for (size_t i = 0; i < u->n_labels; i++)
        if (!memmem(u->labels[i].text.at, u->labels[i].text.len, "{{", 2) &&
            !span_eq(u->labels[i].text, labels_get(was->labels, u->labels[i].name)))
            return false;
    return true;
}

bool alerter_restore(struct alerter *a, struct span file, struct span group,
                     const struct alert *was)
{
    struct group_state *g = find_group(a, file, group);
    for (size_t i = 0; g && i < g->group->n; i++) {
        struct rule_state *s = &g->rules[i];
        if (!may_be_of(s->rule, was) || map_get(&s->active, alert_key(was)))
            continue;
        struct alert *copy = alert_new(was);
        copy->rule = s->rule;
        copy->restored = true;
        map_put(&s->active, alert_key(copy), copy);
        return true;
    }
    return false;
}

/* ---- asking ---- */

void alerter_each(struct alerter *a, void (*fn)(void *arg, const struct alert *alert), void *arg)
{
    const struct map_slot *slot;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->rules.n; i++)
        for (size_t k = 0; k < a->groups[i].group->n; k++)
            for (size_t at = 0; (slot = map_next(&a->groups[i].rules[k].active, &at));)
                fn(arg, slot->value);
    pthread_mutex_unlock(&a->lock);
}

static void count(void *arg, const struct alert *alert)
{
    struct alerter_stats *s = arg;
    s->pending += alert->state == ALERT_PENDING;
    s->firing += alert->state == ALERT_FIRING;
}

void alerter_stats(struct alerter *a, struct alerter_stats *out)
{
    struct alerter_stats now = {0};
    alerter_each(a, count, &now);
    pthread_mutex_lock(&a->lock);
    *out = a->stats;
    out->pending = now.pending;
    out->firing = now.firing;
    out->last_duration_s = out->lag_s = 0;
    for (size_t i = 0; i < a->rules.n; i++) {
        out->last_duration_s += a->groups[i].duration_s;
        out->lag_s = MAX(out->lag_s, a->groups[i].lag_s);
    }
    pthread_mutex_unlock(&a->lock);
}

void alerter_timed(struct alerter *a, size_t group, int64_t duration_ns, int64_t lag_ms,
                   uint64_t missed)
{
    pthread_mutex_lock(&a->lock);
    a->groups[group].duration_s = (double)duration_ns / 1e9;
    a->groups[group].lag_s = (double)lag_ms / 1e3;
    a->stats.missed += missed;
    pthread_mutex_unlock(&a->lock);
}
