/* The WebSockets that agents keep open (docs/PROTOCOL.md): what agents say is checked
 * (link_message.h) and kept (link_keep.h); settings, requests for snapshots, tokens and advice go
 * out. Loop thread only, but for links_snapshot. */
#pragma once

#include "api/call.h"
#include "api/overlay.h"
#include "record/agents.h"
#include "series/host_settings.h"

enum {
    LINK_HELLO_MS = 10000,          /* for an agent to say who it is */
    LINK_FRAME_MAX_BYTES = 8 << 20, /* a live frame, unpacked */
};

struct links;

struct links *links_new(struct api *a);
void links_stop(struct links *l); /* every agent is told and closed */
void links_free(struct links *l); /* NULL is fine */

/* What is known of a host's agent: for the answer to GET settings. */
struct link_state {
    bool connected;
    const char *state;                             /* "applied", "pending", "refused", "offline" */
    struct span detail, effective, fixed, version; /* JSON but for detail and version; may be "" */
    int64_t applied_version, connected_ms;
};
void links_state(const struct links *l, struct span host_id, int64_t version,
                 struct link_state *out);

/* New settings of a host: sent at once when its agent is connected. */
void links_settings(struct links *l, struct span host_id, int64_t version, struct span json);
/* Asks for a snapshot of processes now; false when the agent is not connected. cause is kept with
 * it. */
bool links_snapshot(struct links *l, struct span host_id, const char *cause);
/* An order for the agent, JSON; false when it is not connected. */
bool links_act(struct links *l, struct span host_id, struct span order);
/* Hands the agent a new token. AGAIN: it is not connected. */
MUST_USE enum status links_rotate(struct links *l, struct span host_id, struct span who,
                                  int64_t now_ms, struct err *err);
/* What status shows on the machine. */
void links_advice(struct links *l, struct span host_id, struct span analysis_json);
/* Somebody watches the host of that name: live frames, at most every every_ms; 0: nobody. */
void links_live(struct links *l, struct span instance, int64_t every_ms);
/* Live frames of the host of that name, one user more; NULL: there are none. */
struct overlay *links_overlay(const struct links *l, struct span instance);
/* Milliseconds after which a host that sends as it was told counts as silent. */
int64_t links_silent_ms(const struct links *l, struct span host_id);
