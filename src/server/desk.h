/* Questions that the API asks the analysis: rules, model, profiles, checks of a host, and what
 * people say of findings. */
#pragma once

#include "api/api.h"
#include "server/follow.h"

struct desk {
    struct adviser *adviser;
    struct follow *follow;
    struct store *store;
    const struct adviser_config *config; /* for reading rules and model again */
};

/* The hook `ask` of struct api_config; the caller holds the lock of adviser and follow. */
MUST_USE enum status desk_answer(const struct desk *d, const struct advice_question *q,
                                 struct buf *answer, struct err *err);
MUST_USE enum status desk_reload(const struct desk *d, struct err *err);
