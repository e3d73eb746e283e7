/* Passwords: argon2id by libsodium, 19 MiB and two passes (OWASP's choice). */
#include "access/access_state.h"

#include <sodium.h>

enum { ARGON_MEMORY_BYTES = 19 << 20, ARGON_PASSES = 2 };

_Static_assert(PASSWORD_HASH_TEXT_MAX >= crypto_pwhash_STRBYTES, "room for libsodium's text");

/* Those that are tried first everywhere, as far as they are long enough to be allowed at all. */
static const char *const worst[] = {
    "password",    "12345678",   "123456789",     "1234567890", "qwertyuiop", "password1",
    "iloveyou",    "sunshine",   "princess",      "football",   "baseball",   "superman",
    "trustno1",    "whatever",   "starwars",      "computer",   "internet",   "passw0rd",
    "password123", "qwerty123",  "1q2w3e4r",      "11111111",   "00000000",   "87654321",
    "abcd1234",    "admin123",   "administrator", "changeme",   "letmein123", "welcome1",
    "welcome123",  "monitoring", "galen123",      "asdfghjk",   "zxcvbnm123", "1qaz2wsx",
};

/* Bytes that begin one, in UTF-8. */
static size_t characters(struct span text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += (text.at[i] & 0xc0) != 0x80;
    return n;
}

enum status password_fits(struct span password, struct err *err)
{
    if (characters(password) < PASSWORD_MIN_CHARACTERS)
        return err_set(err, INVALID, "a password has at least %d characters; 15 are better",
                       PASSWORD_MIN_CHARACTERS);
    if (password.len > PASSWORD_MAX_BYTES)
        return err_set(err, INVALID, "a password has at most %d bytes", PASSWORD_MAX_BYTES);
    for (size_t i = 0; i < COUNT(worst); i++)
        if (span_eq_nocase(password, span_of(worst[i])))
            return err_set(err, INVALID, "this password is among the first that are guessed");
    return OK;
}

static void hashing_begins(struct access *a)
{
    pthread_mutex_lock(&a->lock);
    while (a->hashings >= HASHINGS_MAX)
        pthread_cond_wait(&a->hashed, &a->lock);
    a->hashings++;
    pthread_mutex_unlock(&a->lock);
}

static void hashing_ends(struct access *a)
{
    pthread_mutex_lock(&a->lock);
    a->hashings--;
    pthread_cond_signal(&a->hashed);
    pthread_mutex_unlock(&a->lock);
}

enum status password_hash(struct access *a, struct span password, char text[PASSWORD_HASH_TEXT_MAX],
                          struct err *err)
{
    hashing_begins(a);
    int rc = crypto_pwhash_str_alg(text, password.at, password.len, ARGON_PASSES,
                                   ARGON_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13);
    hashing_ends(a);
    return rc ? err_set(err, FULL, "there is no memory to hash a password") : OK;
}

bool password_matches(struct access *a, struct span hash, struct span password)
{
    /* What argon2id makes of nothing: the same parameters, so the same work. */
    static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    char text[PASSWORD_HASH_TEXT_MAX] = {0};
    struct span known = hash.len && hash.len < sizeof text ? hash : span_of(nobody);
    memcpy(text, known.at, known.len);
    hashing_begins(a);
    int rc = crypto_pwhash_str_verify(text, password.at, password.len);
    hashing_ends(a);
    return rc == 0 && hash.len;
}
