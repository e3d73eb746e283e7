#include "net/tls.h"

#include "base/arena.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Only what gives forward secrecy and authenticates its records; TLS 1.3 has nothing else. */
static const char tls12_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

static enum status context_failed(SSL_CTX *ctx, struct err *err, const char *what, const char *file)
{
    unsigned long code = ERR_get_error();
    const char *reason =
        ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return err_set(err, INVALID, "%s %s: %s", what, file, reason ? reason : "cannot be used");
}

static SSL_CTX *new_context(const SSL_METHOD *method)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(ctx, tls12_ciphers);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    /* An idle connection holds no record buffers: 10,000 of them would be 300 MiB. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return ctx;
}

enum status tls_server_context(const char *cert_file, const char *key_file, SSL_CTX **out,
                               struct err *err)
{
    *out = NULL;
    SSL_CTX *ctx = new_context(TLS_server_method());
    if (!ctx)
        return context_failed(NULL, err, "tls", "context");
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
        return context_failed(ctx, err, "certificate file", cert_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)
        return context_failed(ctx, err, "key file", key_file);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return context_failed(ctx, err, "the certificate does not belong to the key in", key_file);
    SSL_CTX_set_num_tickets(ctx, 1); /* an agent has one connection */
    *out = ctx;
    return OK;
}

/* HHHHHHHH.N, as c_rehash names them. */
static bool is_hash_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && name[9] >= '0' &&
           name[9] <= '9';
}

/* Whether the folder has the system's roots by their hashes, not only some of an administrator's.
 */
static bool has_hashed_roots(const char *path)
{
    DIR *dir = opendir(path);
    unsigned n = 0;
    for (struct dirent *e; dir && n < TLS_HASHED_ROOTS_LEAST && (e = readdir(dir));)
        n += is_hash_name(e->d_name);
    if (dir)
        closedir(dir);
    return n >= TLS_HASHED_ROOTS_LEAST;
}

/* The bundle of all roots takes 1.3 MiB of memory; by its hash the one that is asked for is read
 * when it is. Who names a file (SSL_CERT_FILE) means it. */
static int trust_system(SSL_CTX *ctx)
{
    const char *dir = getenv(X509_get_default_cert_dir_env());
    if (!getenv(X509_get_default_cert_file_env()) &&
        has_hashed_roots(dir ? dir : X509_get_default_cert_dir()))
        return SSL_CTX_set_default_verify_dir(ctx);
    return SSL_CTX_set_default_verify_paths(ctx);
}

static enum status new_client_context(const char *ca_file, SSL_CTX **out, struct err *err)
{
    SSL_CTX *ctx = new_context(TLS_client_method());
    if (!ctx)
        return context_failed(NULL, err, "tls", "context");
    if (ca_file && SSL_CTX_load_verify_file(ctx, ca_file) != 1)
        return context_failed(ctx, err, "CA file", ca_file);
    if (!ca_file && trust_system(ctx) != 1)
        return context_failed(ctx, err, "CA certificates of", "this system");
    ERR_clear_error();
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    *out = ctx;
    return OK;
}

/* Certificates take memory: who trusts the same file shares one context. */
static struct shared_context {
    struct shared_context *next;
    char *ca_file; /* NULL: the system's roots */
    SSL_CTX *ctx;
    unsigned users;
} * shared;
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;

static bool same_file(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

enum status tls_client_context(const char *ca_file, SSL_CTX **out, struct err *err)
{
    enum status st = OK;
    *out = NULL;
    pthread_mutex_lock(&shared_lock);
    struct shared_context *s = shared;
    while (s && !same_file(s->ca_file, ca_file))
        s = s->next;
    if (!s) {
        SSL_CTX *ctx = NULL;
        st = new_client_context(ca_file, &ctx, err);
        if (!st) {
            s = mem_zero(1, sizeof *s);
            *s = (struct shared_context){
                .next = shared, .ca_file = ca_file ? mem_dup(ca_file) : NULL, .ctx = ctx};
            shared = s;
        }
    }
    if (!st) {
        s->users++;
        *out = s->ctx;
    }
    pthread_mutex_unlock(&shared_lock);
    return st;
}

void tls_client_context_free(SSL_CTX *ctx)
{
    if (!ctx)
        return;
    pthread_mutex_lock(&shared_lock);
    struct shared_context **at = &shared, *s;
    while ((*at)->ctx != ctx)
        at = &(*at)->next;
    s = *at;
    if (--s->users == 0) {
        *at = s->next;
        SSL_CTX_free(s->ctx);
        free(s->ca_file);
        free(s);
    }
    pthread_mutex_unlock(&shared_lock);
}

bool tls_expect_host(SSL *ssl, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static const char *hint(long verify)
{
    switch (verify) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return " (check this machine's clock)";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: /* another issuer of the same name */
        return " (the CA file does not hold the issuer of the server's certificate)";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return " (the certificate is for other names)";
    default:
        return "";
    }
}

void tls_sentence(const SSL *ssl, unsigned long code, char *text, size_t size)
{
    long verify = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
    /* Not by the code: a bad signature leaves one of the signature's algorithm. */
    if (verify != X509_V_OK) {
        snprintf(text, size, "%s%s", X509_verify_cert_error_string(verify), hint(verify));
        return;
    }
    const char *reason = ERR_reason_error_string(code);
    bool not_tls = ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER;
    snprintf(text, size, "%s%s", reason ? reason : "the handshake failed",
             not_tls ? " (the peer does not speak TLS on this port)" : "");
}

static bool expires_s(const X509 *certificate, int64_t *out)
{
    struct tm at;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &at) != 1)
        return false;
    *out = (int64_t)timegm(&at);
    return true;
}

int64_t tls_peer_expires_s(const SSL *ssl)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    int64_t first_s = 0, at_s;
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (expires_s(sk_X509_value(chain, i), &at_s) && (first_s == 0 || at_s < first_s))
            first_s = at_s;
    return first_s;
}

int64_t tls_own_expires_s(SSL_CTX *ctx)
{
    int64_t at_s = 0;
    X509 *own = SSL_CTX_get0_certificate(ctx);
    return own && expires_s(own, &at_s) ? at_s : 0;
}

/* ---- the socket under a TLS connection ---- */

static BIO_METHOD *socket_method;
static pthread_once_t socket_method_once = PTHREAD_ONCE_INIT;

static int bio_done(BIO *bio, ssize_t n, int retry_flag)
{
    BIO_clear_retry_flags(bio);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
    return (int)n;
}

static int bio_read(BIO *bio, char *to, int n)
{
    struct tls_socket *s = BIO_get_data(bio);
    return bio_done(bio, recv(s->fd, to, (size_t)n, 0), BIO_FLAGS_READ);
}

static int bio_write(BIO *bio, const char *from, int n)
{
    struct tls_socket *s = BIO_get_data(bio);
    ssize_t sent = send(s->fd, from, (size_t)n, MSG_NOSIGNAL);
    if (sent > 0)
        s->sent_bytes += (uint64_t)sent;
    return bio_done(bio, sent, BIO_FLAGS_WRITE);
}

static long bio_ctrl(BIO *bio UNUSED, int command, long n UNUSED, void *p UNUSED)
{
    return command == BIO_CTRL_FLUSH; /* nothing is held back */
}

static void make_socket_method(void)
{
    socket_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "galen socket");
    BIO_meth_set_read(socket_method, bio_read);
    BIO_meth_set_write(socket_method, bio_write);
    BIO_meth_set_ctrl(socket_method, bio_ctrl);
}

BIO *tls_socket_bio(struct tls_socket *s)
{
    pthread_once(&socket_method_once, make_socket_method);
    BIO *bio = BIO_new(socket_method);
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    return bio;
}
