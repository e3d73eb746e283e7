/* Remedies that the server has an agent carry out (remediation.enabled): POST findings/ID/apply and
 * confirm are answered when the agent has answered. Loop thread. */
#pragma once

#include "api/call.h"

enum {
    REMEDY_ANSWER_MS = 10000, /* for the agent to answer */
    REMEDY_WAITING_MAX = 100,
    REMEDY_CONFIRM_S = 600, /* then it is put back, unless the request says otherwise */
};

struct remedies;

struct remedies *remedies_new(struct api *a);
void remedies_free(struct remedies *r); /* NULL is fine */
/* What an agent says of it: {"op":"acted",...}. */
void remedies_acted(struct remedies *r, struct span host_id, const char *host_name,
                    const struct json_t *message);
