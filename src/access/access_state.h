/* Inside access/. */
#pragma once

#include "access/access.h"

#include "base/map.h"

#include <pthread.h>

enum {
    SESSION_IDLE_MS = 8 * 3600 * 1000,
    SESSION_LIFE_MS = 7 * 86400 * 1000,
    SESSION_TOUCH_MS = 60 * 1000, /* the record learns of use this often at most */
    ONE_TIME_BYTES = 10,          /* 80 random bits, for a day and with few tries */
    ONE_TIME_MS = 86400 * 1000,
    HASHINGS_MAX = 4, /* passwords hashed at once: 19 MiB each */
    KNOWN_TOKENS_MAX = 100000,
    TOKEN_FRESH_MS = 5000, /* a revoked token works this much longer at most */
};

struct access {
    struct record *record;
    pthread_mutex_t lock;  /* guards what follows */
    pthread_cond_t hashed; /* a hashing has ended */
    unsigned hashings;
    struct map throttles;    /* account or address -> struct throttle */
    struct map known_tokens; /* hash -> struct known_token: agents ask often */
    bool has_dev;
    uint8_t dev_admin[SHA256_BYTES], dev_writer[SHA256_BYTES];
};

static inline pthread_mutex_t *access_lock(struct access *a)
{
    pthread_mutex_lock(&a->lock);
    return &a->lock;
}

static inline void access_unlock(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}

#define auto_lock CLEANUP(access_unlock) pthread_mutex_t UNUSED

/* ---- throttle.c: how often may somebody guess ---- */

/* 0: a try begins, and must be ended; else it is to be made so many seconds from now. The address
 * may be empty. */
int64_t throttle_begin(struct access *a, struct span user, struct span address, int64_t now_ms);
enum throttle_end { TRY_FAILED, TRY_PASSED, TRY_VOID /* nothing was found out */ };
void throttle_end(struct access *a, struct span user, struct span address, enum throttle_end how,
                  int64_t now_ms);
void throttle_free(struct access *a);

/* ---- password.c ---- */

/* INVALID with the reason when it is too short, too long or known to everybody. */
MUST_USE enum status password_fits(struct span password, struct err *err);
/* Terminated text for the record. Both take about 50 ms; at most HASHINGS_MAX run at once. */
enum { PASSWORD_HASH_TEXT_MAX = 128 };
MUST_USE enum status password_hash(struct access *a, struct span password,
                                   char text[PASSWORD_HASH_TEXT_MAX], struct err *err);
/* hash empty: does the same work and says no, so that time does not tell who exists. */
bool password_matches(struct access *a, struct span hash, struct span password);

/* ---- check.c ---- */

void known_tokens_free(struct access *a);
void secret_hash(struct span secret, uint8_t hash[SHA256_BYTES]);
/* What follows "Bearer "; empty when there is none. */
struct span bearer_of(struct span authorization);
