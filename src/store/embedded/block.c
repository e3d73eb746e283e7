#include "store/embedded/block_file.h"

#include "store/embedded/block_raw.h"
#include "store/embedded/names.h"

#include "base/crypto.h"
#include "base/log.h"
#include "base/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <zstd.h>

struct cached_directory {
    int64_t id;
    struct directory *directory; /* NULL: damaged */
    uint32_t number;             /* among those by name */
    bool numbered;
};

/* ---- names ---- */

void block_path(const char *dir, struct block_id id, char *text)
{
    time_t s = (time_t)(id.day * (DAY_MS / 1000));
    struct tm t;
    gmtime_r(&s, &t);
    char day[32];
    strftime(day, sizeof day, "%Y%m%d", &t);
    snprintf(text, BLOCK_PATH_MAX, "%s/%s-%" PRIu64 "-%" PRIu64 "-%u.db", dir, day, id.first,
             id.last, id.revision);
}

bool block_name_parse(struct span name, struct block_id *out)
{
    struct span part[4], rest = name;
    uint64_t n[4];
    if (!span_ends(name, SPAN(".db")))
        return false;
    rest.len -= 3;
    for (size_t i = 0; i < COUNT(part); i++)
        if (!span_next(&rest, '-', &part[i]) || !span_u64(part[i], &n[i]))
            return false;
    if (rest.len || part[0].len < 8 || n[3] > UINT32_MAX)
        return false;
    struct tm t = {.tm_year = (int)(n[0] / 10000 % 100000) - 1900,
                   .tm_mon = (int)(n[0] / 100 % 100) - 1,
                   .tm_mday = (int)(n[0] % 100)};
    *out = (struct block_id){timegm(&t) / (DAY_MS / 1000), n[1], n[2], (unsigned)n[3]};
    return true;
}

/* ---- opening ---- */

uint32_t block_head_crc(int64_t format, int64_t day, int64_t deletions)
{
    int64_t numbers[] = {format, day, deletions};
    return crc32c(0, numbers, sizeof numbers);
}

uint32_t block_part_crc(uint32_t crc, const struct block_part *p)
{
    uint64_t numbers[] = {p->instance.len,    (uint64_t)p->labels, p->series,
                          p->head_bytes,      p->samples,          p->bytes,
                          (uint64_t)p->min_t, (uint64_t)p->max_t};
    return crc32c(crc32c(crc, numbers, sizeof numbers), p->instance.at, p->instance.len);
}

static enum status damaged(const struct block *b, struct err *err, const char *what)
{
    return err_set(err, CORRUPT, "%s: %s", b->path, what);
}

static enum status load_parts(struct block *b, uint32_t *crc, struct err *err)
{
    auto_stmt *stmt = NULL;
    enum status st = sql_prepare(b->reader->db,
                                 "SELECT id, instance, labels, series, head_bytes, samples, bytes,"
                                 " min_t_ms, max_t_ms FROM part ORDER BY id",
                                 &stmt, err);
    size_t size = 0;
    while (!st && !(st = sql_step(stmt, err))) {
        if (b->n == size) {
            size = size * 2 + 16;
            b->parts = mem_grow(b->parts, size * sizeof *b->parts);
        }
        if (sqlite3_column_int64(stmt, 0) != (int64_t)b->n + 1)
            return damaged(b, err, "the numbers of the parts have a gap");
        struct block_part *p = &b->parts[b->n++];
        *p = (struct block_part){
            .instance = arena_span(&b->reader->arena, sql_text(stmt, 1)),
            .labels = sqlite3_column_int64(stmt, 2),
            .series = (uint32_t)sqlite3_column_int64(stmt, 3),
            .head_bytes = (uint32_t)sqlite3_column_int64(stmt, 4),
            .samples = (uint64_t)sqlite3_column_int64(stmt, 5),
            .bytes = (uint64_t)sqlite3_column_int64(stmt, 6),
            .min_t = sqlite3_column_int64(stmt, 7),
            .max_t = sqlite3_column_int64(stmt, 8),
        };
        *crc = block_part_crc(*crc, p);
    }
    return st == NOT_FOUND ? OK : st;
}

static enum status load(struct block *b, struct err *err)
{
    auto_stmt *stmt = NULL;
    /* no cache to speak of: what is read once is kept in a form of our own */
    enum status st = sql_run(b->reader->db, "PRAGMA cache_size = 16", err);
    if (!st)
        st = sql_prepare(b->reader->db,
                         "SELECT format, day, deletions, parts, parts_crc FROM block", &stmt, err);
    if (!st)
        st = sql_step(stmt, err);
    if (st == NOT_FOUND)
        return damaged(b, err, "the table block is empty");
    if (st)
        return st;
    int64_t format = sqlite3_column_int64(stmt, 0), day = sqlite3_column_int64(stmt, 1);
    b->deletions = sqlite3_column_int64(stmt, 2);
    uint32_t crc = block_head_crc(format, day, b->deletions);
    st = load_parts(b, &crc, err);
    if (st)
        return st;
    if (day != b->id.day || sqlite3_column_int64(stmt, 3) != (int64_t)b->n ||
        sqlite3_column_int64(stmt, 4) != (int64_t)crc)
        return damaged(b, err, "the tables block and part are not what was written");
    if (format != BLOCK_FORMAT)
        return err_set(err, UNSUPPORTED, "%s: has format %lld; this program reads %d", b->path,
                       (long long)format, BLOCK_FORMAT);
    return OK;
}

enum status block_open(struct disk *d, const char *path, struct block_id id, struct block **out,
                       struct err *err)
{
    struct block *b = mem_zero(1, sizeof *b);
    b->path = mem_dup(path);
    b->id = id;
    b->holders = 1;
    b->reader = mem_zero(1, sizeof *b->reader);
    pthread_mutex_init(&b->reader->lock, NULL);
    *out = NULL;
    enum status st = sql_open(d, path, SQLITE_OPEN_READONLY, &b->reader->db, err);
    if (!st)
        st = load(b, err);
    if (st) {
        block_release(b);
        return st;
    }
    for (size_t i = 0; i < b->n; i++) {
        const struct block_part *p = &b->parts[i];
        b->min_t = i ? MIN(b->min_t, p->min_t) : p->min_t;
        b->max_t = i ? MAX(b->max_t, p->max_t) : p->max_t;
        b->samples += p->samples;
    }
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    sqlite3_file_control(b->reader->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (file && file->pMethods)
        file->pMethods->xFileSize(file, &size);
    b->bytes = (uint64_t)size;
    b->reader->views = mem_zero(b->n, sizeof(struct part_view *));
    *out = b;
    return OK;
}

void block_hold(struct block *b)
{
    b->holders++;
}

static void free_names(struct by_names *names)
{
    if (!names)
        return;
    names_free(names->names);
    free(names->directories);
    free(names->of_part);
    free(names);
}

void block_release(struct block *b)
{
    if (!b || --b->holders)
        return;
    struct block_reader *r = b->reader;
    part_views_drop(b);
    raw_blobs_free(r->raw);
    free_names(r->names);
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&r->directories, &at));) {
        struct cached_directory *c = slot->value;
        directory_release(c->directory);
        free(c);
    }
    map_free(&r->directories);
    sqlite3_blob_close(r->blob);
    sql_close(r->db);
    arena_free(&r->arena);
    pthread_mutex_destroy(&r->lock);
    free(r->views);
    free(r);
    free(b->parts);
    free(b->path);
    free(b);
}

void block_complain(struct block *b, uint32_t part, const char *what)
{
    const struct block_part *p = &b->parts[part];
    if (!b->damaged++)
        log_error("%s: %s of %s cannot be read, the rest is served", b->path, what,
                  p->instance.len ? p->instance.at : "series without instance");
}

/* ---- directories ---- */

static struct directory *load_directory(struct block *b, const struct block_part *p)
{
    auto_stmt *stmt = NULL;
    if (sql_prepare(b->reader->db, "SELECT content, bytes, crc FROM labels WHERE id = ?", &stmt,
                    NULL))
        return NULL;
    sqlite3_bind_int64(stmt, 1, p->labels);
    if (sql_step(stmt, NULL))
        return NULL;
    struct span packed = sql_text(stmt, 0);
    int64_t bytes = sqlite3_column_int64(stmt, 1);
    if (bytes < 0 || bytes > DIRECTORY_MAX_BYTES)
        return NULL;
    auto_free char *text = mem_alloc((size_t)bytes + 1);
    size_t got = ZSTD_decompress(text, (size_t)bytes, packed.at, packed.len);
    if (ZSTD_isError(got) || got != (size_t)bytes ||
        crc32c(0, text, got) != (uint32_t)sqlite3_column_int64(stmt, 2))
        return NULL;
    return directory_parse(span_from(text, got), p->series);
}

/* The lock is held. */
static struct cached_directory *cached(struct block *b, const struct block_part *p)
{
    struct block_reader *r = b->reader;
    struct cached_directory *c = map_get(&r->directories, span_from(&p->labels, sizeof p->labels));
    if (c)
        return c;
    c = mem_zero(1, sizeof *c);
    c->id = p->labels;
    c->directory = load_directory(b, p);
    if (!c->directory)
        block_complain(b, (uint32_t)(p - b->parts), "the label directory");
    map_put(&r->directories, span_from(&c->id, sizeof c->id), c);
    return c;
}

/* NULL when nobody has asked for them. */
static struct by_names *names_known(const struct block *b)
{
    return __atomic_load_n(&b->reader->names, __ATOMIC_ACQUIRE);
}

/* Held once more; NULL when it is damaged. */
static struct directory *directory_of(struct block *b, const struct block_part *p)
{
    struct directory *d;
    const struct by_names *names = names_known(b);
    if (names) {
        d = names->directories[names->of_part[p - b->parts]];
    } else {
        pthread_mutex_lock(&b->reader->lock);
        d = cached(b, p)->directory;
        pthread_mutex_unlock(&b->reader->lock);
    }
    if (!d || d->n != p->series)
        return NULL;
    directory_hold(d);
    return d;
}

struct directory *block_directory(struct block *b, uint32_t part)
{
    return directory_of(b, &b->parts[part]);
}

/* The lock is held. */
static struct by_names *make_names(struct block *b)
{
    struct by_names *out = mem_zero(1, sizeof *out);
    out->directories = mem_zero(b->n, sizeof(struct directory *));
    out->of_part = mem_zero(b->n, sizeof *out->of_part);
    for (size_t i = 0; i < b->n; i++) {
        struct cached_directory *c = cached(b, &b->parts[i]);
        if (!c->numbered) {
            c->numbered = true;
            c->number = (uint32_t)out->n;
            out->directories[out->n++] = c->directory;
        }
        out->of_part[i] = c->number;
    }
    out->names = names_make(out->directories, out->n);
    return out;
}

static const struct by_names *names_of(struct block *b)
{
    struct block_reader *r = b->reader;
    pthread_mutex_lock(&r->lock);
    if (!r->names)
        __atomic_store_n(&r->names, make_names(b), __ATOMIC_RELEASE);
    pthread_mutex_unlock(&r->lock);
    return r->names;
}

/* ---- selecting ---- */

static bool about_instance(const struct matcher *m)
{
    return span_is(m->name, GROUP_LABEL);
}

/* The parts whose instance the matchers take; others are about the other labels. */
static bool instance_matches(const struct matcher *m, size_t n, struct span instance)
{
    for (size_t i = 0; i < n; i++)
        if (about_instance(&m[i]) && !matcher_value_matches(&m[i], instance))
            return false;
    return true;
}

/* The first part of an instance, or of the next one. */
static size_t first_part(const struct block *b, struct span instance)
{
    size_t low = 0, high = b->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (span_compare(b->parts[mid].instance, instance) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static uint64_t instance_hash(struct span instance)
{
    return instance.len ? pair_hash(SPAN(GROUP_LABEL), instance) : 0;
}

struct places {
    int64_t labels;
    uint32_t *at;
    size_t n;
    struct directory *directory;
};

/* The matchers that are not about the instance, and where the name among them stands. */
struct others {
    struct matcher *at;
    size_t n;
    const struct by_names *names; /* NULL: look into every directory */
    struct name_range *ranges;
};

/* Where in the part's directory the name stands. */
static const struct name_range *range_of(const struct block *b, const struct block_part *p,
                                         const struct others *others)
{
    return &others->ranges[others->names->of_part[p - b->parts]];
}

/* Many parts share a directory: what matched in it is kept from one to the next. */
static bool select_places(struct block *b, const struct block_part *p, const struct others *others,
                          struct arena *arena, struct places *places)
{
    if (places->directory && places->labels == p->labels)
        return true;
    directory_release(places->directory);
    places->directory = directory_of(b, p);
    places->labels = p->labels;
    const struct directory *d = places->directory;
    if (!d)
        return false;
    if (others->names) {
        const struct name_range *range = range_of(b, p, others);
        places->n = directory_select_in(d, range->first, range->n, others->at, others->n, arena,
                                        &places->at);
    } else {
        places->n = directory_select(d, others->at, others->n, arena, &places->at);
    }
    return true;
}

/* The matcher for one instance; NULL when there is none. */
static const struct matcher *one_instance(const struct matcher *matchers, size_t n)
{
    const struct matcher *exact = NULL;
    for (size_t i = 0; i < n; i++)
        if (about_instance(&matchers[i]) && matchers[i].kind == MATCH_EQUAL)
            exact = &matchers[i];
    return exact;
}

/* Takes the matchers apart; false when a name is asked for that the block does not have. The
 * first who asks for a name on all hosts has the names put in order: who asks for some hosts
 * should not have to wait until the directories of all of them are read. */
static bool prepare_others(struct block *b, const struct matcher *matchers, size_t n,
                           struct arena *arena, struct others *out)
{
    *out = (struct others){.at = ARENA_ARRAY(arena, struct matcher, n + 1)};
    for (size_t i = 0; i < n; i++)
        if (!about_instance(&matchers[i]))
            out->at[out->n++] = matchers[i];
    const struct matcher *name = matcher_of_name(out->at, out->n);
    if (!name || one_instance(matchers, n))
        return true; /* all names, or one directory */
    out->names = names_known(b);
    if (!out->names && out->n == n)
        out->names = names_of(b);
    if (out->names)
        out->ranges = names_find(out->names->names, name->value, arena);
    return !out->names || out->ranges;
}

size_t block_select(struct block *b, const struct matcher *matchers, size_t n, int64_t start,
                    int64_t end, struct arena *arena, struct block_match **out)
{
    const struct matcher *exact = one_instance(matchers, n);
    struct others others;
    struct places places = {0};
    size_t found = 0, size = 0;
    *out = NULL;
    if (!prepare_others(b, matchers, n, arena, &others))
        return 0;
    for (size_t i = exact ? first_part(b, exact->value) : 0; i < b->n; i++) {
        const struct block_part *p = &b->parts[i];
        if (exact && !span_eq(p->instance, exact->value))
            break;
        if (p->min_t > end || p->max_t < start || (others.names && !range_of(b, p, &others)->n) ||
            !instance_matches(matchers, n, p->instance) ||
            !select_places(b, p, &others, arena, &places))
            continue;
        if (found + places.n > size) {
            size_t want = (found + places.n) * 2;
            *out = arena_grow(arena, *out, size * sizeof **out, want * sizeof **out);
            size = want;
        }
        uint64_t hash = instance_hash(p->instance);
        for (size_t k = 0; k < places.n; k++)
            (*out)[found++] = (struct block_match){
                {(uint32_t)i, places.at[k]},
                hash + places.directory->hashes[places.at[k]],
            };
    }
    directory_release(places.directory);
    return found;
}

int64_t block_instance_max(const struct block *b, struct span instance)
{
    int64_t max = INT64_MIN;
    for (size_t i = first_part(b, instance); i < b->n && span_eq(b->parts[i].instance, instance);
         i++)
        max = MAX(max, b->parts[i].max_t);
    return max;
}

static void directory_values(const struct directory *d, struct span name,
                             void (*fn)(void *arg, struct span value), void *arg)
{
    for (size_t i = 0; i < d->n; i++) {
        struct span value = name.len ? labels_get(d->series[i], name) : (struct span){0};
        if (value.at)
            fn(arg, value);
        for (size_t k = 0; !name.len && k < d->series[i].n; k++)
            fn(arg, d->series[i].at[k].name);
    }
}

void block_values(struct block *b, struct span name, int64_t start, int64_t end,
                  void (*fn)(void *arg, struct span value), void *arg)
{
    bool instances = span_is(name, GROUP_LABEL);
    int64_t done = 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct block_part *p = &b->parts[i];
        if (p->min_t > end || p->max_t < start)
            continue;
        if (p->instance.len && (instances || !name.len))
            fn(arg, instances ? p->instance : SPAN(GROUP_LABEL));
        if (instances || p->labels == done)
            continue;
        struct directory *d = directory_of(b, p);
        if (d)
            directory_values(d, name, fn, arg);
        directory_release(d);
        done = p->labels;
    }
}

bool block_find(struct block *b, struct labels labels, struct block_place *out)
{
    struct label rest[LABELS_MAX];
    struct span instance = labels_get(labels, SPAN(GROUP_LABEL));
    size_t n = 0;
    instance = instance.at ? instance : SPAN("");
    for (size_t i = 0; i < labels.n; i++)
        if (!span_is(labels.at[i].name, GROUP_LABEL))
            rest[n++] = labels.at[i];
    for (size_t i = first_part(b, instance); i < b->n && span_eq(b->parts[i].instance, instance);
         i++) {
        struct directory *d = directory_of(b, &b->parts[i]);
        size_t place = d ? directory_find(d, (struct labels){rest, n}) : 0;
        bool found = d && place < d->n;
        directory_release(d);
        if (found) {
            *out = (struct block_place){(uint32_t)i, (uint32_t)place};
            return true;
        }
    }
    return false;
}

struct labels block_labels(struct block *b, struct block_place at, struct arena *arena)
{
    const struct block_part *p = &b->parts[at.part];
    struct directory *d = directory_of(b, p);
    if (!d || at.place >= d->n) {
        directory_release(d);
        return (struct labels){0};
    }
    struct labels own = d->series[at.place];
    struct label *all = arena_alloc(arena, (own.n + 1) * sizeof *all);
    memcpy(all, own.at, own.n * sizeof *all);
    if (p->instance.len)
        all[own.n] = (struct label){SPAN(GROUP_LABEL), p->instance};
    size_t n = own.n + (p->instance.len != 0);
    (void)labels_sort(all, n);
    struct labels copy = labels_dup(arena, (struct labels){all, n});
    directory_release(d);
    return copy;
}
