/* YAML files: configuration, rules, features. Reads a whole file into a tree of nodes that
 * know their line and column, so that every complaint can name the place.
 *
 * Not supported, with an error: anchors and aliases, tags, several documents, keys twice. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { YAML_MAX_BYTES = 4 << 20, YAML_MAX_DEPTH = 32, YAML_MAX_NODES = 200000 };

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;
    const char *file;      /* as given to yaml_parse */
    unsigned line, column; /* from 1 */
    bool quoted;           /* a scalar in quotes or a block: never a number, bool or null */
    struct span text;      /* YAML_SCALAR; terminated too */
    size_t n;              /* items, or pairs */
    struct yaml **keys;    /* YAML_MAP: scalars */
    struct yaml **items;   /* YAML_LIST items, YAML_MAP values */
};

/* *root lives in the arena; NULL for an empty file. */
MUST_USE enum status yaml_parse(struct span text, const char *file, struct arena *arena,
                                struct yaml **root, struct err *err);
MUST_USE enum status yaml_load(const char *path, struct arena *arena, struct yaml **root,
                               struct err *err);

/* INVALID with "file:line:column: <sentence>". */
enum status yaml_error(const struct yaml *at, struct err *err, const char *format, ...)
    PRINTF(3, 4);

/* The value of a key of a map; NULL when absent, or when map is NULL. */
struct yaml *yaml_get(const struct yaml *map, const char *key);
/* An explicit null (~ or nothing after the colon). */
bool yaml_is_null(const struct yaml *node);

/* Scalars, strictly read; each says what it wanted. out is untouched on failure. */
MUST_USE enum status yaml_string(const struct yaml *node, const char **out, struct err *err);
MUST_USE enum status yaml_bool(const struct yaml *node, bool *out, struct err *err);
MUST_USE enum status yaml_i64(const struct yaml *node, int64_t min, int64_t max, int64_t *out,
                              struct err *err);
MUST_USE enum status yaml_double(const struct yaml *node, double min, double max, double *out,
                                 struct err *err);
/* "500ms", "5s", "1m30s", "2h", "30d", "1w", "1y" in milliseconds. */
MUST_USE enum status yaml_duration_ms(const struct yaml *node, int64_t min, int64_t max,
                                      int64_t *out, struct err *err);
/* "64KiB", "256MiB", "1GiB", "4096" in bytes. */
MUST_USE enum status yaml_bytes(const struct yaml *node, uint64_t min, uint64_t max, uint64_t *out,
                                struct err *err);
/* Fails with the place and the nearest known name when the map has a key that is not in
 * known[] (ended by NULL). */
MUST_USE enum status yaml_known_keys(const struct yaml *map, const char *const *known,
                                     struct err *err);

/* A duration as text, for command lines; false when it is not one. */
bool duration_parse(struct span text, int64_t *out_ms);
bool bytes_parse(struct span text, uint64_t *out_bytes);
/* "5s", "1m30s": the form duration_parse reads. */
void duration_print(struct buf *out, int64_t ms);

/* Settings as a table: one line each, so that the help, the checks and the files agree. */
enum setting_kind {
    SETTING_STRING,   /* const char * (in the arena given to settings_load) */
    SETTING_BOOL,     /* bool */
    SETTING_INT,      /* int64_t, min..max */
    SETTING_DOUBLE,   /* double, min..max */
    SETTING_DURATION, /* int64_t milliseconds, min..max */
    SETTING_BYTES,    /* uint64_t, min..max */
    SETTING_LIST,     /* struct setting_list of strings */
    SETTING_TREE,     /* const struct yaml *, a list of whatever: the caller reads it */
};

struct setting_list {
    const char **items;
    size_t n;
};

struct setting {
    const char *key; /* "store.retention": dots are nested maps */
    enum setting_kind kind;
    size_t offset; /* of the field in the settings struct */
    double min, max;
    const char *help; /* one line; the default is shown by the caller's commented example */
};

/* Fills the fields that the file names; every other field keeps what it had (the default).
 * Unknown keys, wrong types and values out of range are errors with their place. On failure
 * some fields may have been set: use a copy. Strings live in the arena. */
MUST_USE enum status settings_load(const char *path, const struct setting *table, size_t n,
                                   void *settings, struct arena *arena, struct err *err);
/* The value as settings_set reads it; "" for a string that is not set. */
void setting_print(const struct setting *s, const void *settings, struct buf *out);
/* One setting from text, as a command line or an environment variable gives it; where is what
 * the error names ("--interval", "GALEN_INTERVAL"). */
MUST_USE enum status settings_set(const struct setting *table, size_t n, const char *key,
                                  const char *text, const char *where, void *settings,
                                  struct arena *arena, struct err *err);
