/* Rule files: Prometheus's, with `thresholds:` as an addition. Everything is checked here, so that
 * nothing but the data can make an evaluation fail. */
#include "alert/alert.h"

#include "alert/template.h"
#include "base/file.h"
#include "base/yaml.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define YEAR_MS (INT64_C(365) * 86400 * 1000)

static const char *const file_keys[] = {"groups", NULL};
static const char *const group_keys[] = {
    "name", "interval", "query_offset", "limit", "rules", "source_tenants", NULL};
static const char *const rule_keys[] = {"record",      "alert",           "expr",
                                        "for",         "keep_firing_for", "labels",
                                        "annotations", "thresholds",      NULL};
static const char *const threshold_keys[] = {"when", "unit", "info", "warning", "critical", NULL};
static const char *const level_keys[] = {"value", "clear", "for", NULL};
static const char *const levels[] = {"info", "warning", "critical"};

struct reader {
    struct alert_rules *rules;
    struct arena *arena;
    struct rule_group *group;
    struct rule *list;
    size_t n, size;
    struct err *err;
};

static enum status text_of(struct reader *r, const struct yaml *map, const char *key,
                           struct span *out)
{
    const struct yaml *v = yaml_get(map, key);
    const char *text;
    if (!v)
        return OK;
    if (v->kind != YAML_SCALAR)
        return yaml_error(v, r->err, "\"%s\" must be a text", key);
    enum status st = v->text.len || v->quoted ? yaml_string(v, &text, r->err) : OK;
    if (!st)
        *out = v->text;
    return st;
}

static enum status duration(struct reader *r, const struct yaml *map, const char *key, int64_t *out)
{
    const struct yaml *v = yaml_get(map, key);
    if (!v || yaml_is_null(v))
        return OK;
    if (span_is(v->text, "0")) {
        *out = 0;
        return OK;
    }
    return yaml_duration_ms(v, 0, 100 * YEAR_MS, out, r->err);
}

/* ---- labels and annotations ---- */

static enum status read_texts(struct reader *r, const struct yaml *map, const char *what,
                              struct rule_text **out, size_t *n)
{
    if (!map || yaml_is_null(map))
        return OK;
    if (map->kind != YAML_MAP)
        return yaml_error(map, r->err, "\"%s\" must be names with values", what);
    if (map->n > RULE_LABELS_MAX)
        return yaml_error(map, r->err, "%zu %s; %d are allowed", map->n, what, RULE_LABELS_MAX);
    /* room for a severity that thresholds add */
    struct rule_text *texts = ARENA_ARRAY(r->arena, struct rule_text, map->n + 1);
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml *key = map->keys[i], *value = map->items[i];
        struct err why = {0};
        if (!label_name_valid(key->text) || span_is(key->text, LABEL_NAME))
            return yaml_error(key, r->err, "invalid name in %s: %.*s", what,
                              (int)MIN(key->text.len, (size_t)80), key->text.at);
        if (value->kind != YAML_SCALAR)
            return yaml_error(value, r->err, "%s: the value must be a text", what);
        texts[i] = (struct rule_text){.name = key->text, .text = value->text};
        if (tmpl_parse(value->text, r->arena, &texts[i].tmpl, &why))
            return yaml_error(value, r->err, "%s \"%.*s\": %s", what, SPAN_ARG(key->text),
                              why.text);
    }
    *out = texts;
    *n = map->n;
    return OK;
}

/* ---- expressions ---- */

static enum status parse(struct reader *r, const struct yaml *at, struct span text,
                         struct expr **out)
{
    struct err why = {0};
    if (promql_parse(text, r->arena, out, &why))
        return yaml_error(at, r->err, "could not parse expression: %s", why.text);
    enum value_kind kind = promql_kind(*out);
    if (kind == VALUE_VECTOR || kind == VALUE_SCALAR)
        return OK;
    promql_free(*out);
    *out = NULL;
    return yaml_error(at, r->err, "the expression must give an instant vector or a scalar");
}

static struct span canonical(struct reader *r, const struct expr *e)
{
    auto_buf text = {0};
    promql_print(&text, e);
    return arena_span(r->arena, buf_view(&text));
}

static struct rule *add(struct reader *r)
{
    if (r->n == r->size) {
        size_t size = MAX(2 * r->size, (size_t)16);
        r->list = arena_grow(r->arena, r->list, r->size * sizeof *r->list, size * sizeof *r->list);
        memset(r->list + r->size, 0, (size - r->size) * sizeof *r->list);
        r->size = size;
    }
    return &r->list[r->n++];
}

/* ---- thresholds ---- */

static enum status read_level(struct reader *r, const struct yaml *node, struct rule *u)
{
    const struct yaml *value = yaml_get(node, "value"), *clear = yaml_get(node, "clear");
    struct rule_threshold *t = &u->threshold;
    enum status st = yaml_known_keys(node, level_keys, r->err);
    if (!st && !value)
        st = yaml_error(node, r->err, "the level has no \"value\"");
    if (!st)
        st = yaml_double(value, -INFINITY, INFINITY, &t->value, r->err);
    t->clear = t->value;
    if (!st && clear)
        st = yaml_double(clear, -INFINITY, INFINITY, &t->clear, r->err);
    if (!st && (t->above ? t->clear > t->value : t->clear < t->value))
        st = yaml_error(clear, r->err, "clears at %g, which is beyond the threshold %g", t->clear,
                        t->value);
    return st ? st : duration(r, node, "for", &u->for_ms);
}

static void add_severity(struct reader *r, struct rule *u, const char *level)
{
    struct rule_text *labels = ARENA_ARRAY(r->arena, struct rule_text, u->n_labels + 1);
    size_t n = 0;
    for (size_t i = 0; i < u->n_labels; i++)
        if (!span_is(u->labels[i].name, "severity"))
            labels[n++] = u->labels[i];
    labels[n] = (struct rule_text){.name = SPAN("severity"), .text = span_of(level)};
    (void)!tmpl_parse(labels[n].text, r->arena, &labels[n].tmpl, NULL);
    u->labels = labels;
    u->n_labels = n + 1;
}

static enum status add_level(struct reader *r, const struct rule *base, const struct yaml *node,
                             const struct yaml *expr, const char *level)
{
    auto_buf plain = {0};
    struct rule *u = add(r);
    struct expr *whole;
    *u = *base;
    u->expr = NULL;
    u->threshold.level = span_of(level);
    enum status st = read_level(r, node, u);
    if (st)
        return st;
    add_severity(r, u, level);
    buf_printf(&plain, "(%.*s) %s ", SPAN_ARG(expr->text), u->threshold.above ? ">" : "<");
    buf_double(&plain, u->threshold.value);
    st = parse(r, expr, arena_span(r->arena, buf_view(&plain)), &whole);
    if (st)
        return st;
    u->expr_text = canonical(r, whole);
    promql_free(whole);
    return parse(r, expr, expr->text, &u->expr);
}

static enum status read_thresholds(struct reader *r, struct rule *base, const struct yaml *node,
                                   const struct yaml *expr)
{
    const struct yaml *when = yaml_get(node, "when");
    enum status st = yaml_known_keys(node, threshold_keys, r->err);
    if (st)
        return st;
    if (base->records)
        return yaml_error(node, r->err, "a recording rule has no thresholds");
    if (when && !span_is(when->text, "above") && !span_is(when->text, "below"))
        return yaml_error(when, r->err, "when: \"%.*s\" is neither above nor below",
                          SPAN_ARG(when->text));
    base->threshold.is = true;
    base->threshold.above = !when || span_is(when->text, "above");
    st = text_of(r, node, "unit", &base->threshold.unit);
    size_t before = r->n;
    struct rule copy = *base; /* the list may move */
    for (size_t i = 0; !st && i < COUNT(levels); i++) {
        const struct yaml *level = yaml_get(node, levels[i]);
        if (level)
            st = add_level(r, &copy, level, expr, levels[i]);
    }
    if (!st && r->n == before)
        st = yaml_error(node, r->err, "thresholds need a level: info, warning or critical");
    return st;
}

/* ---- rules ---- */

static enum status read_name(struct reader *r, const struct yaml *node, struct rule *u)
{
    struct span alert = {0}, record = {0};
    enum status st = text_of(r, node, "alert", &alert);
    if (!st)
        st = text_of(r, node, "record", &record);
    if (st)
        return st;
    if (!alert.len == !record.len)
        return yaml_error(node, r->err, "a rule has either \"record\" or \"alert\"");
    u->records = record.len > 0;
    u->name = u->records ? record : alert;
    if (u->records && !metric_name_valid(record))
        return yaml_error(yaml_get(node, "record"), r->err, "invalid recording rule name: %.*s",
                          (int)MIN(record.len, (size_t)80), record.at);
    static const char *const of_alerts[] = {"for", "keep_firing_for", "annotations"};
    for (size_t i = 0; u->records && i < COUNT(of_alerts); i++)
        if (yaml_get(node, of_alerts[i]))
            return yaml_error(yaml_get(node, of_alerts[i]), r->err,
                              "invalid field '%s' in recording rule", of_alerts[i]);
    return OK;
}

static enum status read_rule(struct reader *r, const struct yaml *node)
{
    struct rule u = {.file = node->file, .line = node->line};
    const struct yaml *expr = yaml_get(node, "expr"), *thresholds = yaml_get(node, "thresholds");
    enum status st;
    if (node->kind != YAML_MAP)
        return yaml_error(node, r->err, "a rule must be keys with values");
    if ((st = yaml_known_keys(node, rule_keys, r->err)) || (st = read_name(r, node, &u)))
        return st;
    if (!expr || expr->kind != YAML_SCALAR || !expr->text.len)
        return yaml_error(expr ? expr : node, r->err, "field 'expr' must be set in rule");
    if ((st = duration(r, node, "for", &u.for_ms)) ||
        (st = duration(r, node, "keep_firing_for", &u.keep_firing_ms)) ||
        (st = read_texts(r, yaml_get(node, "labels"), "labels", &u.labels, &u.n_labels)) ||
        (st = read_texts(r, yaml_get(node, "annotations"), "annotations", &u.annotations,
                         &u.n_annotations)))
        return st;
    u.value_text = expr->text;
    if (thresholds)
        return read_thresholds(r, &u, thresholds, expr);
    st = parse(r, expr, expr->text, &u.expr);
    if (st)
        return st;
    u.expr_text = canonical(r, u.expr);
    *add(r) = u;
    return OK;
}

static enum status read_group_head(struct reader *r, const struct yaml *node)
{
    struct rule_group *g = r->group;
    const struct yaml *limit = yaml_get(node, "limit");
    int64_t most = 0;
    if (node->kind != YAML_MAP)
        return yaml_error(node, r->err, "a group must be keys with values");
    enum status st = yaml_known_keys(node, group_keys, r->err);
    if (!st)
        st = text_of(r, node, "name", &g->name);
    if (!st && !g->name.len)
        st = yaml_error(node, r->err, "Groupname must not be empty");
    if (!st)
        st = duration(r, node, "interval", &g->interval_ms);
    if (!st && limit)
        st = yaml_i64(limit, 0, INT32_MAX, &most, r->err);
    g->limit = (size_t)most;
    g->file = node->file;
    for (const struct rule_group *o = r->rules->groups; !st && o < g; o++)
        if (span_eq(o->name, g->name) && strcmp(o->file, g->file) == 0)
            st = yaml_error(node, r->err, "groupname: \"%.*s\" is repeated in the same file",
                            SPAN_ARG(g->name));
    return st;
}

static enum status read_group(struct reader *r, const struct yaml *node)
{
    const struct yaml *rules = yaml_get(node, "rules");
    enum status st = read_group_head(r, node);
    r->list = NULL;
    r->n = r->size = 0;
    if (!st && rules && !yaml_is_null(rules) && rules->kind != YAML_LIST)
        st = yaml_error(rules, r->err, "\"rules\" must be a list");
    for (size_t i = 0; !st && rules && rules->kind == YAML_LIST && i < rules->n; i++) {
        st = read_rule(r, rules->items[i]);
        if (!st && r->rules->n_rules + r->n > RULES_MAX)
            st = yaml_error(rules->items[i], r->err, "more than %d rules", RULES_MAX);
    }
    r->group->rules = r->list;
    r->group->n = r->n;
    return st;
}

static void free_exprs(const struct rule_group *groups, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < groups[i].n; k++)
            promql_free(groups[i].rules[k].expr);
}

static enum status read_groups(struct alert_rules *rules, const struct yaml *list,
                               int64_t interval_ms, struct err *err)
{
    struct reader r = {.rules = rules, .arena = &rules->arena, .err = err};
    size_t n = rules->n, n_rules = rules->n_rules;
    enum status st = OK;
    rules->groups = arena_grow(&rules->arena, rules->groups, n * sizeof *rules->groups,
                               (n + list->n) * sizeof *rules->groups);
    for (size_t i = 0; !st && i < list->n; i++) {
        r.group = &rules->groups[rules->n];
        *r.group = (struct rule_group){.interval_ms = 0};
        st = read_group(&r, list->items[i]);
        if (!r.group->interval_ms)
            r.group->interval_ms = interval_ms;
        rules->n++;
        rules->n_rules += r.group->n;
    }
    if (st) {
        free_exprs(rules->groups + n, rules->n - n);
        rules->n = n;
        rules->n_rules = n_rules;
    }
    return st;
}

enum status rules_read(struct alert_rules *r, struct span text, const char *file,
                       int64_t interval_ms, struct err *err)
{
    struct yaml *root;
    enum status st = yaml_parse(text, arena_dup(&r->arena, file), &r->arena, &root, err);
    if (st || !root || yaml_is_null(root))
        return st;
    if (root->kind != YAML_MAP)
        return yaml_error(root, err, "a rule file begins with \"groups:\"");
    st = yaml_known_keys(root, file_keys, err);
    const struct yaml *groups = yaml_get(root, "groups");
    if (st || !groups || yaml_is_null(groups))
        return st;
    if (groups->kind != YAML_LIST)
        return yaml_error(groups, err, "\"groups\" must be a list");
    return read_groups(r, groups, interval_ms, err);
}

static int rule_file(const struct dirent *e)
{
    struct span name = span_of(e->d_name);
    return name.at[0] != '.' && (span_ends(name, SPAN(".yml")) || span_ends(name, SPAN(".yaml")));
}

enum status rules_read_dir(struct alert_rules *r, const char *dir, int64_t interval_ms,
                           struct err *err)
{
    struct dirent **names;
    int n = scandir(dir, &names, rule_file, alphasort);
    enum status st = OK;
    if (n < 0)
        return errno == ENOENT ? OK : err_errno(err, "read %s", dir);
    for (int i = 0; i < n; i++) {
        auto_buf path = {0}, text = {.max = YAML_MAX_BYTES};
        buf_printf(&path, "%s/%s", dir, names[i]->d_name);
        if (!st)
            st = file_read(buf_text(&path), &text, err);
        if (!st)
            st = rules_read(r, arena_span(&r->arena, buf_view(&text)), buf_text(&path), interval_ms,
                            err);
        free(names[i]);
    }
    free(names);
    return st;
}

void rules_init(struct alert_rules *r)
{
    *r = (struct alert_rules){0};
}

void rules_free(struct alert_rules *r)
{
    free_exprs(r->groups, r->n);
    arena_free(&r->arena);
    *r = (struct alert_rules){0};
}
