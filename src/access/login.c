/* Signing in with a name and a password, out again, and choosing a new password. */
#include "access/access_state.h"

#include <string.h>

/* One sentence for every reason, so that it does not tell which names exist. */
static enum status wrong(struct err *err)
{
    return err_set(err, DENIED, "name or password is wrong");
}

static enum status open_session(struct access *a, struct span user, int64_t now_ms,
                                char session[SESSION_TEXT_MAX], struct principal *out,
                                struct err *err)
{
    token_make("gls_", session);
    struct session_row row = {.user = user, .created_ms = now_ms, .used_ms = now_ms};
    secret_hash(span_of(session), row.hash);
    memcpy(out->session, row.hash, sizeof row.hash);
    enum status st =
        record_sessions_expire(a->record, now_ms - SESSION_LIFE_MS, now_ms - SESSION_IDLE_MS, err);
    return st ? st : record_session_put(a->record, &row, err);
}

static bool one_time_is_over(const struct user_row *u, int64_t now_ms)
{
    return u->one_time_until_ms && now_ms > u->one_time_until_ms;
}

/* NOT_FOUND is no failure here: user is all empty then. */
static enum status find_user(struct access *a, struct span name, struct arena *arena,
                             struct user_row *user, struct err *err)
{
    *user = (struct user_row){0};
    enum status st = record_user(a->record, name, arena, user, err);
    return st == NOT_FOUND ? OK : st;
}

enum status access_login(struct access *a, struct span name, struct span password,
                         struct span address, int64_t now_ms, char session[SESSION_TEXT_MAX],
                         struct principal *out, int64_t *retry_after_s, struct err *err)
{
    auto_arena arena = {0};
    struct user_row user;
    *out = (struct principal){0};
    *retry_after_s = throttle_wait_s(a, name, address, now_ms);
    if (*retry_after_s)
        return err_set(err, AGAIN, "too many tries; wait %lld s", (long long)*retry_after_s);
    enum status st = find_user(a, name, &arena, &user, err);
    if (st)
        return st;
    bool fits =
        password.len <= PASSWORD_MAX_BYTES && password_matches(a, user.password_hash, password);
    if (!fits || one_time_is_over(&user, now_ms)) {
        throttle_failed(a, name, address, now_ms);
        st = record_audit(a->record, now_ms, name, SPAN("login refused"), address, err);
        return st ? st : wrong(err);
    }
    throttle_passed(a, name);
    *out = (struct principal){.kind = WHO_USER, .role = user.role, .must_change = user.must_change};
    memcpy(out->name, user.name.at, MIN(user.name.len, (size_t)RECORD_NAME_MAX_BYTES));
    st = open_session(a, user.name, now_ms, session, out, err);
    return st ? st : record_audit(a->record, now_ms, name, SPAN("login"), address, err);
}

enum status access_logout(struct access *a, const struct principal *p, struct err *err)
{
    return record_session_delete(a->record, p->session, err);
}

enum status access_password(struct access *a, const struct principal *p, struct span old,
                            struct span new, int64_t now_ms, struct err *err)
{
    auto_arena arena = {0};
    struct user_row user;
    char hash[PASSWORD_HASH_TEXT_MAX];
    struct span name = span_of(p->name);
    enum status st = password_fits(new, err);
    if (!st && span_eq(old, new))
        st = err_set(err, INVALID, "the new password is the old one");
    if (!st)
        st = record_user(a->record, name, &arena, &user, err);
    if (st)
        return st;
    int64_t wait_s = throttle_wait_s(a, name, SPAN(""), now_ms);
    if (wait_s)
        return err_set(err, AGAIN, "too many tries; wait %lld s", (long long)wait_s);
    if (old.len > PASSWORD_MAX_BYTES || !password_matches(a, user.password_hash, old)) {
        throttle_failed(a, name, SPAN(""), now_ms);
        return err_set(err, DENIED, "the old password is wrong");
    }
    st = password_hash(a, new, hash, err);
    if (st)
        return st;
    user.password_hash = span_of(hash);
    user.must_change = false;
    user.one_time_until_ms = 0;
    st = record_user_put(a->record, &user, err);
    if (!st)
        st = record_sessions_delete_user(a->record, name, p->session, err);
    return st ? st : record_audit(a->record, now_ms, name, SPAN("password changed"), SPAN(""), err);
}

void access_cookie(struct buf *out, const char *value, bool tls)
{
    buf_printf(out, "%sgalen_session=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
               tls ? "__Host-" : "", value, tls ? "; Secure" : "", *value ? "" : "; Max-Age=0");
}
