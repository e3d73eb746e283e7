/* Events: what happened on hosts and in the server, for marks on charts and for reading back: a
 * parameter changed, a finding came up, a service went down. Appended to by every part that notices
 * something; old ones go with their retention. */
#pragma once

#include "record/record.h"

enum {
    EVENT_KIND_MAX_BYTES = 64,
    EVENT_TEXT_MAX_BYTES = 1000,  /* longer texts are cut */
    EVENT_DATA_MAX_BYTES = 65536, /* longer data is refused */
    EVENTS_LIMIT_MAX = 1000,
};

struct event_row {
    int64_t id, at_ms;
    struct span host;      /* id of a known host, or what was given; empty: the server itself */
    struct span host_name; /* read only */
    struct span kind;      /* a word: "change", "finding", "service", "alert", "action", ... */
    struct span text;      /* one sentence for a person */
    struct span data;      /* a JSON object; empty: {} */
};

/* host may be a host's id or its name (the label instance). INVALID when the kind is missing or too
 * long; FULL when data is too long. id, which may be NULL, gets its number. */
MUST_USE enum status record_event_add(struct record *r, const struct event_row *e, int64_t *id,
                                      struct err *err);

struct event_filter {
    struct span host;       /* id or name; empty: all */
    struct span kind;       /* empty: all */
    int64_t from_ms, to_ms; /* [from, to); 0: open */
    int64_t before_id;      /* cursor: only ids below; 0: from the newest */
    size_t limit;           /* 1..EVENTS_LIMIT_MAX */
};

/* Newest first; rows live in the arena. */
MUST_USE enum status record_events(struct record *r, const struct event_filter *f,
                                   struct arena *arena, struct event_row **out, size_t *n,
                                   struct err *err);
/* Deletes events from before that time, some thousands at most: until *deleted is 0. */
MUST_USE enum status record_events_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                        struct err *err);
