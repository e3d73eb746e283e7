/* OpenSSL contexts, and its failures as sentences. Private to net/. */
#pragma once

#include "base/err.h"
#include "base/span.h"

#include <openssl/ssl.h>

/* So many roots by their hash in the system's folder: the bundle need not be read. Distributions
 * have some 140. */
enum { TLS_HASHED_ROOTS_LEAST = 64 };

/* From PEM files; TLS 1.2 and up. */
MUST_USE enum status tls_server_context(const char *cert_file, const char *key_file, SSL_CTX **out,
                                        struct err *err);
/* Checks the chain against ca_file, or the system's roots when NULL. */
MUST_USE enum status tls_client_context(const char *ca_file, SSL_CTX **out, struct err *err);
/* It is shared by all that trust the same file: only this frees it. NULL is fine. */
void tls_client_context_free(SSL_CTX *ctx);
/* The peer must prove to be host, a name or an address. */
bool tls_expect_host(SSL *ssl, const char *host);

/* What the peer of ssl did wrong, or what its certificate lacks, as words for a person; code is
 * from ERR_get_error. host may be NULL. */
void tls_sentence(const SSL *ssl, unsigned long code, char *text, size_t size);

/* When the first certificate of the chain that the peer has shown expires, in seconds since 1970;
 * 0: it has shown none. */
int64_t tls_peer_expires_s(const SSL *ssl);
/* The same of the certificate that a server's context shows. */
int64_t tls_own_expires_s(SSL_CTX *ctx);

/* A socket, and how much went into it. */
struct tls_socket {
    int fd;
    uint64_t sent_bytes;
};

/* A BIO over s, which must outlive it; it never raises SIGPIPE and does not close. */
BIO *tls_socket_bio(struct tls_socket *s);
