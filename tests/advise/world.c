#include "world.h"

#include "base/clock.h"

#include <stdlib.h>

static void open_empty(struct world *w)
{
    *w = (struct world){.now_ms = INT64_C(1800000000000)};
    w->source = memory_source_open();
}

static void healthy(struct world *w)
{
    double boot = (double)w->now_ms / 1000 - 86400;
    world_set(w, "node_boot_time_seconds", "", boot);
    world_set(w, "node_memory_MemTotal_bytes", "", 16.0 * 1073741824);
    world_set(w, "node_memory_MemFree_bytes", "", 8.0 * 1073741824);
    world_set(w, "node_memory_MemAvailable_bytes", "", 12.0 * 1073741824);
    for (int cpu = 0; cpu < 2; cpu++) {
        char labels[32];
        snprintf(labels, sizeof labels, "cpu=%d,mode=idle", cpu);
        world_pace(w, "node_cpu_seconds_total", labels, 0.9);
        snprintf(labels, sizeof labels, "cpu=%d,mode=user", cpu);
        world_pace(w, "node_cpu_seconds_total", labels, 0.1);
    }
    world_pace(w, "node_pressure_cpu_waiting_seconds_total", "", 0.01);
    world_pace(w, "node_pressure_memory_waiting_seconds_total", "", 0);
    world_set(w, "node_filefd_allocated", "", 1000);
    world_set(w, "node_filefd_maximum", "", 100000);
}

void world_open(struct world *w)
{
    open_empty(w);
    struct adviser_config config = {.rules_dir = GALEN_SOURCE_DIR "/rules", .model_path = ""};
    assert_ok(adviser_open(&config, &w->adviser, err));
    healthy(w);
}

void world_open_rules(struct world *w, const char *rules)
{
    static const char features[] =
        "hosts: {seen: max by (instance) (timestamp(node_memory_MemTotal_bytes)), booted: "
        "node_boot_time_seconds, settled: node_memory_MemTotal_bytes offset 10m}\n"
        "features: []\n"
        "seeds: [{name: a, expr: a}, {name: b, expr: a}, {name: c, expr: a}, {name: d, expr: a}, "
        "{name: e, expr: a}, {name: f, expr: a}, {name: g, expr: a}, {name: h, expr: a}, "
        "{name: i, expr: a}, {name: j, expr: a}, {name: k, expr: a}]\n";
    open_empty(w);
    w->adviser = mem_zero(1, sizeof *w->adviser);
    w->adviser->rules = mem_zero(1, sizeof *w->adviser->rules);
    assert_ok(features_add(w->adviser->rules, SPAN(features), "features.yaml", 0, err));
    assert_ok(rules_add(w->adviser->rules, span_of(rules), "test.yaml", 0, err));
    healthy(w);
}

void world_close(struct world *w)
{
    adviser_close(w->adviser);
    memory_source_close(w->source);
    arena_free(&w->arena);
    arena_free(&w->answer);
}

static struct labels read_labels(struct world *w, const char *metric, const char *text)
{
    struct label_builder b = {0};
    struct span rest = span_of(arena_dup(&w->arena, text)), part;
    label_set(&b, SPAN(LABEL_NAME), span_of(arena_dup(&w->arena, metric)));
    label_set(&b, SPAN("instance"), SPAN("web1"));
    label_set(&b, SPAN("job"), SPAN("node"));
    while (span_next(&rest, ',', &part)) {
        size_t eq = span_find(part, '=');
        label_set(&b, (struct span){part.at, eq},
                  (struct span){part.at + eq + 1, part.len - eq - 1});
    }
    return labels_dup(&w->arena, label_builder_end(&b));
}

static struct world_series *find(struct world *w, const char *metric, const char *labels)
{
    struct labels l = read_labels(w, metric, labels);
    for (size_t i = 0; i < w->n; i++)
        if (labels_eq(w->series[i].labels, l))
            return &w->series[i];
    assert_true(w->n < WORLD_SERIES_MAX);
    w->series[w->n] = (struct world_series){.labels = l};
    return &w->series[w->n++];
}

struct world_series *world_set(struct world *w, const char *metric, const char *labels, double v)
{
    struct world_series *s = find(w, metric, labels);
    s->value = v;
    s->gone = false;
    return s;
}

void world_pace(struct world *w, const char *metric, const char *labels, double per_s)
{
    struct world_series *s = find(w, metric, labels);
    s->pace = per_s;
    s->gone = false;
}

void world_gone(struct world *w, const char *metric, const char *labels)
{
    find(w, metric, labels)->gone = true;
}

static void append_all(struct world *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (!w->series[i].gone)
            assert_ok(memory_source_append(w->source, w->series[i].labels,
                                           (struct sample){w->now_ms, w->series[i].value}, err));
}

void world_fill(struct world *w, size_t steps)
{
    for (size_t i = 0; i < 2 * steps; i++) {
        w->now_ms += STEP_S * 500;
        for (size_t k = 0; k < w->n; k++)
            w->series[k].value += w->series[k].pace * STEP_S / 2;
        append_all(w);
    }
}

void world_steps(struct world *w, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        world_fill(w, 1);
        arena_reset(&w->answer);
        assert_ok(advise_tick(w->adviser, memory_source_face(w->source), w->now_ms, &w->answer,
                              &w->advice, err));
    }
}

void world_looks(struct world *w, size_t steps)
{
    enum { LONG = 600, UNSEEN = 8 }; /* a host away for five minutes begins anew */
    for (; steps > LONG; steps -= UNSEEN + 1) {
        world_fill(w, UNSEEN);
        world_steps(w, 1);
    }
    world_steps(w, steps);
}

const struct analysis *world_host(const struct world *w, const char *instance)
{
    for (size_t i = 0; i < w->advice.n; i++)
        if (span_is(w->advice.hosts[i].instance, instance))
            return &w->advice.hosts[i];
    return NULL;
}

const struct finding *world_finding(const struct world *w, const char *rule)
{
    const struct analysis *a = world_host(w, "web1");
    for (size_t i = 0; a && i < a->n_findings; i++)
        if (strcmp(a->findings[i].rule, rule) == 0)
            return &a->findings[i];
    return NULL;
}

bool world_value(struct world *w, const struct expr *e, double *out)
{
    auto_arena arena = {0};
    struct query q = {.expr = e, .start_ms = w->now_ms, .end_ms = w->now_ms};
    struct result r;
    bool has = false;
    assert_ok(promql_eval(&q, memory_source_face(w->source), &arena, &r, err));
    for (size_t i = 0; r.kind == VALUE_VECTOR && i < r.n; i++) {
        double v = r.series[i].at[0].v;
        if (isnan(v) || (has && v <= *out))
            continue;
        has = true;
        *out = v;
    }
    return has;
}
