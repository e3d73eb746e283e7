/* Signing in with a name and a password, out again, and choosing a new password. */
#include "access/access_state.h"

#include <string.h>

/* One sentence for every reason, so that it does not tell which names exist. */
static enum status wrong(struct err *err)
{
    return err_set(err, DENIED, "name or password is wrong");
}

static enum status too_many(int64_t wait_s, struct err *err)
{
    return err_set(err, AGAIN, "too many tries; wait %lld s", (long long)wait_s);
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
    *retry_after_s = throttle_begin(a, name, address, now_ms);
    if (*retry_after_s)
        return too_many(*retry_after_s, err);
    enum status st = find_user(a, name, &arena, &user, err);
    if (st) {
        throttle_end(a, name, address, TRY_VOID, now_ms);
        return st;
    }
    bool fits =
        password.len <= PASSWORD_MAX_BYTES && password_matches(a, user.password_hash, password);
    fits = fits && !one_time_is_over(&user, now_ms);
    throttle_end(a, name, address, fits ? TRY_PASSED : TRY_FAILED, now_ms);
    if (!fits) {
        st = record_audit(a->record, now_ms, name, SPAN("login refused"), address, err);
        return st ? st : wrong(err);
    }
    *out = (struct principal){.kind = WHO_USER, .role = user.role, .must_change = user.must_change};
    memcpy(out->name, user.name.at, MIN(user.name.len, (size_t)RECORD_NAME_MAX_BYTES));
    st = open_session(a, user.name, now_ms, session, out, err);
    return st ? st : record_audit(a->record, now_ms, name, SPAN("login"), address, err);
}

enum status access_logout(struct access *a, const struct principal *p, struct err *err)
{
    return record_session_delete(a->record, p->session, err);
}

/* Whose session it is must know the password too, and has no more tries than at the login. */
static enum status check_old(struct access *a, const struct user_row *user, struct span old,
                             int64_t now_ms, struct err *err)
{
    int64_t wait_s = throttle_begin(a, user->name, SPAN(""), now_ms);
    if (wait_s)
        return too_many(wait_s, err);
    bool fits = old.len <= PASSWORD_MAX_BYTES && password_matches(a, user->password_hash, old);
    throttle_end(a, user->name, SPAN(""), fits ? TRY_PASSED : TRY_FAILED, now_ms);
    return fits ? OK : err_set(err, DENIED, "the old password is wrong");
}

enum status access_password(struct access *a, const struct principal *p, struct span old,
                            struct span new, int64_t now_ms, struct err *err)
{
    auto_arena arena = {0};
    struct user_row user;
    char hash[PASSWORD_HASH_TEXT_MAX];
    struct span name = span_of(p->name);
    if (p->kind != WHO_USER)
        return err_set(err, DENIED, "only a user who has signed in has a password");
    enum status st = password_fits(new, err);
    if (!st && span_eq(old, new))
        st = err_set(err, INVALID, "the new password is the old one");
    if (!st)
        st = record_user(a->record, name, &arena, &user, err);
    if (!st)
        st = check_old(a, &user, old, now_ms, err);
    if (!st)
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
