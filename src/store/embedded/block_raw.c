#include "store/embedded/block_raw.h"

#include "base/arena.h"
#include "store/embedded/sql.h"

#include <stdlib.h>

enum {
    HEADER_BYTES = 100, /* of the file, before the first page's own */
    PAGE_INTERIOR = 5,
    PAGE_LEAF = 13,
    DEPTH_MAX = 8,
    LINK_BYTES = 4, /* at the start of an overflow page: the number of the next */
};

struct raw_blob {
    uint64_t at;              /* of its first bytes in the file */
    uint32_t local, overflow; /* how many they are; the page where the others begin */
    uint64_t bytes;
};

struct raw_blobs {
    sqlite3_file *file;
    size_t page_size, n, found, pages; /* pages: gone through */
    struct raw_blob blobs[];
};

static bool read_at(const struct raw_blobs *r, uint64_t at, size_t n, void *out)
{
    return r->file->pMethods->xRead(r->file, out, (int)n, (sqlite3_int64)at) == SQLITE_OK;
}

static uint32_t big16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t big32(const uint8_t *at)
{
    return big16(at) << 16 | big16(at + 2);
}

/* SQLite's varint: seven bits a byte, the highest first; the ninth byte has eight. */
static const uint8_t *get_number(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (int i = 0; at && at < end && i < 9; i++) {
        uint8_t c = *at++;
        *out = i == 8 ? *out << 8 | c : *out << 7 | (c & 127);
        if (c < 128 || i == 8)
            return at;
    }
    return NULL;
}

/* How many bytes of a row stay in the leaf: section 1.6 of the format. */
static uint64_t local_bytes(uint64_t payload, uint64_t usable)
{
    uint64_t most = usable - 35, least = (usable - 12) * 32 / 255 - 23;
    uint64_t rest = least + (payload - least) % (usable - LINK_BYTES);
    return payload <= most ? payload : rest <= most ? rest : least;
}

/* A row of the table: a header of two columns, the id that is kept elsewhere and the blob. */
static bool take_cell(struct raw_blobs *r, const uint8_t *page, uint64_t page_at, size_t cell)
{
    const uint8_t *end = page + r->page_size;
    uint64_t payload, id, header, id_kind, blob_kind;
    const uint8_t *row = get_number(get_number(page + cell, end, &payload), end, &id);
    const uint8_t *at = get_number(row, end, &header);
    at = get_number(get_number(at, end, &id_kind), end, &blob_kind);
    if (!at || at != row + header || id_kind || blob_kind < 12 || blob_kind % 2 || !id ||
        id > r->n || payload != header + (blob_kind - 12) / 2)
        return false;
    uint64_t local = local_bytes(payload, r->page_size);
    bool more = local < payload;
    if (local < header || (uint64_t)(end - row) < local + (more ? LINK_BYTES : 0))
        return false;
    r->found++;
    r->blobs[id - 1] = (struct raw_blob){
        .at = page_at + (uint64_t)(at - page),
        .local = (uint32_t)(local - header),
        .overflow = more ? big32(row + local) : 0,
        .bytes = payload - header,
    };
    return true;
}

static bool walk(struct raw_blobs *r, uint32_t number, int depth)
{
    if (!number || depth > DEPTH_MAX || ++r->pages > 2 * r->n + DEPTH_MAX) /* each has a cell */
        return false;
    uint64_t page_at = (uint64_t)(number - 1) * r->page_size;
    auto_free uint8_t *page = mem_alloc(r->page_size);
    if (!read_at(r, page_at, r->page_size, page))
        return false;
    size_t head = number == 1 ? HEADER_BYTES : 0, cells = big16(page + head + 3);
    bool leaf = page[head] == PAGE_LEAF;
    size_t first = head + (leaf ? 8 : 12);
    if ((!leaf && page[head] != PAGE_INTERIOR) || first + cells * 2 > r->page_size)
        return false;
    for (size_t i = 0; i < cells; i++) {
        size_t cell = big16(page + first + i * 2);
        if (cell + LINK_BYTES > r->page_size ||
            !(leaf ? take_cell(r, page, page_at, cell) : walk(r, big32(page + cell), depth + 1)))
            return false;
    }
    return leaf || walk(r, big32(page + head + 8), depth + 1);
}

static bool root_of(sqlite3 *db, uint32_t *root)
{
    auto_stmt *stmt = NULL;
    if (sql_prepare(db, "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = 'data'",
                    &stmt, NULL) ||
        sql_step(stmt, NULL))
        return false;
    *root = (uint32_t)sqlite3_column_int64(stmt, 0);
    return true;
}

struct raw_blobs *raw_blobs_open(sqlite3 *db, size_t parts)
{
    uint8_t head[HEADER_BYTES];
    uint32_t root;
    struct raw_blobs *r = mem_zero(1, sizeof *r + parts * sizeof *r->blobs);
    r->n = parts;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &r->file);
    bool ok = r->file && r->file->pMethods && read_at(r, 0, sizeof head, head) &&
              !memcmp(head, "SQLite format 3", 16) && root_of(db, &root);
    if (ok) {
        r->page_size = big16(head + 16) == 1 ? 65536 : big16(head + 16);
        ok = head[20] == 0 /* nothing reserved at the end of pages */ && r->page_size >= 512 &&
             walk(r, root, 0) && r->found == parts;
    }
    if (ok)
        return r;
    raw_blobs_free(r);
    return NULL;
}

void raw_blobs_free(struct raw_blobs *r)
{
    free(r);
}

/* Reads from the pages that follow the first one, and takes the links out. */
static bool read_overflow(const struct raw_blobs *r, const struct raw_blob *b, uint64_t at,
                          size_t n, char *to)
{
    size_t each = r->page_size - LINK_BYTES, skip = (size_t)(at % each);
    uint64_t page = b->overflow + at / each;
    size_t links = (skip + n - 1) / each; /* that lie in between */
    if (!read_at(r, (page - 1) * r->page_size + LINK_BYTES + skip, n + links * LINK_BYTES, to))
        return false;
    size_t done = each - skip;
    for (size_t i = 1; i <= links; i++, done += each) {
        memmove(to + done, to + done + i * LINK_BYTES, MIN(each, n - done));
    }
    return true;
}

bool raw_blob_read(const struct raw_blobs *r, uint32_t part, size_t at, size_t n, struct buf *to,
                   const char **out)
{
    const struct raw_blob *b = &r->blobs[part];
    size_t local = at < b->local ? MIN(n, b->local - at) : 0;
    buf_clear(to);
    char *bytes = buf_reserve(to, n + (n / (r->page_size - LINK_BYTES) + 2) * LINK_BYTES);
    *out = bytes;
    if (!bytes || at + n > b->bytes || (n > local && !b->overflow))
        return false;
    return (!local || read_at(r, b->at + at, local, bytes)) &&
           (n == local || read_overflow(r, b, at + local - b->local, n - local, bytes + local));
}
