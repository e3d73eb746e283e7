#include "store/embedded/block_file.h"

#include <stdlib.h>

/* All blocks share one list and one ceiling: the newest blocks are asked most, and which these
 * are changes. A view that is not kept is in no list. */
static struct {
    pthread_mutex_t lock;
    struct part_view *newest, *oldest;
    size_t bytes;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t size_of(const struct part_view *v)
{
    return sizeof *v + v->bytes;
}

static void free_view(struct part_view *v)
{
    free(v->memory);
    free(v);
}

/* ---- the list; the lock is held ---- */

static void unlink_view(struct part_view *v)
{
    *(v->newer ? &v->newer->older : &kept.newest) = v->older;
    *(v->older ? &v->older->newer : &kept.oldest) = v->newer;
    v->newer = v->older = NULL;
}

static void link_newest(struct part_view *v)
{
    v->older = kept.newest;
    *(kept.newest ? &kept.newest->newer : &kept.oldest) = v;
    kept.newest = v;
}

static void forget(struct part_view *v)
{
    unlink_view(v);
    kept.bytes -= size_of(v);
    v->block->reader->views[v->part] = NULL;
    free_view(v);
}

static void make_room(void)
{
    for (struct part_view *v = kept.oldest, *newer; v && kept.bytes > PART_VIEWS_MAX_BYTES;
         v = newer) {
        newer = v->newer;
        if (!v->users)
            forget(v);
    }
}

/* ---- views ---- */

static bool read_head(struct block *b, uint32_t part, bool through_sqlite, struct part_view *v)
{
    const struct block_part *p = &b->parts[part];
    auto_arena arena = {0};
    auto_buf raw = {.max = SIZE_MAX};
    struct part_head head;
    const char *at = NULL;
    if (through_sqlite) {
        char *text = arena_alloc(&arena, p->head_bytes);
        at = block_read_data(b, part, 0, p->head_bytes, text) ? text : NULL;
    } else if (!block_read_raw(b, part, 0, p->head_bytes, &raw, &at)) {
        at = NULL;
    }
    if (!at || !part_parse(span_from(at, p->head_bytes), part, &arena, &head) ||
        head.n != p->series)
        return false;
    v->bytes = part_head_copy(&head, &v->head, &v->memory);
    return true;
}

static struct part_view *load(struct block *b, uint32_t part)
{
    struct part_view *v = mem_zero(1, sizeof *v);
    v->block = b;
    v->part = part;
    v->users = 1;
    if (read_head(b, part, false, v) || read_head(b, part, true, v))
        return v;
    free_view(v);
    return NULL;
}

static struct part_view *known(struct block *b, uint32_t part)
{
    struct part_view *v = b->reader->views[part];
    if (!v)
        return NULL;
    v->users++;
    unlink_view(v);
    link_newest(v);
    return v;
}

struct part_view *part_view_hold(struct block *b, uint32_t part, bool keep)
{
    pthread_mutex_lock(&kept.lock);
    struct part_view *v = known(b, part);
    pthread_mutex_unlock(&kept.lock);
    if (v)
        return v;
    struct part_view *own = load(b, part);
    if (!own || !keep)
        return own;
    pthread_mutex_lock(&kept.lock);
    v = known(b, part); /* somebody else was quicker */
    if (!v) {
        b->reader->views[part] = v = own;
        kept.bytes += size_of(own);
        link_newest(own);
        make_room();
        own = NULL;
    }
    pthread_mutex_unlock(&kept.lock);
    if (own)
        free_view(own);
    return v; // NOLINT(clang-analyzer-unix.Malloc): it has a user, make_room() leaves it
}

void part_view_release(struct part_view *v)
{
    if (!v)
        return;
    pthread_mutex_lock(&kept.lock);
    v->users--;
    bool own = !v->users && v->block->reader->views[v->part] != v;
    pthread_mutex_unlock(&kept.lock);
    if (own)
        free_view(v);
}

void part_views_drop(struct block *b)
{
    pthread_mutex_lock(&kept.lock);
    for (size_t i = 0; b->reader->views && i < b->n; i++)
        if (b->reader->views[i])
            forget(b->reader->views[i]);
    pthread_mutex_unlock(&kept.lock);
}
