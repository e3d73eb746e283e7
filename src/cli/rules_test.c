/* galen rules test FILE: unit tests of rules in promtool's format. Time begins at 0; all groups are
 * evaluated each evaluation_interval. */
#include "cli/rules.h"

#include "alert/alert.h"
#include "base/file.h"
#include "base/yaml.h"
#include "promql/script/series_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVALUATIONS_MAX = 100000, TESTS_MAX = 10000 };

static const char *const file_keys[] = {"rule_files", "evaluation_interval", "group_eval_order",
                                        "tests", NULL};
static const char *const test_keys[] = {"interval",         "name",
                                        "input_series",     "alert_rule_test",
                                        "promql_expr_test", "external_labels",
                                        "external_url",     NULL};
static const char *const series_keys[] = {"series", "values", NULL};
static const char *const alert_keys[] = {"eval_time", "alertname", "exp_alerts", NULL};
static const char *const expected_keys[] = {"exp_labels", "exp_annotations", NULL};
static const char *const query_keys[] = {"expr", "eval_time", "exp_samples", NULL};
static const char *const sample_keys[] = {"labels", "value", NULL};

struct tester {
    struct arena arena;
    struct alert_rules rules;
    int64_t every_ms;
    struct err *err;
    /* of the test under way */
    struct memory_source *series;
    struct alerter *alerter;
    const struct yaml *node;
    const char *name;
    size_t failed;
    struct labels external_labels;
    struct span external_url;
};

/* ---- the world of the rules ---- */

static struct source *view(void *arg)
{
    return memory_source_face(((struct tester *)arg)->series);
}

static void view_end(void *arg, struct source *v)
{
    (void)arg;
    (void)v;
}

static void append(void *arg, struct labels labels, struct sample sample)
{
    /* One that is there already is an input of the test, which wins. */
    (void)!memory_source_append(((struct tester *)arg)->series, labels, sample, NULL);
}

static enum status commit(void *arg, struct err *err)
{
    (void)arg;
    (void)err;
    return OK;
}

/* ---- reading ---- */

static enum status duration(struct tester *t, const struct yaml *map, const char *key, int64_t *out)
{
    const struct yaml *v = yaml_get(map, key);
    if (!v || (v->kind == YAML_SCALAR && span_is(v->text, "0")))
        return OK;
    return yaml_duration_ms(v, 0, INT64_C(100) * 365 * 86400000, out, t->err);
}

static size_t items(const struct yaml *list)
{
    return list && list->kind == YAML_LIST ? list->n : 0;
}

static struct span text(const struct yaml *map, const char *key)
{
    const struct yaml *v = yaml_get(map, key);
    return v && v->kind == YAML_SCALAR ? v->text : SPAN("");
}

static struct labels read_labels(struct tester *t, const struct yaml *map, struct span alertname)
{
    struct label_builder b = {0};
    for (size_t i = 0; map && map->kind == YAML_MAP && i < map->n; i++)
        label_set(&b, map->keys[i]->text, map->items[i]->text);
    if (alertname.len)
        label_set(&b, SPAN("alertname"), alertname);
    return labels_dup(&t->arena, label_builder_end(&b));
}

/* Annotations may be empty, which a builder would drop. */
static struct labels read_annotations(struct tester *t, const struct yaml *map)
{
    size_t n = map && map->kind == YAML_MAP ? map->n : 0;
    struct label *at = ARENA_ARRAY(&t->arena, struct label, n);
    for (size_t i = 0; i < n; i++)
        at[i] = (struct label){map->keys[i]->text, map->items[i]->text};
    labels_sort(at, n);
    return (struct labels){at, n};
}

static enum status load_series(struct tester *t, const struct yaml *node, int64_t interval_ms)
{
    auto_buf line = {0};
    struct script_series s = {0};
    struct err why = {0};
    enum status st = yaml_known_keys(node, series_keys, t->err);
    if (st)
        return st;
    buf_span(&line, text(node, "series"));
    buf_char(&line, ' ');
    buf_span(&line, text(node, "values"));
    if (script_series_parse(arena_span(&t->arena, buf_view(&line)), &t->arena, &s, &why))
        return yaml_error(node, t->err, "%s", why.text);
    if (s.native)
        return yaml_error(node, t->err, "native histograms are not supported");
    for (size_t i = 0; !st && i < s.n; i++)
        if (!s.values[i].omitted)
            st = memory_source_append(t->series, s.labels,
                                      (struct sample){(int64_t)i * interval_ms, s.values[i].v},
                                      t->err);
    return st;
}

/* ---- comparing ---- */

struct entry {
    struct labels labels, annotations;
    double value;
};

struct entries {
    struct entry *at;
    size_t n;
};

static void add(struct tester *t, struct entries *e, struct entry one)
{
    e->at = arena_grow(&t->arena, e->at, e->n * sizeof *e->at, (e->n + 1) * sizeof *e->at);
    e->at[e->n++] = one;
}

static int by_labels(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int c = labels_compare(x->labels, y->labels);
    return c ? c : labels_compare(x->annotations, y->annotations);
}

static bool equal(const struct entry *a, const struct entry *b)
{
    return labels_eq(a->labels, b->labels) && labels_eq(a->annotations, b->annotations) &&
           (a->value == b->value || (isnan(a->value) && isnan(b->value)));
}

static bool all_equal(struct entries *a, struct entries *b)
{
    if (a->n != b->n)
        return false;
    if (a->n) {
        qsort(a->at, a->n, sizeof *a->at, by_labels);
        qsort(b->at, b->n, sizeof *b->at, by_labels);
    }
    for (size_t i = 0; i < a->n; i++)
        if (!equal(&a->at[i], &b->at[i]))
            return false;
    return true;
}

static void print(const char *what, const struct entries *e, bool alerts)
{
    printf("      %s:%s\n", what, e->n ? "" : " nothing");
    for (size_t i = 0; i < e->n; i++) {
        auto_buf line = {0};
        labels_print(&line, e->at[i].labels);
        if (alerts) {
            buf_str(&line, " annotations ");
            labels_print(&line, e->at[i].annotations);
        } else {
            buf_char(&line, ' ');
            buf_double(&line, e->at[i].value);
        }
        printf("        %s\n", buf_text(&line));
    }
}

static void compare(struct tester *t, const struct yaml *at, struct span what, int64_t time_ms,
                    struct entries *want, struct entries *got, bool alerts)
{
    auto_buf when = {0};
    if (all_equal(want, got))
        return;
    t->failed++;
    duration_print(&when, time_ms);
    printf("  %s:%u: %s%.*s at %s:\n", at->file, at->line, alerts ? "alert " : "", SPAN_ARG(what),
           buf_text(&when));
    print("expected", want, alerts);
    print("got", got, alerts);
}

/* ---- alerts ---- */

struct collecting {
    struct tester *tester;
    struct span name;
    struct entries got;
};

static void collect(void *arg, const struct alert *a)
{
    struct collecting *c = arg;
    if (a->state == ALERT_FIRING && span_eq(a->rule->name, c->name))
        add(c->tester, &c->got,
            (struct entry){.labels = labels_dup(&c->tester->arena, a->labels),
                           .annotations = labels_dup(&c->tester->arena, a->annotations)});
}

static enum status check_alert(struct tester *t, const struct yaml *node, int64_t time_ms)
{
    struct collecting c = {.tester = t, .name = text(node, "alertname")};
    struct entries want = {0};
    const struct yaml *expected = yaml_get(node, "exp_alerts");
    enum status st = yaml_known_keys(node, alert_keys, t->err);
    if (!st && !c.name.len)
        st = yaml_error(node, t->err, "an alert_rule_test needs \"alertname\"");
    for (size_t i = 0; !st && i < items(expected); i++) {
        const struct yaml *one = expected->items[i];
        st = yaml_known_keys(one, expected_keys, t->err);
        add(t, &want,
            (struct entry){.labels = read_labels(t, yaml_get(one, "exp_labels"), c.name),
                           .annotations = read_annotations(t, yaml_get(one, "exp_annotations"))});
    }
    if (st)
        return st;
    alerter_each(t->alerter, collect, &c);
    compare(t, node, c.name, time_ms, &want, &c.got, true);
    return OK;
}

static enum status check_alerts_at(struct tester *t, int64_t now_ms)
{
    const struct yaml *list = yaml_get(t->node, "alert_rule_test");
    for (size_t i = 0; i < items(list); i++) {
        int64_t at_ms = 0;
        enum status st = duration(t, list->items[i], "eval_time", &at_ms);
        if (!st && at_ms >= now_ms && at_ms < now_ms + t->every_ms)
            st = check_alert(t, list->items[i], at_ms);
        if (st)
            return st;
    }
    return OK;
}

/* ---- expressions ---- */

static enum status read_sample(struct tester *t, const struct yaml *node, struct entry *out)
{
    auto_buf line = {0};
    struct script_series s = {0};
    struct err why = {0};
    enum status st = yaml_known_keys(node, sample_keys, t->err);
    const struct yaml *value = yaml_get(node, "value");
    if (st)
        return st;
    struct span labels = text(node, "labels");
    buf_span(&line, labels.len ? labels : SPAN("{}"));
    buf_str(&line, " 0");
    if (script_series_parse(arena_span(&t->arena, buf_view(&line)), &t->arena, &s, &why))
        return yaml_error(node, t->err, "%s", why.text);
    *out = (struct entry){.labels = s.labels};
    if (!value || !span_double(value->text, &out->value))
        return yaml_error(node, t->err, "a sample needs a \"value\"");
    return OK;
}

static enum status ask(struct tester *t, const struct yaml *node, int64_t at_ms,
                       struct entries *got)
{
    struct expr *expr = NULL;
    struct result r = {0};
    struct err why = {0};
    enum status st = promql_parse(text(node, "expr"), &t->arena, &expr, &why);
    struct query q = {.expr = expr, .start_ms = at_ms, .end_ms = at_ms};
    if (!st)
        st = promql_eval(&q, memory_source_face(t->series), &t->arena, &r, &why);
    if (!st && r.kind == VALUE_SCALAR)
        add(t, got, (struct entry){.value = r.scalar});
    for (size_t i = 0; !st && r.kind == VALUE_VECTOR && i < r.n; i++)
        add(t, got,
            (struct entry){.labels = labels_dup(&t->arena, r.series[i].labels),
                           .value = r.series[i].at[0].v});
    promql_free(expr);
    return st ? yaml_error(node, t->err, "%s", why.text) : OK;
}

static enum status check_query(struct tester *t, const struct yaml *node)
{
    struct entries want = {0}, got = {0};
    const struct yaml *expected = yaml_get(node, "exp_samples");
    int64_t at_ms = 0;
    enum status st = yaml_known_keys(node, query_keys, t->err);
    if (!st)
        st = duration(t, node, "eval_time", &at_ms);
    for (size_t i = 0; !st && i < items(expected); i++) {
        struct entry one = {0};
        st = read_sample(t, expected->items[i], &one);
        add(t, &want, one);
    }
    if (!st)
        st = ask(t, node, at_ms, &got);
    if (!st)
        compare(t, node, text(node, "expr"), at_ms, &want, &got, false);
    return st;
}

/* ---- one test ---- */

static int64_t last_time(struct tester *t)
{
    static const char *const lists[] = {"alert_rule_test", "promql_expr_test"};
    int64_t last_ms = 0;
    for (size_t k = 0; k < COUNT(lists); k++) {
        const struct yaml *list = yaml_get(t->node, lists[k]);
        for (size_t i = 0; i < items(list); i++) {
            int64_t at_ms = 0;
            if (!duration(t, list->items[i], "eval_time", &at_ms))
                last_ms = MAX(last_ms, at_ms);
        }
    }
    return last_ms;
}

static enum status play(struct tester *t)
{
    struct alert_world world = {.arg = t,
                                .view = view,
                                .view_end = view_end,
                                .append = append,
                                .commit = commit,
                                .external_labels = t->external_labels,
                                .external_url = t->external_url};
    int64_t last_ms = last_time(t);
    enum status st = OK;
    if (last_ms / t->every_ms > EVALUATIONS_MAX)
        return yaml_error(t->node, t->err, "more than %d evaluations", EVALUATIONS_MAX);
    for (size_t i = 0; i < t->rules.n; i++)
        alerter_restore_for(t->alerter, i, 0, NULL);
    for (int64_t now_ms = 0; !st && now_ms <= last_ms; now_ms += t->every_ms) {
        for (size_t i = 0; !st && i < t->rules.n; i++)
            st = alerter_evaluate(t->alerter, i, now_ms, &world, t->err);
        if (!st)
            st = check_alerts_at(t, now_ms);
    }
    return st;
}

static enum status run_test(struct tester *t)
{
    const struct yaml *series = yaml_get(t->node, "input_series");
    const struct yaml *queries = yaml_get(t->node, "promql_expr_test");
    int64_t interval_ms = t->every_ms;
    enum status st = yaml_known_keys(t->node, test_keys, t->err);
    if (!st)
        st = duration(t, t->node, "interval", &interval_ms);
    t->external_labels = read_labels(t, yaml_get(t->node, "external_labels"), SPAN(""));
    t->external_url = text(t->node, "external_url");
    t->series = memory_source_open();
    t->alerter = alerter_open(&t->rules);
    for (size_t i = 0; !st && i < items(series); i++)
        st = load_series(t, series->items[i], interval_ms);
    if (!st)
        st = play(t);
    for (size_t i = 0; !st && i < items(queries); i++)
        st = check_query(t, queries->items[i]);
    alerter_close(t->alerter);
    memory_source_close(t->series);
    return st;
}

/* ---- one file ---- */

static enum status load_rules(struct tester *t, const struct yaml *root, const char *file)
{
    const struct yaml *list = yaml_get(root, "rule_files");
    const char *slash = strrchr(file, '/');
    int dir = slash ? (int)(slash - file) + 1 : 0;
    for (size_t i = 0; i < items(list); i++) {
        const char *name;
        auto_buf content = {.max = YAML_MAX_BYTES};
        enum status st = yaml_string(list->items[i], &name, t->err);
        if (st)
            return st;
        const char *path = *name == '/' ? name : arena_printf(&t->arena, "%.*s%s", dir, file, name);
        if ((st = file_read(path, &content, t->err)) ||
            (st = rules_read(&t->rules, arena_span(&t->arena, buf_view(&content)), path,
                             t->every_ms, t->err)))
            return st;
    }
    return OK;
}

static enum status run_file(struct tester *t, const char *file)
{
    struct yaml *root;
    enum status st = yaml_load(file, &t->arena, &root, t->err);
    t->every_ms = 60000;
    if (!st && (!root || root->kind != YAML_MAP))
        return err_set(t->err, INVALID, "%s: a test file has rule_files and tests", file);
    if (!st)
        st = yaml_known_keys(root, file_keys, t->err);
    if (!st)
        st = duration(t, root, "evaluation_interval", &t->every_ms);
    if (!st && t->every_ms < 1)
        st = yaml_error(root, t->err, "evaluation_interval must be longer than 0");
    if (!st)
        st = load_rules(t, root, file);
    const struct yaml *tests = st ? NULL : yaml_get(root, "tests");
    for (size_t i = 0; !st && i < items(tests); i++) {
        t->node = tests->items[i];
        st = run_test(t);
    }
    return st;
}

int rules_test(int argc, char **argv)
{
    size_t failed = 0;
    for (int i = 0; i < argc; i++) {
        struct err err = {0};
        struct tester t = {.err = &err};
        rules_init(&t.rules);
        printf("Unit Testing:  %s\n", argv[i]);
        enum status st = run_file(&t, argv[i]);
        if (st)
            printf("  FAILED:\n    %s\n\n", err.text);
        else
            printf("  %s\n\n", t.failed ? "FAILED" : "SUCCESS");
        failed += st || t.failed;
        rules_free(&t.rules);
        arena_free(&t.arena);
    }
    return failed ? EXIT_FAILED : EXIT_OK;
}

/* ---- check and export ---- */

bool rules_are_prometheus(const char *path)
{
    auto_arena arena = {0};
    struct yaml *root = NULL;
    return !yaml_load(path, &arena, &root, NULL) && root && root->kind == YAML_MAP &&
           yaml_get(root, "groups");
}

int alert_rules_check(const char *path)
{
    struct alert_rules rules;
    struct err err = {0};
    auto_buf content = {.max = YAML_MAX_BYTES};
    rules_init(&rules);
    enum status st = file_read(path, &content, &err);
    if (!st)
        st = rules_read(&rules, buf_view(&content), path, RULE_INTERVAL_MS, &err);
    if (!st)
        printf("%s: %zu rules are well-formed\n", path, rules.n_rules);
    rules_free(&rules);
    return st ? cli_fail("rules", &err) : EXIT_OK;
}

int rules_export(const char *dir)
{
    struct alert_rules rules;
    struct err err = {0};
    auto_buf out = {0};
    rules_init(&rules);
    enum status st = rules_read_dir(&rules, dir, RULE_INTERVAL_MS, &err);
    if (!st) {
        rules_plain(&rules, &out);
        fputs(buf_text(&out), stdout);
    }
    rules_free(&rules);
    return st ? cli_fail("rules", &err) : EXIT_OK;
}
