/* Randomness, digests and comparisons that do not tell. On OpenSSL, so that the agent needs
 * nothing more; passwords are access/'s, on libsodium. */
#pragma once

#include "base/buf.h"

enum { SHA256_BYTES = 32, TOKEN_BYTES = 32, TOKEN_TEXT_MAX = 64 };

void random_bytes(void *out, size_t n); /* from the kernel; ends the process if it cannot */
uint64_t random_u64(void);
void sha256(struct span data, uint8_t digest[SHA256_BYTES]);
void hex_encode(struct span bytes, char *text);              /* 2 n + 1 characters */
bool hex_decode(struct span text, uint8_t *bytes, size_t n); /* exactly n bytes */
/* Same length and bytes, in time that depends on the lengths only. */
bool secret_eq(struct span a, struct span b);
/* A new token: prefix and 256 random bits in URL-safe text, e.g. "gla_...". */
void token_make(const char *prefix, char text[TOKEN_TEXT_MAX]);
/* CRC-32C (Castagnoli) of the bytes, going on from crc (0 at first); by instruction where the
 * CPU has it. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);
