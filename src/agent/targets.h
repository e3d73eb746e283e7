/* The further receivers: each gets every collection and has a spool of its own, so that one that is
 * away holds up no other. As with a ship, a collection must hold until targets_let_go. NULL is fine
 * everywhere. */
#pragma once

#include "agent/ship.h"

struct targets;

/* Those of like->agent->targets; like is what every one of them has but its address and place.
 * *out may be there after a failure and is to be closed. */
MUST_USE enum status targets_open(struct loop *loop, const struct ship_config *like,
                                  struct targets **out, struct err *err);
void targets_take(struct targets *t, const struct collection *c);
void targets_let_go(struct targets *t);
void targets_send_every(struct targets *t, int64_t ms);
uint64_t targets_recoveries(const struct targets *t);
/* An array of what ship_status_json writes. */
void targets_status_json(struct targets *t, struct json *j);
void targets_close(struct targets *t);
