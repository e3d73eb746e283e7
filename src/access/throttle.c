/* How often may somebody guess: five wrong tries a minute for an account, twenty for an address;
 * then each further one doubles the wait, up to 15 minutes. Nobody is locked out for ever. */
#include "access/access_state.h"

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
    unsigned failures;
    int64_t last_ms, until_ms;
};

static struct span key_of(char text[THROTTLE_KEY_MAX], char kind, struct span name)
{
    size_t n = MIN(name.len, (size_t)THROTTLE_KEY_MAX - 3);
    text[0] = kind;
    text[1] = ':';
    if (n)
        memcpy(text + 2, name.at, n);
    text[n + 2] = 0;
    return span_from(text, n + 2);
}

static struct throttle *find(struct access *a, char kind, struct span name)
{
    char text[THROTTLE_KEY_MAX];
    return map_get(&a->throttles, key_of(text, kind, name));
}

/* What has been quiet for a while is forgotten, so that guessing names fills no memory. */
static void forget_old(struct access *a, int64_t now_ms)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&a->throttles, &at));) {
        struct throttle *t = slot->value;
        if (now_ms - t->last_ms < WAIT_MAX_MS)
            continue;
        map_remove(&a->throttles, span_of(t->key));
        free(t);
    }
}

static void count(struct access *a, char kind, struct span name, unsigned tries, int64_t now_ms)
{
    struct throttle *t = find(a, kind, name);
    if (!t && a->throttles.count >= THROTTLES_MAX)
        forget_old(a, now_ms);
    if (!t && a->throttles.count >= THROTTLES_MAX)
        return;
    if (!t) {
        t = mem_zero(1, sizeof *t);
        map_put(&a->throttles, key_of(t->key, kind, name), t);
    }
    if (now_ms - t->last_ms > WINDOW_MS && now_ms > t->until_ms)
        t->failures = 0;
    t->last_ms = now_ms;
    t->failures++;
    if (t->failures < tries)
        return;
    unsigned doublings = MIN(t->failures - tries, 8u);
    t->until_ms = now_ms + MIN((int64_t)WINDOW_MS << doublings, (int64_t)WAIT_MAX_MS);
}

static int64_t wait_of(const struct throttle *t, int64_t now_ms)
{
    return t && t->until_ms > now_ms ? (t->until_ms - now_ms + 999) / 1000 : 0;
}

int64_t throttle_wait_s(struct access *a, struct span user, struct span address, int64_t now_ms)
{
    auto_lock *lock = access_lock(a);
    int64_t account = wait_of(find(a, 'u', user), now_ms);
    int64_t from = wait_of(find(a, 'a', address), now_ms);
    return MAX(account, from);
}

void throttle_failed(struct access *a, struct span user, struct span address, int64_t now_ms)
{
    auto_lock *lock = access_lock(a);
    count(a, 'u', user, ACCOUNT_TRIES, now_ms);
    count(a, 'a', address, ADDRESS_TRIES, now_ms);
}

void throttle_passed(struct access *a, struct span user)
{
    auto_lock *lock = access_lock(a);
    char text[THROTTLE_KEY_MAX];
    free(map_remove(&a->throttles, key_of(text, 'u', user)));
}

void throttle_free(struct access *a)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&a->throttles, &at));)
        free(slot->value);
    map_free(&a->throttles);
}
