/* What an agent says on its link (docs/PROTOCOL.md): text in, checked message out. Knows no socket,
 * no host and no record. */
#pragma once

#include "base/err.h"
#include "base/span.h"

struct json_t;

enum {
    LINK_PROCESSES_MAX_BYTES = 256 << 10,
    LINK_INVENTORY_MAX_BYTES = 256 << 10,
    LINK_SERVICES_MAX_BYTES = 128 << 10,
    LINK_TEXT_MAX_BYTES = 512, /* of a reason, a version, a boot id */
};

enum link_op {
    LINK_OTHER, /* what a newer agent may say: it is passed over */
    LINK_HELLO,
    LINK_APPLIED,
    LINK_REFUSED,
    LINK_PROCESSES,
    LINK_INVENTORY,
    LINK_SERVICES,
    LINK_ACTED,
};

struct link_message {
    enum link_op op;
    struct json_t *root;            /* the whole object */
    const char *instance, *version; /* hello: both there, instance is not "" */
    int64_t settings_version;       /* applied; 0: not said */
    char *settings, *fixed;         /* applied: JSON; NULL: not said, or too long */
    const char *detail;             /* refused: a sentence */
    char *json;                     /* processes, services, the facts of an inventory */
    const struct json_t *facts;     /* inventory: an object */
    bool asked;                     /* processes: not the minute's */
    int64_t at_ms;                  /* 0: not said */
};

/* INVALID with a sentence for the agent's log. Either way the caller frees *out; texts live until
 * then. */
MUST_USE enum status link_message_read(struct span text, struct link_message *out, struct err *err);
void link_message_free(struct link_message *m);
