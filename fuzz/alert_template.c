/* A template of any bytes: refused, or run within its bounds. */
#include "alert/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status ask(void *arg, struct span text, struct arena *arena, struct tmpl_sample **out,
                       size_t *n, struct err *err)
{
    (void)arg;
    (void)text;
    (void)err;
    *n = 2;
    *out = ARENA_ARRAY(arena, struct tmpl_sample, 2);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct label label = {SPAN("instance"), SPAN("a:1")};
    struct tmpl_data with = {.labels = {&label, 1}, .value = 1.5, .query = ask};
    auto_arena arena = {0};
    auto_buf out = {0};
    struct tmpl *t;
    struct err err = {0};
    if (!tmpl_parse(span_from(data, size), &arena, &t, &err))
        (void)!tmpl_expand(t, &with, &arena, &out, &err);
    return 0;
}
