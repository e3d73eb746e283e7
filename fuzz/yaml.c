/* YAML files: any bytes give a tree whose nodes know their place, or a sentence; scalars and
 * settings read from it never reach outside. */
#include "base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_scalars(const struct yaml *node)
{
    const char *text;
    bool b;
    int64_t n;
    uint64_t u;
    double v;
    struct err err;
    (void)(yaml_string(node, &text, &err) || yaml_bool(node, &b, &err) ||
           yaml_i64(node, -10, 10, &n, &err));
    (void)(yaml_double(node, 0, 1, &v, &err) || yaml_duration_ms(node, 0, 1000, &n, &err) ||
           yaml_bytes(node, 0, 1000, &u, &err));
}

static void walk(const struct yaml *node)
{
    static const char *const known[] = {"name", "interval", NULL};
    struct err err;
    if (!node->line || !node->column || !node->file)
        abort();
    read_scalars(node);
    if (node->kind == YAML_MAP)
        (void)!yaml_known_keys(node, known, &err);
    for (size_t i = 0; node->kind != YAML_SCALAR && i < node->n; i++)
        walk(node->items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena arena = {0};
    struct yaml *root;
    struct err err = {0};
    if (yaml_parse(span_from(data, size), "f", &arena, &root, &err)) {
        if (!err.text[0] || root)
            abort();
    } else if (root) {
        walk(root);
    }
    return 0;
}
