#include "base/queue.h"

#include "base/arena.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    size_t capacity, first, count;
    bool ended;
    void *items[];
};

struct queue *queue_open(size_t capacity)
{
    struct queue *q = mem_zero(1, sizeof *q + capacity * sizeof q->items[0]);
    q->capacity = capacity;
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return q;
}

void queue_close(struct queue *q)
{
    if (!q)
        return;
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

bool queue_push(struct queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    bool taken = !q->ended && q->count < q->capacity;
    if (taken) {
        q->items[(q->first + q->count++) % q->capacity] = item;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    return taken;
}

static struct timespec deadline_after(int64_t timeout_ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + timeout_ms % 1000 * 1000000;
    t.tv_sec += timeout_ms / 1000 + ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    return t;
}

void *queue_pop(struct queue *q, int64_t timeout_ms)
{
    struct timespec deadline = deadline_after(MAX(timeout_ms, (int64_t)0));
    void *item = NULL;
    pthread_mutex_lock(&q->lock);
    while (!q->count && !q->ended) {
        int rc = timeout_ms < 0 ? pthread_cond_wait(&q->filled, &q->lock)
                                : pthread_cond_timedwait(&q->filled, &q->lock, &deadline);
        if (rc == ETIMEDOUT)
            break;
    }
    if (q->count) {
        item = q->items[q->first];
        q->first = (q->first + 1) % q->capacity;
        q->count--;
    }
    pthread_mutex_unlock(&q->lock);
    return item;
}

void queue_end(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->ended = true;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

bool queue_ended(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool ended = q->ended && !q->count;
    pthread_mutex_unlock(&q->lock);
    return ended;
}

size_t queue_len(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->count;
    pthread_mutex_unlock(&q->lock);
    return n;
}
