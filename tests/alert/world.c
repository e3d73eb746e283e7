#include "world.h"

#include <stdlib.h>

static struct source *view(void *arg)
{
    return memory_source_face(((struct world *)arg)->series);
}

static void view_end(void *arg, struct source *v)
{
    (void)arg;
    (void)v;
}

static void append(void *arg, struct labels labels, struct sample sample)
{
    struct world *w = arg;
    assert_ok(memory_source_append(w->series, labels, sample, err));
}

static enum status commit(void *arg, struct err *err)
{
    (void)arg;
    (void)err;
    return OK;
}

static void changed(void *arg, enum alert_change change, const struct alert *a)
{
    static const char *const names[] = {"pending", "firing", "resolved", "dropped"};
    struct world *w = arg;
    buf_printf(&w->changes, "%lld %s ", (long long)(w->now_ms / 1000), names[change]);
    labels_print(&w->changes, a->labels);
    buf_char(&w->changes, '\n');
}

int world_open(void **state)
{
    struct world *w = mem_zero(1, sizeof *w);
    w->series = memory_source_open();
    rules_init(&w->rules);
    w->face = (struct alert_world){.arg = w,
                                   .view = view,
                                   .view_end = view_end,
                                   .append = append,
                                   .commit = commit,
                                   .changed = changed};
    *state = w;
    return 0;
}

int world_close(void **state)
{
    struct world *w = *state;
    alerter_close(w->alerter);
    rules_free(&w->rules);
    memory_source_close(w->series);
    buf_free(&w->changes);
    free(w);
    return 0;
}

void world_rules(struct world *w, const char *yaml)
{
    assert_ok(rules_read(&w->rules, span_of(yaml), "test.yml", 60000, err));
    w->alerter = alerter_open(&w->rules);
    for (size_t i = 0; i < w->rules.n; i++)
        alerter_restore_for(w->alerter, i, 0, NULL);
}

void world_restart(struct world *w)
{
    alerter_close(w->alerter);
    w->alerter = alerter_open(&w->rules);
}

void world_sample(struct world *w, const char *metric, const char *instance, int64_t t_s, double v)
{
    struct label labels[] = {{SPAN(LABEL_NAME), span_of(metric)},
                             {SPAN("instance"), span_of(instance)}};
    assert_ok(memory_source_append(w->series, (struct labels){labels, 2},
                                   (struct sample){t_s * 1000, v}, err));
}

void world_evaluate(struct world *w, int64_t t_s)
{
    w->now_ms = t_s * 1000;
    for (size_t i = 0; i < w->rules.n; i++)
        assert_ok(alerter_evaluate(w->alerter, i, w->now_ms, &w->face, err));
}

void world_series(struct world *w, const char *metric, struct buf *out)
{
    struct source *s = memory_source_face(w->series);
    struct matcher m = {.kind = MATCH_EQUAL, .name = SPAN(LABEL_NAME), .value = span_of(metric)};
    struct select_hints hints = {.start_ms = -1, .end_ms = INT64_MAX};
    auto_arena arena = {0};
    struct selected *found;
    size_t n;
    assert_ok(s->select(s, &m, 1, &hints, &arena, &found, &n, err));
    for (size_t i = 0; i < n; i++) {
        assert_ok(s->read(s, &found[i], &hints, &arena, err));
        struct span st = labels_get(found[i].labels, SPAN("alertstate"));
        buf_printf(out, "%.*s[", SPAN_ARG(st));
        for (size_t k = 0; k < found[i].n; k++) {
            buf_printf(out, "%s%lld:", k ? " " : "", (long long)(found[i].t_ms[k] / 1000));
            if (is_stale(found[i].v[k]))
                buf_str(out, "stale");
            else
                buf_double(out, found[i].v[k]);
        }
        buf_str(out, "]");
    }
}
