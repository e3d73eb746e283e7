/* Several blocks of a day into one, in the compact coding, without what was deleted; and the end
 * of days that are too old. */
#include "store/embedded/embedded.h"

#include "base/log.h"

#include <stdlib.h>

/* ---- merging ---- */

/* One of the blocks that are merged, at its next series. */
struct input {
    struct block *block;
    struct block_cursor *cursor;
    uint32_t part, place;
    struct directory *directory; /* of the part; NULL at the end */
};

/* Steps over parts until there is a series; false when one is damaged. */
static bool settle(struct input *in)
{
    while (!in->directory || in->place >= in->directory->n) {
        if (in->directory)
            in->part++;
        directory_release(in->directory);
        in->directory = NULL;
        in->place = 0;
        if (in->part >= in->block->n)
            return true;
        in->directory = block_directory(in->block, in->part);
        if (!in->directory)
            return false;
    }
    return true;
}

static int compare_inputs(const struct input *a, const struct input *b)
{
    int order = span_compare(a->block->parts[a->part].instance, b->block->parts[b->part].instance);
    return order ? order
                 : labels_compare(a->directory->series[a->place], b->directory->series[b->place]);
}

struct merge {
    struct store *store;
    struct version *version;
    struct input *in;
    size_t n;
    struct block_writer *w;
};

static struct labels with_instance(struct labels l, struct span instance, struct label *at)
{
    memcpy(at, l.at, l.n * sizeof *at);
    size_t n = l.n;
    if (instance.len)
        at[n++] = (struct label){SPAN(GROUP_LABEL), instance};
    (void)labels_sort(at, n);
    return (struct labels){at, n};
}

/* The series that comes first, from all blocks that have it. */
static enum status merge_series(struct merge *m, const struct input *first, struct err *err)
{
    auto_arena arena = {0};
    struct samples all = {.arena = &arena};
    struct label full[LABELS_MAX + 1];
    bool same[COMPACT_MAX_BLOCKS] = {false};
    struct span instance = first->block->parts[first->part].instance;
    struct labels own = first->directory->series[first->place];
    struct labels labels = with_instance(own, instance, full);
    for (size_t i = 0; i < m->n; i++)
        same[i] = m->in[i].directory && compare_inputs(&m->in[i], first) == 0;
    for (size_t i = 0; i < m->n; i++) {
        struct input *in = &m->in[i];
        if (!same[i])
            continue;
        size_t before = all.n;
        block_read(in->cursor, (struct block_place){in->part, in->place}, INT64_MIN, INT64_MAX,
                   &all);
        samples_bury(m->version, in->block, labels, before, &all);
    }
    samples_sort(&all);
    enum status st = block_writer_add(m->w, instance, own, all.t, all.v, all.n, err);
    for (size_t i = 0; !st && i < m->n; i++) {
        if (!same[i])
            continue;
        m->in[i].place++;
        if (!settle(&m->in[i]))
            st = err_set(err, CORRUPT, "%s is damaged", m->in[i].block->path);
    }
    return st;
}

static enum status merge_all(struct merge *m, struct err *err)
{
    for (;;) {
        struct input *first = NULL;
        for (size_t i = 0; i < m->n; i++)
            if (m->in[i].directory && (!first || compare_inputs(&m->in[i], first) < 0))
                first = &m->in[i];
        if (!first)
            return OK;
        enum status st = merge_series(m, first, err);
        if (st)
            return st;
    }
}

static int64_t newest_deletion(const struct version *v)
{
    size_t n;
    const struct tombstone *t = tombstones_list(v->tombstones, &n);
    return n ? t[n - 1].id : 0;
}

static enum status open_inputs(struct merge *m, struct block *const *blocks, struct err *err)
{
    for (size_t i = 0; i < m->n; i++) {
        m->in[i] = (struct input){.block = blocks[i], .cursor = block_cursor_open(blocks[i])};
        if (!settle(&m->in[i]))
            return err_set(err, CORRUPT, "%s is damaged", blocks[i]->path);
    }
    return OK;
}

static struct block_id merged_id(struct block *const *blocks, size_t n)
{
    struct block_id id = blocks[0]->id;
    for (size_t i = 0; i < n; i++) {
        id.first = MIN(id.first, blocks[i]->id.first);
        id.last = MAX(id.last, blocks[i]->id.last);
        id.revision = MAX(id.revision, blocks[i]->id.revision);
    }
    id.revision++;
    return id;
}

/* Blocks with damage stay as they are: what can be read of them can be read, and a person may
 * still look at the rest. */
static bool any_damage(struct block *const *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (blocks[i]->damaged)
            return true;
    return false;
}

static enum status merge_blocks(struct store *s, struct version *v, struct block *const *blocks,
                                size_t n, struct err *err)
{
    char dir[BLOCK_PATH_MAX];
    struct merge m = {.store = s, .version = v, .n = n};
    struct block *merged = NULL;
    store_blocks_dir(s, dir);
    m.in = mem_zero(n, sizeof *m.in);
    enum status st = open_inputs(&m, blocks, err);
    if (!st)
        st = block_writer_open(s->tuning.disk, dir, merged_id(blocks, n), CHUNK_COMPACT,
                               newest_deletion(v), &m.w, err);
    if (!st)
        st = merge_all(&m, err);
    if (!st && any_damage(blocks, n))
        st = err_set(err, CORRUPT, "the blocks of that day are damaged and stay as they are");
    if (st)
        block_writer_abandon(m.w);
    else
        st = block_writer_finish(m.w, &merged, err);
    for (size_t i = 0; i < n; i++) {
        directory_release(m.in[i].directory);
        block_cursor_close(m.in[i].cursor);
    }
    free(m.in);
    if (!st)
        store_replace_blocks(s, blocks, n, &merged, merged ? 1 : 0, true);
    return st;
}

/* ---- what is due ---- */

static bool has_deletions(const struct version *v, const struct block *b)
{
    size_t n;
    const struct tombstone *t = tombstones_list(v->tombstones, &n);
    for (size_t i = 0; i < n; i++)
        if (tombstone_applies(&t[i], b))
            return true;
    return false;
}

/* Of the blocks of one day, by gen: which run to merge now. Of a day that is not over, the
 * newest ones that together are about as large as the next older: a sample is rewritten few
 * times. */
static size_t due_run(const struct store *s, const struct version *v, struct block *const *day,
                      size_t n, bool all, int64_t now, size_t *from)
{
    bool over = all || day_is_over(day[0]->id.day, now);
    bool any = n > 1 || day[0]->id.revision == 0;
    *from = 0;
    for (size_t i = 0; i < n; i++)
        if (has_deletions(v, day[i]))
            return n;
    if (over)
        return any ? n : 0;
    size_t run = 1;
    for (uint64_t sum = day[n - 1]->samples; run < n; run++) {
        const struct block *older = day[n - 1 - run];
        if (older->samples > sum * 2)
            break;
        sum += older->samples;
    }
    if (run < s->tuning.compact_blocks)
        return 0;
    *from = n - run;
    return run;
}

static enum status compact_version(struct store *s, struct version *v, bool all, bool *more,
                                   struct err *err)
{
    int64_t now = guard_clock(&s->guard).early;
    *more = false;
    for (size_t i = 0, end; i < v->n; i = end) {
        for (end = i + 1; end < v->n && v->blocks[end]->id.day == v->blocks[i]->id.day;)
            end++;
        size_t from, n = due_run(s, v, v->blocks + i, end - i, all, now, &from);
        n = MIN(n, (size_t)COMPACT_MAX_BLOCKS);
        if (!n || any_damage(v->blocks + i + from, n))
            continue;
        *more = true;
        return merge_blocks(s, v, v->blocks + i + from, n, err);
    }
    return OK;
}

/* Deletions that no block needs any more. */
static enum status drop_deletions(struct store *s, struct err *err)
{
    struct version *v = version_hold(&s->versions);
    size_t n, gone = 0;
    const struct tombstone *t = tombstones_list(v->tombstones, &n);
    int64_t *ids = mem_alloc((n + 1) * sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        bool needed = false;
        for (size_t k = 0; k < v->n; k++)
            needed |= tombstone_applies(&t[i], v->blocks[k]);
        if (!needed)
            ids[gone++] = t[i].id;
    }
    struct tombstones *left = NULL;
    enum status st = gone ? tombstones_drop(s->tuning.disk, s->dir, ids, gone, &left, err) : OK;
    if (left)
        store_replace_tombstones(s, left);
    free(ids);
    version_release(&s->versions, v);
    return st;
}

enum status compact_blocks(struct store *s, bool all, struct err *err)
{
    bool more;
    do {
        struct version *v = version_hold(&s->versions);
        enum status st = compact_version(s, v, all, &more, err);
        version_release(&s->versions, v);
        if (st)
            return st;
    } while (more);
    return drop_deletions(s, err);
}

/* ---- retention ---- */

enum status retain_blocks(struct store *s, struct err *err)
{
    (void)err;
    struct version *v = version_hold(&s->versions);
    int64_t oldest = day_of(guard_clock(&s->guard).early - s->retention_ms);
    uint64_t bytes = log_bytes(s->log);
    size_t gone = 0;
    for (size_t i = 0; i < v->n; i++)
        bytes += v->blocks[i]->bytes;
    for (; gone < v->n; gone++) {
        const struct block *b = v->blocks[gone];
        bool too_many = s->retention_bytes && bytes > s->retention_bytes &&
                        b->id.day != v->blocks[v->n - 1]->id.day;
        if (b->id.day >= oldest && !too_many)
            break;
        bytes -= b->bytes;
        log_info("%s: dropped, %s", b->path,
                 b->id.day < oldest ? "older than the retention time"
                                    : "the space for samples is used up");
    }
    if (gone)
        store_replace_blocks(s, v->blocks, gone, NULL, 0, true);
    version_release(&s->versions, v);
    return OK;
}
