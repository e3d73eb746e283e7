#include "base/crypto.h"

#include "base/err.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *out, size_t n)
{
    char *p = out;
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0) {
            perror("getrandom");
            abort(); /* going on without randomness would make every secret guessable */
        }
        p += got;
        n -= (size_t)got;
    }
}

uint64_t random_u64(void)
{
    uint64_t n;
    random_bytes(&n, sizeof n);
    return n;
}

void sha256(struct span data, uint8_t digest[SHA256_BYTES])
{
    SHA256((const unsigned char *)data.at, data.len, digest);
}

void hex_encode(struct span bytes, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.at[i];
        *text++ = digits[c >> 4];
        *text++ = digits[c & 15];
    }
    *text = 0;
}

bool hex_decode(struct span text, uint8_t *bytes, size_t n)
{
    if (text.len != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint64_t value;
        if (!span_hex(span_from(text.at + 2 * i, 2), &value))
            return false;
        bytes[i] = (uint8_t)value;
    }
    return true;
}

bool secret_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}

void token_make(const char *prefix, char text[TOKEN_TEXT_MAX])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[43]; /* 43 characters of 6 bits: 258 bits */
    random_bytes(bytes, sizeof bytes);
    struct buf out = {.max = TOKEN_TEXT_MAX};
    size_t n = MIN(strlen(prefix), (size_t)TOKEN_TEXT_MAX - sizeof bytes - 1);
    buf_put(&out, prefix, n);
    for (size_t i = 0; i < sizeof bytes; i++)
        buf_char(&out, digits[bytes[i] & 63]);
    memcpy(text, buf_text(&out), out.len + 1);
    explicit_bzero(out.at, out.len);
    buf_free(&out);
}

static uint32_t crc_table[256];

__attribute__((constructor)) static void crc_table_fill(void)
{
    for (uint32_t i = 0; i < COUNT(crc_table); i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
        crc_table[i] = c;
    }
}

static uint32_t crc32c_bytes(uint32_t crc, const unsigned char *p, size_t n)
{
    while (n--)
        crc = crc_table[(crc ^ *p++) & 255] ^ crc >> 8;
    return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse(uint32_t crc, const unsigned char *p,
                                                             size_t n)
{
    uint64_t c = crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        c = __builtin_ia32_crc32di(c, word);
    }
    return crc32c_bytes((uint32_t)c, p, n);
}
#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t n)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc32c_sse(~crc, bytes, n);
#endif
    return ~crc32c_bytes(~crc, bytes, n);
}
