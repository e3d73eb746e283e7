#include "store/embedded/version.h"

static struct version *new_version(struct block **blocks, size_t n, struct tombstones *t,
                                   bool frozen)
{
    struct version *v = mem_zero(1, sizeof *v);
    *v =
        (struct version){.readers = 1, .blocks = blocks, .n = n, .tombstones = t, .frozen = frozen};
    for (size_t i = 0; i < n; i++)
        block_hold(blocks[i]);
    tombstones_hold(t);
    return v;
}

static void free_version(struct version *v)
{
    for (size_t i = 0; i < v->n; i++)
        block_release(v->blocks[i]);
    tombstones_release(v->tombstones);
    free(v->blocks);
    free(v);
}

void versions_init(struct versions *v, struct block **blocks, size_t n, struct tombstones *t)
{
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->left, NULL);
    v->oldest = v->current = new_version(blocks, n, t, true);
}

void versions_free(struct versions *v)
{
    for (struct version *at = v->oldest, *newer; at; at = newer) {
        newer = at->newer;
        free_version(at);
    }
    pthread_mutex_destroy(&v->lock);
    pthread_cond_destroy(&v->left);
}

struct version *version_hold(struct versions *v)
{
    pthread_mutex_lock(&v->lock);
    struct version *held = v->current;
    held->readers++;
    pthread_mutex_unlock(&v->lock);
    return held;
}

/* Takes those that nobody holds from the old end, in order: what a version no longer has may be
 * needed by any older one. */
static struct version *unused(struct versions *v)
{
    struct version *gone = NULL, **end = &gone;
    while (v->oldest != v->current && !v->oldest->readers) {
        *end = v->oldest;
        end = &v->oldest->newer;
        v->oldest = v->oldest->newer;
    }
    *end = NULL;
    if (gone)
        pthread_cond_broadcast(&v->left);
    return gone;
}

static void free_all(struct version *gone)
{
    while (gone) {
        struct version *newer = gone->newer;
        free_version(gone);
        gone = newer;
    }
}

void version_release(struct versions *v, struct version *held)
{
    if (!held)
        return;
    pthread_mutex_lock(&v->lock);
    held->readers--;
    struct version *gone = unused(v);
    pthread_mutex_unlock(&v->lock);
    free_all(gone);
}

void version_publish(struct versions *v, struct block **blocks, size_t n,
                     struct tombstones *tombstones, bool frozen)
{
    pthread_mutex_lock(&v->lock);
    struct tombstones *t = tombstones ? tombstones : v->current->tombstones;
    struct version *next = new_version(blocks, n, t, frozen);
    v->current->readers--;
    v->current->newer = next;
    v->current = next;
    struct version *gone = unused(v);
    pthread_mutex_unlock(&v->lock);
    free_all(gone);
}

void versions_drain(struct versions *v)
{
    pthread_mutex_lock(&v->lock);
    while (v->oldest != v->current)
        pthread_cond_wait(&v->left, &v->lock);
    pthread_mutex_unlock(&v->lock);
}

static bool any_unfrozen(const struct versions *v)
{
    for (const struct version *at = v->oldest; at != v->current; at = at->newer)
        if (!at->frozen && at->readers)
            return true;
    return false;
}

void versions_drain_unfrozen(struct versions *v)
{
    pthread_mutex_lock(&v->lock);
    while (any_unfrozen(v))
        pthread_cond_wait(&v->left, &v->lock);
    pthread_mutex_unlock(&v->lock);
}
