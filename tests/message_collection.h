/* A remote-write message as a collection: its samples must have one time. */
#pragma once

#include "series/collection.h"
#include "series/remote_write.h"

static inline void message_each(const void *owner, collection_fn fn, void *arg)
{
    const struct span *message = owner;
    struct write_reader r = write_reader_of(*message);
    struct write_entry e;
    struct sample s;
    const char *fault = NULL;
    while (write_next(&r, &e))
        while (write_sample_next(&e.samples_raw, &s, &fault))
            fn(span_hash(e.labels_raw), e.labels_raw, s.v, arg);
}

/* message must outlive it. */
static inline struct collection message_collection(const struct span *message)
{
    struct collection c = {.owner = message, .each = message_each};
    struct write_reader r = write_reader_of(*message);
    struct write_entry e;
    struct sample s;
    const char *fault = NULL;
    while (write_next(&r, &e))
        for (; write_sample_next(&e.samples_raw, &s, &fault); c.n++)
            c.t_ms = s.t_ms;
    return c;
}
