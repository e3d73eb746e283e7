/* See link_message.h. */
#include "api/link_message.h"

#include "series/host_settings.h"

#include <jansson.h>
#include <stdlib.h>

/* A text member of at most LINK_TEXT_MAX_BYTES; NULL when it is missing or longer. */
static const char *text_of(const json_t *message, const char *name)
{
    const json_t *value = json_object_get(message, name);
    return json_string_length(value) <= LINK_TEXT_MAX_BYTES ? json_string_value(value) : NULL;
}

/* A member as JSON text; NULL when it is missing or longer than max. The caller frees it. */
static char *json_of(const json_t *message, const char *name, size_t max)
{
    const json_t *value = json_object_get(message, name);
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text && strlen(text) > max) {
        free(text);
        text = NULL;
    }
    return text;
}

static enum status read_hello(struct link_message *m, struct err *err)
{
    m->instance = text_of(m->root, "instance");
    m->version = text_of(m->root, "version");
    bool whole = m->instance && *m->instance && m->version &&
                 json_is_integer(json_object_get(m->root, "protocol"));
    return whole ? OK
                 : err_set(err, INVALID,
                           "a hello has protocol, version and instance, each of at most %d bytes",
                           LINK_TEXT_MAX_BYTES);
}

static enum status read_applied(struct link_message *m, struct err *err UNUSED)
{
    m->settings = json_of(m->root, "settings", HOST_SETTINGS_MAX_BYTES);
    m->fixed = json_of(m->root, "fixed", HOST_SETTINGS_MAX_BYTES);
    m->settings_version = json_integer_value(json_object_get(m->root, "version"));
    return OK;
}

static enum status read_refused(struct link_message *m, struct err *err UNUSED)
{
    const char *detail = text_of(m->root, "detail");
    m->detail = detail ? detail : "no reason was given";
    return OK;
}

static enum status read_processes(struct link_message *m, struct err *err)
{
    m->json = json_of(m->root, "processes", LINK_PROCESSES_MAX_BYTES);
    m->asked = json_is_true(json_object_get(m->root, "asked"));
    return m->json ? OK
                   : err_set(err, INVALID, "processes are missing, or exceed %d bytes",
                             LINK_PROCESSES_MAX_BYTES);
}

/* Only the facts are kept: the boot is in a series, and would make each restart a change. */
static enum status read_inventory(struct link_message *m, struct err *err)
{
    const json_t *inventory = json_object_get(m->root, "inventory");
    m->facts = json_object_get(inventory, "facts");
    m->json = json_of(inventory, "facts", LINK_INVENTORY_MAX_BYTES);
    return m->json && json_is_object(m->facts)
               ? OK
               : err_set(err, INVALID, "the inventory has no facts, or exceeds %d bytes",
                         LINK_INVENTORY_MAX_BYTES);
}

static enum status read_services(struct link_message *m, struct err *err)
{
    m->json = json_of(m->root, "services", LINK_SERVICES_MAX_BYTES);
    return m->json ? OK
                   : err_set(err, INVALID, "services are missing, or exceed %d bytes",
                             LINK_SERVICES_MAX_BYTES);
}

static const struct {
    const char *op;
    enum status (*read)(struct link_message *m, struct err *err);
} ops[] = {
    [LINK_HELLO] = {"hello", read_hello},
    [LINK_APPLIED] = {"applied", read_applied},
    [LINK_REFUSED] = {"refused", read_refused},
    [LINK_PROCESSES] = {"processes", read_processes},
    [LINK_INVENTORY] = {"inventory", read_inventory},
    [LINK_SERVICES] = {"services", read_services},
    [LINK_ACTED] = {"acted", NULL},
};

static int64_t time_of(const json_t *message)
{
    json_int_t at = json_integer_value(json_object_get(message, "at_ms"));
    return at > 0 ? at : 0;
}

enum status link_message_read(struct span text, struct link_message *out, struct err *err)
{
    json_error_t where;
    *out = (struct link_message){
        .root = json_loadb(text.at ? text.at : "", text.len, JSON_REJECT_DUPLICATES, &where)};
    if (!out->root)
        return err_set(err, INVALID, "not JSON: line %d, column %d: %s", where.line, where.column,
                       where.text);
    const char *op = json_string_value(json_object_get(out->root, "op"));
    if (!op)
        return err_set(err, INVALID, "a message is an object with \"op\"");
    out->at_ms = time_of(out->root);
    for (enum link_op i = LINK_HELLO; i < COUNT(ops); i++)
        if (strcmp(op, ops[i].op) == 0)
            out->op = i;
    return ops[out->op].read ? ops[out->op].read(out, err) : OK;
}

void link_message_free(struct link_message *m)
{
    free(m->settings);
    free(m->fixed);
    free(m->json);
    json_decref(m->root);
    *m = (struct link_message){0};
}
