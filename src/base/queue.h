/* A bounded queue of pointers between threads. A full queue is answered, not waited on. */
#pragma once

#include "base/defs.h"

#include <stdbool.h>
#include <stdint.h>

struct queue;

struct queue *queue_open(size_t capacity);
void queue_close(struct queue *q); /* NULL is fine; what is inside is not freed */
/* False when full or ended. */
bool queue_push(struct queue *q, void *item);
/* Waits up to timeout_ms (-1: for ever); NULL when nothing came, or after queue_end once all
 * is taken. */
void *queue_pop(struct queue *q, int64_t timeout_ms);
/* No more pushes; waiting readers wake up. */
void queue_end(struct queue *q);
bool queue_ended(struct queue *q); /* ended and empty */
size_t queue_len(struct queue *q);
