/* Everything relational: hosts, users, sessions, tokens, analysis results, audit. One
 * file, DIR/server_analysis.db, over a small SQL face (db.h: SQLite now, PostgreSQL later). Knows
 * rows, not requests: who may do what is access/'s. Thread-safe: one connection behind one lock,
 * calls are short. Every time is an argument, in milliseconds since 1970 UTC. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"

struct record;

enum {
    RECORD_NAME_MAX_BYTES = 255, /* of hosts, users, tokens */
    RESULTS_LIMIT_MAX = 1000,
    RESULT_JSON_MAX_BYTES = 1 << 20,
    RESULTS_SEARCH_MAX_MS = 2000, /* for one list or summary */
    AUDIT_DETAIL_MAX_BYTES = 4096,
};

/* Creates or opens the database and brings it to this version's shape; a table analysis_results
 * made by hand, with the columns id, data and result, is taken over. Errors name the file.
 * CORRUPT; UNSUPPORTED: it was written by a newer version; INVALID: it is another program's. */
MUST_USE enum status record_open(const char *dir, struct record **out, struct err *err);
void record_close(struct record *r); /* NULL is fine */
/* Writes a copy of the database as it is now into a new file, while others go on. */
MUST_USE enum status record_backup(struct record *r, const char *path, struct err *err);
/* A write that changes nothing: does the disk take it? (/readyz) */
MUST_USE enum status record_writable(struct record *r, struct err *err);

/* ---- hosts ---- */

struct host_row {
    struct span id, name; /* terminated; name is the label instance */
    int64_t first_seen_ms, last_seen_ms;
    bool analysis; /* started (the default) or stopped by a person */
};

/* Adds the host, or moves last_seen forward and takes the new name. An empty id: the host with
 * that name, or a new one whose id is its name. A host that has the name under another id gives
 * it up, with its results: it was known by name alone, or has been installed anew. */
MUST_USE enum status record_host_seen(struct record *r, struct span id, struct span name,
                                      int64_t now_ms, struct err *err);
struct host_seen {
    struct span name;
    int64_t at_ms;
};
/* The same for several names, in one transaction; names that do not fit are left out. */
MUST_USE enum status record_hosts_seen(struct record *r, const struct host_seen *seen, size_t n,
                                       struct err *err);
/* Ordered by name. Rows live in the arena. */
MUST_USE enum status record_hosts(struct record *r, struct arena *arena, struct host_row **out,
                                  size_t *n, struct err *err);
MUST_USE enum status record_host(struct record *r, struct span id, struct arena *arena,
                                 struct host_row *out, struct err *err); /* NOT_FOUND */
/* The host with all that is kept of it but the audit; NOT_FOUND. An agent that still runs brings it
 * back. */
MUST_USE enum status record_host_delete(struct record *r, struct span id, struct err *err);
MUST_USE enum status record_host_analysis(struct record *r, struct span id, bool enabled,
                                          struct err *err); /* NOT_FOUND */

/* ---- analysis results: the seeds' table, with created_at and server_id ---- */

struct result_row {
    int64_t id, created_ms;
    struct span server_id, host; /* host: its name; the id when it is not a known host */
    unsigned predicted_class;    /* 0..3 */
    struct span data, result;    /* JSON text */
};

/* id comes back. created_ms is stored as RFC 3339 text in created_at. */
MUST_USE enum status record_result_add(struct record *r, const struct result_row *row, int64_t *id,
                                       struct err *err);
/* Several in one transaction (one tick's). ids[n] may be NULL. */
MUST_USE enum status record_results_add(struct record *r, const struct result_row *rows, size_t n,
                                        int64_t *ids, struct err *err);

struct result_filter {
    struct span server_id;  /* empty: all */
    int predicted_class;    /* -1: all */
    int64_t from_ms, to_ms; /* [from, to); 0: open */
    struct span text;       /* in data, result or the host's name, A as a; empty: all */
    int64_t before_id;      /* cursor: only ids below; 0: from the newest */
    size_t limit;           /* 1..RESULTS_LIMIT_MAX */
};

/* Newest first. TIMED_OUT beyond RESULTS_SEARCH_MAX_MS. */
MUST_USE enum status record_results(struct record *r, const struct result_filter *f,
                                    struct arena *arena, struct result_row **out, size_t *n,
                                    struct err *err);

struct result_summary {
    uint64_t total;
    uint64_t by_class[4];
    struct result_day {
        char day[11]; /* "2026-11-21", UTC */
        uint64_t count;
    } * days; /* ascending, only days that have some */
    size_t n_days;
};

/* Uses server_id, from_ms and to_ms of the filter. */
MUST_USE enum status record_results_summary(struct record *r, const struct result_filter *f,
                                            struct arena *arena, struct result_summary *out,
                                            struct err *err);
MUST_USE enum status record_result_delete(struct record *r, int64_t id, struct err *err);
/* Deletes results from before that time, the oldest first, some thousands at most: to be called
 * until *deleted is 0. */
MUST_USE enum status record_results_trim(struct record *r, int64_t before_ms, size_t *deleted,
                                         struct err *err);
/* The newest of each host, in one query; for start-up. */
MUST_USE enum status record_results_latest(struct record *r, struct arena *arena,
                                           struct result_row **out, size_t *n, struct err *err);

/* ---- users and sessions ---- */

enum role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };

struct user_row {
    struct span name, password_hash; /* libsodium's text */
    enum role role;
    bool must_change;
    int64_t one_time_until_ms; /* of a one-time password; 0: not one-time */
};

MUST_USE enum status record_user_put(struct record *r, const struct user_row *u, struct err *err);
MUST_USE enum status record_user(struct record *r, struct span name, struct arena *arena,
                                 struct user_row *out, struct err *err); /* NOT_FOUND */
MUST_USE enum status record_users_count(struct record *r, uint64_t *out, struct err *err);

struct session_row {
    uint8_t hash[SHA256_BYTES]; /* of the cookie's value */
    struct span user;
    int64_t created_ms, used_ms;
};

MUST_USE enum status record_session_put(struct record *r, const struct session_row *s,
                                        struct err *err);
MUST_USE enum status record_session(struct record *r, const uint8_t hash[SHA256_BYTES],
                                    struct arena *arena, struct session_row *out,
                                    struct err *err); /* NOT_FOUND */
MUST_USE enum status record_session_delete(struct record *r, const uint8_t hash[SHA256_BYTES],
                                           struct err *err);
/* All of a user but one (after a change of password); except may be NULL. */
MUST_USE enum status record_sessions_delete_user(struct record *r, struct span user,
                                                 const uint8_t *except, struct err *err);
MUST_USE enum status record_sessions_expire(struct record *r, int64_t created_before_ms,
                                            int64_t used_before_ms, struct err *err);

/* ---- tokens ---- */

enum token_kind { TOKEN_API, TOKEN_AGENT, TOKEN_JOIN };

struct token_row {
    uint8_t hash[SHA256_BYTES]; /* of the token's text */
    enum token_kind kind;
    enum role role;                 /* of TOKEN_API */
    struct span name, host_id;      /* host_id of TOKEN_AGENT; empty: any host (remote writers) */
    int64_t created_ms, expires_ms; /* 0: never */
    int64_t uses_left;              /* of TOKEN_JOIN */
    bool revoked;
    bool is_successor; /* replaces is set: that token ends when this one is first used */
    uint8_t replaces[SHA256_BYTES];
};

MUST_USE enum status record_token_put(struct record *r, const struct token_row *t, struct err *err);
MUST_USE enum status record_token(struct record *r, const uint8_t hash[SHA256_BYTES],
                                  struct arena *arena, struct token_row *out,
                                  struct err *err); /* NOT_FOUND */
MUST_USE enum status record_token_revoke(struct record *r, const uint8_t hash[SHA256_BYTES],
                                         struct err *err); /* NOT_FOUND */
/* The successor was used: what it replaces is revoked, and it is no successor any more. */
MUST_USE enum status record_token_succeed(struct record *r, const struct token_row *t,
                                          struct err *err);
/* Takes one use of a join token, atomically: DENIED when none is left, it has expired or is
 * revoked. */
MUST_USE enum status record_token_use(struct record *r, const uint8_t hash[SHA256_BYTES],
                                      int64_t now_ms, struct err *err);

/* ---- audit: appended to, never changed; long texts are cut ---- */

MUST_USE enum status record_audit(struct record *r, int64_t now_ms, struct span who,
                                  struct span what, struct span detail, struct err *err);
