/* The way to the server: one batch under way at a time, oldest first. What is not acknowledged
 * goes to the spool and is sent again, many batches as one; the server's "not now" is answered by
 * waiting, longer each time and with chance in it; what the server will never take is dropped
 * and said so. */
#pragma once

#include "agent/config.h"
#include "base/loop.h"
#include "collect/collect.h"

struct ship;

/* What became of all that was given: called when nothing waits any more (OK), or at the first
 * failure. For --once. */
typedef void (*ship_result_fn)(enum status st, const char *why, void *arg);

struct ship_config {
    const struct agent_config *agent; /* must outlive the ship */
    const char *machine_id;           /* for enrolment; NULL: unknown */
    const char *hostname;
    ship_result_fn result; /* may be NULL */
    void *arg;
};

MUST_USE enum status ship_open(struct loop *loop, const struct ship_config *config,
                               struct ship **out, struct err *err);
/* Sends the collection, or keeps it until it can be sent. It is read where it is: it must hold
 * until ship_let_go or ship_close. All are of one owner. */
void ship_take(struct ship *s, const struct collection *c);
/* Before the last collection changes: what is still under way goes to the spool. NULL is fine. */
void ship_let_go(struct ship *s);
/* Messages to the server at most so often: what comes in between waits on disk. 0: at once. */
void ship_send_every(struct ship *s, int64_t ms);
/* How often it could send again after it could not. NULL: 0. */
uint64_t ship_recoveries(const struct ship *s);
/* The token that it shows; NULL before the enrolment, or when none is needed. */
const char *ship_token(const struct ship *s);
/* A new token from the server, kept in the token's file. On failure the old one stays. */
MUST_USE enum status ship_new_token(struct ship *s, const char *token, struct err *err);
/* One object: last_send_ms, requests, spool. */
struct json;
void ship_status_json(struct ship *s, struct json *j);
/* What is under way goes to the spool. NULL is fine. */
void ship_close(struct ship *s);

/* Its own figures; state is the ship. */
extern const struct collector ship_collector;
