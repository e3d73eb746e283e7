/* Many remote-write messages as one: the samples of a series stand under one set of labels, so
 * that the receiver has to find the series once. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct merge;

struct merge *merge_open(void);
void merge_close(struct merge *m); /* NULL is fine */
/* Takes a message (it is copied), oldest first. INVALID: damaged; nothing of it was taken. */
MUST_USE enum status merge_add(struct merge *m, struct span message, struct err *err);
size_t merge_bytes(const struct merge *m); /* of all messages taken */
/* Appends the merged message and starts anew. Returns the number of samples. */
size_t merge_take(struct merge *m, struct buf *out);
