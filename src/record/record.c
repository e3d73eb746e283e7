#include "record/record_state.h"

#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLite would make the file with the umask's mode: it holds password hashes. */
static enum status create_private(const char *path, struct err *err)
{
    auto_fd fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "open %s", path);
    return OK;
}

enum status record_open(const char *dir, struct record **out, struct err *err)
{
    *out = NULL;
    auto_buf path = {0};
    buf_printf(&path, "%s/server_analysis.db", dir);
    struct db *db = NULL;
    enum status st = dir_make(dir, 0700, err);
    if (!st)
        st = create_private(buf_text(&path), err);
    if (!st)
        st = db_open(buf_text(&path), &db, err);
    if (!st)
        st = schema_migrate(db, buf_text(&path), err);
    if (st) {
        db_close(db);
        return st;
    }
    struct record *r = mem_zero(1, sizeof *r);
    r->db = db;
    pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return OK;
}

void record_close(struct record *r)
{
    if (!r)
        return;
    db_close(r->db);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* In steps, so that nobody waits for the whole. */
enum status record_backup(struct record *r, const char *path, struct err *err)
{
    struct db_copy *copy = NULL;
    enum status st = create_private(path, err);
    if (!st) {
        auto_lock *lock = record_lock(r);
        st = db_copy_begin(r->db, path, &copy, err);
    }
    for (bool more = true; !st && more;) {
        auto_lock *lock = record_lock(r);
        st = db_copy_step(copy, &more, err);
    }
    auto_lock *lock = record_lock(r);
    return db_copy_end(copy, st, err);
}

enum status record_writable(struct record *r, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    return st ? st : db_finish(r->db, OK, err);
}

enum status name_fits(const char *whose, struct span name, bool needed, struct err *err)
{
    if (name.len <= RECORD_NAME_MAX_BYTES && (name.len || !needed))
        return OK;
    return err_set(err, INVALID, "%s has %d to %d bytes, not %zu", whose, needed,
                   RECORD_NAME_MAX_BYTES, name.len);
}

/* Who tries to sign in may choose any name, as long as a request: the audit keeps a part. */
static struct span cut(struct span text, size_t max)
{
    return text.at ? span_from(text.at, MIN(text.len, max)) : SPAN("");
}

enum status record_audit(struct record *r, int64_t now_ms, struct span who, struct span what,
                         struct span detail, struct err *err)
{
    auto_lock *lock = record_lock(r);
    return db_run(r->db, err, "INSERT INTO audit (at_ms, who, what, detail) VALUES (?, ?, ?, ?)",
                  "ittt", now_ms, cut(who, RECORD_NAME_MAX_BYTES), cut(what, RECORD_NAME_MAX_BYTES),
                  cut(detail, AUDIT_DETAIL_MAX_BYTES));
}
