/* Secrets of channels at rest: sealed with a key that is in no backup and no answer. */
#include "notify/channel.h"

#include "base/crypto.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE_BYTES = 12, TAG_BYTES = 16, SEALED_MAX_BYTES = 64 << 10 };

static void cipher_free(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c);
}

void secret_seal(const uint8_t key[NOTIFY_KEY_BYTES], struct span plain, struct buf *out)
{
    CLEANUP(cipher_free) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    size_t n = MIN(plain.len, (size_t)SEALED_MAX_BYTES), whole = NONCE_BYTES + n + TAG_BYTES;
    auto_free uint8_t *sealed = mem_alloc(whole);
    auto_free char *text = mem_alloc(2 * whole + 1);
    int written = 0, rest = 0;
    random_bytes(sealed, NONCE_BYTES);
    if (!c || !EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, sealed) ||
        !EVP_EncryptUpdate(c, sealed + NONCE_BYTES, &written, (const uint8_t *)plain.at, (int)n) ||
        !EVP_EncryptFinal_ex(c, sealed + NONCE_BYTES + written, &rest) ||
        !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, sealed + NONCE_BYTES + n))
        abort(); /* OpenSSL without AES, or without memory */
    hex_encode(span_from(sealed, whole), text);
    buf_str(out, text);
}

bool secret_unseal(const uint8_t key[NOTIFY_KEY_BYTES], struct span sealed, char **out)
{
    CLEANUP(cipher_free) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    size_t whole = sealed.len / 2;
    int written = 0, rest = 0;
    *out = NULL;
    if (whole < NONCE_BYTES + TAG_BYTES || whole > SEALED_MAX_BYTES + NONCE_BYTES + TAG_BYTES)
        return false;
    auto_free uint8_t *bytes = mem_alloc(whole);
    size_t n = whole - NONCE_BYTES - TAG_BYTES;
    char *plain = mem_zero(1, n + 1);
    if (c && hex_decode(sealed, bytes, whole) &&
        EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, bytes) &&
        EVP_DecryptUpdate(c, (uint8_t *)plain, &written, bytes + NONCE_BYTES, (int)n) &&
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, bytes + NONCE_BYTES + n) &&
        EVP_DecryptFinal_ex(c, (uint8_t *)plain + written, &rest) > 0) {
        *out = plain;
        return true;
    }
    explicit_bzero(plain, n);
    free(plain);
    return false;
}
