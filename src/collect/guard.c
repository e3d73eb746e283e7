/* A mount under guard is owned by two: the collector and, while it asks, a thread. Whoever comes
 * last frees it. The thread lives only as long as one answer takes: hanging mounts are rare, and
 * so are mounts that need the guard at all. */
#include "collect/guard.h"

#include "base/arena.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { STACK_BYTES = 128 << 10 };

int (*guard_statvfs)(const char *path, struct statvfs *out) = statvfs;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned threads; /* that are asking now; under lock */

struct guard {
    char *path;
    int (*statvfs)(const char *path, struct statvfs *out);
    /* under lock */
    bool asking, dropped, answered, good;
    bool starved; /* no thread was free when it was to be asked again */
    struct statvfs answer;
    /* the collector's */
    int64_t asked_ms;
};

static void guard_free(struct guard *g)
{
    free(g->path);
    free(g);
}

static void *ask(void *arg)
{
    struct guard *g = arg;
    struct statvfs v;
    bool good = g->statvfs(g->path, &v) == 0;
    pthread_mutex_lock(&lock);
    threads--;
    g->asking = false;
    g->answered = true;
    g->good = good;
    if (good)
        g->answer = v;
    bool last = g->dropped;
    pthread_mutex_unlock(&lock);
    if (last)
        guard_free(g);
    return NULL;
}

/* Under lock, so that the thread's end is seen after asking was set. */
static void ask_again(struct guard *g, int64_t mono_ms)
{
    if (g->asking)
        return;
    g->starved = threads >= GUARD_THREADS_MAX || !thread_detached(STACK_BYTES, ask, g);
    if (g->starved)
        return;
    g->asked_ms = mono_ms;
    g->asking = true;
    threads++;
}

enum guard_answer guard_ask(struct guard **at, const char *path, int64_t mono_ms,
                            struct statvfs *out)
{
    if (!*at) {
        *at = mem_zero(1, sizeof **at);
        (*at)->path = mem_dup(path);
        (*at)->statvfs = guard_statvfs;
        (*at)->asked_ms = mono_ms;
    }
    struct guard *g = *at;
    pthread_mutex_lock(&lock);
    int64_t since_ms = mono_ms - g->asked_ms;
    bool late = g->asking && since_ms >= GUARD_TIMEOUT_MS;
    bool outdated = g->starved && since_ms >= GUARD_KEEP_MS;
    enum guard_answer result = GUARD_WAITING;
    if (late || outdated || (g->answered && !g->good))
        result = GUARD_FAILED;
    else if (g->answered)
        result = GUARD_ANSWERED;
    if (result == GUARD_ANSWERED)
        *out = g->answer;
    ask_again(g, mono_ms);
    pthread_mutex_unlock(&lock);
    return result;
}

unsigned guard_asking(void)
{
    pthread_mutex_lock(&lock);
    unsigned n = threads;
    pthread_mutex_unlock(&lock);
    return n;
}

void guard_drop(struct guard *g)
{
    if (!g)
        return;
    pthread_mutex_lock(&lock);
    g->dropped = true;
    bool last = !g->asking;
    pthread_mutex_unlock(&lock);
    if (last)
        guard_free(g);
}
