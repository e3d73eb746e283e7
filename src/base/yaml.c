#include "base/yaml.h"

#include "base/file.h"
#include "base/map.h"

#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    struct arena *arena;
    const char *file;
    size_t nodes;
    struct err *err;
};

static void drop_event(struct reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = false;
}

static enum status syntax_error(struct reader *r)
{
    const yaml_mark_t *at = &r->parser.problem_mark;
    return err_set(r->err, INVALID, "%s:%zu:%zu: %s%s%s", r->file, at->line + 1, at->column + 1,
                   r->parser.problem ? r->parser.problem : "not YAML", r->parser.context ? " " : "",
                   r->parser.context ? r->parser.context : "");
}

static enum status next_event(struct reader *r)
{
    drop_event(r);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return syntax_error(r);
    r->has_event = true;
    return OK;
}

static struct yaml *node_new(struct reader *r, enum yaml_kind kind)
{
    struct yaml *node = ARENA_NEW(r->arena, struct yaml);
    node->kind = kind;
    node->file = r->file;
    node->line = (unsigned)r->event.start_mark.line + 1;
    node->column = (unsigned)r->event.start_mark.column + 1;
    return node;
}

static enum status read_node(struct reader *r, unsigned depth, struct yaml **out);

static enum status read_scalar(struct reader *r, struct yaml **out)
{
    struct yaml *node = node_new(r, YAML_SCALAR);
    *out = node;
    if (r->event.data.scalar.anchor || r->event.data.scalar.tag)
        return yaml_error(node, r->err, "anchors and tags are not supported here");
    node->quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text =
        arena_span(r->arena, span_from(r->event.data.scalar.value, r->event.data.scalar.length));
    if (memchr(node->text.at, 0, node->text.len))
        return yaml_error(node, r->err, "a zero byte in text");
    return OK;
}

static enum status read_list(struct reader *r, unsigned depth, struct yaml **out)
{
    struct yaml *node = node_new(r, YAML_LIST);
    *out = node;
    size_t size = 0;
    for (;;) {
        enum status st = next_event(r);
        if (st)
            return st;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return OK;
        if (node->n == size) {
            size_t bigger = size ? size * 2 : 8;
            node->items = arena_grow(r->arena, node->items, size * sizeof *node->items,
                                     bigger * sizeof *node->items);
            size = bigger;
        }
        st = read_node(r, depth + 1, &node->items[node->n]);
        if (st)
            return st;
        node->n++;
    }
}

static enum status read_pair(struct reader *r, unsigned depth, struct map *seen, struct yaml **key,
                             struct yaml **value)
{
    enum status st = read_node(r, depth + 1, key);
    if (st)
        return st;
    if ((*key)->kind != YAML_SCALAR)
        return yaml_error(*key, r->err, "a key must be plain text");
    struct yaml *first = map_put(seen, (*key)->text, *key);
    if (first)
        return yaml_error(*key, r->err, "\"%.*s\" is there already, on line %u",
                          SPAN_ARG((*key)->text), first->line);
    st = next_event(r);
    return st ? st : read_node(r, depth + 1, value);
}

static enum status read_map(struct reader *r, unsigned depth, struct yaml **out)
{
    struct yaml *node = node_new(r, YAML_MAP);
    *out = node;
    size_t size = 0;
    CLEANUP(map_free) struct map seen = {0};
    for (;;) {
        enum status st = next_event(r);
        if (st)
            return st;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return OK;
        if (node->n == size) {
            size_t bigger = size ? size * 2 : 8;
            node->keys = arena_grow(r->arena, node->keys, size * sizeof *node->keys,
                                    bigger * sizeof *node->keys);
            node->items = arena_grow(r->arena, node->items, size * sizeof *node->items,
                                     bigger * sizeof *node->items);
            size = bigger;
        }
        st = read_pair(r, depth, &seen, &node->keys[node->n], &node->items[node->n]);
        if (st)
            return st;
        node->n++;
    }
}

/* Reads the node that the current event begins. */
static enum status read_node(struct reader *r, unsigned depth, struct yaml **out)
{
    struct yaml here = {.file = r->file,
                        .line = (unsigned)r->event.start_mark.line + 1,
                        .column = (unsigned)r->event.start_mark.column + 1};
    if (depth > YAML_MAX_DEPTH)
        return yaml_error(&here, r->err, "more than %d levels deep", YAML_MAX_DEPTH);
    if (++r->nodes > YAML_MAX_NODES)
        return yaml_error(&here, r->err, "more than %d values", YAML_MAX_NODES);
    switch (r->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(r, out);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(r, depth, out);
    case YAML_MAPPING_START_EVENT:
        return read_map(r, depth, out);
    case YAML_ALIAS_EVENT:
        return yaml_error(&here, r->err, "aliases are not supported here");
    default:
        return yaml_error(&here, r->err, "a value was expected");
    }
}

static enum status read_document(struct reader *r, struct yaml **root)
{
    enum status st;
    do
        if ((st = next_event(r)))
            return st;
    while (r->event.type == YAML_STREAM_START_EVENT);
    if (r->event.type == YAML_STREAM_END_EVENT)
        return OK;
    if ((st = next_event(r)) || (st = read_node(r, 0, root)))
        return st;
    if ((st = next_event(r)) || (st = next_event(r)))
        return st;
    if (r->event.type != YAML_STREAM_END_EVENT)
        return err_set(r->err, INVALID, "%s:%zu:1: only one document is allowed", r->file,
                       r->event.start_mark.line + 1);
    return OK;
}

enum status yaml_parse(struct span text, const char *file, struct arena *arena, struct yaml **root,
                       struct err *err)
{
    *root = NULL;
    if (text.len > YAML_MAX_BYTES)
        return err_set(err, FULL, "%s is larger than %d bytes", file, YAML_MAX_BYTES);
    struct reader r = {.arena = arena, .file = arena_dup(arena, file), .err = err};
    if (!yaml_parser_initialize(&r.parser))
        return err_set(err, IO_FAILED, "libyaml cannot start");
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.len ? text.at : ""),
                                 text.len);
    enum status st = read_document(&r, root);
    drop_event(&r);
    yaml_parser_delete(&r.parser);
    if (st)
        *root = NULL;
    return st;
}

enum status yaml_load(const char *path, struct arena *arena, struct yaml **root, struct err *err)
{
    *root = NULL;
    auto_buf text = {.max = YAML_MAX_BYTES};
    enum status st = file_read(path, &text, err);
    return st ? st : yaml_parse(buf_view(&text), path, arena, root, err);
}

enum status yaml_error(const struct yaml *at, struct err *err, const char *format, ...)
{
    if (!err)
        return INVALID;
    char sentence[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return err_set(err, INVALID, "%s:%u:%u: %s", at->file, at->line, at->column, sentence);
}

struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (span_is(map->keys[i]->text, key))
            return map->items[i];
    return NULL;
}

/* Edits between two short names, by the usual table of one row. */
static size_t distance(struct span a, struct span b)
{
    enum { NAME_MAX_BYTES = 63 };
    if (a.len > NAME_MAX_BYTES || b.len > NAME_MAX_BYTES)
        return NAME_MAX_BYTES;
    size_t row[NAME_MAX_BYTES + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t change = diagonal + (a.at[i] != b.at[j]);
            diagonal = row[j + 1];
            row[j + 1] = MIN(change, MIN(row[j], row[j + 1]) + 1);
        }
    }
    return row[b.len];
}

static const char *nearest(struct span name, const char *const *known)
{
    const char *best = NULL;
    size_t best_distance = MAX(name.len / 3, (size_t)2) + 1;
    for (; *known; known++) {
        size_t d = distance(name, span_of(*known));
        if (d < best_distance) {
            best_distance = d;
            best = *known;
        }
    }
    return best;
}

enum status yaml_known_keys(const struct yaml *map, const char *const *known, struct err *err)
{
    if (map->kind != YAML_MAP)
        return yaml_error(map, err, "a map of \"name: value\" was expected");
    for (size_t i = 0; i < map->n; i++) {
        const char *const *k = known;
        while (*k && !span_is(map->keys[i]->text, *k))
            k++;
        if (*k)
            continue;
        const char *meant = nearest(map->keys[i]->text, known);
        return yaml_error(map->keys[i], err, "unknown key \"%.*s\"%s%s%s",
                          SPAN_ARG(map->keys[i]->text), meant ? "; did you mean \"" : "",
                          meant ? meant : "", meant ? "\"?" : "");
    }
    return OK;
}
