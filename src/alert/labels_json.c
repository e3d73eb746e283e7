/* An object's members as sorted labels. */
#include "alert/labels_json.h"

struct labels labels_of_object(const json_t *object, struct arena *arena)
{
    const char *key;
    json_t *value;
    struct label *at = ARENA_ARRAY(arena, struct label, json_object_size(object));
    size_t n = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (json_is_string(value))
            at[n++] = (struct label){span_of(arena_dup(arena, key)),
                                     span_of(arena_dup(arena, json_string_value(value)))};
    }
    (void)!labels_sort(at, n); /* members of an object: none occurs twice */
    return (struct labels){at, n};
}

struct labels labels_of_json(struct span json, struct arena *arena)
{
    json_t *root = json_loadb(json.at, json.len, 0, NULL);
    struct labels l = labels_of_object(root, arena);
    json_decref(root);
    return l;
}
