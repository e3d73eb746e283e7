#include "store/embedded/names.h"

#include "base/map.h"

#include <stdlib.h>

struct name_place {
    uint32_t directory;
    struct name_range range;
};

/* Directories that have a name, ascending. */
struct name {
    struct span text; /* of the first of them */
    struct name_place *at;
    size_t n, size;
};

struct names {
    struct map map;  /* text -> struct name */
    struct name any; /* directories that must be looked into whatever the name is */
    size_t directories_n;
    struct arena arena;
};

static void add_place(struct name *name, struct name_place place)
{
    if (name->n == name->size) {
        name->size += name->size / 2 + 1;
        name->at = mem_grow(name->at, name->size * sizeof *name->at);
    }
    name->at[name->n++] = place;
}

static struct name *name_called(struct names *all, struct span text)
{
    struct name *name = map_get(&all->map, text);
    if (name)
        return name;
    name = ARENA_NEW(&all->arena, struct name);
    name->text = text;
    map_put(&all->map, text, name);
    return name;
}

static void add_directory(struct names *all, uint32_t number, const struct directory *d)
{
    struct name_place place = {number, {0, (uint16_t)d->n}};
    if (!d->by_name) {
        add_place(&all->any, place);
        return;
    }
    for (size_t i = 0, end; i < d->n; i = end) {
        struct span text = directory_name(d, i);
        for (end = i + 1; end < d->n && span_eq(directory_name(d, end), text);)
            end++;
        place.range = (struct name_range){(uint16_t)i, (uint16_t)(end - i)};
        add_place(name_called(all, text), place);
    }
}

struct names *names_make(struct directory *const *directories, size_t n)
{
    struct names *all = mem_zero(1, sizeof *all);
    all->directories_n = n;
    for (size_t i = 0; i < n; i++)
        if (directories[i])
            add_directory(all, (uint32_t)i, directories[i]);
    return all;
}

struct name_range *names_find(const struct names *all, struct span name, struct arena *arena)
{
    const struct name *found = map_get(&all->map, name);
    if (!found && !all->any.n)
        return NULL;
    struct name_range *ranges = ARENA_ARRAY(arena, struct name_range, all->directories_n);
    for (size_t i = 0; i < all->any.n; i++)
        ranges[all->any.at[i].directory] = all->any.at[i].range;
    for (size_t i = 0; found && i < found->n; i++)
        ranges[found->at[i].directory] = found->at[i].range;
    return ranges;
}

void names_free(struct names *all)
{
    size_t at = 0;
    if (!all)
        return;
    for (struct map_slot *slot; (slot = map_next(&all->map, &at));)
        free(((struct name *)slot->value)->at);
    free(all->any.at);
    map_free(&all->map);
    arena_free(&all->arena);
    free(all);
}
