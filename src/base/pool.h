/* A few threads that run work which would hold up a loop (queries, password hashing) and hand
 * the result back to it. */
#pragma once

#include "base/loop.h"

struct pool;

/* What tools call the calling thread: at most 15 bytes. The main thread keeps the program's name.
 */
void thread_name(const char *name);

/* At most so many threads, called name (15 bytes; must live as long); each begins when it is first
 * needed. */
struct pool *pool_open(const char *name, unsigned threads, size_t waiting_max);
/* Finishes what was taken, then ends. Close before the loops that results go to. NULL is fine. */
void pool_close(struct pool *p);
/* work(arg) runs on a thread of the pool, then done(arg) on the loop. False when waiting_max
 * wait already: answer, do not wait. */
bool pool_submit(struct pool *p, loop_fn work, loop_fn done, struct loop *loop, void *arg);
size_t pool_waiting(struct pool *p);
