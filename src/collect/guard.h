/* Private to collect/: statvfs that may hang, asked on threads that may hang. */
#pragma once

#include <stdint.h>
#include <sys/statvfs.h>

enum {
    GUARD_TIMEOUT_MS = 2000,
    GUARD_THREADS_MAX = 4, /* so many mounts may hang before others go unanswered too */
    GUARD_KEEP_MS = 60000, /* how long an answer is good for while the next is awaited */
};

enum guard_answer { GUARD_ANSWERED, GUARD_FAILED, GUARD_WAITING };

struct guard; /* one mount */

/* statvfs; tests put one here that hangs. */
extern int (*guard_statvfs)(const char *path, struct statvfs *out);

/* The latest answer for path, and asks again. The answer is at most one call old: it is what
 * the thread found after the call before. FAILED when statvfs failed or has not returned
 * within GUARD_TIMEOUT_MS. *g is made at the first call. */
enum guard_answer guard_ask(struct guard **g, const char *path, int64_t mono_ms,
                            struct statvfs *out);
/* How many threads wait for an answer now, of all mounts. */
unsigned guard_asking(void);
/* Waits for nothing: a thread that hangs frees the rest itself when it returns. NULL is fine. */
void guard_drop(struct guard *g);
