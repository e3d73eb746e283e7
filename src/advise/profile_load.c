/* rules/profiles/(any).yaml -> struct profile. */
#include "advise/profile_state.h"

#include "series/parameter.h"

static const char *const check_keys[] = {"parameter", "field", "name", "value",    "use",
                                         "least",     "most",  "warn", "exactly",  "not",
                                         "line",      "file",  "why",  "optional", NULL};

struct reader {
    struct rules *rules;
    const struct yaml *node;
    struct err *err;
};

static enum status text(const struct reader *r, const char *key, const char **out)
{
    const struct yaml *v = yaml_get(r->node, key);
    return v ? yaml_string(v, out, r->err) : OK;
}

static enum status number(const struct reader *r, const char *key, bool *has, double *out)
{
    const struct yaml *v = yaml_get(r->node, key);
    *has = v != NULL;
    return v ? yaml_double(v, -1e300, 1e300, out, r->err) : OK;
}

static enum status sysctl_formula(const struct reader *r, const char *parameter, const char *field,
                                  struct formula *out)
{
    return formula_of(arena_printf(&r->rules->arena,
                                   "max by (instance) (galen_sysctl{name=\"%s\"%s})", parameter,
                                   field),
                      r->rules, out, r->err);
}

/* The value of a parameter, where the check does not say how to find it. */
static enum status default_value(const struct reader *r, struct profile_check *c)
{
    if (!c->parameter)
        return yaml_error(r->node, r->err, "a check needs \"parameter\" or \"value\"");
    if (!parameter_name_valid(span_of(c->parameter)))
        return yaml_error(r->node, r->err, "parameter \"%s\" is no name", c->parameter);
    if (!c->field)
        return sysctl_formula(r, c->parameter, "", &c->value);
    size_t place;
    if (!parameter_field_place(span_of(c->parameter), span_of(c->field), &place) ||
        place >= RULE_FIELDS_MAX)
        return yaml_error(r->node, r->err, "%s has no number \"%s\"", c->parameter, c->field);
    enum status st = OK;
    for (size_t i = 0; !st && i < RULE_FIELDS_MAX; i++) {
        struct span field = parameter_field(span_of(c->parameter), i);
        st = sysctl_formula(r, c->parameter,
                            arena_printf(&r->rules->arena, ",field=\"%.*s\"", SPAN_ARG(field)),
                            &c->fields[i]);
    }
    c->value = c->fields[place];
    return st;
}

static enum status read_limits(const struct reader *r, struct profile_check *c)
{
    enum status st;
    if ((st = number(r, "least", &c->has_least, &c->least)) ||
        (st = number(r, "most", &c->has_most, &c->most)) ||
        (st = number(r, "warn", &c->has_warn, &c->warn)) ||
        (st = number(r, "exactly", &c->has_exactly, &c->exactly)) ||
        (st = number(r, "not", &c->has_not, &c->not_this)))
        return st;
    if (c->has_least + c->has_most + c->has_exactly + c->has_not != 1 &&
        !(c->has_least && c->has_most))
        return yaml_error(r->node, r->err,
                          "a check needs \"least\", \"most\", both, \"exactly\" or \"not\"");
    if (c->has_warn && !c->has_most)
        return yaml_error(r->node, r->err, "\"warn\" goes with \"most\": up to there it is a WARN");
    return OK;
}

static enum status read_check(struct reader *r, struct profile_check *c)
{
    struct words words = {0};
    const struct yaml *value = yaml_get(r->node, "value"), *use = yaml_get(r->node, "use"),
                      *optional = yaml_get(r->node, "optional");
    enum status st;
    if (r->node->kind != YAML_MAP)
        return yaml_error(r->node, r->err, "a check must be a map of keys and values");
    if ((st = yaml_known_keys(r->node, check_keys, r->err)) ||
        (st = text(r, "parameter", &c->parameter)) || (st = text(r, "field", &c->field)) ||
        (st = text(r, "name", &c->name)) || (st = text(r, "line", &c->line)) ||
        (st = text(r, "file", &c->file)) || (st = text(r, "why", &c->why)) ||
        (st = read_limits(r, c)) || (optional && (st = yaml_bool(optional, &c->optional, r->err))))
        return st;
    if (value && c->field)
        return yaml_error(
            r->node, r->err,
            "\"field\" says which number of \"parameter\" is meant; it does not go with "
            "\"value\"");
    st = value ? formula_read(value, "value", &words, r->rules, &c->value, r->err)
               : default_value(r, c);
    if (!st && use)
        st = formula_read(use, "use", &words, r->rules, &c->use, r->err);
    if (!c->name)
        c->name = c->parameter;
    if (!st && !c->name)
        return yaml_error(r->node, r->err, "a check without \"parameter\" needs a \"name\"");
    return st;
}

static enum status read_processes(const struct reader *r, struct profile *p)
{
    const struct yaml *list = yaml_get(r->node, "processes");
    if (!list)
        return OK;
    if (list->kind != YAML_LIST || list->n > PROFILE_PROCESSES_MAX)
        return yaml_error(list, r->err, "processes: must be a list of at most %d",
                          PROFILE_PROCESSES_MAX);
    for (p->n_processes = 0; p->n_processes < list->n; p->n_processes++) {
        enum status st =
            yaml_string(list->items[p->n_processes], &p->processes[p->n_processes], r->err);
        if (st)
            return st;
    }
    return OK;
}

static enum status read_profile(struct reader *r, struct profile *p)
{
    static const char *const keys[] = {"name", "title", "processes", "source", "checks", NULL};
    const struct yaml *root = r->node, *checks = yaml_get(root, "checks");
    enum status st;
    if ((st = yaml_known_keys(root, keys, r->err)) || (st = text(r, "name", &p->name)) ||
        (st = text(r, "title", &p->title)) || (st = text(r, "source", &p->source)) ||
        (st = read_processes(r, p)))
        return st;
    if (!p->name || !p->title) {
        yaml_error(root, r->err, "a profile needs \"name\" and \"title\"");
        return INVALID;
    }
    if (!checks || checks->kind != YAML_LIST || !checks->n || checks->n > PROFILE_CHECKS_MAX)
        return yaml_error(checks ? checks : root, r->err, "checks: must be a list of 1..%d",
                          PROFILE_CHECKS_MAX);
    p->checks = ARENA_ARRAY(&r->rules->arena, struct profile_check, checks->n);
    for (p->n_checks = 0; !st && p->n_checks < checks->n; p->n_checks++) {
        r->node = checks->items[p->n_checks];
        st = read_check(r, &p->checks[p->n_checks]);
    }
    return st;
}

enum status profiles_add(struct rules *rules, struct span content, const char *file,
                         int64_t window_max_ms UNUSED, struct err *err)
{
    struct yaml *root;
    enum status st = yaml_parse(content, file, &rules->arena, &root, err);
    if (st)
        return st;
    if (!root || root->kind != YAML_MAP)
        return err_set(err, INVALID, "%s:1:1: must hold name, title and checks", file);
    if (rules->n_profiles >= PROFILES_MAX)
        return err_set(err, FULL, "%s: more than %d profiles", file, PROFILES_MAX);
    rules->profiles =
        arena_grow(&rules->arena, rules->profiles, rules->n_profiles * sizeof *rules->profiles,
                   (rules->n_profiles + 1) * sizeof *rules->profiles);
    struct profile *p = &rules->profiles[rules->n_profiles];
    *p = (struct profile){0};
    struct reader r = {rules, root, err};
    if ((st = read_profile(&r, p)))
        return st;
    for (size_t i = 0; i < rules->n_profiles; i++)
        if (strcmp(rules->profiles[i].name, p->name) == 0)
            return yaml_error(root, err, "the profile \"%s\" is there already", p->name);
    rules->n_profiles++;
    return OK;
}
