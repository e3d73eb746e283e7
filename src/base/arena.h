/* Memory that belongs to a lifetime: a tick, a request, a parsed file. Nothing inside is
 * freed on its own; the whole is reset or freed at once.
 *
 * Allocation never returns NULL: what input can make large has its own named ceiling, and
 * when the machine itself has no memory left the process ends with a clear message
 * (docs/decisions/0002-memory.md). */
#pragma once

#include "base/span.h"

#include <stdlib.h>

struct arena_block;

/* All zero is a valid empty arena. Not thread-safe. */
struct arena {
    struct arena_block *head; /* newest block, the one being filled */
    size_t used, size;        /* of the newest block */
    size_t total_bytes;       /* handed out since the last reset */
};

/* Memory aligned to 16 bytes, not cleared. n may be 0. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((malloc));
/* count x size bytes, all zero. */
void *arena_zero(struct arena *a, size_t count, size_t size) __attribute__((malloc));
/* Grows an array from the arena: a new place with the old bytes copied (or the same place
 * when it was the last allocation). */
void *arena_grow(struct arena *a, void *old, size_t old_bytes, size_t new_bytes);
char *arena_dup(struct arena *a, const char *text);     /* a copy, terminated */
char *arena_dup_span(struct arena *a, struct span s);   /* a copy, terminated */
struct span arena_span(struct arena *a, struct span s); /* a copy */
char *arena_printf(struct arena *a, const char *format, ...) PRINTF(2, 3);
void arena_reset(struct arena *a); /* keeps the largest block for the next use */
void arena_free(struct arena *a);  /* empty again; may be used further */

/* arena_alloc for a type. */
#define ARENA_NEW(arena, type) ((type *)arena_zero((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, n) ((type *)arena_zero((arena), (n), sizeof(type)))

#define auto_arena CLEANUP(arena_free) struct arena

/* malloc and friends for what lives longer; like the arena they never return NULL. */
void *mem_alloc(size_t n) __attribute__((malloc));
void *mem_zero(size_t count, size_t size) __attribute__((malloc));
void *mem_grow(void *old, size_t n);
char *mem_dup(const char *text);
char *mem_dup_span(struct span s);

static inline void mem_release(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}
#define auto_free CLEANUP(mem_release)
