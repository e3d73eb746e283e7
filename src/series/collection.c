/* See collection.h. */
#include "series/collection.h"

#include "series/remote_write.h"

struct writing {
    struct buf *out;
    int64_t t_ms;
};

static void write_one(uint64_t id UNUSED, struct span labels_raw, double v, void *arg)
{
    const struct writing *w = arg;
    write_series_raw(w->out, labels_raw, &(struct sample){w->t_ms, v}, 1);
}

enum status collection_write(const struct collection *c, struct buf *out, struct err *err)
{
    if (c->n)
        c->each(c->owner, write_one, &(struct writing){out, c->t_ms});
    if (!out->failed)
        return OK;
    return err_set(err, FULL, "a collection is larger than %zu bytes",
                   out->max ? out->max : (size_t)BUF_DEFAULT_MAX_BYTES);
}
