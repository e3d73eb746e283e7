/* How many queries are evaluated at once: the others wait in the order in which they came, as long
 * as their time allows. Loop thread, but for turn.cancelled. */
#pragma once

#include "base/pool.h"

enum { QUERIES_WAITING_MAX = 1000 };

struct gate;

/* One query's turn; it lives in the query. */
struct gate_turn {
    loop_fn work; /* on a worker */
    loop_fn done; /* on the loop, after work */
    /* Instead of both, on the loop: TIMED_OUT or AGAIN while it waited. err is Prometheus's
     * sentence. */
    void (*refused)(void *arg, enum status st, const struct err *err);
    void *arg;
    int64_t deadline_mono_ms; /* 0: none */
    bool cancelled;           /* atomic; the evaluator looks at it */
    /* the gate's own */
    struct gate *gate;
    struct gate_turn *prev, *next;
    bool waiting;
};

struct gate *gate_open(struct loop *loop, struct pool *workers, unsigned at_once);
void gate_close(struct gate *g); /* when nobody runs or waits any more; NULL is fine */
/* work begins now or later; exactly one of done and refused is called, perhaps at once. */
void gate_enter(struct gate *g, struct gate_turn *turn);
/* Nobody wants it any more: one that waits is refused, one that runs is told. */
void gate_cancel(struct gate_turn *turn);
/* All are cancelled: the server stops. */
void gate_stop(struct gate *g);
unsigned gate_running(const struct gate *g);
unsigned gate_waiting(const struct gate *g);
