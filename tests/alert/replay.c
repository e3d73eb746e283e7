/* 500 scripted traces, six rules, and the state that each alert must be in after every evaluation,
 * by a table that a second, simple model of the rules makes: flapping values, gaps, stale markers,
 * late samples, and restarts of the alerter in the middle of every duration, of which the record
 * keeps what the server's keeps. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

enum { TRACES = 500, STEPS = 80, EVERY_S = 15, LOOKBACK_S = 300, RULES = 6, RESTART_EVERY = 13 };
/* Samples do not lie on the edges of the look-back. */
enum { SAMPLE_OFFSET_S = 7 };

static const char yaml[] = "groups:\n"
                           "- name: g\n"
                           "  rules:\n"
                           "  - {alert: R0, expr: m > 5}\n"
                           "  - {alert: R1, expr: m > 5, for: 1m}\n"
                           "  - {alert: R2, expr: m > 5, for: 5m}\n"
                           "  - {alert: R3, expr: m > 5, keep_firing_for: 2m}\n"
                           "  - {alert: R4, expr: m > 5, for: 1m, keep_firing_for: 1m}\n"
                           "  - alert: R5\n"
                           "    expr: m\n"
                           "    thresholds: {warning: {value: 5, clear: 3, for: 30s}}\n"
                           "    keep_firing_for: 1m\n";
static const struct {
    int for_s, keep_s;
    double value, clear;
} rules[RULES] = {{0, 0, 5, 5},   {60, 0, 5, 5},  {300, 0, 5, 5},
                  {0, 120, 5, 5}, {60, 60, 5, 5}, {30, 60, 5, 3}};

/* ---- what a trace is made of ---- */

enum { GAP = -1, STALE = -2 };

struct trace {
    int values[STEPS]; /* or GAP, STALE */
    bool late[STEPS];  /* comes after the evaluation that would have seen it first */
};

static unsigned pick(uint64_t *seed, unsigned n)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(*seed >> 33) % n;
}

/* A fifth each: flapping, plateaus, plateaus with gaps, with stale markers, with late samples. */
static void script(struct trace *t, unsigned number)
{
    uint64_t seed = number + 1;
    unsigned kind = number % 5, left = 0;
    int v = 0;
    for (int i = 0; i < STEPS; i++) {
        if (left == 0) {
            v = (int)pick(&seed, 10);
            left = kind == 0 ? 1 + pick(&seed, 2) : 1 + pick(&seed, 25);
            if (kind == 2 && pick(&seed, 3) == 0)
                v = GAP;
        }
        left--;
        t->values[i] = kind == 3 && pick(&seed, 10) == 0 ? STALE : v;
        t->late[i] = kind == 4 && pick(&seed, 4) == 0;
    }
}

static int64_t sample_s(int step)
{
    return (int64_t)step * EVERY_S - SAMPLE_OFFSET_S + EVERY_S;
}

static int64_t evaluation_s(int step)
{
    return (int64_t)step * EVERY_S + EVERY_S;
}

/* ---- the table ---- */

/* What an evaluation sees: false when there is nothing. */
static bool seen(const struct trace *t, int step, double *v)
{
    for (int i = step; i >= 0; i--) {
        if (t->values[i] == GAP || (i == step && t->late[i]))
            continue;
        *v = t->values[i];
        return t->values[i] != STALE && evaluation_s(step) - sample_s(i) < LOOKBACK_S;
    }
    return false;
}

struct model {
    char state; /* '.', 'p', 'f' */
    int64_t since_s, kept_since_s;
};

static void model_step(struct model *m, int rule, bool is, double v, int64_t now_s)
{
    double limit = m->state == 'f' ? rules[rule].clear : rules[rule].value;
    if (is && v > limit) {
        if (m->state == '.') {
            m->state = 'p';
            m->since_s = now_s;
        }
        m->kept_since_s = -1;
        if (now_s - m->since_s >= rules[rule].for_s)
            m->state = 'f';
        return;
    }
    if (m->state == 'f' && rules[rule].keep_s) {
        if (m->kept_since_s < 0)
            m->kept_since_s = now_s;
        if (now_s - m->kept_since_s < rules[rule].keep_s)
            return;
    }
    *m = (struct model){.state = '.', .kept_since_s = -1};
}

/* ---- the alerter ---- */

static void collect(void *arg, const struct alert *a)
{
    char(*got)[RULES] = arg;
    struct span name = labels_get(a->labels, SPAN("instance"));
    uint64_t instance;
    assert_true(span_u64(span_from(name.at + 1, name.len - 1), &instance));
    got[instance][a->rule->name.at[1] - '0'] = ".pf"[a->state];
}

struct kept {
    struct arena arena;
    struct alert at[TRACES * RULES];
    size_t n;
};

static void keep(void *arg, const struct alert *a)
{
    struct kept *k = arg;
    if (a->state == ALERT_INACTIVE)
        return;
    k->at[k->n++] = (struct alert){.fingerprint = a->fingerprint,
                                   .labels = labels_dup(&k->arena, a->labels),
                                   .annotations = labels_dup(&k->arena, a->annotations),
                                   .state = a->state,
                                   .value = a->value,
                                   .active_ms = a->active_ms,
                                   .fired_ms = a->fired_ms};
}

/* As the server does after a kill: what the record has, then the first evaluation. */
static void restart(struct world *w)
{
    struct kept *k = mem_zero(1, sizeof *k);
    alerter_each(w->alerter, keep, k);
    world_restart(w);
    for (size_t i = 0; i < k->n; i++)
        assert_true(alerter_restore(w->alerter, SPAN("test.yml"), SPAN("g"), &k->at[i]));
    arena_free(&k->arena);
    free(k);
}

static void put_sample(struct world *w, const struct trace *t, int number, int step)
{
    char instance[16];
    if (t->values[step] == GAP)
        return;
    snprintf(instance, sizeof instance, "i%d", number);
    world_sample(w, "m", instance, sample_s(step),
                 t->values[step] == STALE ? bits_double(STALE_NAN_BITS) : t->values[step]);
}

static void samples_arrive(struct world *w, const struct trace *traces, int step)
{
    for (int i = 0; i < TRACES; i++) {
        if (step > 0 && traces[i].late[step - 1])
            put_sample(w, &traces[i], i, step - 1);
        if (!traces[i].late[step])
            put_sample(w, &traces[i], i, step);
    }
}

static void replay(void **state)
{
    struct world *w = *state;
    struct trace *traces = mem_zero(TRACES, sizeof *traces);
    struct model(*models)[RULES] = mem_zero(TRACES, sizeof *models);
    char(*got)[RULES] = mem_zero(TRACES, sizeof *got);
    for (int i = 0; i < TRACES; i++) {
        script(&traces[i], (unsigned)i);
        for (int r = 0; r < RULES; r++)
            models[i][r] = (struct model){.state = '.', .kept_since_s = -1};
    }
    unsigned fired = 0;
    world_rules(w, yaml);
    for (int step = 0; step < STEPS; step++) {
        bool again = step % RESTART_EVERY == RESTART_EVERY - 1;
        if (again)
            restart(w);
        samples_arrive(w, traces, step);
        world_evaluate(w, evaluation_s(step));
        if (again)
            alerter_restore_for(w->alerter, 0, w->now_ms, &w->face);
        memset(got, '.', TRACES * sizeof *got);
        alerter_each(w->alerter, collect, got);
        for (int i = 0; i < TRACES; i++)
            for (int r = 0; r < RULES; r++) {
                struct model *m = &models[i][r];
                double v = 0;
                bool is = seen(&traces[i], step, &v);
                if (again)
                    m->kept_since_s = -1; /* counted anew: as in Prometheus */
                model_step(m, r, is, v, evaluation_s(step));
                fired += m->state == 'f';
                if (got[i][r] != m->state)
                    fail_msg("trace %d, rule %d, step %d: %c instead of %c", i, r, step, got[i][r],
                             m->state);
            }
    }
    assert_in_range(fired, TRACES * STEPS * RULES / 10, TRACES * STEPS * RULES / 2);
    free(got);
    free(models);
    free(traces);
}

const struct CMUnitTest replay_tests[] = {WORLD_TEST(replay)};
const size_t replay_tests_n = COUNT(replay_tests);
