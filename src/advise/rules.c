/* The folder of rules: rules/features.yaml and rules/advice/(any).yaml. */
#include "advise/profile_state.h"
#include "advise/rule.h"

#include "base/file.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status read_feature(struct rules *r, const struct yaml *node, const struct words *words,
                                struct feature *out, struct err *err)
{
    static const char *const known[] = {"name", "about", "expr", "scale", "most", NULL};
    const struct yaml *name = yaml_get(node, "name"), *expr = yaml_get(node, "expr"),
                      *scale = yaml_get(node, "scale"), *most = yaml_get(node, "most"),
                      *about = yaml_get(node, "about");
    if (node->kind != YAML_MAP || !name || !expr)
        return yaml_error(node, err, "a feature needs \"name\" and \"expr\"");
    enum status st = yaml_known_keys(node, known, err);
    const char *text = "";
    if (st || (st = yaml_string(name, &out->name, err)) ||
        (st = formula_read(expr, "expr", words, r, &out->formula, err)) ||
        (about && (st = yaml_string(about, &out->about, err))) ||
        (scale && (st = yaml_string(scale, &text, err))))
        return st;
    if (scale && strcmp(text, "log1p") != 0)
        return yaml_error(scale, err, "scale: the only one is log1p");
    out->log1p = scale != NULL;
    out->most = 1e300;
    return most ? yaml_double(most, 0, 1e300, &out->most, err) : OK;
}

static enum status read_features(struct rules *r, const struct yaml *list,
                                 const struct words *words, struct feature *out, size_t n,
                                 struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        enum status st = read_feature(r, list->items[i], words, &out[i], err);
        for (size_t k = 0; !st && k < i; k++)
            if (strcmp(out[k].name, out[i].name) == 0)
                return yaml_error(list->items[i], err, "the feature \"%s\" is there already",
                                  out[i].name);
        if (st)
            return st;
    }
    return OK;
}

static enum status read_window(const struct yaml *root, int64_t most_ms, struct arena *arena,
                               struct words *words, int64_t *wanted_ms, struct err *err)
{
    int64_t ms = 60 * 1000;
    const struct yaml *v = yaml_get(root, "window");
    enum status st = v ? yaml_duration_ms(v, 1000, 86400 * INT64_C(1000), &ms, err) : OK;
    *wanted_ms = ms;
    if (most_ms)
        ms = MIN(ms, most_ms);
    words->window = arena_printf(arena, "%lldms", (long long)ms);
    return st;
}

static enum status read_hosts(struct rules *r, const struct yaml *root, const struct words *words,
                              struct err *err)
{
    static const char *const known[] = {"seen", "booted", "settled", NULL};
    struct formula *const formulas[] = {&r->seen, &r->booted, &r->settled};
    const struct yaml *hosts = yaml_get(root, "hosts");
    if (!hosts)
        return yaml_error(root, err, "\"hosts\" is missing");
    enum status st = yaml_known_keys(hosts, known, err);
    for (size_t i = 0; !st && i < COUNT(formulas); i++) {
        const struct yaml *v = yaml_get(hosts, known[i]);
        if (!v)
            return yaml_error(hosts, err, "\"%s\" is missing", known[i]);
        st = formula_read(v, known[i], words, r, formulas[i], err);
    }
    return st;
}

#define REAL_DISKS                                                                                 \
    "{fstype!~\"tmpfs|ramfs|overlay|squashfs|erofs|iso9660|devtmpfs|nfs.*|cifs|fuse.*\"}"

/* Questions of our own, whatever the rules are. */
static enum status read_own(struct rules *r, struct err *err)
{
    const struct {
        struct formula *formula;
        const char *text;
    } own[] = {
        /* What analysis_series wrote; only just now, or it was not in force when we stopped. */
        {&r->findings, "galen_finding == 1"},
        {&r->fingerprint, "galen_sysctl_fingerprint"},
        {&r->printed, "timestamp(galen_sysctl_fingerprint)"},
        {&r->unprinted,
         "galen_sysctl{name=\"vm.swappiness\"} unless on (instance) galen_sysctl_fingerprint"},
        {&r->sysctls, "galen_sysctl"},
        {&r->sysctls_before, "last_over_time(galen_sysctl[1d])"},
        {&r->resources[0], "max by (instance) (node_memory_MemTotal_bytes)"},
        {&r->resources[1], "max by (instance) (node_memory_SwapTotal_bytes)"},
        {&r->resources[2], "count by (instance) (node_cpu_seconds_total{mode=\"idle\"})"},
        {&r->resources[3],
         "max by (instance, mountpoint) (node_filesystem_size_bytes" REAL_DISKS ")"},
        {&r->pressure[0], "max by (instance) (rate(node_pressure_cpu_waiting_seconds_total[1m]))"},
        {&r->pressure[1],
         "max by (instance) (rate(node_pressure_memory_waiting_seconds_total[1m]))"},
        {&r->pressure[2], "max by (instance) (rate(node_pressure_io_waiting_seconds_total[1m]))"},
        {&r->products, "galen_product_processes"},
        {&r->available,
         "max by (instance) (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)"},
    };
    enum status st = OK;
    for (size_t i = 0; !st && i < COUNT(own); i++)
        st = formula_of(own[i].text, r, own[i].formula, err);
    return st;
}

enum status features_add(struct rules *r, struct span text, const char *file, int64_t window_max_ms,
                         struct err *err)
{
    static const char *const known[] = {"window", "hosts", "seeds", "features", NULL};
    struct yaml *root;
    enum status st = yaml_parse(text, file, &r->arena, &root, err);
    if (st)
        return st;
    if (!root || root->kind != YAML_MAP)
        return err_set(err, INVALID, "%s:1:1: must hold hosts, seeds and features", file);
    struct words words = {0};
    if ((st = yaml_known_keys(root, known, err)) || (st = read_own(r, err)) ||
        (st = read_window(root, window_max_ms, &r->arena, &words, &r->features_ms, err)) ||
        (st = read_hosts(r, root, &words, err)))
        return st;
    const struct yaml *seeds = yaml_get(root, "seeds"), *features = yaml_get(root, "features");
    if (!seeds || seeds->kind != YAML_LIST || seeds->n != ELEVEN)
        return yaml_error(seeds ? seeds : root, err, "\"seeds\" must be a list of %d", ELEVEN);
    if (!features || features->kind != YAML_LIST || features->n > FEATURES_MAX)
        return yaml_error(features ? features : root, err,
                          "\"features\" must be a list of at most %d", FEATURES_MAX);
    r->n_features = features->n;
    r->features = ARENA_ARRAY(&r->arena, struct feature, features->n);
    st = read_features(r, seeds, &words, r->eleven, ELEVEN, err);
    return st ? st : read_features(r, features, &words, r->features, features->n, err);
}

static int is_yaml(const struct dirent *e)
{
    return e->d_name[0] != '.' && span_ends(span_of(e->d_name), SPAN(".yaml"));
}

static enum status add_file(struct rules *r, const char *path, int64_t window_max_ms,
                            enum status (*add)(struct rules *, struct span, const char *, int64_t,
                                               struct err *),
                            struct err *err)
{
    auto_buf text = {.max = YAML_MAX_BYTES};
    enum status st = file_read(path, &text, err);
    return st ? st : add(r, buf_view(&text), path, window_max_ms, err);
}

typedef enum status (*add_fn)(struct rules *, struct span, const char *, int64_t, struct err *);

static enum status add_folder(struct rules *r, const char *dir, int64_t window_max_ms, add_fn add,
                              struct err *err)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, is_yaml, alphasort);
    if (n < 0)
        return err_errno(err, "read the folder %s", dir);
    enum status st = OK;
    for (int i = 0; i < n; i++) {
        if (!st)
            st = add_file(r, arena_printf(&r->arena, "%s/%s", dir, entries[i]->d_name),
                          window_max_ms, add, err);
        free(entries[i]);
    }
    free(entries);
    return st;
}

const struct rule *rule_by_id(const struct rules *r, const char *id)
{
    for (size_t i = 0; i < r->n_rules; i++)
        if (strcmp(r->rules[i].id, id) == 0)
            return &r->rules[i];
    return NULL;
}

/* Rules that others yield to must exist: a misspelt name would never hold a rule back. */
static enum status check_yields(const struct rules *r, struct err *err)
{
    for (size_t i = 0; i < r->n_rules; i++)
        for (size_t k = 0; k < r->rules[i].n_yields_to; k++) {
            bool found = false;
            for (size_t o = 0; o < r->n_rules; o++)
                found |= strcmp(r->rules[o].id, r->rules[i].yields_to[k]) == 0;
            if (!found)
                return err_set(err, INVALID,
                               "%s:%u: the rule \"%s\" yields to \"%s\", which is no "
                               "rule",
                               r->rules[i].file, r->rules[i].line, r->rules[i].id,
                               r->rules[i].yields_to[k]);
        }
    return OK;
}

static enum status add_extra(struct rules *r, const char *extra, int64_t window_max_ms,
                             struct err *err)
{
    struct stat info;
    if (stat(extra, &info))
        return err_errno(err, "read the rules in %s", extra);
    return S_ISDIR(info.st_mode) ? add_folder(r, extra, window_max_ms, rules_add, err)
                                 : add_file(r, extra, window_max_ms, rules_add, err);
}

enum status rules_load(const char *dir, const char *extra, int64_t window_max_ms,
                       struct rules **out, struct err *err)
{
    *out = NULL;
    struct rules *r = mem_zero(1, sizeof *r);
    enum status st = add_file(r, arena_printf(&r->arena, "%s/features.yaml", dir), window_max_ms,
                              features_add, err);
    if (!st)
        st =
            add_folder(r, arena_printf(&r->arena, "%s/advice", dir), window_max_ms, rules_add, err);
    const char *profiles = arena_printf(&r->arena, "%s/profiles", dir);
    if (!st && access(profiles, F_OK) == 0)
        st = add_folder(r, profiles, window_max_ms, profiles_add, err);
    if (!st && extra)
        st = add_extra(r, extra, window_max_ms, err);
    if (!st)
        st = check_yields(r, err);
    if (st) {
        rules_close(r);
        return st;
    }
    *out = r;
    return OK;
}

void rules_close(struct rules *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n_parsed; i++)
        promql_free(r->parsed[i]);
    free(r->parsed);
    arena_free(&r->arena);
    free(r);
}

enum status rules_check_file(const char *path, size_t *n, struct err *err)
{
    struct rules *r = mem_zero(1, sizeof *r);
    enum status st = add_file(r, path, 0, rules_add, err);
    *n = r->n_rules;
    if (!st && !*n)
        st = err_set(err, INVALID, "%s:1: there is no rule; each begins with \"- id:\"", path);
    rules_close(r);
    return st;
}
