/* Who is asking, and may he: passwords, sessions, tokens, enrolment, roles, limits on guessing.
 * Takes spans (header values) and gives a principal; knows no HTTP types, no JSON, no routes. Times
 * are arguments. Hashing a password takes 50 ms and 19 MiB: call access_login and
 * access_password on a worker. Thread-safe. */
#pragma once

#include "record/record.h"

struct access;

enum {
    PASSWORD_MIN_CHARACTERS = 8,
    PASSWORD_MAX_BYTES = 1024,
    SESSION_TEXT_MAX = TOKEN_TEXT_MAX,
};

/* Borrows the record. */
struct access *access_open(struct record *r);
void access_close(struct access *a); /* NULL is fine */

/* Makes sure there is an admin. When nobody has chosen a password yet: a new one-time password
 * for user admin into text (valid 24 h, must be changed), *made = true. */
MUST_USE enum status access_first_start(struct access *a, int64_t now_ms, char text[TOKEN_TEXT_MAX],
                                        bool *made, struct err *err);
/* --dev: this text is an admin's API token, that one a remote writer's. Kept in memory. */
void access_dev_tokens(struct access *a, const char *admin, const char *writer);

enum principal_kind { WHO_NOBODY, WHO_USER, WHO_API_TOKEN, WHO_AGENT, WHO_JOIN };

struct principal {
    enum principal_kind kind;
    enum role role;                          /* of users and API tokens */
    bool must_change;                        /* may only change the password */
    char name[RECORD_NAME_MAX_BYTES + 1];    /* of the user, the token or the host */
    char host_id[RECORD_NAME_MAX_BYTES + 1]; /* of an agent; "" for a remote writer */
    uint8_t session[SHA256_BYTES];           /* hash of a user's session */
};

/* From the values of the headers Authorization and Cookie (either may be empty). Nothing or an
 * unknown secret: WHO_NOBODY and DENIED with the reason. */
MUST_USE enum status access_check(struct access *a, struct span authorization, struct span cookie,
                                  int64_t now_ms, struct principal *out, struct err *err);
bool principal_is(const struct principal *p, enum role at_least);

/* A changing request that came with a cookie must come from our own pages: Sec-Fetch-Site is
 * same-origin or none, or Origin's host is the Host header's; both absent is fine for programs. */
bool access_same_origin(struct span origin, struct span sec_fetch_site, struct span host);

/* The cookie's value into session. DENIED: wrong (the same sentence whatever is wrong); AGAIN: too
 * many tries, *retry_after_s says how long. */
MUST_USE enum status access_login(struct access *a, struct span user, struct span password,
                                  struct span address, int64_t now_ms,
                                  char session[SESSION_TEXT_MAX], struct principal *out,
                                  int64_t *retry_after_s, struct err *err);
MUST_USE enum status access_logout(struct access *a, const struct principal *p, struct err *err);
/* INVALID: the new one is refused, with the reason; DENIED: the old one is wrong. Ends the user's
 * other sessions. */
MUST_USE enum status access_password(struct access *a, const struct principal *p, struct span old,
                                     struct span new, int64_t now_ms, struct err *err);
/* "galen_session=...; Path=/; HttpOnly; SameSite=Strict" (with Secure and the __Host- prefix over
 * TLS); value "" makes the cookie that ends a session. */
void access_cookie(struct buf *out, const char *value, bool tls);

MUST_USE enum status access_join_token(struct access *a, int64_t uses, int64_t expires_ms,
                                       const char *made_by, int64_t now_ms,
                                       char text[TOKEN_TEXT_MAX], struct err *err);
/* For a caller whose join token access_check has accepted: uses it up and makes the agent's own
 * token, bound to host_id. authorization is the same header value. */
MUST_USE enum status access_enroll(struct access *a, struct span authorization, struct span host_id,
                                   struct span name, int64_t now_ms, char text[TOKEN_TEXT_MAX],
                                   struct err *err);
/* What stands for the token of that header value where the token itself must not be kept. */
void access_token_hash(struct span authorization, uint8_t hash[SHA256_BYTES]);
/* A new token for the agent that has the one with this hash, which goes on being good until the
 * new one is first used. NOT_FOUND: there is no such token in the record (--dev); DENIED: it is
 * no agent's. */
MUST_USE enum status access_rotate(struct access *a, const uint8_t hash[SHA256_BYTES],
                                   struct span who, int64_t now_ms, char text[TOKEN_TEXT_MAX],
                                   struct err *err);
/* An API token with a role. */
MUST_USE enum status access_api_token(struct access *a, const char *name, enum role role,
                                      int64_t expires_ms, int64_t now_ms, char text[TOKEN_TEXT_MAX],
                                      struct err *err);
const char *role_name(enum role role); /* "viewer", "operator", "admin", "none" */
bool role_of(struct span name, enum role *out);
