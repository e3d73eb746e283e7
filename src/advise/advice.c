/* Rules over all hosts: each rule's signal is evaluated once, the guards only where the signal
 * is high enough to matter, and the rest only for rules that speak. */
#include "advise/tick.h"

#include <stdlib.h>

/* One rule in one tick. */
struct look {
    struct tick *t;
    const struct rule *rule;
    struct column signal, use, when, unless, counter;
    struct finding_columns columns;
    bool has_guards, has_columns;
};

/* A host's number that a rule judges: the whole host's, or one subject's. */
struct candidate {
    struct host *host;
    const char *subject;
    double value;
    struct labels labels;
};

struct rule_state *rule_state_of(struct host *h, const struct rule *r, const char *subject,
                                 bool make)
{
    auto_buf key = {0};
    buf_str(&key, r->id);
    buf_char(&key, '\n');
    buf_str(&key, subject ? subject : "");
    struct rule_state *s = map_get(&h->states, buf_view(&key));
    if (s || !make)
        return s;
    s = mem_zero(1, sizeof *s);
    s->rule = r;
    s->key = mem_dup_span(buf_view(&key));
    s->subject = subject ? s->key + strlen(r->id) + 1 : NULL;
    map_put(&h->states, span_of(s->key), s);
    return s;
}

static const struct column *judged(const struct look *l)
{
    return l->rule->signal.expr ? &l->signal : &l->when;
}

static enum status read_guards(struct look *l)
{
    if (l->has_guards)
        return OK;
    l->has_guards = true;
    const struct rule *r = l->rule;
    enum status st = OK;
    if (r->signal.expr)
        st = column_read(l->t, &r->when, r->id, &l->when);
    if (!st)
        st = column_read(l->t, &r->unless, r->id, &l->unless);
    return st ? st : column_read(l->t, &r->counter, r->id, &l->counter);
}

static bool guards_agree(const struct look *l, const struct candidate *c)
{
    const char *per = l->rule->per;
    double v;
    if (l->when.evaluated && !column_value(&l->when, c->host, per, c->subject, &v, NULL))
        return false;
    if (column_value(&l->unless, c->host, per, c->subject, &v, NULL))
        return false;
    return !column_value(&l->counter, c->host, per, c->subject, &v, NULL);
}

static bool just_booted(const struct look *l, const struct host *h)
{
    return h->booted_s > 0 && (double)l->t->now_ms - h->booted_s * 1000 < BOOT_QUIET_MS;
}

static enum status judge(struct look *l, const struct candidate *c, struct rule_look *out)
{
    const struct rule *r = l->rule;
    bool low = r->above < 0; /* a threshold below zero has no 80 % */
    out->over = !r->has_above || c->value > r->above;
    out->hold = !r->has_above || c->value > (low ? 1.0 : 0.8) * r->above;
    if (!out->hold)
        return OK;
    enum status st = read_guards(l);
    if (st)
        return st;
    bool too_short = l->t->a->one_look && r->kind == KIND_PRESSURE && !l->t->a->trial;
    bool agree = !too_short && !just_booted(l, c->host) && guards_agree(l, c);
    out->over = out->over && agree;
    out->hold = agree;
    out->at_once =
        l->t->a->one_look || (r->kind == KIND_PROOF && r->above > 0 && c->value > 10 * r->above);
    return OK;
}

static void add_finding(struct look *l, const struct candidate *c, const struct rule_state *s)
{
    struct analysis *a = &l->t->analyses[c->host->index];
    a->findings = arena_grow(l->t->arena, a->findings, a->n_findings * sizeof *a->findings,
                             (a->n_findings + 1) * sizeof *a->findings);
    finding_make(l->t, l->rule, &l->columns, c->host, s, c->value, c->labels,
                 &a->findings[a->n_findings++]);
}

static void add_ended(struct tick *t, struct host *h, const struct rule_state *s)
{
    struct analysis *a = &t->analyses[h->index];
    a->ended = arena_grow(t->arena, a->ended, a->n_ended * sizeof *a->ended,
                          (a->n_ended + 1) * sizeof *a->ended);
    a->ended[a->n_ended++] = (struct finding){
        .rule = arena_dup(t->arena, s->rule->id),
        .subject = s->subject ? arena_dup(t->arena, s->subject) : NULL,
        .class = s->rule->class,
        .kind = s->rule->kind,
        .parameter = s->rule->parameter ? arena_dup(t->arena, s->rule->parameter) : NULL,
    };
}

/* The value of a finding's parameter is looked at in every tick: a change ends it. */
static enum status look_at_value(struct look *l, const struct candidate *c, struct rule_state *s)
{
    if (!l->has_columns) {
        l->has_columns = true;
        enum status st = finding_columns_read(l->t, l->rule, &l->columns);
        if (st)
            return st;
    }
    char from[sizeof s->from];
    finding_from(l->rule, &l->columns, c->host, c->subject, from, sizeof from);
    rule_value_seen(s, from, l->t->now_ms);
    return OK;
}

static void hold_back(struct look *l, const struct candidate *c, const struct mute *m)
{
    struct analysis *a = &l->t->analyses[c->host->index];
    a->held = arena_grow(l->t->arena, a->held, a->n_held * sizeof *a->held,
                         (a->n_held + 1) * sizeof *a->held);
    a->held[a->n_held++] = (struct held_back){
        .rule = arena_dup(l->t->arena, l->rule->id),
        .title = arena_dup(l->t->arena, l->rule->title),
        .parameter = l->rule->parameter ? arena_dup(l->t->arena, l->rule->parameter) : NULL,
        .why = arena_dup(l->t->arena, m->why),
        .until_ms = m->until_ms,
    };
    struct rule_state *s = rule_state_of(c->host, l->rule, c->subject, false);
    if (s && s->active)
        add_ended(l->t, c->host, s);
    if (s)
        rule_forget(s);
}

static enum status take_candidate(struct look *l, const struct candidate *c)
{
    struct rule_look look = {0};
    enum status st = judge(l, c, &look);
    if (st)
        return st;
    const struct mute *mute = look.over || look.hold ? mute_of(l->t->a, span_of(c->host->instance),
                                                               l->rule, c->subject, l->t->now_ms)
                                                     : NULL;
    if (mute) {
        hold_back(l, c, mute);
        return OK;
    }
    struct rule_state *s = rule_state_of(c->host, l->rule, c->subject, look.over);
    if (!s)
        return OK;
    bool was = s->active;
    rule_look(s, look, l->t->now_ms);
    if (s->active && (st = look_at_value(l, c, s)))
        return st;
    if (s->active)
        add_finding(l, c, s);
    else if (was)
        add_ended(l->t, c->host, s);
    return OK;
}

static enum status take_subjects(struct look *l, struct host *h)
{
    const struct column *column = judged(l);
    for (uint32_t i = column_first(column, h); i; i = column->next[i - 1]) {
        const struct result_series *e = &column->result.series[i - 1];
        struct span subject = labels_get(e->labels, span_of(l->rule->per));
        if (isnan(e->at[0].v) || subject.len == 0)
            continue;
        struct candidate c = {h, arena_dup_span(&l->t->a->scratch, subject), e->at[0].v, e->labels};
        enum status st = take_candidate(l, &c);
        if (st)
            return st;
    }
    return OK;
}

static void note_use(const struct look *l, const struct host *h)
{
    double use;
    const struct rule *r = l->rule;
    struct analysis *a = &l->t->analyses[h->index];
    if (!r->limit || !column_value(&l->use, h, NULL, NULL, &use, NULL))
        return;
    struct closest c = {arena_dup(l->t->arena, r->id), arena_dup(l->t->arena, r->limit), use};
    for (size_t i = 0; i < a->n_closest; i++)
        if (c.use > a->closest[i].use) {
            struct closest swap = a->closest[i];
            a->closest[i] = c;
            c = swap;
        }
    if (a->n_closest < CLOSEST_MAX)
        a->closest[a->n_closest++] = c;
}

static enum status look_at_host(struct look *l, struct host *h)
{
    const struct column *column = judged(l);
    struct analysis *a = &l->t->analyses[h->index];
    struct candidate c = {.host = h};
    bool has = column_value(column, h, NULL, NULL, &c.value, &c.labels);
    if (has || !l->rule->signal.expr)
        a->checks++;
    else
        a->silent++;
    note_use(l, h);
    if (!has)
        return OK;
    return l->rule->per ? take_subjects(l, h) : take_candidate(l, &c);
}

static enum status look_at_rule(struct tick *t, const struct rule *r)
{
    struct look l = {.t = t, .rule = r};
    enum status st = column_read(t, r->signal.expr ? &r->signal : &r->when, r->id,
                                 r->signal.expr ? &l.signal : &l.when);
    if (!st && r->use.expr && r->use.expr != r->signal.expr)
        st = column_read(t, &r->use, r->id, &l.use);
    else
        l.use = l.signal;
    for (size_t i = 0; !st && i < t->n; i++)
        st = look_at_host(&l, t->hosts[i]);
    arena_reset(&t->a->scratch);
    return st;
}

/* Conditions whose signal is gone (a file system was unmounted) no longer hold. */
static void look_at_rest(struct tick *t, struct host *h)
{
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&h->states, &at));) {
        struct rule_state *s = slot->value;
        if (s->looked_ms == t->now_ms)
            continue;
        bool was = s->active;
        rule_look(s, (struct rule_look){0}, t->now_ms);
        if (was && !s->active)
            add_ended(t, h, s);
        if (!s->active && !s->pending_since_ms && t->now_ms >= s->quiet_until_ms) {
            map_remove(&h->states, slot->key);
            free(s->key);
            free(s);
        }
    }
}

static bool speaks(const struct analysis *a, const char *id)
{
    for (size_t i = 0; i < a->n_findings; i++)
        if (strcmp(a->findings[i].rule, id) == 0)
            return true;
    return false;
}

static bool yields(const struct rules *rules, const struct analysis *a, const struct finding *f)
{
    const struct rule *r = rule_by_id(rules, f->rule);
    for (size_t i = 0; i < r->n_yields_to; i++)
        if (speaks(a, r->yields_to[i]))
            return true;
    return false;
}

static int stronger_first(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;
    if (!a->class != !b->class)
        return a->class ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->low_confidence != b->low_confidence)
        return a->low_confidence ? 1 : -1;
    if (a->since_ms != b->since_ms)
        return a->since_ms < b->since_ms ? -1 : 1;
    int order = strcmp(a->rule, b->rule);
    return order ? order : strcmp(a->subject ? a->subject : "", b->subject ? b->subject : "");
}

/* Is the parameter already in a stronger finding? One parameter a step. */
static bool repeats(const struct analysis *a, size_t kept, const struct finding *f)
{
    for (size_t i = 0; f->parameter && i < kept; i++)
        if (a->findings[i].parameter && strcmp(a->findings[i].parameter, f->parameter) == 0)
            return true;
    return false;
}

static void settle(struct tick *t, struct analysis *a)
{
    bool *drop = ARENA_ARRAY(t->arena, bool, a->n_findings);
    for (size_t i = 0; i < a->n_findings; i++)
        drop[i] = yields(t->a->rules, a, &a->findings[i]);
    size_t n = 0;
    for (size_t i = 0; i < a->n_findings; i++)
        if (!drop[i])
            a->findings[n++] = a->findings[i];
    a->n_findings = n;
    if (n)
        qsort(a->findings, n, sizeof *a->findings, stronger_first);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!repeats(a, kept, &a->findings[i]))
            a->findings[kept++] = a->findings[i];
    a->n_findings = kept;
}

enum status advice_tick(struct tick *t)
{
    enum status restored = restore_new_hosts(t);
    if (restored)
        return restored;
    for (size_t i = 0; i < t->a->rules->n_rules; i++) {
        enum status st = look_at_rule(t, &t->a->rules->rules[i]);
        if (st)
            return st;
    }
    for (size_t i = 0; i < t->n; i++) {
        look_at_rest(t, t->hosts[i]);
        settle(t, &t->analyses[i]);
    }
    return OK;
}
