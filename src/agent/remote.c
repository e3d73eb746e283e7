/* See remote.h. */
#include "agent/remote.h"

#include "base/file.h"
#include "base/log.h"
#include "collect/collect.h"

#include <unistd.h>

struct remote {
    const struct agent_config *config;
    char *file;
    int64_t version;
    struct arena arena; /* of what text in settings points to */
    struct host_settings settings;
};

static bool is_fixed(const struct agent_config *c, enum host_field f)
{
    switch (f) {
    case FIELD_COLLECT:
        return c->interval_ms != 0;
    case FIELD_SEND:
        return c->send_ms != 0;
    case FIELD_DISPLAY:
        return c->display_ms != 0;
    case FIELD_PROCESSES_TOP:
        return c->processes_top > 0;
    case FIELD_COLLECTORS_OFF:
        return c->collectors_off.items != NULL;
    case FIELD_SERVICES:
        return c->services.items != NULL;
    case FIELD_SERVICES_OFF:
        return c->services_off.items != NULL;
    case HOST_FIELDS:
        break;
    }
    return false;
}

bool remote_fixed(const struct remote *r, enum host_field f)
{
    return is_fixed(r->config, f);
}

static void put_fixed(const struct agent_config *c, struct host_settings *s)
{
    if (is_fixed(c, FIELD_COLLECT))
        s->collect_ms = c->interval_ms;
    if (is_fixed(c, FIELD_SEND))
        s->send_ms = c->send_ms;
    if (is_fixed(c, FIELD_DISPLAY))
        s->display_ms = c->display_ms;
    if (is_fixed(c, FIELD_PROCESSES_TOP))
        s->processes_top = c->processes_top;
    if (is_fixed(c, FIELD_COLLECTORS_OFF))
        s->collectors_off = c->collectors_off;
    if (is_fixed(c, FIELD_SERVICES))
        s->services = c->services;
    if (is_fixed(c, FIELD_SERVICES_OFF))
        s->services_off = c->services_off;
}

static struct setting_list keep_list(struct arena *arena, struct setting_list from)
{
    struct setting_list list = {ARENA_ARRAY(arena, const char *, from.n), from.n};
    for (size_t i = 0; i < from.n; i++)
        list.items[i] = arena_dup(arena, from.items[i]);
    return list;
}

static enum status check_collectors(const struct setting_list *off, struct err *err)
{
    size_t n;
    const struct collector *const *all = collect_table(&n);
    for (size_t i = 0; i < off->n; i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found = found || strcmp(all[k]->name, off->items[i]) == 0;
        if (!found)
            return err_set(err, INVALID, "collectors_off: this agent has no collector \"%s\"",
                           off->items[i]);
    }
    return OK;
}

int64_t remote_message_version(const struct yaml *message)
{
    const struct yaml *node = yaml_get(message, "version");
    int64_t version = 0;
    return node && yaml_i64(node, 0, INT64_MAX, &version, NULL) == OK ? version : 0;
}

static enum status read_message(const struct yaml *message, struct arena *arena,
                                struct host_settings *out, struct err *err)
{
    struct settings_faults faults;
    if (!host_settings_read(yaml_get(message, "settings"), arena, out, &faults))
        return err_set(err, INVALID, "%s: %s", faults.at[0].field, faults.at[0].why);
    return check_collectors(&out->collectors_off, err);
}

static void hold(struct remote *r, int64_t version, const struct host_settings *s)
{
    struct arena arena = {0};
    struct host_settings kept = *s;
    kept.preset = s->preset ? arena_dup(&arena, s->preset) : NULL;
    kept.collectors_off = keep_list(&arena, s->collectors_off);
    kept.services = keep_list(&arena, s->services);
    kept.services_off = keep_list(&arena, s->services_off);
    put_fixed(r->config, &kept);
    arena_free(&r->arena);
    r->arena = arena;
    r->settings = kept;
    r->version = version;
}

enum status remote_take(struct remote *r, const struct yaml *message, struct span text,
                        struct err *err)
{
    auto_arena arena = {0};
    struct host_settings s;
    struct err written = {0};
    enum status st = read_message(message, &arena, &s, err);
    if (st)
        return st;
    hold(r, remote_message_version(message), &s);
    if (file_write_atomic(r->file, text, 0600, &written))
        log_warn("the settings hold until this agent ends: %s", written.text);
    return OK;
}

static void load(struct remote *r)
{
    auto_arena arena = {0};
    struct yaml *message = NULL;
    struct host_settings s;
    struct err err = {0};
    if (access(r->file, F_OK) != 0)
        return;
    enum status st = yaml_load(r->file, &arena, &message, &err);
    if (!st)
        st = read_message(message, &arena, &s, &err);
    if (st)
        log_warn("the kept settings are passed over: %s", err.text);
    else
        hold(r, remote_message_version(message), &s);
}

struct remote *remote_open(const struct agent_config *config)
{
    struct remote *r = mem_zero(1, sizeof *r);
    auto_buf file = {0};
    struct host_settings standard;
    buf_printf(&file, "%s/settings.json", config->state);
    r->config = config;
    r->file = mem_dup(buf_text(&file));
    host_settings_default(&standard);
    hold(r, 0, &standard);
    load(r);
    return r;
}

void remote_close(struct remote *r)
{
    if (!r)
        return;
    arena_free(&r->arena);
    free(r->file);
    free(r);
}

const struct host_settings *remote_settings(const struct remote *r)
{
    return &r->settings;
}

int64_t remote_version(const struct remote *r)
{
    return r->version;
}

void remote_applied_json(const struct remote *r, struct buf *out)
{
    struct json j = json_to(out);
    json_begin_object(&j);
    json_field(&j, "op", "applied");
    json_field_i64(&j, "version", r->version);
    json_key(&j, "settings");
    host_settings_write(&j, &r->settings);
    json_key(&j, "fixed");
    json_begin_array(&j);
    for (enum host_field f = 0; f < HOST_FIELDS; f++)
        if (is_fixed(r->config, f))
            json_text(&j, host_field_name(f));
    json_end_array(&j);
    json_end_object(&j);
}

void remote_refused_json(int64_t version, const char *why, struct buf *out)
{
    struct json j = json_to(out);
    json_begin_object(&j);
    json_field(&j, "op", "refused");
    json_field_i64(&j, "version", version);
    json_field(&j, "detail", why);
    json_end_object(&j);
}
