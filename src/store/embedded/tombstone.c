#include "store/embedded/tombstone.h"

#include "store/embedded/sql.h"

#include "base/arena.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

struct tombstones {
    _Atomic size_t holders;
    struct arena arena;
    struct tombstone *at;
    size_t n;
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS deletion(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " gen INTEGER, start_ms INTEGER, end_ms INTEGER);"
    "CREATE TABLE IF NOT EXISTS matcher(deletion INTEGER, place INTEGER,"
    " kind TEXT, name TEXT, value TEXT)";
static const char *const kinds[] = {
    [MATCH_EQUAL] = "=", [MATCH_NOT_EQUAL] = "!=", [MATCH_REGEX] = "=~", [MATCH_NOT_REGEX] = "!~"};

void tombstones_hold(struct tombstones *t)
{
    if (t)
        t->holders++;
}

void tombstones_release(struct tombstones *t)
{
    if (!t || --t->holders)
        return;
    for (size_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < t->at[i].n; k++)
            matcher_free(&t->at[i].matchers[k]);
    arena_free(&t->arena);
    free(t);
}

const struct tombstone *tombstones_list(const struct tombstones *t, size_t *n)
{
    *n = t ? t->n : 0;
    return t ? t->at : NULL;
}

/* ---- reading ---- */

static enum status load_matchers(sqlite3 *db, struct tombstones *t, struct tombstone *own,
                                 struct err *err)
{
    auto_stmt *stmt = NULL;
    enum status st = sql_prepare(db,
                                 "SELECT kind, name, value FROM matcher WHERE deletion = ?"
                                 " ORDER BY place",
                                 &stmt, err);
    if (st)
        return st;
    sqlite3_bind_int64(stmt, 1, own->id);
    while (!(st = sql_step(stmt, err))) {
        size_t kind = 0;
        while (kind < COUNT(kinds) && !span_is(sql_text(stmt, 0), kinds[kind]))
            kind++;
        if (kind == COUNT(kinds))
            return err_set(err, CORRUPT, "deleted.db: an unknown kind of matcher");
        own->matchers = arena_grow(&t->arena, own->matchers, own->n * sizeof *own->matchers,
                                   (own->n + 1) * sizeof *own->matchers);
        st = matcher_init(&own->matchers[own->n], (enum matcher_kind)kind,
                          arena_span(&t->arena, sql_text(stmt, 1)),
                          arena_span(&t->arena, sql_text(stmt, 2)), err);
        if (st)
            return err_prefix(err, "deleted.db");
        own->n++;
    }
    return st == NOT_FOUND ? OK : st;
}

static enum status load_all(sqlite3 *db, struct tombstones *t, struct err *err)
{
    auto_stmt *stmt = NULL;
    enum status st =
        sql_prepare(db, "SELECT id, gen, start_ms, end_ms FROM deletion ORDER BY id", &stmt, err);
    if (st)
        return st;
    while (!(st = sql_step(stmt, err))) {
        t->at = arena_grow(&t->arena, t->at, t->n * sizeof *t->at, (t->n + 1) * sizeof *t->at);
        struct tombstone *own = &t->at[t->n++];
        *own = (struct tombstone){
            .id = sqlite3_column_int64(stmt, 0),
            .gen = (uint64_t)sqlite3_column_int64(stmt, 1),
            .start_ms = sqlite3_column_int64(stmt, 2),
            .end_ms = sqlite3_column_int64(stmt, 3),
        };
        st = load_matchers(db, t, own, err);
        if (st)
            return st;
    }
    return st == NOT_FOUND ? OK : st;
}

static enum status open_db(struct disk *d, const char *dir, int flags, sqlite3 **db,
                           struct err *err)
{
    size_t size = strlen(dir) + sizeof "/deleted.db";
    auto_free char *path = mem_alloc(size);
    snprintf(path, size, "%s/deleted.db", dir);
    if (!(flags & SQLITE_OPEN_CREATE) && access(path, F_OK))
        return NOT_FOUND;
    enum status st = sql_open(d, path, flags, db, err);
    if (!st)
        st = sql_run(*db, "PRAGMA synchronous = EXTRA; PRAGMA temp_store = MEMORY", err);
    if (!st && flags & SQLITE_OPEN_CREATE)
        st = sql_run(*db, schema, err);
    return st;
}

static enum status read_set(sqlite3 *db, struct tombstones **out, struct err *err)
{
    struct tombstones *t = mem_zero(1, sizeof *t);
    t->holders = 1;
    enum status st = load_all(db, t, err);
    if (st) {
        tombstones_release(t);
        t = NULL;
    }
    *out = t;
    return st;
}

enum status tombstones_load(struct disk *d, const char *dir, struct tombstones **out,
                            struct err *err)
{
    sqlite3 *db = NULL;
    *out = NULL;
    /* writable, so that what a crash left half done is rolled back */
    enum status st = open_db(d, dir, SQLITE_OPEN_READWRITE, &db, err);
    if (st == NOT_FOUND) {
        *out = mem_zero(1, sizeof **out);
        (*out)->holders = 1;
        return OK;
    }
    if (!st)
        st = read_set(db, out, err);
    sql_close(db);
    return st;
}

/* ---- writing ---- */

static enum status insert_matcher(sqlite3 *db, int64_t id, const struct tombstone *t, size_t i,
                                  struct err *err)
{
    auto_stmt *stmt = NULL;
    enum status st = sql_prepare(db, "INSERT INTO matcher VALUES(?, ?, ?, ?, ?)", &stmt, err);
    if (st)
        return st;
    const struct matcher *m = &t->matchers[i];
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, (int64_t)i);
    sqlite3_bind_text(stmt, 3, kinds[m->kind], -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, m->name.at, (int)m->name.len, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 5, m->value.len ? m->value.at : "", (int)m->value.len, SQLITE_STATIC);
    st = sql_step(stmt, err);
    return st == NOT_FOUND ? OK : st;
}

static enum status insert(sqlite3 *db, const struct tombstone *t, struct err *err)
{
    auto_stmt *stmt = NULL;
    enum status st =
        sql_prepare(db, "INSERT INTO deletion(gen, start_ms, end_ms) VALUES(?, ?, ?)", &stmt, err);
    if (st)
        return st;
    sqlite3_bind_int64(stmt, 1, (int64_t)t->gen);
    sqlite3_bind_int64(stmt, 2, t->start_ms);
    sqlite3_bind_int64(stmt, 3, t->end_ms);
    st = sql_step(stmt, err);
    if (st != NOT_FOUND)
        return st;
    int64_t id = sqlite3_last_insert_rowid(db);
    st = OK;
    for (size_t i = 0; !st && i < t->n; i++)
        st = insert_matcher(db, id, t, i, err);
    return st;
}

static enum status remove_one(sqlite3 *db, int64_t id, struct err *err)
{
    static const char *const both[] = {"DELETE FROM deletion WHERE id = ?",
                                       "DELETE FROM matcher WHERE deletion = ?"};
    for (size_t i = 0; i < COUNT(both); i++) {
        auto_stmt *stmt = NULL;
        enum status st = sql_prepare(db, both[i], &stmt, err);
        if (st)
            return st;
        sqlite3_bind_int64(stmt, 1, id);
        st = sql_step(stmt, err);
        if (st != NOT_FOUND)
            return st;
    }
    return OK;
}

static enum status change(struct disk *d, const char *dir, const struct tombstone *added,
                          const int64_t *gone, size_t n, struct tombstones **out, struct err *err)
{
    sqlite3 *db = NULL;
    *out = NULL;
    enum status st = open_db(d, dir, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, err);
    if (!st)
        st = sql_run(db, "BEGIN IMMEDIATE", err);
    if (!st && added)
        st = insert(db, added, err);
    for (size_t i = 0; !st && i < n; i++)
        st = remove_one(db, gone[i], err);
    if (!st)
        st = sql_run(db, "COMMIT", err);
    if (!st)
        st = read_set(db, out, err);
    sql_close(db);
    return st;
}

enum status tombstones_add(struct disk *d, const char *dir, const struct tombstone *added,
                           struct tombstones **out, struct err *err)
{
    return change(d, dir, added, NULL, 0, out, err);
}

enum status tombstones_drop(struct disk *d, const char *dir, const int64_t *gone, size_t n,
                            struct tombstones **out, struct err *err)
{
    return change(d, dir, NULL, gone, n, out, err);
}
