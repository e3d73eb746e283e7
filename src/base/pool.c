#include "base/pool.h"

#include "base/arena.h"
#include "base/queue.h"

#include <pthread.h>

struct job {
    loop_fn work, done;
    struct loop *loop;
    void *arg;
};

struct pool {
    const char *name;
    struct queue *jobs;
    pthread_mutex_t lock; /* of what follows */
    unsigned busy;        /* jobs taken from the caller and not ended */
    unsigned n_threads, threads_max;
    pthread_t threads[];
};

void thread_name(const char *name)
{
    pthread_setname_np(pthread_self(), name);
}

static void *run_jobs(void *arg)
{
    struct pool *p = arg;
    thread_name(p->name);
    for (struct job *job; (job = queue_pop(p->jobs, -1)); free(job)) {
        job->work(job->arg);
        pthread_mutex_lock(&p->lock);
        p->busy--;
        pthread_mutex_unlock(&p->lock);
        loop_post(job->loop, job->done, job->arg);
    }
    return NULL;
}

/* Another thread only when those that are there have work: most pools never need theirs all. */
static void take(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->busy++;
    if (p->busy > p->n_threads && p->n_threads < p->threads_max)
        p->n_threads += pthread_create(&p->threads[p->n_threads], NULL, run_jobs, p) == 0;
    pthread_mutex_unlock(&p->lock);
}

struct pool *pool_open(const char *name, unsigned threads, size_t waiting_max)
{
    struct pool *p = mem_zero(1, sizeof *p + threads * sizeof p->threads[0]);
    p->jobs = queue_open(waiting_max);
    p->name = name;
    p->threads_max = threads;
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

void pool_close(struct pool *p)
{
    if (!p)
        return;
    queue_end(p->jobs);
    for (unsigned i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    for (struct job *job; (job = queue_pop(p->jobs, 0));)
        free(job); /* only when there was no thread to run it */
    queue_close(p->jobs);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

bool pool_submit(struct pool *p, loop_fn work, loop_fn done, struct loop *loop, void *arg)
{
    struct job *job = mem_alloc(sizeof *job);
    *job = (struct job){.work = work, .done = done, .loop = loop, .arg = arg};
    take(p);
    if (queue_push(p->jobs, job))
        return true;
    pthread_mutex_lock(&p->lock);
    p->busy--;
    pthread_mutex_unlock(&p->lock);
    free(job);
    return false;
}

size_t pool_waiting(struct pool *p)
{
    return queue_len(p->jobs);
}
