/* See host_settings.h. */
#include "series/host_settings.h"

#include <math.h>
#include <stdio.h>

#define AT(member) offsetof(struct host_settings, member)

enum field_kind { SECONDS, COUNT_OF, NAMES };

static const struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    int64_t min, max; /* SECONDS: in milliseconds */
} fields[HOST_FIELDS] = {
    [FIELD_COLLECT] = {"collect_s", SECONDS, AT(collect_ms), HOST_COLLECT_MIN_MS,
                       HOST_COLLECT_MAX_MS},
    [FIELD_SEND] = {"send_s", SECONDS, AT(send_ms), HOST_SEND_MIN_MS, HOST_SEND_MAX_MS},
    [FIELD_DISPLAY] = {"display_s", SECONDS, AT(display_ms), HOST_DISPLAY_MIN_MS,
                       HOST_DISPLAY_MAX_MS},
    [FIELD_PROCESSES_TOP] = {"processes_top", COUNT_OF, AT(processes_top), 1,
                             HOST_PROCESSES_TOP_MAX},
    [FIELD_COLLECTORS_OFF] = {"collectors_off", NAMES, AT(collectors_off), 0, 0},
    [FIELD_SERVICES] = {"services", NAMES, AT(services), 0, 0},
    [FIELD_SERVICES_OFF] = {"services_off", NAMES, AT(services_off), 0, 0},
};

/* Seed 003 recommends 5 s for watching, 30 s for most uses, 1 to 2 minutes for trends. */
static const struct {
    const char *name, *what_for;
    int64_t collect_ms, send_ms, display_ms;
} presets[] = {
    {"realtime", "watching one machine closely", 1000, 1000, 100},
    {"balanced", "most machines", 5000, 30000, 1000},
    {"trend", "long-term figures at the lowest cost", 60000, 120000, 5000},
    {"cluster", "many machines on one server", 15000, 60000, 2000},
};

const char *host_field_name(enum host_field f)
{
    return fields[f].name;
}

void host_settings_default(struct host_settings *out)
{
    *out = (struct host_settings){
        .collect_ms = 5000, .send_ms = 1000, .display_ms = 500, .processes_top = 5};
}

const char *host_preset(size_t i, struct host_settings *out, const char **what_for)
{
    if (i >= COUNT(presets))
        return NULL;
    host_settings_default(out);
    out->preset = presets[i].name;
    out->collect_ms = presets[i].collect_ms;
    out->send_ms = presets[i].send_ms;
    out->display_ms = presets[i].display_ms;
    if (what_for)
        *what_for = presets[i].what_for;
    return presets[i].name;
}

PRINTF(3, 4)
static void fault(struct settings_faults *faults, const char *field, const char *format, ...)
{
    if (faults->n == SETTINGS_FAULTS_MAX)
        return;
    struct settings_fault *f = &faults->at[faults->n++];
    snprintf(f->field, sizeof f->field, "%s", field);
    va_list args;
    va_start(args, format);
    vsnprintf(f->why, sizeof f->why, format, args);
    va_end(args);
}

static bool is_name(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("._@:-", c);
        if (!good)
            return false;
    }
    return s.len && s.len <= HOST_NAME_MAX_BYTES;
}

static void read_names(const struct field *f, const struct yaml *node, struct arena *arena,
                       struct setting_list *out, struct settings_faults *faults)
{
    if (node->kind != YAML_LIST || node->n > HOST_NAMES_MAX) {
        fault(faults, f->name, "must be a list of at most %d names", HOST_NAMES_MAX);
        return;
    }
    out->items = ARENA_ARRAY(arena, const char *, node->n);
    out->n = 0;
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml *item = node->items[i];
        if (item->kind != YAML_SCALAR || !is_name(item->text)) {
            fault(faults, f->name,
                  "item %zu must be a name of letters, digits and ._@:-, at most %d bytes", i + 1,
                  HOST_NAME_MAX_BYTES);
            return;
        }
        out->items[out->n++] = item->text.at;
    }
}

static void read_field(const struct field *f, const struct yaml *node, struct arena *arena,
                       struct host_settings *out, struct settings_faults *faults)
{
    void *to = (char *)out + f->offset;
    double v = 0;
    if (f->kind == NAMES) {
        read_names(f, node, arena, to, faults);
        return;
    }
    double unit = f->kind == SECONDS ? 1000 : 1;
    double min = (double)f->min / unit, max = (double)f->max / unit;
    bool whole = f->kind == COUNT_OF;
    if (yaml_double(node, min, max, &v, NULL) || (whole && v != floor(v)))
        fault(faults, f->name, "must be a %s from %g to %g%s", whole ? "whole number" : "number",
              min, max, whole ? "" : " seconds");
    else
        *(int64_t *)to = (int64_t)llround(v * unit);
}

static void read_preset(const struct yaml *node, struct host_settings *out,
                        struct settings_faults *faults)
{
    const char *name = "";
    struct host_settings preset;
    if (!node || yaml_is_null(node))
        return;
    if (yaml_string(node, &name, NULL) == OK) {
        for (size_t i = 0; host_preset(i, &preset, NULL); i++) {
            if (strcmp(preset.preset, name) == 0) {
                *out = preset;
                return;
            }
        }
    }
    fault(faults, "preset", "must be realtime, balanced, trend, cluster or null");
}

static void check_names(const struct yaml *map, struct settings_faults *faults)
{
    for (size_t i = 0; i < map->n; i++) {
        struct span key = map->keys[i]->text;
        bool known = span_is(key, "preset");
        for (size_t k = 0; k < HOST_FIELDS; k++)
            known = known || span_is(key, fields[k].name);
        if (!known) {
            char name[HOST_NAME_MAX_BYTES + 1];
            snprintf(name, sizeof name, "%.*s", (int)MIN(key.len, (size_t)HOST_NAME_MAX_BYTES),
                     key.at);
            fault(faults, name, "there is no such setting");
        }
    }
}

bool host_settings_read(const struct yaml *map, struct arena *arena, struct host_settings *out,
                        struct settings_faults *faults)
{
    *faults = (struct settings_faults){0};
    host_settings_default(out);
    if (!map || map->kind != YAML_MAP) {
        fault(faults, "", "the settings must be an object");
        return false;
    }
    check_names(map, faults);
    read_preset(yaml_get(map, "preset"), out, faults);
    for (size_t i = 0; i < HOST_FIELDS; i++) {
        const struct yaml *node = yaml_get(map, fields[i].name);
        if (node && !yaml_is_null(node))
            read_field(&fields[i], node, arena, out, faults);
    }
    return faults->n == 0;
}

bool host_settings_parse(struct span text, struct arena *arena, struct host_settings *out,
                         struct settings_faults *faults)
{
    struct yaml *root = NULL;
    struct err err = {0};
    *faults = (struct settings_faults){0};
    if (text.len > HOST_SETTINGS_MAX_BYTES) {
        fault(faults, "", "the settings exceed %d bytes", HOST_SETTINGS_MAX_BYTES);
        return false;
    }
    if (yaml_parse(text, "settings", arena, &root, &err)) {
        fault(faults, "", "%.150s", err.text);
        return false;
    }
    return host_settings_read(root, arena, out, faults);
}

static void write_names(struct json *j, const struct setting_list *list)
{
    json_begin_array(j);
    for (size_t i = 0; i < list->n; i++)
        json_text(j, list->items[i]);
    json_end_array(j);
}

void host_settings_write(struct json *j, const struct host_settings *s)
{
    json_begin_object(j);
    json_field(j, "preset", s->preset);
    for (size_t i = 0; i < HOST_FIELDS; i++) {
        const void *from = (const char *)s + fields[i].offset;
        json_key(j, fields[i].name);
        if (fields[i].kind == NAMES)
            write_names(j, from);
        else if (fields[i].kind == SECONDS)
            json_double(j, (double)*(const int64_t *)from / 1000);
        else
            json_i64(j, *(const int64_t *)from);
    }
    json_end_object(j);
}
