/* Reading the samples of blocks: block.h's cursors. */
#include "store/embedded/block_file.h"
#include "store/embedded/block_raw.h"

#include <stdlib.h>

enum {
    AHEAD_BYTES = 1 << 10,      /* read with a series: its neighbour may be next */
    AHEAD_MORE_BYTES = 8 << 10, /* when it was */
};

struct block_cursor {
    struct block *block;
    struct part_view *view;
    uint32_t part; /* + 1, of the view; 0: none */
    bool keep;
    struct buf window; /* bytes of the part's data that were read last */
    const char *bytes;
    size_t at, n;
};

struct block_cursor *block_cursor_open(struct block *b)
{
    struct block_cursor *c = mem_zero(1, sizeof *c);
    c->block = b;
    c->window.max = SIZE_MAX;
    return c;
}

struct block_cursor *block_cursor_open_shared(struct block *b)
{
    struct block_cursor *c = block_cursor_open(b);
    c->keep = true;
    return c;
}

void block_cursor_close(struct block_cursor *c)
{
    if (!c)
        return;
    part_view_release(c->view);
    buf_free(&c->window);
    free(c);
}

/* ---- bytes ---- */

bool block_read_data(struct block *b, uint32_t part, size_t at, size_t n, void *out)
{
    struct block_reader *r = b->reader;
    pthread_mutex_lock(&r->lock);
    int64_t row = (int64_t)part + 1;
    int result = SQLITE_OK;
    if (!r->blob)
        result = sqlite3_blob_open(r->db, "main", "data", "content", row, 0, &r->blob);
    else if (r->blob_row != row)
        result = sqlite3_blob_reopen(r->blob, row);
    if (result == SQLITE_OK)
        result = sqlite3_blob_read(r->blob, out, (int)n, (int)at);
    if (result == SQLITE_OK) {
        r->blob_row = row;
    } else {
        sqlite3_blob_close(r->blob);
        r->blob = NULL;
    }
    pthread_mutex_unlock(&r->lock);
    return result == SQLITE_OK;
}

static struct raw_blobs *raw_of(struct block *b)
{
    struct block_reader *r = b->reader;
    struct raw_blobs *raw = __atomic_load_n(&r->raw, __ATOMIC_ACQUIRE);
    if (raw)
        return raw;
    pthread_mutex_lock(&r->lock);
    if (!r->raw_tried)
        __atomic_store_n(&r->raw, raw_blobs_open(r->db, b->n), __ATOMIC_RELEASE);
    r->raw_tried = true;
    raw = r->raw;
    pthread_mutex_unlock(&r->lock);
    return raw;
}

bool block_read_raw(struct block *b, uint32_t part, size_t at, size_t n, struct buf *to,
                    const char **out)
{
    const struct raw_blobs *raw = raw_of(b);
    return raw && raw_blob_read(raw, part, at, n, to, out);
}

/* n bytes of the part, a little more being read. */
static const char *bytes_of_part(struct block_cursor *c, size_t at, size_t n)
{
    if (c->n && at >= c->at && at + n <= c->at + c->n)
        return c->bytes + (at - c->at);
    size_t all = (size_t)c->block->parts[c->part - 1].bytes;
    bool next = c->n && at >= c->at && at - c->at <= AHEAD_MORE_BYTES;
    size_t want = n + (next ? AHEAD_MORE_BYTES : AHEAD_BYTES);
    want = at + want <= all ? want : n;
    c->n = 0;
    if (!block_read_raw(c->block, c->part - 1, at, want, &c->window, &c->bytes))
        return NULL;
    c->at = at;
    c->n = want;
    return c->bytes;
}

/* ---- series ---- */

static bool load_part(struct block_cursor *c, uint32_t part)
{
    if (c->part == part + 1)
        return c->view;
    part_view_release(c->view);
    c->n = 0;
    c->part = part + 1;
    c->view = part_view_hold(c->block, part, c->keep);
    if (!c->view)
        block_complain(c->block, part, "the head of the samples");
    return c->view;
}

/* As SQLite reads it, in case the file is laid out in another way than we think. */
static bool read_again(struct block_cursor *c, const struct part_entry *e, uint32_t part,
                       int64_t start, int64_t end, struct samples *out)
{
    c->n = 0;
    buf_clear(&c->window);
    char *bytes = buf_reserve(&c->window, e->bytes);
    return bytes &&
           block_read_data(c->block, part, c->block->parts[part].head_bytes + e->section, e->bytes,
                           bytes) &&
           part_read(&c->view->head, e, (struct part_name){c->block, part},
                     span_from(bytes, e->bytes), start, end, out);
}

void block_read(struct block_cursor *c, struct block_place at, int64_t start, int64_t end,
                struct samples *out)
{
    const struct block_part *p = &c->block->parts[at.part];
    if (p->min_t > end || p->max_t < start || !load_part(c, at.part) || at.place >= c->view->head.n)
        return;
    const struct part_head *head = &c->view->head;
    const struct part_entry *e = &head->entries[at.place];
    if (!part_entry_in(head, e, start, end))
        return;
    size_t before = out->n;
    const char *bytes = e->constant ? NULL : bytes_of_part(c, p->head_bytes + e->section, e->bytes);
    if ((e->constant || bytes) &&
        part_read(head, e, (struct part_name){c->block, at.part},
                  span_from(bytes, bytes ? e->bytes : 0), start, end, out))
        return;
    out->n = before;
    if (!e->constant && read_again(c, e, at.part, start, end, out))
        return;
    out->n = before;
    block_complain(c->block, at.part, "a series");
}

const struct part_head *block_cursor_part(struct block_cursor *c, uint32_t part)
{
    return load_part(c, part) ? &c->view->head : NULL;
}

size_t block_count(struct block_cursor *c, struct block_place at)
{
    return load_part(c, at.part) && at.place < c->view->head.n
               ? part_samples(&c->view->head, &c->view->head.entries[at.place])
               : 0;
}
