/* What a server says on the link (docs/PROTOCOL.md): text in, checked message out. Private to
 * agent/. */
#pragma once

#include "base/yaml.h"

enum {
    SERVER_MESSAGE_MAX_BYTES = 64 << 10, /* of what a server says */
    SERVER_LIVE_MAX_S = 3600,            /* between live frames */
};

enum server_op {
    SERVER_OTHER, /* what a newer server may say: it is passed over */
    SERVER_SETTINGS,
    SERVER_LIVE,
    SERVER_SNAPSHOT,
    SERVER_ADVICE,
    SERVER_ACT,
    SERVER_TOKEN,
};

struct server_message {
    enum server_op op;
    struct yaml *root;     /* the whole object */
    int64_t live_every_ms; /* live; 0: nobody watches */
    const char *token;     /* token */
};

/* INVALID with a sentence for the server's log. All of *out lives as long as the arena. */
MUST_USE enum status server_message_read(struct span text, struct arena *arena,
                                         struct server_message *out, struct err *err);
