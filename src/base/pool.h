/* A few threads that run work which would hold up a loop (queries, password hashing) and hand
 * the result back to it. */
#pragma once

#include "base/loop.h"

struct pool;

/* At most so many threads; each begins when it is first needed. */
struct pool *pool_open(unsigned threads, size_t waiting_max);
/* Finishes what was taken, then ends. Close before the loops that results go to. NULL is fine. */
void pool_close(struct pool *p);
/* work(arg) runs on a thread of the pool, then done(arg) on the loop. False when waiting_max
 * wait already: answer, do not wait. */
bool pool_submit(struct pool *p, loop_fn work, loop_fn done, struct loop *loop, void *arg);
size_t pool_waiting(struct pool *p);
