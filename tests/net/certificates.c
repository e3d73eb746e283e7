#include "certificates.h"

#include "unit.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void add_extension(X509 *c, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    X509_add_ext(c, e, -1);
    X509_EXTENSION_free(e);
}

static X509 *make(const char *common_name, EVP_PKEY *key, long serial, long from_s, long to_s)
{
    X509 *c = X509_new();
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), serial);
    X509_gmtime_adj(X509_getm_notBefore(c), from_s);
    X509_gmtime_adj(X509_getm_notAfter(c), to_s);
    X509_set_pubkey(c, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                               (const unsigned char *)common_name, -1, -1, 0);
    return c;
}

static void write_certificate(const char *path, X509 *c)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    PEM_write_X509(f, c);
    fclose(f);
}

void authority_open(struct authority *a)
{
    *a = (struct authority){.serial = 1};
    snprintf(a->folder, sizeof a->folder, "/tmp/galen-net-XXXXXX");
    assert_non_null(mkdtemp(a->folder));
    snprintf(a->ca_file, sizeof a->ca_file, "%s/ca.crt", a->folder);
    a->key = EVP_EC_gen("P-256");
    a->certificate = make("test authority", a->key, a->serial++, -3600, 3600);
    X509_set_issuer_name(a->certificate, X509_get_subject_name(a->certificate));
    add_extension(a->certificate, a->certificate, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(a->certificate, a->key, EVP_sha256());
    write_certificate(a->ca_file, a->certificate);
}

void remove_files(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(folder);
}

void authority_close(struct authority *a)
{
    remove_files(a->folder);
    X509_free(a->certificate);
    EVP_PKEY_free(a->key);
}

void authority_issue(struct authority *a, const char *name, const char *names, long from_s,
                     long to_s, char cert_file[128], char key_file[128])
{
    snprintf(cert_file, 128, "%s/%s.crt", a->folder, name);
    snprintf(key_file, 128, "%s/%s.key", a->folder, name);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *c = make(name, key, a->serial++, from_s, to_s);
    X509_set_issuer_name(c, X509_get_subject_name(a->certificate));
    add_extension(c, a->certificate, NID_subject_alt_name, names);
    X509_sign(c, a->key, EVP_sha256());
    write_certificate(cert_file, c);
    FILE *f = fopen(key_file, "w");
    assert_non_null(f);
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_free(c);
    EVP_PKEY_free(key);
}
