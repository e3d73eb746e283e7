/* JSON documents with versions: silences, thresholds, channels, routes, rule files. */
#include "record/alerts.h"

#include "record/record_state.h"

#define COLUMNS "SELECT id, version, kind, name, json, changed_by, changed_ms FROM documents "

static void read_row(struct db_rows *rows, struct arena *arena, struct document_row *d)
{
    *d = (struct document_row){
        .id = db_i64(rows, 0),
        .version = db_i64(rows, 1),
        .kind = db_text(rows, 2, arena),
        .name = db_text(rows, 3, arena),
        .json = db_text(rows, 4, arena),
        .changed_by = db_text(rows, 5, arena),
        .changed_ms = db_i64(rows, 6),
    };
}

enum status record_documents(struct record *r, struct span kind, struct arena *arena,
                             struct document_row **out, size_t *n, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct document_row *all = NULL;
    size_t count = 0, size = 0;
    struct db_rows rows;
    db_select(r->db, &rows, err, COLUMNS "WHERE kind = ?1 ORDER BY id", "t", kind);
    while (db_next(&rows)) {
        RECORD_GROW(arena, all, count, size);
        read_row(&rows, arena, &all[count++]);
    }
    *out = all;
    *n = count;
    return db_end(&rows);
}

static enum status find(struct db *db, struct span kind, int64_t id, struct span name,
                        struct arena *arena, struct document_row *out, struct err *err)
{
    struct db_rows rows;
    db_select(db, &rows, err, COLUMNS "WHERE kind = ?1 AND (id = ?2 OR (?2 = 0 AND name = ?3))",
              "tit", kind, id, name.at ? name : SPAN(""));
    bool found = db_next(&rows);
    if (found)
        read_row(&rows, arena, out);
    enum status st = db_end(&rows);
    if (st || found)
        return st;
    return id ? err_set(err, NOT_FOUND, "there is no %.*s %lld", SPAN_ARG(kind), (long long)id)
              : err_set(err, NOT_FOUND, "there is no %.*s \"%.*s\"", SPAN_ARG(kind),
                        (int)MIN(name.len, (size_t)80), name.at);
}

enum status record_document(struct record *r, struct span kind, int64_t id, struct span name,
                            struct arena *arena, struct document_row *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    return find(r->db, kind, id, name, arena, out, err);
}

static enum status count(struct db *db, struct span kind, size_t *out, struct err *err)
{
    struct db_rows rows;
    db_select(db, &rows, err, "SELECT count(*) FROM documents WHERE kind = ?1", "t", kind);
    *out = db_next(&rows) ? (size_t)db_i64(&rows, 0) : 0;
    return db_end(&rows);
}

static enum status add(struct db *db, struct document_row *d, size_t most, struct err *err)
{
    auto_arena arena = {0};
    struct document_row other;
    size_t there;
    enum status st = find(db, d->kind, 0, d->name, &arena, &other, NULL);
    if (!st)
        return err_set(err, EXISTS, "there is a %.*s \"%.*s\" already", SPAN_ARG(d->kind),
                       SPAN_ARG(d->name));
    st = count(db, d->kind, &there, err);
    if (!st && there >= most)
        st = err_set(err, FULL, "there are %zu of kind %.*s already", there, SPAN_ARG(d->kind));
    if (!st)
        st = db_run(db, err,
                    "INSERT INTO documents (version, kind, name, json, changed_by, changed_ms)"
                    " VALUES (1, ?1, ?2, ?3, ?4, ?5)",
                    "tttti", d->kind, d->name, d->json, d->changed_by, d->changed_ms);
    d->id = db_last_id(db);
    d->version = 1;
    return st;
}

static enum status replace(struct db *db, struct document_row *d, int64_t expected, struct err *err)
{
    auto_arena arena = {0};
    struct document_row old = {0}, other = {0};
    enum status st = find(db, d->kind, d->id, SPAN(""), &arena, &old, err);
    if (st)
        return st;
    if (expected >= 0 && old.version != expected)
        return err_set(err, EXISTS, "it has been changed by %.*s since: it is at version %lld",
                       SPAN_ARG(old.changed_by), (long long)old.version);
    if (!find(db, d->kind, 0, d->name, &arena, &other, NULL) && other.id != d->id)
        return err_set(err, EXISTS, "there is another %.*s \"%.*s\"", SPAN_ARG(d->kind),
                       SPAN_ARG(d->name));
    d->version = old.version + 1;
    return db_run(db, err,
                  "UPDATE documents SET version = ?2, name = ?3, json = ?4, changed_by = ?5,"
                  " changed_ms = ?6 WHERE id = ?1",
                  "iittti", d->id, d->version, d->name, d->json, d->changed_by, d->changed_ms);
}

enum status record_document_put(struct record *r, struct document_row *d, int64_t expected,
                                size_t most, struct err *err)
{
    if (d->json.len > ALERT_DOCUMENT_MAX_BYTES)
        return err_set(err, FULL, "longer than %d bytes", ALERT_DOCUMENT_MAX_BYTES);
    if (!d->name.len || d->name.len > RECORD_NAME_MAX_BYTES)
        return err_set(err, INVALID, "a name has 1 to %d bytes", RECORD_NAME_MAX_BYTES);
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    if (st)
        return st;
    return db_finish(r->db, d->id ? replace(r->db, d, expected, err) : add(r->db, d, most, err),
                     err);
}

enum status record_document_delete(struct record *r, struct span kind, int64_t id, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st =
        db_run(r->db, err, "DELETE FROM documents WHERE kind = ?1 AND id = ?2", "ti", kind, id);
    if (!st && !db_changes(r->db))
        return err_set(err, NOT_FOUND, "there is no %.*s %lld", SPAN_ARG(kind), (long long)id);
    return st;
}
