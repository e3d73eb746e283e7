/* Tokens of programs, agents and those who want to become one. Only their hashes are kept. */
#include "record/record_state.h"

static struct span or_empty(struct span s)
{
    return s.at ? s : SPAN("");
}

enum status record_token_put(struct record *r, const struct token_row *t, struct err *err)
{
    enum status st = name_fits("a token's name", t->name, false, err);
    if (!st)
        st = name_fits("a host's id", t->host_id, false, err);
    if (st)
        return st;
    auto_lock *lock = record_lock(r);
    return db_run(r->db, err,
                  "INSERT INTO tokens (hash, kind, role, name, host_id, created_ms, expires_ms,"
                  " uses_left, revoked, replaces) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "biittiiiib", span_from(t->hash, sizeof t->hash), (int64_t)t->kind,
                  (int64_t)t->role, or_empty(t->name), or_empty(t->host_id), t->created_ms,
                  t->expires_ms, t->uses_left, (int64_t)t->revoked,
                  t->is_successor ? span_from(t->replaces, SHA256_BYTES) : (struct span){0});
}

enum status record_token(struct record *r, const uint8_t hash[SHA256_BYTES], struct arena *arena,
                         struct token_row *out, struct err *err)
{
    auto_lock *lock = record_lock(r);
    struct db_rows rows;
    db_select(r->db, &rows, err,
              "SELECT kind, role, name, host_id, created_ms, expires_ms, uses_left, revoked,"
              " replaces FROM tokens WHERE hash = ?",
              "b", span_from(hash, SHA256_BYTES));
    bool found = db_next(&rows);
    if (found) {
        *out = (struct token_row){
            .kind = (enum token_kind)db_i64(&rows, 0),
            .role = (enum role)db_i64(&rows, 1),
            .name = db_text(&rows, 2, arena),
            .host_id = db_text(&rows, 3, arena),
            .created_ms = db_i64(&rows, 4),
            .expires_ms = db_i64(&rows, 5),
            .uses_left = db_i64(&rows, 6),
            .revoked = db_i64(&rows, 7) != 0,
        };
        memcpy(out->hash, hash, SHA256_BYTES);
        out->is_successor = db_bytes(&rows, 8, out->replaces, SHA256_BYTES);
    }
    enum status st = db_end(&rows);
    return st || found ? st : err_set(err, NOT_FOUND, "there is no such token");
}

enum status record_token_revoke(struct record *r, const uint8_t hash[SHA256_BYTES], struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err, "UPDATE tokens SET revoked = 1 WHERE hash = ?", "b",
                            span_from(hash, SHA256_BYTES));
    if (!st && db_changes(r->db) == 0)
        st = err_set(err, NOT_FOUND, "there is no such token");
    return st;
}

enum status record_token_succeed(struct record *r, const struct token_row *t, struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_begin(r->db, err);
    if (st)
        return st;
    st = db_run(r->db, err, "UPDATE tokens SET revoked = 1 WHERE hash = ?", "b",
                span_from(t->replaces, SHA256_BYTES));
    if (!st)
        st = db_run(r->db, err, "UPDATE tokens SET replaces = NULL WHERE hash = ?", "b",
                    span_from(t->hash, SHA256_BYTES));
    return db_finish(r->db, st, err);
}

enum status record_token_use(struct record *r, const uint8_t hash[SHA256_BYTES], int64_t now_ms,
                             struct err *err)
{
    auto_lock *lock = record_lock(r);
    enum status st = db_run(r->db, err,
                            "UPDATE tokens SET uses_left = uses_left - 1 WHERE hash = ?1"
                            " AND kind = ?3 AND uses_left > 0 AND revoked = 0"
                            " AND (expires_ms = 0 OR expires_ms > ?2)",
                            "bii", span_from(hash, SHA256_BYTES), now_ms, (int64_t)TOKEN_JOIN);
    if (!st && db_changes(r->db) != 1)
        st = err_set(err, DENIED, "the join token is used up, expired or revoked");
    return st;
}
