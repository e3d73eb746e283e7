/* What people take out of the store: series or times (a deletion hides them at once), everything
 * before a time; and the space that comes back. */
#include "store/embedded/embedded.h"

#include "base/log.h"

#include <inttypes.h>

/* Hides what matches, durably. maintaining held. What is in memory goes to blocks first, so that
 * a deletion speaks of blocks only. */
static enum status hide(struct store *s, const struct matcher *matchers, size_t n, int64_t start_ms,
                        int64_t end_ms, struct err *err)
{
    enum status st = flush_head(s, err);
    uint64_t gen = log_gen(s->log);
    if (st || gen <= 1)
        return st;
    struct tombstones *now = NULL;
    struct tombstone t = {.gen = gen - 1,
                          .start_ms = start_ms,
                          .end_ms = end_ms,
                          .matchers = (struct matcher *)matchers,
                          .n = n};
    st = tombstones_add(s->tuning.disk, s->dir, &t, &now, err);
    if (now)
        store_replace_tombstones(s, now);
    return st;
}

enum status store_delete(struct store *s, const struct matcher *matchers, size_t n,
                         int64_t start_ms, int64_t end_ms, struct err *err)
{
    if (!n)
        return err_set(err, INVALID, "a deletion needs at least one matcher");
    if (start_ms > end_ms)
        return err_set(err, INVALID, "a deletion's start is after its end");
    pthread_mutex_lock(&s->maintaining);
    enum status st = hide(s, matchers, n, start_ms, end_ms, err);
    pthread_mutex_unlock(&s->maintaining);
    if (!st)
        store_wake(s);
    return st;
}

enum status store_clean_tombstones(struct store *s, struct err *err)
{
    pthread_mutex_lock(&s->maintaining);
    enum status st = compact_blocks(s, false, err);
    pthread_mutex_unlock(&s->maintaining);
    return st;
}

/* ---- everything before a time ---- */

static struct store_cleaned held(struct store *s)
{
    struct store_cleaned sum = {0};
    struct version *v = version_hold(&s->versions);
    for (size_t i = 0; i < v->n; i++) {
        sum.samples += v->blocks[i]->samples;
        sum.bytes += v->blocks[i]->bytes;
    }
    version_release(&s->versions, v);
    return sum;
}

/* Blocks that end before the time go as files; *cut says whether one lies on both sides of it. */
static void drop_whole(struct store *s, int64_t before_ms, bool *cut)
{
    struct version *v = version_hold(&s->versions);
    struct block **gone = mem_alloc((v->n + 1) * sizeof *gone);
    size_t n = 0;
    *cut = false;
    for (size_t i = 0; i < v->n; i++) {
        struct block *b = v->blocks[i];
        if (b->max_t < before_ms)
            gone[n++] = b;
        else
            *cut |= b->min_t < before_ms;
    }
    if (n)
        store_replace_blocks(s, gone, n, NULL, 0, true);
    free(gone);
    version_release(&s->versions, v);
}

static enum status drop_before(struct store *s, int64_t before_ms, struct store_cleaned *out,
                               struct err *err)
{
    struct matcher any;
    bool cut;
    enum status st = matcher_init(&any, MATCH_NOT_EQUAL, SPAN("__name__"), SPAN(""), err);
    if (!st)
        st = flush_head(s, err);
    if (st)
        return st;
    struct store_cleaned before = held(s), after;
    drop_whole(s, before_ms, &cut);
    if (cut)
        st = hide(s, &any, 1, INT64_MIN, before_ms - 1, err);
    if (!st && cut)
        st = compact_blocks(s, false, err);
    after = held(s);
    out->samples = before.samples - after.samples;
    out->bytes = before.bytes > after.bytes ? before.bytes - after.bytes : 0; /* whole pages */
    return st;
}

enum status store_drop_before(struct store *s, int64_t before_ms, struct store_cleaned *out,
                              struct err *err)
{
    *out = (struct store_cleaned){0};
    pthread_mutex_lock(&s->maintaining);
    enum status st = drop_before(s, before_ms, out, err);
    pthread_mutex_unlock(&s->maintaining);
    if (!st)
        log_info("samples from before %" PRId64 " ms dropped: samples=%" PRIu64 " bytes=%" PRIu64,
                 before_ms, out->samples, out->bytes);
    return st;
}
