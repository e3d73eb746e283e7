/* Which blocks there are and what is deleted in them. A version never changes; a reader holds
 * the one with which it began, so that nothing disappears or comes twice while blocks are
 * replaced. What a version no longer needs goes away when no reader is left that may look. */
#pragma once

#include "store/embedded/block.h"
#include "store/embedded/tombstone.h"

#include <pthread.h>

struct version {
    size_t readers;        /* and one for being the current one */
    struct block **blocks; /* by day, then by gen */
    size_t n;
    struct tombstones *tombstones;
    bool frozen; /* what the head has frozen is not in the blocks */
    struct version *newer;
};

struct versions {
    pthread_mutex_t lock;
    pthread_cond_t left;
    struct version *oldest, *current;
};

/* Takes over blocks and tombstones; the first version. */
void versions_init(struct versions *v, struct block **blocks, size_t n, struct tombstones *t);
void versions_free(struct versions *v);

struct version *version_hold(struct versions *v);
void version_release(struct versions *v, struct version *held); /* NULL is fine */
/* A new current version: with these blocks (the array is taken over, the blocks get a holder
 * more) and tombstones (NULL: as before). */
void version_publish(struct versions *v, struct block **blocks, size_t n,
                     struct tombstones *tombstones, bool frozen);
/* Waits until nobody holds a version older than the current one. */
void versions_drain(struct versions *v);
/* Waits until nobody holds a version without frozen, the current one not counted. */
void versions_drain_unfrozen(struct versions *v);
