/* What one collection found: samples of one time, told from where their owner keeps them, so that
 * nobody has to spell out 80 KB of labels each second. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* Called for each sample, of a series at most once. id: of the series among all that its owner ever
 * has, never another's; labels_raw: encoded for remote write, valid during the call. */
typedef void (*collection_fn)(uint64_t id, struct span labels_raw, double v, void *arg);

/* {0}: none. Its owner says until when it holds. */
struct collection {
    const void *owner;
    void (*each)(const void *owner, collection_fn fn, void *arg);
    int64_t t_ms; /* wall */
    size_t n;     /* samples */
};

/* Appends remote-write TimeSeries. FULL: out has no room, and what it has then is of no use; its
 * failed says the same. */
enum status collection_write(const struct collection *c, struct buf *out, struct err *err);
