/* Inside record/: the connection and its lock. */
#pragma once

#include "record/db.h"
#include "record/record.h"

#include <pthread.h>

struct record {
    struct db *db;
    pthread_mutex_t lock;
};

/* Held until the end of the scope. */
static inline pthread_mutex_t *record_lock(struct record *r)
{
    pthread_mutex_lock(&r->lock);
    return &r->lock;
}

static inline void record_unlock(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}

#define auto_lock CLEANUP(record_unlock) pthread_mutex_t UNUSED

/* The tables, at their newest version. path is for errors. */
MUST_USE enum status schema_migrate(struct db *db, const char *path, struct err *err);
/* INVALID when a name is longer than RECORD_NAME_MAX_BYTES, or empty though it must not be. */
MUST_USE enum status name_fits(const char *whose, struct span name, bool needed, struct err *err);

/* Room for one more in an array of the arena that doubles as it grows. */
#define RECORD_GROW(arena, array, n, size)                                                         \
    do {                                                                                           \
        if ((n) == (size)) {                                                                       \
            size_t bigger = (size) ? 2 * (size) : 16;                                              \
            (array) =                                                                              \
                arena_grow((arena), (array), (size) * sizeof *(array), bigger * sizeof *(array));  \
            (size) = bigger;                                                                       \
        }                                                                                          \
    } while (0)

/* In SQL: the id of the host that has this id or name; the text itself when there is none. */
#define RECORD_HOST_ID(at)                                                                         \
    "coalesce((SELECT id FROM hosts WHERE id = " at "), (SELECT id FROM hosts WHERE name = " at    \
    "), " at ")"
