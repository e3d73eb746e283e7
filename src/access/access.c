#include "access/access_state.h"

#include <sodium.h>
#include <stdlib.h>

static const char *const role_names[] = {
    [ROLE_NONE] = "none",
    [ROLE_VIEWER] = "viewer",
    [ROLE_OPERATOR] = "operator",
    [ROLE_ADMIN] = "admin",
};

const char *role_name(enum role role)
{
    return (size_t)role < COUNT(role_names) ? role_names[role] : "none";
}

bool role_of(struct span name, enum role *out)
{
    for (size_t i = ROLE_VIEWER; i < COUNT(role_names); i++) {
        if (span_is(name, role_names[i])) {
            *out = (enum role)i;
            return true;
        }
    }
    return false;
}

bool principal_is(const struct principal *p, enum role at_least)
{
    return (p->kind == WHO_USER || p->kind == WHO_API_TOKEN) && p->role >= at_least;
}

struct access *access_open(struct record *r)
{
    if (sodium_init() < 0)
        abort(); /* without it no password can be checked */
    struct access *a = mem_zero(1, sizeof *a);
    a->record = r;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->hashed, NULL);
    return a;
}

void access_close(struct access *a)
{
    if (!a)
        return;
    throttle_free(a);
    known_tokens_free(a);
    pthread_cond_destroy(&a->hashed);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

void access_dev_tokens(struct access *a, const char *admin, const char *writer)
{
    auto_lock *lock = access_lock(a);
    secret_hash(span_of(admin), a->dev_admin);
    secret_hash(span_of(writer), a->dev_writer);
    a->has_dev = true;
}

static enum status make_admin(struct access *a, int64_t now_ms, char text[TOKEN_TEXT_MAX],
                              struct err *err)
{
    char hash[PASSWORD_HASH_TEXT_MAX];
    uint8_t bytes[ONE_TIME_BYTES];
    random_bytes(bytes, sizeof bytes);
    hex_encode(span_from(bytes, sizeof bytes), text); /* a person has to type it */
    enum status st = password_hash(a, span_of(text), hash, err);
    if (st)
        return st;
    struct user_row admin = {.name = SPAN("admin"),
                             .password_hash = span_of(hash),
                             .role = ROLE_ADMIN,
                             .must_change = true,
                             .one_time_until_ms = now_ms + ONE_TIME_MS};
    st = record_user_put(a->record, &admin, err);
    /* Whoever signed in with the one before, and chose none, is out. */
    return st ? st : record_sessions_delete_user(a->record, admin.name, NULL, err);
}

enum status access_first_start(struct access *a, int64_t now_ms, char text[TOKEN_TEXT_MAX],
                               bool *made, struct err *err)
{
    auto_arena arena = {0};
    struct user_row admin;
    uint64_t users;
    *made = false;
    enum status st = record_users_count(a->record, &users, err);
    if (st)
        return st;
    st = record_user(a->record, SPAN("admin"), &arena, &admin, err);
    bool waiting = users == 0 || (st == OK && admin.one_time_until_ms != 0);
    if (st == NOT_FOUND)
        st = OK;
    if (st || !waiting)
        return st;
    *made = true;
    return make_admin(a, now_ms, text, err);
}
