/* One thread's event loop, on libevent: timers, signals, and work posted by other threads.
 * net/ puts its sockets on the same loop through loop_base. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct timer;
struct event_base; /* libevent's */

typedef void (*loop_fn)(void *arg);

MUST_USE enum status loop_open(struct loop **out, struct err *err);
void loop_close(struct loop *l); /* after loop_run returned; NULL is fine */
void loop_run(struct loop *l);   /* until loop_stop */
void loop_stop(struct loop *l);  /* from any thread or handler */
/* Runs fn(arg) soon on the loop's thread. From any thread; false once the loop is closing
 * (then fn will not run). */
bool loop_post(struct loop *l, loop_fn fn, void *arg);
/* Calls fn on the loop's thread when the signal comes. */
MUST_USE enum status loop_signal(struct loop *l, int signal, loop_fn fn, void *arg,
                                 struct err *err);
struct event_base *loop_base(struct loop *l);

/* A timer that is not running. Loop thread only. */
struct timer *timer_open(struct loop *l, loop_fn fn, void *arg);
void timer_once(struct timer *t, int64_t after_ms);  /* (re)starts */
void timer_every(struct timer *t, int64_t every_ms); /* (re)starts, first after every_ms */
void timer_stop(struct timer *t);
void timer_close(struct timer *t); /* NULL is fine; also from its own handler */
