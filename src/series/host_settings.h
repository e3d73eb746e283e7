/* What can be changed of an agent from afar: one table for the server that keeps it, the agent
 * that applies it and the presets. As JSON: seconds in fields ending in _s.
 *
 *   {"preset":"balanced","collect_s":5,"send_s":5,"display_s":0.5,"processes_top":5,
 *    "collectors_off":["nic"],"services":["nginx"],"services_off":["ssh"]}
 *
 * A field that is missing has the preset's value, or the default without a preset. */
#pragma once

#include "base/json.h"
#include "base/yaml.h"

enum {
    HOST_COLLECT_MIN_MS = 500, /* seed 003: the ranges of display and storage */
    HOST_COLLECT_MAX_MS = 300000,
    HOST_SEND_MIN_MS = 1000,
    HOST_SEND_MAX_MS = 300000,
    HOST_DISPLAY_MIN_MS = 100,
    HOST_DISPLAY_MAX_MS = 10000,
    HOST_PROCESSES_TOP_MAX = 20,
    HOST_NAMES_MAX = 64,      /* of one list */
    HOST_NAME_MAX_BYTES = 64, /* of a collector or service */
    HOST_SETTINGS_MAX_BYTES = 16 << 10,
    SETTINGS_FAULTS_MAX = 12,
};

struct host_settings {
    const char *preset; /* NULL: none */
    int64_t collect_ms; /* between collections */
    int64_t send_ms;    /* between messages to the store; below collect_ms: at every collection */
    int64_t display_ms; /* between live frames, while somebody watches */
    int64_t processes_top;
    struct setting_list collectors_off, services, services_off;
};

/* The fields, for masks of those that a machine's administrator has fixed. */
enum host_field {
    FIELD_COLLECT,
    FIELD_SEND,
    FIELD_DISPLAY,
    FIELD_PROCESSES_TOP,
    FIELD_COLLECTORS_OFF,
    FIELD_SERVICES,
    FIELD_SERVICES_OFF,
    HOST_FIELDS,
};
const char *host_field_name(enum host_field f);

struct settings_fault {
    char field[HOST_NAME_MAX_BYTES + 1];
    char why[160];
};

struct settings_faults {
    struct settings_fault at[SETTINGS_FAULTS_MAX];
    size_t n;
};

void host_settings_default(struct host_settings *out);
/* The presets; NULL beyond the last. */
const char *host_preset(size_t i, struct host_settings *out, const char **what_for);

/* Reads the object; false when something in it is wrong, each thing named in faults. Text lives
 * as long as the node. */
bool host_settings_read(const struct yaml *map, struct arena *arena, struct host_settings *out,
                        struct settings_faults *faults);
/* The same from text, which need not be JSON at all. */
bool host_settings_parse(struct span text, struct arena *arena, struct host_settings *out,
                         struct settings_faults *faults);
void host_settings_write(struct json *j, const struct host_settings *s);
