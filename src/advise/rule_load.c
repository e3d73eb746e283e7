/* rules/advice/(any).yaml -> struct rule. A key that is not known, a bad expression or a missing
 * bound is refused with file, line and column: a rule that is quietly wrong is worse than none. */
#include "advise/rule.h"

#include "base/file.h"

#include <dirent.h>
#include <stdio.h>

static const char *const keys[] = {
    "id",    "title",  "class",        "kind",   "parameter", "window", "for",      "signal",
    "use",   "above",  "when",         "unless", "counter",   "per",    "fields",   "yields_to",
    "value", "bounds", "propose",      "step",   "evidence",  "advice", "sentence", "effect",
    "risk",  "check",  "takes_effect", "source", "line",      "file",   "command",  "confidence",
    "limit", "load",   "effective",    "settle", "resource",  "lines",  "burdens",  NULL,
};

struct reader {
    struct rules *rules;
    struct rule *rule;
    const struct yaml *node;
    struct words words;
    int64_t window_max_ms;
    struct err *err;
};

static enum status required(const struct reader *r, const char *key, const char **out)
{
    const struct yaml *v = yaml_get(r->node, key);
    if (!v)
        return yaml_error(r->node, r->err, "the rule has no \"%s\"", key);
    enum status st = yaml_string(v, out, r->err);
    if (!st && !**out)
        return yaml_error(v, r->err, "\"%s\" is empty", key);
    return st;
}

static enum status optional(const struct reader *r, const char *key, const char **out)
{
    const struct yaml *v = yaml_get(r->node, key);
    return v ? yaml_string(v, out, r->err) : OK;
}

/* One of the names; *out is its place in the list. */
static enum status choice(const struct reader *r, const char *key, const char *const *names,
                          size_t n, unsigned *out)
{
    const struct yaml *v = yaml_get(r->node, key);
    if (!v)
        return OK;
    const char *text;
    enum status st = yaml_string(v, &text, r->err);
    if (st)
        return st;
    auto_buf list = {0};
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return OK;
        }
        buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
    }
    return yaml_error(v, r->err, "%s: \"%s\" is none of %s", key, text, buf_text(&list));
}

static enum status formula(const struct reader *r, const char *key, struct formula *out)
{
    const struct yaml *v = yaml_get(r->node, key);
    if (!v)
        return OK;
    return formula_read(v, key, &r->words, r->rules, out, r->err);
}

static enum status read_head(struct reader *r)
{
    struct rule *u = r->rule;
    const char *word;
    enum status st;
    if ((st = yaml_known_keys(r->node, keys, r->err)) || (st = required(r, "id", &u->id)) ||
        (st = required(r, "title", &u->title)) || (st = required(r, "class", &word)) ||
        (st = choice(r, "class", class_names, CLASSES, &u->class)) ||
        (st = required(r, "kind", &word)))
        return st;
    unsigned kind = 0;
    if ((st = choice(r, "kind", kind_names, COUNT(kind_names), &kind)))
        return st;
    u->kind = (enum finding_kind)kind;
    for (size_t i = 0; i < r->rules->n_rules; i++)
        if (strcmp(r->rules->rules[i].id, u->id) == 0)
            return yaml_error(r->node, r->err, "the rule \"%s\" is already in %s:%u", u->id,
                              r->rules->rules[i].file, r->rules->rules[i].line);
    st = optional(r, "limit", &u->limit);
    return st ? st : optional(r, "parameter", &u->parameter);
}

static enum status read_times(struct reader *r)
{
    static const int64_t week = 7 * 86400 * INT64_C(1000);
    struct rule *u = r->rule;
    u->window_ms = 5 * 60 * 1000;
    const struct yaml *v;
    enum status st = OK;
    if ((v = yaml_get(r->node, "window")) &&
        (st = yaml_duration_ms(v, 1000, week, &u->window_ms, r->err)))
        return st;
    u->for_ms = 3 * u->window_ms;
    if ((v = yaml_get(r->node, "for")) && (st = yaml_duration_ms(v, 0, week, &u->for_ms, r->err)))
        return st;
    if (r->window_max_ms)
        u->window_ms = MIN(u->window_ms, r->window_max_ms);
    r->words.window = arena_printf(&r->rules->arena, "%lldms", (long long)u->window_ms);
    return OK;
}

/* signal, use, counter: what is judged. Each may use those before it. */
static enum status read_signal(struct reader *r)
{
    struct rule *u = r->rule;
    struct arena *arena = &r->rules->arena;
    enum status st;
    if ((st = formula(r, "counter", &u->counter)) || (st = formula(r, "use", &u->use)))
        return st;
    r->words.use = u->use.text;
    if ((st = formula(r, "signal", &u->signal)))
        return st;
    if (!u->signal.expr && u->counter.expr) {
        const char *text = arena_printf(arena, "rate(%s[%s])", u->counter.text, r->words.window);
        if (formula_of(text, r->rules, &u->signal, NULL))
            return yaml_error(yaml_get(r->node, "counter"), r->err,
                              "counter: must be a plain selector, rate() is put around it");
    }
    if (u->counter.expr) {
        const char *text =
            arena_printf(arena, "resets(%s[%s]) > 0", u->counter.text, r->words.window);
        if (formula_of(text, r->rules, &u->counter, NULL))
            return yaml_error(yaml_get(r->node, "counter"), r->err,
                              "counter: must be a plain selector");
    }
    if (!u->signal.expr)
        u->signal = u->use;
    r->words.signal = u->signal.text;
    if ((st = formula(r, "when", &u->when)) || (st = formula(r, "unless", &u->unless)))
        return st;
    const struct yaml *above = yaml_get(r->node, "above");
    u->has_above = above != NULL;
    if (above && (st = yaml_double(above, -1e300, 1e300, &u->above, r->err)))
        return st;
    if (!u->signal.expr && !u->when.expr)
        return yaml_error(r->node, r->err, "the rule needs a \"signal\", a \"use\" or a \"when\"");
    if (u->signal.expr && !u->has_above && !u->when.expr)
        return yaml_error(r->node, r->err, "the rule needs \"above\" or \"when\"");
    return OK;
}

static enum status read_names(const struct reader *r, const char *key, const char **out, size_t max,
                              size_t *n)
{
    const struct yaml *list = yaml_get(r->node, key);
    if (!list)
        return OK;
    if (list->kind != YAML_LIST || list->n == 0 || list->n > max)
        return yaml_error(list, r->err, "%s: must be a list of 1..%zu", key, max);
    for (*n = 0; *n < list->n; ++*n) {
        enum status st = yaml_string(list->items[*n], &out[*n], r->err);
        if (st)
            return st;
    }
    return OK;
}

/* One formula, or a list of as many as the parameter has numbers. */
static enum status read_formulas(const struct reader *r, const char *key, struct formula *out,
                                 size_t *n)
{
    const struct yaml *v = yaml_get(r->node, key);
    if (!v)
        return OK;
    if (v->kind != YAML_LIST) {
        *n = 1;
        return formula_read(v, key, &r->words, r->rules, out, r->err);
    }
    if (v->n == 0 || v->n > RULE_FIELDS_MAX)
        return yaml_error(v, r->err, "%s: must be a list of 1..%d", key, RULE_FIELDS_MAX);
    for (*n = 0; *n < v->n; ++*n) {
        enum status st = formula_read(v->items[*n], key, &r->words, r->rules, &out[*n], r->err);
        if (st)
            return st;
    }
    return OK;
}

/* The parameter's value now, where the rule does not say how to find it. */
static enum status default_values(const struct reader *r)
{
    struct rule *u = r->rule;
    struct arena *arena = &r->rules->arena;
    u->n_values = MAX(u->n_fields, (size_t)1);
    for (size_t i = 0; i < u->n_values; i++) {
        const char *text =
            u->n_fields
                ? arena_printf(arena, "max by (instance) (galen_sysctl{name=\"%s\",field=\"%s\"})",
                               u->parameter, u->fields[i])
                : arena_printf(arena, "max by (instance) (galen_sysctl{name=\"%s\"})",
                               u->parameter);
        enum status st = formula_of(text, r->rules, &u->value[i], r->err);
        if (st)
            return yaml_error(r->node, r->err, "parameter \"%s\" is no name", u->parameter);
    }
    return OK;
}

static enum status read_bounds(const struct reader *r)
{
    struct rule *u = r->rule;
    const struct yaml *v = yaml_get(r->node, "bounds");
    if (!v) {
        if (u->n_propose == 1 && u->step == STEP_COUNT)
            return yaml_error(r->node, r->err,
                              "a rule that proposes a count needs \"bounds: [lowest, highest]\"");
        return OK;
    }
    if (v->kind != YAML_LIST || v->n != 2 || u->n_propose != 1)
        return yaml_error(v, r->err,
                          "bounds: must be [lowest, highest], beside a single \"propose\"");
    u->has_bounds = true;
    enum status st = formula_read(v->items[0], "bounds", &r->words, r->rules, &u->low, r->err);
    return st ? st : formula_read(v->items[1], "bounds", &r->words, r->rules, &u->high, r->err);
}

static enum status read_proposal(struct reader *r)
{
    static const char *const steps[] = {"count", "exact"};
    struct rule *u = r->rule;
    enum status st;
    unsigned step = STEP_COUNT;
    if ((st = choice(r, "step", steps, COUNT(steps), &step)) ||
        (st = read_names(r, "fields", u->fields, RULE_FIELDS_MAX, &u->n_fields)) ||
        (st = read_formulas(r, "value", u->value, &u->n_values)))
        return st;
    u->step = (enum rule_step)step;
    if (u->parameter && u->n_values == 0 && (st = default_values(r)))
        return st;
    r->words.value = u->n_values == 1 ? u->value[0].text : NULL;
    if ((st = read_formulas(r, "propose", u->propose, &u->n_propose)))
        return st;
    if (u->n_propose && u->n_propose != u->n_values)
        return yaml_error(yaml_get(r->node, "propose"), r->err,
                          "propose: %zu values for a parameter of %zu", u->n_propose, u->n_values);
    bool changes = u->class == 1 || u->class == 2;
    if (changes && (!u->n_propose || !u->parameter))
        return yaml_error(r->node, r->err, "a rule of class %s needs \"parameter\" and \"propose\"",
                          class_names[u->class]);
    return read_bounds(r);
}

/* Is it a name that the rule's templates may use? */
static bool known_place(void *arg, struct span name, struct template_value *out UNUSED)
{
    const struct rule *u = arg;
    static const char *const always[] = {"value", "from", "to", "window", "use", "parameter"};
    for (size_t i = 0; i < COUNT(always); i++)
        if (span_is(name, always[i]))
            return true;
    for (size_t i = 0; i < u->n_evidence; i++)
        if (u->evidence[i].name && span_is(name, u->evidence[i].name))
            return true;
    return false;
}

static enum status template_text(const struct reader *r, const char *key, const char **out)
{
    const struct yaml *v = yaml_get(r->node, key);
    if (!v)
        return OK;
    enum status st = yaml_string(v, out, r->err);
    return st ? st : template_check(v, *out, known_place, r->rule, r->err);
}

static enum status read_evidence_map(const struct reader *r, const struct yaml *v,
                                     struct rule_evidence *e)
{
    static const char *const known[] = {"name", "expr", "text", NULL};
    enum status st = yaml_known_keys(v, known, r->err);
    const struct yaml *expr = yaml_get(v, "expr"), *name = yaml_get(v, "name"),
                      *text = yaml_get(v, "text");
    if (!st && !expr)
        return yaml_error(v, r->err, "evidence: needs \"expr\"");
    if (!st)
        st = formula_read(expr, "expr", &r->words, r->rules, &e->formula, r->err);
    if (!st && name)
        st = yaml_string(name, &e->name, r->err);
    if (!st && text)
        st = yaml_string(text, &e->text, r->err);
    return st ? st : OK;
}

static enum status read_evidence(const struct reader *r)
{
    struct rule *u = r->rule;
    const struct yaml *list = yaml_get(r->node, "evidence");
    if (!list)
        return OK;
    if (list->kind != YAML_LIST || list->n > EVIDENCE_MAX)
        return yaml_error(list, r->err, "evidence: must be a list of at most %d", EVIDENCE_MAX);
    for (size_t i = 0; i < list->n; i++) {
        const struct yaml *v = list->items[i];
        struct rule_evidence *e = &u->evidence[u->n_evidence++];
        enum status st = v->kind == YAML_MAP ? read_evidence_map(r, v, e)
                                             : formula_read(v, "evidence", &r->words, r->rules,
                                                            &e->formula, r->err);
        if (st)
            return st;
    }
    for (size_t i = 0; i < u->n_evidence; i++) {
        const char *text = u->evidence[i].formula.text;
        u->evidence[i].is_signal = (r->words.signal && strstr(text, r->words.signal)) ||
                                   (r->words.use && strstr(text, r->words.use));
    }
    for (size_t i = 0; i < list->n; i++) { /* now that all names are known */
        const struct yaml *text = yaml_get(list->items[i], "text");
        enum status st =
            text ? template_check(text, u->evidence[i].text, known_place, u, r->err) : OK;
        if (st)
            return st;
    }
    return OK;
}

static enum status read_sentences(const struct reader *r)
{
    struct rule *u = r->rule;
    const struct yaml *v = yaml_get(r->node, "sentence");
    if (!v)
        return yaml_error(r->node, r->err, "the rule has no \"sentence\"");
    struct yaml *one[] = {yaml_get(r->node, "sentence")};
    struct yaml **items = v->kind == YAML_LIST ? v->items : one;
    size_t n = v->kind == YAML_LIST ? v->n : 1;
    if (n == 0 || n > RULE_SENTENCES_MAX)
        return yaml_error(v, r->err, "sentence: must be a text or a list of 1..%d",
                          RULE_SENTENCES_MAX);
    for (size_t i = 0; i < n; i++) {
        enum status st = yaml_string(items[i], &u->sentences[i], r->err);
        if (!st)
            st = template_check(items[i], u->sentences[i], known_place, u, r->err);
        if (st)
            return st;
    }
    u->n_sentences = n;
    return OK;
}

/* {line, file} each. */
static enum status read_lines(const struct reader *r)
{
    static const char *const known[] = {"line", "file", NULL};
    struct rule *u = r->rule;
    const struct yaml *list = yaml_get(r->node, "lines");
    if (!list)
        return OK;
    if (list->kind != YAML_LIST || list->n == 0 || list->n > RULE_LINES_MAX)
        return yaml_error(list, r->err, "lines: must be a list of 1..%d", RULE_LINES_MAX);
    for (size_t i = 0; i < list->n; i++) {
        struct reader one = *r;
        one.node = list->items[i];
        struct rule_line *l = &u->lines[u->n_lines++];
        enum status st;
        if (one.node->kind != YAML_MAP)
            return yaml_error(one.node, r->err, "lines: each needs \"line\" and \"file\"");
        if ((st = yaml_known_keys(one.node, known, r->err)) ||
            (st = template_text(&one, "line", &l->line)) ||
            (st = template_text(&one, "file", &l->file)))
            return st;
        if (!l->line || !l->file)
            return yaml_error(one.node, r->err, "lines: each needs \"line\" and \"file\"");
    }
    return OK;
}

/* The pressures that a change of it may raise; where the rule does not say, by what it is about. */
static enum status read_burdens(const struct reader *r)
{
    static const char *const words[PRESSURES] = {"cpu", "memory", "io"};
    static const struct {
        const char *resource;
        unsigned burdens;
    } resources[] = {{"RAM", 1 << PRESSURE_MEMORY},
                     {"swap", 1 << PRESSURE_MEMORY},
                     {"CPUs", 1 << PRESSURE_CPU},
                     {"disk", 1 << PRESSURE_IO}};
    struct rule *u = r->rule;
    const char *names[PRESSURES];
    size_t n = 0;
    enum status st = read_names(r, "burdens", names, PRESSURES, &n);
    for (size_t i = 0; !st && i < n; i++) {
        unsigned bit = 0;
        for (size_t k = 0; k < PRESSURES; k++)
            if (strcmp(names[i], words[k]) == 0)
                bit = 1U << k;
        if (!bit)
            return yaml_error(yaml_get(r->node, "burdens"), r->err,
                              "burdens: \"%s\" is none of cpu, memory, io", names[i]);
        u->burdens |= bit;
    }
    if (st || n)
        return st;
    if (u->parameter && span_starts(span_of(u->parameter), SPAN("vm.")))
        u->burdens = 1 << PRESSURE_MEMORY | 1 << PRESSURE_IO;
    for (size_t i = 0; u->resource && i < COUNT(resources); i++)
        if (strcmp(u->resource, resources[i].resource) == 0)
            u->burdens |= resources[i].burdens;
    return OK;
}

/* How a change is judged: load, effective, settle, resource, burdens. */
static enum status read_verify(const struct reader *r)
{
    static const int64_t week = 7 * 86400 * INT64_C(1000);
    struct rule *u = r->rule;
    const struct yaml *settle = yaml_get(r->node, "settle");
    u->settle_ms = 3 * u->window_ms;
    u->reach_ms = u->signal.expr ? promql_reach_ms(u->signal.expr) : u->window_ms;
    u->resource = u->parameter;
    enum status st;
    if ((settle && (st = yaml_duration_ms(settle, 0, week, &u->settle_ms, r->err))) ||
        (st = formula(r, "load", &u->load)) || (st = formula(r, "effective", &u->effective)) ||
        (st = optional(r, "resource", &u->resource)) || (st = read_burdens(r)))
        return st;
    if (!u->parameter || u->set_line)
        return OK;
    const char *text =
        arena_printf(&r->rules->arena, "galen_sysctl_file{name=\"%s\"}", u->parameter);
    if (formula_of(text, r->rules, &u->set_by, NULL))
        return yaml_error(r->node, r->err, "parameter \"%s\" is no name", u->parameter);
    return OK;
}

/* Either an expression (what must fall) or {expr, text}. */
static enum status read_check(const struct reader *r)
{
    static const char *const known[] = {"expr", "text", NULL};
    struct rule *u = r->rule;
    const struct yaml *v = yaml_get(r->node, "check");
    if (!v)
        return OK;
    if (v->kind != YAML_MAP) {
        enum status st = formula(r, "check", &u->check_formula);
        if (!st)
            u->check = arena_printf(&r->rules->arena, "15 minutes later: %s must have fallen",
                                    u->check_formula.text);
        return st;
    }
    enum status st = yaml_known_keys(v, known, r->err);
    const struct yaml *expr = yaml_get(v, "expr"), *text = yaml_get(v, "text");
    if (!st && !text)
        return yaml_error(v, r->err, "check: needs \"text\"");
    if (!st && expr)
        st = formula_read(expr, "expr", &r->words, r->rules, &u->check_formula, r->err);
    return st ? st : yaml_string(text, &u->check, r->err);
}

static enum status read_texts(const struct reader *r)
{
    static const char *const confidences[] = {"high", "low"};
    struct rule *u = r->rule;
    unsigned confidence = 0;
    enum status st;
    if ((st = read_evidence(r)) || (st = read_sentences(r)) || (st = read_check(r)) ||
        (st = template_text(r, "advice", &u->advice)) ||
        (st = template_text(r, "effect", &u->effect)) ||
        (st = template_text(r, "line", &u->set_line)) ||
        (st = template_text(r, "file", &u->set_file)) ||
        (st = template_text(r, "command", &u->command)) || (st = read_lines(r)) ||
        (st = optional(r, "risk", &u->risk)) ||
        (st = optional(r, "takes_effect", &u->takes_effect)) ||
        (st = optional(r, "source", &u->source)) ||
        (st = choice(r, "confidence", confidences, COUNT(confidences), &confidence)))
        return st;
    u->low_confidence = confidence == 1;
    if (!u->advice && (u->class == 0 || u->class == 3))
        return yaml_error(r->node, r->err, "a rule of class %s needs \"advice\"",
                          class_names[u->class]);
    return OK;
}

static enum status read_rule(struct reader *r)
{
    enum status st;
    if (r->node->kind != YAML_MAP)
        return yaml_error(r->node, r->err, "a rule must be a map of keys and values");
    r->rule->file = r->node->file;
    r->rule->line = r->node->line;
    if ((st = read_head(r)) || (st = read_times(r)) || (st = read_signal(r)) ||
        (st = optional(r, "per", &r->rule->per)) || (st = read_proposal(r)) ||
        (st = read_names(r, "yields_to", r->rule->yields_to, RULE_YIELDS_MAX,
                         &r->rule->n_yields_to)))
        return st;
    st = read_texts(r);
    return st ? st : read_verify(r);
}

enum status rules_add(struct rules *r, struct span text, const char *file, int64_t window_max_ms,
                      struct err *err)
{
    struct yaml *root;
    enum status st = yaml_parse(text, file, &r->arena, &root, err);
    if (st || !root)
        return st;
    if (root->kind != YAML_LIST)
        return yaml_error(root, err, "must be a list of rules, each beginning with \"- id:\"");
    if (r->n_rules + root->n > RULES_MAX)
        return err_set(err, FULL, "%s: more than %d rules", file, RULES_MAX);
    r->rules = arena_grow(&r->arena, r->rules, r->n_rules * sizeof *r->rules,
                          (r->n_rules + root->n) * sizeof *r->rules);
    for (size_t i = 0; i < root->n; i++) {
        r->rules[r->n_rules] = (struct rule){0};
        struct reader reader = {.rules = r,
                                .rule = &r->rules[r->n_rules],
                                .node = root->items[i],
                                .window_max_ms = window_max_ms,
                                .err = err};
        if ((st = read_rule(&reader)))
            return st;
        r->n_rules++;
    }
    return OK;
}
