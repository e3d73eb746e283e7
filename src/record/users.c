/* Users and their sessions. */
#include "record/record_state.h"

enum status record_user_put(struct record *r, const struct user_row *u, struct err *err)
{
    enum status st = name_fits("a user's name", u->name, true, err);
    if (st)
        return st;
    auto_lock *lock = record_lock(r);
    return db_run(r->db, err,
                  "INSERT INTO users (name, password_hash, role, must_change, one_time_until_ms)"
                  " VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
                  " password_hash = excluded.password_hash, role = excluded.role,"
                  " must_change = excluded.must_change,"
                  " one_time_until_ms = excluded.one_time_until_ms",
                  "ttiii", u->name, u->password_hash, (int64_t)u->role, (int64_t)u->must_change,
                  u->one_time_until_ms);
}

enum status record_user(struct record *r, struct span name, struct arena *arena,
                        struct user_row *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err,
              "SELECT name, password_hash, role, must_change, one_time_until_ms FROM users"
              " WHERE name = ?",
              "t", name);
    bool found = db_next(&rows);
    if (found)
        *out = (struct user_row){
            .name = db_text(&rows, 0, arena),
            .password_hash = db_text(&rows, 1, arena),
            .role = (enum role)db_i64(&rows, 2),
            .must_change = db_i64(&rows, 3) != 0,
            .one_time_until_ms = db_i64(&rows, 4),
        };
    enum status st = db_end(&rows);
    if (!st && !found)
        st = err_set(err, NOT_FOUND, "there is no user \"%.*s\"", (int)MIN(name.len, (size_t)80),
                     name.at);
    return st;
}

enum status record_users_count(struct record *r, uint64_t *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err, "SELECT count(*) FROM users", "");
    *out = db_next(&rows) ? (uint64_t)db_i64(&rows, 0) : 0;
    return db_end(&rows);
}

enum status record_session_put(struct record *r, const struct session_row *s, struct err *err)
{
    auto_lock *lock = record_lock(r);
    return db_run(r->db, err,
                  "INSERT INTO sessions (hash, user, created_ms, used_ms) VALUES (?, ?, ?, ?)"
                  " ON CONFLICT (hash) DO UPDATE SET used_ms = excluded.used_ms",
                  "btii", span_from(s->hash, sizeof s->hash), s->user, s->created_ms, s->used_ms);
}

enum status record_session(struct record *r, const uint8_t hash[SHA256_BYTES], struct arena *arena,
                           struct session_row *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err, "SELECT user, created_ms, used_ms FROM sessions WHERE hash = ?",
              "b", span_from(hash, SHA256_BYTES));
    bool found = db_next(&rows);
    if (found) {
        *out = (struct session_row){
            .user = db_text(&rows, 0, arena),
            .created_ms = db_i64(&rows, 1),
            .used_ms = db_i64(&rows, 2),
        };
        memcpy(out->hash, hash, SHA256_BYTES);
    }
    enum status st = db_end(&rows);
    return st || found ? st : err_set(err, NOT_FOUND, "there is no such session");
}

enum status record_session_delete(struct record *r, const uint8_t hash[SHA256_BYTES],
                                  struct err *err)
{
    auto_lock *lock = record_lock(r);
    return db_run(r->db, err, "DELETE FROM sessions WHERE hash = ?", "b",
                  span_from(hash, SHA256_BYTES));
}

enum status record_sessions_delete_user(struct record *r, struct span user, const uint8_t *except,
                                        struct err *err)
{
    auto_lock *lock = record_lock(r);
    return db_run(r->db, err, "DELETE FROM sessions WHERE user = ?1 AND hash IS NOT ?2", "tb", user,
                  except ? span_from(except, SHA256_BYTES) : (struct span){0});
}

enum status record_sessions_expire(struct record *r, int64_t created_before_ms,
                                   int64_t used_before_ms, struct err *err)
{
    auto_lock *lock = record_lock(r);
    return db_run(r->db, err, "DELETE FROM sessions WHERE created_ms < ? OR used_ms < ?", "ii",
                  created_before_ms, used_before_ms);
}
