/* Settings tables: a YAML file, a command line and the environment fill the same struct. */
#include "base/yaml.h"

#include <stdio.h>

static void *field(void *settings, const struct setting *s)
{
    return (char *)settings + s->offset;
}

static int64_t bound_i64(double v)
{
    return v >= 0x1p63 ? INT64_MAX : v <= -0x1p63 ? INT64_MIN : (int64_t)v;
}

static uint64_t bound_u64(double v)
{
    return v >= 0x1p64 ? UINT64_MAX : v <= 0 ? 0 : (uint64_t)v;
}

static enum status set_list(const struct yaml *node, struct setting_list *out, struct arena *arena,
                            struct err *err)
{
    if (node->kind != YAML_LIST)
        return yaml_error(node, err, "a list was expected");
    struct setting_list list = {.items = ARENA_ARRAY(arena, const char *, node->n), .n = node->n};
    for (size_t i = 0; i < node->n; i++) {
        enum status st = yaml_string(node->items[i], &list.items[i], err);
        if (st)
            return st;
    }
    *out = list;
    return OK;
}

static enum status set_one(const struct setting *s, const struct yaml *node, void *settings,
                           struct arena *arena, struct err *err)
{
    void *to = field(settings, s);
    switch (s->kind) {
    case SETTING_STRING:
        return yaml_string(node, to, err);
    case SETTING_BOOL:
        return yaml_bool(node, to, err);
    case SETTING_INT:
        return yaml_i64(node, bound_i64(s->min), bound_i64(s->max), to, err);
    case SETTING_DOUBLE:
        return yaml_double(node, s->min, s->max, to, err);
    case SETTING_DURATION:
        return yaml_duration_ms(node, bound_i64(s->min), bound_i64(s->max), to, err);
    case SETTING_BYTES:
        return yaml_bytes(node, bound_u64(s->min), bound_u64(s->max), to, err);
    case SETTING_LIST:
        return set_list(node, to, arena, err);
    case SETTING_TREE:
        if (node->kind != YAML_LIST)
            return yaml_error(node, err, "a list was expected");
        *(const struct yaml **)to = node;
        return OK;
    }
    return OK;
}

/* The names that may follow prefix ("" or "store."), each once. */
static const char *const *names_below(const struct setting *table, size_t n, struct span prefix,
                                      struct arena *arena)
{
    const char **names = ARENA_ARRAY(arena, const char *, n + 1);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        struct span key = span_of(table[i].key);
        if (!span_starts(key, prefix))
            continue;
        struct span rest = span_from(key.at + prefix.len, key.len - prefix.len), name;
        span_next(&rest, '.', &name);
        if (count == 0 || !span_is(name, names[count - 1]))
            names[count++] = arena_dup_span(arena, name);
    }
    return names;
}

static const struct setting *find(const struct setting *table, size_t n, struct span key)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(key, table[i].key))
            return &table[i];
    return NULL;
}

static enum status load_map(const struct yaml *map, struct span prefix, const struct setting *table,
                            size_t n, void *settings, struct arena *arena, struct err *err)
{
    enum status st = yaml_known_keys(map, names_below(table, n, prefix, arena), err);
    for (size_t i = 0; !st && i < map->n; i++) {
        struct span key = span_of(
            arena_printf(arena, "%.*s%.*s", SPAN_ARG(prefix), SPAN_ARG(map->keys[i]->text)));
        const struct setting *s = find(table, n, key);
        struct yaml *value = map->items[i];
        if (s && !yaml_is_null(value))
            st = set_one(s, value, settings, arena, err);
        else if (!s && !yaml_is_null(value))
            st = load_map(value, span_of(arena_printf(arena, "%s.", key.at)), table, n, settings,
                          arena, err);
    }
    return st;
}

enum status settings_load(const char *path, const struct setting *table, size_t n, void *settings,
                          struct arena *arena, struct err *err)
{
    struct yaml *root;
    enum status st = yaml_load(path, arena, &root, err);
    if (st || !root)
        return st;
    return load_map(root, SPAN(""), table, n, settings, arena, err);
}

enum status settings_set(const struct setting *table, size_t n, const char *key, const char *text,
                         const char *where, void *settings, struct arena *arena, struct err *err)
{
    const struct setting *s = find(table, n, span_of(key));
    if (!s)
        return err_set(err, INVALID, "%s: there is no setting %s", where, key);
    struct yaml *node = ARENA_NEW(arena, struct yaml);
    *node = (struct yaml){.kind = YAML_SCALAR, .file = where, .line = 1, .column = 1};
    node->text = span_of(arena_dup(arena, text));
    node->quoted = s->kind == SETTING_STRING; /* nothing and "null" are texts here */
    if (s->kind == SETTING_LIST || s->kind == SETTING_TREE) { /* a,b,c */
        struct span rest = node->text, part;
        struct yaml *list = ARENA_NEW(arena, struct yaml);
        *list = (struct yaml){.kind = YAML_LIST, .file = where, .line = 1, .column = 1};
        list->items = ARENA_ARRAY(arena, struct yaml *, rest.len + 1);
        while (span_next(&rest, ',', &part)) {
            struct yaml *item = ARENA_NEW(arena, struct yaml);
            *item = *node;
            item->text = arena_span(arena, span_trim(part));
            list->items[list->n++] = item;
        }
        node = list;
    }
    struct err inner = {0};
    enum status st = set_one(s, node, settings, arena, &inner);
    if (!st)
        return OK;
    /* A command line has no line and column: "where:1:1: sentence" loses its middle. */
    const char *sentence = inner.text + strlen(where);
    return err_set(err, st, "%s%s", where, strncmp(sentence, ":1:1", 4) ? sentence : sentence + 4);
}

void setting_print(const struct setting *s, const void *settings, struct buf *out)
{
    const void *at = (const char *)settings + s->offset;
    switch (s->kind) {
    case SETTING_STRING: {
        const char *text = *(const char *const *)at;
        buf_str(out, text ? text : "");
        break;
    }
    case SETTING_BOOL:
        buf_str(out, *(const bool *)at ? "true" : "false");
        break;
    case SETTING_INT:
        buf_i64(out, *(const int64_t *)at);
        break;
    case SETTING_DOUBLE:
        buf_double(out, *(const double *)at);
        break;
    case SETTING_DURATION:
        duration_print(out, *(const int64_t *)at);
        break;
    case SETTING_BYTES:
        buf_u64(out, *(const uint64_t *)at);
        break;
    case SETTING_LIST: {
        const struct setting_list *list = at;
        for (size_t i = 0; i < list->n; i++) {
            if (i)
                buf_char(out, ',');
            buf_str(out, list->items[i]);
        }
        break;
    }
    case SETTING_TREE: {
        const struct yaml *list = *(const struct yaml *const *)at;
        for (size_t i = 0; list && i < list->n; i++) {
            const struct yaml *name = yaml_get(list->items[i], "name");
            buf_str(out, i ? "," : "");
            buf_span(out, name ? name->text : list->items[i]->text);
        }
        break;
    }
    }
}
