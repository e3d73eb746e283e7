/* What is kept of agents: the settings that people chose for them, what they last said about
 * their machine (inventory, services), and snapshots of its processes. It goes with its host. */
#pragma once

#include "record/record.h"

enum {
    INVENTORY_VERSIONS_MAX = 200,             /* of one host; older ones go */
    SNAPSHOTS_KEPT_MS = 7 * 24 * 3600 * 1000, /* by the server */
};

struct settings_row {
    int64_t version; /* 0: nobody has chosen any yet, json is empty */
    struct span json, changed_by;
    int64_t changed_ms;
};

/* OK with version 0 when there are none. */
MUST_USE enum status record_settings(struct record *r, struct span host_id, struct arena *arena,
                                     struct settings_row *out, struct err *err);
/* Stores json, changed_by and changed_ms as the next version, which comes back in the row. EXISTS:
 * they have another version than expected (-1: any). */
MUST_USE enum status record_settings_put(struct record *r, struct span host_id,
                                         struct settings_row *row, int64_t expected,
                                         struct err *err);

MUST_USE enum status record_services_put(struct record *r, struct span host_id, struct span json,
                                         int64_t at_ms, struct err *err);
MUST_USE enum status record_services(struct record *r, struct span host_id, struct arena *arena,
                                     struct span *json, int64_t *at_ms,
                                     struct err *err); /* NOT_FOUND */

struct inventory_row {
    int64_t version; /* from 1; 0: there is none */
    int64_t from_ms;
    struct span json;
};

/* A new version when it differs from the newest; before is what was the newest. */
MUST_USE enum status record_inventory_put(struct record *r, struct span host_id, struct span json,
                                          int64_t at_ms, struct arena *arena,
                                          struct inventory_row *before, bool *changed,
                                          struct err *err);
/* Newest first. */
MUST_USE enum status record_inventory(struct record *r, struct span host_id, struct arena *arena,
                                      struct inventory_row **out, size_t *n, struct err *err);

struct snapshot_row {
    struct span host_id, cause; /* "minute", "asked" or "alert" */
    int64_t at_ms;
    struct span packed; /* bytes of the caller's making */
};

/* In one transaction; those of unknown hosts are left out. */
MUST_USE enum status record_snapshots_add(struct record *r, const struct snapshot_row *rows,
                                          size_t n, struct err *err);
/* The last one at that time or before. NOT_FOUND */
MUST_USE enum status record_snapshot(struct record *r, struct span host_id, int64_t at_ms,
                                     struct arena *arena, struct snapshot_row *out,
                                     struct err *err);
/* As record_results_trim. */
MUST_USE enum status record_snapshots_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                           struct err *err);
