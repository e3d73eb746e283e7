/* Which file of sysctl.d(5) sets a kernel parameter: the last one wins. Only parameters that are
 * collected are told, so that the labels stay few. */
#include "collect/collectors.h"

#include "base/file.h"
#include "series/parameter.h"

#include <fcntl.h>
#include <unistd.h>

static const struct metric sysctl_files_metrics[] = {
    {"galen_sysctl_file",
     METRIC_GAUGE,
     "1 for the file that sets a kernel parameter at boot, the last in the order of sysctl.d(5), "
     "and the value that it sets.",
     {"name", "file", "value"}},
};

struct sysctl_files_state {
    int nothing;
};

struct setting_found {
    struct span name;
    const char *file, *value;
};

static void read_file(struct tick *t, const char *path, struct arena *arena, struct map *found)
{
    auto_buf text = {.max = SYSCTL_FILE_MAX_BYTES};
    if (file_read_at(t->c->root_fd, path, &text, NULL))
        return;
    struct sysctl_lines lines = {.rest = buf_view(&text)};
    struct sysctl_line line;
    while (sysctl_next(&lines, &line)) {
        const char *name = parameter_dotted(arena, line.name);
        if (!parameter_name_valid(line.name) || !sysctl_is_collected(t, span_of(name)))
            continue;
        struct setting_found *s = map_get(found, span_of(name));
        if (!s) {
            s = ARENA_NEW(arena, struct setting_found);
            s->name = span_of(name);
            map_put(found, s->name, s);
        }
        s->file = path;
        s->value = parameter_value(arena, line.value);
    }
}

static enum status sysctl_files_collect(struct tick *t, void *state UNUSED, struct err *err UNUSED)
{
    auto_arena arena = {0};
    CLEANUP(map_free) struct map found = {0};
    struct sysctl_file *files;
    size_t n = sysctl_files(t->c->root_fd, &arena, &files);
    for (size_t i = 0; i < n; i++)
        read_file(t, files[i].path, &arena, &found);
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&found, &at));) {
        const struct setting_found *s = slot->value;
        struct span values[] = {s->name, span_of(arena_printf(&arena, "/%s", s->file)),
                                span_of(s->value)};
        emit_values(t, &sysctl_files_metrics[0], values, COUNT(values), 1);
    }
    return OK;
}

const struct collector sysctl_files_collector = {
    COLLECTOR_OF(sysctl_files, struct sysctl_files_state), .every_s = 60, .optional = true};
