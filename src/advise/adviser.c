/* The adviser: rules, classifier, and what it remembers of hosts from tick to tick. */
#include "advise/tick.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FRESH_MS = 2 * 60 * 1000, FORGET_MS = 24 * 3600 * 1000 };

char *advise_data_path(struct arena *arena, const char *name)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    /* build/galen -> the tree around build/; bin/galen -> share/galen beside bin/ */
    static const char *const beside[] = {"%s/../%s", "%s/../share/galen/%s"};
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; slash && i < COUNT(beside); i++) {
        char *path = arena_printf(arena, beside[i], self, name);
        if (access(path, R_OK) == 0)
            return path;
    }
    char *installed = arena_printf(arena, "/usr/share/galen/%s", name);
    if (access(installed, R_OK) == 0)
        return installed;
    char *source = arena_printf(arena, GALEN_SOURCE_DIR "/%s", name);
    return access(source, R_OK) == 0 ? source : installed;
}

enum status adviser_set_model(struct adviser *a, const char *path, struct err *err)
{
    struct model *m;
    size_t *inputs;
    enum status st = model_load(path, &m, err);
    if (st)
        return st;
    if ((st = features_bind(a->rules, m, &inputs, err))) {
        model_close(m);
        return err ? err_prefix(err, "%s", path) : st;
    }
    model_close(a->model);
    free(a->model_inputs);
    a->model = m;
    a->model_inputs = inputs;
    return OK;
}

/* Where things are when the configuration does not say. */
struct places {
    struct arena arena;
    const char *rules, *extra, *model;
    bool model_given;
};

static void find_places(const struct adviser_config *config, struct places *p)
{
    p->rules = config->rules_dir ? config->rules_dir : advise_data_path(&p->arena, "rules");
    p->extra = config->rules_extra                  ? config->rules_extra
               : access(RULES_EXTRA_DIR, R_OK) == 0 ? RULES_EXTRA_DIR
                                                    : "";
    p->model =
        config->model_path ? config->model_path : advise_data_path(&p->arena, "model/default.h5");
    p->model_given = config->model_path != NULL;
    if (p->model_given || access(p->model, F_OK) == 0)
        return;
    log_warn("%s is not there: the rules advise without a classifier", p->model);
    p->model = "";
}

static enum status load_model(struct adviser *a, const struct places *p, struct err *err)
{
    enum status st = *p->model ? adviser_set_model(a, p->model, err) : OK;
    if (st != UNSUPPORTED || p->model_given)
        return st;
    /* a build without HDF5 */
    log_warn("%s: the rules advise without a classifier", err ? err->text : p->model);
    return OK;
}

enum status adviser_open(const struct adviser_config *config, struct adviser **out, struct err *err)
{
    *out = NULL;
    struct places p = {0};
    find_places(config, &p);
    struct adviser *a = mem_zero(1, sizeof *a);
    a->one_look = config->window_max_ms != 0;
    a->trial = config->trial;
    enum status st =
        rules_load(p.rules, *p.extra ? p.extra : NULL, config->window_max_ms, &a->rules, err);
    /* What it was trained on lasted as long at least; less makes it sure of anything. */
    a->brief = !st && a->one_look && !a->trial && 2 * config->window_max_ms < a->rules->features_ms;
    if (!st)
        st = load_model(a, &p, err);
    arena_free(&p.arena);
    if (st) {
        adviser_close(a);
        return st;
    }
    *out = a;
    return OK;
}

/* Hosts of the old adviser go on with the new one's rules; states of rules that are gone go. */
static void carry_over(struct adviser *a, const struct rules *rules)
{
    struct map_slot *slot, *state;
    for (size_t at = 0; (slot = map_next(&a->hosts, &at));) {
        struct host *h = slot->value;
        for (size_t k = 0; (state = map_next(&h->states, &k));) {
            struct rule_state *s = state->value;
            const struct rule *r = rule_by_id(rules, s->rule->id);
            if (r && !r->per == !s->subject) {
                s->rule = r;
                continue;
            }
            map_remove(&h->states, state->key);
            free(s->key);
            free(s);
        }
    }
}

enum status adviser_reload(struct adviser *a, const struct adviser_config *config, struct err *err)
{
    struct adviser *fresh;
    enum status st = adviser_open(config, &fresh, err);
    if (st)
        return st;
    carry_over(a, fresh->rules);
    const struct adviser old = *a;
    a->rules = fresh->rules;
    a->model = fresh->model;
    a->model_inputs = fresh->model_inputs;
    fresh->rules = old.rules;
    fresh->model = old.model;
    fresh->model_inputs = old.model_inputs;
    map_free(&a->complained); /* its keys were the old rules' */
    adviser_close(fresh);
    return OK;
}

static void host_free(struct host *h)
{
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&h->states, &at));) {
        struct rule_state *s = slot->value;
        free(s->key);
        free(s);
    }
    map_free(&h->states);
    free(h->instance);
    free(h);
}

void adviser_forget(struct adviser *a)
{
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&a->hosts, &at));)
        host_free(slot->value);
    map_free(&a->hosts);
    mutes_free(a);
    seen_free(&a->seen);
    map_free(&a->complained);
    arena_free(&a->scratch);
}

void adviser_close(struct adviser *a)
{
    if (!a)
        return;
    adviser_forget(a);
    rules_close(a->rules);
    model_close(a->model);
    free(a->model_inputs);
    free(a);
}

size_t adviser_rules(const struct adviser *a)
{
    return a->rules->n_rules;
}

const struct model *adviser_model(const struct adviser *a)
{
    return a->model;
}

static struct host *find_host(struct adviser *a, struct span instance)
{
    struct host *h = map_get(&a->hosts, instance);
    if (h)
        return h;
    h = mem_zero(1, sizeof *h);
    h->instance = mem_dup_span(instance);
    map_put(&a->hosts, span_of(h->instance), h);
    return h;
}

/* A host that booted or was away begins anew: its counters and our conditions did, too. */
static void begin_anew(struct host *h)
{
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&h->states, &at));)
        rule_forget(slot->value);
    h->sure_class = 0;
}

static int by_instance(const void *left, const void *right)
{
    const struct host *const *a = left, *const *b = right;
    return strcmp((*a)->instance, (*b)->instance);
}

static enum status find_hosts(struct tick *t)
{
    struct query q = {.expr = t->a->rules->seen.expr, .start_ms = t->now_ms, .end_ms = t->now_ms};
    struct result seen;
    enum status st = promql_eval(&q, t->source, &t->a->scratch, &seen, t->err);
    if (st)
        return err_prefix(t->err, "hosts");
    t->hosts = ARENA_ARRAY(t->arena, struct host *, seen.n);
    for (size_t i = 0; seen.kind == VALUE_VECTOR && i < seen.n; i++) {
        double at_ms = seen.series[i].at[0].v * 1000;
        if (!((double)t->now_ms - at_ms <= FRESH_MS))
            continue;
        struct host *h = find_host(t->a, labels_get(seen.series[i].labels, SPAN("instance")));
        if (h->fresh) /* two series for one instance */
            continue;
        h->fresh = true;
        t->hosts[t->n++] = h;
    }
    if (t->n)
        qsort(t->hosts, t->n, sizeof *t->hosts, by_instance);
    for (size_t i = 0; i < t->n; i++)
        t->hosts[i]->index = i;
    arena_reset(&t->a->scratch);
    return OK;
}

static void note_boot(const struct tick *t, struct host *h, const struct column *booted)
{
    double at;
    bool has = column_value(booted, h, NULL, NULL, &at, NULL);
    /* The kernel computes the boot time anew each time; it moves with the clock by a second. */
    bool again = has && h->booted_s > 0 && fabs(at - h->booted_s) > 30;
    if (again || (h->ticked_ms && t->now_ms - h->ticked_ms > SILENCE_MS))
        begin_anew(h);
    h->booted_s = has ? at : 0;
    h->is_new = h->ticked_ms == 0;
    h->ticked_ms = t->now_ms;
}

enum status tick_start(struct tick *t)
{
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&t->a->hosts, &at));)
        ((struct host *)slot->value)->fresh = false;
    enum status st = find_hosts(t);
    if (st)
        return st;
    t->analyses = ARENA_ARRAY(t->arena, struct analysis, t->n);
    struct column booted, settled;
    if ((st = column_read(t, &t->a->rules->booted, "booted", &booted)) ||
        (st = column_read(t, &t->a->rules->settled, "settled", &settled)))
        return st;
    for (size_t i = 0; i < t->n; i++) {
        double v;
        struct host *h = t->hosts[i];
        note_boot(t, h, &booted);
        t->analyses[i].instance = arena_span(t->arena, span_of(h->instance));
        t->analyses[i].at_ms = t->now_ms;
        t->analyses[i].brief = t->a->brief;
        t->analyses[i].preliminary = !column_value(&settled, h, NULL, NULL, &v, NULL);
    }
    arena_reset(&t->a->scratch);
    return OK;
}

/* Hosts that are gone for a day. */
static void forget_hosts(struct tick *t)
{
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&t->a->hosts, &at));) {
        struct host *h = slot->value;
        if (h->fresh || t->now_ms - h->ticked_ms < FORGET_MS)
            continue;
        map_remove(&t->a->hosts, slot->key);
        host_free(h);
    }
}

enum status advise_tick(struct adviser *a, struct source *source, int64_t now_ms,
                        struct arena *arena, struct advice *out, struct err *err)
{
    *out = (struct advice){0};
    struct tick t = {.a = a, .source = source, .now_ms = now_ms, .arena = arena, .err = err};
    enum status st = tick_start(&t);
    if (!st)
        st = features_tick(&t);
    if (!st)
        st = advice_tick(&t);
    arena_reset(&a->scratch);
    if (st)
        return st;
    for (size_t i = 0; i < t.n; i++) {
        note_sure(t.hosts[i], &t.analyses[i], a->one_look);
        analysis_decide(&t.analyses[i], arena);
    }
    forget_hosts(&t);
    *out = (struct advice){t.analyses, t.n};
    return OK;
}
