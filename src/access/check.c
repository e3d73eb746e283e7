/* Who is asking: a bearer token or a session cookie turned into a principal. */
#include "access/access_state.h"

#include <stdio.h>

struct known_token {
    uint8_t hash[SHA256_BYTES];
    struct principal who;
    int64_t checked_ms, expires_ms;
};

void secret_hash(struct span secret, uint8_t hash[SHA256_BYTES])
{
    sha256(secret, hash);
}

void access_token_hash(struct span authorization, uint8_t hash[SHA256_BYTES])
{
    secret_hash(bearer_of(authorization), hash);
}

struct span bearer_of(struct span authorization)
{
    struct span scheme;
    if (!span_word(&authorization, &scheme) || !span_eq_nocase(scheme, SPAN("Bearer")))
        return SPAN("");
    return span_trim(authorization);
}

static void set_name(char *to, struct span name)
{
    size_t n = MIN(name.len, (size_t)RECORD_NAME_MAX_BYTES);
    if (n)
        memcpy(to, name.at, n);
    to[n] = 0;
}

/* ---- tokens ---- */

static bool is_dev(struct access *a, const uint8_t hash[SHA256_BYTES], struct principal *out)
{
    auto_lock *lock = access_lock(a);
    if (!a->has_dev)
        return false;
    struct span given = span_from(hash, SHA256_BYTES);
    if (secret_eq(given, span_from(a->dev_admin, SHA256_BYTES)))
        *out = (struct principal){.kind = WHO_API_TOKEN, .role = ROLE_ADMIN, .name = "dev"};
    else if (secret_eq(given, span_from(a->dev_writer, SHA256_BYTES)))
        *out = (struct principal){.kind = WHO_AGENT, .name = "dev"};
    else
        return false;
    return true;
}

/* Agents ask every few seconds: what the record said is believed for TOKEN_FRESH_MS. */
static bool is_known(struct access *a, const uint8_t hash[SHA256_BYTES], int64_t now_ms,
                     struct principal *out)
{
    auto_lock *lock = access_lock(a);
    const struct known_token *k = map_get(&a->known_tokens, span_from(hash, SHA256_BYTES));
    if (!k || now_ms - k->checked_ms > TOKEN_FRESH_MS || now_ms < k->checked_ms ||
        (k->expires_ms && k->expires_ms <= now_ms))
        return false;
    *out = k->who;
    return true;
}

static void remember(struct access *a, const uint8_t hash[SHA256_BYTES],
                     const struct principal *who, int64_t expires_ms, int64_t now_ms)
{
    auto_lock *lock = access_lock(a);
    struct known_token *k = map_get(&a->known_tokens, span_from(hash, SHA256_BYTES));
    if (!k && a->known_tokens.count >= KNOWN_TOKENS_MAX)
        return;
    if (!k) {
        k = mem_zero(1, sizeof *k);
        memcpy(k->hash, hash, SHA256_BYTES);
        map_put(&a->known_tokens, span_from(k->hash, SHA256_BYTES), k);
    }
    k->who = *who;
    k->checked_ms = now_ms;
    k->expires_ms = expires_ms;
}

void known_tokens_free(struct access *a)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&a->known_tokens, &at));)
        free(slot->value);
    map_free(&a->known_tokens);
}

static void principal_of_token(const struct token_row *t, struct principal *out)
{
    static const enum principal_kind kinds[] = {
        [TOKEN_API] = WHO_API_TOKEN, [TOKEN_AGENT] = WHO_AGENT, [TOKEN_JOIN] = WHO_JOIN};
    *out = (struct principal){.kind = kinds[t->kind]};
    out->role = t->kind == TOKEN_API ? t->role : ROLE_NONE;
    set_name(out->name, t->name);
    set_name(out->host_id, t->host_id);
}

static enum status check_token(struct access *a, struct span token, int64_t now_ms,
                               struct principal *out, struct err *err)
{
    auto_arena arena = {0};
    uint8_t hash[SHA256_BYTES];
    struct token_row row;
    secret_hash(token, hash);
    if (is_dev(a, hash, out) || is_known(a, hash, now_ms, out))
        return OK;
    enum status st = record_token(a->record, hash, &arena, &row, err);
    if (st == NOT_FOUND)
        return err_set(err, DENIED, "this token is not known here");
    if (st)
        return st;
    if (row.revoked)
        return err_set(err, DENIED, "this token has been revoked");
    if (row.expires_ms && row.expires_ms <= now_ms)
        return err_set(err, DENIED, "this token has expired");
    if (row.kind == TOKEN_JOIN && row.uses_left <= 0)
        return err_set(err, DENIED, "this join token is used up");
    if (row.is_successor) {
        st = record_token_succeed(a->record, &row, err);
        if (st)
            return st;
    }
    principal_of_token(&row, out);
    if (row.kind != TOKEN_JOIN)
        remember(a, hash, out, row.expires_ms, now_ms);
    return OK;
}

/* ---- sessions ---- */

/* The value of galen_session or __Host-galen_session in "a=1; b=2". */
static struct span session_of(struct span cookie)
{
    struct span part, name;
    while (span_next(&cookie, ';', &part)) {
        part = span_trim(part);
        if (span_next(&part, '=', &name) &&
            (span_is(name, "galen_session") || span_is(name, "__Host-galen_session")))
            return part;
    }
    return SPAN("");
}

static bool has_ended(const struct session_row *s, int64_t now_ms)
{
    return now_ms - s->created_ms > SESSION_LIFE_MS || now_ms - s->used_ms > SESSION_IDLE_MS;
}

static enum status check_session(struct access *a, struct span secret, int64_t now_ms,
                                 struct principal *out, struct err *err)
{
    auto_arena arena = {0};
    struct session_row s;
    struct user_row user;
    uint8_t hash[SHA256_BYTES];
    secret_hash(secret, hash);
    enum status st = record_session(a->record, hash, &arena, &s, err);
    if (st == NOT_FOUND || (st == OK && has_ended(&s, now_ms)))
        return err_set(err, DENIED, "the session has ended; sign in again");
    if (!st)
        st = record_user(a->record, s.user, &arena, &user, err);
    if (!st && now_ms - s.used_ms > SESSION_TOUCH_MS) {
        s.used_ms = now_ms;
        st = record_session_put(a->record, &s, err);
    }
    if (st)
        return st;
    *out = (struct principal){.kind = WHO_USER, .role = user.role, .must_change = user.must_change};
    set_name(out->name, user.name);
    memcpy(out->session, hash, sizeof hash);
    return OK;
}

enum status access_check(struct access *a, struct span authorization, struct span cookie,
                         int64_t now_ms, struct principal *out, struct err *err)
{
    *out = (struct principal){0};
    struct span token = bearer_of(authorization), session = session_of(cookie);
    if (token.len)
        return check_token(a, token, now_ms, out, err);
    if (session.len)
        return check_session(a, session, now_ms, out, err);
    if (authorization.len)
        return err_set(err, DENIED, "the header Authorization must be \"Bearer TOKEN\"");
    return err_set(err, DENIED, "sign in, or send a token: Authorization: Bearer TOKEN");
}

bool access_same_origin(struct span origin, struct span sec_fetch_site, struct span host)
{
    if (sec_fetch_site.len)
        return span_is(sec_fetch_site, "same-origin") || span_is(sec_fetch_site, "none");
    if (!origin.len)
        return true;
    struct span schemes[] = {SPAN("https://"), SPAN("http://")};
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (span_starts(origin, schemes[i]))
            return span_eq_nocase(
                span_from(origin.at + schemes[i].len, origin.len - schemes[i].len), host);
    return false;
}
