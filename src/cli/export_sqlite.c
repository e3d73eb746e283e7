#include "cli/export_sqlite.h"

#include "base/buf.h"
#include "base/json.h"
#include "exchange/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

struct export_sqlite {
    const char *path; /* the caller's */
    sqlite3 *db;
    sqlite3_stmt *find, *add, *sample;
    struct importer *in;
    struct buf labels, before; /* JSON of the series at hand, of the one of series_id */
    int64_t series_id;
};

static const char schema[] =
    "PRAGMA journal_mode = OFF;" /* a file that was not finished is removed */
    "CREATE TABLE series(id INTEGER PRIMARY KEY, name TEXT NOT NULL, instance TEXT NOT NULL,"
    " labels TEXT NOT NULL UNIQUE);"
    "CREATE TABLE samples(series_id INTEGER NOT NULL REFERENCES series(id),"
    " t_ms INTEGER NOT NULL, value REAL, PRIMARY KEY(series_id, t_ms)) WITHOUT ROWID;"
    "CREATE VIEW sample_rows AS"
    " SELECT strftime('%Y-%m-%d %H:%M:%f', samples.t_ms / 1000.0, 'unixepoch') AS time,"
    " series.name, series.instance, samples.value, series.labels, samples.t_ms"
    " FROM samples JOIN series ON series.id = samples.series_id;"
    "CREATE INDEX series_by_name ON series(name, instance);"
    "BEGIN;";

static enum status failed(struct export_sqlite *x, struct err *err)
{
    bool full = sqlite3_errcode(x->db) == SQLITE_FULL;
    return err_set(err, full ? FULL : IO_FAILED, "write %s: %s", x->path, sqlite3_errmsg(x->db));
}

static int bind_span(sqlite3_stmt *s, int at, struct span text)
{
    return sqlite3_bind_text(s, at, text.at ? text.at : "", (int)text.len, SQLITE_STATIC);
}

static enum status find_series(struct export_sqlite *x, bool *found, struct err *err)
{
    bind_span(x->find, 1, buf_view(&x->labels));
    int result = sqlite3_step(x->find);
    *found = result == SQLITE_ROW;
    if (*found)
        x->series_id = sqlite3_column_int64(x->find, 0);
    sqlite3_reset(x->find);
    return result == SQLITE_ROW || result == SQLITE_DONE ? OK : failed(x, err);
}

static enum status add_series(struct export_sqlite *x, struct labels labels, struct err *err)
{
    bind_span(x->add, 1, labels_metric(labels));
    bind_span(x->add, 2, labels_get(labels, SPAN("instance")));
    bind_span(x->add, 3, buf_view(&x->labels));
    int result = sqlite3_step(x->add);
    sqlite3_reset(x->add);
    x->series_id = sqlite3_last_insert_rowid(x->db);
    return result == SQLITE_DONE ? OK : failed(x, err);
}

/* A series comes in several stretches, mostly one after the other. */
static enum status series_of(struct export_sqlite *x, struct labels labels, struct err *err)
{
    buf_clear(&x->labels);
    struct json j = json_to(&x->labels);
    json_begin_object(&j);
    for (size_t i = 0; i < labels.n; i++) {
        json_key_span(&j, labels.at[i].name);
        json_span(&j, labels.at[i].value);
    }
    json_end_object(&j);
    if (x->before.len && span_eq(buf_view(&x->labels), buf_view(&x->before)))
        return OK;
    bool found;
    enum status st = find_series(x, &found, err);
    if (!st && !found)
        st = add_series(x, labels, err);
    buf_clear(&x->before);
    buf_span(&x->before, buf_view(&x->labels));
    return st;
}

static enum status take(void *arg, struct labels labels, const struct sample *s, size_t n,
                        struct err *err)
{
    struct export_sqlite *x = arg;
    enum status st = series_of(x, labels, err);
    for (size_t i = 0; !st && i < n; i++) {
        sqlite3_bind_int64(x->sample, 1, x->series_id);
        sqlite3_bind_int64(x->sample, 2, s[i].t_ms);
        sqlite3_bind_double(x->sample, 3, s[i].v);
        if (sqlite3_step(x->sample) != SQLITE_DONE)
            st = failed(x, err);
        sqlite3_reset(x->sample);
    }
    return st;
}

static bool prepare(struct export_sqlite *x, const char *text, sqlite3_stmt **out)
{
    return sqlite3_prepare_v2(x->db, text, -1, out, NULL) == SQLITE_OK;
}

enum status export_sqlite_open(const char *path, struct export_sqlite **out, struct err *err)
{
    *out = NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(err, "open %s", path);
    close(fd);
    struct export_sqlite *x = mem_zero(1, sizeof *x);
    x->path = path;
    struct importer_config config = {.format = EXCHANGE_JSON, .take = take, .arg = x};
    x->in = importer_open(&config);
    enum status st = OK;
    if (sqlite3_open_v2(path, &x->db, SQLITE_OPEN_READWRITE, NULL) ||
        sqlite3_exec(x->db, schema, NULL, NULL, NULL) ||
        !prepare(x, "SELECT id FROM series WHERE labels = ?", &x->find) ||
        !prepare(x, "INSERT INTO series(name, instance, labels) VALUES(?, ?, ?)", &x->add) ||
        !prepare(x, "INSERT OR IGNORE INTO samples VALUES(?, ?, ?)", &x->sample))
        st = failed(x, err);
    if (st) {
        export_sqlite_close(x);
        unlink(path);
        return st;
    }
    *out = x;
    return OK;
}

enum status export_sqlite_feed(struct export_sqlite *x, struct span json, struct err *err)
{
    return importer_feed(x->in, json, err);
}

enum status export_sqlite_end(struct export_sqlite *x, struct err *err)
{
    enum status st = importer_end(x->in, err);
    if (!st && importer_counts(x->in)->bad)
        st = err_set(err, INVALID, "the export has lines that make no sense");
    if (!st && sqlite3_exec(x->db, "COMMIT", NULL, NULL, NULL))
        st = failed(x, err);
    return st;
}

void export_sqlite_close(struct export_sqlite *x)
{
    if (!x)
        return;
    sqlite3_finalize(x->find);
    sqlite3_finalize(x->add);
    sqlite3_finalize(x->sample);
    sqlite3_close(x->db);
    importer_close(x->in);
    buf_free(&x->labels);
    buf_free(&x->before);
    free(x);
}
