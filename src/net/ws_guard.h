/* Walks along the frames of a WebSocket and refuses what wslay lets through: frames masked the
 * wrong way (RFC 6455 5.1) and messages cut into more pieces than anyone needs, each of which
 * costs an allocation; and bad control frames, which wslay answers without a code. Private to
 * net/. */
#pragma once

#include "base/span.h"

enum { WS_FRAMES_MAX = 1024, WS_FRAME_HEAD_MAX_BYTES = 14 };

/* {0} is the start. */
struct ws_guard {
    uint8_t head[WS_FRAME_HEAD_MAX_BYTES];
    unsigned have;
    unsigned frames; /* of the message so far */
    uint64_t left;   /* of the payload */
};

/* data in the order it came, in pieces of any size. False with a sentence. */
bool ws_guard_check(struct ws_guard *g, struct span data, bool want_mask, const char **why);
