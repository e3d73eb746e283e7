/* New tokens: for those who join, for agents, for programs. */
#include "access/access_state.h"

enum status access_join_token(struct access *a, int64_t uses, int64_t expires_ms,
                              const char *made_by, int64_t now_ms, char text[TOKEN_TEXT_MAX],
                              struct err *err)
{
    token_make("glj_", text);
    struct token_row row = {.kind = TOKEN_JOIN,
                            .name = span_of(made_by),
                            .created_ms = now_ms,
                            .expires_ms = expires_ms,
                            .uses_left = uses};
    secret_hash(span_of(text), row.hash);
    enum status st = record_token_put(a->record, &row, err);
    return st ? st
              : record_audit(a->record, now_ms, row.name, SPAN("join token made"), SPAN(""), err);
}

enum status access_enroll(struct access *a, struct span authorization, struct span host_id,
                          struct span name, int64_t now_ms, char text[TOKEN_TEXT_MAX],
                          struct err *err)
{
    uint8_t join[SHA256_BYTES];
    if (!host_id.len || host_id.len > RECORD_NAME_MAX_BYTES || name.len > RECORD_NAME_MAX_BYTES)
        return err_set(err, INVALID, "a host's id has 1 to %d bytes, its name at most as many",
                       RECORD_NAME_MAX_BYTES);
    secret_hash(bearer_of(authorization), join);
    enum status st = record_token_use(a->record, join, now_ms, err);
    if (st)
        return st;
    token_make("gla_", text);
    struct token_row row = {
        .kind = TOKEN_AGENT, .name = name, .host_id = host_id, .created_ms = now_ms};
    secret_hash(span_of(text), row.hash);
    st = record_token_put(a->record, &row, err);
    return st ? st : record_audit(a->record, now_ms, name, SPAN("agent enrolled"), host_id, err);
}

enum status access_rotate(struct access *a, const uint8_t hash[SHA256_BYTES], struct span who,
                          int64_t now_ms, char text[TOKEN_TEXT_MAX], struct err *err)
{
    auto_arena arena = {0};
    struct token_row old;
    enum status st = record_token(a->record, hash, &arena, &old, err);
    if (st)
        return st;
    if (old.kind != TOKEN_AGENT || old.revoked)
        return err_set(err, DENIED, "the token is no agent's, or revoked");
    token_make("gla_", text);
    struct token_row row = {.kind = TOKEN_AGENT,
                            .name = old.name,
                            .host_id = old.host_id,
                            .created_ms = now_ms,
                            .is_successor = true};
    memcpy(row.replaces, hash, SHA256_BYTES);
    secret_hash(span_of(text), row.hash);
    st = record_token_put(a->record, &row, err);
    return st ? st : record_audit(a->record, now_ms, who, SPAN("token rotated"), old.host_id, err);
}

enum status access_api_token(struct access *a, const char *name, enum role role, int64_t expires_ms,
                             int64_t now_ms, char text[TOKEN_TEXT_MAX], struct err *err)
{
    token_make("glx_", text);
    struct token_row row = {.kind = TOKEN_API,
                            .role = role,
                            .name = span_of(name),
                            .created_ms = now_ms,
                            .expires_ms = expires_ms};
    secret_hash(span_of(text), row.hash);
    enum status st = record_token_put(a->record, &row, err);
    return st ? st
              : record_audit(a->record, now_ms, row.name, SPAN("API token made"),
                             span_of(role_name(role)), err);
}
