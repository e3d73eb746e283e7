/* The table of addresses: what answers, who may ask. The OpenAPI page is written from it. */
#pragma once

#include "api/call.h"

enum need {
    NEED_NOTHING,
    NEED_SESSION, /* any signed-in user, also one who must change the password */
    NEED_VIEWER,
    NEED_OPERATOR,
    NEED_ADMIN,
    NEED_WRITER, /* an agent, a remote writer, an admin */
    NEED_IMPORT, /* an agent or remote writer's token, an admin, signed in or by token */
    NEED_JOIN,   /* a join token */
};

struct route {
    const char *method; /* "GET" answers HEAD too */
    const char *path;   /* a part ID takes anything and becomes call.id */
    enum need need;
    void (*handle)(struct call *c);
    const char *summary;
};

extern const struct route routes[];
extern const size_t routes_n;
