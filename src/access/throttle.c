/* How often may somebody guess: five wrong tries a minute for an account, twenty for an address;
 * then one try at a time, and each further wrong one doubles the wait, up to 15 minutes. Nobody is
 * locked out for ever. A try counts from its begin on, so that many at once are no way around. */
#include "access/access_state.h"

#include <arpa/inet.h>

enum {
    ACCOUNT_TRIES = 5,
    ADDRESS_TRIES = 20,
    WINDOW_MS = 60 * 1000,
    WAIT_MAX_MS = 15 * 60 * 1000,
    THROTTLES_MAX = 10000,
    THROTTLE_KEY_MAX = 80,
};

struct throttle {
    char key[THROTTLE_KEY_MAX];
    unsigned tries; /* that are allowed before the first wait */
    unsigned failures, under_way;
    int64_t last_ms, until_ms;
};

/* kind and colon in front, so that an account is no address. The key is bytes, not text. */
static struct span key_of(char bytes[THROTTLE_KEY_MAX], char kind, struct span rest)
{
    size_t n = MIN(rest.len, (size_t)THROTTLE_KEY_MAX - 2);
    bytes[0] = kind;
    bytes[1] = ':';
    if (n)
        memcpy(bytes + 2, rest.at, n);
    return span_from(bytes, n + 2);
}

static struct span account_key(char bytes[THROTTLE_KEY_MAX], struct span name)
{
    return key_of(bytes, 'u', name);
}

/* Who has one IPv6 address has 2^64 of them: the first half is the key. */
static struct span address_key(char bytes[THROTTLE_KEY_MAX], struct span address)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct in6_addr v6;
    if (address.len && address.len < sizeof text)
        memcpy(text, address.at, address.len);
    if (inet_pton(AF_INET6, text, &v6) == 1 && !IN6_IS_ADDR_V4MAPPED(&v6))
        return key_of(bytes, '6', span_from(&v6, sizeof v6 / 2));
    return key_of(bytes, 'a', address);
}

/* What failures there were may be forgotten. */
static bool is_over(const struct throttle *t, int64_t now_ms)
{
    if (t->failures < t->tries)
        return now_ms - t->last_ms > WINDOW_MS;
    return now_ms - t->until_ms > WAIT_MAX_MS;
}

static void forget(struct access *a, struct span key)
{
    struct throttle *t = map_remove(&a->throttles, key);
    free(t);
}

/* Makes room: what is over goes, else what was quiet for longest. */
static void forget_some(struct access *a, int64_t now_ms)
{
    struct map_slot *oldest = NULL;
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&a->throttles, &at));) {
        const struct throttle *t = slot->value;
        if (t->under_way)
            continue;
        if (is_over(t, now_ms))
            forget(a, slot->key);
        else if (!oldest || t->last_ms < ((struct throttle *)oldest->value)->last_ms)
            oldest = slot;
    }
    if (a->throttles.count >= THROTTLES_MAX && oldest)
        forget(a, oldest->key);
}

static struct throttle *find_or_add(struct access *a, struct span key, unsigned tries,
                                    int64_t now_ms)
{
    struct throttle *t = map_get(&a->throttles, key);
    if (t)
        return t;
    if (a->throttles.count >= THROTTLES_MAX)
        forget_some(a, now_ms);
    t = mem_zero(1, sizeof *t);
    memcpy(t->key, key.at, key.len);
    t->tries = tries;
    map_put(&a->throttles, span_from(t->key, key.len), t);
    return t;
}

/* Milliseconds until a try is allowed. */
static int64_t wait_of(struct throttle *t, int64_t now_ms)
{
    if (is_over(t, now_ms))
        t->failures = 0;
    if (t->until_ms > now_ms && t->failures >= t->tries)
        return t->until_ms - now_ms;
    unsigned allowed = t->failures < t->tries ? t->tries - t->failures : 1;
    return t->under_way < allowed ? 0 : 1000;
}

static void count(struct throttle *t, enum throttle_end how, int64_t now_ms)
{
    t->under_way--;
    if (how != TRY_FAILED)
        return;
    t->last_ms = now_ms;
    t->failures++;
    if (t->failures < t->tries)
        return;
    unsigned doublings = MIN(t->failures - t->tries, 8u);
    t->until_ms = now_ms + MIN((int64_t)WINDOW_MS << doublings, (int64_t)WAIT_MAX_MS);
}

int64_t throttle_begin(struct access *a, struct span user, struct span address, int64_t now_ms)
{
    auto_lock *lock = access_lock(a);
    char key[THROTTLE_KEY_MAX];
    struct throttle *account = find_or_add(a, account_key(key, user), ACCOUNT_TRIES, now_ms);
    account->under_way++; /* already now: adding the other must not make it be forgotten */
    struct throttle *from = NULL;
    if (address.len)
        from = find_or_add(a, address_key(key, address), ADDRESS_TRIES, now_ms);
    account->under_way--;
    int64_t wait_ms = wait_of(account, now_ms);
    if (from)
        wait_ms = MAX(wait_ms, wait_of(from, now_ms));
    if (wait_ms)
        return (wait_ms + 999) / 1000;
    account->under_way++;
    if (from)
        from->under_way++;
    return 0;
}

void throttle_end(struct access *a, struct span user, struct span address, enum throttle_end how,
                  int64_t now_ms)
{
    auto_lock *lock = access_lock(a);
    char key[THROTTLE_KEY_MAX];
    struct throttle *account = map_get(&a->throttles, account_key(key, user));
    count(account, how, now_ms);
    if (how == TRY_PASSED)
        account->failures = 0;
    if (address.len)
        count(map_get(&a->throttles, address_key(key, address)), how, now_ms);
}

void throttle_free(struct access *a)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&a->throttles, &at));)
        free(slot->value);
    map_free(&a->throttles);
}
