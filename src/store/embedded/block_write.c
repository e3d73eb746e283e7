#include "store/embedded/block_file.h"

#include "base/crypto.h"
#include "base/map.h"

#include <fcntl.h>
#include <stdio.h>
#include <zstd.h>

enum { DIRECTORY_LEVEL = 9, PART_TARGET_BYTES = 32 << 20 };

const char block_schema[] =
    "CREATE TABLE block(format INTEGER, day INTEGER, first_gen INTEGER, last_gen INTEGER,"
    " samples INTEGER, min_t_ms INTEGER, max_t_ms INTEGER, parts INTEGER, parts_crc INTEGER,"
    " deletions INTEGER);"
    "CREATE TABLE part(id INTEGER PRIMARY KEY, instance TEXT, labels INTEGER, series INTEGER,"
    " head_bytes INTEGER, samples INTEGER, bytes INTEGER, min_t_ms INTEGER, max_t_ms INTEGER);"
    "CREATE TABLE labels(id INTEGER PRIMARY KEY, bytes INTEGER, crc INTEGER, content BLOB);"
    "CREATE TABLE data(id INTEGER PRIMARY KEY, content BLOB)";

struct known_directory {
    uint8_t digest[SHA256_BYTES];
    int64_t id;
};

struct block_writer {
    struct disk *disk;
    char *dir, path[BLOCK_PATH_MAX], temporary[BLOCK_PATH_MAX + 8];
    struct block_id id;
    sqlite3 *db;
    sqlite3_stmt *put_part, *put_labels, *put_data;
    struct map directories; /* digest -> struct known_directory */
    int64_t directories_n;
    struct part_builder part;
    struct buf instance, labels, data;
    struct arena arena; /* the labels before */
    struct labels before;
    uint32_t parts, crc;
    uint64_t samples;
    int64_t min_t, max_t, deletions;
};

enum status block_writer_open(struct disk *d, const char *dir, struct block_id id,
                              enum chunk_style style, int64_t deletions, struct block_writer **out,
                              struct err *err)
{
    struct block_writer *w = mem_zero(1, sizeof *w);
    w->disk = d;
    w->dir = mem_dup(dir);
    w->id = id;
    w->deletions = deletions;
    w->crc = block_head_crc(BLOCK_FORMAT, id.day, deletions);
    w->part.style = style;
    block_path(dir, id, w->path);
    snprintf(w->temporary, sizeof w->temporary, "%s.new", w->path);
    d->unlink(d, w->temporary); /* of a run that was interrupted */
    enum status st =
        sql_open(d, w->temporary, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &w->db, err);
    /* The file has no name yet: a crash leaves nothing that must be rolled back. */
    if (!st)
        st = sql_run(w->db,
                     "PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE;"
                     "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                     "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024; BEGIN",
                     err);
    if (!st)
        st = sql_run(w->db, block_schema, err);
    if (!st)
        st = sql_prepare(w->db, "INSERT INTO part VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", &w->put_part,
                         err);
    if (!st)
        st = sql_prepare(w->db, "INSERT INTO labels VALUES(?, ?, ?, ?)", &w->put_labels, err);
    if (!st)
        st = sql_prepare(w->db, "INSERT INTO data VALUES(?, ?)", &w->put_data, err);
    *out = st ? NULL : w;
    if (st)
        block_writer_abandon(w);
    return st;
}

static void close_db(struct block_writer *w)
{
    sqlite3_finalize(w->put_part);
    sqlite3_finalize(w->put_labels);
    sqlite3_finalize(w->put_data);
    w->put_part = w->put_labels = w->put_data = NULL;
    sql_close(w->db);
    w->db = NULL;
}

static void free_writer(struct block_writer *w)
{
    close_db(w);
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&w->directories, &at));)
        free(slot->value);
    map_free(&w->directories);
    part_builder_free(&w->part);
    buf_free(&w->instance);
    buf_free(&w->labels);
    buf_free(&w->data);
    arena_free(&w->arena);
    free(w->dir);
    free(w);
}

void block_writer_abandon(struct block_writer *w)
{
    if (!w)
        return;
    close_db(w);
    w->disk->unlink(w->disk, w->temporary);
    free_writer(w);
}

/* ---- parts ---- */

static enum status finish_insert(sqlite3_stmt *stmt, struct err *err)
{
    enum status st = sql_step(stmt, err);
    sqlite3_reset(stmt);
    return st == NOT_FOUND ? OK : st;
}

/* Writes the directory unless an equal one is there; *id is its number. */
static enum status put_directory(struct block_writer *w, int64_t *id, struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    sha256(buf_view(&w->labels), digest);
    struct known_directory *known = map_get(&w->directories, span_from(digest, sizeof digest));
    if (known) {
        *id = known->id;
        return OK;
    }
    known = mem_zero(1, sizeof *known);
    memcpy(known->digest, digest, sizeof digest);
    *id = known->id = ++w->directories_n;
    map_put(&w->directories, span_from(known->digest, sizeof known->digest), known);
    size_t room = ZSTD_compressBound(w->labels.len);
    auto_free char *packed = mem_alloc(room);
    size_t n = ZSTD_compress(packed, room, w->labels.at, w->labels.len, DIRECTORY_LEVEL);
    if (ZSTD_isError(n))
        return err_set(err, IO_FAILED, "zstd: %s", ZSTD_getErrorName(n));
    sqlite3_bind_int64(w->put_labels, 1, *id);
    sqlite3_bind_int64(w->put_labels, 2, (int64_t)w->labels.len);
    sqlite3_bind_int64(w->put_labels, 3, crc32c(0, w->labels.at, w->labels.len));
    sqlite3_bind_blob64(w->put_labels, 4, packed, n, SQLITE_STATIC);
    return finish_insert(w->put_labels, err);
}

static enum status put_rows(struct block_writer *w, const struct block_part *p, struct err *err)
{
    int64_t row = w->parts;
    sqlite3_bind_int64(w->put_part, 1, row);
    sqlite3_bind_text(w->put_part, 2, p->instance.len ? p->instance.at : "", (int)p->instance.len,
                      SQLITE_STATIC);
    sqlite3_bind_int64(w->put_part, 3, p->labels);
    sqlite3_bind_int64(w->put_part, 4, p->series);
    sqlite3_bind_int64(w->put_part, 5, p->head_bytes);
    sqlite3_bind_int64(w->put_part, 6, (int64_t)p->samples);
    sqlite3_bind_int64(w->put_part, 7, (int64_t)p->bytes);
    sqlite3_bind_int64(w->put_part, 8, p->min_t);
    sqlite3_bind_int64(w->put_part, 9, p->max_t);
    enum status st = finish_insert(w->put_part, err);
    if (st)
        return st;
    sqlite3_bind_int64(w->put_data, 1, row);
    sqlite3_bind_blob64(w->put_data, 2, w->data.at, w->data.len, SQLITE_STATIC);
    return finish_insert(w->put_data, err);
}

static enum status end_part(struct block_writer *w, struct err *err)
{
    if (!w->part.series)
        return OK;
    struct block_part p = {
        .instance = buf_view(&w->instance),
        .series = (uint32_t)w->part.series,
        .samples = w->part.samples,
        .min_t = w->part.min_t,
        .max_t = w->part.max_t,
    };
    size_t head_bytes;
    enum status st = put_directory(w, &p.labels, err);
    if (st)
        return st;
    buf_clear(&w->data);
    part_finish(&w->part, w->parts++, &w->data, &head_bytes);
    p.head_bytes = (uint32_t)head_bytes;
    p.bytes = w->data.len;
    w->min_t = w->samples ? MIN(w->min_t, p.min_t) : p.min_t;
    w->max_t = w->samples ? MAX(w->max_t, p.max_t) : p.max_t;
    w->samples += p.samples;
    w->crc = block_part_crc(w->crc, &p);
    buf_clear(&w->labels);
    arena_reset(&w->arena);
    w->before = (struct labels){0};
    return put_rows(w, &p, err);
}

enum status block_writer_add(struct block_writer *w, struct span instance, struct labels labels,
                             const int64_t *t, const double *v, size_t n, struct err *err)
{
    if (!n)
        return OK;
    if (w->part.series &&
        (!span_eq(buf_view(&w->instance), instance) || w->part.series == PART_MAX_SERIES ||
         w->part.sections.len > PART_TARGET_BYTES)) {
        enum status st = end_part(w, err);
        if (st)
            return st;
    }
    if (!w->part.series) {
        buf_clear(&w->instance);
        buf_span(&w->instance, instance);
    }
    w->labels.max = SIZE_MAX;
    directory_put(&w->labels, w->before, labels);
    w->before = labels_dup(&w->arena, labels);
    part_add(&w->part, w->parts, t, v, n);
    return OK;
}

/* ---- the end ---- */

static enum status put_block(struct block_writer *w, struct err *err)
{
    auto_stmt *stmt = NULL;
    enum status st =
        sql_prepare(w->db, "INSERT INTO block VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &stmt, err);
    if (st)
        return st;
    int64_t values[] = {
        BLOCK_FORMAT,
        w->id.day,
        (int64_t)w->id.first,
        (int64_t)w->id.last,
        (int64_t)w->samples,
        w->min_t,
        w->max_t,
        w->parts,
        w->crc,
        w->deletions,
    };
    for (int i = 0; i < (int)COUNT(values); i++)
        sqlite3_bind_int64(stmt, i + 1, values[i]);
    return finish_insert(stmt, err);
}

/* Under its own name only when every byte is on the disk. */
static enum status make_durable(struct block_writer *w, struct err *err)
{
    int fd;
    enum status st = disk_open(w->disk, w->temporary, O_RDWR, &fd, err);
    if (st)
        return st;
    st = disk_sync(w->disk, fd, w->temporary, err);
    w->disk->close(w->disk, fd);
    if (!st)
        st = disk_rename(w->disk, w->temporary, w->path, err);
    if (!st) {
        st = disk_sync_dir(w->disk, w->dir, err);
        if (st)
            w->disk->unlink(w->disk, w->path);
    }
    return st;
}

enum status block_writer_finish(struct block_writer *w, struct block **out, struct err *err)
{
    *out = NULL;
    enum status st = end_part(w, err);
    bool empty = !st && !w->parts;
    if (!st && !empty)
        st = put_block(w, err);
    if (!st && !empty)
        st = sql_run(w->db, "COMMIT", err);
    close_db(w);
    if (!st && !empty)
        st = make_durable(w, err);
    if (!st && !empty)
        st = block_open(w->disk, w->path, w->id, out, err);
    if (st || empty)
        w->disk->unlink(w->disk, w->temporary);
    free_writer(w);
    return st;
}
